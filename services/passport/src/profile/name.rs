//! What a username may be.

use super::ProfileFault;

/// Names that nobody may have. The contract has 31 and names only these nine.
const RESERVED: [&str; 9] = ["admin", "api", "passport", "profile", "root", "site", "support", "system", "wallet"];

/// The plain form of a username: without white space around it and the `@` before it, in lower case.
///
/// # Errors
/// The first that applies: nothing left; too short; too long; a bad beginning; a bad character; two dots in a row; a
/// bad end; reserved.
pub(crate) fn username(text: &str) -> Result<String, ProfileFault> {
    let text = text.trim();
    let name = text.strip_prefix('@').unwrap_or(text).to_lowercase();
    let bad = |code, message| Err(ProfileFault::bad(code, message));
    let bytes = name.as_bytes();
    match bytes.len() {
        0 => return bad("empty_field", "username: expected one"),
        1 | 2 => return bad("username_too_short", "username: expected at least 3 bytes"),
        3..=32 => {}
        _ => return bad("username_too_long", "username: expected at most 32 bytes"),
    }
    let is_plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if !bytes.first().is_some_and(is_plain) {
        return bad("invalid_username_start", "username: expected a letter or a digit at its beginning");
    }
    if !bytes.iter().all(|byte| is_plain(byte) || b"._-".contains(byte)) {
        return bad("invalid_username_character", "username: expected letters, digits and . _ -");
    }
    if name.contains("..") {
        return bad("consecutive_dots", "username: expected no two dots in a row");
    }
    if !bytes.last().is_some_and(is_plain) {
        return bad("invalid_username_trailing_punctuation", "username: expected a letter or a digit at its end");
    }
    if RESERVED.contains(&name.as_str()) {
        return bad("reserved_username", "username: nobody may have this one");
    }
    Ok(name)
}
