//! Where keys and right MACs lie in memory after they were used: nowhere, but where a key ring or a host keeps them.
//! The process looks through its own memory for them, stacks left out (`SECURITY.md` says why).
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a surprise stops a test")]

use std::fs;
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use ron_auth_core::seam::{Reuse, ScratchPolicy};
use ron_auth_core::{
    AuthError, CapabilityBuilder, Caveat, Engine, KeyName, KeyRing, MacKey, MacKeyProvider, RequestCtx, RotatingKeys,
    Scope, Scratch, VerifierConfig,
};
use ron_auth_variants::base64::SimdBase64;
use ron_auth_variants::decode::{CiboriumDecode, ZeroCopyDecode};
use ron_auth_variants::execute::SequentialExecute;
use ron_auth_variants::mac::{LanesMac, SerialMac};
use ron_auth_variants::scratch::{PerCallScratch, ThreadLocalScratch};

const NOW_UNIX_S: u64 = 1_762_700_000;

/// 32 bytes to look for, kept such that looking for them does not find the needle.
#[derive(Clone, Copy, Debug)]
struct Needle([u8; 32]);

const MASK: u8 = 0x5a;

impl Needle {
    fn of(bytes: &[u8; 32]) -> Self {
        Self(bytes.map(|byte| byte ^ MASK))
    }

    fn halves(self) -> [[u8; 16]; 2] {
        let (halves, _) = self.0.as_chunks();
        [halves[0], halves[1]]
    }
}

/// How often one half of each needle lies in writable memory: what was freed has lost its first bytes to the allocator.
fn halves_in_memory<const N: usize>(needles: [Needle; N]) -> [usize; N] {
    // One at a time: what a search has read lies on another thread's stack, where the next would find it.
    static SEARCHING: Mutex<()> = Mutex::new(());
    let _alone = SEARCHING.lock().unwrap_or_else(PoisonError::into_inner);
    let memory = fs::File::open("/proc/self/mem").unwrap();
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    // On the stack, which is left out.
    let mut buffer = [0_u8; 1 << 16];
    let here = buffer.as_ptr().addr();
    // By the first two bytes, masked: nearly every place can be passed over at a glance.
    let mut may_begin = vec![false; 1 << 16];
    for half in needles.iter().flat_map(|needle| needle.halves()) {
        may_begin[usize::from(u16::from_le_bytes([half[0], half[1]]))] = true;
    }
    let mut found = [0; N];
    for line in maps.lines() {
        let mut columns = line.split_whitespace();
        let (range, access) = (columns.next().unwrap(), columns.next().unwrap());
        let (start, end) = range.split_once('-').unwrap();
        let [start, end] = [start, end].map(|digits| usize::from_str_radix(digits, 16).unwrap());
        if !access.starts_with("rw") || line.ends_with("[stack]") || (start..end).contains(&here) {
            continue;
        }
        let mut at = start;
        while at < end {
            let len = buffer.len().min(end - at);
            // What was unmapped meanwhile can't be read.
            if memory.read_exact_at(&mut buffer[..len], at as u64).is_err() {
                break;
            }
            for (place, first) in buffer[..len].windows(2).enumerate() {
                let first = u16::from_le_bytes([first[0] ^ MASK, first[1] ^ MASK]);
                if may_begin[usize::from(first)]
                    && let Some(bytes) = buffer[place..len].first_chunk::<16>()
                {
                    let masked = bytes.map(|byte| byte ^ MASK);
                    for (found, needle) in found.iter_mut().zip(needles) {
                        *found += usize::from(needle.halves().contains(&masked));
                    }
                }
            }
            // What lies across the end of the buffer is in the next one.
            at += if at + len < end { len - 15 } else { len };
        }
    }
    buffer.fill(0);
    black_box(&buffer);
    found
}

/// What making the tokens of a test has left on its stack is the test's own.
#[inline(never)]
fn scrub_stack() {
    let mut bytes = [0_u8; 1 << 16];
    black_box(&mut bytes);
}

/// Bytes of no other key of these tests, made without memory.
fn key_bytes(test: u8, number: u8) -> [u8; 32] {
    *blake3::hash(&[b'k', test, number]).as_bytes()
}

/// A key id: not in the order of numbers.
fn scattered(number: u8) -> String {
    format!("k{:02}", usize::from(number) * 7 % 40)
}

fn name(kid: &str) -> KeyName<'_> {
    KeyName { tid: "acme", kid }
}

