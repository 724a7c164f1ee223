//! The negative matrix: what goes in and what comes out, for every way in which a token can be bad.
//!
//! One table for every variant and for the public functions of `ron-auth`: both test crates take in this folder. A
//! [`Setting`] is a configuration and a request, and the [`Case`]s that are judged under them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a surprise stops a test")]
#![allow(unreachable_pub, dead_code, reason = "a module of several test binaries")]

mod batch;
pub mod cbor;
pub mod classes;
mod conditions;
mod demands;
mod frame;
mod mac;
pub mod paths;
pub mod placing;
mod reasons;
mod text;
mod time;
pub mod token;

use std::net::IpAddr;

use ron_auth_core::{
    AuthError, CustomCaveat, Decision, DenyReason, Malformed, Rate, RequestCtx, Scope, Semantics, VerifierConfig,
};

pub use token::Keys;

pub const NOW_UNIX_S: u64 = 1_762_700_000;

pub const BASE64: AuthError = AuthError::Malformed(Malformed::Base64);
pub const CBOR: AuthError = AuthError::Malformed(Malformed::Cbor);

/// A token, and what it comes to.
pub struct Case {
    /// Its number in [`classes`].
    pub class: usize,
    pub name: String,
    pub token: String,
    pub expected: Result<Decision, AuthError>,
}

/// What tokens are judged under.
pub struct Setting {
    pub name: String,
    pub config: VerifierConfig,
    /// Whether that is [`config`]: then the cases may be in one batch with those of other requests.
    pub has_usual_config: bool,
    pub ctx: RequestCtx<'static>,
    pub cases: Vec<Case>,
}

impl Setting {
    pub fn new(name: impl Into<String>, config: VerifierConfig, ctx: RequestCtx<'static>) -> Self {
        Self { name: name.into(), config, has_usual_config: false, ctx, cases: Vec::new() }
    }

    /// The usual configuration and another request.
    pub fn of(name: impl Into<String>, ctx: RequestCtx<'static>) -> Self {
        Self { has_usual_config: true, ..Self::new(name, config(), ctx) }
    }

    pub fn case(
        &mut self,
        class: usize,
        name: impl Into<String>,
        token: impl Into<String>,
        expected: Result<Decision, AuthError>,
    ) {
        self.cases.push(Case { class, name: name.into(), token: token.into(), expected });
    }

    pub fn fails(&mut self, class: usize, name: impl Into<String>, token: impl Into<String>, error: AuthError) {
        self.case(class, name, token, Err(error));
    }

    pub fn denies(
        &mut self,
        class: usize,
        name: impl Into<String>,
        token: impl Into<String>,
        reasons: impl Into<Vec<DenyReason>>,
    ) {
        self.case(class, name, token, Ok(Decision::Deny { reasons: reasons.into() }));
    }

    pub fn allows(&mut self, class: usize, name: impl Into<String>, token: impl Into<String>, scope: &Scope) {
        self.allows_obliged(class, name, token, scope, Vec::new());
    }

    pub fn allows_obliged(
        &mut self,
        class: usize,
        name: impl Into<String>,
        token: impl Into<String>,
        scope: &Scope,
        obligations: impl Into<Vec<Rate>>,
    ) {
        self.case(class, name, token, Ok(Decision::Allow { scope: scope.clone(), obligations: obligations.into() }));
    }
}

/// The defaults, and handlers: `any` is content with everything, `never` with nothing, `even` with values of an even
/// length, and `unasked` must not be asked.
pub fn config() -> VerifierConfig {
    let mut config = VerifierConfig::default()
        .with_custom_handler("any", |_: &CustomCaveat<'_>, _: &RequestCtx<'_>| Ok(()))
        .with_custom_handler("never", |caveat: &CustomCaveat<'_>, _: &RequestCtx<'_>| {
            Err(format!("never {}", caveat.name()).into())
        })
        .with_custom_handler(
            "even",
            |caveat: &CustomCaveat<'_>, _: &RequestCtx<'_>| {
                if caveat.cbor().len() % 2 == 0 { Ok(()) } else { Err("odd".into()) }
            },
        )
        .with_custom_handler("unasked", |_: &CustomCaveat<'_>, _: &RequestCtx<'_>| {
            panic!("a handler is asked too early")
        });
    // Speed only: so that the batches here are spread over threads.
    config.par_min_batch = 32;
    config
}

/// [`config`] with something changed.
pub fn config_with(change: impl FnOnce(&mut VerifierConfig)) -> VerifierConfig {
    let mut config = config();
    change(&mut config);
    config
}

pub fn compat() -> VerifierConfig {
    config().with_semantics(Semantics::Compat)
}

/// A request of which everything is known.
pub fn ctx() -> RequestCtx<'static> {
    ctx_at("/index/1")
}

/// As [`ctx`], for another path.
pub fn ctx_at(path: &'static str) -> RequestCtx<'static> {
    RequestCtx::new(NOW_UNIX_S, "GET", path, "acme")
        .peer_ip(ip("10.1.2.3"))
        .audience("us")
        .policy_digest("00ff")
        .content_len(24)
}

pub fn ip(address: &str) -> IpAddr {
    address.parse().unwrap()
}

/// All cases by what they are judged under: those of the usual configuration and request first.
pub fn settings() -> Vec<Setting> {
    let mut usual = Setting::of("usual", ctx());
    mac::fill(&mut usual);
    batch::fill(&mut usual);
    let mut settings = vec![usual];
    for section in [text::fill, frame::fill, time::fill, conditions::fill, demands::fill] {
        section(&mut settings);
    }
    settings
}

/// The cases of all settings with the usual configuration as one batch, of which each token comes with a request of its
/// own: by turns, so that neighbours are of different requests, or setting by setting.
pub fn of_mixed_requests(settings: &[Setting], by_turns: bool) -> Vec<(&Setting, &Case)> {
    let usual = || settings.iter().filter(|setting| setting.has_usual_config);
    let mut cases: Vec<_> = usual()
        .flat_map(|setting| setting.cases.iter().enumerate().map(move |(turn, case)| (turn, setting, case)))
        .collect();
    if by_turns {
        cases.sort_by_key(|(turn, ..)| *turn);
    }
    cases.into_iter().map(|(_, setting, case)| (setting, case)).collect()
}
