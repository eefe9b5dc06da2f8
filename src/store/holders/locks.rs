//! Who locks the files of an SQLite database, as the system tells: programs that are not ours are found by this alone.
//!
//! SQLite locks single bytes of the index of its log (`-shm`): one for the writer, one for the checkpoint, five for readers, one that every
//! connection keeps. Linux lists them in `/proc/locks`; elsewhere nothing is known, and the list is empty.

use super::Role;
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The bytes, from the file format of the log's index.
const WRITE: u64 = 120;
const CHECKPOINT: u64 = 121;
const RECOVER: u64 = 122;
const READERS: std::ops::RangeInclusive<u64> = 123..=127;

/// A companion of the database's file.
pub(super) fn companion(database: &Path, end: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// A lock as the system lists it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lock {
    pub pid: u32,
    pub inode: u64,
    pub is_exclusive: bool,
    pub first: u64,
    pub last: u64,
}

/// Read a line of the system's list; `None` for one that waits, for one of another kind, and for what is not understood.
pub(super) fn parse(line: &str) -> Option<Lock> {
    let mut words = line.split_whitespace().skip(1);
    // A request that waits has an arrow in this place.
    if words.next()? != "POSIX" {
        return None;
    }
    let (_, mode, pid, file, first, last) = (words.next()?, words.next()?, words.next()?, words.next()?, words.next()?, words.next()?);
    Some(Lock {
        pid: pid.parse().ok()?,
        inode: file.rsplit(':').next()?.parse().ok()?,
        is_exclusive: mode == "WRITE",
        first: first.parse().ok()?,
        last: if last == "EOF" { u64::MAX } else { last.parse().ok()? },
    })
}

/// What a lock on the log's index is for.
pub(super) fn role(lock: &Lock) -> Role {
    let covers = |byte: u64| (lock.first..=lock.last).contains(&byte);
    match () {
        () if lock.is_exclusive && covers(RECOVER) => Role::Recovers,
        () if lock.is_exclusive && covers(WRITE) => Role::Writes,
        () if lock.is_exclusive && covers(CHECKPOINT) => Role::Checkpoints,
        () if READERS.into_iter().any(covers) => Role::Reads,
        () => Role::Idle,
    }
}

/// The processes that lock the files of a database, with all that they do there.
pub(super) fn locked(database: &Path) -> BTreeMap<u32, Vec<Role>> {
    let inode = |path: &Path| std::fs::metadata(path).map(|meta| meta.ino()).ok();
    let (file, index) = (inode(database), inode(&companion(database, "-shm")));
    let mut found: BTreeMap<u32, Vec<Role>> = BTreeMap::new();
    for lock in std::fs::read_to_string("/proc/locks").unwrap_or_default().lines().filter_map(parse) {
        let role = match Some(lock.inode) {
            inode if inode == index => role(&lock),
            inode if inode == file => Role::Idle,
            _ => continue,
        };
        // Numbers of inodes repeat over file systems: the process must have one of the files open, as far as that may be seen.
        if has_open(lock.pid, database) != Some(false) {
            let roles = found.entry(lock.pid).or_default();
            if !roles.contains(&role) {
                roles.push(role);
            }
        }
    }
    found
}

/// Whether a process has a file of the database open; `None` when it is not ours to see.
fn has_open(pid: u32, database: &Path) -> Option<bool> {
    let paths = ["", "-wal", "-shm"].map(|end| companion(database, end));
    let files = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    Some(files.flatten().any(|file| std::fs::read_link(file.path()).is_ok_and(|target| paths.contains(&target))))
}

/// The processes that have a file of the database open, locked or not.
pub(super) fn open(database: &Path) -> Vec<u32> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = processes.flatten().filter_map(|entry| entry.file_name().to_string_lossy().parse::<u32>().ok());
    pids.filter(|pid| has_open(*pid, database) == Some(true)).collect()
}

/// The name of a process's program.
pub(super) fn program(pid: u32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).map_or_else(|_| "a program".to_owned(), |name| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_list_is_understood() {
        let lock = parse("5: POSIX  ADVISORY  WRITE 2513 fd:00:2228251 120 120").unwrap();
        assert_eq!((lock.pid, lock.inode, role(&lock)), (2513, 2_228_251, Role::Writes));
        let reader = parse("6: POSIX  ADVISORY  READ  77 00:2f:99 124 124").unwrap();
        assert_eq!(role(&reader), Role::Reads);
        assert_eq!(role(&parse("6: POSIX ADVISORY READ 77 00:2f:99 128 128").unwrap()), Role::Idle);
        assert_eq!(role(&parse("6: POSIX ADVISORY WRITE 77 00:2f:99 121 121").unwrap()), Role::Checkpoints);
        assert_eq!(parse("6: POSIX ADVISORY WRITE 77 00:2f:99 0 EOF").unwrap().last, u64::MAX);
        for other in
            ["5: -> POSIX  ADVISORY  WRITE 2513 fd:00:2228251 120 120", "1: FLOCK ADVISORY WRITE 1 0:1:2 0 EOF", "", "x", "1: POSIX a b c"]
        {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
