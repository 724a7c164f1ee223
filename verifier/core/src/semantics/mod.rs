//! What caveats and scope mean: the table of `docs/WIRE.md`, one function a row.
//!
//! `streaming` and `columnar` are two orders of doing the same work; [`Judge::caveat`] is the one place that knows
//! what a caveat means, and both come to the same verdict.

mod columnar;
mod ip_net;
mod path;
mod streaming;

pub(crate) use columnar::Columns;
pub(crate) use streaming::evaluate_streaming;

use std::borrow::Cow;
use std::net::IpAddr;

use smallvec::SmallVec;

use crate::capability::Rate;
use crate::config::{Semantics, VerifierConfig};
use crate::context::RequestCtx;
use crate::custom::CustomCaveat;
use crate::decision::{DenyReasonRef, Reasons, Verdict};
use crate::error::AuthError;
use crate::view::{CaveatView, Methods, ScopeView, Text, TokenView};

/// What one caveat comes to.
pub(crate) enum Finding<'a> {
    Holds,
    Obliges(Rate),
    Denies(DenyReasonRef<'a>),
    /// A hard error: no verdict at all.
    Fails(AuthError),
}

/// Config and context, prepared once per call and used for every token of it.
pub(crate) struct Judge<'c> {
    config: &'c VerifierConfig,
    ctx: &'c RequestCtx<'c>,
    semantics: Semantics,
    /// `Exp` fails below this, seconds since the Unix epoch.
    exp_floor: u64,
    /// `Nbf` fails above this, seconds since the Unix epoch.
    nbf_ceiling: u64,
    /// Who `Aud` must name.
    audience: Option<&'c str>,
    peer: Option<IpAddr>,
    /// Strict only: whether the path is free of what could walk around a prefix.
    path_is_plain: bool,
}

impl<'c> Judge<'c> {
    pub(crate) fn new(config: &'c VerifierConfig, ctx: &'c RequestCtx<'c>) -> Self {
        let strict = config.semantics == Semantics::Strict;
        Self {
            config,
            ctx,
            semantics: config.semantics,
            exp_floor: exp_floor(ctx.now_unix_s(), config.clock_skew_secs),
            nbf_ceiling: ctx.now_unix_s().saturating_add(config.clock_skew_secs),
            audience: if strict { ctx.known_audience() } else { ctx.known_policy_digest() },
            peer: ctx.known_peer_ip().map(|peer| if strict { peer.to_canonical() } else { peer }),
            path_is_plain: strict && path::is_plain(ctx.path()),
        }
    }

