//! The rule for paths on every variant, and against a model of its own of how servers read a path.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a surprise stops a test")]

mod common;
#[path = "../../verifier/tests/paths/tables.rs"]
mod tables;

use proptest::prelude::*;
use ron_auth_catalogue::{Verifier, catalogue};
use ron_auth_core::{
    CapabilityBuilder, Caveat, Decision, DenyReason, EvalMode, MacKey, RequestCtx, Scope, VerifierConfig,
};

use tables::{NOT_FROM_THE_ROOT, PERMITTED, REFUSED};

const MODES: [EvalMode; 3] = [EvalMode::Adaptive, EvalMode::StreamingOnly, EvalMode::SoaOnly];

/// A token for what lies below `prefix`, by its scope and by a caveat.
fn token(prefix: &str) -> String {
    CapabilityBuilder::new("acme", "k", Scope::new(prefix, ["GET"]))
        .caveat(Caveat::PathPrefix(prefix.into()))
        .sign(&MacKey::new(common::KEY))
        .unwrap()
        .to_base64url()
}

fn verified(
    verifier: &dyn Verifier,
    mode: EvalMode,
    config: &VerifierConfig,
    tokens: &[String],
    path: &str,
) -> Vec<Decision> {
    let ctx = RequestCtx::new(1_762_700_000, "GET", path, "acme");
    let results = verifier.with_mode(mode).verify_each(config, tokens, &ctx, &MacKey::new(common::KEY));
    results.into_iter().map(Result::unwrap).collect()
}

#[test]
fn every_variant_draws_the_line_at_the_same_paths() {
    let (config, tokens) = (VerifierConfig::default(), vec![token(""); 3]);
    let refused = REFUSED.iter().flat_map(|(_, paths)| *paths).chain(NOT_FROM_THE_ROOT);
    let denied = Decision::Deny { reasons: vec![DenyReason::PathNotAllowed; 2] };
    for variant in catalogue() {
        let verifier = variant.build();
        for mode in MODES {
            for path in refused.clone() {
                let expected = vec![denied.clone(); 3];
                assert_eq!(
                    verified(&*verifier, mode, &config, &tokens, path),
                    expected,
                    "{} {mode:?} {path:?}",
                    variant.name
                );
            }
            for path in PERMITTED {
                let decisions = verified(&*verifier, mode, &config, &tokens, path);
                assert!(decisions.iter().all(Decision::is_allow), "{} {mode:?} {path:?}", variant.name);
            }
        }
    }
}

/// What paths are put together from.
const PIECES: &[&str] = &[
    "/",
    "//",
    "/..",
    ".",
    "..",
    "a",
    ";",
    ";v=1",
    "\\",
    ":",
    "+",
    " ",
    "?",
    "#",
    "%",
    "\"",
    "\0",
    "\r",
    "\u{85}",
    "%2e",
    "%2f",
    "%5c",
    "%3b",
    "%3f",
    "%23",
    "%25",
    "%00",
    "%20",
    "%22",
    "%3a",
    "%2b",
    "%252e",
    "%25252f",
    "25",
    "2e",
    "%c0%ae",
    "%c3",
    "%a9",
    "%C3%A9",
    "%ff",
    "%u002e",
    "é",
    "Я",
    "%D0%AF",
    "\u{ff0e}",
    "%EF%BC%8E",
    "\u{ff0f}",
    "\u{2215}",
    "\u{2024}",
    "\u{2026}",
    "\u{ff05}",
    "\u{37e}",
    "\u{a5}",
    "\u{ff1a}",
    "\u{a0}",
    "\u{200b}",
    "\u{3000}",
    "public",
];

/// A verifier, and tokens for what lies below `/public`.
struct Line {
    verifier: Box<dyn Verifier>,
    config: VerifierConfig,
    tokens: [String; 1],
}

impl Line {
    fn new() -> Self {
        Self { verifier: catalogue()[0].build(), config: VerifierConfig::default(), tokens: [token("/public")] }
    }

    fn permits(&self, path: &str) -> bool {
        verified(&*self.verifier, EvalMode::Adaptive, &self.config, &self.tokens, path)[0].is_allow()
    }
}

