//! Looking at tokens off the hot path: what one says, where it is not canonical, and why it is or isn't allowed.
//!
//! | function | answers | needs |
//! |---|---|---|
//! | [`inspect`] | what does this token say? | bounds |
//! | [`diagnose`] | where exactly is it not canonical, and what was expected there? | bounds |
//! | [`explain`] | is it allowed, and which condition decided? | settings, keys, request |
//!
//! For support, audits and tests: plain code, which allocates as it likes. It decides nothing by itself. Whether bytes
//! are canonical and whether a caveat holds is asked of the functions that the verifier asks, and only the words are
//! found here: so [`diagnose`] finds no flaw if and only if every engine decodes the text, a flaw's
//! [`error`](Flaw::error) is the verifier's, and an explanation's [`outcome`](Explanation::outcome) is what
//! verification comes to. Work and memory are bounded by the length of the text, which is judged first.
//!
//! What a token says comes from a stranger. In the words of this module its texts are quoted, with control characters
//! and invisible ones escaped, and cut where they are long; keys and computed MACs never appear.
//!
//! ```
//! use ron_auth_core::inspect::{diagnose, explain, inspect};
//! use ron_auth_core::{CapabilityBuilder, Caveat, MacKey, RequestCtx, Scope, VerifierConfig};
//!
//! let (config, key) = (VerifierConfig::default(), MacKey::new([7; 32]));
//! let token = CapabilityBuilder::new("acme", "k1", Scope::new("/index/", ["GET"]))
//!     .caveat(Caveat::Exp(1_762_700_000))
//!     .sign(&key)?
//!     .to_base64url();
//!
//! // What it says, without trust: no key is needed, and nothing that counts as verified can be made of it.
//! let untrusted = inspect(&config, &token)?;
//! assert_eq!((untrusted.tid(), untrusted.caveats().len()), ("acme", 1));
//!
//! // Where it is not canonical.
//! let flaw = diagnose(&config, &format!("{token}=")).unwrap_err();
//! assert_eq!(flaw.text_char(), token.len());
//! assert_eq!(flaw.found(), "padding, '=' at the end");
//!
//! // Why it is not allowed.
//! let ctx = RequestCtx::new(1_762_700_072, "GET", "/index/42", "acme");
//! let explanation = explain(&config, &token, &ctx, &key);
//! let exp = explanation.conditions().last().unwrap();
//! assert_eq!(exp.why(), "2025-11-09T14:53:20Z is 12 s past the skew of 60 s (now 2025-11-09T14:54:32Z)");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cbor;
mod explain;
mod flaw;
mod show;
mod text;
mod untrusted;
mod words;

pub use explain::{Condition, Explanation, Judgement, Stage, Subject, explain};
pub use flaw::{Flaw, FlawKind};
pub use untrusted::{UntrustedCaveat, UntrustedScope, UntrustedToken, UntrustedValue};

use crate::config::VerifierConfig;

/// Decodes a token's text without trust: nobody has checked its MAC.
///
/// Of `config` only the bounds matter.
///
/// # Errors
/// Where it is not the canonical form of a token; see [`diagnose`].
pub fn inspect(config: &VerifierConfig, token_b64url: &str) -> Result<UntrustedToken, Flaw> {
    let bytes = text::decode(token_b64url, config)?;
    let read = cbor::read(&bytes, config.max_caveats, token_b64url.len())?;
    Ok(UntrustedToken::new(read, token_b64url.len(), bytes.len()))
}

/// Whether a text is the canonical form of a token, within the bounds of `config`: what every engine decodes.
///
/// # Errors
/// The first flaw, in the order in which the verifier looks: length of the text, Base64, CBOR up to the number of
/// caveats, that number, the rest.
pub fn diagnose(config: &VerifierConfig, token_b64url: &str) -> Result<(), Flaw> {
    inspect(config, token_b64url).map(drop)
}
