//! What the clock of a benchmark does not see, weighed into its verdict.

use serde::{Deserialize, Serialize};

use super::outcome::Ratio;
use crate::compare::decide::Claim;
use crate::compare::evidence::{GateVerdict, Weighed};
use crate::compare::unseen::{UnseenFinding, UnseenKind, worst};

/// What is less than this part of the base's time is not mentioned beside something else.
const WORTH_NAMING: f64 = 0.01;

/// A finding about time that the clock of a benchmark does not see.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unseen {
    /// The kind of time: waiting, or CPU time of other threads.
    pub kind: UnseenKind,
    /// What the ratio of times that include it allows to be claimed.
    #[serde(rename = "standing")]
    pub claim: Claim,
    /// candidate / base with it; above 1 is slower. `None` if there were too few blocks.
    pub ratio: Option<Ratio>,
    /// control / base with it, which should be 1.
    pub control: Option<Ratio>,
    /// Its part of the candidate's time, as a part of one: for waiting, of the time with it; for other threads, of the
    /// CPU time of the thread itself.
    pub candidate_share: Option<Ratio>,
    /// Its part of the base's time, likewise.
    pub base_share: f64,
    /// How often each side gave up its core per 1000 items, base and candidate. `None` if the probes don't tell, so
    /// that wall time against CPU time had to do.
    pub switches_per_1000: Option<[f64; 2]>,
}

impl Unseen {
    pub(super) fn of(finding: &UnseenFinding) -> Self {
        Self {
            kind: finding.kind,
            claim: finding.claim(),
            ratio: finding.decision.change.map(Ratio::of),
            control: finding.decision.control.map(Ratio::of),
            candidate_share: finding.share.map(|share| Ratio {
                estimate: share.median,
                lower: share.lower,
                upper: share.upper,
            }),
            base_share: finding.base_share,
            switches_per_1000: finding.switches_per_1000,
        }
    }

    /// The share alone: `17.4 % of its time off the processor`.
    #[must_use]
    pub fn share(&self) -> String {
        let share = self.candidate_share.map_or_else(|| "part".to_owned(), |share| percent(share.estimate));
        match self.kind {
            UnseenKind::Waiting => format!("{share} of its time off the processor"),
            UnseenKind::OtherThreads => format!("other threads busy for {share} of its CPU time"),
        }
    }

    /// The finding in words, with all of its evidence.
    #[must_use]
    pub fn evidence(&self) -> String {
        let interval = self.candidate_share.map_or_else(String::new, |Ratio { lower, upper, .. }| {
            format!(" ({:.1}–{:.1})", 100.0 * lower, 100.0 * upper)
        });
        let base = percent(self.base_share);
        let switches = match (self.kind, self.switches_per_1000) {
            (_, Some([base, candidate])) => {
                format!("; {candidate:.1} voluntary switches per 1000 items, base {base:.1}")
            }
            (UnseenKind::Waiting, None) => {
                "; judged by wall time against CPU time, since the probes do not report voluntary switches".to_owned()
            }
            (UnseenKind::OtherThreads, None) => String::new(),
        };
        format!("{}{interval}, base {base}{switches}", self.share())
    }
}

fn percent(part: f64) -> String {
    format!("{:.1} %", 100.0 * part)
}

/// Weighs what the clock does not see into the verdict on time and counts.
pub(super) fn weigh_in(weighed: Weighed, time: Claim, findings: &[UnseenFinding]) -> Weighed {
    let is_alarm = |claim: Claim| matches!(claim, Claim::Warn | Claim::Fail);
    // A slow-down that the clock sees as well is in these ratios too; what is not seen has to be a part of it.
    let slower = findings
        .iter()
        .filter(|finding| is_alarm(finding.claim()) && finding.more >= WORTH_NAMING)
        .max_by(|a, b| median(a).total_cmp(&median(b)));
    if let Some(finding) = slower.filter(|_| weighed.verdict != GateVerdict::CouldNotMeasure) {
        let evidence = Unseen::of(finding).evidence();
        let worse = finding.claim() == Claim::Fail && time != Claim::Fail || !is_alarm(time);
        // A slow-down that counts do not explain may be the layout's, and stays a warning unless waiting is most of it.
        let may_be_layout = weighed.verdict == GateVerdict::Warn;
        if worse && !may_be_layout || finding.explains_the_slow_down() {
            return Weighed { verdict: GateVerdict::Waits, reason: Some(evidence) };
        }
        let reason = weighed.reason.map_or_else(|| evidence.clone(), |reason| format!("{reason}; also {evidence}"));
        return Weighed { reason: Some(reason), ..weighed };
    }
    if weighed.verdict == GateVerdict::Warn {
        let reason = |untold: &str| {
            Some(weighed.reason.as_ref().map_or_else(|| untold.to_owned(), |reason| format!("{reason}; {untold}")))
        };
        return match worst(Claim::Pass, findings) {
            Claim::ControlFailed => Weighed {
                verdict: GateVerdict::CouldNotMeasure,
                reason: reason("and base and control wait for different times"),
            },
            Claim::Inconclusive => Weighed {
                verdict: GateVerdict::Inconclusive,
                reason: reason("and whether it waits more could not be told"),
            },
            _ => weighed,
        };
    }
    match (weighed.verdict, worst(time, findings)) {
        (GateVerdict::Pass | GateVerdict::Faster, Claim::ControlFailed) => Weighed {
            verdict: GateVerdict::CouldNotMeasure,
            reason: Some("base and control wait for different times".to_owned()),
        },
        (GateVerdict::Pass | GateVerdict::Faster, Claim::Inconclusive) => Weighed {
            verdict: GateVerdict::Inconclusive,
            reason: Some("CPU time is not up, but whether it waits more could not be told".to_owned()),
        },
        (GateVerdict::Faster, Claim::Pass) => Weighed {
            verdict: GateVerdict::Pass,
            reason: Some("faster in CPU time of its thread, but not with what it waits or leaves to others".to_owned()),
        },
        _ => weighed,
    }
}

fn median(finding: &UnseenFinding) -> f64 {
    finding.decision.change.map_or(0.0, |change| change.median)
}
