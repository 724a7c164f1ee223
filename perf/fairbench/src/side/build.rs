//! Building the probe of a tree, so that no artefact of another tree can be taken for one of its own.
//!
//! Cargo names the artefacts of a path package by its place within the workspace and takes them for fresh by time
//! stamps; those of a vendored package it takes for fresh by the version. Two trees that share a target directory are
//! therefore taken for each other, whenever the files of one are older than the build of the other. So before each
//! build all artefacts of packages whose code lies in a tree are removed, and after it Cargo's own report must say that
//! none of them was taken from before. Packages of registries and git revisions never change under their name: their
//! artefacts stay, in a directory for each compiler, environment, configuration, profile and lock file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, anyhow};
use serde::Deserialize;

use super::spinner::Spinner;
use super::toolchain::Toolchain;
use super::tree::{Tree, files_below};
use crate::exit::Failure;
use crate::interrupt;
use crate::probe::child::ProcessGroup;

/// What the packages that are named by a path begin with in Cargo's messages.
const PATH_PACKAGE: &str = "path+";

/// What is to be built from a tree.
#[derive(Clone, Debug)]
pub(super) struct Order<'a> {
    /// Name of the package.
    pub(super) package: &'a str,
    /// Names of its programs.
    pub(super) programs: &'a [&'a str],
    /// Features in place of the default ones.
    pub(super) features: Option<&'a [String]>,
    /// Label of the side in messages.
    pub(super) label: &'a str,
}

/// Directories that a build works in.
#[derive(Clone, Debug)]
pub(super) struct Workshop {
    /// Cargo's target directory: artefacts of dependencies stay in it.
    pub(super) target: PathBuf,
    /// File that receives what Cargo prints for people.
    pub(super) log: PathBuf,
}

/// The result of a build.
#[derive(Debug, Default)]
pub(super) struct Made {
    /// The finished programs, by name.
    pub(super) programs: BTreeMap<String, PathBuf>,
    /// Files of the tree that went into them, relative to its top.
    pub(super) sources: Vec<String>,
    /// Variables that code or build scripts read.
    pub(super) watched: BTreeSet<String>,
}

/// Builds what was ordered. Cargo's messages go to a log; a failure quotes it.
///
/// # Errors
/// The code does not build; an artefact from before was used; Ctrl-C.
pub(super) fn build(
    tree: &Tree,
    toolchain: &Toolchain,
    packages: &Packages,
    order: &Order<'_>,
    workshop: &Workshop,
) -> Result<Made, Failure> {
    let messages = workshop.log.with_extension("jsonl");
    let created = workshop.log.parent().map_or(Ok(()), fs::create_dir_all);
    created.and_then(|()| File::create(&workshop.log)).with_context(|| workshop.log.display().to_string())?;
    remove_own_packages(tree, toolchain, packages, workshop)?;

    let mut command = toolchain.cargo(&tree.root);
    command.args(["build", "--release", "--package", order.package, "--color", "never"]);
    command.args(["--message-format", "json-render-diagnostics"]).arg("--target-dir").arg(&workshop.target);
    command.args(order.programs.iter().flat_map(|program| ["--bin", program]));
    if let Some(features) = order.features {
        command.args(["--no-default-features", "--features", &features.join(",")]);
    }
    // A configuration may send intermediate files elsewhere, where those of other trees lie.
    command.env("CARGO_BUILD_BUILD_DIR", &workshop.target);
    command.stdout(File::create(&messages).with_context(|| messages.display().to_string())?);
    command.stderr(append(&workshop.log)?);
    watch(&mut command, order.label, &workshop.log)?;

    let said = fs::read_to_string(&messages).with_context(|| messages.display().to_string())?;
    let made = read_messages(&said, [&tree.top, &tree.root], order)?;
    let _ = fs::remove_file(messages);
    Ok(made)
}

fn append(path: &Path) -> anyhow::Result<File> {
    File::options().append(true).open(path).with_context(|| path.display().to_string())
}

/// Runs Cargo and shows its progress.
fn watch(command: &mut Command, label: &str, log: &Path) -> Result<(), Failure> {
    let mut cargo = ProcessGroup::spawn(command.stdin(Stdio::null())).context("could not start cargo")?;
    let mut spinner = Spinner::new(&format!("building the probe of {label}"));
    let start = Instant::now();
    let status = loop {
        match cargo.wait_at_most(interrupt::GLANCE).context("could not wait for cargo")? {
            Some(status) => break status,
            // Dropping the group ends Cargo and its compilers.
            None if interrupt::requested() => return Err(Failure::interrupted()),
            None => spinner.say(|| progress(&fs::read_to_string(log).unwrap_or_default())),
        }
    };
    spinner.finish();
    if status.success() {
        return Ok(());
    }
    if interrupt::requested() {
        return Err(Failure::interrupted());
    }
    let said = fs::read_to_string(log).unwrap_or_default();
    let seconds = start.elapsed().as_secs();
    let (error, log) = (first_error(&said), log.display());
    Err(anyhow!("{label}: does not build: {error} (after {seconds} s; all of it: {log})").into())
}

