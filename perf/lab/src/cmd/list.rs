//! `perf-lab list`: what there is to compare.

use clap::Args as ClapArgs;
use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use fairbench::exit::{CommandResult, Exit};
use ron_auth_fixtures::Fixture;
use serde::Serialize;

use super::print;

/// List the variants: which backend fills each seam, and which features of ron-auth give that composition
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Print the list as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Listed {
    name: &'static str,
    base64: &'static str,
    decode: &'static str,
    mac: &'static str,
    execute: &'static str,
    scratch: &'static str,
    features: &'static [&'static str],
    /// Reason why it cannot be measured here; `None` if it can.
    unavailable: Option<&'static str>,
    /// Whether a service can use it; if not, it is there to be compared with.
    offered: bool,
}

/// Runs `list`.
///
/// # Errors
/// The list cannot be printed as JSON.
pub fn run(args: &Args) -> CommandResult {
    let listed: Vec<Listed> = ron_auth_catalogue::catalogue()
        .iter()
        .chain([&ron_auth_catalogue::classic()])
        .map(|variant| Listed {
            name: variant.name,
            base64: variant.seams.base64.name(),
            decode: variant.seams.decode.name(),
            mac: variant.seams.mac.name(),
            execute: variant.seams.execute.name(),
            scratch: variant.seams.scratch.name(),
            features: variant.features,
            unavailable: variant.hindrance(),
            offered: !variant.decides_only_good_tokens(),
        })
        .collect();
    if args.json {
        print(serde_json::to_string_pretty(&listed).map_err(anyhow::Error::from)?);
        return Ok(Exit::Success);
    }
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["variant", "base64", "decode", "mac", "execute", "scratch", "features of ron-auth", "here"]);
    for Listed { name, base64, decode, mac, execute, scratch, features, unavailable, offered } in &listed {
        let here = if unavailable.is_some() { "n/a" } else { "yes" };
        let features =
            if *offered { features.join(" ") } else { "none: a yardstick, right about good tokens only".to_owned() };
        table.add_row([*name, base64, decode, mac, execute, scratch, &features, here]);
    }
    print(table);
    for Listed { name, unavailable, .. } in &listed {
        if let Some(reason) = unavailable {
            print(format_args!("{name}: n/a: {reason}"));
        }
    }
    print(format_args!("fixtures: {}", Fixture::ALL.map(Fixture::name).join(", ")));
    Ok(Exit::Success)
}
