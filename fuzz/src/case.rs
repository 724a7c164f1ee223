//! What the bytes of an input stand for: settings and requests first, a token then.

use std::net::IpAddr;

use arbitrary::Unstructured;
use ron_auth_core::{
    CaveatKind, CustomCaveat, Demands, KeyName, MacKey, MacKeyProvider, RequestCtx, Semantics, VerifierConfig,
};

use crate::token::{self, Subject};

/// How many bytes come before the token: settings, two requests, the batch, and what kind of token follows.
pub const HEAD_BYTES: usize = 6;

/// Everything that is checked on one input.
pub struct Case {
    pub(crate) settings: Settings,
    /// A batch. The first is the token that the input is about.
    pub(crate) items: Vec<(String, RequestCtx<'static>)>,
    /// Which of them were changed after signing.
    pub(crate) altered: Vec<usize>,
}

pub(crate) struct Settings {
    pub(crate) config: VerifierConfig,
    /// Which function and evaluator of a verifier has its turn.
    pub(crate) turn: usize,
}

/// One key for all, except that some key ids are unknown.
pub(crate) struct Keys;

pub(crate) fn key() -> MacKey {
    MacKey::new([7; 32])
}

impl MacKeyProvider for Keys {
    fn key_for(&self, name: KeyName<'_>) -> Option<MacKey> {
        (name.kid != "gone").then(key)
    }
}

/// Sizes of batches, at and beside the widths of lanes.
const SIZES: [usize; 12] = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33];

impl Case {
    /// Reads an input. Every input is one: bytes that are missing are zeros.
    pub fn read(input: &[u8]) -> Self {
        let mut bytes = Unstructured::new(input);
        let mut next = || bytes.arbitrary::<u8>().unwrap_or_default();
        let [settings, demands, first, second, batch, kind] = [(); HEAD_BYTES].map(|()| next());
        let Subject { text, altered_text } = token::subject(kind, &mut bytes);
        let size = SIZES[usize::from(batch) % SIZES.len()];
        let [good, long] = token::companions();
        let mut items = Vec::with_capacity(size);
        let mut altered = Vec::new();
        for place in 0..size {
            // The token alone, and beside good ones, damaged ones, and ones that share a request or don't.
            let text = match (place * usize::from(batch / 12 + 1)) % 5 {
                1 => good.clone(),
                2 if altered_text.is_some() => {
                    altered.push(place);
                    altered_text.clone().unwrap_or_default()
                }
                3 => long.clone(),
                _ => text.clone(),
            };
            items.push((text, request(if place % 3 == 2 { second } else { first })));
        }
        if let (1, Some(altered_text)) = (size, altered_text) {
            items.push((altered_text, request(second)));
            altered.push(1);
        }
        Self { settings: Settings { config: config(settings, demands), turn: usize::from(batch) }, items, altered }
    }
}

fn config(settings: u8, demands: u8) -> VerifierConfig {
    let bit = |bit: u8| settings >> bit & 1 == 1;
    let mut config =
        VerifierConfig::default().with_semantics(if bit(0) { Semantics::Compat } else { Semantics::Strict });
    if bit(1) {
        config = config.with_custom_handler("handled", |caveat: &CustomCaveat<'_>, ctx: &RequestCtx<'_>| {
            let holds = caveat.cbor() == [0xf6] || caveat.name() == ctx.tenant();
            if holds { Ok(()) } else { Err(format!("refused {}", caveat.name()).into()) }
        });
    }
    if bit(2) {
        (config.max_caveats, config.max_token_bytes) = (3, 300);
    }
    if bit(3) {
        config.clock_skew_secs = u64::MAX;
    }
    // Speed only.
    config.soa_threshold = if bit(4) { 0 } else { 2 };
    config.par_min_batch = if bit(5) && bit(6) { 1 } else { usize::MAX };
    let mut wanted = Demands::default();
    if demands & 1 == 1 {
        wanted = wanted.audience();
    }
    if demands & 2 == 2 {
        wanted = wanted.max_lifetime_secs(600);
    }
    if demands & 4 == 4 {
        wanted = wanted.caveat(CaveatKind::ALL[usize::from(demands >> 3) % CaveatKind::ALL.len()]);
    }
    config.with_demands(wanted)
}

pub(crate) const NOW_UNIX_S: u64 = 1_762_700_000;

fn request(which: u8) -> RequestCtx<'static> {
    let pick = |shift: u8, of: usize| usize::from(which >> shift) % of;
    let now = [NOW_UNIX_S, NOW_UNIX_S, 0, u64::MAX][pick(6, 4)];
    let (method, path) = [
        ("GET", "/index/1"),
        ("get", "/index"),
        ("X-PURGE", "/index/%2e%2e/x"),
        ("POST", "/index-admin"),
        ("GET", "/..;/index"),
        ("GET", "/"),
        ("GET", ""),
        ("DELETE", "/index/é"),
    ][pick(0, 8)];
    let ctx = RequestCtx::new(now, method, path, ["acme", "test"][pick(3, 2)]);
    // Everything known, or nothing.
    let peer = ["10.1.2.3", "2001:db8::7", "::ffff:10.1.2.3", ""][pick(4, 4)];
    let Ok(peer) = peer.parse::<IpAddr>() else { return ctx };
    ctx.peer_ip(peer).audience("aud-demo").policy_digest("9f86d081").content_len(100).amnesia(which & 1 == 1)
}
