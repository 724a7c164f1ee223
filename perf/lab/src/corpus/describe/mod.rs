//! From tokens to their shape.
//!
//! Whether a caveat holds is asked of the reference verifier itself, with a token that has this caveat alone: what
//! caveats mean is written down in one place, and it is not here.

mod judge;
mod request;

use std::collections::HashMap;
use std::hash::Hash;
use std::str::FromStr as _;

use ipnet::IpNet;
use ron_auth_catalogue::Verifier;
use ron_auth_core::{Capability, Caveat, DenyReason, KeyName, MacKeyProvider as _};

pub use self::judge::JudgeInput;
use self::judge::{CaveatFinding, ReferenceJudge};
use super::mint::family_of;
use super::shape::{
    self, ConfigShape, Intended, KeyShape, Method, Namespace, Net, RequestShape, Shape, Tenant, TokenShape, Width,
};

/// Things numbered in the order in which they were first met.
struct Numbers<K, V> {
    known: HashMap<K, usize>,
    listed: Vec<V>,
}

impl<K: Eq + Hash, V> Numbers<K, V> {
    fn new() -> Self {
        Self { known: HashMap::new(), listed: Vec::new() }
    }

    fn of(&mut self, thing: K, value: impl FnOnce() -> V) -> usize {
        *self.known.entry(thing).or_insert_with(|| {
            self.listed.push(value());
            self.listed.len() - 1
        })
    }
}

/// Describes tokens one by one.
pub(super) struct Describer<'g> {
    judge: Option<ReferenceJudge<'g>>,
    settings: ConfigShape,
    request: RequestShape,
    tenants: Numbers<String, Tenant>,
    keys: Numbers<(String, String), KeyShape>,
    nets: Numbers<String, Net>,
    namespaces: Numbers<String, Namespace>,
    tokens: Numbers<TokenShape, usize>,
}

