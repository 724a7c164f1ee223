//! Command lines as they are written down: so that they can be copied into a shell and mean the same.

use std::ffi::{OsStr, OsString};

/// The arguments of this process, quoted, behind the words that start the program, such as `cargo lab`.
#[must_use]
pub fn own(program: &str) -> String {
    written(program, std::env::args_os().skip(1))
}

fn written(program: &str, arguments: impl Iterator<Item = OsString>) -> String {
    arguments.fold(program.to_owned(), |line, argument| line + " " + &quoted(&argument))
}

/// An argument as a shell takes it: as it is if it can stand so, else in single quotes; bytes that are no UTF-8 by
/// their octal values, in the `$'…'` of bash, zsh and POSIX 2024.
#[must_use]
pub fn quoted(argument: &OsStr) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:=,+@%^~".contains(c);
    match argument.to_str() {
        Some(text) if !text.is_empty() && !text.starts_with('~') && text.chars().all(is_plain) => text.to_owned(),
        Some(text) if !text.contains(char::is_control) => format!("'{}'", text.replace('\'', r"'\''")),
        _ => escaped(argument.as_encoded_bytes()),
    }
}

fn escaped(bytes: &[u8]) -> String {
    let mut text = "$'".to_owned();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\'' | '\\' => text.extend(['\\', c]),
                c if c.is_control() => c.to_string().bytes().for_each(|byte| text += &format!("\\{byte:03o}")),
                c => text.push(c),
            }
        }
        chunk.invalid().iter().for_each(|byte| text += &format!("\\{byte:03o}"));
    }
    text + "'"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_that_needs_no_quotes_has_none() {
        for plain in ["sweep", "--smoke", "a/b.c", "--out=x", "10m", "simd-b64,lanes", "größe"] {
            assert_eq!(quoted(plain.as_ref()), plain);
        }
    }

    #[test]
    fn spaces_quotes_and_what_a_shell_would_take_for_its_own_are_quoted() {
        for (argument, expected) in [
            ("my dir", "'my dir'"),
            ("", "''"),
            ("it's", r"'it'\''s'"),
            ("$HOME", "'$HOME'"),
            ("a;b", "'a;b'"),
            ("*", "'*'"),
            ("~", "'~'"),
            ("a\nb", r"$'a\012b'"),
        ] {
            assert_eq!(quoted(argument.as_ref()), expected);
        }
        let arguments = ["sweep", "--out", "my dir"].map(OsString::from);
        assert_eq!(written("cargo lab", arguments.into_iter()), "cargo lab sweep --out 'my dir'");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_utf_8_comes_back_from_a_shell_as_it_was() {
        use std::os::unix::ffi::OsStrExt;
        for bytes in [&b"run-\xff"[..], b"a'b\xfe\\c\n"] {
            let line = quoted(OsStr::from_bytes(bytes));
            let said = std::process::Command::new("bash").args(["-c", &format!("printf %s {line}")]).output();
            if let Ok(said) = said {
                assert_eq!(said.stdout, bytes, "{line}");
            }
        }
    }
}
