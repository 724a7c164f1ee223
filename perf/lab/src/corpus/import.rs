//! Importing a file of tokens: from the tokens to their shape.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use fairbench::exit::Failure;
use perf_probe::check::{Results, first_difference};
use ron_auth_catalogue::Verifier;
use ron_auth_core::{AuthError, VerifierConfig};

use super::describe::{Describer, JudgeInput};
use super::lines::{BadLine, TokenLine, parse};
use super::shape::Shape;
use super::shape::outcome::TokenOutcome;
use crate::catalogue::REFERENCE;

/// The result of an import.
#[derive(Debug)]
pub struct Import {
    /// The shape of the tokens.
    pub shape: Shape,
    /// The lines that were left out.
    pub bad: Vec<BadLine>,
}

/// The reason why an import failed.
#[derive(Debug)]
pub enum Refused {
    /// Some lines are not tokens; the number is how many are.
    BadLines(Vec<BadLine>, usize),
    /// Any other failure.
    Failed(Failure),
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<anyhow::Error> for Refused {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Finds the shape of the tokens in `input`, one a line; `name` is what the input is called in errors. Lines that are
/// not tokens are left out if `skip_bad`. With `given`, the tokens are judged: every composition has to decide alike,
/// and the decisions are part of the shape.
///
/// # Errors
/// Lines that are not tokens, unless `skip_bad`; no token at all; tokens on which two compositions differ.
pub fn import(name: &Path, input: &[u8], given: Option<&JudgeInput>, skip_bad: bool) -> Result<Import, Refused> {
    let max_token_bytes = given.map_or_else(VerifierConfig::default, |given| given.config.clone()).max_token_bytes;
    let (lines, bad) = parse(input, max_token_bytes);
    if !bad.is_empty() && !skip_bad {
        return Err(Refused::BadLines(bad, lines.len()));
    }
    if lines.is_empty() {
        let but = if bad.is_empty() { String::new() } else { format!(", but {} lines that are none", bad.len()) };
        return Err(anyhow!("{}: no token{but}; expected one Base64URL token a line", name.display()).into());
    }
    let reference = ron_auth_catalogue::find(REFERENCE).context("this build has no reference")?.build();
    let results = given.map(|given| decided_alike(name, &lines, given, &*reference)).transpose()?;
    let mut describer = Describer::new(given, &*reference, lines.iter().map(|line| &line.capability));
    let mut numbers = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        let result = results.as_ref().and_then(|results| results.get(index));
        numbers.push(describer.add(&line.capability, result != Some(&Err(AuthError::MacMismatch))));
    }
    let shape = describer.finish();
    for ((line, number), result) in lines.iter().zip(numbers).zip(results.iter().flatten()) {
        let described = shape.tokens.get(number).map(|token| shape.outcome_of(token));
        let outcome = TokenOutcome::of(result);
        if described.as_ref() != Some(&outcome) {
            let described = described.map(|outcome| outcome.to_string()).unwrap_or_default();
            return Err(Failure::difference(format!(
                "{}:{}: {REFERENCE} decides {outcome} on the token, but {described} on its parts one by one; nothing \
                 was written",
                name.display(),
                line.number
            ))
            .into());
        }
    }
    Ok(Import { shape, bad })
}

/// The decision of the reference on each token, after every composition was compared with it.
fn decided_alike(
    name: &Path,
    lines: &[TokenLine],
    given: &JudgeInput,
    reference: &dyn Verifier,
) -> Result<Results, Failure> {
    let JudgeInput { keys, ctx, config } = given;
    let one = |line: &TokenLine| reference.verify_token(config, &line.text, ctx, keys);
    let expected: Results = lines.iter().map(one).collect();
    let texts: Vec<String> = lines.iter().map(|line| line.text.clone()).collect();
    let mut config = config.clone();
    // Every batch is worth spreading: the tokens are to meet the parallel code too.
    config.par_min_batch = 1;
    let variants =
        ron_auth_catalogue::catalogue().into_iter().chain(ron_auth_catalogue::compositions().iter().copied());
    for variant in variants {
        let got = variant.build().verify_each(&config, &texts, ctx, keys);
        hold(name, lines, variant.name, &expected, &got)?;
    }
    Ok(expected)
}

fn hold(name: &Path, lines: &[TokenLine], variant: &str, expected: &Results, got: &Results) -> Result<(), Failure> {
    let Some(difference) = first_difference(expected, got) else { return Ok(()) };
    Err(Failure::difference(format!(
        "{}:{}: {variant} decides otherwise than {REFERENCE}: expected {}, got {}; nothing was written",
        name.display(),
        lines.get(difference.token).map_or(0, |line| line.number),
        difference.expected,
        difference.got
    )))
}

#[cfg(test)]
mod tests {
    use fairbench::exit::Exit;
    use ron_auth_fixtures::Fixture;

    use super::*;

    #[test]
    fn a_composition_that_decides_otherwise_is_named_with_the_line_of_the_token() {
        let corpus = Fixture::Light.corpus(2);
        let (lines, _) = parse(format!("\n{}", corpus.tokens.join("\n")).as_bytes(), 4096);
        let mut got = corpus.intended.clone();
        hold(Path::new("tokens.txt"), &lines, "+lanes", &corpus.intended, &got).unwrap();
        got[1] = Err(AuthError::MacMismatch);
        let failure = hold(Path::new("tokens.txt"), &lines, "+lanes", &corpus.intended, &got).unwrap_err();
        assert_eq!(failure.exit(), Exit::Difference);
        let message = failure.to_string();
        assert!(message.starts_with("tokens.txt:3: +lanes decides otherwise than plain: "), "{message}");
        assert!(message.contains("got Err(MacMismatch)"), "{message}");
    }
}
