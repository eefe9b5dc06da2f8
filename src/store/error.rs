//! What can go wrong between a service and its database.

/// The result of a database operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A database failure: what failed, on what, and what to do next.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The address is not one of `sqlite:PATH`, a plain path, or `postgres://…`.
    #[error("the database address {address:?} is not understood: {reason}; write sqlite:PATH or postgres://USER@HOST/NAME")]
    Address {
        /// The address, its password masked.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The database could not be opened.
    #[error("cannot open the database {place}: {reason}")]
    Open {
        /// The file or the server, its password masked.
        place: String,
        /// What the engine or the file system said.
        reason: String,
    },
    /// The server does not let the user of the address in.
    #[error("cannot open the database {place}: {reason}")]
    Login {
        /// The server, its password masked.
        place: String,
        /// What the server said.
        reason: String,
    },
    /// A restore of the file was interrupted.
    #[error(
        "a restore of {place} was interrupted: `quarterdeck backup restore --finish` puts the restored deck in its place, `quarterdeck backup restore --take-back` the old one"
    )]
    Restoring {
        /// The file.
        place: String,
    },
    /// Another process holds the write lock for longer than we wait.
    #[error("the database {place} is locked: {holder}")]
    Locked {
        /// The file or the server.
        place: String,
        /// Who holds the lock, since when, and what to do about it.
        holder: String,
    },
    /// The file is not a database, or a damaged one.
    #[error("the database {place} is damaged: {reason}; keep the file, and restore the newest backup")]
    Corrupt {
        /// The file.
        place: String,
        /// What the engine said.
        reason: String,
    },
    /// The schema is newer than this program.
    #[error("the database has schema version {found}, this program knows {known}: use the newer quarterdeck, or roll back with it first")]
    NewerSchema {
        /// Version in the database.
        found: i64,
        /// Newest version this binary knows.
        known: i64,
    },
    /// The schema is older than this program, in a place where it is not migrated by itself.
    #[error("the database has schema version {found}, this program needs {known}: run `quarterdeck db migrate`")]
    OlderSchema {
        /// Version in the database.
        found: i64,
        /// Newest version this binary knows.
        known: i64,
    },
    /// A migration that was applied differs from the one in this binary.
    #[error("migration {version} was applied in another form than this program holds; do not continue, restore or compare versions")]
    ForeignMigration {
        /// The migration's number.
        version: i64,
    },
    /// A statement was refused by the engine.
    #[error("the database refused a statement: {reason} (in: {statement})")]
    Statement {
        /// The engine's message.
        reason: String,
        /// The beginning of the SQL text.
        statement: String,
    },
    /// A uniqueness, foreign-key or check rule said no.
    #[error("the database's rules refuse this: {reason}")]
    Constraint {
        /// The engine's message.
        reason: String,
    },
    /// A column is missing or of another type than the code expects.
    #[error("column {column:?} is not {expected}")]
    Column {
        /// Name of the column.
        column: String,
        /// The type the code asked for.
        expected: &'static str,
    },
    /// COMMIT was answered with an error: the work may or may not be there. Look it up by its key before doing it again.
    #[error("the outcome of a commit is unknown ({reason}); look it up before doing it again")]
    CommitUnknown {
        /// What the engine said.
        reason: String,
    },
    /// The writer or reader thread is gone.
    #[error("the database connection has closed")]
    Closed,
}

impl Error {
    /// What to do next, where the message does not say it.
    #[must_use]
    pub fn next_step(&self) -> Option<&'static str> {
        let Self::Open { reason, .. } = self else { return None };
        let is = |words: &str| reason.contains(words);
        Some(match () {
            // It says so itself.
            () if is("`quarterdeck ") || is("name another") => return None,
            () if is("readonly") || is("unable to open") || is("ermission denied") => {
                "look at owner and mode of the file and of its directory: this user has to be able to write both (`quarterdeck doctor`)"
            }
            () if is("disk is full") || is("No space left") => "make room on that disk, then run it again",
            () if is("did not answer") || is("onnection refused") || is("timed out") => {
                "look whether the server runs and can be reached from here, or name another one with --database"
            }
            () => {
                "look at the address (--database, or `quarterdeck config show`), and whether the file or server is there (`quarterdeck doctor`)"
            }
        })
    }
}

/// An error and its causes as one sentence.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

/// The beginning of a statement, on one line, for an error message.
pub(crate) fn excerpt(sql: &str) -> String {
    excerpt_of(sql, 120)
}

/// So many characters of a statement, on one line.
pub(crate) fn excerpt_of(sql: &str, length: usize) -> String {
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(length) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
