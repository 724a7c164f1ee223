//! Envelopes: the checks that need no key, and who verifies their signatures.

mod breaker;
mod cache;
mod checked;
mod delegate;
mod jwks;
mod local;
mod upstream;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ron_service::Condition;
use tokio::time::sleep;

pub(crate) use checked::Checked;

use self::cache::Cache;
use self::delegate::Delegate;
use self::local::Local;
use self::upstream::Upstream;
use crate::Config;
use crate::config::KeySource;
use crate::custody::Custody;
use crate::metrics::Metrics;
use crate::refusal::Failure;

/// What became of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signature {
    Good,
    Bad,
    UnknownKey,
}

impl Signature {
    /// The reason to deny by; `None` of a good one.
    pub(crate) const fn code(self) -> Option<&'static str> {
        match self {
            Self::Good => None,
            Self::Bad => Some("BadSignature"),
            Self::UnknownKey => Some("UnknownKid"),
        }
    }
}

/// Names a message, its signature and its key id: a BLAKE3 digest.
type Id = [u8; 32];

/// Who verifies signatures, and what is remembered of it. Whoever does, the answers are the same.
pub(crate) struct Signatures {
    verifier: Verifier,
    cache: Cache,
    /// Whether whoever verifies has been there once.
    seen: Arc<AtomicBool>,
}

enum Verifier {
    Here(Local),
    Passport(Arc<Delegate>),
}

/// How often it is asked whether svc-passport is there, until it has been once.
const LOOK: Duration = Duration::from_millis(100);

impl Signatures {
    /// Begins to look for whoever verifies; `condition` tells until it was there.
    pub(crate) fn start(config: &Config, custody: &Arc<Custody>, metrics: &Arc<Metrics>, condition: Condition) -> Self {
        let (verify, caching) = (&config.verify, &config.caching);
        let upstream = Arc::new(Upstream::new(verify));
        let seen = Arc::new(AtomicBool::new(false));
        let verifier = if verify.delegate_to_passport {
            tokio::spawn(look(upstream.clone(), seen.clone(), condition));
            Verifier::Passport(Arc::new(Delegate::new(config, upstream, metrics.clone())))
        } else if verify.key_source == KeySource::Jwks {
            let jwks = jwks::Jwks::start(upstream, verify, caching, seen.clone(), condition);
            Verifier::Here(Local::of_jwks(jwks))
        } else {
            // The store has a condition of its own.
            condition.met();
            seen.store(true, Ordering::Relaxed);
            Verifier::Here(Local::of_store(custody.clone(), &config.keys))
        };
        Self { verifier, cache: Cache::new(caching), seen }
    }

    /// Whether whoever verifies has been there once.
    pub(crate) fn is_there(&self) -> bool {
        self.seen.load(Ordering::Relaxed)
    }

    pub(crate) fn cached_items(&self) -> usize {
        self.cache.items()
    }

    /// Verifies each signature: one outcome for each, in order.
    ///
    /// # Errors
    /// Some cannot be verified now. Then none is answered for: whoever asked asks again for all.
    pub(crate) async fn verify(&self, envelopes: &[&Checked<'_>]) -> Result<Vec<Signature>, Failure> {
        if self.cache.is_off() && envelopes.len() == 1 && matches!(self.verifier, Verifier::Here(_)) {
            return self.verify_missing(envelopes, &[[0; 32]]).await;
        }
        let ids: Vec<Id> = envelopes.iter().map(|envelope| envelope.id()).collect();
        let mut outcomes: Vec<Option<Signature>> = ids.iter().map(|id| self.cache.get(id)).collect();
        let is_missing = |outcome: &Option<Signature>| outcome.is_none();
        if outcomes.iter().any(is_missing) {
            let missing = |place: usize| outcomes.get(place).is_some_and(is_missing);
            let (asked, asked_ids): (Vec<&Checked<'_>>, Vec<Id>) = envelopes
                .iter()
                .zip(&ids)
                .enumerate()
                .filter(|(place, _)| missing(*place))
                .map(|(_, (envelope, id))| (*envelope, *id))
                .unzip();
            let found = self.verify_missing(&asked, &asked_ids).await?;
            for (id, outcome) in asked_ids.iter().zip(&found) {
                self.cache.put(*id, *outcome);
            }
            let mut found = found.into_iter();
            for outcome in outcomes.iter_mut().filter(|outcome| outcome.is_none()) {
                *outcome = found.next();
            }
        }
        // As many as were asked for, or nothing: a missing one would shift those behind it.
        outcomes.into_iter().collect::<Option<Vec<_>>>().ok_or(Failure::Delegate)
    }

    async fn verify_missing(&self, envelopes: &[&Checked<'_>], ids: &[Id]) -> Result<Vec<Signature>, Failure> {
        match &self.verifier {
            Verifier::Here(local) => local.verify(envelopes).await,
            Verifier::Passport(delegate) => delegate.verify(envelopes, ids).await,
        }
    }
}

/// Asks svc-passport for its keys until it answers.
async fn look(upstream: Arc<Upstream>, seen: Arc<AtomicBool>, condition: Condition) {
    condition.missing("svc-passport has not answered yet; start it, or set verify.passport_base");
    let mut pause = LOOK;
    while Arc::strong_count(&seen) > 1 {
        if upstream.keys().await.is_ok() {
            seen.store(true, Ordering::Relaxed);
            condition.met();
            tracing::info!("svc-passport is there");
            return;
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}
