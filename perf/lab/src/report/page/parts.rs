//! The parts of a page. The prose says what a table shows and how to read it; figures come from data alone.

use std::path::Path;

use serde_json::Value;

use super::{ShownPart, stored, tables};

/// A part of a page.
pub struct PagePart {
    /// Name of the part, for its files and for `--measure`.
    pub name: &'static str,
    /// Heading of the section that begins here; `None` if none does. Other documents link to some of these.
    pub heading: Option<&'static str>,
    /// The text before the table.
    pub about: &'static str,
    /// Where the data of the part come from.
    pub(super) origin: Origin,
    /// How it is measured if `--measure` does not do it.
    pub how: &'static str,
}

/// Where the data of a part come from.
#[derive(Clone, Copy)]
pub(super) enum Origin {
    /// A command of the lab.
    Command {
        /// The arguments behind `cargo lab`, `--json` included.
        arguments: &'static [&'static str],
        /// Makes the table from what the command prints.
        table: fn(&Value) -> anyhow::Result<String>,
    },
    /// Data that are stored for another purpose.
    Stored(fn(&Path, &str) -> anyhow::Result<Option<ShownPart>>),
    /// No data in the repository: the part holds a quotation, or says how to get it.
    Elsewhere,
}

/// Name of the part that runs a sweep, which is told where to write.
pub const SWEEP: &str = "sweep";

