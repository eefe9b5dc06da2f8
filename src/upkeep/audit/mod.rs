//! Whether the audit log is whole: keyed checkpoints of it, in the database and in a second place, and the verification against them.
//!
//! | file | what it is for |
//! |---|---|
//! | [`key`] | the key that checkpoints are signed with, and where it is kept |
//! | [`checkpoint`] | so many entries, this head, at this time: signed, and as a line of a file |
//! | [`rows`] | the checkpoints of the database |
//! | [`place`] | the second place: a file elsewhere, a command |
//! | [`anchor`] | making a checkpoint |
//! | [`keeper`] | making them by themselves, in whatever runs for long |
//! | [`chain`] | walking the chain of hashes, and naming what was done to it; no I/O |
//! | [`verify`] | the walk over a database, with its anchors |
//! | [`log`] | what is listed: filters and pages |
//! | [`export`] | the log as a file, with a digest |
//!
//! A chain of hashes alone shows an edit only as long as nobody computes the hashes behind it anew, and it never shows that its end was cut
//! off. Who has no key cannot make a checkpoint that fits the changed log, and who has no access to the second place cannot take one away.

pub mod anchor;
pub mod chain;
pub mod checkpoint;
pub mod export;
pub mod keeper;
pub mod key;
pub mod log;
pub mod place;
pub mod rows;
pub mod verify;

pub use chain::{Fault, Finding};
pub use checkpoint::Checkpoint;
pub use verify::{Verified, Verify};

use crate::base::{Clock, Millis};
use crate::store::{self, Database};
use secrecy::SecretString;
use std::path::PathBuf;
use std::sync::Arc;

/// Why the log could not be anchored or verified. What verification finds in the log is no error.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The key cannot be used.
    #[error("the audit key {} {reason}", path.display())]
    Key {
        /// Its file.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// There are checkpoints, and no key of theirs is here.
    #[error(
        "there are checkpoints of another key ({id}), and the key at hand does not fit: copy {} from where they are made, or set QUARTERDECK_AUDIT_KEY as it is there",
        path.display()
    )]
    OtherKey {
        /// The id of the key that made the newest checkpoint.
        id: String,
        /// Where a key would be kept.
        path: PathBuf,
    },
    /// The log does not go on from the checkpoint before.
    #[error(
        "the log does not go on from checkpoint {number}, over {entries} rows: nothing was signed; `quarterdeck audit verify` says what was done to it"
    )]
    Broken {
        /// Number of the checkpoint.
        number: i64,
        /// Rows that it covers.
        entries: i64,
    },
    /// The second place cannot be used.
    #[error("the anchor file {} cannot be used: {reason}", path.display())]
    Place {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The command that gets checkpoints failed.
    #[error("the command of audit.anchor_command ({program}) failed: {reason}")]
    Command {
        /// The program.
        program: String,
        /// What is wrong.
        reason: String,
    },
    /// An export cannot be written.
    #[error("the export cannot be written: {0}")]
    Export(#[from] std::io::Error),
    /// A walk is to begin where nothing ever was.
    #[error("there is no row {from} to begin at: the log ends with row {last}")]
    BehindTheEnd {
        /// The row.
        from: i64,
        /// The last row.
        last: i64,
    },
    /// It was stopped before its end.
    #[error("stopped before the end; nothing was written down")]
    Stopped,
    /// The system gives no thread.
    #[error("the system gives no further thread: {0}")]
    Thread(String),
}

/// The result of anchoring or verifying.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How checkpoints are made.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The key, where it does not stand in its own file.
    pub key: Option<SecretString>,
    /// Where a key is kept, and made on first use, otherwise.
    pub key_file: PathBuf,
    /// New rows after which a checkpoint is made.
    pub rows: i64,
    /// Milliseconds after which one is made for fewer rows.
    pub interval: Millis,
    /// The second place.
    pub anchor_file: Option<PathBuf>,
    /// The command that gets each checkpoint; empty for none.
    pub anchor_command: Vec<String>,
}

/// The audit log of a database, with the key and the second place of its checkpoints. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Audit {
    /// The database.
    pub db: Database,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// How checkpoints are made.
    pub settings: Arc<Settings>,
}

impl Audit {
    /// The log of a database.
    #[must_use]
    pub fn new(db: Database, clock: Arc<dyn Clock>, settings: Settings) -> Self {
        Self { db, clock, settings: Arc::new(settings) }
    }
}
