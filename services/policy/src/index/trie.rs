//! Places by what a text begins with.

use std::collections::VecDeque;

use super::Place;

/// A trie whose edges are runs of bytes. A look-up takes a step for each byte of the text at most, and for each place
/// where entries part.
///
/// Nodes lie level by level, so that the upper ones, which most look-ups pass, lie together.
#[derive(Debug)]
pub(super) struct Trie {
    nodes: Vec<Node>,
    /// Of each node the first byte of its edge; that of the root is not used.
    heads: Vec<u8>,
    /// Bytes of all edges but for their first.
    labels: Vec<u8>,
    places: Vec<Place>,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    /// Where in [`Trie::labels`] the edge to this node begins.
    label: u32,
    label_bytes: u16,
    /// Number of children, at most one for each byte.
    children: u16,
    /// Children are nodes in a row, by their heads. This is the first.
    first_child: u32,
    /// Number of its place, or [`NO_PLACE`].
    place: u32,
}

const NO_PLACE: u32 = u32::MAX;

/// Entries that are the same in the first so many bytes.
type Group<'k> = (Vec<(&'k [u8], Place)>, usize);

impl Trie {
    /// Of entries whose texts are sorted and not repeated. Texts are prefixes of patterns, which are short, and there
    /// are fewer of them than a bundle has bytes: numbers of 16 and 32 bits reach.
    pub(super) fn new(entries: Vec<(&[u8], Place)>) -> Self {
        let mut trie = Self { nodes: Vec::new(), heads: vec![0], labels: Vec::new(), places: Vec::new() };
        let mut waiting = VecDeque::from([(entries, 0)]);
        while let Some(group) = waiting.pop_front() {
            let below = trie.add(group, waiting.len());
            waiting.extend(below);
        }
        trie
    }

    /// Adds a node of entries, before `waiting` others that have their numbers already. Returns the entries of its
    /// children.
    fn add<'k>(&mut self, (entries, depth): Group<'k>, waiting: usize) -> Vec<Group<'k>> {
        let tail =
            |entry: Option<&(&'k [u8], Place)>| entry.and_then(|(text, _)| text.get(depth..)).unwrap_or_default();
        let (first, last) = (tail(entries.first()), tail(entries.last()));
        // Sorted: what the first and the last share, all share.
        let common = first.iter().zip(last).take_while(|(a, b)| a == b).count();
        let label = number(self.labels.len());
        self.labels.extend(first.iter().take(common));
        let (mut place, mut groups) = (NO_PLACE, Vec::<Group<'k>>::new());
        let first_child = number(self.nodes.len() + 1 + waiting);
        let mut head_before = None;
        for (text, below) in entries {
            let Some(&head) = text.get(depth + common) else {
                place = number(self.places.len());
                self.places.push(below);
                continue;
            };
            match groups.last_mut().filter(|_| head_before == Some(head)) {
                Some((group, _)) => group.push((text, below)),
                None => {
                    self.heads.push(head);
                    groups.push((vec![(text, below)], depth + common + 1));
                }
            }
            head_before = Some(head);
        }
        let short = |length: usize| u16::try_from(length).unwrap_or(u16::MAX);
        let (label_bytes, children) = (short(common), short(groups.len()));
        self.nodes.push(Node { label, label_bytes, children, first_child, place });
        groups
    }

    /// The places of all entries that `text` begins with, the shortest first.
    pub(super) fn prefixes_of<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = &'t Place> {
        let mut next = self.nodes.first().map(|root| (root, text));
        std::iter::from_fn(move || {
            loop {
                let (node, text) = next.take()?;
                let rest = if node.label_bytes == 0 { text } else { text.strip_prefix(self.label(node)?)? };
                next = rest.split_first().and_then(|(head, rest)| Some((self.child(node, *head)?, rest)));
                if node.place != NO_PLACE {
                    return self.places.get(node.place as usize);
                }
            }
        })
    }

    fn label(&self, node: &Node) -> Option<&[u8]> {
        let start = node.label as usize;
        self.labels.get(start..start + usize::from(node.label_bytes))
    }

    fn child(&self, node: &Node, head: u8) -> Option<&Node> {
        let start = node.first_child as usize;
        let heads = self.heads.get(start..start + usize::from(node.children))?;
        self.nodes.get(start + heads.binary_search(&head).ok()?)
    }
}

fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    #[test]
    fn all_prefixes_are_found_and_nothing_else() {
        let texts = ["", "a", "ab", "abcd", "abce", "b/", "é", "€"];
        let mut sorted = texts;
        sorted.sort_unstable();
        let place = |first| Place { first, kind: Kind::Leaf { start: 0, end: 0 } };
        let trie = Trie::new((0..).zip(sorted).map(|(number, text)| (text.as_bytes(), place(number))).collect());
        for text in ["", "a", "abc", "abcde", "abcf", "b", "b/c", "é", "ê", "€x", "x"] {
            let found: Vec<&str> =
                trie.prefixes_of(text.as_bytes()).map(|place| sorted[place.first as usize]).collect();
            let expected: Vec<&str> = sorted.into_iter().filter(|prefix| text.starts_with(prefix)).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
