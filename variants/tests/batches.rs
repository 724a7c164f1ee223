//! A bad token anywhere in a batch changes no other token's result: every position in batches of every length up to
//! a chunk and a bit, and around the end of the second chunk, on the variants that work on many tokens at once.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a surprise stops a test")]

use std::process::Command;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use ron_auth_catalogue::catalogue;
use ron_auth_core::{AuthError, Decision, MAX_CHUNK_TOKENS, Malformed};
use ron_auth_fixtures::Fixture;

/// Two chunks and a bit: not a multiple of any number of lanes.
const MAX_BATCH: usize = 2 * MAX_CHUNK_TOKENS + 2;

/// One of each way in which a token can be bad, made from a good one.
fn bad(good: &str, kind: usize) -> (String, AuthError) {
    let cut = &good[..good.len() / 4 * 4];
    match kind % 4 {
        0 => (format!("{}!", &good[1..]), AuthError::Malformed(Malformed::Base64)),
        1 => (cut[4..].to_owned(), AuthError::Malformed(Malformed::Cbor)),
        // The MAC is the last 32 bytes; the third character from the end lies well within.
        2 => {
            let at = good.len() - 3;
            let other = if good.as_bytes()[at] == b'A' { "B" } else { "A" };
            (format!("{}{other}{}", &good[..at], &good[at + 1..]), AuthError::MacMismatch)
        }
        _ => ("A".repeat(6000), AuthError::Bounds),
    }
}

#[test]
fn a_bad_token_changes_no_other_tokens_result() {
    // A process of its own with three threads: on a machine with one core, too, batches are spread.
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "bad_tokens_at_every_position", "--ignored"])
        .env("RAYON_NUM_THREADS", "3")
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && report.contains("1 passed"), "{report}");
}

#[test]
fn a_batch_waits_for_nobody_elses_job_in_the_global_pool() {
    let (finish, finished) = mpsc::channel::<()>();
    let finished = Arc::new(Mutex::new(finished));
    for _ in 0..rayon::current_num_threads() {
        let finished = Arc::clone(&finished);
        rayon::spawn(move || {
            let _ = finished.lock().unwrap().recv_timeout(Duration::from_secs(5));
        });
    }
    let corpus = Fixture::Light.corpus(MAX_BATCH);
    let start = Instant::now();
    for variant in catalogue() {
        let results = variant.build().verify_each(&corpus.config, &corpus.tokens, &corpus.ctx, &corpus.keys);
        assert!(results.iter().all(Result::is_ok), "{}", variant.name);
    }
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    drop(finish);
}

#[test]
#[ignore = "run by a_bad_token_changes_no_other_tokens_result, in a process with three threads"]
fn bad_tokens_at_every_position() {
    // Mixed chain lengths, so that lanes end and are refilled out of step.
    let light = Fixture::Light.corpus(MAX_BATCH);
    let heavy = Fixture::Heavy.corpus(MAX_BATCH);
    let good: Vec<String> = light
        .tokens
        .iter()
        .zip(&heavy.tokens)
        .enumerate()
        .map(|(index, (light, heavy))| if index % 7 == 3 { heavy.clone() } else { light.clone() })
        .collect();
    let mut config = heavy.config.clone();
    config.par_min_batch = 32;
    for variant in
        catalogue().into_iter().filter(|variant| matches!(variant.name, "lanes" | "parallel" | "prod-avx2" | "prod"))
    {
        let verifier = variant.build();
        let each = |tokens: &[String]| verifier.verify_each(&config, tokens, &light.ctx, &light.keys);
        let alone: Vec<Result<Decision, AuthError>> =
            good.iter().flat_map(|token| each(std::slice::from_ref(token))).collect();
        assert!(alone.iter().all(Result::is_ok));
        // `parallel` decodes with the reference, which is slow when not optimised: fewer positions.
        let step = if variant.name.starts_with("prod") { 1 } else { 13 };
        for len in (1..=MAX_CHUNK_TOKENS + 2).chain([MAX_BATCH - 3, MAX_BATCH - 2, MAX_BATCH]) {
            // Past the first chunk, the positions around its end and around the batch's.
            let step = if len > MAX_CHUNK_TOKENS + 2 { 63 } else { step };
            for position in (len % step..len).step_by(step) {
                let mut tokens = good[..len].to_vec();
                let (token, error) = bad(&good[position], position + len);
                tokens[position] = token;
                let mut expected = alone[..len].to_vec();
                expected[position] = Err(error);
                assert_eq!(each(&tokens), expected, "{}: {len} tokens, number {position} bad", variant.name);
            }
        }
    }
}
