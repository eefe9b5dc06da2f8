//! What a backup says about itself: `manifest.json`, with its own digest in `manifest.sha256`, in `upkeep_runs` and in the audit log.

use crate::base::Millis;
use serde::{Deserialize, Serialize};

/// The manifest's file.
pub const FILE_NAME: &str = "manifest.json";
/// The digest of the manifest, in the form that `sha256sum --check` reads.
pub const DIGEST_NAME: &str = "manifest.sha256";
/// The form of manifest that this program writes.
pub const FORMAT: u32 = 1;

/// What a backup says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The form of this file.
    pub format: u32,
    /// The directory's name when the backup was made.
    pub name: String,
    /// Version of the program that made it.
    pub tool: String,
    /// The instant of the snapshot.
    pub snapshot_at: Millis,
    /// When everything was copied.
    pub ended_at: Millis,
    /// The database.
    pub database: Database,
    /// Every file, in the order of its path.
    pub files: Vec<File>,
    /// The index of vectors.
    pub index: Option<Index>,
    /// Configuration files from which secrets were left out.
    pub redacted: Vec<String>,
}

/// The database at the instant of the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `sqlite` or `postgres`.
    pub engine: String,
    /// The engine's version.
    pub engine_version: String,
    /// The schema's version.
    pub schema_version: i64,
    /// SHA-256 over every table, index, trigger and view.
    pub schema_digest: String,
    /// Path of its file in the backup.
    pub file: String,
    /// Every table that holds rows of its own, in the order of its name.
    pub tables: Vec<Table>,
    /// The newest row of the audit log.
    pub audit: Option<AuditHead>,
}

/// One table at the instant of the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// How many rows.
    pub rows: u64,
    /// SHA-256 over its rows in the order of their key.
    pub digest: String,
}

/// The newest row of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditHead {
    /// Its number.
    pub seq: i64,
    /// Its hash.
    pub hash: String,
}

/// One file of the backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Where it is in the backup.
    pub path: String,
    /// What it is: `database`, `index`, `config`, `environment`, …
    pub logical: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256.
    pub sha256: String,
    /// Mode in the backup, as `0600`.
    pub mode: String,
    /// Mode where it came from, as `0644`.
    pub original_mode: String,
    /// When it was last changed where it came from.
    pub changed_at: Millis,
}

/// The index of vectors beside the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// Newest change of the vectors in the snapshot. The files are never newer; what they lack is caught up when they are opened.
    pub change: i64,
}

impl Manifest {
    /// Bytes of all files together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// The file that holds the database.
    #[must_use]
    pub fn database_file(&self) -> Option<&File> {
        self.files.iter().find(|file| file.path == self.database.file)
    }

    /// Whether it holds secrets, encrypted.
    #[must_use]
    pub fn has_secrets(&self) -> bool {
        self.files.iter().any(|file| file.path.starts_with("secrets/"))
    }
}
