//! What svc-auth's work on capability tokens costs without a service around it. For `scripts/service_speed.sh`, which
//! asks while requests are sent to the service.
//!
//! `auth_costs FOLDER`: the folder holds the key store, `keys.db` and `master.key`, the bundle `policy.toml`, and
//! `questions.json`, a batch for `authorize_batch` of tokens that are all permitted. Each line `NAME MILLISECONDS` of
//! standard input is answered with nanoseconds of CPU time for one item:
//!
//! | name | operation |
//! |---|---|
//! | `token` | a token verified by itself |
//! | `token_64` | the same tokens verified as one batch, each with its own request |
//! | `policy` | the decision of the bundle |
//! | `json_64` | the batch read, and its answers written |

#[path = "../../passport/examples/turns/mod.rs"]
mod turns;

use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use ron_auth::{Decision, Demands, RequestCtx, VerifierConfig};
use ron_kms::{Kms, KmsConfig, MasterKeySource, SystemClock};
use ron_policy::{Bundle, Format, Request};
use serde::{Deserialize, Serialize};

/// A question as it is sent, of which no text has escapes.
#[derive(Deserialize)]
struct Question<'a> {
    token: &'a str,
    action: &'a str,
    resource: &'a str,
    #[serde(borrow)]
    context: Context<'a>,
}

#[derive(Deserialize)]
struct Context<'a> {
    tenant: &'a str,
    region: &'a str,
}

#[derive(Serialize)]
struct Answer<'a> {
    decision: &'a str,
    reason: &'a str,
}

fn main() -> ExitCode {
    turns::main("keys.db, master.key, policy.toml and questions.json", run)
}

fn run(folder: &Path) -> Result<(), Box<dyn Error>> {
    let text = std::fs::read(folder.join("questions.json"))?;
    let questions: Vec<Question<'_>> = serde_json::from_slice(&text)?;
    let policy = Bundle::parse(&std::fs::read(folder.join("policy.toml"))?, Format::Toml)?.compile();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let store = KmsConfig::sqlite(folder.join("keys.db"), MasterKeySource::FileOrNew(folder.join("master.key")));
    let kms = runtime.block_on(Kms::open(store, Arc::new(SystemClock)))?;
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();

    // As the service has it by default.
    let mut config = VerifierConfig::default().with_demands(Demands::default().audience());
    config.clock_skew_secs = 60;
    config.par_min_batch = usize::MAX;
    let digest = policy.digest();
    let items: Vec<(&str, RequestCtx<'_>)> = questions
        .iter()
        .map(|question| {
            let request = RequestCtx::new(now_s, question.action, question.resource, question.context.tenant);
            (question.token, request.audience("ron-auth").policy_digest(digest))
        })
        .collect();
    let requests: Vec<Request<'_>> = questions
        .iter()
        .map(|question| Request {
            tenant: Some(question.context.tenant),
            region: Some(question.context.region),
            action: Some(question.action),
            resource: Some(question.resource),
            now_unix_s: Some(now_s),
            ..Request::default()
        })
        .collect();

    // Nothing is timed before it has given the right answers.
    let keys = kms.mac_snapshot();
    let together = ron_auth::verify_each_request(&config, &items, &keys.at(now_s));
    for ((token, request), verified) in items.iter().zip(together) {
        let alone = ron_auth::verify_token(&config, token, request, &keys.at(now_s));
        if ![alone, verified].iter().all(|it| matches!(it, Ok(Decision::Allow { .. }))) {
            return Err("a token is not allowed".into());
        }
    }
    for request in &requests {
        if !policy.decide(request)?.is_permit() {
            return Err("the policy does not permit".into());
        }
    }
    drop(keys);

    let count = u32::try_from(items.len())?;
    turns::serve(vec![
        (
            "token",
            count,
            Box::new(|| {
                for (token, request) in &items {
                    // A snapshot for each, as a request takes one.
                    let keys = kms.mac_snapshot();
                    drop(black_box(ron_auth::verify_token(&config, black_box(token), request, &keys.at(now_s))));
                }
            }),
        ),
        (
            "token_64",
            count,
            Box::new(|| {
                let keys = kms.mac_snapshot();
                drop(black_box(ron_auth::verify_each_request(&config, black_box(&items), &keys.at(now_s))));
            }),
        ),
        (
            "policy",
            count,
            Box::new(|| {
                for request in &requests {
                    let _ = black_box(policy.decide(black_box(request)));
                }
            }),
        ),
        (
            "json_64",
            count,
            Box::new(|| {
                let Ok(read) = serde_json::from_slice::<Vec<Question<'_>>>(black_box(&text)) else { return };
                let answers: Vec<_> =
                    read.iter().map(|_| Answer { decision: "Permit", reason: "acme-in-eu" }).collect();
                drop(black_box((serde_json::to_vec(&answers), &read)));
            }),
        ),
    ])?;
    Ok(())
}
