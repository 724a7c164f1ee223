//! What is measured: `prod` or a peer, with its tokens of a fixture.

use std::hint::black_box;

use anyhow::Context;
use ron_auth_catalogue::Verifier;
use ron_auth_core::{AuthError, Caveat, Decision, RequestCtx};
use ron_auth_fixtures::{Corpus, Fixture};

use crate::peer::{self, Entry, Peer};
use crate::{check, terms};

/// Distinct tokens of each library: enough that neither caches nor branch predictors know them by heart.
const TOKENS: usize = 256;
const KEY: [u8; 32] = [7; 32];
const ANOTHER_KEY: [u8; 32] = [8; 32];
/// The variant that the peers are measured against, by its name in the catalogue and on the probe's command line.
const PROD: &str = "prod";

/// Which library.
#[derive(Clone, Copy)]
pub enum Library {
    /// ron-auth's `prod`.
    Prod,
    /// Another one.
    Peer(&'static Entry),
}

impl Library {
    /// `prod`, then the peers in the order of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Prod).chain(peer::ALL.iter().map(Self::Peer))
    }

    /// What the probe's command line calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Prod => PROD,
            Self::Peer(entry) => entry.name,
        }
    }

    /// Sets it up with its tokens of a fixture.
    ///
    /// # Errors
    /// It can't be set up, or refuses to mint.
    pub fn on(self, fixture: Fixture) -> anyhow::Result<Box<dyn OnFixture>> {
        let corpus = fixture.corpus(TOKENS);
        Ok(match self {
            Self::Prod => {
                let verifier = ron_auth_catalogue::find(PROD).map_err(anyhow::Error::msg)?.build();
                Box::new(Prod { verifier, corpus })
            }
            Self::Peer(entry) => Box::new(OfPeer::new(entry, fixture, &corpus)?),
        })
    }
}

/// A library with its tokens, set up once.
pub trait OnFixture {
    /// The tokens.
    fn tokens(&self) -> &[String];

    /// Verifies a token; what comes of it is dropped. This is what is timed.
    fn verify(&self, token: &str);

    /// What every process proves before it is timed. Returns the number of answers.
    ///
    /// # Errors
    /// What went wrong, in a sentence.
    fn check(&self) -> Result<u64, String>;

    /// What is proved once, before any process is started: all that README.md lists.
    ///
    /// # Errors
    /// What went wrong, in a sentence.
    fn check_all(&self) -> Result<(), String>;
}

struct Prod {
    verifier: Box<dyn Verifier>,
    corpus: Corpus,
}

impl Prod {
    fn decide(&self, token: &str) -> Result<Decision, AuthError> {
        let Corpus { config, ctx, keys, .. } = &self.corpus;
        self.verifier.verify_token(config, token, ctx, keys)
    }
}

impl OnFixture for Prod {
    fn tokens(&self) -> &[String] {
        &self.corpus.tokens
    }

    fn verify(&self, token: &str) {
        drop(black_box(self.decide(black_box(token))));
    }

    fn check(&self) -> Result<u64, String> {
        check::decisions(&|token| self.decide(token), &self.corpus.tokens, &self.corpus.intended)?;
        Ok(self.corpus.tokens.len() as u64)
    }

    fn check_all(&self) -> Result<(), String> {
        check::prod(&|token| self.decide(token), &self.corpus.tokens, &self.corpus.intended)
    }
}

struct OfPeer {
    peer: Box<dyn Peer>,
    of_another_key: Box<dyn Peer>,
    caveats: Vec<Caveat>,
    tokens: Vec<String>,
}

impl OfPeer {
    fn new(entry: &Entry, fixture: Fixture, corpus: &Corpus) -> anyhow::Result<Self> {
        // The macaroon crate takes a function without state, which finds the request in a static place.
        let request: &'static RequestCtx<'static> = Box::leak(Box::new(corpus.ctx.clone()));
        let set_up = |key| (entry.set_up)(request, key).with_context(|| format!("could not set up {}", entry.name));
        let (peer, of_another_key) = (set_up(KEY)?, set_up(ANOTHER_KEY)?);
        let tokens = (terms::FIRST_EXP_UNIX_S..)
            .take(TOKENS)
            .map(|exp_unix_s| peer.mint(&terms::of(fixture, exp_unix_s)?))
            .collect::<anyhow::Result<Vec<String>>>()
            .with_context(|| format!("{} could not mint {fixture}", entry.name))?;
        Ok(Self { peer, of_another_key, caveats: terms::of(fixture, terms::FIRST_EXP_UNIX_S)?, tokens })
    }
}

impl OnFixture for OfPeer {
    fn tokens(&self) -> &[String] {
        &self.tokens
    }

    fn verify(&self, token: &str) {
        black_box(self.peer.accepts(black_box(token)));
    }

    fn check(&self) -> Result<u64, String> {
        check::keys(&*self.peer, &*self.of_another_key, &self.caveats, &self.tokens)?;
        Ok(self.tokens.len() as u64)
    }

    fn check_all(&self) -> Result<(), String> {
        check::peer(&*self.peer, &*self.of_another_key, &self.caveats, &self.tokens)
    }
}
