//! From the text to the CBOR.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::flaw::{Flaw, FlawKind};
use crate::config::VerifierConfig;

/// Decodes the text, its length first.
pub(super) fn decode(text: &str, config: &VerifierConfig) -> Result<Vec<u8>, Flaw> {
    let max_chars = config.max_text_chars();
    if text.len() > max_chars {
        let text_char = text.char_indices().take_while(|(byte, _)| *byte < max_chars).count();
        return Err(flaw(
            FlawKind::TextTooLong,
            text_char,
            format!("a text of {} bytes", text.len()),
            format!("at most {max_chars}, the Base64URL of {} bytes (max_token_bytes)", config.max_token_bytes),
        ));
    }
    // The codec decides; what follows only finds where it stumbled.
    URL_SAFE_NO_PAD.decode(text).map_err(|_| find_flaw(text))
}

fn find_flaw(text: &str) -> Flaw {
    const ALPHABET: &str = "a character of the Base64URL alphabet: A to Z, a to z, 0 to 9, - and _";
    for (at, (byte, c)) in text.char_indices().enumerate() {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') {
            continue;
        }
        let rest = text.get(byte..).unwrap_or_default();
        if rest.bytes().all(|byte| byte == b'=') {
            return flaw(FlawKind::Padding, at, format!("padding, {c:?} at the end"), "the text to end here");
        }
        let what = match c {
            '+' | '/' => ", of the other Base64 alphabet",
            _ if c.is_whitespace() => ", white space",
            _ => "",
        };
        return flaw(FlawKind::Alphabet, at, format!("{c:?}{what}"), ALPHABET);
    }
    // From here on all characters are of the alphabet: one byte each.
    let (len, last_char) = (text.len(), text.len().saturating_sub(1));
    let (spare_bits, bits) = match len % 4 {
        1 => {
            let found = format!("a text of {len} characters, which leaves one over");
            return flaw(FlawKind::TextLength, last_char, found, "0, 2 or 3 characters behind whole groups of four");
        }
        2 => (0b1111, "four"),
        _ => (0b11, "two"),
    };
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = text.bytes().last().unwrap_or_default();
    let digit = DIGITS.iter().position(|digit| *digit == last).unwrap_or_default();
    let canonical = DIGITS.get(digit & !spare_bits).copied().unwrap_or_default();
    flaw(
        FlawKind::TrailingBits,
        last_char,
        format!("{:?}, whose last {bits} bits are not zero", char::from(last)),
        format!("{:?}", char::from(canonical)),
    )
}

fn flaw(kind: FlawKind, text_char: usize, found: String, expected: impl Into<String>) -> Flaw {
    Flaw { kind, text_char, cbor_byte: None, path: String::new(), found, expected: expected.into() }
}
