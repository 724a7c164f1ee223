//! What goes wrong with a token.

use proptest::prelude::*;
use proptest::sample::{Index, select};

#[derive(Clone, Debug)]
pub enum Flaw {
    None,
    /// One of the items is changed, and the MAC covers the changed one.
    SignedItem(Index, Change),
    /// The caveat array announces so many caveats, however many follow.
    Announced(u64),
    /// The token's bytes are changed at a place.
    Cbor(Change),
    /// A bit of the MAC is changed.
    Mac(u8),
    /// The text is changed.
    Text(TextChange),
}

#[derive(Clone, Debug)]
pub enum Change {
    FlipBit(Index, u8),
    Set(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Truncate(Index),
    Append(u8),
    /// The argument of the head there in one byte more than it needs.
    LongHead(Index),
}

#[derive(Clone, Debug)]
pub enum TextChange {
    Append(&'static str),
    Set(Index, char),
    Cut(Index),
    /// Trailing bits that are not zero, where the last character has any.
    TrailingBits,
    /// As many characters as no token has.
    Long,
}

pub(super) fn flaw() -> impl Strategy<Value = Flaw> {
    prop_oneof![
        25 => Just(Flaw::None),
        2 => (any::<Index>(), change()).prop_map(|(item, change)| Flaw::SignedItem(item, change)),
        1 => select(vec![0, 1, 63, 64, 65, 80, u64::from(u32::MAX), u64::MAX]).prop_map(Flaw::Announced),
        2 => change().prop_map(Flaw::Cbor),
        1 => any::<u8>().prop_map(Flaw::Mac),
        2 => text_change().prop_map(Flaw::Text),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let place = any::<Index>;
    let heads: Vec<u8> = (0..8).flat_map(|major| (23..32).map(move |info| major << 5 | info)).collect();
    prop_oneof![
        3 => (place(), 0..8_u8).prop_map(|(place, bit)| Change::FlipBit(place, bit)),
        2 => (place(), select(heads)).prop_map(|(place, byte)| Change::Set(place, byte)),
        1 => (place(), any::<u8>()).prop_map(|(place, byte)| Change::Insert(place, byte)),
        1 => place().prop_map(Change::Remove),
        1 => place().prop_map(Change::Truncate),
        1 => any::<u8>().prop_map(Change::Append),
        2 => place().prop_map(Change::LongHead),
    ]
}

fn text_change() -> impl Strategy<Value = TextChange> {
    prop_oneof![
        select(vec!["=", "==", "A", "AA", "\n", " ", "é", "+", "/"]).prop_map(TextChange::Append),
        (any::<Index>(), prop_oneof![select(vec!['+', '/', '=', '.', '~', 'A', '_']), any::<char>()])
            .prop_map(|(place, character)| TextChange::Set(place, character)),
        any::<Index>().prop_map(TextChange::Cut),
        Just(TextChange::TrailingBits),
        Just(TextChange::Long),
    ]
}

impl Change {
    pub(super) fn apply(&self, bytes: &mut Vec<u8>) {
        // No item is empty before it is changed.
        let len = bytes.len();
        let at = |place: &Index| place.index(len);
        match self {
            Self::FlipBit(place, bit) => {
                let at = at(place);
                bytes[at] ^= 1 << bit;
            }
            Self::Set(place, byte) => {
                let at = at(place);
                bytes[at] = *byte;
            }
            Self::Insert(place, byte) => bytes.insert(at(place), *byte),
            Self::Remove(place) => {
                bytes.remove(at(place));
            }
            Self::Truncate(place) => bytes.truncate(at(place)),
            Self::Append(byte) => bytes.push(*byte),
            Self::LongHead(place) => {
                // The place, or the first after it, where there could be a head with its argument within.
                let from = at(place);
                if let Some(at) = (from..len).find(|&at| bytes[at] & 0x1f < 24) {
                    let byte = bytes[at];
                    bytes.splice(at..=at, [byte & 0xe0 | 24, byte & 0x1f]);
                }
            }
        }
    }
}

impl TextChange {
    pub(super) fn applied_to(&self, text: String) -> String {
        match self {
            Self::Append(end) => text + end,
            Self::Set(place, character) => {
                let at = place.index(text.len());
                format!("{}{character}{}", &text[..at], &text[at + 1..])
            }
            Self::Cut(place) => text[..place.index(text.len())].to_owned(),
            // Zero trailing bits are those of every fourth letter (three characters) or every sixteenth (two).
            Self::TrailingBits if !text.len().is_multiple_of(4) => format!("{}B", &text[..text.len() - 1]),
            Self::TrailingBits => text,
            Self::Long => text + &"A".repeat(6000),
        }
    }
}
