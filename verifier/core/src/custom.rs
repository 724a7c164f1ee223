//! Conditions of the host's own.

use std::borrow::Cow;

use crate::RequestCtx;

/// A `Custom` caveat as its handler sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CustomCaveat<'a> {
    /// Namespace: the one the handler is registered for.
    pub ns: &'a str,
    /// Name within the namespace.
    pub name: &'a str,
    /// The value: one CBOR item in canonical form, raw.
    pub cbor: &'a [u8],
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
///     if caveat.name == "paid" && caveat.cbor == [0xf5] { Ok(()) } else { Err("plan_not_paid".into()) }
/// });
/// ```
pub trait CustomCaveatHandler: Send + Sync {
    /// Whether the condition holds.
    ///
    /// # Errors
    /// The reason why not, which becomes [`DenyReason::Custom`](crate::DenyReason::Custom).
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
