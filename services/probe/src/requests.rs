//! Requests that are sent one after the other over a kept connection, each with its right answer, and what is done
//! after each without a service.

use std::rc::Rc;

use serde_json::Value;

use crate::Fault;
use crate::cases::Work;
use crate::connection::{Answer, Connection, post};
use crate::plane::{Plane, Service};

/// What a message quotes of an answer, in characters.
const QUOTED_CHARS: usize = 200;

const WRONG_AFTER: &str = "what is done after it, without a service, came out wrong";

/// A request, and its right answer.
pub(crate) struct Exchange {
    request: Vec<u8>,
    right: Value,
    /// The right answer as it came at the check.
    body: Vec<u8>,
}

/// The requests of a case.
pub(crate) struct Exchanges {
    /// Those that are timed, in turns.
    pub(crate) timed: Vec<Exchange>,
    /// Those that the check asks as well.
    pub(crate) beside: Vec<Exchange>,
    /// Requests of one iteration.
    pub(crate) at_a_time: usize,
}

/// What is done after the answer to the request of this index; whether it has come to what is right.
pub(crate) type Operation = Box<dyn FnMut(usize) -> bool>;

/// Requests to one service.
pub(crate) struct Requests {
    plane: Rc<Plane>,
    connection: Connection,
    exchanges: Exchanges,
    after: Operation,
    /// Index of the request that is sent next.
    next: usize,
}

impl Exchange {
    pub(crate) fn new(path: &str, sent: &Value, right: Value) -> Self {
        Self { request: post(path, "", &sent.to_string()), right, body: Vec::new() }
    }

    /// Notes the answer, if it is right.
    fn check(&mut self, answer: &Answer<'_>) -> Result<(), String> {
        let is_right = answer.status == 200
            && serde_json::from_slice::<Value>(answer.body).is_ok_and(|answered| answered == self.right);
        if !is_right {
            return Err(format!("expected {}, got {}", quoted(&self.right.to_string()), told(answer)));
        }
        self.body = answer.body.to_vec();
        Ok(())
    }
}

impl Requests {
    /// Opens a connection for these requests. `after` is done after each that is timed.
    pub(crate) fn new(plane: Rc<Plane>, to: Service, exchanges: Exchanges, after: Operation) -> Result<Self, Fault> {
        let connection = plane.block_on(Connection::open(plane.address(to)))?;
        Ok(Self { plane, connection, exchanges, after, next: 0 })
    }
}

impl Work for Requests {
    fn check(&mut self) -> Result<u64, String> {
        let Self { plane, connection, exchanges, after, .. } = self;
        let mut answers = 0;
        for (number, exchange) in exchanges.timed.iter_mut().chain(&mut exchanges.beside).enumerate() {
            let answer = plane.block_on(connection.ask(&exchange.request)).map_err(|error| error.to_string())?;
            exchange.check(&answer).map_err(|wrong| format!("request {number}: {wrong}"))?;
            answers += exchange.right.as_array().map_or(1, Vec::len) as u64;
        }
        match (0..exchanges.timed.len()).find(|number| !after(*number)) {
            Some(number) => Err(format!("request {number}: {WRONG_AFTER}")),
            None => Ok(answers),
        }
    }

    fn run(&mut self) -> Result<(), String> {
        let Self { plane, connection, exchanges, after, next } = self;
        plane.block_on(async {
            for _ in 0..exchanges.at_a_time {
                let exchange = exchanges.timed.get(*next).ok_or("there is no request")?;
                let answer = connection.ask(&exchange.request).await.map_err(|error| error.to_string())?;
                if answer.status != 200 || answer.body != exchange.body {
                    return Err(format!("request {next}: right at the check, and now {}", told(&answer)));
                }
                if !after(*next) {
                    return Err(format!("request {next}: {WRONG_AFTER}"));
                }
                *next = (*next + 1) % exchanges.timed.len();
            }
            Ok(())
        })
    }
}

fn told(answer: &Answer<'_>) -> String {
    format!("{} {}", answer.status, quoted(&String::from_utf8_lossy(answer.body)))
}

fn quoted(text: &str) -> String {
    let mut quoted: String = text.chars().take(QUOTED_CHARS).collect();
    if quoted.len() < text.len() {
        quoted.push('…');
    }
    quoted
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plane::Services;

    fn requests(services: &Services, path: &str, right: Value) -> Requests {
        requests_and(services, path, right, Box::new(|_| true))
    }

    /// A request that is right, and then one that is asked of this route with this right answer.
    fn requests_and(services: &Services, path: &str, right: Value, after: Operation) -> Requests {
        let plane = services.plane().unwrap();
        let sent = json!({"envelope": plane.artefacts.envelopes[0], "action": "read", "resource": "docs/a"});
        let good = Exchange::new("/v1/auth/authorize", &sent, json!({"decision": "Permit", "reason": "readers-read"}));
        let exchanges = Exchanges { timed: vec![good], beside: vec![Exchange::new(path, &sent, right)], at_a_time: 2 };
        Requests::new(plane, Service::Auth, exchanges, after).unwrap()
    }

    #[test]
    fn a_wrong_answer_is_told_with_its_request_at_the_check_and_when_it_is_timed() {
        let services = Services::default();
        let mut wrong = requests(&services, "/v1/auth/authorize", json!({"decision": "Deny", "reason": "sealed"}));
        assert_eq!(
            wrong.check().unwrap_err(),
            r#"request 1: expected {"decision":"Deny","reason":"sealed"}, got 200 {"decision":"Permit","reason":"readers-read"}"#
        );
        let refused = requests(&services, "/nowhere", json!(true)).check().unwrap_err();
        assert!(refused.starts_with("request 1: expected true, got 404 "), "{refused}");

        let mut right = requests(&services, "/v1/constant", json!(true));
        assert_eq!(right.check(), Ok(2));
        right.run().unwrap();
        right.exchanges.timed[0].request = post("/v1/constant", "", "{}");
        assert_eq!(right.run().unwrap_err(), "request 0: right at the check, and now 200 true");
    }

    #[test]
    fn what_is_done_after_a_request_has_to_come_out_right_too() {
        let services = Services::default();
        let mut wrong = requests_and(&services, "/v1/constant", json!(true), Box::new(|_| false));
        assert_eq!(wrong.check().unwrap_err(), format!("request 0: {WRONG_AFTER}"));
        let mut goes = 1;
        let once = move |_| std::mem::replace(&mut goes, 0) == 1;
        let mut later_wrong = requests_and(&services, "/v1/constant", json!(true), Box::new(once));
        assert_eq!(later_wrong.check(), Ok(2));
        assert_eq!(later_wrong.run().unwrap_err(), format!("request 0: {WRONG_AFTER}"));
    }
}
