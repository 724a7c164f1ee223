//! `/admin/rotate`, `/admin/attest` and `/admin/reseal`.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ron_envelope::ALG;
use ron_service::axum::body::Bytes;
use ron_service::axum::extract::State;
use ron_service::axum::response::Response;
use serde::Serialize;

use super::answer;
use crate::refusal::Refusal;
use crate::state::Passport;

#[derive(Serialize)]
struct Rotated<'a> {
    current_kid: &'a str,
    /// There only while the version that was made does not sign yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_kid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_from_unix_ms: Option<u64>,
}

/// Fields in the order of the alphabet, as all that the deployed service writes.
#[derive(Serialize)]
struct Attestation<'a> {
    build: Build,
    current_kid: Option<&'a str>,
    kids: Vec<&'a str>,
    kms: Kms<'a>,
}

#[derive(Serialize)]
struct Build {
    profile: &'static str,
    service: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Kms<'a> {
    alg: &'static str,
    current: &'a str,
    keys: Vec<Key<'a>>,
}

#[derive(Serialize)]
struct Key<'a> {
    alg: &'static str,
    kid: &'a str,
    vk_b64: String,
}

pub(crate) async fn rotate(State(passport): State<Arc<Passport>>) -> Response {
    answer(&passport.metrics, rotated(&passport).await)
}

async fn rotated(passport: &Passport) -> Result<Bytes, Refusal> {
    let issued = passport.keys()?.rotate(&passport.config.keys).await.map_err(|error| {
        tracing::error!(%error, "not rotated");
        Refusal::Internal
    })?;
    tracing::info!(current_kid = &*issued.current_kid, made = issued.made.kid, "rotated");
    let waits = issued.made.kid != *issued.current_kid;
    written(&Rotated {
        current_kid: &issued.current_kid,
        next_kid: waits.then_some(&*issued.made.kid),
        next_from_unix_ms: issued.made.active_from_unix_ms.filter(|_| waits),
    })
}

pub(crate) async fn attest(State(passport): State<Arc<Passport>>) -> Response {
    answer(&passport.metrics, attested(&passport))
}

fn attested(passport: &Passport) -> Result<Bytes, Refusal> {
    let (ring, current) = (passport.ring()?, passport.keys()?.current_kid());
    let keys = ring.keys().iter();
    let key = |key: &'_ ron_kms::PublicKey| BASE64_URL_SAFE_NO_PAD.encode(key.bytes);
    written(&Attestation {
        build: Build {
            profile: if cfg!(debug_assertions) { "debug" } else { "release" },
            service: crate::NAME,
            version: crate::VERSION,
        },
        current_kid: current.as_deref(),
        kids: keys.clone().map(|key| &*key.kid).collect(),
        kms: Kms {
            alg: ALG,
            current: current.as_deref().unwrap_or_default(),
            keys: keys.map(|it| Key { alg: ALG, kid: &it.kid, vk_b64: key(it) }).collect(),
        },
    })
}

/// Seals all keys anew under the present master key, so that no process needs the previous one. On the admin listener
/// alone.
pub(crate) async fn reseal(State(passport): State<Arc<Passport>>) -> Response {
    answer(&passport.metrics, resealed(&passport).await)
}

async fn resealed(passport: &Passport) -> Result<Bytes, Refusal> {
    #[derive(Serialize)]
    struct Resealed {
        resealed: usize,
    }
    let resealed = passport.keys()?.kms.reseal().await.map_err(|error| {
        tracing::error!(%error, "not resealed");
        Refusal::Internal
    })?;
    tracing::info!(resealed, "resealed");
    written(&Resealed { resealed })
}

fn written(answer: &impl Serialize) -> Result<Bytes, Refusal> {
    serde_json::to_vec(answer).map(Bytes::from).map_err(|_| Refusal::Internal)
}
