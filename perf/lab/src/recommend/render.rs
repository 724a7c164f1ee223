//! The advice in words, as a line of a `Cargo.toml`, and as Rust.

use std::fmt::Write as _;

use fairbench::measure::stats::Quartiles;

use super::{Advice, Candidate, Expected, Tuned};
use crate::catalogue::Knobs;
use crate::run::compositions::LEAST_DIFFERENCE;

impl Advice {
    /// One sentence that says what to run and how sure that is.
    #[must_use]
    pub fn headline(&self) -> String {
        let name = self.chosen.variant.seams.name();
        let word = match self.as_fast.as_slice() {
            [] => "the fastest safe composition".to_owned(),
            names => {
                let why = if self.is_simpler_among(names) {
                    "the fastest safe composition by its median"
                } else {
                    "the simplest of the fastest safe compositions"
                };
                format!("{why}; it cannot be told from {}", any_of(names))
            }
        };
        let next = match &self.next_best {
            Some((next, ratio)) if ratio.lower > 1.0 => {
                format!("; next best that is measurably slower: `{next}`, {}", ratio.percent())
            }
            // The chosen one has a wide interval of its own.
            Some((next, ratio)) => {
                format!("; `{next}` is measurably slower than the fastest, but against this one: {}", ratio.percent())
            }
            None => "; no other is measurably slower".to_owned(),
        };
        format!("{}: run `{name}`, {word}{next}.", self.point)
    }

    /// Whether one of these has fewer backends than the chosen one.
    fn is_simpler_among(&self, names: &[String]) -> bool {
        let backends = |candidate: &Candidate| candidate.variant.seams.beyond_plain().len();
        self.ranking.iter().any(|candidate| {
            names.contains(&candidate.variant.seams.name()) && backends(candidate) < backends(&self.chosen)
        })
    }

    /// The dependency as a line of a service's `Cargo.toml`.
    #[must_use]
    pub fn cargo_toml(&self) -> String {
        let features: Vec<String> =
            self.chosen.variant.features.iter().map(|feature| format!("\"{feature}\"")).collect();
        format!(
            "ron-auth = {{ path = \"…/verifier\", default-features = false, features = [{}] }}",
            features.join(", ")
        )
    }

    /// The `VerifierConfig` in Rust, with only those fields that differ from the defaults.
    #[must_use]
    pub fn config(&self) -> String {
        let Knobs { soa_threshold, par_min_batch, threads } = self.chosen.knobs;
        let defaults = Knobs::defaults(threads);
        let knobs = [
            ("soa_threshold", soa_threshold, defaults.soa_threshold),
            ("par_min_batch", par_min_batch, defaults.par_min_batch),
        ];
        let changed = knobs.into_iter().filter(|(_, own, default)| own != default);
        let settings: String = changed.map(|(name, own, _)| format!("\nconfig.{name} = {};", number(own))).collect();
        let mutable = if settings.is_empty() { "" } else { "mut " };
        format!("let {mutable}config = ron_auth::VerifierConfig::default();{settings}")
    }

    /// What to expect in words: tokens per second, CPU time per million verifications.
    #[must_use]
    pub fn expectation(&self) -> String {
        let expected = &self.expected;
        let million = |rate: Quartiles| spread(rate.scaled(1e-6), 3);
        let mut text = format!(
            "{} ns per token; {} million tokens per second per core",
            spread(expected.ns_per_token, 0),
            million(expected.tokens_per_second_per_core()),
        );
        if expected.cores > 1 {
            text += &self.on_all_cores();
        }
        let _ =
            write!(text, "; {} core-seconds per million verifications", spread(expected.core_seconds_per_million(), 3));
        if let Some(price) = self.price_per_core_hour {
            let _ = write!(text, ", which cost {} at {price} per core-hour", money(expected.cost_per_million(price)));
        }
        text + " (quartiles over blocks in brackets)."
    }

