//! What is refused in a bundle, with place and reason. A bundle that is refused never decides.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use ron_policy::{Bundle, BundleError, Format, Limits, Position};

fn json(bundle: &str) -> BundleError {
    Bundle::parse(bundle.as_bytes(), Format::Json).map(|_| panic!("{bundle} was read")).unwrap_err()
}

fn toml(bundle: &str) -> BundleError {
    Bundle::parse(bundle.as_bytes(), Format::Toml).map(|_| panic!("{bundle} was read")).unwrap_err()
}

/// A rule of each schema, as the text around a condition.
fn deployed(when: &str) -> String {
    format!(r#"{{"version":1,"rules":[{{"id":"r","action":"allow","when":{{{when}}}}}]}}"#)
}

fn schema_2(when: &str) -> String {
    format!(r#"{{"schema":"ron-policy/2","version":1,"rules":[{{"id":"r","effect":"permit","when":{{{when}}}}}]}}"#)
}

#[test]
fn wrong_bundles_of_either_schema_are_refused_with_the_reason() {
    for (bundle, reason) in [
        ("", "EOF"),
        ("[]", "a table of keys and values"),
        ("[1, {}, {}, []]", "a table of keys and values"),
        ("{}", "missing field `version`"),
        (r#"{"version":0}"#, "nonzero"),
        (r#"{"version":4294967296}"#, "nonzero"),
        (r#"{"version":1,"version":1}"#, "duplicate field `version`"),
        (r#"{"version":1}x"#, "trailing characters"),
        (r#"{"version":1,"rule":[]}"#, "unknown field `rule`"),
        (r#"{"version":1,"meta":{"a":"1","a":"2"}}"#, "duplicate key \"a\""),
        (r#"{"version":1,"defaults":[]}"#, "a table of keys and values"),
        (r#"{"version":1,"defaults":{"max_body_bytes":1048577}}"#, "at most 1048576"),
        (r#"{"version":1,"defaults":{"default_action":"permit"}}"#, "unknown variant `permit`"),
        (r#"{"version":1,"rules":[["r",{},"allow"]]}"#, "a table of keys and values"),
        (r#"{"version":1,"rules":[{"id":"r","action":"allow"}]}"#, "missing field `when`"),
        (r#"{"version":1,"rules":[{"id":"r","when":{}}]}"#, "missing field `action`"),
        (r#"{"version":1,"rules":[{"id":" ","when":{},"action":"deny"}]}"#, "blank"),
        (r#"{"version":1,"rules":[{"id":"r","when":{},"action":"deny","effect":"deny"}]}"#, "unknown field `effect`"),
        (r#"{"version":1,"rules":[{"id":"r","when":{},"action":"deny","obligations":[{"kind":""}]}]}"#, "blank"),
        (
            r#"{"version":1,"rules":[{"id":"r","when":{},"action":"deny","obligations":[{"kind":"k","params":{"a":"","a":""}}]}]}"#,
            "duplicate key \"a\"",
        ),
        (r#"{"schema":"ron-policy/3","version":1,"rules":[]}"#, "\"ron-policy/3\" is not known"),
        (r#"{"schema":null,"version":1}"#, "invalid type: null"),
        (r#"{"schema":2,"version":1}"#, "invalid type: integer"),
        (r#"{"schema":"ron-policy/2","version":1}"#, "missing field `rules`"),
        (r#"{"schema":"ron-policy/2","schema":"ron-policy/2","version":1,"rules":[]}"#, "duplicate field `schema`"),
        (r#"{"schema":"ron-policy/2","version":1,"rules":[],"defaults":{"default_action":"allow"}}"#, "unknown field"),
        (&deployed(r#""subjects":["a"]"#), "unknown field `subjects`"),
        (&deployed(r#""max_body_bytes":-1"#), "invalid value"),
        (&deployed(r#""max_body_bytes":1048577"#), "at most 1048576"),
        (&deployed(r#""require_tags_all":["a",""]"#), "blank"),
        (&deployed(r#""require_tags_all":["É"]"#), "ASCII letters"),
        (&deployed(r#""method":"é""#), "ASCII letters"),
        (&schema_2(r#""tenant":"a""#), "unknown field `tenant`"),
        (&schema_2(r#""tenants":[]"#), "an empty list"),
        (&schema_2(r#""tenants":null"#), "invalid type: null"),
        (&schema_2(r#""tenants":"a""#), "expected a sequence"),
        (&schema_2(r#""tenants":["*"]"#), "no wildcard"),
        (&schema_2(r#""methods":["*"]"#), "no wildcard"),
        (&schema_2(r#""subjects":["{a,b}"]"#), "\\{"),
        (&schema_2(r#""resources":["a**b**"]"#), "at most one **"),
        (&schema_2(r#""resources":["a","a"],"resources":["b"]"#), "duplicate field `resources`"),
        (&schema_2(r#""body_bytes":{}"#), "at_least or at_most"),
        (&schema_2(r#""body_bytes":{"at_least":2,"at_most":1}"#), "never applies"),
        (&schema_2(r#""time":{}"#), "not_before, not_after or daily"),
        (&schema_2(r#""time":{"not_before":"2026-01-31 08:00"}"#), "2026-01-31T08:00:00Z"),
        (&schema_2(r#""time":{"not_before":"2026-02-30T08:00:00Z"}"#), "a time in UTC"),
        (&schema_2(r#""time":{"not_before":"2026-01-31T08:00:00.5Z"}"#), "to the second"),
        (&schema_2(r#""time":{"not_before":"2026-01-31T08:00:00+01:00"}"#), "a time in UTC"),
        (
            &schema_2(r#""time":{"not_before":"2026-01-02T00:00:00Z","not_after":"2026-01-01T00:00:00Z"}"#),
            "never applies",
        ),
        (&schema_2(r#""time":{"daily":[{"from":"8:00","to":"09:00"}]}"#), "time of day"),
        (&schema_2(r#""time":{"daily":[{"from":"08:60","to":"09:00"}]}"#), "time of day"),
        (&schema_2(r#""time":{"daily":[{"from":"24:00","to":"09:00"}]}"#), "holds no time"),
        (&schema_2(r#""time":{"daily":[{"from":"09:00","to":"09:00"}]}"#), "holds no time"),
        (&schema_2(r#""peers":["10.0.0.1"]"#), "expected a network"),
        (&schema_2(r#""peers":["10.0.0.1/8"]"#), "the network is 10.0.0.0/8"),
        (&schema_2(r#""peers":["::ffff:10.0.0.0/104"]"#), "write the IPv4 network"),
    ] {
        let error = json(bundle);
        assert!(error.to_string().contains(reason), "{bundle}: {error}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}

#[test]
fn an_error_has_line_and_column_in_both_formats() {
    let at = |line, column| Some(Position { line, column });
    assert_eq!(json("{\n  \"version\": 1,\n  \"rule\": []\n}").position, at(3, 8));
    assert_eq!(json("{\n  \"version\": 0\n}").position, at(2, 14));
    assert_eq!(json("{\n  \"version\": 1,\n").position.unwrap().line, 3);
    assert_eq!(toml("version = 1\nrule = []\n").position, at(2, 1));
    assert_eq!(toml("version = 1\n\nversion = 2\n").position, at(3, 1));
    assert_eq!(toml("version = 0\n").position, at(1, 11));
    assert_eq!(toml("version = 1\n  x\n").position.unwrap().line, 2);
    let rule = "[[rules]]\nid = \"a\"\naction = \"allow\"\nwhen = {}\n";
    assert_eq!(
        toml(&format!("version = 1\n{rule}[[rules]]\nid = \"b\"\naction = \"allow\"\nwhen = {{ x = 1 }}\n")).position,
        at(9, 10)
    );
    assert_eq!(toml("schema = \"ron-policy/2\"\nversion = 1\n[[rules]]\nid = \"a\"\neffect = \"deny\"\n[rules.when]\nactions = [\n  \"a?\"]\n").position.unwrap().line, 7);

    // An id that stands twice is told at the rule that repeats it.
    let error = toml(&format!("version = 1\n\n{rule}\n{rule}"));
    assert_eq!(
        (error.position.unwrap().line, error.reason.as_str()),
        (8, "rule 2 has the id \"a\" of rule 1; ids are unique")
    );
    let rule = r#"{"id":"a","action":"deny","when":{}}"#;
    let error = json(&format!("{{\"version\":1,\"rules\":[\n  {rule},\n  {rule}]}}"));
    assert_eq!((error.position, error.reason.contains("ids are unique")), (at(3, 3), true));

    for format in [Format::Json, Format::Toml] {
        let error = Bundle::parse(b"# a\n# b\xff\n", format).unwrap_err();
        assert_eq!(error.to_string(), "line 2, column 4: not UTF-8; expected a bundle in JSON or TOML");
    }
}

#[test]
fn bundles_beyond_the_limits_are_refused() {
    let limits = Limits { max_bytes: 200, max_rules: 1 };
    let rules = |count| {
        let rules: Vec<String> =
            (0..count).map(|id| format!(r#"{{"id":"{id}","action":"deny","when":{{}}}}"#)).collect();
        format!(r#"{{"version":1,"rules":[{}]}}"#, rules.join(","))
    };
    let parse = |text: &str| Bundle::parse_within(text.as_bytes(), Format::Json, limits);
    assert!(parse(&rules(1)).is_ok());
    assert!(parse(&rules(2)).unwrap_err().reason.contains("2 rules; at most 1"));
    let error = parse(&rules(20)).unwrap_err();
    assert!(error.reason.contains("at most 200 are read"), "{error}");
    assert!(Bundle::parse("[".repeat(1 << 20).as_bytes(), Format::Json).is_err());
    assert!(Bundle::parse(format!("{{\"x\":{}", "[".repeat(1 << 20)).as_bytes(), Format::Json).is_err());
    assert!(Bundle::parse(format!("x = {}", "[".repeat(1 << 20)).as_bytes(), Format::Toml).is_err());
    let list: Vec<String> = (0..1025).map(|value| format!("\"{value}\"")).collect();
    assert!(json(&schema_2(&format!("\"tenants\":[{}]", list.join(",")))).reason.contains("at most 1024"));
    let globs = vec!["\"a*\""; 65].join(",");
    assert!(json(&schema_2(&format!("\"subjects\":[{globs}]"))).reason.contains("at most 64"));
    let method = "x".repeat(257);
    assert!(json(&deployed(&format!("\"method\":\"{method}\""))).reason.contains("at most 256"));
}

#[test]
fn no_cut_and_no_changed_byte_makes_reading_panic() {
    let bundle =
        schema_2(r#""subjects":["a\\*","é**"],"time":{"daily":[{"from":"08:00","to":"09:00"}]},"peers":["::/0"]"#);
    for end in 0..bundle.len() {
        let _ = Bundle::parse(&bundle.as_bytes()[..end], Format::Json);
        for byte in [0, b'"', b'*', 0x80, 0xff] {
            let mut changed = bundle.clone().into_bytes();
            changed[end] = byte;
            for format in [Format::Json, Format::Toml] {
                let _ = Bundle::parse(&changed, format).map(Bundle::compile);
            }
        }
    }
}
