//! What the decoders that go through serde have in common: read into owned values whatever the codec is willing to
//! read, write each item again, and accept the token only if that gives back its very bytes.
//!
//! Slow, but obviously right: that the encoding is canonical is not tested for rule by rule, but follows.
//!
//! What a token claims costs nothing. A list grows with what is read, never with what it announces; a caveat names its
//! kind before its value, so that nothing has to be kept until it is known what it is; and a value that may nest is
//! read head by head, so that nothing recurses.

mod any;
mod view;

use std::fmt;
use std::marker::PhantomData;

use ron_auth_core::wire::{self, Major};
use ron_auth_core::{AuthError, Malformed, Rate};
use serde::de::{DeserializeOwned, DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

pub use view::OwnedToken;
use view::{MethodNames, Opening, OwnedCaveat, OwnedCustom, OwnedScope, Written};

/// A CBOR crate.
pub(super) trait Codec {
    /// What of a token may be given to it at all: so much from the start that whatever follows can't be a token's.
    fn readable(cbor: &[u8]) -> &[u8] {
        cbor
    }

    /// Reads what `cbor` begins with; `None` if it can't. May be lenient.
    fn read<T: DeserializeOwned>(cbor: &[u8]) -> Option<T>;

    /// Appends `value` as short as possible; `None` if it can't.
    fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Option<()>;
}

/// Reads one token; see [`Decode::decode`](ron_auth_core::seam::Decode::decode) for the errors.
pub(super) fn decode<C: Codec>(cbor: &[u8], max_caveats: usize) -> Result<OwnedToken, AuthError> {
    const MALFORMED: AuthError = AuthError::Malformed(Malformed::Cbor);
    let readable = C::readable(cbor);
    let Rewritten { value: opening, bytes, .. } = C::read::<Rewritten<Opening, C>>(readable).ok_or(MALFORMED)?;
    let rest = readable.strip_prefix(bytes.as_slice()).ok_or(MALFORMED)?;
    // Not through the codec, which would count in `usize`: the same number is to be out of bounds on every machine.
    let head = wire::read_head(rest).ok().filter(|head| head.major == Major::Array).ok_or(MALFORMED)?;
    if head.argument > max_caveats as u64 {
        return Err(AuthError::Bounds);
    }
    let mut end = bytes.len() + head.len_bytes;
    // So many as can follow and no more: a list that doubles holds three times its elements while it moves, and a claim
    // beyond what the bytes can hold is to cost nothing.
    let can_follow = readable.len().saturating_sub(end) / SHORTEST_CAVEAT;
    let mut caveats = Vec::with_capacity(can_follow.min(usize::try_from(head.argument).unwrap_or(usize::MAX)));
    for _ in 0..head.argument {
        let rest = readable.get(end..).unwrap_or_default();
        let Rewritten { mut value, mut bytes, .. } = C::read::<Rewritten<OwnedCaveat, C>>(rest).ok_or(MALFORMED)?;
        let rest = rest.strip_prefix(bytes.as_slice()).ok_or(MALFORMED)?;
        if let OwnedCaveat::Custom(custom) = &mut value {
            any::copy_item::<C>(rest, &mut custom.cbor).ok_or(MALFORMED)?;
            bytes.extend_from_slice(&custom.cbor);
        }
        end += bytes.len();
        caveats.push(Written { value, item: bytes });
    }
    // The MAC ends the token, not only what of it is readable.
    let rest = cbor.get(end..).unwrap_or_default();
    let mac = rest.strip_prefix(b"\x63mac\x58\x20").and_then(|mac| mac.try_into().ok()).ok_or(MALFORMED)?;
    Ok(OwnedToken { opening, caveats, mac })
}

/// Bytes of the shortest caveat, `{"t": "Exp", "v": 0}`.
const SHORTEST_CAVEAT: usize = 10;

/// The last key of an opening.
const LAST_KEY: &str = "caveats";

/// What is read of a map, field by field in the order of the format. Whatever is read is written again to `out`.
trait FromMap<C>: Sized {
    fn read<'de, M: MapAccess<'de>>(map: &mut M, out: &mut Vec<u8>) -> Result<Self, M::Error>;
}

impl<C: Codec> FromMap<C> for Opening {
    /// Ends before the caveats, which are read one by one.
    fn read<'de, M: MapAccess<'de>>(map: &mut M, out: &mut Vec<u8>) -> Result<Self, M::Error> {
        out.push(MAP + 5);
        let [mut tid_item, mut kid_item, mut scope_item] = [const { Vec::new() }; 3];
        key::<C, M>(map, "tid", out)?;
        let tid = value::<C, M, _>(map, &mut tid_item)?;
        out.extend_from_slice(&tid_item);
        key::<C, M>(map, "kid", out)?;
        let kid = value::<C, M, _>(map, &mut kid_item)?;
        out.extend_from_slice(&kid_item);
        key::<C, M>(map, "scope", out)?;
        let scope = map_of::<C, M, _>(map, &mut scope_item)?;
        // No more than what follows: a long prefix is held three times by now, and a vector that doubles for the sake
        // of one more key would hold it twice again.
        out.reserve_exact(scope_item.len() + LAST_KEY.len() + 1);
        out.extend_from_slice(&scope_item);
        key::<C, M>(map, LAST_KEY, out)?;
        Ok(Self { tid, kid, scope, items: [tid_item, kid_item, scope_item] })
    }
}

impl<C: Codec> FromMap<C> for OwnedScope {
    fn read<'de, M: MapAccess<'de>>(map: &mut M, out: &mut Vec<u8>) -> Result<Self, M::Error> {
        out.push(MAP + 3);
        key::<C, M>(map, "prefix", out)?;
        let prefix = value::<C, M, _>(map, out)?;
        key::<C, M>(map, "methods", out)?;
        let methods = method_names::<C, M>(map, out)?;
        key::<C, M>(map, "max_bytes", out)?;
        let max_bytes = value::<C, M, _>(map, out)?;
        Ok(Self { prefix, methods, max_bytes })
    }
}

impl<C: Codec> FromMap<C> for OwnedCaveat {
    fn read<'de, M: MapAccess<'de>>(map: &mut M, out: &mut Vec<u8>) -> Result<Self, M::Error> {
        out.push(MAP + 2);
        key::<C, M>(map, "t", out)?;
        let kind: String = value::<C, M, _>(map, out)?;
        key::<C, M>(map, "v", out)?;
        Ok(match &*kind {
            "Exp" => Self::Exp(value::<C, M, _>(map, out)?),
            "Nbf" => Self::Nbf(value::<C, M, _>(map, out)?),
            "Aud" => Self::Aud(value::<C, M, _>(map, out)?),
            "Method" => Self::Method(method_names::<C, M>(map, out)?),
            "PathPrefix" => Self::PathPrefix(value::<C, M, _>(map, out)?),
            "IpCidr" => Self::IpCidr(value::<C, M, _>(map, out)?),
            "BytesLe" => Self::BytesLe(value::<C, M, _>(map, out)?),
            "Rate" => Self::Rate(map_of::<C, M, _>(map, out)?),
            "Tenant" => Self::Tenant(value::<C, M, _>(map, out)?),
            "Amnesia" => Self::Amnesia(value::<C, M, _>(map, out)?),
            "GovPolicyDigest" => Self::GovPolicyDigest(value::<C, M, _>(map, out)?),
            "Custom" => Self::Custom(Box::new(map_of::<C, M, _>(map, out)?)),
            _ => return Err(M::Error::custom("no caveat has this name")),
        })
    }
}

impl<C: Codec> FromMap<C> for Rate {
    fn read<'de, M: MapAccess<'de>>(map: &mut M, out: &mut Vec<u8>) -> Result<Self, M::Error> {
        out.push(MAP + 2);
        key::<C, M>(map, "per_s", out)?;
        let per_s = value::<C, M, _>(map, out)?;
        key::<C, M>(map, "burst", out)?;
        let burst = value::<C, M, _>(map, out)?;
        Ok(Self { per_s, burst })
    }
}

impl<C: Codec> FromMap<C> for OwnedCustom {
    /// Ends before the value.
    fn read<'de, M: MapAccess<'de>>(map: &mut M, out: &mut Vec<u8>) -> Result<Self, M::Error> {
        out.push(MAP + 3);
        key::<C, M>(map, "ns", out)?;
        let ns = value::<C, M, _>(map, out)?;
        key::<C, M>(map, "name", out)?;
        let name = value::<C, M, _>(map, out)?;
        key::<C, M>(map, "cbor", out)?;
        Ok(Self { ns, name, cbor: Vec::new() })
    }
}

/// Steps over the next key, which must be this one.
fn key<'de, C: Codec, M: MapAccess<'de>>(map: &mut M, name: &'static str, out: &mut Vec<u8>) -> Result<(), M::Error> {
    if map.next_key_seed(Key(name))?.is_none() {
        return Err(M::Error::missing_field(name));
    }
    write::<C, M::Error, _>(name, out)
}

/// The value of the key read last: a number, a text, a truth value, or none of them.
fn value<'de, C: Codec, M: MapAccess<'de>, T: Deserialize<'de> + Serialize>(
    map: &mut M,
    out: &mut Vec<u8>,
) -> Result<T, M::Error> {
    let value = map.next_value()?;
    write::<C, M::Error, _>(&value, out)?;
    Ok(value)
}

