//! One kind of caveat after another: structure of arrays.
//!
//! First the caveats of all tokens at hand are laid out in columns by kind, and each column is tested in one tight
//! loop that marks which caveats hold. Then the verdict on each token is reached as in the streaming evaluator, only
//! that a look at the mark takes the place of the test.

use super::{Judge, Nets, verdict};
use crate::config::Semantics;
use crate::decision::Verdict;
use crate::error::AuthError;
use crate::seam::held_bytes;
use crate::view::{CaveatView, TokenView};

/// Columns and marks, reused from batch to batch.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    /// Per token, the place of its first caveat in `holds`.
    first_slots: Vec<usize>,
    /// Per caveat of all tokens, whether it is known to hold.
    holds: Vec<bool>,
    exp: Vec<Cell<u64>>,
    nbf: Vec<Cell<u64>>,
    bytes_le: Vec<Cell<u64>>,
    amnesia: Vec<Cell<bool>>,
    audience: Vec<Cell<Place>>,
    tenant: Vec<Cell<Place>>,
    digest: Vec<Cell<Place>>,
    method: Vec<Cell<Place>>,
    path: Vec<Cell<Place>>,
    net: Vec<Cell<Place>>,
}

/// A value in a column, and the caveat it belongs to.
#[derive(Clone, Copy, Debug)]
struct Cell<T> {
    slot: usize,
    value: T,
}

/// Where to find a caveat that is too large to be copied into its column.
#[derive(Clone, Copy, Debug)]
struct Place {
    token: usize,
    caveat: usize,
}

impl Columns {
    /// Lays out and tests the caveats of `count` tokens; `token` gives each, or `None` for one that failed before.
    pub(crate) fn mark<'a, V: TokenView<'a>>(
        &mut self,
        judge: &Judge<'_>,
        count: usize,
        token: impl Fn(usize) -> Option<V>,
        nets: &mut Nets<'a>,
    ) {
        self.clear();
        for index in 0..count {
            self.first_slots.push(self.holds.len());
            if let Some(view) = token(index) {
                self.lay_out(judge, index, view);
            }
        }
        let Self { holds, exp, nbf, bytes_le, amnesia, .. } = self;
        test(exp, holds, |&at| at >= judge.exp_floor);
        test(nbf, holds, |&at| at <= judge.nbf_ceiling);
        test(bytes_le, holds, |&limit| judge.length_permitted(limit));
        test(amnesia, holds, |&amnesia| amnesia == judge.ctx.is_amnesia());
        let Self { audience, tenant, digest, method, path, net, .. } = self;
        for column in [audience, tenant, digest, method, path, net] {
            test(column, &mut self.holds, |place| {
                let caveat = token(place.token).and_then(|view| view.caveat(place.caveat));
                caveat.is_some_and(|caveat| judge.holds(caveat, nets))
            });
        }
    }

    fn lay_out<'a>(&mut self, judge: &Judge<'_>, token: usize, view: impl TokenView<'a>) {
        for caveat in 0..view.caveat_count() {
            let slot = self.holds.len();
            let place = Cell { slot, value: Place { token, caveat } };
            let mut holds = false;
            match view.caveat(caveat) {
                Some(CaveatView::Exp(value)) => self.exp.push(Cell { slot, value }),
                Some(CaveatView::Nbf(value)) => self.nbf.push(Cell { slot, value }),
                Some(CaveatView::BytesLe(value)) => self.bytes_le.push(Cell { slot, value }),
                Some(CaveatView::Amnesia(value)) => self.amnesia.push(Cell { slot, value }),
                Some(CaveatView::Aud(_)) => self.audience.push(place),
                Some(CaveatView::Tenant(_)) => self.tenant.push(place),
                Some(CaveatView::GovPolicyDigest(_)) => self.digest.push(place),
                Some(CaveatView::Method(_)) => self.method.push(place),
                Some(CaveatView::PathPrefix(_)) => self.path.push(place),
                Some(CaveatView::IpCidr(_)) => self.net.push(place),
                Some(CaveatView::Rate(_) | CaveatView::Custom { .. }) => {
                    holds = judge.semantics == Semantics::Compat;
                }
                // Not known to hold: the verdict will find that it can't be shown.
                None => {}
            }
            self.holds.push(holds);
        }
    }

    /// The verdict on token `index`, which must be one that [`mark`](Self::mark) has seen.
    pub(crate) fn verdict<'a, V: TokenView<'a>>(
        &self,
        judge: &Judge<'_>,
        index: usize,
        token: V,
    ) -> Result<Verdict<'a>, AuthError> {
        // Up to where the next token's begin: a view that has more caveats than before finds none of them held.
        let start = self.first_slots.get(index).copied().unwrap_or(usize::MAX);
        let end = self.first_slots.get(index + 1).copied().unwrap_or(self.holds.len());
        let holds = self.holds.get(start..end).unwrap_or_default();
        verdict(judge, token, |index| holds.get(index).copied().unwrap_or(false))
    }

    /// Bytes of memory that they take, used or not.
    pub(crate) fn held_bytes(&self) -> usize {
        let Self { first_slots, holds, exp, nbf, bytes_le, amnesia, audience, tenant, digest, method, path, net } =
            self;
        let numbers = [exp, nbf, bytes_le].map(held_bytes);
        let places = [audience, tenant, digest, method, path, net].map(held_bytes);
        let columns = numbers.iter().chain(&places).fold(held_bytes(amnesia), |sum, bytes| sum + bytes);
        held_bytes(first_slots) + held_bytes(holds) + columns
    }

    fn clear(&mut self) {
        self.first_slots.clear();
        self.holds.clear();
        self.exp.clear();
        self.nbf.clear();
        self.bytes_le.clear();
        self.amnesia.clear();
        for column in
            [&mut self.audience, &mut self.tenant, &mut self.digest, &mut self.method, &mut self.path, &mut self.net]
        {
            column.clear();
        }
    }
}

fn test<T>(column: &[Cell<T>], holds: &mut [bool], mut test: impl FnMut(&T) -> bool) {
    for cell in column {
        if let Some(mark) = holds.get_mut(cell.slot) {
            *mark = test(&cell.value);
        }
    }
}
