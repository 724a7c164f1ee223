//! A batch: the texts of its tokens, and the request that each came with.

use std::borrow::Borrow;
use std::marker::PhantomData;
use std::ops::Range;

use crate::config::VerifierConfig;
use crate::context::RequestCtx;
use crate::semantics::Judge;

/// Tokens by index, and what judges them. All stages up to the MAC are the same whatever was requested.
pub(super) trait Batch {
    fn config(&self) -> &VerifierConfig;

    fn len(&self) -> usize;

    /// The text of a token; nothing beyond the last one.
    fn text(&self, index: usize) -> &str;

    /// Cuts `tokens` into runs of equal requests and hands each to `run` with what judges it, in order, until `run` has
    /// an error.
    fn runs<E>(
        &self,
        tokens: Range<usize>,
        run: impl FnMut(&Judge<'_>, Range<usize>) -> Result<(), E>,
    ) -> Result<(), E>;
}

/// Tokens that all came with one request.
pub(super) struct OneRequest<'b, 'c, T> {
    tokens: &'b [T],
    judge: Judge<'c>,
}

impl<'b, 'c, T> OneRequest<'b, 'c, T> {
    pub(super) fn new(config: &'c VerifierConfig, tokens: &'b [T], ctx: &'c RequestCtx<'c>) -> Self {
        Self { tokens, judge: Judge::new(config, ctx) }
    }
}

impl<T: AsRef<str>> Batch for OneRequest<'_, '_, T> {
    #[inline]
    fn config(&self) -> &VerifierConfig {
        self.judge.config()
    }

    #[inline]
    fn len(&self) -> usize {
        self.tokens.len()
    }

    #[inline]
    fn text(&self, index: usize) -> &str {
        self.tokens.get(index).map_or("", AsRef::as_ref)
    }

    #[inline]
    fn runs<E>(
        &self,
        tokens: Range<usize>,
        mut run: impl FnMut(&Judge<'_>, Range<usize>) -> Result<(), E>,
    ) -> Result<(), E> {
        run(&self.judge, tokens)
    }
}

/// Tokens that each came with a request of its own.
pub(super) struct RequestEach<'b, 'c, T, C> {
    config: &'b VerifierConfig,
    items: &'b [(T, C)],
    ctx: PhantomData<fn() -> RequestCtx<'c>>,
}

impl<'b, 'c, T, C: Borrow<RequestCtx<'c>>> RequestEach<'b, 'c, T, C> {
    pub(super) const fn new(config: &'b VerifierConfig, items: &'b [(T, C)]) -> Self {
        Self { config, items, ctx: PhantomData }
    }

    fn ctx(&self, index: usize) -> Option<&RequestCtx<'c>> {
        self.items.get(index).map(|(_, ctx)| ctx.borrow())
    }
}

impl<'c, T: AsRef<str>, C: Borrow<RequestCtx<'c>>> Batch for RequestEach<'_, 'c, T, C> {
    #[inline]
    fn config(&self) -> &VerifierConfig {
        self.config
    }

    #[inline]
    fn len(&self) -> usize {
        self.items.len()
    }

    #[inline]
    fn text(&self, index: usize) -> &str {
        self.items.get(index).map_or("", |(text, _)| text.as_ref())
    }

    #[inline]
    fn runs<E>(
        &self,
        tokens: Range<usize>,
        mut run: impl FnMut(&Judge<'_>, Range<usize>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut open = tokens;
        while let Some(ctx) = self.ctx(open.start).filter(|_| !open.is_empty()) {
            // A request that is shared by several tokens is known at once by where it is.
            let is_other = |other: &RequestCtx<'_>| !std::ptr::eq(other, ctx) && other != ctx;
            let first = open.start;
            open.start += 1;
            while !open.is_empty() && !self.ctx(open.start).is_none_or(is_other) {
                open.start += 1;
            }
            run(&Judge::new(self.config, ctx), first..open.start)?;
        }
        Ok(())
    }
}