fn ctx() -> RequestCtx<'static> {
    RequestCtx::new(NOW_UNIX_S, "GET", "/index/1", "acme")
}

#[test]
fn a_ring_has_each_key_once_and_leaves_none_behind() {
    let needle = |number| Needle::of(&key_bytes(1, number));
    let mut ring = KeyRing::new();
    for number in 0..40 {
        // Before and behind those that are there.
        let kid = scattered(number);
        ring.insert(name(&kid), MacKey::new(key_bytes(1, number)));
    }
    let needles: [Needle; 40] = std::array::from_fn(|number| needle(number as u8));
    let mut expected = [2; 40];
    assert_eq!(halves_in_memory(needles), expected, "a ring that has grown");
    for number in (0_u8..40).step_by(3) {
        let kid = scattered(number);
        match number % 4 {
            0 => drop(ring.remove(name(&kid))),
            1 => ring.insert(name(&kid), MacKey::new(key_bytes(1, 99))),
            2 => drop(ring.remove_and_watch(name(&kid))),
            _ => {
                ring.retire(name(&kid), 1);
                assert_eq!(ring.prune(1), 1);
            }
        }
        expected[usize::from(number)] = 0;
        assert_eq!(halves_in_memory(needles), expected, "key {number} was removed in way {}", number % 4);
    }
    let copy = ring.clone();
    assert_eq!(halves_in_memory(needles), expected.map(|halves| 2 * halves), "a ring and its copy");
    drop(copy);
    assert_eq!(halves_in_memory(needles), expected, "without the copy");
    drop(ring);
    assert_eq!(halves_in_memory(needles), [0; 40], "without the ring");
}

#[test]
fn a_replaced_ring_is_gone_once_every_reader_has_moved_on() {
    let ring = |number| {
        let mut ring = KeyRing::new();
        ring.insert(name("k1"), MacKey::new(key_bytes(2, number)));
        ring
    };
    let needle = |number| Needle::of(&key_bytes(2, number));
    let keys = RotatingKeys::new(ring(0));
    let mut reader = keys.reader();
    keys.publish(ring(1));
    assert_eq!(halves_in_memory([needle(0), needle(1)]), [2, 2]);
    assert!(reader.at(NOW_UNIX_S).key_for(name("k1")).is_some());
    assert_eq!(halves_in_memory([needle(0), needle(1)]), [0, 2]);
}

/// Keys that lie nowhere in memory: made when they are asked for.
struct MadeUp {
    test: u8,
}

impl MacKeyProvider for MadeUp {
    fn key_for(&self, name: KeyName<'_>) -> Option<MacKey> {
        assert!(name.kid != "panic", "a provider panics");
        Some(MacKey::new(key_bytes(self.test, name.kid.parse().unwrap())))
    }
}

fn token(test: u8, kid: &str, forged: bool) -> (String, Needle) {
    // Steps of one block, of several, and of more than a chunk.
    let caveats =
        [1, 40, 100, 300, 1200].map(|len| Caveat::Custom { ns: "ns".into(), name: "n".repeat(len), cbor: vec![0xf6] });
    let key = MacKey::new(key_bytes(test, kid.parse().unwrap_or(0)));
    let builder = CapabilityBuilder::new("acme", kid, Scope::new("/", ["GET"]));
    let mut capability = builder.caveats(caveats).caveat(Caveat::Exp(u64::MAX)).sign(&key).unwrap();
    let right = Needle::of(&capability.mac);
    if forged {
        capability.mac = capability.mac.map(|byte| !byte);
    }
    (capability.to_base64url(), right)
}

#[test]
fn no_key_outlives_a_batch_that_ends_or_panics_in_memory_that_was_lent() {
    let engine = Engine::new(SimdBase64, ZeroCopyDecode, LanesMac::default(), SequentialExecute, PerCallScratch);
    let (config, keys) = (VerifierConfig::default(), MadeUp { test: 3 });
    let mut tokens: Vec<String> = (0..20).map(|number| token(3, &number.to_string(), false).0).collect();
    let mut scratch = Scratch::default();
    for panics in [false, true] {
        if panics {
            tokens[15] = token(3, "panic", false).0;
        }
        let mut results = 0;
        let caught = catch_unwind(AssertUnwindSafe(|| {
            engine.verify_each_in(&config, &tokens, &ctx(), &keys, &mut scratch, |_, result| {
                assert!(result.is_ok());
                results += 1;
            });
        }));
        assert_eq!((caught.is_err(), results), if panics { (true, 0) } else { (false, 20) });
        let needles: [Needle; 20] = std::array::from_fn(|number| Needle::of(&key_bytes(3, number as u8)));
        assert_eq!(halves_in_memory(needles), [0; 20], "panic: {panics}");
    }
    black_box(&scratch);
}

