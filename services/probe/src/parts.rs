//! What a request cannot do without: the operation itself, as the service does it, without a service around it.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use ron_auth::{Demands, RequestCtx, Verdict, VerifierConfig, Workspace, verify_token_in};
use ron_envelope::{AudienceRule, DecodedEnvelope, Envelope, PublicKey};
use ron_kms::{KeyRef, Kms, KmsConfig, MasterKeySource, SystemClock};
use ron_policy::{Bundle, Format, Request};
use serde::Deserialize;

use crate::Fault;
use crate::plane::Plane;
use crate::questions::{ACTION, AUDIENCE, POLICY, REGION, TENANT, document};
use crate::requests::Operation;

/// Signs the message of the request.
pub(crate) fn signature(plane: &Plane) -> Result<Operation, Fault> {
    let (kms, key) = keys(plane)?;
    let signer = kms.signer(&key)?;
    let decoded = decoded(plane)?;
    Ok(Box::new(move |number| {
        decoded.get(number).is_some_and(|DecodedEnvelope { message, signature }| {
            signer.sign(black_box(message)).is_ok_and(|signed| signed.signature.as_slice() == signature)
        })
    }))
}

/// Verifies the envelope of the request, decoded before.
pub(crate) fn verification(plane: &Plane) -> Result<Operation, Fault> {
    let (kms, key) = keys(plane)?;
    let kid = kms.signer(&key)?.current_kid()?;
    let public = kms.public_key(&key, &kid).ok_or("the key that signs is not among those that verify")?;
    let public = PublicKey::new(public)?.with_table();
    let decoded = decoded(plane)?;
    Ok(Box::new(move |number| {
        decoded
            .get(number)
            .is_some_and(|DecodedEnvelope { message, signature }| public.verify(black_box(message), signature))
    }))
}

/// Verifies the token of the request, and asks the policy.
pub(crate) fn decision(plane: &Plane) -> Result<Operation, Fault> {
    let (kms, _) = keys(plane)?;
    let policy = Bundle::parse(POLICY.as_bytes(), Format::Toml)?.compile();
    // As svc-auth has it by default.
    let mut config = VerifierConfig::default().with_demands(Demands::default().audience());
    config.clock_skew_secs = 60;
    config.par_min_batch = usize::MAX;
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let asked: Vec<(String, String)> =
        plane.artefacts.tokens.iter().enumerate().map(|(number, token)| (token.clone(), document(number))).collect();
    let mut workspace = Workspace::default();
    Ok(Box::new(move |number| {
        let Some((token, resource)) = asked.get(number) else { return false };
        let keys = kms.mac_snapshot();
        let ctx = RequestCtx::new(now_s, ACTION, resource, TENANT).audience(AUDIENCE).policy_digest(policy.digest());
        let verdict = verify_token_in(&config, black_box(token), &ctx, &keys.at(now_s), &mut workspace);
        let request = Request {
            tenant: Some(TENANT),
            region: Some(REGION),
            action: Some(ACTION),
            resource: Some(resource),
            now_unix_s: Some(now_s),
            ..Request::default()
        };
        matches!(verdict, Ok(Verdict::Allow { .. }))
            && policy.decide(black_box(&request)).is_ok_and(|decision| decision.is_permit())
    }))
}

/// The keys of the services, and the name of the one that signs.
fn keys(plane: &Plane) -> Result<(Kms, KeyRef), Fault> {
    let master = MasterKeySource::FileOrNew(plane.folder().join("master.key"));
    let store = KmsConfig::sqlite(plane.folder().join("keys.db"), master);
    Ok((plane.block_on(Kms::open(store, Arc::new(SystemClock)))?, KeyRef::ed25519(svc_passport::NAME, "default")?))
}

fn decoded(plane: &Plane) -> Result<Vec<DecodedEnvelope>, Fault> {
    let envelopes = plane.artefacts.envelopes.iter();
    envelopes.map(|envelope| Ok(Envelope::deserialize(envelope)?.decode(AudienceRule::Optional)?)).collect()
}