/// All parts, in the order of the page.
pub const PARTS: [PagePart; 14] = [
    PagePart {
        name: "baseline",
        heading: Some("Canonical benchmarks"),
        about: "What the stored baseline holds: time per token on one thread, and as a multiple of the floor, which \
                was measured in the same blocks.",
        origin: Origin::Stored(stored::baseline),
        how: "`cargo lab baseline save main` does",
    },
    PagePart {
        name: "floor",
        heading: Some("Against the floor and the reference"),
        about: "`single-*` is `verify_token`, `batch*` is `verify_each`, both with owned decisions, on one thread. \
                `plain` is the reference, `classic` a second one that is built as the deployed verifiers are \
                (`perf/catalogue/src/classic/decode.rs` says how): what is compared with `plain` alone is flattered. \
                `baselines/tripwires.toml` holds `classic` to a share of `plain`'s time, in every sweep and gate.",
        origin: Origin::Command { arguments: &["floor", "--large", "--json"], table: tables::floor },
        how: "",
    },
    PagePart {
        name: "floor-avx2",
        heading: None,
        about: "The lanes held to AVX2 (`plain` and the floor are not; built with AVX-512 everywhere, as by `-C \
                target-cpu=native`, `prod-avx2` is n/a):",
        origin: Origin::Command { arguments: &["floor", "--engine", "prod-avx2", "--json"], table: tables::floor },
        how: "",
    },
    PagePart {
        name: "stages",
        heading: None,
        about: "",
        origin: Origin::Elsewhere,
        how: "`scripts/flamegraph.sh prod light` draws the like",
    },
    PagePart {
        name: "adaptive",
        heading: Some("Threads and adaptive choices"),
        about: "What the library chooses for each batch beside both fixed choices, in the same rounds. Above 1 the \
                adaptive choice loses; the command ends with 1 if it is shown to lose more than 3 %.",
        origin: Origin::Command { arguments: &["adaptive", "--json"], table: tables::adaptive },
        how: "",
    },
    PagePart {
        name: "selftest",
        heading: Some("What the gate is worth"),
        about: "Trials through the code path of `gate`: each is a whole gate over the canonical benchmarks on one \
                thread, in fresh processes. Equal programs come with nuisances that must not matter: another size of \
                the environment, another path of the binary, an unused function. Power is counted per benchmark. The \
                last row is two Criterion runs of one binary in the same time, compared by their means at 5 %.",
        origin: Origin::Stored(stored::selftest),
        how: "`cargo lab selftest --trials 16` does",
    },
    PagePart {
        name: "selftest-source",
        heading: None,
        about: "**Through the source.** Patches that must be caught and patches that must not alarm, applied in \
                several ways. No two programs are timed twice: a way that ends in programs which load the same as \
                those that were timed in another takes over their verdict.",
        origin: Origin::Stored(stored::through_the_source),
        how: "`cargo lab selftest --source` does",
    },
    PagePart {
        name: "noise",
        heading: None,
        about: "**Noise.** `prod` against itself: the spread of a block, and the smallest change that would be shown \
                in 95 % of comparisons of a benchmark in so many seconds.",
        origin: Origin::Command { arguments: &["noise", "--seconds", "4", "--json"], table: tables::noise },
        how: "",
    },
    PagePart {
        name: "hostile",
        heading: Some("The dearest token"),
        about: "For each engine, the token of all lengths from 128 to 4,096 bytes that costs most beside an ordinary \
                one of its length, alone and in batches of 64. An ordinary token has the five caveats of `light`, \
                over and over. At most 3 times is aimed at, and 4 bytes of memory held for each character and 4 KiB \
                before the MAC has been checked.",
        origin: Origin::Command { arguments: &["hostile", "--seconds", "0.3", "--json"], table: tables::hostile },
        how: "",
    },
    PagePart {
        name: "timing",
        heading: Some("Does time tell a secret?"),
        about: "Tokens of the shape of `light`, all with a wrong MAC, differ in how many of its first bytes are \
                right, or in the key they are verified with; the intervals hold all together with 99 %. The last row \
                of each block of eight is a comparison that stops at the first wrong byte, added to the verifier for \
                the test: it has to be caught.",
        origin: Origin::Command { arguments: &["timing", "--json"], table: tables::timing },
        how: "",
    },
    PagePart {
        name: SWEEP,
        heading: Some("Variants beside each other"),
        about: "All variants at default knobs, with their allocations per token in steady state, owned results \
                included. The borrowed functions (`verify_token_in`, `verify_each_in`) allocate nothing; `cargo test \
                -p ron-auth --test no_allocation` holds them to it. (A token with more than eight reasons or four \
                obligations allocates one vector.)",
        origin: Origin::Command { arguments: &["sweep", "--quick"], table: tables::sweep },
        how: "",
    },
    PagePart {
        name: "recommend",
        heading: Some("What to run"),
        about: "The advice for a corpus, held against a sweep of everything.",
        origin: Origin::Elsewhere,
        how: "`cargo lab sweep --full --no-instructions --no-profile`, then `cargo lab recommend --corpus C --batch \
              64 --against RUN` for each corpus",
    },
    PagePart {
        name: "peers",
        heading: Some("Peers"),
        about: "Other token libraries: one token per call, one pinned thread, CPU time. Each library first accepted \
                its good tokens and refused a foreign key, every condition broken in turn and every character \
                changed in turn. [perf/peers](../../perf/peers/README.md) says how the work differs.",
        origin: Origin::Command { arguments: &["peers", "--json"], table: tables::peers },
        how: "",
    },
    PagePart {
        name: "criterion",
        heading: Some("Criterion"),
        about: "Absolute times of single runs: good for a look, not for a verdict. `baselines/criterion/` holds the \
                three canonical baselines as critcmp exports; `critcmp baselines/criterion/*.json` compares them, \
                and a run of yours beside them.",
        origin: Origin::Elsewhere,
        how: "`scripts/bench_auth.sh` prints its own comparison",
    },
];

impl PagePart {
    /// The part of this name that `--measure` can measure.
    #[must_use]
    pub fn measurable(name: &str) -> Option<(&'static Self, &'static [&'static str])> {
        PARTS.iter().find(|part| part.name == name).and_then(|part| match part.origin {
            Origin::Command { arguments, .. } => Some((part, arguments)),
            Origin::Stored(_) | Origin::Elsewhere => None,
        })
    }

    /// Names of all that `--measure` can measure.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        PARTS.iter().filter(|part| matches!(part.origin, Origin::Command { .. })).map(|part| part.name).collect()
    }
}
