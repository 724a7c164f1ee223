//! Verifies capability tokens, in front of every request: pure, synchronous, no I/O, no `unsafe`.
//!
//! A token is Base64URL text of one CBOR item: whose it is (tenant namespace and key id), what it grants (scope),
//! under which conditions (caveats), and a keyed BLAKE3 MAC chained over all of it
//! ([the bytes, and what each condition means](ron_auth_core::specification::wire_v1)). Verifying it comes to
//! [`Decision::Allow`], [`Decision::Deny`], or an [`AuthError`] if it is no genuine token at all.
//!
//! **Only who holds the key can mint a token or narrow one.** Every step of the chain is keyed with the same secret, so
//! a bearer can't add a caveat to a token, as it could to a macaroon; and every verifier, since it holds the key, could
//! mint.
//!
//! # Walkthrough
//!
//! A service holds keys and a configuration, and makes a [`RequestCtx`] of each request:
//!
//! ```
//! use ron_auth::{
//!     AuthError, CapabilityBuilder, Caveat, Decision, Demands, KeyName, KeyRing, MacKey, RequestCtx, Scope,
//!     VerifierConfig,
//! };
//!
//! // Once, at start-up. Any source of keys can implement `MacKeyProvider`; this one keeps them in memory.
//! let config = VerifierConfig::default().with_demands(Demands::default().max_lifetime_secs(3600).audience());
//! let mut keys = KeyRing::new();
//! keys.insert(KeyName { tid: "acme", kid: "2025-11" }, MacKey::new([7; 32]));
//!
//! // Minting, which usually happens elsewhere: who holds a key can mint.
//! let now_unix_s = 1_762_700_000;
//! let token = CapabilityBuilder::new("acme", "2025-11", Scope::new("/index/", ["GET", "HEAD"]))
//!     .caveat(Caveat::Exp(now_unix_s + 600))
//!     .caveat(Caveat::Aud("search".into()))
//!     .sign(&MacKey::new([7; 32]))?
//!     .to_base64url();
//!
//! // Per request.
//! let ctx = RequestCtx::new(now_unix_s, "GET", "/index/42", "acme").audience("search");
//! match ron_auth::verify_token(&config, &token, &ctx, &keys) {
//!     Ok(Decision::Allow { scope, .. }) => assert_eq!(scope.prefix.as_deref(), Some("/index/")), // go ahead
//!     // Reasons and errors are for our own log; who sent the token gets the status.
//!     Ok(Decision::Deny { reasons }) => panic!("403: {}", reasons[0].code()),
//!     Err(error) => panic!("{}: {}", error.http_status(), error.code()),
//! }
//!
//! // The same token, later.
//! let later = RequestCtx::new(now_unix_s + 3600, "GET", "/index/42", "acme").audience("search");
//! assert_eq!(ron_auth::verify_token(&config, &token, &later, &keys), Err(AuthError::Expired));
//!
//! // Many at once: one result per token, in order; a bad one costs the others nothing.
//! let batch = [token.as_str(), "no token", token.as_str()];
//! let results = ron_auth::verify_each(&config, &batch, &ctx, &keys);
//! assert!(results[0].is_ok() && results[1].is_err() && results[2].is_ok());
//! # Ok::<(), ron_auth::MintError>(())
//! ```
//!
//! Without any allocation, into memory that the caller keeps (with the default decoder, for tokens of up to eight deny
//! reasons and four obligations; more of them take one vector):
//!
//! ```
//! # use ron_auth::*;
//! # let (config, keys) = (VerifierConfig::default(), MacKey::new([7; 32]));
//! # let token = CapabilityBuilder::new("acme", "k", Scope::new("/", ["GET"])).sign(&keys)?.to_base64url();
//! # let ctx = RequestCtx::new(1_762_700_000, "GET", "/", "acme");
//! let mut workspace = Workspace::default(); // one per thread, kept
//! let verdict = verify_token_in(&config, &token, &ctx, &keys, &mut workspace);
//! assert!(verdict.is_ok_and(|verdict| verdict.is_allow()));
//! # Ok::<(), MintError>(())
//! ```
//!
//! # What a host answers
//!
//! | outcome | HTTP |
//! |---|---|
//! | `Allow` | go ahead, and honour `obligations` (rates) |
//! | `Deny` | 403 ([`DenyReason::HTTP_STATUS`]) |
//! | `Bounds`, `Malformed` | 400 ([`AuthError::http_status`]) |
//! | `UnknownKid`, `MacMismatch`, `Expired`, `NotYetValid` | 401 |
//!
//! The status is all that whoever sent the token needs: an error tells a stranger which key ids exist, and reasons tell
//! a thief which conditions to work around. For the host's logs and metrics every error and reason has a stable
//! [`code`](DenyReason::code), [listed](ron_auth_core::specification::codes), and a text that is safe in a log.
//!
//! # What a token must carry
//!
//! A token is good for as long as it says, and without an `Exp` for ever. [`Demands`] are the verifier's say in that:
//! kinds of caveat that must be there, a longest lifetime, an audience that must be named. The default demands nothing;
//! a service should at least demand a lifetime.
//!
//! # Semantics
//!
//! The default, [`Semantics::Strict`], denies whatever it does not know: an unknown peer, an unknown length, a custom
//! caveat without a handler. [`compat::config()`](compat::config) decides as deployments before this library did.
//!
//! # Looking at tokens
//!
//! [`inspect`] is for support and audits, off the hot path: what a token says without trust, where exactly a text is
//! not the canonical form of one, and why a token is allowed or not, condition by condition.
//!
//! # Threads
//!
//! A call occupies its thread until it is done: in an async service, a large batch belongs on a thread that may be
//! blocked. With the feature `parallel`, [`verify_each`], [`verify_each_request`], [`verify_many`] and
//! [`verify_many_into`] spread batches of [`par_min_batch`](VerifierConfig::par_min_batch) tokens and more over the
//! calling thread and threads of the library's own: as many as the environment variable `RAYON_NUM_THREADS` says, else
//! as there are cores, less one. Each is started when a batch first has use for it, and works for one batch at a time.
//!
//! - **A batch always comes back.** It waits for nobody else's work: what finds no thread free is done by the caller
//!   alone. So is all of it where the system refuses to start a thread (it is asked again later), in a copy of the
//!   process (`fork`) if the original had spread a batch before, and on a thread of a rayon pool, which has its cores
//!   in use; and so are the 64 batches after one that had to wait for others for longer than its caller had worked,
//!   since other programs want the cores then.
//! - Handlers, key provider and metrics recorder are called from several threads at once. **A panic** in one of them
//!   reaches the caller as soon as the other threads have ended the chunks that they are at, of up to 128 tokens; later
//!   batches work as before.
//! - At the end the caller waits for the chunks that others have begun. So nothing that they call may **wait for what
//!   the calling thread holds**: a lock that this thread could enter once more and others can't, such as that of
//!   `std::io::stdout` or of an embedded interpreter.
//!
//! **The way out**: with `par_min_batch = usize::MAX` a batch stays on the calling thread; those of
//! [`verify_each_in`] and [`verify_each_request_in`] always do.
//!
//! # Features
//!
//! Features change speed, never a decision, an error or an order, given handlers and providers that answer the same
//! question the same way on every thread; it is safe for any crate of a build to turn any of them on.
//!
//! | feature | |
//! |---|---|
//! | `minicbor-zerocopy` (default) | decodes in place, without allocating |
//! | `simd-b64` | Base64 with SIMD, dispatched at run time |
//! | `lanes` | hashes many tokens' MAC chains at once, one SIMD lane each |
//! | `tls-scratch` | the owned functions keep their memory per thread, up to 2 MiB of it |
//! | `parallel` | spreads batches of [`par_min_batch`](VerifierConfig::par_min_batch) tokens and more over the calling thread and free threads of the library's own; handlers are then called for several tokens at once: see [Threads](#threads) |
//! | `full` | the recommended production set |
//! | `fast-cbor` | decodes with ciborium; kept for comparison, slower |
//! | `plain` | decodes with serde_cbor, which is archived upstream: the reference, not for production |
//! | `serde` | decisions, reasons, errors and scopes as JSON; see [codes](ron_auth_core::specification::codes) |
//! | `bench-eval-modes` | entry points that fix the evaluator, for measuring |
//!
//! # Public dependencies
//!
//! What public items name of other crates. A new major version of one of these is a new major version of this crate.
//!
//! | crate | where |
//! |---|---|
//! | `ron-auth-core` 0.1 | all types but [`Workspace`]; with them its public dependencies `smallvec` 1 ([`Reasons`] and [`Obligations`] are its vectors) and `serde` 1 (its traits, with the feature `serde`) |
#![forbid(unsafe_code)]

