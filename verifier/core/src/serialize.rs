//! Decisions, reasons, errors and scopes as serde writes and reads them. The shapes:
//! [`specification::codes`](crate::specification::codes).
//!
//! What is read is text of somebody's: a [`Decision`] that was read is as good as where it came from. Reading is
//! strict wherever leaving something out would permit more, and goes by codes alone.

use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, SerializeMap as _, SerializeStruct as _, SerializeStructVariant as _, Serializer};

use crate::decision::{DenyReason, DenyReasonRef, Verdict};
use crate::demands::CaveatKind;
use crate::error::{AuthError, Malformed};
use crate::view::{Methods, ScopeView};

/// As [`Decision`](crate::Decision).
impl Serialize for Verdict<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Allow { scope, obligations } => {
                let mut allow = serializer.serialize_struct_variant("Decision", 0, "Allow", 2)?;
                allow.serialize_field("scope", scope)?;
                allow.serialize_field("obligations", &**obligations)?;
                allow.end()
            }
            Self::Deny { reasons } => {
                let mut deny = serializer.serialize_struct_variant("Decision", 1, "Deny", 1)?;
                deny.serialize_field("reasons", &**reasons)?;
                deny.end()
            }
        }
    }
}

/// As [`Scope`](crate::Scope).
impl Serialize for ScopeView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut scope = serializer.serialize_struct("Scope", 3)?;
        scope.serialize_field("prefix", &self.prefix.map(|prefix| prefix.as_str()))?;
        scope.serialize_field("methods", &self.methods)?;
        scope.serialize_field("max_bytes", &self.max_bytes)?;
        scope.end()
    }
}

impl Serialize for Methods<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(|name| name.as_str()))
    }
}

impl Serialize for DenyReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        DenyReasonRef::from(self).serialize(serializer)
    }
}

/// `code` says it all; `reason` and `detail` are there for readers of deployed services.
impl Serialize for DenyReasonRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = self.name();
        let has_detail = matches!(
            self,
            Self::AmnesiaMismatch | Self::GovPolicyDigestMismatch | Self::Unhandled { .. } | Self::Custom(_)
        );
        let len = match self {
            Self::Unhandled { .. } => 5,
            _ if has_detail => 3,
            _ => 2,
        };
        let mut map = serializer.serialize_map(Some(len))?;
        map.serialize_entry("code", self.code())?;
        map.serialize_entry("reason", if has_detail { "Custom" } else { &*name })?;
        if has_detail {
            map.serialize_entry("detail", &name)?;
        }
        if let Self::Unhandled { ns, name } = self {
            map.serialize_entry("ns", ns.as_str())?;
            map.serialize_entry("name", name.as_str())?;
        }
        map.end()
    }
}

impl Serialize for AuthError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut error = serializer.serialize_struct("AuthError", 2)?;
        error.serialize_field("code", self.code())?;
        error.serialize_field("error", self.name())?;
        error.end()
    }
}

impl<'de> Deserialize<'de> for DenyReason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        struct Fields {
            code: String,
            detail: Option<String>,
            ns: Option<String>,
            name: Option<String>,
        }
        let Fields { code, detail, ns, name } = Fields::deserialize(deserializer)?;
        match code.as_str() {
            "caveat.custom.unknown" => Ok(Self::Unhandled {
                ns: ns.ok_or_else(|| de::Error::missing_field("ns"))?,
                name: name.ok_or_else(|| de::Error::missing_field("name"))?,
            }),
            "caveat.custom.failed" => detail.map(Self::Custom).ok_or_else(|| de::Error::missing_field("detail")),
            _ => plain_reasons()
                .find(|reason| reason.code() == code)
                .ok_or_else(|| de::Error::custom(format_args!("{code:?} is not the code of a deny reason"))),
        }
    }
}

/// Every reason that its code alone tells.
fn plain_reasons() -> impl Iterator<Item = DenyReason> {
    let reasons = [
        DenyReason::TidMismatch,
        DenyReason::LifetimeExceeded,
        DenyReason::AudienceNotNamed,
        DenyReason::BadAudience,
        DenyReason::MethodNotAllowed,
        DenyReason::PathNotAllowed,
        DenyReason::IpNotAllowed,
        DenyReason::BytesExceed,
        DenyReason::TenantMismatch,
        DenyReason::AmnesiaMismatch,
        DenyReason::GovPolicyDigestMismatch,
    ];
    reasons.into_iter().chain(CaveatKind::ALL.iter().map(|&kind| DenyReason::MissingCaveat(kind)))
}

impl<'de> Deserialize<'de> for AuthError {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        struct Fields {
            code: String,
        }
        let Fields { code } = Fields::deserialize(deserializer)?;
        [
            Self::Bounds,
            Self::Malformed(Malformed::Base64),
            Self::Malformed(Malformed::Cbor),
            Self::UnknownKid,
            Self::MacMismatch,
            Self::Expired,
            Self::NotYetValid,
        ]
        .into_iter()
        .find(|error| error.code() == code)
        .ok_or_else(|| de::Error::custom(format_args!("{code:?} is not the code of an error")))
    }
}

/// A denial has a reason.
pub(crate) fn at_least_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<DenyReason>, D::Error> {
    let reasons = Vec::deserialize(deserializer)?;
    if reasons.is_empty() { Err(de::Error::invalid_length(0, &"at least one reason")) } else { Ok(reasons) }
}
