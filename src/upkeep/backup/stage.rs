//! Taking a backup out of its directory: each file is compared with the manifest while it is copied, so that what was verified is what is
//! used.

use super::digest::hex;
use super::listing::Read;
use super::work::Tell;
use super::{Error, Result, examine, files, place, secrets, sqlite};
use crate::base::Millis;
use crate::store::{self, Address};
use crate::upkeep::progress::Unit;
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Bytes copied at once.
const CHUNK: usize = 1 << 18;

/// A backup that is being taken out.
pub(super) struct Taken<'a> {
    pub(super) dir: &'a Path,
    pub(super) name: &'a str,
    pub(super) read: &'a Read,
}

impl Taken<'_> {
    /// Refuse a backup of a newer program, before anything is done.
    pub(super) fn is_known(&self) -> Result<()> {
        let (found, known) = (self.read.manifest.database.schema_version, store::newest_version());
        if found > known {
            return Err(Error::Newer { name: self.name.to_owned(), found, known, tool: self.read.manifest.tool.clone() });
        }
        Ok(())
    }

    /// Copy one file to a new one, 0600.
    pub(super) fn file(&self, path: &str, to: &Path, tell: &Tell) -> Result<()> {
        let expected = self.read.manifest.files.iter().find(|file| file.path == path);
        let unwhole = |faults: String| Error::NotWhole { name: self.name.to_owned(), faults };
        let expected = expected.ok_or_else(|| unwhole(format!("{path} is not in the manifest")))?;
        to.parent().map_or(Ok(()), place::make_directory)?;
        let from = self.dir.join(path);
        let mut source = std::fs::File::open(&from).map_err(|error| Error::io("read", &from, &error))?;
        let mut copy = place::new_file(to)?;
        let (mut hasher, mut chunk, mut done) = (Sha256::new(), vec![0; CHUNK], 0);
        loop {
            let read = match source.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Error::io("read", &from, &error)),
            };
            let bytes = chunk.get(..read).unwrap_or_default();
            hasher.update(bytes);
            copy.write_all(bytes).map_err(|error| Error::io("write", to, &error))?;
            done += read as u64;
            tell.told("restoring files", done, Some(expected.size), Unit::Bytes)?;
        }
        copy.sync_all().map_err(|error| Error::io("write", to, &error))?;
        if hex(&hasher.finalize()) != expected.sha256 {
            return Err(unwhole(format!("{path}: its content is not what was written (SHA-256)")));
        }
        Ok(())
    }

    /// Copy the files whose path begins with `below` into `to`, without that beginning. Returns how many.
    pub(super) fn below(&self, below: &str, to: &Path, tell: &Tell) -> Result<usize> {
        let mut count = 0;
        for file in &self.read.manifest.files {
            if let Some(rest) = file.path.strip_prefix(below).and_then(|rest| rest.strip_prefix('/')) {
                self.file(&file.path, &to.join(rest), tell)?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// Bring the database that was copied to the file `path` to the schema of this program. Refuses a file that is not that database.
    pub(super) fn migrate(&self, path: &Path, now: Millis, tell: &Tell) -> Result<Vec<i64>> {
        is_complete(path, self.read.manifest.database.schema_version, tell)?;
        migrate(&Address::Sqlite(path.to_path_buf()), now)
    }

    /// The secrets: where each goes below the configuration or the data directory, and its text.
    pub(super) fn secrets(&self, passphrase: &SecretString) -> Result<Vec<Secret>> {
        if !self.read.manifest.has_secrets() {
            return Err(Error::NoSecrets { name: self.name.to_owned() });
        }
        let mut found = Vec::new();
        for file in &self.read.manifest.files {
            let Some(rest) = file.path.strip_prefix(files::SECRETS).and_then(|rest| rest.strip_prefix('/')) else { continue };
            let Some((place, name)) = rest.strip_suffix(files::ENCRYPTED).and_then(|rest| rest.split_once('/')) else { continue };
            let path = self.dir.join(&file.path);
            let cipher = std::fs::read(&path).map_err(|error| Error::io("read", &path, &error))?;
            let text = secrets::decrypt(passphrase, &cipher, self.name)?;
            let is_settings = file.logical == files::WITH_SECRETS;
            found.push(Secret { is_config: place == files::CONFIG, is_settings, name: PathBuf::from(name), text });
        }
        Ok(found)
    }

    /// Refuse a backup that is not whole: its manifest, its files and, where it can be looked at in place, its database.
    pub(super) fn is_whole(&self, recorded: Option<&str>, tell: &Tell) -> Result<Vec<String>> {
        let examined = examine::whole(self.dir, self.name, recorded, tell)?;
        if super::verify::is_whole(&examined.findings) {
            let mut notes = examined.notes;
            notes.extend(examined.findings.iter().map(ToString::to_string));
            return Ok(notes);
        }
        Err(Error::NotWhole { name: self.name.to_owned(), faults: super::create::joined(&examined.findings) })
    }
}

/// A secret that was decrypted.
pub(super) struct Secret {
    /// Whether it goes beside the configuration file; otherwise into the data directory.
    pub(super) is_config: bool,
    /// Whether it is a configuration file that holds secrets among other things.
    pub(super) is_settings: bool,
    pub(super) name: PathBuf,
    pub(super) text: secrecy::zeroize::Zeroizing<Vec<u8>>,
}

/// Refuse a restored file that is gone, has another schema than it was given, or is not the whole of its database.
pub(super) fn is_complete(path: &Path, version: i64, tell: &Tell) -> Result<()> {
    let gone = |reason: String| Error::Io { what: "restore into", path: path.to_path_buf(), reason };
    if !path.is_file() {
        return Err(gone("what was copied there is gone: another process is at it".to_owned()));
    }
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if std::fs::metadata(log).is_ok_and(|log| log.len() > 0) {
        return Err(gone("a part of it is still in its write-ahead log; try again".to_owned()));
    }
    let found = sqlite::schema_version(&sqlite::open_copy(path, tell)?, path)?;
    if found != version {
        return Err(gone(format!("its schema has version {found}, it was given {version}: another process is at it")));
    }
    Ok(())
}

/// Bring a restored database to the schema of this program. Nobody else has it, so the copy that a migration makes first is not kept.
pub(super) fn migrate(address: &Address, now: Millis) -> Result<Vec<i64>> {
    if let Address::Sqlite(path) = address
        && !path.is_file()
    {
        // The engine would make an empty one, and all would seem well.
        let reason = "there is no database to bring to the schema of this program".to_owned();
        return Err(Error::Io { what: "migrate", path: path.clone(), reason });
    }
    let passed = store::migrate(address, None, now)?;
    if let Address::Sqlite(path) = address {
        let before = format!("{}.before-", path.file_name().unwrap_or_default().to_string_lossy());
        let parent = path.parent().unwrap_or(Path::new("."));
        for entry in std::fs::read_dir(parent).map_err(|error| Error::io("read", parent, &error))?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(&before) {
                std::fs::remove_file(entry.path()).map_err(|error| Error::io("remove", &entry.path(), &error))?;
            }
        }
    }
    flush(address)?;
    Ok(passed)
}

/// Bring a restored file to the disk. A server does so by itself.
pub(super) fn flush(address: &Address) -> Result<()> {
    let Address::Sqlite(path) = address else { return Ok(()) };
    let flushed = std::fs::File::open(path).and_then(|file| file.sync_all());
    flushed.map_err(|error| Error::io("write", path, &error))
}
