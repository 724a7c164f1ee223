//! An artefact in a header: a capability token, or an envelope.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

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
    use super::*;

    #[test]
    fn an_envelope_begins_with_a_brace() {
        assert_eq!(envelope_json("eyJhIjoxfQ").as_deref(), Some(&b"{\"a\":1}"[..]));
        for other in ["", "e", "eyJhIjoxfQ==", "fyJh", "ZZZZ", "ex*"] {
            assert_eq!(envelope_json(other), None, "{other}");
        }
    }
}
