//! What caveats and scope mean: the table of [the wire format](crate::specification::wire_v1#semantics), one function a
//! row.
//!
//! `streaming` and `columnar` are two orders of doing the same work; [`Judge`] is the one place that knows what a
//! caveat means, and both come to the same verdict.

mod columnar;
mod ip_net;
mod nets;
mod path;
mod streaming;

pub(crate) use columnar::Columns;
pub(crate) use nets::Nets;
pub(crate) use streaming::evaluate_streaming;

use std::net::IpAddr;

use crate::bytes;
use crate::capability::Rate;
use crate::config::{Semantics, VerifierConfig};
use crate::context::RequestCtx;
use crate::custom::{CustomCaveat, CustomCaveatHandler};
use crate::decision::{DenyReasonRef, Obligations, Reasons, Verdict};
use crate::error::{AuthError, Malformed};
use crate::view::{CaveatView, Methods, ScopeView, Text, TokenView};

/// What a caveat comes to.
pub(crate) enum Finding<'a> {
    /// It holds after all: its handler says so.
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
    /// Whether the configuration demands anything.
    demands: bool,
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
            demands: config.demands.is_any(),
        }
    }

    pub(crate) const fn config(&self) -> &'c VerifierConfig {
        self.config
    }

    /// Whether `caveat` holds, asks no handler and obliges to nothing: most do, and then there is nothing more to do.
    #[inline(always)]
    pub(crate) fn holds<'a>(&self, caveat: CaveatView<'a>, nets: &mut Nets<'a>) -> bool {
        match caveat {
            CaveatView::Exp(at) => at >= self.exp_floor,
            CaveatView::Nbf(at) => at <= self.nbf_ceiling,
            CaveatView::Aud(audience) => self.audience.is_some_and(|ours| audience == *ours),
            CaveatView::Method(methods) => self.method_permitted(methods),
            CaveatView::PathPrefix(prefix) => self.path_permitted(prefix),
            CaveatView::IpCidr(net) => nets.permitted(net, |net| self.peer_permitted(net)),
            CaveatView::BytesLe(limit) => self.length_permitted(limit),
            CaveatView::Tenant(tenant) => tenant == *self.ctx.tenant(),
            CaveatView::Amnesia(amnesia) => amnesia == self.ctx.is_amnesia(),
            CaveatView::GovPolicyDigest(digest) => self.ctx.known_policy_digest().is_some_and(|ours| digest == *ours),
            CaveatView::Rate(_) | CaveatView::Custom { .. } => self.semantics == Semantics::Compat,
        }
    }

    /// What a caveat comes to that does not simply [hold](Self::holds).
    pub(crate) fn finding<'a>(&self, caveat: CaveatView<'a>, last: &mut LastHandler<'c, 'a>) -> Finding<'a> {
        use DenyReasonRef as Reason;
        Finding::Denies(match caveat {
            CaveatView::Exp(_) => return Finding::Fails(AuthError::Expired),
            CaveatView::Nbf(_) => return Finding::Fails(AuthError::NotYetValid),
            CaveatView::Rate(rate) => return Finding::Obliges(rate),
            CaveatView::Custom { ns, name, cbor } => return self.custom(CustomCaveat { ns, name, cbor }, last),
            CaveatView::Aud(_) => Reason::BadAudience,
            CaveatView::Method(_) => Reason::MethodNotAllowed,
            CaveatView::PathPrefix(_) => Reason::PathNotAllowed,
            CaveatView::IpCidr(_) => Reason::IpNotAllowed,
            CaveatView::BytesLe(_) => Reason::BytesExceed,
            CaveatView::Tenant(_) => Reason::TenantMismatch,
            CaveatView::Amnesia(_) => Reason::AmnesiaMismatch,
            CaveatView::GovPolicyDigest(_) => Reason::GovPolicyDigestMismatch,
        })
    }

    /// What the token is refused for as a whole.
    #[inline]
    pub(crate) fn refused<'a>(&self, token: impl TokenView<'a>) -> Refused {
        let mut refused = Refused::default();
        if self.semantics == Semantics::Strict {
            let ScopeView { prefix, methods, max_bytes } = token.scope();
            refused.tid = token.tid() != *self.ctx.tenant();
            refused.method = !self.method_permitted(methods);
            refused.path = prefix.is_some_and(|prefix| !self.path_permitted(prefix));
            refused.length = max_bytes.is_some_and(|limit| !self.length_permitted(limit));
        }
        if self.demands {
            self.violations(token, |_| refused.demands = true);
        }
        refused
    }

    /// Why the token is refused as a whole. These reasons come before those of the caveats, in this order: tenant,
    /// methods, prefix, length (none of these under compat), and then what the configuration demands.
    pub(crate) fn refusals<'a>(&self, token: impl TokenView<'a>, refuse: impl FnMut(DenyReasonRef<'a>)) {
        self.name_refusals(self.refused(token), token, refuse);
    }

    fn name_refusals<'a>(
        &self,
        refused: Refused,
        token: impl TokenView<'a>,
        mut refuse: impl FnMut(DenyReasonRef<'a>),
    ) {
        let Refused { tid, method, path, length, demands } = refused;
        for (is_refused, reason) in [
            (tid, DenyReasonRef::TidMismatch),
            (method, DenyReasonRef::MethodNotAllowed),
            (path, DenyReasonRef::PathNotAllowed),
            (length, DenyReasonRef::BytesExceed),
        ] {
            if is_refused {
                refuse(reason);
            }
        }
        if demands {
            self.violations(token, refuse);
        }
    }

    /// Out of line, so that who demands nothing pays for one test.
    #[inline(never)]
    fn violations<'a>(&self, token: impl TokenView<'a>, refuse: impl FnMut(DenyReasonRef<'a>)) {
        self.config.demands.violations(token, self.ctx, refuse);
    }

    fn method_permitted(&self, methods: Methods<'_>) -> bool {
        methods.permits(self.ctx.method())
    }

    fn path_permitted(&self, prefix: Text<'_>) -> bool {
        let path = self.ctx.path().as_bytes();
        match self.semantics {
            Semantics::Strict => self.path_is_plain && path::is_below(path, prefix.as_bytes()),
            Semantics::Compat => bytes::begins(path, prefix.as_bytes()),
        }
    }

    fn peer_permitted(&self, net: Text<'_>) -> bool {
        self.peer.is_some_and(|peer| match self.semantics {
            Semantics::Strict => ip_net::canonical_net_contains(net, peer),
            Semantics::Compat => net.as_str().parse::<ipnet::IpNet>().is_ok_and(|net| net.contains(&peer)),
        })
    }

    fn length_permitted(&self, limit: u64) -> bool {
        match self.ctx.known_content_len() {
            Some(len) => len <= limit,
            None => self.semantics == Semantics::Compat,
        }
    }

    fn custom<'a>(&self, caveat: CustomCaveat<'a>, last: &mut LastHandler<'c, 'a>) -> Finding<'a> {
        let handler = match last {
            Some((ns, handler)) if *ns == caveat.ns => *handler,
            _ => match caveat.ns.to_name() {
                Ok(ns) => last.insert((caveat.ns, self.config.custom_handler(ns))).1,
                Err(error) => return Finding::Fails(error),
            },
        };
        match handler.map(|handler| handler.check(&caveat, self.ctx)) {
            None => Finding::Denies(DenyReasonRef::Unhandled { ns: caveat.ns, name: caveat.name }),
            Some(Ok(())) => Finding::Holds,
            Some(Err(reason)) => Finding::Denies(DenyReasonRef::Custom(reason)),
        }
    }
}

