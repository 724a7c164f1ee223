//! Configuration: inline TOML, else a file, else built-in defaults; merged over the defaults, then the overrides.
//!
//! For the prefix `X`, the text is that of the variable `X_CONFIG`, else that of the file which `X_CONFIG_FILE` names,
//! else there is none. What it says is merged over [`Settings::DEFAULTS`] key by key; what is left out keeps its
//! default. Then each variable of [`Settings::OVERRIDES`] that is set replaces one key. A variable that is set to
//! nothing counts as not set.
//!
//! An unknown key, a value of the wrong type and an impossible value are refused, with the line and the reason in one
//! line of text, or with the variable that is to blame.

mod error;
mod merge;
mod sections;

use serde::de::DeserializeOwned;

pub use error::{ConfigError, Impossible};
pub(crate) use sections::ms;
pub use sections::{Admin, Common, Limits, Log, LogFormat, Server};

/// What a service can be told. Implemented by its configuration struct, which embeds the common sections.
///
/// Derive `Deserialize` with `#[serde(default, deny_unknown_fields)]` on the struct and on each section of its own.
pub trait Settings: DeserializeOwned {
    /// Built-in defaults as TOML, where they are others than those of the sections themselves.
    const DEFAULTS: &'static str = "";

    /// Variables of the environment, by their whole name, that replace one key each, written with dots.
    const OVERRIDES: &'static [(&'static str, &'static str)] = &[];

    /// The sections that every service has.
    fn common(&self) -> Common<'_>;

    /// Refuses values that are possible each for itself and impossible here.
    ///
    /// # Errors
    /// The key that is to blame and the reason. The common sections are checked without this.
    fn check(&self) -> Result<(), Impossible> {
        Ok(())
    }
}

/// Loads the settings of the services with the prefix `prefix`, such as `RON_AUTH`, from this process's environment.
///
/// # Errors
/// One line that says what is wrong, where, and what to do.
pub fn load<T: Settings>(prefix: &str) -> Result<T, ConfigError> {
    load_from(prefix, &|variable| std::env::var(variable).ok())
}

/// As [`load`], with an environment that is passed in.
///
/// # Errors
/// As [`load`].
pub fn load_from<T: Settings>(prefix: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<T, ConfigError> {
    let set = |variable: &str| environment(variable).filter(|value| !value.trim().is_empty());
    let (origin, text) = match (set(&format!("{prefix}_CONFIG")), set(&format!("{prefix}_CONFIG_FILE"))) {
        (Some(text), _) => (format!("{prefix}_CONFIG"), text),
        (None, Some(path)) => match std::fs::read_to_string(&path) {
            Ok(text) => (path, text),
            Err(error) => return Err(ConfigError::unreadable(&path, &format!("{prefix}_CONFIG_FILE"), &error)),
        },
        (None, None) => (String::new(), String::new()),
    };
    merge::settings(&origin, &text, &set)
}
