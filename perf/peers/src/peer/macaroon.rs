//! `macaroon`: a chain of HMAC-SHA256, one first-party caveat per condition.

use std::cell::Cell;
use std::sync::LazyLock;

use anyhow::bail;
use ipnet::IpNet;
use macaroon::{ByteString, Format, Macaroon, MacaroonKey, Verifier};
use ron_auth_core::{Caveat, RequestCtx};

use super::{KID, Peer};
use crate::claims::Handlers;

thread_local! {
    /// The request that [`holds`] judges for: the crate takes a function, which has no room for it.
    static REQUEST: Cell<Option<&'static RequestCtx<'static>>> = const { Cell::new(None) };
}

static HANDLERS: LazyLock<Handlers> = LazyLock::new(Handlers::of_the_fixtures);

struct Macaroons {
    key: MacaroonKey,
    verifier: Verifier,
    request: &'static RequestCtx<'static>,
}

pub(super) fn set_up(request: &'static RequestCtx<'static>, seed: [u8; 32]) -> anyhow::Result<Box<dyn Peer>> {
    macaroon::initialize()?;
    let mut verifier = Verifier::default();
    // What must be equal is compared as a whole, which the crate is quickest at.
    if let Some(audience) = request.known_audience() {
        verifier.satisfy_exact(format!("aud {audience}").into());
    }
    verifier.satisfy_exact(format!("tenant {}", request.tenant()).into());
    verifier.satisfy_exact(format!("amnesia {}", request.is_amnesia()).into());
    verifier.satisfy_general(holds);
    Ok(Box::new(Macaroons { key: MacaroonKey::from(seed), verifier, request }))
}

impl Peer for Macaroons {
    fn mint(&self, caveats: &[Caveat]) -> anyhow::Result<String> {
        let mut token = Macaroon::create(None, &self.key, KID.into())?;
        for caveat in caveats {
            token.add_first_party_caveat(predicate(caveat)?.into());
        }
        Ok(token.serialize(Format::V2)?)
    }

    fn accepts(&self, token: &str) -> bool {
        REQUEST.set(Some(self.request));
        Macaroon::deserialize(token).is_ok_and(|token| self.verifier.verify(&token, &self.key, Vec::new()).is_ok())
    }
}

fn predicate(caveat: &Caveat) -> anyhow::Result<String> {
    Ok(match caveat {
        Caveat::Aud(audience) => format!("aud {audience}"),
        Caveat::Tenant(tenant) => format!("tenant {tenant}"),
        Caveat::Amnesia(amnesia) => format!("amnesia {amnesia}"),
        Caveat::Exp(exp) => format!("exp {exp}"),
        Caveat::PathPrefix(prefix) => format!("path {prefix}"),
        Caveat::Method(methods) => format!("method {}", methods.join(",")),
        Caveat::IpCidr(net) => format!("net {net}"),
        Caveat::BytesLe(bytes) => format!("bytes {bytes}"),
        Caveat::Custom { ns, name, .. } => format!("custom {ns} {name}"),
        other => bail!("no predicate for {other:?}"),
    })
}

fn holds(predicate: &ByteString) -> bool {
    let judge = |request: &RequestCtx<'_>| {
        let (kind, value) = str::from_utf8(&predicate.0).ok()?.split_once(' ')?;
        Some(match kind {
            "exp" => request.now_unix_s() <= value.parse().ok()?,
            "path" => request.path().starts_with(value),
            "method" => value.split(',').any(|method| method.eq_ignore_ascii_case(request.method())),
            "net" => value.parse::<IpNet>().ok()?.contains(&request.known_peer_ip()?),
            "bytes" => request.known_content_len()? <= value.parse().ok()?,
            "custom" => {
                let (ns, name) = value.split_once(' ')?;
                HANDLERS.hold(ns, name)
            }
            _ => false,
        })
    };
    REQUEST.get().and_then(judge).unwrap_or(false)
}
