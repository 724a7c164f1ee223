//! Synthetic tokens of a given shape. The outcome of each is known from how it is made, not from verifying it.
//!
//! A token always has its sizes. If the request cannot be met, or failed, by a text of that size (two tokens that are
//! both for "the audience", in names of different length), the token comes as near as it can: the caveat decides
//! otherwise, and the intended outcome says so.

mod draw;
mod nets;
mod parts;
mod world;

use std::collections::HashSet;

use ron_auth_core::{
    AuthError, Capability, CapabilityBuilder, Caveat, Decision, DenyReason, KeyName, MacKey, MacKeyProvider as _, Rate,
    Scope,
};
use ron_auth_fixtures::Corpus;

use self::draw::{Draw, OTHERS};
pub(super) use self::nets::family_of;
use self::parts::{number, text, value};
use self::world::{MintWorld, REFUSED};
use super::shape::{self, Intended, SemanticsShape, Shape, Width};

const SEED: u64 = 0x7379_6e74_6865_7469;
/// How often a token is drawn anew if there is an equal one, before another key is taken.
const REDRAWS: usize = 8;

/// Makes `count` tokens, in proportion to the shape's counts and the same in every process. They are distinct as long
/// as a token has anything in which it can differ, if only the key's id. A smaller corpus is the beginning of a larger
/// one.
pub(super) fn corpus(shape: &Shape, count: usize) -> Corpus {
    let mut minter = Minter::new(shape);
    let (mut tokens, mut intended, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    let mut order: Vec<&shape::TokenShape> = Vec::new();
    while tokens.len() < count {
        let Some(token) = order.pop() else {
            order = shape.tokens.iter().flat_map(|token| std::iter::repeat_n(token, token.count)).collect();
            if order.is_empty() {
                break;
            }
            minter.draw.shuffle(&mut order);
            continue;
        };
        let Minted { capability, result } = minter.unlike(token, |capability| seen.insert(capability.mac));
        tokens.push(capability.to_base64url());
        intended.push(result);
    }
    let MintWorld { keys, ctx, config, .. } = minter.world;
    Corpus { tokens, keys, ctx, config, intended }
}

/// A token with its intended outcome.
pub(super) struct Minted {
    pub(super) capability: Capability,
    pub(super) result: Result<Decision, AuthError>,
}

/// Makes tokens of a shape.
pub(super) struct Minter<'s> {
    shape: &'s Shape,
    draw: Draw,
    world: MintWorld,
    /// For each key, the number of others of its lengths that were made so far.
    spares: Vec<usize>,
}

/// The findings that a token's caveats and scope are made to give.
#[derive(Default)]
struct Findings {
    reasons: Vec<DenyReason>,
    obligations: Vec<Rate>,
    error: Option<AuthError>,
}

impl Findings {
    fn add(&mut self, holds: bool, reason: DenyReason) {
        if !holds {
            self.reasons.push(reason);
        }
    }

    fn fail(&mut self, holds: bool, error: AuthError) {
        if !holds {
            self.error.get_or_insert(error);
        }
    }

    fn result(self, scope: &Scope) -> Result<Decision, AuthError> {
        match self {
            Self { error: Some(error), .. } => Err(error),
            Self { reasons, .. } if !reasons.is_empty() => Ok(Decision::Deny { reasons }),
            Self { obligations, .. } => Ok(Decision::Allow { scope: scope.clone(), obligations }),
        }
    }
}

/// Minting whole tokens.
impl<'s> Minter<'s> {
    pub(super) fn new(shape: &'s Shape) -> Self {
        let mut draw = Draw::new(SEED);
        let world = MintWorld::new(shape, &mut draw);
        Self { shape, draw, world, spares: vec![0; shape.keys.len()] }
    }

    /// Mints a token of this shape.
    pub(super) fn mint(&mut self, token: &shape::TokenShape) -> Minted {
        self.mint_with(token, 0)
    }

    /// Mints a token of this shape for which `is_new` holds, if there is one.
    fn unlike(&mut self, token: &shape::TokenShape, mut is_new: impl FnMut(&Capability) -> bool) -> Minted {
        for _ in 0..REDRAWS {
            let minted = self.mint_with(token, 0);
            if is_new(&minted.capability) {
                return minted;
            }
        }
        // Nothing in it is free: another key of the same lengths makes the difference.
        let spare = self.spares.get_mut(token.key).map_or(1, |spares| {
            *spares += 1;
            *spares
        });
        let minted = self.mint_with(token, spare);
        is_new(&minted.capability);
        minted
    }

    fn mint_with(&mut self, token: &shape::TokenShape, spare: usize) -> Minted {
        let signer = self.world.signer(self.shape, token.key, spare);
        let mut findings = Findings::default();
        let is_ours = signer.tid == self.world.ctx.tenant();
        findings.add(is_ours, DenyReason::TidMismatch);
        let scope = self.scope(&token.scope, &mut findings);
        if self.world.semantics == SemanticsShape::Compat {
            findings = Findings::default();
        }
        let caveats: Vec<Caveat> = token.caveats.iter().map(|caveat| self.caveat(caveat, &mut findings)).collect();
        let caveat_count = caveats.len();

        let mut capability = sign(CapabilityBuilder::new(signer.tid, signer.kid, scope).caveats(caveats), &signer.key);
        if let Some(byte) = capability.mac.first_mut().filter(|_| !token.mac_matches) {
            *byte ^= 1;
        }
        let MintWorld { config, keys, .. } = &self.world;
        let result = if capability.to_cbor().len() > config.max_token_bytes || caveat_count > config.max_caveats {
            Err(AuthError::Bounds)
        } else if keys.key_for(KeyName { tid: &capability.tid, kid: &capability.kid }).is_none() {
            Err(AuthError::UnknownKid)
        } else if !token.mac_matches {
            Err(AuthError::MacMismatch)
        } else {
            findings.result(&capability.scope)
        };
        Minted { capability, result }
    }

