//! `Authorization: Bearer …`.

use axum::http::{HeaderMap, header};

/// What the header `Authorization` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bearer<'h> {
    /// There is no such header.
    Nothing,
    /// One, of the scheme `Bearer`: the credentials behind it, without white space around them.
    One(&'h [u8]),
    /// Another scheme, or several of them.
    Other,
}

impl<'h> Bearer<'h> {
    /// What is in these headers.
    #[must_use]
    pub fn of(headers: &'h HeaderMap) -> Self {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let Some(value) = values.next() else { return Self::Nothing };
        match value.as_bytes().split_first_chunk::<7>() {
            // Of two, one may be the client's and one the proxy's.
            Some((scheme, credentials)) if scheme.eq_ignore_ascii_case(b"bearer ") && values.next().is_none() => {
                Self::One(credentials.trim_ascii())
            }
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn one_bearer_is_taken_and_nothing_else() {
        let with = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
            }
            headers
        };
        assert_eq!(Bearer::of(&with(&[])), Bearer::Nothing);
        for good in ["Bearer x", "bearer x", "BEARER  x "] {
            assert_eq!(Bearer::of(&with(&[good])), Bearer::One(b"x"), "{good}");
        }
        for other in [&["Basic x"][..], &["Bearer"], &["x"], &[""], &["Bearer x", "Bearer x"], &["Bearer x", "Basic y"]]
        {
            assert_eq!(Bearer::of(&with(other)), Bearer::Other, "{other:?}");
        }
    }
}
