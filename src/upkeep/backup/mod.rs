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

pub mod erasures;
mod error;
pub mod manifest;
pub mod model;

pub use error::{Error, Result};
pub use model::{Backup, Create, Drilled, Fault, Finding, Kept, Place, Pruned, Restore, Restored, Verified};

use crate::upkeep::Site;
use crate::upkeep::progress::Watcher;

/// Make a backup, verify it, and write it down.
///
/// # Errors
/// [`Error`]: nothing half-made is left, and the running deck is not touched.
pub fn create(site: &Site, asked: &Create, watcher: &dyn Watcher) -> Result<Backup> {
    let _ = (site, asked, watcher);
    Err(Error::Stopped)
}

/// Every backup, newest first.
///
/// # Errors
/// When the directory cannot be read. A backup that is not understood is listed with what is wrong with it.
pub fn list(site: &Site) -> Result<Vec<Backup>> {
    let _ = site;
    Err(Error::Stopped)
}

/// Compare a backup with its manifest, by everything the manifest says, and write down how it went.
///
/// # Errors
/// [`Error`] when it cannot be looked at; what is wrong with it is no error and stands in [`Verified::findings`].
pub fn verify(site: &Site, name: &str, watcher: &dyn Watcher) -> Result<Verified> {
    let _ = (site, name, watcher);
    Err(Error::Stopped)
}

/// Restore a backup into a new place, or in place of the deck that is there.
///
/// # Errors
/// [`Error`]: what was there is as it was, or the refusal says what to do.
pub fn restore(site: &Site, asked: &Restore, watcher: &dyn Watcher) -> Result<Restored> {
    let _ = (site, asked, watcher);
    Err(Error::Stopped)
}

/// Take away the backups that the settings do not keep; with `dry_run` only say which.
///
/// # Errors
/// [`Error`] when the directory or the database cannot be read, or one cannot be taken away.
pub fn prune(site: &Site, dry_run: bool) -> Result<Pruned> {
    let _ = (site, dry_run);
    Err(Error::Stopped)
}

/// Restore a backup, the newest where none is named, into a scratch place, try it there, and write down how it went.
///
/// # Errors
/// [`Error`] when it cannot be tried; what is wrong with it is no error and stands in [`Drilled::findings`].
pub fn drill(site: &Site, name: Option<&str>, watcher: &dyn Watcher) -> Result<Drilled> {
    let _ = (site, name, watcher);
    Err(Error::Stopped)
}
