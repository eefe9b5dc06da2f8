//! Who of ours has the database open: one small file for each open database of a process, beside the file of the database, which says what
//! the process is and since when its transactions run.
//!
//! The process keeps the file locked for as long as it lives, so that what a killed one left behind is known for what it is, whatever
//! became of its number. A transaction costs two writes of some bytes into memory of the system.

use super::Role;
use crate::base::Millis;
use crate::store::Address;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Where the first transaction is written down; before it stands who the process is.
const SLOTS: u64 = 512;
/// Bytes for one connection: a letter, the moment, an end of line.
const SLOT: u64 = 24;

/// Who has it open.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Owner {
    pub pid: u32,
    pub command: String,
    pub since: Millis,
    pub slots: u64,
}

/// A process of ours that has the database open, with what its transactions do and since when.
pub(super) struct Seated {
    pub owner: Owner,
    pub open: Vec<(Role, Millis)>,
}

/// The place of this process at a database. It is given up when it is dropped.
#[derive(Debug)]
pub struct Seat {
    marks: Marks,
    path: PathBuf,
}

/// What the threads of a process write down at its place. They may outlive it, and then write into a file without a name.
#[derive(Debug, Clone)]
pub struct Marks(Arc<File>);

impl Drop for Seat {
    fn drop(&mut self) {
        // What stays behind is found unlocked by the next process and taken away.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The directory of these files.
fn directory(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".open");
    name.into()
}

fn now() -> Millis {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// What this process was asked to do, without its options: those may hold what is nobody's business.
fn command() -> String {
    const WITH_VALUE: [&str; 6] = ["--config", "--data-dir", "--database", "--persona", "--as", "--color"];
    let mut words = Vec::new();
    let mut is_value = false;
    for word in std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()) {
        match (is_value, word.starts_with('-')) {
            (true, _) => is_value = false,
            (false, true) => is_value = WITH_VALUE.contains(&word.as_str()),
            (false, false) => words.push(word),
        }
    }
    let is_word = |word: &&String| word.len() <= 24 && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    words.iter().take(2).take_while(is_word).cloned().collect::<Vec<_>>().join(" ")
}

impl Seat {
    /// Take a place for so many connections; `None` on a server, which keeps such a list itself, and where the file cannot be made: work
    /// goes on without.
    #[must_use]
    pub fn take(address: &Address, slots: u64) -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let Address::Sqlite(database) = address else { return None };
        let directory = directory(&database.canonicalize().ok()?);
        if !directory.exists() {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory).ok()?;
        }
        sweep(&directory);
        let pid = std::process::id();
        let path = directory.join(format!("{pid}-{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
        // Locked before it is seen under its name by those who sweep.
        let hidden = directory.join(format!(".{}", crate::base::new_id()));
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&hidden).ok()?;
        let owner = serde_json::to_vec(&Owner { pid, command: command(), since: now(), slots }).ok()?;
        let written = flock(&file, FlockOperation::NonBlockingLockExclusive)
            .map_err(std::io::Error::from)
            .and_then(|()| file.write_all_at(&owner, 0))
            .and_then(|()| file.set_len(SLOTS + slots * SLOT))
            .and_then(|()| std::fs::rename(&hidden, &path));
        if let Err(error) = written {
            tracing::debug!(%error, "who has the database open is not written down");
            let _ = std::fs::remove_file(&hidden);
            return None;
        }
        Some(Self { marks: Marks(Arc::new(file)), path })
    }

    /// What its threads write into.
    #[must_use]
    pub fn marks(&self) -> Marks {
        self.marks.clone()
    }
}

impl Marks {
    /// A transaction begins on one of the connections.
    pub fn begins(&self, slot: u64, role: Role) {
        self.write(slot, role.letter(), now());
    }

    /// It ended.
    pub fn ends(&self, slot: u64) {
        self.write(slot, b'-', 0);
    }

    fn write(&self, slot: u64, letter: u8, at: Millis) {
        let line = format!("{} {at:0>20}\n", letter as char);
        // Only a hint for people: a full disk must not stop the transaction it is about.
        let _ = self.0.write_all_at(line.as_bytes(), SLOTS + slot * SLOT);
    }
}

/// Whether whoever made the file is gone.
fn is_left_behind(file: &File) -> bool {
    flock(file, FlockOperation::NonBlockingLockShared).is_ok()
}

/// Take away what ended processes left behind.
fn sweep(directory: &Path) {
    let Ok(files) = std::fs::read_dir(directory) else { return };
    for entry in files.flatten() {
        let path = entry.path();
        if let Ok(file) = File::open(&path)
            && is_left_behind(&file)
            // One that is being made is unlocked for an instant, and under a hidden name.
            && (!entry.file_name().to_string_lossy().starts_with('.') || is_old(&file))
        {
            let _ = std::fs::remove_file(&path);
        }
    }
}

fn is_old(file: &File) -> bool {
    let age = file.metadata().and_then(|meta| meta.modified()).ok().and_then(|at| at.elapsed().ok());
    age.is_some_and(|age| age.as_secs() > 60)
}

/// The processes of ours that have the database at this path open.
pub(super) fn seated(database: &Path) -> Vec<Seated> {
    let Ok(database) = database.canonicalize() else { return Vec::new() };
    let directory = directory(&database);
    sweep(&directory);
    let Ok(files) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in files.flatten() {
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        let Ok(file) = File::open(entry.path()) else { continue };
        if is_hidden || is_left_behind(&file) {
            continue;
        }
        let mut head = [0; SLOTS as usize];
        if file.read_exact_at(&mut head, 0).is_err() {
            continue;
        }
        let text: Vec<u8> = head.iter().copied().take_while(|byte| *byte != 0).collect();
        let Ok(owner) = serde_json::from_slice::<Owner>(&text) else { continue };
        let mut open = Vec::new();
        for slot in 0..owner.slots.min(64) {
            let mut line = [0; SLOT as usize];
            if file.read_exact_at(&mut line, SLOTS + slot * SLOT).is_err() {
                continue;
            }
            let (letter, rest) = (line[0], String::from_utf8_lossy(&line[1..]).trim_matches(['\0', ' ', '\n']).to_owned());
            if let (Some(role), Ok(since)) = (Role::of_letter(letter), rest.parse::<Millis>()) {
                open.push((role, since));
            }
        }
        found.push(Seated { owner, open });
    }
    found
}
