use ron_auth_core::Caveat;

use super::recipe::Draft;
use super::{AUDIENCE, NOW_UNIX_S, TENANT};

/// A token of `cbor_bytes` bytes with the caveats of a `light` token, over and over for as long as they fit; a longer
/// key id makes up the rest. `None` if no token is that short. Tokens of different `serial`s differ.
///
/// A long one has more than 64 caveats, so whoever verifies it has to raise `max_caveats`.
#[must_use]
pub fn ordinary(cbor_bytes: usize, serial: u32) -> Option<String> {
    let mut draft = Draft::new(serial);
    let mix = [
        Caveat::Aud(AUDIENCE.into()),
        Caveat::PathPrefix("/index/".into()),
        Caveat::methods(["GET"]),
        Caveat::Tenant(TENANT.into()),
        Caveat::Exp(NOW_UNIX_S + 600 + u64::from(serial)),
    ];
    draft.fill_with(cbor_bytes, usize::MAX, |index| mix.get(index % mix.len()).cloned());
    draft.pad_key_id(cbor_bytes)?;
    draft.sign()
}
