mod address;
mod rows;
mod tls;

pub(crate) use address::is_in_the_clear;

use std::error::Error as _;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, Notify};
use tokio::time::timeout;
use tokio_postgres::config::Host;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{AsyncMessage, Client, Config, Error, NoTls, Socket};

use super::migrate::{self, MIGRATIONS};
use super::{Loaded, Meta, Reply, Store, Write, sql};
use crate::config::PostgresConfig;
use crate::{KmsError, StoreError};
use rows::meta;
use tls::Tls;

/// How long anything may take that is asked of the server, connecting included.
const PATIENCE: Duration = Duration::from_secs(5);
/// And how much longer a change may take for each row of it: sealing anew writes all there are.
const PER_ROW: Duration = Duration::from_millis(2);
/// For what a session is set up with: an answer to a commit means that it is on disk, whatever the server's own
/// settings; and the server does not go on for longer than anybody waits.
const SESSION: &str = "SET synchronous_commit = on; SET statement_timeout = '5s'; SET lock_timeout = '5s'; \
    LISTEN ron_kms";
/// Processes that start at the same time make the tables one after the other. The number is "ron-kms" in ASCII.
const MIGRATION_LOCK: &str = "SELECT pg_advisory_xact_lock(32210666344115571)";

/// Rows in a Postgres server, over one connection, which is made anew when it was lost.
pub(crate) struct PostgresStore {
    config: Config,
    /// `None`: there is no TLS. With it there is nothing else.
    tls: Option<Tls>,
    place: String,
    client: Mutex<Option<Client>>,
    /// Woken when the server says that somebody wrote, and when the connection is lost.
    news: Arc<Notify>,
    poll: Duration,
}

/// What was asked of a server and came to nothing.
enum Failure {
    Server(Error),
    Corrupt(String),
    TooNew(i64),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Server(error)
    }
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

impl PostgresStore {
    pub(crate) fn new(config: &PostgresConfig, poll: Duration) -> Result<Self, KmsError> {
        let mut address = address::of(config)?;
        let tls = Tls::new(config)?;
        if address.get_application_name().is_none() {
            address.application_name("ron-kms");
        }
        address.connect_timeout(PATIENCE);
        let host = match address.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            #[cfg(unix)]
            Some(Host::Unix(path)) => path.display().to_string(),
            None => return Err(KmsError::Config("store.postgres.url names no host".to_owned())),
        };
        let place = format!("postgres {} at {host}", address.get_dbname().or(address.get_user()).unwrap_or_default());
        Ok(Self { config: address, tls, place, client: Mutex::new(None), news: Arc::default(), poll })
    }

    /// Asks the server for something, over a new connection if there is none. One that failed is given up: what state
    /// it is in, nobody knows.
    async fn ask<T>(
        &self,
        rows: usize,
        question: impl for<'c> FnOnce(&'c mut Client) -> Answer<'c, T>,
    ) -> Result<T, StoreError> {
        let mut place = self.client.lock().await;
        // Taken out, so that it is given up as well where whoever asks goes away before the answer.
        let mut client = match place.take().filter(|client| !client.is_closed()) {
            Some(client) => client,
            None => self.patiently(PATIENCE, self.connect()).await?,
        };
        let patience = PATIENCE + PER_ROW * u32::try_from(rows).unwrap_or(u32::MAX);
        let answer = self.patiently(patience, question(&mut client)).await?;
        *place = Some(client);
        Ok(answer)
    }

    async fn patiently<T>(
        &self,
        patience: Duration,
        asked: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, StoreError> {
        match timeout(patience, asked).await {
            Ok(answer) => answer.map_err(|failure| self.error(failure)),
            Err(_) => Err(self.unavailable(format!("no answer within {} s", patience.as_secs()))),
        }
    }

    async fn connect(&self) -> Result<Client, Failure> {
        let client = match &self.tls {
            Some(tls) => self.connect_over(tls.connector()).await?,
            None => self.connect_over(NoTls).await?,
        };
        client.batch_execute(SESSION).await?;
        Ok(client)
    }

    async fn connect_over<T>(&self, tls: T) -> Result<Client, Failure>
    where
        T: MakeTlsConnect<Socket, Stream: Send + 'static, TlsConnect: TlsConnect<Socket, Future: Send> + Send> + Send,
    {
        let (client, mut connection) = self.config.connect(tls).await?;
        let news = self.news.clone();
        // Ends when the client is dropped or the server goes away.
        tokio::spawn(async move {
            loop {
                match poll_fn(|cx| connection.poll_message(cx)).await {
                    Some(Ok(AsyncMessage::Notification(_))) => news.notify_one(),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => break news.notify_one(),
                }
            }
        });
        Ok(client)
    }

    fn unavailable(&self, reason: String) -> StoreError {
        StoreError::Unavailable { place: self.place.clone(), reason }
    }

    fn error(&self, failure: Failure) -> StoreError {
        let place = self.place.clone();
        let error = match failure {
            Failure::Server(error) => error,
            Failure::Corrupt(reason) => return StoreError::Corrupt { place, reason },
            Failure::TooNew(found) => return StoreError::TooNew { place, found, known: migrate::last(MIGRATIONS) },
        };
        let said = || error.source().map_or_else(|| error.to_string(), ToString::to_string);
        let reason = self.tls.as_ref().and_then(|tls| tls.reason(&error)).unwrap_or_else(said);
        // What a server says may have a detail and a hint, each on a line of its own.
        let reason = reason.replace('\n', "; ");
        let Some(state) = error.code() else { return self.unavailable(reason) };
        if [SqlState::DISK_FULL, SqlState::OUT_OF_MEMORY].contains(state) {
            StoreError::Full { place }
        } else if *state == SqlState::READ_ONLY_SQL_TRANSACTION {
            StoreError::ReadOnly { place }
        } else if [SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_SERIALIZATION_FAILURE].contains(state) {
            StoreError::Locked { place }
        } else if ["57", "08", "53", "28"].iter().any(|class| state.code().starts_with(class)) {
            // Shutting down or starting up, connection, resources, authentication.
            self.unavailable(reason)
        } else {
            StoreError::Other { place, reason }
        }
    }
}

