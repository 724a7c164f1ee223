//! Reading files of tokens, one a line.

use std::fmt;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use anyhow::anyhow;
use ron_auth_core::seam::{Base64 as _, Decode as _};
use ron_auth_core::{AuthError, Capability};
use ron_auth_variants::base64::ScalarBase64;
use ron_auth_variants::decode::SerdeCborDecode;

/// A token of a file.
#[derive(Clone, Debug)]
pub struct TokenLine {
    /// Number of its line, counted from 1.
    pub number: usize,
    /// The token as it is sent.
    pub text: String,
    /// The decoded token.
    pub capability: Capability,
}

/// A line that is not a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Number of the line, counted from 1.
    pub number: usize,
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.number, self.what)
    }
}

/// Reads a file, or standard input if the path is `-`.
///
/// # Errors
/// The file is missing or unreadable.
pub fn read_input(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(path)
    };
    read.map_err(|error| anyhow!("{}: {error}; expected a file with one token a line", path.display()))
}

/// The tokens of a file, and the lines that are not tokens. Empty lines and those that begin with `#` are skipped. A
/// token with too many caveats counts as one: it can be decoded, and is refused for that.
#[must_use]
pub fn parse(input: &[u8], max_token_bytes: usize) -> (Vec<TokenLine>, Vec<BadLine>) {
    let (mut lines, mut bad) = (Vec::new(), Vec::new());
    for (index, line) in input.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let number = index + 1;
        match decode(line, max_token_bytes) {
            Ok((text, capability)) => lines.push(TokenLine { number, text, capability }),
            Err(what) => bad.push(BadLine { number, what }),
        }
    }
    (lines, bad)
}

fn decode(line: &[u8], max_token_bytes: usize) -> Result<(String, Capability), String> {
    let mut cbor = Vec::new();
    let malformed = |error: AuthError| format!("{error}");
    ScalarBase64.decode(line, &mut cbor).map_err(|error| malformed(AuthError::Malformed(error)))?;
    if cbor.len() > max_token_bytes {
        return Err(format!("too long: {} bytes of CBOR, of at most {max_token_bytes}", cbor.len()));
    }
    let token = SerdeCborDecode.decode(&cbor, usize::MAX, &mut ()).map_err(malformed)?;
    Ok((String::from_utf8_lossy(line).into_owned(), token.to_capability()))
}

#[cfg(test)]
mod tests {
    use ron_auth_fixtures::Fixture;

    use super::*;

    #[test]
    fn blanks_comments_and_line_ends_are_tolerated_and_counted() {
        let token = Fixture::Light.corpus(1).tokens.remove(0);
        let (lines, bad) = parse(format!("# tokens\r\n\r\n  {token} \r\n{token}").as_bytes(), 4096);
        assert!(bad.is_empty(), "{bad:?}");
        assert_eq!(lines.iter().map(|line| line.number).collect::<Vec<_>>(), [3, 4]);
        assert!(lines.iter().all(|line| line.text == token && line.capability.caveats.len() == 5));
    }

    #[test]
    fn each_line_that_is_no_token_is_named_with_what_is_wrong() {
        let token = Fixture::Light.corpus(1).tokens.remove(0);
        let heavy = Fixture::Heavy.corpus(1).tokens.remove(0);
        let input = [format!("{token}=\n{}\n{token}\n{heavy}\n", &token[..40]).as_bytes(), b"\xff\xfe\n"].concat();
        let (lines, bad) = parse(&input, 500);
        assert_eq!(lines.len(), 1);
        let bad: Vec<String> = bad.iter().map(ToString::to_string).collect();
        assert_eq!(
            bad,
            [
                "1: token is not unpadded Base64URL text",
                "2: token is not the canonical CBOR encoding of wire format v1",
                "4: too long: 796 bytes of CBOR, of at most 500",
                "5: token is not unpadded Base64URL text",
            ]
        );
    }
}
