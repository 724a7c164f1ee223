//! `docs/results/HOST.md`: what a host came to, made from data in the repository and from nothing else, so that anybody
//! can make it again.
//!
//! A page is a list of [parts](PagePart). What a command measured lies as it printed it, with host, command and date,
//! in `docs/results/data/HOST/PART.json`; baselines and trials of the self-test are read where they are kept anyway.
//! Beside the data of a part may lie `PART.md`, remarks that are always shown, and `PART.quoted.md`, what commands
//! printed on an earlier revision: it is shown, as a quotation, as long as there are no data.
//!
//! | file | holds |
//! |---|---|
//! | `parts` | what a page consists of, in order, with the prose that goes with it |
//! | `data` | what a command printed, and where it is kept |
//! | `tables` | a table for each command's JSON |
//! | `stored` | tables of what is stored for other purposes: baselines, trials |

pub mod data;
mod parts;
mod stored;
mod tables;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use fairbench::files::read_text;
use fairbench::host::Host;

pub use parts::{PARTS, PagePart, SWEEP};

use self::data::PartData;
use self::parts::Origin;

/// Folder of the pages, below the root of the repository.
const PAGES: &str = "docs/results";

/// Path of the page of a host, below the root of the repository.
#[must_use]
pub fn path_of(host: &str) -> PathBuf {
    Path::new(PAGES).join(format!("{host}.md"))
}

/// The name of a host's page and data: its fingerprint without the digest, which changes with the compiler.
#[must_use]
pub fn name_of(host: &Host) -> String {
    let fingerprint = host.fingerprint();
    fingerprint.rsplit_once('-').map_or(fingerprint.clone(), |(name, _)| name.to_owned())
}

