//! Where a restore is made before it is put in place: a directory that is held against every other restore for as long as it is filled and
//! used. What a killed one left there goes, unless its restore can still be finished.

use super::swap::Journal;
use super::{Error, Result, place};
use std::fs::{DirBuilder, File, TryLockError};
use std::io::{ErrorKind, Read as _, Seek as _, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Its name, in the directory into which something is restored.
pub(super) const NAME: &str = ".restoring";
/// Locked by whoever is at it. Holds the path of the database that is restored in place, whose journal may speak of what is in here.
const LOCK: &str = ".lock";

/// Such a directory, held. It goes away when this is dropped, unless it is kept.
#[derive(Debug)]
pub(super) struct Half {
    path: PathBuf,
    is_kept: bool,
    lock: File,
}

/// Whether a lock was had.
enum Had {
    It(File),
    NotIt,
}

/// Make the directory where it is not there, and lock it.
fn lock(path: &Path) -> Result<Had> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(Error::io("make the directory", path, &error)),
        _ => {}
    }
    if !path.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        return Err(Error::Exists { path: path.to_path_buf() });
    }
    let at = path.join(LOCK);
    let file = match File::options().create(true).truncate(false).read(true).write(true).mode(0o600).open(&at) {
        // Another one ended in this moment, and took the directory away.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Had::NotIt),
        other => other.map_err(|error| Error::io("write", &at, &error))?,
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Had::NotIt),
        Err(TryLockError::Error(error)) => return Err(Error::io("lock", &at, &error)),
    }
    // The lock of a file that has lost its name holds nobody off.
    let is_named = match (file.metadata(), std::fs::symlink_metadata(&at)) {
        (Ok(mine), Ok(named)) => (mine.dev(), mine.ino()) == (named.dev(), named.ino()),
        _ => false,
    };
    Ok(if is_named { Had::It(file) } else { Had::NotIt })
}

/// The journal of whoever was at it, where that restore can still be finished.
fn journal(mut lock: &File, path: &Path) -> Result<Option<Journal>> {
    let mut owner = Vec::new();
    lock.read_to_end(&mut owner).map_err(|error| Error::io("read", &path.join(LOCK), &error))?;
    if owner.is_empty() { Ok(None) } else { Journal::read(&PathBuf::from(std::ffi::OsString::from_vec(owner))) }
}

fn busy(path: &Path) -> Error {
    Error::BeingRestored { dir: path.parent().unwrap_or(path).to_path_buf() }
}

