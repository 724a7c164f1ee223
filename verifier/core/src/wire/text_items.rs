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
