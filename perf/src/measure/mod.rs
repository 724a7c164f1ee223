//! Measuring: turns, rounds, and what may be concluded from them.
//!
//! | file | holds |
//! |---|---|
//! | `subject` | something that can be told to run and says how long it took |
//! | `rounds` | who runs when: shuffled, paired, there and back |
//! | `stats` | medians, quartiles, paired ratios with bootstrap intervals |
//! | `pin` | which core, which thread pool |

pub mod pin;
pub mod rounds;
pub mod stats;
pub mod subject;
