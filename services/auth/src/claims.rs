//! What a signed message says, and what it must say. Nothing else about an envelope counts.

use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::Config;
use crate::refusal::Refusal;

/// The claims that are looked at; others are ignored. Times are those of RFC 7519: seconds since the Unix epoch,
/// fractions permitted.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Claims {
    pub(crate) sub: Option<String>,
    pub(crate) aud: Option<Audience>,
    pub(crate) iat: Option<Number>,
    pub(crate) exp: Option<Number>,
    pub(crate) nbf: Option<Number>,
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) roles: Option<Vec<String>>,
    device: Option<String>,
    tenant: Option<String>,
    ctx: Option<Context>,
}

/// Where messages in circulation have it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Context {
    device: Option<String>,
    tenant: Option<String>,
}

/// One audience, or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Audience {
    One(String),
    Any(Vec<String>),
}

/// Why a message with a good signature does not count now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotNow {
    /// `exp` has passed.
    Expired,
    /// `nbf` has not come.
    NotYetValid,
}

impl NotNow {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Expired => "Expired",
            Self::NotYetValid => "NotYetValid",
        }
    }
}

impl Claims {
    /// Reads a message: a JSON object.
    pub(crate) fn read(message: &[u8]) -> Result<Self, Refusal> {
        let malformed = Refusal::Malformed("msg_b64: expected Base64 of a JSON object with claims of their types");
        // A sequence would be read as the fields in their order.
        if message.trim_ascii_start().first() != Some(&b'{') {
            return Err(malformed);
        }
        serde_json::from_slice(message).map_err(|_| malformed)
    }

    /// Its end in milliseconds since the Unix epoch.
    pub(crate) fn exp_ms(&self) -> Option<u64> {
        // What is before the epoch becomes the epoch.
        self.exp.as_ref().and_then(Number::as_f64).map(|exp_s| (exp_s * 1_000.0) as u64)
    }

    pub(crate) fn device(&self) -> Option<&str> {
        self.device.as_deref().or_else(|| self.ctx.as_ref()?.device.as_deref())
    }

    pub(crate) fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref().or_else(|| self.ctx.as_ref()?.tenant.as_deref())
    }
}

impl Audience {
    /// Whether `name` is among it.
    pub(crate) fn has(&self, name: &str) -> bool {
        match self {
            Self::One(one) => one == name,
            Self::Any(any) => any.iter().any(|one| one == name),
        }
    }
}

/// What a signed message must say.
#[derive(Debug, Clone)]
pub(crate) struct ClaimRules {
    skew_s: f64,
    audiences: Vec<String>,
    require_aud: bool,
}

impl ClaimRules {
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            skew_s: config.security.clock_skew_s as f64,
            audiences: config.security.accepted_audiences.clone(),
            require_aud: config.security.require_aud,
        }
    }

    /// Holds the audience against those that are accepted.
    pub(crate) fn check_audience(&self, claims: &Claims) -> Result<(), Refusal> {
        let is_good = match &claims.aud {
            None => !self.require_aud,
            Some(audience) => self.audiences.iter().any(|accepted| audience.has(accepted)),
        };
        if is_good { Ok(()) } else { Err(Refusal::BadAudience) }
    }

    /// Holds the times against now. A time that is not there bounds nothing.
    pub(crate) fn check_times(&self, claims: &Claims, now_unix_ms: u64) -> Result<(), NotNow> {
        let now_s = now_unix_ms as f64 / 1_000.0;
        let seconds = |number: &Option<Number>| number.as_ref().and_then(Number::as_f64);
        if seconds(&claims.exp).is_some_and(|exp| now_s - self.skew_s >= exp) {
            return Err(NotNow::Expired);
        }
        if seconds(&claims.nbf).is_some_and(|nbf| now_s + self.skew_s < nbf) {
            return Err(NotNow::NotYetValid);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(require_aud: bool) -> ClaimRules {
        ClaimRules { skew_s: 10.0, audiences: vec!["here".to_owned(), "there".to_owned()], require_aud }
    }

    #[test]
    fn an_audience_is_one_or_several_of_which_one_is_accepted() {
        for (message, required, optional) in [
            (r#"{"aud":"here"}"#, Ok(()), Ok(())),
            (r#"{"aud":["elsewhere","there"]}"#, Ok(()), Ok(())),
            (r#"{"aud":"elsewhere"}"#, Err(Refusal::BadAudience), Err(Refusal::BadAudience)),
            (r#"{"aud":[]}"#, Err(Refusal::BadAudience), Err(Refusal::BadAudience)),
            (r#"{"aud":null}"#, Err(Refusal::BadAudience), Ok(())),
            ("{}", Err(Refusal::BadAudience), Ok(())),
        ] {
            let claims = Claims::read(message.as_bytes()).unwrap();
            assert_eq!(rules(true).check_audience(&claims), required, "{message}");
            assert_eq!(rules(false).check_audience(&claims), optional, "{message}");
        }
    }

    #[test]
    fn times_are_judged_with_the_skew() {
        for (message, expected) in [
            ("{}", Ok(())),
            (r#"{"exp":991,"nbf":1010}"#, Ok(())),
            (r#"{"exp":990}"#, Err(NotNow::Expired)),
            (r#"{"exp":990.5}"#, Ok(())),
            (r#"{"nbf":1010.5}"#, Err(NotNow::NotYetValid)),
            (r#"{"exp":-1}"#, Err(NotNow::Expired)),
        ] {
            let claims = Claims::read(message.as_bytes()).unwrap();
            assert_eq!(rules(true).check_times(&claims, 1_000_000), expected, "{message}");
        }
    }

    #[test]
    fn claims_of_another_type_and_claims_that_stand_twice_are_malformed() {
        for message in ["", "[]", "\"text\"", "{\"aud\":5}", "{\"exp\":\"soon\"}", "{\"sub\":\"a\",\"sub\":\"b\"}", "{"]
        {
            assert!(matches!(Claims::read(message.as_bytes()), Err(Refusal::Malformed(_))), "{message}");
        }
    }

    #[test]
    fn tenant_and_device_may_stand_in_the_context() {
        let claims = Claims::read(br#"{"ctx":{"tenant":"acme","device":"d"},"device":"e"}"#).unwrap();
        assert_eq!((claims.tenant(), claims.device()), (Some("acme"), Some("e")));
    }
}
