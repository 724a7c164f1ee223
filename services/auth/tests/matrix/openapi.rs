//! The OpenAPI document, held against the routes that there are.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::common::Process;

#[tokio::test]
async fn the_document_has_each_route_and_no_other() {
    let config = svc_auth::Config::default();
    let service = svc_auth::service(config).await.unwrap();
    let health = ["/healthz", "/readyz", "/metrics"];
    let routes: BTreeSet<_> = service.paths().chain(health).collect();
    let document: Value = serde_json::from_str(svc_auth::OPENAPI).unwrap();
    let documented: BTreeSet<_> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(documented, routes);
}

#[test]
fn each_route_takes_the_methods_of_the_document_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::auth(folder.path(), "");
    let client = &process.public;
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
