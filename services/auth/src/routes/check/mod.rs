//! `/v1/auth/check`: a proxy asks whether it may let a request through. 200 is yes; 401 and 403 are no; anything else
//! is no answer, which proxies take for no.

mod asked;
mod cookie;

use std::sync::Arc;
use std::time::Instant;

use ron_service::axum::body::Body;
use ron_service::axum::extract::{Request, State};
use ron_service::axum::http::request::Parts;
use ron_service::axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use ron_service::axum::response::{IntoResponse, Response};
use ron_service::{Bearer, Problem};

pub(crate) use asked::CHECK;
pub use cookie::BadCookieKey;
pub(crate) use cookie::Cookies;

use self::asked::{Sought, is_plain};
use super::json;
use crate::bearer::envelope_json;
use crate::config::RequestFrom;
use crate::decide::{Answer, decide};
use crate::input::{Artefact, Object, Presented, Question};
use crate::metrics::{Alg, Op, Outcome};
use crate::refusal::Refusal;
use crate::state::Auth;

const DECISION: HeaderName = HeaderName::from_static("x-auth-decision");
const REASON: HeaderName = HeaderName::from_static("x-auth-reason");
const SUBJECT: HeaderName = HeaderName::from_static("x-auth-subject");
const TENANT: HeaderName = HeaderName::from_static("x-auth-tenant");
const OBLIGATIONS: HeaderName = HeaderName::from_static("x-auth-obligations");

/// Who is let through, as an artefact or a cookie says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bearing {
    sub: Option<String>,
    tenant: Option<String>,
    /// Until when, in milliseconds since the Unix epoch.
    exp_ms: Option<u64>,
}

pub(crate) async fn check(State(auth): State<Arc<Auth>>, request: Request) -> Response {
    let started = Instant::now();
    // A body is nothing to go by, and is not read.
    let (parts, _) = request.into_parts();
    let (alg, outcome, response) = match checked(&auth, &parts).await {
        Ok((alg, response)) if response.status() == StatusCode::OK => (alg, Outcome::Ok, response),
        Ok((alg, response)) => (alg, Outcome::Deny, response),
        Err((alg, problem)) => (alg, Outcome::Fail, problem.into_response()),
    };
    auth.metrics.done(Op::Check, outcome, alg, started.elapsed());
    response
}

type Failed = (Alg, Problem);

async fn checked(auth: &Auth, request: &Parts) -> Result<(Alg, Response), Failed> {
    let none = |refusal: Refusal| (Alg::None, Problem::from(refusal));
    let from = auth.config.check.request_from.unwrap_or(RequestFrom::Path);
    let headers = &request.headers;
    let sought = Sought::of(from, &request.method, &request.uri, headers).map_err(none)?;
    if !is_plain(sought.path) {
        return Ok((Alg::None, denied(StatusCode::FORBIDDEN, &Answer::deny("path.ambiguous"))));
    }
    match Bearer::of(headers) {
        Bearer::One(credentials) if credentials.is_ascii() => {
            of_bearer(auth, sought, std::str::from_utf8(credentials).unwrap_or_default()).await
        }
        Bearer::Nothing => of_cookie(auth, headers, sought),
        Bearer::One(_) | Bearer::Other => Ok((Alg::None, nobody("Unauthorized"))),
    }
}

async fn of_bearer(auth: &Auth, sought: Sought<'_>, credentials: &str) -> Result<(Alg, Response), Failed> {
    let json = envelope_json(credentials);
    let question = match json.as_deref().map(serde_json::from_slice::<Object<Presented<'_>>>) {
        None => Question::of_token(credentials, sought.method, sought.path),
        Some(Ok(envelope)) => Question::of_envelope(envelope, sought.method, sought.path),
        Some(Err(_)) => return Ok((Alg::Envelope, nobody("Malformed"))),
    };
    let alg = if json.is_some() { Alg::Envelope } else { Alg::Token };
    let failed = |problem: Problem| (alg, problem);
    let slots = &auth.authorize_slots;
    let _slot = slots.enter().ok_or_else(|| failed(Problem::overloaded(slots.retry_after_ms())))?;
    let policy = auth.parts.rules.snapshot();
    let now_ms = auth.clock.now_unix_ms();
    let items = [Ok(question)];
    let decided = decide(auth, policy.as_deref().map_err(|failure| *failure), &items).await;
    let answer = decided.map_err(|failure| failed(failure.into()))?.pop();
    let answer = match answer.ok_or_else(|| failed(Problem::internal()))? {
        // What is presented is no artefact that anybody could be known by.
        Err(refusal) => return Ok((alg, nobody(refusal.code()))),
        Ok(answer) => answer,
    };
    if !answer.is_permit() {
        return Ok((
            alg,
            if answer.is_of_nobody { nobody(answer.reason()) } else { denied(StatusCode::FORBIDDEN, &answer) },
        ));
    }
    let [Ok(question)] = &items else { return Err(failed(Problem::internal())) };
    let bearing = bearing(auth, question).ok_or_else(|| failed(Problem::internal()))?;
    let mut response = permitted(&answer, &bearing).ok_or_else(|| failed(Problem::internal()))?;
    // What has to be done each time must be told each time.
    if let (Some(cookies), Ok(policy), false) = (&auth.cookies, &policy, answer.has_obligations())
        && let Some(set) = cookies.set(now_ms, &bearing, sought, policy.digest())
    {
        response.headers_mut().insert(header::SET_COOKIE, set);
    }
    Ok((alg, response))
}

