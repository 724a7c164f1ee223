//! A side of a comparison: what is named on the command line, and the probe that it becomes.
//!
//! | written | is |
//! |---|---|
//! | `.` or `worktree` | the working tree as it is, with the features of `full` |
//! | `prod`, `variant:prod` | a variant of the catalogue, in the lab's own program |
//! | `simd-b64,lanes`, `features:lanes` | the working tree with these features of ron-auth |
//! | `./probe --arg`, `probe:PATH --arg` | a program that speaks the protocol of `perf/PROTOCOL.md` |
//! | `HEAD~1`, `rev:main` | a git revision |
//!
//! Without a prefix they are tried in this order. What has to be built takes this way:
//!
//! | file | does |
//! |---|---|
//! | `features` | feature sets by name |
//! | `git` | asks git, without what a hook left in the environment, and hands on its reasons |
//! | `tree` | lays out the files of a side in a place of their own |
//! | `harness` | puts this lab's probe among them |
//! | `toolchain`, `circumstances` | which compilers build them, and all else that shapes what comes out, by name |
//! | `build` | builds, and has it proved that nothing of before was used |
//! | `program`, `code` | what a program loads, and what of a source is code: are two sides equal? |
//! | `manifest`, `store` | the record of a build, and where both are kept and found again |
//! | `revision` | the way through all of these |
//! | `spinner` | shows how far a build is |

mod build;
mod circumstances;
mod code;
mod features;
pub(crate) mod git;
mod harness;
pub mod manifest;
pub mod program;
mod revision;
mod spinner;
mod store;
mod toolchain;
mod tree;

use std::fmt;
use std::path::{Path, PathBuf};

use fairbench_probe::protocol::Hello;

use crate::available::available;
use crate::compare::layout::Layout;
use crate::compare::runner::CaseInfo;
use crate::exit::Failure;
use crate::probe::{Client, ProbeCommand};

use manifest::{Likeness, Manifest};
use store::{Built, Store};

pub use store::lab_directory;

/// What is named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SideSpec {
    /// The working tree as it is.
    WorkingTree,
    /// A variant of the catalogue, by name.
    Variant(String),
    /// The working tree with these features of ron-auth.
    Features(Vec<String>),
    /// A program and its arguments.
    Probe(PathBuf, Vec<String>),
    /// Anything that git takes for a commit.
    Revision(String),
}

impl SideSpec {
    /// Reads what a user wrote.
    ///
    /// # Errors
    /// Usage: an unknown variant or feature, or nothing at all.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let text = text.trim();
        match text.split_once(':') {
            Some(("variant", name)) => {
                ron_auth_variants::find(name).map(|_| Self::Variant(name.to_owned())).map_err(Failure::usage)
            }
            Some(("features", names)) => features::parse(names).map(Self::Features),
            Some(("probe", command)) => Ok(Self::probe(command)),
            Some(("rev", revision)) if !revision.is_empty() => Ok(Self::Revision(revision.to_owned())),
            _ => Self::guess(text),
        }
    }

    fn guess(text: &str) -> Result<Self, Failure> {
        let path_like = ["/", "./", "../"].iter().any(|start| text.starts_with(start));
        if text.is_empty() {
            return Err(Failure::usage(
                "a side is missing: expected a revision, a variant, features or the path of a probe",
            ));
        }
        if text == "." || text == "worktree" {
            return Ok(Self::WorkingTree);
        }
        if ron_auth_variants::find(text).is_ok() {
            return Ok(Self::Variant(text.to_owned()));
        }
        if text.split(',').all(|name| features::is_known(name.trim())) {
            return features::parse(text).map(Self::Features);
        }
        let probe = Self::probe(text);
        if path_like || matches!(&probe, Self::Probe(program, _) if program.is_file()) {
            return Ok(probe);
        }
        Ok(Self::Revision(text.to_owned()))
    }

    /// A path that may hold spaces, or a path and arguments.
    fn probe(command: &str) -> Self {
        if Path::new(command).is_file() {
            return Self::Probe(PathBuf::from(command), Vec::new());
        }
        let mut words = command.split_whitespace().map(str::to_owned);
        Self::Probe(words.next().unwrap_or_default().into(), words.collect())
    }
}

