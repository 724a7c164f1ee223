//! A token that a codec has copied out of the CBOR.

use std::fmt;

use ron_auth_core::view::{CaveatView, Item, Methods, ScopeView, Text, TokenView};
use ron_auth_core::wire::TextItems;
use ron_auth_core::{Capability, Caveat, Rate};

/// A token that a codec has copied out of the CBOR, with the items that each MAC step covers as written
/// again. It takes a few times as many bytes as it took there: lists of methods stay encoded.
#[derive(Clone)]
pub struct OwnedToken {
    pub(super) opening: Opening,
    pub(super) caveats: Vec<Written>,
    pub(super) mac: [u8; 32],
}

/// All up to the caveats.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    pub(super) tid: String,
    pub(super) kid: String,
    pub(super) scope: OwnedScope,
    /// Tid, kid and scope, encoded.
    pub(super) items: [Vec<u8>; 3],
}

#[derive(Clone, Debug)]
pub(super) struct OwnedScope {
    pub(super) prefix: Option<String>,
    pub(super) methods: MethodNames,
    pub(super) max_bytes: Option<u64>,
}

/// Text items, without the array's head.
pub(super) type MethodNames = Vec<u8>;

/// A caveat, and its item.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) value: OwnedCaveat,
    pub(super) item: Vec<u8>,
}

#[derive(Clone, Debug)]
pub(super) enum OwnedCaveat {
    Exp(u64),
    Nbf(u64),
    Aud(String),
    Method(MethodNames),
    PathPrefix(String),
    IpCidr(String),
    BytesLe(u64),
    Rate(Rate),
    Tenant(String),
    Amnesia(bool),
    GovPolicyDigest(String),
    // Boxed, as the large and rare case.
    Custom(Box<OwnedCustom>),
}

#[derive(Clone, Debug)]
pub(super) struct OwnedCustom {
    pub(super) ns: String,
    pub(super) name: String,
    pub(super) cbor: Vec<u8>,
}

impl fmt::Debug for OwnedToken {
    /// All but the MAC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedToken")
            .field("opening", &self.opening)
            .field("caveats", &self.caveats)
            .finish_non_exhaustive()
    }
}

impl OwnedToken {
    /// What the token says.
    #[must_use]
    pub fn to_capability(&self) -> Capability {
        let text = |text: Text<'_>| text.as_str().to_owned();
        let caveats = (0..self.caveat_count()).filter_map(|index| self.caveat(index)).map(|caveat| match caveat {
            CaveatView::Exp(at) => Caveat::Exp(at),
            CaveatView::Nbf(at) => Caveat::Nbf(at),
            CaveatView::Aud(audience) => Caveat::Aud(text(audience)),
            CaveatView::Method(methods) => Caveat::methods(methods.iter().map(text)),
            CaveatView::PathPrefix(prefix) => Caveat::PathPrefix(text(prefix)),
            CaveatView::IpCidr(net) => Caveat::IpCidr(text(net)),
            CaveatView::BytesLe(bytes) => Caveat::BytesLe(bytes),
            CaveatView::Rate(rate) => Caveat::Rate(rate),
            CaveatView::Tenant(tenant) => Caveat::Tenant(text(tenant)),
            CaveatView::Amnesia(amnesia) => Caveat::Amnesia(amnesia),
            CaveatView::GovPolicyDigest(digest) => Caveat::GovPolicyDigest(text(digest)),
            CaveatView::Custom { ns, name, cbor } => {
                Caveat::Custom { ns: text(ns), name: text(name), cbor: cbor.to_owned() }
            }
        });
        let (tid, kid) = (text(self.tid()), text(self.kid()));
        Capability::from_parts(tid, kid, self.scope().to_scope(), caveats.collect(), self.mac)
    }
}

impl<'a> TokenView<'a> for &'a OwnedToken {
    fn tid(self) -> Text<'a> {
        Text::from(self.opening.tid.as_str())
    }

    fn kid(self) -> Text<'a> {
        Text::from(self.opening.kid.as_str())
    }

    fn scope(self) -> ScopeView<'a> {
        let OwnedScope { prefix, methods, max_bytes } = &self.opening.scope;
        ScopeView { prefix: prefix.as_deref().map(Text::from), methods: names(methods), max_bytes: *max_bytes }
    }

    fn mac(self) -> Option<&'a [u8; 32]> {
        Some(&self.mac)
    }

    fn caveat_count(self) -> usize {
        self.caveats.len()
    }

    fn caveat(self, index: usize) -> Option<CaveatView<'a>> {
        Some(match &self.caveats.get(index)?.value {
            OwnedCaveat::Exp(at) => CaveatView::Exp(*at),
            OwnedCaveat::Nbf(at) => CaveatView::Nbf(*at),
            OwnedCaveat::Aud(audience) => CaveatView::Aud(Text::from(audience.as_str())),
            OwnedCaveat::Method(methods) => CaveatView::Method(names(methods)),
            OwnedCaveat::PathPrefix(prefix) => CaveatView::PathPrefix(Text::from(prefix.as_str())),
            OwnedCaveat::IpCidr(net) => CaveatView::IpCidr(Text::from(net.as_str())),
            OwnedCaveat::BytesLe(bytes) => CaveatView::BytesLe(*bytes),
            OwnedCaveat::Rate(rate) => CaveatView::Rate(*rate),
            OwnedCaveat::Tenant(tenant) => CaveatView::Tenant(Text::from(tenant.as_str())),
            OwnedCaveat::Amnesia(amnesia) => CaveatView::Amnesia(*amnesia),
            OwnedCaveat::GovPolicyDigest(digest) => CaveatView::GovPolicyDigest(Text::from(digest.as_str())),
            OwnedCaveat::Custom(custom) => {
                let OwnedCustom { ns, name, cbor } = &**custom;
                CaveatView::Custom { ns: Text::from(ns.as_str()), name: Text::from(name.as_str()), cbor }
            }
        })
    }

    fn head_items(self) -> [Item<'a>; 3] {
        self.opening.items.each_ref().map(Item::from)
    }

    fn caveat_item(self, index: usize) -> Item<'a> {
        self.caveats.get(index).map(|caveat| Item::from(&caveat.item)).unwrap_or_default()
    }
}

fn names(methods: &[u8]) -> Methods<'_> {
    Methods::Encoded(TextItems::from_checked(methods))
}
