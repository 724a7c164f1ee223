//! `/v1/passport/profile/…`: claiming and reading public profiles. Their errors have a body of their own.

use std::sync::Arc;

use ron_service::Json;
use ron_service::axum::extract::{Path, Request, State};
use ron_service::axum::http::StatusCode;
use ron_service::axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::body;
use crate::profile::{Asked, Claim, Profile, ProfileFault, username};
use crate::refusal::{Refusal, json};
use crate::state::Passport;

#[derive(Serialize)]
struct Fault {
    code: &'static str,
    message: &'static str,
    retryable: bool,
}

#[derive(Serialize)]
struct Debug {
    schema: &'static str,
    profile_routes: [&'static str; 2],
    wallet_mutation: bool,
    ledger_mutation: bool,
    private_keys: bool,
    alt_linkage: bool,
}

pub(crate) async fn claim(State(passport): State<Arc<Passport>>, request: Request) -> Response {
    let asked = body::read(request, passport.max_body_bytes()).await;
    let asked = asked.and_then(|body| serde_json::from_slice::<Asked>(&body).map_err(|error| Refusal::of_json(&error)));
    match asked {
        Ok(asked) => {
            let claimed = Claim::try_from(asked).and_then(|claim| passport.profiles.claim(claim));
            answer(&passport, StatusCode::CREATED, claimed)
        }
        Err(refusal) => {
            passport.metrics.failed(refusal.code());
            refusal.response()
        }
    }
}

pub(crate) async fn read(State(passport): State<Arc<Passport>>, Path(name): Path<String>) -> Response {
    let profile = username(&name).and_then(|name| passport.profiles.of(&name));
    answer(&passport, StatusCode::OK, profile)
}

/// A constant, for callers that make sure of what this service does not do.
pub(crate) async fn debug() -> Response {
    Json(Debug {
        schema: "svc-passport.profile-debug.v1",
        profile_routes: ["POST /v1/passport/profile/claim", "GET /v1/passport/profile/:username"],
        wallet_mutation: false,
        ledger_mutation: false,
        private_keys: false,
        alt_linkage: false,
    })
    .into_response()
}

fn answer(passport: &Passport, status: StatusCode, profile: Result<Arc<Profile>, ProfileFault>) -> Response {
    let written = match profile {
        Ok(profile) => serde_json::to_vec(&*profile).map(|body| (status, body)),
        Err(ProfileFault { status, code, message, retryable }) => {
            passport.metrics.failed(code);
            serde_json::to_vec(&Fault { code, message, retryable }).map(|body| (status, body))
        }
    };
    match written {
        Ok((status, body)) => json(status, body),
        Err(_) => Refusal::Internal.response(),
    }
}
