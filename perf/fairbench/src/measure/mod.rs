//! Statistics of what is measured, and where and when measuring is done.
//!
//! | file | holds |
//! |---|---|
//! | `stats` | medians, quartiles, ratios |
//! | `interval` | the median over blocks and its interval, at any confidence |
//! | `binomial` | chances of counts, intervals of rates |
//! | `percent` | parts as people write them |
//! | `pin` | which core, which thread pool |
//! | `queue` | one who measures at a time |

pub mod binomial;
pub mod interval;
pub mod percent;
pub mod pin;
pub mod queue;
/// Simulated noise, for tests, also those of programs that are built on this crate.
#[doc(hidden)]
pub mod simulated;
pub mod stats;

/// A seed for orders and layouts: different for every run.
#[must_use]
pub fn seed_of_now() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default();
    now.as_nanos() as u64
}
