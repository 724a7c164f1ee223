//! Recorded decisions, without what was decided: that is what digests are for.

use std::net::IpAddr;
use std::path::Path;

use ron_auth_core::{KeyName, MacKey, MacKeyProvider, RequestCtx};
use serde_json::Value;

/// A token's text, with the request that it came with.
pub(crate) type Item = (String, RequestCtx<'static>);

/// The rule in the file's header: a key for each name, except that key ids which begin with "gone" have none.
pub(crate) struct KeyRule;

impl MacKeyProvider for KeyRule {
    fn key_for(&self, KeyName { tid, kid }: KeyName<'_>) -> Option<MacKey> {
        let is_known = !kid.starts_with("gone");
        is_known.then(|| MacKey::new(*blake3::hash(format!("{tid}/{kid}").as_bytes()).as_bytes()))
    }
}

/// Reads a file of recorded decisions.
pub(crate) fn read(path: &Path) -> Result<Vec<Item>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let file: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let cases = file.get("cases").and_then(Value::as_array).ok_or("no list of cases")?;
    let items: Option<Vec<_>> = cases.iter().map(item).collect();
    items.filter(|items| !items.is_empty()).ok_or_else(|| "no cases, or one without a token or a request".to_owned())
}

fn item(case: &Value) -> Option<Item> {
    let ctx = case.get("ctx")?;
    let text = |name: &str| ctx.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut request =
        RequestCtx::new(ctx.get("now_unix_s")?.as_u64()?, text("method")?, text("path")?, text("tenant")?)
            .peer_ip(text("peer_ip").and_then(|peer| peer.parse::<IpAddr>().ok()))
            .content_len(ctx.get("content_len").and_then(Value::as_u64))
            .amnesia(ctx.get("amnesia")?.as_bool()?);
    if let Some(name) = text("audience_and_policy_digest") {
        request = request.audience(name.clone()).policy_digest(name);
    }
    Some((case.get("token")?.as_str()?.to_owned(), request))
}
