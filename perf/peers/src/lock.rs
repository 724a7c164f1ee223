//! Which versions were built: read from the lock file of the build.

use anyhow::Context;

const LOCK: &str = include_str!("../Cargo.lock");

/// The version of a package.
///
/// # Errors
/// The lock file has no such package.
pub fn version_of(package: &str) -> anyhow::Result<String> {
    let entry = format!("name = \"{package}\"\nversion = \"");
    LOCK.split_once(&entry)
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(version, _)| version.to_owned())
        .with_context(|| format!("Cargo.lock has no package {package}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_peer_has_a_version() {
        for entry in &crate::peer::ALL {
            assert!(version_of(entry.package).unwrap().starts_with(|c: char| c.is_ascii_digit()), "{}", entry.name);
        }
        assert!(version_of("no-such-package").is_err());
    }
}
