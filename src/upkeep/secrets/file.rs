//! The environment file on the disk: changed whole or not at all, by one at a time, and never made readable for others.

use super::edit::{self, Refused};
use super::{Error, Result, age};
use std::fs::{File, Metadata};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// A settings file is a page of text; a larger one is something else.
const MAX_BYTES: u64 = 1 << 20;

/// A change of a text; `None` when nothing is to be changed.
pub type Change<'a> = &'a mut dyn FnMut(&str) -> Result<Option<String>>;

/// An environment file.
#[derive(Debug, Clone)]
pub struct EnvFile(PathBuf);

impl EnvFile {
    /// The file at a path, which need not exist.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Its path, as it was named.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn wrong(&self, reason: impl Into<String>) -> Error {
        Error::File { path: self.0.clone(), reason: reason.into() }
    }

    /// What stands in it; empty when it is not there.
    ///
    /// # Errors
    /// [`Error::File`] when it cannot be read or is no text; [`Error::Open`] when others can read it.
    pub fn read(&self) -> Result<String> {
        Ok(self.look()?.map_or_else(String::new, |(text, _)| text))
    }

    fn look(&self) -> Result<Option<(String, Metadata)>> {
        let mut file = match File::open(&self.0) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.wrong(format!("cannot be read: {error}"))),
        };
        let found = file.metadata().map_err(|error| self.wrong(format!("cannot be read: {error}")))?;
        if !found.is_file() || found.len() > MAX_BYTES {
            return Err(self.wrong("is not a regular file of at most 1 MiB"));
        }
        if found.permissions().mode() & 0o077 != 0 {
            return Err(Error::Open { path: self.0.clone() });
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(|_| self.wrong("is not text in UTF-8: nothing can be changed in it safely"))?;
        Ok(Some((text, found)))
    }

    /// Set one name. Returns the numbers of lines that set it too and do not count.
    ///
    /// # Errors
    /// As [`EnvFile::change`], and [`Error::Value`].
    pub fn set(&self, name: &str, value: &str) -> Result<Vec<usize>> {
        let mut covered = Vec::new();
        self.change(&mut |text| {
            let changed = set(text, name, value)?;
            covered = edit::covered(&changed, name);
            Ok(Some(changed))
        })?;
        Ok(covered)
    }

    /// Change the file: read, changed, written beside, synced, put in its place, the directory synced. Killed at any point, either the old
    /// file is there or the new one. A file behind a symbolic link is changed where it is; mode and owner stay.
    ///
    /// # Errors
    /// [`Error::Changed`] when somebody else changed it meanwhile; as [`EnvFile::read`]; [`Error::File`] when it cannot be written.
    pub fn change(&self, change: Change<'_>) -> Result<()> {
        let target = match std::fs::canonicalize(&self.0) {
            Ok(target) => target,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => match std::fs::read_link(&self.0) {
                // A link to a file that is not there yet: that one is made.
                Ok(link) => self.0.parent().unwrap_or(Path::new("")).join(link),
                Err(_) => self.0.clone(),
            },
            Err(error) => return Err(self.wrong(format!("cannot be read: {error}"))),
        };
        let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_path_buf();
        let unwritable = |error: std::io::Error| self.wrong(format!("cannot be written: {error}"));
        if !directory.exists() {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(unwritable)?;
        }
        // One at a time: the directory is what stays the same while files in it are replaced.
        let place = File::open(&directory).map_err(unwritable)?;
        place.lock().map_err(unwritable)?;
        let before = self.look()?;
        let text = before.as_ref().map_or("", |(text, _)| text.as_str());
        let Some(changed) = change(text)? else { return Ok(()) };
        if changed == text && before.is_some() {
            return Ok(());
        }
        let beside = directory.join(format!(".{}.new", target.file_name().unwrap_or_default().to_string_lossy()));
        if let Some((text, found)) = &before
            && let Err(error) = age::settle(&target, text, found)
        {
            tracing::warn!(%error, "since when the secrets of the environment file are in force cannot be kept");
        }
        let written = write(&beside, &changed, &directory, before.as_ref().map(|(_, found)| found)).map_err(unwritable);
        let written = written.and_then(|()| {
            let now = self.look()?;
            let is_same = match (&before, &now) {
                (Some((text, found)), Some((text_now, found_now))) => text == text_now && found.ino() == found_now.ino(),
                (None, None) => true,
                _ => false,
            };
            if is_same { Ok(()) } else { Err(Error::Changed { path: self.0.clone() }) }
        });
        if let Err(error) = written.and_then(|()| std::fs::rename(&beside, &target).map_err(unwritable)) {
            // It holds secrets: it does not stay.
            let _ = std::fs::remove_file(&beside);
            return Err(error);
        }
        place.sync_all().map_err(|error| self.wrong(format!("is changed, and may not be on the disk yet: {error}")))
    }
}

