//! The process: start, readiness, policy that changes, drain.

use std::net::TcpListener;

use serde_json::json;

use crate::common::{
    AUTHORIZE, BUNDLE, Process, World, eventually, is_unavailable, json_of, may_read, metric, reader, verdict,
};

#[test]
fn a_port_that_is_taken_is_told_in_one_line_with_what_helps() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (code, said) = Process::refused(&format!("server.bind = '{}'", taken.local_addr().unwrap()));
    assert_eq!(code, Some(1));
    let errors: Vec<_> = said.lines().filter(|line| line.starts_with("error: ")).collect();
    let [line] = errors.as_slice() else { panic!("{said}") };
    assert!(line.contains("server.bind") && line.contains("micronode"), "{line}");
}

#[test]
fn what_cannot_be_is_refused_in_one_line_that_says_what_to_set() {
    for (toml, says) in [
        ("server.bnd = '127.0.0.1:0'", "bnd"),
        ("verify.passport_base = 'https://x'", "verify.passport_base"),
        ("verify.passport_base = 'http://x/y'", "verify.passport_base"),
        ("verify.retries = 3", "verify.retries"),
        ("verify.concurrency = 0", "verify.concurrency"),
        ("verify.key_source = 'kms'", "keys.store"),
        ("security.accepted_audiences = []", "security.accepted_audiences"),
        ("keys.master_key = { env = 'X' }", "keys.store"),
        ("tokens.tenant = ''", "tokens.tenant"),
        ("caching.jwks_ttl_s = 0", "caching.jwks_ttl_s"),
    ] {
        let (code, said) = Process::refused(toml);
        assert_eq!(code, Some(2), "{toml}: {said}");
        let line = said.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
        assert!(line.contains(says), "{toml}: {line}");
    }
    let (code, said) = Process::refused("server.bind = '127.0.0.1:0'\npolicy.path = '/nowhere/policy.yaml'");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("policy.path") && said.contains(".toml"), "{said}");
}

#[test]
fn readiness_names_what_is_missing_and_nothing_is_decided_before() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let auth = Process::auth(folder.path(), &format!("verify.passport_base = 'http://{nobody}'"));
    let answer = auth.public.get("/readyz");
    assert_eq!(answer.status, 503);
    let missing = answer.json()["missing"].to_string();
    assert!(missing.contains("policy.path") && missing.contains("verify.passport_base"), "{missing}");
    assert_eq!(metric(&auth.public, "auth_ready"), Some(0.0));
    let envelope = crate::common::unsigned(&reader(), "s");
    assert!(is_unavailable(&auth.public.post(AUTHORIZE, &may_read(&envelope, "docs/a").to_string())));
    assert!(is_unavailable(&auth.public.post(crate::common::WHOAMI, &envelope.to_string())));
}

#[test]
fn a_new_bundle_takes_over_and_a_bad_one_does_not() {
    let world = World::with("caching.verify_positive_ttl_ms = 60000");
    let own = world.own();
    let path = own.folder.path().join("policy.toml");
    let asked = may_read(&world.envelope(&reader()), "docs/a").to_string();
    let ask = || verdict(&json_of(&world.auth.post(AUTHORIZE, &asked)));
    assert_eq!(ask(), "Permit");
    let admin = own.auth.admin.clone().unwrap();
    let reload = || admin.send("POST", "/admin/policy/reload", &[], b"");
    std::fs::write(&path, "schema = \"ron-policy/2\"\nversion = 2\nrules = [{ id = 5 }]").unwrap();
    let bad = reload();
    assert_eq!(crate::common::problem(&bad), (422, "BadBundle".to_owned()));
    assert!(bad.json()["message"].as_str().unwrap().contains("line 3"), "{bad:?}");
    assert_eq!((ask().as_str(), metric(&world.auth, "auth_policy_bad")), ("Permit", Some(1.0)));
    let warning = || {
        let answer = world.auth.get("/readyz");
        assert_eq!(answer.status, 200, "the one before is in force");
        answer.json()["warnings"][0]["reason"].as_str().unwrap_or_default().to_owned()
    };
    assert!(warning().contains("line 3"), "{}", warning());
    std::fs::remove_file(&path).unwrap();
    assert_eq!(reload().status, 422);
    assert_eq!((ask().as_str(), metric(&world.auth, "auth_policy_bad")), ("Permit", Some(1.0)));
    assert!(warning().contains("No such file"), "{}", warning());
    std::fs::write(&path, BUNDLE.replace("docs/sealed/**", "docs/**")).unwrap();
    // By itself.
    eventually("the new bundle is in force", || ask() == "sealed");
    assert_eq!((warning(), metric(&world.auth, "auth_policy_bad")), (String::new(), Some(0.0)));
    let attested = admin.get("/admin/attest").json();
    assert_eq!(attested["policy"]["loaded"]["version"], 1);
    assert_eq!(attested["policy"]["loaded"]["digest"].as_str().map(str::len), Some(64));
    assert!(attested["keys"].to_string().contains("capability-v1"));
    let asked = json!({"action": "read", "resource": "docs/a", "roles": ["reader"]}).to_string();
    let trace = admin.post("/admin/decision_trace", &asked).json();
    assert_eq!((&trace["decision"]["effect"], &trace["decision"]["rule"]), (&json!("Deny"), &json!("sealed")));
    for path in ["/admin/attest", "/admin/decision_trace", "/admin/policy/reload"] {
        assert_eq!(world.auth.get(path).status, 404, "on the admin listener alone");
    }
}

