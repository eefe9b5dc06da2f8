//! The passphrase of secrets: from a prompt that does not show it, or from a file that only its owner may read. Never from an argument, which
//! every user of the machine can read, and never from the environment.

use crate::cli::Failure;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use std::io::{IsTerminal as _, Read as _};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A file with a passphrase is a line.
const LONGEST: u64 = 4_096;

/// A new passphrase; from a prompt it is asked for twice.
pub(super) fn new(file: Option<&Path>) -> Result<SecretString, Failure> {
    if let Some(file) = file {
        return from_file(file);
    }
    let first = ask("passphrase for the secrets: ")?;
    let second = ask("the same again: ")?;
    if first.expose_secret() != second.expose_secret() {
        return Err(Failure::usage("the two passphrases differ").hint("type it again; nothing was made"));
    }
    Ok(first)
}

/// The passphrase of a backup that is there.
pub(super) fn known(file: Option<&Path>) -> Result<SecretString, Failure> {
    file.map_or_else(|| ask("passphrase of the secrets: "), from_file)
}

fn ask(prompt: &str) -> Result<SecretString, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("there is no terminal to ask for the passphrase")
            .hint("write it into a file of mode 0600 and name that with --passphrase-file"));
    }
    let typed = rpassword::prompt_password(prompt);
    Ok(SecretString::from(typed.map_err(|error| Failure::failed(format!("the passphrase cannot be read: {error}")))?))
}

fn from_file(path: &Path) -> Result<SecretString, Failure> {
    let failed = |error: std::io::Error| Failure::failed(format!("the passphrase cannot be read from {}: {error}", path.display()));
    let file = std::fs::File::open(path).map_err(failed)?;
    // Of the open file, not of its name: another one cannot be put in its place between the two.
    let found = file.metadata().map_err(failed)?;
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let message = format!("others may read {} (mode {mode:04o})", path.display());
        return Err(Failure::failed(message).hint(format!("run `chmod 600 {}`", path.display())));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(LONGEST).read_to_string(&mut text).map_err(failed)?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(Failure::usage(format!("the first line of {} is empty", path.display())));
    }
    Ok(SecretString::from(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("passphrase");
        std::fs::write(&path, "correct horse battery\nsecond line\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(from_file(&path).unwrap_err().message.contains("0640"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(from_file(&path).unwrap().expose_secret(), "correct horse battery");
        std::fs::write(&path, "\n").unwrap();
        assert!(from_file(&path).is_err() && from_file(Path::new("/not/there")).is_err());
    }
}
