//! The database: two engines behind one [`Conn`].
//!
//! Each operation is written once, as one SQL text with `$n` placeholders in the part of SQL that SQLite and PostgreSQL share, in a plain
//! function `fn op(c: &mut dyn Conn, …)` of the service that owns the table. This room opens the database, migrates it, runs
//! transactions, and appends the audit rows and change-feed rows that belong to a transition. It knows no table of a service.

mod conn;
mod error;

pub use conn::{Conn, Engine, Row, Sql, Val};
pub use error::{Error, Result};
