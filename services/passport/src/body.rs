//! How bodies are read: content type, then size, then what they say.

use std::fmt;

use http_body_util::{BodyExt, LengthLimitError, Limited};
use ron_envelope::Envelope;
use ron_service::axum::body::{Bytes, HttpBody};
use ron_service::axum::extract::Request;
use ron_service::is_json;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

use crate::refusal::Refusal;

/// The whole body of a request that says it is JSON, of at most so many bytes.
pub(crate) async fn read(request: Request, max_bytes: usize) -> Result<Bytes, Refusal> {
    if !is_json(request.headers()) {
        return Err(Refusal::NoJsonType);
    }
    let body = request.into_body();
    if body.size_hint().lower() > max_bytes as u64 {
        return Err(Refusal::BodyTooLarge);
    }
    match Limited::new(body, max_bytes).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Refusal::BodyTooLarge),
        Err(_) => Err(Refusal::BodyBroken),
    }
}

/// The envelopes of a batch: an array of them, or an object with the array `items` among its keys.
///
/// # Errors
/// What is no JSON as a whole is that, wherever else it is wrong; then the shape; then the number of items.
pub(crate) fn batch(text: &[u8], max_items: usize) -> Result<Vec<Envelope<'_>>, Refusal> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let batch = Batch { max_items }.deserialize(&mut json).and_then(|batch| json.end().map(|()| batch));
    match batch {
        Ok(Items { count, .. }) if count > max_items => Err(Refusal::BatchTooLarge),
        Ok(Items { kept, .. }) => Ok(kept),
        Err(error) if error.classify() == Category::Data => {
            let as_json = serde_json::from_slice::<IgnoredAny>(text);
            Err(Refusal::of_json(&as_json.err().unwrap_or(error)))
        }
        Err(error) => Err(Refusal::of_json(&error)),
    }
}

/// Reads a batch of any length and keeps as many items as it may have.
#[derive(Clone, Copy)]
struct Batch {
    max_items: usize,
}

struct Items<'a> {
    kept: Vec<Envelope<'a>>,
    count: usize,
}

impl<'de> DeserializeSeed<'de> for Batch {
    type Value = Items<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Items<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Batch {
    type Value = Items<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of envelopes, or an object with the array `items`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Items<'de>, A::Error> {
        let (mut kept, mut count) = (Vec::new(), 0);
        while let Some(item) = items.next_element()? {
            count += 1;
            if count <= self.max_items {
                kept.push(item);
            }
        }
        Ok(Items { kept, count })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Items<'de>, A::Error> {
        let mut items = None;
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            if key != "items" {
                map.next_value::<IgnoredAny>()?;
            } else if items.replace(map.next_value_seed(BareBatch(self))?).is_some() {
                return Err(A::Error::duplicate_field("items"));
            }
        }
        items.ok_or_else(|| A::Error::missing_field("items"))
    }
}

/// The array itself: an object with `items` in an object with `items` is none.
struct BareBatch(Batch);

impl<'de> DeserializeSeed<'de> for BareBatch {
    type Value = Items<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Items<'de>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for BareBatch {
    type Value = Items<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of envelopes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Items<'de>, A::Error> {
        self.0.visit_seq(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> Refusal {
        batch(text.as_bytes(), 2).unwrap_err()
    }

    #[test]
    fn a_batch_is_an_array_or_an_object_with_items() {
        let item = r#"{"alg":"a","kid":"k","msg_b64":"m","sig_b64":"s","more":[{}]}"#;
        for text in [
            format!("[{item},{item}]"),
            format!(r#"{{"items":[{item},{item}]}}"#),
            format!(r#" {{"before":{{"items":1}},"items":[{item},{item}],"after":null}} "#),
        ] {
            assert_eq!(batch(text.as_bytes(), 2).unwrap().len(), 2, "{text}");
        }
        assert_eq!(batch(b"[]", 2).unwrap().len(), 0);
    }

    #[test]
    fn what_is_no_json_comes_before_its_shape_and_its_shape_before_its_length() {
        let item = r#"{"alg":"a","kid":"k","msg_b64":"m","sig_b64":"s"}"#;
        for text in ["", "[", "[1,", r#"[{"alg":5},"#, "[] []", "{\"items\":[1]", "nope"] {
            assert!(matches!(refusal(text), Refusal::NotJson(..)), "{text}");
        }
        for text in ["1", "null", "[1]", r#"[{"alg":5}]"#, "{}", r#"{"envelopes":[]}"#, r#"{"items":{"items":[]}}"#] {
            assert!(matches!(refusal(text), Refusal::WrongShape(..)), "{text}");
        }
        assert_eq!(refusal(&format!("[{item},{item},{item}]")), Refusal::BatchTooLarge);
        assert!(matches!(refusal(&format!("[{item},{item},{item},1]")), Refusal::WrongShape(..)));
        assert!(matches!(refusal(r#"{"items":[],"items":[]}"#), Refusal::WrongShape(..)));
    }
}
