//! What a key is called, and what its versions are called.

use std::fmt;

use serde::Serialize;

use crate::KmsError;

/// Longest tenant id, key name and scheme of key ids, in bytes.
pub const MAX_NAME_BYTES: usize = 128;
/// Longest label of a key that is derived from a tenant's root, in bytes.
pub const MAX_LABEL_BYTES: usize = 128;
/// What stands between the key id of a root's version and the label of a key that is derived from it.
pub const LABEL_SEPARATOR: char = ':';

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyKind {
    /// A MAC key of capability tokens.
    Mac,
    /// A tenant's root, from which MAC keys are derived when they are asked for.
    MacRoot,
    /// An Ed25519 key.
    Ed25519,
}

impl KeyKind {
    const ALL: [Self; 3] = [Self::Mac, Self::MacRoot, Self::Ed25519];

    /// The kind as the store and attestation spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mac => "mac",
            Self::MacRoot => "mac-root",
            Self::Ed25519 => "ed25519",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Names a key: a line of versions that replace each other, of which one signs at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct KeyRef {
    kind: KeyKind,
    tenant: String,
    name: String,
}

impl KeyRef {
    /// The MAC key of this name.
    ///
    /// # Errors
    /// [`KmsError::BadName`] if a part is empty, longer than [`MAX_NAME_BYTES`], or has control characters in it.
    pub fn mac(tenant: &str, name: &str) -> Result<Self, KmsError> {
        Self::new(KeyKind::Mac, tenant, name)
    }

    /// The root of this name.
    ///
    /// # Errors
    /// As [`mac`](Self::mac).
    pub fn mac_root(tenant: &str, name: &str) -> Result<Self, KmsError> {
        Self::new(KeyKind::MacRoot, tenant, name)
    }

    /// The Ed25519 key of this name.
    ///
    /// # Errors
    /// As [`mac`](Self::mac).
    pub fn ed25519(tenant: &str, name: &str) -> Result<Self, KmsError> {
        Self::new(KeyKind::Ed25519, tenant, name)
    }

    pub(crate) fn new(kind: KeyKind, tenant: &str, name: &str) -> Result<Self, KmsError> {
        check("tenant id", tenant)?;
        check("key name", name)?;
        Ok(Self { kind, tenant: tenant.to_owned(), name: name.to_owned() })
    }

    /// What the key is for.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Whose key it is.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// Its name among the tenant's keys of this kind.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} key {:?} of tenant {:?}", self.kind.as_str(), self.name, self.tenant)
    }
}

/// How the key ids of a key's versions are spelled: a text with the number of the version in it, such as
/// `ed25519/default/v{N}`. To everybody else a key id is opaque.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KidScheme(String);

impl KidScheme {
    /// Reads a scheme, in which `{N}` stands for the number of the version, counted from 1.
    ///
    /// # Errors
    /// [`KmsError::BadName`] if `{N}` is not in it exactly once, or it is no name ([`KeyRef::mac`]).
    pub fn new(text: &str) -> Result<Self, KmsError> {
        check("scheme of key ids", text)?;
        if text.matches("{N}").count() != 1 {
            return Err(bad("scheme of key ids", text, "needs {N} once, where the number of the version goes"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The key id of a version.
    #[must_use]
    pub fn kid(&self, version: u32) -> String {
        self.0.replace("{N}", &version.to_string())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// A root's key ids end where the label begins, so they hold no separator themselves.
    pub(crate) fn check_for(&self, kind: KeyKind) -> Result<(), KmsError> {
        if kind == KeyKind::MacRoot && self.0.contains(LABEL_SEPARATOR) {
            return Err(bad("scheme of key ids", &self.0, "the key ids of a root have no ':' in them"));
        }
        Ok(())
    }
}

fn check(what: &'static str, text: &str) -> Result<(), KmsError> {
    if text.is_empty() || text.len() > MAX_NAME_BYTES {
        return Err(bad(what, text, "expected 1 to 128 bytes"));
    }
    if text.chars().any(char::is_control) {
        return Err(bad(what, text, "control characters are not allowed"));
    }
    Ok(())
}

fn bad(what: &'static str, text: &str, why: &'static str) -> KmsError {
    // Enough to recognise it by; whoever sent a megabyte does not get it back.
    KmsError::BadName { what, text: text.chars().take(40).collect(), why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_puts_the_number_where_it_belongs() {
        let scheme = KidScheme::new("ed25519/default/v{N}").unwrap();
        assert_eq!([scheme.kid(1), scheme.kid(42)], ["ed25519/default/v1", "ed25519/default/v42"]);
    }

    #[test]
    fn names_that_cannot_be_told_apart_or_written_in_one_line_are_refused() {
        for scheme in ["", "v", "v{N}{N}", "v{N}\n", &"v{N}".repeat(40)] {
            assert!(matches!(KidScheme::new(scheme), Err(KmsError::BadName { .. })), "{scheme:?}");
        }
        for name in ["", "a\0b", &"a".repeat(129)] {
            assert!(matches!(KeyRef::mac("acme", name), Err(KmsError::BadName { .. })), "{name:?}");
            assert!(matches!(KeyRef::mac(name, "default"), Err(KmsError::BadName { .. })), "{name:?}");
        }
        assert!(KidScheme::new("a:v{N}").unwrap().check_for(KeyKind::MacRoot).is_err());
        assert!(KidScheme::new("a:v{N}").unwrap().check_for(KeyKind::Mac).is_ok());
    }
}
