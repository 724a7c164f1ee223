//! What the decoders that go through serde have in common: read into owned values whatever the codec is willing to
//! read, encode every fragment again, and accept the token only if that gives back its very bytes.
//!
//! Slow, but obviously right: that the encoding is canonical is not tested for rule by rule, but follows.

use std::borrow::Cow;

use ron_auth_core::view::OwnedToken;
use ron_auth_core::{AuthError, Capability, Caveat, Malformed, Rate, Scope, wire};
use serde::de::{DeserializeOwned, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// A CBOR crate.
pub(super) trait Codec {
    /// Its type for any one item.
    type Value: Serialize + DeserializeOwned;

    /// Reads what `cbor` begins with; `None` if it can't. May be lenient.
    fn read<T: DeserializeOwned>(cbor: &[u8]) -> Option<T>;

    /// Writes `value` with definite lengths and as short as possible.
    fn write(value: &impl Serialize) -> Option<Vec<u8>>;

    /// Whether a custom caveat may hold `value`, as far as writing it again would not show.
    fn is_permitted(value: &Self::Value) -> bool;
}

/// Reads one token; see [`Decode::decode`](ron_auth_core::seam::Decode::decode) for the errors.
pub(super) fn decode<C: Codec>(cbor: &[u8], max_caveats: usize) -> Result<OwnedToken, AuthError> {
    let read: Option<WireToken<C::Value>> = C::read(cbor);
    match read {
        Some(token) if token.caveats.0.len() <= max_caveats => {
            token.into_owned::<C>(cbor).ok_or(AuthError::Malformed(Malformed::Cbor))
        }
        // Too many caveats, or not even readable: was it so because it announces too many?
        _ => Err(match C::read::<WirePrefix>(cbor) {
            Some(prefix) if prefix.announces_more_than(max_caveats) && prefix.begins::<C>(cbor) => AuthError::Bounds,
            _ => AuthError::Malformed(Malformed::Cbor),
        }),
    }
}

#[derive(Deserialize)]
struct WireToken<V> {
    tid: String,
    kid: String,
    scope: WireScope,
    caveats: List<WireCaveat<V>>,
    #[serde(deserialize_with = "mac_bytes")]
    mac: [u8; 32],
}

#[derive(Serialize, Deserialize)]
struct WireScope {
    prefix: Option<String>,
    methods: List<Cow<'static, str>>,
    max_bytes: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "t", content = "v")]
enum WireCaveat<V> {
    Exp(u64),
    Nbf(u64),
    Aud(String),
    Method(List<Cow<'static, str>>),
    PathPrefix(String),
    IpCidr(String),
    BytesLe(u64),
    Rate { per_s: u32, burst: u32 },
    Tenant(String),
    Amnesia(bool),
    GovPolicyDigest(String),
    Custom { ns: String, name: String, cbor: V },
}

impl<V: Serialize> WireToken<V> {
    /// The token, if writing it again gives `cbor`.
    fn into_owned<C: Codec<Value = V>>(self, cbor: &[u8]) -> Option<OwnedToken> {
        let head_items = [C::write(&self.tid)?, C::write(&self.kid)?, C::write(&self.scope)?];
        let mut rest = strip_head(cbor, &head_items, self.caveats.0.len())?;
        let mut caveats = Vec::with_capacity(self.caveats.0.len());
        let mut caveat_items = Vec::with_capacity(self.caveats.0.len());
        for caveat in self.caveats.0 {
            let item = C::write(&caveat)?;
            rest = rest.strip_prefix(item.as_slice())?;
            caveat_items.push(item);
            caveats.push(caveat.into_caveat::<C>()?);
        }
        if rest.strip_prefix(b"\x63mac\x58\x20")? != self.mac {
            return None;
        }
        let scope = Scope { prefix: self.scope.prefix, methods: self.scope.methods.0, max_bytes: self.scope.max_bytes };
        let capability = Capability::from_parts(self.tid, self.kid, scope, caveats, self.mac);
        Some(OwnedToken { capability, head_items, caveat_items })
    }
}

impl<V: Serialize> WireCaveat<V> {
    fn into_caveat<C: Codec<Value = V>>(self) -> Option<Caveat> {
        Some(match self {
            Self::Exp(at) => Caveat::Exp(at),
            Self::Nbf(at) => Caveat::Nbf(at),
            Self::Aud(audience) => Caveat::Aud(audience),
            Self::Method(methods) => Caveat::Method(methods.0),
            Self::PathPrefix(prefix) => Caveat::PathPrefix(prefix),
            Self::IpCidr(net) => Caveat::IpCidr(net),
            Self::BytesLe(bytes) => Caveat::BytesLe(bytes),
            Self::Rate { per_s, burst } => Caveat::Rate(Rate { per_s, burst }),
            Self::Tenant(tenant) => Caveat::Tenant(tenant),
            Self::Amnesia(amnesia) => Caveat::Amnesia(amnesia),
            Self::GovPolicyDigest(digest) => Caveat::GovPolicyDigest(digest),
            Self::Custom { ns, name, cbor } => {
                if !C::is_permitted(&cbor) {
                    return None;
                }
                Caveat::Custom { ns, name, cbor: C::write(&cbor)? }
            }
        })
    }
}

/// What follows the head of the caveat array, if `cbor` begins as a canonical token of these items does.
fn strip_head<'a>(cbor: &'a [u8], head_items: &[Vec<u8>; 3], caveats: usize) -> Option<&'a [u8]> {
    let [tid, kid, scope] = head_items;
    let mut array_head = Vec::new();
    wire::encode_array_head(caveats, &mut array_head);
    let pieces: [&[u8]; 8] = [b"\xa5\x63tid", tid, b"\x63kid", kid, b"\x65scope", scope, b"\x67caveats", &array_head];
    pieces.into_iter().try_fold(cbor, |rest, piece| rest.strip_prefix(piece))
}

