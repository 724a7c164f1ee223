use tokio_postgres::{Client, Error, IsolationLevel, Row, Transaction};

use super::Failure;
use crate::store::sql::{self, RawKey, RawVersion};
use crate::store::{Loaded, Meta, Write};

/// Whoever listens is told once the change is there.
const NOTIFY: &str = "SELECT pg_notify('ron_kms', '')";

pub(super) async fn load(client: &mut Client, after: i64) -> Result<Option<Loaded>, Failure> {
    let change: i64 = client.query_one(sql::CHANGE, &[]).await?.try_get(0)?;
    if change == after {
        return Ok(None);
    }
    let whole_view = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
    let transaction = whole_view.start().await?;
    let meta = meta(&transaction.query_one(sql::META, &[]).await?)?;
    let is_whole = after == 0 || meta.change < after;
    let from = if is_whole { 0 } else { after };
    let mut keys = Vec::new();
    for row in transaction.query(sql::KEYS, &[&from]).await? {
        keys.push(raw_key(&row)?.read().map_err(Failure::Corrupt)?);
    }
    let mut versions = Vec::new();
    for row in transaction.query(sql::VERSIONS, &[&from]).await? {
        versions.push(raw_version(&row)?.read().map_err(Failure::Corrupt)?);
    }
    transaction.commit().await?;
    Ok(Some(Loaded { meta, is_whole, keys, versions }))
}

pub(super) async fn put(client: &mut Client, after: i64, write: Write) -> Result<Option<i64>, Failure> {
    // Whatever the server's default: a change waits for the one before it, and then sees it.
    let transaction = client.build_transaction().isolation_level(IsolationLevel::ReadCommitted).start().await?;
    if transaction.execute(sql::ADVANCE, &[&after]).await? == 0 {
        return Ok(None);
    }
    put_rows(&transaction, after + 1, &write).await?;
    transaction.batch_execute(NOTIFY).await?;
    transaction.commit().await?;
    Ok(Some(after + 1))
}

async fn put_rows(transaction: &Transaction<'_>, change: i64, write: &Write) -> Result<(), Error> {
    if let Some(canary) = &write.canary {
        transaction.execute(sql::CANARY, &[canary]).await?;
    }
    if !write.keys.is_empty() {
        let statement = transaction.prepare(sql::PUT_KEY).await?;
        for row in &write.keys {
            let (key, kind) = (&row.key, row.key.kind().as_str());
            let (tenant, name) = (key.tenant(), key.name());
            transaction.execute(&statement, &[&kind, &tenant, &name, &row.scheme, &row.created_ms, &change]).await?;
        }
    }
    let statement = transaction.prepare(sql::PUT_VERSION).await?;
    for row in &write.versions {
        let (key, schedule, version) = (&row.key, &row.schedule, i64::from(row.version));
        let (kind, revoked) = (key.kind().as_str(), i64::from(schedule.revoked));
        let public_key = row.public_key.as_ref().map(|bytes| &bytes[..]);
        transaction
            .execute(
                &statement,
                &[
                    &kind,
                    &key.tenant(),
                    &key.name(),
                    &version,
                    &row.kid,
                    &row.created_ms,
                    &schedule.active_from_ms,
                    &schedule.active_until_ms,
                    &schedule.retired_from_ms,
                    &revoked,
                    &public_key,
                    &row.sealed,
                    &change,
                ],
            )
            .await?;
    }
    Ok(())
}

pub(super) fn meta(row: &Row) -> Result<Meta, Failure> {
    Ok(Meta { store_id: row.try_get(0)?, canary: row.try_get(1)?, change: row.try_get(2)? })
}

fn raw_key(row: &Row) -> Result<RawKey, Error> {
    Ok(RawKey {
        kind: row.try_get(0)?,
        tenant: row.try_get(1)?,
        name: row.try_get(2)?,
        scheme: row.try_get(3)?,
        created_ms: row.try_get(4)?,
    })
}

fn raw_version(row: &Row) -> Result<RawVersion, Error> {
    Ok(RawVersion {
        kind: row.try_get(0)?,
        tenant: row.try_get(1)?,
        name: row.try_get(2)?,
        version: row.try_get(3)?,
        kid: row.try_get(4)?,
        created_ms: row.try_get(5)?,
        times_ms: [row.try_get(6)?, row.try_get(7)?, row.try_get(8)?],
        revoked: row.try_get(9)?,
        public_key: row.try_get(10)?,
        sealed: row.try_get(11)?,
    })
}