/// Nobody asks for it to be read.
#[test]
fn a_bundle_that_becomes_bad_or_goes_away_shows_by_itself_and_the_log_says_where() {
    let world = World::with("");
    let own = world.own();
    let path = own.folder.path().join("policy.toml");
    let asked = may_read(&world.envelope(&reader()), "docs/a").to_string();
    let ask = || verdict(&json_of(&world.auth.post(AUTHORIZE, &asked)));
    let is_bad = || metric(&world.auth, "auth_policy_bad") == Some(1.0);
    let warns = |what: &str| world.auth.get("/readyz").json()["warnings"].to_string().contains(what);
    for (break_it, what) in
        [(Some("schema = \"ron-policy/2\"\nversion = 2\n\nrules = [{ id = 5 }]"), "line 4"), (None, "No such file")]
    {
        match break_it {
            Some(text) => std::fs::write(&path, text).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
        eventually(what, || is_bad() && warns(what) && own.auth.log().contains(what));
        let log = own.auth.log();
        let line = log.lines().find(|line| line.contains(what)).unwrap();
        assert!(line.contains("ERROR") && line.contains("policy.toml"), "{line}");
        assert_eq!((ask().as_str(), world.auth.get("/readyz").status), ("Permit", 200));
        assert_eq!(metric(&world.auth, "auth_ready"), Some(1.0));
        std::fs::write(&path, BUNDLE).unwrap();
        eventually("it is good again", || !is_bad() && !warns(what));
    }
}

/// For scripts: two beside one another, whatever is configured.
#[test]
fn auth_dynamic_port_takes_free_ports() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let bind = format!("server.bind = '{0}'\nserver.admin_bind = '{0}'", taken.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let auth = Process::auth_with(folder.path(), &bind, &[("AUTH_DYNAMIC_PORT", "1")]);
    assert_eq!(auth.public.get("/healthz").status, 200);
    assert_eq!(auth.admin.as_ref().unwrap().get("/admin/attest").status, 200);
    assert_ne!(auth.public.address, taken.local_addr().unwrap());
}

#[test]
fn sigterm_drains_and_the_exit_code_is_0() {
    let mut world = World::with("");
    world.own().auth.signal("TERM");
    assert_eq!(world.own.as_mut().unwrap().auth.exit().code(), Some(0));
}

#[test]
fn nothing_of_what_is_presented_is_logged() {
    let world = World::with("log.level = 'debug'");
    let envelope = world.envelope(&json!({"sub": "hunter2", "aud": "ron-auth"}));
    let token = world.own().minter.good();
    world.auth.post(AUTHORIZE, &may_read(&envelope, "docs/hunter2").to_string());
    world.auth.post(AUTHORIZE, "{\"hunter2\"");
    world.auth.post(crate::common::WHOAMI, &json!({"token": token}).to_string());
    std::thread::sleep(std::time::Duration::from_millis(100));
    let log = world.own().auth.log();
    for secret in ["hunter2", envelope["msg_b64"].as_str().unwrap(), envelope["sig_b64"].as_str().unwrap(), &token] {
        assert!(!log.contains(secret), "{secret}");
    }
}
