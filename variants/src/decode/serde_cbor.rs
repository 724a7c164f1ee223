use ron_auth_core::AuthError;
use ron_auth_core::seam::Decode;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::owned::{self, Codec, OwnedToken};

/// The reference: `serde_cbor`, into owned values, with every item encoded again.
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
    /// Up to the first tag: this crate goes a call deeper for each, up to 128, before anybody sees what they are on.
    /// That took more than 256 KiB of stack in a debug build.
    fn readable(cbor: &[u8]) -> &[u8] {
        cbor.get(..first_tag(cbor).unwrap_or(cbor.len())).unwrap_or_default()
    }

    fn read<T: DeserializeOwned>(cbor: &[u8]) -> Option<T> {
        // Not `from_slice`, which would refuse what follows an item. What follows is read next.
        T::deserialize(&mut serde_cbor::Deserializer::from_slice(cbor)).ok()
    }

    fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Option<()> {
        serde_cbor::to_writer(out, &value).ok()
    }
}

/// Where the first tag is, as far as one head follows another. The heads may be of any form.
fn first_tag(cbor: &[u8]) -> Option<usize> {
    let mut at = 0_usize;
    loop {
        let initial = *cbor.get(at)?;
        let (major, info) = (initial >> 5, initial & 0x1f);
        if major == TAG {
            return Some(at);
        }
        let argument_bytes = match info {
            24..=27 => 1 << (info - 24),
            _ => 0,
        };
        at += 1;
        let argument = cbor.get(at..at + argument_bytes)?;
        at += argument_bytes;
        if matches!(major, BYTES | TEXT) {
            let written = argument.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
            let body = match info {
                0..=23 => u64::from(info),
                24..=27 => written,
                // Of indefinite length: it comes in pieces, which have heads.
                _ => 0,
            };
            at = at.checked_add(usize::try_from(body).ok()?)?;
        }
    }
}

/// Major types.
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const TAG: u8 = 6;
