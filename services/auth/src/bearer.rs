//! `Authorization: Bearer …`: an artefact in a header.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ron_service::axum::http::{HeaderMap, header};

/// What the header `Authorization` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bearer<'h> {
    /// There is no such header.
    Nothing,
    /// One, of the scheme `Bearer`.
    One(&'h str),
    /// Another scheme, several of them, or no text.
    Other,
}

pub(crate) fn bearer(headers: &HeaderMap) -> Bearer<'_> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Bearer::Nothing };
    let text = value.to_str().ok().and_then(|text| text.split_once(' '));
    match text {
        // Of two, one may be the client's and one the proxy's.
        Some((scheme, credentials)) if scheme.eq_ignore_ascii_case("bearer") && values.next().is_none() => {
            Bearer::One(credentials.trim())
        }
        _ => Bearer::Other,
    }
}

/// The JSON of an envelope in Base64URL without padding; `None` of everything else, which is held for a token. The two
/// cannot be taken for one another: an envelope begins with a brace, and no token's CBOR does.
pub(crate) fn envelope_json(credentials: &str) -> Option<Vec<u8>> {
    if !credentials.starts_with('e') {
        return None;
    }
    BASE64_URL_SAFE_NO_PAD.decode(credentials).ok().filter(|json| json.first() == Some(&b'{'))
}

#[cfg(test)]
mod tests {
    use ron_service::axum::http::HeaderValue;

    use super::*;

    #[test]
    fn one_bearer_is_taken_and_nothing_else() {
        let with = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
            }
            headers
        };
        assert_eq!(bearer(&with(&[])), Bearer::Nothing);
        for good in ["Bearer x", "bearer x", "BEARER  x "] {
            assert_eq!(bearer(&with(&[good])), Bearer::One("x"), "{good}");
        }
        for other in [&["Basic x"][..], &["Bearer"], &["x"], &[""], &["Bearer x", "Bearer x"], &["Bearer x", "Basic y"]]
        {
            assert_eq!(bearer(&with(other)), Bearer::Other, "{other:?}");
        }
    }

    #[test]
    fn an_envelope_begins_with_a_brace() {
        assert_eq!(envelope_json("eyJhIjoxfQ").as_deref(), Some(&b"{\"a\":1}"[..]));
        for other in ["", "e", "eyJhIjoxfQ==", "fyJh", "ZZZZ", "ex*"] {
            assert_eq!(envelope_json(other), None, "{other}");
        }
    }
}
