//! What is claimed, and its bounds.

use serde::Deserialize;

use super::ProfileFault;
use super::name::username;

/// The body of a claim. Unknown fields are refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    passport_subject: String,
    requested_username: String,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    bio: Option<String>,
    #[serde(default)]
    avatar_image: Option<String>,
}

/// A claim within its bounds.
pub(crate) struct Claim {
    pub(super) subject: String,
    pub(super) username: String,
    pub(super) display_name: Option<String>,
    pub(super) bio: Option<String>,
    pub(super) avatar_image: Option<String>,
}

impl TryFrom<Asked> for Claim {
    type Error = ProfileFault;

    /// Values are trimmed, then held to their bounds in bytes.
    fn try_from(asked: Asked) -> Result<Self, ProfileFault> {
        let subject = bounded(&asked.passport_subject, 256)?;
        let subject = subject.ok_or(ProfileFault::bad("empty_field", "passport_subject: expected a passport"))?;
        let username = username(&asked.requested_username)?;
        let optional = |value: Option<String>, most| value.map_or(Ok(None), |value| bounded(&value, most));
        let (display_name, bio) = (optional(asked.display_name, 96)?, optional(asked.bio, 1_024)?);
        let avatar_image = optional(asked.avatar_image, 512)?;
        if avatar_image.as_ref().is_some_and(|url| !url.starts_with("crab://")) {
            return Err(ProfileFault::bad("invalid_crab_url", "avatar_image: expected crab://…"));
        }
        Ok(Self { subject, username, display_name, bio, avatar_image })
    }
}

/// The value without white space around it; none if nothing is left.
fn bounded(value: &str, most_bytes: usize) -> Result<Option<String>, ProfileFault> {
    let value = value.trim();
    if value.len() > most_bytes {
        return Err(ProfileFault::bad("field_too_long", "a field is longer than it may be"));
    }
    Ok((!value.is_empty()).then(|| value.to_owned()))
}
