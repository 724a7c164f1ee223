//! What is refused before any work is done.
//!
//! The plane applies these to every request by `[limits]`, and a [`Route`](crate::Route) narrows them for itself.
//! Each is a tower layer too, [`Admission`], for services that are put together in another way.

mod body;
mod gate;
mod layer;
mod rates;

pub use gate::{Gate, Permit};
pub use layer::{Admission, AdmissionLayer, Admit, BodyCap};
pub use rates::Rates;

pub(crate) use body::Capped;

use crate::Problem;
use crate::config::Limits;

impl Limits {
    /// Refuses a batch of more items than `max_batch`.
    ///
    /// # Errors
    /// 413 `BatchTooLarge`.
    pub fn batch(&self, items: usize) -> Result<(), Problem> {
        if items > self.max_batch { Err(Problem::batch_too_large()) } else { Ok(()) }
    }
}
