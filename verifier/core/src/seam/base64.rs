use crate::error::Malformed;

/// Text to bytes.
pub trait Base64: Send + Sync + 'static {
    /// Decodes Base64URL without padding and appends the bytes to `out`.
    ///
    /// On an error `out` may have grown by something useless; the caller truncates it.
    ///
    /// # Errors
    /// [`Malformed::Base64`] for a character outside the alphabet, padding, an impossible length, or trailing bits
    /// that are not zero.
    fn decode(&self, text: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed>;
}
