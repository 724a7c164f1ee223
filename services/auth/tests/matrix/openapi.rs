//! The OpenAPI document, held against the routes that there are.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::common::Process;

/// With the routes of AuthZEN, and with that for proxies where `request_from` puts it.
fn with_all(request_from: &str) -> String {
    let digest = blake3::hash(b"a-secret-of-some-length").to_hex();
    format!(
        "check.request_from = '{request_from}'\nauthzen.base_url = 'https://pdp.example.com'\n\
         authzen.accounts = [{{ name = 'gateway', token_blake3 = '{digest}' }}]"
    )
}

/// Nothing; and all that a setting switches on, but for the one to measure against. No process has all of it.
fn settings() -> [String; 3] {
    [String::new(), with_all("original"), with_all("path")]
}

fn paths(document: &Value) -> BTreeSet<String> {
    document["paths"].as_object().unwrap().keys().cloned().collect()
}

/// What is served with these lines of TOML.
fn served(toml: &str) -> (tempfile::TempDir, Process, Value) {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::auth(folder.path(), toml);
    let answer = process.public.get("/openapi.json");
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    let document = answer.json();
    (folder, process, document)
}

/// The router's templates, as OpenAPI writes them.
async fn routes(toml: String) -> BTreeSet<String> {
    let variable = |name: &str| (name == "RON_AUTH_CONFIG").then(|| toml.clone());
    let config = ron_service::config::load_from(svc_auth::CONFIG_PREFIX, &variable).unwrap();
    let service = svc_auth::service(config).await.unwrap();
    let health = ["/healthz", "/readyz", "/metrics"];
    service.paths().chain(health).map(|path| path.replace("{*", "{")).collect()
}

#[tokio::test]
async fn each_route_is_told_where_it_is_there_and_no_other() {
    let whole: Value = serde_json::from_str(svc_auth::OPENAPI).unwrap();
    let mut all = BTreeSet::new();
    for toml in settings() {
        let routes = routes(toml.clone()).await;
        let (_folder, _process, document) = served(&toml);
        assert_eq!(paths(&document), routes, "{toml}");
        for path in &routes {
            assert_eq!(document["paths"][path], whole["paths"][path], "{path}");
        }
        assert_eq!(document["components"], whole["components"]);
        all.extend(routes);
    }
    assert_eq!(paths(&whole), all);
}

#[test]
fn each_route_takes_the_methods_of_the_document_and_no_other() {
    for toml in settings() {
        let (_folder, process, document) = served(&toml);
        for (path, methods) in document["paths"].as_object().unwrap() {
            // Not HEAD: whatever has GET has it.
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
                let is_documented = methods.get(method.to_ascii_lowercase()).is_some();
                let answer = process.public.send(method, &path.replace("{path}", "index"), &[], b"");
                assert_eq!(answer.status != 405, is_documented, "{method} {path}: {answer:?}");
            }
        }
    }
}
