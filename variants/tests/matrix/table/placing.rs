//! Where in a batch a token lies: at the boundaries of lanes, chunks and words, among good tokens.

use std::collections::BTreeMap;

use ron_auth_core::{Caveat, Rate};

use super::token::{minted_for, wide};
use super::{NOW_UNIX_S, Setting};

/// Tokens of a batch: a chunk and a bit.
const BATCH: usize = 131;
const BOUNDARIES: [usize; 12] = [0, 1, 7, 8, 15, 16, 31, 63, 64, 127, 128, BATCH - 1];

/// Places that the cases of a class share: at most one at each boundary for each case, at least one.
const PLACES_OF_A_CLASS: usize = 240;

/// Which case lies at which of the [`BOUNDARIES`], batch by batch.
pub struct Plan(Vec<[Option<usize>; BOUNDARIES.len()]>);

impl Plan {
    /// A plan for each setting: every case at every boundary. The cases of a large class take turns, so that the class
    /// as a whole is at each.
    pub fn all(settings: &[Setting]) -> Vec<Self> {
        let mut of_class: BTreeMap<usize, usize> = BTreeMap::new();
        for case in settings.iter().flat_map(|setting| &setting.cases) {
            *of_class.entry(case.class).or_default() += 1;
        }
        let mut turns = BTreeMap::new();
        settings
            .iter()
            .map(|setting| {
                let mut queues = [const { Vec::new() }; BOUNDARIES.len()];
                for (index, case) in setting.cases.iter().enumerate() {
                    let turn: &mut usize = turns.entry(case.class).or_default();
                    let rounds = (PLACES_OF_A_CLASS / of_class[&case.class]).clamp(1, BOUNDARIES.len());
                    for round in 0..rounds {
                        queues[(*turn + round * BOUNDARIES.len() / rounds) % BOUNDARIES.len()].push(index);
                    }
                    *turn += 1;
                }
                let batches = queues.iter().map(Vec::len).max().unwrap_or_default();
                Self((0..batches).map(|batch| queues.each_ref().map(|queue| queue.get(batch).copied())).collect())
            })
            .collect()
    }

    /// Each batch: its tokens, and what they come to, if `alone` are the results of the good tokens.
    pub fn batches<'p, R: Clone>(
        &'p self,
        setting: &'p Setting,
        good: &'p [String],
        alone: &'p [R],
        expected: impl Fn(usize) -> R + 'p,
    ) -> impl Iterator<Item = (Vec<String>, Vec<R>)> + 'p {
        self.0.iter().map(move |placed| {
            let (mut tokens, mut results) = (good.to_vec(), alone.to_vec());
            for (position, case) in BOUNDARIES.into_iter().zip(placed) {
                if let Some(case) = *case {
                    tokens[position].clone_from(&setting.cases[case].token);
                    results[position] = expected(case);
                }
            }
            (tokens, results)
        })
    }
}

/// A batch of good tokens of two keys and of chains of several lengths, so that lanes end and are refilled out of step.
pub fn good_tokens() -> Vec<String> {
    (0..BATCH as u64)
        .map(|index| {
            let exp = Caveat::Exp(NOW_UNIX_S + 60 + index);
            let long = || Caveat::PathPrefix("/".repeat(1 + usize::try_from(index).unwrap()));
            let caveats = match index % 7 {
                0 => vec![],
                3 => vec![exp, long(), Caveat::Tenant("acme".into()), Caveat::Rate(Rate { per_s: 1, burst: 2 })],
                5 => vec![long(), exp],
                _ => vec![exp],
            };
            minted_for("acme", if index % 5 < 3 { "k1" } else { "k2" }, &wide(), caveats)
        })
        .collect()
}
