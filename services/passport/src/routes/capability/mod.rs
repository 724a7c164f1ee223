//! `POST /v1/passport/capability`: mints a capability token for a service that is configured. Not in the contract, so
//! it fails with RFC 9457 problems.

mod order;

use std::sync::Arc;

use ron_auth_core::{CapabilityBuilder, Caveat};
use ron_service::axum::extract::{FromRequest, Path, Request, State};
use ron_service::axum::http::{HeaderValue, StatusCode, header};
use ron_service::axum::response::{IntoResponse, Response};
use ron_service::{Json, Problem};
use serde::Serialize;

use crate::config::Account;
use crate::state::Passport;
use order::{MAX_CAVEATS, Order};

/// Longest token, in bytes of CBOR: what a verifier takes by default.
const MAX_TOKEN_BYTES: usize = 4_096;

/// The answer.
#[derive(Serialize)]
struct Minted {
    /// Base64URL of the token's CBOR.
    token: String,
    tid: String,
    kid: String,
    /// When it ends, in seconds since the Unix epoch.
    exp: u64,
}

pub(crate) async fn mint(State(passport): State<Arc<Passport>>, request: Request) -> Response {
    let Some(account) = passport.accounts.bearer(request.headers()) else {
        passport.metrics.minted("none", "Unauthorized");
        return Problem::unauthorized("expected the bearer token of a service that may mint").into_response();
    };
    let minted = match Json::<Order>::from_request(request, &()).await {
        Ok(Json(order)) => minted(&passport, account, order),
        Err(problem) => Err(problem),
    };
    passport.metrics.minted(&account.name, minted.as_ref().map_or_else(|problem| problem.code, |_| "ok"));
    match minted {
        Ok(minted) => {
            let mut response = Json(minted).into_response();
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(problem) => problem.into_response(),
    }
}

fn minted(passport: &Passport, account: &Account, order: Order) -> Result<Minted, Problem> {
    let settings = &passport.config.capability;
    let bad = |code, message| Problem::new(StatusCode::BAD_REQUEST, code, message);
    if !account.tenants.contains(&order.tenant) {
        let message = "this service may not mint for this tenant";
        return Err(Problem::new(StatusCode::FORBIDDEN, "TenantForbidden", message));
    }
    let ttl_s = order.ttl_s.unwrap_or(settings.default_ttl_s);
    if ttl_s == 0 || ttl_s > settings.max_ttl_s {
        return Err(bad("BadTtl", "ttl_s: expected seconds from 1 to capability.max_ttl_s"));
    }
    if order.caveats.len() > MAX_CAVEATS {
        return Err(bad("TooManyCaveats", "caveats: expected at most 63"));
    }
    let exp = (passport.clock.now_unix_ms() / 1_000).saturating_add(ttl_s);
    let caveats = order.caveats.into_iter().map(order::Condition::caveat).collect::<Option<Vec<_>>>();
    let caveats = caveats.ok_or_else(|| bad("BadCaveat", "cbor_b64: expected standard Base64 with padding"))?;
    let unavailable = || Problem::internal().retry_after_ms(1_000);
    let key = passport.custody.open().ok_or_else(|| {
        let message = "the keys are not there yet";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Internal", message).retry_after_ms(1_000)
    })?;
    let key = key.minting_key(&order.tenant, settings).map_err(|error| {
        tracing::error!(%error, "not minted");
        unavailable()
    })?;
    // The end comes first: it is the first to be judged.
    let builder = CapabilityBuilder::new(&order.tenant, &*key.kid, order.scope).caveat(Caveat::Exp(exp));
    let token = builder.caveats(caveats).sign(&key.key);
    let token = token.map_err(|_| bad("BadCaveat", "cbor_b64: expected one CBOR item in canonical form"))?;
    if token.to_cbor().len() > MAX_TOKEN_BYTES {
        let message = "the token would be longer than verifiers take";
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "MsgTooLarge", message));
    }
    Ok(Minted { token: token.to_base64url(), tid: order.tenant, kid: key.kid.to_string(), exp })
}

/// The answer to a rotation of a tenant's MAC key.
#[derive(Serialize)]
struct Rotated {
    tid: String,
    kid: String,
    active_from_unix_ms: Option<u64>,
}

/// `POST /admin/capability/rotate/{tenant}`, on the admin listener alone.
pub(crate) async fn rotate(State(passport): State<Arc<Passport>>, Path(tenant): Path<String>) -> Response {
    let settings = &passport.config.capability;
    if !settings.tenants().any(|known| known == tenant) {
        return Problem::new(StatusCode::NOT_FOUND, "NotFound", "nobody may mint for this tenant").into_response();
    }
    let Some(open) = passport.custody.open() else {
        return Problem::internal().retry_after_ms(1_000).into_response();
    };
    match open.rotate_minting_key(&tenant, settings).await {
        Ok(made) => {
            tracing::info!(tenant, made = made.kid, "rotated");
            Json(Rotated { tid: tenant, kid: made.kid, active_from_unix_ms: made.active_from_unix_ms }).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "not rotated");
            Problem::internal().retry_after_ms(1_000).into_response()
        }
    }
}
