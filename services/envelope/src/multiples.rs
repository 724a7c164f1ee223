//! A point that much is multiplied with, and a table of its multiples.

use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity as _;

/// Scalars are below `2^253`.
const SCALAR_BITS: usize = 253;

/// Multiples of a point, so that a scalar times the point is a sum of a few of them.
///
/// The scalar is cut into windows of `BITS` bits, and each window has a row: the point times 1 to `2^(BITS - 1)`, times
/// the weight of the window. Windows are digits with a sign, since the negative of a point costs nothing, and so half
/// as many multiples do, of 160 bytes each: 215 KiB for windows of 6 bits, 640 KiB for windows of 8.
///
/// How long a multiplication takes depends on the scalar: these tables are for what everybody may know.
pub(crate) struct Multiples<const BITS: usize>(Box<[EdwardsPoint]>);

impl<const BITS: usize> Multiples<BITS> {
    const WINDOWS: usize = {
        // Other widths would need a window for the carry out of the last one.
        assert!(BITS >= 4 && BITS <= 8);
        SCALAR_BITS.div_ceil(BITS)
    };
    const PER_ROW: usize = 1 << (BITS - 1);

    pub(crate) fn of(point: &EdwardsPoint) -> Self {
        let mut multiples = Vec::with_capacity(Self::WINDOWS * Self::PER_ROW);
        let mut unit = *point;
        for _ in 0..Self::WINDOWS {
            let mut multiple = unit;
            for _ in 1..Self::PER_ROW {
                multiples.push(multiple);
                multiple += unit;
            }
            multiples.push(multiple);
            unit = multiple + multiple;
        }
        Self(multiples.into_boxed_slice())
    }

    /// `scalar` times the point.
    pub(crate) fn times(&self, scalar: &Scalar) -> EdwardsPoint {
        let rows = self.0.chunks_exact(Self::PER_ROW);
        rows.zip(digits::<BITS>(scalar)).fold(EdwardsPoint::identity(), |sum, (row, digit)| {
            match (digit.unsigned_abs() as usize).checked_sub(1).and_then(|place| row.get(place)) {
                Some(multiple) if digit > 0 => sum + multiple,
                Some(multiple) => sum - multiple,
                None => sum,
            }
        })
    }
}

/// The digits of a scalar in base `2^BITS`, the least first, each from `-2^(BITS - 1)` up to `2^(BITS - 1) - 1`.
fn digits<const BITS: usize>(scalar: &Scalar) -> impl Iterator<Item = i32> {
    let mut bytes = [0; 36];
    if let Some(start) = bytes.first_chunk_mut::<32>() {
        *start = scalar.to_bytes();
    }
    let (base, half) = (1 << BITS, 1 << (BITS - 1));
    let mut carry = 0;
    (0..Multiples::<BITS>::WINDOWS).map(move |window| {
        let (byte, shift) = (window * BITS / 8, window * BITS % 8);
        let octets = bytes.get(byte..byte + 2).and_then(|two| two.first_chunk()).copied().unwrap_or_default();
        let digit = i32::from(u16::from_le_bytes(octets) >> shift) % base + carry;
        carry = i32::from(digit >= half);
        digit - carry * base
    })
}

#[cfg(test)]
mod tests {
    use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
    use proptest::prelude::*;

    use super::*;

    fn holds<const BITS: usize>(point: &EdwardsPoint, scalar: &Scalar) {
        assert_eq!(Multiples::<BITS>::of(point).times(scalar), point * scalar, "{BITS} bits, {scalar:?}");
    }

    fn holds_for_all_widths(point: &EdwardsPoint, scalar: &Scalar) {
        holds::<4>(point, scalar);
        holds::<5>(point, scalar);
        holds::<6>(point, scalar);
        holds::<7>(point, scalar);
        holds::<8>(point, scalar);
    }

    #[test]
    fn the_smallest_and_largest_scalars_are_multiplied_rightly() {
        let two = Scalar::from(2_u8);
        let powers = (0..252).scan(Scalar::ONE, |power, _| {
            *power *= two;
            Some(*power)
        });
        let ends = [Scalar::ZERO, Scalar::ONE, -Scalar::ONE, -two, Scalar::from(31_u8), Scalar::from(u64::MAX)];
        let (five, eight) =
            (Multiples::<5>::of(&ED25519_BASEPOINT_POINT), Multiples::<8>::of(&ED25519_BASEPOINT_POINT));
        for scalar in ends.into_iter().chain(powers.flat_map(|power| [power, power - Scalar::ONE, -power])) {
            let expected = EdwardsPoint::mul_base(&scalar);
            assert_eq!(five.times(&scalar), expected, "{scalar:?}");
            assert_eq!(eight.times(&scalar), expected, "{scalar:?}");
        }
        for scalar in ends {
            holds_for_all_widths(&ED25519_BASEPOINT_POINT, &scalar);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// Points with a part of small order too: the scalar is an integer then, and not one modulo the group's order.
        #[test]
        fn any_scalar_times_any_point_is_what_the_library_says(
            scalar in any::<[u8; 32]>(), point in any::<[u8; 32]>(), torsion in 0..8_usize,
        ) {
            let scalar = Scalar::from_bytes_mod_order(scalar);
            let point = EdwardsPoint::mul_base(&Scalar::from_bytes_mod_order(point)) + EIGHT_TORSION[torsion];
            holds_for_all_widths(&point, &scalar);
        }
    }
}
