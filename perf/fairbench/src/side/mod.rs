//! A side of a comparison: what is named on the command line, and the probe that it becomes.
//!
//! | written | is |
//! |---|---|
//! | `.` or `worktree` | the working tree as it is |
//! | `features:one,other` | the working tree with these features |
//! | `KIND:NAME` | what the program that is built on this knows by this kind ([`Dialect`]) |
//! | `./probe --arg`, `probe:PATH --arg` | a program that speaks the protocol of `perf/PROTOCOL.md` |
//! | `HEAD~1`, `rev:main` | a git revision |
//!
//! Without a prefix they are tried in this order, if the program does not know better. What has to be built takes this
//! way:
//!
//! | file | does |
//! |---|---|
//! | `git` | asks git, without what a hook left in the environment, and hands on its reasons |
//! | `tree` | lays out the files of a side in a place of their own |
//! | `harness` | puts this checkout's probe among them |
//! | `toolchain`, `circumstances` | which compilers build them, and all else that shapes what comes out, by name |
//! | `build` | builds, and has it proved that nothing of before was used |
//! | `program`, `code` | what a program loads, and what of a source is code: are two sides equal? |
//! | `manifest`, `store` | the record of a build, and where both are kept and found again |
//! | `revision` | the way through all of these |
//! | `spinner` | shows how far a build is |

mod build;
mod circumstances;
mod code;
pub mod git;
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

use anyhow::anyhow;
use fairbench_probe::protocol::{Case, Hello};

use crate::compare::layout::Layout;
use crate::compare::runner::CaseInfo;
use crate::exit::Failure;
use crate::files::state_directory;
use crate::probe::{Client, ProbeCommand};
use crate::settings::{self, ProbeRecipe};

use manifest::{Likeness, Manifest};
use store::{Built, Store};

/// A side as it is named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SideSpec {
    /// The working tree as it is.
    WorkingTree,
    /// The working tree with these features.
    Features(Vec<String>),
    /// A side that only the program built on this crate knows.
    Own {
        /// Kind of the side, such as `variant`.
        kind: String,
        /// Name of the side within its kind.
        name: String,
    },
    /// A program and its arguments.
    Probe(PathBuf, Vec<String>),
    /// Anything that git takes for a commit.
    Revision(String),
}

/// The command of a probe, and that of its counting twin if it has one.
pub type Commands = (ProbeCommand, Option<ProbeCommand>);

/// Sides that the program built on this crate knows beside the general ones. The defaults know none.
pub trait Dialect: Sync {
    /// Finds the side that was written `KIND:NAME`; `None` if the kind is not known.
    ///
    /// # Errors
    /// Wrong usage: there is no side of this name.
    fn named(&self, kind: &str, name: &str) -> Result<Option<SideSpec>, Failure> {
        let _ = (kind, name);
        Ok(None)
    }

    /// What a text without a kind means, before it is taken for a path or a revision; `None` if nothing.
    ///
    /// # Errors
    /// Wrong usage.
    fn guess(&self, text: &str) -> Result<Option<SideSpec>, Failure> {
        let _ = text;
        Ok(None)
    }

    /// Reads a list of features.
    ///
    /// # Errors
    /// Wrong usage: there is no such feature.
    fn features(&self, names: &str) -> Result<Vec<String>, Failure> {
        let names = names.split([',', ' ']).map(str::trim).filter(|name| !name.is_empty());
        Ok(names.map(str::to_owned).collect())
    }

    /// Commands of a side that only this program knows.
    ///
    /// # Errors
    /// The side cannot be had here.
    fn commands(&self, kind: &str, name: &str, root: &Path) -> Result<Commands, Failure> {
        let _ = root;
        Err(Failure::usage(format_args!("{kind}:{name}: unknown kind of side; expected probe:, rev: or features:")))
    }
}

/// What sides are resolved with.
#[derive(Clone, Copy)]
pub struct Site<'s> {
    /// The folder of the project, in which its settings lie. What is built is the workspace that it is in.
    pub root: &'s Path,
    /// How the project's probe is built; `None` if the settings do not say.
    pub recipe: Option<&'s ProbeRecipe>,
    /// Sides that the program built on this crate knows.
    pub dialect: &'s dyn Dialect,
}

impl<'s> Site<'s> {
    /// Returns the recipe of the project's probe.
    ///
    /// # Errors
    /// The settings have none.
    fn recipe(&self) -> Result<&'s ProbeRecipe, Failure> {
        self.recipe.ok_or_else(|| {
            Failure::could_not(format_args!(
                "{}: does not say what to build; expected a section [probe] with a package",
                self.root.join(settings::FILE).display()
            ))
        })
    }
}

impl SideSpec {
    /// Reads the name of a side, as a user wrote it.
    ///
    /// # Errors
    /// Wrong usage: an unknown name, or nothing at all.
    pub fn parse(text: &str, dialect: &(impl Dialect + ?Sized)) -> Result<Self, Failure> {
        let text = text.trim();
        match text.split_once(':') {
            Some(("features", names)) => return dialect.features(names).map(Self::Features),
            Some(("probe", command)) => return Ok(Self::probe(command)),
            Some(("rev", revision)) if !revision.is_empty() => return Ok(Self::Revision(revision.to_owned())),
            Some((kind, name)) => {
                if let Some(own) = dialect.named(kind, name)? {
                    return Ok(own);
                }
            }
            None => {}
        }
        Self::guess(text, dialect)
    }

