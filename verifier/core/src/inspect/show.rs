//! Values as people read them.

use std::fmt;

/// Longest text shown whole, in characters, and longest byte string, in bytes.
const SHOWN: usize = 128;

/// A stranger's text in quotes: control characters, invisible ones and quotes escaped; cut where it is long.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What `Debug` of a `str` escapes is what cannot be seen, directions of writing included.
        match self.0.char_indices().nth(SHOWN).and_then(|(end, _)| self.0.get(..end)) {
            None => write!(f, "{:?}", self.0),
            Some(start) => write!(f, "{start:?}… ({})", Bytes(self.0.len())),
        }
    }
}

/// Quoted texts, in a row.
pub(super) struct List<I>(pub(super) I);

impl<'a, I: Iterator<Item = &'a str> + Clone> fmt::Display for List<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = self.0.clone();
        let Some(first) = names.next() else { return f.write_str("none") };
        write!(f, "{}", Quoted(first))?;
        names.try_for_each(|name| write!(f, ", {}", Quoted(name)))
    }
}

/// Bytes in hex; cut where they are many.
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(SHOWN).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        if self.0.len() > SHOWN { write!(f, "… ({})", Bytes(self.0.len())) } else { Ok(()) }
    }
}

/// A number of bytes.
pub(super) struct Bytes<N>(pub(super) N);

impl<N: Copy + TryInto<u64>> fmt::Display for Bytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0.try_into().unwrap_or(u64::MAX);
        write!(f, "{bytes} byte{}", if bytes == 1 { "" } else { "s" })
    }
}

/// A time in seconds since the Unix epoch, as RFC 3339 has it: `2025-11-09T14:53:20Z`. Beyond the year 9999 as a
/// number.
pub(super) struct Time(pub(super) u64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LAST: u64 = 253_402_300_799;
        const DAY_S: u64 = 86_400;
        if self.0 > LAST {
            write!(f, "{} s after 1970", self.0)?;
            // The usual mistake, and one that nothing else would show.
            return match self.0 / 1000 {
                seconds @ 0..=LAST => write!(f, " (in milliseconds it would be {})", Self(seconds)),
                _ => Ok(()),
            };
        }
        let (year, month, day) = date(self.0 / DAY_S);
        let second = self.0 % DAY_S;
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// Year, month and day of a day counted from 1970-01-01. Years are counted from March on, so that a leap day is the
/// last of its year; 400 of them, an era, are always as long.
const fn date(days: u64) -> (u64, u64, u64) {
    const ERA_DAYS: u64 = 146_097;
    let days = days + 719_468;
    let (era, day) = (days / ERA_DAYS, days % ERA_DAYS);
    let year = (day - day / 1460 + day / 36_524 - day / (ERA_DAYS - 1)) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + carry, month, day)
}

/// A time span in seconds, and if it is long, in a unit that says more.
pub(super) struct Span(pub(super) u64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0)?;
        match self.0 {
            0..120 => Ok(()),
            120..7200 => write!(f, " ({} min)", self.0 / 60),
            7200..172_800 => write!(f, " ({} h)", self.0 / 3600),
            _ => write!(f, " ({} days)", self.0 / 86_400),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (time, shown) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_762_700_000, "2025-11-09T14:53:20Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
            (253_402_300_800, "253402300800 s after 1970 (in milliseconds it would be 1978-01-11T21:31:40Z)"),
            (1_762_700_000_000, "1762700000000 s after 1970 (in milliseconds it would be 2025-11-09T14:53:20Z)"),
            (u64::MAX, "18446744073709551615 s after 1970"),
        ] {
            assert_eq!(Time(time).to_string(), shown);
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut last = date(0);
        for day in 1..400 * 366 {
            let (year, month, of_month) = date(day);
            let follows = match of_month {
                1 if month == 1 => last == (year - 1, 12, 31),
                1 => last.0 == year && last.1 == month - 1 && last.2 >= 28,
                _ => last == (year, month, of_month - 1),
            };
            assert!(follows, "{last:?} before {year}-{month}-{of_month}");
            last = (year, month, of_month);
        }
    }

    #[test]
    fn what_cannot_be_seen_is_escaped_and_what_is_long_is_cut() {
        for (text, shown) in [
            ("plain é 中", r#""plain é 中""#),
            ("a\nb\r\t\0", r#""a\nb\r\t\0""#),
            ("\x1b[31mred\x07\x7f", r#""\u{1b}[31mred\u{7}\u{7f}""#),
            ("\u{9b}31m", r#""\u{9b}31m""#),
            ("say \"no\"", r#""say \"no\"""#),
            ("\u{202e}evil\u{200b}\u{feff}\u{2028}", r#""\u{202e}evil\u{200b}\u{feff}\u{2028}""#),
        ] {
            assert_eq!(Quoted(text).to_string(), shown);
        }
        let long = "é".repeat(129);
        assert_eq!(Quoted(&long).to_string(), format!("{:?}… (258 bytes)", "é".repeat(128)));
        assert_eq!(Quoted(&"é".repeat(128)).to_string(), format!("{:?}", "é".repeat(128)));
        assert_eq!(Hex(&[0xab; 129]).to_string(), "ab".repeat(128) + "… (129 bytes)");
        assert_eq!(List(["a", "b"].into_iter()).to_string(), r#""a", "b""#);
        assert_eq!(List([].into_iter()).to_string(), "none");
    }
}
