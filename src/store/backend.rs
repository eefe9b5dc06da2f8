//! A connection of either engine, with the transactions that give both the same meaning.

use super::postgres::PostgresConn;
use super::sqlite::SqliteConn;
use super::{Address, Bulk, Conn, Engine, Error, Result, Row, Sql, Val, ValRef};
use crate::vals;

/// One open connection.
pub(super) enum Backend {
    Sqlite(Box<SqliteConn>),
    Postgres(Box<PostgresConn>),
}

const HAS_TABLE: Sql = Sql {
    sqlite: "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = $1",
    postgres: "SELECT CAST(table_name AS TEXT) AS name FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = $1",
};

impl Backend {
    /// Connect to `address`. A connection for reading refuses writes.
    pub(super) fn open(address: &Address, read_only: bool) -> Result<Self> {
        match address {
            Address::Sqlite(path) => super::sqlite::open(path, read_only).map(|conn| Self::Sqlite(Box::new(conn))),
            Address::Postgres(url) => super::postgres::connect(url, &address.masked()).map(|conn| Self::Postgres(Box::new(conn))),
        }
    }

    /// Whether the connection can still be used. A lost server connection is opened anew for the next transaction.
    pub(super) fn is_alive(&self) -> bool {
        match self {
            Self::Sqlite(_) => true,
            Self::Postgres(conn) => !conn.client.is_closed(),
        }
    }

    pub(super) fn conn(&mut self) -> &mut dyn Conn {
        match self {
            Self::Sqlite(conn) => conn.as_mut(),
            Self::Postgres(conn) => conn.as_mut(),
        }
    }

    pub(super) fn batch(&mut self, sql: &str) -> Result<()> {
        match self {
            Self::Sqlite(conn) => conn.batch(sql),
            Self::Postgres(conn) => conn.batch(sql),
        }
    }

    pub(super) fn has_table(&mut self, name: &str) -> Result<bool> {
        let sql = HAS_TABLE.on(self.engine());
        Ok(self.first(sql, vals![name])?.is_some())
    }

    /// Begin a write transaction: alone on SQLite by BEGIN IMMEDIATE, alone on PostgreSQL by a row lock taken first.
    pub(super) fn begin_write(&mut self) -> Result<()> {
        match self {
            Self::Sqlite(conn) => conn.batch("BEGIN IMMEDIATE"),
            Self::Postgres(conn) => conn.batch(
                "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '5s'; SELECT id FROM writer_lock WHERE id = 1 FOR UPDATE",
            ),
        }
    }

    /// Begin a transaction that sees one state of the database.
    pub(super) fn begin_read(&mut self) -> Result<()> {
        match self {
            Self::Sqlite(conn) => conn.batch("BEGIN DEFERRED"),
            Self::Postgres(conn) => conn.batch("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"),
        }
    }

    /// Commit. An error here leaves the outcome unknown.
    pub(super) fn commit(&mut self) -> Result<()> {
        let unknown = |error: Error| Error::CommitUnknown { reason: error.to_string() };
        let done = self.batch("COMMIT").map_err(unknown);
        if done.is_err() {
            self.rollback();
        }
        done
    }

    /// Roll back. Failing to is no news: the connection is then closed or has already rolled back by itself.
    pub(super) fn rollback(&mut self) {
        if let Err(error) = self.batch("ROLLBACK") {
            tracing::debug!(%error, "rollback");
        }
    }

    /// Run `work` in a transaction that no other process shares, before the schema (and its lock row) exists.
    pub(super) fn begin_exclusive<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        match self {
            Self::Sqlite(conn) => conn.batch("BEGIN IMMEDIATE")?,
            // Two consoles that both find an empty server must not create it twice.
            Self::Postgres(conn) => conn.batch("BEGIN; SELECT pg_advisory_xact_lock(5944366)")?,
        }
        match work(self) {
            Ok(value) => self.commit().map(|()| value),
            Err(error) => {
                self.rollback();
                Err(error)
            }
        }
    }
}

impl Conn for Backend {
    fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    fn query(&mut self, sql: &str, params: &[Val]) -> Result<Vec<Row>> {
        self.conn().query(sql, params)
    }

    fn exec(&mut self, sql: &str, params: &[Val]) -> Result<u64> {
        self.conn().exec(sql, params)
    }

    fn insert(&mut self, bulk: &Bulk, cells: &[ValRef<'_>]) -> Result<Vec<usize>> {
        self.conn().insert(bulk, cells)
    }
}
