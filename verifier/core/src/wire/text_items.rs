//! Text items one after another, as in an array of method names.

use super::{Major, read_head};
use crate::view::Text;

/// Iterates over the text items in a run of bytes that a decoder has checked.
#[derive(Clone, Copy, Debug)]
pub struct TextItems<'a> {
    rest: &'a [u8],
}

impl<'a> TextItems<'a> {
    /// `items`: canonical text items of checked UTF-8, without the array's own head. The iteration ends at the
    /// first byte that is anything else.
    #[must_use]
    pub const fn from_checked(items: &'a [u8]) -> Self {
        Self { rest: items }
    }

    /// Whether one of them is `name`, without regard to ASCII case.
    ///
    /// Of a name of another length only the head is looked at. A list may be of thousands of names of no character, and
    /// its author decides that.
    #[must_use]
    pub(crate) fn has_ignoring_ascii_case(self, name: &[u8]) -> bool {
        let mut rest = self.rest;
        while let Some((&head, body)) = rest.split_first() {
            let (len, body) = if let 0x60..=0x77 = head {
                (usize::from(head & 0x1f), body)
            } else {
                let Some(head) = read_head(rest).ok().filter(|head| head.major == Major::Text) else { return false };
                let Ok(len) = usize::try_from(head.argument) else { return false };
                (len, rest.get(head.len_bytes..).unwrap_or_default())
            };
            let Some((text, after)) = body.split_at_checked(len) else { return false };
            if len == name.len() && text.eq_ignore_ascii_case(name) {
                return true;
            }
            rest = after;
        }
        false
    }
}

impl<'a> Iterator for TextItems<'a> {
    type Item = Text<'a>;

    fn next(&mut self) -> Option<Text<'a>> {
        let head = read_head(self.rest).ok().filter(|head| head.major == Major::Text)?;
        let body = self.rest.get(head.len_bytes..)?;
        let (text, rest) = body.split_at_checked(usize::try_from(head.argument).ok()?)?;
        self.rest = rest;
        Some(Text::from_checked(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::encode_text;

    #[test]
    fn a_name_is_found_wherever_iterating_would_find_it() {
        let long = "x".repeat(300);
        let names = ["", "G", "get", "GET", "GETS", "POST", &long[..23], &long[..24], &long[..255], &long];
        for present in names {
            for before in names {
                let mut items = Vec::new();
                for name in [before, "", present, "last"] {
                    encode_text(name, &mut items);
                }
                let items = TextItems::from_checked(&items);
                for asked in names.into_iter().chain(["Get", "gET", "missing", "g", "X"]) {
                    let iterated = items.into_iter().any(|item| item.as_str().eq_ignore_ascii_case(asked));
                    assert_eq!(items.has_ignoring_ascii_case(asked.as_bytes()), iterated, "{asked} in {items:?}");
                }
            }
        }
        // What is no text ends the list, as it ends the iteration.
        for end in [&b"\x63GE"[..], b"\x01\x63GET", b"\x78", b"\x7f\x63GET"] {
            assert!(!TextItems::from_checked(end).has_ignoring_ascii_case(b"GET"), "{end:?}");
        }
    }
}
