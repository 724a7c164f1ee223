//! The value of a `Custom` caveat: any one CBOR item, as long as it is canonical.

use super::simple::is_canonical_simple;
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
    let mut walk = Walk { left: 1, ..Walk::default() };
    let mut at = 0_usize;
    loop {
        if walk.left == 0 && !walk.close() {
            return Ok(at);
        }
        let rest = cbor.get(at..).ok_or(NotCanonical)?;
        let &first = rest.first().ok_or(NotCanonical)?;
        // Whoever wants to make reading dear fills a value with the shortest items there are: they come first.
        if !walk.is_map() {
            if let 0x80..=0x97 = first {
                (walk.left, at) = (walk.left - 1, at + 1);
                walk.open(u64::from(first & 0x1f), false, cbor.len() - at)?;
                continue;
            }
            if is_whole_scalar(first) {
                let run = rest.iter().take(walk.left).take_while(|first| is_whole_scalar(**first)).count();
                (walk.left, at) = (walk.left - run, at + run);
                continue;
            }
        }
        let (len, inner) = if is_whole_scalar(first) {
            (1, None)
        } else if let Some(len) = short_ascii_len(rest).or_else(|| walk.small_map_len(rest)) {
            (len, None)
        } else {
            let head = read_head(rest)?;
            (scalar_len(rest, head)?, container_items(head)?.map(|items| (items, head.major == Major::Map)))
        };
        if walk.is_map() && walk.left.is_multiple_of(2) {
            walk.take_key(cbor, (at, at + len))?;
        }
        (walk.left, at) = (walk.left - 1, at + len);
        if let Some((items, is_map)) = inner {
            walk.open(items, is_map, cbor.len() - at)?;
        }
    }
}

/// The containers that are open, the innermost at `depth`; at 0 is what holds the one item asked for.
#[derive(Default)]
struct Walk {
    depth: usize,
    /// Items still to come in the innermost; a map's pair counts as two.
    left: usize,
    /// The same of those around it, where there are any.
    left_around: [usize; MAX_NESTING],
    /// Bit `n`: whether there are any at depth `n`, around the innermost.
    unfinished: u64,
    /// Bit `n`: whether the container at depth `n` is a map.
    maps: u64,
    /// Of maps, from depth 1 on, start and end of the last key; empty before the first.
    last_keys: [(usize, usize); MAX_NESTING],
}

impl Walk {
    #[inline(always)]
    const fn is_map(&self) -> bool {
        self.maps >> self.depth & 1 == 1
    }

    /// The length of a map of up to seven pairs, all of one byte each, where a value is due and another level may be
    /// opened. Many of them are the next dearest thing to fill a value with: they are read in one go.
    #[inline(always)]
    fn small_map_len(&self, rest: &[u8]) -> Option<usize> {
        let (&first @ 0xa0..=0xa7, rest) = rest.split_first()? else { return None };
        let is_due = !self.is_map() || !self.left.is_multiple_of(2);
        if !is_due || self.depth >= MAX_NESTING {
            return None;
        }
        let pairs = usize::from(first - 0xa0);
        let (pairs, _) = rest.get(..2 * pairs)?.as_chunks();
        let mut after = None;
        for [key, value] in pairs {
            if !is_whole_key(*key) || !is_whole_scalar(*value) || after >= Some(*key) {
                return None;
            }
            after = Some(*key);
        }
        Some(1 + 2 * pairs.len())
    }

    /// Opens a container of so many items, of which there can't be more than bytes left: each takes one or more.
    #[inline(always)]
    fn open(&mut self, items: u64, is_map: bool, bytes_left: usize) -> Result<(), NotCanonical> {
        let items = usize::try_from(items).ok().filter(|items| *items <= bytes_left).ok_or(NotCanonical)?;
        // One too deep is refused here.
        let left_around = self.left_around.get_mut(self.depth).ok_or(NotCanonical)?;
        if self.left > 0 {
            *left_around = self.left;
            self.unfinished |= 1 << self.depth;
        }
        (self.depth, self.left) = (self.depth + 1, items);
        if is_map {
            self.maps |= 1 << self.depth;
            *self.last_keys.get_mut(self.depth - 1).ok_or(NotCanonical)? = (0, 0);
        }
        Ok(())
    }

    /// Closes all that are complete, down to the innermost that has more to come. False if none has.
    #[inline(always)]
    fn close(&mut self) -> bool {
        let Some(depth) = self.unfinished.checked_ilog2() else { return false };
        self.depth = depth as usize;
        self.unfinished &= !(1 << depth);
        self.maps &= (2 << depth) - 1;
        self.left = self.left_around.get(self.depth).copied().unwrap_or_default();
        true
    }

    /// Whether the item at `key` (its start and end) may be a key of the innermost map, and comes after the last one.
    #[inline]
    fn take_key(&mut self, cbor: &[u8], key: (usize, usize)) -> Result<(), NotCanonical> {
        let last = self.last_keys.get_mut(self.depth - 1).ok_or(NotCanonical)?;
        let [last_bytes, key_bytes] = [*last, key].map(|(start, end)| cbor.get(start..end));
        let (last_bytes, key_bytes) = (last_bytes.ok_or(NotCanonical)?, key_bytes.ok_or(NotCanonical)?);
        // Integers, byte strings and texts are the first four major types. Both keys have shortest heads, in which a
        // major type or a length that comes later is a greater byte: so their bytes are in the order that `key_order`
        // spells out. Before the first key stands the empty one.
        let is_next = key_bytes.first().is_some_and(|first| *first < 0x80) && last_bytes < key_bytes;
        *last = key;
        if is_next { Ok(()) } else { Err(NotCanonical) }
    }
}

