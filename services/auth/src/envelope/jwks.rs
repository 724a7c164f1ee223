//! svc-passport's key set: fetched before it is too old, and once more if it may have been renewed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ron_envelope::PublicKey;
use ron_service::Condition;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::sleep;

use super::upstream::{Unavailable, Upstream};
use crate::config::{Caching, Verify};

/// Most keys of a set that is taken. Each takes 215 KiB once it is used.
const MAX_KEYS: usize = 256;
/// How soon it is tried again to get keys that could not be had.
const AGAIN: Duration = Duration::from_millis(200);

/// Keys by their ids, as they were at one moment.
pub(super) struct KeySet {
    keys: HashMap<String, Arc<PublicKey>>,
    fetched: Instant,
}

/// The key set, and how it is kept new.
pub(super) struct Jwks {
    upstream: Arc<Upstream>,
    ttl: Duration,
    cooldown: Duration,
    current: ArcSwapOption<KeySet>,
    /// When it was last tried to fetch keys. Locked while they are fetched: once for all who want them.
    tried: Mutex<Option<Instant>>,
    seen: Arc<AtomicBool>,
    condition: Condition,
}

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(default)]
    crv: String,
    #[serde(default)]
    kid: String,
    #[serde(default)]
    x: String,
}

impl KeySet {
    pub(super) fn get(&self, kid: &str) -> Option<&Arc<PublicKey>> {
        self.keys.get(kid)
    }

    /// Reads a key set. Keys of other kinds are left out; those of the set before are taken from there, with their
    /// tables.
    fn read(body: &[u8], before: Option<&Self>) -> Result<Self, Unavailable> {
        const NO_SET: Unavailable = Unavailable::Nonsense("a set of Ed25519 keys with ids of their own");
        let set: JwkSet = serde_json::from_slice(body).map_err(|_| NO_SET)?;
        let mut keys = HashMap::new();
        for jwk in set.keys.into_iter().filter(|jwk| jwk.kty == "OKP" && jwk.crv == "Ed25519") {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(&jwk.x).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            let bytes = bytes.ok_or(NO_SET)?;
            let known = before.and_then(|set| set.get(&jwk.kid)).filter(|key| *key.as_bytes() == bytes).cloned();
            let key = match known {
                Some(key) => key,
                None => Arc::new(PublicKey::new(bytes).map_err(|_| NO_SET)?.with_table()),
            };
            if jwk.kid.is_empty() || keys.insert(jwk.kid, key).is_some() || keys.len() > MAX_KEYS {
                return Err(NO_SET);
            }
        }
        Ok(Self { keys, fetched: Instant::now() })
    }
}

impl Jwks {
    /// Begins to fetch keys.
    pub(super) fn start(
        upstream: Arc<Upstream>,
        verify: &Verify,
        caching: &Caching,
        seen: Arc<AtomicBool>,
        condition: Condition,
    ) -> Arc<Self> {
        condition.missing("the keys of svc-passport were not fetched yet; start it, or set verify.passport_base");
        let jwks = Arc::new(Self {
            upstream,
            ttl: Duration::from_secs(caching.jwks_ttl_s),
            cooldown: Duration::from_millis(verify.renewal_cooldown_ms),
            current: ArcSwapOption::empty(),
            tried: Mutex::new(None),
            seen,
            condition,
        });
        tokio::spawn(keep_new(Arc::downgrade(&jwks)));
        jwks
    }

    /// The keys, unless they are too old. Then they verify nothing: one may have been withdrawn meanwhile.
    pub(super) async fn keys(&self) -> Result<Arc<KeySet>, Unavailable> {
        if let Some(keys) = self.fresh() {
            return Ok(keys);
        }
        let mut tried = self.tried.lock().await;
        if let Some(keys) = self.fresh() {
            return Ok(keys);
        }
        if tried.is_some_and(|at| at.elapsed() < AGAIN) {
            return Err(Unavailable::Closed);
        }
        self.fetch(&mut tried).await
    }

    /// The keys as they are now, if they are others than `known`: for who found no use in those. Asked of svc-passport
    /// at most once in a cooldown, however many bad signatures come.
    pub(super) async fn renewed(&self, known: &Arc<KeySet>) -> Option<Arc<KeySet>> {
        let mut tried = self.tried.lock().await;
        let others = |keys: Arc<KeySet>| (!Arc::ptr_eq(&keys, known)).then_some(keys);
        if let Some(keys) = self.fresh().and_then(others) {
            return Some(keys);
        }
        if tried.is_some_and(|at| at.elapsed() < self.cooldown) {
            return None;
        }
        self.fetch(&mut tried).await.ok()
    }

    fn fresh(&self) -> Option<Arc<KeySet>> {
        self.current.load_full().filter(|keys| keys.fetched.elapsed() < self.ttl)
    }

    async fn fetch(&self, tried: &mut Option<Instant>) -> Result<Arc<KeySet>, Unavailable> {
        let before = self.current.load_full();
        let fetched = self.upstream.keys().await.and_then(|body| KeySet::read(&body, before.as_deref()));
        *tried = Some(Instant::now());
        let keys = fetched.map(Arc::new).inspect_err(|error| tracing::warn!(%error, "keys of svc-passport"))?;
        self.current.store(Some(keys.clone()));
        self.seen.store(true, Ordering::Relaxed);
        self.condition.met();
        Ok(keys)
    }
}

/// Fetches keys when half of their time is over, so that nobody has to wait for it.
async fn keep_new(jwks: Weak<Jwks>) {
    loop {
        let Some(jwks) = jwks.upgrade() else { return };
        let half = jwks.ttl / 2;
        let age = jwks.current.load().as_ref().map(|keys| keys.fetched.elapsed());
        let pause = match age {
            Some(age) if age < half => half - age,
            _ => match jwks.fetch(&mut *jwks.tried.lock().await).await {
                Ok(_) => half,
                Err(_) => AGAIN,
            },
        };
        drop(jwks);
        sleep(pause.max(Duration::from_millis(10))).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: &str = "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg";

    fn key(kid: &str, x: &str) -> String {
        format!(r#"{{"alg":"EdDSA","crv":"Ed25519","kid":"{kid}","kty":"OKP","use":"sig","x":"{x}"}}"#)
    }

    fn read(keys: &[String], before: Option<&KeySet>) -> Result<KeySet, Unavailable> {
        KeySet::read(format!("{{\"keys\":[{}]}}", keys.join(",")).as_bytes(), before)
    }

    #[test]
    fn keys_of_other_kinds_are_left_out_and_known_ones_are_kept() {
        let rsa = r#"{"kty":"RSA","kid":"r","n":"AQAB","e":"AQAB"}"#.to_owned();
        let first = read(&[rsa, key("a", X)], None).unwrap();
        assert!(first.get("r").is_none());
        let second = read(&[key("b", X), key("a", X)], Some(&first)).unwrap();
        assert!(Arc::ptr_eq(first.get("a").unwrap(), second.get("a").unwrap()));
        assert!(second.get("b").is_some());
    }

    #[test]
    fn a_set_that_cannot_be_understood_is_refused_as_a_whole() {
        for keys in [
            vec![key("a", X), key("a", X)],
            vec![key("", X)],
            vec![key("a", "AAAA")],
            vec![key("a", "*")],
            (0..=MAX_KEYS).map(|n| key(&n.to_string(), X)).collect(),
        ] {
            assert!(read(&keys, None).is_err());
        }
        assert!(KeySet::read(b"{}", None).is_err() && KeySet::read(b"", None).is_err());
        assert!(read(&[], None).is_ok());
    }
}
