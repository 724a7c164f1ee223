//! What svc-passport can be asked.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{MINTER_SECRET, Subjects, mark};
use crate::envelopes::{tampered, with};

const ISSUE: &str = "/v1/passport/issue";
const VERIFY: &str = "/v1/passport/verify";
const BATCH: &str = "/v1/passport/verify_batch";
const CLAIM: &str = "/v1/passport/profile/claim";
const CAPABILITY: &str = "/v1/passport/capability";

impl Subjects {
    /// The envelope and the token that it has made.
    pub(super) fn ask_passport(&mut self) -> (Value, String) {
        let envelope = self.issued(&self.claims());
        self.ask_to_issue();
        self.ask_to_verify(&envelope);
        self.ask_for_a_profile();
        let token = self.ask_for_a_token();
        let (public, admin) = (self.passport.clone(), self.passport_admin.clone());
        self.ask(&public, "GET", "/v1/keys", &[], "", 200);
        self.ask(&public, "GET", "/admin/attest", &[], "", 200);
        for client in [&public, &admin] {
            self.ask(client, "POST", "/admin/rotate", &[], &json!({"for": mark("rotation")}).to_string(), 200);
        }
        for (path, status) in [
            ("/admin/reseal".to_owned(), 200),
            ("/admin/capability/rotate/demo".to_owned(), 200),
            (format!("/admin/capability/rotate/{}", mark("tenant")), 404),
        ] {
            self.ask(&admin, "POST", &path, &[], "", status);
        }
        (envelope, token)
    }

    fn ask_to_issue(&mut self) {
        let passport = self.passport.clone();
        for message in [json!(mark("message")), json!([mark("item")]), json!({mark("name"): mark("field")})] {
            self.issued(&message);
        }
        for (body, status) in [
            (json!(mark("long").repeat(400)).to_string(), 413),
            (json!(mark("larger").repeat(80_000)).to_string(), 413),
            (format!("{{\"{}\"", mark("cut")), 400),
            (mark("bare"), 400),
        ] {
            self.ask(&passport, "POST", ISSUE, &[], &body, status);
        }
        let kind = format!("text/{}", mark("type"));
        self.ask(&passport, "POST", ISSUE, &[("Content-Type", &kind)], "{}", 415);
    }

    fn ask_to_verify(&mut self, envelope: &Value) {
        let passport = self.passport.clone();
        let other = json!(BASE64_STANDARD.encode(mark("other-message")));
        for (envelope, status) in [
            (envelope.clone(), 200),
            (tampered(envelope), 200),
            (with(envelope, "msg_b64", other), 200),
            (with(envelope, "aud", json!(mark("audience"))), 200),
            (with(envelope, "kid", json!(mark("kid"))), 400),
            (with(envelope, "alg", json!(mark("alg"))), 400),
            (with(envelope, "msg_b64", json!(mark("no-base64"))), 400),
            (with(envelope, "alg", json!([mark("shape")])), 422),
        ] {
            self.ask(&passport, "POST", VERIFY, &[], &envelope.to_string(), status);
        }
        self.ask(&passport, "POST", VERIFY, &[], &format!("{{\"{}", mark("cut")), 400);
        for (batch, status) in [
            (json!([envelope, tampered(envelope)]), 200),
            (json!({"items": [envelope], mark("more"): mark("more")}), 200),
            (json!([with(envelope, "kid", json!(mark("kid")))]), 400),
            (json!([mark("shape")]), 422),
            (json!({mark("no-items"): []}), 422),
            (json!(vec![envelope; 513]), 413),
        ] {
            self.ask(&passport, "POST", BATCH, &[], &batch.to_string(), status);
        }
    }

    fn ask_for_a_profile(&mut self) {
        let passport = self.passport.clone();
        let claim = json!({
            "passport_subject": format!("passport:main:{}", mark("subject")),
            "requested_username": mark("user").to_uppercase(),
            "display_name": mark("display"), "bio": mark("bio"), "avatar_image": format!("crab://{}", mark("avatar")),
        });
        for (claim, status) in [
            (claim.clone(), 201),
            (with(&claim, "passport_subject", json!(mark("another"))), 409),
            (with(&claim, "requested_username", json!(mark("second"))), 409),
            (with(&claim, "requested_username", json!(format!("{}..", mark("bad")))), 400),
            (with(&claim, "bio", json!(mark("long").repeat(100))), 400),
            (with(&claim, &mark("unknown"), json!(mark("unknown"))), 422),
        ] {
            self.ask(&passport, "POST", CLAIM, &[], &claim.to_string(), status);
        }
        for (name, status) in [(mark("user"), 200), (mark("nobody"), 404), (format!("{}!", mark("bad")), 400)] {
            self.ask(&passport, "GET", &format!("/v1/passport/profile/{name}"), &[], "", status);
        }
    }

    fn ask_for_a_token(&mut self) -> String {
        let passport = self.passport.clone();
        // A text in CBOR: its length, and its bytes.
        let word = mark("cbor");
        let cbor = [&[0x60 | word.len() as u8], word.as_bytes()].concat();
        let custom = json!({"ns": mark("ns"), "name": mark("name"), "cbor_b64": BASE64_STANDARD.encode(cbor)});
        let order = json!({
            "tenant": "demo", "scope": {"prefix": "/docs/", "methods": ["GET"], "max_bytes": null},
            "caveats": [{"aud": "ron-auth"}, {"path_prefix": format!("/docs/{}", mark("path"))}, {"amnesia": true}],
        });
        let with_caveats = |caveats: Value| with(&order, "caveats", caveats);
        let bearer = format!("Bearer {MINTER_SECRET}");
        let minter = [("Authorization", bearer.as_str())];
        for (order, status) in [
            (with_caveats(json!([{"custom": custom}, {"tenant": mark("tenant")}])), 200),
            (with_caveats(json!([{"gov_policy_digest": mark("digest")}, {"ip_cidr": mark("net")}])), 200),
            (with_caveats(json!([{"custom": with(&custom, "cbor_b64", json!(mark("no-cbor")))}])), 400),
            (with_caveats(json!([{mark("caveat"): 1}])), 422),
            (with(&order, "tenant", json!(mark("tenant"))), 403),
            (with(&order, "ttl_s", json!(0)), 400),
            (with(&order, &mark("unknown"), json!(1)), 422),
        ] {
            let answer = self.ask(&passport, "POST", CAPABILITY, &minter, &order.to_string(), status);
            if status == 200 {
                self.learn_token(answer.json()["token"].as_str().unwrap());
            }
        }
        let wrong = format!("Bearer {}", mark("secret"));
        self.ask(&passport, "POST", CAPABILITY, &[("Authorization", &wrong)], &order.to_string(), 401);
        let minted = self.ask(&passport, "POST", CAPABILITY, &minter, &order.to_string(), 200).json();
        let token = minted["token"].as_str().unwrap().to_owned();
        self.learn_token(&token);
        token
    }

    /// Its last bytes are its MAC.
    fn learn_token(&mut self, token: &str) {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).unwrap();
        self.marks.learn("the MAC of a token", &bytes[bytes.len() - 32..]);
    }
}
