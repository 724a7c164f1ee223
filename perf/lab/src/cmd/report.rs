//! `perf-lab report RUN…`: makes the page of a run again from its raw data.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use fairbench::exit::{CommandResult, Exit, Failure};
use fairbench::files::{is_same_file, write_whole};

use super::print;
use crate::report::conclude::{Sources, conclude, input};
use crate::report::html::{FILE_NAME, Page};
use crate::run::Run;
use crate::sweep::row::rows;

/// Make the report of a run anew from its raw data, with tables and plots, or a page of two runs side by side
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// One run or two: directories that a sweep wrote, or their run.jsonl files
    #[arg(value_name = "RUN", required = true, num_args = 1..=2)]
    runs: Vec<PathBuf>,
    /// Write the page to this file, and nothing else [default: report.html beside the first run's data]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs `report`.
///
/// # Errors
/// A run cannot be read, or a file cannot be written.
pub fn run(args: &Args) -> CommandResult {
    let runs = args.runs.iter().map(|path| Run::read(path)).collect::<anyhow::Result<Vec<Run>>>()?;
    let sources = Sources::of_repository()?;
    if let (None, [run]) = (&args.out, &runs[..]) {
        print(conclude(run, &sources)?.report.display());
        return Ok(Exit::Success);
    }
    let inputs = runs.iter().map(|run| input(run, &rows(run), &sources));
    let mut inputs = inputs.collect::<anyhow::Result<Vec<_>>>()?.into_iter();
    // At least one, or clap would have said so.
    let Some(first) = inputs.next() else { return Ok(Exit::Success) };
    let out = args.out.clone().unwrap_or_else(|| first.run.directory.join(FILE_NAME));
    // Raw data is what cannot be made again.
    let data = args.runs.iter().flat_map(|run| [run.clone(), run.join(crate::run::journal::FILE_NAME)]);
    if let Some(data) = data.into_iter().find(|data| is_same_file(data, &out)) {
        return Err(Failure::usage(format!("--out {}: is a run; expected another file", data.display())));
    }
    let directory = out.parent().map(PathBuf::from).unwrap_or_default();
    let page = Page { first, second: inputs.next(), directory };
    write_whole(&out, page.render()?)?;
    print(out.display());
    Ok(Exit::Success)
}
