//! What is sent to whoever helps: versions, settings, the doctor's report, sizes, the end of the log. No secret, no text of a persona, no prompt.
//!
//! | file | what it is for |
//! |---|---|
//! | [`redact`] | takes out what is known to be secret, then what looks like it |
//! | `contents` | the files of a bundle |
//! | `archive` | the file that they go into: tar, packed |

mod archive;
mod contents;
pub mod redact;

use super::doctor::Report;
use super::patient::Patient;
use serde::Serialize;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A bundle that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Where.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// The names of the files in it.
    pub files: Vec<String>,
}

/// Write the bundle to `path`, a file that is not there yet. Only its owner can read it.
///
/// # Errors
/// When the file is there already or cannot be written; then nothing half is left.
pub fn write(patient: &Arc<Patient>, report: &Report, path: &Path) -> std::io::Result<Written> {
    let files = contents::files(patient, report);
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A temporary file is made with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(parent)?;
    let packed = archive::pack(&files, patient.now())?;
    file.write_all(&packed)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    let names = files.into_iter().map(|(name, _)| name).collect();
    Ok(Written { path: path.to_path_buf(), bytes: packed.len() as u64, files: names })
}