impl Store for PostgresStore {
    fn place(&self) -> String {
        self.place.clone()
    }

    fn prepare<'a>(&'a self, fresh: &'a Meta) -> Reply<'a, Meta> {
        let fresh = fresh.clone();
        Box::pin(self.ask(0, move |client| Box::pin(prepare(client, fresh))))
    }

    fn load(&self, after: i64) -> Reply<'_, Option<Loaded>> {
        Box::pin(self.ask(0, move |client| Box::pin(rows::load(client, after))))
    }

    fn write<'a>(&'a self, after: i64, write: &'a Write) -> Reply<'a, Option<i64>> {
        let write = write.clone();
        Box::pin(self.ask(write.versions.len(), move |client| Box::pin(rows::put(client, after, write))))
    }

    fn wait(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            // Whichever comes first.
            let _ = timeout(self.poll, self.news.notified()).await;
        })
    }
}

async fn prepare(client: &mut Client, fresh: Meta) -> Result<Meta, Failure> {
    let known = migrate::last(MIGRATIONS);
    // Asked first, so that a user who may not make tables can open a store that has them.
    let has_any: bool = client.query_one("SELECT to_regclass('kms_schema') IS NOT NULL", &[]).await?.try_get(0)?;
    let mut found: i64 = if has_any { client.query_one(migrate::DONE, &[]).await?.try_get(0)? } else { 0 };
    if found < known {
        let transaction = client.transaction().await?;
        transaction.batch_execute(MIGRATION_LOCK).await?;
        transaction.batch_execute(migrate::TABLE).await?;
        // Once more: another process may have been faster.
        found = transaction.query_one(migrate::DONE, &[]).await?.try_get(0)?;
        for (number, migration) in migrate::after(MIGRATIONS, found) {
            transaction.batch_execute(migration.postgres).await?;
            transaction.execute(migrate::RECORD, &[&number]).await?;
        }
        transaction.commit().await?;
    }
    if found > known {
        return Err(Failure::TooNew(found));
    }
    if let Some(row) = client.query_opt(sql::META, &[]).await? {
        return meta(&row);
    }
    client.execute(sql::INIT, &[&fresh.store_id, &fresh.canary]).await?;
    meta(&client.query_one(sql::META, &[]).await?)
}
