//! Since when a value is in force. Kept beside the environment file, for its owner alone: a name, a time, and four bytes of a digest that tell
//! whether the value is still the one that was set then. A value that was set by hand is at least as old as the file was before a command
//! of this program changed another value in it.

use crate::base::Millis;
use crate::config::Setting;
use crate::config::environment_file::{lines, looks_secret, unquote};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::Write as _;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Since {
    since: Millis,
    mark: String,
    /// It was there then, and nobody knows for how long.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    or_before: bool,
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

/// Beside the file itself: every link to it has the same ages.
fn place(environment: &Path) -> PathBuf {
    let file = std::fs::canonicalize(environment).unwrap_or_else(|_| environment.to_path_buf());
    let mut name = file.into_os_string();
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
        return if known.or_before { Age::Before(known.since) } else { Age::Since(known.since) };
    }
    std::fs::metadata(environment).ok().and_then(|found| modified(&found)).map_or(Age::Unknown, Age::Before)
}

fn modified(found: &Metadata) -> Option<Millis> {
    let since = found.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    Millis::try_from(since.as_millis()).ok()
}

/// The file is about to be changed, which makes it new: what stands in it and has no age of its own keeps the age that the file had.
/// The caller holds the directory.
///
/// # Errors
/// When the ages cannot be written.
pub(super) fn settle(environment: &Path, text: &str, found: &Metadata) -> std::io::Result<()> {
    let Some(since) = modified(found) else { return Ok(()) };
    let (mut all, mut is_new) = (load(environment), false);
    for (name, raw) in lines(text).into_iter().filter_map(|line| line.entry) {
        let is_secret = looks_secret(name) || Setting::by_env(name).is_some_and(super::names::is_one);
        let Some(value) = unquote(raw).ok().filter(|value| is_secret && !value.is_empty()) else { continue };
        let mark = mark(name, &value);
        if all.get(name).is_none_or(|known| known.mark != mark) {
            all.insert(name.to_owned(), Since { since, mark, or_before: true });
            is_new = true;
        }
    }
    if is_new { save(environment, &all) } else { Ok(()) }
}

/// A value came into force now.
///
/// # Errors
/// When the file cannot be written; the value is in force all the same.
pub fn keep(environment: &Path, name: &str, value: &str, now: Millis) -> std::io::Result<()> {
    // As a change of the file does: two at a time would lose one.
    let directory = File::open(directory(&place(environment)))?;
    directory.lock()?;
    let mut all = load(environment);
    all.insert(name.to_owned(), Since { since: now, mark: mark(name, value), or_before: false });
    save(environment, &all)
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn save(environment: &Path, all: &BTreeMap<String, Since>) -> std::io::Result<()> {
    let path = place(environment);
    let mut file = tempfile::NamedTempFile::new_in(directory(&path))?;
    file.write_all(&serde_json::to_vec(all)?)?;
    // Root may do it for the service, which has to read and renew it afterwards.
    if let Ok(about) = std::fs::metadata(environment) {
        super::file::give(file.as_file(), &about)?;
    }
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

    #[test]
    fn setting_one_value_makes_no_other_one_young() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("environment");
        let text = "OPENROUTER_API_KEY=by-hand\nREDDIT_PASSWORD=old\nREDDIT_USERNAME=deck\n";
        std::fs::write(&file, text).unwrap();
        let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000);
        File::options().append(true).open(&file).unwrap().set_modified(long_ago).unwrap();
        settle(&file, text, &std::fs::metadata(&file).unwrap()).unwrap();
        std::fs::write(&file, text.replace("old", "new")).unwrap();
        keep(&file, "REDDIT_PASSWORD", "new", 5_000_000).unwrap();
        assert_eq!(of(&file, "OPENROUTER_API_KEY", "by-hand"), Age::Before(1_000_000));
        assert_eq!(of(&file, "REDDIT_PASSWORD", "new"), Age::Since(5_000_000));
        assert!(!std::fs::read_to_string(place(&file)).unwrap().contains("REDDIT_USERNAME"), "what is no secret is not kept");
        // By another name of the same file.
        let link = directory.path().join("link");
        std::os::unix::fs::symlink("environment", &link).unwrap();
        assert_eq!(of(&link, "OPENROUTER_API_KEY", "by-hand"), Age::Before(1_000_000));
    }
}
