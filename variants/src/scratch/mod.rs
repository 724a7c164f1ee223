//! Where the memory comes from that a verification works in.

mod per_call;
#[cfg(feature = "tls-scratch")]
mod thread_local;

pub use per_call::PerCallScratch;
#[cfg(feature = "tls-scratch")]
pub use thread_local::ThreadLocalScratch;
