//! Counters and histograms that a host may want. Nothing is recorded unless a recorder is passed in.

use crate::AuthError;

/// Receives what the verifier counts; a host forwards it to its metrics library.
///
/// Each method does nothing by default. A recorder is called from the thread that verifies, so it must be cheap
/// and must not block. See [`VerifierConfig::with_metrics`](crate::VerifierConfig::with_metrics).
pub trait MetricsRecorder: Send + Sync {
    /// Adds `increment` to the counter `name`.
    fn counter(&self, name: &'static str, increment: u64) {
        let _ = (name, increment);
    }

    /// Records one `value` of the histogram `name`.
    fn histogram(&self, name: &'static str, value: u64) {
        let _ = (name, value);
    }
}

/// Tokens that verified and permit the request.
pub const ALLOW_TOTAL: &str = "ron_auth_verify_allow_total";
/// Tokens that verified and do not permit the request.
pub const DENY_TOTAL: &str = "ron_auth_verify_deny_total";
/// Histogram: tokens per call of a batch function.
pub const BATCH_SIZE: &str = "ron_auth_verify_batch_size";
/// Histogram: caveats of each token whose MAC matched.
pub const CAVEATS_PER_CAP: &str = "ron_auth_caveats_per_cap";

/// The counter of an error.
#[must_use]
pub const fn error_counter(error: AuthError) -> &'static str {
    match error {
        AuthError::Bounds => "ron_auth_err_bounds_total",
        AuthError::Malformed(_) => "ron_auth_err_malformed_total",
        AuthError::UnknownKid => "ron_auth_err_unknown_kid_total",
        AuthError::MacMismatch => "ron_auth_err_mac_mismatch_total",
        AuthError::Expired => "ron_auth_err_expired_total",
        AuthError::NotYetValid => "ron_auth_err_not_yet_valid_total",
    }
}