#[test]
fn no_reading_of_a_permitted_path_of_three_pieces_leaves_the_prefix() {
    let line = Line::new();
    let (mut permitted, mut refused) = (0, 0);
    for first in PIECES {
        for second in PIECES {
            for third in PIECES {
                let path = format!("/public/{first}{second}{third}");
                if line.permits(&path) {
                    permitted += 1;
                    assert_eq!(model::escape(&path), None, "{path:?}");
                } else {
                    refused += 1;
                }
            }
        }
    }
    assert!(permitted > 1_000 && refused > 1_000, "{permitted} permitted, {refused} refused");
}

#[test]
fn the_model_sees_what_the_table_refuses() {
    let refused: Vec<_> = REFUSED.iter().flat_map(|(_, paths)| *paths).collect();
    let seen = refused.iter().filter(|path| model::escape(path).is_some()).count();
    // The others are malformed, or end early and stay below the prefix.
    assert!(seen * 10 > refused.len() * 6, "{seen} of {}", refused.len());
    for path in PERMITTED {
        assert_eq!(model::escape(path), None, "{path:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: common::cases(4096), ..ProptestConfig::default() })]

    #[test]
    fn no_reading_of_a_permitted_path_leaves_the_prefix(
        pieces in proptest::collection::vec(prop_oneof![
            3 => proptest::sample::select(PIECES).prop_map(str::to_owned),
            2 => proptest::sample::select(vec!["/", "a", "b.c", "%C3%A9", ";v=1", "x"]).prop_map(str::to_owned),
            1 => any::<char>().prop_map(String::from),
            1 => any::<char>().prop_map(|character| {
                character.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect()
            }),
        ], 0..10),
    ) {
        let path = format!("/public/{}", pieces.concat());
        if Line::new().permits(&path) {
            prop_assert_eq!(model::escape(&path), None, "{:?}", path);
        }
    }
}

/// How the most willing of all servers would read a path, from what is known of them (docs/WIRE.md) and without a
/// look at the rule: it decodes until nothing changes, takes malformed sequences for what they may have meant,
/// converts look-alikes, splits at slashes and backslashes, strips parameters, dots and blanks, and cuts the path
/// where a string, a line or the path of a URL may end.
mod model {
    const EMPTY: &str = "an empty segment";

    /// What goes wrong in some reading of `path`, if anything does.
    pub(super) fn escape(path: &str) -> Option<String> {
        let mut text = path.to_owned();
        loop {
            for plus_is_space in [false, true] {
                let folded = folded(&text, plus_is_space);
                let ends = |c: char| c.is_control() || matches!(c, '?' | '#');
                for reading in [&folded[..], folded.split(ends).next().unwrap_or_default()] {
                    if let Some(wrong) = wrong(reading)
                        // A name of plus signs is a name: no more than an empty segment to who decodes forms.
                        && !(plus_is_space && wrong == EMPTY)
                    {
                        return Some(format!("{wrong} in {reading:?}"));
                    }
                }
            }
            // Full-width percent signs and the like decode in the next round.
            let decoded = decoded(&folded(&text, false));
            if decoded == text {
                return None;
            }
            text = decoded;
        }
    }

    fn wrong(path: &str) -> Option<&'static str> {
        let Some(below_root) = path.strip_prefix(['/', '\\']) else {
            return Some("no root");
        };
        let segments: Vec<&str> = below_root.split(['/', '\\']).collect();
        for (at, segment) in segments.iter().enumerate() {
            let name = segment.split(';').next().unwrap_or_default();
            let stream = name.split(':').next().unwrap_or_default();
            if !name.is_empty() && [name, stream].iter().any(|name| name.contains('.') && is_hollow(name)) {
                return Some("a dot segment");
            }
            if is_hollow(name) && !(segment.is_empty() && at + 1 == segments.len()) {
                return Some(EMPTY);
            }
            if let [letter, b':', ..] = name.trim().as_bytes()
                && letter.is_ascii_alphabetic()
            {
                return Some("a drive");
            }
        }
        (segments[0].split(';').next() != Some("public")).then_some("another first segment")
    }

    /// Whether nothing remains of a name without dots and blanks.
    fn is_hollow(name: &str) -> bool {
        name.chars().all(|c| c == '.' || c == ' ')
    }

    /// `text` with look-alikes of ASCII converted, by NFKC or the nearest character of a code page, all white space
    /// made spaces, and what has no width dropped.
    fn folded(text: &str, plus_is_space: bool) -> String {
        let mut folded = String::new();
        for character in text.chars() {
            match character {
                '+' if plus_is_space => folded.push(' '),
                '\u{ff01}'..='\u{ff5e}' => folded.extend(char::from_u32(u32::from(character) - 0xfee0)),
                '\u{2024}' | '\u{fe52}' => folded.push('.'),
                '\u{2025}' | '\u{fe30}' => folded.push_str(".."),
                '\u{2026}' | '\u{fe19}' => folded.push_str("..."),
                '\u{2044}' | '\u{2215}' => folded.push('/'),
                '\u{2100}' => folded.push_str("a/c"),
                '\u{2101}' => folded.push_str("a/s"),
                '\u{2105}' => folded.push_str("c/o"),
                '\u{2106}' => folded.push_str("c/u"),
                '\u{2216}' | '\u{fe68}' | '\u{a5}' | '\u{20a9}' => folded.push('\\'),
                '\u{37e}' | '\u{fe14}' | '\u{fe54}' => folded.push(';'),
                '\u{fe13}' | '\u{fe55}' | '\u{589}' | '\u{2236}' => folded.push(':'),
                '\u{2a74}' => folded.push_str("::="),
                '\u{fe16}' | '\u{fe56}' | '\u{2047}'..='\u{2049}' => folded.push('?'),
                '\u{fe5f}' => folded.push('#'),
                '\u{fe6a}' | '\u{66a}' => folded.push('%'),
                // What the file system of Windows takes for a dot.
                '"' | '\u{2ba}' | '\u{30e}' => folded.push('.'),
                '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
                }
                '\t' | '\n' | '\r' => folded.push(character),
                _ if character.is_whitespace() => folded.push(' '),
                _ => folded.push(character),
            }
        }
        folded.replace('"', ".")
    }

    /// `text` decoded once: `%XX` and `%uXXXX`, then bytes as UTF-8 of any length, what is none dropped.
    fn decoded(text: &str) -> String {
        let hex = |digits: Option<&[u8]>| u32::from_str_radix(std::str::from_utf8(digits?).ok()?, 16).ok();
        let text = text.as_bytes();
        let (mut bytes, mut at) = (Vec::new(), 0);
        while at < text.len() {
            if text[at] == b'%' && matches!(text.get(at + 1), Some(b'u' | b'U')) {
                if let Some(character) = hex(text.get(at + 2..at + 6)).and_then(char::from_u32) {
                    bytes.extend(character.to_string().bytes());
                    at += 6;
                    continue;
                }
            } else if text[at] == b'%'
                && let Some(byte) = hex(text.get(at + 1..at + 3))
            {
                bytes.push(u8::try_from(byte).unwrap());
                at += 3;
                continue;
            }
            bytes.push(text[at]);
            at += 1;
        }
        let (mut decoded, mut rest) = (String::new(), &bytes[..]);
        while let Some((&first, after)) = rest.split_first() {
            let (bits, len) = match first {
                0x00..=0x7f => (u32::from(first), 0),
                0x80..=0xbf | 0xfe.. => (u32::MAX, 0),
                0xc0..=0xdf => (u32::from(first & 0x1f), 1),
                0xe0..=0xef => (u32::from(first & 0x0f), 2),
                0xf0..=0xf7 => (u32::from(first & 0x07), 3),
                0xf8..=0xfb => (u32::from(first & 0x03), 4),
                0xfc..=0xfd => (u32::from(first & 0x01), 5),
            };
            let more = after.get(..len).filter(|more| more.iter().all(|byte| byte & 0xc0 == 0x80));
            let character = more.and_then(|more| {
                char::from_u32(more.iter().fold(bits, |bits, byte| bits << 6 | u32::from(byte & 0x3f)))
            });
            decoded.extend(character);
            rest = &after[if character.is_some() { len } else { 0 }..];
        }
        decoded
    }
}
