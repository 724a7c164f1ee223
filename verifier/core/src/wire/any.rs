//! The value of a `Custom` caveat: any one CBOR item, as long as it is canonical.

use super::{Head, Major, NotCanonical, read_head};

/// How deep arrays and maps may lie within each other: `[]` is one deep.
pub const MAX_NESTING: usize = 32;

/// The length in bytes of the canonical item that `cbor` begins with.
///
/// Canonical: definite lengths, shortest heads, floats in the shortest of 16, 32 and 64 bits that keeps the value
/// (NaN is `f97e00`), no tags, no simple value but false, true and null, map keys sorted as CTAP2 sorts them and
/// unique, each an integer, a byte string or a text.
///
/// The walk is iterative: its memory is fixed, whatever the input claims.
///
/// # Errors
/// Anything else, and nesting beyond [`MAX_NESTING`].
pub fn canonical_item_len(cbor: &[u8]) -> Result<usize, NotCanonical> {
    // Most custom caveats carry a scalar: no need to set up the walk.
    let head = read_head(cbor)?;
    if !matches!(head.major, Major::Array | Major::Map) {
        return scalar_len(cbor, head);
    }
    container_len(cbor)
}

fn container_len(cbor: &[u8]) -> Result<usize, NotCanonical> {
    // What the innermost open container lies in, the outermost being what holds the one item asked for.
    let mut around = [Container::default(); MAX_NESTING];
    let mut depth = 0_usize;
    let mut open = Container { items_left: 1, ..Container::default() };
    let mut at = 0_usize;
    loop {
        // Close what is complete.
        while open.items_left == 0 {
            let Some(outer) = depth.checked_sub(1) else { return Ok(at) };
            depth = outer;
            open = *around.get(depth).ok_or(NotCanonical)?;
        }
        let rest = cbor.get(at..).ok_or(NotCanonical)?;
        let &first = rest.first().ok_or(NotCanonical)?;
        // Whoever wants to make reading dear fills a value with the shortest items there are.
        let (len, inner) = if is_whole_scalar(first) {
            (1, None)
        } else {
            let head = read_head(rest)?;
            (scalar_len(rest, head)?, container_items(head)?.map(|items| (items, head.major == Major::Map)))
        };
        open.accept(cbor, at, len)?;
        at += len;
        if let Some((items, is_map)) = inner {
            // Each item takes a byte or more: what announces more than there are need not be read.
            let items_left = usize::try_from(items).ok().filter(|items| *items <= cbor.len() - at);
            *around.get_mut(depth).ok_or(NotCanonical)? = open;
            depth += 1;
            open = Container { items_left: items_left.ok_or(NotCanonical)?, is_map, last_key: (0, 0) };
        }
    }
}

/// Whether a byte is a whole item that holds no other: a small number, false, true, null, an empty string.
const fn is_whole_scalar(first: u8) -> bool {
    matches!(first, 0x00..=0x17 | 0x20..=0x37 | 0x40 | 0x60 | 0xf4..=0xf6)
}

/// An array or a map that is being read.
#[derive(Clone, Copy, Default)]
struct Container {
    /// Items still to come; a map's pair counts as two.
    items_left: usize,
    is_map: bool,
    /// Start and end of the last key read in a map; empty before the first.
    last_key: (usize, usize),
}

impl Container {
    /// Takes note of the next item: where it starts, and how many bytes it takes (for a container, its head).
    #[inline]
    fn accept(&mut self, cbor: &[u8], start: usize, len: usize) -> Result<(), NotCanonical> {
        let is_key = self.is_map && self.items_left.is_multiple_of(2);
        self.items_left -= 1;
        if !is_key {
            return Ok(());
        }
        let end = start + len;
        let key = cbor.get(start..end).ok_or(NotCanonical)?;
        let (last_start, last_end) = self.last_key;
        let last = cbor.get(last_start..last_end).ok_or(NotCanonical)?;
        let is_next = match (last, key) {
            // Integers, byte strings and texts are the first four major types.
            (_, [0x80..=0xff, ..]) => false,
            ([], _) => true,
            ([last], [key]) => last < key,
            _ => key_order(last, key) == std::cmp::Ordering::Less,
        };
        self.last_key = (start, end);
        if is_next { Ok(()) } else { Err(NotCanonical) }
    }
}

