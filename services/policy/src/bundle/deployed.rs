//! The deployed schema, which has no marker.

use std::num::NonZeroU32;

use serde::Deserialize;

use super::values::{Folded, FoldedName, Keyed, NonBlank, UniqueMap};
use super::{Bundle, Condition, ObligationDocument, Rule, Schema, without_repetition};
use crate::decision::Effect;

/// Largest cap of a body in bytes that a bundle of the deployed schema may set.
pub const MAX_DEPLOYED_BODY_BYTES: u64 = 1024 * 1024;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    version: NonZeroU32,
    #[serde(default)]
    meta: UniqueMap,
    #[serde(default)]
    defaults: Keyed<Defaults>,
    #[serde(default)]
    rules: Vec<Keyed<RuleDocument>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Defaults {
    default_action: Option<Action>,
    max_body_bytes: Option<Cap>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleDocument {
    id: NonBlank,
    when: Keyed<When>,
    action: Action,
    #[serde(default)]
    obligations: Vec<Keyed<ObligationDocument>>,
    reason: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct When {
    tenant: Option<String>,
    method: Option<Folded>,
    region: Option<String>,
    max_body_bytes: Option<Cap>,
    #[serde(default)]
    require_tags_all: Vec<FoldedName>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Allow,
    Deny,
}

impl From<Action> for Effect {
    fn from(action: Action) -> Self {
        match action {
            Action::Allow => Self::Permit,
            Action::Deny => Self::Deny,
        }
    }
}

/// Length of a body in bytes, as far as one can be set.
#[derive(Debug, Deserialize)]
#[serde(try_from = "u64")]
struct Cap(u64);

impl TryFrom<u64> for Cap {
    type Error = String;
    fn try_from(bytes: u64) -> Result<Self, Self::Error> {
        if bytes > MAX_DEPLOYED_BODY_BYTES {
            return Err(format!("a cap of {bytes} bytes; at most {MAX_DEPLOYED_BODY_BYTES} are possible"));
        }
        Ok(Self(bytes))
    }
}

impl Document {
    pub(super) fn into_bundle(self) -> Bundle {
        let Keyed(defaults) = self.defaults;
        Bundle {
            schema: Schema::Deployed,
            version: self.version.get(),
            meta: self.meta.0,
            digest: String::new(),
            default_effect: defaults.default_action.map_or(Effect::Deny, Effect::from),
            max_body_bytes: defaults.max_body_bytes.map(|cap| cap.0),
            rules: self.rules.into_iter().map(|Keyed(rule)| rule.into_rule()).collect(),
        }
    }
}

impl RuleDocument {
    fn into_rule(self) -> Rule {
        let Keyed(when) = self.when;
        // A "*" is the whole value, and means the same as nothing.
        let one = |value: Option<String>| value.filter(|value| value != "*").map(|value| vec![value]);
        let tags = when.require_tags_all.into_iter().map(|tag| tag.0.to_ascii_lowercase()).collect();
        Rule {
            id: self.id.0,
            effect: self.action.into(),
            reason: self.reason,
            obligations: self.obligations.into_iter().map(|Keyed(obligation)| obligation.into_obligation()).collect(),
            when: Condition {
                tenants: one(when.tenant),
                methods: one(when.method.map(|method| method.0.to_ascii_uppercase())),
                regions: one(when.region),
                body_at_most: when.max_body_bytes.map(|cap| cap.0),
                tags_all: without_repetition(tags),
                ..Condition::default()
            },
        }
    }
}
