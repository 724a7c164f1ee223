//! What svc-passport acknowledged to its clients, and whether it still holds after a kill. For services in front of it
//! too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Answer, Client, Kept, tampered, with};

const ISSUE: &str = "/v1/passport/issue";
const VERIFY: &str = "/v1/passport/verify";
const BATCH: &str = "/v1/passport/verify_batch";
const KEYS: &str = "/v1/keys";

/// How often services are killed in all, unless `RON_SERVICE_KILLS` says otherwise.
const KILLS: u64 = 40;
/// A process that has done something is killed within this time.
const LONGEST: Duration = Duration::from_millis(120);
/// Envelopes of a batch that is verified.
const ITEMS: usize = 256;
/// Envelopes of earlier processes that are looked at after each kill.
const EARLIER: u64 = 32;

/// Kills of one test, which has `percent` of all.
pub fn kills(percent: u64) -> u64 {
    let all = std::env::var("RON_SERVICE_KILLS").map_or(KILLS, |all| all.parse().expect("RON_SERVICE_KILLS: a number"));
    (all * percent / 100).max(1)
}

/// A folder in memory where there is such a place: a killed process leaves the same behind there, and a disk that
/// others use too takes its time to sync.
pub fn folder() -> TempDir {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// Numbers that follow from a seed, which is told: with `RON_SERVICE_KILLS_SEED` the kills come when they came before.
pub struct Chance(u64);

impl Chance {
    pub fn new() -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let seed = std::env::var("RON_SERVICE_KILLS_SEED").map_or(now.as_nanos() as u64, |seed| seed.parse().unwrap());
        println!("RON_SERVICE_KILLS_SEED={seed}");
        Self(seed)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    pub fn sleep_up_to(&mut self, most: Duration) {
        std::thread::sleep(Duration::from_micros(self.below(most.as_micros() as u64)));
    }
}

/// What the processes that used one store have acknowledged.
pub struct Ledger {
    /// What is issued, beside a number.
    claims: Value,
    issued: AtomicU64,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    /// Envelopes byte for byte.
    envelopes: Vec<String>,
    /// So many of them were looked at after a kill.
    looked_at: usize,
    /// The public keys by their ids.
    keys: BTreeMap<String, String>,
    /// The version that the last rotation has answered, and the number of rotations.
    rotated_to: u64,
    rotations: usize,
    /// Processes that were killed: each may have left a rotation that nobody was told of.
    kills: usize,
}

impl Ledger {
    /// Of processes that issue these claims.
    pub fn new(claims: Value) -> Self {
        Self { claims, issued: AtomicU64::new(0), held: Mutex::default() }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Envelopes and rotations that were acknowledged.
    pub fn acknowledged(&self) -> (usize, usize) {
        let held = self.held();
        (held.envelopes.len(), held.rotations)
    }

    /// The version that the last rotation has answered.
    fn rotated_to(&self) -> u64 {
        self.held().rotated_to
    }

    /// The envelope that was acknowledged last.
    pub fn last(&self) -> Option<Value> {
        self.held().envelopes.last().map(|envelope| serde_json::from_str(envelope).unwrap())
    }

    /// Somebody kills a process. What breaks off from now on breaks off for that.
    pub fn kill(&self, is_killed: &AtomicBool) {
        self.held().kills += 1;
        is_killed.store(true, Ordering::SeqCst);
    }

    /// Issues, verifies, rotates and reads keys over connections that are kept, and at some moment has `kill` say that
    /// it will kill svc-passport and do it.
    pub fn while_in_use<T>(
        &self,
        public: &Client,
        admin: &Client,
        chance: &mut Chance,
        kill: impl FnOnce(&AtomicBool, &mut Chance) -> T,
    ) -> T {
        let is_killed = AtomicBool::new(false);
        let (before, begun) = (self.acknowledged(), Instant::now());
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| self.issue_and_verify(public, &is_killed));
            }
            scope.spawn(|| self.rotate(admin, &is_killed));
            scope.spawn(|| self.read_keys(public, &is_killed));
            // Most of them have done something, however slow the machine is.
            let at_once = chance.below(4) == 0;
            while !at_once && self.acknowledged() == before && begun.elapsed() < Duration::from_secs(10) {
                std::thread::sleep(Duration::from_millis(1));
            }
            chance.sleep_up_to(LONGEST);
            kill(&is_killed, chance)
        })
    }

    fn issue_and_verify(&self, public: &Client, is_killed: &AtomicBool) -> Option<()> {
        let mut kept = Kept::try_new(public).ok()?;
        loop {
            let at_least = self.rotated_to();
            let text = whole(kept.post(ISSUE, &self.message().to_string()), is_killed)?.body;
            self.held().envelopes.push(text.clone());
            let envelope: Value = serde_json::from_str(&text).unwrap();
            assert!(version(&envelope["kid"]) >= at_least, "{text} was signed after a rotation to v{at_least}");
            assert_eq!(whole(kept.post(VERIFY, &text), is_killed)?.body, "true", "{text}");
            let forged = forged(&envelope, self.issued.load(Ordering::Relaxed)).to_string();
            assert_eq!(whole(kept.post(VERIFY, &forged), is_killed)?.body, "false", "{forged}");
        }
    }

    fn rotate(&self, admin: &Client, is_killed: &AtomicBool) -> Option<()> {
        let mut kept = Kept::try_new(admin).ok()?;
        loop {
            let answer = whole(kept.post("/admin/rotate", ""), is_killed)?.json();
            let mut held = self.held();
            let made = version(&answer["current_kid"]);
            assert!(made > held.rotated_to, "{answer} after v{}", held.rotated_to);
            (held.rotated_to, held.rotations) = (made, held.rotations + 1);
            drop(held);
            // Each key is kept for ever, and looked at after each kill.
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn read_keys(&self, public: &Client, is_killed: &AtomicBool) -> Option<()> {
        let mut kept = Kept::try_new(public).ok()?;
        loop {
            let rotated_to = self.rotated_to();
            self.hold_to(&whole(kept.get(KEYS), is_killed)?, rotated_to);
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn message(&self) -> Value {
        with(&self.claims, "n", json!(self.issued.fetch_add(1, Ordering::Relaxed)))
    }

    /// A key set has every key that was seen before, the same, and each version up to one that is not before the last
    /// that was acknowledged.
    fn hold_to(&self, answer: &Answer, rotated_to: u64) {
        assert_eq!(answer.status, 200, "{answer:?}");
        let set = answer.json();
        let text = |key: &Value, field: &str| key[field].as_str().unwrap().to_owned();
        let set: BTreeMap<_, _> =
            set["keys"].as_array().unwrap().iter().map(|key| (text(key, "kid"), text(key, "x"))).collect();
        let mut held = self.held();
        for (kid, x) in &held.keys {
            assert_eq!(set.get(kid), Some(x), "{kid} of {set:?}");
        }
        let versions: BTreeSet<u64> = set.keys().map(|kid| version(&json!(kid))).collect();
        let last = versions.last().copied().unwrap_or_default();
        assert!(last >= rotated_to && versions.iter().copied().eq(1..=last), "not all up to v{rotated_to}: {set:?}");
        assert!(set.len() <= 2 + held.rotations + held.kills, "rotations that nobody asked for: {set:?}");
        held.keys.extend(set);
    }

    /// What must hold once another process uses the store.
    pub fn check(&self, public: &Client, admin: &Client, chance: &mut Chance) {
        let ready = public.get("/readyz");
        assert_eq!(ready.status, 200, "a process that listens has its keys: {ready:?}");
        self.hold_to(&public.get(KEYS), self.rotated_to());
        let current = admin.get("/admin/attest").json()["current_kid"].clone();
        assert!(version(&current) >= self.rotated_to(), "{current} signs after v{}", self.rotated_to());
        let some: Vec<String> = {
            let mut held = self.held();
            let (from, all) = (held.looked_at, held.envelopes.len());
            held.looked_at = all;
            let earlier = (0..EARLIER.min(from as u64)).map(|_| chance.below(from as u64) as usize);
            earlier.chain(from..all).map(|place| held.envelopes[place].clone()).collect()
        };
        verify(public, &some);
    }

    /// Every envelope that was acknowledged is good.
    pub fn check_all(&self, public: &Client) {
        let all = self.held().envelopes.clone();
        verify(public, &all);
    }
}

/// Each is good, and what somebody forged from some of them is not.
fn verify(public: &Client, envelopes: &[String]) {
    for some in envelopes.chunks(ITEMS) {
        let mut items: Vec<(String, bool)> = some.iter().map(|text| (text.clone(), true)).collect();
        items.extend(some.iter().step_by(8).zip(0..).map(|(text, how)| {
            let envelope: Value = serde_json::from_str(text).unwrap();
            (forged(&envelope, how).to_string(), false)
        }));
        let batch: Vec<&str> = items.iter().map(|(text, _)| text.as_str()).collect();
        let answer = public.post(BATCH, &format!("[{}]", batch.join(",")));
        assert_eq!(answer.status, 200, "{answer:?}");
        let results: Vec<bool> = serde_json::from_value(answer.json()).unwrap();
        assert_eq!(results.len(), items.len());
        for ((text, is_good), found) in items.iter().zip(results) {
            assert_eq!(found, *is_good, "{text}");
        }
    }
}

/// An envelope that nobody signed, from one that somebody did.
pub fn forged(envelope: &Value, how: u64) -> Value {
    match how % 3 {
        0 => tampered(envelope),
        1 => with(envelope, "sig_b64", json!(BASE64_STANDARD.encode([0; 64]))),
        _ => {
            let message = BASE64_STANDARD.decode(envelope["msg_b64"].as_str().unwrap()).unwrap();
            let message = with(&serde_json::from_slice(&message).unwrap(), "forged", json!(true));
            with(envelope, "msg_b64", json!(BASE64_STANDARD.encode(message.to_string())))
        }
    }
}

/// The answer, if it came whole. One that broke off, with nobody killed, is a fault.
fn whole(answer: Option<Answer>, is_killed: &AtomicBool) -> Option<Answer> {
    assert!(answer.is_some() || is_killed.load(Ordering::SeqCst), "a connection broke off before anybody was killed");
    answer.inspect(|answer| assert_eq!(answer.status, 200, "{answer:?}"))
}

/// The number in a key id.
fn version(kid: &Value) -> u64 {
    let kid = kid.as_str().unwrap_or_else(|| panic!("no key id: {kid}"));
    kid.rsplit_once('v').and_then(|(_, number)| number.parse().ok()).unwrap_or_else(|| panic!("no version: {kid}"))
}
