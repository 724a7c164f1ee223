//! In amnesia mode nothing about subjects is written anywhere, however it ends.

use std::fs::{self, File};
use std::path::PathBuf;

use crate::process::{Up, eventually, program};
use crate::subjects::{Marks, Room, Subjects, auth_settings, passport_settings};

/// What both are asked and how it ends; what it has left behind is looked at while it runs and afterwards.
fn asked_everything(room: &Room, signal: &str, code: Option<i32>) -> Marks {
    let (log, mut command) = (room.path("log"), program());
    // The folder of its state is that of its user.
    room.confine(&mut command)
        .args(["up", "--dynamic-ports", "--log", "trace"])
        .env("PASSPORT_CONFIG", passport_settings(room))
        .env("RON_AUTH_CONFIG", auth_settings(room))
        .stderr(File::create(&log).unwrap());
    let up = Up::started(command);
    let mut subjects = Subjects::new([[up.passport(), up.passport_admin()], [up.auth(), up.auth_admin()]]);
    subjects.ask_everything();
    let answers = || fs::read_to_string(&log).unwrap().matches("\"elapsed_us\"").count();
    eventually("all is logged", || answers() >= subjects.answers);
    assert!(up.passport().get("/metrics").body.contains("log_lines_dropped_total 0"));
    assert_eq!(room.written_elsewhere(up.id()), [""; 0].map(PathBuf::from));
    let mut look = room.look(&subjects.marks);
    look.note(&subjects.marks, "standard output", up.printed.as_bytes());
    up.signal(signal);
    let (exit, rest) = up.exit_and_rest();
    assert_eq!(exit, code, "{signal}");
    look.note(&subjects.marks, "standard output", rest.as_bytes());
    assert!(look.traces.is_empty(), "{signal}: {:#?}", look.traces);
    subjects.marks
}

#[test]
fn in_amnesia_mode_nothing_about_subjects_is_in_any_file_table_log_or_metric() {
    let room = Room::new("amnesia-");
    let state = room.path("home/.local/state/ron-services");
    for (signal, code, wal) in [("TERM", Some(0), false), ("KILL", None, true)] {
        let marks = asked_everything(&room, signal, code);
        let look = room.look(&marks);
        assert!(look.traces.is_empty(), "after SIG{signal}: {:#?}", look.traces);
        // What has to be there was looked at.
        let there = |name: &str| look.files.contains(&state.join(name));
        assert_eq!((there("keys.db"), there("keys.db-wal"), look.files.contains(&room.path("log"))), (true, wal, true));
        assert!(look.rows > 4, "{look:?}");
    }
}
