//! What svc-auth can be asked.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{ADDRESS, ASKER_SECRET, Subjects, mark, now_s};
use crate::envelopes::{tampered, with};

const WHOAMI: &str = "/v1/auth/whoami";
const INTROSPECT: &str = "/v1/auth/introspect";
const AUTHORIZE: &str = "/v1/auth/authorize";
const BATCH: &str = "/v1/auth/authorize_batch";
const CHECK: &str = "/v1/auth/check";

impl Subjects {
    pub(super) fn ask_auth(&mut self, envelope: &Value, token: &str) {
        let expired = self.issued(&with(&self.claims(), "exp", json!(now_s() - 600)));
        let elsewhere = self.issued(&with(&self.claims(), "aud", json!(mark("audience"))));
        self.ask_who_it_is(envelope, token, &[expired, elsewhere]);
        self.ask_for_decisions(envelope, token);
        self.ask_as_a_proxy(envelope, token);
        self.ask_about_others();
        self.ask_the_admin();
    }

    /// Asks about an envelope that nobody has seen yet, while svc-passport is away.
    pub fn ask_in_vain(&mut self, envelope: &Value) {
        let auth = self.auth.clone();
        self.ask(&auth, "POST", WHOAMI, &[], &envelope.to_string(), 503);
        self.ask(&auth, "POST", INTROSPECT, &[], &tampered(envelope).to_string(), 503);
        self.ask(&auth, "POST", AUTHORIZE, &[], &may(envelope, "docs/a").to_string(), 503);
        let authorization = bearer(envelope);
        let headers = [("Authorization", &*authorization), ("X-Original-Method", "GET"), ("X-Original-URI", "/docs/a")];
        self.ask(&auth, "GET", CHECK, &headers, "", 503);
    }

    /// An envelope that is issued for the purpose.
    pub fn unseen(&mut self) -> Value {
        self.issued(&with(&self.claims(), "unseen", json!(mark("unseen"))))
    }

    fn ask_who_it_is(&mut self, envelope: &Value, token: &str, not_good: &[Value]) {
        let auth = self.auth.clone();
        let of_token = json!({"token": token});
        let damaged = json!({"token": format!("{}A", &token[..token.len() - 1])});
        let other_kid = with(envelope, "kid", json!(mark("kid")));
        for (path, of_bad) in [(WHOAMI, 401), (INTROSPECT, 200)] {
            for good in [envelope, &of_token] {
                self.ask(&auth, "POST", path, &[], &good.to_string(), 200);
            }
            for bad in [&tampered(envelope), &other_kid, &not_good[0]] {
                self.ask(&auth, "POST", path, &[], &bad.to_string(), of_bad);
            }
            for (bad, status) in [
                (not_good[1].to_string(), 400),
                (with(envelope, "alg", json!(mark("alg"))).to_string(), 400),
                (with(envelope, "msg_b64", json!(mark("no-base64"))).to_string(), 400),
                (with(envelope, "kid", json!({mark("shape"): 1})).to_string(), 400),
                (with(envelope, "token", json!(mark("both"))).to_string(), 400),
                (json!({"token": mark("no-token")}).to_string(), 400),
                (json!({"token": mark("long").repeat(2_000)}).to_string(), 413),
                (with(envelope, "msg_b64", json!("QUFB".repeat(4_000))).to_string(), 413),
                (json!(mark("larger").repeat(80_000)).to_string(), 413),
                (format!("{{\"{}", mark("cut")), 400),
            ] {
                self.ask(&auth, "POST", path, &[], &bad, status);
            }
        }
        // A MAC that nobody made, and a token that ends elsewhere.
        self.ask(&auth, "POST", INTROSPECT, &[], &damaged.to_string(), 200);
    }

    fn ask_for_decisions(&mut self, envelope: &Value, token: &str) {
        let auth = self.auth.clone();
        let below = format!("docs/{}", mark("resource"));
        let good = may(envelope, &below);
        let of_token = json!({
            "token": token, "action": "GET", "resource": format!("/docs/{}/a", mark("path")),
            "context": {"tags": [mark("tag")], "region": mark("region")},
        });
        let not_permitted = [
            may(envelope, &format!("docs/sealed/{}", mark("resource"))),
            may(envelope, &mark("resource")),
            may(&tampered(envelope), &below),
            with(&good, "context", json!({"tenant": mark("tenant")})),
            with(&good, "action", json!(mark("action"))),
            with(&of_token, "resource", json!(format!("/docs/other/{}", mark("path")))),
            with(&of_token, "context", json!({"method": mark("method"), "path": format!("/{}", mark("path"))})),
        ];
        for (question, decision) in
            [(&good, "Permit"), (&of_token, "Permit")].into_iter().chain(not_permitted.iter().map(|it| (it, "Deny")))
        {
            let answer = self.ask(&auth, "POST", AUTHORIZE, &[], &question.to_string(), 200).json();
            assert_eq!(answer["decision"], decision, "{question}: {answer}");
        }
        let bad = [
            json!({"envelope": envelope, "action": mark("action")}),
            with(&good, "resource", json!(mark("long").repeat(2_000))),
            with(&good, "envelope", json!(mark("shape"))),
        ];
        for question in &bad {
            self.ask(&auth, "POST", AUTHORIZE, &[], &question.to_string(), 400);
        }
        let all: Vec<_> = [&good, &of_token].into_iter().chain(&not_permitted).chain(&bad).collect();
        self.ask(&auth, "POST", BATCH, &[], &json!(all).to_string(), 200);
        self.ask(&auth, "POST", BATCH, &[], &json!({mark("shape"): []}).to_string(), 400);
        self.ask(&auth, "POST", BATCH, &[], &json!(vec![&bad[0]; 513]).to_string(), 413);
    }

