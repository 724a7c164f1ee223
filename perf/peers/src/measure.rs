//! Checks and times `prod` and every peer on one fixture, in the same rounds.

use std::hint::black_box;
use std::iter::Cycle;
use std::slice;
use std::time::{Duration, Instant};

use anyhow::Context;
use fairbench::exit::Failure;
use fairbench::measure::stats::{PairedRatio, Quartiles};
use perf_lab::rounds::subject::{Clock, InProcess, Subject, Work};
use perf_lab::rounds::{self, RoundsEffort};
use ron_auth_core::RequestCtx;
use ron_auth_fixtures::Fixture;
use serde::Serialize;

use crate::{check, lock, peer, terms};

/// Distinct tokens of each library: enough that neither caches nor branch predictors know them by heart.
const TOKENS: usize = 256;
/// A turn lasts about this long: long for the clock, short for a scheduler.
const TURN_NS: f64 = 1e6;
const FEWEST_ROUNDS: usize = 20;
const MOST_ROUNDS: usize = 1000;
const KEY: [u8; 32] = [7; 32];
const ANOTHER_KEY: [u8; 32] = [8; 32];

/// One line of the table. Times are medians over rounds.
#[derive(Debug, Serialize)]
pub struct Row {
    pub peer: &'static str,
    pub version: String,
    pub fixture: &'static str,
    pub token_bytes: usize,
    pub ns_per_token: f64,
    /// Peer / `prod`: above 1 the peer is slower.
    pub ratio: f64,
    pub ratio_lower95: f64,
    pub ratio_upper95: f64,
    pub tokens_per_turn: usize,
    pub rounds: usize,
    pub differs: &'static str,
}

/// One library, checked and ready to be timed.
struct Contestant<'a> {
    name: &'static str,
    version: String,
    differs: &'static str,
    token_bytes: usize,
    tokens_per_turn: usize,
    turn: Turn<'a>,
}

/// A fixed number of tokens, going round all of them.
struct Turn<'a> {
    verify: Box<dyn Fn(&str) + 'a>,
    tokens: Cycle<slice::Iter<'a, String>>,
    tokens_per_turn: usize,
}

impl Work for Turn<'_> {
    fn pass(&mut self) {
        for token in self.tokens.by_ref().take(self.tokens_per_turn) {
            (self.verify)(token);
        }
    }
}

impl<'a> Contestant<'a> {
    fn new(
        name: &'static str,
        package: &str,
        differs: &'static str,
        tokens: &'a [String],
        verify: Box<dyn Fn(&str) + 'a>,
    ) -> anyhow::Result<Self> {
        let start = Instant::now();
        tokens.iter().for_each(|token| verify(token));
        let ns_per_token = start.elapsed().as_secs_f64() * 1e9 / tokens.len() as f64;
        let tokens_per_turn = (TURN_NS / ns_per_token).clamp(1.0, 1e6) as usize;
        let token_bytes = tokens.first().context("no tokens")?.len();
        let turn = Turn { verify, tokens: tokens.iter().cycle(), tokens_per_turn };
        Ok(Self { name, version: lock::version_of(package)?, differs, token_bytes, tokens_per_turn, turn })
    }
}

/// Rows for one fixture: `prod`, `prod` again as a control, and the peers.
///
/// # Errors
/// A library that cannot be set up, or one that accepts or refuses what it should not; then nothing is timed.
pub fn fixture(fixture: Fixture, only: &[String], budget: Duration) -> Result<Vec<Row>, Failure> {
    let corpus = fixture.corpus(TOKENS);
    // The macaroon crate takes a function without state, which finds the request in a static place.
    let request: &'static RequestCtx<'static> = Box::leak(Box::new(corpus.ctx.clone()));
    let prod = ron_auth_catalogue::find("prod").map_err(Failure::usage)?.build();
    let verify = |token: &str| prod.verify_token(&corpus.config, token, &corpus.ctx, &corpus.keys);
    check::prod(&verify, &corpus.tokens, &corpus.intended).map_err(|what| unfit("prod", fixture, &what))?;

    let mut peers = Vec::new();
    for entry in peer::ALL.iter().filter(|entry| only.is_empty() || only.iter().any(|name| name == entry.package)) {
        let set_up = |key| (entry.set_up)(request, key).with_context(|| format!("could not set up {}", entry.name));
        let (ready, of_another_key) = (set_up(KEY)?, set_up(ANOTHER_KEY)?);
        let tokens = (terms::FIRST_EXP_UNIX_S..)
            .take(TOKENS)
            .map(|exp_unix_s| ready.mint(&terms::of(fixture, exp_unix_s)?))
            .collect::<anyhow::Result<Vec<String>>>()
            .with_context(|| format!("{} could not mint {fixture}", entry.name))?;
        let caveats = terms::of(fixture, terms::FIRST_EXP_UNIX_S)?;
        check::peer(&*ready, &*of_another_key, &caveats, &tokens).map_err(|what| unfit(entry.name, fixture, &what))?;
        peers.push((entry, ready, tokens));
    }

    let time_prod = || Box::new(|token: &str| drop(black_box(verify(black_box(token)))));
    let mut contestants = vec![
        Contestant::new("ron-auth prod", "ron-auth-variants", "", &corpus.tokens, time_prod())?,
        Contestant::new("prod, again", "ron-auth-variants", "the control: must be 1", &corpus.tokens, time_prod())?,
    ];
    for (entry, ready, tokens) in &peers {
        let verify = Box::new(|token: &str| {
            black_box(ready.accepts(black_box(token)));
        });
        contestants.push(Contestant::new(entry.name, entry.package, entry.differs, tokens, verify)?);
    }
    time(fixture, contestants, budget)
}

fn time(fixture: Fixture, contestants: Vec<Contestant<'_>>, budget: Duration) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    let mut subjects: Vec<Box<dyn Subject + '_>> = Vec::new();
    for Contestant { name, version, differs, token_bytes, tokens_per_turn, turn } in contestants {
        rows.push(Row {
            peer: name,
            version,
            fixture: fixture.name(),
            token_bytes,
            ns_per_token: f64::NAN,
            ratio: f64::NAN,
            ratio_lower95: f64::NAN,
            ratio_upper95: f64::NAN,
            tokens_per_turn,
            rounds: 0,
            differs,
        });
        subjects.push(Box::new(InProcess::new(turn, Clock::for_threads(1))));
    }
    let effort = RoundsEffort { min_rounds: FEWEST_ROUNDS, max_rounds: MOST_ROUNDS, budget };
    let rounds = rounds::measure(&mut subjects, effort, 1, &|| false, &mut |_| {})?;
    let per_token: Vec<Vec<f64>> = rows
        .iter()
        .enumerate()
        .map(|(index, row)| rounds.of(index).iter().map(|ns| ns / row.tokens_per_turn as f64).collect())
        .collect();
    let prod = per_token.first().context("nothing was timed")?;
    for (row, own) in rows.iter_mut().zip(&per_token) {
        let ratio = PairedRatio::of(own, prod, 1).context("no round was completed")?;
        row.ns_per_token = Quartiles::of(own).context("no round was completed")?.median;
        (row.ratio, row.ratio_lower95, row.ratio_upper95) = (ratio.estimate, ratio.lower, ratio.upper);
        row.rounds = own.len();
    }
    Ok(rows)
}

fn unfit(name: &str, fixture: Fixture, what: &str) -> Failure {
    Failure::difference(format!("{name} on {fixture}: {what}; nothing was timed"))
}
