//! A proxy's sub-request.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::common::{
    Answer, Client, World, eventually, is_unavailable, metric, now_s, problem, reader, tampered, unsigned, with,
};

pub(crate) const CHECK: &str = "/v1/auth/check";
pub(crate) const ORIGINAL: &str = "check.request_from = 'original'\ntokens.tenant = 'acme'";

/// The claims of somebody of `acme`.
pub(crate) fn of_acme() -> Value {
    with(&reader(), "tenant", json!("acme"))
}

pub(crate) fn bearer(envelope: &Value) -> String {
    format!("Bearer {}", BASE64_URL_SAFE_NO_PAD.encode(envelope.to_string()))
}

/// May the request with this method, URI and `Authorization` pass?
pub(crate) fn ask(client: &Client, method: &str, uri: &str, authorization: &str) -> Answer {
    let headers = [("X-Original-Method", method), ("X-Original-URI", uri), ("Authorization", authorization)];
    let sent = if authorization.is_empty() { &headers[..2] } else { &headers[..] };
    client.send("GET", CHECK, sent, b"")
}

/// Status, decision and reason.
fn told(answer: &Answer) -> (u16, &str, &str) {
    (answer.status, answer.header("x-auth-decision"), answer.header("x-auth-reason"))
}

#[test]
fn a_good_artefact_passes_where_the_policy_permits_it_and_not_elsewhere() {
    for world in World::both_ways(ORIGINAL) {
        let envelope = bearer(&world.envelope(&with(&of_acme(), "sub", json!("älice 1%"))));
        let token = format!("bearer {}", world.own().minter.good());
        for artefact in [&envelope, &token] {
            let answer = ask(&world.auth, "GET", "/index/1?q=/../x", artefact);
            assert_eq!(told(&answer), (200, "Permit", "tokens-of-acme"), "{answer:?}");
            assert_eq!((answer.header("x-auth-tenant"), answer.header("cache-control")), ("acme", "no-store"));
            assert_eq!((answer.header("set-cookie"), answer.header("x-auth-obligations")), ("", ""));
            let answer = ask(&world.auth, "GET", "/index/sealed/1", artefact);
            assert_eq!(told(&answer), (403, "Deny", "sealed-index"), "{answer:?}");
            assert_eq!(answer.header("x-auth-subject"), "");
        }
        let answer = ask(&world.auth, "GET", "/index/1", &envelope);
        assert_eq!(answer.header("x-auth-subject"), "%C3%A4lice%201%25");
        let answer = ask(&world.auth, "GET", "/index/1", &token);
        assert_eq!(answer.header("x-auth-subject"), "", "a token has none");
        // The policy would, the token does not; and the other way round.
        assert_eq!(told(&ask(&world.auth, "POST", "/audited", &token)), (403, "Deny", "caveat.method"));
        assert_eq!(told(&ask(&world.auth, "GET", "/other", &envelope)), (403, "Deny", "default"));
        let audited = ask(&world.auth, "POST", "/audited", &envelope);
        assert_eq!(told(&audited), (200, "Permit", "audited"));
        assert_eq!(audited.header("x-auth-obligations"), r#"[{"kind":"log-audit","params":{"level":"info"}}]"#);
        let series =
            |result: &str, alg: &str| format!("auth_ops_total{{op=\"check\",result=\"{result}\",alg=\"{alg}\"}}");
        assert!(metric(&world.auth, &series("ok", "Ed25519")) >= Some(3.0));
        assert!(metric(&world.auth, &series("deny", "capability")) >= Some(2.0));
    }
}

#[test]
fn what_nobody_is_known_by_is_401_and_comes_from_authorization_alone() {
    let world = World::with(ORIGINAL);
    let good = world.envelope(&of_acme());
    let token = world.own().minter.good();
    let expired = world.envelope(&with(&of_acme(), "exp", json!(now_s() - 600)));
    let elsewhere = world.envelope(&with(&of_acme(), "aud", json!("elsewhere")));
    let plain = |envelope: &Value| bearer(envelope).trim_start_matches("Bearer ").to_owned();
    for (authorization, reason) in [
        (String::new(), "Unauthorized"),
        (format!("Basic {}", plain(&good)), "Unauthorized"),
        (plain(&good), "Unauthorized"),
        (bearer(&tampered(&good)), "BadSignature"),
        (bearer(&with(&good, "kid", json!("unknown"))), "UnknownKid"),
        (bearer(&unsigned(&of_acme(), "s")), "UnknownKid"),
        (bearer(&with(&good, "alg", json!("none"))), "BadAlg"),
        (bearer(&with(&good, "kid", json!(""))), "BadKid"),
        (bearer(&json!({"alg": 5})), "Malformed"),
        (bearer(&json!({"token": token})), "BadAlg"),
        (bearer(&expired), "Expired"),
        (bearer(&elsewhere), "BadAudience"),
        (format!("Bearer {}", &token[..token.len() - 2]), "Malformed"),
        ("Bearer x".to_owned(), "Malformed"),
        (format!("Bearer {good}"), "Malformed"),
    ] {
        let answer = ask(&world.auth, "GET", "/index/1", &authorization);
        assert_eq!(told(&answer), (401, "Deny", reason), "{authorization}");
        assert_eq!((problem(&answer), answer.header("www-authenticate")), ((401, "Denied".to_owned()), "Bearer"));
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    // Everywhere else it is nothing.
    let asked = [("X-Original-Method", "GET"), ("X-Original-URI", "/index/1")];
    let others = [
        ("X-Auth-Subject", "alice"),
        ("X-Token", token.as_str()),
        ("Cookie", "token=x"),
        ("X-Auth-Decision", "Permit"),
    ];
    let all: Vec<_> = asked.into_iter().chain(others).collect();
    let path = format!("{CHECK}?token={token}&access_token={token}");
    let answer = world.auth.send("POST", &path, &all, json!({"token": token}).to_string().as_bytes());
    assert_eq!(told(&answer), (401, "Deny", "Unauthorized"));
    let bearer = bearer(&good);
    let twice: Vec<_> = asked.into_iter().chain([("Authorization", &*bearer), ("Authorization", &*bearer)]).collect();
    assert_eq!(world.auth.send("GET", CHECK, &twice, b"").status, 401, "one of two may be somebody else's");
}

#[test]
fn a_path_with_several_spellings_does_not_pass() {
    let world = World::with(ORIGINAL);
    let good = bearer(&world.envelope(&of_acme()));
    for uri in [
        "/index/../x",
        "/index/%2e%2e/x",
        "/index//1",
        "/index/%73ealed/1",
        "/index/1;x",
        "/index\\1",
        "index/1",
        "http://h/index/1",
        "*",
        "?x",
    ] {
        assert_eq!(told(&ask(&world.auth, "GET", uri, &good)), (403, "Deny", "path.ambiguous"), "{uri}");
    }
}

#[test]
fn who_is_asked_for_comes_from_the_configured_place_alone_and_once() {
    let world = World::with(ORIGINAL);
    let good = bearer(&world.envelope(&of_acme()));
    let authorization = ("Authorization", good.as_str());
    let (method, uri) = (("X-Original-Method", "GET"), ("X-Original-URI", "/index/1"));
    let forwarded = [("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "/index/1")];
    for headers in [
        vec![authorization],
        vec![authorization, method],
        vec![authorization, uri],
        vec![authorization, forwarded[0], forwarded[1]],
        vec![authorization, method, uri, ("X-Original-URI", "/index/1")],
        vec![authorization, method, ("X-Original-Method", "GET"), uri],
        vec![authorization, ("X-Original-Method", "G T"), uri],
    ] {
        let answer = world.auth.send("GET", CHECK, &headers, b"");
        assert_eq!(problem(&answer), (400, "Malformed".to_owned()), "{headers:?}");
    }
    // Those of another place change nothing.
    let sealed = [("X-Forwarded-Method", "PUT"), ("X-Forwarded-Uri", "/index/sealed/1")];
    let answer = world.auth.send("POST", CHECK, &[authorization, method, uri, sealed[0], sealed[1]], b"");
    assert_eq!(answer.status, 200);
}

#[test]
fn forwarded_headers_and_the_path_behind_the_route_are_other_places() {
    let world = World::with("check.request_from = 'forwarded'");
    let good = bearer(&world.envelope(&of_acme()));
    let ask = |uri: &str| {
        let headers = [("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", uri), ("Authorization", good.as_str())];
        world.auth.send("GET", CHECK, &headers, b"").status
    };
    assert_eq!((ask("/index/1"), ask("/index/sealed/1")), (200, 403));
    let world = World::with("check.request_from = 'path'");
    let good = bearer(&world.envelope(&of_acme()));
    let headers = [("Authorization", good.as_str()), ("X-Original-URI", "/index/1"), ("X-Forwarded-Uri", "/index/1")];
    let ask = |method: &str, path: &str| world.auth.send(method, &format!("{CHECK}{path}"), &headers, b"").status;
    assert_eq!((ask("GET", "/index/1?x"), ask("POST", "/audited"), ask("DELETE", "/index/1")), (200, 200, 403));
    assert_eq!((ask("GET", "/"), ask("GET", "/index/sealed/1"), ask("GET", "/index/%2e%2e/1")), (403, 403, 403));
    assert_eq!(ask("GET", ""), 404, "nothing is asked for");
}

#[test]
fn without_configuration_there_is_no_such_route_and_without_what_it_needs_no_permit() {
    let world = World::with("");
    assert_eq!(ask(&world.auth, "GET", "/index/1", "Bearer x").status, 404);
    let mut world = World::with(&format!(
        "{ORIGINAL}\ncaching = {{ verify_positive_ttl_ms = 0, verify_negative_ttl_ms = 0 }}\nverify.timeout_ms = 200"
    ));
    let good = bearer(&world.envelope(&of_acme()));
    let own = world.own.as_mut().unwrap();
    own.passport.kill();
    for _ in 0..8 {
        let answer = ask(&world.auth, "GET", "/index/1", &good);
        assert!(is_unavailable(&answer), "{answer:?}");
        assert_eq!(answer.header("x-auth-decision"), "");
    }
    let folder = tempfile::tempdir().unwrap();
    let bare = crate::common::Process::auth(folder.path(), ORIGINAL);
    eventually("it lives", || bare.public.get("/healthz").status == 200);
    assert!(is_unavailable(&ask(&bare.public, "GET", "/index/1", &format!("Bearer {}", world.own().minter.good()))));
}
