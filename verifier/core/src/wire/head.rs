//! The head of a CBOR item: major type and argument (RFC 8949, section 3).

/// The bytes are not the one permitted encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotCanonical;

/// Major type of a CBOR item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names of RFC 8949")]
pub enum Major {
    Unsigned,
    Negative,
    Bytes,
    Text,
    Array,
    Map,
    Tag,
    Simple,
}

/// A head, and what it takes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Major type.
    pub major: Major,
    /// The low five bits of the first byte: how the argument is written.
    pub info: u8,
    /// The argument: a value, a length in bytes, or a count of items.
    pub argument: u64,
    /// Length of the head in bytes: 1, 2, 3, 5 or 9.
    pub len_bytes: usize,
}

/// Reads the head that `cbor` begins with.
///
/// # Errors
/// Input that ends within the head, an argument that is not written as short as possible, an indefinite length.
/// (Where the major type is [`Major::Simple`] the argument may be a float's bits, and any length is accepted.)
#[inline]
pub fn read_head(cbor: &[u8]) -> Result<Head, NotCanonical> {
    let (&initial, rest) = cbor.split_first().ok_or(NotCanonical)?;
    let major = match initial >> 5 {
        0 => Major::Unsigned,
        1 => Major::Negative,
        2 => Major::Bytes,
        3 => Major::Text,
        4 => Major::Array,
        5 => Major::Map,
        6 => Major::Tag,
        _ => Major::Simple,
    };
    let info = initial & 0x1f;
    let (argument, argument_bytes, least) = match info {
        0..=23 => (u64::from(info), 0, 0),
        24 => (u64::from(u8::from_be_bytes(*take(rest)?)), 1, 24),
        25 => (u64::from(u16::from_be_bytes(*take(rest)?)), 2, 1 << 8),
        26 => (u64::from(u32::from_be_bytes(*take(rest)?)), 4, 1 << 16),
        27 => (u64::from_be_bytes(*take(rest)?), 8, 1 << 32),
        _ => return Err(NotCanonical),
    };
    if argument < least && major != Major::Simple {
        return Err(NotCanonical);
    }
    Ok(Head { major, info, argument, len_bytes: 1 + argument_bytes })
}

fn take<const N: usize>(bytes: &[u8]) -> Result<&[u8; N], NotCanonical> {
    bytes.first_chunk().ok_or(NotCanonical)
}
