//! `perf-lab corpus`: measure on tokens like a service's own.

use std::path::{Path, PathBuf};

use clap::builder::RangedU64ValueParser;
use clap::{Args as ClapArgs, Subcommand};
use fairbench::exit::{CommandResult, Exit, Failure};
use fairbench::files::{is_same_file, write_whole};

use super::print;
use crate::corpus::Source;
use crate::corpus::describe::JudgeInput;
use crate::corpus::given::{read_context, read_keys};
use crate::corpus::import::{Import, Refused, import};
use crate::corpus::lines::{BadLine, read_input};
use crate::corpus::report::report;
use crate::corpus::shape::MAX_TOKENS;
use crate::corpus::shape::Shape;

/// Number of bad lines that are shown; more are only counted.
const SHOWN_BAD_LINES: usize = 20;

/// Describe the shape of a service's tokens, and make synthetic ones like them
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Describe the tokens of a file, one a line, in a corpus file that holds nothing of their content
    ///
    /// With keys and a context, each token is judged, all compositions have to decide alike, and the decisions
    /// become part of the shape. Without them every synthetic token is made so that it is allowed.
    Import {
        /// File with one Base64URL token a line, or - for standard input; empty lines and those that begin with # are
        /// skipped
        file: PathBuf,
        /// File with the keys: TOML, [[key]] with tid, kid, and hex or file. Keys are never printed or written anywhere
        #[arg(long, requires = "context")]
        keys: Option<PathBuf>,
        /// File with request and settings of the verifier: TOML, with now, method, path, tenant, [config], [[handler]],
        /// …
        #[arg(long, requires = "keys")]
        context: Option<PathBuf>,
        /// File to write the corpus to [default: the name of FILE with .corpus.json]
        #[arg(long)]
        out: Option<PathBuf>,
        /// Leave out lines that are not tokens; without this, one such line is an error
        #[arg(long)]
        skip_bad: bool,
    },
    /// Say what a corpus file holds
    Show {
        /// The corpus file
        corpus: PathBuf,
    },
    /// Make synthetic tokens, one a line; they are the same each time
    Synth {
        /// The corpus file
        corpus: PathBuf,
        /// Number of tokens to make [default: as many as were imported]
        #[arg(long, value_parser = RangedU64ValueParser::<usize>::new().range(1..=MAX_TOKENS as u64))]
        count: Option<usize>,
        /// File to write the tokens to [default: standard output]
        #[arg(long)]
        out: Option<PathBuf>,
    },
}

/// Runs `corpus`. Exit 1 if two compositions decide otherwise on a token.
///
/// # Errors
/// A file cannot be read or written, or is malformed; some lines are not tokens.
pub fn run(args: &Args) -> CommandResult {
    match &args.command {
        Command::Import { file, keys, context, out, skip_bad } => {
            let given = keys.as_deref().zip(context.as_deref()).map(read_given).transpose()?;
            run_import(file, given.as_ref(), out.as_deref(), *skip_bad)
        }
        Command::Show { corpus } => {
            print(report(&Shape::read(corpus)?));
            Ok(Exit::Success)
        }
        Command::Synth { corpus, count, out } => synth(corpus, *count, out.as_deref()),
    }
}

fn read_given((keys, context): (&Path, &Path)) -> anyhow::Result<JudgeInput> {
    let keys = read_keys(keys)?;
    let (ctx, config) = read_context(context)?;
    Ok(JudgeInput { keys, ctx, config })
}

fn run_import(file: &Path, given: Option<&JudgeInput>, out: Option<&Path>, skip_bad: bool) -> CommandResult {
    let out = match out {
        Some(out) => out.to_owned(),
        None if file == Path::new("-") => {
            return Err(Failure::usage("standard input has no name; name the file to write by --out"));
        }
        None => file.with_extension("corpus.json"),
    };
    if is_same_file(&out, file) {
        return Err(Failure::usage(format!("{}: would be overwritten; name another file by --out", file.display())));
    }
    let input = read_input(file)?;
    let Import { shape, bad } = match import(file, &input, given, skip_bad) {
        Ok(import) => import,
        Err(Refused::Failed(failure)) => return Err(failure),
        Err(Refused::BadLines(bad, good_count)) => {
            show_bad(file, &bad);
            return Err(anyhow::anyhow!(
                "{}: {} of {} lines are not tokens; nothing was written; --skip-bad leaves them out",
                file.display(),
                bad.len(),
                bad.len() + good_count
            )
            .into());
        }
    };
    shape.write(&out)?;
    print(report(&shape));
    if !bad.is_empty() {
        show_bad(file, &bad);
        print(format_args!("\n{} lines that are not tokens were left out.", bad.len()));
    }
    print(format_args!("\nwrote {}", out.display()));
    Ok(Exit::Success)
}

fn show_bad(file: &Path, bad: &[BadLine]) {
    for line in bad.iter().take(SHOWN_BAD_LINES) {
        eprintln!("{}:{line}", file.display());
    }
    if bad.len() > SHOWN_BAD_LINES {
        eprintln!("{}: and {} more", file.display(), bad.len() - SHOWN_BAD_LINES);
    }
}

fn synth(corpus: &Path, count: Option<usize>, out: Option<&Path>) -> CommandResult {
    let shape = Shape::read(corpus)?;
    let count = count.unwrap_or_else(|| shape.token_count());
    let tokens = Source::of_shape(corpus, shape).corpus(count).tokens.join("\n");
    match out {
        Some(out) => write_whole(out, tokens + "\n")?,
        None => print(tokens),
    }
    Ok(Exit::Success)
}
