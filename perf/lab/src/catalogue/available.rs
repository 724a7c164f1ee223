//! What this build cannot measure on this processor is named with its reason, and never measured as something else.

use ron_auth_catalogue::Variant;

use fairbench::exit::Failure;

/// # Errors
/// The variant's times would not be those of what it is named after: exit 3, with the reason.
pub fn available(variant: &Variant) -> Result<(), Failure> {
    match variant.hindrance() {
        None => Ok(()),
        Some(reason) => Err(Failure::could_not(format_args!("{}: n/a: {reason}", variant.name))),
    }
}

/// Why the variant of this name cannot be measured; `None` if it can, or if there is none of that name.
#[must_use]
pub fn hindrance(name: &str) -> Option<String> {
    ron_auth_catalogue::find(name).ok()?.hindrance().map(str::to_owned)
}
