//! Comparing short byte strings. A call of `memcmp` costs more than the comparison of the names in a token does: these
//! compare two overlapping words from both ends instead, in line.

/// Whether two byte strings are equal.
#[inline]
pub(crate) fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len()
        && match a.len() {
            0 => true,
            1 => a.first() == b.first(),
            2..=3 => ends_equal::<2>(a, b),
            4..=7 => ends_equal::<4>(a, b),
            8..=16 => ends_equal::<8>(a, b),
            17..=32 => ends_equal::<16>(a, b),
            _ => a == b,
        }
}

/// Whether `bytes` begins with `prefix`.
#[inline]
pub(crate) fn begins(bytes: &[u8], prefix: &[u8]) -> bool {
    bytes.get(..prefix.len()).is_some_and(|start| equal(start, prefix))
}

#[inline]
fn ends_equal<const N: usize>(a: &[u8], b: &[u8]) -> bool {
    a.first_chunk::<N>() == b.first_chunk() && a.last_chunk::<N>() == b.last_chunk()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_counts_at_every_length() {
        let text: Vec<u8> = (0..70).collect();
        for len in 0..text.len() {
            let a = text[..len].to_vec();
            assert!(equal(&a, &a.clone()) && begins(&text, &a), "{len}");
            assert!(!equal(&a, &text[..=len]) && !begins(&a, &text[..=len]), "{len}");
            for at in 0..len {
                let mut b = a.clone();
                b[at] ^= 0x80;
                assert!(!equal(&a, &b) && !begins(&text, &b), "{len}, {at}");
            }
        }
    }
}
