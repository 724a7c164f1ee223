//! Classes 1 to 10, and 61 to 63: the text, before any CBOR.

use ron_auth_core::{AuthError, Caveat, RequestCtx};

use super::cbor::{bytes, text};
use super::token::{Raw, around, base64url, caveat, from_base64url, minted, wide};
use super::{BASE64, CBOR, NOW_UNIX_S, Setting, config_with, ctx};

pub fn fill(settings: &mut Vec<Setting>) {
    let usual = &mut settings[0];
    lengths(usual);
    alphabet(usual);
    wrapped(usual);
    bounds_of_other_sizes(settings);
}

fn good() -> String {
    minted(&wide(), [Caveat::Exp(NOW_UNIX_S + 600), Caveat::Aud("us".into())])
}

/// A token that is good but for its size: `len` bytes of CBOR.
fn of_size(len: usize) -> Raw {
    let sized = |value_len: usize| around(bytes(&vec![b'.'; value_len]));
    let beside_the_value = sized(len / 2).cbor().len() - len / 2;
    sized(len - beside_the_value)
}

fn lengths(usual: &mut Setting) {
    usual.fails(1, "a character more than the longest", "A".repeat(5463), AuthError::Bounds);
    usual.fails(1, "far too long", "A".repeat(20_000), AuthError::Bounds);
    usual.fails(1, "too long and not Base64URL", "!".repeat(5463), AuthError::Bounds);
    usual.fails(1, "too long, of two-byte characters", "é".repeat(2732), AuthError::Bounds);
    usual.fails(1, "a good token of twice the size", of_size(8192).token(), AuthError::Bounds);

    usual.fails(2, "the longest text, zeros", "A".repeat(5462), CBOR);
    usual.fails(2, "the longest text, not Base64URL", "!".repeat(5462), BASE64);
    usual.fails(2, "the longest text, of two-byte characters", "é".repeat(2731), BASE64);

    usual.allows(3, "4,095 bytes", of_size(4095).token(), &wide());
    usual.allows(3, "4,096 bytes", of_size(4096).token(), &wide());
    usual.fails(3, "4,097 bytes", of_size(4097).token(), AuthError::Bounds);

    usual.fails(4, "empty", "", CBOR);

    let whole = good();
    for len in [1, 5, whole.len() / 4 * 4 + 1, 5461] {
        let token: String = whole.chars().cycle().take(len).collect();
        usual.fails(9, format!("{len} characters"), token, BASE64);
    }
}

fn alphabet(usual: &mut Setting) {
    // Tokens of CBOR lengths 0, 1 and 2 modulo 3, which end in whole groups, two characters and three.
    let by_rest = |rest: usize| {
        (0..3)
            .map(|letters| Raw::with(&[caveat("Aud", text(&"a".repeat(letters)))]))
            .find(|raw| raw.cbor().len() % 3 == rest)
            .unwrap()
            .token()
    };
    for (rest, padding) in [(0, ""), (1, "=="), (2, "=")] {
        let token = by_rest(rest);
        for padding in ["=", "==", "===", "====", padding] {
            if !padding.is_empty() {
                usual.fails(5, format!("padding {padding} after {rest} bytes"), format!("{token}{padding}"), BASE64);
            }
        }
    }
    usual.fails(5, "padding alone", "====", BASE64);
    usual.fails(5, "padding within", good().replacen('a', "=", 1), BASE64);

    let whole = good();
    let middle = whole.len() / 2;
    for at in [0, 1, 15, 16, 31, 32, middle, whole.len() - 1] {
        let with = |character: &str| format!("{}{character}{}", &whole[..at], &whole[at + 1..]);
        for character in ["+", "/", ".", ",", "*", "~", "%", "@", "[", "`", "{", ":"] {
            usual.fails(6, format!("{character} as character {at}"), with(character), BASE64);
        }
        for character in [" ", "\n", "\r", "\t", "\x0b", "\x0c"] {
            usual.fails(7, format!("{character:?} as character {at}"), with(character), BASE64);
        }
        for character in ["\0", "\x7f", "é", "\u{ff21}", "\u{41}\u{301}", "\u{10ffff}"] {
            usual.fails(8, format!("{character:?} as character {at}"), with(character), BASE64);
        }
    }
    for space in [" ", "\n", "\r\n", "\t", "\u{feff}", "\u{a0}", "\u{200b}"] {
        usual.fails(7, format!("{space:?} before"), format!("{space}{whole}"), BASE64);
        usual.fails(7, format!("{space:?} within"), format!("{}{space}{}", &whole[..middle], &whole[middle..]), BASE64);
        usual.fails(7, format!("{space:?} after"), format!("{whole}{space}"), BASE64);
    }
    let lines: Vec<_> = whole.as_bytes().chunks(76).map(String::from_utf8_lossy).collect();
    usual.fails(7, "lines of 76 characters", lines.join("\r\n"), BASE64);

    for rest in [1, 2] {
        let token = by_rest(rest);
        let (start, last) = token.split_at(token.len() - 1);
        let spare_bits = if rest == 1 { 4 } else { 2 };
        for bits in 1..1_u8 << spare_bits {
            let mut group = from_base64url(&format!("AAA{last}"));
            group[2] |= bits;
            let other = base64url(&group);
            usual.fails(10, format!("{rest} bytes, trailing bits {bits:b}"), format!("{start}{}", &other[3..]), BASE64);
        }
    }
}

