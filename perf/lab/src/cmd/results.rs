//! `perf-lab results`: the pages of results, from data in the repository.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use anyhow::{Context, anyhow};
use clap::Args as ClapArgs;
use clap::builder::PossibleValuesParser;
use fairbench::exit::{CommandResult, Exit, Failure};
use fairbench::files::{read_json, read_text, target_directory, write_whole};
use serde_json::Value;

use super::print;
use crate::own::{host, objection, repository_root};
use crate::report::page::data::PartData;
use crate::report::page::{PagePart, SWEEP, first_difference, hosts, name_of, page, path_of};
use crate::run::Run;
use crate::sweep::row::{CsvRow, rows};

/// Make docs/results/HOST.md of each host from the data in the repository, or check that it is what they give
///
/// What is measured with --measure is kept in docs/results/data/HOST, with host, command, date and revision. Baselines
/// and trials of the self-test are read from baselines/. The same data make the same page on any machine.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Write nothing; exit 1 if a page is not what the data give
    #[arg(long, conflicts_with_all = ["measure", "take"])]
    check: bool,
    /// Measure these parts on this host first; each takes minutes
    #[arg(long, value_name = "PART,…", value_delimiter = ',')]
    #[arg(value_parser = PossibleValuesParser::new(PagePart::names()))]
    measure: Vec<String>,
    /// Take a part from what its command printed on this host: a file of JSON; of sweep, the run's directory
    #[arg(long, value_name = "PART=FILE")]
    take: Vec<String>,
}

/// Runs `results`. Exit 1 with --check if a page is not what the data give.
///
/// # Errors
/// Usage: an unknown part. Data that cannot be read, a command that fails, a page that cannot be written.
pub fn run(args: &Args) -> CommandResult {
    let root = repository_root();
    for taken in &args.take {
        let (name, file) = taken
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("--take {taken}: expected PART=FILE, such as floor=floor.json")))?;
        let (part, arguments) = PagePart::measurable(name).ok_or_else(|| unknown(name))?;
        keep(&root, part, &take(&root, part, arguments, Path::new(file))?)?;
    }
    if !args.measure.is_empty()
        && let Some(objection) = objection(&root)
    {
        return Err(Failure::could_not(objection));
    }
    for name in &args.measure {
        let (part, arguments) = PagePart::measurable(name).ok_or_else(|| unknown(name))?;
        keep(&root, part, &measure(&root, part, arguments)?)?;
    }
    let hosts = hosts(&root)?;
    if hosts.is_empty() {
        return Err(Failure::could_not(format_args!(
            "{}: has no data of any host; expected a folder for each, which cargo lab results --measure makes",
            root.join("docs/results/data").display()
        )));
    }
    for host in &hosts {
        let (path, expected) = (path_of(host), page(&root, host)?);
        let found = read_text(&root.join(&path), "a page of results").unwrap_or_default();
        match (first_difference(&found, &expected), args.check) {
            (None, _) => {}
            (Some(_), false) => {
                write_whole(&root.join(&path), &expected)?;
                print(path.display());
            }
            (Some((line, found, expected)), true) => {
                return Err(Failure::difference(format_args!(
                    "{}:{line}: has {found:?}, the data give {expected:?}; cargo lab results writes it anew",
                    path.display()
                )));
            }
        }
    }
    Ok(Exit::Success)
}

fn unknown(part: &str) -> Failure {
    Failure::usage(format!("unknown part {part:?}: expected one of {}", PagePart::names().join(", ")))
}

fn keep(root: &Path, part: &PagePart, measured: &PartData) -> anyhow::Result<()> {
    let path = measured.keep(root, &name_of(&measured.host), part.name)?;
    print(path.strip_prefix(root).unwrap_or(&path).display());
    Ok(())
}

/// The command as it is typed.
fn command_line(arguments: &[&str]) -> String {
    format!("cargo lab {}", arguments.join(" "))
}

/// Runs the command of a part, in a process of its own.
fn measure(root: &Path, part: &PagePart, arguments: &[&str]) -> anyhow::Result<PartData> {
    let command_line = command_line(arguments);
    let mut command = Command::new(std::env::current_exe().context("cannot tell which program this is")?);
    command.args(arguments).current_dir(root).stdin(Stdio::null()).stderr(Stdio::inherit());
    let directory = target_directory(root).join("results").join(part.name);
    if part.name == SWEEP {
        // What an earlier one left would be gone on with.
        let _ = std::fs::remove_dir_all(&directory);
        command.arg("--out").arg(&directory);
    }
    let began = SystemTime::now();
    let output = command.output().with_context(|| format!("could not start {command_line}"))?;
    let code = output.status.code().ok_or_else(|| anyhow!("{command_line}: {}", output.status))?;
    // 1 and 2 are what the command has to say of what it measured.
    let has_measured =
        [Exit::Success, Exit::Difference, Exit::Inconclusive].iter().any(|exit| code == i32::from(exit.code()));
    if !has_measured {
        return Err(anyhow!("{command_line}: ended with {code} and said why above"));
    }
    if part.name == SWEEP {
        return of_run(arguments, &directory, code);
    }
    let result: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| anyhow!("{command_line}: ended with {code} and printed no JSON: {error}"))?;
    Ok(PartData::new(command_line, utc(began), code, host(root), result))
}

/// Takes what a command printed before on this host. The time is the one that the file states.
fn take(root: &Path, part: &PagePart, arguments: &[&str], file: &Path) -> anyhow::Result<PartData> {
    if part.name == SWEEP {
        return of_run(arguments, file, 0);
    }
    let result: Value = read_json(file, "what the command of this part prints with --json")?;
    let modified = std::fs::metadata(file).and_then(|file| file.modified());
    let modified = modified.with_context(|| file.display().to_string())?;
    Ok(PartData::new(command_line(arguments), utc(modified), 0, host(root), result))
}

/// The variants of a sweep at default knobs.
fn of_run(arguments: &[&str], directory: &Path, exit_code: i32) -> anyhow::Result<PartData> {
    let run = Run::read(directory)?;
    let rows = rows(&run).into_iter().filter(|row| row.is_default_variant() && !row.variant.starts_with('+'));
    let result = serde_json::to_value(rows.collect::<Vec<CsvRow>>()).context("could not write JSON")?;
    let header = &run.header;
    Ok(PartData::new(command_line(arguments), header.started_utc.clone(), exit_code, header.host.clone(), result))
}

fn utc(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}
