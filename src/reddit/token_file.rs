//! The file of a rotated refresh token. Reddit may hand out each one only once: losing the newest locks the account out.

use super::error::{Error, Result};
use crate::base::sha256_hex;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The file of one account's refresh token.
#[derive(Debug, Clone)]
pub struct TokenFile {
    path: PathBuf,
    client_id: String,
    account: String,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    client_id: String,
    account: String,
    /// Digest of the configured token that this one descends from: a newly configured one is newer than the file.
    origin: Option<String>,
    refresh_token: String,
}

impl TokenFile {
    /// The file at `path` for this account of this application.
    #[must_use]
    pub fn new(path: PathBuf, client_id: &str, account: &str) -> Self {
        Self { path, client_id: client_id.to_owned(), account: account.to_owned() }
    }

    /// The token in the file, if there is one and it is newer than the `configured` one.
    ///
    /// # Errors
    /// [`Error::TokenFile`] when it cannot be read, belongs to another account, or others may read it.
    pub fn load(&self, configured: Option<&SecretString>) -> Result<Option<SecretString>> {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed(format!("cannot be read: {error}"), "Make it readable for this user, or remove it")),
        };
        self.check_mode()?;
        let kept: Kept = serde_json::from_str(&text)
            // The error's own words may quote the file.
            .map_err(|_| self.failed("not a file that this program wrote".to_owned(), "Remove it and set a fresh REDDIT_REFRESH_TOKEN"))?;
        if kept.client_id != self.client_id || !kept.account.eq_ignore_ascii_case(&self.account) {
            let reason = "belongs to another account or application".to_owned();
            return Err(self.failed(reason, "Give each account its own file, or remove this one"));
        }
        let is_newer = configured.is_none() || kept.origin == origin(configured);
        Ok(is_newer.then(|| kept.refresh_token.into()))
    }

    /// Store `token`: when this returns, it is on the disk, whole, and readable by its owner alone.
    ///
    /// # Errors
    /// [`Error::TokenFile`] when it could not be stored; the file before is untouched.
    pub fn store(&self, token: &SecretString, configured: Option<&SecretString>) -> Result<()> {
        let kept = Kept {
            client_id: self.client_id.clone(),
            account: self.account.clone(),
            origin: origin(configured),
            refresh_token: token.expose_secret().to_owned(),
        };
        let text = serde_json::to_vec(&kept).map_err(|error| self.failed(error.to_string(), "Please report this"))?;
        self.write(&text).map_err(|error| {
            self.failed(
                format!("cannot be written: {error}"),
                "Make its directory writable and free some space; the new token is still in memory",
            )
        })
    }

    fn write(&self, text: &[u8]) -> std::io::Result<()> {
        let directory = self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(directory)?;
        // A temporary file is made with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        file.write_all(text)?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        // The new name has to survive a loss of power as well.
        std::fs::File::open(directory)?.sync_all()
    }

    #[cfg(unix)]
    fn check_mode(&self) -> Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&self.path)
            .map_err(|error| self.failed(format!("cannot be read: {error}"), "Make it readable for this user"))?
            .permissions()
            .mode();
        if mode & 0o077 == 0 {
            return Ok(());
        }
        Err(self.failed(
            format!("others may read it (mode {:o})", mode & 0o777),
            "Run chmod 600 on it, and authorize anew if others had access",
        ))
    }

    #[cfg(not(unix))]
    fn check_mode(&self) -> Result<()> {
        Ok(())
    }

    fn failed(&self, reason: String, next: &str) -> Error {
        Error::TokenFile { path: self.path.clone(), reason, next: next.to_owned() }
    }
}

fn origin(configured: Option<&SecretString>) -> Option<String> {
    configured.map(|token| sha256_hex(token.expose_secret().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> (TokenFile, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        (TokenFile::new(directory.path().join("deep/token.json"), "id", "someone"), directory)
    }

    fn loaded(file: &TokenFile, configured: Option<&SecretString>) -> Option<String> {
        file.load(configured).unwrap().map(|token| token.expose_secret().to_owned())
    }

    #[test]
    fn a_stored_token_comes_back_until_another_is_configured() {
        let (file, _directory) = file();
        let (first, second) = (SecretString::from("first"), SecretString::from("second"));
        assert_eq!(loaded(&file, Some(&first)), None);
        file.store(&"rotated".into(), Some(&first)).unwrap();
        assert_eq!(loaded(&file, Some(&first)).as_deref(), Some("rotated"));
        assert_eq!(loaded(&file, Some(&second)), None);
        assert_eq!(loaded(&file, None).as_deref(), Some("rotated"));
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_the_owners_alone_and_one_that_is_not_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let (file, _directory) = file();
        file.store(&"canary".into(), None).unwrap();
        assert_eq!(std::fs::metadata(&file.path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&file.path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let refused = file.load(None).unwrap_err().to_string();
        assert!(refused.contains("chmod 600") && !refused.contains("canary"), "{refused}");
    }

    #[test]
    fn a_file_of_another_account_or_of_nonsense_is_refused_without_being_quoted() {
        let (file, _directory) = file();
        file.store(&"canary".into(), None).unwrap();
        let other = TokenFile { account: "other".to_owned(), ..file.clone() };
        assert!(matches!(other.load(None), Err(Error::TokenFile { .. })));
        std::fs::write(&file.path, "canary {").unwrap();
        assert!(!file.load(None).unwrap_err().to_string().contains("canary"));
    }
}
