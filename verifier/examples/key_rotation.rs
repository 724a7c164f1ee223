//! Replaces a key while threads verify: ten minutes of grace for tokens of the old one, then they are refused and
//! reported.
//!
//! ```text
//! cargo run -p ron-auth --example key_rotation
//! ```

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ron_auth::{
    CapabilityBuilder, KeyName, KeyRing, MacKey, MintError, RequestCtx, RotatingKeys, Scope, VerifierConfig,
    verify_token,
};

const OLD: KeyName<'_> = KeyName { tid: "acme", kid: "2025-11" };
const NEW: KeyName<'_> = KeyName { tid: "acme", kid: "2025-12" };

fn main() -> Result<(), Box<dyn Error>> {
    // A real host reads them from its key store.
    let old_key = MacKey::new(*b"an example key, not for real use");
    let new_key = MacKey::new(*b"another example key, not for use");
    let token = |name: KeyName<'_>, key: &MacKey| -> Result<String, MintError> {
        Ok(CapabilityBuilder::new(name.tid, name.kid, Scope::new("/", ["GET"])).sign(key)?.to_base64url())
    };
    let tokens = [("old", token(OLD, &old_key)?), ("new", token(NEW, &new_key)?)];

    let mut ring = KeyRing::new();
    ring.insert(OLD, old_key);
    let late = Arc::new(AtomicU64::new(0));
    let counter = late.clone();
    // Anybody can name a key that is gone, so this counts and does not page.
    let keys = RotatingKeys::with_alert(ring, move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    });

    let config = VerifierConfig::default();
    let now_unix_s = 1_764_500_000;
    // One for each thread that verifies.
    let mut reader = keys.reader();
    let mut show = |when: &str, now_unix_s: u64| {
        let ctx = RequestCtx::new(now_unix_s, "GET", "/", "acme");
        for (which, token) in &tokens {
            let result = verify_token(&config, token, &ctx, &reader.at(now_unix_s));
            println!(
                "{when:>22}, token of the {which} key: {}",
                match result {
                    Ok(decision) if decision.is_allow() => "allow".to_owned(),
                    Ok(_) => "deny".to_owned(),
                    Err(error) => error.to_string(),
                }
            );
        }
    };

    show("before", now_unix_s);
    keys.update(|ring| {
        ring.insert(NEW, new_key);
        ring.retire(OLD, now_unix_s + 600);
    });
    show("in the time of grace", now_unix_s + 599);
    show("after it", now_unix_s + 600);
    // Some day: the key has no use any more, but whoever still names it is still reported.
    keys.update(|ring| ring.prune(now_unix_s + 600));
    show("pruned", now_unix_s + 86_400);
    println!("tokens of a key that should be gone: {}", late.load(Ordering::Relaxed));
    Ok(())
}
