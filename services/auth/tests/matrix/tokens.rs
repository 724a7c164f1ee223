//! Capability tokens.

use ron_auth::{CapabilityBuilder, Caveat, MacKey, Rate, Scope};
use serde_json::{Value, json};

use crate::common::{AUTHORIZE, INTROSPECT, WHOAMI, World, json_of, metric, now_s, problem, verdict, with};

fn question(token: &str) -> Value {
    json!({"token": token, "action": "GET", "resource": "/index/1", "context": {"tenant": "acme"}})
}

fn aud(name: &str) -> Caveat {
    Caveat::Aud(name.to_owned())
}

#[test]
fn a_token_is_judged_by_its_own_request_and_then_by_the_policy() {
    let world = World::with("");
    let minter = &world.own().minter;
    let ask = |question: &Value| verdict(&json_of(&world.auth.post(AUTHORIZE, &question.to_string())));
    let good = question(&minter.good());
    assert_eq!(ask(&good), "Permit");
    let context = |context: Value| with(&good, "context", context);
    assert_eq!(ask(&context(json!({"tenant": "umbrella"}))), "tenant.mismatch");
    assert_eq!(ask(&context(json!({"tenant": "acme", "method": "PUT"}))), "caveat.method");
    assert_eq!(ask(&context(json!({"tenant": "acme", "path": "/index/../x"}))), "caveat.path");
    // Nobody says whose request it is: that is not everybody's.
    for unknown in [Value::Null, json!({}), json!({"tenant": ""})] {
        assert_eq!(ask(&context(unknown)), "tenant.mismatch");
    }
    // The token permits it, the policy does not.
    assert_eq!(ask(&with(&context(json!({"tenant": "acme", "method": "GET"})), "action", json!("see"))), "default");
    let from_net = minter.token([aud("ron-auth"), Caveat::IpCidr("192.0.2.0/24".to_owned())]);
    for (peer, expected) in [("192.0.2.9", "Permit"), ("198.51.100.1", "caveat.ip")] {
        let asked = with(&question(&from_net), "context", json!({"tenant": "acme", "peer_ip": peer}));
        assert_eq!(ask(&asked), expected);
    }
    assert!(metric(&world.auth, r#"auth_ops_total{op="authorize",result="ok",alg="capability"}"#) >= Some(2.0));
    assert!(metric(&world.auth, "auth_token_bytes_count") >= Some(8.0));
}

#[test]
fn rates_are_obligations_of_a_permit() {
    let world = World::with("");
    let token = world.own().minter.token([aud("ron-auth"), Caveat::Rate(Rate { per_s: 5, burst: 10 })]);
    let answer = json_of(&world.auth.post(AUTHORIZE, &question(&token).to_string()));
    let rate = json!([{"kind": "rate", "params": {"burst": "10", "per_s": "5"}}]);
    assert_eq!(answer, json!({"decision": "Permit", "reason": "tokens-of-acme", "obligations": rate}));
    let denied = with(&question(&token), "action", json!("see"));
    let denied = with(&denied, "context", json!({"tenant": "acme", "method": "GET"}));
    assert_eq!(
        json_of(&world.auth.post(AUTHORIZE, &denied.to_string())),
        json!({"decision": "Deny", "reason": "default"})
    );
}

#[test]
fn a_token_is_held_against_the_bundle_that_decides() {
    let world = World::with("");
    let minter = &world.own().minter;
    let digest = ron_policy::Bundle::parse(crate::common::BUNDLE.as_bytes(), ron_policy::Format::Toml).unwrap();
    for (digest, expected) in [(digest.digest().to_owned(), "Permit"), ("0".repeat(64), "caveat.policy_digest")] {
        let token = minter.token([aud("ron-auth"), Caveat::GovPolicyDigest(digest)]);
        assert_eq!(verdict(&json_of(&world.auth.post(AUTHORIZE, &question(&token).to_string()))), expected);
    }
}

#[test]
fn what_is_no_good_token_is_told_by_each_route_in_its_way() {
    let world = World::with("security.clock_skew_s = 5\nlimits.max_msg_bytes = 512");
    let minter = &world.own().minter;
    let good = minter.good();
    let foreign = CapabilityBuilder::new("acme", "capability-v1", Scope::new("/index/", ["GET"]));
    let foreign = foreign.caveat(aud("ron-auth")).sign(&MacKey::new([7; 32])).unwrap().to_base64url();
    let unknown = CapabilityBuilder::new("umbrella", "k", Scope::new("/index/", ["GET"]));
    let unknown = unknown.caveat(aud("ron-auth")).sign(&MacKey::new([7; 32])).unwrap().to_base64url();
    for (token, reason) in [
        (foreign, "mac.mismatch"),
        (unknown, "kid.unknown"),
        (minter.token([aud("ron-auth"), Caveat::Exp(now_s() - 60)]), "caveat.exp"),
        (minter.token([aud("ron-auth"), Caveat::Nbf(now_s() + 60)]), "caveat.nbf"),
    ] {
        let body = json!({"token": token}).to_string();
        assert_eq!(problem(&world.auth.post(WHOAMI, &body)), (401, "Denied".to_owned()), "{reason}");
        let answer = json_of(&world.auth.post(INTROSPECT, &body));
        assert_eq!((&answer["active"], &answer["alg"]), (&json!(false), &json!("capability")), "{reason}");
        let asked = question(&token).to_string();
        assert_eq!(verdict(&json_of(&world.auth.post(AUTHORIZE, &asked))), reason);
    }
    for (token, code) in [
        (String::new(), (400, "Malformed")),
        ("no token".to_owned(), (400, "Malformed")),
        (good[..good.len() - 2].to_owned(), (400, "Malformed")),
        ("A".repeat(1_000), (413, "MsgTooLarge")),
    ] {
        let (status, code) = (code.0, code.1.to_owned());
        for (path, body) in [(WHOAMI, json!({"token": token})), (AUTHORIZE, question(&token))] {
            assert_eq!(problem(&world.auth.post(path, &body.to_string())), (status, code.clone()), "{path}");
        }
    }
    // For somebody else, or for nobody in particular.
    for (token, reason) in
        [(minter.token([aud("elsewhere")]), "demand.audience"), (minter.token([]), "demand.audience")]
    {
        let body = json!({"token": token}).to_string();
        assert_eq!(problem(&world.auth.post(WHOAMI, &body)), (400, "BadAudience".to_owned()));
        assert_eq!(verdict(&json_of(&world.auth.post(AUTHORIZE, &question(&token).to_string()))), reason);
    }
}

#[test]
fn a_good_token_says_whose_it_is_and_until_when() {
    let world = World::with("");
    let exp = now_s() + 300;
    let token = world.own().minter.token([aud("ron-auth"), Caveat::Exp(exp), Caveat::Exp(exp + 60)]);
    let body = json!({"token": token}).to_string();
    let who = json_of(&world.auth.post(WHOAMI, &body));
    assert_eq!(who, json!({"aud": "ron-auth", "exp": exp, "tenant": "acme"}));
    let answer = json_of(&world.auth.post(INTROSPECT, &body));
    assert_eq!(answer, json!({"active": true, "alg": "capability", "kid": "capability-v1", "aud": "ron-auth"}));
}

#[test]
fn without_a_store_no_token_is_known_and_the_tenant_may_be_a_setting() {
    let world = World::with("tokens.tenant = 'acme'");
    let token = world.own().minter.good();
    let asked = with(&question(&token), "context", Value::Null).to_string();
    assert_eq!(verdict(&json_of(&world.auth.post(AUTHORIZE, &asked))), "Permit");
    let folder = tempfile::tempdir().unwrap();
    let bare = crate::common::Process::auth(folder.path(), "verify.delegate_to_passport = false");
    let answer = bare.public.post(WHOAMI, &json!({"token": token}).to_string());
    assert_eq!(problem(&answer), (401, "Denied".to_owned()));
}
