//! What a proxy's client asks for: a method, and a path that can be read in one way alone.

use ron_service::axum::http::{HeaderMap, Method, Uri};

use crate::config::RequestFrom;
use crate::refusal::Refusal;

/// Where the route is; with [`RequestFrom::Path`] what follows is the path that is asked for.
pub(crate) const CHECK: &str = "/v1/auth/check";

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sought<'r> {
    pub(super) method: &'r str,
    /// Without the query.
    pub(super) path: &'r str,
}

impl<'r> Sought<'r> {
    /// What the proxy says.
    pub(super) fn of(
        from: RequestFrom,
        method: &'r Method,
        uri: &'r Uri,
        headers: &'r HeaderMap,
    ) -> Result<Self, Refusal> {
        let (method, target) = match from {
            RequestFrom::Original => (one(headers, "x-original-method")?, one(headers, "x-original-uri")?),
            RequestFrom::Forwarded => (one(headers, "x-forwarded-method")?, one(headers, "x-forwarded-uri")?),
            RequestFrom::Path => (method.as_str(), uri.path().strip_prefix(CHECK).unwrap_or_default()),
        };
        if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-') {
            return Err(NOT_SAID);
        }
        Ok(Self { method, path: target.split_once('?').map_or(target, |(path, _)| path) })
    }
}

const NOT_SAID: Refusal = Refusal::Malformed("the proxy has to say method and URI, each once; see check.request_from");

/// The value of a header that is there once: of two, one may be the client's.
fn one<'r>(headers: &'r HeaderMap, name: &str) -> Result<&'r str, Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().map_err(|_| NOT_SAID),
        _ => Err(NOT_SAID),
    }
}

/// Whether this is the only spelling of its path, so that whoever serves the request reads what was judged. It begins
/// with a slash, has no empty or dot segments, and encodes, in capital digits, what has to be encoded and nothing else.
pub(super) fn is_plain(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else { return false };
    let mut segments = rest.split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        if matches!(segment, "." | "..") || (segment.is_empty() && !is_last) || !is_plain_segment(segment.as_bytes()) {
            return false;
        }
    }
    true
}

fn is_plain_segment(mut segment: &[u8]) -> bool {
    loop {
        segment = match segment {
            [] => return true,
            [b'%', high, low, rest @ ..] if is_needed(*high, *low) => rest,
            // No semicolon: what follows one is a part of the path to some, and a parameter to others.
            [b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9', rest @ ..] => rest,
            [b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*', rest @ ..] => rest,
            [b'+' | b',' | b'=' | b':' | b'@', rest @ ..] => rest,
            _ => return false,
        };
    }
}

/// Whether a byte with these digits has to be encoded, and means nothing more than itself.
fn is_needed(high: u8, low: u8) -> bool {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    };
    let Some((high, low)) = digit(high).zip(digit(low)) else { return false };
    matches!(high << 4 | low, b' ' | b'"' | b'<' | b'>' | b'[' | b']' | b'^' | b'`' | b'{' | b'|' | b'}' | 0x80..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_another_spelling_is_not_plain() {
        for plain in ["/", "/a", "/a/", "/index/1.txt", "/a/..b/.c", "/%C3%A4/%20", "/a:b@c+d,e=f", "/~x/-_!$&'()*"] {
            assert!(is_plain(plain), "{plain}");
        }
        for other in [
            "",
            "a",
            "*",
            "http://x/a",
            "//",
            "//a",
            "/a//b",
            "/.",
            "/..",
            "/a/../b",
            "/a/./b",
            "/a/..",
            "/%2e%2E/a",
            "/%2F",
            "/a%5Cb",
            "/a\\b",
            "/%61",
            "/%c3",
            "/%",
            "/%2",
            "/%zz",
            "/%00",
            "/%7F",
            "/%25",
            "/a;b",
            "/%3B",
            "/a#b",
            "/a b",
            "/ä",
            "/a\n",
            "/%3F",
        ] {
            assert!(!is_plain(other), "{other}");
        }
    }
}
