//! What a policy answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Whether the request may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Effect {
    /// It may.
    Permit,
    /// It may not.
    Deny,
}

/// Something that whoever enforces the decision has to do. Nothing here interprets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obligation {
    /// What is to be done, such as `log-audit`.
    pub kind: String,
    /// How.
    pub params: BTreeMap<String, String>,
}

/// A decision, lent by the policy that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Decision<'p> {
    /// Permit or deny.
    pub effect: Effect,
    /// Id of the rule that decided. `None` if none did: a default decided, and the reason says which.
    pub rule: Option<&'p str>,
    /// The rule's reason, if it has one; or that of the default.
    pub reason: Option<&'p str>,
    /// Obligations of the rule that decided, in the order of the bundle. A deny may have some, too.
    pub obligations: &'p [Obligation],
}

impl Decision<'_> {
    /// Whether the request may go on.
    #[must_use]
    pub const fn is_permit(&self) -> bool {
        matches!(self.effect, Effect::Permit)
    }
}

/// What a condition is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    /// The tenant.
    Tenant,
    /// Who asks.
    Subject,
    /// What is to be done.
    Action,
    /// What it is to be done to.
    Resource,
    /// The HTTP method.
    Method,
    /// The region.
    Region,
    /// The scopes that the subject was granted.
    Scopes,
    /// The subject's roles.
    Roles,
    /// Tags of the request.
    Tags,
    /// Length of the body.
    Body,
    /// The time.
    Time,
    /// The peer's address.
    Peer,
}

impl Field {
    /// The name in errors.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Subject => "subject",
            Self::Action => "action",
            Self::Resource => "resource",
            Self::Method => "method",
            Self::Region => "region",
            Self::Scopes => "scopes",
            Self::Roles => "roles",
            Self::Tags => "tags",
            Self::Body => "body",
            Self::Time => "time",
            Self::Peer => "peer",
        }
    }
}

/// How a decision came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trace<'p> {
    /// The decision: the one that [`decide`](crate::Policy::decide) gives.
    pub decision: Decision<'p>,
    /// What was looked at, in this order, up to the rule that decided.
    pub steps: Vec<Step<'p>>,
    /// Number of rules that didn't match and for which there was no room among the steps.
    pub misses_left_out: usize,
}

/// A step of a [`Trace`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "lowercase")]
pub enum Step<'p> {
    /// A rule did not match.
    Miss {
        /// Its id.
        rule: &'p str,
        /// The first condition that does not hold.
        condition: Field,
        /// Whether that is because the request does not say what the condition asks for.
        unknown: bool,
    },
    /// A rule matched, and decided.
    Hit {
        /// Its id.
        rule: &'p str,
        /// Its reason.
        reason: Option<&'p str>,
        /// A condition that was taken to hold because the request does not say what it asks for: a deny only.
        unknown: Option<Field>,
    },
    /// No rule decided.
    Note {
        /// What did.
        text: &'p str,
    },
}
