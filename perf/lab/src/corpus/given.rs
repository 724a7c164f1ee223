//! What a service says about itself so that its tokens can be judged: a file of keys, and a file with the request and
//! the verifier's settings. No part of a key is ever printed or written.
//!
//! ```toml
//! # keys.toml
//! [[key]]
//! tid = "acme"
//! kid = "2025-11"
//! hex = "…"                  # 64 hex digits; or file = "path" of 32 bytes or 64 hex digits
//!
//! # context.toml
//! now = 1762700000           # seconds since the Unix epoch, or "now"
//! method = "GET"
//! path = "/api/v1/objects/42"
//! tenant = "acme"
//! peer_ip = "10.20.30.40"    # from here on, what is left out is unknown
//! audience = "objects.example"
//! policy_digest = "b3:9f2c"
//! content_len = 2048
//! amnesia = false
//!
//! [config]                   # fields of `VerifierConfig`; what is left out is the default
//! semantics = "strict"       # or "compat"
//! clock_skew_secs = 60
//!
//! [[handler]]                # of custom caveats of this namespace: all hold, but those with these values, in hex
//! ns = "quota"
//! refuses = ["f4"]
//! ```

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow};
use fairbench::files::read_toml;
use ron_auth_core::{CustomCaveat, KeyName, KeyRing, MacKey, RequestCtx, VerifierConfig};
use serde::Deserialize;

use super::shape::ConfigShape;

const EXPECTED_KEYS: &str = "[[key]] with tid, kid, and hex = \"64 hex digits\" or file = \"path\"";
const EXPECTED_CONTEXT: &str =
    "now, method, path, tenant, and what else is known of the request; [config]; [[handler]]";

/// Reads a file of keys.
///
/// # Errors
/// The errors of [`read_toml`]; a key that has not 32 bytes, by its place; a file that it names and that cannot be
/// read.
pub fn read_keys(path: &Path) -> anyhow::Result<KeyRing> {
    let file: KeyFile = read_toml(path, EXPECTED_KEYS)?;
    let mut keys = KeyRing::new();
    for (number, key) in file.key.into_iter().enumerate() {
        let mac_key = match key.from {
            KeyFrom::Hex(key) => key,
            KeyFrom::File(file) => {
                let file = path.parent().unwrap_or(Path::new("")).join(file);
                key_of_file(&file).with_context(|| format!("{}: key {}", path.display(), number + 1))?
            }
        };
        keys.insert(KeyName { tid: &key.tid, kid: &key.kid }, mac_key);
    }
    Ok(keys)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    key: Vec<NamedKey>,
}

#[derive(Deserialize)]
#[serde(try_from = "WrittenKey")]
struct NamedKey {
    tid: String,
    kid: String,
    from: KeyFrom,
}

enum KeyFrom {
    Hex(MacKey),
    File(PathBuf),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenKey {
    tid: String,
    kid: String,
    hex: Option<HexKey>,
    file: Option<PathBuf>,
}

/// A key in hex digits. It is read from any value, so that an error can be reported here, without showing the value.
#[derive(Deserialize)]
#[serde(try_from = "toml::Value")]
struct HexKey(MacKey);

impl TryFrom<toml::Value> for HexKey {
    type Error = &'static str;

    fn try_from(value: toml::Value) -> Result<Self, &'static str> {
        let key = value.as_str().and_then(|digits| bytes_of_hex(digits)?.try_into().ok());
        key.map(|key| Self(MacKey::new(key))).ok_or("not a string of 64 hex digits")
    }
}

impl TryFrom<WrittenKey> for NamedKey {
    type Error = &'static str;

    fn try_from(written: WrittenKey) -> Result<Self, &'static str> {
        let from = match (written.hex, written.file) {
            (Some(HexKey(key)), None) => KeyFrom::Hex(key),
            (None, Some(file)) => KeyFrom::File(file),
            _ => return Err("a key has either hex or file"),
        };
        Ok(Self { tid: written.tid, kid: written.kid, from })
    }
}