#[cfg(not(any(feature = "minicbor-zerocopy", feature = "fast-cbor", feature = "plain")))]
compile_error!(
    "ron-auth needs a CBOR decoder: enable its default features, or one of `minicbor-zerocopy` (recommended), \
     `fast-cbor`, `plain`"
);

pub use ron_auth_core::{
    AuthError, BatchError, Capability, CapabilityBuilder, Caveat, CaveatKind, CustomCaveat, CustomCaveatHandler,
    Decision, Demands, DenyReason, DenyReasonRef, EnvError, KeyName, KeyReader, KeyRing, KeysAt, MacKey,
    MacKeyProvider, Malformed, MetricsRecorder, MintError, Obligations, Rate, Reasons, RequestCtx, RotatingKeys, Scope,
    Semantics, Verdict, VerifierConfig, compat, inspect, metrics,
};
/// What a [`Verdict`] points with.
pub use ron_auth_core::{
    view::{Methods, ScopeView, Text},
    wire::TextItems,
};
/// What [`verify_token`] and all others run on in this build, by the names of the features that select it: the decoder
/// first, then what is not the plain choice. A service can log it, a benchmark has to.
pub const ACTIVE_BACKENDS: &[&str] = ron_auth_variants::ACTIVE_BACKENDS;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(feature = "bench-eval-modes")]
mod eval_modes;
#[cfg(feature = "bench-eval-modes")]
pub use eval_modes::*;

