//! What a result depends on beside the code.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::available_parallelism;

use fairbench_probe::environment::{RUSTC, RUSTFLAGS, rayon_threads, simd_path};
use serde::{Deserialize, Serialize};

use crate::side::git::Git;

/// The machine and the build that a result was measured with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Model name of the CPU.
    pub cpu: String,
    /// Cores at this process's disposal.
    pub cores: usize,
    /// Threads of the global rayon pool.
    pub rayon_threads: usize,
    /// Frequency governor of the first core, if readable.
    pub governor: Option<String>,
    /// Operating system and architecture.
    pub os: String,
    /// Kernel version, if readable.
    pub kernel: Option<String>,
    /// Version of the compiler.
    pub rustc: String,
    /// `RUSTFLAGS` of this build.
    pub rustflags: String,
    /// Kind of build: `release`, or `debug`, whose numbers mean nothing.
    pub build: String,
    /// Backends of this build, as far as a result may depend on them.
    pub features: Vec<String>,
    /// Instruction set that BLAKE3's dispatch finds.
    pub simd_path: String,
    /// Git revision of the tree that this was run in, if any; `-dirty` if it had changes.
    pub revision: Option<String>,
}

impl Host {
    /// Detects this machine and this build, which has these backends in any order.
    #[must_use]
    pub fn detect(root: &Path, backends: impl IntoIterator<Item = String>) -> Self {
        let mut features: Vec<String> = backends.into_iter().collect();
        features.sort_unstable();
        features.dedup();
        Self {
            cpu: cpu_model().unwrap_or_else(|| format!("unknown {}", std::env::consts::ARCH)),
            cores: available_parallelism().map_or(1, Into::into),
            rayon_threads: rayon_threads(),
            governor: first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            os: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            kernel: first_line("/proc/sys/kernel/osrelease").or_else(|| output_of("uname", &["-r"])),
            rustc: RUSTC.to_owned(),
            rustflags: RUSTFLAGS.to_owned(),
            build: if cfg!(debug_assertions) { "debug" } else { "release" }.to_owned(),
            features,
            simd_path: simd_path().to_owned(),
            revision: revision(root),
        }
    }

    /// A short name for everything without which two results cannot be compared; also the name of the baseline's
    /// file. Kernel, governor and revision are recorded but not part of it: a baseline is there to be compared
    /// across revisions.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let Self { cpu, cores, rayon_threads, os, rustc, rustflags, build, features, simd_path, .. } = self;
        // The compiler's release decides, not the hash of its commit.
        let release = rustc.split_whitespace().nth(1).unwrap_or(rustc);
        let identity = format!(
            "{cpu}\n{cores}\n{rayon_threads}\n{os}\n{release}\n{rustflags}\n{build}\n{}\n{simd_path}",
            features.join(",")
        );
        let digest = blake3::hash(identity.as_bytes()).to_hex();
        format!("{}-{cores}c-{simd_path}-{}", slug(cpu), digest.get(..8).unwrap_or_default())
    }

    /// Whether both are one machine, as far as single-threaded benchmarks go: the CPU, the instruction set, the system,
    /// and whether the build is one to measure. The number of cores and threads does not matter.
    #[must_use]
    pub fn is_same_machine(&self, other: &Self) -> bool {
        let of = |host: &Self| (host.cpu.clone(), host.simd_path.clone(), host.system());
        of(self) == of(other)
    }

    /// Operating system, architecture and kind of build: what `cpu` and `simd_path` leave open about a machine.
    #[must_use]
    pub fn system(&self) -> String {
        format!("{} {}", self.os, self.build)
    }

    /// The compiler's release and its flags: a change of them may move any benchmark, without a change of the code.
    #[must_use]
    pub fn compiler(&self) -> String {
        let release = self.rustc.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        if self.rustflags.is_empty() { release } else { format!("{release}, {}", self.rustflags) }
    }

    /// Whether benchmarks on one thread of both can be compared: same machine, same compiler and flags.
    #[must_use]
    pub fn is_same_on_one_thread(&self, other: &Self) -> bool {
        self.is_same_machine(other) && self.compiler() == other.compiler()
    }

    /// Whether benchmarks on several threads can be compared as well.
    #[must_use]
    pub fn is_same_on_all_threads(&self, other: &Self) -> bool {
        self.is_same_on_one_thread(other) && (self.cores, self.rayon_threads) == (other.cores, other.rayon_threads)
    }

    /// Name and value of each field, as text for people.
    #[must_use]
    pub fn describe(&self) -> Vec<(&'static str, String)> {
        let or = |text: &Option<String>, otherwise: &str| text.clone().unwrap_or_else(|| otherwise.to_owned());
        vec![
            ("fingerprint", self.fingerprint()),
            ("CPU", self.cpu.clone()),
            ("cores", self.cores.to_string()),
            ("rayon threads", self.rayon_threads.to_string()),
            ("governor", or(&self.governor, "not readable")),
            ("system", format!("{} {}", self.os, or(&self.kernel, ""))),
            ("rustc", self.rustc.clone()),
            ("build", self.build.clone()),
            ("RUSTFLAGS", if self.rustflags.is_empty() { "none".to_owned() } else { self.rustflags.clone() }),
            ("backends", self.features.join(", ")),
            ("SIMD path", self.simd_path.clone()),
            ("revision", or(&self.revision, "not in a git tree")),
        ]
    }
}

