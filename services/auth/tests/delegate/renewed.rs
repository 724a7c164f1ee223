//! A real svc-passport that restarts with other keys under the same ids.

use serde_json::json;

use crate::common::{
    AUTHORIZE, Process, World, eventually, is_unavailable, json_of, may_read, reader, tampered, verdict,
};

#[test]
fn after_a_restart_with_other_keys_new_envelopes_are_good_and_old_ones_are_not() {
    for mut world in World::both_ways(
        "verify.renewal_cooldown_ms = 200\nverify.breaker_open_ms = 100\ncaching.verify_positive_ttl_ms = 0",
    ) {
        let ask = |world: &World, envelope: &serde_json::Value| {
            world.auth.post(AUTHORIZE, &may_read(envelope, "docs/a").to_string())
        };
        let old = world.envelope(&reader());
        assert_eq!(verdict(&json_of(&ask(&world, &old))), "Permit");
        let own = world.own.as_mut().unwrap();
        own.passport.kill();
        let bind = own.passport.public.address.to_string();
        own.passport = Process::passport(own.folder.path(), &bind, "");
        let new = world.envelope(&reader());
        assert_eq!(new["kid"], old["kid"], "another key of the same id");
        eventually("the new key is known", || {
            let answer = ask(&world, &new);
            answer.status == 200 && verdict(&answer.json()) == "Permit"
        });
        let reason = verdict(&json_of(&ask(&world, &old)));
        assert_eq!(reason, "BadSignature");
        let rotated = world.passport.send("POST", "/admin/rotate", &[], b"");
        assert_eq!(rotated.status, 200);
        let newest = world.envelope(&reader());
        assert_ne!(newest["kid"], new["kid"]);
        eventually("the newest key is known", || verdict(&json_of(&ask(&world, &newest))) == "Permit");
    }
}

#[test]
fn with_svc_passport_away_nothing_is_permitted_and_it_is_back_by_itself() {
    let toml = "caching = { verify_positive_ttl_ms = 0, verify_negative_ttl_ms = 0 }\nverify.breaker_open_ms = 100";
    let mut world = World::with(toml);
    let asked = may_read(&world.envelope(&reader()), "docs/a").to_string();
    let own = world.own.as_mut().unwrap();
    own.passport.kill();
    for _ in 0..20 {
        assert!(is_unavailable(&world.auth.post(AUTHORIZE, &asked)));
    }
    // Tokens need nobody.
    let own = world.own.as_mut().unwrap();
    let token =
        json!({"token": own.minter.good(), "action": "GET", "resource": "/index/1", "context": {"tenant": "acme"}});
    assert_eq!(verdict(&json_of(&world.auth.post(AUTHORIZE, &token.to_string()))), "Permit");
    let bind = own.passport.public.address.to_string();
    own.passport = Process::passport(own.folder.path(), &bind, "");
    let asked = may_read(&world.envelope(&reader()), "docs/a").to_string();
    eventually("it is back", || world.auth.post(AUTHORIZE, &asked).status == 200);
    assert_eq!(verdict(&json_of(&world.auth.post(AUTHORIZE, &asked))), "Permit");
}

/// Fetched keys are as good as their time.
#[test]
fn keys_that_were_fetched_verify_while_svc_passport_is_away_and_no_longer_than_they_may() {
    let toml = "verify.delegate_to_passport = false\ncaching = { jwks_ttl_s = 2, verify_positive_ttl_ms = 0 }";
    let mut world = World::with(toml);
    let envelope = world.envelope(&reader());
    let asked = may_read(&envelope, "docs/a").to_string();
    let own = world.own.as_mut().unwrap();
    own.passport.kill();
    assert_eq!(verdict(&json_of(&world.auth.post(AUTHORIZE, &asked))), "Permit");
    let forged = may_read(&tampered(&envelope), "docs/a").to_string();
    assert_eq!(verdict(&json_of(&world.auth.post(AUTHORIZE, &forged))), "BadSignature");
    eventually("they are too old", || is_unavailable(&world.auth.post(AUTHORIZE, &asked)));
}