impl Half {
    /// Hold it, empty. `database` is the one that is to be restored in place.
    ///
    /// # Errors
    /// [`Error::BeingRestored`] while another process is at it; [`Error::Interrupted`] when what is in it is needed to finish a restore.
    pub(super) fn hold(path: &Path, database: Option<&Path>) -> Result<Self> {
        let Had::It(file) = lock(path)? else { return Err(busy(path)) };
        if let Some(journal) = journal(&file, path)? {
            return Err(Error::Interrupted { name: journal.name });
        }
        let half = Self { path: path.to_path_buf(), is_kept: false, lock: file };
        half.empty()?;
        let owner = database.map_or(&[] as &[u8], |database| database.as_os_str().as_bytes());
        let mut file = &half.lock;
        let written = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(owner)).and_then(|()| file.sync_all());
        written.map_err(|error| Error::io("write", &path.join(LOCK), &error))?;
        Ok(half)
    }

    /// Hold it as it is, to finish a restore or to take it back; `None` where it is gone already.
    ///
    /// # Errors
    /// [`Error::BeingRestored`] while another process is at it.
    pub(super) fn again(path: &Path) -> Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let Had::It(file) = lock(path)? else { return Err(busy(path)) };
        Ok(Some(Self { path: path.to_path_buf(), is_kept: true, lock: file }))
    }

    /// Remove it when nobody is at it and nothing in it is needed any more. It may hold secrets as they are.
    pub(super) fn sweep(path: &Path) -> Result<()> {
        if !path.is_dir() {
            return Ok(());
        }
        let Had::It(file) = lock(path)? else { return Ok(()) };
        if journal(&file, path)?.is_some() {
            return Ok(());
        }
        tracing::info!(path = %path.display(), "sweeping away what a restore left half-made");
        place::remove(path)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// It stays when this is dropped: a journal speaks of it.
    pub(super) fn keep(&mut self) {
        self.is_kept = true;
    }

    fn empty(&self) -> Result<()> {
        let failed = |error: std::io::Error| Error::io("read", &self.path, &error);
        for entry in std::fs::read_dir(&self.path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name() == LOCK {
                continue;
            }
            let is_directory = entry.file_type().map_err(failed)?.is_dir();
            if is_directory {
                place::remove(&entry.path())?;
            } else {
                std::fs::remove_file(entry.path()).map_err(|error| Error::io("remove", &entry.path(), &error))?;
            }
        }
        Ok(())
    }

    /// Rename it to `to`, which must not be there.
    pub(super) fn rename(mut self, to: &Path) -> Result<()> {
        place::rename_new(&self.path, to)?;
        self.is_kept = true;
        // Held until it has its name: nobody empties it in between.
        let at = to.join(LOCK);
        std::fs::remove_file(&at).map_err(|error| Error::io("remove", &at, &error))?;
        place::flush_directory(to)
    }

    /// Move what is in it beside it, `last` last: while that is not there, nothing is.
    pub(super) fn unpack(self, last: &str) -> Result<()> {
        let to = self.path.parent().unwrap_or(Path::new("/"));
        let failed = |error: std::io::Error| Error::io("read", &self.path, &error);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(failed)? {
            names.push(entry.map_err(failed)?.file_name());
        }
        names.retain(|name| name != LOCK);
        names.sort_by_key(|name| (name == last, name.clone()));
        for (count, name) in names.iter().enumerate() {
            if let Err(error) = place::rename_new(&self.path.join(name), &to.join(name)) {
                // Nothing half-made stays: what was moved goes away with the rest.
                for name in names.iter().take(count) {
                    place::rename_new(&to.join(name), &self.path.join(name))?;
                }
                return Err(error);
            }
        }
        Ok(())
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        if !self.is_kept
            && let Err(error) = place::remove(&self.path)
        {
            tracing::warn!(%error, "what was half-restored could not be removed; it is swept away the next time");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_restore_at_a_time_and_what_a_killed_one_left_goes() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(NAME);
        std::fs::create_dir_all(path.join("secrets")).unwrap();
        std::fs::write(path.join("secrets/environment"), "KEY=1").unwrap();
        let half = Half::hold(&path, None).unwrap();
        assert!(!path.join("secrets").exists());
        std::fs::write(path.join("database"), "new").unwrap();
        assert!(matches!(Half::hold(&path, None), Err(Error::BeingRestored { .. })));
        Half::sweep(&path).unwrap();
        assert!(path.join("database").exists(), "nobody takes away what another one fills");
        drop(half);
        assert!(!path.exists());
    }

    #[test]
    fn what_a_restore_needs_to_be_finished_stays() {
        let home = tempfile::tempdir().unwrap();
        let (path, database) = (home.path().join(NAME), home.path().join("deck.db"));
        let mut half = Half::hold(&path, Some(&database)).unwrap();
        half.keep();
        drop(half);
        let journal = Journal { name: "b".to_owned(), moves: Vec::new(), stages: vec![path.clone()] };
        journal.write(&database).unwrap();
        Half::sweep(&path).unwrap();
        assert!(path.exists());
        assert!(matches!(Half::hold(&path, None), Err(Error::Interrupted { .. })));
        assert!(Half::again(&path).unwrap().is_some());
        Journal::remove(&database).unwrap();
        Half::sweep(&path).unwrap();
        assert!(!path.exists());
    }
}
