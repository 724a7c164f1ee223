//! Signed envelopes: a message, its Ed25519 signature and the id of the key, as svc-passport issues them.
//!
//! What is here is common to whoever issues, verifies or passes on envelopes, and knows neither HTTP nor where keys
//! are kept: [`canonical_json`] gives the bytes that are signed, [`Envelope::decode`] checks all that can be checked
//! without a key, in the order of the contract, and [`PublicKey::verify`] is the strict verification of one signature,
//! [`verify_batch`] of many.
//!
//! # What is signed, and what is not
//!
//! The signature covers the message and nothing else. [`Envelope::aud`], the algorithm and the key id are not signed:
//! anybody can change them on the way. Decisions come from what the message says.

mod canonical;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "figures for people")]
mod cost;
mod envelope;
mod key;
mod multiples;

pub use canonical::{NotJson, canonical_json};
pub use envelope::{ALG, AudienceRule, DecodedEnvelope, Envelope, EnvelopeFault};
pub use key::{InvalidPublicKey, PublicKey, verify_batch};
