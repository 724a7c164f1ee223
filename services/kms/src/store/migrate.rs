//! Changes of the schema, by number: a store remembers which it has had.

/// A step, as each database spells it.
pub(super) struct Migration {
    pub(super) sqlite: &'static str,
    pub(super) postgres: &'static str,
}

/// All steps there are; the first has number 1. What was once released is never edited: a new step follows.
pub(super) const MIGRATIONS: &[Migration] = &[Migration {
    sqlite: include_str!("../../migrations/sqlite/0001.sql"),
    postgres: include_str!("../../migrations/postgres/0001.sql"),
}];

pub(super) const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS kms_schema (number BIGINT PRIMARY KEY, applied_at TEXT DEFAULT CURRENT_TIMESTAMP)";
pub(super) const DONE: &str = "SELECT COALESCE(MAX(number), 0) FROM kms_schema";
pub(super) const RECORD: &str = "INSERT INTO kms_schema (number) VALUES ($1)";

/// Number of the last step of a list.
pub(super) fn last(migrations: &[Migration]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

/// The steps of a list that follow the one of this number, with their own.
pub(super) fn after(migrations: &[Migration], done: i64) -> impl Iterator<Item = (i64, &Migration)> {
    (1..).zip(migrations).filter(move |(number, _)| *number > done)
}
