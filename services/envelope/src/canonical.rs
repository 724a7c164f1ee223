//! The bytes of a JSON value that are signed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::ser::Formatter;

/// Bytes that are not one JSON value.
#[derive(Debug, thiserror::Error)]
#[error("not JSON: {0}")]
pub struct NotJson(#[from] serde_json::Error);

/// The canonical form of one JSON value, whatever its type: without white space, keys sorted by their bytes at every
/// depth, of a repeated key the last value, integers of 64 bits as they are and other numbers by way of the nearest
/// double, characters beyond ASCII as they are.
///
/// The deployed service reads some numbers of many digits as the double beside the nearest, so that what it would sign
/// of them may differ in the last digit. It makes no difference to who verifies: the bytes travel with the signature.
///
/// # Errors
/// Bytes that are not exactly one JSON value, or one that nests more than 127 deep: with line and column.
pub fn canonical_json(text: &[u8]) -> Result<Vec<u8>, NotJson> {
    let value: Canonical<'_> = serde_json::from_slice(text)?;
    let mut out = Vec::with_capacity(text.len());
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut out, AsDeployed))?;
    Ok(out)
}

/// Compact, and doubles as the deployed service writes them: `1e19`, where `serde_json` has come to write `1e+19`.
struct AsDeployed;

impl Formatter for AsDeployed {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(ryu::Buffer::new().format_finite(value).as_bytes())
    }
}

/// A JSON value with sorted keys. `serde_json`'s own sorts them too, unless some crate of the program asks for
/// features by which it does not, or by which numbers stay texts; what is signed must not depend on that. Texts without
/// an escape are those that were read.
enum Canonical<'a> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(Cow<'a, str>),
    Array(Vec<Self>),
    Object(BTreeMap<Cow<'a, str>, Self>),
}

impl Serialize for Canonical<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Unsigned(value) => serializer.serialize_u64(*value),
            Self::Signed(value) => serializer.serialize_i64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::Array(values) => {
                let mut array = serializer.serialize_seq(Some(values.len()))?;
                for value in values {
                    array.serialize_element(value)?;
                }
                array.end()
            }
            Self::Object(entries) => {
                let mut object = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    object.serialize_entry(key, value)?;
                }
                object.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Canonical<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        AnyValue.deserialize(deserializer)
    }
}

struct AnyValue;

impl<'de> DeserializeSeed<'de> for AnyValue {
    type Value = Canonical<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Canonical<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyValue {
    type Value = Canonical<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Canonical<'de>, E> {
        Ok(Canonical::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Canonical<'de>, E> {
        Ok(Canonical::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Canonical<'de>, E> {
        Ok(Canonical::Unsigned(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Canonical<'de>, E> {
        Ok(Canonical::Signed(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Canonical<'de>, E> {
        Ok(Canonical::Float(value))
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Canonical<'de>, E> {
        Ok(Canonical::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Canonical<'de>, E> {
        Ok(Canonical::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Canonical<'de>, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(Self)? {
            values.push(value);
        }
        Ok(Canonical::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Canonical<'de>, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some(key) = map.next_key_seed(Key)? {
            entries.insert(key, map.next_value_seed(Self)?);
        }
        Ok(Canonical::Object(entries))
    }
}

/// A key of an object.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        String::from_utf8(canonical_json(text.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn keys_are_sorted_by_bytes_at_every_depth() {
        let sorted = r#"{"a":2,"b":{"a":[{"x":2,"y":1}],"z":1}}"#;
        assert_eq!(canonical(r#" { "b" : {"z":1,"a":[{"y":1,"x":2}]} , "a" : 2 } "#), sorted);
        assert_eq!(canonical(r#"{"é":1,"z":2,"Z":3,"":4}"#), r#"{"":4,"Z":3,"z":2,"é":1}"#);
        assert_eq!(canonical(r#"{"b":1,"\u0061":2,"c":"\u0064"}"#), r#"{"a":2,"b":1,"c":"d"}"#);
    }

    #[test]
    fn of_a_repeated_key_the_last_value_counts() {
        assert_eq!(canonical(r#"{"a":1,"b":2,"a":{"c":3}}"#), r#"{"a":{"c":3},"b":2}"#);
        assert_eq!(canonical(r#"{"a":1,"\u0061":2}"#), r#"{"a":2}"#);
    }

    #[test]
    fn numbers_are_integers_of_64_bits_or_doubles() {
        for (given, expected) in [
            ("1.50", "1.5"),
            ("1e2", "100.0"),
            ("18446744073709551615", "18446744073709551615"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("18446744073709551616", "1.8446744073709552e19"),
            ("1e21", "1e21"),
            ("1.5e-9", "1.5e-9"),
            ("0.1", "0.1"),
            ("-0", "-0.0"),
            ("0", "0"),
        ] {
            assert_eq!(canonical(given), expected, "{given}");
        }
    }

    #[test]
    fn texts_are_escaped_no_more_than_they_must_be() {
        assert_eq!(canonical(r#""\u00e9\/\u0007\"\ud83d\ude00""#), "\"é/\\u0007\\\"😀\"");
    }

    #[test]
    fn any_value_is_one_and_its_form_is_stable() {
        for text in ["null", "true", "[]", "{}", "\"text\"", "[null,[false,[{}]]]", "-7"] {
            assert_eq!(canonical(text), text);
        }
        let once = canonical(r#"{"b":[1.0,2e-7,{"d":null,"c":"\n"}],"a":-1}"#);
        assert_eq!(canonical(&once), once);
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for text in ["", "{", "nul", "1 2", "{\"a\":1,}", "[1e999]", "\"\\ud800\"", "'a'"] {
            assert!(canonical_json(text.as_bytes()).is_err(), "{text}");
        }
        assert!(canonical_json(b"\"\xff\"").is_err());
        let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(canonical_json(deep(127).as_bytes()).is_ok());
        assert!(canonical_json(deep(1_000_000).as_bytes()).is_err());
    }
}
