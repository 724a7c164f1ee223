//! svc-auth: decisions over HTTP. Who is it, and may they do this?
//!
//! What is presented is an envelope, whose signature svc-passport verifies or this process does, or a capability token,
//! which this process verifies. A decision is made of what is signed and of the policy in force ([`ron_policy`]).
//!
//! | route | takes | answers |
//! |---|---|---|
//! | `POST /v1/auth/whoami` | `{alg, kid, msg_b64, sig_b64, aud}` or `{token}` | what the signed message says of its bearer |
//! | `POST /v1/auth/introspect` | the same | `{active, alg, kid, aud?, sub?, warnings?}` |
//! | `POST /v1/auth/authorize` | `{envelope or token, action, resource, context?}` | `{decision, reason?, obligations?}` |
//! | `POST /v1/auth/authorize_batch` | an array of these, or `{"items": […]}` | an array, of the same length and order |
//! | `GET` or `POST /v1/auth/check` | a proxy's sub-request, if configured | 200 with headers of the decision, 401, 403 |
//! | `POST /access/v1/evaluation`, `evaluations`, `GET /.well-known/authzen-configuration` | [AuthZEN 1.0](#authzen), if configured | |
//! | `POST /admin/policy/reload`, `GET /admin/attest` | | on the admin listener alone |
//! | `GET` or `POST /admin/decision_trace` | [a request](ron_policy::RequestDocument) | the decision, rule by rule |
//! | `GET /healthz`, `/readyz`, `/metrics` | | alive; ready, or what is missing; Prometheus text |
//! | `GET /openapi.json` | | all of this that is there, as an OpenAPI document |
//!
//! # The order of checks
//!
//! Algorithm, key id, audience outside, Base64, size, claims, audience inside; then the signature or MAC; then times;
//! then the policy. What fails before the signature is a problem (400, 413), or in a batch the item's reason to deny.
//! What fails after it is an answer: 401 `Denied` of whoami, `active: false`, or `Deny` with the reason.
//!
//! # Decided here
//!
//! - *Only what is signed counts.* An envelope's outer `aud` must be there; it is compared with nothing. A caller says
//!   what it asks about in `context`, and never who asks.
//! - *Tenants.* `context.tenant` is whose resource it is. An envelope's signed tenant has to be the same if it is
//!   given; a token needs one, from there or from `tokens.tenant`, and without it is denied.
//! - *Audiences of tokens* are conditions like others: a token for somebody else is a `Deny` with its code in
//!   decisions, and 400 `BadAudience` where it is asked who it is.
//! - *All or nothing where nobody is at fault.* If svc-passport, keys or policy are missing, the whole batch is 503
//!   `Internal`, worth another try; no item is answered by guess.
//! - *Caches* remember whether a signature is good for fractions of a second, and nothing else: times, audience and
//!   policy are judged anew each time.
//! - `/readyz` does not fall for a bad or deleted bundle beside a good one in force: it tells it among its warnings, as
//!   do `auth_policy_bad`, the attestation and, with line and reason, the log.
//!
//! # A proxy's sub-request
//!
//! `/v1/auth/check` is there if `check.request_from` says where the proxy tells method and URI of the request that it
//! holds: [`RequestFrom`](config::RequestFrom). They are the action and the resource; the query is no part of it.
//!
//! *The trap:* these headers are believed. So the proxy has to set them itself, on every request, and clients must not
//! reach this route around it. One that is missing or there twice is 400, which proxies take for no.
//!
//! - The artefact comes from `Authorization: Bearer` and from nothing else: a capability token, or an envelope as
//!   Base64URL without padding of its JSON. Tokens are of `tokens.tenant`, and no address or length is known of the
//!   request: conditions about those are not met.
//! - 200 is a permit, with `X-Auth-Decision`, `X-Auth-Reason` and, where there are such, `X-Auth-Subject`,
//!   `X-Auth-Tenant` and `X-Auth-Obligations` (JSON). Texts are percent-encoded but for the printable characters of
//!   ASCII. The proxy has to drop or replace headers of these names that come from clients, and has to deny if it
//!   cannot do what is obliged.
//! - 401: nothing that anybody is known by. 403: somebody, but no. Else no answer, worth another try.
//! - A path of which there are several spellings (dot segments, empty ones, what is encoded for no need, `;`) is 403
//!   `path.ambiguous`: the service behind might read another one than was judged.
//! - With `check.cookie_key_file` a permit without obligations comes with a cookie, which permits the same again
//!   without an artefact until its end: same method and path, and policy. It holds for this route alone. An
//!   `Authorization` that is there is always judged instead.
//!
//! # AuthZEN
//!
//! The routes of AuthZEN 1.0 are there if `authzen.accounts` names who may ask. There is no artefact; what such an
//! account says of the subject is believed: `subject.id` is the rules' subject, `properties.tenant`, `roles` and
//! `scopes` are its others, if `subject.type` is one of `authzen.subject_types`. The resource is `type/id`, the action
//! its `name`, and the context has the fields that it has in `authorize`. `evaluations` takes
//! `options.evaluations_semantic`.
//!
//! | module | holds |
//! |---|---|
//! | `config` | the settings, with their defaults |
//! | `input`, `batch` | what is sent, read in place |
//! | `claims` | what signed messages say, and what they must say |
//! | `envelope` | envelopes: checks, caches, svc-passport, or keys of our own |
//! | `tokens` | capability tokens |
//! | `custody`, `rules` | the store of keys, and the policy in force |
//! | `decide` | from questions to decisions |
//! | `refusal` | what is told to whom a request is refused |
//! | `routes` | a file for each operation |
//! | `metrics` | counters and histograms by their established names |
//! | `state`, `service` | what every handler has, and all of it put together |

mod batch;
mod bearer;
mod claims;
pub mod config;
mod custody;
mod decide;
mod envelope;
mod input;
mod metrics;
mod refusal;
mod routes;
mod rules;
mod service;
mod state;
mod tokens;

pub use config::Config;
pub use routes::check::BadCookieKey;
pub use rules::RulesError;
pub use service::{StartError, service, service_with_clock};

/// The OpenAPI 3.1 document of its routes. `GET /openapi.json` answers with those that are there.
pub const OPENAPI: &str = include_str!("../openapi.json");

/// What the names of the variables begin with that configure it: `RON_AUTH_CONFIG`, `RON_AUTH_CONFIG_FILE`.
pub const CONFIG_PREFIX: &str = "RON_AUTH";

/// Its name, in metrics and in attestations.
pub const NAME: &str = "svc-auth";

/// Its version, in metrics and in attestations.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What stands for the algorithm of a capability token: a chain of keyed BLAKE3.
const TOKEN_ALG: &str = "capability";
