//! Conditions of the host's own.

use std::borrow::Cow;

use crate::RequestCtx;
use crate::view::Text;

/// A `Custom` caveat as its handler sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CustomCaveat<'a> {
    pub(crate) ns: Text<'a>,
    pub(crate) name: Text<'a>,
    pub(crate) cbor: &'a [u8],
}

impl<'a> CustomCaveat<'a> {
    /// A caveat, for testing a handler.
    #[must_use]
    pub fn new(ns: &'a str, name: &'a str, cbor: &'a [u8]) -> Self {
        Self { ns: ns.into(), name: name.into(), cbor }
    }

    /// Namespace: the one the handler is registered for.
    #[must_use]
    pub fn ns(&self) -> &'a str {
        self.ns.as_str()
    }

    /// Name within the namespace.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.name.as_str()
    }

    /// The value: one CBOR item in canonical form, raw.
    #[must_use]
    pub const fn cbor(&self) -> &'a [u8] {
        self.cbor
    }
}

/// Judges `Custom` caveats of one namespace; registered with
/// [`VerifierConfig::with_custom_handler`](crate::VerifierConfig::with_custom_handler).
///
/// It only ever sees tokens whose MAC has been verified. Implemented for closures:
///
/// ```
/// use ron_auth_core::{CustomCaveat, RequestCtx, VerifierConfig};
///
/// let config = VerifierConfig::default().with_custom_handler("plan", |caveat: &CustomCaveat<'_>, _: &RequestCtx<'_>| {
///     // CBOR `true` is the single byte f5.
///     if caveat.name() == "paid" && caveat.cbor() == [0xf5] { Ok(()) } else { Err("plan_not_paid".into()) }
/// });
/// ```
pub trait CustomCaveatHandler: Send + Sync {
    /// Whether the condition holds.
    ///
    /// # Errors
    /// The reason why not, which becomes [`DenyReason::Custom`](crate::DenyReason::Custom), whatever it says. It ends
    /// up in logs and answers: text of the caveat in it is text of the token's issuer.
    fn check(&self, caveat: &CustomCaveat<'_>, ctx: &RequestCtx<'_>) -> Result<(), Cow<'static, str>>;
}

impl<F> CustomCaveatHandler for F
where
    F: Fn(&CustomCaveat<'_>, &RequestCtx<'_>) -> Result<(), Cow<'static, str>> + Send + Sync,
{
    fn check(&self, caveat: &CustomCaveat<'_>, ctx: &RequestCtx<'_>) -> Result<(), Cow<'static, str>> {
        self(caveat, ctx)
    }
}
