//! This very program: what it was built from, where it is run, what results say of both, its
//! threads and memory, and the programs beside it.

pub mod jemalloc;
pub mod pool;
pub mod sources;
pub mod twin;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use fairbench::files::workspace_of;
use fairbench::host::Host;
use fairbench::probe::ProbeCommand;
use fairbench::settings;

/// Digest of the sources that this program was built from: see [`sources`].
pub(crate) const BUILT_FROM: Option<&str> = option_env!("PERF_LAB_SOURCES");

/// The root of the repository: that of the workspace with the nearest settings from the working directory upwards, else
/// the one that this program was built from. Other probes of the workspace have settings further down.
#[must_use]
pub fn repository_root() -> PathBuf {
    let built_from = || Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map(Path::to_path_buf);
    settings::root().map(|folder| workspace_of(&folder)).or_else(built_from).unwrap_or_default()
}

/// This machine and this build, as every result of the lab names it.
#[must_use]
pub fn host(root: &Path) -> Host {
    Host::detect(root, backends())
}

/// The backends of this build, as far as results on one thread depend on them.
#[must_use]
pub fn backends() -> Vec<String> {
    let catalogue = ron_auth_catalogue::catalogue();
    let seams = catalogue.iter().map(|variant| &variant.seams);
    seams.flat_map(|seams| [seams.base64.name(), seams.decode.name(), seams.mac.name()]).map(str::to_owned).collect()
}

/// Reason why nothing may be measured in this program: it was not built from the sources at `root`. `None` if it was.
#[must_use]
pub fn objection(root: &Path) -> Option<String> {
    sources::objection(root, BUILT_FROM)
}

/// The program that is running. Its file may have been replaced meanwhile: then nothing is started.
///
/// # Errors
/// The program was built from other sources than those of the checkout that it is run in.
pub fn own_program(label: impl Into<String>) -> anyhow::Result<ProbeCommand> {
    static OBJECTION: OnceLock<Option<String>> = OnceLock::new();
    if let Some(objection) = OBJECTION.get_or_init(|| objection(&repository_root())) {
        anyhow::bail!("{objection}");
    }
    ProbeCommand::own(label)
}
