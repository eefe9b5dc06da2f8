//! The database: two engines behind one [`Conn`].
//!
//! Each operation is written once, as one SQL text with `$n` placeholders in the part of SQL that SQLite and PostgreSQL share, in a plain
//! function `fn op(c: &mut dyn Conn, …)` of the service that owns the table. This room opens the database, migrates it, runs
//! transactions, and appends the audit rows and change-feed rows that belong to a transition. It knows no table of a service.

mod address;
pub mod audit;
mod backend;
mod changes;
mod conn;
mod database;
mod error;
pub mod feed;
mod gate;
pub mod holders;
mod migrate;
pub mod outside;
mod postgres;
pub mod pulse;
mod server_clock;
pub mod slow;
mod sqlite;
mod status;
#[doc(hidden)]
pub mod testing;

pub use address::Address;
pub use conn::{Bulk, Conn, Engine, Row, Sql, Val, ValRef};
pub use database::Database;
pub use error::{Error, Result};
pub use gate::sqlite_version;
pub use migrate::{MIGRATIONS, Migration, newest as newest_version};
pub(crate) use postgres::client as postgres_client;
pub use server_clock::server_time;
pub(crate) use sqlite::{restoring, wait_for_lock};
pub use status::{Status, TableRows, migrate, status};
