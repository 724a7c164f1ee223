//! Where things are in the CBOR, and how to read them from there.

use ron_auth_core::Rate;
use ron_auth_core::view::{CaveatView, Methods, ScopeView, Text, TokenView};
use ron_auth_core::wire::TextItems;

/// A range of bytes of the CBOR. 32 bits do: a longer token is out of bounds before it is decoded.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    #[allow(clippy::cast_possible_truncation, reason = "tokens are shorter than 4 GiB")]
    pub(super) const fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    #[inline]
    fn of(self, cbor: &[u8]) -> &[u8] {
        cbor.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    #[inline]
    fn text(self, cbor: &[u8]) -> Text<'_> {
        Text::from_checked(self.of(cbor))
    }

    #[inline]
    fn methods(self, cbor: &[u8]) -> Methods<'_> {
        Methods::Encoded(TextItems::from_checked(self.of(cbor)))
    }
}

/// Where a token's parts are.
#[derive(Clone, Debug)]
pub struct TokenSpans {
    pub(super) tid: TextSpans,
    pub(super) kid: TextSpans,
    pub(super) scope: ScopeSpans,
    /// Its caveats' places in the arena.
    pub(super) first_caveat: usize,
    pub(super) caveat_count: usize,
    pub(super) mac: Span,
}

/// A text item: all of it, and the text within.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TextSpans {
    pub(super) item: Span,
    pub(super) text: Span,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct ScopeSpans {
    pub(super) item: Span,
    pub(super) prefix: Option<Span>,
    /// The method names' items, without the array's head.
    pub(super) methods: Span,
    pub(super) max_bytes: Option<u64>,
}

/// A caveat: where it is as an item, and its value or where that is.
#[derive(Clone, Copy, Debug)]
pub struct CaveatSpan {
    pub(super) item: Span,
    pub(super) value: ValueSpan,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum ValueSpan {
    Exp(u64),
    Nbf(u64),
    Aud(Span),
    Method(Span),
    PathPrefix(Span),
    IpCidr(Span),
    BytesLe(u64),
    Rate(Rate),
    Tenant(Span),
    Amnesia(bool),
    GovPolicyDigest(Span),
    Custom { ns: Span, name: Span, cbor: Span },
}

/// A token read in place.
#[derive(Clone, Copy, Debug)]
pub struct SpanView<'a> {
    token: &'a TokenSpans,
    cbor: &'a [u8],
    caveats: &'a [CaveatSpan],
}

impl<'a> SpanView<'a> {
    #[inline]
    pub(super) fn new(token: &'a TokenSpans, cbor: &'a [u8], arena: &'a [CaveatSpan]) -> Self {
        let caveats = arena.get(token.first_caveat..token.first_caveat + token.caveat_count).unwrap_or_default();
        Self { token, cbor, caveats }
    }
}

impl<'a> TokenView<'a> for SpanView<'a> {
    #[inline]
    fn tid(self) -> &'a str {
        self.token.tid.text.text(self.cbor).as_str()
    }

    #[inline]
    fn kid(self) -> &'a str {
        self.token.kid.text.text(self.cbor).as_str()
    }

    #[inline]
    fn scope(self) -> ScopeView<'a> {
        let ScopeSpans { prefix, methods, max_bytes, .. } = self.token.scope;
        ScopeView { prefix: prefix.map(|span| span.text(self.cbor)), methods: methods.methods(self.cbor), max_bytes }
    }

    #[inline]
    fn mac(self) -> &'a [u8; 32] {
        // All zero is as good as any other wrong MAC; the scanner never leaves a span of another length.
        self.token.mac.of(self.cbor).first_chunk().unwrap_or(&[0; 32])
    }

    #[inline]
    fn caveat_count(self) -> usize {
        self.caveats.len()
    }

    #[inline]
    fn caveat(self, index: usize) -> Option<CaveatView<'a>> {
        let cbor = self.cbor;
        Some(match self.caveats.get(index)?.value {
            ValueSpan::Exp(at) => CaveatView::Exp(at),
            ValueSpan::Nbf(at) => CaveatView::Nbf(at),
            ValueSpan::Aud(span) => CaveatView::Aud(span.text(cbor)),
            ValueSpan::Method(span) => CaveatView::Method(span.methods(cbor)),
            ValueSpan::PathPrefix(span) => CaveatView::PathPrefix(span.text(cbor)),
            ValueSpan::IpCidr(span) => CaveatView::IpCidr(span.text(cbor)),
            ValueSpan::BytesLe(bytes) => CaveatView::BytesLe(bytes),
            ValueSpan::Rate(rate) => CaveatView::Rate(rate),
            ValueSpan::Tenant(span) => CaveatView::Tenant(span.text(cbor)),
            ValueSpan::Amnesia(amnesia) => CaveatView::Amnesia(amnesia),
            ValueSpan::GovPolicyDigest(span) => CaveatView::GovPolicyDigest(span.text(cbor)),
            ValueSpan::Custom { ns, name, cbor: value } => {
                CaveatView::Custom { ns: ns.text(cbor), name: name.text(cbor), cbor: value.of(cbor) }
            }
        })
    }

    #[inline]
    fn head_items(self) -> [&'a [u8]; 3] {
        [self.token.tid.item, self.token.kid.item, self.token.scope.item].map(|span| span.of(self.cbor))
    }

    #[inline]
    fn caveat_item(self, index: usize) -> &'a [u8] {
        self.caveats.get(index).map_or(&[], |caveat| caveat.item.of(self.cbor))
    }
}
