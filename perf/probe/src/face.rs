//! What cases are run on: the functions that services call.

use ron_auth_core::{AuthError, Decision};
use ron_auth_fixtures::Corpus;
use ron_auth_variants::SelectedEngine;

/// A verifier by the two functions that the canonical cases call. `config` is the corpus's with other knobs.
pub trait Face {
    /// Verifies one token, in the context and with the keys of the corpus.
    ///
    /// # Errors
    /// As `ron_auth::verify_token`.
    fn verify_token(&self, corpus: &Corpus, token: &str) -> Result<Decision, AuthError>;

    /// Verifies these tokens in one call.
    ///
    /// # Errors
    /// As `ron_auth::verify_many`.
    fn verify_many(&self, corpus: &Corpus, tokens: &[String]) -> Result<Vec<Decision>, AuthError>;
}

/// `ron-auth` as this was built: the features decide what is inside.
#[derive(Clone, Copy, Debug, Default)]
pub struct RonAuth;

impl RonAuth {
    /// The features of `ron-auth` that are at work. Read off the type of its engine: what `full` means is for
    /// `ron-auth` to say, and no feature of this package would notice a change of it.
    #[must_use]
    pub fn features() -> Vec<String> {
        let engine = std::any::type_name::<SelectedEngine>();
        let backends = [
            ("ZeroCopyDecode", "minicbor-zerocopy"),
            ("CiboriumDecode", "fast-cbor"),
            ("SerdeCborDecode", "plain"),
            ("SimdBase64", "simd-b64"),
            ("LanesMac", "lanes"),
            ("ThreadLocalScratch", "tls-scratch"),
            ("RayonExecute", "parallel"),
        ];
        let at_work = |(backend, feature): (&str, &str)| engine.contains(backend).then(|| feature.to_owned());
        backends.into_iter().filter_map(at_work).collect()
    }
}

impl Face for RonAuth {
    fn verify_token(&self, corpus: &Corpus, token: &str) -> Result<Decision, AuthError> {
        ron_auth::verify_token(&corpus.config, token, &corpus.ctx, &corpus.keys)
    }

    fn verify_many(&self, corpus: &Corpus, tokens: &[String]) -> Result<Vec<Decision>, AuthError> {
        // Whatever a revision says of a bad token beside the error, such as its index, is nothing that is timed.
        ron_auth::verify_many(&corpus.config, tokens, &corpus.ctx, &corpus.keys).map_err(AuthError::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoder_is_always_among_the_features_and_full_has_five() {
        let features = RonAuth::features();
        let decoders = ["minicbor-zerocopy", "fast-cbor", "plain"];
        assert_eq!(features.iter().filter(|feature| decoders.contains(&feature.as_str())).count(), 1, "{features:?}");
        if cfg!(feature = "full") {
            assert_eq!(features, ["minicbor-zerocopy", "simd-b64", "lanes", "tls-scratch", "parallel"]);
        }
    }
}
