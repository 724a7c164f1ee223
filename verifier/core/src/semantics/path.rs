//! Strict path prefixes.

use crate::bytes;

/// Whether `path` has nothing that a server might resolve to another path: no empty, `.` or `..` segment, no
/// percent-encoded dot or slash.
pub(super) fn is_plain(path: &str) -> bool {
    let bytes = path.as_bytes();
    // Most paths have none of the bytes that it takes, and to find that out needs no branch per byte.
    let mut last = b'_';
    let mut suspicious = false;
    for &byte in bytes {
        suspicious |= (byte == b'.') | (byte == b'%') | ((byte == b'/') & (last == b'/'));
        last = byte;
    }
    !suspicious || has_no_step(bytes)
}

fn has_no_step(bytes: &[u8]) -> bool {
    let mut last = b'_';
    for (at, &byte) in bytes.iter().enumerate() {
        let suspect = match byte {
            b'/' => last == b'/',
            // A segment of one or two dots begins here, if it also ends.
            b'.' => {
                let rest = bytes.get(at..).unwrap_or_default();
                (at == 0 || last == b'/')
                    && matches!(rest, [b'.'] | [b'.', b'.'] | [b'.', b'/', ..] | [b'.', b'.', b'/', ..])
            }
            b'%' => matches!(bytes.get(at..at + 3), Some([_, b'2', b'e' | b'E' | b'f' | b'F'])),
            _ => false,
        };
        if suspect {
            return false;
        }
        last = byte;
    }
    true
}

/// Whether `path` is `prefix` or lies below it, at a segment boundary.
pub(super) fn is_below(path: &[u8], prefix: &[u8]) -> bool {
    let ends_segment = || match path.get(prefix.len()) {
        None | Some(b'/') => true,
        Some(_) => prefix.ends_with(b"/"),
    };
    bytes::begins(path, prefix) && ends_segment()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_could_walk_are_not_plain() {
        for path in ["/", "", "/a", "/a.b/..c/...", "/index/é", "/%2", "/%252e", "/a/"] {
            assert!(is_plain(path), "{path}");
        }
        for path in ["//", "/a//b", "/.", "/a/./b", "/a/..", "..", "/%2e", "/%2E%2e/", "/a%2fb", "/a%2Fb"] {
            assert!(!is_plain(path), "{path}");
        }
    }

    #[test]
    fn a_prefix_ends_at_a_segment() {
        for (path, prefix, below) in [
            ("/index", "/index", true),
            ("/index/1", "/index", true),
            ("/index/1", "/index/", true),
            ("/index-admin", "/index", false),
            ("/index", "/index/", false),
            ("/anything", "/", true),
            ("/anything", "", true),
            ("anything", "", false),
            ("", "", true),
        ] {
            assert_eq!(is_below(path.as_bytes(), prefix.as_bytes()), below, "{path} below {prefix}");
        }
    }
}