/// The value of the key read last: a map in its turn.
fn map_of<'de, C: Codec, M: MapAccess<'de>, T: FromMap<C>>(map: &mut M, out: &mut Vec<u8>) -> Result<T, M::Error> {
    let mut value = None;
    let outcome = map.next_value_seed(MapItem::<T, C> { value: &mut value, out, codec: PhantomData });
    or_error(value, outcome)
}

/// The value of the key read last: a list of method names.
fn method_names<'de, C: Codec, M: MapAccess<'de>>(map: &mut M, out: &mut Vec<u8>) -> Result<MethodNames, M::Error> {
    let start = map.next_value_seed(Names::<C> { out: &mut *out, codec: PhantomData })?;
    Ok(out.get(start..).unwrap_or_default().to_vec())
}

fn write<C: Codec, E: Error, T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), E> {
    C::write(value, out).ok_or_else(|| E::custom("a value can't be written again"))
}

/// Major type of a map.
const MAP: u8 = 5 << 5;

/// A map read as `T`, and what writing it again gives.
struct Rewritten<T, C> {
    value: T,
    bytes: Vec<u8>,
    codec: PhantomData<C>,
}

impl<'de, T: FromMap<C>, C: Codec> Deserialize<'de> for Rewritten<T, C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (mut value, mut bytes) = (None, Vec::new());
        let map = MapItem { value: &mut value, out: &mut bytes, codec: PhantomData::<C> };
        let outcome = map.deserialize(deserializer);
        Ok(Self { value: or_error(value, outcome)?, bytes, codec: PhantomData })
    }
}

