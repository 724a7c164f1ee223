//! Values that are checked while they are read, so that an error has their place in the document.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

/// Most bytes of a name that is compared without regard to case: a method or a tag.
pub const MAX_FOLDED_BYTES: usize = 256;
/// Most values of a list in a condition of schema 2.
pub const MAX_CONDITION_VALUES: usize = 1024;

/// A table, read by its keys alone. What serde derives reads a list for a struct as well, in the order of its fields;
/// such a bundle says by no name what it means.
#[derive(Debug, Default)]
pub(super) struct Keyed<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Keyed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Table<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Table<T> {
            type Value = T;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of keys and values")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }
        deserializer.deserialize_map(Table(PhantomData)).map(Self)
    }
}

/// Text by text, each key once. What serde derives keeps the last of several.
#[derive(Debug, Default)]
pub(super) struct UniqueMap(pub(super) BTreeMap<String, String>);

impl<'de> Deserialize<'de> for UniqueMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Unique;
        impl<'de> Visitor<'de> for Unique {
            type Value = BTreeMap<String, String>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of text values")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut values = BTreeMap::new();
                while let Some(key) = map.next_key::<String>()? {
                    if values.contains_key(&key) {
                        return Err(A::Error::custom(format!("duplicate key {key:?}")));
                    }
                    values.insert(key, map.next_value()?);
                }
                Ok(values)
            }
        }
        deserializer.deserialize_map(Unique).map(Self)
    }
}

/// Reads a value that may be left out but not be `null`: a template that was filled with nothing would otherwise drop a
/// condition, and so widen its rule.
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Text that is not blank.
#[derive(Debug, serde::Deserialize)]
#[serde(try_from = "String")]
pub(super) struct NonBlank(pub(super) String);

impl TryFrom<String> for NonBlank {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.trim().is_empty() { Err("a blank text; expected one that names something") } else { Ok(Self(text)) }
    }
}

/// Text that one value equals, and no wildcard.
#[derive(Debug, serde::Deserialize)]
#[serde(try_from = "NonBlank")]
pub(super) struct Exact(pub(super) String);

impl TryFrom<NonBlank> for Exact {
    type Error = &'static str;
    fn try_from(NonBlank(text): NonBlank) -> Result<Self, Self::Error> {
        if text == "*" { Err("\"*\" is no wildcard here; leave the key out to mean any value") } else { Ok(Self(text)) }
    }
}

/// A name that is compared without regard to case: ASCII letters only are folded, so others with a case are refused.
/// Whether deployed evaluators fold them is not recorded.
#[derive(Debug, serde::Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Folded(pub(super) String);

impl TryFrom<String> for Folded {
    type Error = String;
    fn try_from(name: String) -> Result<Self, Self::Error> {
        if name.len() > MAX_FOLDED_BYTES {
            return Err(format!("a name of {} bytes; at most {MAX_FOLDED_BYTES} are possible", name.len()));
        }
        let has_case = |c: char| !c.to_lowercase().eq([c]) || !c.to_uppercase().eq([c]);
        match name.chars().find(|&c| !c.is_ascii() && has_case(c)) {
            Some(c) => Err(format!("{name:?}: the case of {c} is not folded here; write this name in ASCII letters")),
            None => Ok(Self(name)),
        }
    }
}

/// A [`Folded`] name that is not blank.
#[derive(Debug, serde::Deserialize)]
#[serde(try_from = "NonBlank")]
pub(super) struct FoldedName(pub(super) String);

impl TryFrom<NonBlank> for FoldedName {
    type Error = String;
    fn try_from(NonBlank(name): NonBlank) -> Result<Self, Self::Error> {
        Folded::try_from(name).map(|folded| Self(folded.0))
    }
}

/// Values of which one is enough, or all are wanted. Never empty: an empty list could be read as any value or as none.
#[derive(Debug, serde::Deserialize)]
#[serde(try_from = "Vec<T>", bound = "T: serde::Deserialize<'de>")]
pub(super) struct List<T>(pub(super) Vec<T>);

impl<T> TryFrom<Vec<T>> for List<T> {
    type Error = String;
    fn try_from(values: Vec<T>) -> Result<Self, Self::Error> {
        match values.len() {
            0 => Err("an empty list; leave the key out to mean any value".to_owned()),
            1..=MAX_CONDITION_VALUES => Ok(Self(values)),
            more => Err(format!("a list of {more} values; at most {MAX_CONDITION_VALUES} are possible")),
        }
    }
}