    /// The rate on all cores. For more cores than there were to measure on it is an estimate without an interval.
    fn on_all_cores(&self) -> String {
        let Expected { cores, .. } = self.expected;
        let million = self.expected.tokens_per_second().scaled(1e-6);
        let here = self.host.cores;
        if cores > here {
            let (most, plural) = (two_digits(million.median), if here == 1 { "" } else { "s" });
            return format!(", at most about {most} million on {cores} cores (this host has {here} core{plural})");
        }
        let unless = if self.expected.is_measured_on_all_cores() {
            ""
        } else {
            " if they do not slow each other, which was not measured"
        };
        format!(", {} on {cores} cores{unless}", spread(million, 3))
    }

    /// The whole advice as Markdown, for a terminal or a pull request.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!("**{}**\n\n", self.headline());
        for warning in &self.warnings {
            let _ = writeln!(text, "**Careful:** {warning}\n");
        }
        let _ = writeln!(text, "```toml\n{}\n```\n\n```rust\n{}\n```\n", self.cargo_toml(), self.config());
        if let Some(Tuned { to_default, tried, .. }) = self.tuned {
            let of = match tried {
                1 => "no others were tried".to_owned(),
                _ => format!("the interval is widened because {tried} were tried"),
            };
            let to_default = to_default.percent();
            let _ = writeln!(text, "Time with these knobs against the default ones: {to_default}; {of}.\n");
        }
        let _ = writeln!(text, "{}\n", self.expectation());
        let _ = writeln!(text, "What would change the advice:\n");
        for sentence in &self.would_change {
            let _ = writeln!(text, "- {sentence}");
        }
        if self.would_change.is_empty() {
            let _ =
                writeln!(text, "- That is unknown: the run measured nothing else that this could be compared with.");
        }
        let _ = writeln!(text, "\n{}\n{}", self.table(), self.method());
        text
    }

    /// A table of all safe compositions, fastest first.
    fn table(&self) -> String {
        let mut text = "| safe composition | time / fastest | time / plain | ns/token | measurably slower |\n\
                        |---|---:|---:|---:|---|\n"
            .to_owned();
        for candidate in &self.ranking {
            let name = candidate.variant.seams.name();
            let told = if self.indistinguishable.contains(&name) { "no" } else { "yes" };
            let _ = writeln!(
                text,
                "| `{name}` | {} | {} | {:.0} | {told} |",
                candidate.to_fastest, candidate.to_plain, candidate.ns_per_token
            );
        }
        text
    }

    fn method(&self) -> String {
        let excluded = self.excluded.as_ref().map_or_else(String::new, |(name, ratio)| {
            format!("; the fastest of those, `{name}`, against the chosen one: {} time", ratio.percent())
        });
        format!(
            "Left out are compositions that decode with serde_cbor, which is archived upstream (RUSTSEC-2021-0127){excluded}.\n\
             \n\
             Measured in {} blocks of fresh processes on {} ({} cores, {}), {}. All compositions were checked to \
             decide alike first. Intervals are 95 %; measurably slower means by more than {:.0} %, with intervals \
             widened for {} comparisons, so that no composition is chosen by chance.",
            self.blocks,
            self.host.cpu,
            self.host.cores,
            self.host.simd_path,
            self.measured_utc,
            100.0 * LEAST_DIFFERENCE,
            self.ranking.len().saturating_sub(1),
        )
    }
}

/// A list such as `` `a`, `b` or `c` ``; more than three names are only counted.
fn any_of(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => format!("`{one}`"),
        [one, two] => format!("`{one}` or `{two}`"),
        [one, two, three] => format!("`{one}`, `{two}` or `{three}`"),
        several => format!("{} others", several.len()),
    }
}

/// A number in Rust's notation.
fn number(value: usize) -> String {
    if value == usize::MAX { "usize::MAX".to_owned() } else { value.to_string() }
}

fn spread(Quartiles { q1, median, q3 }: Quartiles, decimals: usize) -> String {
    format!("{median:.decimals$} ({q1:.decimals$}–{q3:.decimals$})")
}

