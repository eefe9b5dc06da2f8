//! What is asked of backups and what is answered.

use super::erasures::Erased;
use crate::base::Millis;
use secrecy::SecretString;
use serde::Serialize;
use std::path::PathBuf;

/// How a backup is to be made.
#[derive(Debug, Default)]
pub struct Create {
    /// Keep the secrets too, encrypted with this passphrase.
    pub passphrase: Option<SecretString>,
}

/// A backup in the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Backup {
    /// Its name: the directory's.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// The instant of its snapshot; the time in its name where the manifest cannot be read.
    pub made_at: Millis,
    /// Bytes of its files.
    pub bytes: u64,
    /// `sqlite` or `postgres`.
    pub engine: String,
    /// Version of its schema.
    pub schema_version: i64,
    /// Rows of all its tables.
    pub rows: u64,
    /// Whether it holds secrets, encrypted.
    pub has_secrets: bool,
    /// SHA-256 of its manifest.
    pub manifest: String,
    /// When it was last found whole: by its making, a verification or a drill.
    pub verified_at: Option<Millis>,
    /// When a drill last passed on it.
    pub drilled_at: Option<Millis>,
    /// Whether the last look at it found something wrong.
    pub is_faulty: bool,
    /// Why it cannot be used at all.
    pub problem: Option<String>,
    /// What else is to be known, as sentences.
    pub notes: Vec<String>,
}

/// How far the clock of another machine may be ahead.
const AHEAD: Millis = 300_000;

impl Backup {
    /// Whether it was made at a time that has not come yet. It is then not taken for the newest one: its clock was wrong, or this one is.
    #[must_use]
    pub fn is_ahead(&self, now: Millis) -> bool {
        self.made_at > now.saturating_add(AHEAD)
    }
}

/// The kinds of faults that a verification or a drill tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The manifest is not the one that was written.
    ManifestEdited,
    /// A file is missing, elsewhere, or there that does not belong.
    WrongLayout,
    /// A file or directory may be read by others, or has another mode than it had.
    WrongMode,
    /// A file has another size.
    Truncated,
    /// A file has other content.
    Altered,
    /// The engine finds the database damaged, or an index disagrees with its table.
    Damaged,
    /// Rows refer to rows that are not there.
    ForeignKeys,
    /// Tables, indexes or triggers are not those of the snapshot.
    WrongSchema,
    /// A table has other rows than the snapshot had.
    RowsDiffer,
    /// The audit log ends elsewhere.
    AuditHead,
    /// It is older than it may be.
    Stale,
    /// The application cannot work with it.
    Unusable,
}

/// One thing that is wrong with a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which kind.
    pub fault: Fault,
    /// On what: a path or a table.
    pub subject: String,
    /// In a sentence.
    pub says: String,
}

impl Finding {
    /// A finding.
    #[must_use]
    pub fn new(fault: Fault, subject: impl Into<String>, says: impl Into<String>) -> Self {
        Self { fault, subject: subject.into(), says: says.into() }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.subject, self.says)
    }
}

/// How a verification went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The backup.
    pub backup: Backup,
    /// What is wrong with it; nothing when it is whole.
    pub findings: Vec<Finding>,
    /// What could not be looked at, and why, as sentences.
    pub notes: Vec<String>,
    /// How long it took, in milliseconds.
    pub took: Millis,
}

/// Where a restore goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A directory that is not there, or empty. A database on a server goes into a new one of this name.
    New {
        /// The directory.
        dir: PathBuf,
        /// The database on the server of the settings, for a backup of PostgreSQL.
        database: Option<String>,
    },
    /// In place of the deck of the settings, which is kept aside.
    InPlace {
        /// Whether the configuration files go back too.
        configuration: bool,
    },
}

/// How a backup is to be restored.
#[derive(Debug)]
pub struct Restore {
    /// Which backup.
    pub name: String,
    /// Where to.
    pub place: Place,
    /// Restore the secrets too, with this passphrase.
    pub passphrase: Option<SecretString>,
}

/// How a restore went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// The backup.
    pub backup: Backup,
    /// The database that holds it now, a password masked.
    pub database: String,
    /// The configuration file that came with it, where one did.
    pub config_file: Option<PathBuf>,
    /// What was kept aside, and where.
    pub aside: Vec<String>,
    /// Schema versions that were passed after it.
    pub migrated: Vec<i64>,
    /// Everybody who was erased, by digests: the restored deck knows them.
    pub erasures: Vec<Erased>,
    /// Names of them in the restored deck: they have to be erased again.
    pub to_erase: Vec<String>,
    /// What else is to be known, as sentences.
    pub notes: Vec<String>,
    /// How long it took, in milliseconds.
    pub took: Millis,
}

/// How an interrupted restore ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resumed {
    /// The backup.
    pub name: String,
    /// Whether it is the restored deck that is in place now.
    pub finished: bool,
    /// What was kept aside, and where.
    pub aside: Vec<String>,
    /// Names in the restored deck of people who were erased: they have to be erased again.
    pub to_erase: Vec<String>,
    /// What else is to be known, as sentences.
    pub notes: Vec<String>,
}

/// One backup, and whether it stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// The backup.
    pub backup: Backup,
    /// Whether it stays.
    pub stays: bool,
    /// Why, in a sentence.
    pub why: String,
}

/// What a pruning did or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Every backup, newest first.
    pub backups: Vec<Kept>,
    /// Bytes that are or would be freed.
    pub freed: u64,
    /// Whether nothing was done.
    pub dry_run: bool,
}

/// How a drill went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drilled {
    /// The backup.
    pub backup: Backup,
    /// What is wrong with it; nothing when the drill passed.
    pub findings: Vec<Finding>,
    /// What could not be looked at, and why, as sentences.
    pub notes: Vec<String>,
    /// Recovery time: how long it took from the backup to a deck that answers, in milliseconds.
    pub recovery_time: Millis,
    /// Recovery point: how much of the past would be lost by restoring it now, in milliseconds.
    pub recovery_point: Millis,
    /// What the application answered, as sentences.
    pub answered: Vec<String>,
}
