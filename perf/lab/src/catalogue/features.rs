//! Feature sets of ron-auth, as a side of a comparison.

use fairbench::exit::Failure;

const DECODERS: [&str; 3] = ["minicbor-zerocopy", "fast-cbor", "plain"];
const OTHERS: [&str; 4] = ["simd-b64", "lanes", "tls-scratch", "parallel"];
/// The set of ron-auth that has a name.
const FULL: &str = "full";
/// What `default` is short for, as in ron-auth.
const DEFAULT: (&str, &str) = ("default", "minicbor-zerocopy");

/// Whether ron-auth has a feature of this name.
#[must_use]
pub fn is_known(name: &str) -> bool {
    known().any(|known| known == name)
}

fn known() -> impl Iterator<Item = &'static str> {
    [DEFAULT.0, FULL].into_iter().chain(DECODERS).chain(OTHERS)
}

/// A list of features, separated by commas or spaces. A list without a decoder gets ron-auth's default one.
///
/// # Errors
/// Usage: a feature that there is not.
pub fn parse(text: &str) -> Result<Vec<String>, Failure> {
    let mut features = Vec::new();
    for name in text.split([',', ' ']).map(str::trim).filter(|name| !name.is_empty()) {
        if !is_known(name) {
            let known: Vec<&str> = known().collect();
            return Err(Failure::usage(format!(
                "no feature is called {name:?}; the features are {}",
                known.join(", ")
            )));
        }
        features.push(if name == DEFAULT.0 { DEFAULT.1 } else { name }.to_owned());
    }
    if !features.iter().any(|name| name == FULL || DECODERS.contains(&name.as_str())) {
        features.push(DEFAULT.1.to_owned());
    }
    features.sort_unstable();
    features.dedup();
    Ok(features)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_without_a_decoder_gets_the_default_one() {
        assert_eq!(parse("simd-b64").unwrap(), ["minicbor-zerocopy", "simd-b64"]);
        assert_eq!(parse("plain, lanes").unwrap(), ["lanes", "plain"]);
        assert_eq!(parse("default").unwrap(), ["minicbor-zerocopy"]);
        assert_eq!(parse("full").unwrap(), ["full"]);
        assert_eq!(parse("").unwrap(), ["minicbor-zerocopy"]);
    }

    #[test]
    fn the_features_are_those_of_ron_auth() {
        let manifest = include_str!("../../../../verifier/Cargo.toml").parse::<toml::Table>().unwrap();
        let theirs = manifest["features"].as_table().unwrap();
        for name in known() {
            assert!(theirs.contains_key(name), "{name}");
        }
        // Of these, one is for other benches, and one adds JSON: nothing that a verification runs through.
        let others = ["bench-eval-modes", "serde"];
        let choices: Vec<&String> = theirs.keys().filter(|name| !others.contains(&name.as_str())).collect();
        assert_eq!(choices.len(), known().count(), "{choices:?}");
    }
}