/// The progress that a log shows, such as `23 packages, now ron-auth-core`.
fn progress(log: &str) -> String {
    let compiled: Vec<&str> = log.lines().filter_map(|line| line.trim_start().strip_prefix("Compiling ")).collect();
    match compiled.last().and_then(|line| line.split(' ').next()) {
        None => log.lines().last().map_or_else(String::new, |line| line.trim().to_owned()),
        Some(now) => format!("{} packages so far, now {now}", compiled.len()),
    }
}

/// All packages that a tree is built from.
#[derive(Debug, Deserialize)]
pub(super) struct Packages {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    id: String,
    name: String,
    /// Registry or repository that it is from; `None` for a package that is named by a path.
    source: Option<String>,
    manifest_path: PathBuf,
}

impl Packages {
    /// Has Cargo resolve the packages of a tree. If the tree needs another lock file than it has, Cargo writes it now,
    /// so this comes before anything is digested.
    ///
    /// # Errors
    /// An error of Cargo: a manifest that cannot be read, or a package that cannot be had.
    pub(super) fn of(tree: &Tree, toolchain: &Toolchain) -> Result<Self, Failure> {
        let mut command = toolchain.cargo(&tree.root);
        command.args(["metadata", "--format-version", "1", "--color", "never"]);
        let said = output(&mut command)?;
        Ok(serde_json::from_slice(&said).context("the output of cargo metadata could not be read")?)
    }

    /// Directories of packages that lie outside the tree and are named by a path, which is all that is known about
    /// them.
    pub(super) fn outside<'a>(&'a self, top: &'a Path) -> impl Iterator<Item = &'a Path> {
        let by_path = self.packages.iter().filter(|package| package.source.is_none());
        by_path
            .filter(move |package| !package.manifest_path.starts_with(top))
            .filter_map(|it| it.manifest_path.parent())
    }

    /// Path of the manifest of the package of this name, if it belongs to the tree.
    pub(super) fn manifest_of(&self, name: &str) -> Option<&Path> {
        let found = self.packages.iter().find(|package| package.source.is_none() && package.name == name)?;
        Some(&found.manifest_path)
    }

    /// Packages whose code may change under the same name: named by a path, or in the tree, as vendored ones are.
    fn own<'a>(&'a self, top: &'a Path) -> impl Iterator<Item = &'a Package> {
        self.packages.iter().filter(move |package| package.source.is_none() || package.manifest_path.starts_with(top))
    }
}

/// Removes whatever was built of packages whose code may change under the same name, in this tree or in another.
fn remove_own_packages(
    tree: &Tree,
    toolchain: &Toolchain,
    packages: &Packages,
    workshop: &Workshop,
) -> Result<(), Failure> {
    let mut command = toolchain.cargo(&tree.root);
    command.args(["clean", "--release", "--color", "never", "--quiet", "--target-dir"]).arg(&workshop.target);
    command.env("CARGO_BUILD_BUILD_DIR", &workshop.target);
    for package in packages.own(&tree.top) {
        command.args(["--package", &package.id]);
    }
    output(&mut command).map(drop)
}

fn output(command: &mut Command) -> Result<Vec<u8>, Failure> {
    let output = command.output().map_err(|error| anyhow!("could not start cargo: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    if interrupt::requested() {
        return Err(Failure::interrupted());
    }
    Err(anyhow!("cargo: {}", first_error(&String::from_utf8_lossy(&output.stderr))).into())
}

/// A message of Cargo's report.
#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact {
        package_id: String,
        manifest_path: PathBuf,
        target: Target,
        filenames: Vec<PathBuf>,
        executable: Option<PathBuf>,
        fresh: bool,
    },
    BuildScriptExecuted {
        out_dir: PathBuf,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
    src_path: PathBuf,
}