use std::borrow::Borrow;

use ron_auth_core::Scratch;
use ron_auth_variants::{SelectedDecode, SelectedEngine};

/// Memory for [`verify_token_in`] and [`verify_each_in`]. Grows to what the largest call needs and is reused; keep
/// one per thread.
#[derive(Default)]
pub struct Workspace(Scratch<SelectedDecode>);

impl std::fmt::Debug for Workspace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workspace").finish_non_exhaustive()
    }
}

fn engine() -> SelectedEngine {
    // The backends hold no state, so this costs nothing.
    SelectedEngine::default()
}

/// Verifies one token.
///
/// # Errors
/// The token is no genuine token: see [`AuthError`], of which the first that applies is given.
pub fn verify_token<K: MacKeyProvider + ?Sized>(
    cfg: &VerifierConfig,
    token_b64url: &str,
    ctx: &RequestCtx<'_>,
    keys: &K,
) -> Result<Decision, AuthError> {
    engine().verify_token(cfg, token_b64url, ctx, keys)
}

/// Verifies each token of a batch: one result per token, in order. What a service should use: a bad token costs
/// nobody else anything.
///
/// Blocks the calling thread until all is done. With `parallel`, other threads help with large batches, and handlers
/// and `keys` are called from them; they must not wait for what the calling thread holds. It returns whatever the state
/// of those threads is. All of it, and the way out: [Threads](crate#threads).
#[must_use = "each token has a result of its own"]
pub fn verify_each<K: MacKeyProvider + Sync + ?Sized, S: AsRef<str> + Sync>(
    cfg: &VerifierConfig,
    tokens_b64url: &[S],
    ctx: &RequestCtx<'_>,
    keys: &K,
) -> Vec<Result<Decision, AuthError>> {
    engine().verify_each(cfg, tokens_b64url, ctx, keys)
}

/// Verifies a batch in which every token came with a request of its own: one result per token, in order. An item is a
/// token and its request, or a reference to it. Where the same request comes several times in a row, it is prepared
/// once, and the batch is as fast as [`verify_each`].
///
/// Blocks the calling thread, and is helped by others, as [`verify_each`]: see [Threads](crate#threads).
///
/// ```
/// # use ron_auth::*;
/// # let (config, keys) = (VerifierConfig::default(), MacKey::new([7; 32]));
/// # let token = CapabilityBuilder::new("acme", "k", Scope::new("/index/", ["GET"])).sign(&keys)?.to_base64url();
/// let asked = |method, path| RequestCtx::new(1_762_700_000, method, path, "acme");
/// let requests = [asked("GET", "/index/1"), asked("GET", "/other"), asked("PUT", "/index/1")];
/// let items = requests.map(|request| (&token, request));
/// let results = verify_each_request(&config, &items, &keys);
/// assert!(matches!(&results[0], Ok(Decision::Allow { .. })));
/// assert_eq!(results[1], Ok(Decision::Deny { reasons: vec![DenyReason::PathNotAllowed] }));
/// assert_eq!(results[2], Ok(Decision::Deny { reasons: vec![DenyReason::MethodNotAllowed] }));
/// # Ok::<(), MintError>(())
/// ```
pub fn verify_each_request<'c, K, S, C>(
    cfg: &VerifierConfig,
    items: &[(S, C)],
    keys: &K,
) -> Vec<Result<Decision, AuthError>>
where
    K: MacKeyProvider + Sync + ?Sized,
    S: AsRef<str> + Sync,
    C: Borrow<RequestCtx<'c>> + Sync,
{
    engine().verify_each_request(cfg, items, keys)
}

