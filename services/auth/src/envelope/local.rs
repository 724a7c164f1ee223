//! Signatures that are verified in this process, with the answers that svc-passport gives.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ron_envelope::PreparedKey;
use ron_kms::KeyRef;
use tokio::task::yield_now;

use super::Signature;
use super::checked::Checked;
use super::jwks::Jwks;
use crate::config::Keys;
use crate::custody::Custody;
use crate::refusal::Failure;

/// After so many signatures others have their turn: half a millisecond's work.
const TURN: usize = 16;
/// Keys of the store that are kept prepared. Each takes 30 KiB.
const PREPARED: usize = 64;

/// Where keys come from.
pub(super) enum Local {
    Jwks(Arc<Jwks>),
    Store(Store),
}

/// The store, and what was prepared of its public keys.
pub(super) struct Store {
    custody: Arc<Custody>,
    key: Option<KeyRef>,
    prepared: Mutex<HashMap<[u8; 32], Arc<PreparedKey>>>,
}

impl Local {
    pub(super) const fn of_jwks(jwks: Arc<Jwks>) -> Self {
        Self::Jwks(jwks)
    }

    pub(super) fn of_store(custody: Arc<Custody>, settings: &Keys) -> Self {
        let key = KeyRef::ed25519(&settings.envelope_tenant, &settings.envelope_name);
        // A name that can't be is looked up in vain; the settings' check refuses it before.
        Self::Store(Store { custody, key: key.ok(), prepared: Mutex::default() })
    }

    pub(super) async fn verify(&self, envelopes: &[&Checked<'_>]) -> Result<Vec<Signature>, Failure> {
        let mut outcomes = Vec::with_capacity(envelopes.len());
        for (place, envelope) in envelopes.iter().enumerate() {
            if place > 0 && place % TURN == 0 {
                yield_now().await;
            }
            outcomes.push(match self {
                Self::Jwks(jwks) => of_jwks(jwks, envelope).await?,
                Self::Store(store) => outcome(envelope, store.key(&envelope.envelope.kid)?.as_ref()),
            });
        }
        Ok(outcomes)
    }
}

async fn of_jwks(jwks: &Jwks, envelope: &Checked<'_>) -> Result<Signature, Failure> {
    let kid = &*envelope.envelope.kid;
    let keys = jwks.keys().await.map_err(|_| Failure::Delegate)?;
    let found = outcome(envelope, keys.get(kid));
    if found == Signature::Good {
        return Ok(found);
    }
    // After a restart of svc-passport the same key id may be another key.
    match jwks.renewed(&keys).await {
        Some(renewed) => Ok(outcome(envelope, renewed.get(kid))),
        None => Ok(found),
    }
}

fn outcome(envelope: &Checked<'_>, key: Option<&Arc<PreparedKey>>) -> Signature {
    match key {
        None => Signature::UnknownKey,
        Some(key) if key.verify(&envelope.decoded.message, &envelope.decoded.signature) => Signature::Good,
        Some(_) => Signature::Bad,
    }
}

impl Store {
    fn key(&self, kid: &str) -> Result<Option<Arc<PreparedKey>>, Failure> {
        let kms = self.custody.kms().ok_or(Failure::NoKeys)?;
        // Asked each time: the store knows whose time has come.
        let Some(bytes) = self.key.as_ref().and_then(|key| kms.public_key(key, kid)) else { return Ok(None) };
        let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = prepared.get(&bytes) {
            return Ok(Some(key.clone()));
        }
        let Ok(key) = PreparedKey::new(bytes).map(Arc::new) else { return Ok(None) };
        if prepared.len() >= PREPARED {
            prepared.clear();
        }
        prepared.insert(bytes, key.clone());
        Ok(Some(key))
    }
}
