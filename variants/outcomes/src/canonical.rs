//! Which CBOR items are canonical. Floats are where processors may differ: whether a value survives in fewer bits is
//! decided with the processor's own conversions or with integers, on 32 bits perhaps otherwise than on 64.

use ron_auth_core::wire::canonical_item_len;

/// Of the outcomes for floats of each width at and beside every edge, and for bytes at random.
pub(crate) fn digest() -> blake3::Hash {
    let mut digest = blake3::Hasher::new();
    let mut item = |bytes: &[u8]| {
        digest.update(format!("{:?}\n", canonical_item_len(bytes)).as_bytes());
    };
    for half in 0..=u16::MAX {
        let [high, low] = half.to_be_bytes();
        item(&[0xf9, high, low]);
        // Sign, exponent and the beginning of the mantissa of a wider float, then its end.
        for low in [0, 1, 0x1000, 0x2000, u16::MAX] {
            let single = u32::from(half) << 16 | u32::from(low);
            item(&[&[0xfa][..], &single.to_be_bytes()].concat());
        }
        for low in [0, 1, 1 << 28, 1 << 29, 1 << 41, 1 << 42, (1 << 48) - 1] {
            let double = u64::from(half) << 48 | low;
            item(&[&[0xfb][..], &double.to_be_bytes()].concat());
        }
    }
    let mut random = [0; 1 << 16];
    blake3::Hasher::new().update(b"items").finalize_xof().fill(&mut random);
    random.windows(64).for_each(&mut item);
    digest.finalize()
}
