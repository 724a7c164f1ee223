//! Nets that have been looked at before.

use smallvec::SmallVec;

use crate::view::Text;

/// As many as a token usually has: more would cost those with other nets each time.
const KEPT: usize = 4;

/// The last few nets of a batch, and whether each permits the request. The same ones recur in token after token, in the
/// same order, so the one after the last hit is tried first.
#[derive(Default)]
pub(crate) struct Nets<'a> {
    known: SmallVec<[(Text<'a>, bool); KEPT]>,
    next: usize,
}

impl<'a> Nets<'a> {
    /// Whether `net` permits the request: from memory, or as `judge` says.
    #[inline]
    pub(crate) fn permitted(&mut self, net: Text<'a>, judge: impl FnOnce(Text<'a>) -> bool) -> bool {
        for _ in 0..self.known.len() {
            let Some(&(known, permitted)) = self.known.get(self.next) else { break };
            self.advance();
            if known == net {
                return permitted;
            }
        }
        let permitted = judge(net);
        if self.known.len() < KEPT {
            self.known.push((net, permitted));
            self.next = 0;
        } else {
            if let Some(oldest) = self.known.get_mut(self.next) {
                *oldest = (net, permitted);
            }
            self.advance();
        }
        permitted
    }

    #[inline]
    fn advance(&mut self) {
        self.next = if self.next + 1 < self.known.len() { self.next + 1 } else { 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_net_that_recurs_is_judged_once_and_never_taken_for_another() {
        let names = ["10.0.0.0/8", "127.0.0.0/8", "::/0", "11.0.0.0/8", "12.0.0.0/8", "13.0.0.0/8"];
        for distinct in 1..=names.len() {
            let (mut nets, mut asked) = (Nets::default(), 0);
            for round in 0..5 {
                for (index, name) in names[..distinct].iter().enumerate() {
                    let permitted = nets.permitted(Text::from(*name), |_| {
                        asked += 1;
                        index % 2 == 0
                    });
                    assert_eq!(permitted, index % 2 == 0, "{name} in round {round} of {distinct}");
                }
            }
            assert!(distinct > KEPT || asked == distinct, "{asked} of {distinct}");
        }
    }
}
