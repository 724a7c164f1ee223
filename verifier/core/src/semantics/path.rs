//! Strict path prefixes.

/// Whether `path` has nothing that a server might resolve to another path: no empty, `.` or `..` segment, no
/// percent-encoded dot or slash.
pub(super) fn is_plain(path: &str) -> bool {
    let bytes = path.as_bytes();
    let encoded = |bytes: &[u8]| matches!(bytes, [b'%', b'2', b'e' | b'E' | b'f' | b'F']);
    !bytes.windows(2).any(|pair| pair == b"//")
        && !bytes.windows(3).any(encoded)
        && !bytes.split(|&byte| byte == b'/').any(|segment| segment == b"." || segment == b"..")
}

/// Whether `path` is `prefix` or lies below it, at a segment boundary.
pub(super) fn is_below(path: &[u8], prefix: &[u8]) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || prefix.ends_with(b"/") || rest.starts_with(b"/"))
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
