//! What is sent: an artefact, and a question about it. Read in place; what is missing is told by who needs it.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;

use ron_service::Problem;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use crate::metrics::Alg;
use crate::refusal::Refusal;

/// A text of the body, borrowed where it has no escapes.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// A JSON object. Without this a list would be read as the fields in their order.
#[derive(Debug, Clone)]
pub(crate) struct Object<T>(pub(crate) T);

/// An envelope or a token, whichever its keys say.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Presented<'a> {
    #[serde(borrow)]
    alg: Option<Text<'a>>,
    #[serde(borrow)]
    kid: Option<Text<'a>>,
    #[serde(borrow)]
    msg_b64: Option<Text<'a>>,
    #[serde(borrow)]
    sig_b64: Option<Text<'a>>,
    #[serde(borrow)]
    aud: Option<Text<'a>>,
    #[serde(borrow)]
    token: Option<Text<'a>>,
}

/// May the bearer of an artefact do this?
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Question<'a> {
    #[serde(borrow)]
    envelope: Option<Object<Presented<'a>>>,
    #[serde(borrow)]
    token: Option<Text<'a>>,
    #[serde(borrow)]
    action: Option<Text<'a>>,
    #[serde(borrow)]
    resource: Option<Text<'a>>,
    #[serde(borrow)]
    context: Option<Object<Context<'a>>>,
}

/// What the caller says of the request that it asks about. Other keys are ignored.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Context<'a> {
    /// HTTP method. Tokens are judged by it, or by the action if it is missing.
    #[serde(borrow)]
    pub(crate) method: Option<Text<'a>>,
    /// Path of the request's target as its client wrote it. Tokens are judged by it, or by the resource.
    #[serde(borrow)]
    pub(crate) path: Option<Text<'a>>,
    /// Whose resource it is.
    #[serde(borrow)]
    pub(crate) tenant: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) region: Option<Text<'a>>,
    pub(crate) peer_ip: Option<IpAddr>,
    pub(crate) body_bytes: Option<u64>,
    #[serde(borrow)]
    pub(crate) tags: Option<Vec<Text<'a>>>,
}

/// What is presented, told apart.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Artefact<'q, 'a> {
    Envelope(&'q Presented<'a>),
    Token(&'q str),
}

/// What is asked for, whoever asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Access<'q, 'a> {
    pub(crate) action: &'q str,
    pub(crate) resource: &'q str,
    pub(crate) context: Option<&'q Context<'a>>,
}

/// A question in which nothing is missing.
pub(crate) struct Asked<'q, 'a> {
    pub(crate) artefact: Artefact<'q, 'a>,
    pub(crate) action: &'q str,
    pub(crate) resource: &'q str,
    pub(crate) context: Option<&'q Context<'a>>,
}

impl<'a> Presented<'a> {
    /// Whether it is an envelope or a token.
    pub(crate) fn artefact(&self) -> Result<Artefact<'_, 'a>, Refusal> {
        let Self { alg, kid, msg_b64, sig_b64, aud, token } = self;
        let is_envelope = [alg, kid, msg_b64, sig_b64, aud].iter().any(|field| field.is_some());
        match token {
            Some(Text(token)) if !is_envelope => Ok(Artefact::Token(token)),
            None if is_envelope => Ok(Artefact::Envelope(self)),
            _ => Err(Refusal::Malformed("expected an envelope {alg, kid, msg_b64, sig_b64, aud} or {token}")),
        }
    }

    /// The five texts of the envelope, empty where they are missing: alg, kid, msg_b64, sig_b64, aud.
    pub(crate) fn texts(&self) -> [&str; 5] {
        [&self.alg, &self.kid, &self.msg_b64, &self.sig_b64, &self.aud].map(or_empty)
    }
}

fn or_empty<'q>(field: &'q Option<Text<'_>>) -> &'q str {
    field.as_ref().map_or("", |text| &text.0)
}

impl<'q, 'a> Asked<'q, 'a> {
    pub(crate) const fn access(&self) -> Access<'q, 'a> {
        Access { action: self.action, resource: self.resource, context: self.context }
    }
}

impl<'a> Question<'a> {
    /// May the bearer of this envelope do this to that?
    pub(crate) fn of_envelope(envelope: Object<Presented<'a>>, method: &'a str, path: &'a str) -> Self {
        Self { envelope: Some(envelope), ..Self::of_request(method, path) }
    }

    /// May the bearer of this token do this to that?
    pub(crate) fn of_token(token: &'a str, method: &'a str, path: &'a str) -> Self {
        Self { token: Some(Text(Cow::Borrowed(token))), ..Self::of_request(method, path) }
    }

    fn of_request(method: &'a str, path: &'a str) -> Self {
        let text = |text: &'a str| Some(Text(Cow::Borrowed(text)));
        let context = Context { method: text(method), path: text(path), ..Context::default() };
        Self { action: text(method), resource: text(path), context: Some(Object(context)), ..Self::default() }
    }

    /// The question, if nothing is missing.
    pub(crate) fn asked(&self) -> Result<Asked<'_, 'a>, Refusal> {
        let artefact = match (&self.envelope, &self.token) {
            (Some(Object(envelope)), None) => Artefact::Envelope(envelope),
            (None, Some(Text(token))) => Artefact::Token(token),
            _ => return Err(Refusal::Malformed("expected envelope or token, and not both")),
        };
        let (Some(Text(action)), Some(Text(resource))) = (&self.action, &self.resource) else {
            return Err(Refusal::Malformed("expected the texts action and resource"));
        };
        let context = self.context.as_ref().map(|Object(context)| context);
        Ok(Asked { artefact, action, resource, context })
    }
}

impl Artefact<'_, '_> {
    /// As metrics name it.
    pub(crate) const fn alg(&self) -> Alg {
        match self {
            Self::Envelope(_) => Alg::Envelope,
            Self::Token(_) => Alg::Token,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(Fields(PhantomData))
    }
}

/// Reads a body. What is wrong is told by its place alone: the parser's own words would repeat what was sent.
pub(crate) fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    // To look at all of it once is quicker than at each text. What is no UTF-8 is told by its place, as all else.
    let read = std::str::from_utf8(body).map_or_else(|_| serde_json::from_slice(body), serde_json::from_str);
    read.map_err(|error| malformed(&error))
}

pub(crate) fn malformed(error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    let what = if error.is_data() { "JSON of a shape that this route does not take" } else { "not JSON" };
    let mut problem = Problem::malformed("");
    problem.message = format!("the body is {what}: line {line}, column {column}").into();
    problem
}
