//! The strict pass.
//!
//! What nearly all of a token consists of (fixed keys, short ASCII texts, numbers) is read by hand, in whole words: a
//! loop over the bytes of a short name ends where no processor can foresee it. Everything else is read by `minicbor`,
//! which reads leniently: it takes a long head for a short one. So after each such item its length is compared with the
//! shortest possible one.

use minicbor::decode::Decoder;
use ron_auth_core::{AuthError, Malformed, Rate, wire};

use super::opening;
use super::view::{CaveatSpan, ScopeSpans, Span, SpanArena, TokenSpans, ValueSpan};

/// Reads a whole token into `arena`, and gives its index there.
#[inline]
pub(super) fn token(cbor: &[u8], max_caveats: usize, arena: &mut SpanArena) -> Result<usize, AuthError> {
    const MALFORMED: AuthError = AuthError::Malformed(Malformed::Cbor);
    let SpanArena { tokens, caveats } = arena;
    let mut reader = Reader { cbor, at: 0 };
    let (tid, kid, scope, announced) = reader.prefix().ok_or(MALFORMED)?;
    if announced > max_caveats as u64 {
        return Err(AuthError::Bounds);
    }
    let first_caveat = caveats.len();
    for _ in 0..announced {
        caveats.push(reader.caveat().ok_or(MALFORMED)?);
    }
    let mac = reader.mac().ok_or(MALFORMED)?;
    tokens.push(TokenSpans { tid, kid, scope, caveats: first_caveat..caveats.len(), mac });
    Ok(tokens.len() - 1)
}

/// A place in the CBOR. Every method reads one thing and steps over it; `None` means that it is not there in canonical
/// form, and that reading ends.
struct Reader<'b> {
    cbor: &'b [u8],
    at: usize,
}

impl<'b> Reader<'b> {
    /// All up to the head of the caveat array: tid, kid, scope, number of caveats announced.
    #[inline]
    fn prefix(&mut self) -> Option<(Span, Span, ScopeSpans, u64)> {
        self.literal(b"\xa5\x63tid")?;
        let tid = self.text()?;
        self.literal(b"\x63kid")?;
        let kid = self.text()?;
        self.literal(b"\x65scope")?;
        let scope = self.scope()?;
        self.literal(b"\x67caveats")?;
        let announced = self.array_head()?;
        Some((tid, kid, scope, announced))
    }

    #[inline]
    fn scope(&mut self) -> Option<ScopeSpans> {
        let start = self.at;
        self.literal(b"\xa3\x66prefix")?;
        let prefix = if self.null() { None } else { Some(self.text()?) };
        self.literal(b"\x67methods")?;
        let methods = self.texts()?;
        self.literal(b"\x69max_bytes")?;
        let max_bytes = if self.null() { None } else { Some(self.unsigned()?) };
        Some(ScopeSpans { item: Span::new(start, self.at), prefix, methods, max_bytes })
    }

    #[inline]
    fn caveat(&mut self) -> Option<CaveatSpan> {
        use opening::*;
        let start = self.at;
        let first = u64::from_ne_bytes(*self.rest().first_chunk()?);
        let value = if first == word(EXP) {
            ValueSpan::Exp(self.after(EXP)?.unsigned()?)
        } else if first == word(NBF) {
            ValueSpan::Nbf(self.after(NBF)?.unsigned()?)
        } else if first == word(AUD) {
            ValueSpan::Aud(self.after(AUD)?.text()?)
        } else if first == word(METHOD) {
            ValueSpan::Method(self.after(METHOD)?.texts()?)
        } else if first == word(PATH_PREFIX) {
            ValueSpan::PathPrefix(self.after(PATH_PREFIX)?.text()?)
        } else if first == word(IP_CIDR) {
            ValueSpan::IpCidr(self.after(IP_CIDR)?.text()?)
        } else if first == word(BYTES_LE) {
            ValueSpan::BytesLe(self.after(BYTES_LE)?.unsigned()?)
        } else if first == word(RATE) {
            ValueSpan::Rate(self.after(RATE)?.rate()?)
        } else if first == word(TENANT) {
            ValueSpan::Tenant(self.after(TENANT)?.text()?)
        } else if first == word(AMNESIA) {
            ValueSpan::Amnesia(self.after(AMNESIA)?.bool()?)
        } else if first == word(GOV_POLICY_DIGEST) {
            ValueSpan::GovPolicyDigest(self.after(GOV_POLICY_DIGEST)?.text()?)
        } else if first == word(CUSTOM) {
            self.after(CUSTOM)?.text()?;
            let name_item = self.after(b"\x64name")?.place();
            self.text()?;
            let value_item = self.after(b"\x64cbor")?.place();
            self.any()?;
            ValueSpan::Custom { name_item, value_item }
        } else {
            return None;
        };
        Some(CaveatSpan { item: Span::new(start, self.at), value })
    }

    fn rate(&mut self) -> Option<Rate> {
        self.literal(b"\xa2\x65per_s")?;
        let per_s = u32::try_from(self.unsigned()?).ok()?;
        self.literal(b"\x65burst")?;
        let burst = u32::try_from(self.unsigned()?).ok()?;
        Some(Rate { per_s, burst })
    }

    /// The MAC, with which a token ends.
    #[inline]
    fn mac(&mut self) -> Option<Span> {
        self.literal(b"\x63mac\x58\x20")?;
        (self.cbor.len() - self.at == 32).then(|| Span::new(self.at, self.cbor.len()))
    }

    /// Where the next item begins.
    #[inline]
    fn place(&self) -> u32 {
        Span::new(self.at, self.at).start()
    }

