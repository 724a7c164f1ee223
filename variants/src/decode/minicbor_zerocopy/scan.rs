//! The strict pass.
//!
//! `minicbor` reads leniently: it takes a long head for a short one. So after each item its length is compared with
//! the shortest possible one, and fixed parts (keys, heads of maps) are compared as bytes.

use minicbor::decode::Decoder;
use ron_auth_core::{AuthError, Malformed, Rate, wire};

use super::view::{CaveatSpan, ScopeSpans, Span, TextSpans, TokenSpans, ValueSpan};

/// Not canonical, or too many caveats.
type Scanned<T> = Result<T, AuthError>;

const MALFORMED: AuthError = AuthError::Malformed(Malformed::Cbor);

/// Reads a whole token; its caveats are appended to `arena`.
pub(super) fn token(cbor: &[u8], max_caveats: usize, arena: &mut Vec<CaveatSpan>) -> Scanned<TokenSpans> {
    let mut scan = Scanner { decoder: Decoder::new(cbor) };
    scan.literal(b"\xa5\x63tid")?;
    let tid = scan.text()?;
    scan.literal(b"\x63kid")?;
    let kid = scan.text()?;
    scan.literal(b"\x65scope")?;
    let scope = scan.scope()?;
    scan.literal(b"\x67caveats")?;
    let announced = scan.array_head()?;
    if announced > max_caveats as u64 {
        return Err(AuthError::Bounds);
    }
    let first_caveat = arena.len();
    for _ in 0..announced {
        let caveat = scan.caveat()?;
        arena.push(caveat);
    }
    scan.literal(b"\x63mac\x58\x20")?;
    let mac = Span::new(scan.position(), cbor.len());
    if cbor.len() - scan.position() != 32 {
        return Err(MALFORMED);
    }
    Ok(TokenSpans { tid, kid, scope, first_caveat, caveat_count: arena.len() - first_caveat, mac })
}

struct Scanner<'b> {
    decoder: Decoder<'b>,
}

impl<'b> Scanner<'b> {
    fn position(&self) -> usize {
        self.decoder.position()
    }

