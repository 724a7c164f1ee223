//! The cases, and what is made ready for each.

use std::fmt;

use serde_json::json;

use crate::Fault;
use crate::artefacts::Artefacts;
use crate::evaluations::{EVALUATIONS, Evaluations};
use crate::parts;
use crate::plane::Service::{Auth, AuthInProcess, Passport};
use crate::plane::{Plane, Service, Services};
use crate::questions::{Asked, BATCH, SINGLY};
use crate::requests::{Exchanges, Operation, Requests};

const CONSTANT: &str = "/v1/constant";
const AUTHORIZE: &str = "/v1/auth/authorize";
const AUTHORIZE_BATCH: &str = "/v1/auth/authorize_batch";
const VERIFY: &str = "/v1/passport/verify";
const VERIFY_BATCH: &str = "/v1/passport/verify_batch";

/// All cases; the front page of this crate says what each is.
pub const CASES: [Spec; 10] = [
    over_http("constant_route", SINGLY, "request", Auth, |made| {
        Asked::by_tokens(made).all_answered(&json!(true)).singly(CONSTANT)
    }),
    over_http("authorize_single", SINGLY, "decision", Auth, |made| Asked::by_tokens(made).singly(AUTHORIZE)),
    over_http("authorize_batch_64", BATCH, "decision", Auth, |made| Asked::by_tokens(made).in_batches(AUTHORIZE_BATCH)),
    over_http("authorize_envelope", SINGLY, "decision", Auth, |made| Asked::by_envelopes(made).singly(AUTHORIZE)),
    over_http("authorize_envelope_in_process", SINGLY, "decision", AuthInProcess, |made| {
        Asked::by_envelopes(made).singly(AUTHORIZE)
    }),
    over_http("authorize_batch_64_envelopes", BATCH, "decision", Auth, |made| {
        Asked::by_envelopes(made).in_batches(AUTHORIZE_BATCH)
    }),
    over_http("passport_issue", SINGLY, "envelope", Passport, |made| {
        let good = Asked::whether_good(made).in_batches(VERIFY_BATCH).timed;
        Exchanges { beside: good, ..Asked::envelopes_of_messages(made).singly("/v1/passport/issue") }
    }),
    over_http("passport_verify", SINGLY, "envelope", Passport, |made| Asked::whether_good(made).singly(VERIFY)),
    over_http("passport_verify_batch_64", BATCH, "envelope", Passport, |made| {
        Asked::whether_good(made).in_batches(VERIFY_BATCH)
    }),
    Spec { name: "policy_evaluate_100", items: EVALUATIONS, item: "decision", kind: Kind::Evaluations },
];

/// Cases of the same names that do the parts of a request without the service that makes one of them: the same request
/// to the constant route, and then the operation itself.
pub const PARTS: [Spec; 3] = [
    parts_of("authorize_single", "decision", Auth, Asked::by_tokens, parts::decision),
    parts_of("passport_issue", "envelope", Passport, Asked::envelopes_of_messages, parts::signature),
    parts_of("passport_verify", "envelope", Passport, Asked::whether_good, parts::verification),
];

/// A case that is ready to be checked and run.
pub trait Work {
    /// Proves the answers right and returns how many there were.
    ///
    /// # Errors
    /// The answer that is wrong, and what would have been right.
    fn check(&mut self) -> Result<u64, String>;

    /// Does one iteration.
    ///
    /// # Errors
    /// An answer that is not what the check found right, or none.
    fn run(&mut self) -> Result<(), String>;
}

/// A case by its name, before anything is made ready.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// Name of the case.
    pub name: &'static str,
    /// Items of one iteration.
    pub items: usize,
    /// What an item is, in the singular.
    pub item: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    /// Requests to a service, which are made of artefacts.
    OverHttp(Service, fn(&Artefacts) -> Exchanges),
    /// The same requests to the constant route of the service, and this after each.
    Parts(Service, fn(&Artefacts) -> Asked, fn(&Plane) -> Result<Operation, Fault>),
    Evaluations,
}

const fn over_http(
    name: &'static str,
    items: usize,
    item: &'static str,
    to: Service,
    exchanges: fn(&Artefacts) -> Exchanges,
) -> Spec {
    Spec { name, items, item, kind: Kind::OverHttp(to, exchanges) }
}

const fn parts_of(
    name: &'static str,
    item: &'static str,
    to: Service,
    asked: fn(&Artefacts) -> Asked,
    operation: fn(&Plane) -> Result<Operation, Fault>,
) -> Spec {
    Spec { name, items: SINGLY, item, kind: Kind::Parts(to, asked, operation) }
}

impl Spec {
    /// Makes the case ready; the first one that wants services starts them.
    ///
    /// # Errors
    /// A service that does not start, or refuses what the case is to be asked about.
    pub fn prepare(&self, services: &Services) -> Result<Box<dyn Work>, String> {
        self.ready(services).map_err(|fault| fault.to_string())
    }

    fn ready(&self, services: &Services) -> Result<Box<dyn Work>, Fault> {
        match self.kind {
            Kind::OverHttp(to, exchanges) => {
                let plane = services.plane()?;
                let exchanges = exchanges(&plane.artefacts);
                Ok(Box::new(Requests::new(plane, to, exchanges, Box::new(|_| true))?))
            }
            Kind::Parts(to, asked, operation) => {
                let plane = services.plane()?;
                let exchanges = asked(&plane.artefacts).all_answered(&json!(true)).singly(CONSTANT);
                let operation = operation(&plane)?;
                Ok(Box::new(Requests::new(plane, to, exchanges, operation)?))
            }
            Kind::Evaluations => Ok(Box::new(Evaluations::new()?)),
        }
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OverHttp(to, _) => write!(f, "requests to {to:?}"),
            Self::Parts(to, ..) => write!(f, "requests to {to:?}, and what they are about without it"),
            Self::Evaluations => f.write_str("evaluations"),
        }
    }
}
