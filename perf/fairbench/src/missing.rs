//! What was asked for, or belongs to what was asked for, and is not there.
//!
//! It never counts as good: each is a line of its own in the outcome and ends a command with exit code 3, unless the
//! settings (`allow_missing` in `fairbench.toml`) or the option `--allow-missing` name it as expected. What is
//! shown to be bad (exit code 1) outweighs what is missing; what is missing outweighs what is undecided.

use clap::Args as ClapArgs;
use serde::{Deserialize, Serialize};

use crate::command_line::quoted;

/// The entry of a list of what may be missing that stands for all tripwires.
pub const TRIPWIRES: &str = "tripwires";

/// Something that is expected and not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// The name by which it can be allowed.
    pub name: String,
    /// What is missing and where, in words.
    pub what: String,
    /// Whether the settings or an option name it as expected.
    pub allowed: bool,
}

/// The option `--allow-missing`, for every command to which it makes a difference.
#[derive(Clone, Debug, Default, ClapArgs)]
pub struct AllowMissing {
    /// Expect this benchmark, level or tripwire to be missing, which else is exit 3; `tripwires` stands for all of
    /// them. May be given more than once
    #[arg(long = "allow-missing", value_name = "NAME,…")]
    pub names: Vec<String>,
}

impl AllowMissing {
    /// The names of the option, added to those of the settings.
    #[must_use]
    pub fn with(&self, settings: &[String]) -> Vec<String> {
        self.names.iter().chain(settings).cloned().collect()
    }
}

impl Missing {
    /// Something missing that is not allowed to be, so far.
    pub fn new(name: impl Into<String>, what: impl Into<String>) -> Self {
        Self { name: name.into(), what: what.into(), allowed: false }
    }

    /// One line for users, with what to do if it is as it should be.
    #[must_use]
    pub fn line(&self) -> String {
        if self.allowed {
            return format!("Missing, as expected: {}.", self.what);
        }
        format!(
            "Missing: {}. If that is as it should be: --allow-missing {}, or allow_missing = [{:?}] in \
             fairbench.toml",
            self.what,
            quoted(self.name.as_ref()),
            self.name
        )
    }
}

/// Marks as allowed what one of these entries names: by its whole name, as a part of a list with commas, or, for a
/// tripwire, by [`TRIPWIRES`].
pub fn allow(missing: &mut [Missing], entries: &[String], is_tripwire: bool) {
    for missing in missing {
        missing.allowed |= names(entries, &missing.name) || (is_tripwire && names(entries, TRIPWIRES));
    }
}

/// Whether one of these entries names it.
#[must_use]
pub fn names(entries: &[String], name: &str) -> bool {
    // Names of tripwires have commas of their own.
    entries.iter().any(|entry| entry == name || entry.split(',').any(|part| part.trim() == name))
}

/// The names in the entries that nothing has: without a word about it a typing mistake would go unnoticed.
#[must_use]
pub fn strangers(entries: &[String], is_known: impl Fn(&str) -> bool) -> Vec<String> {
    let is_known = |name: &str| name == TRIPWIRES || is_known(name);
    let parts = entries.iter().filter(|entry| !is_known(entry)).flat_map(|entry| entry.split(','));
    parts.map(str::trim).filter(|part| !part.is_empty() && !is_known(part)).map(str::to_owned).collect()
}

/// A note about [`strangers`]; `None` if there are none.
#[must_use]
pub fn note_on_strangers(strangers: &[String]) -> Option<String> {
    (!strangers.is_empty()).then(|| {
        format!(
            "What may be missing (--allow-missing, or allow_missing in the settings) names {}, which no benchmark, \
             level or tripwire is called here.",
            strangers.join(", ")
        )
    })
}

/// Whether anything is missing that nobody expects.
#[must_use]
pub fn any_unexpected(missing: &[Missing]) -> bool {
    missing.iter().any(|missing| !missing.allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(entries: &[&str]) -> Vec<String> {
        entries.iter().map(|entry| (*entry).to_owned()).collect()
    }

    #[test]
    fn a_name_is_allowed_whole_or_in_a_list_also_if_it_has_commas_itself() {
        let tripwire = "prod single light, over plain";
        for (given, name, expected) in [
            (&["a"][..], "a", true),
            (&["a,b"], "b", true),
            (&["a, b"], "b", true),
            (&["a", "b"], "b", true),
            (&["ab"], "a", false),
            (&[tripwire], tripwire, true),
            (&["prod single light"], tripwire, false),
        ] {
            assert_eq!(names(&entries(given), name), expected, "{given:?} {name}");
        }
        let mut missing = [Missing::new("a", "a"), Missing::new("b", "b")];
        allow(&mut missing, &entries(&["b"]), false);
        assert_eq!(missing.each_ref().map(|missing| missing.allowed), [false, true]);
        assert!(any_unexpected(&missing));
        allow(&mut missing, &entries(&["tripwires"]), false);
        assert!(any_unexpected(&missing), "no tripwires");
        allow(&mut missing, &entries(&["tripwires"]), true);
        assert!(!any_unexpected(&missing));
    }

    #[test]
    fn a_name_that_nothing_has_is_found_and_said() {
        let is_known = |name: &str| ["verify_single", "prod, over plain"].contains(&name);
        let given = entries(&["verify_single,verify_singel", "prod, over plain", "tripwires", "x"]);
        let found = strangers(&given, is_known);
        assert_eq!(found, ["verify_singel", "x"]);
        assert!(note_on_strangers(&found).unwrap().contains("names verify_singel, x, which no "));
        assert_eq!(note_on_strangers(&[]), None);
    }

    #[test]
    fn the_line_can_be_copied_to_say_that_it_is_expected() {
        let line = |name: &str| Missing::new(name, format!("only the candidate has {name}")).line();
        assert_eq!(
            line("new"),
            "Missing: only the candidate has new. If that is as it should be: --allow-missing new, or allow_missing = \
             [\"new\"] in fairbench.toml"
        );
        assert!(line("a b").contains("--allow-missing 'a b', or allow_missing = [\"a b\"]"));
        let allowed = Missing { allowed: true, ..Missing::new("new", "only the candidate has new") };
        assert_eq!(allowed.line(), "Missing, as expected: only the candidate has new.");
    }
}
