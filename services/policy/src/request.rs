//! What is asked.

use std::net::IpAddr;

use serde::Deserialize;

use crate::decision::Field;
use crate::error::EvalError;

/// Most bytes of a text of a request that is judged.
pub const MAX_TEXT_BYTES: usize = 8192;
/// Most values of a list of a request that is judged.
pub const MAX_LIST_VALUES: usize = 256;

/// A request, borrowed. What is `None` is unknown, which is not the same as empty: see
/// [what is unknown](crate::format#what-the-request-does-not-say).
///
/// Texts are compared as they are, so they have to be in their one form: a path in which something is still to be
/// decoded or resolved is judged as the text that it is. Time is passed in: nothing here reads a clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Request<'a> {
    /// Who asks.
    pub subject: Option<&'a str>,
    /// What is to be done.
    pub action: Option<&'a str>,
    /// What it is to be done to.
    pub resource: Option<&'a str>,
    /// The tenant.
    pub tenant: Option<&'a str>,
    /// The HTTP method, in either case.
    pub method: Option<&'a str>,
    /// The region.
    pub region: Option<&'a str>,
    /// The scopes that the subject was granted, in any order.
    pub scopes: &'a [&'a str],
    /// The subject's roles, in any order.
    pub roles: &'a [&'a str],
    /// Tags of the request, in any order and either case.
    pub tags: &'a [&'a str],
    /// Length of the body in bytes.
    pub body_bytes: Option<u64>,
    /// Address of the peer.
    pub peer: Option<IpAddr>,
    /// The time in seconds since the Unix epoch.
    pub now_unix_s: Option<u64>,
}

impl<'a> Request<'a> {
    pub(crate) const fn texts(&self) -> [(Field, Option<&'a str>); 6] {
        [
            (Field::Tenant, self.tenant),
            (Field::Subject, self.subject),
            (Field::Action, self.action),
            (Field::Resource, self.resource),
            (Field::Method, self.method),
            (Field::Region, self.region),
        ]
    }

    pub(crate) const fn lists(&self) -> [(Field, &'a [&'a str]); 3] {
        [(Field::Scopes, self.scopes), (Field::Roles, self.roles), (Field::Tags, self.tags)]
    }

    /// Refuses what would take unbounded work.
    pub(crate) fn check_bounds(&self) -> Result<(), EvalError> {
        for (field, text) in self.texts() {
            check_length(field, text.unwrap_or_default())?;
        }
        for (field, values) in self.lists() {
            if values.len() > MAX_LIST_VALUES {
                return Err(EvalError::TooMany { what: field.name(), found: values.len(), most: MAX_LIST_VALUES });
            }
            for value in values {
                check_length(field, value)?;
            }
        }
        Ok(())
    }
}

const fn check_length(field: Field, text: &str) -> Result<(), EvalError> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(EvalError::TooLong { what: field.name(), found: text.len(), most: MAX_TEXT_BYTES });
    }
    Ok(())
}

/// A request as a document, for tools and tests: the fields of [`Request`] by the same names, all of them optional.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "each is documented where it is borrowed")]
pub struct RequestDocument {
    pub subject: Option<String>,
    pub action: Option<String>,
    pub resource: Option<String>,
    pub tenant: Option<String>,
    pub method: Option<String>,
    pub region: Option<String>,
    pub scopes: Vec<String>,
    pub roles: Vec<String>,
    pub tags: Vec<String>,
    pub body_bytes: Option<u64>,
    pub peer: Option<IpAddr>,
    pub now_unix_s: Option<u64>,
}

impl RequestDocument {
    /// Hands the request to `use_it`, which gets it borrowed.
    pub fn with<R>(&self, use_it: impl FnOnce(&Request<'_>) -> R) -> R {
        let [scopes, roles, tags] =
            [&self.scopes, &self.roles, &self.tags].map(|list| list.iter().map(String::as_str).collect::<Vec<_>>());
        use_it(&Request {
            subject: self.subject.as_deref(),
            action: self.action.as_deref(),
            resource: self.resource.as_deref(),
            tenant: self.tenant.as_deref(),
            method: self.method.as_deref(),
            region: self.region.as_deref(),
            scopes: &scopes,
            roles: &roles,
            tags: &tags,
            body_bytes: self.body_bytes,
            peer: self.peer,
            now_unix_s: self.now_unix_s,
        })
    }
}
