//! The five choices a verifier is composed of. Each is a trait with a plain implementation and faster ones; the
//! implementations live in `ron-auth-variants`, one file each.

mod base64;
mod decode;
mod execute;
mod mac;
mod scratch;

pub use base64::Base64;
pub use decode::Decode;
pub use execute::Execute;
pub use mac::Mac;
pub use scratch::{Reuse, ScratchPolicy, held_bytes};
