use ron_auth_core::seam::{Reuse, ScratchPolicy};

/// A fresh scratch for every call.
#[derive(Clone, Copy, Debug, Default)]
pub struct PerCallScratch;

impl ScratchPolicy for PerCallScratch {
    fn with<S: Reuse, R>(&self, work: impl FnOnce(&mut S) -> R) -> R {
        work(&mut S::default())
    }
}