    fn scope(&mut self, scope: &shape::ScopeShape, findings: &mut Findings) -> Scope {
        let Self { world, draw, .. } = self;
        let (methods, holds) = parts::methods(&scope.methods.is, world.ctx.method(), scope.methods.holds, draw);
        findings.add(holds, DenyReason::MethodNotAllowed);
        let mut made = Scope { prefix: None, methods, max_bytes: None };
        if let Some(prefix) = &scope.prefix_bytes {
            let (prefix, holds) = parts::prefix(prefix.is, prefix.holds, world, draw);
            findings.add(holds, DenyReason::PathNotAllowed);
            made.prefix = Some(prefix);
        }
        if let Some(limit) = &scope.max_bytes {
            let (limit, holds) = number(limit.is, &world.limit, limit.holds, draw);
            findings.add(holds, DenyReason::BytesExceed);
            made.max_bytes = Some(limit);
        }
        made
    }

    fn caveat(&mut self, Intended { is, holds }: &Intended<shape::CaveatShape>, findings: &mut Findings) -> Caveat {
        let Self { world, draw, .. } = self;
        match is {
            shape::CaveatShape::Exp(width) => {
                let (at, holds) = number(*width, &world.exp, *holds, draw);
                findings.fail(holds, AuthError::Expired);
                Caveat::Exp(at)
            }
            shape::CaveatShape::Nbf(width) => {
                let (at, holds) = number(*width, &world.nbf, *holds, draw);
                findings.fail(holds, AuthError::NotYetValid);
                Caveat::Nbf(at)
            }
            shape::CaveatShape::Aud(bytes) => {
                let (audience, holds) = text(*bytes, world.audience(), *holds, draw);
                findings.add(holds, DenyReason::BadAudience);
                Caveat::Aud(audience)
            }
            shape::CaveatShape::Method(methods) => {
                let (methods, holds) = parts::methods(methods, world.ctx.method(), *holds, draw);
                findings.add(holds, DenyReason::MethodNotAllowed);
                Caveat::Method(methods)
            }
            shape::CaveatShape::PathPrefix(bytes) => {
                let (prefix, holds) = parts::prefix(*bytes, *holds, world, draw);
                findings.add(holds, DenyReason::PathNotAllowed);
                Caveat::PathPrefix(prefix)
            }
            shape::CaveatShape::IpCidr(net) => {
                let (net, holds) = world.nets.get(*net).cloned().unwrap_or_default();
                findings.add(holds, DenyReason::IpNotAllowed);
                Caveat::IpCidr(net)
            }
            shape::CaveatShape::BytesLe(width) => {
                let (limit, holds) = number(*width, &world.limit, *holds, draw);
                findings.add(holds, DenyReason::BytesExceed);
                Caveat::BytesLe(limit)
            }
            shape::CaveatShape::Rate { per_s, burst } => {
                let mut any = |width: Width| u32::try_from(draw.within(&width.values())).unwrap_or(u32::MAX);
                let rate = Rate { per_s: any(*per_s), burst: any(*burst) };
                if world.semantics == SemanticsShape::Strict {
                    findings.obligations.push(rate);
                }
                Caveat::Rate(rate)
            }
            shape::CaveatShape::Tenant(bytes) => {
                let (tenant, holds) = text(*bytes, Some(world.ctx.tenant()), *holds, draw);
                findings.add(holds, DenyReason::TenantMismatch);
                Caveat::Tenant(tenant)
            }
            shape::CaveatShape::Amnesia => {
                findings.add(*holds, DenyReason::AmnesiaMismatch);
                Caveat::Amnesia(*holds == world.ctx.is_amnesia())
            }
            shape::CaveatShape::GovPolicyDigest(bytes) => {
                let (digest, holds) = text(*bytes, world.ctx.known_policy_digest(), *holds, draw);
                findings.add(holds, DenyReason::GovPolicyDigestMismatch);
                Caveat::GovPolicyDigest(digest)
            }
            shape::CaveatShape::Custom { namespace, name_bytes, cbor_bytes } => {
                let ns = world.namespaces.get(*namespace).cloned().unwrap_or_default();
                let name = draw.text(*name_bytes, OTHERS);
                if world.semantics == SemanticsShape::Strict {
                    if !world.handled.contains(&ns) {
                        findings.add(false, DenyReason::Unhandled { ns: ns.clone(), name: name.clone() });
                    } else {
                        findings.add(*holds, DenyReason::Custom(REFUSED.into()));
                    }
                }
                Caveat::Custom { ns, name, cbor: value(*cbor_bytes, *holds, draw) }
            }
        }
    }
}

#[expect(clippy::expect_used, reason = "minting only refuses custom values that are not canonical CBOR; ours are")]
fn sign(builder: CapabilityBuilder, key: &MacKey) -> Capability {
    builder.sign(key).expect("a text or a list of one is canonical CBOR")
}
