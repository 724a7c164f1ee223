//! All that verifies at one moment, unchangeable.

use std::collections::HashMap;
use std::sync::Arc;

use ron_envelope::PublicKey as Verifier;
use ron_kms::{Kms, PublicKey};
use ron_service::axum::body::Bytes;
use ron_service::axum::http::HeaderValue;

use super::jwks::jwk_set;
use super::{KeysError, open};

/// Keys that have a table once they are used, the newest ones: 13 MiB in all. A signature of an older one takes half as
/// long again.
pub(super) const WITH_TABLE: usize = 64;

/// By how much clocks of two threads may differ.
const SLACK_MS: u64 = 1_000;

/// The public keys, what is told of them, and what verifies with them; all of one moment.
pub(crate) struct KeyRing {
    /// The snapshot of the store's keys that it was made of.
    generation: u64,
    /// From when to when it is right, as long as the snapshot is the same.
    made_ms: u64,
    right_until_ms: u64,
    keys: Vec<PublicKey>,
    by_kid: HashMap<Arc<str>, Verifying>,
    /// Body of `GET /v1/keys`.
    pub(crate) jwks: Bytes,
    /// The quoted BLAKE3 digest of that body.
    pub(crate) etag: HeaderValue,
}

#[derive(Clone)]
enum Verifying {
    WithTable(Arc<Verifier>),
    Encoded([u8; 32]),
}

impl KeyRing {
    /// The keys that verify now. Tables that `before` has are taken from it.
    pub(super) fn new(kms: &Kms, key: &ron_kms::KeyRef, now_ms: u64, before: Option<&Self>) -> Result<Self, KeysError> {
        // Read first: if keys change meanwhile, this ring is out of date from the beginning, and made again.
        let generation = kms.generation();
        let right_until_ms = open::next_retirement_ms(kms, key, now_ms);
        let keys = kms.public_keys(key)?;
        let mut by_kid = HashMap::with_capacity(keys.len());
        for (age, PublicKey { kid, bytes, .. }) in keys.iter().rev().enumerate() {
            let known = before.and_then(|ring| ring.with_table(kid)).filter(|known| known.as_bytes() == bytes);
            let verifying = match known {
                _ if age >= WITH_TABLE => Verifying::Encoded(*bytes),
                Some(known) => Verifying::WithTable(known.clone()),
                None => {
                    let key = Verifier::new(*bytes).map_err(|_| KeysError::PublicKey { kid: kid.to_string() })?;
                    Verifying::WithTable(Arc::new(key.with_table()))
                }
            };
            by_kid.insert(kid.clone(), verifying);
        }
        let jwks = jwk_set(keys.iter().map(|key| (&*key.kid, &key.bytes)));
        let etag = format!("\"{}\"", blake3::hash(&jwks).to_hex());
        // Digits and quotes always are a header's value.
        let etag = HeaderValue::try_from(etag).unwrap_or(HeaderValue::from_static("\"\""));
        Ok(Self { generation, made_ms: now_ms, right_until_ms, keys, by_kid, jwks: jwks.into(), etag })
    }

    /// Whether nothing has changed since it was made: neither keys, nor the state of one by the passing of time.
    pub(super) fn is_right(&self, generation: u64, now_ms: u64) -> bool {
        self.generation == generation && (self.made_ms.saturating_sub(SLACK_MS)..self.right_until_ms).contains(&now_ms)
    }

    /// What verifies signatures of a key id, if anything does.
    pub(crate) fn verifier(&self, kid: &str) -> Option<Arc<Verifier>> {
        match self.by_kid.get(kid)? {
            Verifying::WithTable(key) => Some(key.clone()),
            Verifying::Encoded(bytes) => Verifier::new(*bytes).ok().map(Arc::new),
        }
    }

    /// The keys, in order of creation.
    pub(crate) fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    fn with_table(&self, kid: &str) -> Option<&Arc<Verifier>> {
        match self.by_kid.get(kid)? {
            Verifying::WithTable(key) => Some(key),
            Verifying::Encoded(_) => None,
        }
    }
}
