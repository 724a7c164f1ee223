//! The gate, tested as an instrument.
//!
//! Whoever claims to tell 5 % apart on a noisy machine has to show it there. So the gate is given pairs whose truth is
//! known, through the very path that `gate` takes ([`gate::judge`](crate::gate::judge)):
//!
//! - *equal* pairs, with nuisances that must not matter: another size of the environment, another path of the binary,
//!   an unused function that moves all code. An alarm here is a false one.
//! - pairs in which the candidate does a few percent more, or less, of the same work. What is caught is the power.
//!
//! Beside it stands what most people use: two runs of Criterion on the same binary, for the same time, compared by
//! their means as critcmp does.
//!
//! | file | holds |
//! |---|---|
//! | `trials` | the kinds of trials, and what is kept of each |
//! | `journal` | the file that keeps them |
//! | `pairs` | the programs: built, copied, wrapped |
//! | `rates` | false-alarm rates and power, with intervals |
//! | `criterion`, `estimates` | the same question put to Criterion, and its answers |
//! | `source` | the other self-test: patches of the source, through every build |

pub mod criterion;
pub mod estimates;
pub mod journal;
pub mod pairs;
pub mod rates;
pub mod source;
pub mod trials;
