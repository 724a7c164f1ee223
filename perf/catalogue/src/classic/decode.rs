//! How the yardstick reads.

use std::borrow::Cow;
use std::fmt;

use ron_auth_core::seam::{Decode, held_bytes};
use ron_auth_core::view::{CaveatView, Item, Methods, ScopeView, Text, TokenView};
use ron_auth_core::wire::{Major, read_head};
use ron_auth_core::{AuthError, Malformed, Rate};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_cbor::Value;

/// As the deployed verifier reads: `serde_cbor` into owned values, and every fragment that a MAC step covers is encoded
/// again, into one buffer that is reused.
///
/// **Not a decoder for a service.** Whether the bytes are the one permitted encoding is not asked: what `serde_cbor`
/// can read is read, and the MAC is computed over what writing it again gives. On tokens that are canonical, as all
/// minted ones are, it decides as every other decoder does; others it may let through. So it is a yardstick for speed
/// on good tokens and nothing else; see
/// [`Variant::decides_only_good_tokens`](crate::Variant::decides_only_good_tokens).
#[derive(Clone, Copy, Debug, Default)]
pub struct ClassicDecode;

const USUAL_METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"];

/// A token's content, and where its fragments lie in the arena.
pub struct ClassicToken {
    tid: String,
    kid: String,
    scope: WireScope,
    caveats: Vec<WireCaveat>,
    mac: [u8; 32],
    /// Number of its first fragment.
    first_fragment: usize,
}

/// The fragments of all tokens of a batch, encoded again: of each token its tid, kid, scope and caveats.
#[derive(Debug, Default)]
pub struct Fragments {
    bytes: Vec<u8>,
    /// Where each fragment ends.
    ends: Vec<usize>,
}

/// A [`ClassicToken`] with its fragments.
#[derive(Clone, Copy)]
pub struct ClassicView<'a> {
    token: &'a ClassicToken,
    fragments: &'a Fragments,
}

#[derive(Deserialize)]
struct WireToken<'a> {
    tid: String,
    kid: String,
    scope: WireScope,
    caveats: Vec<WireCaveat>,
    #[serde(borrow)]
    mac: &'a [u8],
}

#[derive(Debug, Serialize, Deserialize)]
struct WireScope {
    prefix: Option<String>,
    #[serde(deserialize_with = "methods")]
    methods: Vec<Cow<'static, str>>,
    max_bytes: Option<u64>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "t", content = "v")]
enum WireCaveat {
    Exp(u64),
    Nbf(u64),
    Aud(String),
    Method(Vec<Cow<'static, str>>),
    PathPrefix(String),
    IpCidr(String),
    BytesLe(u64),
    Rate(WireRate),
    Tenant(String),
    Amnesia(bool),
    GovPolicyDigest(String),
    // Boxed, as a large and rare case is: the others would be moved about at its size.
    Custom(Box<WireCustom>),
}

#[derive(Debug, Serialize, Deserialize)]
struct WireRate {
    per_s: u32,
    burst: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct WireCustom {
    ns: String,
    name: String,
    cbor: Value,
}

/// What serde would derive for a tag and its content, but for one thing: the tag comes first, as it does on the wire,
/// so nothing is kept until it is known. With the derived one a light token takes 9 % longer (2-core EPYC, 2026-11).
impl<'de> Deserialize<'de> for WireCaveat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Tagged;

