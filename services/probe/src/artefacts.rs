//! Messages, envelopes of them, and capability tokens: all different, made by svc-passport, and good for an hour.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::Fault;
use crate::connection::{Connection, post};
use crate::plane::SECRET;
use crate::questions::{ACTION, AUDIENCE, BATCH, TENANT};

/// Batches that are sent in turns. A probe is started for each block of a measurement, and so makes few.
const BATCHES: usize = 2;
/// Seconds that they are good for: as long as svc-passport mints tokens for at most.
const LIFE_S: u64 = 3_600;
/// How far from its end a text is changed. The last 43 characters of a token are its MAC's; 86 of a signature's are
/// followed by two that are none.
const CHANGED_AT: usize = 20;

/// The same number of each.
pub(crate) struct Artefacts {
    /// What envelopes say.
    pub(crate) messages: Vec<Value>,
    pub(crate) envelopes: Vec<Value>,
    pub(crate) tokens: Vec<String>,
}

impl Artefacts {
    /// Has svc-passport make them.
    pub(crate) async fn made_by(passport: &mut Connection) -> Result<Self, Fault> {
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let (mut messages, mut envelopes, mut tokens) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..BATCH * BATCHES {
            let message = message(number, now_s);
            envelopes.push(enveloped(passport, &message).await?);
            messages.push(message);
            tokens.push(minted(passport, number).await?);
        }
        Ok(Self { messages, envelopes, tokens })
    }
}

/// What somebody who may read says of himself.
fn message(number: usize, now_s: u64) -> Value {
    let subject = format!("reader-{number}");
    json!({"aud": [AUDIENCE], "exp": now_s + LIFE_S, "iat": now_s, "roles": ["reader"], "sub": subject})
}

async fn enveloped(passport: &mut Connection, message: &Value) -> Result<Value, Fault> {
    // Keys in order and nothing between: the text is the canonical one, which is what is signed.
    let text = message.to_string();
    let envelope = asked(passport, &post("/v1/passport/issue", "", &text)).await?;
    if envelope.get("msg_b64") != Some(&json!(BASE64_STANDARD.encode(&text))) {
        return Err(format!("an envelope of another message than {text}: {envelope}").into());
    }
    Ok(envelope)
}

/// A light token: five caveats, its end among them. Each has a path of its own.
async fn minted(passport: &mut Connection, number: usize) -> Result<String, Fault> {
    let order = json!({
        "tenant": TENANT, "ttl_s": LIFE_S, "scope": {"prefix": "/index/", "methods": [ACTION], "max_bytes": null},
        "caveats": [
            {"aud": AUDIENCE}, {"path_prefix": format!("/index/{number}/")}, {"method": [ACTION]}, {"tenant": TENANT}
        ],
    });
    let who = format!("Authorization: Bearer {SECRET}\r\n");
    let minted = asked(passport, &post("/v1/passport/capability", &who, &order.to_string())).await?;
    let token = minted.get("token").and_then(Value::as_str).ok_or_else(|| format!("no token: {minted}"))?;
    Ok(token.to_owned())
}

async fn asked(passport: &mut Connection, request: &[u8]) -> Result<Value, Fault> {
    let answer = passport.ask(request).await?;
    if answer.status != 200 {
        return Err(format!("svc-passport: {} {}", answer.status, String::from_utf8_lossy(answer.body)).into());
    }
    Ok(serde_json::from_slice(answer.body)?)
}

/// The token, or a signature, as nobody made it.
pub(crate) fn forged(text: &str) -> String {
    let at = text.len().saturating_sub(CHANGED_AT);
    let (before, after) = text.split_at_checked(at).unwrap_or_default();
    let other = if after.starts_with('A') { 'B' } else { 'A' };
    format!("{before}{other}{}", after.get(1..).unwrap_or_default())
}

/// The envelope with a signature that nobody made.
pub(crate) fn forged_envelope(envelope: &Value) -> Value {
    let mut envelope = envelope.clone();
    if let Some(Value::String(signature)) = envelope.get_mut("sig_b64") {
        *signature = forged(signature);
    }
    envelope
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_forged_is_as_long_as_it_was_and_differs_in_one_character() {
        for genuine in ["A".repeat(88), "x".repeat(300)] {
            let forged = forged(&genuine);
            assert_eq!(forged.len(), genuine.len());
            assert_eq!(forged.bytes().zip(genuine.bytes()).filter(|(a, b)| a != b).count(), 1);
        }
    }
}
