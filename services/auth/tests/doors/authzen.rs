//! AuthZEN 1.0.

use serde_json::{Value, json};

use crate::common::{Answer, Process, World, is_unavailable, json_of, metric, problem, with};

const ONE: &str = "/access/v1/evaluation";
const MANY: &str = "/access/v1/evaluations";
const SECRET: &str = "secret-of-the-gateway";

fn toml() -> String {
    let digest = blake3::hash(SECRET.as_bytes()).to_hex();
    format!(
        "limits.max_batch = 4\nauthzen.base_url = 'https://pdp.example.com'\n\
         [[authzen.accounts]]\nname = 'gateway'\ntoken_blake3 = '{digest}'"
    )
}

fn ask(world: &World, path: &str, body: &Value) -> Answer {
    let headers = [("Content-Type", "application/json"), ("Authorization", "Bearer secret-of-the-gateway")];
    world.auth.send("POST", path, &headers, body.to_string().as_bytes())
}

fn alice() -> Value {
    json!({"type": "user", "id": "alice", "properties": {"roles": ["reader"], "department": {"a": [1]}}})
}

fn question(resource: &str) -> Value {
    json!({
        "subject": alice(), "action": {"name": "read", "properties": {"x": 1}},
        "resource": {"type": "docs", "id": resource, "properties": {"owner": "bob"}}, "context": {"time": "2026-01-01"},
    })
}

