//! `probe --ask`: tries out a probe.

use clap::Args as ClapArgs;
use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;

use super::print;
use crate::compare::layout::Layout;
use crate::exit::{CommandResult, Exit};
use crate::interrupt;
use crate::probe::Client;
use crate::project::Project;

/// Number of runs of each case.
const RUNS: usize = 5;

/// Try out a probe (perf/PROTOCOL.md): greet it, check every case, run each case
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// What to try out: any side that `ab` takes, such as the path of a probe
    #[arg(long, value_name = "SIDE")]
    ask: String,
}

/// Runs `probe`.
///
/// # Errors
/// Wrong usage; a probe that fails.
pub fn run(args: &Args, project: &Project<'_>) -> CommandResult {
    ask(&args.ask, project)
}

/// Has the probe of a side say hello, checks every case and runs each a few times.
///
/// # Errors
/// Wrong usage; a probe that fails.
pub fn ask(side: &str, project: &Project<'_>) -> CommandResult {
    interrupt::watch()?;
    let side = project.side(side)?;
    let hello = &side.hello;
    let or = |text: &str| if text.is_empty() { "not said".to_owned() } else { text.to_owned() };
    print(format_args!("probe      {} ({})", hello.probe, side.probe.program.display()));
    print(format_args!("features   {}", or(&hello.features.join(" "))));
    print(format_args!("SIMD path  {}", or(&hello.simd_path)));
    print(format_args!("rustc      {}", or(&hello.rustc)));
    print(format_args!("revision   {}", or(hello.revision.as_deref().unwrap_or_default())));
    print(format_args!("threads    {}", hello.threads));
    let mut client = Client::start(&side.probe, Layout::default(), false)?;
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["case", "threads", "items/iteration", "right answers", "ns/item"]);
    for case in side.cases() {
        let answers = client.check(&case.name)?;
        let mut elapsed_ns = f64::INFINITY;
        for _ in 0..RUNS {
            elapsed_ns = elapsed_ns.min(client.run(&case.name, 1)?.elapsed_ns);
        }
        let per_item_ns = elapsed_ns / case.items_per_iteration as f64;
        let (threads, items) = (case.threads.to_string(), case.items_per_iteration.to_string());
        table.add_row([case.name, threads, items, answers.to_string(), format!("{per_item_ns:.0}")]);
    }
    client.quit()?;
    print(table);
    print(format_args!("It speaks the protocol. Times are the least of {RUNS} single iterations: a try-out."));
    Ok(Exit::Success)
}
