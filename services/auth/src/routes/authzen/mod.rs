//! AuthZEN 1.0: an authenticated service asks whether a subject may do something. There is no artefact: what the caller
//! says of the subject is believed, since it is the caller that knows it.

mod input;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use ron_policy::Policy;
use ron_service::axum::body::Bytes;
use ron_service::axum::extract::{Request, State};
use ron_service::axum::response::{IntoResponse, Response};
use ron_service::{Problem, read_json};
use serde::Serialize;

use self::input::{Evaluation, Evaluations, Semantic};
use super::Done;
use crate::decide::{Answer, Obligations, judge};
use crate::input::{Access, Object, Text, read};
use crate::metrics::{Alg, Laps, Op, Outcome};
use crate::state::Auth;

pub(crate) const EVALUATION: &str = "/access/v1/evaluation";
pub(crate) const EVALUATIONS: &str = "/access/v1/evaluations";
pub(crate) const CONFIGURATION: &str = "/.well-known/authzen-configuration";

/// One answer.
#[derive(Serialize)]
struct Evaluated<'p> {
    decision: bool,
    context: Explained<'p>,
}

/// Why.
#[derive(Serialize)]
struct Explained<'p> {
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'p, str>>,
    #[serde(skip_serializing_if = "Obligations::is_empty")]
    obligations: Obligations<'p>,
    /// What is wrong with the question.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Wrong>,
}

#[derive(Serialize)]
struct Wrong {
    status: u16,
    message: &'static str,
}

#[derive(Serialize)]
struct Several<'p> {
    evaluations: Vec<Evaluated<'p>>,
}

pub(crate) async fn evaluation(State(auth): State<Arc<Auth>>, request: Request) -> Response {
    answer(&auth, request, Op::Evaluation, |auth, body| {
        let Object(asked): Object<Evaluation<'_>> = read(body)?;
        alone(auth, &asked)
    })
    .await
}

pub(crate) async fn evaluations(State(auth): State<Arc<Auth>>, request: Request) -> Response {
    answer(&auth, request, Op::Evaluations, |auth, body| {
        let Object(mut asked): Object<Evaluations<'_>> = read(body)?;
        match asked.evaluations.take() {
            Some(items) if !items.is_empty() => several(auth, &items, &asked),
            // Without several it is the same as the other route.
            _ => alone(auth, &asked.alone()),
        }
    })
    .await
}

async fn answer(
    auth: &Auth,
    request: Request,
    op: Op,
    decided: impl FnOnce(&Auth, &[u8]) -> Result<Done, Problem>,
) -> Response {
    let Some(account) = auth.accounts.bearer(request.headers()) else {
        return Problem::unauthorized("expected the secret of an account in Authorization: Bearer").into_response();
    };
    tracing::debug!(account = account.name, "asks about others");
    let body: Bytes = match read_json(request).await {
        Ok(body) => body,
        Err(problem) => return problem.into_response(),
    };
    let started = Instant::now();
    let slots = &auth.authorize_slots;
    let done = match slots.enter() {
        Some(_slot) => decided(auth, &body),
        None => Err(Problem::overloaded(slots.retry_after_ms())),
    };
    done.unwrap_or_else(|problem| Done::failed(Alg::None, problem)).response(auth, op, started)
}

fn alone(auth: &Auth, asked: &Evaluation<'_>) -> Result<Done, Problem> {
    let policy = auth.parts.rules.snapshot()?;
    let evaluated = evaluate(auth, &policy, asked, None);
    match evaluated.context.error {
        Some(wrong) => Err(Problem::malformed(wrong.message)),
        None => Ok(Done::json(outcome(evaluated.decision), Alg::None, &evaluated)),
    }
}

