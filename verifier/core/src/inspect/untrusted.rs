//! What a token says, as long as nobody has verified it.

use std::fmt;
use std::ops::Range;

use super::cbor::Read;
use super::show::{Hex, List, Quoted, Time};
use crate::capability::{Caveat, Rate, Scope};
use crate::demands::CaveatKind;
use crate::view::{CaveatView, OwnedToken};

/// A token that was decoded but not verified: anybody can have written it.
///
/// A type of its own, of which neither a [`Capability`](crate::Capability) nor a [`Decision`](crate::Decision) can be
/// made. `Display` and `Debug` are for people: texts are quoted, escaped and cut, and of the MAC only the first four
/// bytes are shown.
#[derive(Clone)]
pub struct UntrustedToken {
    read: Read,
    text_chars: usize,
    cbor_bytes: usize,
}

impl UntrustedToken {
    pub(super) const fn new(read: Read, text_chars: usize, cbor_bytes: usize) -> Self {
        Self { read, text_chars, cbor_bytes }
    }

    /// For the one who verifies it.
    pub(super) const fn token(&self) -> &OwnedToken {
        &self.read.token
    }

    /// The tenant namespace that it names.
    #[must_use]
    pub fn tid(&self) -> &str {
        &self.token().capability.tid
    }

    /// The key id that it names.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.token().capability.kid
    }

    /// What it claims to grant.
    #[must_use]
    pub const fn scope(&self) -> UntrustedScope<'_> {
        UntrustedScope(&self.token().capability.scope)
    }

    /// Its caveats, in token order.
    #[must_use]
    pub fn caveats(&self) -> impl ExactSizeIterator<Item = UntrustedCaveat<'_>> + Clone {
        let caveats = self.token().capability.caveats.iter().zip(&self.read.caveat_places).enumerate();
        caveats.map(|(index, (caveat, place))| UntrustedCaveat { index, caveat, place })
    }

    /// The first four bytes of the MAC that it carries: enough to tell tokens apart.
    #[must_use]
    pub const fn mac_start(&self) -> [u8; 4] {
        let [a, b, c, d, ..] = self.token().capability.mac;
        [a, b, c, d]
    }

    /// Length of its text, in characters.
    #[must_use]
    pub const fn text_chars(&self) -> usize {
        self.text_chars
    }

    /// Length of its CBOR, in bytes.
    #[must_use]
    pub const fn cbor_bytes(&self) -> usize {
        self.cbor_bytes
    }
}

impl fmt::Display for UntrustedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "untrusted token of {} characters, {} bytes of CBOR; its MAC has not been checked",
            self.text_chars, self.cbor_bytes
        )?;
        writeln!(f, "tid      {}", Quoted(self.tid()))?;
        writeln!(f, "kid      {}", Quoted(self.kid()))?;
        writeln!(f, "scope    {}", self.scope())?;
        writeln!(f, "caveats  {}", self.caveats().len())?;
        for caveat in self.caveats() {
            writeln!(f, "  [{}] {caveat}", caveat.index())?;
        }
        write!(f, "mac      {}… (32 bytes)", Hex(&self.mac_start()))
    }
}

impl fmt::Debug for UntrustedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UntrustedToken")
            .field("tid", &format_args!("{}", Quoted(self.tid())))
            .field("kid", &format_args!("{}", Quoted(self.kid())))
            .field("scope", &format_args!("{}", self.scope()))
            .field("caveats", &self.caveats().collect::<Vec<_>>())
            .field("mac", &format_args!("{}…", Hex(&self.mac_start())))
            .field("text_chars", &self.text_chars)
            .field("cbor_bytes", &self.cbor_bytes)
            .finish()
    }
}

/// What a token claims to grant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct UntrustedScope<'a>(&'a Scope);

impl<'a> UntrustedScope<'a> {
    /// Path prefix; `None` claims every path.
    #[must_use]
    pub fn prefix(self) -> Option<&'a str> {
        self.0.prefix.as_deref()
    }

    /// Methods.
    pub fn methods(self) -> impl ExactSizeIterator<Item = &'a str> + Clone {
        self.0.methods.iter().map(AsRef::as_ref)
    }

    /// Largest request body, in bytes; `None` sets no limit.
    #[must_use]
    pub const fn max_bytes(self) -> Option<u64> {
        self.0.max_bytes
    }
}

