//! Conditions in words, with the values on both sides. Nothing is decided here: each function is told what was, or
//! compares only to choose its words.

use std::net::IpAddr;

use ipnet::IpNet;

use super::explain::Judgement;
use super::show::{Bytes, Hex, List, Quoted, Span, Time};
use crate::capability::{Caveat, Rate};
use crate::config::{Semantics, VerifierConfig};
use crate::context::RequestCtx;
use crate::decision::DenyReason;
use crate::demands::CaveatKind;

/// Why a caveat comes to what it comes to.
pub(super) fn caveat(caveat: &Caveat, judgement: &Judgement, config: &VerifierConfig, ctx: &RequestCtx<'_>) -> String {
    let holds = judgement.is_met();
    match caveat {
        Caveat::Exp(at) => exp(*at, config, ctx),
        Caveat::Nbf(at) => nbf(*at, config, ctx),
        Caveat::Aud(audience) if config.semantics == Semantics::Compat => {
            let ours = ctx.known_policy_digest();
            same(audience, ours, holds, "the policy digest, which the compat semantics compare with Aud,")
        }
        Caveat::Aud(audience) => same(audience, ctx.known_audience(), holds, "this service's audience"),
        Caveat::Method(names) => methods(names.iter().map(AsRef::as_ref), ctx),
        Caveat::PathPrefix(prefix) => path(prefix, holds, config, ctx),
        Caveat::IpCidr(net) => peer(net, holds, config, ctx),
        Caveat::BytesLe(limit) => length(*limit, ctx),
        Caveat::Rate(Rate { per_s, burst }) => match judgement {
            Judgement::Ignored => "the compat semantics ignore it".to_owned(),
            _ => format!("{per_s} per second, {burst} at once: for the caller's limiter to honour"),
        },
        Caveat::Tenant(name) => tenant(name, ctx),
        Caveat::Amnesia(wanted) => format!("wants amnesia {wanted}; this service's is {}", ctx.is_amnesia()),
        Caveat::GovPolicyDigest(digest) => same(digest, ctx.known_policy_digest(), holds, "the policy digest"),
        Caveat::Custom { ns, name, cbor } => {
            let what = format!("{}/{} with CBOR {}", Quoted(ns), Quoted(name), Hex(cbor));
            match judgement {
                Judgement::Ignored => format!("{what}: the compat semantics ignore it"),
                Judgement::NotAsked => format!("{what}: no handler was asked, as an earlier caveat refuses the token"),
                Judgement::Denies(DenyReason::Custom(text)) => format!("{what}: its handler says {}", Quoted(text)),
                Judgement::Denies(_) => format!("{what}: no handler is registered for its namespace"),
                _ => format!("{what}: its handler agrees"),
            }
        }
    }
}

fn exp(at: u64, config: &VerifierConfig, ctx: &RequestCtx<'_>) -> String {
    let (now, skew) = (ctx.now_unix_s(), config.clock_skew_secs);
    let past = now.saturating_sub(at);
    match past.saturating_sub(skew) {
        0 if past == 0 => format!("{} is {} ahead (now {})", Time(at), Span(at.saturating_sub(now)), Time(now)),
        0 => format!("{} is {} past, within the skew of {} (now {})", Time(at), Span(past), Span(skew), Time(now)),
        over => format!("{} is {} past the skew of {} (now {})", Time(at), Span(over), Span(skew), Time(now)),
    }
}

fn nbf(at: u64, config: &VerifierConfig, ctx: &RequestCtx<'_>) -> String {
    let (now, skew) = (ctx.now_unix_s(), config.clock_skew_secs);
    let ahead = at.saturating_sub(now);
    match ahead.saturating_sub(skew) {
        0 if ahead == 0 => format!("{} is {} past (now {})", Time(at), Span(now.saturating_sub(at)), Time(now)),
        0 => format!("{} is {} ahead, within the skew of {} (now {})", Time(at), Span(ahead), Span(skew), Time(now)),
        over => format!("{} is {} beyond the skew of {} (now {})", Time(at), Span(over), Span(skew), Time(now)),
    }
}

fn same(wanted: &str, ours: Option<&str>, holds: bool, what: &str) -> String {
    match ours {
        _ if holds => format!("{} is {}", Quoted(wanted), what.trim_end_matches(',')),
        Some(ours) => format!("wants {}; {what} is {}", Quoted(wanted), Quoted(ours)),
        None => format!("wants {}; {what} is unknown", Quoted(wanted)),
    }
}

