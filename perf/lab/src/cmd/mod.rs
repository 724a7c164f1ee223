//! The subcommands, one file each, to be read top to bottom: arguments, then `run`.

pub mod adaptive;
pub mod corpus;
pub mod flame;
pub mod floor;
pub mod hooks;
pub mod hostile;
pub mod list;
pub mod peers;
pub mod probe;
pub mod recommend;
pub mod report;
pub mod results;
pub mod sweep;
pub mod timing;
pub mod token;
mod token_given;
mod token_json;
mod token_mint;
pub mod tripwires;
pub mod vectors;

use clap::Args as ClapArgs;
use fairbench::cmd::{OnCore, print};
use fairbench::exit::Failure;
use ron_auth_catalogue::Variant;
use ron_auth_fixtures::Fixture;

use crate::catalogue::available::available;

/// The option of a command that measures all fixtures unless it is told otherwise.
#[derive(Debug, ClapArgs)]
struct OnFixtures {
    /// Measure these fixtures only
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    fixtures: Vec<String>,
}

impl OnFixtures {
    /// Those of `known` that are asked for, all if none is. Exit 64, with the valid names, if one is unknown.
    fn among(&self, known: &[Fixture]) -> Result<Vec<Fixture>, Failure> {
        let is_known = |name: &&String| known.iter().any(|fixture| fixture.name() == name.as_str());
        if let Some(unknown) = self.fixtures.iter().find(|name| !is_known(name)) {
            let names: Vec<&str> = known.iter().map(|fixture| fixture.name()).collect();
            return Err(Failure::usage(format!("unknown fixture {unknown:?}: expected some of {}", names.join(", "))));
        }
        let is_asked =
            |fixture: &Fixture| self.fixtures.is_empty() || self.fixtures.iter().any(|n| n == fixture.name());
        Ok(known.iter().copied().filter(is_asked).collect())
    }
}

/// Finds the variant of this name, to be measured. Exit 64, with the valid names, if there is none; exit 3 if it cannot
/// be measured by this build on this processor.
fn variant_named(name: &str) -> Result<Variant, Failure> {
    let variant = ron_auth_catalogue::find(name).map_err(Failure::usage)?;
    available(&variant)?;
    Ok(variant)
}
