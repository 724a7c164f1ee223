//! A decoded token, borrowed. What every decoder offers to the MAC and to the evaluators.

use std::borrow::Cow;
use std::fmt;

use crate::bytes;
use crate::capability::{Caveat, Rate, Scope, method_name};
use crate::error::{AuthError, Malformed};
use crate::wire::TextItems;

/// A well-formed token whose MAC may not have been checked yet.
///
/// `'a` is the life of what the view points into: the decoded bytes, or the decoder's owned token.
pub trait TokenView<'a>: Copy {
    /// Tenant namespace.
    fn tid(self) -> Text<'a>;
    /// Key id.
    fn kid(self) -> Text<'a>;
    /// What the token claims to grant.
    fn scope(self) -> ScopeView<'a>;
    /// The tag that the token carries; `None` if there is none to show, which no tag is equal to.
    fn mac(self) -> Option<&'a [u8; 32]>;
    /// Number of caveats.
    fn caveat_count(self) -> usize;
    /// Caveat `index`, counted from 0; `None` beyond the last. A token of which a caveat before that can't be shown is
    /// malformed.
    fn caveat(self, index: usize) -> Option<CaveatView<'a>>;
    /// The items that the first MAC step covers, as on the wire: tid, kid, scope.
    fn head_items(self) -> [Item<'a>; 3];
    /// The item that MAC step `index + 1` covers, as on the wire; empty beyond the last.
    fn caveat_item(self, index: usize) -> Item<'a>;
}

/// An item as on the wire, which a MAC step covers.
///
/// It may know what follows it in memory: copying a fixed number of bytes, some of them too many, takes a fraction
/// of the time that copying exactly the right number does.
#[derive(Clone, Copy, Default)]
pub struct Item<'a> {
    bytes: &'a [u8],
    len: usize,
}

impl<'a> Item<'a> {
    /// The first `len` of `bytes`, or all of them if there are fewer.
    #[must_use]
    pub fn first_of(bytes: &'a [u8], len: usize) -> Self {
        Self { bytes, len: len.min(bytes.len()) }
    }

    /// The item's bytes.
    #[must_use]
    pub fn as_bytes(self) -> &'a [u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// The item's bytes and those that follow.
    #[must_use]
    pub const fn with_following(self) -> &'a [u8] {
        self.bytes
    }

    /// The item's length in bytes.
    #[must_use]
    pub const fn len(self) -> usize {
        self.len
    }

    /// Whether there is no item.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.len == 0
    }
}

impl fmt::Debug for Item<'_> {
    /// The item alone: what follows it may be the token's MAC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Item").field(&self.as_bytes()).finish()
    }
}

impl<'a> From<&'a Vec<u8>> for Item<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self { bytes, len: bytes.len() }
    }
}

/// Text of a token: bytes that a decoder has found to be UTF-8.
///
/// Most caveats are judged on their bytes, so the `str` is made only where one is asked for.
///
/// Bytes that are not UTF-8 after all, from a decoder that is wrong, are fit for nothing: they are equal to no `str`,
/// they are shown as [`Text::NOT_UTF8`], and a token that names its tenant, its key or a handler with them is
/// malformed.
#[derive(Clone, Copy, Eq)]
pub struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    /// What bytes that are not UTF-8 are shown as. Not as empty text, which is a prefix of every path.
    pub const NOT_UTF8: &'static str = "\u{fffd}";

    /// Text that a decoder has checked.
    #[must_use]
    pub const fn from_checked(utf8: &'a [u8]) -> Self {
        Self(utf8)
    }

    /// The text's bytes.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The text.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        str::from_utf8(self.0).unwrap_or(Self::NOT_UTF8)
    }

    /// The text as a name to look something up by.
    pub(crate) fn to_name(self) -> Result<&'a str, AuthError> {
        str::from_utf8(self.0).map_err(|_| AuthError::Malformed(Malformed::Cbor))
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(text.as_bytes())
    }
}

impl PartialEq for Text<'_> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        bytes::equal(self.0, other.0)
    }
}

impl PartialEq<str> for Text<'_> {
    #[inline]
    fn eq(&self, other: &str) -> bool {
        bytes::equal(self.0, other.as_bytes())
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// A [`Scope`], borrowed.
#[derive(Clone, Copy, Debug)]
pub struct ScopeView<'a> {
    /// Path prefix; `None` grants every path.
    pub prefix: Option<Text<'a>>,
    /// Methods granted.
    pub methods: Methods<'a>,
    /// Largest request body in bytes; `None` sets no limit.
    pub max_bytes: Option<u64>,
}

impl<'a> ScopeView<'a> {
    /// The owned form.
    #[must_use]
    pub fn to_scope(&self) -> Scope {
        Scope {
            prefix: self.prefix.map(|prefix| prefix.as_str().to_owned()),
            methods: self.methods.iter().map(method_name).collect(),
            max_bytes: self.max_bytes,
        }
    }
}

impl<'a> From<&'a Scope> for ScopeView<'a> {
    fn from(scope: &'a Scope) -> Self {
        Self {
            prefix: scope.prefix.as_deref().map(Text::from),
            methods: Methods::Owned(&scope.methods),
            max_bytes: scope.max_bytes,
        }
    }
}

/// A list of method names: either strings, or still encoded.
#[derive(Clone, Copy, Debug)]
pub enum Methods<'a> {
    /// Strings of an owned token.
    Owned(&'a [Cow<'static, str>]),
    /// CBOR text items, one after another, of a token in place.
    Encoded(TextItems<'a>),
}