/// Finds the hosts that have data for a page.
///
/// # Errors
/// The folder of the data cannot be read.
pub fn hosts(root: &Path) -> anyhow::Result<Vec<String>> {
    let folder = root.join(PAGES).join("data");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let failed = || format!("could not read {}", folder.display());
    let mut hosts = Vec::new();
    for entry in fs::read_dir(&folder).with_context(failed)? {
        let entry = entry.with_context(failed)?;
        if entry.path().is_dir() {
            hosts.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    hosts.sort_unstable();
    Ok(hosts)
}

/// Makes the page of a host.
///
/// # Errors
/// Data cannot be read or are of another shape; the message names the file and what was expected.
pub fn page(root: &Path, host: &str) -> anyhow::Result<String> {
    let mut paragraphs = Vec::new();
    let mut where_measured: Vec<(String, Host)> = Vec::new();
    for part in &PARTS {
        if let Some(heading) = part.heading {
            paragraphs.push(format!("## {heading}"));
        }
        if !part.about.is_empty() {
            paragraphs.push(part.about.to_owned());
        }
        match shown(root, host, part)? {
            Some(shown) => {
                where_measured.extend(shown.measured);
                paragraphs.extend([shown.made_by, shown.table]);
            }
            None => paragraphs.extend(not_measured(root, host, part)?),
        }
        paragraphs.extend(beside(root, host, &format!("{}.md", part.name))?);
    }
    // The newest says where; of what was measured with another compiler its own line says so.
    let newest = where_measured.into_iter().max_by(|(one, _), (other, _)| one.cmp(other)).map(|(_, host)| host);
    paragraphs.splice(0..0, head(host, newest.as_ref()));
    Ok(paragraphs.join("\n\n") + "\n")
}

/// A part that was measured, as it is shown.
struct ShownPart {
    /// The command that made it, with date and revision.
    made_by: String,
    table: String,
    /// Time and host of the measurement; `None` if they are not known.
    measured: Option<(String, Host)>,
}

fn shown(root: &Path, host: &str, part: &PagePart) -> anyhow::Result<Option<ShownPart>> {
    match part.origin {
        Origin::Command { table, .. } => {
            let path = data::path_of(root, host, part.name);
            if !path.is_file() {
                return Ok(None);
            }
            let measured = PartData::read(&path)?;
            let table = table(&measured.result).with_context(|| path.display().to_string())?;
            let exit = if measured.exit_code == 0 { String::new() } else { format!(", exit {}", measured.exit_code) };
            let made_by =
                format!("`{}`{exit}: {}.", measured.command, when_and_where(&measured.measured_utc, &measured.host));
            Ok(Some(ShownPart { made_by, table, measured: Some((measured.measured_utc, measured.host)) }))
        }
        Origin::Stored(stored) => stored(root, host),
        Origin::Elsewhere => Ok(None),
    }
}

/// A date, a revision, and the fingerprint of the host.
fn when_and_where(utc: &str, host: &Host) -> String {
    let revision = host.revision.as_deref().map_or_else(|| "no revision".to_owned(), |it| format!("revision {it}"));
    format!("{}, {revision}, `{}`", utc.split('T').next().unwrap_or(utc), host.fingerprint())
}

/// The text that stands in place of a table.
fn not_measured(root: &Path, host: &str, part: &PagePart) -> anyhow::Result<Vec<String>> {
    let how = match part.origin {
        Origin::Command { .. } => format!("`cargo lab results --measure {}` does", part.name),
        Origin::Stored(_) | Origin::Elsewhere => part.how.to_owned(),
    };
    let quoted = beside(root, host, &format!("{}.quoted.md", part.name))?;
    let Some(quoted) = quoted else { return Ok(vec![format!("Not measured here: {how}.")]) };
    let lines = quoted.lines().map(|line| format!("> {line}").trim_end().to_owned());
    let lead = format!("No data in the repository ({how}). What commands printed earlier, copied by hand:");
    Ok(vec![lead, lines.collect::<Vec<_>>().join("\n")])
}

/// A text that lies beside a host's data; `None` if there is none.
fn beside(root: &Path, host: &str, name: &str) -> anyhow::Result<Option<String>> {
    let path = data::folder(root, host).join(name);
    if !path.is_file() {
        return Ok(None);
    }
    Ok(Some(read_text(&path, "Markdown")?.trim().to_owned()))
}

fn head(name: &str, host: Option<&Host>) -> Vec<String> {
    let title = format!("# Results: {name}");
    let about = format!(
        "Made by `cargo lab results` from the files in [data/{name}](data/{name}) and from what lies in \
         [baselines](../../baselines); `cargo lab results --check` holds it to them. So change those, not this page. \
         The line above a table says which command printed it, when, and on which revision; what was copied by hand \
         from earlier revisions is marked as a quotation. A ratio above 1 means: takes more. In brackets are 95 % \
         intervals unless something else is said. How things are measured is in [METHOD.md](../METHOD.md); which \
         targets were reached is in [PERFNOTES.md](../../PERFNOTES.md)."
    );
    let Some(host) = host else { return vec![title, about] };
    let known = ["fingerprint", "CPU", "cores", "rayon threads", "system", "rustc", "build", "RUSTFLAGS"];
    let rows = host.describe().into_iter().filter(|(field, _)| known.contains(field));
    vec![title, about, tables::markdown(["host", ""], rows.map(|(field, value)| [field.to_owned(), value]))]
}

/// The first line in which two texts differ: its number, the text that was found, and the one that was expected.
#[must_use]
pub fn first_difference(found: &str, expected: &str) -> Option<(usize, String, String)> {
    if found == expected {
        return None;
    }
    let (mut found, mut expected) = (found.split('\n'), expected.split('\n'));
    for number in 1.. {
        match (found.next(), expected.next()) {
            (None, None) => break,
            (one, other) if one == other => {}
            (one, other) => {
                let text = |line: Option<&str>| line.unwrap_or("the end of the file").to_owned();
                return Some((number, text(one), text(other)));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests;