    fn guess(text: &str, dialect: &(impl Dialect + ?Sized)) -> Result<Self, Failure> {
        let path_like = ["/", "./", "../"].iter().any(|start| text.starts_with(start));
        if text.is_empty() {
            return Err(Failure::usage("a side is missing: expected a revision, or the path of a probe"));
        }
        if text == "." || text == "worktree" {
            return Ok(Self::WorkingTree);
        }
        if let Some(own) = dialect.guess(text)? {
            return Ok(own);
        }
        let probe = Self::probe(text);
        if path_like || matches!(&probe, Self::Probe(program, _) if program.is_file()) {
            return Ok(probe);
        }
        Ok(Self::Revision(text.to_owned()))
    }

    /// Reads a path that may hold spaces, or a path and arguments.
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
            Self::Own { kind, name } => write!(f, "{kind} {name}"),
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
    /// Label of the side in reports.
    pub label: String,
    /// Command of its probe.
    pub probe: ProbeCommand,
    /// Command of the probe's counting twin; `None` if it has none.
    pub allocs: Option<ProbeCommand>,
    /// What the probe says about itself when it is not pinned.
    pub hello: Hello,
    /// The record of its build; `None` unless it was built here.
    pub manifest: Option<Manifest>,
}

impl Side {
    /// Builds what has to be built, and asks the probe for its name.
    ///
    /// # Errors
    /// A revision that does not exist or does not build, a probe that does not start or speaks something else: exit 3.
    /// Ctrl-C while building: exit 130.
    pub fn resolve(spec: &SideSpec, site: &Site<'_>) -> Result<Self, Failure> {
        let built = |built| site.recipe().map(|recipe| commands(recipe, built));
        let (probe, allocs, manifest) = match spec {
            SideSpec::WorkingTree => built(revision::of_working_tree(site, None, &spec.to_string())?)?,
            SideSpec::Features(names) => built(revision::of_working_tree(site, Some(names), &spec.to_string())?)?,
            SideSpec::Revision(name) => built(revision::of_revision(site, name)?)?,
            SideSpec::Own { kind, name } => given(site.dialect.commands(kind, name, site.root)?),
            SideSpec::Probe(program, args) => given(foreign(program, args)?),
        };
        let hello = Client::start(&probe, Layout::default(), false)?.hello().clone();
        Ok(Self { label: probe.label.clone(), probe, allocs, hello, manifest })
    }

    /// How this side and `candidate` were built, held against each other; `None` unless both were built here.
    #[must_use]
    pub fn likeness(&self, candidate: &Self) -> Option<Likeness> {
        let program = self.probe.program.file_name()?.to_str()?;
        Some(self.manifest.as_ref()?.likeness(candidate.manifest.as_ref()?, program))
    }

    /// The cases that the probe can run when it is not pinned.
    #[must_use]
    pub fn cases(&self) -> Vec<CaseInfo> {
        let case = |case: &Case| CaseInfo {
            name: case.name.clone(),
            threads: case.threads,
            items_per_iteration: case.items_per_iteration,
        };
        self.hello.cases.iter().map(case).collect()
    }

    /// The same side, which does so many times the work that it reports: to test a gate with. Only probes of this
    /// repository can.
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

/// Commands of what was built: the programs of the record, and no others.
fn commands(
    recipe: &ProbeRecipe,
    (label, built): (String, Built),
) -> (ProbeCommand, Option<ProbeCommand>, Option<Manifest>) {
    let command = |name: &str| {
        let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        let digest = Some(built.manifest.programs.get(&file)?.digest.clone());
        let command = ProbeCommand::new(&label, built.directory.join(file));
        Some(ProbeCommand { revision: built.manifest.revision.clone(), copied: true, digest, ..command })
    };
    let probe = command(recipe.program()).unwrap_or_else(|| ProbeCommand::new(&label, recipe.program()));
    (probe, recipe.counting_program.as_deref().and_then(command), Some(built.manifest))
}

fn given((probe, allocs): Commands) -> (ProbeCommand, Option<ProbeCommand>, Option<Manifest>) {
    (probe, allocs, None)
}

/// Removes what is kept of builds and counts below the state directory, and returns how many bytes each part took.
///
/// # Errors
/// Something cannot be removed; Ctrl-C while waiting for another process's build.
pub fn clean(root: &Path) -> Result<Vec<(PathBuf, u64)>, Failure> {
    Store::new(state_directory(root)).clean()
}

/// Commands of any program; its counting twin is the one beside it whose name ends in `-allocs`.
fn foreign(program: &Path, args: &[String]) -> Result<Commands, Failure> {
    let found = program.canonicalize().map_err(|error| {
        anyhow!("{}: {error}; expected a program that speaks the protocol of perf/PROTOCOL.md", program.display())
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

    struct Plain;

    impl Dialect for Plain {}

    fn parsed(text: &str) -> SideSpec {
        SideSpec::parse(text, &Plain).unwrap()
    }

    #[test]
    fn what_a_user_writes_is_taken_for_what_it_most_likely_is() {
        assert_eq!(parsed("."), SideSpec::WorkingTree);
        assert_eq!(parsed("features:a, b"), SideSpec::Features(vec!["a".to_owned(), "b".to_owned()]));
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
    fn what_cannot_be_built_or_is_not_there_is_said_in_one_line() {
        assert!(SideSpec::parse("", &Plain).unwrap_err().to_string().contains("a side is missing"));
        let site = Site { root: Path::new("/project"), recipe: None, dialect: &Plain };
        let failure = Side::resolve(&SideSpec::WorkingTree, &site).unwrap_err().to_string();
        assert!(failure.starts_with("/project/fairbench.toml: does not say what to build"), "{failure}");
        let own = SideSpec::Own { kind: "variant".to_owned(), name: "x".to_owned() };
        assert!(Side::resolve(&own, &site).unwrap_err().to_string().contains("unknown kind of side"));
    }
}
