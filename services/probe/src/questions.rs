//! What is asked, with the right answers.

use serde_json::{Value, json};

use crate::artefacts::{Artefacts, forged, forged_envelope};
use crate::requests::{Exchange, Exchanges};

/// What svc-auth decides by.
pub(crate) const POLICY: &str = r#"
schema = "ron-policy/2"
version = 1

[[rules]]
id = "readers-read"
effect = "permit"
when = { roles_any = ["reader"], actions = ["read"], resources = ["docs/**"] }

[[rules]]
id = "acme-in-eu"
effect = "permit"
when = { tenants = ["acme"], actions = ["GET"], resources = ["/index/**"], regions = ["eu"] }
"#;

/// What tokens are asked about: who asks, for what, from where.
pub(crate) const TENANT: &str = "acme";
pub(crate) const ACTION: &str = "GET";
pub(crate) const REGION: &str = "eu";
/// As whom svc-auth, and the tokens and envelopes for it, know it by default.
pub(crate) const AUDIENCE: &str = "ron-auth";

/// What the token of this number is good for.
pub(crate) fn document(number: usize) -> String {
    format!("/index/{number}/document")
}

/// Items of a batch.
pub(crate) const BATCH: usize = 64;
/// Requests of one iteration, where each is about one item: fewer would be too short to count their instructions
/// without those of the timers that fall in between.
pub(crate) const SINGLY: usize = 8;

/// A question, or whatever else is sent, and its right answer.
type Pair = (Value, Value);

/// What is asked of one route.
pub(crate) struct Asked {
    /// What is permitted, or good: it is timed.
    good: Vec<Pair>,
    /// What is not: it is asked at the check.
    bad: Vec<Pair>,
}

impl Asked {
    /// May the bearers of these tokens do this?
    pub(crate) fn by_tokens(artefacts: &Artefacts) -> Self {
        let question = |number: usize, token: &str, region: &str| {
            let context = json!({"tenant": TENANT, "region": region});
            json!({"token": token, "action": ACTION, "resource": document(number), "context": context})
        };
        let tokens = artefacts.tokens.iter().enumerate();
        let bad = artefacts.tokens.iter().take(1).flat_map(|token| {
            [
                (question(0, &forged(token), REGION), denied("mac.mismatch")),
                (question(1, token, REGION), denied("caveat.path")),
                (question(0, token, "us"), denied("default")),
            ]
        });
        Self {
            bad: bad.collect(),
            good: tokens.map(|(number, token)| (question(number, token, REGION), permitted("acme-in-eu"))).collect(),
        }
    }

    /// May the bearers of these envelopes do this?
    pub(crate) fn by_envelopes(artefacts: &Artefacts) -> Self {
        let question =
            |envelope: &Value, resource: &str| json!({"envelope": envelope, "action": "read", "resource": resource});
        let envelopes = artefacts.envelopes.iter();
        let bad = artefacts.envelopes.iter().take(1).flat_map(|envelope| {
            [
                (question(&forged_envelope(envelope), "docs/a"), denied("BadSignature")),
                (question(envelope, "plans/a"), denied("default")),
            ]
        });
        Self {
            bad: bad.collect(),
            good: envelopes.map(|envelope| (question(envelope, "docs/a"), permitted("readers-read"))).collect(),
        }
    }

    /// Are these envelopes good?
    pub(crate) fn whether_good(artefacts: &Artefacts) -> Self {
        let envelopes = &artefacts.envelopes;
        Self {
            good: envelopes.iter().map(|envelope| (envelope.clone(), json!(true))).collect(),
            bad: envelopes.iter().take(1).map(|envelope| (forged_envelope(envelope), json!(false))).collect(),
        }
    }

    /// The envelopes of these messages: a key signs a message always alike.
    pub(crate) fn envelopes_of_messages(artefacts: &Artefacts) -> Self {
        let Artefacts { messages, envelopes, .. } = artefacts;
        Self { good: messages.iter().cloned().zip(envelopes.iter().cloned()).collect(), bad: Vec::new() }
    }

    /// The same, to a route that answers each with `answer`.
    pub(crate) fn all_answered(mut self, answer: &Value) -> Self {
        self.good.iter_mut().chain(&mut self.bad).for_each(|(_, right)| right.clone_from(answer));
        self
    }

    /// Each in a request of its own.
    pub(crate) fn singly(self, path: &str) -> Exchanges {
        let each =
            |pairs: Vec<Pair>| pairs.into_iter().map(|(sent, right)| Exchange::new(path, &sent, right)).collect();
        Exchanges { timed: each(self.good), beside: each(self.bad), at_a_time: SINGLY }
    }

    /// In batches; those that are not good in one with others that are.
    pub(crate) fn in_batches(self, path: &str) -> Exchanges {
        let batch = |pairs: &[Pair]| {
            let (sent, right): (Vec<Value>, Vec<Value>) = pairs.iter().cloned().unzip();
            Exchange::new(path, &Value::Array(sent), Value::Array(right))
        };
        let mixed: Vec<Pair> = self.good.iter().zip(&self.bad).flat_map(|(good, bad)| [good, bad]).cloned().collect();
        Exchanges { timed: self.good.chunks(BATCH).map(batch).collect(), beside: vec![batch(&mixed)], at_a_time: 1 }
    }
}

fn permitted(rule: &str) -> Value {
    json!({"decision": "Permit", "reason": rule})
}

fn denied(reason: &str) -> Value {
    json!({"decision": "Deny", "reason": reason})
}
