//! Batches of questions: an array of them, or an object with the array `items`.

use std::borrow::Cow;
use std::fmt;

use ron_service::Problem;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::input::{Object, Question, malformed};
use crate::refusal::Refusal;

/// An item, or what is wrong with its shape, which costs the others nothing.
pub(crate) type Item<'a> = Result<Question<'a>, Refusal>;

/// Few items are shorter as they are sent, so a vector with room for as many is seldom moved while it grows.
const BYTES_OF_AN_ITEM: usize = 256;
// What is reserved stays below twice the length of the body, whatever is in it.
const _: () = assert!(size_of::<Item<'static>>() < 2 * BYTES_OF_AN_ITEM);

/// Reads a batch of at most so many items.
///
/// # Errors
/// What is no JSON as a whole, or no batch; then 413 `BatchTooLarge`, whatever the items are.
pub(crate) fn read(text: &[u8], max_items: usize) -> Result<Vec<Item<'_>>, Problem> {
    // Nearly always all items have their shape, and are read at once.
    match items::<Object<Question<'_>>>(text, max_items) {
        Ok(items) => bounded(items, max_items, |Object(question)| Ok(question)),
        Err(error) if error.is_data() => {
            let items = items::<&RawValue>(text, max_items).map_err(|error| malformed(&error))?;
            bounded(items, max_items, |raw| {
                let item = serde_json::from_str(raw.get()).map(|Object(question)| question);
                item.map_err(|_| Refusal::Malformed("an item has another shape"))
            })
        }
        Err(error) => Err(malformed(&error)),
    }
}

fn bounded<'a, T>(
    items: Items<T>,
    max_items: usize,
    item: impl FnMut(T) -> Item<'a>,
) -> Result<Vec<Item<'a>>, Problem> {
    if items.count > max_items {
        return Err(Problem::batch_too_large());
    }
    Ok(items.kept.into_iter().map(item).collect())
}

/// Of a batch of any length as many items as it may have.
struct Items<T> {
    kept: Vec<T>,
    count: usize,
}

fn items<'a, T: serde::Deserialize<'a>>(text: &'a [u8], max_items: usize) -> serde_json::Result<Items<T>> {
    let room = (text.len() / BYTES_OF_AN_ITEM).min(max_items);
    let batch = Batch { max_items, room, item: std::marker::PhantomData };
    match std::str::from_utf8(text) {
        Ok(text) => whole(serde_json::Deserializer::from_str(text), batch),
        Err(_) => whole(serde_json::Deserializer::from_slice(text), batch),
    }
}

fn whole<'a, R: serde_json::de::Read<'a>, T: serde::Deserialize<'a>>(
    mut json: serde_json::Deserializer<R>,
    batch: Batch<T>,
) -> serde_json::Result<Items<T>> {
    let items = batch.deserialize(&mut json)?;
    json.end()?;
    Ok(items)
}

struct Batch<T> {
    max_items: usize,
    /// For how many items there is memory from the beginning.
    room: usize,
    item: std::marker::PhantomData<T>,
}

impl<'de, T: serde::Deserialize<'de>> DeserializeSeed<'de> for Batch<T> {
    type Value = Items<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Items<T>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: serde::Deserialize<'de>> Visitor<'de> for Batch<T> {
    type Value = Items<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of items, or an object with the array `items`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Items<T>, A::Error> {
        let mut kept = Vec::with_capacity(self.room);
        while kept.len() < self.max_items {
            match items.next_element()? {
                Some(item) => kept.push(item),
                None => return Ok(Items { count: kept.len(), kept }),
            }
        }
        let mut count = kept.len();
        while items.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Items { kept, count })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Items<T>, A::Error> {
        let mut items = None;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if key != "items" {
                map.next_value::<IgnoredAny>()?;
            } else if items.is_some() {
                return Err(A::Error::duplicate_field("items"));
            } else {
                let batch = Self { max_items: self.max_items, room: self.room, item: self.item };
                items = Some(map.next_value_seed(BareBatch(batch))?);
            }
        }
        items.ok_or_else(|| A::Error::missing_field("items"))
    }
}

/// The array itself: an object with `items` in an object with `items` is none.
struct BareBatch<T>(Batch<T>);

impl<'de, T: serde::Deserialize<'de>> DeserializeSeed<'de> for BareBatch<T> {
    type Value = Items<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Items<T>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: serde::Deserialize<'de>> Visitor<'de> for BareBatch<T> {
    type Value = Items<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Items<T>, A::Error> {
        self.0.visit_seq(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEM: &str = r#"{"token":"t","action":"a","resource":"r"}"#;

    fn code(text: &str) -> &'static str {
        read(text.as_bytes(), 2).err().map_or("none", |problem| problem.code)
    }

    #[test]
    fn a_batch_is_an_array_or_an_object_with_items() {
        for text in [format!("[{ITEM},{ITEM}]"), format!(r#" {{"a":[1],"items":[{ITEM},{ITEM}],"b":null}} "#)] {
            let items = read(text.as_bytes(), 2).unwrap();
            assert_eq!(items.iter().filter(|item| item.as_ref().is_ok_and(|item| item.asked().is_ok())).count(), 2);
        }
        assert!(read(b"[]", 2).unwrap().is_empty());
    }

    #[test]
    fn an_item_of_another_shape_is_at_fault_alone() {
        let text = format!(r#"[{ITEM},{{"token":5}}]"#);
        let items = read(text.as_bytes(), 2).unwrap();
        assert!(items[0].is_ok() && matches!(items[1], Err(Refusal::Malformed(_))));
        for item in ["5", "null", "[\"t\"]", r#"{"token":"a","token":"b"}"#] {
            let text = format!("{{\"items\":[{item},{ITEM}]}}");
            let items = read(text.as_bytes(), 2).unwrap();
            assert!(items[0].is_err() && items[1].is_ok(), "{item}");
        }
    }

    #[test]
    fn the_number_of_items_comes_before_their_shape_and_json_before_all() {
        for text in [format!("[{ITEM},{ITEM},{ITEM}]"), "[1,2,3]".to_owned(), "{\"items\":[{},5,{}]}".to_owned()] {
            assert_eq!(code(&text), "BatchTooLarge", "{text}");
        }
        for text in
            ["", "[", "[1,", "[] []", "1", "null", "{}", "{\"items\":{\"items\":[]}}", "{\"items\":[],\"items\":[]}"]
        {
            assert_eq!(code(text), "Malformed", "{text}");
        }
    }
}
