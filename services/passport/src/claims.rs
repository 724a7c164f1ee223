//! Times and audience of a signed message, where they are enforced. Only what is signed is looked at.

use std::borrow::Cow;

use serde::Deserialize;

use crate::Config;

/// What a signed message must say.
#[derive(Debug, Clone)]
pub(crate) struct ClaimRules {
    skew_s: f64,
    audiences: Vec<String>,
    require_aud: bool,
}

/// Why a message with a good signature is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClaimFault {
    /// It is no JSON object, or a claim is of another type.
    Malformed,
    /// `exp` has passed.
    Expired,
    /// `nbf` has not come.
    NotYetValid,
    /// `aud` is missing where it is required, or none of those that are accepted.
    BadAudience,
}

impl ClaimFault {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "Malformed",
            Self::Expired => "Expired",
            Self::NotYetValid => "NotYetValid",
            Self::BadAudience => "BadAudience",
        }
    }
}

/// Those that are looked at. Times are those of RFC 7519: seconds since the Unix epoch, fractions permitted.
#[derive(Deserialize)]
struct Claims<'a> {
    #[serde(default)]
    exp: Option<f64>,
    #[serde(default)]
    nbf: Option<f64>,
    #[serde(default, borrow)]
    aud: Option<Audience<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience<'a> {
    One(#[serde(borrow)] Cow<'a, str>),
    Any(#[serde(borrow)] Vec<Cow<'a, str>>),
}

impl ClaimRules {
    /// The rules, if they are to be enforced.
    pub(crate) fn of(config: &Config) -> Option<Self> {
        config.extensions.enforce_claims.then(|| Self {
            skew_s: config.passport.clock_skew_s as f64,
            audiences: config.audiences(),
            require_aud: config.security.require_aud,
        })
    }

    /// Holds a message whose signature is good against the rules. A time that is not there bounds nothing.
    pub(crate) fn check(&self, message: &[u8], now_unix_ms: u64) -> Result<(), ClaimFault> {
        // A sequence would be read as the fields in their order.
        if message.trim_ascii_start().first() != Some(&b'{') {
            return Err(ClaimFault::Malformed);
        }
        let claims: Claims<'_> = serde_json::from_slice(message).map_err(|_| ClaimFault::Malformed)?;
        let now_s = now_unix_ms as f64 / 1_000.0;
        if claims.exp.is_some_and(|exp| now_s - self.skew_s >= exp) {
            return Err(ClaimFault::Expired);
        }
        if claims.nbf.is_some_and(|nbf| now_s + self.skew_s < nbf) {
            return Err(ClaimFault::NotYetValid);
        }
        let is_accepted = |aud: &str| self.audiences.iter().any(|accepted| accepted == aud);
        let is_good = match &claims.aud {
            None => !self.require_aud,
            Some(Audience::One(aud)) => is_accepted(aud),
            Some(Audience::Any(any)) => any.iter().any(|aud| is_accepted(aud)),
        };
        if is_good { Ok(()) } else { Err(ClaimFault::BadAudience) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_audience_are_held_against_the_rules() {
        let rules = ClaimRules { skew_s: 10.0, audiences: vec!["here".to_owned()], require_aud: true };
        let optional = ClaimRules { require_aud: false, ..rules.clone() };
        for (message, expected) in [
            (r#"{"aud":"here"}"#, Ok(())),
            (r#"{"aud":["there","here"],"exp":991,"nbf":1010}"#, Ok(())),
            (r#"{"aud":"here","exp":990}"#, Err(ClaimFault::Expired)),
            (r#"{"aud":"here","exp":990.5,"nbf":null}"#, Ok(())),
            (r#"{"aud":"here","nbf":1010.5}"#, Err(ClaimFault::NotYetValid)),
            (r#"{"aud":"there"}"#, Err(ClaimFault::BadAudience)),
            (r#"{"aud":[]}"#, Err(ClaimFault::BadAudience)),
            ("{}", Err(ClaimFault::BadAudience)),
            (r#"{"aud":5}"#, Err(ClaimFault::Malformed)),
            (r#"{"aud":"here","exp":"soon"}"#, Err(ClaimFault::Malformed)),
            (r#"{"aud":"here","aud":"there"}"#, Err(ClaimFault::Malformed)),
            (r#"[null,null,"here"]"#, Err(ClaimFault::Malformed)),
            ("\"text\"", Err(ClaimFault::Malformed)),
            ("", Err(ClaimFault::Malformed)),
        ] {
            assert_eq!(rules.check(message.as_bytes(), 1_000_000), expected, "{message}");
        }
        assert_eq!(optional.check(b"{}", 1_000_000), Ok(()));
        assert_eq!(optional.check(br#"{"aud":"there"}"#, 1_000_000), Err(ClaimFault::BadAudience));
    }
}
