//! What is planted is found.

use std::fs;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use rusqlite::Connection;

use crate::postgres;
use crate::server::Server;
use crate::subjects::{ADDRESS, Look, Marks, PEER, Room, hex, mark};

#[test]
fn a_mark_is_found_in_every_spelling_and_nothing_else_is() {
    let mut marks = Marks::new();
    marks.learn("a signature", &[0xf7; 64]);
    let word = mark("subject");
    for before in 0..4 {
        let text = format!("{}{{\"sub\":\"{word}\"}}", "x".repeat(before));
        let once = [BASE64_STANDARD.encode(&text), BASE64_URL_SAFE_NO_PAD.encode(text.to_uppercase())];
        for once in &once {
            assert_eq!(marks.found_in(once.as_bytes()).len(), 1, "{once}");
            for twice in [BASE64_STANDARD.encode(format!("{{\"m\":\"{once}\"}}")), BASE64_URL_SAFE_NO_PAD.encode(once)]
            {
                assert_eq!(marks.found_in(twice.as_bytes()).len(), 1, "{twice}");
            }
        }
    }
    let listed = format!("{:?}", word.as_bytes());
    for text in [word.clone(), word.to_uppercase(), hex(word.as_bytes()), hex(word.as_bytes()).to_uppercase(), listed] {
        assert_eq!(marks.found_in(format!("\u{0}ä{text}\n").as_bytes()).len(), 1, "{text}");
    }
    for text in [ADDRESS.to_string(), PEER.to_string(), hex(&[0xf7; 64]), BASE64_STANDARD.encode([0xf7; 64])] {
        assert_eq!(marks.found_in(text.as_bytes()).len(), 1, "{text}");
    }
    assert_eq!(marks.found_in(&ADDRESS.octets()).len(), 1);
    let core = &word.as_bytes()[..12];
    for other in ["", "zq", &word[1..12], &"zq7xk3vw9hm".repeat(100), "127.0.0.1", "eHg=", &hex(&core[1..])] {
        assert_eq!(marks.found_in(other.as_bytes()), [""; 0], "{other}");
    }
}

#[test]
fn a_mark_is_found_in_any_file_and_in_a_log_that_is_not_in_its_database_yet() {
    let (room, marks) = (Room::new("planted-"), Marks::new());
    let found = || room.look(&marks).traces;
    fs::create_dir_all(room.path("home/deep/er")).unwrap();
    let file = room.path("home/deep/er/file");
    fs::write(&file, BASE64_STANDARD.encode(format!("a{}", mark("subject")))).unwrap();
    assert!(matches!(&*found(), [one] if one.starts_with(&*file.to_string_lossy())), "{:?}", found());
    fs::remove_file(&file).unwrap();
    assert_eq!(found(), [""; 0]);
    let path = room.path("work/a.db");
    let database = Connection::open(&path).unwrap();
    database.pragma_update(None, "journal_mode", "WAL").unwrap();
    database.execute_batch("CREATE TABLE \"a b\" (id INTEGER, text TEXT, bytes BLOB)").unwrap();
    assert_eq!((found(), room.look(&marks).rows), (Vec::new(), 0));
    database.execute("INSERT INTO \"a b\" VALUES (1, 'x', ?1)", [mark("subject").as_bytes()]).unwrap();
    let places = |places: [String; 2]| {
        let (found, rows) = (found(), room.look(&marks).rows);
        assert!(found.len() == 2 && rows == 1, "{found:?}");
        assert!(places.iter().all(|place| found.iter().any(|it| it.starts_with(&format!("{place}: ")))), "{found:?}");
    };
    let (file, column) = (path.display().to_string(), format!("{}: a b, column 2", path.display()));
    places([format!("{file}-wal"), column.clone()]);
    drop(database);
    places([file, column]);
}

/// A value that is too long for its page goes on in another one.
#[test]
fn a_mark_that_is_nowhere_in_a_database_as_a_whole_is_found_in_its_table() {
    let (room, marks) = (Room::new("planted-"), Marks::new());
    let begins: Vec<usize> = (860..924).step_by(8).collect();
    for begin in &begins {
        let database = Connection::open(room.path(&format!("work/{begin}"))).unwrap();
        database.execute_batch("CREATE TABLE t (text TEXT)").unwrap();
        let text = format!("{:x<begin$}{}{:x<3000}", "", mark("subject"), "");
        database.execute("INSERT INTO t VALUES (?1)", [format!("{text:x<5000}")]).unwrap();
    }
    let look = room.look(&marks);
    let in_tables = look.traces.iter().filter(|trace| trace.contains(": t, column 0: ")).count();
    assert_eq!(in_tables, begins.len(), "{:#?}", look.traces);
    assert!(look.traces.len() < 2 * in_tables, "none of them was cut: {:#?}", look.traces);
}

#[test]
fn a_mark_is_found_in_tables_of_postgres_and_in_its_files() {
    let (room, marks) = (Room::new("planted-"), Marks::new());
    let Some(server) = Server::start_in(&room.path("s"), "marks in Postgres") else { return };
    let found = || {
        let mut look = Look::default();
        postgres::look_at_tables(&server.url, &marks, &mut look);
        (look.traces.len(), look.rows)
    };
    assert_eq!(found(), (0, 0));
    let word = hex(mark("subject").as_bytes());
    let sql = format!("CREATE SCHEMA s; CREATE TABLE s.t (b bytea); INSERT INTO s.t VALUES (decode('{word}', 'hex'))");
    postgres::execute(&server.url, &sql);
    assert_eq!(found(), (1, 1));
    server.stop("fast");
    let traces = room.look(&marks).traces;
    for place in ["s/data/base/", "s/data/pg_wal/"] {
        let place = room.path(place).display().to_string();
        assert!(traces.iter().any(|trace| trace.starts_with(&place)), "{place}: {traces:#?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_elsewhere_that_is_written_is_seen() {
    let room = Room::new("planted-");
    let here = std::process::id();
    let elsewhere = tempfile::tempdir().unwrap();
    let (one, other) = (elsewhere.path().join("one"), elsewhere.path().join("other"));
    fs::write(&other, "").unwrap();
    let _inside = fs::File::create(room.path("work/inside")).unwrap();
    let _read = fs::File::open(&other).unwrap();
    let is_seen = |path: &std::path::PathBuf| room.written_elsewhere(here).contains(path);
    let written = fs::File::create(&one).unwrap();
    assert_eq!((is_seen(&one), is_seen(&other), is_seen(&room.path("work/inside"))), (true, false, false));
    drop(written);
    assert!(!is_seen(&one));
}
