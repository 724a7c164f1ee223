//! Schema 2, which is marked as such.

use std::num::NonZeroU32;

use serde::Deserialize;

use super::conditions::{BodyCondition, Net, TimeCondition};
use super::values::{Exact, FoldedName, Keyed, List, NonBlank, UniqueMap, present};
use super::{Bundle, Condition, ObligationDocument, Rule, Schema, without_repetition};
use crate::decision::Effect;
use crate::glob::Glob;

/// Most patterns with stars of a list in a condition.
pub const MAX_CONDITION_GLOBS: usize = 64;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    /// Checked before: it is what chose this reader.
    #[serde(rename = "schema")]
    _schema: String,
    version: NonZeroU32,
    #[serde(default)]
    meta: UniqueMap,
    #[serde(default)]
    defaults: Keyed<Defaults>,
    rules: Vec<Keyed<RuleDocument>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Defaults {
    #[serde(default, deserialize_with = "present")]
    max_body_bytes: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleDocument {
    id: NonBlank,
    effect: EffectDocument,
    when: Keyed<When>,
    #[serde(default, deserialize_with = "present")]
    reason: Option<String>,
    #[serde(default)]
    obligations: Vec<Keyed<ObligationDocument>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum EffectDocument {
    Permit,
    Deny,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct When {
    #[serde(deserialize_with = "present")]
    tenants: Option<List<Exact>>,
    #[serde(deserialize_with = "present")]
    subjects: Option<Globs>,
    #[serde(deserialize_with = "present")]
    actions: Option<Globs>,
    #[serde(deserialize_with = "present")]
    resources: Option<Globs>,
    #[serde(deserialize_with = "present")]
    methods: Option<List<Method>>,
    #[serde(deserialize_with = "present")]
    regions: Option<List<Exact>>,
    #[serde(deserialize_with = "present")]
    scopes_all: Option<List<Exact>>,
    #[serde(deserialize_with = "present")]
    scopes_any: Option<List<Exact>>,
    #[serde(deserialize_with = "present")]
    roles_all: Option<List<Exact>>,
    #[serde(deserialize_with = "present")]
    roles_any: Option<List<Exact>>,
    #[serde(deserialize_with = "present")]
    tags_all: Option<List<FoldedName>>,
    #[serde(deserialize_with = "present")]
    tags_any: Option<List<FoldedName>>,
    #[serde(deserialize_with = "present")]
    body_bytes: Option<BodyCondition>,
    #[serde(deserialize_with = "present")]
    time: Option<TimeCondition>,
    #[serde(deserialize_with = "present")]
    peers: Option<List<Net>>,
}

/// An HTTP method.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Exact")]
struct Method(String);

impl TryFrom<Exact> for Method {
    type Error = String;
    fn try_from(Exact(method): Exact) -> Result<Self, Self::Error> {
        FoldedName::try_from(NonBlank(method)).map(|folded| Self(folded.0.to_ascii_uppercase()))
    }
}

/// Patterns of which one has to match.
#[derive(Debug, Deserialize)]
#[serde(try_from = "List<NonBlank>")]
struct Globs(Vec<Glob>);

impl TryFrom<List<NonBlank>> for Globs {
    type Error = String;
    fn try_from(List(patterns): List<NonBlank>) -> Result<Self, Self::Error> {
        let globs: Vec<Glob> = patterns.iter().map(|pattern| Glob::parse(&pattern.0)).collect::<Result<_, _>>()?;
        match globs.iter().filter(|glob| glob.literal().is_none()).count() {
            0..=MAX_CONDITION_GLOBS => Ok(Self(globs)),
            more => Err(format!("a list of {more} patterns with stars; at most {MAX_CONDITION_GLOBS} are possible")),
        }
    }
}

impl Document {
    pub(super) fn into_bundle(self) -> Bundle {
        Bundle {
            schema: Schema::V2,
            version: self.version.get(),
            meta: self.meta.0,
            digest: String::new(),
            default_effect: Effect::Deny,
            max_body_bytes: self.defaults.0.max_body_bytes,
            rules: self.rules.into_iter().map(|Keyed(rule)| rule.into_rule()).collect(),
        }
    }
}

impl RuleDocument {
    fn into_rule(self) -> Rule {
        Rule {
            id: self.id.0,
            effect: match self.effect {
                EffectDocument::Permit => Effect::Permit,
                EffectDocument::Deny => Effect::Deny,
            },
            reason: self.reason,
            obligations: self.obligations.into_iter().map(|Keyed(obligation)| obligation.into_obligation()).collect(),
            when: self.when.0.into_condition(),
        }
    }
}

impl When {
    fn into_condition(self) -> Condition {
        let exact = |list: Option<List<Exact>>| list.map(|list| list.0.into_iter().map(|value| value.0).collect());
        let values = |list| without_repetition(exact(list).unwrap_or_default());
        let tags = |list: Option<List<FoldedName>>| {
            let tags = list.map_or_else(Vec::new, |list| list.0);
            without_repetition(tags.into_iter().map(|tag| tag.0.to_ascii_lowercase()).collect())
        };
        let body = self.body_bytes.unwrap_or_default();
        Condition {
            tenants: exact(self.tenants),
            subjects: self.subjects.map(|globs| globs.0),
            actions: self.actions.map(|globs| globs.0),
            resources: self.resources.map(|globs| globs.0),
            methods: self.methods.map(|list| list.0.into_iter().map(|method| method.0).collect()),
            regions: exact(self.regions),
            scopes_all: values(self.scopes_all),
            scopes_any: values(self.scopes_any),
            roles_all: values(self.roles_all),
            roles_any: values(self.roles_any),
            tags_all: tags(self.tags_all),
            tags_any: tags(self.tags_any),
            body_at_least: body.at_least,
            body_at_most: body.at_most,
            time: self.time,
            peers: self.peers.map_or_else(Vec::new, |list| list.0.into_iter().map(|net| net.0).collect()),
        }
    }
}
