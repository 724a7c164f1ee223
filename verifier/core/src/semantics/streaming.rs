//! One caveat after another.

use super::{Judge, Nets, verdict};
use crate::decision::Verdict;
use crate::error::AuthError;
use crate::view::TokenView;

/// The verdict on a verified token.
#[inline]
pub(crate) fn evaluate_streaming<'a, V: TokenView<'a>>(
    judge: &Judge<'_>,
    token: V,
    nets: &mut Nets<'a>,
) -> Result<Verdict<'a>, AuthError> {
    verdict(judge, token, |index| token.caveat(index).is_some_and(|caveat| judge.holds(caveat, nets)))
}
