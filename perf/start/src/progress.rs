//! Understanding what Cargo says while it builds, to show it in one line.

/// A line of Cargo's standard error.
#[derive(Debug, PartialEq)]
pub(crate) enum Told<'a> {
    /// Nothing that anybody needs to know, such as that a build is done or which program is run.
    Nothing,
    /// Work that takes time: a crate is downloaded or compiled, another Cargo is waited for.
    Work(String),
    /// How far it is, such as `45 of 210 steps, `.
    Progress(String),
    /// A warning, an error, a note: to be shown as it is.
    Aloud(&'a str),
}

/// Understands a line, with or without its line end.
pub(crate) fn told(line: &str) -> Told<'_> {
    let line = line.trim_end();
    let (verb, rest) = line.trim_start().split_once(' ').unwrap_or((line, ""));
    let is_status = line.starts_with(' ');
    match verb {
        "" | "\u{1b}[K" => Told::Nothing,
        "Finished" | "Fresh" | "Running" | "Dirty" if is_status => Told::Nothing,
        "Building" if is_status => progress(rest).map_or(Told::Nothing, Told::Progress),
        "Compiling" | "Downloading" | "Downloaded" | "Updating" | "Blocking" | "Locking" | "Fetch" | "Adding"
        | "Checking" | "Unpacking"
            if is_status =>
        {
            Told::Work(format!("{} {}", verb.to_lowercase(), crate_of(rest)))
        }
        _ => Told::Aloud(line),
    }
}

/// The progress in a line such as `[====> ] 45/210: serde, foo`.
fn progress(bar: &str) -> Option<String> {
    let (_, after) = bar.split_once(']')?;
    let count = after.split(": ").next()?.trim().trim_end_matches(':');
    let (done, all) = count.split_once('/')?;
    let (done, all): (usize, usize) = (done.trim().parse().ok()?, all.trim().parse().ok()?);
    Some(format!("{done} of {all} steps, "))
}

/// A crate without the path of those of this workspace, which is long and known.
fn crate_of(rest: &str) -> &str {
    rest.split_once(" (/").map_or(rest, |(name, _)| name).trim()
}

/// Cuts a line so that it has fewer than so many characters: a terminal would break a line that is full.
pub(crate) fn shortened(line: &str, columns: usize) -> String {
    let most = columns.saturating_sub(1);
    if line.chars().count() <= most {
        return line.to_owned();
    }
    line.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_time_is_told_in_a_line_and_what_is_done_is_not() {
        let work = |line| match told(line) {
            Told::Work(what) => what,
            other => panic!("{other:?}"),
        };
        assert_eq!(work("   Compiling serde v1.0.229\n"), "compiling serde v1.0.229");
        assert_eq!(work("   Compiling perf-lab v0.1.0 (/some/where/perf)"), "compiling perf-lab v0.1.0");
        assert_eq!(work("  Downloaded blake3 v1.8.2"), "downloaded blake3 v1.8.2");
        assert_eq!(
            work("    Blocking waiting for file lock on build directory"),
            "blocking waiting for file lock on build directory"
        );
        for done in ["    Finished `release` profile [optimized] target(s) in 0.10s\n", "\n", "", "\r"] {
            assert_eq!(told(done), Told::Nothing, "{done}");
        }
    }

    #[test]
    fn the_bar_of_cargo_becomes_a_count() {
        assert_eq!(
            told("    Building [=====>      ] 45/210: serde, blake3(build)   \r"),
            Told::Progress("45 of 210 steps, ".to_owned())
        );
        assert_eq!(told("    Building [] 0/3"), Told::Progress("0 of 3 steps, ".to_owned()));
    }

    #[test]
    fn warnings_and_errors_are_passed_on_as_they_are() {
        for words in ["error[E0425]: cannot find value `x`", "warning: unused", "  --> src/lib.rs:1:1", "error: no"] {
            assert_eq!(told(words), Told::Aloud(words));
        }
    }

    #[test]
    fn a_line_fits_the_terminal() {
        assert_eq!(shortened("abcdef", 80), "abcdef");
        assert_eq!(shortened("abcdef", 5), "abc…");
    }
}