pub(super) fn tenant(name: &str, ctx: &RequestCtx<'_>) -> String {
    same(name, Some(ctx.tenant()), name == ctx.tenant(), "the request's tenant")
}

pub(super) fn methods<'a>(names: impl ExactSizeIterator<Item = &'a str> + Clone, ctx: &RequestCtx<'_>) -> String {
    let method = Quoted(ctx.method());
    if names.len() == 0 {
        return format!("method {method}: the list is empty, which permits none");
    }
    let is_listed = names.clone().any(|name| name.eq_ignore_ascii_case(ctx.method()));
    format!("method {method} is {}among {}", if is_listed { "" } else { "not " }, List(names))
}

pub(super) fn path(prefix: &str, holds: bool, config: &VerifierConfig, ctx: &RequestCtx<'_>) -> String {
    let (path, shown) = (ctx.path(), format!("path {}", Quoted(ctx.path())));
    let prefix_shown = Quoted(prefix);
    if holds {
        return match config.semantics {
            Semantics::Compat => format!("{shown} begins with {prefix_shown}"),
            Semantics::Strict => format!("{shown} is {prefix_shown} or below it"),
        };
    }
    match path.strip_prefix(prefix) {
        None => format!("{shown} does not begin with {prefix_shown}"),
        Some(rest) if !(rest.is_empty() || rest.starts_with('/') || prefix.ends_with('/')) => {
            format!("{shown} begins with {prefix_shown}, but the prefix ends within a segment of it")
        }
        Some(_) => format!("{shown} begins with {prefix_shown}, but some server could take it for another path"),
    }
}

fn peer(net: &str, holds: bool, config: &VerifierConfig, ctx: &RequestCtx<'_>) -> String {
    let shown = Quoted(net);
    let Some(peer) = ctx.known_peer_ip() else { return format!("wants a peer in {shown}; the peer is unknown") };
    let strict = config.semantics == Semantics::Strict;
    let judged = match (if strict { peer.to_canonical() } else { peer }, peer) {
        (judged @ IpAddr::V4(_), IpAddr::V6(mapped)) => format!("{mapped}, judged as {judged},"),
        (judged, _) => judged.to_string(),
    };
    if holds {
        return format!("peer {judged} is in {shown}");
    }
    let peer = judged.trim_end_matches(',');
    match net.parse::<IpNet>() {
        Err(_) => format!("peer {peer}: {shown} is not a net in CIDR notation"),
        Ok(parsed) if strict && parsed.addr() != parsed.network() => {
            format!("peer {peer}: {shown} has host bits set; the net is {}", parsed.trunc())
        }
        Ok(parsed) if strict && parsed.to_string() != net => {
            format!("peer {peer}: {shown} is not the canonical spelling, {parsed}")
        }
        Ok(_) => format!("peer {judged} is not in {shown}"),
    }
}

pub(super) fn length(limit: u64, ctx: &RequestCtx<'_>) -> String {
    match ctx.known_content_len() {
        None => format!("at most {}; the request's length is unknown", Bytes(limit)),
        Some(len) if len > limit => {
            format!("at most {}; the request has {}, {} too many", Bytes(limit), Bytes(len), len - limit)
        }
        Some(len) => format!("at most {}; the request has {}", Bytes(limit), Bytes(len)),
    }
}

pub(super) fn demanded_kind(kind: CaveatKind, holds: bool) -> String {
    format!("the settings demand a caveat of kind {kind:?}; the token has {}", if holds { "one" } else { "none" })
}

pub(super) fn demanded_lifetime(longest_s: u64, caveats: &[Caveat], ctx: &RequestCtx<'_>) -> String {
    let exps = caveats.iter().filter_map(|caveat| match caveat {
        Caveat::Exp(at) => Some(*at),
        _ => None,
    });
    let demanded = format!("the settings demand that it expires within {}", Span(longest_s));
    match exps.min() {
        Some(at) => format!("{demanded}; it does so in {}", Span(at.saturating_sub(ctx.now_unix_s()))),
        None => format!("{demanded}; it never does"),
    }
}

pub(super) fn demanded_audience(holds: bool, ctx: &RequestCtx<'_>) -> String {
    match ctx.known_audience() {
        Some(audience) if !audience.is_empty() => {
            let names = if holds { "one does" } else { "none does" };
            format!("the settings demand that an Aud names {}; {names}", Quoted(audience))
        }
        _ => "the settings demand that an Aud names this service's audience, which is unknown".to_owned(),
    }
}
