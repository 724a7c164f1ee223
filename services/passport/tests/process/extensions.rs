//! What the contract does not have, each switched on.

use serde_json::{Value, json};

use crate::common::{BATCH, Process, VERIFY, issued, tampered, with};

#[test]
fn each_item_of_a_batch_can_have_an_answer_of_its_own() {
    let process = Process::with_example_key("extensions.per_item_results = true\nlimits.max_batch = 8");
    let passport = process.client();
    let good = issued(&passport, &json!({}));
    let items = json!([
        good,
        tampered(&good),
        with(&good, "alg", json!("none")),
        with(&good, "kid", json!(" ")),
        with(&good, "kid", json!("K")),
        with(&good, "aud", Value::Null),
        with(&good, "msg_b64", json!("*")),
        good,
    ]);
    let answer = passport.post(BATCH, &items.to_string());
    assert_eq!(answer.status, 200);
    let bad = |code: &str| json!({"ok": false, "code": code});
    assert_eq!(
        answer.json(),
        json!([
            {"ok": true},
            bad("BadSignature"),
            bad("BadAlg"),
            bad("BadKid"),
            bad("UnknownKid"),
            bad("BadAudience"),
            bad("Malformed"),
            {"ok": true},
        ])
    );
    let many = json!(vec![good; 9]).to_string();
    assert_eq!(passport.post(BATCH, &many).problem(), (413, "BatchTooLarge".to_owned()));
    assert_eq!(passport.post(BATCH, "[5]").status, 422);
}

#[test]
fn times_and_audience_of_what_is_signed_can_be_enforced() {
    let toml = "extensions = { enforce_claims = true, accepted_audiences = ['ron-auth'] }\npassport.clock_skew_s = 5";
    let process = Process::with_example_key(toml);
    let passport = process.client();
    let now_s = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    for (claims, expected) in [
        (json!({"aud": "ron-auth"}), "true"),
        (json!({"aud": ["x", "ron-auth"], "exp": now_s + 60, "nbf": now_s}), "true"),
        (json!({"aud": "ron-auth", "exp": now_s - 60}), "false"),
        (json!({"aud": "ron-auth", "nbf": now_s + 60}), "false"),
        (json!({"aud": "elsewhere"}), "false"),
        (json!({}), "false"),
        (json!("text"), "false"),
    ] {
        let envelope = issued(&passport, &claims);
        assert_eq!(passport.post(VERIFY, &envelope.to_string()).body, expected, "{claims}");
        // What is not signed does not count.
        let with_aud = with(&envelope, "aud", json!("ron-auth"));
        assert_eq!(passport.post(BATCH, &json!([with_aud]).to_string()).body, format!("[{expected}]"), "{claims}");
    }
}

#[test]
fn rotation_and_attestation_can_be_left_to_the_admin_listener_and_its_token() {
    let toml = "extensions.admin_listener_only = true\nadmin.token = 'a-token-of-some-length'";
    let process = Process::with_example_key(toml);
    for (method, path) in [("POST", "/admin/rotate"), ("GET", "/admin/attest")] {
        assert_eq!(process.client().send(method, path, &[], b"").status, 404);
        assert_eq!(process.admin().send(method, path, &[], b"").status, 401);
        let token = [("Authorization", "Bearer a-token-of-some-length")];
        assert_eq!(process.admin().send(method, path, &token, b"").status, 200);
    }
    let public = Process::with_example_key("");
    assert_eq!(public.admin().get("/admin/attest").status, 200, "they are on the admin listener at all times");
}

#[test]
fn beyond_this_machine_it_listens_only_without_admin_routes() {
    let toml = "server.bind = '0.0.0.0:0'\nserver.admin_bind = '127.0.0.1:0'\nextensions.admin_listener_only = true";
    let process = Process::start(tempfile::tempdir().unwrap(), toml, &[]);
    let port = process.client().address.port();
    let local = crate::common::Client { address: ([127, 0, 0, 1], port).into() };
    assert_eq!(local.get("/healthz").status, 200);
    assert_eq!(local.send("POST", "/admin/rotate", &[], b"").status, 404);
}

#[test]
fn the_constant_route_answers_a_constant_for_any_body_and_is_there_only_if_asked_for() {
    let path = "/v1/constant";
    assert_eq!(Process::with_example_key("").client().get(path).status, 404);
    let process = Process::with_example_key("extensions.constant_route = true");
    let passport = process.client();
    assert_eq!((passport.get(path).body.as_str(), passport.post(path, "{\"any\":1}").body.as_str()), ("true", "true"));
    assert_eq!(passport.send("POST", path, &[], b"{}").status, 415);
}
