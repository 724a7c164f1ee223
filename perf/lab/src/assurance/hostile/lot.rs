//! Tokens of one length, as a probe: `perf-lab probe --variant NAME --lots FILE`.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fairbench::compare::runner::CaseInfo;
use fairbench::files::read_json;
use fairbench_probe::clock::Clock;
use fairbench_probe::protocol::Case;
use fairbench_probe::serve::{Job, Suite};
use ron_auth_catalogue::{Variant, Verifier};
use ron_auth_core::VerifierConfig;
use serde::{Deserialize, Serialize};

use super::ordinary;
use super::recipe::TokenRecipe;
use super::work::Tokens;

/// Number of distinct tokens of a lot.
const TOKENS: u32 = 64;

/// Tokens of one kind and length that are verified together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenLot {
    /// Length of each in bytes of CBOR.
    pub cbor_bytes: usize,
    /// Number of tokens of a batch; 1 means `verify_token`.
    pub batch_tokens: usize,
    /// Recipe that they are filled by; `None` for ordinary ones.
    pub recipe: Option<TokenRecipe>,
}

impl TokenLot {
    /// Mints the tokens; `None` if none is that short.
    #[must_use]
    pub fn tokens(&self) -> Option<Vec<String>> {
        let token = |serial| match &self.recipe {
            Some(recipe) => recipe.token(self.cbor_bytes, serial),
            None => ordinary(self.cbor_bytes, serial),
        };
        (0..TOKENS).map(token).collect()
    }

    /// Puts tokens of this lot together with a verifier. Ordinary ones may have more caveats than the default settings
    /// let in.
    #[must_use]
    pub fn work(&self, verifier: Arc<dyn Verifier>, tokens: Vec<String>) -> Tokens {
        let bound = VerifierConfig::default().max_caveats;
        let max_caveats = if self.recipe.is_some() { bound } else { usize::MAX };
        Tokens::new(verifier, tokens, self.batch_tokens, max_caveats)
    }

    /// The lot as a case of a probe.
    #[must_use]
    pub fn case(&self) -> CaseInfo {
        let Self { cbor_bytes, batch_tokens, recipe } = self;
        let what = recipe.as_ref().map_or_else(|| "ordinary".to_owned(), TokenRecipe::describe);
        CaseInfo {
            name: format!("{cbor_bytes} bytes, batch {batch_tokens}: {what}"),
            threads: 1,
            items_per_iteration: u64::from(TOKENS),
        }
    }
}

/// A suite whose cases are lots.
pub struct LotSuite {
    variant: Variant,
    reference: Variant,
    lots: Vec<TokenLot>,
}

impl LotSuite {
    /// Makes a suite of these lots on a variant, whose decisions are held to those of the reference.
    #[must_use]
    pub const fn new(variant: Variant, reference: Variant, lots: Vec<TokenLot>) -> Self {
        Self { variant, reference, lots }
    }

    /// Makes a suite of the lots in a file, which is a JSON list.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(variant: Variant, reference: Variant, path: &Path) -> anyhow::Result<Self> {
        Ok(Self::new(variant, reference, read_json(path, "a JSON list of lots of tokens")?))
    }
}

impl Suite for LotSuite {
    fn cases(&self, _: usize) -> Vec<Case> {
        let case = |lot: &TokenLot| {
            let CaseInfo { name, items_per_iteration, .. } = lot.case();
            Case::on_one_thread(name, items_per_iteration, "token")
        };
        self.lots.iter().map(case).collect()
    }

    fn prepare(&self, name: &str, _: usize) -> Option<Box<dyn Job>> {
        let lot = self.lots.iter().find(|lot| lot.case().name == name)?;
        let tokens = lot.tokens()?;
        let work = lot.work(self.variant.build().into(), tokens.clone());
        Some(Box::new(OnLot { work, reference: lot.work(self.reference.build().into(), tokens) }))
    }
}

struct OnLot {
    work: Tokens,
    reference: Tokens,
}

impl Job for OnLot {
    fn check(&mut self) -> Result<u64, String> {
        let (expected, got) = (self.reference.results(), self.work.results());
        if expected.len() != got.len() {
            return Err(format!("{} results for {} tokens", got.len(), expected.len()));
        }
        match expected.iter().zip(&got).enumerate().find(|(_, (expected, got))| expected != got) {
            None => Ok(got.len() as u64),
            Some((token, (expected, got))) => Err(format!("token {token}: expected {expected:?}, got {got:?}")),
        }
    }

    fn run(&mut self, iterations: u64, work_factor: f64) -> io::Result<Duration> {
        let passes = (iterations as f64 * work_factor).round() as u64;
        Clock::ThreadCpu.time(|| (0..passes).for_each(|_| self.work.pass()))
    }
}

#[cfg(test)]
mod tests {
    use ron_auth_catalogue::find;

    use super::super::recipe::Damage;
    use super::*;

    #[test]
    fn ordinary_and_hostile_lots_are_cases_that_are_checked_and_can_be_run() {
        let recipe = TokenRecipe { units: vec![4], filler: 1, damage: Damage::Mac };
        let lot = |batch_tokens, recipe| TokenLot { cbor_bytes: 4096, batch_tokens, recipe };
        let lots = vec![lot(1, None), lot(64, None), lot(1, Some(recipe.clone())), lot(64, Some(recipe))];
        let json = serde_json::to_string(&lots).unwrap();
        assert_eq!(serde_json::from_str::<Vec<TokenLot>>(&json).unwrap(), lots);
        let [prod, plain] = ["prod", "plain"].map(|name| find(name).unwrap());
        let suite = LotSuite::new(prod, plain, lots);
        assert_eq!(suite.cases(1).len(), 4);
        for case in suite.cases(1) {
            let mut job = suite.prepare(&case.name, 1).unwrap();
            assert_eq!(job.check(), Ok(case.items_per_iteration), "{}", case.name);
            assert!(job.run(1, 1.0).unwrap() > Duration::ZERO);
        }
        assert!(suite.prepare("another", 1).is_none());
    }

    #[test]
    fn an_engine_that_decides_otherwise_is_told_with_its_token() {
        let lot = TokenLot { cbor_bytes: 512, batch_tokens: 1, recipe: None };
        let verifier: Arc<dyn Verifier> = find("plain").unwrap().build().into();
        let tokens = lot.tokens().unwrap();
        let mut others = tokens.clone();
        others[3].pop();
        let mut job = OnLot { work: lot.work(verifier.clone(), others), reference: lot.work(verifier, tokens) };
        let told = job.check().unwrap_err();
        assert!(told.starts_with("token 3: expected Ok(Allow") && told.contains("got Err("), "{told}");
    }
}
