use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params};

use super::Open;
use crate::store::sql::{self, RawKey, RawVersion};
use crate::store::{Loaded, Meta, Write};

/// What came back from the tables.
pub(super) type Raw = (Meta, bool, Vec<RawKey>, Vec<RawVersion>);

pub(super) fn load(open: &mut Open, after: i64) -> rusqlite::Result<Option<Raw>> {
    // Costs no look into the tables while nobody commits.
    let data_version = open.reader.query_row("PRAGMA data_version", [], |row| row.get(0))?;
    if after != 0 && open.seen == Some((data_version, after)) {
        return Ok(None);
    }
    let transaction = open.reader.transaction()?;
    let meta = transaction.query_row(sql::META, [], meta)?;
    open.seen = Some((data_version, meta.change));
    if meta.change == after {
        return Ok(None);
    }
    let is_whole = after == 0 || meta.change < after;
    let from = if is_whole { 0 } else { after };
    let keys = transaction.prepare(sql::KEYS)?.query_map([from], raw_key)?.collect::<Result<_, _>>()?;
    let versions = transaction.prepare(sql::VERSIONS)?.query_map([from], raw_version)?.collect::<Result<_, _>>()?;
    Ok(Some((meta, is_whole, keys, versions)))
}

pub(super) fn read((meta, is_whole, keys, versions): Raw) -> Result<Loaded, String> {
    let keys = keys.into_iter().map(RawKey::read).collect::<Result<_, _>>()?;
    let versions = versions.into_iter().map(RawVersion::read).collect::<Result<_, _>>()?;
    Ok(Loaded { meta, is_whole, keys, versions })
}

pub(super) fn put(writer: &mut Connection, after: i64, write: &Write) -> rusqlite::Result<Option<i64>> {
    let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if transaction.execute(sql::ADVANCE, [after])? == 0 {
        return Ok(None);
    }
    put_rows(&transaction, after + 1, write)?;
    transaction.commit()?;
    Ok(Some(after + 1))
}

fn put_rows(transaction: &Transaction<'_>, change: i64, write: &Write) -> rusqlite::Result<()> {
    if let Some(canary) = &write.canary {
        transaction.execute(sql::CANARY, [canary])?;
    }
    let mut statement = transaction.prepare(sql::PUT_KEY)?;
    for row in &write.keys {
        let key = &row.key;
        statement.execute(params![
            key.kind().as_str(),
            key.tenant(),
            key.name(),
            row.scheme,
            row.created_ms,
            change
        ])?;
    }
    let mut statement = transaction.prepare(sql::PUT_VERSION)?;
    for row in &write.versions {
        let (key, schedule) = (&row.key, &row.schedule);
        statement.execute(params![
            key.kind().as_str(),
            key.tenant(),
            key.name(),
            row.version,
            row.kid,
            row.created_ms,
            schedule.active_from_ms,
            schedule.active_until_ms,
            schedule.retired_from_ms,
            i64::from(schedule.revoked),
            row.public_key,
            row.sealed,
            change
        ])?;
    }
    Ok(())
}

pub(super) fn meta(row: &Row<'_>) -> rusqlite::Result<Meta> {
    Ok(Meta { store_id: row.get(0)?, canary: row.get(1)?, change: row.get(2)? })
}

fn raw_key(row: &Row<'_>) -> rusqlite::Result<RawKey> {
    Ok(RawKey {
        kind: row.get(0)?,
        tenant: row.get(1)?,
        name: row.get(2)?,
        scheme: row.get(3)?,
        created_ms: row.get(4)?,
    })
}

fn raw_version(row: &Row<'_>) -> rusqlite::Result<RawVersion> {
    Ok(RawVersion {
        kind: row.get(0)?,
        tenant: row.get(1)?,
        name: row.get(2)?,
        version: row.get(3)?,
        kid: row.get(4)?,
        created_ms: row.get(5)?,
        times_ms: [row.get(6)?, row.get(7)?, row.get(8)?],
        revoked: row.get(9)?,
        public_key: row.get(10)?,
        sealed: row.get(11)?,
    })
}
