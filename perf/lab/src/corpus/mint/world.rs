//! What all tokens of a corpus have in common: the request, the verifier's settings, names and keys.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use ron_auth_core::{CustomCaveat, KeyName, KeyRing, MacKey, RequestCtx, VerifierConfig};

use super::draw::{Draw, OTHERS, OURS, name};
use super::nets;
use crate::corpus::shape::{Method, SemanticsShape, Shape};

/// The reason that the handler of custom caveats gives for those with an odd last byte.
pub(super) const REFUSED: &str = "refused";

pub(super) struct MintWorld {
    pub(super) semantics: SemanticsShape,
    pub(super) ctx: RequestCtx<'static>,
    pub(super) config: VerifierConfig,
    /// The keys so far; more are added when they are asked for.
    pub(super) keys: KeyRing,
    /// The values of `Exp` that hold.
    pub(super) exp: RangeInclusive<u64>,
    /// The values of `Nbf` that hold.
    pub(super) nbf: RangeInclusive<u64>,
    /// The limits on the body that hold; empty if none does.
    pub(super) limit: RangeInclusive<u64>,
    pub(super) tids: Vec<String>,
    /// Texts of the nets, and whether they permit the peer.
    pub(super) nets: Vec<(String, bool)>,
    pub(super) namespaces: Vec<String>,
    pub(super) handled: HashSet<String>,
}

/// The key that signs a token, with its ids.
pub(super) struct Signer {
    pub(super) tid: String,
    pub(super) kid: String,
    pub(super) key: MacKey,
}

impl MintWorld {
    pub(super) fn new(shape: &Shape, draw: &mut Draw) -> Self {
        let Shape { settings, request, .. } = shape;
        let semantics = settings.semantics;
        let skew_s = settings.clock_skew_secs;
        let exp_floor = request.now.middle();
        let now_unix_s = exp_floor.saturating_add(skew_s);

        let path: Vec<String> = request.path_segment_bytes.iter().map(|bytes| draw.text(*bytes, OURS)).collect();
        let tenant = draw.text(request.tenant_bytes, OURS);
        let method = match &request.method {
            Method::Standard(name) => name.clone(),
            Method::Bytes(bytes) => draw.text(*bytes, OURS),
        };
        let peer = request.peer.map(|family| nets::peer_for(family, &shape.nets, draw));
        let content_len = request.content_len.map(|width| width.middle());
        let mut ctx =
            RequestCtx::new(now_unix_s, method, path.join("/"), tenant).peer_ip(peer).content_len(content_len);
        if let Some(bytes) = request.audience_bytes {
            ctx = ctx.audience(draw.text(bytes, OURS));
        }
        if let Some(bytes) = request.policy_digest_bytes {
            ctx = ctx.policy_digest(draw.text(bytes, OURS));
        }

        let tids = shape.tenants.iter().enumerate().map(|(number, tenant)| {
            let is_ours = tenant.is_ours && tenant.tid_bytes == request.tenant_bytes;
            if is_ours { ctx.tenant().to_owned() } else { name(number, tenant.tid_bytes, OTHERS) }
        });
        let tids = tids.collect();
        let nets = shape.nets.iter().map(|net| nets::net_for(*net, peer, semantics, draw)).collect();
        let mut config = settings.config();
        let (mut namespaces, mut handled) = (Vec::new(), HashSet::new());
        for (number, namespace) in shape.namespaces.iter().enumerate() {
            let ns = name(number, namespace.ns_bytes, OTHERS);
            if namespace.is_handled {
                config = config.with_custom_handler(&*ns, |caveat: &CustomCaveat<'_>, _: &RequestCtx<'_>| {
                    if is_refused(caveat.cbor()) { Err(REFUSED.into()) } else { Ok(()) }
                });
                handled.insert(ns.clone());
            }
            namespaces.push(ns);
        }
        let nothing = RangeInclusive::new(1, 0);
        let mut world = Self {
            semantics,
            exp: exp_floor..=u64::MAX,
            nbf: 0..=now_unix_s.saturating_add(skew_s),
            limit: match (content_len, semantics) {
                (Some(len), _) => len..=u64::MAX,
                (None, SemanticsShape::Compat) => 0..=u64::MAX,
                (None, SemanticsShape::Strict) => nothing,
            },
            ctx,
            config,
            keys: KeyRing::new(),
            tids,
            nets,
            namespaces,
            handled,
        };
        for number in 0..shape.keys.len() {
            world.signer(shape, number, 0);
        }
        world
    }

    /// The signer with key `number`, or with another of the same lengths, which `spare` counts.
    pub(super) fn signer(&mut self, shape: &Shape, number: usize, spare: usize) -> Signer {
        let key = shape.keys.get(number);
        let tid = key.and_then(|key| self.tids.get(key.tenant)).cloned().unwrap_or_default();
        let kid_number = number + spare * shape.keys.len();
        let kid = name(kid_number, key.map_or(0, |key| key.kid_bytes), &[OURS, OTHERS].concat());
        // From the names: should two keys come to have the same ones, they are the same key.
        let key_bytes = *blake3::hash(format!("synthetic {tid}/{kid}").as_bytes()).as_bytes();
        if key.is_some_and(|key| key.is_known) {
            self.keys.insert(KeyName { tid: &tid, kid: &kid }, MacKey::new(key_bytes));
        }
        Signer { tid, kid, key: MacKey::new(key_bytes) }
    }

    /// The audience that `Aud` must name.
    pub(super) fn audience(&self) -> Option<&str> {
        match self.semantics {
            SemanticsShape::Strict => self.ctx.known_audience(),
            SemanticsShape::Compat => self.ctx.known_policy_digest(),
        }
    }

    /// Whether a path prefix permits the request.
    pub(super) fn covers(&self, prefix: &str) -> bool {
        let path = self.ctx.path();
        let Some(rest) = path.strip_prefix(prefix) else { return false };
        let at_boundary = rest.is_empty() || rest.starts_with('/') || prefix.ends_with('/');
        self.semantics == SemanticsShape::Compat || at_boundary && !path.contains("//")
    }
}

/// Whether the handler refuses a custom caveat with this value.
fn is_refused(cbor: &[u8]) -> bool {
    cbor.last().is_some_and(|last| last % 2 == 1)
}