impl fmt::Display for UntrustedScope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefix() {
            Some(prefix) => write!(f, "prefix {}", Quoted(prefix))?,
            None => f.write_str("any path")?,
        }
        write!(f, "; methods {}; ", List(self.methods()))?;
        match self.max_bytes() {
            Some(bytes) => write!(f, "at most {bytes} bytes"),
            None => f.write_str("any length"),
        }
    }
}

impl fmt::Debug for UntrustedScope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UntrustedScope({self})")
    }
}

/// A caveat of a token that nobody has verified.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct UntrustedCaveat<'a> {
    index: usize,
    caveat: &'a Caveat,
    place: &'a Range<usize>,
}

impl<'a> UntrustedCaveat<'a> {
    /// Its place among the caveats, from 0.
    #[must_use]
    pub const fn index(self) -> usize {
        self.index
    }

    /// Its kind.
    #[must_use]
    pub fn kind(self) -> CaveatKind {
        CaveatKind::of(&CaveatView::from(self.caveat))
    }

    /// What it says.
    #[must_use]
    pub fn value(self) -> UntrustedValue<'a> {
        match self.caveat {
            Caveat::Exp(at) | Caveat::Nbf(at) => UntrustedValue::Time(*at),
            Caveat::Aud(text)
            | Caveat::PathPrefix(text)
            | Caveat::IpCidr(text)
            | Caveat::Tenant(text)
            | Caveat::GovPolicyDigest(text) => UntrustedValue::Text(text),
            Caveat::Method(names) => UntrustedValue::Texts(names.iter().map(AsRef::as_ref).collect()),
            Caveat::BytesLe(bytes) => UntrustedValue::Bytes(*bytes),
            Caveat::Rate(Rate { per_s, burst }) => UntrustedValue::Rate { per_s: *per_s, burst: *burst },
            Caveat::Amnesia(amnesia) => UntrustedValue::Bool(*amnesia),
            Caveat::Custom { ns, name, cbor } => UntrustedValue::Custom { ns, name, cbor },
        }
    }

    /// The place of its bytes in the token's CBOR.
    #[must_use]
    pub fn cbor_place(self) -> Range<usize> {
        self.place.clone()
    }
}

impl fmt::Display for UntrustedCaveat<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.kind(), self.value())
    }
}

impl fmt::Debug for UntrustedCaveat<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The value of an [`UntrustedCaveat`].
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UntrustedValue<'a> {
    /// Seconds since the Unix epoch.
    Time(u64),
    /// A text.
    Text(&'a str),
    /// Texts, in a list.
    Texts(Vec<&'a str>),
    /// A length in bytes.
    Bytes(u64),
    /// A rate.
    Rate {
        /// Requests per second.
        per_s: u32,
        /// Requests that may come at once.
        burst: u32,
    },
    /// Yes or no.
    Bool(bool),
    /// A condition of a host's own.
    Custom {
        /// Namespace.
        ns: &'a str,
        /// Name within the namespace.
        name: &'a str,
        /// One canonical CBOR item, raw.
        cbor: &'a [u8],
    },
}

impl fmt::Display for UntrustedValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(at) => write!(f, "{at} ({})", Time(*at)),
            Self::Text(text) => write!(f, "{}", Quoted(text)),
            Self::Texts(texts) => write!(f, "{}", List(texts.iter().copied())),
            Self::Bytes(bytes) => write!(f, "{bytes} bytes"),
            Self::Rate { per_s, burst } => write!(f, "{per_s} per second, {burst} at once"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Custom { ns, name, cbor } => write!(f, "{}/{}, CBOR {}", Quoted(ns), Quoted(name), Hex(cbor)),
        }
    }
}

impl fmt::Debug for UntrustedValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UntrustedValue({self})")
    }
}
