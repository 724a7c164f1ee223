//! Where and how the run was measured.

use maud::{Markup, html};

use super::{ShownRun, plain_table};
use crate::report::format::duration;

/// The machine and the build that were measured.
pub(in crate::report::html) fn host(side: &ShownRun<'_>) -> Markup {
    let header = &side.data.run.header;
    let budget = header.budget_s.map_or_else(|| "as long as it takes".to_owned(), duration);
    let took = side.data.run.elapsed_s.map_or_else(|| "not ended".to_owned(), duration);
    let mut rows: Vec<Vec<String>> =
        header.host.describe().into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    for (name, value) in
        [("plan", &header.plan), ("began, UTC", &header.started_utc), ("budget", &budget), ("took", &took)]
    {
        rows.push(vec![name.to_owned(), value.clone()]);
    }
    plain_table("What the results depend on besides the code", &["", "value"], 2, rows)
}

/// The method in short.
pub(in crate::report::html) fn method() -> Markup {
    html! { ul { @for sentence in METHOD { li { (sentence) } } } }
}

/// The last line of the page.
pub(in crate::report::html) fn foot() -> Markup {
    html! {
        p { "Made by perf-lab " (env!("CARGO_PKG_VERSION")) " from raw data. The file stands alone: it loads nothing." }
    }
}

const METHOD: [&str; 8] = [
    "Every variant is checked on the tokens it is timed on before anything is timed: same decisions, errors and order \
     as plain, and as the tokens were made for.",
    "A block is one set of fresh processes, one for each variant, with memory layouts drawn anew. Pinned to one core \
     where one thread is measured; on several threads not pinned, and timed by the wall clock.",
    "Within a block the variants take turns on the same tokens, in a shuffled order and back in reverse: what drifts \
     weighs on all alike.",
    "A ratio is time / time, paired by round within a block; the median over blocks of its logarithm is what is shown. \
     Its 95 % interval is that of a median by ranks, and takes at least six blocks. Noise of the machine and \
     chance in the layouts are both part of it.",
    "Nanoseconds are medians over blocks with quartiles. They depend on what else the machine did; ratios hardly do.",
    "The control is plain once more, in a process of its own, in the same turns. Where it is off, nothing else of that \
     panel is to be trusted to that degree.",
    "The floor is SIMD Base64 of the same text and the same MAC messages, and nothing else.",
    "Allocations are counted in steady state by a program with a counting allocator, the owned result included; \
     instructions by callgrind on one thread; peak memory by the system, of a process that did nothing else.",
];