impl fmt::Display for SideSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WorkingTree => f.write_str("working tree"),
            Self::Variant(name) => write!(f, "variant {name}"),
            Self::Features(names) => write!(f, "features {}", names.join(",")),
            Self::Probe(program, args) => {
                write!(f, "{}", program.display())?;
                args.iter().try_for_each(|arg| write!(f, " {arg}"))
            }
            Self::Revision(revision) => f.write_str(revision),
        }
    }
}

/// A side that is ready to be compared.
#[derive(Clone, Debug)]
pub struct Side {
    /// What reports call it.
    pub label: String,
    /// Its probe.
    pub probe: ProbeCommand,
    /// The probe's counting twin, if it has one.
    pub allocs: Option<ProbeCommand>,
    /// What the probe says of itself, unpinned.
    pub hello: Hello,
    /// What it was built from and how, if the lab built it.
    pub manifest: Option<Manifest>,
}

impl Side {
    /// Builds what has to be built, and asks the probe for its name.
    ///
    /// # Errors
    /// A revision that does not exist or does not build, a probe that does not start or speaks something else: exit 3.
    /// Ctrl-C while building: exit 130.
    pub fn resolve(spec: &SideSpec, root: &Path) -> Result<Self, Failure> {
        let (probe, allocs, manifest) = match spec {
            SideSpec::WorkingTree => commands(revision::of_working_tree(root, None, &spec.to_string())?),
            SideSpec::Features(names) => commands(revision::of_working_tree(root, Some(names), &spec.to_string())?),
            SideSpec::Revision(name) => commands(revision::of_revision(root, name)?),
            SideSpec::Variant(name) => given(variant(name, root)?),
            SideSpec::Probe(program, args) => given(foreign(program, args)?),
        };
        let hello = Client::start(&probe, Layout::default(), false)?.hello().clone();
        Ok(Self { label: probe.label.clone(), probe, allocs, hello, manifest })
    }

    /// How this side and another were built, held against each other; `None` if the lab did not build both.
    #[must_use]
    pub fn likeness(&self, candidate: &Self) -> Option<Likeness> {
        let program = self.probe.program.file_name()?.to_str()?;
        Some(self.manifest.as_ref()?.likeness(candidate.manifest.as_ref()?, program))
    }

    /// What it can run when it is not pinned.
    #[must_use]
    pub fn cases(&self) -> Vec<CaseInfo> {
        let case = |case: &fairbench_probe::protocol::Case| CaseInfo {
            name: case.name.clone(),
            threads: case.threads,
            items_per_iteration: case.items_per_iteration,
        };
        self.hello.cases.iter().map(case).collect()
    }

    /// The same, doing this many times the work that it says: to test a gate with. For probes of this repository.
    #[must_use]
    pub fn with_work_factor(mut self, factor: f64) -> Self {
        let more = ["--work-factor".to_owned(), factor.to_string()];
        self.label = format!("{} × {factor}", self.label);
        self.probe = self.probe.args(more.clone());
        self.probe.label = self.label.clone();
        self.allocs = self.allocs.map(|allocs| allocs.args(more));
        self
    }
}

type Commands = (ProbeCommand, Option<ProbeCommand>);

/// How to start what was built: the programs of the record, and no others.
fn commands((label, built): (String, Built)) -> (ProbeCommand, Option<ProbeCommand>, Option<Manifest>) {
    let command = |name: &str| {
        let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        let digest = Some(built.manifest.programs.get(&file)?.digest.clone());
        let command = ProbeCommand::new(&label, built.directory.join(file));
        Some(ProbeCommand { revision: built.manifest.revision.clone(), copied: true, digest, ..command })
    };
    let probe = command(revision::PROGRAM).unwrap_or_else(|| ProbeCommand::new(&label, revision::PROGRAM));
    (probe, command(revision::COUNTING_PROGRAM), Some(built.manifest))
}

