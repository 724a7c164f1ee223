//! The order of a map's keys.

/// CTAP2's order of encoded keys: major type, then length, then bytes.
pub(crate) fn key_order(a: &[u8], b: &[u8]) -> std::cmp::Ordering {
    let major = |key: &[u8]| key.first().map(|initial| initial >> 5);
    (major(a), a.len(), a).cmp(&(major(b), b.len(), b))
}

#[cfg(test)]
mod tests {
    use super::super::canonical_item_len;
    use super::*;

    #[test]
    fn canonical_keys_are_in_the_order_of_their_bytes() {
        let arguments = [0, 1, 23, 24, 255, 256, 65_535, 65_536, u64::from(u32::MAX), u64::from(u32::MAX) + 1];
        let mut keys = Vec::new();
        for argument in arguments {
            for major in [0, 1] {
                let head: Vec<u8> = match argument {
                    0..=23 => vec![major << 5 | argument as u8],
                    24..=255 => [&[major << 5 | 24][..], &[argument as u8]].concat(),
                    256..=65_535 => [&[major << 5 | 25][..], &(argument as u16).to_be_bytes()].concat(),
                    65_536..=0xffff_ffff => [&[major << 5 | 26][..], &(argument as u32).to_be_bytes()].concat(),
                    _ => [&[major << 5 | 27][..], &argument.to_be_bytes()].concat(),
                };
                keys.push(head);
            }
        }
        for len in [0_usize, 1, 2, 23, 24, 255, 256] {
            for (major, fill) in [(2_u8, 0_u8), (2, 0xff), (3, b'a'), (3, b'b')] {
                let head = match len {
                    0..=23 => vec![major << 5 | len as u8],
                    24..=255 => vec![major << 5 | 24, len as u8],
                    _ => [&[major << 5 | 25][..], &(len as u16).to_be_bytes()].concat(),
                };
                keys.push([head, vec![fill; len]].concat());
            }
        }
        for a in &keys {
            assert_eq!(canonical_item_len(a), Ok(a.len()), "{a:02x?}");
            for b in &keys {
                assert_eq!(key_order(a, b), a.cmp(b), "{a:02x?} {b:02x?}");
            }
        }
    }
}
