//! Keys that envelopes are verified with here: fetched from svc-passport, or of the common store.

use serde_json::{Value, json};

use crate::common::{
    AUTHORIZE, Process, World, eventually, is_unavailable, json_of, may_read, reader, settings, tampered, verdict, with,
};
use crate::fake::{Fake, Reply, all_good};

const ONCE: &str = "caching = { verify_positive_ttl_ms = 0, verify_negative_ttl_ms = 0";

/// The names are those of the settings.
#[test]
fn fetched_keys_are_fetched_again_before_jwks_ttl_s_is_over_and_no_more_often() {
    let here = "verify.delegate_to_passport = false";
    let fake = |ttl_s: u32| {
        Fake::new(&format!("{here}\n{ONCE}, jwks_ttl_s = {ttl_s} }}"), |_, body| Reply::now(200, all_good(body)))
    };
    let (short, long) = (fake(1), fake(3_600));
    let started = std::time::Instant::now();
    let (first, seldom) = (short.keys(), long.keys());
    eventually("they are fetched again, by themselves", || short.keys() >= first + 4);
    // Each after half of it.
    assert!(started.elapsed() >= std::time::Duration::from_millis(1_400), "{:?}", started.elapsed());
    assert_eq!(long.keys(), seldom);
    assert!(short.calls().is_empty(), "no signature was asked about");
}

/// A key that is withdrawn is good until the keys are fetched again, and no longer.
#[test]
fn a_key_that_is_withdrawn_is_no_key_after_the_next_fetch() {
    let toml =
        format!("verify.delegate_to_passport = false\nverify.renewal_cooldown_ms = 60000\n{ONCE}, jwks_ttl_s = 2 }}");
    let mut world = World::with(&toml);
    let asked = may_read(&world.envelope(&reader()), "docs/a").to_string();
    assert_eq!(verdict(&json_of(&world.auth.post(AUTHORIZE, &asked))), "Permit");
    let own = world.own.as_mut().unwrap();
    own.passport.kill();
    let bind = own.passport.public.address.to_string();
    own.passport = Process::passport(own.folder.path(), &bind, "");
    // The same id is another key there.
    eventually("the old key is gone", || {
        let answer = world.auth.post(AUTHORIZE, &asked);
        answer.status == 200 && verdict(&answer.json()) == "BadSignature"
    });
}

#[test]
fn with_the_store_as_the_source_svc_passport_is_not_needed_to_verify() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display();
    let store = format!(
        "keys.store = {{ sqlite = {{ path = '{path}/keys.db' }} }}\nkeys.master_key = {{ file_or_new = '{path}/master.key' }}\n\
         keys.rotate_grace_s = 1"
    );
    let mut passport = Process::passport(folder.path(), "127.0.0.1:0", &store);
    let nobody = "http://127.0.0.1:9";
    let toml = format!("verify.delegate_to_passport = false\nverify.key_source = 'kms'\n{ONCE} }}");
    let auth = Process::auth(folder.path(), &settings(folder.path(), nobody, &toml));
    eventually("it is ready", || auth.public.get("/readyz").status == 200);
    let issue = |passport: &Process| passport.public.post("/v1/passport/issue", &reader().to_string()).json();
    let ask =
        |envelope: &Value| verdict(&json_of(&auth.public.post(AUTHORIZE, &may_read(envelope, "docs/a").to_string())));
    let first = issue(&passport);
    assert_eq!(ask(&first), "Permit");
    assert_eq!(ask(&tampered(&first)), "BadSignature");
    assert_eq!(ask(&with(&first, "kid", json!("unknown"))), "UnknownKid");
    assert_eq!(passport.admin.as_ref().unwrap().send("POST", "/admin/rotate", &[], b"").status, 200);
    let second = issue(&passport);
    assert_ne!(first["kid"], second["kid"]);
    eventually("the next key is known", || ask(&second) == "Permit");
    eventually("the grace of the first key is over", || ask(&first) == "UnknownKid");
    passport.kill();
    assert_eq!(ask(&second), "Permit");
}

/// The store is a condition of its own: without it nothing is decided about envelopes or tokens.
#[test]
fn a_store_that_is_not_there_yet_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let toml = "verify.delegate_to_passport = false\nverify.key_source = 'kms'\n\
                keys.store = { postgres = { url = 'host=0.0.0.0 port=9 dbname=none connect_timeout=1' } }\n\
                keys.master_key = { file_or_new = 'MASTER' }";
    let bundle = folder.path().join("policy.toml");
    std::fs::write(&bundle, crate::common::BUNDLE).unwrap();
    let toml = toml.replace("MASTER", &folder.path().join("master.key").display().to_string());
    let auth = Process::auth(folder.path(), &format!("policy.path = '{}'\n{toml}", bundle.display()));
    let answer = auth.public.get("/readyz");
    assert_eq!((answer.status, answer.body.contains("key store")), (503, true), "{answer:?}");
    // That this address is here after all is not known to whoever reads it.
    eventually("the log warns of it", || auth.log().contains("reached without TLS"));
    let envelope = crate::common::unsigned(&reader(), &"s".repeat(64));
    assert!(is_unavailable(&auth.public.post(AUTHORIZE, &may_read(&envelope, "docs/a").to_string())));
}
