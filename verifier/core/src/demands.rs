//! What a verifier demands of every token, whatever its issuer thought of.

use std::fmt;

use crate::context::RequestCtx;
use crate::decision::DenyReasonRef;
use crate::view::{CaveatView, TokenView};

/// A kind of caveat, without what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each is the caveat of the same name")]
pub enum CaveatKind {
    Exp,
    Nbf,
    Aud,
    Method,
    PathPrefix,
    IpCidr,
    BytesLe,
    Rate,
    Tenant,
    Amnesia,
    GovPolicyDigest,
    Custom,
}

impl CaveatKind {
    /// Each kind of the wire format, in its order.
    pub const ALL: &'static [Self] = &[
        Self::Exp,
        Self::Nbf,
        Self::Aud,
        Self::Method,
        Self::PathPrefix,
        Self::IpCidr,
        Self::BytesLe,
        Self::Rate,
        Self::Tenant,
        Self::Amnesia,
        Self::GovPolicyDigest,
        Self::Custom,
    ];

    /// The kind of a caveat.
    #[must_use]
    pub const fn of(caveat: &CaveatView<'_>) -> Self {
        match caveat {
            CaveatView::Exp(_) => Self::Exp,
            CaveatView::Nbf(_) => Self::Nbf,
            CaveatView::Aud(_) => Self::Aud,
            CaveatView::Method(_) => Self::Method,
            CaveatView::PathPrefix(_) => Self::PathPrefix,
            CaveatView::IpCidr(_) => Self::IpCidr,
            CaveatView::BytesLe(_) => Self::BytesLe,
            CaveatView::Rate(_) => Self::Rate,
            CaveatView::Tenant(_) => Self::Tenant,
            CaveatView::Amnesia(_) => Self::Amnesia,
            CaveatView::GovPolicyDigest(_) => Self::GovPolicyDigest,
            CaveatView::Custom { .. } => Self::Custom,
        }
    }

    /// The code of the reason that a token without such a caveat is denied for.
    pub(crate) const fn code_where_missing(self) -> &'static str {
        match self {
            Self::Exp => "demand.missing.exp",
            Self::Nbf => "demand.missing.nbf",
            Self::Aud => "demand.missing.aud",
            Self::Method => "demand.missing.method",
            Self::PathPrefix => "demand.missing.path",
            Self::IpCidr => "demand.missing.ip",
            Self::BytesLe => "demand.missing.bytes",
            Self::Rate => "demand.missing.rate",
            Self::Tenant => "demand.missing.tenant",
            Self::Amnesia => "demand.missing.amnesia",
            Self::GovPolicyDigest => "demand.missing.policy_digest",
            Self::Custom => "demand.missing.custom",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// What every token must carry to be allowed, under the strict and the compat semantics alike. The default demands
/// nothing.
///
/// A token grants what its issuer wrote into it: without an `Exp` it is good for ever, without an `Aud` at every
/// service that has its key. Demands are the verifier's own say in that. They are about the token's caveats, not its
/// scope, and add to the judgement of each caveat without changing it. Each demand that is not met is a reason to
/// deny, after those of the token's own tenant and scope and before those of its caveats, in this order: missing
/// kinds in the order of [`CaveatKind::ALL`], lifetime, audience. As with every reason, an `Expired` or `NotYetValid`
/// wins over it.
///
/// ```
/// use ron_auth_core::{CaveatKind, Demands, VerifierConfig};
///
/// let config = VerifierConfig::default()
///     .with_demands(Demands::default().caveat(CaveatKind::Tenant).max_lifetime_secs(3600).audience());
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[must_use]
pub struct Demands {
    /// One [bit](CaveatKind::bit) for each kind that must be present.
    kinds: u16,
    max_lifetime_secs: Option<u64>,
    audience: bool,
}

impl Demands {
    /// A caveat of this kind must be present: [`DenyReason::MissingCaveat`](crate::DenyReason::MissingCaveat).
    ///
    /// Presence is all that is demanded: whether the caveat holds is judged as ever, so a `Rate` or `Custom` caveat
    /// that the compat semantics ignore counts as present.
    pub const fn caveat(mut self, kind: CaveatKind) -> Self {
        self.kinds |= kind.bit();
        self
    }

    /// The token must expire at most this many seconds after the request:
    /// [`DenyReason::LifetimeExceeded`](crate::DenyReason::LifetimeExceeded). A token without `Exp` never expires and
    /// is denied too; of several, the earliest counts.
    ///
    /// Catches an `Exp` in milliseconds, which is good for 50,000 years.
    /// [`clock_skew_secs`](crate::VerifierConfig::clock_skew_secs) is not added: leave room for the issuer's clock.
    pub const fn max_lifetime_secs(mut self, max_lifetime_secs: u64) -> Self {
        self.max_lifetime_secs = Some(max_lifetime_secs);
        self
    }

    /// At least one `Aud` caveat must name the request's [`audience`](RequestCtx::audience):
    /// [`DenyReason::AudienceNotNamed`](crate::DenyReason::AudienceNotNamed). Where that is unknown or empty, no
    /// token can, and all are denied.
    ///
    /// Further `Aud` caveats are judged as ever. The compat semantics compare every `Aud` with the policy digest, so
    /// a host that uses them must set both to the same text.
    pub const fn audience(mut self) -> Self {
        self.audience = true;
        self
    }

    /// The kinds that must be present.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = CaveatKind> {
        CaveatKind::ALL.iter().copied().filter(|kind| self.kinds & kind.bit() != 0)
    }

    /// See [`max_lifetime_secs`](Self::max_lifetime_secs).
    pub(crate) const fn longest_lifetime_secs(&self) -> Option<u64> {
        self.max_lifetime_secs
    }

    /// See [`audience`](Self::audience).
    pub(crate) const fn is_audience_demanded(&self) -> bool {
        self.audience
    }

    /// Whether anything is demanded at all.
    pub(crate) const fn is_any(&self) -> bool {
        self.kinds != 0 || self.max_lifetime_secs.is_some() || self.audience
    }

    /// Hands `refuse` a reason for each demand that `token` does not meet, in order.
    pub(crate) fn violations<'a>(
        &self,
        token: impl TokenView<'a>,
        ctx: &RequestCtx<'_>,
        mut refuse: impl FnMut(DenyReasonRef<'a>),
    ) {
        // An empty name is what missing configuration looks like.
        let ours = ctx.known_audience().filter(|audience| !audience.is_empty());
        let mut present = 0;
        let mut expires: Option<u64> = None;
        let mut is_named = false;
        for caveat in (0..token.caveat_count()).filter_map(|index| token.caveat(index)) {
            present |= CaveatKind::of(&caveat).bit();
            match caveat {
                CaveatView::Exp(at) => expires = Some(expires.map_or(at, |other| other.min(at))),
                CaveatView::Aud(audience) => is_named |= ours.is_some_and(|ours| audience == *ours),
                _ => {}
            }
        }
        let missing = self.kinds & !present;
        if missing != 0 {
            CaveatKind::ALL
                .iter()
                .filter(|kind| missing & kind.bit() != 0)
                .for_each(|&kind| refuse(DenyReasonRef::MissingCaveat(kind)));
        }
        if let Some(longest) = self.max_lifetime_secs {
            let latest = ctx.now_unix_s().saturating_add(longest);
            if expires.is_none_or(|at| at > latest) {
                refuse(DenyReasonRef::LifetimeExceeded);
            }
        }
        if self.audience && !is_named {
            refuse(DenyReasonRef::AudienceNotNamed);
        }
    }
}

impl fmt::Debug for Demands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Demands")
            .field("caveats", &self.kinds().collect::<Vec<_>>())
            .field("max_lifetime_secs", &self.max_lifetime_secs)
            .field("audience", &self.audience)
            .finish()
    }
}
