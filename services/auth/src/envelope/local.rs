//! Signatures that are verified in this process, with the answers that svc-passport gives.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ron_envelope::{DecodedEnvelope, PublicKey, verify_batch};
use ron_kms::KeyRef;
use tokio::task::yield_now;

use super::Signature;
use super::checked::Checked;
use super::jwks::{Jwks, KeySet};
use crate::config::Keys;
use crate::custody::Custody;
use crate::refusal::Failure;

/// After so many signatures others have their turn: half a millisecond's work.
const TURN: usize = 32;
/// Keys of the store that have tables: 13 MiB in all.
const WITH_TABLE: usize = 64;

/// Where keys come from.
pub(super) enum Local {
    Jwks(Arc<Jwks>),
    Store(Store),
}

/// The store, and its public keys that were used.
pub(super) struct Store {
    custody: Arc<Custody>,
    key: Option<KeyRef>,
    used: Mutex<HashMap<[u8; 32], Arc<PublicKey>>>,
}

impl Local {
    pub(super) const fn of_jwks(jwks: Arc<Jwks>) -> Self {
        Self::Jwks(jwks)
    }

    pub(super) fn of_store(custody: Arc<Custody>, settings: &Keys) -> Self {
        let key = KeyRef::ed25519(&settings.envelope_tenant, &settings.envelope_name);
        // A name that can't be is looked up in vain; the settings' check refuses it before.
        Self::Store(Store { custody, key: key.ok(), used: Mutex::default() })
    }

    pub(super) async fn verify(&self, envelopes: &[&Checked<'_>]) -> Result<Vec<Signature>, Failure> {
        let mut outcomes = Vec::with_capacity(envelopes.len());
        for (turn, part) in envelopes.chunks(TURN).enumerate() {
            if turn > 0 {
                yield_now().await;
            }
            outcomes.extend(match self {
                Self::Jwks(jwks) => by_jwks(jwks, part).await?,
                Self::Store(store) => {
                    let keys = part.iter().map(|envelope| store.key(&envelope.envelope.kid));
                    by_keys(part, &keys.collect::<Result<Vec<_>, _>>()?)
                }
            });
        }
        Ok(outcomes)
    }
}

async fn by_jwks(jwks: &Jwks, envelopes: &[&Checked<'_>]) -> Result<Vec<Signature>, Failure> {
    let by_set = |set: &KeySet| {
        let keys: Vec<_> = envelopes.iter().map(|envelope| set.get(&envelope.envelope.kid).cloned()).collect();
        by_keys(envelopes, &keys)
    };
    let set = jwks.keys().await.map_err(|_| Failure::Delegate)?;
    let mut outcomes = by_set(&set);
    let is_good = |outcome: &Signature| *outcome == Signature::Good;
    if !outcomes.iter().all(is_good) {
        // After a restart of svc-passport the same key id may be another key.
        if let Some(renewed) = jwks.renewed(&set).await {
            for (outcome, again) in outcomes.iter_mut().zip(by_set(&renewed)).filter(|(outcome, _)| !is_good(outcome)) {
                *outcome = again;
            }
        }
    }
    Ok(outcomes)
}

/// One outcome for each envelope, by the key that its key id stands for.
fn by_keys(envelopes: &[&Checked<'_>], keys: &[Option<Arc<PublicKey>>]) -> Vec<Signature> {
    let known = envelopes.iter().zip(keys).filter_map(|(envelope, key)| {
        let DecodedEnvelope { message, signature } = &envelope.decoded;
        Some((key.as_deref()?, message.as_slice(), signature.as_slice()))
    });
    let mut signed = verify_batch(known).into_iter();
    let outcome = |key: &Option<_>| match key {
        None => Signature::UnknownKey,
        Some(_) if signed.next().unwrap_or(false) => Signature::Good,
        Some(_) => Signature::Bad,
    };
    keys.iter().map(outcome).collect()
}

impl Store {
    fn key(&self, kid: &str) -> Result<Option<Arc<PublicKey>>, Failure> {
        let kms = self.custody.kms().ok_or(Failure::NoKeys)?;
        // Asked each time: the store knows whose time has come.
        let Some(bytes) = self.key.as_ref().and_then(|key| kms.public_key(key, kid)) else { return Ok(None) };
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = used.get(&bytes) {
            return Ok(Some(key.clone()));
        }
        let Ok(key) = PublicKey::new(bytes).map(|key| Arc::new(key.with_table())) else { return Ok(None) };
        if used.len() >= WITH_TABLE {
            used.clear();
        }
        used.insert(bytes, key.clone());
        Ok(Some(key))
    }
}