        impl<'de> Visitor<'de> for Tagged {
            type Value = WireCaveat;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of t, the kind of a caveat, and v, its value")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WireCaveat, A::Error> {
                let kind = match map.next_entry::<&'de str, &'de str>()? {
                    Some(("t", kind)) => kind,
                    _ => return Err(A::Error::missing_field("t")),
                };
                if map.next_key::<&'de str>()? != Some("v") {
                    return Err(A::Error::missing_field("v"));
                }
                Ok(match kind {
                    "Exp" => WireCaveat::Exp(map.next_value()?),
                    "Nbf" => WireCaveat::Nbf(map.next_value()?),
                    "Aud" => WireCaveat::Aud(map.next_value()?),
                    "Method" => WireCaveat::Method(map.next_value::<MethodNames>()?.0),
                    "PathPrefix" => WireCaveat::PathPrefix(map.next_value()?),
                    "IpCidr" => WireCaveat::IpCidr(map.next_value()?),
                    "BytesLe" => WireCaveat::BytesLe(map.next_value()?),
                    "Rate" => WireCaveat::Rate(map.next_value()?),
                    "Tenant" => WireCaveat::Tenant(map.next_value()?),
                    "Amnesia" => WireCaveat::Amnesia(map.next_value()?),
                    "GovPolicyDigest" => WireCaveat::GovPolicyDigest(map.next_value()?),
                    "Custom" => WireCaveat::Custom(map.next_value()?),
                    other => return Err(A::Error::custom(format_args!("no caveat is called {other:?}"))),
                })
            }
        }

        deserializer.deserialize_map(Tagged)
    }
}

struct MethodNames(Vec<Cow<'static, str>>);

impl<'de> Deserialize<'de> for MethodNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        methods(deserializer).map(Self)
    }
}

/// Names of methods, of which the usual ones need no memory of their own.
fn methods<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Cow<'static, str>>, D::Error> {
    struct Names;

    impl<'de> Visitor<'de> for Names {
        type Value = Vec<Cow<'static, str>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of methods")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut names = Vec::with_capacity(list.size_hint().unwrap_or_default().min(USUAL_METHODS.len()));
            while let Some(name) = list.next_element::<&'de str>()? {
                let usual = USUAL_METHODS.iter().find(|usual| **usual == name);
                names.push(usual.map_or_else(|| Cow::Owned(name.to_owned()), |usual| Cow::Borrowed(*usual)));
            }
            Ok(names)
        }
    }

    deserializer.deserialize_seq(Names)
}

impl Decode for ClassicDecode {
    type Token = ClassicToken;
    type Arena = Fragments;
    type View<'a> = ClassicView<'a>;

    fn decode(&self, cbor: &[u8], max_caveats: usize, fragments: &mut Fragments) -> Result<ClassicToken, AuthError> {
        const MALFORMED: AuthError = AuthError::Malformed(Malformed::Cbor);
        let WireToken { tid, kid, scope, caveats, mac } = serde_cbor::from_slice(cbor).map_err(|_| MALFORMED)?;
        let mac = mac.try_into().map_err(|_| MALFORMED)?;
        if caveats.len() > max_caveats {
            return Err(AuthError::Bounds);
        }
        let first_fragment = fragments.ends.len();
        let encoded = fragments
            .append(&tid)
            .and_then(|()| fragments.append(&kid))
            .and_then(|()| fragments.append(&scope))
            .and_then(|()| caveats.iter().try_for_each(|caveat| fragments.append(caveat)));
        encoded.map_err(|_| MALFORMED)?;
        Ok(ClassicToken { tid, kid, scope, caveats, mac, first_fragment })
    }

    fn view<'a>(token: &'a ClassicToken, _cbor: &'a [u8], fragments: &'a Fragments) -> ClassicView<'a> {
        ClassicView { token, fragments }
    }

    fn clear(fragments: &mut Fragments) {
        fragments.bytes.clear();
        fragments.ends.clear();
    }

    fn held_bytes(fragments: &Fragments) -> usize {
        held_bytes(&fragments.bytes) + held_bytes(&fragments.ends)
    }
}

impl Fragments {
    fn append(&mut self, value: &impl Serialize) -> Result<(), serde_cbor::Error> {
        let start = self.bytes.len();
        let written = value.serialize(&mut serde_cbor::Serializer::new(&mut self.bytes));
        match written {
            Ok(()) => self.ends.push(self.bytes.len()),
            // The next fragment begins where the last whole one ended.
            Err(_) => self.bytes.truncate(start),
        }
        written
    }

