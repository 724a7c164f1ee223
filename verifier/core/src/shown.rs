//! Text of strangers, as a log may show it.

use std::fmt::{self, Write as _};

/// Text without anything that would act on a terminal, begin a new line, or be invisible: control characters and
/// others that don't print are written as `\n`, `\u{1b}` and the like, and a backslash as `\\`.
#[derive(Clone, Copy)]
pub(crate) struct Shown<'a> {
    text: &'a str,
    /// A character that is to stand for nothing but itself behind the text, so that within it is escaped as well.
    end: Option<char>,
}

impl<'a> Shown<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text, end: None }
    }

    /// Text that `end` follows: the first `end` without a backslash is where the text ends.
    pub(crate) const fn up_to(text: &'a str, end: char) -> Self {
        Self { text, end: Some(end) }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.text.chars() {
            match c {
                '\'' | '"' => f.write_char(c)?,
                _ if self.end == Some(c) => write!(f, "\\{c}")?,
                _ => write!(f, "{}", c.escape_debug())?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Shown;

    #[test]
    fn ordinary_text_is_shown_as_it_is() {
        for text in ["", "quota_exhausted", "it's \"so\" / so", "größe", "日本語", "plan:paid@2"] {
            assert_eq!(Shown::new(text).to_string(), text);
        }
    }

    #[test]
    fn what_acts_on_a_terminal_or_does_not_print_is_escaped() {
        for (text, shown) in [
            ("a\nb", r"a\nb"),
            ("a\r\tb", r"a\r\tb"),
            ("\0", r"\0"),
            ("\x1b[31m", r"\u{1b}[31m"),
            ("\x7f", r"\u{7f}"),
            ("\u{9b}31m", r"\u{9b}31m"),
            ("\u{85}", r"\u{85}"),
            ("\u{2028}\u{2029}", r"\u{2028}\u{2029}"),
            ("\u{202e}", r"\u{202e}"),
            ("\u{2066}", r"\u{2066}"),
            ("\u{200b}", r"\u{200b}"),
            ("\u{feff}", r"\u{feff}"),
            (r"\n", r"\\n"),
        ] {
            assert_eq!(Shown::new(text).to_string(), shown, "{text:?}");
        }
    }

    #[test]
    fn where_a_text_ends_can_be_told() {
        let both = |ns, name| format!("{}/{}", Shown::up_to(ns, '/'), Shown::new(name));
        assert_eq!(both("a", "b/c"), "a/b/c");
        assert_eq!(both("a/b", "c"), r"a\/b/c");
        assert_eq!(both(r"a\", "b/c"), r"a\\/b/c");
    }
}
