//! Who has to stay erased: `erasures.jsonl` beside the backups. A backup is never changed, so one that was made before an erasure still
//! holds what was erased; whoever restores it is told what to erase again.
//!
//! The file holds no name, only a salted digest: a line a request, `{"at": …, "salt": "…", "digest": "…", "request": "…"}`.

use super::{Error, Result};
use crate::base::{Millis, digest::sha256_parts, new_id};
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// The file's name, in the directory of backups.
pub const FILE_NAME: &str = "erasures.jsonl";

/// One request that was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// When.
    pub at: Millis,
    /// A salt of its own.
    pub salt: String,
    /// SHA-256 of the salt and the name, each preceded by its length. The name is without `u/`, in small letters.
    pub digest: String,
    /// The id of the request: of its row in `upkeep_runs`.
    pub request: String,
}

fn plain(name: &str) -> String {
    let name = name.trim();
    name.strip_prefix("/u/").or_else(|| name.strip_prefix("u/")).unwrap_or(name).to_lowercase()
}

impl Erased {
    /// A line for `name`.
    #[must_use]
    pub fn new(name: &str, at: Millis, request: &str) -> Self {
        let salt = new_id();
        let digest = sha256_parts(&[salt.as_bytes(), plain(name).as_bytes()]);
        Self { at, salt, digest, request: request.to_owned() }
    }

    /// Whether this is the erasure of `name`.
    #[must_use]
    pub fn is_of(&self, name: &str) -> bool {
        sha256_parts(&[self.salt.as_bytes(), plain(name).as_bytes()]) == self.digest
    }
}

/// Write down an erasure beside the backups in `dir`, durably. The directory is made, for its owner only, when it is not there.
///
/// # Errors
/// [`Error::Io`] when it cannot be written: the erasure is then not yet complete, because a restore would bring the person back.
pub fn append(dir: &Path, erased: &Erased) -> Result<()> {
    let path = dir.join(FILE_NAME);
    let failed = |error: std::io::Error| Error::io("write", &path, &error);
    std::os::unix::fs::DirBuilderExt::mode(std::fs::DirBuilder::new().recursive(true), 0o700).create(dir).map_err(failed)?;
    let mut line = serde_json::to_string(erased).map_err(|error| failed(error.into()))?;
    line.push('\n');
    let mut file = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(&path).map_err(failed)?;
    file.write_all(line.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}

/// Every erasure written down in `dir`, oldest first.
///
/// # Errors
/// [`Error::Io`] when the file cannot be read, [`Error::Erasures`] when a line is not understood.
pub fn read(dir: &Path) -> Result<Vec<Erased>> {
    let path: PathBuf = dir.join(FILE_NAME);
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(|error| Error::io("read", &path, &error))?,
    };
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        found.push(serde_json::from_str(line).map_err(|_| Error::Erasures { path: path.clone(), line: number + 1 })?);
    }
    found.sort_by_key(|erased: &Erased| erased.at);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_erasure_is_known_again_and_names_nobody() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()).unwrap(), []);
        append(dir.path(), &Erased::new("u/Some_Body", 7, "run")).unwrap();
        append(dir.path(), &Erased::new("other", 5, "run")).unwrap();
        let found = read(dir.path()).unwrap();
        assert_eq!(found.iter().map(|erased| erased.at).collect::<Vec<_>>(), [5, 7]);
        assert!(found[1].is_of("some_body") && !found[1].is_of("other"));
        let text = std::fs::read_to_string(dir.path().join(FILE_NAME)).unwrap();
        assert!(!text.to_lowercase().contains("some_body"));
        std::fs::write(dir.path().join(FILE_NAME), "{}\n").unwrap();
        assert!(read(dir.path()).unwrap_err().to_string().contains("line 1"));
    }
}
