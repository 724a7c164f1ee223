//! Strict verification of Ed25519 signatures with keys that are known before.

use std::fmt;

use curve25519_dalek::constants::ED25519_BASEPOINT_TABLE;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsBasepointTable};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::BasepointTable as _;
use sha2::{Digest as _, Sha512};

/// A public key that has been prepared for verifying many signatures.
///
/// A service knows few keys and verifies much with each. So multiples of the key are kept in a table, as they are of
/// the base point, and a signature takes two look-ups of multiples in place of a multiplication of two points that are
/// new each time. That costs 30 KiB a key.
///
/// Every outcome is that of strict verification: the scalar is canonical; neither the key nor the commitment `R` is of
/// small order; and `R` is, byte for byte, the encoding of `s B - k A`. Since that encoding is canonical and is
/// compared with `R`, `R` itself needs no decoding: if the two are equal, the point computed is the point that `R`
/// encodes, and its order is looked at.
pub struct PreparedKey {
    bytes: [u8; 32],
    /// Multiples of the negated key; `None` for a key of small order, which verifies nothing.
    multiples: Option<Box<EdwardsBasepointTable>>,
}

/// Bytes that are no public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an Ed25519 public key: the 32 bytes encode no point of the curve")]
pub struct InvalidPublicKey;

impl PreparedKey {
    /// Prepares a public key from its encoding.
    ///
    /// # Errors
    /// Bytes that encode no point.
    pub fn new(bytes: [u8; 32]) -> Result<Self, InvalidPublicKey> {
        let key = CompressedEdwardsY(bytes).decompress().ok_or(InvalidPublicKey)?;
        let multiples = (!key.is_small_order()).then(|| Box::new(EdwardsBasepointTable::create(&-key)));
        Ok(Self { bytes, multiples })
    }

    /// The public key's encoding.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// Whether `signature` is one of `message` by this key. One that is not 64 bytes long is none.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let Some(multiples) = &self.multiples else { return false };
        let Ok(signature) = <[u8; 64]>::try_from(signature) else { return false };
        let (Some((commitment, _)), Some((_, scalar))) =
            (signature.split_first_chunk::<32>(), signature.split_last_chunk::<32>())
        else {
            return false;
        };
        let Some(scalar) = Option::<Scalar>::from(Scalar::from_canonical_bytes(*scalar)) else { return false };
        let challenge = Sha512::new().chain_update(commitment).chain_update(self.bytes).chain_update(message);
        let challenge = Scalar::from_bytes_mod_order_wide(&challenge.finalize().into());
        let expected = ED25519_BASEPOINT_TABLE.mul_base(&scalar) + multiples.mul_base(&challenge);
        expected.compress().as_bytes() == commitment && !expected.is_small_order()
    }
}

impl fmt::Debug for PreparedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PreparedKey").field(&self.bytes).finish()
    }
}
