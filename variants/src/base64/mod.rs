//! The base64 seam: from the text of a token to its bytes.

mod scalar;
#[cfg(feature = "simd-b64")]
mod simd;

pub use scalar::ScalarBase64;
#[cfg(feature = "simd-b64")]
pub use simd::SimdBase64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ron_auth_core::seam::Base64 as _;

    use super::*;

    fn decoded(backend: &impl ron_auth_core::seam::Base64, text: &[u8]) -> Option<Vec<u8>> {
        let mut out = b"kept".to_vec();
        backend.decode(text, &mut out).ok()?;
        Some(out)
    }

    #[test]
    fn what_is_not_unpadded_base64url_is_refused() {
        for (text, bytes) in [
            ("", Some("")),
            ("QQ", Some("A")),
            ("QUI", Some("AB")),
            ("QUJD", Some("ABC")),
            ("-_8", Some("\u{fb}\u{ff}")),
            ("Q", None),
            ("QQ==", None),
            ("QR", None),
            ("QUJ", None),
            ("+/8", None),
            ("QUJD\n", None),
            (" QUJD", None),
            ("QÜ", None),
        ] {
            let mut out = Vec::new();
            let result = ScalarBase64.decode(text.as_bytes(), &mut out);
            assert_eq!(result.is_ok(), bytes.is_some(), "{text:?}");
            if let Some(bytes) = bytes {
                assert!(out.iter().copied().eq(bytes.chars().map(|c| c as u8)), "{text:?}");
            }
        }
    }

    #[cfg(feature = "simd-b64")]
    proptest! {
        #[test]
        fn simd_and_scalar_agree_on_any_text(text in proptest::collection::vec(any::<u8>(), 0..80)) {
            prop_assert_eq!(decoded(&SimdBase64, &text), decoded(&ScalarBase64, &text));
        }

        #[test]
        fn simd_and_scalar_agree_on_nearly_good_text(
            mut text in "[A-Za-z0-9_-]{0,300}".prop_map(String::into_bytes),
            flaw in proptest::option::of((any::<prop::sample::Index>(), any::<u8>())),
        ) {
            if let Some((place, byte)) = flaw && !text.is_empty() {
                let place = place.index(text.len());
                text[place] = byte;
            }
            prop_assert_eq!(decoded(&SimdBase64, &text), decoded(&ScalarBase64, &text));
        }
    }
}