/// A number rounded to two significant digits.
fn two_digits(value: f64) -> f64 {
    format!("{value:.1e}").parse().unwrap_or(value)
}

/// A cost with three significant digits, however small it is.
fn money(cost: Quartiles) -> String {
    let decimals = if cost.median > 0.0 { (2.0 - cost.median.log10().floor()).max(2.0) as usize } else { 2 };
    spread(cost, decimals)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use fairbench::measure::stats::PairedRatio;

    use super::*;
    use crate::recommend::advise;
    use crate::recommend::tests::question;
    use crate::run::simulated::{Truth, run};

    fn advice(truth: &Truth) -> Advice {
        advise(&run(truth, 24), &question(64)).unwrap()
    }

    #[test]
    fn the_headline_says_who_wins_and_by_how_much() {
        let said = advice(&Truth::default()).headline();
        assert!(
            said.starts_with(
                "light, batch 64, 1 thread: run `simd-b64+minicbor-zerocopy+lanes+tls-scratch`, the fastest safe \
                 composition; next best that is measurably slower: `simd-b64+minicbor-zerocopy+lanes`, +2."
            ),
            "{said}"
        );
    }

    #[test]
    fn the_headline_says_when_nothing_could_be_told() {
        let said = advice(&Truth { tls_scratch: 1.0, ..Truth::default() }).headline();
        assert!(
            said.contains(
                "lanes`, the simplest of the fastest safe compositions; it cannot be told from \
                 `simd-b64+minicbor-zerocopy+lanes+tls-scratch`; next best"
            ),
            "{said}"
        );
        let mut blurred = advice(&Truth::default());
        blurred.next_best = Some(("prod".to_owned(), PairedRatio { estimate: 1.0, lower: 0.99, upper: 1.01 }));
        let expected = "`prod` is measurably slower than the fastest, but against this one: +0.0 % (−1.0 to 1.0).";
        assert!(blurred.headline().ends_with(expected), "{}", blurred.headline());
        let nothing =
            Truth { simd_b64: 1.0, lanes: 1.0, tls_scratch: 1.0, lanes_with_parallel: 1.0, ..Truth::default() };
        let said = advice(&nothing).headline();
        assert!(
            said.contains("run `minicbor-zerocopy`, the simplest of")
                && said.contains("; no other is measurably slower"),
            "{said}"
        );
        // Not 15: on one thread half of them do the same work as the other half.
        assert!(said.contains("it cannot be told from 7 others; "), "{said}");
    }

    #[test]
    fn up_to_three_that_are_as_fast_are_named() {
        let mut advice = advice(&Truth::default());
        for (others, expected) in [
            (&["a"][..], "cannot be told from `a`; "),
            (&["a", "b"], "cannot be told from `a` or `b`; "),
            (&["a", "b", "c"], "cannot be told from `a`, `b` or `c`; "),
            (&["a", "b", "c", "d"], "cannot be told from 4 others; "),
        ] {
            advice.as_fast = others.iter().map(|&name| name.to_owned()).collect();
            assert!(advice.headline().contains(expected), "{}", advice.headline());
        }
    }

    #[test]
    fn on_one_thread_a_twin_in_parallel_is_neither_as_fast_nor_next_best() {
        for lanes_with_parallel in [1.0, 1.015] {
            let said = advice(&Truth { lanes_with_parallel, ..Truth::default() }).headline();
            assert!(said.contains(", the fastest safe composition; next best that is measurably slower"), "{said}");
            assert!(!said.contains("parallel") && !said.contains("`prod`"), "{said}");
        }
    }

    #[test]
    fn cores_that_the_host_does_not_have_get_a_guess_of_two_digits_and_no_bracket() {
        let mut advice = advice(&Truth::default());
        advice.expected.ns_per_token = Quartiles { q1: 400.0, median: 1254.5, q3: 2000.0 };
        (advice.expected.cores, advice.host.cores) = (64, 2);
        let said = advice.expectation();
        assert!(said.contains(", at most about 51 million on 64 cores (this host has 2 cores);"), "{said}");
        assert_eq!([0.0512, 0.997, 5.149, 99.6, 512.0].map(two_digits), [0.051, 1.0, 5.1, 100.0, 510.0]);
    }

    #[test]
    fn the_line_of_cargo_toml_parses_and_names_features_that_ron_auth_has() {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../verifier/Cargo.toml");
        let manifest: toml::Table = std::fs::read_to_string(manifest).unwrap().parse().unwrap();
        for truth in [Truth::default(), Truth { parallel: 0.8, lanes_with_parallel: 1.0, ..Truth::default() }] {
            let advice = advice(&truth);
            let line: toml::Table = advice.cargo_toml().parse().unwrap();
            let features = line["ron-auth"]["features"].as_array().unwrap();
            assert!(!features.is_empty() && line["ron-auth"]["default-features"].as_bool() == Some(false));
            for feature in features {
                assert!(manifest["features"].as_table().unwrap().contains_key(feature.as_str().unwrap()), "{feature}");
            }
            let is_full = features.iter().any(|feature| feature.as_str() == Some("full"));
            assert_eq!(is_full, advice.chosen.variant.is_parallel());
        }
    }

    /// Compiles code, runs it, and also gives its text.
    macro_rules! compiled {
        ($config:ident: $($code:tt)*) => {{
            use ron_auth_core as ron_auth;
            $($code)*
            ($config, stringify!($($code)*))
        }};
    }

    #[test]
    fn the_config_is_rust_that_compiles_and_sets_what_differs() {
        let without_spaces = |text: &str| text.split_whitespace().collect::<String>();
        let mut advice = advice(&Truth::default());
        let (config, text) = compiled!(config: let config = ron_auth::VerifierConfig::default(););
        assert_eq!(without_spaces(&advice.config()), without_spaces(text));
        assert_eq!(config.par_min_batch, advice.chosen.knobs.par_min_batch);

        advice.chosen.knobs = Knobs { soa_threshold: 8, par_min_batch: usize::MAX, threads: 1 };
        let (config, text) = compiled!(config:
            let mut config = ron_auth::VerifierConfig::default();
            config.soa_threshold = 8;
            config.par_min_batch = usize::MAX;
        );
        assert_eq!(without_spaces(&advice.config()), without_spaces(text));
        assert_eq!((config.soa_threshold, config.par_min_batch), (8, usize::MAX));
    }

    #[test]
    fn what_to_expect_has_time_rate_and_cost() {
        let mut advice = advice(&Truth::default());
        advice.expected.ns_per_token = Quartiles { q1: 400.0, median: 500.0, q3: 1000.0 };
        assert_eq!(
            advice.expectation(),
            "500 (400–1000) ns per token; 2.000 (1.000–2.500) million tokens per second per core; 0.500 \
             (0.400–1.000) core-seconds per million verifications (quartiles over blocks in brackets)."
        );
        (advice.expected.cores, advice.host.cores) = (4, 4);
        advice.price_per_core_hour = Some(0.036);
        let said = advice.expectation();
        assert!(said.contains("8.000 (4.000–10.000) on 4 cores if they do not slow each other"), "{said}");
        assert!(said.contains("which cost 0.00000500 (0.00000400–0.00001000) at 0.036 per core-hour"), "{said}");
    }

    #[test]
    fn the_whole_says_why_others_are_left_out_and_what_would_change_it() {
        let text = advice(&Truth::default()).markdown();
        for part in [
            "**light, batch 64, 1 thread: run `",
            "```toml\nron-auth = {",
            "```rust\nlet config",
            "What would change the advice:\n\n- ",
            "RUSTSEC-2021-0127); the fastest of those, `simd-b64+lanes+tls-scratch`, against the chosen one: +1",
            "Measured in 24 blocks",
            "widened for 15 comparisons",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(rows.len(), 18);
        assert!(rows.iter().all(|row| row.matches('|').count() == 6), "{text}");
    }
}
