//! What a ron-auth verifier is made of, without any backend: tokens, wire format v1, the MAC chain, what caveats
//! mean, the [seams](seam) that backends fill, and the [pipeline](Engine) that puts them together.
//!
//! Services depend on `ron-auth`, which picks the backends and re-exports the types they need.
//!
//! | module | holds |
//! |---|---|
//! | `capability`, `mint` | tokens, and how they are made |
//! | [`wire`] | the bytes |
//! | [`chain`] | the MAC |
//! | `semantics` | what caveats and scope mean, strict and [`compat`] |
//! | `demands` | what a verifier wants every token to carry |
//! | [`view`] | a decoded token, borrowed |
//! | [`seam`] | the five choices, as traits |
//! | `engine` | the pipeline over them |
//! | [`specification`] | the documents of the wire format and of the codes |
//! | [`inspect`] | looking at tokens off the hot path |
//!
//! Nothing here performs I/O, reads a clock, holds global state, or panics, whatever the token.
//!
//! # Public dependencies
//!
//! What public items name of other crates. A new major version of one of these is a new major version of this crate.
//!
//! | crate | where |
//! |---|---|
//! | `blake3` 1 | a [`chain::Tag`] is made from its hash |
//! | `smallvec` 1 | [`Reasons`] and [`Obligations`] are its vectors |
//! | `serde` 1 | its traits, with the feature `serde`: for decisions, reasons, errors, rates and scopes |
#![forbid(unsafe_code)]

mod bytes;
mod capability;
pub mod chain;
#[cfg(test)]
mod codes;
pub mod compat;
mod config;
mod context;
mod custom;
mod decision;
mod demands;
mod engine;
mod error;
pub mod inspect;
mod key;
pub mod metrics;
mod mint;
pub mod seam;
mod semantics;
#[cfg(feature = "serde")]
mod serialize;
mod shown;
pub mod specification;
mod stack;
pub mod view;
pub mod wire;

pub use capability::{Capability, Caveat, Rate, Scope};
pub use config::{EnvError, Semantics, VerifierConfig};
pub use context::RequestCtx;
pub use custom::{CustomCaveat, CustomCaveatHandler};
pub use decision::{Decision, DenyReason, DenyReasonRef, Obligations, Reasons, Verdict};
pub use demands::{CaveatKind, Demands};
pub use engine::{Engine, EvalMode, MAX_CHUNK_TOKENS, Scratch};
pub use error::{AuthError, BatchError, Malformed};
pub use key::{KeyName, KeyReader, KeyRing, KeysAt, MacKey, MacKeyProvider, RotatingKeys};
pub use metrics::MetricsRecorder;
pub use mint::{CapabilityBuilder, MintError};
