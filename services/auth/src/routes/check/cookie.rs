//! Cookies that repeat a permit for a while: what was permitted to whom, and until when, under a keyed BLAKE3.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ron_service::axum::http::{HeaderMap, HeaderValue, header};

use super::Bearing;
use super::asked::Sought;
use crate::config::Check;

/// Browsers take a cookie of this prefix over TLS alone.
const NAME: &str = "__Secure-ron-auth";
/// Cookies of this name that are looked at: a browser sends one for each prefix of the path.
const MOST: usize = 8;
/// A longer value is not set: browsers would drop it.
const MOST_BYTES: usize = 3_000;
/// Separates these MACs from all others under the same key.
const CONTEXT: &str = "ron-auth svc-auth 2026-11 decision cookie";
/// Stands for a text that is not there. Base64URL has no such character.
const NONE: &str = "~";

/// Makes cookies, and knows its own.
pub(crate) struct Cookies {
    key: [u8; 32],
    ttl_ms: u64,
}

/// Why there can be no cookies. One line.
#[derive(Debug, thiserror::Error)]
#[error("check.cookie_key_file: {0}")]
pub struct BadCookieKey(String);

impl Cookies {
    /// Those that are configured, if any are.
    pub(crate) fn of(settings: &Check) -> Result<Option<Self>, BadCookieKey> {
        let Some(path) = &settings.cookie_key_file else { return Ok(None) };
        let key = key(path).map_err(|reason| BadCookieKey(format!("{}: {reason}", path.display())))?;
        Ok(Some(Self { key, ttl_ms: settings.cookie_ttl_s * 1_000 }))
    }

    /// The header that sets a cookie for what was just permitted. `None` if there is no time left for it.
    pub(super) fn set(&self, now_ms: u64, bearing: &Bearing, sought: Sought<'_>, policy: &str) -> Option<HeaderValue> {
        let end_ms = now_ms.saturating_add(self.ttl_ms).min(bearing.exp_ms.unwrap_or(u64::MAX));
        let left_s = end_ms.saturating_sub(now_ms).div_ceil(1_000);
        let (sub, tenant) = (encoded(bearing.sub.as_deref()), encoded(bearing.tenant.as_deref()));
        let mac = self.mac(end_ms, &sub, &tenant, sought, policy);
        let value = format!("{end_ms}.{sub}.{tenant}.{mac}");
        if left_s == 0 || value.len() > MOST_BYTES {
            return None;
        }
        // The path is plain, so nothing in it ends the attribute.
        let path = sought.path;
        let text = format!("{NAME}={value}; Path={path}; Max-Age={left_s}; HttpOnly; Secure; SameSite=Strict");
        HeaderValue::try_from(text).ok()
    }

    /// Whose cookie for the same is shown, if there is one whose end has not come.
    pub(super) fn shown(&self, now_ms: u64, headers: &HeaderMap, sought: Sought<'_>, policy: &str) -> Option<Bearing> {
        let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = pairs.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut ours = pairs.filter(|(name, _)| *name == NAME).take(MOST);
        ours.find_map(|(_, value)| self.read(now_ms, value, sought, policy))
    }

    fn read(&self, now_ms: u64, value: &str, sought: Sought<'_>, policy: &str) -> Option<Bearing> {
        let mut parts = value.split('.');
        let (Some(end), Some(sub), Some(tenant), Some(mac), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let end_ms = end.parse().ok()?;
        let mac = blake3::Hash::from_hex(mac).ok()?;
        // The equality of digests is that of constant time.
        if mac != self.mac(end_ms, sub, tenant, sought, policy) {
            return None;
        }
        // After a clock that went back, too, none is good for longer than any may be.
        let is_now = now_ms < end_ms && end_ms - now_ms <= self.ttl_ms;
        is_now.then_some(Bearing { sub: decoded(sub)?, tenant: decoded(tenant)?, exp_ms: Some(end_ms) })
    }

    fn mac(&self, end_ms: u64, sub: &str, tenant: &str, sought: Sought<'_>, policy: &str) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&end_ms.to_le_bytes());
        // With their lengths: where one ends and the next begins must not be open.
        for part in [sub, tenant, sought.method, sought.path, policy] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize()
    }
}

fn key(path: &Path) -> Result<[u8; 32], String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let material = blake3::Hash::from_hex(text.lines().next().unwrap_or_default().trim_end())
        .map_err(|_| "expected 64 hexadecimal digits in the first line, such as openssl rand -hex 32 prints")?;
    Ok(blake3::derive_key(CONTEXT, material.as_bytes()))
}

