//! A new file in the current directory, for what a person takes along. What exists is never written over.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};

/// Why nothing was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refused {
    /// There is such a file.
    Exists,
    /// What the system said.
    Failed(String),
}

/// Whether a name leads nowhere but into this directory.
pub(super) fn is_plain(name: &str) -> bool {
    !(name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0', ':']))
}

/// Write a text into a new file.
///
/// # Errors
/// [`Refused::Exists`] when there is a file of this name: it stays as it is.
pub(super) fn write(name: &str, text: &str) -> Result<(), Refused> {
    let failed = |error: std::io::Error| Refused::Failed(format!("{name} cannot be written: {error}"));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    // What agents say and cost is nobody else's business on this machine.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(name).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Refused::Exists,
        _ => failed(error),
    })?;
    file.write_all(text.as_bytes()).map_err(failed)
}
