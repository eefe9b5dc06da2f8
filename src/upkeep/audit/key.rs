//! The key that checkpoints are signed with. It is never in the database: who can change the log must not be able to sign it.

use super::{Error, Result, Settings};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use std::io::Write as _;
use std::path::Path;

/// Characters that a key has at least.
const LEAST: usize = 32;
/// Bytes of a file that is no key any more.
const MOST: u64 = 16_384;

/// A key, with the id by which checkpoints name it.
#[derive(Debug, Clone)]
pub struct Key {
    /// The beginning of a digest of the key: tells keys apart and tells nothing of them.
    pub id: String,
    pub(super) text: SecretString,
}

/// The keys at hand.
#[derive(Debug, Clone)]
pub struct Keys {
    /// What is signed with.
    pub current: Key,
    /// Earlier keys, which still verify.
    pub earlier: Vec<Key>,
}

impl Key {
    fn new(text: &str) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"quarterdeck audit key\0");
        hasher.update(text.as_bytes());
        let id = hasher.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Self { id, text: SecretString::from(text) }
    }
}

impl Keys {
    /// The key of this id.
    #[must_use]
    pub fn by_id(&self, id: &str) -> Option<&Key> {
        std::iter::once(&self.current).chain(&self.earlier).find(|key| key.id == id)
    }
}

/// The keys at hand: the setting, else the last line of the key file. Every line of that file verifies. `None` when there is neither.
///
/// # Errors
/// [`Error::Key`] when the file cannot be read, others may read it, or a line of it is no key.
pub fn load(settings: &Settings) -> Result<Option<Keys>> {
    let mut all = read(&settings.key_file)?;
    let current = settings.key.as_ref().map(|key| Key::new(key.expose_secret().trim())).or_else(|| all.pop());
    Ok(current.map(|current| Keys { current, earlier: all }))
}

/// The same, with a new key in the key file where there is none.
///
/// # Errors
/// As [`load`], and when the file cannot be made.
pub fn load_or_make(settings: &Settings) -> Result<Keys> {
    if let Some(keys) = load(settings)? {
        return Ok(keys);
    }
    make(&settings.key_file)?;
    let wrong = || Error::Key { path: settings.key_file.clone(), reason: "was made and is gone".to_owned() };
    load(settings)?.ok_or_else(wrong)
}

fn read(path: &Path) -> Result<Vec<Key>> {
    let wrong = |reason: String| Error::Key { path: path.to_path_buf(), reason };
    let found = match std::fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(wrong(format!("cannot be read: {error}"))),
    };
    if !found.is_file() || found.len() > MOST {
        return Err(wrong("is not a small file".to_owned()));
    }
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o077 != 0 {
        return Err(wrong(format!("can be read by others: chmod 600 {}; if others had access, make a new one", path.display())));
    }
    let text = std::fs::read_to_string(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let keys: Vec<Key> = lines
        .map(|line| {
            let is_key = line.len() >= LEAST && line.chars().all(|character| character.is_ascii_graphic());
            if is_key { Ok(Key::new(line)) } else { Err(wrong(format!("has a line that is no key: {LEAST} visible characters or more"))) }
        })
        .collect::<Result<_>>()?;
    if keys.is_empty() {
        return Err(wrong("is empty: bring the key back from where it is kept, or remove the file to have a new one made".to_owned()));
    }
    Ok(keys)
}

/// Make a key, unless another process made one meanwhile. The file appears whole or not at all.
fn make(path: &Path) -> Result<()> {
    let wrong = |reason: String| Error::Key { path: path.to_path_buf(), reason: format!("cannot be made: {reason}") };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    crate::config::prepare(parent).map_err(|error| wrong(error.to_string()))?;
    // 488 random bits of the system, in 256.
    let mut hasher = Sha256::new();
    (0..4).for_each(|_| hasher.update(uuid::Uuid::new_v4().as_bytes()));
    let text: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    // 0600 from its first byte.
    let mut file = tempfile::NamedTempFile::new_in(parent).map_err(|error| wrong(error.to_string()))?;
    writeln!(file, "{text}").and_then(|()| file.as_file().sync_all()).map_err(|error| wrong(error.to_string()))?;
    match file.persist_noclobber(path) {
        Ok(_) => {}
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(wrong(error.error.to_string())),
    }
    std::fs::File::open(parent).and_then(|directory| directory.sync_all()).map_err(|error| wrong(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn settings(directory: &Path) -> Settings {
        Settings {
            key: None,
            key_file: directory.join("new/audit.key"),
            rows: 1_000,
            interval: 3_600_000,
            anchor_file: None,
            anchor_command: Vec::new(),
        }
    }

    #[test]
    fn a_key_is_made_once_for_its_owner_and_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let settings = settings(directory.path());
        assert!(load(&settings).unwrap().is_none());
        let made = load_or_make(&settings).unwrap().current;
        assert_eq!(load_or_make(&settings).unwrap().current.id, made.id);
        assert_eq!(std::fs::metadata(&settings.key_file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!format!("{made:?}").contains(made.text.expose_secret()));
    }

    #[test]
    fn the_last_line_signs_and_the_others_verify() {
        let directory = tempfile::tempdir().unwrap();
        let settings = settings(directory.path());
        let old = load_or_make(&settings).unwrap().current;
        let mut text = std::fs::read_to_string(&settings.key_file).unwrap();
        text.push_str(&"n".repeat(40));
        std::fs::write(&settings.key_file, text).unwrap();
        let keys = load(&settings).unwrap().unwrap();
        assert_ne!(keys.current.id, old.id);
        assert!(keys.by_id(&old.id).is_some());
        let own = Settings { key: Some(SecretString::from("k".repeat(32))), ..settings.clone() };
        assert!(load(&own).unwrap().unwrap().by_id(&old.id).is_some(), "a key of the environment goes before the file's");
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_what_to_type() {
        let directory = tempfile::tempdir().unwrap();
        let settings = settings(directory.path());
        load_or_make(&settings).unwrap();
        std::fs::set_permissions(&settings.key_file, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(load(&settings).unwrap_err().to_string().contains("chmod 600"));
        std::fs::set_permissions(&settings.key_file, std::fs::Permissions::from_mode(0o600)).unwrap();
        for broken in ["", "\n", "short\n"] {
            std::fs::write(&settings.key_file, broken).unwrap();
            assert!(load(&settings).is_err(), "{broken:?}");
        }
    }
}