/// Turns a text into lower-case letters, digits and single dashes, so that it is fit for a file name.
fn slug(text: &str) -> String {
    let noise = ["(r)", "(tm)", "cpu", "@", "processor"];
    let mut text = text.to_ascii_lowercase();
    for word in noise {
        text = text.replace(word, " ");
    }
    let mut slug = String::new();
    for word in text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let _ = write!(slug, "{}{word}", if slug.is_empty() { "" } else { "-" });
    }
    if slug.is_empty() { "unknown".to_owned() } else { slug }
}

fn cpu_model() -> Option<String> {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = cpuinfo.lines().find(|line| line.starts_with(name))?;
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    };
    // ARM kernels give part numbers only.
    field("model name")
        .or_else(|| output_of("sysctl", &["-n", "machdep.cpu.brand_string"]))
        .or_else(|| field("CPU part").map(|part| format!("{} part {part}", std::env::consts::ARCH)))
}

fn revision(root: &Path) -> Option<String> {
    Git::around(root).ok()?.describe()
}

fn first_line(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()?.lines().next().map(|line| line.trim().to_owned())
}

fn output_of(program: &str, args: &[impl AsRef<OsStr>]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn laptop() -> Host {
        Host {
            cpu: "Intel(R) Core(TM) i5-8257U CPU @ 1.40GHz".to_owned(),
            cores: 8,
            rayon_threads: 4,
            governor: None,
            os: "macos x86_64".to_owned(),
            kernel: None,
            rustc: "rustc 1.95.0 (59807616e 2026-04-14)".to_owned(),
            rustflags: String::new(),
            build: "release".to_owned(),
            features: vec!["simd-b64".to_owned()],
            simd_path: "avx2".to_owned(),
            revision: None,
        }
    }

    #[test]
    fn the_fingerprint_is_a_stable_file_name() {
        let fingerprint = laptop().fingerprint();
        assert!(fingerprint.starts_with("intel-core-i5-8257u-1-40ghz-8c-avx2-"), "{fingerprint}");
        assert!(fingerprint.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
        let elsewhen = Host {
            governor: Some("powersave".to_owned()),
            kernel: Some("9".to_owned()),
            revision: Some("abc".to_owned()),
            ..laptop()
        };
        assert_eq!(elsewhen.fingerprint(), fingerprint);
    }

    #[test]
    fn what_makes_results_incomparable_changes_the_fingerprint() {
        let base = laptop().fingerprint();
        for other in [
            Host { cores: 4, ..laptop() },
            Host { rayon_threads: 1, ..laptop() },
            Host { rustflags: "-C target-cpu=native".to_owned(), ..laptop() },
            Host { rustc: "rustc 1.96.0 (0000 2026-06-01)".to_owned(), ..laptop() },
            Host { build: "debug".to_owned(), ..laptop() },
        ] {
            assert_ne!(other.fingerprint(), base);
        }
    }

    #[test]
    fn only_what_matters_to_a_benchmark_sets_it_apart() {
        let base = laptop();
        let on_one = |other: Host| other.is_same_on_one_thread(&base);
        let on_all = |other: Host| other.is_same_on_all_threads(&base);
        for fewer in [Host { cores: 4, ..laptop() }, Host { rayon_threads: 1, ..laptop() }] {
            assert!(on_one(fewer.clone()) && !on_all(fewer));
        }
        let more = Host { features: Vec::new(), kernel: Some("9".to_owned()), ..laptop() };
        assert!(on_one(more.clone()) && on_all(more));
        for built in [
            Host { rustc: "rustc 1.96.0 (0000 2026-06-01)".to_owned(), ..laptop() },
            Host { rustflags: "-C target-cpu=native".to_owned(), ..laptop() },
        ] {
            assert!(built.is_same_machine(&base) && !on_one(built));
        }
        assert!(on_one(Host { rustc: "rustc 1.95.0 (another commit)".to_owned(), ..laptop() }));
        for other in [
            Host { cpu: "another".to_owned(), ..laptop() },
            Host { simd_path: "avx512".to_owned(), ..laptop() },
            Host { build: "debug".to_owned(), ..laptop() },
        ] {
            assert!(!other.is_same_machine(&base));
        }
    }

    #[test]
    fn this_machine_has_a_name() {
        let host = Host::detect(Path::new("."), Vec::new());
        assert!(!host.cpu.is_empty() && host.cores > 0 && host.rustc.starts_with("rustc "), "{host:?}");
    }
}