impl<'g> Describer<'g> {
    /// Begins a description. With `given`, tokens are judged by it; without, all of `capabilities` are meant to be
    /// allowed.
    pub(super) fn new<'c>(
        given: Option<&'g JudgeInput>,
        reference: &'g dyn Verifier,
        capabilities: impl Iterator<Item = &'c Capability> + Clone,
    ) -> Self {
        Self {
            judge: given.map(|given| ReferenceJudge::new(given, reference)),
            settings: given.map_or_else(ConfigShape::default, |given| ConfigShape::of(&given.config)),
            request: given.map_or_else(|| request::meeting_most(capabilities), request::request_of),
            tenants: Numbers::new(),
            keys: Numbers::new(),
            nets: Numbers::new(),
            namespaces: Numbers::new(),
            tokens: Numbers::new(),
        }
    }

    /// Adds a token and returns the number of its shape.
    pub(super) fn add(&mut self, capability: &Capability, mac_matches: bool) -> usize {
        let token = self.token(capability, mac_matches);
        let number = self.tokens.of(token, || 0);
        if let Some(count) = self.tokens.listed.get_mut(number) {
            *count += 1;
        }
        number
    }

    /// The shape of all tokens that were added.
    pub(super) fn finish(self) -> Shape {
        let mut tokens: Vec<(usize, TokenShape)> =
            self.tokens.known.into_iter().map(|(token, number)| (number, token)).collect();
        tokens.sort_unstable_by_key(|(number, _)| *number);
        let counts = self.tokens.listed.into_iter();
        Shape {
            format: Shape::FORMAT,
            judged: self.judge.is_some(),
            settings: self.settings,
            request: self.request,
            tenants: self.tenants.listed,
            keys: self.keys.listed,
            nets: self.nets.listed,
            namespaces: self.namespaces.listed,
            tokens: tokens.into_iter().zip(counts).map(|((_, token), count)| TokenShape { count, ..token }).collect(),
        }
    }

    fn token(&mut self, capability: &Capability, mac_matches: bool) -> TokenShape {
        let Capability { tid, kid, scope, caveats, .. } = capability;
        let judge = &self.judge;
        let tid_bytes = tid.len();
        // Without a request, all tenants with a name as long as the usual one are taken for that one.
        let (tenant, is_ours) = match judge {
            Some(judge) => (tid.clone(), tid == judge.given.ctx.tenant()),
            None => (tid_bytes.to_string(), tid_bytes == self.request.tenant_bytes),
        };
        let tenant = self.tenants.of(tenant, || Tenant { tid_bytes, is_ours });
        let is_known = judge.as_ref().is_none_or(|judge| judge.given.keys.key_for(KeyName { tid, kid }).is_some());
        let key = self.keys.of((tid.clone(), kid.clone()), || KeyShape { tenant, kid_bytes: kid.len(), is_known });

        let refusals = judge.as_ref().map_or_else(Vec::new, |judge| judge.refusals_of(scope));
        let judged = |reason: DenyReason| !refusals.contains(&reason);
        let scope = shape::ScopeShape {
            prefix_bytes: scope
                .prefix
                .as_ref()
                .map(|prefix| Intended { is: prefix.len(), holds: judged(DenyReason::PathNotAllowed) }),
            methods: Intended { is: methods_of(&scope.methods), holds: judged(DenyReason::MethodNotAllowed) },
            max_bytes: scope
                .max_bytes
                .map(|limit| Intended { is: Width::of(limit), holds: judged(DenyReason::BytesExceed) }),
        };
        let caveats = caveats.iter().map(|caveat| self.caveat(caveat)).collect();
        TokenShape { count: 0, key, mac_matches, scope, caveats }
    }

    fn caveat(&mut self, caveat: &Caveat) -> Intended<shape::CaveatShape> {
        let finding = self.judge.as_ref().map_or(CaveatFinding::Holds, |judge| judge.finding_of(caveat));
        let holds = finding == CaveatFinding::Holds;
        let is = match caveat {
            Caveat::Exp(at) => shape::CaveatShape::Exp(Width::of(*at)),
            Caveat::Nbf(at) => shape::CaveatShape::Nbf(Width::of(*at)),
            Caveat::Aud(audience) => shape::CaveatShape::Aud(audience.len()),
            Caveat::Method(methods) => shape::CaveatShape::Method(methods_of(methods)),
            Caveat::PathPrefix(prefix) => shape::CaveatShape::PathPrefix(prefix.len()),
            Caveat::IpCidr(net) => shape::CaveatShape::IpCidr(self.nets.of(net.clone(), || net_shape(net, holds))),
            Caveat::BytesLe(limit) => shape::CaveatShape::BytesLe(Width::of(*limit)),
            Caveat::Rate(rate) => {
                shape::CaveatShape::Rate { per_s: Width::of(rate.per_s.into()), burst: Width::of(rate.burst.into()) }
            }
            Caveat::Tenant(tenant) => shape::CaveatShape::Tenant(tenant.len()),
            Caveat::Amnesia(_) => shape::CaveatShape::Amnesia,
            Caveat::GovPolicyDigest(digest) => shape::CaveatShape::GovPolicyDigest(digest.len()),
            Caveat::Custom { ns, name, cbor } => {
                let is_handled = finding != CaveatFinding::IsUnhandled;
                let namespace = self.namespaces.of(ns.clone(), || Namespace { ns_bytes: ns.len(), is_handled });
                shape::CaveatShape::Custom { namespace, name_bytes: name.len(), cbor_bytes: cbor.len() }
            }
            // A kind that this lab does not know: the nearest is one that costs as little as can be.
            _ => shape::CaveatShape::Amnesia,
        };
        Intended { is, holds }
    }
}

fn methods_of(methods: &[impl AsRef<str>]) -> Vec<Method> {
    methods.iter().map(|method| Method::of(method.as_ref())).collect()
}

/// The shape of a net.
pub(super) fn net_shape(text: &str, holds: bool) -> Net {
    let text_bytes = text.len();
    match IpNet::from_str(text) {
        Ok(net) => {
            let family = family_of(net.addr());
            Net {
                text_bytes,
                family: Some(family),
                prefix_len_up_to: net.prefix_len().next_multiple_of(family.step()),
                holds,
            }
        }
        Err(_) => Net { text_bytes, family: None, prefix_len_up_to: 0, holds },
    }
}