#[test]
fn the_right_macs_of_forged_tokens_do_not_stay_in_memory() {
    let (config, keys) = (VerifierConfig::default(), MadeUp { test: 4 });
    let (tokens, right): (Vec<String>, Vec<Needle>) = (0..20).map(|number| token(4, &number.to_string(), true)).unzip();
    let lanes = Engine::new(SimdBase64, ZeroCopyDecode, LanesMac::default(), SequentialExecute, ThreadLocalScratch);
    let serial = Engine::new(SimdBase64, ZeroCopyDecode, SerialMac, SequentialExecute, ThreadLocalScratch);
    let mut scratch = Scratch::default();
    scrub_stack();
    for text in tokens.iter().rev() {
        let alone = lanes.verify_token_in(&config, text, &ctx(), &keys, &mut scratch);
        assert_eq!(alone.map(|verdict| verdict.to_decision()), Err(AuthError::MacMismatch));
    }
    let mut all = Vec::new();
    lanes.verify_each_in(&config, &tokens, &ctx(), &keys, &mut scratch, |_, result| {
        all.push(result.map(|verdict| verdict.to_decision()));
    });
    all.extend(lanes.verify_each(&config, &tokens, &ctx(), &keys));
    all.extend(serial.verify_each(&config, &tokens, &ctx(), &keys));
    assert_eq!(all, vec![Err(AuthError::MacMismatch); 60]);
    assert_eq!(halves_in_memory::<20>(right.try_into().unwrap()), [0; 20]);
    black_box(&scratch);
}

#[test]
fn what_a_thread_keeps_is_bounded_whatever_was_sent_and_whatever_the_limits_are() {
    // In a thread of its own: what others keep is another thread's.
    std::thread::spawn(|| {
        let mut config = VerifierConfig::default();
        config.max_token_bytes = 8 << 20;
        config.max_caveats = usize::MAX;
        config.soa_threshold = 0;
        let keys = MacKey::new([7; 32]);
        let long = "x".repeat(100_000);
        let sign = |caveats: Vec<Caveat>| {
            let builder = CapabilityBuilder::new("acme", "k1", Scope::new("/", ["GET"])).caveats(caveats);
            builder.sign(&keys).unwrap().to_base64url()
        };
        let usual = sign(vec![Caveat::Exp(u64::MAX); 5]);
        let kinds = [
            ("a long text that is no token", vec!["A".repeat(8 << 20)]),
            ("many caveats of one kind", vec![sign(vec![Caveat::Exp(u64::MAX); 100_000])]),
            ("long values", vec![sign(vec![Caveat::Aud(long.clone()); 30])]),
            ("a batch of long tokens", vec![sign(vec![Caveat::Aud(long)]); 128]),
        ];
        let zero_copy = Engine::new(SimdBase64, ZeroCopyDecode, SerialMac, SequentialExecute, ThreadLocalScratch);
        let owned = Engine::new(SimdBase64, CiboriumDecode, SerialMac, SequentialExecute, ThreadLocalScratch);
        let kept = || {
            let in_place = ThreadLocalScratch.with(|scratch: &mut Scratch<ZeroCopyDecode>| scratch.reset());
            let owned = ThreadLocalScratch.with(|scratch: &mut Scratch<CiboriumDecode>| scratch.reset());
            [in_place, owned]
        };
        for (what, tokens) in kinds {
            for keep in [&vec![usual.clone(); 128], &tokens, &vec![usual.clone(); 3]] {
                let results = zero_copy.verify_each(&config, keep, &ctx(), &keys);
                assert_eq!(owned.verify_each(&config, keep, &ctx(), &keys), results);
                let is_given_back = std::ptr::eq(keep, &raw const tokens);
                for kept in kept() {
                    assert!(kept <= ThreadLocalScratch::MOST_KEPT_BYTES, "{what}: {kept} bytes");
                    assert_eq!(kept == 0, is_given_back, "{what}: {kept} bytes");
                }
            }
        }
    })
    .join()
    .unwrap();
}
