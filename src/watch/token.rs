//! The token that may be asked for: read from a file that only its owner can read, compared in a time that tells nothing of it.

use super::{Error, Result};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use std::path::Path;

/// Characters that a token has at least.
const LEAST: usize = 16;
/// Bytes of a file that is no token any more.
const MOST: u64 = 4_096;

/// A token. It does not show in `Debug`.
#[derive(Debug, Clone)]
pub struct Token(SecretString);

impl Token {
    /// Read the one line of a file.
    ///
    /// # Errors
    /// [`Error::Token`] when it cannot be read, others may read it, or it is no token.
    pub fn read(path: &Path) -> Result<Self> {
        let wrong = |reason: String| Error::Token { path: path.to_path_buf(), reason };
        let about = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?;
        if !about.is_file() || about.len() > MOST {
            return Err(wrong("it is not a small file".to_owned()));
        }
        #[cfg(unix)]
        if std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o077 != 0 {
            return Err(wrong(format!("others may read it: `chmod 600 {}`", path.display())));
        }
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let token = text.trim();
        if token.len() < LEAST || token.chars().any(|character| !character.is_ascii_graphic()) {
            return Err(wrong(format!("a token is one line of at least {LEAST} visible ASCII characters")));
        }
        Ok(Self(SecretString::from(token)))
    }

    /// Whether a header `Authorization` carries it.
    #[must_use]
    pub fn is_in(&self, header: Option<&[u8]>) -> bool {
        let Some(header) = header else { return false };
        let Some((scheme, given)) = header.split_first_chunk::<7>() else { return false };
        scheme.eq_ignore_ascii_case(b"Bearer ") && self.equals(given.trim_ascii())
    }

    /// Compared as digests and to the last byte: the time is the same wherever they differ, and whatever their lengths.
    fn equals(&self, given: &[u8]) -> bool {
        let (ours, theirs) = (Sha256::digest(self.0.expose_secret().as_bytes()), Sha256::digest(given));
        let difference = ours.iter().zip(theirs.iter()).fold(0_u8, |all, (a, b)| all | std::hint::black_box(a ^ b));
        std::hint::black_box(difference) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "0123456789abcdef0123";

    fn write(text: &str, mode: u32) -> (tempfile::TempDir, std::path::PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        (directory, path)
    }

    #[test]
    fn only_the_token_is_the_token() {
        let (_directory, path) = write(&format!("{TEXT}\n"), 0o600);
        let token = Token::read(&path).unwrap();
        let with = |header: &str| token.is_in(Some(header.as_bytes()));
        assert!(with(&format!("Bearer {TEXT}")) && with(&format!("bearer  {TEXT}")));
        for wrong in ["", "Bearer", "Bearer ", TEXT, "Basic abc", &format!("Bearer {TEXT}x"), &format!("Bearer {}", &TEXT[1..])] {
            assert!(!with(wrong), "{wrong}");
        }
        assert!(!token.is_in(None));
        assert!(!format!("{token:?}").contains(TEXT));
    }

    #[test]
    fn a_file_that_is_no_secret_is_refused_without_its_text() {
        for (text, mode, words) in [
            (TEXT, 0o644, "chmod 600"),
            (TEXT, 0o640, "chmod 600"),
            ("short", 0o600, "at least 16"),
            ("", 0o600, "at least 16"),
            ("two lines of it\nand more of it", 0o600, "one line"),
        ] {
            let (_directory, path) = write(text, mode);
            let error = Token::read(&path).unwrap_err().to_string();
            assert!(error.contains(words) && (text.is_empty() || !error.contains(text)), "{error}");
        }
        assert!(Token::read(Path::new("/nowhere/token")).unwrap_err().to_string().contains("/nowhere/token"));
        assert!(Token::read(Path::new("/")).is_err());
    }
}
