//! Decisions of the service plane: may this subject do this action to that resource, here and now? Permit or deny, with
//! the rule that decided, its reason, and obligations; on demand with a trace.
//!
//! A [`Bundle`] of rules is read from JSON or TOML ([the format](crate::format)), compiled to a [`Policy`], and asked
//! with a [`Request`]. Deciding takes no lock and no memory, and its time depends on the rules that can match, not on
//! how many there are. A [`PolicyStore`] keeps the policy in force and exchanges it when its file changes.
//!
//! ```
//! use ron_policy::{Bundle, Effect, Format, Request};
//!
//! let bundle = br#"
//!     schema = "ron-policy/2"
//!     version = 7
//!
//!     [[rules]]
//!     id = "readers-read"
//!     effect = "permit"
//!     when = { roles_any = ["reader"], actions = ["read"], resources = ["docs/**"] }
//!     obligations = [{ kind = "log-audit", params = { level = "info" } }]
//!
//!     [[rules]]
//!     id = "sealed"
//!     effect = "deny"
//!     reason = "sealed"
//!     when = { resources = ["docs/sealed/**"] }
//! "#;
//! let policy = Bundle::parse(bundle, Format::Toml)?.compile();
//!
//! let mut request = Request {
//!     subject: Some("alice"),
//!     action: Some("read"),
//!     resource: Some("docs/plans/2026"),
//!     roles: &["reader"],
//!     ..Request::default()
//! };
//! let decision = policy.decide(&request)?;
//! assert_eq!((decision.effect, decision.rule), (Effect::Permit, Some("readers-read")));
//! assert_eq!(decision.obligations[0].kind, "log-audit");
//!
//! request.resource = Some("docs/sealed/1");
//! let decision = policy.decide(&request)?;
//! assert_eq!((decision.effect, decision.reason), (Effect::Deny, Some("sealed")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is no permit
//!
//! Everything but a [`Decision`] whose effect is [`Permit`](Effect::Permit): no matching rule, a fact that the request
//! does not tell, a request that is out of bounds ([`EvalError`]), no policy ([`NotLoaded`]). What was wrong with a
//! bundle never takes effect ([`BundleError`], [`LoadError`]).
//!
//! # The digest
//!
//! [`Policy::digest`] is BLAKE3 of the bundle's bytes in 64 lower-case hexadecimal digits. A token's `GovPolicyDigest`
//! caveat names it so. Take it from the same [snapshot](PolicyStore::snapshot) that decides, and give it to the
//! verifier as the request's policy digest: a token that was minted for one bundle is then refused under any other.
//!
//! # Modules
//!
//! | module | holds |
//! |---|---|
//! | [`mod@format`] | the document of the format |
//! | [`limits`] | the bounds of bundles and requests |
//! | `bundle` | reading, for both schemas |
//! | `policy`, `index` | compiling and deciding |
//! | `glob` | patterns |
//! | `store` | the policy in force, and its file |
//!
//! # Public dependencies
//!
//! | crate | where |
//! |---|---|
//! | `serde` 1 | its traits, for decisions, traces, status and errors |
#![forbid(unsafe_code)]

mod bundle;
mod decision;
mod error;
mod glob;
mod index;
mod policy;
mod request;
mod store;

#[doc = include_str!("../BUNDLE.md")]
pub mod format {}

/// Bounds of what is read and judged.
pub mod limits {
    pub use crate::bundle::{MAX_CONDITION_GLOBS, MAX_CONDITION_VALUES, MAX_DEPLOYED_BODY_BYTES, MAX_FOLDED_BYTES};
    pub use crate::glob::{MAX_GLOB_BYTES, MAX_GLOB_STARS};
    pub use crate::policy::MAX_TRACE_MISSES;
    pub use crate::request::{MAX_LIST_VALUES, MAX_TEXT_BYTES};
}

pub use bundle::{Bundle, Format, Limits, SCHEMA_2, Schema};
pub use decision::{Decision, Effect, Field, Obligation, Step, Trace};
pub use error::{BundleError, EvalError, Position};
pub use policy::{Cost, Policy};
pub use request::{Request, RequestDocument};
pub use store::{Clock, Failure, LoadError, Loaded, NotLoaded, PolicyStore, Reloaded, Status, Watch};
