//! The value of a custom caveat: any one item, as deep as it may be.

use std::fmt;
use std::ops::Range;

use ron_auth_core::wire::{self, MAX_NESTING};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Codec, MAP, definite, or_error};

/// Writes the item that `cbor` begins with to `out`, if a custom caveat may hold it and it comes out as it was. Scalars
/// and the heads of arrays and maps are read and written again one by one. `out` is empty before.
pub(super) fn copy_item<C: Codec>(cbor: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut open: Vec<Container> = Vec::new();
    loop {
        let start = out.len();
        let rest = cbor.get(start..)?;
        let item: Shallow = C::read(rest)?;
        item.write::<C>(out)?;
        if !rest.starts_with(out.get(start..)?) {
            return None;
        }
        if let Some(container) = open.last_mut() {
            container.accept(out, start..out.len())?;
        }
        match item {
            Shallow::Array(_) | Shallow::Map(_) if open.len() == MAX_NESTING => return None,
            Shallow::Array(items) => open.push(Container { items_left: items as u64, is_map: false, last_key: 0..0 }),
            Shallow::Map(pairs) => {
                let items_left = (pairs as u64).checked_mul(2)?;
                open.push(Container { items_left, is_map: true, last_key: 0..0 });
            }
            _ => {}
        }
        while open.last().is_some_and(|container| container.items_left == 0) {
            open.pop();
        }
        if open.is_empty() {
            return Some(());
        }
    }
}

/// An array or map that is being read.
struct Container {
    /// A pair of a map counts as two.
    items_left: u64,
    is_map: bool,
    /// Empty before the first.
    last_key: Range<usize>,
}

impl Container {
    /// Takes note of the next item, or of its head.
    fn accept(&mut self, written: &[u8], item: Range<usize>) -> Option<()> {
        if self.is_map && self.items_left.is_multiple_of(2) {
            let rank = key_rank(written.get(item.clone())?)?;
            // Before the first key there is nothing that ranks.
            let last_rank = written.get(self.last_key.clone()).and_then(key_rank);
            if last_rank.is_some_and(|last_rank| last_rank >= rank) {
                return None;
            }
            self.last_key = item;
        }
        self.items_left -= 1;
        Some(())
    }
}

/// A key's place in CTAP2's order (major type, then length, then bytes); `None` for a kind of key that a token may not
/// have.
fn key_rank(key: &[u8]) -> Option<(u8, usize, &[u8])> {
    let major = key.first()? >> 5;
    (major <= 3).then_some((major, key.len(), key))
}

/// An item without what it contains.
enum Shallow {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i128),
    Float(f64),
    Bytes(Vec<u8>),
    Text(String),
    /// Of so many items.
    Array(usize),
    /// Of so many pairs.
    Map(usize),
}

impl Shallow {
    fn write<C: Codec>(&self, out: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Null => C::write(&(), out),
            Self::Bool(value) => C::write(value, out),
            Self::Unsigned(value) => C::write(value, out),
            Self::Signed(value) => C::write(value, out),
            // Codecs keep what a NaN carries; only one is permitted.
            Self::Float(value) if value.is_nan() => {
                out.extend(b"\xf9\x7e\x00");
                Some(())
            }
            Self::Float(value) => C::write(value, out),
            Self::Bytes(value) => C::write(&ByteString(value), out),
            Self::Text(value) => C::write(value, out),
            Self::Array(items) => {
                wire::encode_array_head(*items, out);
                Some(())
            }
            Self::Map(pairs) => {
                let head = out.len();
                wire::encode_array_head(*pairs, out);
                // A map's head is that of an array of as many pairs, but for the major type.
                let initial = out.get_mut(head)?;
                *initial = MAP | *initial & 0x1f;
                Some(())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Shallow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut found = None;
        let outcome = deserializer.deserialize_any(ShallowVisitor { found: &mut found });
        or_error(found, outcome)
    }
}

struct ShallowVisitor<'f> {
    found: &'f mut Option<Shallow>,
}

impl ShallowVisitor<'_> {
    fn found<E>(self, item: Shallow) -> Result<(), E> {
        *self.found = Some(item);
        Ok(())
    }
}

/// What has no method here, tags above all, is refused.
impl<'de> Visitor<'de> for ShallowVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an item that a custom caveat may hold")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.found(Shallow::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.found(Shallow::Unsigned(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.found(Shallow::Signed(value.into()))
    }

    /// The negative numbers beyond 64 bits.
    fn visit_i128<E: Error>(self, value: i128) -> Result<(), E> {
        self.found(Shallow::Signed(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.found(Shallow::Float(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.found(Shallow::Text(value.into()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<(), E> {
        self.found(Shallow::Text(value))
    }

    fn visit_bytes<E: Error>(self, value: &[u8]) -> Result<(), E> {
        self.found(Shallow::Bytes(value.into()))
    }

    fn visit_byte_buf<E: Error>(self, value: Vec<u8>) -> Result<(), E> {
        self.found(Shallow::Bytes(value))
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.found(Shallow::Null)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.found(Shallow::Null)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, seq: S) -> Result<(), S::Error> {
        self.found(Shallow::Array(definite(seq.size_hint())?))
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<(), M::Error> {
        self.found(Shallow::Map(definite(map.size_hint())?))
    }
}

/// Bytes that are written as a byte string, not as an array.
struct ByteString<'a>(&'a [u8]);

impl Serialize for ByteString<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}