/// Reads from Cargo's report what was built, and checks that all of the tree was. `top` is that of the tree, `root` the
/// project's.
fn read_messages(said: &str, [top, root]: [&Path; 2], order: &Order<'_>) -> Result<Made, Failure> {
    let mut made = Made::default();
    let mut sources: BTreeSet<PathBuf> = BTreeSet::new();
    let mut directories = BTreeSet::new();
    let mut has_path_package = false;
    for line in said.lines() {
        match serde_json::from_str(line).unwrap_or(Message::Other) {
            Message::CompilerArtifact { package_id, manifest_path, target, filenames, executable, fresh } => {
                directories.extend(filenames.iter().filter_map(|file| file.parent().map(Path::to_path_buf)));
                let is_vendored = manifest_path.starts_with(top) && !package_id.starts_with(PATH_PACKAGE);
                if !package_id.starts_with(PATH_PACKAGE) && !is_vendored {
                    continue;
                }
                has_path_package = true;
                if fresh {
                    return Err(anyhow!(
                        "{}: Cargo took {} from an earlier build instead of building it; nothing was timed \
                         (`clean` drops what was built)",
                        order.label,
                        target.name
                    )
                    .into());
                }
                if let Some(directory) = manifest_path.parent().filter(|_| is_vendored) {
                    // Of these Cargo does not list the files.
                    sources.extend(files_below(directory)?.into_iter().map(|file| directory.join(file)));
                }
                sources.insert(manifest_path);
                if target.kind.iter().any(|kind| kind == "custom-build") {
                    sources.insert(target.src_path);
                }
                if let Some(program) = executable {
                    let listed = fs::read_to_string(program.with_extension("d")).unwrap_or_default();
                    sources.extend(listed_sources(&listed));
                    made.programs.insert(target.name, program);
                }
            }
            Message::BuildScriptExecuted { out_dir } => {
                let output = out_dir.parent().map(|directory| directory.join("output"));
                let said = output.and_then(|output| fs::read_to_string(output).ok()).unwrap_or_default();
                made.watched.extend(asked_for(&said));
            }
            Message::Other => {}
        }
    }
    if !has_path_package || order.programs.iter().any(|program| !made.programs.contains_key(*program)) {
        let programs = order.programs.join(" and ");
        return Err(anyhow!("{}: Cargo built no {programs}", order.label).into());
    }
    // Settings of Cargo are told apart: they are how it was built, not what.
    sources.extend(["Cargo.toml", "Cargo.lock"].map(|name| root.join(name)));
    let relative = |path: &PathBuf| Some(path.strip_prefix(top).ok()?.to_str()?.to_owned());
    made.sources = sources.iter().filter(|path| path.is_file()).filter_map(relative).collect();
    for file in directories.iter().filter_map(|directory| fs::read_dir(directory).ok()).flatten().flatten() {
        if file.path().extension().is_some_and(|extension| extension == "d") {
            made.watched.extend(asked_for(&fs::read_to_string(file.path()).unwrap_or_default()));
        }
    }
    Ok(made)
}

/// The source files that a dep-info such as `program: a b\ c` names.
fn listed_sources(dep_info: &str) -> Vec<PathBuf> {
    let list = dep_info.lines().next().and_then(|line| line.split_once(": ")).map_or("", |(_, list)| list);
    let (mut files, mut file, mut escaped) = (Vec::new(), String::new(), false);
    for character in list.chars().chain([' ']) {
        match character {
            '\\' if !escaped => escaped = true,
            ' ' if !escaped => {
                if !file.is_empty() {
                    files.push(PathBuf::from(std::mem::take(&mut file)));
                }
            }
            character => {
                if escaped && character != ' ' {
                    file.push('\\');
                }
                escaped = false;
                file.push(character);
            }
        }
    }
    files
}

/// The variables that a dep-info or the output of a build script names, but for those that Cargo itself sets.
fn asked_for(text: &str) -> Vec<String> {
    let name = |line: &str| {
        let asked =
            line.strip_prefix("# env-dep:").or_else(|| line.split_once("rerun-if-env-changed=").map(|it| it.1))?;
        let name = asked.split('=').next().unwrap_or(asked).trim();
        let of_cargo = name.starts_with("CARGO") || ["OUT_DIR", "RUSTC", "NUM_JOBS", ""].contains(&name);
        (!of_cargo).then(|| name.to_owned())
    };
    text.lines().filter_map(name).collect()
}

/// The first error that Cargo reports, with its place, on one line.
fn first_error(log: &str) -> String {
    let mut lines = log.lines().skip_while(|line| !line.starts_with("error"));
    let Some(error) = lines.next() else {
        return log.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("Cargo said nothing").trim().to_owned();
    };
    let following: Vec<&str> = lines.take(6).map(str::trim).collect();
    let place = following.iter().take(3).find_map(|line| line.strip_prefix("--> "));
    // Cargo puts what went wrong below what it was doing.
    let cause = following.iter().skip_while(|line| **line != "Caused by:").nth(1);
    match place.map(|place| format!(", {place}")).or_else(|| cause.map(|cause| format!(": {cause}"))) {
        Some(more) => format!("{error}{more}"),
        None => error.to_owned(),
    }
}

#[cfg(test)]
mod tests;
