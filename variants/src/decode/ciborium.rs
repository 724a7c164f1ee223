use ron_auth_core::AuthError;
use ron_auth_core::seam::Decode;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::owned::{self, Codec, OwnedToken};

/// `ciborium`, into owned values, with every item encoded again.
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
    fn read<T: DeserializeOwned>(cbor: &[u8]) -> Option<T> {
        // Texts are read by so much at a time. Its own buffer is 4 KiB and is cleared for every item.
        let mut buffer = [0; 256];
        ciborium::de::from_reader_with_buffer(cbor, &mut buffer).ok()
    }

    fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Option<()> {
        ciborium::into_writer(value, out).ok()
    }
}
