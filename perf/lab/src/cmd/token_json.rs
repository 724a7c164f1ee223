//! Tokens, flaws and explanations as JSON; and the JSON that `mint` reads, which is that of a token.

use ron_auth_core::inspect::{
    Condition, Explanation, Flaw, Judgement, Subject, UntrustedCaveat, UntrustedToken, UntrustedValue,
};
use ron_auth_core::{Caveat, Decision, DenyReason, Rate, Scope};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::corpus::given::bytes_of_hex;

/// A token as JSON, in the shape that it has on the wire, except that the value of a custom caveat is in hex.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenJson {
    pub(super) tid: Option<String>,
    pub(super) kid: Option<String>,
    pub(super) scope: Option<ScopeJson>,
    #[serde(default)]
    pub(super) caveats: Vec<CaveatJson>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScopeJson {
    prefix: Option<String>,
    methods: Vec<String>,
    max_bytes: Option<u64>,
}

impl From<ScopeJson> for Scope {
    fn from(scope: ScopeJson) -> Self {
        let methods = scope.methods.into_iter().map(Into::into).collect();
        Self { prefix: scope.prefix, methods, max_bytes: scope.max_bytes }
    }
}

#[derive(Debug, Deserialize)]
#[serde(tag = "t", content = "v", deny_unknown_fields)]
pub(super) enum CaveatJson {
    Exp(u64),
    Nbf(u64),
    Aud(String),
    Method(Vec<String>),
    PathPrefix(String),
    IpCidr(String),
    BytesLe(u64),
    Rate { per_s: u32, burst: u32 },
    Tenant(String),
    Amnesia(bool),
    GovPolicyDigest(String),
    Custom { ns: String, name: String, cbor: HexJson },
}

/// Bytes as hex digits.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct HexJson(Vec<u8>);

impl TryFrom<String> for HexJson {
    type Error = &'static str;

    fn try_from(digits: String) -> Result<Self, &'static str> {
        bytes_of_hex(&digits).map(Self).ok_or("`cbor` is an even number of hex digits")
    }
}

impl From<CaveatJson> for Caveat {
    fn from(caveat: CaveatJson) -> Self {
        match caveat {
            CaveatJson::Exp(at) => Self::Exp(at),
            CaveatJson::Nbf(at) => Self::Nbf(at),
            CaveatJson::Aud(audience) => Self::Aud(audience),
            CaveatJson::Method(names) => Self::methods(names),
            CaveatJson::PathPrefix(prefix) => Self::PathPrefix(prefix),
            CaveatJson::IpCidr(net) => Self::IpCidr(net),
            CaveatJson::BytesLe(bytes) => Self::BytesLe(bytes),
            CaveatJson::Rate { per_s, burst } => Self::Rate(Rate { per_s, burst }),
            CaveatJson::Tenant(tenant) => Self::Tenant(tenant),
            CaveatJson::Amnesia(amnesia) => Self::Amnesia(amnesia),
            CaveatJson::GovPolicyDigest(digest) => Self::GovPolicyDigest(digest),
            CaveatJson::Custom { ns, name, cbor } => Self::Custom { ns, name, cbor: cbor.0 },
        }
    }
}

/// A token that was not verified, under a name that says so.
pub(super) fn token_json(token: &UntrustedToken) -> Value {
    let scope = token.scope();
    json!({
        "untrusted": {
            "tid": token.tid(),
            "kid": token.kid(),
            "scope": {
                "prefix": scope.prefix(),
                "methods": scope.methods().collect::<Vec<_>>(),
                "max_bytes": scope.max_bytes(),
            },
            "caveats": token.caveats().map(caveat_json).collect::<Vec<_>>(),
        },
        "mac_start": hex(&token.mac_start()),
        "text_chars": token.text_chars(),
        "cbor_bytes": token.cbor_bytes(),
    })
}

fn caveat_json(caveat: UntrustedCaveat<'_>) -> Value {
    let value = match caveat.value() {
        UntrustedValue::Time(number) | UntrustedValue::Bytes(number) => json!(number),
        UntrustedValue::Text(text) => json!(text),
        UntrustedValue::Texts(texts) => json!(texts),
        UntrustedValue::Rate { per_s, burst } => json!({ "per_s": per_s, "burst": burst }),
        UntrustedValue::Bool(value) => json!(value),
        UntrustedValue::Custom { ns, name, cbor } => json!({ "ns": ns, "name": name, "cbor": hex(cbor) }),
        other => json!(other.to_string()),
    };
    json!({ "t": format!("{:?}", caveat.kind()), "v": value })
}

pub(super) fn flaw_json(flaw: &Flaw) -> Value {
    json!({
        "error": flaw.error().code(),
        "kind": flaw.kind().name(),
        "text_char": flaw.text_char(),
        "cbor_byte": flaw.cbor_byte(),
        "path": flaw.path(),
        "found": flaw.found(),
        "expected": flaw.expected(),
    })
}

pub(super) fn explanation_json(explanation: &Explanation) -> Value {
    let (outcome, reasons, obligations, error): (_, Vec<Value>, Vec<Value>, _) = match explanation.outcome() {
        Ok(Decision::Allow { obligations, .. }) => {
            ("allow", Vec::new(), obligations.iter().map(rate_json).collect(), None)
        }
        Ok(Decision::Deny { reasons }) => ("deny", reasons.iter().map(reason_json).collect(), Vec::new(), None),
        Err(error) => ("refuse", Vec::new(), Vec::new(), Some(error.code())),
    };
    json!({
        "outcome": outcome,
        "stage": explanation.stage().name(),
        "error": error,
        "reasons": reasons,
        "obligations": obligations,
        "conditions": explanation.conditions().iter().map(condition_json).collect::<Vec<_>>(),
        "flaw": explanation.flaw().map(flaw_json),
        "summary": explanation.summary(),
    })
}

fn condition_json(condition: &Condition) -> Value {
    let index = match condition.on() {
        Subject::Caveat { index, .. } => Some(index),
        _ => None,
    };
    json!({
        "on": condition.on().to_string(),
        "caveat": index,
        "judgement": condition.judgement().name(),
        "reason": condition.judgement().reason().map(reason_json),
        "error": match condition.judgement() {
            Judgement::Refuses(error) => Some(error.code()),
            _ => None,
        },
        "why": condition.why(),
    })
}

fn rate_json(rate: &Rate) -> Value {
    json!({ "per_s": rate.per_s, "burst": rate.burst })
}

/// A reason's code and its text.
fn reason_json(reason: &DenyReason) -> Value {
    json!({ "code": reason.code(), "text": reason.to_string() })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