/// CTAP2's order of encoded keys: major type, then length, then bytes.
pub(crate) fn key_order(a: &[u8], b: &[u8]) -> std::cmp::Ordering {
    let major = |key: &[u8]| key.first().map(|initial| initial >> 5);
    (major(a), a.len(), a).cmp(&(major(b), b.len(), b))
}

/// How many items the container that `head` opens has; `None` for anything but an array or a map.
fn container_items(head: Head) -> Result<Option<u64>, NotCanonical> {
    match head.major {
        Major::Array => Ok(Some(head.argument)),
        Major::Map => head.argument.checked_mul(2).map(Some).ok_or(NotCanonical),
        _ => Ok(None),
    }
}

/// The length in bytes of a whole scalar, or of an array's or map's head.
fn scalar_len(item: &[u8], head: Head) -> Result<usize, NotCanonical> {
    match head.major {
        Major::Unsigned | Major::Negative | Major::Array | Major::Map => Ok(head.len_bytes),
        Major::Bytes | Major::Text => {
            let body_len = usize::try_from(head.argument).map_err(|_| NotCanonical)?;
            let end = head.len_bytes.checked_add(body_len).ok_or(NotCanonical)?;
            let body = item.get(head.len_bytes..end).ok_or(NotCanonical)?;
            if head.major == Major::Text && str::from_utf8(body).is_err() {
                return Err(NotCanonical);
            }
            Ok(end)
        }
        Major::Tag => Err(NotCanonical),
        Major::Simple if is_canonical_simple(head) => Ok(head.len_bytes),
        Major::Simple => Err(NotCanonical),
    }
}

/// Whether this is false, true, null, or a float in its shortest form.
fn is_canonical_simple(head: Head) -> bool {
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

    fn len(hex: &str) -> Result<usize, NotCanonical> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let bytes: Vec<u8> =
            digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect();
        let len = canonical_item_len(&bytes);
        if let Ok(len) = len {
            assert!(len <= bytes.len(), "{hex}");
        }
        len
    }

    #[test]
    fn canonical_items_are_measured() {
        for (hex, expected) in [
            ("00", 1),
            ("1818", 2),
            ("3bffffffffffffffff", 9),
            ("40", 1),
            ("63616263", 4),
            ("80", 1),
            ("8301 02 03", 4),
            ("a0", 1),
            ("a2 01 02 20 03", 5),
            ("a2 6161 00 626161 00", 8),
            ("f4", 1),
            ("f6", 1),
            ("f90000", 3),
            ("f98000", 3),
            ("f97c00", 3),
            ("f97e00", 3),
            ("f90001", 3),
            ("fa3f800001", 5),
            ("fb3ff0000000000001", 9),
            ("f6 00", 1),
        ] {
            assert_eq!(len(hex), Ok(expected), "{hex}");
        }
    }

    #[test]
    fn other_encodings_are_refused() {
        for hex in [
            "",
            "1817",               // long head
            "190017",             // long head
            "5f4100ff",           // indefinite
            "9fff",               // indefinite
            "6261",               // cut short
            "61ff",               // not UTF-8
            "c000",               // tag
            "f7",                 // undefined
            "f8ff",               // simple value
            "f818",               // simple value
            "e0",                 // simple value
            "ff",                 // break
            "f97e01",             // another NaN
            "f9fe00",             // another NaN
            "fa7fc00000",         // long NaN
            "fa3f800000",         // 1.0 fits 16 bits
            "fa33800000",         // 2^-24 fits 16 bits
            "fb7ff8000000000000", // long NaN
            "fb3ff0000000000000", // 1.0 fits
            "fb7ff0000000000000", // infinity fits
            "a2 02 00 01 00",     // unsorted
            "a2 01 00 01 00",     // twice
            "a2 6162 00 6161 00", // unsorted
            "a1 80 00",           // array as key
            "a1 f4 00",           // bool as key
            "a1 01",              // cut short
            "bbffffffffffffffff", // absurd count
            "9bffffffffffffffff", // absurd count
        ] {
            assert_eq!(len(hex), Err(NotCanonical), "{hex}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| "81".repeat(depth - 1) + "80";
        assert_eq!(len(&nested(MAX_NESTING)), Ok(MAX_NESTING));
        assert_eq!(len(&nested(MAX_NESTING + 1)), Err(NotCanonical));
        assert_eq!(len(&"81".repeat(100_000)), Err(NotCanonical));
    }

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
