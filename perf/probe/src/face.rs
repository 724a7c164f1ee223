//! The functions that services call, which the cases are run on.

use ron_auth_core::{AuthError, Decision};
use ron_auth_fixtures::Corpus;

/// A verifier, as the two functions that the canonical cases call. `config` is the corpus's with other knobs.
pub trait Face {
    /// Verifies one token, in the context and with the keys of the corpus.
    ///
    /// # Errors
    /// The errors of `ron_auth::verify_token`.
    fn verify_token(&self, corpus: &Corpus, token: &str) -> Result<Decision, AuthError>;

    /// Verifies these tokens in one call.
    ///
    /// # Errors
    /// The errors of `ron_auth::verify_many`.
    fn verify_many(&self, corpus: &Corpus, tokens: &[String]) -> Result<Vec<Decision>, AuthError>;
}

/// `ron-auth` as this program was built: the features decide what it consists of.
#[derive(Clone, Copy, Debug, Default)]
pub struct RonAuth;

impl RonAuth {
    /// The features of `ron-auth` that are at work; nothing where a revision is so old that it has no list of them.
    #[must_use]
    pub fn features() -> Vec<String> {
        // This package is built inside older revisions too: their lack of a list must not keep it from that. Where
        // there is one, it goes before the module's own.
        #[allow(unused_imports, reason = "of older revisions")]
        use ron_auth::*;
        ACTIVE_BACKENDS.iter().map(|&feature| feature.to_owned()).collect()
    }
}

/// In place of what older revisions of `ron-auth` lack.
#[allow(dead_code, reason = "newer revisions have a list")]
const ACTIVE_BACKENDS: &[&str] = &[];

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
