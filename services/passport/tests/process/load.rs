//! What happens while others ask.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::common::{BATCH, Ends, ISSUE, Kept, Process, VERIFY};

#[test]
fn no_rotation_ever_yields_a_signature_that_is_false_or_a_key_that_is_unknown() {
    let process = Process::with_example_key("server.workers = 2");
    let client = process.client();
    let done = AtomicBool::new(false);
    let verified = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut kept = Kept::new(&client);
                while !done.load(Ordering::Relaxed) {
                    let envelope = kept.post(ISSUE, "{\"a\":1}").unwrap();
                    assert_eq!(envelope.status, 200, "{envelope:?}");
                    let answer = kept.post(VERIFY, &envelope.body).unwrap();
                    assert_eq!((answer.status, answer.body.as_str()), (200, "true"), "{envelope:?}");
                    let answer = kept.post(BATCH, &format!("[{0},{0}]", envelope.body)).unwrap();
                    assert_eq!((answer.status, answer.body.as_str()), (200, "[true,true]"), "{envelope:?}");
                    verified.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let ends = Ends(&done);
        let end = Instant::now() + Duration::from_secs(2);
        let mut rotations = 0;
        while Instant::now() < end {
            assert_eq!(client.send("POST", "/admin/rotate", &[], b"").status, 200);
            rotations += 1;
        }
        drop(ends);
        assert!(rotations > 5, "{rotations}");
    });
    assert!(verified.into_inner() > 20);
}

#[test]
fn sigterm_under_load_loses_no_request_that_was_accepted() {
    let mut process = Process::with_example_key("");
    let client = process.client();
    let envelope = client.post(ISSUE, "{}").body;
    let answered = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                // Until nobody listens any more. A connection that was told to close is not used again.
                while let Ok(mut kept) = Kept::try_new(&client) {
                    loop {
                        let Some(answer) = kept.post(VERIFY, &envelope) else {
                            assert!(kept.is_unused(), "a request on a connection that was served had no answer");
                            break;
                        };
                        assert_eq!((answer.status, answer.body.as_str()), (200, "true"));
                        answered.fetch_add(1, Ordering::Relaxed);
                        if answer.header("connection") == "close" {
                            break;
                        }
                    }
                }
            });
        }
        std::thread::sleep(Duration::from_millis(300));
        process.signal("TERM");
    });
    assert_eq!(process.exit().code(), Some(0));
    assert!(answered.into_inner() > 10);
    assert!(!process.log().contains("cut off"), "{}", process.log());
}

#[test]
fn a_large_batch_lets_others_have_their_turn() {
    let toml = "server.workers = 1\nlimits = { max_batch = 4096, max_body_bytes = 4194304 }";
    let process = Process::with_example_key(toml);
    let client = process.client();
    let envelope = client.post(ISSUE, "{}").body;
    let items = vec![envelope.as_str(); 4_096].join(",");
    let mut kept = Kept::new(&client);
    let done = AtomicBool::new(false);
    let meanwhile = std::thread::scope(|scope| {
        scope.spawn(|| {
            let _ends = Ends(&done);
            let answer = client.post(BATCH, &format!("[{items}]"));
            assert_eq!((answer.status, answer.json().as_array().unwrap().len()), (200, 4_096));
        });
        // Until the batch is being verified: it is read whole before.
        let is_at_work = |kept: &mut Kept| kept.get("/metrics").unwrap().body.contains("passport_batch_len_count");
        while !is_at_work(&mut kept) && !done.load(Ordering::Relaxed) {
            std::hint::spin_loop();
        }
        let mut meanwhile = 0;
        while !done.load(Ordering::Relaxed) {
            assert_eq!(kept.get("/healthz").unwrap().status, 200);
            meanwhile += 1;
        }
        meanwhile
    });
    assert!(meanwhile > 3, "{meanwhile} answers while the batch was verified");
}

#[test]
fn nothing_of_a_message_or_a_signature_is_logged() {
    let process = Process::with_example_key("log.level = 'debug'");
    let client = process.client();
    let envelope = client.post(ISSUE, "{\"hunter\":\"hunter2\"}").json();
    client.post(VERIFY, &envelope.to_string());
    client.post(VERIFY, "{\"hunter2\"");
    client.post(BATCH, "{\"hunter2\":1}");
    client.send("POST", "/admin/rotate", &[], b"");
    crate::common::eventually("the log is written", || process.log().contains("rotated"));
    for secret in ["hunter2", envelope["msg_b64"].as_str().unwrap(), envelope["sig_b64"].as_str().unwrap()] {
        assert!(!process.log().contains(secret), "{secret}");
    }
}