    pub(crate) const fn config(&self) -> &'c VerifierConfig {
        self.config
    }

    /// What `caveat` comes to.
    #[inline]
    pub(crate) fn caveat<'a>(&self, caveat: CaveatView<'a>) -> Finding<'a> {
        use DenyReasonRef as Reason;
        let strict = self.semantics == Semantics::Strict;
        match caveat {
            CaveatView::Exp(at) => self.exp(at),
            CaveatView::Nbf(at) => self.nbf(at),
            CaveatView::Aud(audience) => {
                deny_unless(self.audience.is_some_and(|ours| audience == *ours), Reason::BadAudience)
            }
            CaveatView::Method(methods) => deny_unless(self.method_permitted(methods), Reason::MethodNotAllowed),
            CaveatView::PathPrefix(prefix) => deny_unless(self.path_permitted(prefix), Reason::PathNotAllowed),
            CaveatView::IpCidr(net) => deny_unless(self.peer_permitted(net), Reason::IpNotAllowed),
            CaveatView::BytesLe(limit) => deny_unless(self.length_permitted(limit), Reason::BytesExceed),
            CaveatView::Rate(rate) if strict => Finding::Obliges(rate),
            CaveatView::Rate(_) => Finding::Holds,
            CaveatView::Tenant(tenant) => deny_unless(tenant == *self.ctx.tenant(), Reason::TenantMismatch),
            CaveatView::Amnesia(amnesia) => {
                deny_unless(amnesia == self.ctx.is_amnesia(), Reason::Custom(Cow::Borrowed("amnesia_mismatch")))
            }
            CaveatView::GovPolicyDigest(digest) => deny_unless(
                self.ctx.known_policy_digest().is_some_and(|ours| digest == *ours),
                Reason::Custom(Cow::Borrowed("gov_policy_digest_mismatch")),
            ),
            CaveatView::Custom { ns, name, cbor } if strict => self.custom(ns, name, cbor),
            CaveatView::Custom { .. } => Finding::Holds,
        }
    }

    /// Whether a caveat holds that asks no handler and obliges to nothing.
    fn holds_by_itself(&self, caveat: CaveatView<'_>) -> bool {
        matches!(self.caveat(caveat), Finding::Holds)
    }

    /// Strict only: whether the token's own tenant and scope cover the request. Their reasons come before those
    /// of the caveats, in this order: tenant, methods, prefix, length.
    pub(crate) fn grant<'a>(&self, token: impl TokenView<'a>, reasons: &mut Reasons<'a>) {
        if self.semantics == Semantics::Compat {
            return;
        }
        let ScopeView { prefix, methods, max_bytes } = token.scope();
        let mut require = |holds: bool, reason| {
            if !holds {
                reasons.push(reason);
            }
        };
        require(token.tid() == self.ctx.tenant(), DenyReasonRef::TenantMismatch);
        require(self.method_permitted(methods), DenyReasonRef::MethodNotAllowed);
        require(prefix.is_none_or(|prefix| self.path_permitted(prefix)), DenyReasonRef::PathNotAllowed);
        require(max_bytes.is_none_or(|limit| self.length_permitted(limit)), DenyReasonRef::BytesExceed);
    }

    fn exp<'a>(&self, at: u64) -> Finding<'a> {
        if at < self.exp_floor { Finding::Fails(AuthError::Expired) } else { Finding::Holds }
    }

    fn nbf<'a>(&self, at: u64) -> Finding<'a> {
        if at > self.nbf_ceiling { Finding::Fails(AuthError::NotYetValid) } else { Finding::Holds }
    }

    fn method_permitted(&self, methods: Methods<'_>) -> bool {
        methods.permits(self.ctx.method())
    }

    fn path_permitted(&self, prefix: Text<'_>) -> bool {
        let path = self.ctx.path().as_bytes();
        match self.semantics {
            Semantics::Strict => self.path_is_plain && path::is_below(path, prefix.as_bytes()),
            Semantics::Compat => path.starts_with(prefix.as_bytes()),
        }
    }

    fn peer_permitted(&self, net: Text<'_>) -> bool {
        self.peer.is_some_and(|peer| match self.semantics {
            Semantics::Strict => ip_net::canonical_net_contains(net.as_str(), peer),
            Semantics::Compat => net.as_str().parse::<ipnet::IpNet>().is_ok_and(|net| net.contains(&peer)),
        })
    }

    fn length_permitted(&self, limit: u64) -> bool {
        match self.ctx.known_content_len() {
            Some(len) => len <= limit,
            None => self.semantics == Semantics::Compat,
        }
    }

    fn custom<'a>(&self, ns: Text<'a>, name: Text<'a>, cbor: &'a [u8]) -> Finding<'a> {
        match self.config.custom_handler(ns.as_str()) {
            None => Finding::Denies(DenyReasonRef::Unhandled { ns, name }),
            Some(handler) => {
                let caveat = CustomCaveat { ns: ns.as_str(), name: name.as_str(), cbor };
                match handler.check(&caveat, self.ctx) {
                    Ok(()) => Finding::Holds,
                    Err(reason) => Finding::Denies(DenyReasonRef::Custom(reason)),
                }
            }
        }
    }
}

/// The verdict that findings add up to.
struct Tally<'a> {
    reasons: Reasons<'a>,
    obligations: SmallVec<[Rate; 2]>,
}

impl<'a> Tally<'a> {
    fn open(judge: &Judge<'_>, token: impl TokenView<'a>) -> Self {
        let mut tally = Self { reasons: Reasons::new(), obligations: SmallVec::new() };
        judge.grant(token, &mut tally.reasons);
        tally
    }

    #[inline]
    fn add(&mut self, finding: Finding<'a>) -> Result<(), AuthError> {
        match finding {
            Finding::Holds => {}
            Finding::Obliges(rate) => self.obligations.push(rate),
            Finding::Denies(reason) => self.reasons.push(reason),
            Finding::Fails(error) => return Err(error),
        }
        Ok(())
    }

    fn close(self, token: impl TokenView<'a>) -> Verdict<'a> {
        if self.reasons.is_empty() {
            Verdict::Allow { scope: token.scope(), obligations: self.obligations }
        } else {
            Verdict::Deny { reasons: self.reasons }
        }
    }
}

fn deny_unless(holds: bool, reason: DenyReasonRef<'_>) -> Finding<'_> {
    if holds { Finding::Holds } else { Finding::Denies(reason) }
}

/// The least `Exp` value that holds: `now > exp + skew` with saturating addition, turned round.
const fn exp_floor(now_unix_s: u64, skew_s: u64) -> u64 {
    now_unix_s.saturating_sub(skew_s)
}

#[cfg(test)]
mod tests {
    use super::exp_floor;

    #[test]
    fn the_turned_round_expiry_test_is_the_saturating_one() {
        let interesting = [0, 1, 59, 60, 61, 1_762_700_000, u64::MAX - 60, u64::MAX - 1, u64::MAX];
        for now in interesting {
            for skew in interesting {
                for exp in interesting {
                    let expired = now > exp.saturating_add(skew);
                    assert_eq!(exp < exp_floor(now, skew), expired, "now {now} skew {skew} exp {exp}");
                }
            }
        }
    }
}
