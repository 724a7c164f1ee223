//! Measuring: turns, rounds, and what may be concluded from them.
//!
//! | file | holds |
//! |---|---|
//! | `subject` | something that can be told to run and says how long it took |
//! | `rounds` | who runs when: shuffled, paired, there and back |
//! | `stats` | medians, quartiles, paired ratios with bootstrap intervals |
//! | `interval` | the median over blocks and its interval, at any confidence |
//! | `binomial` | chances of counts, intervals of rates |
//! | `pin` | which core, which thread pool |

pub mod binomial;
pub mod interval;
pub mod percent;
pub mod pin;
pub mod queue;
pub mod rounds;
#[cfg(test)]
pub(crate) mod simulated;
pub mod stats;
pub mod subject;

/// A seed for orders and layouts: different for every run.
#[must_use]
pub fn seed_of_now() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default();
    now.as_nanos() as u64
}