    fn ask_as_a_proxy(&mut self, envelope: &Value, token: &str) {
        let auth = self.auth.clone();
        let uri = format!("/docs/{}?{}={}", mark("path"), mark("key"), mark("query"));
        let asked = [("X-Original-Method", "GET"), ("X-Original-URI", uri.as_str())];
        let of_envelope = bearer(envelope);
        for authorization in [of_envelope.as_str(), &format!("Bearer {token}")] {
            let headers = [&asked[..], &[("Authorization", authorization)]].concat();
            let answer = self.ask(&auth, "GET", CHECK, &headers, "", 200);
            let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
            let mac = cookie.rsplit('.').next().unwrap();
            let mac: Vec<u8> =
                (0..mac.len()).step_by(2).map(|at| u8::from_str_radix(&mac[at..at + 2], 16).unwrap()).collect();
            self.marks.learn("the MAC of a cookie", &mac);
            let answer = self.ask(&auth, "GET", CHECK, &[&asked[..], &[("Cookie", &*cookie)]].concat(), "", 200);
            assert_eq!(answer.header("x-auth-reason"), "cookie");
            let forged = cookie.replace('.', &mark("forged"));
            self.ask(&auth, "GET", CHECK, &[&asked[..], &[("Cookie", &*forged)]].concat(), "", 401);
        }
        let wrong = format!("Bearer {}", mark("bearer"));
        self.ask(&auth, "GET", CHECK, &[&asked[..], &[("Authorization", &*wrong)]].concat(), "", 401);
        for (method, uri, status) in [
            ("GET", format!("/{}/../a", mark("path")), 403),
            ("GET", format!("/{}", mark("elsewhere")), 403),
            (&*mark("METHOD 1"), "/docs/a".to_owned(), 400),
        ] {
            let headers = [("X-Original-Method", method), ("X-Original-URI", &uri), ("Authorization", &of_envelope)];
            self.ask(&auth, "GET", CHECK, &headers, "", status);
        }
    }

    fn ask_about_others(&mut self) {
        let auth = self.auth.clone();
        let subject = json!({
            "type": "user", "id": mark("subject"),
            "properties": {"roles": ["reader", mark("role")], "scopes": [mark("scope")], mark("property"): 1},
        });
        let question = json!({
            "subject": subject, "action": {"name": "read"}, "resource": {"type": "docs", "id": mark("resource")},
            "context": {"region": mark("region"), "tags": [mark("tag")], "peer_ip": ADDRESS, mark("context"): 1},
        });
        let items =
            json!([{"resource": {"type": "docs", "id": mark("resource")}}, {"action": {"name": mark("action")}}]);
        let several = with(&question, "evaluations", items);
        let other = with(&question, "subject", with(&subject, "type", json!(mark("kind"))));
        let bad = with(&question, "resource", json!({"type": format!("{}/", mark("kind")), "id": mark("resource")}));
        let (one, many) = ("/access/v1/evaluation", "/access/v1/evaluations");
        let known = format!("Bearer {ASKER_SECRET}");
        for (path, body, status) in [
            (one, &question, 200),
            (one, &other, 200),
            (one, &bad, 400),
            (one, &json!([mark("shape")]), 400),
            (many, &several, 200),
        ] {
            let answer = self.ask(&auth, "POST", path, &[("Authorization", &known)], &body.to_string(), status);
            assert_eq!(answer.header("x-request-id"), mark("request"), "whoever asks knows it by its own id");
        }
        let wrong = format!("Bearer {}", mark("secret"));
        self.ask(&auth, "POST", one, &[("Authorization", &wrong)], &question.to_string(), 401);
    }

    fn ask_the_admin(&mut self) {
        let admin = self.auth_admin.clone();
        let asked = json!({
            "subject": mark("subject"), "action": "read", "resource": format!("docs/{}", mark("resource")),
            "tenant": mark("tenant"), "method": mark("method"), "region": mark("region"), "scopes": [mark("scope")],
            "roles": ["reader", mark("role")], "tags": [mark("tag")], "peer": ADDRESS,
        });
        for (body, status) in [
            (asked.to_string(), 200),
            (with(&asked, &mark("unknown"), json!(1)).to_string(), 422),
            (with(&asked, "region", json!(mark("long").repeat(2_000))).to_string(), 400),
            (format!("{{\"{}", mark("cut")), 400),
        ] {
            self.ask(&admin, "POST", "/admin/decision_trace", &[], &body, status);
        }
        self.ask(&admin, "GET", "/admin/attest", &[], "", 200);
        self.ask(&admin, "POST", "/admin/policy/reload", &[], &json!(mark("body")).to_string(), 200);
        let wrong = format!("https://{}", mark("origin"));
        self.ask(&admin, "GET", "/admin/attest", &[("Origin", &wrong)], "", 403);
    }
}

/// May the bearer of this read that?
fn may(envelope: &Value, resource: &str) -> Value {
    let context = json!({
        "region": mark("region"), "tags": [mark("tag")], "peer_ip": ADDRESS, "method": mark("method"),
        "path": format!("/{}", mark("path")), mark("context"): mark("more"),
    });
    json!({"envelope": envelope, "action": "read", "resource": resource, "context": context})
}

/// An envelope as the value of `Authorization`.
fn bearer(envelope: &Value) -> String {
    format!("Bearer {}", BASE64_URL_SAFE_NO_PAD.encode(envelope.to_string()))
}
