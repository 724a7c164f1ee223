//! Limits shed, and nothing queues.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::common::{BATCH, Ends, ISSUE, Process, VERIFY};

#[test]
fn a_batch_that_finds_no_slot_is_told_to_come_again_and_singles_are_not_touched() {
    let toml = "server.workers = 1\nlimits = { max_batch = 4096, max_body_bytes = 4194304, retry_after_ms = 1500 }";
    let process = Process::start(
        tempfile::tempdir().unwrap(),
        &format!("server.bind = '127.0.0.1:0'\nserver.admin_bind = '127.0.0.1:0'\n{toml}"),
        &[("PASSPORT_VERIFY_BATCH_CONCURRENCY", "1")],
    );
    let client = process.client();
    let envelope = client.post(ISSUE, "{}").body;
    let items = vec![envelope.as_str(); 4_096].join(",");
    let (done, refused) = (AtomicBool::new(false), AtomicUsize::new(0));
    let shed = std::thread::scope(|scope| {
        scope.spawn(|| {
            let _ends = Ends(&done);
            // It may itself come while a small one has the slot.
            let mut answers = (0..1_000).map(|_| client.post(BATCH, &format!("[{items}]")).status).enumerate();
            let (before, status) = answers.find(|(_, status)| *status != 503).unwrap();
            refused.store(before, Ordering::Relaxed);
            assert_eq!(status, 200);
        });
        let mut shed = None;
        while !done.load(Ordering::Relaxed) && shed.is_none() {
            let answer = client.post(BATCH, &format!("[{envelope}]"));
            if answer.status != 200 {
                shed = Some(answer);
                assert_eq!(client.post(VERIFY, &envelope).body, "true");
            }
        }
        shed
    });
    let shed = shed.expect("a batch beside another one was refused");
    assert_eq!(shed.problem(), (503, "Overloaded".to_owned()));
    assert_eq!((shed.header("retry-after"), &shed.json()["retry_after_ms"]), ("2", &1_500.into()));
    assert_eq!(client.post(BATCH, &format!("[{envelope}]")).status, 200, "the slot came back");
    let refused = refused.into_inner() + 1;
    assert!(client.get("/metrics").body.contains(&format!("reason=\"Overloaded\"}} {refused}\n")));
}

/// Slots are for work: who sends a body slowly, or never, holds none of them.
#[test]
fn bodies_that_never_come_cost_no_slot_of_verification() {
    let process = Process::start(
        tempfile::tempdir().unwrap(),
        "server.bind = '127.0.0.1:0'\nserver.admin_bind = '127.0.0.1:0'",
        &[("PASSPORT_VERIFY_CONCURRENCY", "1")],
    );
    let client = process.client();
    let envelope = client.post(ISSUE, "{}").body;
    let head =
        "POST /v1/passport/verify HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
    let _slow: Vec<_> = (0..8)
        .map(|_| {
            let mut stream = client.connect();
            std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
            stream
        })
        .collect();
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert_eq!(client.post(VERIFY, &envelope).body, "true");
}