fn given((probe, allocs): Commands) -> (ProbeCommand, Option<ProbeCommand>, Option<Manifest>) {
    (probe, allocs, None)
}

/// Removes what is kept of builds and counts below the lab's directory, and says what each part took, in bytes.
///
/// # Errors
/// Something cannot be removed; Ctrl-C while waiting for another lab's build.
pub fn clean(root: &Path) -> Result<Vec<(PathBuf, u64)>, Failure> {
    Store::new(lab_directory(root)).clean()
}

/// The lab's own program, which holds every variant.
fn variant(name: &str, root: &Path) -> Result<Commands, Failure> {
    available(&ron_auth_variants::find(name).map_err(Failure::usage)?)?;
    // The lab is large, and both sides are the same file: nothing is gained by copying it three times for each block.
    let own = ProbeCommand { copied: false, ..ProbeCommand::own(name)? };
    own.verified()?;
    let probe = own.args(["probe", "--variant", name]);
    let allocs = crate::count::allocations::program(root, crate::count::allocations::PROGRAM).ok();
    Ok((probe, allocs.map(|program| ProbeCommand::new(name, program).args(["--variant", name]))))
}

/// Any program; its counting twin is the one beside it that ends in `-allocs`.
fn foreign(program: &Path, args: &[String]) -> Result<Commands, Failure> {
    let found = program.canonicalize().map_err(|error| {
        anyhow::anyhow!(
            "{}: {error}; expected a program that speaks the protocol of perf/PROTOCOL.md",
            program.display()
        )
    })?;
    let label = program.display().to_string();
    let mut twin = found.file_stem().unwrap_or_default().to_owned();
    twin.push("-allocs");
    let twin = found.with_file_name(twin).with_extension(found.extension().unwrap_or_default());
    let allocs = twin.is_file().then(|| ProbeCommand::new(&label, twin).args(args));
    Ok((ProbeCommand::new(label, found).args(args), allocs))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> SideSpec {
        SideSpec::parse(text).unwrap()
    }

    #[test]
    fn what_a_user_writes_is_taken_for_what_it_most_likely_is() {
        assert_eq!(parsed("."), SideSpec::WorkingTree);
        assert_eq!(parsed("prod"), SideSpec::Variant("prod".to_owned()));
        // Both a variant and a feature: the variant is quicker, and the feature can be named.
        assert_eq!(parsed("lanes"), SideSpec::Variant("lanes".to_owned()));
        assert!(matches!(parsed("features:lanes"), SideSpec::Features(_)));
        assert!(matches!(parsed("minicbor-zerocopy,simd-b64"), SideSpec::Features(_)));
        assert_eq!(parsed("HEAD~1"), SideSpec::Revision("HEAD~1".to_owned()));
        assert_eq!(parsed("origin/main"), SideSpec::Revision("origin/main".to_owned()));
        assert_eq!(parsed("rev:prod"), SideSpec::Revision("prod".to_owned()));
        assert_eq!(parsed("./p --slow 2"), SideSpec::Probe("./p".into(), vec!["--slow".to_owned(), "2".to_owned()]));
        assert_eq!(parsed("probe:p"), SideSpec::Probe("p".into(), Vec::new()));
    }

    #[test]
    fn a_file_may_have_spaces_in_its_path() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a probe");
        std::fs::write(&path, "").unwrap();
        assert_eq!(parsed(path.to_str().unwrap()), SideSpec::Probe(path, Vec::new()));
    }

    #[test]
    fn an_unknown_name_behind_a_prefix_is_answered_with_the_known_ones() {
        let message = |text| SideSpec::parse(text).unwrap_err().to_string();
        assert!(message("variant:prodd").contains("the variants are plain"), "{}", message("variant:prodd"));
        assert!(message("features:fastest").contains("tls-scratch"), "{}", message("features:fastest"));
        assert!(message("").contains("a side is missing"));
    }
}
