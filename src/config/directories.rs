//! The directories and files of an installation, by the XDG rules, and how they are made.

use super::Error;
use std::path::{Path, PathBuf};

/// Where things are. None of them need exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directories {
    /// Directory of the configuration file.
    pub config_dir: PathBuf,
    /// The configuration file.
    pub config_file: PathBuf,
    /// The environment file: names and secrets, 0600.
    pub environment_file: PathBuf,
    /// Data directory when none is set.
    pub data_dir: PathBuf,
    /// Logs.
    pub state_dir: PathBuf,
}

impl Directories {
    /// Find them. With `config`, the files beside that one are used. `None` when the system names no home directory.
    #[must_use]
    pub fn locate(config: Option<&Path>) -> Option<Self> {
        let user = directories::ProjectDirs::from("", "", "quarterdeck")?;
        let config_file =
            config.map_or_else(|| user.config_dir().join("config.toml"), |path| std::path::absolute(path).unwrap_or_else(|_| path.into()));
        let config_dir = config_file.parent().map_or_else(PathBuf::new, Path::to_path_buf);
        // A file of another name keeps its secrets under its own name: several deployments may share a directory, and
        // /etc/environment belongs to the system.
        let environment_file = match config_file.file_stem().and_then(|stem| stem.to_str()) {
            Some(stem) if stem != "config" => config_dir.join(format!("{stem}.environment")),
            _ => config_dir.join("environment"),
        };
        Some(Self {
            config_dir,
            config_file,
            environment_file,
            data_dir: user.data_dir().to_path_buf(),
            state_dir: user.state_dir().map_or_else(|| user.data_dir().join("state"), Path::to_path_buf),
        })
    }
}

/// Make a directory that only its owner may enter, with the directories above it. One that exists is left as it is.
///
/// # Errors
/// [`Error::Directory`] when it cannot be made or is not a directory.
pub fn prepare(path: &Path) -> Result<(), Error> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| Error::Directory { path: path.to_path_buf(), reason: error.to_string() })
}

/// What a look at a directory says, without changing anything but a file that is gone at once.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Examined {
    /// It is there and can be written.
    Usable,
    /// It is there and can be written, and others may look into it.
    OpenToOthers,
    /// It is not there and can be made.
    CanBeMade,
    /// It cannot be used.
    Unusable(String),
}

pub(super) fn examine(path: &Path) -> Examined {
    match std::fs::metadata(path) {
        Ok(found) if !found.is_dir() => Examined::Unusable("it is not a directory".to_owned()),
        Ok(found) => match tempfile::tempfile_in(path) {
            Err(error) => Examined::Unusable(error.to_string()),
            Ok(_) if others_may_read(&found) => Examined::OpenToOthers,
            Ok(_) => Examined::Usable,
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => match path.parent() {
            None => Examined::Unusable(error.to_string()),
            Some(parent) if parent.as_os_str().is_empty() => Examined::CanBeMade,
            Some(parent) => match examine(parent) {
                Examined::Unusable(reason) => Examined::Unusable(format!("{} cannot be written: {reason}", parent.display())),
                _ => Examined::CanBeMade,
            },
        },
        Err(error) => Examined::Unusable(error.to_string()),
    }
}

/// Whether the group or the world may read a file or directory. Always false where the system has no such bits.
pub(super) fn others_may_read(found: &std::fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o077 != 0
    }
    #[cfg(not(unix))]
    {
        let _ = found;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_beside_a_named_configuration_file_carry_its_name() {
        let named = Directories::locate(Some(Path::new("/etc/quarterdeck.toml"))).unwrap();
        assert_eq!(named.environment_file, Path::new("/etc/quarterdeck.environment"));
        let usual = Directories::locate(Some(Path::new("/srv/deck/config.toml"))).unwrap();
        assert_eq!(usual.environment_file, Path::new("/srv/deck/environment"));
    }

    #[cfg(unix)]
    #[test]
    fn a_new_directory_is_closed_to_others_and_a_file_in_the_way_is_named() {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("a/b");
        assert_eq!(examine(&data), Examined::CanBeMade);
        prepare(&data).unwrap();
        assert_eq!(examine(&data), Examined::Usable);
        std::fs::write(data.join("file"), "").unwrap();
        let below = data.join("file/below");
        assert!(matches!(examine(&below), Examined::Unusable(_)));
        let error = prepare(&below).unwrap_err().to_string();
        assert!(error.contains("file/below"), "{error}");
    }
}
