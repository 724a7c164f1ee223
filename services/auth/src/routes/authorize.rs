//! `POST /v1/auth/authorize` and `authorize_batch`: may they do this?

use std::sync::Arc;

use ron_policy::Policy;
use ron_service::Problem;
use ron_service::axum::extract::{Request, State};
use ron_service::axum::response::Response;

use super::{Done, answer};
use crate::batch::{self, Item};
use crate::decide::{Answer, decide};
use crate::input::{Object, read};
use crate::metrics::{Alg, Op, Outcome};
use crate::refusal::{Failure, Refusal};
use crate::state::Auth;

pub(crate) async fn authorize(State(auth): State<Arc<Auth>>, request: Request) -> Response {
    answer(&auth, request, Op::Authorize, one).await
}

pub(crate) async fn authorize_batch(State(auth): State<Arc<Auth>>, request: Request) -> Response {
    answer(&auth, request, Op::AuthorizeBatch, many).await
}

async fn one(auth: &Auth, body: &[u8]) -> Done {
    let item: Item<'_> = match read(body) {
        Ok(Object(question)) => Ok(question),
        Err(problem) => return Done::failed(Alg::None, problem),
    };
    let alg = alg(&item);
    // One policy for all of it: its digest is what tokens are held against, and it decides.
    let policy = auth.parts.rules.snapshot();
    match answers(auth, policy.as_deref(), &[item]).await.map(|mut answers| answers.pop()) {
        Ok(Some(Ok(answer))) => Done::json(outcome(answer.is_permit()), alg, &answer),
        Ok(Some(Err(refusal))) => Done::failed(alg, refusal),
        Ok(None) => Done::failed(alg, Problem::internal()),
        Err(problem) => Done::failed(alg, problem),
    }
}

async fn many(auth: &Auth, body: &[u8]) -> Done {
    let items = match batch::read(body, auth.config.limits.max_batch) {
        Ok(items) => items,
        Err(problem) => return Done::failed(Alg::None, problem),
    };
    auth.metrics.batch_len.observe(items.len() as u64);
    let alg = items.iter().map(alg).fold(Alg::None, Alg::and);
    let policy = auth.parts.rules.snapshot();
    match answers(auth, policy.as_deref(), &items).await {
        Ok(answers) => {
            let answers: Vec<_> =
                answers.into_iter().map(|answer| answer.unwrap_or_else(|it| Answer::deny(it.code()))).collect();
            Done::json(outcome(answers.iter().any(Answer::is_permit)), alg, &answers)
        }
        Err(problem) => Done::failed(alg, problem),
    }
}

async fn answers<'p>(
    auth: &Auth,
    policy: Result<&'p Policy, &Failure>,
    items: &[Item<'_>],
) -> Result<Vec<Result<Answer<'p>, Refusal>>, Problem> {
    let slots = &auth.authorize_slots;
    // After the body, so that who sends it slowly holds no slot.
    let _slot = slots.enter().ok_or_else(|| Problem::overloaded(slots.retry_after_ms()))?;
    Ok(decide(auth, policy.map_err(|failure| *failure), items).await?)
}

fn alg(item: &Item<'_>) -> Alg {
    let asked = item.as_ref().ok().and_then(|question| question.asked().ok());
    asked.map_or(Alg::None, |asked| asked.artefact.alg())
}

const fn outcome(is_permit: bool) -> Outcome {
    if is_permit { Outcome::Ok } else { Outcome::Deny }
}
