//! Which backups there are, and what is known of them.

use super::manifest::{self, Manifest};
use super::records::{self, Known, Records};
use super::{Backup, Error, Result, place};
use crate::base::{Millis, clock};
use crate::upkeep::Site;
use std::path::Path;

/// The largest manifest that is read: some lines for each file and table.
const LARGEST: u64 = 16 << 20;

/// A manifest as it was read.
#[derive(Debug, Clone)]
pub(super) struct Read {
    pub(super) manifest: Manifest,
    /// SHA-256 of its bytes.
    pub(super) digest: String,
}

/// Read the manifest of a backup.
///
/// # Errors
/// [`Error::Manifest`] when it is missing, not a manifest, or of a form that this program does not know.
pub(super) fn manifest(dir: &Path, name: &str) -> Result<Read> {
    let wrong = |reason: String| Error::Manifest { name: name.to_owned(), reason };
    let path = dir.join(manifest::FILE_NAME);
    let found = std::fs::symlink_metadata(&path).map_err(|error| wrong(format!("{} cannot be read: {error}", path.display())))?;
    if !found.is_file() || found.len() > LARGEST {
        return Err(wrong(format!("{} is not a manifest", path.display())));
    }
    let bytes = std::fs::read(&path).map_err(|error| wrong(format!("{} cannot be read: {error}", path.display())))?;
    #[derive(serde::Deserialize)]
    struct Form {
        format: u32,
    }
    let form: Form = serde_json::from_slice(&bytes).map_err(|error| wrong(format!("it is not understood ({error})")))?;
    if form.format != manifest::FORMAT {
        return Err(wrong(format!(
            "it has form {}, this program reads form {}: use the program that made it, or a newer one",
            form.format,
            manifest::FORMAT
        )));
    }
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| wrong(format!("it is not understood ({error})")))?;
    Ok(Read { digest: crate::base::sha256_hex(&bytes), manifest })
}

/// The backup in a directory.
pub(super) fn backup(dir: &Path, name: &str, known: Option<&Known>) -> Backup {
    let known = known.cloned().unwrap_or_default();
    let blank = Backup {
        name: name.to_owned(),
        path: dir.to_path_buf(),
        made_at: place::time_in(name).unwrap_or_default(),
        bytes: 0,
        engine: String::new(),
        schema_version: 0,
        rows: 0,
        has_secrets: false,
        manifest: String::new(),
        verified_at: known.verified_at,
        drilled_at: known.drilled_at,
        is_faulty: known.is_faulty,
        problem: None,
        notes: Vec::new(),
    };
    match manifest(dir, name) {
        Err(error) => Backup { is_faulty: true, problem: Some(error.to_string()), ..blank },
        Ok(read) => {
            // What was verified is the manifest of that time, not another one of the same name.
            let is_other = known.manifest.as_ref().is_some_and(|digest| *digest != read.digest);
            Backup {
                made_at: read.manifest.snapshot_at,
                bytes: read.manifest.bytes(),
                engine: read.manifest.database.engine.clone(),
                schema_version: read.manifest.database.schema_version,
                rows: read.manifest.database.tables.iter().map(|table| table.rows).sum(),
                has_secrets: read.manifest.has_secrets(),
                is_faulty: blank.is_faulty || is_other,
                manifest: read.digest,
                ..blank
            }
        }
    }
}

/// Every backup in the directory of the installation, newest first.
pub(super) fn all(site: &Site, records: &Records) -> Result<Vec<Backup>> {
    let dir = site.backups();
    let entries = match std::fs::read_dir(&dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(|error| Error::io("read", &dir, &error))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| Error::io("read", &dir, &error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if place::time_in(&name).is_none() || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let known = records.as_ref().ok().and_then(|records| records.get(&name));
        let mut backup = backup(&entry.path(), &name, known);
        backup.notes.extend(ahead(&backup, site.clock.now()));
        if let Err(why) = records {
            backup.notes.push(format!("whether it was verified or drilled is unknown: {why}"));
        }
        found.push(backup);
    }
    found.sort_by(|one, other| (other.made_at, &other.name).cmp(&(one.made_at, &one.name)));
    Ok(found)
}

/// What is to be known of a backup of the future.
pub(super) fn ahead(backup: &Backup, now: Millis) -> Option<String> {
    let says = || {
        let ahead = clock::duration(backup.made_at.saturating_sub(now));
        format!(
            "{} was made {ahead} in the future: the clock is wrong, or was. It is the newest one only when there is no other",
            backup.name
        )
    };
    backup.is_ahead(now).then(says)
}

/// One backup: by its name, a beginning of it that is enough, or the newest. One of the future is the newest only where all are.
///
/// # Errors
/// [`Error::NoSuchBackup`], [`Error::NoBackup`].
pub(super) fn one(site: &Site, name: Option<&str>, records: &Records) -> Result<Backup> {
    let dir = site.backups();
    let all = all(site, records)?;
    match name {
        None | Some("newest") => {
            let (future, mut past): (Vec<_>, Vec<_>) = all.into_iter().partition(|backup| backup.is_ahead(site.clock.now()));
            past.extend(future);
            past.into_iter().next().ok_or(Error::NoBackup { dir })
        }
        Some(name) => {
            let unknown = Error::NoSuchBackup { name: name.to_owned(), dir };
            let mut fitting = all.into_iter().filter(|backup| backup.name == name || (name.len() >= 6 && backup.name.starts_with(name)));
            match (fitting.next(), fitting.next()) {
                (Some(backup), None) => Ok(backup),
                (Some(first), Some(_)) if first.name == name => Ok(first),
                (Some(first), Some(second)) => {
                    let names = [first, second].into_iter().chain(fitting).map(|backup| backup.name).collect();
                    Err(Error::Ambiguous { name: name.to_owned(), names })
                }
                (None, _) => Err(unknown),
            }
        }
    }
}

/// [`super::list`].
pub(super) fn list(site: &Site) -> Result<Vec<Backup>> {
    all(site, &records::all(site))
}