fn several(auth: &Auth, items: &[Object<Evaluation<'_>>], common: &Evaluations<'_>) -> Result<Done, Problem> {
    if items.len() > auth.config.limits.max_batch {
        return Err(Problem::batch_too_large());
    }
    auth.metrics.batch_len.observe(items.len() as u64);
    // One policy for all of it.
    let policy = auth.parts.rules.snapshot()?;
    let semantic = common.options.as_ref().map_or(Semantic::ExecuteAll, |Object(options)| options.evaluations_semantic);
    let mut evaluations = Vec::new();
    for Object(item) in items {
        let evaluated = evaluate(auth, &policy, item, Some(common));
        let decision = evaluated.decision;
        evaluations.push(evaluated);
        match semantic {
            Semantic::DenyOnFirstDeny if !decision => break,
            Semantic::PermitOnFirstPermit if decision => break,
            _ => {}
        }
    }
    let any = evaluations.iter().any(|evaluated| evaluated.decision);
    Ok(Done::json(outcome(any), Alg::None, &Several { evaluations }))
}

fn evaluate<'p>(
    auth: &Auth,
    policy: &'p Policy,
    item: &Evaluation<'_>,
    common: Option<&Evaluations<'_>>,
) -> Evaluated<'p> {
    let asked = match item.asked(common) {
        Ok(asked) => asked,
        Err(message) => return wrong(message),
    };
    // Else `a/b` and `c` would be the resource that `a` and `b/c` are.
    if asked.resource_type.contains('/') {
        return wrong("resource: expected a type without a slash");
    }
    if !auth.config.authzen.subject_types.iter().any(|known| known == asked.subject_type) {
        return evaluated(Answer::deny("subject.type"));
    }
    let tenant = asked.properties.and_then(|it| it.tenant.as_ref()).map(|Text(tenant)| &**tenant);
    let named = asked.context.and_then(|context| context.tenant.as_ref());
    if named.is_some_and(|Text(named)| tenant != Some(named)) {
        return evaluated(Answer::deny("tenant.mismatch"));
    }
    let roles = asked.properties.map_or_else(Vec::new, |it| borrowed(&it.roles));
    let scopes = asked.properties.map_or_else(Vec::new, |it| borrowed(&it.scopes));
    let resource = format!("{}/{}", asked.resource_type, asked.resource_id);
    let subject = ron_policy::Request {
        subject: Some(asked.subject_id),
        tenant,
        roles: &roles,
        scopes: &scopes,
        now_unix_s: Some(auth.now_unix_s()),
        ..ron_policy::Request::default()
    };
    let access = Access { action: asked.action, resource: &resource, context: asked.context };
    match judge(auth, policy, access, subject, Vec::new(), &mut Laps::start()) {
        Ok(answer) => evaluated(answer),
        Err(_) => wrong("a text or a list of the question is longer than the policy judges"),
    }
}

fn borrowed<'q>(texts: &'q [Text<'_>]) -> Vec<&'q str> {
    texts.iter().map(|Text(text)| &**text).collect()
}

fn evaluated(answer: Answer<'_>) -> Evaluated<'_> {
    let decision = answer.is_permit();
    Evaluated { decision, context: Explained { reason: answer.reason, obligations: answer.obligations, error: None } }
}

fn wrong<'p>(message: &'static str) -> Evaluated<'p> {
    let error = Some(Wrong { status: 400, message });
    Evaluated { decision: false, context: Explained { reason: None, obligations: Obligations::default(), error } }
}

const fn outcome(is_permit: bool) -> Outcome {
    if is_permit { Outcome::Ok } else { Outcome::Deny }
}

/// The discovery document.
#[derive(Serialize)]
struct Configuration<'a> {
    policy_decision_point: &'a str,
    access_evaluation_endpoint: String,
    access_evaluations_endpoint: String,
}

pub(crate) async fn configuration(State(auth): State<Arc<Auth>>) -> Response {
    let base = auth.config.authzen.base_url.as_deref().unwrap_or_default();
    let document = Configuration {
        policy_decision_point: base,
        access_evaluation_endpoint: format!("{base}{EVALUATION}"),
        access_evaluations_endpoint: format!("{base}{EVALUATIONS}"),
    };
    ron_service::Json(document).into_response()
}
