//! Check first, time second: no cell is timed before it has given the right answer on the corpus it is timed on.

use ron_auth_core::{AuthError, Decision};

/// One result per token.
pub type Results = Vec<Result<Decision, AuthError>>;

/// A token on which two verifiers disagree.
#[derive(Debug, PartialEq, Eq)]
pub struct Difference {
    /// Index of the token in its corpus.
    pub token: usize,
    /// The expected result, as `Debug` shows it.
    pub expected: String,
    /// The result that came instead.
    pub got: String,
}

/// The first difference between two lists of results, bit for bit: decisions, scopes, reasons, errors, order. `None` if
/// they are equal.
#[must_use]
pub fn first_difference(expected: &Results, got: &Results) -> Option<Difference> {
    if expected.len() != got.len() {
        let count = |results: &Results| format!("{} results", results.len());
        return Some(Difference { token: expected.len().min(got.len()), expected: count(expected), got: count(got) });
    }
    let (token, (expected, got)) = expected.iter().zip(got).enumerate().find(|(_, (expected, got))| expected != got)?;
    Some(Difference { token, expected: format!("{expected:?}"), got: format!("{got:?}") })
}

#[cfg(test)]
mod tests {
    use ron_auth_core::{Malformed, Scope};

    use super::*;

    fn allow() -> Decision {
        Decision::Allow { scope: Scope::new("/", ["GET"]), obligations: Vec::new() }
    }

    #[test]
    fn equal_results_have_no_difference() {
        let results = vec![Ok(allow()), Err(AuthError::Expired)];
        assert_eq!(first_difference(&results, &results.clone()), None);
    }

    #[test]
    fn an_error_of_another_layer_is_a_difference() {
        let expected = vec![Ok(allow()), Err(AuthError::Malformed(Malformed::Cbor))];
        let got = vec![Ok(allow()), Err(AuthError::Malformed(Malformed::Base64))];
        let difference = first_difference(&expected, &got).unwrap();
        assert_eq!((difference.token, difference.got.as_str()), (1, "Err(Malformed(Base64))"));
    }

    #[test]
    fn a_missing_result_is_a_difference() {
        let difference = first_difference(&vec![Ok(allow())], &Vec::new()).unwrap();
        assert_eq!((difference.expected.as_str(), difference.got.as_str()), ("1 results", "0 results"));
    }
}
