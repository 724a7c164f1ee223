//! A tree of stacks: first the stages, within each the functions that call each other.

use std::collections::BTreeMap;

use super::folded::Folded;
use super::names::{is_plumbing, plain};
use super::stages::stage_of;

/// A function, as called on one path, with the samples of one or two profiles.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// Number of samples in the earlier profile; 0 if there is only one.
    pub(super) before: u64,
    /// Number of samples in the later profile.
    pub(super) after: u64,
    /// The functions that it calls, by plain name.
    pub(super) calls: BTreeMap<String, Self>,
}

impl Node {
    /// Makes the tree of these profiles. Frames of the standard library that only pass a call on are left out; what
    /// they take counts as their caller's.
    pub(super) fn of(before: Option<&Folded>, after: &Folded) -> Self {
        let mut root = Self::default();
        for (frames, samples) in before.into_iter().flat_map(Folded::stacks) {
            root.add(&frames, |node| node.before += samples);
        }
        for (frames, samples) in after.stacks() {
            root.add(&frames, |node| node.after += samples);
        }
        root
    }

    fn add(&mut self, frames: &[&str], count: impl Fn(&mut Self)) {
        let (stage, start) = stage_of(frames);
        let mut path = vec![stage.name().to_owned()];
        let own = frames.get(start..).unwrap_or_default();
        path.extend(own.iter().filter(|frame| !is_plumbing(frame)).map(|frame| plain(frame)));
        // A closure goes by its function's name.
        path.dedup();
        count(self);
        let mut node = self;
        for name in path {
            node = node.calls.entry(name).or_default();
            count(node);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(stacks: &[(&[&str], u64)]) -> Folded {
        let mut folded = Folded::default();
        for (frames, samples) in stacks {
            folded.add(frames, *samples);
        }
        folded
    }

    #[test]
    fn stages_come_first_then_functions_without_plumbing_and_closures() {
        let hash = [
            "pass",
            "ron_auth_core::chain::step",
            "core::iter::Iterator::find",
            "blake3::hash",
            "blake3::hash::{{closure}}",
        ];
        let (before, after) = (folded(&[(&hash, 4)]), folded(&[(&hash, 6), (&["pass", "serde_cbor::read"], 1)]));
        let tree = Node::of(Some(&before), &after);
        assert_eq!((tree.before, tree.after), (4, 7));
        assert_eq!(tree.calls.keys().collect::<Vec<_>>(), ["decode", "mac"]);
        let step = &tree.calls["mac"].calls["ron_auth_core::chain::step"];
        let hash = &step.calls["blake3::hash"];
        assert_eq!((hash.before, hash.after, hash.calls.len()), (4, 6, 0));
        assert_eq!((tree.calls["decode"].before, tree.calls["decode"].after), (0, 1));
    }
}
