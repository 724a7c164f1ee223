//! `perf-lab token`: shows what a token says, where it is not canonical, and why it is allowed or not; and mints one.

use std::io::{self, Read as _};
use std::path::PathBuf;

use anyhow::anyhow;
use clap::{Args as ClapArgs, Subcommand};
use fairbench::exit::{CommandResult, Exit};
use ron_auth_core::inspect::{self, Flaw};
use ron_auth_core::{Decision, VerifierConfig};
use serde_json::json;

use super::token_given::{GivenRequest, Keys};
use super::token_json::{explanation_json, flaw_json, token_json};
use super::{print, token_mint};

/// Longest input read, in bytes: far beyond any token.
const MAX_INPUT_BYTES: u64 = 16 << 20;

/// Look at a token (what it says, where it is not canonical, why it is allowed or not), or mint one
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what a token says, without trust: its MAC is not checked. Exit 3 if it cannot be decoded
    Inspect {
        #[command(flatten)]
        given: GivenToken,
    },
    /// Say where a text is not the canonical form of a token, and what was expected there. Exit 1 if it is not
    Diagnose {
        #[command(flatten)]
        given: GivenToken,
    },
    /// Verify a token, and say of each condition whether it holds, and why. Exit 1 if the token is denied or refused
    Explain {
        #[command(flatten)]
        given: GivenToken,
        #[command(flatten)]
        keys: Keys,
        #[command(flatten)]
        request: GivenRequest,
    },
    /// Mint a token and print it
    Mint(token_mint::Args),
}

/// A token with the bounds that it is read with.
#[derive(Debug, ClapArgs)]
struct GivenToken {
    /// The token; or - to read it from standard input
    #[arg(required_unless_present = "file")]
    token: Option<String>,
    /// Read the token from this file
    #[arg(long, conflicts_with = "token")]
    file: Option<PathBuf>,
    /// Longest token accepted, in bytes of CBOR [default: the verifier's]
    #[arg(long, value_name = "BYTES")]
    max_token_bytes: Option<usize>,
    /// Most caveats accepted [default: the verifier's]
    #[arg(long, value_name = "N")]
    max_caveats: Option<usize>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs `token`. Exit 1 for a token that is not canonical (`diagnose`), or denied or refused (`explain`).
///
/// # Errors
/// Something cannot be read; a token cannot be decoded (`inspect`); a key, a time or a caveat is malformed.
pub fn run(args: &Args) -> CommandResult {
    match &args.command {
        Command::Inspect { given } => inspect(given),
        Command::Diagnose { given } => diagnose(given),
        Command::Explain { given, keys, request } => explain(given, keys, request),
        Command::Mint(args) => token_mint::run(args),
    }
}

fn inspect(given: &GivenToken) -> CommandResult {
    let text = given.text()?;
    let token = inspect::inspect(&given.bounds(VerifierConfig::default()), &text).map_err(|flaw| anyhow!("{flaw}"))?;
    if given.json {
        print(format_args!("{:#}", token_json(&token)));
    } else {
        print(token);
    }
    Ok(Exit::Success)
}

fn diagnose(given: &GivenToken) -> CommandResult {
    let text = given.text()?;
    let diagnosis = inspect::inspect(&given.bounds(VerifierConfig::default()), &text);
    if given.json {
        let flaw = diagnosis.as_ref().err().map(flaw_json);
        print(format_args!("{:#}", json!({ "canonical": diagnosis.is_ok(), "flaw": flaw })));
    } else {
        match &diagnosis {
            Ok(token) => print(format_args!(
                "canonical: {} characters, {} bytes of CBOR, {} caveats; whether it is genuine was not asked",
                token.text_chars(),
                token.cbor_bytes(),
                token.caveats().len()
            )),
            Err(flaw) => print(format_args!("{flaw}\n{}", pointed_at(&text, flaw))),
        }
    }
    Ok(if diagnosis.is_ok() { Exit::Success } else { Exit::Difference })
}

fn explain(given: &GivenToken, keys: &Keys, request: &GivenRequest) -> CommandResult {
    let text = given.text()?;
    let keys = keys.provider()?;
    let (ctx, config) = request.settle()?;
    let explanation = inspect::explain(&given.bounds(config), &text, &ctx, &*keys);
    if given.json {
        print(format_args!("{:#}", explanation_json(&explanation)));
    } else {
        print(&explanation);
    }
    Ok(if explanation.outcome().is_ok_and(Decision::is_allow) { Exit::Success } else { Exit::Difference })
}

impl GivenToken {
    /// The token as it was given, without the line end behind it.
    fn text(&self) -> anyhow::Result<String> {
        let (bytes, from) = match (&self.token, &self.file) {
            (Some(token), _) if token != "-" => return Ok(token.clone()),
            (_, Some(path)) => {
                let from = path.display().to_string();
                let file = std::fs::File::open(path).map_err(|error| anyhow!("{from}: {error}; expected a token"))?;
                (bounded(file), from)
            }
            _ => (bounded(io::stdin().lock()), "standard input".to_owned()),
        };
        let bytes = bytes.map_err(|error| anyhow!("{from}: {error}; expected a token"))?;
        if bytes.len() as u64 > MAX_INPUT_BYTES {
            return Err(anyhow!("{from}: longer than {} MiB; expected a token", MAX_INPUT_BYTES >> 20));
        }
        let text = str::from_utf8(&bytes).map_err(|error| anyhow!("{from}: {error}; expected a token"))?;
        Ok(text.trim_end_matches(['\r', '\n']).to_owned())
    }

    fn bounds(&self, mut config: VerifierConfig) -> VerifierConfig {
        config.max_token_bytes = self.max_token_bytes.unwrap_or(config.max_token_bytes);
        config.max_caveats = self.max_caveats.unwrap_or(config.max_caveats);
        config
    }
}

/// Reads everything, but no more than one byte beyond the limit.
fn bounded(input: impl io::Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(MAX_INPUT_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text around a flaw, with a mark below it. What is not printable ASCII is shown as `?`, so that the mark is in
/// place.
fn pointed_at(text: &str, flaw: &Flaw) -> String {
    const AROUND: usize = 32;
    let at = flaw.text_char();
    let first = at.saturating_sub(AROUND);
    let shown: String =
        text.chars().skip(first).take(2 * AROUND).map(|c| if matches!(c, ' '..='~') { c } else { '?' }).collect();
    let (before, after) =
        (if first > 0 { "…" } else { "" }, if text.chars().count() > first + 2 * AROUND { "…" } else { "" });
    let indent = at - first + before.chars().count();
    format!("  {before}{shown}{after}\n  {:indent$}^", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_below_the_character_at_fault() {
        let mark = |text: &str| {
            let flaw = inspect::diagnose(&VerifierConfig::default(), text).unwrap_err();
            pointed_at(text, &flaw)
        };
        assert_eq!(mark("AA+A"), "  AA+A\n    ^");
        assert_eq!(mark("\u{1b}é中A"), "  ???A\n  ^");
        assert_eq!(mark(""), "  \n  ^");
        let long = "A".repeat(100) + "=" + &"B".repeat(100);
        let lines = mark(&long);
        let (text, below) = lines.split_once('\n').unwrap();
        let place = below.chars().position(|c| c == '^').unwrap();
        assert_eq!(text.chars().nth(place), Some('='), "{lines}");
        assert!(text.starts_with("  …A") && text.ends_with("B…"), "{lines}");
    }
}
