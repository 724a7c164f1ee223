use ron_auth_core::AuthError;
use ron_auth_core::seam::Decode;
use ron_auth_core::view::OwnedToken;
use ron_auth_core::wire::MAX_NESTING;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_cbor::Value;

use super::owned::{self, Codec};

/// The reference: `serde_cbor`, into owned values, with every fragment encoded again.
#[derive(Clone, Copy, Debug, Default)]
pub struct SerdeCborDecode;

impl Decode for SerdeCborDecode {
    type Token = OwnedToken;
    type Arena = ();
    type View<'a> = &'a OwnedToken;

    fn decode(&self, cbor: &[u8], max_caveats: usize, _arena: &mut ()) -> Result<OwnedToken, AuthError> {
        owned::decode::<SerdeCbor>(cbor, max_caveats)
    }

    fn view<'a>(token: &'a OwnedToken, _cbor: &'a [u8], _arena: &'a ()) -> &'a OwnedToken {
        token
    }

    fn clear(_arena: &mut ()) {}

    fn held_bytes(_arena: &()) -> usize {
        0
    }
}

enum SerdeCbor {}

impl Codec for SerdeCbor {
    type Value = Value;

    fn read<T: DeserializeOwned>(cbor: &[u8]) -> Option<T> {
        // Not `from_slice`, which would refuse what follows a prefix. Trailing bytes are found by comparison.
        T::deserialize(&mut serde_cbor::Deserializer::from_slice(cbor)).ok()
    }

    fn write(value: &impl Serialize) -> Option<Vec<u8>> {
        serde_cbor::to_vec(value).ok()
    }

    fn is_permitted(value: &Value) -> bool {
        permitted_within(value, MAX_NESTING)
    }
}

/// Whether `value` nests at most `levels` deep and has only map keys that a token may have. (What is wrong with the
/// encoding shows when the value is encoded again: this crate sorts keys, drops duplicates and tags, and has one NaN.)
fn permitted_within(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels > 0 && items.iter().all(|item| permitted_within(item, levels - 1)),
        Value::Map(entries) => {
            levels > 0
                && entries.iter().all(|(key, item)| {
                    matches!(key, Value::Integer(_) | Value::Bytes(_) | Value::Text(_))
                        && permitted_within(item, levels - 1)
                })
        }
        Value::Tag(..) => false,
        _ => true,
    }
}
