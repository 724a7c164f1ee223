//! The one line that answers.

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
    let how = how_sure(picks, name);
    // A run that is not to be trusted is no reason to be sure.
    let sure = match doubts(run).first().map(|doubt| doubt.split(':').next().unwrap_or_default()) {
        None => "95 % confidence".to_owned(),
        Some(doubt) => format!("{doubt}, see below"),
    };
    let of = if is_of_compositions { "" } else { "of the named variants, " };
    let ways = [
        format!("On this host run `{name}`: {of}{how} ({sure})."),
        format!("Run `{name}`: {of}{how} ({sure})."),
        format!("Run `{name}`: {how} ({sure})."),
        format!("Run `{name}`: {how}."),
    ];
    let [.., shortest] = &ways;
    ways.iter().find(|way| columns(way) <= WIDTH).unwrap_or(shortest).clone()
}

/// The one that is measurably slower than the fastest on the fewest workloads; of these the one that was picked most often,
/// then the simplest.
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

fn how_sure(picks: &[Pick], name: &str) -> String {
    let (mut leads, mut tied, mut slower) = (0, 0, Vec::new());
    for pick in picks {
        let own = pick.contenders.iter().find(|contender| contender.name == name);
        match own {
            _ if pick.composition == name && pick.leads() => leads += 1,
            Some(own) if own.is_slower => slower.push(100.0 * (own.to_fastest.estimate - 1.0)),
            Some(_) => tied += 1,
            None => {}
        }
    }
    let all = picks.len();
    let mut parts = Vec::new();
    if leads > 0 || tied == 0 {
        parts.push(format!("fastest on {leads} of {all} workloads"));
        if tied > 0 {
            parts.push(format!("tied on {tied}"));
        }
    } else {
        parts.push(format!("tied for fastest on {tied} of {all} workloads"));
    }
    if !slower.is_empty() {
        let worst = slower.iter().copied().fold(0.0, f64::max);
        parts.push(format!("{worst:.0} % behind on {}", slower.len()));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
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
