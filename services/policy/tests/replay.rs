//! Recorded decisions: each file of `tests/data` holds a bundle and what it decides, and is replayed in both formats.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::fs;
use std::path::Path;

use ron_policy::{Bundle, Format, Obligation, Request, RequestDocument, Schema, Step};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "about")]
    _about: String,
    bundle: Value,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    request: RequestDocument,
    effect: String,
    rule: Option<String>,
    reason: Option<String>,
    #[serde(default)]
    obligations: Vec<Obligation>,
    trace: Option<Vec<String>>,
}

#[test]
fn recorded_decisions_of_the_deployed_schema_are_made_again() {
    assert!(replay("deployed", Schema::Deployed) >= 30);
}

#[test]
fn recorded_decisions_of_schema_2_are_made_again() {
    assert!(replay("schema2", Schema::V2) >= 45);
}

fn replay(folder: &str, schema: Schema) -> usize {
    let mut count = 0;
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder)).unwrap() {
        let path = entry.unwrap().path();
        let file: File = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let json = serde_json::to_vec(&file.bundle).unwrap();
        let toml = toml::to_string(&file.bundle).unwrap();
        for (bytes, format) in [(&json[..], Format::Json), (toml.as_bytes(), Format::Toml)] {
            let bundle = Bundle::parse(bytes, format).unwrap_or_else(|error| panic!("{path:?} {format:?}: {error}"));
            assert_eq!(bundle.schema(), schema);
            assert_eq!(json!(bundle.version()), file.bundle["version"]);
            let policy = bundle.compile();
            for case in &file.cases {
                case.request.with(|request| judge(&policy, request, case, &path));
                count += 1;
            }
        }
    }
    count
}

fn judge(policy: &ron_policy::Policy, request: &Request<'_>, case: &Case, path: &Path) {
    let decision = policy.decide(request).unwrap();
    let context = format!("{}: {request:?}", path.display());
    assert_eq!(format!("{:?}", decision.effect), case.effect, "{context}");
    assert_eq!(decision.rule, case.rule.as_deref(), "{context}");
    assert_eq!(decision.reason, case.reason.as_deref(), "{context}");
    assert_eq!(decision.obligations, case.obligations, "{context}");
    let trace = policy.trace(request).unwrap();
    assert_eq!(trace.decision, decision, "{context}");
    if let Some(expected) = &case.trace {
        assert_eq!(&trace.steps.iter().map(shown).collect::<Vec<_>>(), expected, "{context}");
    }
}

fn shown(step: &Step<'_>) -> String {
    let name = |field| serde_json::to_value(field).unwrap().as_str().unwrap().to_owned();
    match *step {
        Step::Miss { rule, condition, unknown: false } => format!("miss {rule} {}", name(condition)),
        Step::Miss { rule, condition, unknown: true } => format!("miss {rule} {}, unknown", name(condition)),
        Step::Hit { rule, unknown: None, .. } => format!("hit {rule}"),
        Step::Hit { rule, unknown: Some(field), .. } => format!("hit {rule}, {} unknown", name(field)),
        Step::Note { text } => format!("note {text}"),
    }
}
