use std::fmt;

use aws_lc_rs::rand;
use zeroize::Zeroizing;

use crate::KmsError;

/// The 32 secret bytes of a key. Wiped from memory when dropped; `Debug` never shows them, and they can't be compared.
#[derive(Clone)]
pub struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    /// Wraps 32 bytes, which should come from a random source made for keys.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Draws one from the random source of AWS-LC, which the operating system seeds.
    pub(crate) fn random() -> Result<Self, KmsError> {
        let mut secret = Self::new([0; 32]);
        rand::fill(&mut secret.0[..]).map_err(|_| KmsError::Random)?;
        Ok(secret)
    }

    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut secret = Self::new([0; 32]);
        if bytes.len() != secret.0.len() {
            return None;
        }
        secret.0.copy_from_slice(bytes);
        Some(secret)
    }

    /// What 64 hexadecimal digits stand for, white space around them left out.
    pub(crate) fn from_hex(text: &[u8]) -> Option<Self> {
        let mut secret = Self::new([0; 32]);
        hex::decode_to_slice(text.trim_ascii(), &mut secret.0[..]).ok()?;
        Some(secret)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether it is a buffer that nobody filled.
    pub(crate) fn is_unset(&self) -> bool {
        self.0.iter().fold(0, |any, byte| any | byte) == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}
