//! Operations that are timed beside something else: a line of standard input for each turn.

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use cpu_time::ThreadTime;

/// A name, how many operations one pass is, and the pass.
pub(crate) type Operation<'a> = (&'a str, u32, Box<dyn FnMut() + 'a>);

/// Runs a program whose one argument is a folder with `files`. Exit code 64 without it, 3 if `run` cannot.
pub(crate) fn main(files: &str, run: impl FnOnce(&Path) -> Result<(), Box<dyn Error>>) -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("error: expected a folder with {files}");
        return ExitCode::from(64);
    };
    match run(&folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(3)
        }
    }
}

/// Answers each line `NAME MILLISECONDS` with a line that holds the nanoseconds of this thread's CPU time that one
/// operation took, until the input ends.
///
/// # Errors
/// A line of another form, a name that is unknown, or input and output that fail.
pub(crate) fn serve(mut operations: Vec<Operation<'_>>) -> io::Result<()> {
    println!("ready");
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (name, milliseconds) = line.split_once(' ').ok_or_else(|| wrong("expected NAME MILLISECONDS"))?;
        let time = Duration::from_millis(milliseconds.parse().map_err(|_| wrong("expected a number of milliseconds"))?);
        let operation = operations.iter_mut().find(|(known, ..)| *known == name);
        let (_, items, pass) = operation.ok_or_else(|| wrong("no such operation"))?;
        let mut passes = 1_u32;
        // The last round has at least half of the time; those before it warm up.
        let spent = loop {
            let start = ThreadTime::now();
            (0..passes).for_each(|_| pass());
            let spent = start.elapsed();
            if spent * 2 >= time {
                break spent;
            }
            passes = passes.saturating_mul(2);
        };
        let operations = f64::from(passes) * f64::from(*items);
        println!("{:.1}", spent.as_secs_f64() * 1e9 / operations);
        io::stdout().flush()?;
    }
    Ok(())
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}
