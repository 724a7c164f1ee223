//! Looking at tokens: what each says, where one is not canonical, why it is allowed or not.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a surprise stops a test")]

mod explained;
mod flaws;

use std::cell::RefCell;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ron_auth_core::inspect::{
    Condition, Explanation, Flaw, FlawKind, Judgement, Stage, Subject, UntrustedValue, diagnose, explain, inspect,
};
use ron_auth_core::{
    AuthError, Capability, CapabilityBuilder, Caveat, CaveatKind, CustomCaveat, Decision, Demands, DenyReason, KeyName,
    MacKey, MacKeyProvider, Malformed, Rate, RequestCtx, Scope, Semantics, VerifierConfig,
};

const NOW: u64 = 1_762_700_000;
const FLAWS: &str = include_str!("../data/flaws.txt");
const KEY: [u8; 32] = [0xc7; 32];

fn minted(caveats: impl IntoIterator<Item = Caveat>) -> Capability {
    CapabilityBuilder::new("acme", "k1", Scope::new("/index/", ["GET", "HEAD"]))
        .caveats(caveats)
        .sign(&MacKey::new(KEY))
        .unwrap()
}

/// One caveat of each kind.
fn all_kinds() -> Vec<Caveat> {
    vec![
        Caveat::Exp(NOW + 600),
        Caveat::Nbf(NOW - 600),
        Caveat::Aud("search".into()),
        Caveat::methods(["GET", "HEAD"]),
        Caveat::PathPrefix("/index/docs".into()),
        Caveat::IpCidr("10.0.0.0/8".into()),
        Caveat::BytesLe(1024),
        Caveat::Rate(Rate { per_s: 5, burst: 70_000 }),
        Caveat::Tenant("acme".into()),
        Caveat::Amnesia(false),
        Caveat::GovPolicyDigest("b3:9f".into()),
        // {"a": [1, h'02'], "plan": true}
        Caveat::Custom {
            ns: "plan".into(),
            name: "paid".into(),
            cbor: b"\xa2\x61a\x82\x01\x41\x02\x64plan\xf5".to_vec(),
        },
    ]
}

fn ctx() -> RequestCtx<'static> {
    RequestCtx::new(NOW, "GET", "/index/docs/42", "acme")
        .audience("search")
        .policy_digest("b3:9f")
        .peer_ip("10.1.2.3".parse::<IpAddr>().unwrap())
        .content_len(1000)
}

fn config() -> VerifierConfig {
    VerifierConfig::default().with_custom_handler("plan", |caveat: &CustomCaveat<'_>, _: &RequestCtx<'_>| {
        if caveat.name() == "paid" { Ok(()) } else { Err("plan_not\npaid".into()) }
    })
}

fn text_of(cbor: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(cbor)
}

fn flaw_of(text: &str) -> Flaw {
    diagnose(&VerifierConfig::default(), text).unwrap_err()
}

