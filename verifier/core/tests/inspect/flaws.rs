//! Where a token is not canonical, and what is said about that.

use super::*;

#[test]
fn flaws_of_the_text_are_found_where_they_are() {
    use FlawKind::*;
    let good = minted([Caveat::Exp(NOW)]).to_base64url();
    let whole = &good[..good.len() / 4 * 4];
    let max = 5462;
    for (text, kind, at, found, expected) in [
        (format!("{good}="), Padding, good.len(), "padding, '=' at the end", "the text to end here"),
        (format!("{whole}=="), Padding, whole.len(), "padding, '=' at the end", "the text to end here"),
        (format!("A=A{good}"), Alphabet, 1, "'='", "a character of the Base64URL alphabet"),
        (format!("AA+A{good}"), Alphabet, 2, "'+', of the other Base64 alphabet", "a character of the"),
        (format!("/{good}"), Alphabet, 0, "'/', of the other Base64 alphabet", "a character of the"),
        (format!("{good}\n"), Alphabet, good.len(), r"'\n', white space", "a character of the"),
        (format!("AAé{good}"), Alphabet, 2, "'é'", "a character of the"),
        (format!("AAAA\u{202e}{good}"), Alphabet, 4, r"'\u{202e}'", "a character of the"),
        (format!("{whole}A"), TextLength, whole.len(), "characters, which leaves one over", "0, 2 or 3"),
        (format!("{whole}AB"), TrailingBits, whole.len() + 1, "'B', whose last four bits are not zero", "'A'"),
        (format!("{whole}A_"), TrailingBits, whole.len() + 1, "'_', whose last four bits are not zero", "'w'"),
        (format!("{whole}AAB"), TrailingBits, whole.len() + 2, "'B', whose last two bits are not zero", "'A'"),
        (format!("{whole}AA_"), TrailingBits, whole.len() + 2, "'_', whose last two bits are not zero", "'8'"),
        ("A".repeat(max + 1), TextTooLong, max, "a text of 5463 bytes", "at most 5462, the Base64URL of 4096 bytes"),
        ("é".repeat(max), TextTooLong, max / 2, "a text of 10924 bytes", "at most 5462"),
    ] {
        let flaw = flaw_of(&text);
        let place = (flaw.kind(), flaw.text_char(), flaw.cbor_byte(), flaw.path());
        assert_eq!(place, (kind, at, None, ""), "{flaw}");
        assert!(flaw.found().contains(found) && flaw.expected().starts_with(expected), "{flaw}");
        let error = if kind == TextTooLong { AuthError::Bounds } else { AuthError::Malformed(Malformed::Base64) };
        assert_eq!(flaw.error(), error, "{flaw}");
    }
    assert_eq!(flaw_of("").kind(), EndOfInput);
    assert_eq!(
        flaw_of(&format!("{good}=")).to_string(),
        format!(
            "not Base64URL at character {}: found padding, '=' at the end; expected the text to end here",
            good.len()
        )
    );
}

#[test]
fn flaws_of_the_cbor_are_found_where_they_are() {
    let cbor = minted(all_kinds()).to_cbor();
    let mut others = Vec::new();
    for case in FLAWS.split("\n\n").filter(|case| !case.starts_with('#')) {
        let lines: Vec<&str> = case.lines().map(str::trim).collect();
        let [name, change, expected] = lines[..] else { panic!("three lines: {case}") };
        let (was, is) = change.split_once(" -> ").unwrap();
        let (was, is) = (bytes_of(was), bytes_of(is));
        let place = cbor.windows(was.len()).position(|window| window == was).unwrap_or_else(|| panic!("{name}"));
        let changed = [&cbor[..place], &is, &cbor[place + was.len()..]].concat();
        let flaw = flaw_of(&text_of(&changed));
        let byte = flaw.cbor_byte().unwrap();
        let (kind, path) = (flaw.kind(), Some(flaw.path()).filter(|path| !path.is_empty()));
        let path = path.map(|path| format!(" {path}")).unwrap_or_default();
        let got = format!("{kind} +{}{path}: found {}; expected {}", byte - place, flaw.found(), flaw.expected());
        if got != expected {
            others.push(format!("{name}\n    {expected}\n    {got}"));
        }
        assert_eq!(flaw.text_char(), byte * 8 / 6, "{name}: {flaw}");
        assert_eq!(flaw.error(), AuthError::Malformed(Malformed::Cbor), "{name}: {flaw}");
    }
    assert!(others.is_empty(), "expected, found:\n{}", others.join("\n"));
}

