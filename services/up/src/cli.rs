//! The command line.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use ron_service::config::{Log, LogFormat};
use ron_service::run_started;

use crate::error::UpError;
use crate::folder::Folder;
use crate::plane::Plane;
use crate::settings::Settings;

const NAME: &str = "ron-services";

/// The services around ron-auth, in one process.
#[derive(Debug, Parser)]
#[command(name = NAME, version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Up(Up),
}

/// Start svc-passport and svc-auth with keys, a demo tenant and a demo policy; print five requests to try.
///
/// What is needed is made at the first start, in a folder that later starts use again: keys, the secret of an account
/// that may mint capability tokens, and policy.toml, which is yours to edit. Ctrl-C or SIGTERM drains: /readyz falls
/// first, and nothing that was accepted is lost.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Up {
    /// Folder of keys and policy [default: ron-services in $XDG_STATE_HOME, else in ~/.local/state]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Take free ports, but for those that are chosen below; all are printed
    #[arg(long)]
    pub(crate) dynamic_ports: bool,
    /// Port of svc-passport; 0 takes a free one [default: 5307]
    #[arg(long, value_name = "PORT")]
    pub(crate) passport_port: Option<u16>,
    /// Port of svc-passport's admin listener [default: 5308]
    #[arg(long, value_name = "PORT")]
    pub(crate) passport_admin_port: Option<u16>,
    /// Port of svc-auth [default: 5310]
    #[arg(long, value_name = "PORT")]
    pub(crate) auth_port: Option<u16>,
    /// Port of svc-auth's admin listener [default: 5311]
    #[arg(long, value_name = "PORT")]
    pub(crate) auth_admin_port: Option<u16>,
    /// What is logged to standard error: words on a terminal, else JSON lines
    #[arg(long, value_name = "LEVEL", default_value = "warn", value_parser = LEVELS)]
    log: String,
}

const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

const AFTER_HELP: &str = "\
More settings: TOML files named by PASSPORT_CONFIG_FILE and RON_AUTH_CONFIG_FILE, as for each service alone.

Exit codes:
  0   drained
  1   could not start, or requests were cut off
  2   settings, folder or policy are wrong
  64  usage";

/// Runs the command that these arguments name; the first is the program.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Cli::try_parse_from(arguments) {
        Ok(Cli { command: Command::Up(up) }) => up.run(),
        Err(error) => {
            let _ = error.print();
            // Help and version go to standard output and are no failure.
            if error.use_stderr() { ExitCode::from(64) } else { ExitCode::SUCCESS }
        }
    }
}

impl Up {
    fn run(&self) -> ExitCode {
        let (folder, settings) = match self.prepared() {
            Ok(prepared) => prepared,
            Err(error) => {
                let _ = writeln!(io::stderr(), "error: {error}");
                return ExitCode::from(2);
            }
        };
        let format = if io::stderr().is_terminal() { LogFormat::Text } else { LogFormat::Json };
        let log = Log { level: self.log.clone(), format, ..Log::default() };
        run_started(settings.workers(), &log, Plane::start(settings, folder))
    }

    /// All that can be wrong is found before anything listens.
    fn prepared(&self) -> Result<(Folder, Settings), UpError> {
        let settings = Settings::load(self)?;
        let folder = Folder::open(self.state.as_deref())?;
        let settings = settings.completed(&folder)?;
        Ok((folder, settings))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