    fn get(&self, number: usize) -> Item<'_> {
        let start = number.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied());
        let place = start.zip(self.ends.get(number).copied());
        place.and_then(|(start, end)| Some(Item::first_of(self.bytes.get(start..)?, end - start))).unwrap_or_default()
    }
}

/// Fragments before those of the caveats: tid, kid, scope.
const HEAD_FRAGMENTS: usize = 3;

impl<'a> TokenView<'a> for ClassicView<'a> {
    fn tid(self) -> Text<'a> {
        Text::from(self.token.tid.as_str())
    }
    fn kid(self) -> Text<'a> {
        Text::from(self.token.kid.as_str())
    }
    fn scope(self) -> ScopeView<'a> {
        let WireScope { prefix, methods, max_bytes } = &self.token.scope;
        ScopeView { prefix: prefix.as_deref().map(Text::from), methods: Methods::Owned(methods), max_bytes: *max_bytes }
    }
    fn mac(self) -> Option<&'a [u8; 32]> {
        Some(&self.token.mac)
    }
    fn caveat_count(self) -> usize {
        self.token.caveats.len()
    }
    fn caveat(self, index: usize) -> Option<CaveatView<'a>> {
        Some(match self.token.caveats.get(index)? {
            WireCaveat::Exp(at) => CaveatView::Exp(*at),
            WireCaveat::Nbf(at) => CaveatView::Nbf(*at),
            WireCaveat::Aud(audience) => CaveatView::Aud(Text::from(audience.as_str())),
            WireCaveat::Method(methods) => CaveatView::Method(Methods::Owned(methods)),
            WireCaveat::PathPrefix(prefix) => CaveatView::PathPrefix(Text::from(prefix.as_str())),
            WireCaveat::IpCidr(net) => CaveatView::IpCidr(Text::from(net.as_str())),
            WireCaveat::BytesLe(bytes) => CaveatView::BytesLe(*bytes),
            WireCaveat::Rate(WireRate { per_s, burst }) => CaveatView::Rate(Rate { per_s: *per_s, burst: *burst }),
            WireCaveat::Tenant(tenant) => CaveatView::Tenant(Text::from(tenant.as_str())),
            WireCaveat::Amnesia(amnesia) => CaveatView::Amnesia(*amnesia),
            WireCaveat::GovPolicyDigest(digest) => CaveatView::GovPolicyDigest(Text::from(digest.as_str())),
            WireCaveat::Custom(custom) => CaveatView::Custom {
                ns: Text::from(custom.ns.as_str()),
                name: Text::from(custom.name.as_str()),
                cbor: custom_value(self.caveat_item(index).as_bytes()).unwrap_or_default(),
            },
        })
    }
    fn head_items(self) -> [Item<'a>; HEAD_FRAGMENTS] {
        [0, 1, 2].map(|number| self.fragments.get(self.token.first_fragment + number))
    }
    fn caveat_item(self, index: usize) -> Item<'a> {
        if index < self.token.caveats.len() {
            self.fragments.get(self.token.first_fragment + HEAD_FRAGMENTS + index)
        } else {
            Item::default()
        }
    }
}

/// The value of a custom caveat, in the caveat's own encoding: it is what that ends with.
fn custom_value(caveat: &[u8]) -> Option<&[u8]> {
    let ns = caveat.strip_prefix(b"\xa2\x61t\x66Custom\x61v\xa3\x62ns")?;
    let name = after_text(ns)?.strip_prefix(b"\x64name")?;
    after_text(name)?.strip_prefix(b"\x64cbor")
}

fn after_text(cbor: &[u8]) -> Option<&[u8]> {
    let head = read_head(cbor).ok().filter(|head| head.major == Major::Text)?;
    cbor.get(head.len_bytes.checked_add(usize::try_from(head.argument).ok()?)?..)
}