/// What a token is refused for as a whole, whatever its caveats come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Refused {
    tid: bool,
    method: bool,
    path: bool,
    length: bool,
    /// Something that the configuration demands.
    demands: bool,
}

/// The namespace looked up last, and its handler, if it has one: a token's custom caveats tend to be of one namespace.
pub(crate) type LastHandler<'c, 'a> = Option<(Text<'a>, Option<&'c dyn CustomCaveatHandler>)>;

/// The verdict on a verified token. `holds` says of a caveat, by its index, whether it is known to
/// [hold](Judge::holds); the others are asked for their [finding](Judge::finding), in token order, up to the first hard
/// error.
#[inline]
fn verdict<'a, V: TokenView<'a>>(
    judge: &Judge<'_>,
    token: V,
    mut holds: impl FnMut(usize) -> bool,
) -> Result<Verdict<'a>, AuthError> {
    let count = token.caveat_count();
    // For most tokens everything holds, and nothing needs to be collected.
    let first_open = (0..count).find(|&index| !holds(index)).unwrap_or(count);
    let refused = judge.refused(token);
    if first_open == count && refused == Refused::default() {
        return Ok(Verdict::Allow { scope: token.scope(), obligations: Obligations::new() });
    }
    // A list or a net may take long: none is looked at twice.
    settle(judge, token, refused, first_open, |index| index != first_open && holds(index), |_, _| {})
}

/// As [`verdict`], for a token whose caveats before `first_open` hold, or that has more to be asked. `observe` is told
/// what each caveat comes to that is not known to hold, with its index.
#[inline(always)]
pub(crate) fn settle<'a, V: TokenView<'a>>(
    judge: &Judge<'_>,
    token: V,
    refused: Refused,
    first_open: usize,
    mut holds: impl FnMut(usize) -> bool,
    mut observe: impl FnMut(usize, &Finding<'a>),
) -> Result<Verdict<'a>, AuthError> {
    let mut reasons = Reasons::new();
    let mut obligations = Obligations::new();
    let mut handler = None;
    judge.name_refusals(refused, token, |reason| reasons.push(reason));
    for index in first_open..token.caveat_count() {
        if holds(index) {
            continue;
        }
        // What can't be shown can't be judged.
        let caveat = token.caveat(index).ok_or(AuthError::Malformed(Malformed::Cbor))?;
        let finding = judge.finding(caveat, &mut handler);
        observe(index, &finding);
        match finding {
            Finding::Holds => {}
            Finding::Obliges(rate) => obligations.push(rate),
            Finding::Denies(reason) => reasons.push(reason),
            Finding::Fails(error) => return Err(error),
        }
    }
    Ok(if reasons.is_empty() {
        Verdict::Allow { scope: token.scope(), obligations }
    } else {
        Verdict::Deny { reasons }
    })
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
