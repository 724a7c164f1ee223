//! `/admin/policy/reload`, `/admin/attest` and `/admin/decision_trace`, on the admin listener alone.

use std::sync::Arc;

use ron_kms::Attestation;
use ron_policy::{RequestDocument, Status};
use ron_service::axum::extract::State;
use ron_service::axum::http::StatusCode;
use ron_service::axum::response::{IntoResponse, Response};
use ron_service::{Json, Problem};
use serde::Serialize;

use crate::state::Auth;

#[derive(Serialize)]
struct Reload {
    /// `unchanged` or `swapped`.
    reloaded: ron_policy::Reloaded,
    policy: Option<Status>,
}

/// Reads the bundle now. One that is wrong is told with its line and reason; the one before stays in force.
pub(crate) async fn reload(State(auth): State<Arc<Auth>>) -> Response {
    // Large bundles take a while to read.
    let reading = auth.clone();
    let reloaded = tokio::task::spawn_blocking(move || reading.parts.rules.reload()).await;
    match reloaded {
        Ok(Ok(reloaded)) => Json(Reload { reloaded, policy: auth.parts.rules.status() }).into_response(),
        Ok(Err(Some(error))) => {
            tracing::error!(%error, "the bundle was not loaded");
            let mut problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "BadBundle", "");
            problem.message = error.to_string().into();
            problem.into_response()
        }
        Ok(Err(None)) => Problem::new(StatusCode::CONFLICT, "NoBundle", "set policy.path").into_response(),
        Err(_) => Problem::internal().into_response(),
    }
}

#[derive(Serialize)]
struct Attested {
    build: Build,
    policy: Option<Status>,
    /// What keys there are, without a byte of any.
    keys: Option<Attestation>,
    verifier: Verifier,
}

#[derive(Serialize)]
struct Build {
    service: &'static str,
    version: &'static str,
    profile: &'static str,
    backends: &'static [&'static str],
}

#[derive(Serialize)]
struct Verifier {
    delegate_to_passport: bool,
    require_aud: bool,
}

pub(crate) async fn attest(State(auth): State<Arc<Auth>>) -> Response {
    Json(Attested {
        build: Build {
            service: crate::NAME,
            version: crate::VERSION,
            profile: if cfg!(debug_assertions) { "debug" } else { "release" },
            backends: ron_auth::ACTIVE_BACKENDS,
        },
        policy: auth.parts.rules.status(),
        keys: auth.parts.custody.kms().map(ron_kms::Kms::attest),
        verifier: Verifier {
            delegate_to_passport: auth.config.verify.delegate_to_passport,
            require_aud: auth.config.security.require_aud,
        },
    })
    .into_response()
}

/// How the policy comes to its decision about a request that is described in the body: what it would do, rule by rule.
/// No artefact is asked for, and nobody is let in by it.
pub(crate) async fn trace(State(auth): State<Arc<Auth>>, Json(asked): Json<RequestDocument>) -> Response {
    let policy = match auth.parts.rules.snapshot() {
        Ok(policy) => policy,
        Err(failure) => return Problem::from(failure).into_response(),
    };
    asked.with(|request| match policy.trace(request) {
        Ok(trace) => Json(trace).into_response(),
        Err(_) => Problem::malformed("a text or a list is longer than the policy judges").into_response(),
    })
}
