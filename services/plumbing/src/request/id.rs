//! Request ids: taken from the client if sane, else made.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// The header that carries the id, in requests and in responses.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Bytes of the longest id that is taken from a client.
const MAX_BYTES: usize = 64;

/// Id of a request: 1 to 64 letters, digits and `-_.:/+=`. It lies in place, so that making and copying it costs no
/// allocation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestId {
    bytes: [u8; MAX_BYTES],
    len: u8,
}

impl RequestId {
    /// The client's `x-request-id` if it is sane, else a new id.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        headers.get(HEADER).and_then(|value| Self::taken(value.as_bytes())).unwrap_or_else(Self::made)
    }

    /// An id of no client: this one, if no client can have sent it with these headers, else a new one.
    pub(crate) fn or_made(self, headers: &HeaderMap) -> Self {
        if headers.contains_key(HEADER) { Self::made() } else { self }
    }

    fn taken(text: &[u8]) -> Option<Self> {
        let sane = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte);
        let mut bytes = [0; MAX_BYTES];
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        (!text.is_empty() && text.iter().all(sane)).then_some(Self { bytes, len: text.len() as u8 })
    }

    /// A number of this process that nobody can foresee, and a number of this request, in hexadecimal digits.
    fn made() -> Self {
        static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(std::process::id()));
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = (u128::from(*PROCESS) << 64) | u128::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let mut bytes = [0; MAX_BYTES];
        for (place, byte) in bytes.iter_mut().zip(number.to_be_bytes().iter().flat_map(|byte| [byte >> 4, byte & 15])) {
            *place = if byte < 10 { b'0' + byte } else { b'a' + byte - 10 };
        }
        Self { bytes, len: 32 }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The id as the value of a header.
    #[must_use]
    pub fn header(&self) -> HeaderValue {
        HeaderValue::from_bytes(self.as_bytes()).unwrap_or_else(|_| HeaderValue::from_static("0"))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sane_id_is_taken_and_any_other_replaced() {
        for sane in ["a", "2f1c-77:B_", &"x".repeat(64)] {
            let taken = RequestId::taken(sane.as_bytes());
            assert_eq!(taken.unwrap().as_str(), sane);
        }
        for insane in ["", "a b", "a\u{e9}", "a\"", &"x".repeat(65)] {
            assert_eq!(RequestId::taken(insane.as_bytes()), None);
        }
    }

    #[test]
    fn in_place_of_an_id_that_a_client_may_have_sent_there_is_a_new_one() {
        let with = |id: &'static str| HeaderMap::from_iter([(HEADER, HeaderValue::from_static(id))]);
        for (headers, is_kept) in [(with("id-1"), false), (with("no id"), false), (HeaderMap::new(), true)] {
            let id = RequestId::of(&headers);
            assert_eq!(id.or_made(&headers) == id, is_kept, "{headers:?}");
            assert_eq!(id.or_made(&headers).as_str().len(), 32);
        }
    }

    #[test]
    fn ids_that_are_made_differ_and_are_hexadecimal() {
        let (one, two) = (RequestId::made(), RequestId::made());
        assert_ne!(one, two);
        assert_eq!(one.as_str().len(), 32);
        assert!(one.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}
