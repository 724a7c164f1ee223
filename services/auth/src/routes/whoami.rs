//! `POST /v1/auth/whoami`: what the artefact says of its bearer, if it is good.

use std::sync::Arc;

use ron_service::Problem;
use ron_service::axum::extract::{Request, State};
use ron_service::axum::response::Response;
use serde::Serialize;
use serde_json::Number;

use super::{Done, answer};
use crate::claims::Audience;
use crate::decide::signed;
use crate::input::{Artefact, Object, Presented, read};
use crate::metrics::{Alg, Op, Outcome};
use crate::refusal::denied;
use crate::state::Auth;
use crate::tokens::NoToken;

/// Only what was signed.
#[derive(Serialize)]
struct Who<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a Audience>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
}

pub(crate) async fn whoami(State(auth): State<Arc<Auth>>, request: Request) -> Response {
    answer(&auth, request, Op::Whoami, done).await
}

async fn done(auth: &Auth, body: &[u8]) -> Done {
    let presented: Presented<'_> = match read(body) {
        Ok(Object(presented)) => presented,
        Err(problem) => return Done::failed(Alg::None, problem),
    };
    match presented.artefact() {
        Err(refusal) => Done::failed(Alg::None, refusal),
        Ok(artefact @ Artefact::Envelope(presented)) => of_envelope(auth, presented, artefact.alg()).await,
        Ok(artefact @ Artefact::Token(token)) => of_token(auth, token, artefact.alg()),
    }
}

async fn of_envelope(auth: &Auth, presented: &Presented<'_>, alg: Alg) -> Done {
    let checked = match auth.check(presented) {
        Ok(checked) => checked,
        Err(refusal) => return Done::failed(alg, refusal),
    };
    let claims = match signed(auth, &checked).await {
        Ok(Some(claims)) => claims,
        Ok(None) => return nobody(alg),
        Err(failure) => return Done::failed(alg, failure),
    };
    let who = Who {
        sub: claims.sub.as_deref(),
        aud: claims.aud.as_ref(),
        iat: claims.iat.as_ref(),
        exp: claims.exp.as_ref(),
        scopes: claims.scopes.as_deref(),
        roles: claims.roles.as_deref(),
        device: claims.device(),
        tenant: claims.tenant(),
    };
    Done::json(Outcome::Ok, alg, &who)
}

fn of_token(auth: &Auth, token: &str, alg: Alg) -> Done {
    match auth.tokens.claims(&auth.parts.custody, auth.now_unix_s(), token) {
        Err(failure) => Done::failed(alg, failure),
        Ok(Err(NoToken::Refused(refusal))) => Done::failed(alg, refusal),
        Ok(Err(NoToken::Denied(_))) => nobody(alg),
        Ok(Ok(claims)) => {
            let aud = claims.aud.map(Audience::One);
            let who = Who {
                sub: None,
                aud: aud.as_ref(),
                iat: None,
                exp: claims.exp.as_ref(),
                scopes: None,
                roles: None,
                device: None,
                tenant: Some(&claims.tenant),
            };
            Done::json(Outcome::Ok, alg, &who)
        }
    }
}

/// 401, which tells a stranger nothing more.
fn nobody(alg: Alg) -> Done {
    let problem: Problem = denied();
    Done { outcome: Outcome::Deny, alg, body: Err(problem) }
}
