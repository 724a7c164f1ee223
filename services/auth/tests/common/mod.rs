//! svc-auth by its base URL or as a process of our own, and what it needs around it.
#![allow(dead_code, unused_imports, missing_docs, unreachable_pub, reason = "each test program uses a part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

#[path = "../../../passport/tests/common/envelopes.rs"]
pub mod envelopes;
#[path = "../../../passport/tests/common/http.rs"]
pub mod http;
#[path = "../../../passport/tests/common/ledger.rs"]
pub mod ledger;
mod process;
mod world;

pub use envelopes::{tampered, with};
pub use http::{Answer, Client, Kept, read};
pub use process::{PORTS, Process, auth_command, eventually, is_passport, passport, passport_command, run_passport};
pub use world::{Minter, World, settings};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

pub const WHOAMI: &str = "/v1/auth/whoami";
pub const INTROSPECT: &str = "/v1/auth/introspect";
pub const AUTHORIZE: &str = "/v1/auth/authorize";
pub const BATCH: &str = "/v1/auth/authorize_batch";

/// The policy of the tests.
pub const BUNDLE: &str = r#"
schema = "ron-policy/2"
version = 1

[[rules]]
id = "readers-read"
effect = "permit"
when = { roles_any = ["reader"], actions = ["read"], resources = ["docs/**"] }
obligations = [{ kind = "log-audit", params = { level = "info" } }]

[[rules]]
id = "sealed"
effect = "deny"
when = { resources = ["docs/sealed/**"] }

[[rules]]
id = "tokens-of-acme"
effect = "permit"
when = { tenants = ["acme"], actions = ["GET"], resources = ["/index/**"] }

[[rules]]
id = "sealed-index"
effect = "deny"
when = { resources = ["/index/sealed/**"] }

[[rules]]
id = "audited"
effect = "permit"
when = { tenants = ["acme"], actions = ["POST"], resources = ["/audited"] }
obligations = [{ kind = "log-audit", params = { level = "info" } }]
"#;

pub fn now_s() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

/// The claims of somebody who may read documents.
pub fn reader() -> Value {
    json!({"sub": "alice", "aud": ["ron-auth"], "roles": ["reader"], "exp": now_s() + 600, "iat": now_s()})
}

/// May the bearer read that?
pub fn may_read(envelope: &Value, resource: &str) -> Value {
    json!({"envelope": envelope, "action": "read", "resource": resource})
}

/// An envelope of any message, with a signature that nobody made.
pub fn unsigned(claims: &Value, signature: &str) -> Value {
    json!({
        "alg": "Ed25519",
        "kid": "k",
        "aud": "outside",
        "msg_b64": BASE64_STANDARD.encode(claims.to_string()),
        "sig_b64": BASE64_STANDARD.encode(signature),
    })
}

/// Status and code of a problem.
pub fn problem(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.header("content-type"), "application/problem+json", "{answer:?}");
    let body = answer.json();
    assert!(body["message"].is_string() && body["retryable"].is_boolean(), "{answer:?}");
    (answer.status, body["code"].as_str().unwrap().to_owned())
}

/// 503 `Internal`, worth another try.
pub fn is_unavailable(answer: &Answer) -> bool {
    let body = answer.json();
    let is_told =
        body["retryable"] == true && body["retry_after_ms"].is_u64() && !answer.header("retry-after").is_empty();
    answer.status == 503 && body["code"] == "Internal" && is_told
}

pub fn json_of(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!((answer.header("content-type"), answer.header("cache-control")), ("application/json", "no-store"));
    answer.json()
}

/// `Permit`, or the reason to deny.
pub fn verdict(answer: &Value) -> String {
    match answer["decision"].as_str() {
        Some("Permit") => "Permit".to_owned(),
        Some("Deny") => answer["reason"].as_str().unwrap_or_else(|| panic!("no reason: {answer}")).to_owned(),
        _ => panic!("no decision: {answer}"),
    }
}

pub fn metric(client: &Client, series: &str) -> Option<f64> {
    let text = client.get("/metrics").body;
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')).map(|value| value.parse().unwrap())
}
