use serde_json::{Value, json};

/// The envelope with its signature's first byte changed.
pub fn tampered(envelope: &Value) -> Value {
    let signature = envelope["sig_b64"].as_str().unwrap();
    let first = if signature.starts_with('A') { "B" } else { "A" };
    with(envelope, "sig_b64", json!(format!("{first}{}", &signature[1..])))
}

/// The value with one field changed; `null` takes it away.
pub fn with(value: &Value, field: &str, to: Value) -> Value {
    let mut value = value.clone();
    match to {
        Value::Null => drop(value.as_object_mut().unwrap().remove(field)),
        to => value[field] = to,
    }
    value
}
