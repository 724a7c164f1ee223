//! What the dearest token of a length costs: time compared with an ordinary one, memory compared with its own length.
//!
//! Whoever can send a token picks it, so what an average one takes says nothing about a service under attack. A
//! [`recipe`] is a way to fill so many bytes with what costs most; [`search`] looks for the dearest, for each engine
//! and length anew, because what is cheap in one decoder is dear in the next. The [`ordinary`](ordinary()) token that
//! it is held against has the same length and the caveats of `light`, over and over; both are [`measured`] in blocks,
//! as [lots](lot) of tokens that fresh processes are told of. [`memory`] counts what verifying allocates before the MAC
//! has been checked, for recipes and for tokens that [claim](claims) more than they hold.

pub mod claims;
pub mod lot;
pub mod measured;
pub mod memory;
mod ordinary;
pub mod recipe;
pub mod search;
pub mod work;

use std::net::{IpAddr, Ipv6Addr};

use ron_auth_core::{MacKey, RequestCtx, VerifierConfig};

pub use ordinary::ordinary;

/// The most time that a token may take, as a multiple of an ordinary one's.
pub const MOST_TIMES: f64 = 3.0;
/// Bytes of CBOR of the tokens that are tried: from little more than a token without a caveat to the default bound.
pub const LENGTHS: [usize; 6] = [128, 256, 512, 1024, 2048, 4096];

const NOW_UNIX_S: u64 = 1_762_700_000;
const TENANT: &str = "test";
const AUDIENCE: &str = "aud-demo";
const PATH: &str = "/index/docs/42";
/// Address in the net that hostile tokens name again and again.
const PEER: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x1111, 0x2222, 0x3333, 0x4444, 0x5555, 0x6666, 0x7777);

/// The key of every token, whatever its key id: ids differ, so that no two tokens of a batch share a look-up.
#[must_use]
pub const fn key() -> MacKey {
    MacKey::new([7; 32])
}

/// The request that all tokens are judged against.
#[must_use]
pub fn request() -> RequestCtx<'static> {
    RequestCtx::new(NOW_UNIX_S, "GET", PATH, TENANT)
        .audience(AUDIENCE)
        .policy_digest("sha256:0")
        .peer_ip(IpAddr::V6(PEER))
        .content_len(4096)
}

/// The default settings, with one thread whatever the batch size.
#[must_use]
pub fn settings() -> VerifierConfig {
    let mut config = VerifierConfig::default();
    config.par_min_batch = usize::MAX;
    config
}
