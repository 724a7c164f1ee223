//! From text to documents, with the place of what is wrong, in both formats alike.

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::value::RawValue;

use super::Format;
use crate::error::{BundleError, Position};

/// The bytes as text.
pub(super) fn text(bytes: &[u8]) -> Result<&str, BundleError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let position = Position::of_byte(bytes, error.valid_up_to());
        BundleError::at(position, "not UTF-8; expected a bundle in JSON or TOML")
    })
}

/// The text as a document.
pub(super) fn document<T: DeserializeOwned>(text: &str, format: Format) -> Result<T, BundleError> {
    match format {
        Format::Json => serde_json::from_str(text).map_err(|error| of_json(&error)),
        Format::Toml => toml::from_str(text).map_err(|error| of_toml(text, &error)),
    }
}

fn of_json(error: &serde_json::Error) -> BundleError {
    let (line, column) = (error.line(), error.column());
    let message = error.to_string();
    let reason = message.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&message);
    let position = (line > 0).then_some(Position { line, column });
    BundleError { position, reason: in_one_line(reason) }
}

fn of_toml(text: &str, error: &toml::de::Error) -> BundleError {
    let position = error.span().map(|span| Position::of_byte(text.as_bytes(), span.start));
    BundleError { position, reason: in_one_line(error.message()) }
}

fn in_one_line(reason: &str) -> String {
    reason.split('\n').map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

/// Where a rule begins, of a document that was read before.
pub(super) fn position_of_rule(text: &str, format: Format, index: usize) -> Option<Position> {
    #[derive(Deserialize)]
    struct Json<'a> {
        #[serde(borrow)]
        rules: Vec<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct Toml {
        rules: Vec<toml::Spanned<IgnoredAny>>,
    }
    let offset = match format {
        Format::Json => {
            let json: Json<'_> = serde_json::from_str(text).ok()?;
            // Raw values are parts of the text.
            json.rules.get(index)?.get().as_ptr().addr().checked_sub(text.as_ptr().addr())?
        }
        Format::Toml => toml::from_str::<Toml>(text).ok()?.rules.get(index)?.span().start,
    };
    Some(Position::of_byte(text.as_bytes(), offset))
}
