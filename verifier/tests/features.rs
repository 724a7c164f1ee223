//! A feature set gives the backends that it says.
#![allow(missing_docs, reason = "a test")]

use std::collections::BTreeSet;

use ron_auth::ACTIVE_BACKENDS;

/// All that choose a backend, and whether this build has them. Decoders first, in the order in which they are
/// preferred.
const FEATURES: [(&str, bool); 7] = [
    ("minicbor-zerocopy", cfg!(feature = "minicbor-zerocopy")),
    ("fast-cbor", cfg!(feature = "fast-cbor")),
    ("plain", cfg!(feature = "plain")),
    ("simd-b64", cfg!(feature = "simd-b64")),
    ("lanes", cfg!(feature = "lanes")),
    ("tls-scratch", cfg!(feature = "tls-scratch")),
    ("parallel", cfg!(feature = "parallel")),
];
const DECODERS: usize = 3;

#[test]
fn the_list_of_active_backends_holds_one_decoder_and_all_else_that_is_on() {
    let (decoders, others) = FEATURES.split_at(DECODERS);
    let on = |features: &[(&'static str, bool)]| -> Vec<&'static str> {
        features.iter().filter(|(_, is_on)| *is_on).map(|(name, _)| *name).collect()
    };
    let expected: BTreeSet<&str> = on(decoders).into_iter().take(1).chain(on(others)).collect();
    let active: BTreeSet<&str> = ACTIVE_BACKENDS.iter().copied().collect();
    assert_eq!(active.len(), ACTIVE_BACKENDS.len(), "nothing twice: {ACTIVE_BACKENDS:?}");
    // Tested together with other packages, which may turn on more of the backends than this package asks for,
    // there can be more. scripts/test.sh tests it alone.
    if std::env::var_os("RON_AUTH_TESTED_ALONE").is_some() {
        assert_eq!(active, expected);
    }
    assert!(others.iter().all(|(name, is_on)| !is_on || active.contains(name)), "{ACTIVE_BACKENDS:?}");
    let named = decoders.iter().filter(|(name, _)| active.contains(name)).count();
    assert_eq!(named, 1, "{ACTIVE_BACKENDS:?}");
}

#[test]
#[cfg(feature = "full")]
fn full_is_the_recommended_set() {
    assert_eq!(ACTIVE_BACKENDS, ["minicbor-zerocopy", "simd-b64", "lanes", "tls-scratch", "parallel"]);
}
