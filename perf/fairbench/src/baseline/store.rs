//! Where measurements are kept: `baselines/FINGERPRINT/NAME.json`, plain JSON, one file each.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

use super::measurement::{Measurement, check_name};
use crate::files::{read_json, write_whole};
use crate::host::Host;

const EXPECTED: &str = "a measurement that `baseline save` or `baseline import` wrote";

/// Path of the file that a measurement is stored in.
#[must_use]
pub fn path_of(directory: &Path, fingerprint: &str, name: &str) -> PathBuf {
    directory.join(fingerprint).join(format!("{name}.json"))
}

/// Stores a measurement under its name, in place of what had that name on that host.
///
/// # Errors
/// The name cannot be a file's, or the file cannot be written.
pub fn save(directory: &Path, measurement: &Measurement) -> anyhow::Result<PathBuf> {
    check_name(&measurement.name)?;
    let path = path_of(directory, &measurement.fingerprint, &measurement.name);
    let mut json = serde_json::to_string_pretty(measurement)?;
    json.push('\n');
    write_whole(&path, json)?;
    Ok(path)
}

/// Reads a measurement from a file.
///
/// # Errors
/// The file is missing, unreadable or of another format.
pub fn read(path: &Path) -> anyhow::Result<Measurement> {
    read_json::<Measurement>(path, EXPECTED)?.checked().with_context(|| path.display().to_string())
}

/// Finds what a user names: `NAME` of this host, `FINGERPRINT/NAME`, or the path of a file. A measurement is of this
/// host if it was taken on this machine, with however many threads. If there are several, those by the same compiler
/// and flags come first, then the newest.
///
/// # Errors
/// Nothing has that name (the error lists what there is), or a file cannot be read.
pub fn find(directory: &Path, host: &Host, name: &str) -> anyhow::Result<Measurement> {
    let fingerprint = &host.fingerprint();
    let named = match name.split_once('/') {
        None => path_of(directory, fingerprint, name),
        Some((fingerprint, name)) => path_of(directory, fingerprint, name),
    };
    if named.is_file() {
        return read(&named);
    }
    let file = Path::new(name);
    if file.is_file() {
        return read(file);
    }
    let all = list(directory)?;
    let here = all.iter().filter(|stored| stored.name == name && stored.is_of_machine(host));
    if let Some(found) = here.max_by_key(|stored| (stored.is_of(host), stored.saved_utc.clone())) {
        return Ok(found.clone());
    }
    let known: Vec<String> = all.into_iter().map(|stored| format!("{}/{}", stored.fingerprint, stored.name)).collect();
    let known = if known.is_empty() { "none is stored".to_owned() } else { format!("stored are {}", known.join(", ")) };
    Err(anyhow!("no baseline is called {name:?} on {fingerprint}; {known} (`baseline save {name}` measures one)"))
}

/// Reads all stored measurements, sorted by fingerprint and name.
///
/// # Errors
/// A directory or a file cannot be read.
pub fn list(directory: &Path) -> anyhow::Result<Vec<Measurement>> {
    let mut measurements = Vec::new();
    for host in entries(directory)?.into_iter().filter(|path| path.is_dir()) {
        // Other things are kept beside hosts; only what looks like a measurement is read.
        for path in json_files(&host)? {
            let of_host = |measurement: &Measurement| host.ends_with(&measurement.fingerprint);
            if let Ok(measurement) = read(&path)
                && of_host(&measurement)
            {
                measurements.push(measurement);
            }
        }
    }
    measurements.sort_by(|a, b| (&a.fingerprint, &a.name).cmp(&(&b.fingerprint, &b.name)));
    Ok(measurements)
}

/// The files of a directory that end in `.json`.
pub fn json_files(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let is_json = |path: &PathBuf| path.is_file() && path.extension().is_some_and(|ending| ending == "json");
    Ok(entries(directory)?.into_iter().filter(is_json).collect())
}

fn entries(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !directory.exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(directory).and_then(|entries| {
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<Vec<PathBuf>>>()
    });
    entries.with_context(|| format!("could not read {}", directory.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::measurement::tests::measurement;
    use crate::host::tests::laptop as host;

    #[test]
    fn what_is_saved_is_found_by_name_by_host_and_by_path() {
        let dir = tempfile::tempdir().unwrap();
        let other = Host { cores: 64, ..host() };
        let here = measurement("main", host(), 1.5, 400.0);
        let there = measurement("main", other.clone(), 1.4, 200.0);
        let path = save(dir.path(), &here).unwrap();
        save(dir.path(), &there).unwrap();
        let find = |name: &str| find(dir.path(), &host(), name);
        assert_eq!(find("main").unwrap(), here);
        assert_eq!(find(&format!("{}/main", other.fingerprint())).unwrap(), there);
        assert_eq!(find(path.to_str().unwrap()).unwrap(), here);
        assert_eq!(list(dir.path()).unwrap().len(), 2);
        let error = find("mine").unwrap_err().to_string();
        assert!(error.contains(&format!("{}/main", other.fingerprint())), "{error}");
    }

    #[test]
    fn a_baseline_of_this_machine_is_found_with_other_threads_and_by_another_compiler() {
        let dir = tempfile::tempdir().unwrap();
        let rustc = |release: &str| Host { rustc: format!("rustc {release} (0000 2026-01-01)"), ..host() };
        let old = measurement("main", rustc("1.90.0"), 1.5, 400.0);
        save(dir.path(), &old).unwrap();
        let one_thread = Host { rayon_threads: 1, ..host() };
        assert_eq!(find(dir.path(), &one_thread, "main").unwrap(), old);
        let own = measurement("main", host(), 1.4, 400.0);
        save(dir.path(), &own).unwrap();
        assert_eq!(find(dir.path(), &one_thread, "main").unwrap(), own, "that of the same compiler goes before");
        let other = Host { cpu: "Another".to_owned(), ..host() };
        assert!(find(dir.path(), &other, "main").is_err());
    }

    #[test]
    fn a_file_of_something_else_is_refused_with_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = save(dir.path(), &measurement("main", host(), 1.5, 400.0)).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("measurement v1", "measurement v9")).unwrap();
        let error = format!("{:#}", read(&path).unwrap_err());
        assert!(error.contains("main.json") && error.contains("v9"), "{error}");
        fs::write(&path, "{\n\"format\": 1}").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("main.json:2: "));
        assert!(list(dir.path()).unwrap().is_empty(), "other files are not listed");
        assert!(save(dir.path(), &measurement("../up", host(), 1.5, 400.0)).is_err());
    }
}