/// The token up to the head of its caveat array. Reading ends there, whatever follows.
struct WirePrefix {
    tid: String,
    kid: String,
    scope: WireScope,
    announced_caveats: usize,
}

impl WirePrefix {
    fn announces_more_than(&self, max_caveats: usize) -> bool {
        self.announced_caveats > max_caveats
    }

    /// Whether `cbor` begins with the canonical encoding of this.
    fn begins<C: Codec>(&self, cbor: &[u8]) -> bool {
        let items = || Some([C::write(&self.tid)?, C::write(&self.kid)?, C::write(&self.scope)?]);
        items().is_some_and(|items| strip_head(cbor, &items, self.announced_caveats).is_some())
    }
}

impl<'de> Deserialize<'de> for WirePrefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut prefix = None;
        // A codec may well complain that a map was left half-read; what matters was found by then, or was not.
        let outcome = deserializer.deserialize_map(PrefixVisitor { prefix: &mut prefix });
        match (prefix, outcome) {
            (Some(prefix), _) => Ok(prefix),
            (None, Err(error)) => Err(error),
            (None, Ok(())) => Err(D::Error::custom("no caveats")),
        }
    }
}

struct PrefixVisitor<'p> {
    prefix: &'p mut Option<WirePrefix>,
}

impl<'de> Visitor<'de> for PrefixVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a token")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let key = |expected: &str, map: &mut M| match map.next_key::<String>()? {
            Some(key) if key == expected => Ok(()),
            _ => Err(M::Error::custom("keys out of order")),
        };
        key("tid", &mut map)?;
        let tid = map.next_value()?;
        key("kid", &mut map)?;
        let kid = map.next_value()?;
        key("scope", &mut map)?;
        let scope = map.next_value()?;
        key("caveats", &mut map)?;
        let mut announced = None;
        let outcome = map.next_value_seed(AnnouncedLen { announced: &mut announced });
        if let Some(announced_caveats) = announced {
            *self.prefix = Some(WirePrefix { tid, kid, scope, announced_caveats });
        }
        outcome
    }
}

/// Takes the length that an array announces and reads none of it.
struct AnnouncedLen<'p> {
    announced: &'p mut Option<usize>,
}

impl<'de> serde::de::DeserializeSeed<'de> for AnnouncedLen<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for AnnouncedLen<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of definite length")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, seq: S) -> Result<(), S::Error> {
        *self.announced = seq.size_hint();
        Ok(())
    }
}

/// A list that grows with what is read, never with what is announced.
#[derive(Serialize)]
#[serde(transparent)]
struct List<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
            type Value = List<T>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<List<T>, S::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(List(items))
            }
        }

        deserializer.deserialize_seq(ListVisitor(std::marker::PhantomData))
    }
}

fn mac_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
    struct MacVisitor;

    impl Visitor<'_> for MacVisitor {
        type Value = [u8; 32];

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("32 bytes")
        }

        fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<[u8; 32], E> {
            bytes.try_into().map_err(|_| E::invalid_length(bytes.len(), &self))
        }
    }

    deserializer.deserialize_bytes(MacVisitor)
}