fn wrapped(usual: &mut Setting) {
    let whole = good();
    for (name, token, error) in [
        ("a scheme", format!("Bearer {whole}"), BASE64),
        ("quotation marks", format!("\"{whole}\""), BASE64),
        ("a dot and a signature", format!("{whole}.{whole}"), BASE64),
        ("a null after it", format!("{whole}\0"), BASE64),
        ("percent encoding", whole.replace('_', "%5F").replacen('a', "%61", 1), BASE64),
        ("Base64 of the Base64", base64url(whole.as_bytes()), CBOR),
        ("hexadecimal digits", from_base64url(&whole).iter().map(|byte| format!("{byte:02x}")).collect(), CBOR),
        ("its letters in upper case", whole.to_uppercase(), CBOR),
        ("reversed", whole[..whole.len() / 4 * 4].chars().rev().collect(), CBOR),
    ] {
        usual.fails(61, name, token, error);
    }
    let cbor = from_base64url(&whole);
    usual.fails(62, "twice", base64url(&[cbor.clone(), cbor.clone()].concat()), CBOR);
    usual.fails(62, "its first byte gone", base64url(&cbor[1..]), CBOR);
    usual.fails(62, "in a byte string", base64url(&bytes(&cbor)), CBOR);
    usual.fails(62, "in an array", base64url(&[&[0x81][..], &cbor].concat()), CBOR);
    usual.fails(62, "behind the tag of CBOR", base64url(&[&[0xd9, 0xd9, 0xf7][..], &cbor].concat()), CBOR);
    usual.fails(62, "JSON", base64url(br#"{"tid":"acme","kid":"k1","scope":{},"caveats":[],"mac":""}"#), CBOR);
}

/// Class 3 for other bounds than the default ones.
fn bounds_of_other_sizes(settings: &mut Vec<Setting>) {
    let bounded = |max_token_bytes: usize| config_with(|config| config.max_token_bytes = max_token_bytes);
    for (max_token_bytes, longest) in [(0, 0), (1, 2), (2, 3), (3, 4)] {
        let mut setting = Setting::new(format!("max_token_bytes {max_token_bytes}"), bounded(max_token_bytes), ctx());
        setting.fails(3, "the longest text", "A".repeat(longest), CBOR);
        setting.fails(3, "a character more", "A".repeat(longest + 1), AuthError::Bounds);
        setting.fails(3, "a good token", good(), AuthError::Bounds);
        settings.push(setting);
    }
    let size = from_base64url(&good()).len();
    for (less, error) in [(0, None), (1, Some(AuthError::Bounds))] {
        let mut setting =
            Setting::new(format!("the bound {less} below a good token's size"), bounded(size - less), ctx());
        match error {
            None => setting.allows(3, "the token", good(), &wide()),
            Some(error) => setting.fails(3, "the token", good(), error),
        }
        settings.push(setting);
    }
    let mut large = Setting::new("max_token_bytes 1 MiB", bounded(1 << 20), ctx());
    // Codecs read long texts piece by piece: characters of several bytes lie across the seams.
    for (shift, letter) in [(0, "é"), (1, "é"), (2, "中"), (0, "🦀"), (3, "🦀")] {
        let prefix = format!("{}{}", "/".repeat(shift), letter.repeat(4096));
        let token = Raw::with(&[caveat("Custom", super::token::custom("any", &prefix, super::cbor::null()))]);
        large.allows(63, format!("a name of {} bytes, {letter} at {shift}", prefix.len()), token.token(), &wide());
    }
    for len in [65_535, 65_536] {
        large.allows(63, format!("a value of {len} bytes"), around(bytes(&vec![7; len])).token(), &wide());
        large.fails(63, format!("{len} bytes of no CBOR"), base64url(&vec![0xff; len]), CBOR);
    }
    let mut nested = around(vec![0x81; 100_000]);
    large.fails(29, "100,000 levels", nested.token(), CBOR);
    nested.scope = vec![0x81; 100_000];
    large.fails(29, "100,000 levels in the scope's place", nested.token(), CBOR);
    large.fails(29, "100,000 tags", around(vec![0xc1; 100_000]).token(), CBOR);
    large.fails(29, "100,000 maps", around([0xa1, 0x00].repeat(50_000)).token(), CBOR);
    large.fails(29, "100,000 indefinite arrays", around(vec![0x9f; 100_000]).token(), CBOR);
    settings.push(large);

    let mut unbounded =
        Setting::new("max_token_bytes usize::MAX", bounded(usize::MAX), RequestCtx::new(0, "GET", "/", "acme"));
    unbounded.allows(3, "10,000 bytes", of_size(10_000).token(), &wide());
    unbounded.fails(3, "10,000 bytes of no CBOR", "A".repeat(10_000), CBOR);
    settings.push(unbounded);
}
