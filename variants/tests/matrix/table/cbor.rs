//! CBOR by hand: items as bytes, right ones and wrong ones.

/// Major types.
pub const UNSIGNED: u8 = 0;
pub const NEGATIVE: u8 = 1;
pub const BYTES: u8 = 2;
pub const TEXT: u8 = 3;
pub const ARRAY: u8 = 4;
pub const MAP: u8 = 5;
pub const TAG: u8 = 6;
pub const SIMPLE: u8 = 7;

pub type Item = Vec<u8>;

/// The shortest head.
pub fn head(major: u8, argument: u64) -> Item {
    let width = match argument {
        0..=23 => 0,
        24..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    };
    head_in(width, major, argument)
}

/// A head whose argument takes `width` bytes: 0, 1, 2, 4 or 8.
pub fn head_in(width: usize, major: u8, argument: u64) -> Item {
    let info = match width {
        0 => u8::try_from(argument).unwrap(),
        1 => 24,
        2 => 25,
        4 => 26,
        _ => 27,
    };
    [&[major << 5 | info][..], &argument.to_be_bytes()[8 - width..]].concat()
}

/// What opens an item of indefinite length. [`BREAK`] closes it.
pub fn indefinite(major: u8) -> Item {
    vec![major << 5 | 31]
}

pub const BREAK: u8 = 0xff;

pub fn uint(value: u64) -> Item {
    head(UNSIGNED, value)
}

/// −1 − `argument`.
pub fn negative(argument: u64) -> Item {
    head(NEGATIVE, argument)
}

pub fn bytes(bytes: &[u8]) -> Item {
    [head(BYTES, bytes.len() as u64), bytes.to_vec()].concat()
}

pub fn text(text: &str) -> Item {
    text_of(text.as_bytes())
}

/// A text item of these bytes, UTF-8 or not.
pub fn text_of(bytes: &[u8]) -> Item {
    [head(TEXT, bytes.len() as u64), bytes.to_vec()].concat()
}

pub fn array(items: &[Item]) -> Item {
    [head(ARRAY, items.len() as u64), items.concat()].concat()
}

pub fn map(entries: &[(Item, Item)]) -> Item {
    [head(MAP, entries.len() as u64), inside(entries)].concat()
}

/// The entries of a map, without its head.
pub fn inside(entries: &[(Item, Item)]) -> Item {
    entries.iter().flat_map(|(key, value)| [key.as_slice(), value]).collect::<Vec<_>>().concat()
}

pub fn bool(value: bool) -> Item {
    vec![if value { 0xf5 } else { 0xf4 }]
}

pub fn null() -> Item {
    vec![0xf6]
}

pub fn undefined() -> Item {
    vec![0xf7]
}

/// A tag and what it is on.
pub fn tagged(tag: u64, item: &[u8]) -> Item {
    [head(TAG, tag), item.to_vec()].concat()
}

/// The bytes of a 16-bit float.
pub fn half(bits: u16) -> Item {
    [&[0xf9][..], &bits.to_be_bytes()].concat()
}

/// Where an item of a canonical token lies.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    pub at: usize,
    pub head_len: usize,
    pub major: u8,
    pub argument: u64,
    pub end: usize,
}

/// Every item of a canonical one, each before what it contains.
pub fn items(cbor: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    walk(cbor, 0, &mut found);
    found
}

fn walk(cbor: &[u8], at: usize, found: &mut Vec<Found>) -> usize {
    let (major, info) = (cbor[at] >> 5, cbor[at] & 0x1f);
    let width = match info {
        0..=23 => 0,
        24 => 1,
        25 => 2,
        26 => 4,
        _ => 8,
    };
    let head_len = 1 + width;
    let written = cbor[at + 1..at + head_len].iter().fold(0, |argument, byte| argument << 8 | u64::from(*byte));
    let argument = if width == 0 { u64::from(info) } else { written };
    let place = found.len();
    found.push(Found { at, head_len, major, argument, end: 0 });
    let mut end = at + head_len;
    let inner = match major {
        BYTES | TEXT => {
            end += usize::try_from(argument).unwrap();
            0
        }
        ARRAY => argument,
        MAP => 2 * argument,
        _ => 0,
    };
    for _ in 0..inner {
        end = walk(cbor, end, found);
    }
    found[place].end = end;
    end
}
