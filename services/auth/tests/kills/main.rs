//! svc-auth in front of an svc-passport that is killed at any moment, and killed itself. `RON_SERVICE_KILLS` says how
//! often.
#![allow(unreachable_pub, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at a surprise")]

#[path = "../common/mod.rs"]
mod common;
mod plane;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use common::ledger::{self, Chance, Ledger, forged};
use common::{
    AUTHORIZE, Answer, BATCH, Kept, WHOAMI, eventually, is_unavailable, json_of, may_read, reader, verdict, with,
};
use plane::Plane;

/// How often processes of one store are killed.
const KILLS_OF_A_STORE: u64 = 20;

/// What svc-auth answered to askers, by kind.
#[derive(Default)]
struct Answers {
    permits: AtomicUsize,
    denials: AtomicUsize,
    unavailable: AtomicUsize,
}

#[test]
fn nothing_forged_is_permitted_while_either_is_killed_and_what_was_acknowledged_is_permitted_afterwards() {
    let (mut chance, kills) = (Chance::new(), ledger::kills(40));
    let (mut envelopes, mut rotations, answers) = (0, 0, Answers::default());
    let begun = Instant::now();
    for first in (0..kills).step_by(KILLS_OF_A_STORE as usize) {
        let (mut plane, ledger) = (Plane::start(), Ledger::new(reader()));
        for kill in first..kills.min(first + KILLS_OF_A_STORE) {
            killed(&mut plane, &ledger, &answers, &mut chance, kill);
            ledger.check(&plane.passport(), &plane.passport_admin(), &mut chance);
        }
        ledger.check_all(&plane.passport());
        let acknowledged = ledger.acknowledged();
        (envelopes, rotations) = (envelopes + acknowledged.0, rotations + acknowledged.1);
    }
    let [permits, denials, unavailable] =
        [&answers.permits, &answers.denials, &answers.unavailable].map(|number| number.load(Ordering::Relaxed));
    println!(
        "{kills} kills in {:?}: {envelopes} envelopes, {rotations} rotations, {permits} permits, {denials} denials of \
         what is forged, {unavailable} without an answer",
        begun.elapsed()
    );
    let least = kills as usize;
    assert!(envelopes > least && rotations > least, "{envelopes}, {rotations}: the kills came too early");
    assert!(permits > least && denials > least && unavailable > least, "{permits}, {denials}, {unavailable}");
}

/// Kills svc-passport, and each fourth time svc-auth too, while clients use both, and starts what it killed again.
fn killed(plane: &mut Plane, ledger: &Ledger, answers: &Answers, chance: &mut Chance, kill: u64) {
    let is_auth = kill % 4 == 3;
    let (passport, admin) = (plane.passport(), plane.passport_admin());
    // Nobody is asked about it before svc-passport is away.
    let unseen = plane.envelope(&with(&reader(), "kill", json!(kill)));
    let (is_auth_killed, is_over) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let auth = plane.auth();
        for seed in 0..2 {
            let (auth, is_auth_killed, is_over) = (auth.clone(), &is_auth_killed, &is_over);
            scope.spawn(move || ask(&auth, ledger, answers, seed, is_auth_killed, is_over));
        }
        // If something fails in here, those who ask come to their end all the same.
        let _over = Over(&is_over);
        ledger.while_in_use(&passport, &admin, chance, |is_killed, chance| {
            if is_auth {
                is_auth_killed.store(true, Ordering::SeqCst);
                plane.kill_auth();
                chance.sleep_up_to(Duration::from_millis(20));
            }
            ledger.kill(is_killed);
            plane.kill_passport();
        });
        if is_auth {
            plane.start_auth();
        }
        // While svc-passport is away.
        let answer = plane.auth().post(AUTHORIZE, &may_read(&unseen, "docs/a").to_string());
        assert!(is_unavailable(&answer), "{answer:?}");
        let answer = plane.auth().post(AUTHORIZE, &may_read(&forged(&unseen, chance.below(3)), "docs/a").to_string());
        assert!(is_unavailable(&answer), "{answer:?}");
        chance.sleep_up_to(Duration::from_millis(20));
        plane.start_passport();
        let begun = Instant::now();
        eventually("svc-auth is back by itself", || {
            let answer = plane.auth().post(AUTHORIZE, &may_read(&unseen, "docs/a").to_string());
            judge_good(answers, &answer);
            answer.status == 200
        });
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        eventually("it says that it is ready", || plane.auth().get("/readyz").status == 200);
    });
    // A batch with everything in it.
    let Some(last) = ledger.last() else { return };
    let items: Vec<_> = [unseen.clone(), last.clone(), forged(&last, 0), forged(&last, 1), forged(&unseen, 2)]
        .iter()
        .map(|envelope| may_read(envelope, "docs/a"))
        .collect();
    let decisions: Vec<String> =
        json_of(&plane.auth().post(BATCH, &json!(items).to_string())).as_array().unwrap().iter().map(verdict).collect();
    assert_eq!(decisions, ["Permit", "Permit", "BadSignature", "BadSignature", "BadSignature"]);
}

/// Asks about what was acknowledged and what is forged, over a connection that is kept, to the end of either.
fn ask(
    auth: &common::Client,
    ledger: &Ledger,
    answers: &Answers,
    seed: u64,
    is_auth_killed: &AtomicBool,
    is_over: &AtomicBool,
) -> Option<()> {
    let mut kept = Kept::try_new(auth).ok()?;
    let mut whole = |path: &str, body: &Value| {
        let answer = kept.post(path, &body.to_string());
        assert!(answer.is_some() || is_auth_killed.load(Ordering::SeqCst), "a connection to svc-auth broke off");
        answer
    };
    for number in seed.. {
        if is_over.load(Ordering::SeqCst) {
            break;
        }
        let Some(envelope) = ledger.last() else {
            std::thread::sleep(Duration::from_millis(1));
            continue;
        };
        judge_good(answers, &whole(AUTHORIZE, &may_read(&envelope, "docs/a"))?);
        let forged = forged(&envelope, number);
        let answer = whole(AUTHORIZE, &may_read(&forged, "docs/a"))?;
        match answer.status {
            200 => {
                assert_eq!(verdict(&answer.json()), "BadSignature", "{forged}");
                answers.denials.fetch_add(1, Ordering::Relaxed);
            }
            _ => {
                judge_unavailable(answers, &answer);
                // Whoever starts again needs the machine more.
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        let answer = whole(WHOAMI, &forged)?;
        assert!(answer.status == 401 || is_unavailable(&answer), "{answer:?} to {forged}");
    }
    Some(())
}

/// Of what is good: a permit, or no answer now.
fn judge_good(answers: &Answers, answer: &Answer) {
    match answer.status {
        200 => {
            assert_eq!(verdict(&answer.json()), "Permit");
            answers.permits.fetch_add(1, Ordering::Relaxed);
        }
        _ => judge_unavailable(answers, answer),
    }
}

fn judge_unavailable(answers: &Answers, answer: &Answer) {
    assert!(is_unavailable(answer), "{answer:?}");
    answers.unavailable.fetch_add(1, Ordering::Relaxed);
}

/// Says at its end that it is over.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
