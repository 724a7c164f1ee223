//! What verification costs with tables of several widths, beside the library's. Shows figures; judges nothing.
//!
//! `cargo test --release -p ron-envelope --lib cost -- --ignored --nocapture`

use std::hint::black_box;
use std::time::{Duration, Instant};

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, ED25519_BASEPOINT_TABLE};
use curve25519_dalek::edwards::{EdwardsBasepointTable, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::BasepointTable as _;
use ed25519_dalek::{Signature, Signer as _, SigningKey};

use crate::multiples::Multiples;
use crate::{PublicKey, verify_batch};

const TURNS: usize = 401;
const MESSAGES: u8 = 64;

type Work<'a> = (&'static str, Box<dyn Fn() + 'a>);

/// Medians of turns that are taken by one after the other.
fn print(what: &str, work: &[Work<'_>]) {
    let mut times = vec![Vec::with_capacity(TURNS); work.len()];
    for turn in 0..TURNS {
        for step in 0..work.len() {
            let arm = (turn + step) % work.len();
            let start = Instant::now();
            work[arm].1();
            times[arm].push(start.elapsed());
        }
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times[TURNS / 2].as_secs_f64() * 1e6 / f64::from(MESSAGES)
    };
    let medians: Vec<_> = times.iter_mut().map(median).collect();
    for ((name, _), time) in work.iter().zip(&medians) {
        println!("{what}, {name}: {time:.2} us, {:.3} of {}", time / medians[0], work[0].0);
    }
}

fn sums<'a, const BASE: usize, const KEY: usize>(
    name: &'static str,
    key: EdwardsPoint,
    scalars: &'a [(Scalar, Scalar)],
) -> Work<'a> {
    let (base, key) = (Multiples::<BASE>::of(&ED25519_BASEPOINT_POINT), Multiples::<KEY>::of(&key));
    let work = move || {
        for (left, right) in scalars {
            black_box(base.times(black_box(left)) + key.times(black_box(right)));
        }
    };
    (name, Box::new(work))
}

#[test]
#[ignore = "shows figures, judges nothing"]
fn cost() {
    let signing = SigningKey::from_bytes(&[7; 32]);
    let verifying = signing.verifying_key();
    let plain = PublicKey::new(verifying.to_bytes()).unwrap();
    let tabled = PublicKey::new(verifying.to_bytes()).unwrap().with_table();
    let signed: Vec<(Vec<u8>, Signature)> = (0..MESSAGES)
        .map(|number| vec![number; 200])
        .map(|message| (message.clone(), signing.sign(&message)))
        .collect();
    let bytes: Vec<_> = signed.iter().map(|(message, signature)| (message.as_slice(), signature.to_bytes())).collect();
    let by = |key: &PublicKey| {
        for (message, signature) in &bytes {
            assert!(black_box(key).verify(message, signature));
        }
    };
    print(
        "a signature of 200 bytes",
        &[
            (
                "ed25519-dalek, strict",
                Box::new(|| {
                    signed.iter().for_each(|(message, it)| assert!(verifying.verify_strict(message, it).is_ok()))
                }),
            ),
            ("a key without a table", Box::new(|| by(&plain))),
            ("a key with a table", Box::new(|| by(&tabled))),
            (
                "a batch of 64, with a table",
                Box::new(|| {
                    let items = bytes.iter().map(|(message, signature)| (black_box(&tabled), *message, &signature[..]));
                    assert!(verify_batch(items).iter().all(|good| *good));
                }),
            ),
        ],
    );

    let key = EdwardsPoint::mul_base(&Scalar::from(7_u8));
    let scalars: Vec<_> = (0..MESSAGES)
        .map(|number| {
            (Scalar::from_bytes_mod_order([number + 1; 32]), Scalar::from_bytes_mod_order([number + 101; 32]))
        })
        .collect();
    let table = EdwardsBasepointTable::create(&key);
    print(
        "the sum of two products",
        &[
            (
                "the library's tables, in constant time",
                Box::new(|| {
                    for (left, right) in &scalars {
                        black_box(ED25519_BASEPOINT_TABLE.mul_base(left) + table.mul_base(right));
                    }
                }),
            ),
            sums::<4, 4>("windows of 4 and 4 bits", key, &scalars),
            sums::<5, 5>("windows of 5 and 5 bits", key, &scalars),
            sums::<6, 5>("windows of 6 and 5 bits", key, &scalars),
            sums::<8, 4>("windows of 8 and 4 bits", key, &scalars),
            sums::<8, 5>("windows of 8 and 5 bits", key, &scalars),
            sums::<8, 6>("windows of 8 and 6 bits", key, &scalars),
            sums::<8, 8>("windows of 8 and 8 bits", key, &scalars),
        ],
    );
}
