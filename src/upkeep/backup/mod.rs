//! Copies of the deck that are known to be whole: made while agents and consoles write, verified, restored, drilled, thinned out.
//!
//! A backup is a directory: the database as it was at one instant, the files of the vector index, the configuration, and a manifest with
//! the size, digest and mode of each file and the rows and content of each table, counted in the snapshot that was copied. What cannot be
//! compared with the manifest does not count as a backup.
//!
//! | file | what it is for |
//! |---|---|
//! | [`manifest`] | what a backup says about itself |
//! | [`model`] | what is asked for and what is answered |
//! | [`erasures`] | who has to stay erased when an older backup is restored |
//!
//! Everything here blocks and may take minutes: call it on a thread of its own, never on one of an async runtime. It may not change the
//! running deck other than by rows in `upkeep_runs`; only a restore in place does, and that is refused while anything has the deck open.

mod carry;
mod comments;
mod crash;
mod create;
mod digest;
mod drill;
pub mod erasures;
mod error;
mod examine;
mod files;
mod half;
mod in_place;
mod keep;
mod listing;
pub mod manifest;
pub mod model;
mod people;
mod place;
mod prune;
mod records;
mod redact;
mod restore;
mod secrets;
mod server;
mod smoke;
mod sqlite;
mod stage;
mod swap;
mod verify;
mod work;

#[doc(hidden)]
pub use crash::{PLACES_OF_CREATE, PLACES_OF_RESTORE};
pub use error::{Error, Result};
pub use model::{Backup, Create, Drilled, Fault, Finding, Kept, Place, Pruned, Restore, Restored, Resumed, Verified};
pub use place::size;

use crate::upkeep::Site;
use crate::upkeep::progress::Watcher;

/// Make a backup, verify it, and write it down.
///
/// # Errors
/// [`Error`]: nothing half-made is left, and the running deck is not touched.
pub fn create(site: &Site, asked: &Create, watcher: &dyn Watcher) -> Result<Backup> {
    in_place::sweep(site);
    work::watched(watcher, |tell| create::create(site, asked, tell))
}

/// Every backup, newest first.
///
/// # Errors
/// When the directory cannot be read. A backup that is not understood is listed with what is wrong with it.
pub fn list(site: &Site) -> Result<Vec<Backup>> {
    listing::list(site)
}

/// Compare a backup with its manifest, by everything the manifest says, and write down how it went.
///
/// # Errors
/// [`Error`] when it cannot be looked at; what is wrong with it is no error and stands in [`Verified::findings`].
pub fn verify(site: &Site, name: &str, watcher: &dyn Watcher) -> Result<Verified> {
    work::watched(watcher, |tell| verify::verify(site, name, tell))
}

/// Restore a backup into a new place, or in place of the deck that is there.
///
/// # Errors
/// [`Error`]: what was there is as it was, or the refusal says what to do.
pub fn restore(site: &Site, asked: &Restore, watcher: &dyn Watcher) -> Result<Restored> {
    work::watched(watcher, |tell| restore::restore(site, asked, tell))
}

/// Finish a restore in place that was interrupted, or take it back and have the old deck again.
///
/// # Errors
/// [`Error::NothingInterrupted`]; [`Error::Running`]; as the file system says, and then it can be tried again.
pub fn resume(site: &Site, finishes: bool) -> Result<Resumed> {
    in_place::resume(site, finishes)
}

/// Take away the backups that the settings do not keep; with `dry_run` only say which.
///
/// # Errors
/// [`Error`] when the directory or the database cannot be read, or one cannot be taken away.
pub fn prune(site: &Site, dry_run: bool) -> Result<Pruned> {
    if !dry_run {
        in_place::sweep(site);
    }
    prune::prune(site, dry_run)
}

/// Restore a backup, the newest where none is named, into a scratch place, try it there, and write down how it went.
///
/// # Errors
/// [`Error`] when it cannot be tried; what is wrong with it is no error and stands in [`Drilled::findings`].
pub fn drill(site: &Site, name: Option<&str>, watcher: &dyn Watcher) -> Result<Drilled> {
    in_place::sweep(site);
    work::watched(watcher, |tell| drill::drill(site, name, tell))
}
