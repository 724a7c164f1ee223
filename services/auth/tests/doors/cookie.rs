//! Cookies that repeat a permit.

use serde_json::json;

use super::check::{CHECK, ORIGINAL, ask, bearer, of_acme};
use crate::common::{Answer, BUNDLE, Process, World, eventually, metric, now_s, with};

fn with_cookies(ttl_s: u64) -> (tempfile::TempDir, World) {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("cookie.key");
    std::fs::write(&key, format!("{}\n", "5a".repeat(32))).unwrap();
    let lines = format!("check.cookie_key_file = '{}'\ncheck.cookie_ttl_s = {ttl_s}", key.display());
    let world = World::with(&format!("{ORIGINAL}\nsecurity.clock_skew_s = 60\n{lines}"));
    (folder, world)
}

/// What a browser sends for a cookie that was set.
fn pair(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

fn show(world: &World, method: &str, uri: &str, cookie: &str) -> Answer {
    let headers = [("X-Original-Method", method), ("X-Original-URI", uri), ("Cookie", cookie)];
    world.auth.send("GET", CHECK, &headers, b"")
}

#[test]
fn a_cookie_permits_the_same_again_and_nothing_else() {
    let (_key, world) = with_cookies(60);
    let own = world.own();
    let first = ask(&world.auth, "GET", "/index/1?q", &bearer(&world.envelope(&of_acme())));
    let set = first.header("set-cookie");
    assert!(set.starts_with("__Secure-ron-auth="), "{set}");
    assert!(set.ends_with("; Path=/index/1; Max-Age=60; HttpOnly; Secure; SameSite=Strict"), "{set}");
    let cookie = pair(&first);
    let again = show(&world, "GET", "/index/1", &format!("a=b; {cookie}; c=d"));
    assert_eq!((again.status, again.header("x-auth-reason")), (200, "cookie"));
    assert_eq!((again.header("x-auth-subject"), again.header("x-auth-tenant")), ("alice", "acme"));
    assert_eq!(again.header("set-cookie"), "", "it does not prolong itself");
    assert_eq!(metric(&world.auth, r#"auth_ops_total{op="check",result="ok",alg="cookie"}"#), Some(1.0));
    for (method, uri) in [("PUT", "/index/1"), ("GET", "/index/2"), ("GET", "/index/1/x"), ("GET", "/index")] {
        assert_eq!(show(&world, method, uri, &cookie).status, 401, "{method} {uri}");
    }
    let token = ask(&world.auth, "GET", "/index/1", &format!("Bearer {}", own.minter.good()));
    let again = show(&world, "GET", "/index/1", &pair(&token));
    assert_eq!((again.status, again.header("x-auth-subject"), again.header("x-auth-tenant")), (200, "", "acme"));
    // Each character of it counts.
    let (name, value) = cookie.split_once('=').unwrap();
    for at in 0..value.len() {
        let other = if &value[at..=at] == "1" { "2" } else { "1" };
        let changed = format!("{name}={}{other}{}", &value[..at], &value[at + 1..]);
        assert_eq!(show(&world, "GET", "/index/1", &changed).status, 401, "{changed}");
    }
    // An artefact that is there is judged, whatever cookie is beside it.
    let headers = [
        ("X-Original-Method", "GET"),
        ("X-Original-URI", "/index/1"),
        ("Cookie", &*cookie),
        ("Authorization", "Bearer x"),
    ];
    assert_eq!(world.auth.send("GET", CHECK, &headers, b"").status, 401);
    // No other route knows it.
    let body = json!({"action": "GET", "resource": "/index/1"}).to_string();
    let headers = [("Cookie", &*cookie), ("Content-Type", "application/json")];
    assert_eq!(world.auth.send("POST", "/v1/auth/authorize", &headers, body.as_bytes()).status, 400);
    // Another bundle, the same rules.
    std::fs::write(own.folder.path().join("policy.toml"), BUNDLE.replace("version = 1", "version = 2")).unwrap();
    eventually("the new bundle is in force", || show(&world, "GET", "/index/1", &cookie).status == 401);
}

#[test]
fn a_cookie_has_an_end_that_is_not_past_that_of_the_artefact() {
    let (_key, world) = with_cookies(3);
    let cookie = pair(&ask(&world.auth, "GET", "/index/1", &bearer(&world.envelope(&of_acme()))));
    assert_eq!(show(&world, "GET", "/index/1", &cookie).status, 200);
    eventually("its end", || show(&world, "GET", "/index/1", &cookie).status == 401);
    let (_key, world) = with_cookies(300);
    let exp = now_s() + 20;
    let soon = ask(&world.auth, "GET", "/index/1", &bearer(&world.envelope(&with(&of_acme(), "exp", json!(exp)))));
    let end: u64 = pair(&soon).split_once('=').unwrap().1.split('.').next().unwrap().parse().unwrap();
    assert_eq!((soon.status, end), (200, exp * 1_000));
    // Good by the grace of the clock's skew alone.
    let past =
        ask(&world.auth, "GET", "/index/1", &bearer(&world.envelope(&with(&of_acme(), "exp", json!(now_s() - 5)))));
    assert_eq!((past.status, past.header("set-cookie")), (200, ""));
    let audited = ask(&world.auth, "POST", "/audited", &bearer(&world.envelope(&of_acme())));
    assert_eq!((audited.status, audited.header("set-cookie")), (200, ""), "what has to be done each time");
    let denied = ask(&world.auth, "GET", "/other", &bearer(&world.envelope(&of_acme())));
    assert_eq!((denied.status, denied.header("set-cookie")), (403, ""));
}

#[test]
fn a_key_that_is_none_is_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "short").unwrap();
    let toml = format!(
        "server.bind = '127.0.0.1:0'\ncheck = {{ request_from = 'path', cookie_key_file = '{}' }}",
        key.display()
    );
    let (code, said) = Process::refused(&toml);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("check.cookie_key_file") && said.contains("openssl rand -hex 32"), "{said}");
    for (toml, says) in [
        ("check.cookie_key_file = 'x'", "check.request_from"),
        ("check.cookie_ttl_s = 0", "check.cookie_ttl_s"),
        ("check.request_from = 'any'", "original"),
    ] {
        let (code, said) = Process::refused(toml);
        assert!(code == Some(2) && said.contains(says), "{toml}: {said}");
    }
}