/// [`edit::set`] with its refusals in words.
pub(super) fn set(text: &str, name: &str, value: &str) -> Result<String> {
    edit::set(text, name, value).map_err(|refused| {
        let reason = match refused {
            Refused::Name => "is not a name of letters, digits and underscores",
            Refused::Value => "must be one line of text, without control characters, and not empty",
        };
        Error::Value { name: name.to_owned(), reason: reason.to_owned() }
    })
}

fn own_as(file: &File, like: &Metadata) -> std::io::Result<()> {
    let own = file.metadata()?;
    if (own.uid(), own.gid()) == (like.uid(), like.gid()) {
        return Ok(());
    }
    std::os::unix::fs::fchown(file, Some(like.uid()), Some(like.gid()))
        .map_err(|error| std::io::Error::new(error.kind(), format!("it belongs to somebody else ({error}); change it as its owner")))
}

/// Give a new file to the owner of another one. Only root can, and only root needs to.
pub(super) fn give(file: &File, like: &Metadata) -> std::io::Result<()> {
    if rustix::process::geteuid().is_root() { own_as(file, like) } else { Ok(()) }
}

/// Write a file that nobody else can read at any time, and wait until it is on the disk.
fn write(path: &Path, text: &str, directory: &Path, like: Option<&Metadata>) -> std::io::Result<()> {
    // What a killed run left behind.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    match like {
        Some(like) => own_as(&file, like)?,
        // Root sets it up for the service whose directory it is.
        None => give(&file, &std::fs::metadata(directory)?)?,
    }
    if let Some(like) = like {
        file.set_permissions(std::fs::Permissions::from_mode(like.permissions().mode() & 0o7777))?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(text: &str, mode: u32) -> (tempfile::TempDir, EnvFile) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("environment");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (directory, EnvFile::new(path))
    }

    #[test]
    fn mode_and_link_stay_and_nothing_is_left_beside() {
        let (directory, file) = made("# head\nA=1\n", 0o400);
        let link = directory.path().join("link");
        std::os::unix::fs::symlink("environment", &link).unwrap();
        EnvFile::new(link.clone()).set("A", "2").unwrap();
        assert_eq!(file.read().unwrap(), "# head\nA=2\n");
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(std::fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o400);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_new_file_is_for_its_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let file = EnvFile::new(directory.path().join("new/environment"));
        file.set("A", "1").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(file.path()), mode(file.path().parent().unwrap())), (0o600, 0o700));
    }

    #[test]
    fn what_root_sets_belongs_to_the_owner_of_the_directory() {
        const SERVICE: u32 = 12_345;
        let directory = tempfile::tempdir().unwrap();
        let ours = directory.path().join("ours");
        std::fs::create_dir(&ours).unwrap();
        if std::os::unix::fs::chown(&ours, Some(SERVICE), Some(SERVICE)).is_err() {
            eprintln!("skipped: only root gives files away");
            return;
        }
        let file = EnvFile::new(ours.join("environment"));
        file.set("REDDIT_PASSWORD", "1").unwrap();
        age::keep(file.path(), "REDDIT_PASSWORD", "1", 5).unwrap();
        file.set("REDDIT_PASSWORD", "2").unwrap();
        for name in ["environment", "environment.ages"] {
            let about = std::fs::metadata(ours.join(name)).unwrap();
            assert_eq!((about.uid(), about.gid(), about.permissions().mode() & 0o777), (SERVICE, SERVICE, 0o600), "{name}");
        }
    }

    #[test]
    fn an_open_file_a_directory_and_bytes_are_refused() {
        let (_directory, file) = made("A=1\n", 0o644);
        assert!(matches!(file.set("A", "2"), Err(Error::Open { .. })));
        assert!(file.set("A", "2").unwrap_err().to_string().contains("chmod 600"));
        let (directory, file) = made("", 0o600);
        std::fs::write(file.path(), [0xff, 0xfe]).unwrap();
        assert!(matches!(file.set("A", "2"), Err(Error::File { .. })));
        assert!(matches!(EnvFile::new(directory.path().to_path_buf()).set("A", "2"), Err(Error::File { .. })));
    }

    #[test]
    fn a_change_by_somebody_else_meanwhile_is_not_lost() {
        let (directory, file) = made("A=1\n", 0o600);
        let path = file.path().to_path_buf();
        let result = file.change(&mut |text| {
            std::fs::write(&path, "A=1\nB=2\n").unwrap();
            set(text, "A", "9").map(Some)
        });
        assert!(matches!(result, Err(Error::Changed { .. })), "{result:?}");
        assert_eq!(file.read().unwrap(), "A=1\nB=2\n");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_killed_run_left_beside_is_in_nobodys_way() {
        let (directory, file) = made("A=1\n", 0o600);
        std::fs::write(directory.path().join(".environment.new"), "half").unwrap();
        file.set("A", "2").unwrap();
        assert_eq!((file.read().unwrap().as_str(), std::fs::read_dir(directory.path()).unwrap().count()), ("A=2\n", 1));
    }
}
