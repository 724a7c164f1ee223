//! The strict pass.
//!
//! What nearly all of a token consists of (fixed keys, short ASCII texts) is read by hand; everything else by
//! `minicbor`, which reads leniently: it takes a long head for a short one. So after each such item its length is
//! compared with the shortest possible one.

use minicbor::decode::Decoder;
use ron_auth_core::{AuthError, Malformed, Rate, wire};

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
        let start = self.at;
        self.literal(b"\xa2\x61t")?;
        let value = match self.caveat_name()? {
            b"Exp" => ValueSpan::Exp(self.unsigned()?),
            b"Nbf" => ValueSpan::Nbf(self.unsigned()?),
            b"Aud" => ValueSpan::Aud(self.text()?),
            b"Method" => ValueSpan::Method(self.texts()?),
            b"PathPrefix" => ValueSpan::PathPrefix(self.text()?),
            b"IpCidr" => ValueSpan::IpCidr(self.text()?),
            b"BytesLe" => ValueSpan::BytesLe(self.unsigned()?),
            b"Rate" => ValueSpan::Rate(self.rate()?),
            b"Tenant" => ValueSpan::Tenant(self.text()?),
            b"Amnesia" => ValueSpan::Amnesia(self.bool()?),
            b"GovPolicyDigest" => ValueSpan::GovPolicyDigest(self.text()?),
            b"Custom" => {
                self.literal(b"\xa3\x62ns")?;
                let ns = self.text()?;
                self.literal(b"\x64name")?;
                let name = self.text()?;
                self.literal(b"\x64cbor")?;
                ValueSpan::Custom { ns, name, cbor: self.any()? }
            }
            _ => return None,
        };
        Some(CaveatSpan { item: Span::new(start, self.at), value })
    }

    /// A caveat's name, whose head is one byte, and the key of its value.
    #[inline]
    fn caveat_name(&mut self) -> Option<&'b [u8]> {
        let (&head @ 0x60..=0x77, rest) = self.rest().split_first()? else { return None };
        let (name, rest) = rest.split_at_checked(usize::from(head & 0x1f))?;
        rest.strip_prefix(b"\x61v")?;
        self.at += name.len() + 3;
        Some(name)
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
        if let Some((&head @ 0x60..=0x77, rest)) = self.rest().split_first()
            && let Some(text) = rest.get(..usize::from(head & 0x1f))
            && text.is_ascii()
        {
            let start = self.at + 1;
            self.at = start + text.len();
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
            self.text()?;
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
        let (value, item_len) = self.read(|decoder| decoder.u64())?;
        if item_len != head_len(value) {
            return None;
        }
        self.at += item_len;
        Some(value)
    }

    /// Any one item.
    fn any(&mut self) -> Option<Span> {
        let start = self.at;
        self.at += wire::canonical_item_len(self.rest()).ok()?;
        Some(Span::new(start, self.at))
    }

    /// What `minicbor` reads here, and how many bytes that takes. Does not step over it.
    #[inline]
    fn read<T>(&self, read: impl FnOnce(&mut Decoder<'b>) -> Result<T, minicbor::decode::Error>) -> Option<(T, usize)> {
        let mut decoder = Decoder::new(self.rest());
        let value = read(&mut decoder).ok()?;
        Some((value, decoder.position()))
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