    fn rest(&self) -> &'b [u8] {
        self.decoder.input().get(self.position()..).unwrap_or_default()
    }

    fn advance(&mut self, bytes: usize) {
        self.decoder.set_position(self.position() + bytes);
    }

    /// Exactly these bytes.
    #[inline]
    fn literal(&mut self, expected: &[u8]) -> Scanned<()> {
        if !self.rest().starts_with(expected) {
            return Err(MALFORMED);
        }
        self.advance(expected.len());
        Ok(())
    }

    #[inline]
    fn text(&mut self) -> Scanned<TextSpans> {
        let start = self.position();
        // Nearly every text is shorter than 24 bytes, so that its head is one byte, and ASCII.
        if let Some((&head @ 0x60..=0x77, rest)) = self.rest().split_first()
            && let Some(text) = rest.get(..usize::from(head & 0x1f))
            && text.is_ascii()
        {
            let end = start + 1 + text.len();
            self.decoder.set_position(end);
            return Ok(TextSpans { item: Span::new(start, end), text: Span::new(start + 1, end) });
        }
        self.any_text()
    }

    /// A text of any length and script.
    fn any_text(&mut self) -> Scanned<TextSpans> {
        let start = self.position();
        let text_len = self.decoder.str().map_err(|_| MALFORMED)?.len();
        let end = self.position();
        if end - start != head_len(text_len as u64) + text_len {
            return Err(MALFORMED);
        }
        Ok(TextSpans { item: Span::new(start, end), text: Span::new(end - text_len, end) })
    }

    #[inline]
    fn unsigned(&mut self) -> Scanned<u64> {
        let start = self.position();
        let value = self.decoder.u64().map_err(|_| MALFORMED)?;
        if self.position() - start != head_len(value) {
            return Err(MALFORMED);
        }
        Ok(value)
    }

    fn unsigned_32(&mut self) -> Scanned<u32> {
        u32::try_from(self.unsigned()?).map_err(|_| MALFORMED)
    }

    #[inline]
    fn array_head(&mut self) -> Scanned<u64> {
        let start = self.position();
        let announced = self.decoder.array().map_err(|_| MALFORMED)?.ok_or(MALFORMED)?;
        if self.position() - start != head_len(announced) {
            return Err(MALFORMED);
        }
        Ok(announced)
    }

    /// The text items of an array, without the array's head.
    fn texts(&mut self) -> Scanned<Span> {
        let announced = self.array_head()?;
        let start = self.position();
        for _ in 0..announced {
            self.text()?;
        }
        Ok(Span::new(start, self.position()))
    }

    fn scope(&mut self) -> Scanned<ScopeSpans> {
        let start = self.position();
        self.literal(b"\xa3\x66prefix")?;
        let prefix = if self.null() { None } else { Some(self.text()?.text) };
        self.literal(b"\x67methods")?;
        let methods = self.texts()?;
        self.literal(b"\x69max_bytes")?;
        let max_bytes = if self.null() { None } else { Some(self.unsigned()?) };
        Ok(ScopeSpans { item: Span::new(start, self.position()), prefix, methods, max_bytes })
    }

    /// Whether null is next; if so, steps over it.
    fn null(&mut self) -> bool {
        self.literal(b"\xf6").is_ok()
    }

    fn caveat(&mut self) -> Scanned<CaveatSpan> {
        let start = self.position();
        self.literal(b"\xa2\x61t")?;
        let value = match self.caveat_name() {
            b"Exp" => ValueSpan::Exp(self.unsigned()?),
            b"Nbf" => ValueSpan::Nbf(self.unsigned()?),
            b"Aud" => ValueSpan::Aud(self.text()?.text),
            b"Method" => ValueSpan::Method(self.texts()?),
            b"PathPrefix" => ValueSpan::PathPrefix(self.text()?.text),
            b"IpCidr" => ValueSpan::IpCidr(self.text()?.text),
            b"BytesLe" => ValueSpan::BytesLe(self.unsigned()?),
            b"Rate" => {
                self.literal(b"\xa2\x65per_s")?;
                let per_s = self.unsigned_32()?;
                self.literal(b"\x65burst")?;
                ValueSpan::Rate(Rate { per_s, burst: self.unsigned_32()? })
            }
            b"Tenant" => ValueSpan::Tenant(self.text()?.text),
            b"Amnesia" => ValueSpan::Amnesia(self.decoder.bool().map_err(|_| MALFORMED)?),
            b"GovPolicyDigest" => ValueSpan::GovPolicyDigest(self.text()?.text),
            b"Custom" => {
                self.literal(b"\xa3\x62ns")?;
                let ns = self.text()?.text;
                self.literal(b"\x64name")?;
                let name = self.text()?.text;
                self.literal(b"\x64cbor")?;
                let value_start = self.position();
                let value_len = wire::canonical_item_len(self.rest()).map_err(|_| MALFORMED)?;
                self.advance(value_len);
                ValueSpan::Custom { ns, name, cbor: Span::new(value_start, self.position()) }
            }
            _ => return Err(MALFORMED),
        };
        Ok(CaveatSpan { item: Span::new(start, self.position()), value })
    }

    /// The caveat's name, whose head is one byte, and behind it the key of its value; steps over both. Empty, which
    /// is the name of nothing, if that is not what comes next.
    #[inline]
    fn caveat_name(&mut self) -> &'b [u8] {
        let start = self.position();
        let input = self.decoder.input();
        let name = match input.get(start..).and_then(<[u8]>::split_first) {
            Some((&head @ 0x60..=0x77, rest)) => rest.get(..usize::from(head & 0x1f)).unwrap_or_default(),
            _ => &[],
        };
        let end = start + 1 + name.len();
        if input.get(end..end + 2) != Some(b"\x61v") {
            return &[];
        }
        self.decoder.set_position(end + 2);
        name
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
