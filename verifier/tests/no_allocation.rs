//! The borrowed functions allocate nothing once their memory has grown. (Other decoders than the zero-copy one own
//! what they decode, and are not held to this.)
#![cfg(feature = "minicbor-zerocopy")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a surprise stops a test")]

use std::alloc::System;

use ron_auth::{Decision, Workspace, verify_each_in, verify_token, verify_token_in};
use ron_auth_fixtures::Fixture;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

// One test, because the counts are the process's.
#[test]
fn the_borrowed_functions_allocate_nothing_in_the_steady_state() {
    for fixture in Fixture::ALL {
        let corpus = fixture.corpus(250);
        let (config, ctx, keys) = (&corpus.config, &corpus.ctx, &corpus.keys);
        // Eight reasons or four obligations are kept in line; a token with more of them allocates one vector.
        let tokens: Vec<&String> = corpus
            .tokens
            .iter()
            .filter(|token| match verify_token(config, token, ctx, keys) {
                Ok(Decision::Deny { reasons }) => reasons.len() <= 8,
                Ok(Decision::Allow { obligations, .. }) => obligations.len() <= 4,
                _ => true,
            })
            .collect();
        assert!(tokens.len() >= 245);
        for batch_len in [1, 64, 250] {
            let mut workspace = Workspace::default();
            let mut allowed = [0; 2];
            let mut allocations = usize::MAX;
            for count in &mut allowed {
                let region = Region::new(ALLOCATOR);
                for token in &tokens {
                    let verdict = verify_token_in(config, token, ctx, keys, &mut workspace);
                    *count += usize::from(verdict.is_ok_and(|verdict| verdict.is_allow()));
                }
                for batch in tokens.chunks(batch_len) {
                    verify_each_in(config, batch, ctx, keys, &mut workspace, |_, verdict| {
                        *count += usize::from(verdict.is_ok_and(|verdict| verdict.is_allow()));
                    });
                }
                let stats = region.change();
                allocations = stats.allocations + stats.reallocations;
            }
            assert_eq!(allowed[0], allowed[1]);
            assert_eq!(allocations, 0, "{} in batches of {batch_len}", fixture.name());
        }
    }
}
