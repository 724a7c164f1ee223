//! `biscuit-auth`: a public-key signature over Datalog.
//!
//! All checks are in the authority block, made by who issues the token, as all caveats of ron-auth are. A holder of a
//! biscuit could add checks in blocks of their own, each for another signature; ron-auth has nothing like it.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use biscuit_auth::builder::{Algorithm, Term};
use biscuit_auth::datalog::ExternFunc;
use biscuit_auth::{AuthorizerBuilder, AuthorizerLimits, Biscuit, KeyPair, PrivateKey, PublicKey};
use ipnet::IpNet;
use ron_auth_core::{Caveat, RequestCtx};

use super::Peer;
use crate::claims::Handlers;

struct Biscuits {
    root: KeyPair,
    public: PublicKey,
    /// The facts of the request, the functions and the policy. Each token takes a copy, because an authorizer is
    /// built for one token.
    authorizer: AuthorizerBuilder,
}

pub(super) fn set_up(request: &'static RequestCtx<'static>, seed: [u8; 32]) -> anyhow::Result<Box<dyn Peer>> {
    let root = KeyPair::from(&PrivateKey::from_bytes(&seed, Algorithm::Ed25519)?);
    let mut facts = vec![
        ("time", Term::Date(request.now_unix_s())),
        ("method", Term::Str(request.method().to_owned())),
        ("path", Term::Str(request.path().to_owned())),
        ("tenant", Term::Str(request.tenant().to_owned())),
        ("amnesia", Term::Bool(request.is_amnesia())),
    ];
    facts.extend(request.known_audience().map(|audience| ("aud", Term::Str(audience.to_owned()))));
    facts.extend(request.known_peer_ip().map(|ip| ("peer_ip", Term::Str(ip.to_string()))));
    if let Some(bytes) = request.known_content_len() {
        facts.push(("content_len", Term::Integer(bytes.try_into()?)));
    }
    let mut authorizer = AuthorizerBuilder::new()
        // The default, 1 ms, is less than a process may be kept from running.
        .set_limits(AuthorizerLimits { max_time: Duration::from_secs(10), ..AuthorizerLimits::default() })
        .register_extern_func("in_net".to_owned(), ExternFunc::new(Arc::new(in_net)))
        .register_extern_func("demo".to_owned(), ExternFunc::new(Arc::new(demo(Handlers::of_the_fixtures()))));
    for (name, value) in facts {
        authorizer = authorizer.code_with_params(
            format!("{name}({{value}});"),
            HashMap::from([("value".to_owned(), value)]),
            HashMap::new(),
        )?;
    }
    let authorizer = authorizer.code("allow if true;")?;
    Ok(Box::new(Biscuits { public: root.public(), root, authorizer }))
}

impl Peer for Biscuits {
    fn mint(&self, caveats: &[Caveat]) -> anyhow::Result<String> {
        let mut builder = Biscuit::builder();
        for caveat in caveats {
            let (check, value) = check(caveat)?;
            builder = builder.code_with_params(check, HashMap::from([("value".to_owned(), value)]), HashMap::new())?;
        }
        Ok(builder.build(&self.root)?.to_base64()?)
    }

    fn accepts(&self, token: &str) -> bool {
        Biscuit::from_base64(token, self.public)
            .and_then(|token| self.authorizer.clone().build(&token))
            .is_ok_and(|mut authorizer| authorizer.authorize().is_ok())
    }

    /// Protobuf ignores fields that it does not know, and a field left out has its default: in a `heavy` token the
    /// tag of the next key's algorithm, whose value is 0, can become that of an unknown field.
    fn says_the_same(&self, token: &str, other: &str) -> bool {
        let encoded_again =
            |token: &str| Biscuit::from_base64(token, self.public).and_then(|token| token.to_vec()).ok();
        encoded_again(token).is_some_and(|bytes| encoded_again(other) == Some(bytes))
    }
}

fn check(caveat: &Caveat) -> anyhow::Result<(String, Term)> {
    let text = |text: &str| Term::Str(text.to_owned());
    let (condition, value) = match caveat {
        Caveat::Aud(audience) => ("aud({value})", text(audience)),
        Caveat::Tenant(tenant) => ("tenant({value})", text(tenant)),
        Caveat::Amnesia(amnesia) => ("amnesia({value})", Term::Bool(*amnesia)),
        Caveat::Exp(exp) => ("time($time), $time <= {value}", Term::Date(*exp)),
        Caveat::PathPrefix(prefix) => ("path($path), $path.starts_with({value})", text(prefix)),
        Caveat::Method(methods) => {
            let methods: BTreeSet<Term> = methods.iter().map(|name| text(name)).collect();
            ("method($method), {value}.contains($method)", Term::Set(methods))
        }
        Caveat::IpCidr(net) => ("peer_ip($ip), $ip.extern::in_net({value})", text(net)),
        Caveat::BytesLe(bytes) => ("content_len($len), $len <= {value}", Term::Integer((*bytes).try_into()?)),
        // The namespace is the function: one that is not registered is refused.
        Caveat::Custom { ns, name, .. } => return Ok((format!("check if {{value}}.extern::{ns}();"), text(name))),
        other => bail!("no check for {other:?}"),
    };
    Ok((format!("check if {condition};"), value))
}

fn in_net(ip: Term, net: Option<Term>) -> Result<Term, String> {
    let (Term::Str(ip), Some(Term::Str(net))) = (ip, net) else { return Err("expected two texts".to_owned()) };
    let ip: IpAddr = ip.parse().map_err(|_| "not an address".to_owned())?;
    let net: IpNet = net.parse().map_err(|_| "not a net".to_owned())?;
    Ok(Term::Bool(net.contains(&ip)))
}

fn demo(handlers: Handlers) -> impl Fn(Term, Option<Term>) -> Result<Term, String> {
    move |name, _| match name {
        Term::Str(name) => Ok(Term::Bool(handlers.hold("demo", &name))),
        _ => Err("expected a text".to_owned()),
    }
}
