//! The answer in one line.

use std::cmp::Reverse;

use super::pick::Pick;
use super::text::{WIDTH, columns};
use crate::report::verdict::doubts;
use crate::run::Run;

/// What to run on this host, and how sure that is.
pub(super) fn line(run: &Run, picks: &[Pick], is_of_compositions: bool) -> String {
    if run.header.host.build != "release" {
        return format!("No answer: the numbers of a {} build mean nothing.", run.header.host.build);
    }
    let Some(name) = best(picks) else {
        return "No answer: the run did not measure enough to tell what is fastest on this host.".to_owned();
    };
    // A run that is not to be trusted is no reason to be sure.
    let sure = match doubts(run).first().map(|doubt| doubt.split(':').next().unwrap_or_default()) {
        None => "95 % confidence".to_owned(),
        Some(doubt) => format!("{doubt}, see below"),
    };
    let of = if is_of_compositions { "" } else { "of the named variants, " };
    let mut ways = Vec::new();
    if let Some((other, at)) = but_elsewhere(picks, name) {
        let how = WorkloadCounts::of(picks, None).sentence();
        ways.push(format!("On this host run `{name}`, but `{other}` for {at}: {of}{how} ({sure})."));
        ways.push(format!("Run `{name}`, but `{other}` for {at}: {how} ({sure})."));
    }
    let how = WorkloadCounts::of(picks, Some(name)).sentence();
    ways.push(format!("On this host run `{name}`: {of}{how} ({sure})."));
    ways.push(format!("Run `{name}`: {of}{how} ({sure})."));
    ways.push(format!("Run `{name}`: {how} ({sure})."));
    let shortest = format!("Run `{name}`: {how}.");
    ways.into_iter().find(|way| columns(way) <= WIDTH).unwrap_or(shortest)
}

/// What to run instead on the workloads on which this composition is measurably slower, and which these are. `None` if
/// there are none, or if they have no answer in common.
fn but_elsewhere(picks: &[Pick], name: &str) -> Option<(String, String)> {
    let (slower, others): (Vec<&Pick>, Vec<&Pick>) = picks.iter().partition(|pick| is_slower(pick, name));
    let first = slower.first()?;
    let at = batch_and_threads(first);
    let is_one = slower.iter().all(|pick| pick.composition == first.composition && batch_and_threads(pick) == at);
    let is_all = others.iter().all(|pick| batch_and_threads(pick) != at);
    (is_one && is_all).then(|| (first.composition.clone(), at))
}

fn batch_and_threads(pick: &Pick) -> String {
    match pick.point.knobs.threads {
        1 => format!("batch {}", pick.point.batch),
        threads => format!("batch {} on {threads} threads", pick.point.batch),
    }
}

fn is_slower(pick: &Pick, name: &str) -> bool {
    pick.contenders.iter().any(|contender| contender.name == name && contender.is_slower)
}

/// The composition that is measurably slower than the fastest on the fewest workloads; of several, the one that was
/// picked most often, then the simplest.
fn best(picks: &[Pick]) -> Option<&str> {
    let picked: Vec<&str> = picks.iter().map(|pick| pick.composition.as_str()).collect();
    let merit = |name: &&str| {
        let all = || picks.iter().flat_map(|pick| &pick.contenders).filter(|contender| contender.name == **name);
        let kept_up = all().filter(|contender| !contender.is_slower).count();
        let times_picked = picked.iter().filter(|own| *own == name).count();
        (kept_up, times_picked, Reverse(all().map(|contender| contender.backends).next()))
    };
    picked.iter().max_by_key(|name| merit(name)).copied()
}

/// Numbers of workloads on which something is measurably the fastest, cannot be told from the fastest, or is measurably
/// slower.
struct WorkloadCounts {
    all: usize,
    leads: usize,
    tied: usize,
    slower: usize,
    /// By how many per cent it is slower on the worst of them.
    worst_percent: f64,
}

