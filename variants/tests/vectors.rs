//! Every variant decides as existing deployments do.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a surprise stops a test")]

use std::net::IpAddr;

use ron_auth_catalogue::{Variant, catalogue, classic};
use ron_auth_core::{
    AuthError, Decision, DenyReason, EvalMode, KeyName, MacKey, MacKeyProvider, RequestCtx, Scope, VerifierConfig,
    compat,
};
use serde_json::Value;

/// The rule in the vector file's header.
struct VectorKeys;

impl MacKeyProvider for VectorKeys {
    fn key_for(&self, KeyName { tid, kid }: KeyName<'_>) -> Option<MacKey> {
        let known = !kid.starts_with("gone");
        known.then(|| MacKey::new(*blake3::hash(format!("{tid}/{kid}").as_bytes()).as_bytes()))
    }
}

fn context(ctx: &Value) -> RequestCtx<'_> {
    let text = |field: &str| ctx[field].as_str().unwrap();
    let mut context =
        RequestCtx::new(ctx["now_unix_s"].as_u64().unwrap(), text("method"), text("path"), text("tenant"))
            .peer_ip(ctx["peer_ip"].as_str().map(|ip| ip.parse::<IpAddr>().unwrap()))
            .content_len(ctx["content_len"].as_u64())
            .amnesia(ctx["amnesia"].as_bool().unwrap());
    if let Some(digest) = ctx["audience_and_policy_digest"].as_str() {
        context = context.policy_digest(digest);
    }
    context
}

fn agrees(result: &Result<Decision, AuthError>, expected: &Value) -> bool {
    match result {
        Ok(Decision::Allow { scope, obligations }) => {
            let allow = &expected["allow"];
            let Some(methods) = allow["methods"].as_array() else { return false };
            let expected = Scope {
                prefix: allow["prefix"].as_str().map(str::to_owned),
                methods: methods.iter().map(|name| name.as_str().unwrap().to_owned().into()).collect(),
                max_bytes: allow["max_bytes"].as_u64(),
            };
            *scope == expected && obligations.is_empty()
        }
        Ok(Decision::Deny { reasons }) => {
            let reasons: Vec<Value> = reasons
                .iter()
                .map(|reason| match reason {
                    DenyReason::AmnesiaMismatch
                    | DenyReason::GovPolicyDigestMismatch
                    | DenyReason::Unhandled { .. }
                    | DenyReason::Custom(_) => serde_json::json!({ "Custom": reason.name() }),
                    other => serde_json::json!(other.name()),
                })
                .collect();
            expected["deny"] == Value::Array(reasons)
        }
        Err(error) => expected["error"] == error.name(),
    }
}

#[test]
fn all_vectors_come_out_as_recorded_on_every_variant_and_evaluator() {
    let file: Value = serde_json::from_str(include_str!("../../testdata/v1/decisions.json")).unwrap();
    let cases = file["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 600);
    let config: VerifierConfig = compat::config();
    assert_eq!(file["config"]["max_token_bytes"], config.max_token_bytes);
    assert_eq!(file["config"]["max_caveats"], config.max_caveats);
    assert_eq!(file["config"]["clock_skew_secs"], config.clock_skew_secs);
    for variant in catalogue() {
        replay(&variant, &config, cases.iter());
    }
}

#[test]
fn the_good_tokens_of_the_vectors_come_out_as_recorded_on_the_yardstick_too() {
    let file: Value = serde_json::from_str(include_str!("../../testdata/v1/decisions.json")).unwrap();
    let good: Vec<&Value> =
        file["cases"].as_array().unwrap().iter().filter(|case| case["expect"]["error"].is_null()).collect();
    assert!(good.len() > 300, "{}", good.len());
    replay(&classic(), &compat::config(), good.into_iter());
}

fn replay<'c>(variant: &Variant, config: &VerifierConfig, cases: impl Iterator<Item = &'c Value>) {
    let verifier = variant.build();
    for case in cases {
        let token = case["token"].as_str().unwrap();
        let ctx = context(&case["ctx"]);
        for mode in [EvalMode::Adaptive, EvalMode::StreamingOnly, EvalMode::SoaOnly] {
            let one = verifier.with_mode(mode).verify_token(config, token, &ctx, &VectorKeys);
            assert!(
                agrees(&one, &case["expect"]),
                "{} {} {mode:?}: got {one:?}, expected {}",
                variant.name,
                case["name"],
                case["expect"]
            );
            let batch = verifier.with_mode(mode).verify_each(config, &[token.to_owned()], &ctx, &VectorKeys);
            assert_eq!(batch, [one], "{} {} {mode:?} as a batch", variant.name, case["name"]);
        }
    }
}
