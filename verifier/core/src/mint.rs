//! Minting: builds and signs tokens.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::capability::{Capability, Caveat, Scope};
use crate::chain;
use crate::key::MacKey;
use crate::shown::Shown;
use crate::stack;
use crate::view::OwnedToken;
use crate::wire;

/// Builds a capability and signs it.
///
/// ```
/// use ron_auth_core::{CapabilityBuilder, Caveat, MacKey, Scope};
///
/// let capability = CapabilityBuilder::new("acme", "k1", Scope::new("/index/", ["GET"]))
///     .caveat(Caveat::Exp(1_762_700_600))
///     .sign(&MacKey::new([7; 32]))?;
/// let token = capability.to_base64url();
/// assert!(token.starts_with("pWN0aWRkYWNtZ"));
/// # Ok::<(), ron_auth_core::MintError>(())
/// ```
#[derive(Clone, Debug)]
pub struct CapabilityBuilder {
    tid: String,
    kid: String,
    scope: Scope,
    caveats: Vec<Caveat>,
}

impl CapabilityBuilder {
    /// A capability of tenant namespace `tid`, to be signed with key `kid`, that grants `scope`.
    pub fn new(tid: impl Into<String>, kid: impl Into<String>, scope: Scope) -> Self {
        Self { tid: tid.into(), kid: kid.into(), scope, caveats: Vec::new() }
    }

    /// Adds a condition.
    #[must_use]
    pub fn caveat(mut self, caveat: Caveat) -> Self {
        self.caveats.push(caveat);
        self
    }

    /// Adds conditions, in order.
    #[must_use]
    pub fn caveats(mut self, caveats: impl IntoIterator<Item = Caveat>) -> Self {
        self.caveats.extend(caveats);
        self
    }

    /// Signs what was built.
    ///
    /// Bounds are the verifier's to set ([`VerifierConfig`](crate::VerifierConfig)), so a token with too many
    /// caveats for some verifier can be minted.
    ///
    /// # Errors
    /// A `Custom` caveat whose `cbor` is not exactly one canonical CBOR item: no verifier would accept it.
    pub fn sign(self, key: &MacKey) -> Result<Capability, MintError> {
        for (index, caveat) in self.caveats.iter().enumerate() {
            if let Caveat::Custom { ns, name, cbor } = caveat
                && wire::canonical_item_len(cbor) != Ok(cbor.len())
            {
                return Err(MintError { index, ns: ns.clone(), name: name.clone() });
            }
        }
        let encoded = |write: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = Vec::new();
            write(&mut bytes);
            bytes
        };
        let head_items = [
            encoded(&|out| wire::encode_text(&self.tid, out)),
            encoded(&|out| wire::encode_text(&self.kid, out)),
            encoded(&|out| wire::encode_scope(&self.scope, out)),
        ];
        let caveat_items = self.caveats.iter().map(|caveat| encoded(&|out| wire::encode_caveat(caveat, out))).collect();
        let capability = Capability::from_parts(self.tid, self.kid, self.scope, self.caveats, [0; 32]);
        let mut token = OwnedToken { capability, head_items, caveat_items };
        let mac = *chain::tag_of(key, &token).as_bytes();
        token.capability.mac = mac;
        // The key, and the tags before the last: each is the MAC of a token with fewer caveats.
        stack::wipe_below();
        Ok(token.capability)
    }
}

impl Capability {
    /// The token as it is sent: Base64URL, without padding, of its canonical CBOR.
    #[must_use]
    pub fn to_base64url(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.to_cbor())
    }

    /// The token's canonical CBOR.
    #[must_use]
    pub fn to_cbor(&self) -> Vec<u8> {
        let mut cbor = Vec::new();
        wire::encode_token(self, &mut cbor);
        cbor
    }
}

/// A `Custom` caveat that cannot be minted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MintError {
    index: usize,
    ns: String,
    name: String,
}

impl MintError {
    /// The error's code, for machines: stable, and [listed](crate::specification::codes).
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "mint.custom"
    }
}

impl fmt::Display for MintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "caveat {} (Custom {}/{}): its `cbor` must be exactly one CBOR item in canonical form (definite lengths, \
             shortest heads and floats, sorted unique map keys, no tags, at most {} levels)",
            self.index,
            Shown::up_to(&self.ns, '/'),
            Shown::new(&self.name),
            wire::MAX_NESTING
        )
    }
}

impl std::error::Error for MintError {}
