//! Since when a value is in force. Kept beside the environment file, for its owner alone: a name, a time, and four bytes of a digest that tell
//! whether the value is still the one that was set then. A value that was set by hand is at least as old as the file.

use crate::base::Millis;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Since {
    since: Millis,
    mark: String,
}

/// How old a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// It was set then, by a command of this program.
    Since(Millis),
    /// Then at the latest.
    Before(Millis),
    /// Nobody knows.
    Unknown,
}

impl Age {
    /// How old it is at least; `None` where nobody knows.
    #[must_use]
    pub fn at_least(self, now: Millis) -> Option<Millis> {
        match self {
            Self::Since(at) | Self::Before(at) => Some((now - at).max(0)),
            Self::Unknown => None,
        }
    }
}

fn place(environment: &Path) -> PathBuf {
    let mut name = environment.as_os_str().to_owned();
    name.push(".ages");
    PathBuf::from(name)
}

fn mark(name: &str, value: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(name.as_bytes());
    hasher.update([0]);
    hasher.update(value.as_bytes());
    hasher.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

fn load(environment: &Path) -> BTreeMap<String, Since> {
    // Ages that cannot be read are ages that nobody knows.
    std::fs::read(place(environment)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// The age of a value of the environment file.
#[must_use]
pub fn of(environment: &Path, name: &str, value: &str) -> Age {
    if let Some(known) = load(environment).get(name).filter(|known| known.mark == mark(name, value)) {
        return Age::Since(known.since);
    }
    let modified = std::fs::metadata(environment).and_then(|found| found.modified()).ok();
    let since = modified.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    since.and_then(|since| Millis::try_from(since.as_millis()).ok()).map_or(Age::Unknown, Age::Before)
}

/// A value came into force now.
///
/// # Errors
/// When the file cannot be written; the value is in force all the same.
pub fn keep(environment: &Path, name: &str, value: &str, now: Millis) -> std::io::Result<()> {
    // A link is followed, so that every name of the file has the same ages.
    let mut all = load(environment);
    all.insert(name.to_owned(), Since { since: now, mark: mark(name, value) });
    let path = place(environment);
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(&serde_json::to_vec(&all)?)?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_the_age_of_its_setting_until_somebody_changes_it_by_hand() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("environment");
        assert_eq!(of(&file, "A", "x"), Age::Unknown);
        std::fs::write(&file, "A=x\n").unwrap();
        assert!(matches!(of(&file, "A", "x"), Age::Before(_)));
        keep(&file, "A", "x", 5).unwrap();
        assert_eq!(of(&file, "A", "x"), Age::Since(5));
        assert!(matches!(of(&file, "A", "y"), Age::Before(_)));
        assert!(!std::fs::read_to_string(place(&file)).unwrap().contains("\"x\""));
    }
}
