use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ron_auth_core::Malformed;
use ron_auth_core::seam::Base64;

/// Decodes with the crate `base64`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ScalarBase64;

impl Base64 for ScalarBase64 {
    fn decode(&self, text: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        URL_SAFE_NO_PAD.decode_vec(text, out).map_err(|_| Malformed::Base64)
    }
}
