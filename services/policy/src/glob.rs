//! Patterns of subjects, actions and resources, and a matcher of linear time.

use std::ops::Range;

use smallvec::SmallVec;

/// Most bytes of a pattern.
pub const MAX_GLOB_BYTES: usize = 512;
/// Most `*` of a pattern.
pub const MAX_GLOB_STARS: usize = 8;

/// Characters that mean something in other kinds of glob. A rule whose author takes `{a,b}` for a choice would not
/// match what it is meant to match, and a deny that doesn't match permits: so they stand for themselves only if it is
/// said.
const ELSEWHERE_SPECIAL: [char; 5] = ['?', '[', ']', '{', '}'];

/// A pattern: `*` is any text without `/`, `**` is any text; both may be empty. All else is itself, by case. A `\`
/// takes the meaning from the character after it.
///
/// At most one `**` is permitted. So each half of a pattern is fixed at one end of the text, and what is between its
/// stars is found by one search in one direction, without going back: a `*` ends at the first place where what follows
/// it is found, as a later place can't help (if the first is beyond a `/`, so are all).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glob {
    /// The texts between stars, one after the other.
    pieces: Box<str>,
    /// Where each piece ends. There is at least one, which may be empty.
    ends: SmallVec<[u16; 4]>,
    /// Number of pieces before `**`; of all pieces if there is none.
    front: usize,
}

