//! Bundles: what is read, and what is made of it whichever schema it has.

pub(crate) mod conditions;
mod deployed;
mod read;
mod schema2;
mod values;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

pub use self::deployed::MAX_DEPLOYED_BODY_BYTES;
pub use self::schema2::MAX_CONDITION_GLOBS;
pub use self::values::{MAX_CONDITION_VALUES, MAX_FOLDED_BYTES};

use self::conditions::TimeCondition;
use self::values::{Keyed, NonBlank, UniqueMap};
use crate::decision::{Effect, Obligation};
use crate::error::BundleError;
use crate::glob::Glob;
use crate::policy::Policy;

/// What the key `schema` of a bundle says if it is of schema 2.
pub const SCHEMA_2: &str = "ron-policy/2";

/// How a bundle is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON.
    Json,
    /// TOML.
    Toml,
}

impl Format {
    /// What the name of a file says: it ends in `.json` or `.toml`.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "json" => Some(Self::Json),
            "toml" => Some(Self::Toml),
            _ => None,
        }
    }
}

/// Which rules of reading and deciding a bundle has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Schema {
    /// The deployed one, without a marker.
    #[serde(rename = "deployed")]
    Deployed,
    /// Schema 2, marked by [`SCHEMA_2`].
    #[serde(rename = "ron-policy/2")]
    V2,
}

/// How much a bundle may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes. Default: 32 MiB.
    pub max_bytes: usize,
    /// Most rules. Default: 200,000.
    pub max_rules: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 32 << 20, max_rules: 200_000 }
    }
}

/// A bundle of rules that was read and found valid. [`compile`](Self::compile) makes it fit to decide.
#[derive(Clone, Debug)]
pub struct Bundle {
    pub(crate) schema: Schema,
    pub(crate) version: u32,
    pub(crate) meta: BTreeMap<String, String>,
    pub(crate) digest: String,
    pub(crate) default_effect: Effect,
    pub(crate) max_body_bytes: Option<u64>,
    pub(crate) rules: Vec<Rule>,
}

/// A rule of either schema.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) effect: Effect,
    pub(crate) reason: Option<String>,
    pub(crate) obligations: Vec<Obligation>,
    pub(crate) when: Condition,
}

/// When a rule matches: if everything holds that is given. A list is not given if it is `None` or, of those where that
/// can't mean "no value", empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Condition {
    pub(crate) tenants: Option<Vec<String>>,
    pub(crate) subjects: Option<Vec<Glob>>,
    pub(crate) actions: Option<Vec<Glob>>,
    pub(crate) resources: Option<Vec<Glob>>,
    /// In upper case.
    pub(crate) methods: Option<Vec<String>>,
    pub(crate) regions: Option<Vec<String>>,
    pub(crate) scopes_all: Vec<String>,
    pub(crate) scopes_any: Vec<String>,
    pub(crate) roles_all: Vec<String>,
    pub(crate) roles_any: Vec<String>,
    /// In lower case.
    pub(crate) tags_all: Vec<String>,
    /// In lower case.
    pub(crate) tags_any: Vec<String>,
    pub(crate) body_at_least: Option<u64>,
    pub(crate) body_at_most: Option<u64>,
    pub(crate) time: Option<TimeCondition>,
    pub(crate) peers: Vec<IpNet>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ObligationDocument {
    kind: NonBlank,
    #[serde(default)]
    params: UniqueMap,
}

impl ObligationDocument {
    fn into_obligation(self) -> Obligation {
        Obligation { kind: self.kind.0, params: self.params.0 }
    }
}

/// What tells the schemas apart, read before anything else.
#[derive(Debug, Deserialize)]
struct Marker {
    #[serde(default, deserialize_with = "values::present")]
    schema: Option<String>,
}

impl Bundle {
    /// Reads a bundle within the default [`Limits`].
    ///
    /// # Errors
    /// The first thing that is wrong with it, and where.
    pub fn parse(bytes: &[u8], format: Format) -> Result<Self, BundleError> {
        Self::parse_within(bytes, format, Limits::default())
    }

    /// Reads a bundle.
    ///
    /// # Errors
    /// The first thing that is wrong with it, and where.
    pub fn parse_within(bytes: &[u8], format: Format, limits: Limits) -> Result<Self, BundleError> {
        if bytes.len() > limits.max_bytes {
            let (found, most) = (bytes.len(), limits.max_bytes);
            return Err(BundleError::whole(format!("a bundle of {found} bytes; at most {most} are read")));
        }
        let text = read::text(bytes)?;
        let Keyed(marker) = read::document::<Keyed<Marker>>(text, format)?;
        let mut bundle = match marker.schema.as_deref() {
            None => read::document::<Keyed<deployed::Document>>(text, format)?.0.into_bundle(),
            Some(SCHEMA_2) => read::document::<Keyed<schema2::Document>>(text, format)?.0.into_bundle(),
            Some(other) => {
                let reason =
                    format!("schema {other:?} is not known; it is {SCHEMA_2:?}, or not given in deployed bundles");
                return Err(BundleError::whole(reason));
            }
        };
        if bundle.rules.len() > limits.max_rules {
            let (found, most) = (bundle.rules.len(), limits.max_rules);
            return Err(BundleError::whole(format!("a bundle of {found} rules; at most {most} are possible")));
        }
        bundle.check_ids(text, format)?;
        bundle.digest = blake3::hash(bytes).to_hex().to_string();
        Ok(bundle)
    }

    fn check_ids(&self, text: &str, format: Format) -> Result<(), BundleError> {
        let mut seen = HashMap::new();
        for (index, rule) in self.rules.iter().enumerate() {
            if let Some(first) = seen.insert(&rule.id, index) {
                let reason =
                    format!("rule {} has the id {:?} of rule {}; ids are unique", index + 1, rule.id, first + 1);
                return Err(BundleError { position: read::position_of_rule(text, format, index), reason });
            }
        }
        Ok(())
    }

    /// Which schema it has.
    #[must_use]
    pub const fn schema(&self) -> Schema {
        self.schema
    }

    /// The version that it says it has.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// What it says about itself. Nothing here interprets it.
    #[must_use]
    pub const fn meta(&self) -> &BTreeMap<String, String> {
        &self.meta
    }

    /// BLAKE3 of its bytes, in lower-case hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Number of rules.
    #[must_use]
    pub const fn rule_count(&self) -> usize {
        self.rules.len()
    }

    /// Makes a policy of it.
    #[must_use]
    pub fn compile(self) -> Policy {
        Policy::new(self)
    }
}

fn without_repetition(mut values: Vec<String>) -> Vec<String> {
    values.sort_unstable();
    values.dedup();
    values
}
