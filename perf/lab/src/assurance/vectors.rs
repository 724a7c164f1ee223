//! Vector files: tokens of an existing deployment, each with a request and what that deployment decides.
//!
//! The format is that of `testdata/v1/decisions.json`. The semantics are the compat ones, and keys follow a rule.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;

use ron_auth_catalogue::Verifier;
use ron_auth_core::{
    AuthError, Decision, DenyReason, EvalMode, KeyName, MacKey, MacKeyProvider, RequestCtx, Scope, VerifierConfig,
    compat,
};
use serde::{Deserialize, Deserializer, de};

use fairbench::files::read_json;

const FORMAT: &str = "ron-auth v1 decisions, compat semantics";
const KEY_RULE: &str =
    "32-byte MAC key for (tid,kid) = BLAKE3(utf8(tid + '/' + kid)); a kid that starts with 'gone' is unknown";

/// A vector file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vectors {
    #[serde(rename = "format", deserialize_with = "known_format")]
    _format: (),
    #[serde(rename = "key_rule", deserialize_with = "known_key_rule")]
    _key_rule: (),
    config: Bounds,
    /// The cases, in file order.
    pub cases: Vec<VectorCase>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bounds {
    max_token_bytes: usize,
    max_caveats: usize,
    clock_skew_secs: u64,
}

/// One token, one request, one outcome.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorCase {
    /// Name of the case.
    pub name: String,
    token: String,
    #[serde(rename = "tid", default)]
    _tid: de::IgnoredAny,
    #[serde(rename = "kid", default)]
    _kid: de::IgnoredAny,
    ctx: RecordedRequest,
    expect: Expect,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordedRequest {
    now_unix_s: u64,
    method: String,
    path: String,
    tenant: String,
    peer_ip: Option<IpAddr>,
    amnesia: bool,
    audience_and_policy_digest: Option<String>,
    content_len: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Expect {
    Allow(ExpectedScope),
    Deny(Vec<Reason>),
    Error(ErrorName),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedScope {
    prefix: Option<String>,
    methods: Vec<String>,
    max_bytes: Option<u64>,
}

#[derive(Debug, Deserialize)]
enum Reason {
    BadAudience,
    MethodNotAllowed,
    PathNotAllowed,
    IpNotAllowed,
    BytesExceed,
    TenantMismatch,
    Custom(String),
}

#[derive(Debug, Deserialize)]
enum ErrorName {
    Bounds,
    Malformed,
    UnknownKid,
    MacMismatch,
    Expired,
    NotYetValid,
}

fn known_format<'de, D: Deserializer<'de>>(input: D) -> Result<(), D::Error> {
    exactly(input, FORMAT)
}

fn known_key_rule<'de, D: Deserializer<'de>>(input: D) -> Result<(), D::Error> {
    exactly(input, KEY_RULE)
}

fn exactly<'de, D: Deserializer<'de>>(input: D, known: &str) -> Result<(), D::Error> {
    let text = String::deserialize(input)?;
    if text == known { Ok(()) } else { Err(de::Error::custom(format!("{text:?} instead of {known:?}"))) }
}

impl Vectors {
    /// Reads a file of vectors.
    ///
    /// # Errors
    /// The file is missing, unreadable or of another format; the message names the line.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        read_json(path, "vectors in the format of testdata/v1/decisions.json")
    }

    /// The bounds that the file states, with the compat semantics.
    #[must_use]
    pub fn config(&self) -> VerifierConfig {
        let mut config = compat::config();
        config.max_token_bytes = self.config.max_token_bytes;
        config.max_caveats = self.config.max_caveats;
        config.clock_skew_secs = self.config.clock_skew_secs;
        // Every batch is worth spreading: the vectors are to meet the parallel code too.
        config.par_min_batch = 1;
        config
    }

    /// Replays case `index` through every function of a verifier.
    ///
    /// # Errors
    /// The first function whose result is another one, with what came in place of what was expected.
    pub fn replay(&self, verifier: &dyn Verifier, config: &VerifierConfig, index: usize) -> Result<(), Mismatch> {
        let Some(case) = self.cases.get(index) else { return Ok(()) };
        let ctx = case.ctx.context();
        let matches = |function: &'static str, got: &Result<Decision, AuthError>| {
            case.expect.matches(got).then_some(()).ok_or_else(|| Mismatch {
                case: case.name.clone(),
                function,
                expected: case.expect.to_string(),
                got: outcome_text(got),
            })
        };
        for (function, mode) in [
            ("verify_token", EvalMode::Adaptive),
            ("verify_token (streaming only)", EvalMode::StreamingOnly),
            ("verify_token (columnar only)", EvalMode::SoaOnly),
        ] {
            matches(function, &verifier.with_mode(mode).verify_token(config, &case.token, &ctx, &KeyRule))?;
        }

        // The batch: this token with its neighbours, so that each is met in good and in bad company.
        let first = index.saturating_sub(2);
        let batch: Vec<String> = self.cases.iter().skip(first).take(5).map(|case| case.token.clone()).collect();
        let missing = || Err(AuthError::Bounds);
        for (function, mode) in
            [("verify_each", EvalMode::Adaptive), ("verify_each (columnar only)", EvalMode::SoaOnly)]
        {
            let each = verifier.with_mode(mode).verify_each(config, &batch, &ctx, &KeyRule);
            matches(function, &each.into_iter().nth(index - first).unwrap_or_else(missing))?;
        }
        let mut borrowed = missing();
        verifier.verify_each_borrowed(config, &batch, &ctx, &KeyRule, &mut |at, verdict| {
            if first + at == index {
                borrowed = verdict.map(|verdict| verdict.to_decision());
            }
        });
        matches("verify_each_borrowed", &borrowed)?;

        let mut decisions = Vec::new();
        let alone = std::slice::from_ref(&case.token);
        let many = verifier.verify_many_into(config, alone, &ctx, &KeyRule, &mut decisions);
        matches(
            "verify_many_into",
            &many.map_err(AuthError::from).and_then(|()| decisions.pop().ok_or(AuthError::Bounds)),
        )
    }
}

