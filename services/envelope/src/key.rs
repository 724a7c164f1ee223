//! Public keys, and strict verification of Ed25519 signatures with them.

use std::fmt;
use std::sync::{LazyLock, OnceLock};

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use sha2::{Digest as _, Sha512};

use crate::multiples::Multiples;

/// Of the base point: 640 KiB for the whole process.
static BASE: LazyLock<Multiples<8>> = LazyLock::new(|| Multiples::of(&ED25519_BASEPOINT_POINT));

/// The encodings of points of small order, each point's only canonical one.
static SMALL_ORDER: LazyLock<[[u8; 32]; 8]> = LazyLock::new(|| EIGHT_TORSION.map(|point| point.compress().to_bytes()));

/// A public key that verifies signatures, strictly.
///
/// Strictly means: the scalar is canonical; neither the key nor the commitment `R` is of small order; and `R` is, byte
/// for byte, the encoding of `s B - k A`. Since that encoding is canonical and is compared with `R`, `R` itself needs
/// no decoding. Every outcome is that of ed25519-dalek's `verify_strict`, one by one and [in batches](verify_batch).
pub struct PublicKey {
    bytes: [u8; 32],
    /// The negated key; `None` for a key of small order, which verifies nothing.
    negated: Option<EdwardsPoint>,
    multiples: Table,
}

/// Multiples of the negated key. The table takes 215 KiB, and making it as long as some twelve verifications.
enum Table {
    /// Made when it is first wanted.
    Kept(OnceLock<Multiples<6>>),
    None,
}

/// Bytes that are no public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an Ed25519 public key: the 32 bytes encode no point of the curve")]
pub struct InvalidPublicKey;

impl PublicKey {
    /// A key from its encoding.
    ///
    /// # Errors
    /// Bytes that encode no point.
    pub fn new(bytes: [u8; 32]) -> Result<Self, InvalidPublicKey> {
        let key = CompressedEdwardsY(bytes).decompress().ok_or(InvalidPublicKey)?;
        Ok(Self { bytes, negated: (!key.is_small_order()).then_some(-key), multiples: Table::None })
    }

    /// The same key, for verifying much with it: at the first signature a table of 215 KiB is made, which is kept as
    /// long as the key. Outcomes are the same.
    #[must_use]
    pub fn with_table(self) -> Self {
        Self { multiples: Table::Kept(OnceLock::new()), ..self }
    }

    /// The key's encoding.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// Whether `signature` is one of `message` by this key. One that is not 64 bytes long is none.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.claim(message, signature).is_some_and(|claim| claim.holds(&claim.computed.compress()))
    }

    /// What `signature` claims, unless that needs no computing to be wrong.
    fn claim(&self, message: &[u8], signature: &[u8]) -> Option<Claim> {
        let key = self.negated.as_ref()?;
        let signature = <&[u8; 64]>::try_from(signature).ok()?;
        let (commitment, scalar) = (*signature.first_chunk::<32>()?, *signature.last_chunk::<32>()?);
        if SMALL_ORDER.contains(&commitment) {
            return None;
        }
        let scalar = Option::<Scalar>::from(Scalar::from_canonical_bytes(scalar))?;
        let challenge = Sha512::new().chain_update(commitment).chain_update(self.bytes).chain_update(message);
        let challenge = Scalar::from_bytes_mod_order_wide(&challenge.finalize().into());
        let computed = match &self.multiples {
            Table::Kept(table) => BASE.times(&scalar) + table.get_or_init(|| Multiples::of(key)).times(&challenge),
            Table::None => EdwardsPoint::vartime_double_scalar_mul_basepoint(&challenge, key, &scalar),
        };
        Some(Claim { commitment, computed })
    }
}

/// Whether each signature is one of its message by its key, in order: what [`PublicKey::verify`] says of each.
///
/// To encode a point takes an inversion, and here all points share one. Nothing else is shared, least of all the
/// equation: the usual equation of batches takes signatures for good that strict verification refuses.
#[must_use]
pub fn verify_batch<'a>(items: impl IntoIterator<Item = (&'a PublicKey, &'a [u8], &'a [u8])>) -> Vec<bool> {
    let claims: Vec<_> = items.into_iter().map(|(key, message, signature)| key.claim(message, signature)).collect();
    let points: Vec<_> = claims.iter().flatten().map(|claim| claim.computed).collect();
    let mut encoded = EdwardsPoint::compress_batch_alloc(&points).into_iter();
    let mut holds = |claim: &Claim| encoded.next().is_some_and(|encoded| claim.holds(&encoded));
    claims.iter().map(Option::as_ref).map(|claim| claim.is_some_and(&mut holds)).collect()
}

/// A signature's commitment, and the point that it has to encode.
struct Claim {
    commitment: [u8; 32],
    computed: EdwardsPoint,
}

impl Claim {
    fn holds(&self, encoded: &CompressedEdwardsY) -> bool {
        *encoded.as_bytes() == self.commitment
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublicKey").field(&self.bytes).finish()
    }
}
