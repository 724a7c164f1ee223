//! The OpenAPI document, held against the routes that there are.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::common::Process;

/// With all routes that a setting switches on, but for the one to measure against.
fn with_accounts() -> String {
    let digest = blake3::hash(b"a-secret-of-some-length").to_hex();
    format!("capability.accounts = [{{ name = 'gateway', token_blake3 = '{digest}', tenants = ['acme'] }}]")
}

#[tokio::test]
async fn the_document_has_each_route_and_no_other() {
    let config =
        ron_service::config::load_from("PASSPORT", &|name| (name == "PASSPORT_CONFIG").then(with_accounts)).unwrap();
    let service = svc_passport::service(config).await.unwrap();
    let health = ["/healthz", "/readyz", "/metrics"];
    let routes: BTreeSet<_> = service.paths().chain(health).collect();
    let document: Value = serde_json::from_str(svc_passport::OPENAPI).unwrap();
    let documented: BTreeSet<_> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(documented, routes);
}

#[test]
fn each_route_takes_the_methods_of_the_document_and_no_other() {
    let process = Process::with_example_key(&with_accounts());
    let client = process.client();
    let served = client.get("/openapi.json");
    assert_eq!((served.status, served.header("content-type")), (200, "application/json"));
    let document = served.json();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let is_documented = methods.get(method.to_ascii_lowercase()).is_some();
            let answer = client.send(method, &path.replace("{username}", "nobody"), &[], b"");
            assert_eq!(answer.status != 405, is_documented, "{method} {path}: {answer:?}");
        }
    }
}
