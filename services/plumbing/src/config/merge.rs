//! Tables of TOML that remember their lines, merged one over the other.

use std::borrow::Cow;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer, Error};

use super::{ConfigError, Impossible, Settings};

/// The settings that the text `text` of `origin` and the variables give.
pub(super) fn settings<T: Settings>(
    origin: &str,
    text: &str,
    set: &dyn Fn(&str) -> Option<String>,
) -> Result<T, ConfigError> {
    let at = |error: &Error| ConfigError::new(place(origin, text, error.span()), error.message());
    let overrides: Vec<_> =
        T::OVERRIDES.iter().filter_map(|(variable, key)| Some((*variable, *key, set(variable)?))).collect();
    let given = DeTable::parse(text).map_err(|error| at(&error))?;
    let mut merged = DeTable::parse(T::DEFAULTS)
        .map_err(|error| ConfigError::new("built-in defaults", error.message()))?
        .into_inner();
    read::<T>(merged.clone()).map_err(|error| ConfigError::new("built-in defaults", error.message()))?;
    lay_over(&mut merged, given.get_ref().clone());
    let mut settings: T = read(merged.clone()).map_err(|error| at(&error))?;

    for (variable, key, value) in &overrides {
        let (table, read) = replaced(&merged, key, value).map_err(|error| {
            ConfigError::new(variable, &format!("{} (it sets {key}); correct it or unset it", error.message()))
        })?;
        (merged, settings) = (table, read);
    }

    settings.common().check().and_then(|()| settings.check()).map_err(|Impossible { key, reason }| {
        let place = match overrides.iter().rev().find(|(_, replaced, _)| *replaced == key) {
            Some((variable, ..)) => (*variable).to_owned(),
            None => match span(given.get_ref(), key) {
                Some(span) => place(origin, text, Some(span)),
                None => "built-in defaults".to_owned(),
            },
        };
        ConfigError::new(place, &format!("{key}: {reason}"))
    })?;
    Ok(settings)
}

fn read<T: Settings>(table: DeTable<'_>) -> Result<T, Error> {
    T::deserialize(Deserializer::from(Spanned::new(0..0, table)))
}

/// Table and settings with `key` replaced: by the number or truth value that `text` spells, else by the text itself.
fn replaced<'t, T: Settings>(table: &DeTable<'t>, key: &str, text: &'t str) -> Result<(DeTable<'t>, T), Error> {
    let mut first_error = None;
    for value in [scalar(text), Some(DeValue::String(Cow::Borrowed(text)))].into_iter().flatten() {
        let mut table = table.clone();
        replace(&mut table, key, value);
        match read(table.clone()) {
            Ok(settings) => return Ok((table, settings)),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    // A text is always tried, so that there is an error.
    Err(first_error.unwrap_or_else(|| serde::de::Error::custom("not a value")))
}

fn scalar(text: &str) -> Option<DeValue<'_>> {
    let value = DeValue::parse(text.trim()).ok()?.into_inner();
    (value.is_integer() || value.is_float() || value.is_bool()).then_some(value)
}

fn replace<'t>(table: &mut DeTable<'t>, key: &str, value: DeValue<'t>) {
    let (first, rest) = match key.split_once('.') {
        Some((first, rest)) => (first, Some(rest)),
        None => (key, None),
    };
    let name = Spanned::new(0..0, Cow::Owned(first.to_owned()));
    match rest {
        None => {
            table.insert(name, Spanned::new(0..0, value));
        }
        Some(rest) => {
            let inner = table.entry(name).or_insert_with(|| Spanned::new(0..0, DeValue::Table(DeTable::new())));
            if let DeValue::Table(inner) = inner.get_mut() {
                replace(inner, rest, value);
            }
        }
    }
}

fn lay_over<'t>(below: &mut DeTable<'t>, above: DeTable<'t>) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(there), value) if there.get_ref().is_table() && value.get_ref().is_table() => {
                let span = value.span();
                if let (DeValue::Table(inner), DeValue::Table(over)) = (there.get_mut(), value.into_inner()) {
                    let mut whole = std::mem::take(inner);
                    lay_over(&mut whole, over);
                    // A missing key is told by the line of its table.
                    *there = Spanned::new(span, DeValue::Table(whole));
                }
            }
            (_, value) => {
                // The key is taken out first: its own span is that of the defaults.
                below.remove(&key);
                below.insert(key, value);
            }
        }
    }
}

fn span(table: &DeTable<'_>, key: &str) -> Option<Range<usize>> {
    let (first, rest) = key.split_once('.').map_or((key, None), |(first, rest)| (first, Some(rest)));
    let (_, value) = table.iter().find(|(name, _)| name.get_ref() == first)?;
    match rest {
        None => Some(value.span()),
        Some(rest) => value.get_ref().as_table().and_then(|inner| span(inner, rest)),
    }
}

/// `origin:line`, or `origin` alone where the fault has no line.
fn place(origin: &str, text: &str, span: Option<Range<usize>>) -> String {
    match span.and_then(|span| text.get(..span.start)) {
        Some(before) => format!("{origin}:{}", before.matches('\n').count() + 1),
        None => origin.to_owned(),
    }
}