impl Glob {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn parse(pattern: &str) -> Result<Self, String> {
        if pattern.len() > MAX_GLOB_BYTES {
            return Err(format!("a pattern of {} bytes; at most {MAX_GLOB_BYTES} are possible", pattern.len()));
        }
        let wrong = |what: String| Err(format!("pattern {pattern:?}: {what}"));
        let (mut pieces, mut ends, mut front, mut stars) = (String::new(), SmallVec::new(), None, 0);
        // A pattern is short.
        let end = |pieces: &str| u16::try_from(pieces.len()).unwrap_or(u16::MAX);
        let mut rest = pattern.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '\\' => match rest.next() {
                    Some(plain) => pieces.push(plain),
                    None => return wrong("a \\ at the end stands before nothing".to_owned()),
                },
                '*' => {
                    ends.push(end(&pieces));
                    if rest.next_if_eq(&'*').is_none() {
                        stars += 1;
                    } else if front.replace(ends.len()).is_some() {
                        return wrong("at most one ** is possible".to_owned());
                    }
                    if rest.peek() == Some(&'*') {
                        return wrong("stars beside ** mean nothing; leave them out".to_owned());
                    }
                }
                special if ELSEWHERE_SPECIAL.contains(&special) => {
                    return wrong(format!("{special} is no pattern here; write \\{special} for the character itself"));
                }
                plain => pieces.push(plain),
            }
        }
        if stars > MAX_GLOB_STARS {
            return wrong(format!("{stars} stars; at most {MAX_GLOB_STARS} are possible"));
        }
        ends.push(end(&pieces));
        Ok(Self { pieces: pieces.into_boxed_str(), front: front.unwrap_or(ends.len()), ends })
    }

    /// The text, if the pattern has no star and so matches one text only.
    pub(crate) fn literal(&self) -> Option<&str> {
        (self.ends.len() == 1).then_some(&*self.pieces)
    }

    /// What every text begins with that matches.
    pub(crate) fn prefix(&self) -> &str {
        self.piece(0)
    }

    fn piece(&self, index: usize) -> &str {
        let end = |index: usize| self.ends.get(index).map_or(self.pieces.len(), |&end| usize::from(end));
        let start = index.checked_sub(1).map_or(0, end);
        self.pieces.get(start..end(index)).unwrap_or_default()
    }

    /// Whether `text` matches as a whole. The time is linear in the length of `text`.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let last = self.ends.len() - 1;
        let Some(rest) = text.strip_prefix(self.piece(0)) else { return false };
        if last == 0 {
            return rest.is_empty();
        }
        let has_two_stars = self.front <= last;
        let Some(rest) = self.skip_forward(rest, 1..self.front.min(last)) else { return false };
        let Some(rest) = rest.strip_suffix(self.piece(last)) else { return false };
        if has_two_stars { self.skip_backward(rest, self.front..last) } else { !rest.contains('/') }
    }

    /// Finds each piece in turn, with no `/` before it. Returns what is behind the last.
    fn skip_forward<'t>(&self, mut rest: &'t str, pieces: Range<usize>) -> Option<&'t str> {
        for index in pieces {
            let (gap, behind) = rest.split_once(self.piece(index))?;
            if gap.contains('/') {
                return None;
            }
            rest = behind;
        }
        Some(rest)
    }

    /// Finds each piece from the last to the first, with no `/` behind it.
    fn skip_backward(&self, mut rest: &str, pieces: Range<usize>) -> bool {
        for index in pieces.rev() {
            match rest.rsplit_once(self.piece(index)) {
                Some((before, gap)) if !gap.contains('/') => rest = before,
                _ => return false,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::{Glob, MAX_GLOB_BYTES};

    #[test]
    fn a_star_stays_in_its_segment_and_two_cross_it() {
        for (pattern, matching, other) in [
            ("a", &["a"][..], &["", "aa", "A"][..]),
            ("*", &["", "a", "a.b"], &["/", "a/b"]),
            ("**", &["", "a", "a/b/"], &[]),
            ("docs/*", &["docs/", "docs/a"], &["docs", "docs/a/b", "doc/a"]),
            ("docs/**", &["docs/", "docs/a/b"], &["docs", "docsa"]),
            ("docs/*/edit", &["docs/a/edit", "docs//edit"], &["docs/a/b/edit", "docs/edit"]),
            ("**.pdf", &[".pdf", "a/b.pdf"], &["a/b.pdf/c"]),
            ("a**b*c", &["abc", "a/x/b.c", "abbc"], &["ab/c", "ac"]),
            ("a*a", &["aa", "aba"], &["a", "a/a"]),
            ("x\\*y", &["x*y"], &["xy", "xay"]),
            ("é*", &["é", "éa"], &["e", "è"]),
        ] {
            let glob = Glob::parse(pattern).unwrap();
            assert!(matching.iter().all(|text| glob.matches(text)), "{pattern} {matching:?}");
            assert!(!other.iter().any(|text| glob.matches(text)), "{pattern} {other:?}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_the_reason() {
        for (pattern, reason) in [
            ("a\\", "\\ at the end"),
            ("a**b**", "at most one **"),
            ("a***", "beside **"),
            ("a?", "\\? for the character itself"),
            ("{a,b}", "\\{ for"),
            ("[ab]", "\\[ for"),
            ("*a*a*a*a*a*a*a*a*a", "9 stars"),
            (&"x".repeat(MAX_GLOB_BYTES + 1), "513 bytes"),
        ] {
            let error = Glob::parse(pattern).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }

    /// The meaning spelled out, in exponential time.
    fn means(pattern: &[u8], text: &[u8]) -> bool {
        match pattern {
            [] => text.is_empty(),
            [b'*', b'*', rest @ ..] => (0..=text.len()).any(|taken| means(rest, &text[taken..])),
            [b'*', rest @ ..] => {
                let segment = text.iter().position(|&byte| byte == b'/').unwrap_or(text.len());
                (0..=segment).any(|taken| means(rest, &text[taken..]))
            }
            [first, rest @ ..] => text.split_first().is_some_and(|(byte, text)| byte == first && means(rest, text)),
        }
    }

    #[test]
    fn the_matcher_finds_what_the_meaning_says() {
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        let (mut tried, mut matched) = (0, 0);
        while tried < 100_000 {
            let pattern: String =
                (0..rng.random_range(0..9)).map(|_| ["a", "b", "/", "*", "**"][rng.random_range(0..5)]).collect();
            let Ok(glob) = Glob::parse(&pattern) else { continue };
            let text: String = (0..rng.random_range(0..10)).map(|_| ['a', 'b', '/'][rng.random_range(0..3)]).collect();
            let expected = means(pattern.as_bytes(), text.as_bytes());
            assert_eq!(glob.matches(&text), expected, "{pattern} {text}");
            assert!(!expected || text.starts_with(glob.prefix()), "{pattern} {text}");
            tried += 1;
            matched += usize::from(expected);
        }
        assert!(matched > 10_000, "only {matched} of {tried} matched");
    }
}
