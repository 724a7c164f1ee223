use tokio_postgres::{Client, NoTls};

use crate::subjects::{Look, Marks};

/// Looks for marks in each row of each table that is not Postgres' own.
pub fn look_at_tables(url: &str, marks: &Marks, look: &mut Look) {
    connected(url, async |client| {
        let tables = "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables \
                      WHERE schemaname NOT IN ('pg_catalog', 'information_schema')";
        for table in client.query(tables, &[]).await.unwrap() {
            let table: String = table.get(0);
            // Bytes are hexadecimal digits in that.
            for row in client.query(&format!("SELECT t::text FROM {table} t"), &[]).await.unwrap() {
                look.note(marks, &table, row.get::<_, String>(0).as_bytes());
                look.rows += 1;
            }
        }
    });
}

pub fn execute(url: &str, sql: &str) {
    connected(url, async |client| client.batch_execute(sql).await.unwrap());
}

fn connected(url: &str, work: impl AsyncFnOnce(Client)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        work(client).await;
        connection.abort();
    });
}