impl<'a> Methods<'a> {
    /// The names, as the token spells them.
    pub fn iter(self) -> impl Iterator<Item = Text<'a>> {
        let (owned, encoded) = match self {
            Self::Owned(names) => (Some(names), None),
            Self::Encoded(items) => (None, Some(items)),
        };
        owned.into_iter().flatten().map(|name| Text::from(&**name)).chain(encoded.into_iter().flatten())
    }

    /// Whether the list has this name, without regard to ASCII case.
    #[must_use]
    pub fn permits(self, method: &str) -> bool {
        match self {
            Self::Owned(names) => names.iter().any(|name| name.eq_ignore_ascii_case(method)),
            Self::Encoded(names) => names.has_ignoring_ascii_case(method.as_bytes()),
        }
    }
}

/// A [`Caveat`], borrowed.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "each is the caveat of the same name")]
pub enum CaveatView<'a> {
    Exp(u64),
    Nbf(u64),
    Aud(Text<'a>),
    Method(Methods<'a>),
    PathPrefix(Text<'a>),
    IpCidr(Text<'a>),
    BytesLe(u64),
    Rate(Rate),
    Tenant(Text<'a>),
    Amnesia(bool),
    GovPolicyDigest(Text<'a>),
    Custom { ns: Text<'a>, name: Text<'a>, cbor: &'a [u8] },
}

impl<'a> From<&'a Caveat> for CaveatView<'a> {
    fn from(caveat: &'a Caveat) -> Self {
        match caveat {
            Caveat::Exp(at) => Self::Exp(*at),
            Caveat::Nbf(at) => Self::Nbf(*at),
            Caveat::Aud(audience) => Self::Aud(Text::from(audience.as_str())),
            Caveat::Method(methods) => Self::Method(Methods::Owned(methods)),
            Caveat::PathPrefix(prefix) => Self::PathPrefix(Text::from(prefix.as_str())),
            Caveat::IpCidr(net) => Self::IpCidr(Text::from(net.as_str())),
            Caveat::BytesLe(bytes) => Self::BytesLe(*bytes),
            Caveat::Rate(rate) => Self::Rate(*rate),
            Caveat::Tenant(tenant) => Self::Tenant(Text::from(tenant.as_str())),
            Caveat::Amnesia(amnesia) => Self::Amnesia(*amnesia),
            Caveat::GovPolicyDigest(digest) => Self::GovPolicyDigest(Text::from(digest.as_str())),
            Caveat::Custom { ns, name, cbor } => {
                Self::Custom { ns: Text::from(ns.as_str()), name: Text::from(name.as_str()), cbor }
            }
        }
    }
}

/// A token in values of its own, as one that is minted or inspected is, with the items that each MAC step covers.
#[derive(Clone, Debug)]
pub struct OwnedToken {
    /// What the token says.
    pub capability: crate::Capability,
    /// Encoded tid, kid and scope.
    pub head_items: [Vec<u8>; 3],
    /// Encoded caveats, in token order.
    pub caveat_items: Vec<Vec<u8>>,
}

impl<'a> TokenView<'a> for &'a OwnedToken {
    fn tid(self) -> Text<'a> {
        Text::from(self.capability.tid.as_str())
    }
    fn kid(self) -> Text<'a> {
        Text::from(self.capability.kid.as_str())
    }
    fn scope(self) -> ScopeView<'a> {
        ScopeView::from(&self.capability.scope)
    }
    fn mac(self) -> Option<&'a [u8; 32]> {
        Some(&self.capability.mac)
    }
    fn caveat_count(self) -> usize {
        self.capability.caveats.len()
    }
    fn caveat(self, index: usize) -> Option<CaveatView<'a>> {
        self.capability.caveats.get(index).map(CaveatView::from)
    }
    fn head_items(self) -> [Item<'a>; 3] {
        self.head_items.each_ref().map(Item::from)
    }
    fn caveat_item(self, index: usize) -> Item<'a> {
        self.caveat_items.get(index).map(Item::from).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_so_many_bytes_and_knows_what_follows() {
        let item = Item::first_of(b"item, and what follows", 4);
        assert_eq!((item.as_bytes(), item.len(), item.is_empty()), (&b"item"[..], 4, false));
        assert_eq!(item.with_following(), b"item, and what follows");
        let short = Item::first_of(b"short", 9);
        assert_eq!((short.as_bytes(), short.len(), short.with_following()), (&b"short"[..], 5, &b"short"[..]));
        for none in [Item::default(), Item::first_of(b"what follows", 0)] {
            assert_eq!((none.as_bytes(), none.len(), none.is_empty()), (&b""[..], 0, true));
        }
        assert_eq!(Item::from(&b"item".to_vec()).as_bytes(), b"item");
    }

    #[test]
    fn an_item_does_not_show_what_follows_it() {
        let shown = format!("{:?}", Item::first_of(&[7, 99], 1));
        assert_eq!(shown, "Item([7])");
    }

    #[test]
    fn text_is_equal_byte_for_byte() {
        assert!(Text::from("/a/path") == *"/a/path");
        assert!(Text::from("/a/path") != *"/a/pat");
        assert!(Text::from("same") == Text::from_checked(b"same"));
        assert!(Text::from("one") != Text::from("two"));
        assert_eq!(format!("{:?}", Text::from("a \"text\"")), r#""a \"text\"""#);
    }

    #[test]
    fn bytes_that_are_no_utf8_are_no_name_and_no_prefix_of_anything() {
        let wrong = Text::from_checked(b"\xff");
        assert_eq!(wrong.as_str(), Text::NOT_UTF8);
        assert!(wrong != *Text::NOT_UTF8);
        assert!(matches!(wrong.to_name(), Err(AuthError::Malformed(Malformed::Cbor))));
        assert_eq!(Text::from("name").to_name().ok(), Some("name"));
    }
}
