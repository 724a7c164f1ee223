//! `POST /v1/auth/introspect`: whether the artefact is good now.

use std::sync::Arc;

use ron_service::axum::extract::{Request, State};
use ron_service::axum::response::Response;
use serde::Serialize;

use super::{Done, answer};
use crate::claims::Audience;
use crate::decide::signed;
use crate::input::{Artefact, Object, Presented, read};
use crate::metrics::{Alg, Op, Outcome};
use crate::state::Auth;
use crate::tokens::NoToken;

/// Of what is not active only what was sent is repeated.
#[derive(Serialize)]
struct Introspected<'a> {
    active: bool,
    alg: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a Audience>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<&'static str>,
}

/// It has no end.
const NO_EXP: &str = "NoExp";
/// The audience outside of the message is none of those that are signed.
const OTHER_AUD: &str = "OuterAudienceDiffers";

pub(crate) async fn introspect(State(auth): State<Arc<Auth>>, request: Request) -> Response {
    answer(&auth, request, Op::Introspect, done).await
}

async fn done(auth: &Auth, body: &[u8]) -> Done {
    let presented: Presented<'_> = match read(body) {
        Ok(Object(presented)) => presented,
        Err(problem) => return Done::failed(Alg::None, problem),
    };
    match presented.artefact() {
        Err(refusal) => Done::failed(Alg::None, refusal),
        Ok(Artefact::Envelope(presented)) => of_envelope(auth, presented).await,
        Ok(Artefact::Token(token)) => of_token(auth, token),
    }
}

async fn of_envelope(auth: &Auth, presented: &Presented<'_>) -> Done {
    let alg = Alg::Envelope;
    let checked = match auth.check(presented) {
        Ok(checked) => checked,
        Err(refusal) => return Done::failed(alg, refusal),
    };
    let kid = Some(&*checked.envelope.kid);
    match signed(auth, &checked).await {
        Err(failure) => Done::failed(alg, failure),
        Ok(None) => inactive(alg, ron_envelope::ALG, kid),
        Ok(Some(claims)) => {
            let differs = checked.envelope.aud.as_deref().zip(claims.aud.as_ref()).is_some_and(|(o, s)| !s.has(o));
            let warnings = [(claims.exp.is_none(), NO_EXP), (differs, OTHER_AUD)];
            let answer = Introspected {
                active: true,
                alg: ron_envelope::ALG,
                kid,
                aud: claims.aud.as_ref(),
                sub: claims.sub.as_deref(),
                warnings: warnings.into_iter().filter_map(|(is, warning)| is.then_some(warning)).collect(),
            };
            Done::json(Outcome::Ok, alg, &answer)
        }
    }
}

fn of_token(auth: &Auth, token: &str) -> Done {
    let alg = Alg::Token;
    match auth.tokens.claims(&auth.parts.custody, auth.now_unix_s(), token) {
        Err(failure) => Done::failed(alg, failure),
        Ok(Err(NoToken::Refused(refusal))) => Done::failed(alg, refusal),
        Ok(Err(NoToken::Denied(_))) => inactive(alg, crate::TOKEN_ALG, auth.tokens.named_kid(token).as_deref()),
        Ok(Ok(claims)) => {
            let aud = claims.aud.map(Audience::One);
            let warnings = if claims.exp.is_none() { vec![NO_EXP] } else { Vec::new() };
            let (alg_name, kid, aud) = (crate::TOKEN_ALG, Some(&*claims.kid), aud.as_ref());
            let answer = Introspected { active: true, alg: alg_name, kid, aud, sub: None, warnings };
            Done::json(Outcome::Ok, alg, &answer)
        }
    }
}

fn inactive(counted: Alg, alg: &'static str, kid: Option<&str>) -> Done {
    let answer = Introspected { active: false, alg, kid, aud: None, sub: None, warnings: Vec::new() };
    Done::json(Outcome::Deny, counted, &answer)
}
