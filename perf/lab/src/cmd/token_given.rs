//! Options of the `token` commands: keys, the request, settings.

use std::convert::Infallible;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args as ClapArgs;
use fairbench::exit::Failure;
use ron_auth_core::{KeyName, MacKey, MacKeyProvider, RequestCtx, Semantics, VerifierConfig};

use crate::corpus::given::{bytes_of_hex, key_of_file, read_context, read_keys};

/// Options for the keys to verify with.
#[derive(Debug, ClapArgs)]
pub(super) struct Keys {
    #[command(flatten)]
    from: KeyFrom,
    /// The key is of this key id alone: a token of another is refused
    #[arg(long, conflicts_with = "keys")]
    kid: Option<String>,
}

#[derive(Debug, ClapArgs)]
#[group(required = true, multiple = false)]
struct KeyFrom {
    /// The MAC key, in 64 hex digits. Others of this machine can see it there: better --key-file
    #[arg(long, value_name = "HEX")]
    key: Option<Secret>,
    /// File with the MAC key: 32 bytes, or 64 hex digits
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// File with keys by tenant namespace and key id: TOML, as of `corpus import`
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
}

/// A key on the command line. Any text is accepted here, so that an error can be reported later without showing the
/// text.
#[derive(Clone)]
struct Secret(String);

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

impl Secret {
    fn key(&self) -> Result<MacKey, Failure> {
        let key = bytes_of_hex(&self.0).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        key.map(MacKey::new).ok_or_else(|| Failure::usage("--key: not 64 hex digits"))
    }
}

/// Options for the key to mint with.
#[derive(Debug, ClapArgs)]
#[group(required = true, multiple = false)]
pub(super) struct MintKey {
    /// The MAC key, in 64 hex digits. Others of this machine can see it there: better --key-file
    #[arg(long, value_name = "HEX")]
    key: Option<Secret>,
    /// File with the MAC key: 32 bytes, or 64 hex digits
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

impl MintKey {
    pub(super) fn key(&self) -> Result<MacKey, Failure> {
        match self {
            Self { key: Some(secret), .. } => secret.key(),
            Self { key_file: Some(path), .. } => Ok(key_of_file(path)?),
            _ => Err(Failure::usage("a key is needed: --key or --key-file")),
        }
    }
}

/// A single key, for one key id or for all.
struct OneKey {
    kid: Option<String>,
    key: MacKey,
}

impl MacKeyProvider for OneKey {
    fn key_for(&self, name: KeyName<'_>) -> Option<MacKey> {
        self.kid.as_ref().is_none_or(|ours| ours == name.kid).then(|| self.key.clone())
    }
}

impl Keys {
    pub(super) fn provider(&self) -> Result<Box<dyn MacKeyProvider>, Failure> {
        let key = match &self.from {
            KeyFrom { key: Some(secret), .. } => secret.key()?,
            KeyFrom { key_file: Some(path), .. } => key_of_file(path)?,
            KeyFrom { keys: Some(path), .. } => return Ok(Box::new(read_keys(path)?)),
            _ => return Err(Failure::usage("a key is needed: --key, --key-file or --keys")),
        };
        Ok(Box::new(OneKey { kid: self.kid.clone(), key }))
    }
}

/// Options for the request, and for how it is judged.
#[derive(Debug, ClapArgs)]
pub(super) struct GivenRequest {
    /// File with request, settings and handlers, as of `corpus import`, in place of the options below
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "method", "path", "tenant", "now", "peer", "audience", "policy_digest", "content_len", "amnesia", "skew",
        "compat", "strict",
    ])]
    context: Option<PathBuf>,
    /// The request's method
    #[arg(long, required_unless_present = "context")]
    method: Option<String>,
    /// The request's path, without query
    #[arg(long, required_unless_present = "context")]
    path: Option<String>,
    /// The tenant that the request is for
    #[arg(long, required_unless_present = "context")]
    tenant: Option<String>,
    /// The time, in seconds since the Unix epoch [default: this machine's clock]
    #[arg(long, value_name = "SECONDS")]
    now: Option<u64>,
    /// The peer's address [default: unknown]
    #[arg(long, value_name = "IP")]
    peer: Option<IpAddr>,
    /// Who the service is [default: unknown]
    #[arg(long)]
    audience: Option<String>,
    /// Digest of the policy in force [default: unknown]
    #[arg(long, value_name = "DIGEST")]
    policy_digest: Option<String>,
    /// Length of the request's body in bytes [default: unknown]
    #[arg(long, value_name = "BYTES")]
    content_len: Option<u64>,
    /// The service runs in amnesia mode
    #[arg(long)]
    amnesia: bool,
    /// By how much clocks may differ, in seconds [default: 60]
    #[arg(long, value_name = "SECONDS")]
    skew: Option<u64>,
    /// Judge under the strict semantics [default]
    #[arg(long, conflicts_with = "compat")]
    strict: bool,
    /// Judge under the compat semantics
    #[arg(long)]
    compat: bool,
}

impl GivenRequest {
    pub(super) fn settle(&self) -> Result<(RequestCtx<'static>, VerifierConfig), Failure> {
        if let Some(path) = &self.context {
            return Ok(read_context(path)?);
        }
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let mut ctx = RequestCtx::new(
            self.now.unwrap_or_else(clock_unix_s),
            text(&self.method),
            text(&self.path),
            text(&self.tenant),
        )
        .peer_ip(self.peer)
        .content_len(self.content_len)
        .amnesia(self.amnesia);
        if let Some(audience) = &self.audience {
            ctx = ctx.audience(audience.clone());
        }
        if let Some(digest) = &self.policy_digest {
            ctx = ctx.policy_digest(digest.clone());
        }
        let semantics = if self.compat { Semantics::Compat } else { Semantics::Strict };
        let mut config = VerifierConfig::default().with_semantics(semantics);
        config.clock_skew_secs = self.skew.unwrap_or(config.clock_skew_secs);
        Ok((ctx, config))
    }
}

pub(super) fn clock_unix_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
