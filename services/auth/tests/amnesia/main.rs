//! In amnesia mode nothing about subjects is written anywhere: svc-passport and svc-auth as processes of their own, on
//! SQLite and on Postgres. Both in one process: the tests of `ron-services`.
#![allow(unreachable_pub, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at a surprise")]

#[path = "../common/mod.rs"]
mod common;
mod planted;
mod postgres;
#[path = "../../../kms/tests/kms/server.rs"]
mod server;
mod subjects;

use std::path::Path;

// Where subjects look for them.
use common::{PORTS, Process, auth_command, envelopes, eventually, http, passport_command};
use server::Server;
use subjects::{Room, Subjects, auth_settings, passport_settings};

/// Both services, with room of their own to write in.
struct Plane {
    passport: Process,
    auth: Process,
    subjects: Subjects,
    room: Room,
}

impl Plane {
    /// With keys in this store, and envelopes verified as svc-auth is told by these lines of TOML.
    fn start(room: Room, store: &str, verify: &str) -> Self {
        let policy = room.path("policy.toml");
        std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("../up/demo/policy.toml"), &policy).unwrap();
        let common = format!(
            "{PORTS}\nlog = {{ level = 'trace', format = 'text' }}\nkeys.store = {store}\n\
             keys.master_key = {{ file_or_new = '{}' }}\n",
            room.path("master.key").display()
        );
        let toml = format!("security.amnesia = true\n{common}{}", passport_settings(&room));
        let mut command = passport_command(&toml);
        room.confine(&mut command);
        let passport = Process::started(command, room.path("passport.log"));
        let toml = format!(
            "{common}policy.path = '{}'\nverify.passport_base = '{}'\ntokens.tenant = 'demo'\n{verify}\n{}",
            policy.display(),
            passport.base(),
            auth_settings(&room),
        );
        let mut command = auth_command(&toml);
        room.confine(&mut command);
        let auth = Process::started(command, room.path("auth.log"));
        eventually("it is ready", || auth.public.get("/readyz").status == 200);
        let clients = [&passport, &auth].map(|service| [service.public.clone(), service.admin.clone().unwrap()]);
        Self { passport, auth, subjects: Subjects::new(clients), room }
    }

    /// Each request is in the log, which tells all that can be told.
    fn has_logged_all(&self) {
        let lines = || [&self.passport, &self.auth].map(|service| service.log().matches("elapsed_us=").count());
        eventually("all is logged", || lines().iter().sum::<usize>() >= self.subjects.answers);
        // One of them may have been killed.
        let alive = [&self.passport, &self.auth].into_iter().filter(|service| service.public.try_connect().is_ok());
        for service in alive {
            assert_eq!(self.room.written_elsewhere(service.child.id()), [""; 0].map(std::path::PathBuf::from));
            let metrics = service.public.get("/metrics").body;
            assert!(metrics.contains("log_lines_dropped_total 0"), "{metrics}");
        }
    }

    /// What there is, with no mark in it.
    fn look(&self) -> subjects::Look {
        let look = self.room.look(&self.subjects.marks);
        assert!(look.traces.is_empty(), "{:#?}", look.traces);
        look
    }
}

#[test]
fn nothing_about_subjects_is_written_with_svc_passport_here_or_away() {
    let room = Room::new("amnesia-");
    let store = format!("{{ sqlite = {{ path = '{}' }} }}", room.path("keys.db").display());
    let mut plane = Plane::start(room, &store, "");
    plane.subjects.ask_everything();
    let unseen = plane.subjects.unseen();
    plane.has_logged_all();
    assert!(plane.look().rows > 4);
    plane.passport.kill();
    plane.subjects.ask_in_vain(&unseen);
    plane.has_logged_all();
    plane.auth.kill();
    let look = plane.look();
    assert!(look.files.contains(&plane.room.path("keys.db-wal")) && look.rows > 4, "{look:?}");
}

#[test]
fn nothing_about_subjects_is_written_to_postgres() {
    let room = Room::new("amnesia-");
    let Some(server) = Server::start_in(&room.path("s"), "amnesia with Postgres") else { return };
    let store = format!("{{ postgres = {{ url = \"{}\" }} }}", server.url);
    let here = "verify.delegate_to_passport = false\nverify.key_source = 'kms'";
    let mut plane = Plane::start(room, &store, here);
    plane.subjects.ask_everything();
    plane.has_logged_all();
    let mut look = plane.look();
    postgres::look_at_tables(&server.url, &plane.subjects.marks, &mut look);
    assert!(look.traces.is_empty(), "{:#?}", look.traces);
    assert!(look.rows > 4, "{look:?}");
    for service in [&mut plane.auth, &mut plane.passport] {
        service.signal("TERM");
        service.exit();
    }
    // With all that it keeps in memory.
    server.stop("fast");
    let look = plane.look();
    assert!(look.files.iter().any(|file| file.starts_with(plane.room.path("s/data/base"))), "{look:?}");
}
