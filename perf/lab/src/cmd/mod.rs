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

/// The variant of this name, to be measured: exit 64 with the valid names, exit 3 if this build on this processor cannot
/// be what the name says.
fn variant_named(name: &str) -> Result<Variant, Failure> {
    let variant = ron_auth_catalogue::find(name).map_err(Failure::usage)?;
    available(&variant)?;
    Ok(variant)
}
