//! Directories and files of backups: who may enter them, what they are called, how they get to the disk, and what was left half-made.

use super::{Error, Result};
use crate::base::Millis;
use chrono::{DateTime, NaiveDateTime};
use std::fs::{File, Metadata};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt};
use std::path::{Path, PathBuf};

/// What is half-made begins with this; it is never listed.
const HALF_MADE: &str = ".making-";
/// A drill's scratch place begins with this.
const SCRATCH: &str = ".drill-";
const LOCK: &str = ".lock";

/// The time in a backup's name.
const TIME: &str = "%Y%m%dT%H%M%SZ";

/// Holds the directory of backups against other processes that make or remove some. The system drops it when the process dies.
#[derive(Debug)]
pub(super) struct Held {
    _lock: File,
}

/// Make a directory that only its owner may enter, with those above it.
pub(super) fn make_directory(path: &Path) -> Result<()> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| Error::io("make the directory", path, &error))
}

/// The permissions of a file or directory.
pub(super) fn mode(found: &Metadata) -> u32 {
    found.permissions().mode() & 0o7777
}

/// When it was last changed.
pub(super) fn changed_at(found: &Metadata) -> Millis {
    found.mtime() * 1_000 + found.mtime_nsec() / 1_000_000
}

/// Make the directory of backups where it is not there, refuse one that others may enter, and hold it. What another process that died left
/// half-made is swept away.
pub(super) fn hold(dir: &Path) -> Result<Held> {
    make_directory(dir)?;
    let found = std::fs::metadata(dir).map_err(|error| Error::io("read", dir, &error))?;
    if !found.is_dir() {
        return Err(Error::Io { what: "use", path: dir.to_path_buf(), reason: "it is not a directory".to_owned() });
    }
    if mode(&found) & 0o077 != 0 {
        return Err(Error::OpenToOthers { path: dir.to_path_buf(), mode: mode(&found) });
    }
    let path = dir.join(LOCK);
    let failed = |error: std::io::Error| Error::io("write", &path, &error);
    let lock = File::options().create(true).truncate(false).write(true).mode(0o600).open(&path).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => return Err(Error::Busy { dir: dir.to_path_buf() }),
        Err(std::fs::TryLockError::Error(error)) => return Err(failed(error)),
    }
    sweep(dir)?;
    Ok(Held { _lock: lock })
}

/// Remove what is half-made. The caller holds the directory, so nobody is at it.
fn sweep(dir: &Path) -> Result<()> {
    let entries = std::fs::read_dir(dir).map_err(|error| Error::io("read", dir, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| Error::io("read", dir, &error))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(HALF_MADE) || name.starts_with(SCRATCH) {
            tracing::info!(%name, "sweeping away what was left half-made");
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Remove a directory and what is in it. One that is not there is fine.
pub(super) fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path, &error)),
        _ => Ok(()),
    }
}

/// A directory that goes away when it is dropped, unless it is kept.
#[derive(Debug)]
pub(super) struct Passing {
    path: PathBuf,
    is_kept: bool,
}

impl Passing {
    /// Make it; it must not be there.
    pub(super) fn make(path: PathBuf) -> Result<Self> {
        let failed = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => Error::Exists { path: path.clone() },
            _ => Error::io("make the directory", &path, &error),
        };
        std::fs::DirBuilder::new().mode(0o700).create(&path).map_err(failed)?;
        Ok(Self { path, is_kept: false })
    }

    /// The place of a backup that is being made.
    pub(super) fn half_made(dir: &Path, name: &str) -> Result<Self> {
        Self::make(dir.join(format!("{HALF_MADE}{name}")))
    }

    /// The scratch place of a drill.
    pub(super) fn scratch(dir: &Path, name: &str) -> Result<Self> {
        Self::make(dir.join(format!("{SCRATCH}{name}")))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Rename it to `to`, which must not be there, and keep it.
    pub(super) fn rename(mut self, to: &Path) -> Result<()> {
        rename_new(&self.path, to)?;
        self.is_kept = true;
        Ok(())
    }

    /// It stays where it is.
    #[cfg(test)]
    pub(super) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        if !self.is_kept
            && let Err(error) = remove(&self.path)
        {
            tracing::warn!(%error, "what was half-made could not be removed; it is swept away the next time");
        }
    }
}

/// Rename, never over something that is there, and flush the directory.
pub(super) fn rename_new(from: &Path, to: &Path) -> Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => {}
        Err(rustix::io::Errno::EXIST | rustix::io::Errno::NOTEMPTY) => return Err(Error::Exists { path: to.to_path_buf() }),
        // Some file systems do not know the flag.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            if to.symlink_metadata().is_ok() {
                return Err(Error::Exists { path: to.to_path_buf() });
            }
            std::fs::rename(from, to).map_err(|error| Error::io("rename", from, &error))?;
        }
        Err(error) => return Err(Error::io("rename", from, &error.into())),
    }
    to.parent().map_or(Ok(()), flush_directory)
}

