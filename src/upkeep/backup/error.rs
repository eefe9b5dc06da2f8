//! Why a backup could not be made, looked at, or restored.

use crate::store;
use std::path::{Path, PathBuf};

/// The result of work on backups.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What failed, on what, and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The SQLite engine refused, on the copy or on the snapshot.
    #[error("{path}: {reason}")]
    Engine {
        /// The file.
        path: PathBuf,
        /// What the engine said.
        reason: String,
    },
    /// A file or directory cannot be used.
    #[error("cannot {what} {path}: {reason}")]
    Io {
        /// What was tried, as `write`.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The disk is full, or would be.
    #[error("{path} has {free} of the {needed} free that this needs; make room, or name a directory on another disk (backup.dir)")]
    NoRoom {
        /// The directory.
        path: PathBuf,
        /// What is needed, for people.
        needed: String,
        /// What is free, for people.
        free: String,
    },
    /// Something is where the result was to go.
    #[error("{path} is there already; name another place")]
    Exists {
        /// The place.
        path: PathBuf,
    },
    /// Others may enter the directory of backups.
    #[error("others may enter {path} (mode {mode:04o}), and a backup holds everything: run `chmod 700 {path}`")]
    OpenToOthers {
        /// The directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// There is no backup of this name.
    #[error("there is no backup {name:?} in {dir}; `quarterdeck backup list` names them")]
    NoSuchBackup {
        /// The name asked for.
        name: String,
        /// The directory.
        dir: PathBuf,
    },
    /// Several backups begin with what was asked for.
    #[error("{} backups begin with {name:?}: {}; write more of the name", .names.len(), few(.names))]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// Their names, newest first.
        names: Vec<String>,
    },
    /// There is no backup at all.
    #[error("there is no backup in {dir} yet; make one with `quarterdeck backup create`")]
    NoBackup {
        /// The directory.
        dir: PathBuf,
    },
    /// The manifest is not one, or not of a form that this program reads.
    #[error("the manifest of {name} cannot be used: {reason}")]
    Manifest {
        /// The backup.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The backup is of a newer program.
    #[error("{name} was made with schema version {found}, this program knows {known}: restore it with quarterdeck {tool} or newer")]
    Newer {
        /// The backup.
        name: String,
        /// Its schema version.
        found: i64,
        /// The newest that this program knows.
        known: i64,
        /// The version of the program that made it.
        tool: String,
    },
    /// The backup is of another engine than the database it is to replace.
    #[error("{name} holds a {found} database, and {place} is on {wanted}; restore it with --to DIR, or change the setting `database`")]
    OtherEngine {
        /// The backup.
        name: String,
        /// Its engine.
        found: String,
        /// The engine of the settings.
        wanted: String,
        /// The database of the settings.
        place: String,
    },
    /// The backup is not what its manifest says.
    #[error("{name} is not whole and is not restored: {faults}")]
    NotWhole {
        /// The backup.
        name: String,
        /// What is wrong with it, as sentences.
        faults: String,
    },
    /// The deck runs.
    #[error("the deck is running: {who}; stop it first (`quarterdeck agent stop`, close the consoles, stop `serve`)")]
    Running {
        /// Who has it open, as a list.
        who: String,
    },
    /// A restore in place was interrupted.
    #[error(
        "a restore of {name} was interrupted between the old deck and the new one: finish it with `quarterdeck backup restore --finish`, or go back to the old one with `quarterdeck backup restore --take-back`"
    )]
    Interrupted {
        /// The backup that was being restored.
        name: String,
    },
    /// No restore is under way.
    #[error("no restore in place was interrupted here; there is nothing to finish or to take back")]
    NothingInterrupted,
    /// Another process is making or removing backups.
    #[error("another process works on the backups in {dir}; wait for its end")]
    Busy {
        /// The directory.
        dir: PathBuf,
    },
    /// Another process restores there.
    #[error("another process restores into {dir}; wait for its end")]
    BeingRestored {
        /// The directory.
        dir: PathBuf,
    },
    /// The passphrase does not open the secrets.
    #[error("the passphrase does not open the secrets of {name}; nothing was restored")]
    WrongPassphrase {
        /// The backup.
        name: String,
    },
    /// The secrets cannot be encrypted or decrypted for another reason.
    #[error("the secrets cannot be {what}: {reason}")]
    Secrets {
        /// What was tried: `encrypted` or `decrypted`.
        what: &'static str,
        /// What was said.
        reason: String,
    },
    /// The backup holds no secrets.
    #[error("{name} holds no secrets: it was made without --secrets")]
    NoSecrets {
        /// The backup.
        name: String,
    },
    /// Two files want the same place in the backup.
    #[error("two files would be kept as {logical}: {first} and {second}; rename one of them")]
    Collision {
        /// The name in the backup.
        logical: String,
        /// One file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A line of the list of erasures is not understood.
    #[error("{path}, line {line}, is not understood: it says who has to stay erased; correct it before restoring")]
    Erasures {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A program that is needed is not there.
    #[error("{program} is needed for a database on PostgreSQL and is not installed: install the client programs of PostgreSQL {version}")]
    NoProgram {
        /// The program.
        program: &'static str,
        /// The version of the server.
        version: String,
    },
    /// A program failed.
    #[error("{program} failed: {reason}")]
    Program {
        /// The program.
        program: &'static str,
        /// The end of what it said, without secrets.
        reason: String,
    },
    /// The copy differs from what was copied.
    #[error("the copy differs from the database it was made of: {faults}; nothing was kept, look at the disk")]
    Differs {
        /// What differs, as sentences.
        faults: String,
    },
    /// What was asked for does not fit together.
    #[error("{reason}")]
    Unfit {
        /// Why, with what to do.
        reason: String,
    },
    /// It was asked to stop.
    #[error("stopped before its end; nothing was changed")]
    Stopped,
}

/// The first names of many.
fn few(names: &[String]) -> String {
    let mut said = names.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > 5 {
        said.push_str(", …");
    }
    said
}

impl Error {
    /// A refusal of the file system; a full disk has a message of its own.
    #[must_use]
    pub(super) fn io(what: &'static str, path: &Path, error: &std::io::Error) -> Self {
        let reason = match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded | std::io::ErrorKind::FileTooLarge => {
                format!("{error}; make room, or name a directory on another disk (backup.dir)")
            }
            std::io::ErrorKind::PermissionDenied => format!("{error}; run it as the owner of that directory"),
            _ => error.to_string(),
        };
        Self::Io { what, path: path.to_path_buf(), reason }
    }
}