    #[inline]
    fn rest(&self) -> &'b [u8] {
        self.cbor.get(self.at..).unwrap_or_default()
    }

    /// Exactly these bytes.
    #[inline]
    fn literal<const N: usize>(&mut self, expected: &[u8; N]) -> Option<()> {
        if self.rest().first_chunk() != Some(expected) {
            return None;
        }
        self.at += N;
        Some(())
    }

    /// Itself, behind exactly these bytes.
    #[inline]
    fn after<const N: usize>(&mut self, expected: &[u8; N]) -> Option<&mut Self> {
        self.literal(expected)?;
        Some(self)
    }

    /// Whether null is next; if so, steps over it.
    #[inline]
    fn null(&mut self) -> bool {
        self.literal(b"\xf6").is_some()
    }

    fn bool(&mut self) -> Option<bool> {
        let (&byte @ 0xf4..=0xf5, _) = self.rest().split_first()? else { return None };
        self.at += 1;
        Some(byte == 0xf5)
    }

    #[inline]
    fn text(&mut self) -> Option<Span> {
        // Of a short text the head is an ASCII byte as well. The window fits: a MAC follows.
        if let Some(window) = self.rest().first_chunk::<WINDOW>()
            && let [head @ 0x60..=0x77, ..] = *window
            && starts_with_ascii(window, usize::from(head & 0x1f) + 1)
        {
            let start = self.at + 1;
            self.at = start + usize::from(head & 0x1f);
            return Some(Span::new(start, self.at));
        }
        self.any_text()
    }

    /// A text of any length and script.
    fn any_text(&mut self) -> Option<Span> {
        let (text, item_len) = self.read(|decoder| decoder.str())?;
        if item_len != head_len(text.len() as u64) + text.len() {
            return None;
        }
        self.at += item_len;
        Some(Span::new(self.at - text.len(), self.at))
    }

    /// The text items of an array, without the array's head.
    #[inline]
    fn texts(&mut self) -> Option<Span> {
        let announced = self.array_head()?;
        let start = self.at;
        for _ in 0..announced {
            // A list may be of thousands of empty names, for which that is dear.
            if self.literal(b"\x60").is_none() {
                self.text()?;
            }
        }
        Some(Span::new(start, self.at))
    }

    #[inline]
    fn array_head(&mut self) -> Option<u64> {
        if let Some((&head @ 0x80..=0x97, _)) = self.rest().split_first() {
            self.at += 1;
            return Some(u64::from(head & 0x1f));
        }
        let (announced, item_len) = self.read(|decoder| decoder.array())?;
        let announced = announced.filter(|&announced| item_len == head_len(announced))?;
        self.at += item_len;
        Some(announced)
    }

    #[inline]
    fn unsigned(&mut self) -> Option<u64> {
        // What most are: a time in seconds.
        if let Some(&[0x1a, a, b, c, d]) = self.rest().first_chunk()
            && let value @ 0x1_0000.. = u32::from_be_bytes([a, b, c, d])
        {
            self.at += 5;
            return Some(u64::from(value));
        }
        let (value, item_len) = self.read(|decoder| decoder.u64())?;
        if item_len != head_len(value) {
            return None;
        }
        self.at += item_len;
        Some(value)
    }

    /// Any one item.
    #[inline]
    fn any(&mut self) -> Option<()> {
        self.at += match self.rest().first()? {
            // Small numbers, false, true, null, and whatever is empty.
            0x00..=0x17 | 0x20..=0x37 | 0xf4..=0xf6 | 0x40 | 0x60 | 0x80 | 0xa0 => 1,
            _ => wire::canonical_item_len(self.rest()).ok()?,
        };
        Some(())
    }

    /// What `minicbor` reads here, and how many bytes that takes. Does not step over it.
    #[inline]
    fn read<T>(&self, read: impl FnOnce(&mut Decoder<'b>) -> Result<T, minicbor::decode::Error>) -> Option<(T, usize)> {
        let mut decoder = Decoder::new(self.rest());
        let value = read(&mut decoder).ok()?;
        Some((value, decoder.position()))
    }
}

/// Longest text read by words, with its head, in bytes.
const WINDOW: usize = 24;

/// Whether the first `count` bytes are ASCII, of 1 to 24. Looks at whole words: three at most.
#[inline]
fn starts_with_ascii(window: &[u8; WINDOW], count: usize) -> bool {
    const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
    let ([first, second, third], []) = window.as_chunks() else { return false };
    let [first, second, third] = [first, second, third].map(|bytes| u64::from_le_bytes(*bytes) & HIGH_BITS);
    // The last word's bytes beyond `count` are shifted out.
    let beyond = |words: usize| (words * 8 - count) * 8;
    match count {
        0..=8 => first << beyond(1) == 0,
        9..=16 => first | second << beyond(2) == 0,
        _ => first | second | third << beyond(3) == 0,
    }
}

/// Length in bytes of the shortest head with this argument.
#[inline]
const fn head_len(argument: u64) -> usize {
    match argument {
        0..=23 => 1,
        24..=0xff => 2,
        0x100..=0xffff => 3,
        0x1_0000..=0xffff_ffff => 5,
        _ => 9,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_window_the_first_bytes_count_and_no_others() {
        for count in 1..=WINDOW {
            for place in 0..WINDOW {
                let mut window = [b'a'; WINDOW];
                window[place] = 0x80;
                assert_eq!(starts_with_ascii(&window, count), place >= count, "{count} {place}");
            }
        }
    }
}