impl WorkloadCounts {
    /// Counts for the composition of this name; without a name, for whatever was picked.
    fn of(picks: &[Pick], name: Option<&str>) -> Self {
        let mut counts = Self { all: picks.len(), leads: 0, tied: 0, slower: 0, worst_percent: 0.0 };
        for pick in picks {
            let name = name.unwrap_or(&pick.composition);
            let own = pick.contenders.iter().find(|contender| contender.name == name);
            match own {
                _ if pick.composition == name && pick.leads() => counts.leads += 1,
                Some(own) if own.is_slower => {
                    counts.slower += 1;
                    counts.worst_percent = counts.worst_percent.max(100.0 * (own.to_fastest.estimate - 1.0));
                }
                Some(_) => counts.tied += 1,
                None => {}
            }
        }
        counts
    }

    fn sentence(&self) -> String {
        let Self { all, leads, tied, slower, worst_percent } = self;
        let mut sentence = match (leads, tied) {
            (0, 1..) => format!("tied for fastest on {tied} of {all} workloads"),
            (_, 0) => format!("fastest on {leads} of {all} workloads"),
            _ => format!("fastest on {leads} of {all} workloads, tied on {tied}"),
        };
        if *slower > 0 {
            sentence += &format!(", {worst_percent:.0} % behind on {slower}");
        }
        sentence
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recommend::tests::run_at;
    use crate::report::html::Input;
    use crate::run::simulated::{self, Truth};

    fn said(run: &Run) -> String {
        Input::of(run, Vec::new(), Ok(Vec::new())).answer.line
    }

    fn released(truth: &Truth, blocks: usize) -> Run {
        let mut run = simulated::run(truth, blocks);
        run.header.host.build = "release".to_owned();
        run.elapsed_s = Some(10.0);
        run
    }

    #[test]
    fn one_composition_is_named_with_how_often_it_leads() {
        let line = said(&released(&Truth::default(), 24));
        assert_eq!(
            line,
            "On this host run `simd-b64+minicbor-zerocopy+lanes+tls-scratch`: fastest on 2 of 2 workloads (95 % \
             confidence)."
        );
    }

    #[test]
    fn a_tie_is_called_one() {
        let line = said(&released(&Truth { tls_scratch: 1.0, ..Truth::default() }, 24));
        assert!(
            line.contains("run `simd-b64+minicbor-zerocopy+lanes`: tied for fastest on 2 of 2 workloads"),
            "{line}"
        );
    }

    #[test]
    fn what_loses_on_some_workloads_is_named_with_what_wins_there() {
        let truth = Truth { lanes: 0.9, lanes_with_parallel: 1.0, ..Truth::default() };
        let points = [("light", 1, 1), ("light", 256, 2), ("heavy", 256, 2)];
        let points = points.map(|(corpus, batch, threads)| simulated::point(corpus, batch, threads));
        let mut run = run_at(&points, &truth, 12);
        (run.header.host.build, run.header.host.cores) = ("release".to_owned(), 2);
        run.elapsed_s = Some(1.0);
        let line = said(&run);
        assert!(
            line.contains("un `prod`: ") || line.contains("`prod` for batch 256 on 2 threads: fastest on"),
            "{line}"
        );
        assert!(columns(&line) <= WIDTH && !line.contains("behind"), "{line}");
    }

    #[test]
    fn doubts_are_part_of_how_sure_it_is() {
        let mut partial = released(&Truth::default(), 24);
        partial.elapsed_s = None;
        assert!(said(&partial).ends_with("(PARTIAL, see below)."), "{}", said(&partial));
        let mut debug = released(&Truth::default(), 24);
        debug.header.host.build = "debug".to_owned();
        assert_eq!(said(&debug), "No answer: the numbers of a debug build mean nothing.");
        let empty = Run { blocks: Vec::new(), ..released(&Truth::default(), 1) };
        assert!(said(&empty).starts_with("No answer: the run did not measure enough"), "{}", said(&empty));
    }

    #[test]
    fn the_line_fits_however_it_comes_out() {
        for truth in [
            Truth::default(),
            Truth { tls_scratch: 1.0, ..Truth::default() },
            Truth { lanes: 1.2, parallel: 0.9, lanes_with_parallel: 0.7, ..Truth::default() },
            Truth { noise: 0.05, ..Truth::default() },
        ] {
            for elapsed_s in [None, Some(1.0)] {
                let line = said(&Run { elapsed_s, ..released(&truth, 12) });
                assert!(columns(&line) <= WIDTH && !line.contains('\n'), "{line}");
            }
        }
    }
}