/// Verifies a batch of which every token must be genuine: one decision per token, in order.
///
/// `Ok` says that all are genuine, not that any of them permits the request: look at each decision.
/// Blocks the calling thread, and is helped by others, as [`verify_each`]: see [Threads](crate#threads).
///
/// # Errors
/// The error of the lowest-index token that is not genuine, and that index.
pub fn verify_many<K: MacKeyProvider + Sync + ?Sized, S: AsRef<str> + Sync>(
    cfg: &VerifierConfig,
    tokens_b64url: &[S],
    ctx: &RequestCtx<'_>,
    keys: &K,
) -> Result<Vec<Decision>, BatchError> {
    let mut out = Vec::new();
    verify_many_into(cfg, tokens_b64url, ctx, keys, &mut out)?;
    Ok(out)
}

/// As [`verify_many`], into a vector whose memory is reused. What `out` held before is dropped.
///
/// Blocks the calling thread, and is helped by others, as [`verify_each`]: see [Threads](crate#threads).
///
/// # Errors
/// The error of the lowest-index token that is not genuine, and that index; `out` is then empty, as it is after a panic
/// of a handler or key provider.
pub fn verify_many_into<K: MacKeyProvider + Sync + ?Sized, S: AsRef<str> + Sync>(
    cfg: &VerifierConfig,
    tokens_b64url: &[S],
    ctx: &RequestCtx<'_>,
    keys: &K,
    out: &mut Vec<Decision>,
) -> Result<(), BatchError> {
    engine().verify_many_into(cfg, tokens_b64url, ctx, keys, out)
}

/// Verifies one token in memory that the caller lends; the verdict points into it. Once that memory has grown, nothing
/// is allocated, but one vector for a token of more than eight deny reasons or four obligations. (Decoders other than
/// `minicbor-zerocopy` own what they decode.)
///
/// # Errors
/// As [`verify_token`].
pub fn verify_token_in<'w, K: MacKeyProvider + ?Sized>(
    cfg: &VerifierConfig,
    token_b64url: &str,
    ctx: &RequestCtx<'_>,
    keys: &K,
    workspace: &'w mut Workspace,
) -> Result<Verdict<'w>, AuthError> {
    engine().verify_token_in(cfg, token_b64url, ctx, keys, &mut workspace.0)
}

/// Verifies each token of a batch on this thread and no other, in memory that the caller lends, and hands each verdict
/// to `sink` with the token's index, in order.
pub fn verify_each_in<K: MacKeyProvider + ?Sized, S: AsRef<str>>(
    cfg: &VerifierConfig,
    tokens_b64url: &[S],
    ctx: &RequestCtx<'_>,
    keys: &K,
    workspace: &mut Workspace,
    sink: impl FnMut(usize, Result<Verdict<'_>, AuthError>),
) {
    engine().verify_each_in(cfg, tokens_b64url, ctx, keys, &mut workspace.0, sink);
}

/// Verifies, on this thread and in memory that the caller lends, each token of a batch in which every token came with a
/// request of its own, and hands each verdict to `sink` with the token's index, in order.
pub fn verify_each_request_in<'c, K, S, C>(
    cfg: &VerifierConfig,
    items: &[(S, C)],
    keys: &K,
    workspace: &mut Workspace,
    sink: impl FnMut(usize, Result<Verdict<'_>, AuthError>),
) where
    K: MacKeyProvider + ?Sized,
    S: AsRef<str>,
    C: Borrow<RequestCtx<'c>>,
{
    engine().verify_each_request_in(cfg, items, keys, &mut workspace.0, sink);
}