/// Bytes as the table writes them: in hex, or text in quotes.
fn bytes_of(written: &str) -> Vec<u8> {
    let part = |part: &str| match part.strip_prefix('\'') {
        Some(text) => text.trim_end_matches('\'').as_bytes().to_vec(),
        None => hex::decode(part).unwrap(),
    };
    written.split(' ').flat_map(part).collect()
}

#[test]
fn a_token_that_ends_too_soon_or_too_late_is_told_so() {
    let cbor = minted(all_kinds()).to_cbor();
    for len in 0..cbor.len() {
        let text = text_of(&cbor[..len]);
        let flaw = flaw_of(&text);
        assert_eq!((flaw.kind(), flaw.cbor_byte()), (FlawKind::EndOfInput, Some(len)), "{flaw}");
        assert_eq!(flaw.text_char(), text.len(), "{flaw}");
        assert!(flaw.found().starts_with("the end of the token"), "{flaw}");
    }
    let flaw = flaw_of(&text_of(&[&cbor[..], &[0xf6, 0xf6]].concat()));
    assert_eq!(
        (flaw.kind(), flaw.cbor_byte(), flaw.found()),
        (FlawKind::TrailingBytes, Some(cbor.len()), "2 bytes more")
    );
    let flaw = flaw_of("");
    assert!(flaw.expected().starts_with("a map of 5: tid, kid, scope, caveats, mac"), "{flaw}");
}

#[test]
fn bounds_hold_before_the_first_caveat_is_read() {
    let mut config = VerifierConfig::default();
    config.max_caveats = 2;
    let three = minted((0..3).map(Caveat::Exp)).to_cbor();
    let head = three.windows(8).position(|window| window == b"\x67caveats").unwrap() + 8;
    let cut = &three[..=head];
    let long_key = [&b"\xa5\x63tiD"[..], &three[5..]].concat();
    for (cbor, kind, at) in [
        (&three[..], FlawKind::TooManyCaveats, head),
        (cut, FlawKind::TooManyCaveats, head),
        (&long_key, FlawKind::UnknownKey, 1),
    ] {
        let flaw = diagnose(&config, &text_of(cbor)).unwrap_err();
        assert_eq!((flaw.kind(), flaw.cbor_byte()), (kind, Some(at)), "{flaw}");
        assert_eq!(flaw.error() == AuthError::Bounds, kind == FlawKind::TooManyCaveats, "{flaw}");
    }
    let flaw = diagnose(&config, &text_of(&three)).unwrap_err();
    assert_eq!((flaw.found(), flaw.expected()), ("an array of 3 caveats", "at most 2 (max_caveats)"));
    config.max_caveats = 3;
    diagnose(&config, &text_of(&three)).unwrap();
}

#[test]
fn nesting_beyond_the_limit_is_found_at_the_item_that_is_too_deep() {
    let custom = |value: &[u8]| {
        let with_null = minted([Caveat::Custom { ns: "n".into(), name: "x".into(), cbor: vec![0xf6] }]).to_cbor();
        let place = with_null.windows(6).position(|window| window == b"\x64cbor\xf6").unwrap() + 5;
        (place, [&with_null[..place], value, &with_null[place + 1..]].concat())
    };
    let (_, deepest) = custom(&[&[0x81; 31][..], &[0x80]].concat());
    diagnose(&config(), &text_of(&deepest)).unwrap();
    for (value, what) in
        [([&[0x81; 32][..], &[0x80]].concat(), "an array of 0"), ([0x81; 1000].to_vec(), "an array of 1")]
    {
        let (place, cbor) = custom(&value);
        let flaw = diagnose(&config(), &text_of(&cbor)).unwrap_err();
        assert_eq!((flaw.kind(), flaw.cbor_byte()), (FlawKind::Nesting, Some(place + 32)), "{flaw}");
        assert_eq!(flaw.path(), format!("caveats[0].v.cbor{}", "[0]".repeat(32)));
        assert_eq!(flaw.found(), format!("{what} within 32 others"));
    }
}