#[test]
fn one_question_has_one_answer() {
    let world = World::with(&toml());
    let obligations = json!([{"kind": "log-audit", "params": {"level": "info"}}]);
    let permit = json!({"decision": true, "context": {"reason": "readers-read", "obligations": obligations}});
    assert_eq!(json_of(&ask(&world, ONE, &question("a"))), permit);
    let deny = |reason: &str| json!({"decision": false, "context": {"reason": reason}});
    assert_eq!(json_of(&ask(&world, ONE, &question("sealed/a"))), deny("sealed"));
    let question = |field: &str, value: Value| with(&question("a"), field, value);
    for (asked, reason) in [
        (question("subject", json!({"type": "user", "id": "alice"})), "default"),
        (question("subject", with(&alice(), "type", json!("service"))), "subject.type"),
        (question("action", json!({"name": "write"})), "default"),
        (question("resource", json!({"type": "other", "id": "docs/a"})), "default"),
        (question("context", json!({"tenant": "acme"})), "tenant.mismatch"),
    ] {
        assert_eq!(json_of(&ask(&world, ONE, &asked)), deny(reason), "{asked}");
    }
    assert!(metric(&world.auth, r#"auth_ops_total{op="evaluation",result="ok",alg="none"}"#) >= Some(1.0));
    for (asked, status, code) in [
        (json!({}), 400, "Malformed"),
        (json!([]), 400, "Malformed"),
        (question("subject", json!({"id": "alice"})), 400, "Malformed"),
        (question("subject", json!("alice")), 400, "Malformed"),
        (question("action", json!({"name": ""})), 400, "Malformed"),
        (question("resource", json!({"type": "docs/sealed", "id": "a"})), 400, "Malformed"),
        (question("resource", json!({"type": "docs", "id": "a".repeat(10_000)})), 400, "Malformed"),
    ] {
        assert_eq!(problem(&ask(&world, ONE, &asked)), (status, code.to_owned()), "{asked}");
    }
}

#[test]
fn several_questions_are_answered_in_order_and_as_far_as_is_asked_for() {
    let world = World::with(&toml());
    let read = |id: &str| json!({"resource": {"type": "docs", "id": id}});
    let common = json!({"subject": alice(), "action": {"name": "read"}});
    let ask = |semantic: Option<&str>, items: Value| {
        let asked = with(&common, "evaluations", items);
        let asked = match semantic {
            Some(semantic) => with(&asked, "options", json!({"evaluations_semantic": semantic})),
            None => asked,
        };
        ask(&world, MANY, &asked)
    };
    let decisions = |answer: &Answer| -> Vec<bool> {
        let answers = json_of(answer)["evaluations"].clone();
        answers.as_array().unwrap().iter().map(|item| item["decision"].as_bool().unwrap()).collect()
    };
    let items = json!([read("a"), read("sealed/a"), read("b"), {"action": {"name": "write"}, "resource": {"type": "docs", "id": "a"}}]);
    assert_eq!(decisions(&ask(None, items.clone())), [true, false, true, false]);
    assert_eq!(decisions(&ask(Some("execute_all"), items.clone())), [true, false, true, false]);
    assert_eq!(decisions(&ask(Some("deny_on_first_deny"), items.clone())), [true, false]);
    assert_eq!(decisions(&ask(Some("permit_on_first_permit"), items)), [true]);
    assert_eq!(decisions(&ask(Some("permit_on_first_permit"), json!([read("sealed/a"), read("a")]))), [false, true]);
    // What is wrong with one costs the others nothing.
    let answer = json_of(&ask(None, json!([{}, read("a")])));
    assert_eq!(answer["evaluations"][0]["decision"], false);
    assert_eq!(answer["evaluations"][0]["context"]["error"]["status"], 400);
    assert_eq!(answer["evaluations"][1]["decision"], true);
    let unknown = ask(Some("whatever"), json!([read("a")]));
    assert_eq!(problem(&unknown), (400, "Malformed".to_owned()));
    let many = ask(None, json!(vec![read("a"); 5]));
    assert_eq!(problem(&many), (413, "BatchTooLarge".to_owned()));
    // Without several it is one.
    for items in [json!([]), Value::Null] {
        let asked = with(&with(&common, "evaluations", items), "resource", json!({"type": "docs", "id": "a"}));
        assert_eq!(json_of(&self::ask(&world, MANY, &asked))["decision"], true);
    }
}

#[test]
fn only_an_account_may_ask_and_discovery_is_open() {
    let world = World::with(&toml());
    let body = question("a").to_string();
    for authorization in
        ["", "Bearer", "Bearer wrong-secret-of-the-gateway", "Basic secret-of-the-gateway", "secret-of-the-gateway"]
    {
        let headers = [("Content-Type", "application/json"), ("Authorization", authorization)];
        let answer = world.auth.send("POST", ONE, &headers, body.as_bytes());
        assert_eq!(problem(&answer), (401, "Unauthorized".to_owned()), "{authorization}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    assert_eq!(world.auth.post(MANY, "not JSON").status, 401, "before it is read");
    let document = world.auth.get("/.well-known/authzen-configuration").json();
    let expected = json!({
        "policy_decision_point": "https://pdp.example.com",
        "access_evaluation_endpoint": "https://pdp.example.com/access/v1/evaluation",
        "access_evaluations_endpoint": "https://pdp.example.com/access/v1/evaluations",
    });
    assert_eq!(document, expected);
    let headers =
        [("Authorization", "Bearer secret-of-the-gateway"), ("Content-Type", "text/plain"), ("X-Request-ID", "id-1")];
    let answer = world.auth.send("POST", ONE, &headers, body.as_bytes());
    assert_eq!((problem(&answer), answer.header("x-request-id")), ((415, "UnsupportedMediaType".to_owned()), "id-1"));
}

#[test]
fn it_is_off_unless_configured_and_without_a_policy_nothing_is_permitted() {
    let world = World::with("");
    for path in [ONE, MANY] {
        assert_eq!(ask(&world, path, &question("a")).status, 404);
    }
    assert_eq!(world.auth.get("/.well-known/authzen-configuration").status, 404);
    let folder = tempfile::tempdir().unwrap();
    let bare = Process::auth(folder.path(), &toml());
    let headers = [("Content-Type", "application/json"), ("Authorization", "Bearer secret-of-the-gateway")];
    for path in [ONE, MANY] {
        assert!(is_unavailable(&bare.public.send("POST", path, &headers, question("a").to_string().as_bytes())));
    }
    let account = "server.bind = '127.0.0.1:0'\n[[authzen.accounts]]\nname = 'g'\ntoken_blake3 = 'x'";
    let (code, said) = Process::refused(account);
    assert!(code == Some(2) && said.contains("authzen.base_url"), "{said}");
    let (code, said) = Process::refused(&format!("authzen.base_url = 'http://x'\n{account}"));
    assert!(code == Some(1) && said.contains("64 hexadecimal digits"), "{said}");
}