/// Bring what was made, renamed or removed in a directory to the disk.
pub(super) fn flush_directory(path: &Path) -> Result<()> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path).and_then(|directory| directory.sync_all()).map_err(|error| Error::io("write", path, &error))
}

/// A new file, 0600.
pub(super) fn new_file(path: &Path) -> Result<File> {
    let made = File::options().write(true).create_new(true).mode(0o600).open(path);
    made.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Error::Exists { path: path.to_path_buf() },
        _ => Error::io("write", path, &error),
    })
}

/// Write a new file, 0600, and flush it. The directories above it are made.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    path.parent().map_or(Ok(()), make_directory)?;
    let mut file = new_file(path)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|error| Error::io("write", path, &error))
}

/// Copy an open file to a new one, 0600, and flush it. The directories above it are made.
pub(super) fn copy(mut source: File, to: &Path) -> Result<()> {
    to.parent().map_or(Ok(()), make_directory)?;
    let mut copy = new_file(to)?;
    std::io::copy(&mut source, &mut copy).and_then(|_| copy.sync_all()).map_err(|error| Error::io("write", to, &error))
}

/// Refuse where less is free than is needed, with a sixteenth to spare.
pub(super) fn room(dir: &Path, needed: u64) -> Result<()> {
    let there = dir.ancestors().find(|path| path.exists()).unwrap_or(dir);
    let found = rustix::fs::statvfs(there).map_err(|error| Error::io("read", there, &error.into()))?;
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let needed = needed + needed / 16 + (1 << 20);
    if free < needed {
        return Err(Error::NoRoom { path: dir.to_path_buf(), needed: size(needed), free: size(free) });
    }
    Ok(())
}

/// Bytes for people.
#[must_use]
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1_024.0),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
        _ => format!("{:.1} GiB", bytes as f64 / 1_073_741_824.0),
    }
}

/// A time as it stands in names.
pub(super) fn stamp(at: Millis) -> String {
    DateTime::from_timestamp_millis(at).unwrap_or_default().format(TIME).to_string()
}

/// The name of a backup that is made now.
pub(super) fn name(now: Millis) -> String {
    let id = crate::base::new_id();
    // The end of an id is random, its beginning the time.
    let tail: String = id.chars().filter(char::is_ascii_alphanumeric).rev().take(8).collect();
    format!("{}-{tail}", stamp(now))
}

/// The time in a name; `None` when it is not the name of a backup.
pub(super) fn time_in(name: &str) -> Option<Millis> {
    let (time, tail) = name.split_once('-')?;
    let is_tail = tail.len() == 8 && tail.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let time = NaiveDateTime::parse_from_str(time, TIME).ok()?;
    is_tail.then(|| time.and_utc().timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_time_and_nothing_else_is_a_name() {
        let name = name(1_790_000_000_000);
        assert_eq!(time_in(&name), Some(1_790_000_000_000), "{name}");
        for other in ["", "lost+found", "20260101T000000Z", "20260101T000000Z-../../x", ".making-20260101T000000Z-abcdefgh"] {
            assert_eq!(time_in(other), None, "{other}");
        }
    }

    #[test]
    fn what_was_left_half_made_is_swept_away_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("backups");
        make_directory(&dir).unwrap();
        Passing::half_made(&dir, "a").unwrap().keep();
        std::fs::create_dir(dir.join("mine")).unwrap();
        let held = hold(&dir).unwrap();
        assert!(!dir.join(".making-a").exists() && dir.join("mine").exists());
        assert!(matches!(hold(&dir), Err(Error::Busy { .. })));
        drop(held);
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(hold(&dir), Err(Error::OpenToOthers { mode: 0o755, .. })));
    }

    #[test]
    fn nothing_is_renamed_over() {
        let home = tempfile::tempdir().unwrap();
        write(&home.path().join("a/b"), b"b").unwrap();
        std::fs::create_dir(home.path().join("there")).unwrap();
        assert!(matches!(rename_new(&home.path().join("a"), &home.path().join("there")), Err(Error::Exists { .. })));
        rename_new(&home.path().join("a"), &home.path().join("c")).unwrap();
        assert_eq!(std::fs::read(home.path().join("c/b")).unwrap(), b"b");
        assert!(matches!(write(&home.path().join("c/b"), b""), Err(Error::Exists { .. })));
    }

    #[test]
    fn what_does_not_fit_is_refused_before_it_is_tried() {
        let home = tempfile::tempdir().unwrap();
        room(home.path(), 1).unwrap();
        let refused = room(&home.path().join("not/there"), u64::MAX / 4).unwrap_err().to_string();
        assert!(refused.contains("GiB free that this needs"), "{refused}");
    }
}
