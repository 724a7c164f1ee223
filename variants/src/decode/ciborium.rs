use ciborium::Value;
use ron_auth_core::AuthError;
use ron_auth_core::seam::Decode;
use ron_auth_core::view::OwnedToken;
use ron_auth_core::wire::MAX_NESTING;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::owned::{self, Codec};

/// `ciborium`, into owned values, with every fragment encoded again.
#[derive(Clone, Copy, Debug, Default)]
pub struct CiboriumDecode;

impl Decode for CiboriumDecode {
    type Token = OwnedToken;
    type Arena = ();
    type View<'a> = &'a OwnedToken;

    fn decode(&self, cbor: &[u8], max_caveats: usize, _arena: &mut ()) -> Result<OwnedToken, AuthError> {
        owned::decode::<Ciborium>(cbor, max_caveats)
    }

    fn view<'a>(token: &'a OwnedToken, _cbor: &'a [u8], _arena: &'a ()) -> &'a OwnedToken {
        token
    }

    fn clear(_arena: &mut ()) {}

    fn held_bytes(_arena: &()) -> usize {
        0
    }
}

enum Ciborium {}

impl Codec for Ciborium {
    type Value = Value;

    fn read<T: DeserializeOwned>(cbor: &[u8]) -> Option<T> {
        ciborium::from_reader(cbor).ok()
    }

    fn write(value: &impl Serialize) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        ciborium::into_writer(value, &mut out).ok()?;
        Some(out)
    }

    fn is_permitted(value: &Value) -> bool {
        permitted_within(value, MAX_NESTING)
    }
}

/// Whether `value` nests at most `levels` deep, has map keys only as and where a token may have them, no tag, and no
/// NaN but the one permitted. This crate keeps what it reads: order, duplicates, tags and the bits of a NaN.
fn permitted_within(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels > 0 && items.iter().all(|item| permitted_within(item, levels - 1)),
        Value::Map(entries) => {
            levels > 0
                && entries.iter().is_sorted_by(|(a, _), (b, _)| key_rank(a) < key_rank(b))
                && entries.iter().all(|(key, item)| key_rank(key).is_some() && permitted_within(item, levels - 1))
        }
        Value::Float(float) => !float.is_nan() || float.to_bits() == PERMITTED_NAN,
        Value::Tag(..) => false,
        _ => true,
    }
}

/// `f97e00`, widened.
const PERMITTED_NAN: u64 = 0x7ff8_0000_0000_0000;

/// A map key's place in CTAP2's order (major type, then length, then bytes); `None` for a kind of key that a token
/// may not have. An integer's length and bytes order as its magnitude does.
fn key_rank(key: &Value) -> Option<(u8, u128, &[u8])> {
    match key {
        Value::Integer(integer) => {
            let integer = i128::from(*integer);
            Some((u8::from(integer < 0), integer.unsigned_abs(), &[]))
        }
        Value::Bytes(bytes) => Some((2, bytes.len() as u128, bytes)),
        Value::Text(text) => Some((3, text.len() as u128, text.as_bytes())),
        _ => None,
    }
}
