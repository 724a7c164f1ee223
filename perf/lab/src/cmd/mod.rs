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

use fairbench::cmd::{OnCore, print};
use fairbench::exit::Failure;
use ron_auth_catalogue::Variant;

use crate::catalogue::available::available;

/// Finds the variant of this name, to be measured. Exit 64, with the valid names, if there is none; exit 3 if it cannot
/// be measured by this build on this processor.
fn variant_named(name: &str) -> Result<Variant, Failure> {
    let variant = ron_auth_catalogue::find(name).map_err(Failure::usage)?;
    available(&variant)?;
    Ok(variant)
}
