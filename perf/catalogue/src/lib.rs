//! Every composition of ron-auth's backends that the lab compares, by name.
//!
//! | module | holds |
//! |---|---|
//! | `seams` | what may fill each of the five seams |
//! | `variant` | the named variants, and how any variant is found |
//! | `compositions`, `chosen` | all ways to fill the seams, by backends that are picked at run time |
//! | `classic` | the yardstick, built as deployed verifiers are, and its own backends |
//! | `verifier` | engines behind one type |
//!
//! It is the lab's: a service depends on what it runs, by the features of `ron-auth`, and on nothing of this.
//!
//! A variant changes speed, never a decision, an error or an order: the tests of `ron-auth-variants` hold each of them
//! to the reference. (The yardstick is held to it on good tokens; it is not in the [`catalogue`].)
#![forbid(unsafe_code)]

mod chosen;
mod classic;
mod compositions;
mod seams;
mod variant;
mod verifier;

pub use classic::{ClassicDecode, ClassicToken, ClassicView, Fragments, HasherMac, classic};
pub use compositions::compositions;
pub use seams::{Base64Choice, DecodeChoice, ExecuteChoice, MacChoice, ScratchChoice, Seams};
pub use variant::{UnknownVariant, Variant, catalogue, find};
pub use verifier::{Verifier, boxed};