/// Reads a file with one key: 32 bytes, or 64 hex digits.
///
/// # Errors
/// The file cannot be read or holds no key.
pub(crate) fn key_of_file(path: &Path) -> anyhow::Result<MacKey> {
    let what = "expected 32 bytes, or 64 hex digits";
    let content = fs::read(path).map_err(|error| anyhow!("{}: {error}; {what}", path.display()))?;
    let of_digits = || bytes_of_hex(str::from_utf8(&content).ok()?.trim())?.try_into().ok();
    let key = <[u8; 32]>::try_from(&*content).ok().or_else(of_digits);
    Ok(MacKey::new(key.ok_or_else(|| anyhow!("{}: not a key; {what}", path.display()))?))
}

/// The bytes that these hex digits stand for; `None` if the text is something else.
pub(crate) fn bytes_of_hex(digits: &str) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()).collect()
}

/// Reads a context file: the request, and the verifier's settings with handlers.
///
/// # Errors
/// The errors of [`read_toml`].
pub fn read_context(path: &Path) -> anyhow::Result<(RequestCtx<'static>, VerifierConfig)> {
    let file: ContextFile = read_toml(path, EXPECTED_CONTEXT)?;
    let mut ctx = RequestCtx::new(file.now.unix_s(), file.method, file.path, file.tenant)
        .peer_ip(file.peer_ip)
        .content_len(file.content_len)
        .amnesia(file.amnesia);
    if let Some(audience) = file.audience {
        ctx = ctx.audience(audience);
    }
    if let Some(policy_digest) = file.policy_digest {
        ctx = ctx.policy_digest(policy_digest);
    }
    let config = file.handler.into_iter().fold(file.config.config(), |config, Handler { ns, refuses }| {
        config.with_custom_handler(ns, move |caveat: &CustomCaveat<'_>, _: &RequestCtx<'_>| {
            let is_refused = refuses.iter().any(|Hex(value)| value == caveat.cbor());
            if is_refused { Err("refused".into()) } else { Ok(()) }
        })
    });
    Ok((ctx, config))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContextFile {
    now: Now,
    method: String,
    path: String,
    tenant: String,
    peer_ip: Option<IpAddr>,
    audience: Option<String>,
    policy_digest: Option<String>,
    content_len: Option<u64>,
    #[serde(default)]
    amnesia: bool,
    #[serde(default)]
    config: ConfigShape,
    #[serde(default)]
    handler: Vec<Handler>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a time in seconds since the Unix epoch, or \"now\"")]
