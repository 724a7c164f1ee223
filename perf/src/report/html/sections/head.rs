//! The verdict, and what is wrong with the run if something is.

use maud::{Markup, html};

use super::{Side, beside};
use crate::report::html::format::duration;
use crate::report::verdict::{CONTROL_MARGIN, doubts};

/// The verdict of each run.
pub(in crate::report::html) fn verdicts(sides: &[Side<'_>]) -> Markup {
    beside(sides, |side| {
        let run = side.data.run;
        let host = &run.header.host;
        let took =
            run.elapsed_s.map_or_else(|| "not ended".to_owned(), |elapsed| format!("took {}", duration(elapsed)));
        let (_, failed) = run.controls(CONTROL_MARGIN);
        html! {
            p.verdict { (side.input.verdict) }
            @if !doubts(run).is_empty() {
                div.warning role="note" {
                    p { strong { "Read with care." } " " (doubts(run).join("; ")) "." }
                    @if !failed.is_empty() {
                        p { "Plain differed from itself by more than 2 % on: " (failed.join("; ")) "." }
                    }
                }
            }
            p.where { (host.cpu) ", " (host.cores) " cores, " (host.simd_path) ", " (host.os) "; " (took) "." }
        }
    })
}
