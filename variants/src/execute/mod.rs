//! The execute seam: which threads work on a batch.

#[cfg(feature = "parallel")]
mod pool;
#[cfg(feature = "parallel")]
mod rayon;
mod sequential;

#[cfg(feature = "parallel")]
pub use rayon::RayonExecute;
pub use sequential::SequentialExecute;
