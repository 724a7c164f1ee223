//! svc-passport: issues and verifies signed envelopes over HTTP, and mints capability tokens for services.
//!
//! An envelope is a message, its Ed25519 signature and the id of the key ([`ron_envelope`]). What is answered to whom
//! is the contract of the service that is deployed, byte for byte: routes, statuses, codes, headers, order of checks.
//! What goes beyond it is off until it is configured, or where no caller can tell.
//!
//! | route | answers |
//! |---|---|
//! | `POST /v1/passport/issue` | the envelope of any JSON value, which is signed in its canonical form |
//! | `POST /v1/passport/verify` | `true` or `false` |
//! | `POST /v1/passport/verify_batch` | an array of these, for an array of envelopes or `{"items": […]}` |
//! | `GET /v1/keys` | the public keys as a JWK set, with an `ETag` |
//! | `POST /v1/passport/profile/claim`, `GET /v1/passport/profile/{username}` | public profiles |
//! | `POST /v1/passport/capability` | a capability token, for services that are [configured](config::Capability) |
//! | `POST /admin/rotate`, `GET /admin/attest` | the key id that signs now; what keys there are |
//! | `POST /admin/reseal`, `/admin/capability/rotate/{tenant}` | on the admin listener alone |
//! | `GET /healthz`, `/readyz`, `/metrics` | alive; ready, or what is missing; Prometheus text |
//! | `GET /openapi.json` | all of this that is there, as an OpenAPI document |
//!
//! # Decided here
//!
//! - *A batch answers what its items would alone.* The usual equation of batches is not the strict check: a crafted
//!   signature of small order passes in it and fails alone, so that an answer would depend on its neighbours. So each
//!   signature has its own equation, and a batch shares an inversion only. All that needs no signature is checked for
//!   the whole batch first, and every 32 signatures other requests have their turn.
//! - *Nothing queues.* Who finds no slot is told 503 with `Retry-After`; the deployed service lets callers wait without
//!   end.
//! - *A key that is retired verifies no more*: its key id is as unknown as one that never was (400 `Malformed`).
//! - *Configuration is strict*: an unknown key or a variable that cannot be read is refused, where the deployed service
//!   ignores it. What is left out has a default, and a variable that is empty counts as not set.
//! - Where the contract leaves something open, the doc of the code that decides it says so.
//!
//! | module | holds |
//! |---|---|
//! | `config` | the settings, with their defaults |
//! | `keys` | custody of the signing key, and the snapshot that requests are answered from |
//! | `routes` | a file for each operation |
//! | `body`, `refusal` | how a body is read, and what is told to who sent a bad one |
//! | `claims` | times and audience of a signed message, where they are enforced |
//! | `profile` | public profiles, in memory |
//! | `metrics` | counters and histograms by the names of the contract |
//! | `state`, `service` | what every handler has, and all of it put together |

mod body;
mod claims;
pub mod config;
mod keys;
mod metrics;
mod profile;
mod refusal;
mod routes;
mod service;
mod state;

pub use config::Config;
pub use keys::KeysError;
pub use service::{StartError, service, service_with_clock};

/// The OpenAPI 3.1 document of its routes. `GET /openapi.json` answers with those that are there.
pub const OPENAPI: &str = include_str!("../openapi.json");

/// What the names of the variables begin with that configure it: `PASSPORT_CONFIG`, `PASSPORT_CONFIG_FILE`.
pub const CONFIG_PREFIX: &str = "PASSPORT";

/// Its name, in metrics and in attestations.
pub const NAME: &str = "svc-passport";

/// Its version, in metrics and in attestations.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