/// What was found, whatever the codec says afterwards: it may well complain that an item was left half-read.
fn or_error<T, E: Error>(found: Option<T>, outcome: Result<(), E>) -> Result<T, E> {
    match (found, outcome) {
        (Some(found), _) => Ok(found),
        (None, Err(error)) => Err(error),
        (None, Ok(())) => Err(E::custom("an item of another type")),
    }
}

/// Reads a map as `T`.
struct MapItem<'o, T, C> {
    value: &'o mut Option<T>,
    out: &'o mut Vec<u8>,
    codec: PhantomData<C>,
}

impl<'de, T: FromMap<C>, C> DeserializeSeed<'de> for MapItem<'_, T, C> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: FromMap<C>, C> Visitor<'de> for MapItem<'_, T, C> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        *self.value = Some(T::read(&mut map, self.out)?);
        Ok(())
    }
}

/// A key that is known before it is read.
struct Key(&'static str);

impl<'de> DeserializeSeed<'de> for Key {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the key {}", self.0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if text == self.0 { Ok(()) } else { Err(E::missing_field(self.0)) }
    }
}

/// Reads an array of texts. Gives the place of the first in `out`.
struct Names<'o, C> {
    out: &'o mut Vec<u8>,
    codec: PhantomData<C>,
}

impl<'de, C: Codec> DeserializeSeed<'de> for Names<'_, C> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, C: Codec> Visitor<'de> for Names<'_, C> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of definite length")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<usize, S::Error> {
        wire::encode_array_head(definite(seq.size_hint())?, self.out);
        let start = self.out.len();
        while let Some(name) = seq.next_element::<String>()? {
            write::<C, S::Error, _>(&name, self.out)?;
        }
        Ok(start)
    }
}

/// The number of items that an array or map announces; an indefinite one announces none.
fn definite<E: Error>(announced: Option<usize>) -> Result<usize, E> {
    announced.ok_or_else(|| E::custom("indefinite length"))
}
