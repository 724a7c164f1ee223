//! Capability tokens for services that are configured.

use ron_auth::{Decision, RequestCtx, VerifierConfig};
use serde_json::{Value, json};

use crate::common::{Answer, Client, Process, eventually, metric};

const PATH: &str = "/v1/passport/capability";
const SECRET: &str = "a-secret-of-some-length";

fn started() -> Process {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("gateway"), format!("{SECRET}\n")).unwrap();
    let digest = blake3::hash(b"another-secret-of-length").to_hex();
    let toml = format!(
        r#"
[capability]
default_ttl_s = 60
max_ttl_s = 600
[[capability.accounts]]
name = "gateway"
token_file = "{}/gateway"
tenants = ["acme", "umbrella"]
[[capability.accounts]]
name = "mailbox"
token_blake3 = "{digest}"
tenants = ["umbrella"]
"#,
        folder.path().display()
    );
    Process::with_store(folder, &toml)
}

fn mint(client: &Client, secret: &str, order: &Value) -> Answer {
    let bearer = format!("Bearer {secret}");
    let headers = [("Content-Type", "application/json"), ("Authorization", &bearer)];
    client.send("POST", PATH, &headers, order.to_string().as_bytes())
}

fn order() -> Value {
    json!({
        "tenant": "acme",
        "scope": {"prefix": "/index/", "methods": ["GET"], "max_bytes": null},
        "caveats": [{"aud": "ron-auth"}, {"rate": {"per_s": 5, "burst": 10}}, {"amnesia": true}],
    })
}

fn code(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.header("content-type"), "application/problem+json", "{answer:?}");
    (answer.status, answer.json()["code"].as_str().unwrap().to_owned())
}

#[test]
fn a_token_is_minted_for_a_service_that_may_and_verifies_with_the_key_of_the_store() {
    let process = started();
    let now_s = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let answer = mint(&process.client(), SECRET, &order());
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"), "{answer:?}");
    let minted = answer.json();
    assert_eq!((&minted["tid"], &minted["kid"]), (&json!("acme"), &json!("capability-v1")));
    let exp = minted["exp"].as_u64().unwrap();
    assert!((now_s + 59..=now_s + 62).contains(&exp), "{exp}");
    let token = minted["token"].as_str().unwrap().to_owned();
    let path = process.folder.path().to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let master_key = ron_kms::MasterKeySource::File(path.join("master.key"));
        let config = ron_kms::KmsConfig::sqlite(path.join("keys.db"), master_key);
        let kms = ron_kms::Kms::open(config, std::sync::Arc::new(ron_kms::SystemClock)).await.unwrap();
        let snapshot = kms.mac_snapshot();
        let verify = |method: &str| {
            let request = RequestCtx::new(now_s, method, "/index/a", "acme").audience("ron-auth").amnesia(true);
            ron_auth::verify_token(&VerifierConfig::default(), &token, &request, &snapshot.at(now_s)).unwrap()
        };
        assert!(matches!(verify("GET"), Decision::Allow { .. }), "{:?}", verify("GET"));
        assert!(matches!(verify("PUT"), Decision::Deny { .. }), "{:?}", verify("PUT"));
    });
}

#[test]
fn who_may_not_mint_is_told_so() {
    let process = started();
    let client = process.client();
    let unauthorized = |answer: &Answer| {
        assert_eq!(code(answer), (401, "Unauthorized".to_owned()));
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    };
    unauthorized(&client.post(PATH, &order().to_string()));
    for secret in ["", "wrong", "a-secret-of-some-lengt", "a-secret-of-some-length "] {
        let answer = mint(&client, secret, &order());
        if secret.trim_end() != SECRET {
            unauthorized(&answer);
        }
    }
    // Even a body that cannot be read says nothing before that.
    unauthorized(&client.post(PATH, "not json"));
    let other = "another-secret-of-length";
    assert_eq!(code(&mint(&client, other, &order())), (403, "TenantForbidden".to_owned()));
    let mut umbrella = order();
    umbrella["tenant"] = json!("umbrella");
    assert_eq!(mint(&client, other, &umbrella).status, 200);
    umbrella["tenant"] = json!("nobody");
    assert_eq!(code(&mint(&client, SECRET, &umbrella)), (403, "TenantForbidden".to_owned()));
    let text = client.get("/metrics").body;
    let series = |account: &str, result: &str| {
        let labels = format!("service=\"svc-passport\",account=\"{account}\",result=\"{result}\"");
        metric(&text, &format!("passport_capabilities_total{{{labels}}}"))
    };
    assert_eq!(series("mailbox", "ok"), Some(1.0));
    assert_eq!(series("gateway", "TenantForbidden"), Some(1.0));
    assert!(series("none", "Unauthorized").is_some());
    assert!(!process.log().contains(SECRET));
}

#[test]
fn what_cannot_be_minted_is_a_problem() {
    let process = started();
    for (field, value, status, expected) in [
        ("ttl_s", json!(0), 400, "BadTtl"),
        ("ttl_s", json!(601), 400, "BadTtl"),
        ("caveats", json!(vec![json!({"amnesia": true}); 64]), 400, "TooManyCaveats"),
        ("caveats", json!([{"custom": {"ns": "a", "name": "b", "cbor_b64": "*"}}]), 400, "BadCaveat"),
        ("caveats", json!([{"custom": {"ns": "a", "name": "b", "cbor_b64": "//8="}}]), 400, "BadCaveat"),
        ("caveats", json!([{"aud": "x".repeat(5_000)}]), 413, "MsgTooLarge"),
        ("caveats", json!([{"unknown": 1}]), 422, "Unprocessable"),
        ("scope", json!({"methods": ["GET"]}), 422, "Unprocessable"),
        ("more", json!(1), 422, "Unprocessable"),
    ] {
        let mut order = order();
        order[field] = value;
        assert_eq!(code(&mint(&process.client(), SECRET, &order)), (status, expected.to_owned()), "{field}");
    }
}

#[test]
fn without_accounts_there_is_no_such_route() {
    let process = Process::with_example_key("");
    assert_eq!(process.client().post(PATH, "{}").status, 404);
}

#[test]
fn a_tenants_key_is_replaced_from_the_admin_listener_alone() {
    let process = started();
    let path = "/admin/capability/rotate/acme";
    assert_eq!(process.client().send("POST", path, &[], b"").status, 404);
    let rotated = process.admin().send("POST", path, &[], b"");
    assert_eq!((rotated.status, &rotated.json()["kid"]), (200, &json!("capability-v2")));
    assert_eq!(mint(&process.client(), SECRET, &order()).json()["kid"], "capability-v1", "announced first");
    eventually("the new key signs", || mint(&process.client(), SECRET, &order()).json()["kid"] == "capability-v2");
    assert_eq!(process.admin().send("POST", "/admin/capability/rotate/nobody", &[], b"").status, 404);
}
