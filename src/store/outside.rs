//! A connection of its own, outside the writer and the readers: for work that cannot stand in a transaction of theirs, as a vacuum, a
//! checkpoint or an integrity check. It can be interrupted from another thread.

use super::backend::Backend;
use super::holders::{Role, Seat};
use super::{Address, Bulk, Conn, Engine, Error, Result, Row, Val, ValRef};

/// A connection whose statements each stand alone. On PostgreSQL it must be used on a thread of no async runtime: see [`aside`].
pub struct Outside {
    backend: Backend,
    seat: Option<Seat>,
}

/// Ends the statement that runs on a connection, from any thread.
pub struct Stopper(Inner);

enum Inner {
    Sqlite(rusqlite::InterruptHandle),
    Postgres(postgres::CancelToken),
}

impl Outside {
    /// Connect to a database that is there. Nothing is created and nothing is migrated.
    ///
    /// # Errors
    /// [`Error::Open`] when there is none, and the engine's refusals.
    pub fn open(address: &Address, read_only: bool) -> Result<Self> {
        if let Address::Sqlite(path) = address
            && !path.exists()
            && !super::restoring(path).exists()
        {
            let reason = "there is no such file yet; `quarterdeck db migrate` makes it".to_owned();
            return Err(Error::Open { place: address.masked(), reason });
        }
        let backend = Backend::open(address, read_only)?;
        Ok(Self { backend, seat: Seat::take(address, 1) })
    }

    /// The open database, whose statements commit by themselves.
    pub fn conn(&mut self) -> &mut dyn Conn {
        self.backend.conn()
    }

    /// Run a statement without parameters or answers, known to others as work of this kind.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn batch(&mut self, role: Role, sql: &str) -> Result<()> {
        self.marked(role, |backend| backend.batch(sql))
    }

    /// Run a statement that answers rows, known to others as work of this kind.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn rows(&mut self, role: Role, sql: &str) -> Result<Vec<Row>> {
        self.marked(role, |backend| backend.query(sql, &[]))
    }

    fn marked<T>(&mut self, role: Role, work: impl FnOnce(&mut Backend) -> Result<T>) -> Result<T> {
        if let Some(seat) = &self.seat {
            seat.marks().begins(0, role);
        }
        let done = work(&mut self.backend);
        if let Some(seat) = &self.seat {
            seat.marks().ends(0);
        }
        done
    }

    /// The schema's version; 0 for an empty database.
    ///
    /// # Errors
    /// [`Error::ForeignMigration`] where an applied migration is not the one of this program, [`Error::NewerSchema`] where there are more.
    pub fn schema_version(&mut self) -> Result<i64> {
        super::migrate::version(&mut self.backend)
    }

    /// What ends a statement of this connection.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper(match &self.backend {
            Backend::Sqlite(conn) => Inner::Sqlite(conn.connection.get_interrupt_handle()),
            Backend::Postgres(conn) => Inner::Postgres(conn.client.cancel_token()),
        })
    }
}

impl Stopper {
    /// End it. Nothing happens when none runs; a failure to reach the server leaves it running.
    pub fn stop(&self) {
        match &self.0 {
            Inner::Sqlite(handle) => handle.interrupt(),
            Inner::Postgres(token) => {
                if let Err(error) = token.cancel_query(postgres::NoTls) {
                    tracing::debug!(%error, "the running statement could not be ended");
                }
            }
        }
    }
}

impl Conn for Outside {
    fn engine(&self) -> Engine {
        self.backend.engine()
    }

    fn query(&mut self, sql: &str, params: &[Val]) -> Result<Vec<Row>> {
        self.backend.query(sql, params)
    }

    fn exec(&mut self, sql: &str, params: &[Val]) -> Result<u64> {
        self.backend.exec(sql, params)
    }

    fn insert(&mut self, bulk: &Bulk, cells: &[ValRef<'_>]) -> Result<Vec<usize>> {
        self.backend.insert(bulk, cells)
    }
}

/// Do work on a thread of its own and wait for it: the server's client must not be driven from a thread of an async runtime.
///
/// # Errors
/// [`Error::Closed`] when the work panicked, and what it returns.
pub fn aside<T: Send, E: From<Error> + Send>(work: impl FnOnce() -> Result<T, E> + Send) -> Result<T, E> {
    std::thread::scope(|scope| scope.spawn(work).join()).unwrap_or_else(|_| Err(Error::Closed.into()))
}

/// The schema that the migrations of this program make in an empty SQLite file: kind, name and text of everything in it, by kind and name.
///
/// # Errors
/// When the engine refuses.
pub fn expected_schema() -> Result<Vec<(String, String, String)>> {
    let mut backend = Backend::Sqlite(Box::new(super::sqlite::in_memory()?));
    super::migrate::migrate_to(&mut backend, super::migrate::newest(), 0)?;
    schema(&mut backend)
}

/// What stands in the schema of an SQLite database: kind, name and text, by kind and name. Statistics of the planner are no part of it.
///
/// # Errors
/// When the engine refuses.
pub fn schema(c: &mut dyn Conn) -> Result<Vec<(String, String, String)>> {
    let sql = "SELECT type, name, coalesce(sql, '') AS text FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name";
    c.query(sql, &[])?.iter().map(|row| Ok((row.text("type")?, row.text("name")?, row.text("text")?))).collect()
}