/// A function that did not return what the file expects.
#[derive(Debug)]
pub struct Mismatch {
    case: String,
    function: &'static str,
    expected: String,
    got: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: expected {}, got {}", self.case, self.function, self.expected, self.got)
    }
}

/// The key provider that follows the rule of the file format.
struct KeyRule;

impl MacKeyProvider for KeyRule {
    fn key_for(&self, KeyName { tid, kid }: KeyName<'_>) -> Option<MacKey> {
        if kid.starts_with("gone") {
            return None;
        }
        Some(MacKey::new(*blake3::hash(format!("{tid}/{kid}").as_bytes()).as_bytes()))
    }
}

impl RecordedRequest {
    fn context(&self) -> RequestCtx<'_> {
        let ctx = RequestCtx::new(self.now_unix_s, &*self.method, &*self.path, &*self.tenant)
            .peer_ip(self.peer_ip)
            .content_len(self.content_len)
            .amnesia(self.amnesia);
        match &self.audience_and_policy_digest {
            Some(digest) => ctx.policy_digest(&**digest),
            None => ctx,
        }
    }
}

impl Expect {
    fn matches(&self, got: &Result<Decision, AuthError>) -> bool {
        match (self, got) {
            (Self::Error(name), Err(error)) => format!("{name:?}") == error.name(),
            (Self::Error(_), Ok(_)) | (_, Err(_)) => false,
            (_, Ok(decision)) => self.decision().as_ref() == Some(decision),
        }
    }

    fn decision(&self) -> Option<Decision> {
        match self {
            Self::Allow(ExpectedScope { prefix, methods, max_bytes }) => Some(Decision::Allow {
                scope: Scope {
                    prefix: prefix.clone(),
                    methods: methods.iter().map(|name| name.clone().into()).collect(),
                    max_bytes: *max_bytes,
                },
                obligations: Vec::new(),
            }),
            Self::Deny(reasons) => Some(Decision::Deny { reasons: reasons.iter().map(Reason::reason).collect() }),
            Self::Error(_) => None,
        }
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.decision()) {
            (_, Some(decision)) => write!(f, "{decision:?}"),
            (Self::Error(name), None) => write!(f, "error {name:?}"),
            (_, None) => Ok(()),
        }
    }
}

fn outcome_text(outcome: &Result<Decision, AuthError>) -> String {
    match outcome {
        Ok(decision) => format!("{decision:?}"),
        Err(error) => format!("error {error:?}"),
    }
}

impl Reason {
    fn reason(&self) -> DenyReason {
        match self {
            Self::BadAudience => DenyReason::BadAudience,
            Self::MethodNotAllowed => DenyReason::MethodNotAllowed,
            Self::PathNotAllowed => DenyReason::PathNotAllowed,
            Self::IpNotAllowed => DenyReason::IpNotAllowed,
            Self::BytesExceed => DenyReason::BytesExceed,
            Self::TenantMismatch => DenyReason::TenantMismatch,
            Self::Custom(name) => match name.as_str() {
                "amnesia_mismatch" => DenyReason::AmnesiaMismatch,
                "gov_policy_digest_mismatch" => DenyReason::GovPolicyDigestMismatch,
                _ => DenyReason::Custom(name.clone()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use ron_auth_catalogue::find;

    use super::*;

    const VECTORS: &str = include_str!("../../../../testdata/v1/decisions.json");

    fn error_of(text: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bad.json");
        std::fs::write(&path, text).unwrap();
        Vectors::read(&path).unwrap_err().to_string()
    }

    /// Number of the line, counted from 1, that first holds `part`.
    fn line_of(part: &str) -> usize {
        VECTORS.lines().position(|line| line.contains(part)).unwrap() + 1
    }

    #[test]
    fn what_is_wrong_with_a_vector_is_named_with_its_line() {
        for (was, is, what) in [
            ("\"Malformed\"", "\"Misformed\"", "unknown variant `Misformed`"),
            ("\"peer_ip\": \"::ffff:10.0.0.1\"", "\"peer_ip\": \"localhost\"", "invalid IP address"),
            ("\"now_unix_s\": ", "\"now_unix_s\": -", "invalid value: integer"),
            ("compat semantics", "strict semantics", "instead of"),
            ("\"tenant\"", "\"tennant\"", "unknown field `tennant`"),
        ] {
            let error = error_of(&VECTORS.replacen(was, is, 1));
            let place = format!("bad.json:{}: ", line_of(was));
            assert!(error.contains(&place) && error.contains(what), "{place}{what} in {error}");
            assert!(error.ends_with("expected vectors in the format of testdata/v1/decisions.json"), "{error}");
        }
        assert!(error_of(VECTORS.get(..5000).unwrap()).contains("EOF while parsing"));
    }

    #[test]
    fn a_verifier_that_decides_otherwise_is_caught_by_name_of_the_case() {
        let mut vectors: Vectors = serde_json::from_str(VECTORS).unwrap();
        let plain = find("plain").unwrap().build();
        let config = vectors.config();
        vectors.replay(&*plain, &config, 0).unwrap();
        vectors.cases[0].ctx.tenant.push('x');
        vectors.cases[0].expect = Expect::Error(ErrorName::Expired);
        let mismatch = vectors.replay(&*plain, &config, 0).unwrap_err().to_string();
        assert!(mismatch.starts_with("case-0000: verify_token: expected error Expired, got Allow"), "{mismatch}");
    }
}