/// Whether a byte is a whole item that holds no other: a small number, false, true, null, an empty string.
const fn is_whole_scalar(first: u8) -> bool {
    matches!(first, 0x00..=0x17 | 0x20..=0x37 | 0x40 | 0x60 | 0xf4..=0xf6)
}

/// The length of a text of 1 to 23 bytes that are ASCII, its head included; of other items `None`.
#[inline(always)]
fn short_ascii_len(item: &[u8]) -> Option<usize> {
    let (&first @ 0x61..=0x77, rest) = item.split_first()? else { return None };
    let len = usize::from(first & 0x1f);
    rest.get(..len)?.is_ascii().then_some(1 + len)
}

/// Whether a byte is a whole item that may be a key. Keys of one byte are in order if their bytes are.
const fn is_whole_key(first: u8) -> bool {
    is_whole_scalar(first) && first < 0x80
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

#[cfg(test)]
mod tests {
    use super::super::key_order;
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
            "82 a2 00 00 00 00",  // twice, in a map within
            "81 a2 01 00 00 00",  // unsorted, in a map within
            "81 a1 f4 00",        // bool as key, in a map within
            "81 a1 00 f7",        // undefined as value, in a map within
            "a1 a1 00 00 00",     // map as key
            "82 a1 00",           // cut short, in a map within
            "bbffffffffffffffff", // absurd count
            "9bffffffffffffffff", // absurd count
        ] {
            assert_eq!(len(hex), Err(NotCanonical), "{hex}");
        }
    }

    #[test]
    fn small_maps_are_read_in_one_go_where_a_value_is_due() {
        let walk = |depth, left, maps| Walk { depth, left, maps, ..Walk::default() };
        let map = [0xa2, 0x01, 0x02, 0x20, 0x03, 0x00];
        let in_array = walk(1, 2, 0);
        assert_eq!(in_array.small_map_len(&map), Some(5));
        assert_eq!(in_array.small_map_len(&[0xa0, 0x00]), Some(1));
        assert_eq!([2, 1].map(|left| walk(1, left, 2).small_map_len(&map)), [None, Some(5)], "a key is due, a value");
        assert_eq!(walk(MAX_NESTING, 2, 0).small_map_len(&map), None, "as deep as may be");
        let slowly = [&[0xa8, 0x01][..], &[0xa2, 0x02, 0x01, 0x01, 0x01], &[0xa1, 0x18, 0x20], &map[..4]];
        assert_eq!(slowly.map(|map| in_array.small_map_len(map)), [None; 4]);
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| "81".repeat(depth - 1) + "80";
        assert_eq!(len(&nested(MAX_NESTING)), Ok(MAX_NESTING));
        assert_eq!(len(&nested(MAX_NESTING + 1)), Err(NotCanonical));
        assert_eq!(len(&"81".repeat(100_000)), Err(NotCanonical));
        for map in ["a0", "a10000", "a200000100", "a1000000"] {
            let map_len = len(map).unwrap();
            let within = |arrays: usize| len(&("81".repeat(arrays) + map));
            assert_eq!(within(MAX_NESTING - 1), Ok(MAX_NESTING - 1 + map_len), "{map}");
            assert_eq!(within(MAX_NESTING), Err(NotCanonical), "{map}");
        }
    }

    /// The same rules, one item within another.
    fn plainly(cbor: &[u8], depth: usize) -> Result<usize, NotCanonical> {
        let head = read_head(cbor)?;
        let mut at = scalar_len(cbor, head)?;
        let Some(items) = container_items(head)? else { return Ok(at) };
        if depth == MAX_NESTING {
            return Err(NotCanonical);
        }
        let mut last_key: &[u8] = &[];
        for item in 0..items {
            let rest = cbor.get(at..).ok_or(NotCanonical)?;
            let len = plainly(rest, depth + 1)?;
            if head.major == Major::Map && item % 2 == 0 {
                let key = &rest[..len];
                let is_next = last_key.is_empty() || key_order(last_key, key) == std::cmp::Ordering::Less;
                if key[0] >= 0x80 || !is_next {
                    return Err(NotCanonical);
                }
                last_key = key;
            }
            at += len;
        }
        Ok(at)
    }

    #[test]
    fn any_bytes_are_measured_as_a_plain_reader_measures_them() {
        // A linear congruential generator: the same bytes in every run.
        let mut state = 7_u64;
        let mut below = |bound: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % bound as u64) as usize
        };
        let pieces: [&[u8]; 28] = [
            b"\x00",
            b"\x01",
            b"\x02",
            b"\x17",
            b"\x18\x18",
            b"\x18\x17",
            b"\x20",
            b"\x21",
            b"\x38\x20",
            b"\x40",
            b"\x41a",
            b"\x60",
            b"\x61a",
            b"\x61b",
            b"\x62ab",
            b"\x80",
            b"\x81",
            b"\x82",
            b"\x83",
            b"\x98\x18",
            b"\xa0",
            b"\xa1",
            b"\xa2",
            b"\xa3",
            b"\xf6",
            b"\xf9\x3c\x01",
            b"\xc1",
            b"\xff",
        ];
        let mut canonical = 0;
        for _ in 0..200_000 {
            // The last few kinds end the reading, so they are rare.
            let kinds = if below(8) == 0 { pieces.len() } else { pieces.len() - 2 };
            let bytes: Vec<u8> = (0..=below(14)).flat_map(|_| pieces[below(kinds)].iter().copied()).collect();
            let measured = canonical_item_len(&bytes);
            canonical += usize::from(measured.is_ok_and(|len| len > 3));
            assert_eq!(measured, plainly(&bytes, 0), "{bytes:02x?}");
        }
        assert!(canonical > 5_000, "{canonical}");
    }
}