enum Now {
    UnixS(u64),
    Word(NowWord),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum NowWord {
    Now,
}

impl Now {
    fn unix_s(&self) -> u64 {
        match self {
            Self::UnixS(at) => *at,
            Self::Word(NowWord::Now) => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Handler {
    ns: String,
    #[serde(default)]
    refuses: Vec<Hex>,
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Hex(Vec<u8>);

impl TryFrom<String> for Hex {
    type Error = &'static str;

    fn try_from(digits: String) -> Result<Self, &'static str> {
        bytes_of_hex(&digits).map(Self).ok_or("a value is an even number of hex digits")
    }
}

#[cfg(test)]
mod tests {
    use ron_auth_core::MacKeyProvider as _;

    use super::*;

    const DIGITS: &str = "0707070707070707070707070707070707070707070707070707070707070707";

    fn written(name: &str, content: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, content).unwrap();
        (dir, path)
    }

    #[test]
    fn keys_are_read_from_hex_and_from_files_beside_the_file() {
        let (dir, path) = written(
            "keys.toml",
            &format!(
                "[[key]]\ntid='a'\nkid='1'\nhex='{DIGITS}'\n[[key]]\ntid='a'\nkid='2'\nfile='raw'\n\
                 [[key]]\ntid='b'\nkid='1'\nfile='digits'\n"
            ),
        );
        fs::write(dir.path().join("raw"), [8; 32]).unwrap();
        fs::write(dir.path().join("digits"), format!("{DIGITS}\n")).unwrap();
        let keys = read_keys(&path).unwrap();
        for (tid, kid, byte) in [("a", "1", 7), ("a", "2", 8), ("b", "1", 7)] {
            assert_eq!(keys.key_for(KeyName { tid, kid }).unwrap().as_bytes(), &[byte; 32]);
        }
    }

    #[test]
    fn what_is_wrong_with_a_key_is_named_with_its_line_and_without_its_digits() {
        for (last, place, what) in [
            ("hex = '07070707'", "keys.toml:4: ", "64 hex digits"),
            ("hex = 70707070", "keys.toml:4: ", "64 hex digits"),
            ("hex = 07070707", "keys.toml:4: ", ""),
            ("hexa = '07070707'", "keys.toml:4: ", "unknown field `hexa`"),
            ("", "keys.toml:1: ", "either hex or file"),
            ("file = 'none'", "keys.toml: key 1: ", "none: "),
        ] {
            let (_dir, path) = written("keys.toml", &format!("[[key]]\ntid = 'a'\nkid = '1'\n{last}\n"));
            let error = format!("{:#}", read_keys(&path).unwrap_err());
            assert!(error.contains(place) && error.contains(what), "{last}: {error}");
            assert!(!error.contains("0707"), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }

    #[test]
    fn a_context_has_all_that_a_request_and_a_config_have() {
        let (_dir, path) = written(
            "context.toml",
            "now = 100\nmethod = 'get'\npath = '/x'\ntenant = 't'\npeer_ip = '::1'\naudience = 'a'\n\
             policy_digest = 'd'\ncontent_len = 5\namnesia = true\n[config]\nmax_caveats = 3\nsemantics = 'compat'\n\
             [[handler]]\nns = 'quota'\nrefuses = ['f4']\n",
        );
        let (ctx, config) = read_context(&path).unwrap();
        assert_eq!((ctx.now_unix_s(), ctx.method(), ctx.path(), ctx.tenant()), (100, "GET", "/x", "t"));
        assert_eq!((ctx.known_audience(), ctx.known_policy_digest()), (Some("a"), Some("d")));
        assert_eq!((ctx.known_content_len(), ctx.is_amnesia()), (Some(5), true));
        assert_eq!(ctx.known_peer_ip(), Some(IpAddr::V6(std::net::Ipv6Addr::LOCALHOST)));
        assert_eq!((config.max_caveats, config.max_token_bytes), (3, VerifierConfig::default().max_token_bytes));
        assert_eq!(config.semantics, ron_auth_core::Semantics::Compat);
        assert!(format!("{config:?}").contains("quota"));
    }

    #[test]
    fn what_is_wrong_with_a_context_is_named_with_its_line() {
        let good = "now = \"now\"\nmethod = 'GET'\npath = '/x'\ntenant = 't'\n";
        let (_dir, path) = written("context.toml", good);
        assert!(read_context(&path).unwrap().0.now_unix_s() > 1_762_700_000);
        for (more, line, what) in [
            ("peer = '::1'", 5, "unknown field `peer`"),
            ("peer_ip = 'localhost'", 5, "invalid IP address"),
            ("[config]\nmax_caveat = 3", 6, "unknown field `max_caveat`"),
            ("[config]\nsemantics = 'lax'", 6, "unknown variant `lax`"),
            ("[[handler]]\nns = 'q'\nrefuses = ['f']", 7, "even number of hex digits"),
        ] {
            let (_dir, path) = written("context.toml", &format!("{good}{more}\n"));
            let error = read_context(&path).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(&format!("context.toml:{line}: ")) && error.contains(what), "{error}");
        }
    }
}
