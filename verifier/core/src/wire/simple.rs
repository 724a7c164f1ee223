//! Simple values and floats, which have one canonical form each.

use super::Head;

/// Whether this is false, true, null, or a float in its shortest form.
pub(super) fn is_canonical_simple(head: Head) -> bool {
    const F16_INFINITY: u64 = 0x7c00;
    const F16_NAN: u64 = 0x7e00;
    let bits = head.argument;
    match head.info {
        20..=22 => true,
        25 => {
            // Of the many 16-bit NaNs only one is canonical.
            let is_nan = bits & F16_INFINITY == F16_INFINITY && bits & 0x03ff != 0;
            !is_nan || bits == F16_NAN
        }
        26 => u32::try_from(bits).is_ok_and(|bits| !f32_fits_f16(bits)),
        27 => !f64_fits_f32(bits),
        _ => false,
    }
}

/// Whether the 32-bit float with these bits has an equal in 16 bits (NaN and infinity always have).
fn f32_fits_f16(bits: u32) -> bool {
    let exponent = (bits >> 23) & 0xff;
    let mantissa = bits & 0x007f_ffff;
    match exponent {
        0xff => true,
        // Zero fits; what is subnormal in 32 bits is far too small for 16.
        0 => mantissa == 0,
        // Normal in 16 bits, exponents -14 to 15: 10 of 23 mantissa bits are kept.
        113..=142 => mantissa & 0x1fff == 0,
        // Subnormal in 16 bits, exponents -24 to -15: units of 2^-24, so further low bits must be zero.
        103..=112 => (mantissa | 0x0080_0000).trailing_zeros() >= 126 - exponent,
        _ => false,
    }
}

/// Whether the 64-bit float with these bits has an equal in 32 bits (NaN and infinity always have).
fn f64_fits_f32(bits: u64) -> bool {
    let value = f64::from_bits(bits);
    #[allow(clippy::cast_possible_truncation, reason = "the loss is what is tested for")]
    let narrowed = value as f32;
    !value.is_finite() || f64::from(narrowed).to_bits() == bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_float_is_known_to_fit() {
        // Widening by hand, exactly: sign, exponent and mantissa of each finite 16-bit float.
        for half in 0..=0xffff_u16 {
            let (exponent, mantissa) = ((half >> 10) & 0x1f, half & 0x3ff);
            if exponent == 0x1f {
                continue;
            }
            let magnitude = if exponent == 0 {
                f32::from(mantissa) * 2_f32.powi(-24)
            } else {
                f32::from(mantissa + 0x400) * 2_f32.powi(i32::from(exponent) - 25)
            };
            let value = if half >> 15 == 1 { -magnitude } else { magnitude };
            assert!(f32_fits_f16(value.to_bits()), "{half:04x}");
            // The next 32-bit float is between two 16-bit ones.
            assert!(!f32_fits_f16(value.to_bits() + 1), "after {half:04x}");
        }
        assert!(!f32_fits_f16(65536_f32.to_bits()));
    }
}
