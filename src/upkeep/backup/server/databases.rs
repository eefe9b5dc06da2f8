//! Databases on a server that are made, renamed, swapped and taken away again.

use super::{quoted, refused, with_database};
use crate::store;
use crate::upkeep::backup::{Error, Result};
use postgres::Client;
use std::path::PathBuf;

/// Before the id in the name of a database in which a drill restores.
pub(in crate::upkeep::backup) const DRILL: &str = "quarterdeck_drill_";

/// Refuse a name that a database on the server of `url` has.
pub(in crate::upkeep::backup) fn is_free(url: &str, name: &str) -> Result<()> {
    let mut client = store::postgres_client(url)?;
    let row = client.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&name]).map_err(|error| refused(&error))?;
    if row.is_some() { Err(Error::Exists { path: PathBuf::from(name) }) } else { Ok(()) }
}

/// Give a database that nobody has open another name, which no other one may have.
pub(in crate::upkeep::backup) fn rename(url: &str, from: &str, to: &str) -> Result<()> {
    let mut client = store::postgres_client(url)?;
    client.batch_execute(&format!("ALTER DATABASE {} RENAME TO {}", quoted(from), quoted(to))).map_err(|error| refused(&error))
}

/// Make a new, empty database on the server of `url`.
pub(in crate::upkeep::backup) fn create_database(url: &str, name: &str) -> Result<()> {
    is_free(url, name)?;
    let mut client = store::postgres_client(url)?;
    // From the empty template: the other one may hold anything.
    client.batch_execute(&format!("CREATE DATABASE {} TEMPLATE template0", quoted(name))).map_err(|error| refused(&error))
}

/// Remove a database, with whoever is still connected to it.
pub(in crate::upkeep::backup) fn drop_database(url: &str, name: &str) -> Result<()> {
    let mut client = store::postgres_client(url)?;
    client.batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(name))).map_err(|error| refused(&error))
}

/// A database that is removed again when this is dropped, unless it is kept.
pub(in crate::upkeep::backup) struct Passing {
    url: String,
    pub(in crate::upkeep::backup) name: String,
    is_kept: bool,
    /// While it is open nobody takes the database for one that was left behind.
    held: Option<Client>,
}

impl Passing {
    /// Make it.
    pub(in crate::upkeep::backup) fn make(url: &str, name: &str) -> Result<Self> {
        create_database(url, name)?;
        let mut made = Self { url: url.to_owned(), name: name.to_owned(), is_kept: false, held: None };
        made.held = Some(store::postgres_client(&made.url())?);
        Ok(made)
    }

    /// Nobody has it open any more: a database that is open cannot be renamed.
    pub(in crate::upkeep::backup) fn release(&mut self) {
        self.held = None;
    }

    /// It gets another name, and still goes away unless it is kept.
    pub(in crate::upkeep::backup) fn rename(&mut self, to: &str) -> Result<()> {
        self.release();
        rename(&self.url, &self.name, to)?;
        self.name = to.to_owned();
        Ok(())
    }

    /// Its address.
    pub(in crate::upkeep::backup) fn url(&self) -> String {
        with_database(&self.url, &self.name)
    }

    /// It stays.
    pub(in crate::upkeep::backup) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        self.release();
        if !self.is_kept
            && let Err(error) = drop_database(&self.url, &self.name)
        {
            tracing::warn!(%error, name = self.name, "a scratch database could not be removed");
        }
    }
}

/// Remove the databases whose names begin so and that were left behind by a process that was killed. One that somebody has open stays:
/// whoever makes one holds it open.
pub(in crate::upkeep::backup) fn sweep(url: &str, beginning: &str) -> Result<()> {
    let mut client = store::postgres_client(url)?;
    let left = client
        .query(
            "SELECT CAST(d.datname AS TEXT) FROM pg_database d WHERE starts_with(CAST(d.datname AS TEXT), $1)
             AND pg_get_userbyid(d.datdba) = current_user
             AND NOT EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.datid = d.oid)",
            &[&beginning],
        )
        .map_err(|error| refused(&error))?;
    for row in left {
        let name: String = row.try_get(0).map_err(|error| refused(&error))?;
        // Without force: who opened it in this moment keeps it.
        match client.batch_execute(&format!("DROP DATABASE IF EXISTS {}", quoted(&name))) {
            Ok(()) => tracing::info!(name, "a half-made database was removed"),
            Err(error) => tracing::warn!(%error, name, "a half-made database could not be removed"),
        }
    }
    Ok(())
}

/// Put the database `new` in place of `live`, which is kept as `aside`; one transaction, so that there is always one of the name.
pub(in crate::upkeep::backup) fn swap(url: &str, live: &str, new: &str, aside: &str) -> Result<()> {
    let other = if live == "postgres" { "template1" } else { "postgres" };
    let mut client = store::postgres_client(&with_database(url, other))?;
    let sql = format!(
        "BEGIN; ALTER DATABASE {live} RENAME TO {aside}; ALTER DATABASE {new} RENAME TO {live}; COMMIT",
        live = quoted(live),
        aside = quoted(aside),
        new = quoted(new)
    );
    client.batch_execute(&sql).map_err(|error| refused(&error))
}