fn encoded(text: Option<&str>) -> String {
    text.map_or_else(|| NONE.to_owned(), |text| BASE64_URL_SAFE_NO_PAD.encode(text))
}

fn decoded(text: &str) -> Option<Option<String>> {
    if text == NONE {
        return Some(None);
    }
    String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUGHT: Sought<'_> = Sought { method: "GET", path: "/a" };

    fn cookies(key: u8) -> Cookies {
        Cookies { key: [key; 32], ttl_ms: 30_000 }
    }

    fn alice(exp_ms: Option<u64>) -> Bearing {
        Bearing { sub: Some("alice".to_owned()), tenant: None, exp_ms }
    }

    fn headers(set: &HeaderValue) -> HeaderMap {
        let pair = set.to_str().unwrap().split(';').next().unwrap();
        let text = format!("other=1; {NAME}=stale; {pair}");
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::try_from(text).unwrap())])
    }

    #[test]
    fn a_cookie_is_good_for_the_same_alone_and_until_its_end() {
        let headers = headers(&cookies(1).set(1_000, &alice(None), SOUGHT, "digest").unwrap());
        let shown = |now, sought, digest| cookies(1).shown(now, &headers, sought, digest);
        assert_eq!(shown(1_000, SOUGHT, "digest").unwrap().sub.as_deref(), Some("alice"));
        assert!(shown(30_999, SOUGHT, "digest").is_some());
        assert!(shown(31_000, SOUGHT, "digest").is_none(), "its end");
        assert!(shown(999, SOUGHT, "digest").is_none(), "the clock went back");
        assert!(shown(1_000, SOUGHT, "other").is_none(), "another policy");
        assert!(shown(1_000, Sought { method: "PUT", ..SOUGHT }, "digest").is_none());
        assert!(shown(1_000, Sought { path: "/a/b", ..SOUGHT }, "digest").is_none());
        assert!(cookies(2).shown(1_000, &headers, SOUGHT, "digest").is_none(), "another key");
    }

    #[test]
    fn a_cookie_says_who_under_its_mac() {
        let set = cookies(1).set(1_000, &alice(None), SOUGHT, "digest").unwrap();
        let text = set.to_str().unwrap();
        let changed =
            [text.replacen("31000", "31001", 1), text.replacen(&encoded(Some("alice")), &encoded(Some("bob")), 1)];
        for changed in changed {
            assert_ne!(changed, text);
            let headers = headers(&HeaderValue::try_from(changed).unwrap());
            assert!(cookies(1).shown(1_000, &headers, SOUGHT, "digest").is_none());
        }
    }

    #[test]
    fn no_cookie_outlives_what_it_was_given_for() {
        let set = cookies(1).set(1_000, &alice(Some(3_500)), SOUGHT, "digest").unwrap();
        assert!(set.to_str().unwrap().contains("Max-Age=3; "), "{set:?}");
        let headers = headers(&set);
        assert!(cookies(1).shown(3_499, &headers, SOUGHT, "digest").is_some());
        assert!(cookies(1).shown(3_500, &headers, SOUGHT, "digest").is_none());
        assert!(cookies(1).set(3_500, &alice(Some(3_500)), SOUGHT, "digest").is_none(), "no time is left");
        let long = Bearing { sub: Some("x".repeat(4_000)), tenant: None, exp_ms: None };
        assert!(cookies(1).set(1_000, &long, SOUGHT, "digest").is_none());
    }
}