#[test]
fn a_token_says_what_was_minted() {
    let capability = minted(all_kinds());
    let text = capability.to_base64url();
    let token = inspect(&VerifierConfig::default(), &text).unwrap();
    assert_eq!((token.tid(), token.kid()), ("acme", "k1"));
    assert_eq!((token.text_chars(), token.cbor_bytes()), (text.len(), capability.to_cbor().len()));
    assert_eq!(token.scope().prefix(), Some("/index/"));
    assert!(token.scope().methods().eq(["GET", "HEAD"]) && token.scope().max_bytes().is_none());
    assert_eq!(token.mac_start(), capability.mac[..4]);
    let values: Vec<_> = token.caveats().map(|caveat| (caveat.kind(), caveat.value())).collect();
    let expected = [
        (CaveatKind::Exp, UntrustedValue::Time(NOW + 600)),
        (CaveatKind::Nbf, UntrustedValue::Time(NOW - 600)),
        (CaveatKind::Aud, UntrustedValue::Text("search")),
        (CaveatKind::Method, UntrustedValue::Texts(vec!["GET", "HEAD"])),
        (CaveatKind::PathPrefix, UntrustedValue::Text("/index/docs")),
        (CaveatKind::IpCidr, UntrustedValue::Text("10.0.0.0/8")),
        (CaveatKind::BytesLe, UntrustedValue::Bytes(1024)),
        (CaveatKind::Rate, UntrustedValue::Rate { per_s: 5, burst: 70_000 }),
        (CaveatKind::Tenant, UntrustedValue::Text("acme")),
        (CaveatKind::Amnesia, UntrustedValue::Bool(false)),
        (CaveatKind::GovPolicyDigest, UntrustedValue::Text("b3:9f")),
        (
            CaveatKind::Custom,
            UntrustedValue::Custom { ns: "plan", name: "paid", cbor: b"\xa2\x61a\x82\x01\x41\x02\x64plan\xf5" },
        ),
    ];
    assert_eq!(values, expected);
    let cbor = capability.to_cbor();
    for caveat in token.caveats() {
        let mut item = Vec::new();
        ron_auth_core::wire::encode_caveat(&capability.caveats[caveat.index()], &mut item);
        assert_eq!(cbor[caveat.cbor_place()], item);
    }
    let lines = [
        "  [0] Exp 1762700600 (2025-11-09T15:03:20Z)",
        "  [3] Method \"GET\", \"HEAD\"",
        "  [6] BytesLe 1024 bytes",
        "  [7] Rate 5 per second, 70000 at once",
        "  [11] Custom \"plan\"/\"paid\", CBOR a261618201410264706c616ef5",
        "scope    prefix \"/index/\"; methods \"GET\", \"HEAD\"; any length",
    ];
    let shown = token.to_string();
    for line in lines {
        assert!(shown.lines().any(|shown| shown == line), "{line} in {shown}");
    }
}

#[test]
fn what_a_token_says_cannot_drive_a_terminal_and_its_mac_is_not_shown() {
    let evil = "\x1b[2J\r\nallowed\u{202e}\0";
    let capability = CapabilityBuilder::new(evil, evil, Scope::new(evil, [evil]))
        .caveats([Caveat::Aud(evil.into()), Caveat::Tenant(evil.into()), Caveat::PathPrefix(evil.repeat(100))])
        .caveat(Caveat::Custom { ns: evil.into(), name: evil.into(), cbor: vec![0xf6] })
        .sign(&MacKey::new(KEY))
        .unwrap();
    let text = capability.to_base64url();
    let token = inspect(&config(), &text).unwrap();
    let ctx = RequestCtx::new(NOW, evil, evil, evil).audience(evil);
    let explanation = explain(&config(), &text, &ctx, &MacKey::new(KEY));
    let unknown = explain(&config(), &text, &ctx, &Nobody);
    let mut cbor = capability.to_cbor();
    let kid = cbor.windows(4).position(|window| window == b"\x63kid").unwrap();
    cbor[kid + 1] = 0x1b;
    let flaw = flaw_of(&text_of(&cbor));
    let mac = hex::encode(capability.mac);
    for shown in [
        token.to_string(),
        format!("{token:?}"),
        explanation.to_string(),
        format!("{explanation:?}"),
        unknown.to_string(),
        flaw.to_string(),
        format!("{:?}", token.caveats().map(|caveat| caveat.value()).collect::<Vec<_>>()),
    ] {
        assert!(!shown.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "{shown}");
        assert!(!shown.lines().any(|line| line.starts_with("allowed")), "{shown}");
        assert!(!shown.contains(&mac[..10]) && shown.len() < 20_000, "{shown}");
        assert!(!shown.contains(&hex::encode(KEY)[..8]) && !shown.contains("199, 199"), "{shown}");
    }
}

struct Nobody;

impl MacKeyProvider for Nobody {
    fn key_for(&self, _name: KeyName<'_>) -> Option<MacKey> {
        None
    }
}
