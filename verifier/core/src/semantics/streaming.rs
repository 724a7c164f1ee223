//! One caveat after another.

use super::{Judge, Tally};
use crate::decision::Verdict;
use crate::error::AuthError;
use crate::view::TokenView;

/// Judges a verified token's caveats in token order, up to the first hard error.
pub(crate) fn evaluate_streaming<'a, V: TokenView<'a>>(judge: &Judge<'_>, token: V) -> Result<Verdict<'a>, AuthError> {
    let mut tally = Tally::open(judge, token);
    for index in 0..token.caveat_count() {
        if let Some(caveat) = token.caveat(index) {
            tally.add(judge.caveat(caveat))?;
        }
    }
    Ok(tally.close(token))
}
