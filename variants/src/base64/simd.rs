use base64_simd::URL_SAFE_NO_PAD;
use ron_auth_core::Malformed;
use ron_auth_core::seam::Base64;

/// Decodes with the crate `base64-simd`, which picks its instruction set at run time.
#[derive(Clone, Copy, Debug, Default)]
pub struct SimdBase64;

impl Base64 for SimdBase64 {
    fn decode(&self, text: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        // Appending reserves exactly what is needed; reserve as `Vec` grows, or a batch would reallocate per token.
        out.reserve(text.len() / 4 * 3 + 3);
        URL_SAFE_NO_PAD.decode_append(text, out).map_err(|_| Malformed::Base64)
    }
}
