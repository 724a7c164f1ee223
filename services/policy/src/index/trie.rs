//! Places by what a text begins with.

use super::Place;

/// A trie whose edges are runs of bytes. A look-up takes a step for each byte of the text at most, and fewer than there
/// are entries on its way that part.
#[derive(Debug)]
pub(super) struct Trie {
    /// Bytes from the parent to here, but for the first one, which the parent holds.
    label: Box<[u8]>,
    place: Option<Place>,
    /// First bytes of the children, ascending.
    heads: Box<[u8]>,
    children: Box<[Self]>,
}

impl Trie {
    /// Of entries whose texts are sorted and not repeated.
    pub(super) fn new(entries: Vec<(&[u8], Place)>) -> Self {
        Self::below(entries, 0)
    }

    /// Of entries that are the same in the first `depth` bytes.
    fn below(entries: Vec<(&[u8], Place)>, depth: usize) -> Self {
        let tail = |text: &[u8]| text.get(depth..).unwrap_or_default().to_vec();
        let first = entries.first().map(|(text, _)| tail(text)).unwrap_or_default();
        let last = entries.last().map(|(text, _)| tail(text)).unwrap_or_default();
        // Sorted: what the first and the last share, all share.
        let common = first.iter().zip(&last).take_while(|(a, b)| a == b).count();
        let label = first.get(..common).unwrap_or_default().into();
        let (mut place, mut heads, mut groups) = (None, Vec::new(), Vec::<Vec<_>>::new());
        for (text, below) in entries {
            match text.get(depth + common) {
                None => place = Some(below),
                Some(&head) if heads.last() == Some(&head) => {
                    if let Some(group) = groups.last_mut() {
                        group.push((text, below));
                    }
                }
                Some(&head) => {
                    heads.push(head);
                    groups.push(vec![(text, below)]);
                }
            }
        }
        let children = groups.into_iter().map(|group| Self::below(group, depth + common + 1)).collect();
        Self { label, place, heads: heads.into(), children }
    }

    /// The places of all entries that `text` begins with, the shortest first.
    pub(super) fn prefixes_of<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = &'t Place> {
        let mut next = Some((self, text));
        std::iter::from_fn(move || {
            loop {
                let (node, text) = next.take()?;
                let rest = text.strip_prefix(&*node.label)?;
                next = rest.split_first().and_then(|(head, rest)| {
                    let child = node.heads.binary_search(head).ok()?;
                    Some((node.children.get(child)?, rest))
                });
                if let Some(place) = &node.place {
                    return Some(place);
                }
            }
        })
    }
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