fn of_cookie(auth: &Auth, headers: &HeaderMap, sought: Sought<'_>) -> Result<(Alg, Response), Failed> {
    let Some(cookies) = &auth.cookies else { return Ok((Alg::None, nobody("Unauthorized"))) };
    let policy = auth.parts.rules.snapshot().map_err(|failure| (Alg::None, failure.into()))?;
    match cookies.shown(auth.clock.now_unix_ms(), headers, sought, policy.digest()) {
        None => Ok((Alg::None, nobody("Unauthorized"))),
        Some(bearing) => {
            let response = permitted(&Answer::permit("cookie"), &bearing);
            Ok((Alg::Cookie, response.ok_or((Alg::Cookie, Problem::internal()))?))
        }
    }
}

/// Whom an artefact that was found good speaks of.
fn bearing(auth: &Auth, question: &Question<'_>) -> Option<Bearing> {
    match question.asked().ok()?.artefact {
        Artefact::Envelope(presented) => {
            let checked = auth.check(presented).ok()?;
            let claims = checked.claims();
            let exp_ms = claims.exp_ms();
            Some(Bearing { sub: claims.sub.clone(), tenant: claims.tenant().map(str::to_owned), exp_ms })
        }
        Artefact::Token(token) => {
            let (tenant, exp_s) = auth.tokens.named(token)?;
            Some(Bearing { sub: None, tenant: Some(tenant), exp_ms: exp_s.map(|exp_s| exp_s.saturating_mul(1_000)) })
        }
    }
}

/// 200 with the decision's headers; `None` if they cannot be written.
fn permitted(answer: &Answer<'_>, bearing: &Bearing) -> Option<Response> {
    let mut response = json(serde_json::to_vec(answer).ok()?);
    let headers = response.headers_mut();
    headers.insert(DECISION, HeaderValue::from_static("Permit"));
    headers.insert(REASON, text(answer.reason())?);
    if let Some(sub) = &bearing.sub {
        headers.insert(SUBJECT, text(sub)?);
    }
    if let Some(tenant) = &bearing.tenant {
        headers.insert(TENANT, text(tenant)?);
    }
    if answer.has_obligations() {
        headers.insert(OBLIGATIONS, HeaderValue::from_bytes(&serde_json::to_vec(&answer.obligations).ok()?).ok()?);
    }
    Some(response)
}

/// 403 for somebody, with the reason.
fn denied(status: StatusCode, answer: &Answer<'_>) -> Response {
    let mut response = json(serde_json::to_vec(answer).unwrap_or_default());
    *response.status_mut() = status;
    told(response, answer.reason())
}

/// 401: it is nobody that is known here.
fn nobody(reason: &str) -> Response {
    let message = "expected Authorization: Bearer with an envelope in Base64URL or a capability token that is good now";
    let mut response = Problem::new(StatusCode::UNAUTHORIZED, "Denied", message).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    told(response, reason)
}

fn told(mut response: Response<Body>, reason: &str) -> Response {
    let headers = response.headers_mut();
    headers.insert(DECISION, HeaderValue::from_static("Deny"));
    if let Some(reason) = text(reason) {
        headers.insert(REASON, reason);
    }
    response
}

/// A text as a header's value: percent-encoded, but for the printable characters of ASCII other than `%`.
fn text(text: &str) -> Option<HeaderValue> {
    let mut value = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && byte != b'%' {
            value.push(char::from(byte));
        } else {
            value.push_str(&format!("%{byte:02X}"));
        }
    }
    HeaderValue::try_from(value).ok()
}
