//! The same question put to Criterion: two runs of the same program, one after the other, compared by their means as
//! critcmp compares them, in the time that a gate takes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};

use super::estimates::read;
use super::trials::{Trial, TrialFinding, TrialKind};
use crate::compare::evidence::GateVerdict;
use crate::exit::Failure;
use crate::files::state_directory;
use crate::gate::outcome::Ratio;
use crate::interrupt;
use crate::probe::child::ProcessGroup;
use crate::settings::CriterionBenches;

/// A ratio above this counts as an alarm: the warn level in use.
const ALARM: f64 = 1.05;
/// Part of a benchmark's time that goes to warming up, as in Criterion's defaults of 3 s and 5 s, rounded.
const WARM_UP: f64 = 0.3;
/// Shortest time of a run of one benchmark, in seconds.
const SHORTEST_S: f64 = 0.1;
/// Time that a run may take before it is taken to hang.
const PATIENCE: Duration = Duration::from_secs(600);

/// The Criterion benches, built.
pub struct Criterion {
    program: PathBuf,
    home: PathBuf,
    benchmarks: Vec<String>,
}

impl Criterion {
    /// Builds the benches.
    ///
    /// # Errors
    /// The benches do not build.
    pub fn build(root: &Path, benches: &CriterionBenches) -> Result<Self, Failure> {
        let state = state_directory(root);
        let features = benches.features.join(",");
        eprintln!("building the Criterion benches …");
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command
            .args([
                "bench",
                "--package",
                &benches.package,
                "--features",
                &features,
                "--bench",
                &benches.bench,
                "--no-run",
            ])
            .args(["--message-format", "json-render-diagnostics", "--target-dir"])
            .arg(state.join("build"))
            .current_dir(root)
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        let output = command.output().context("could not start cargo")?;
        if interrupt::requested() {
            return Err(Failure::interrupted());
        }
        let said = String::from_utf8_lossy(&output.stdout);
        let program = executable(&said).filter(|_| output.status.success()).ok_or_else(|| {
            let package = &benches.package;
            anyhow!(
                "the Criterion benches do not build (cargo bench -p {package} --features {features} --no-run says why)"
            )
        })?;
        Ok(Self { program, home: state.join("selftest/criterion"), benchmarks: benches.benchmarks.clone() })
    }

    /// Makes two runs that take `seconds` together.
    ///
    /// # Errors
    /// A run fails or leaves no results; an interruption.
    pub fn trial(&self, seconds: f64) -> Result<Trial, Failure> {
        let start = Instant::now();
        let each = (seconds / 2.0 / self.benchmarks.len().max(1) as f64).max(SHORTEST_S);
        for run in ["first", "second"] {
            self.run(run, each)?;
        }
        let seconds = start.elapsed().as_secs_f64();
        let means = read(&self.home, &self.benchmarks)?;
        let mean = |benchmark: &str, run: &str| {
            let found = means.iter().find(|mean| mean.benchmark == benchmark && mean.baseline == run);
            found.map(|mean| mean.mean_us).with_context(|| format!("Criterion left no mean of {benchmark}"))
        };
        let mut benchmarks = Vec::new();
        for benchmark in &self.benchmarks {
            let estimate = mean(benchmark, "second")? / mean(benchmark, "first")?;
            benchmarks.push(TrialFinding {
                benchmark: benchmark.to_owned(),
                verdict: if estimate > ALARM { GateVerdict::Regression } else { GateVerdict::Pass },
                ratio: Some(Ratio { estimate, lower: estimate, upper: estimate }),
                log_ratio_ppm: Vec::new(),
                log_control_ppm: Vec::new(),
            });
        }
        Ok(Trial { kind: TrialKind::Criterion, seed: 0, seconds, benchmarks })
    }

    fn run(&self, baseline: &str, seconds: f64) -> Result<(), Failure> {
        let mut command = Command::new(&self.program);
        command
            .args(["--bench", "--save-baseline", baseline, "--nresamples", "1000"])
            .args(["--warm-up-time", &(seconds * WARM_UP).to_string()])
            .args(["--measurement-time", &(seconds * (1.0 - WARM_UP)).to_string()])
            .env("CRITERION_HOME", &self.home)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut group = ProcessGroup::spawn(&mut command).context("could not start the Criterion benches")?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match group.wait_at_most(interrupt::GLANCE).context("could not wait for the Criterion benches")? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(anyhow!("the Criterion benches ended with {status}").into()),
                None if interrupt::requested() => return Err(Failure::interrupted()),
                None if Instant::now() > deadline => return Err(timed_out().into()),
                None => {}
            }
        }
    }
}

fn timed_out() -> anyhow::Error {
    anyhow!("the Criterion benches took more than {} s", PATIENCE.as_secs())
}

/// Path of the program in what Cargo says it built.
fn executable(messages: &str) -> Option<PathBuf> {
    let built = |line: &str| -> anyhow::Result<PathBuf> {
        let message: serde_json::Value = serde_json::from_str(line)?;
        match message.get("executable").and_then(serde_json::Value::as_str) {
            Some(path) => Ok(path.into()),
            None => bail!("built no program"),
        }
    };
    messages.lines().filter_map(|line| built(line).ok()).next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_among_cargos_messages() {
        let messages = "{\"reason\":\"compiler-artifact\",\"executable\":null}\nnoise\n\
                        {\"reason\":\"compiler-artifact\",\"executable\":\"/t/verify_bench-1\"}\n\
                        {\"reason\":\"build-finished\",\"success\":true}\n";
        assert_eq!(executable(messages), Some("/t/verify_bench-1".into()));
        assert_eq!(executable("{}"), None);
    }
}
