//! Comparing a backup with its manifest: each difference is a finding of its own, and one does not hide the others.

use super::listing::{self, Read};
use super::manifest::{self, Manifest, Table};
use super::work::{Tell, both};
use super::{Error, Fault, Finding, Result, digest, place, server, sqlite};
use crate::store;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Examined {
    /// The manifest, where it could be read.
    pub(super) read: Option<Read>,
    /// What is wrong.
    pub(super) findings: Vec<Finding>,
    /// What could not be looked at, as sentences.
    pub(super) notes: Vec<String>,
}

/// Compare everything: manifest, layout, files, and the database in it.
///
/// `recorded` is the digest of the manifest that the deck wrote down when the backup was made.
///
/// # Errors
/// [`Error::Stopped`].
pub(super) fn whole(dir: &Path, name: &str, recorded: Option<&str>, tell: &Tell) -> Result<Examined> {
    let mut examined = manifest(dir, name, recorded);
    let Some(read) = examined.read.clone() else { return Ok(examined) };
    let manifest = &read.manifest;
    let (mut of_files, of_database) = both(|| files(dir, manifest, tell), || database(manifest, &dir.join(&manifest.database.file), tell))?;
    examined.findings.append(&mut of_files);
    examined.findings.extend(of_database);
    if manifest.database.engine == server::ENGINE {
        examined.notes.push("the rows of a PostgreSQL backup are compared when it is restored: run `quarterdeck backup drill`".to_owned());
    }
    Ok(examined)
}

/// Compare the manifest with its digests.
pub(super) fn manifest(dir: &Path, name: &str, recorded: Option<&str>) -> Examined {
    let mut examined = Examined::default();
    let mut edited = |subject: &str, says: String| examined.findings.push(Finding::new(Fault::ManifestEdited, subject, says));
    let read = match listing::manifest(dir, name) {
        Ok(read) => read,
        Err(error) => {
            edited(manifest::FILE_NAME, error.to_string());
            return examined;
        }
    };
    match std::fs::read_to_string(dir.join(manifest::DIGEST_NAME)) {
        Ok(text) if text.split_whitespace().next() == Some(read.digest.as_str()) => {}
        Ok(_) => edited(manifest::FILE_NAME, format!("it is not the one whose digest is in {}", manifest::DIGEST_NAME)),
        Err(error) => edited(manifest::DIGEST_NAME, format!("it cannot be read: {error}")),
    }
    if read.manifest.name != name {
        edited(manifest::FILE_NAME, format!("it is the manifest of {}", read.manifest.name));
    }
    match recorded {
        Some(recorded) if recorded != read.digest => {
            edited(manifest::FILE_NAME, "it is not the one that the deck wrote down when the backup was made".to_owned());
        }
        Some(_) => {}
        None => examined.notes.push(
            "the deck has no record of the making of this backup, so its manifest was compared with the digest beside it alone".to_owned(),
        ),
    }
    examined.read = Some(read);
    examined
}

/// Whether a path of a manifest stays inside the backup.
fn is_inside(path: &str) -> bool {
    !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// Every file and directory below `dir`, by its path in it.
fn walk(dir: &Path) -> std::io::Result<BTreeMap<PathBuf, std::fs::Metadata>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![PathBuf::new()];
    while let Some(below) = waiting.pop() {
        for entry in std::fs::read_dir(dir.join(&below))? {
            let entry = entry?;
            let path = below.join(entry.file_name());
            let metadata = entry.path().symlink_metadata()?;
            if metadata.is_dir() {
                waiting.push(path.clone());
            }
            found.insert(path, metadata);
        }
    }
    Ok(found)
}

/// Compare layout, modes, sizes and digests of the files.
pub(super) fn files(dir: &Path, manifest: &Manifest, tell: &Tell) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut find = |fault: Fault, subject: &str, says: String| findings.push(Finding::new(fault, subject, says));
    let there = match walk(dir) {
        Ok(there) => there,
        Err(error) => {
            find(Fault::WrongLayout, ".", format!("it cannot be read: {error}"));
            return Ok(findings);
        }
    };
    if let Ok(found) = std::fs::metadata(dir)
        && place::mode(&found) & 0o077 != 0
    {
        find(Fault::WrongMode, ".", format!("others may enter it (mode {:04o}): run `chmod 700 {}`", place::mode(&found), dir.display()));
    }
    let mut expected: BTreeSet<PathBuf> = [manifest::FILE_NAME, manifest::DIGEST_NAME].into_iter().map(PathBuf::from).collect();
    for file in &manifest.files {
        if !is_inside(&file.path) {
            find(Fault::ManifestEdited, &file.path, "it points out of the backup".to_owned());
        } else if !expected.insert(PathBuf::from(&file.path)) {
            find(Fault::ManifestEdited, &file.path, "it stands in the manifest twice".to_owned());
        }
    }
    if manifest.database_file().is_none() {
        find(Fault::ManifestEdited, &manifest.database.file, "the database is not among the files".to_owned());
    }
    for (path, found) in &there {
        let subject = path.display().to_string();
        if found.is_dir() {
            if !expected.iter().any(|file| file.starts_with(path)) {
                find(Fault::WrongLayout, &subject, "this directory does not belong into the backup".to_owned());
            }
        } else if !found.is_file() {
            find(Fault::WrongLayout, &subject, "it is neither a file nor a directory".to_owned());
        } else if !expected.contains(path) {
            find(Fault::WrongLayout, &subject, "it does not belong into the backup".to_owned());
        }
        if !found.is_symlink() && place::mode(found) & 0o077 != 0 {
            find(Fault::WrongMode, &subject, format!("others may read it (mode {:04o})", place::mode(found)));
        }
    }
    for file in manifest.files.iter().filter(|file| is_inside(&file.path)) {
        tell.check()?;
        let Some(found) = there.get(Path::new(&file.path)) else {
            // The same name elsewhere is what a copy with a flattened layout looks like.
            let name = Path::new(&file.path).file_name();
            let elsewhere = there.keys().find(|path| path.file_name() == name);
            let where_to = elsewhere.map_or_else(String::new, |path| format!("; {} has its name", path.display()));
            find(Fault::WrongLayout, &file.path, format!("it is missing{where_to}"));
            continue;
        };
        if found.is_file() && found.len() != file.size {
            let fault = if found.len() < file.size { Fault::Truncated } else { Fault::Altered };
            find(fault, &file.path, format!("it has {} bytes, the manifest says {}", found.len(), file.size));
        } else if found.is_file() {
            match digest::file(&dir.join(&file.path), tell) {
                Ok((_, sha256)) if sha256 == file.sha256 => {}
                Ok(_) => find(Fault::Altered, &file.path, "its content is not what was written (SHA-256)".to_owned()),
                Err(Error::Stopped) => return Err(Error::Stopped),
                Err(error) => find(Fault::Altered, &file.path, error.to_string()),
            }
        }
    }
    Ok(findings)
}

/// Compare the database in the file at `path` with what the manifest says of it.
pub(super) fn database(manifest: &Manifest, path: &Path, tell: &Tell) -> Result<Vec<Finding>> {
    let expected = &manifest.database;
    let subject = expected.file.as_str();
    if !is_inside(subject) || !path.is_file() {
        // Said by the comparison of the files.
        return Ok(Vec::new());
    }
    let unreadable = |error: Error| match error {
        Error::Stopped => Err(Error::Stopped),
        Error::Engine { reason, .. } | Error::Store(store::Error::Corrupt { reason, .. }) => {
            Ok(vec![Finding::new(Fault::Damaged, subject, reason)])
        }
        error => Ok(vec![Finding::new(Fault::Damaged, subject, error.to_string())]),
    };
    if expected.engine == server::ENGINE {
        return server::check_dump(path, subject, &expected.engine_version).or_else(unreadable);
    }
    let connection = match sqlite::open_copy(path, tell) {
        Ok(connection) => connection,
        Err(error) => return unreadable(error),
    };
    let mut findings = sqlite::check(&connection, path, subject)?;
    match compare_schema(manifest, &connection, path) {
        Ok(found) => findings.extend(found),
        Err(error) => findings.extend(unreadable(error)?),
    }
    match sqlite::tables(&connection, path, tell) {
        Ok((found, unread)) => {
            findings.extend(unread);
            findings.extend(compare_tables(&expected.tables, &found));
        }
        Err(error) => findings.extend(unreadable(error)?),
    }
    Ok(findings)
}

fn compare_schema(manifest: &Manifest, connection: &rusqlite::Connection, path: &Path) -> Result<Vec<Finding>> {
    let expected = &manifest.database;
    let mut findings = Vec::new();
    let version = sqlite::schema_version(connection, path)?;
    if version != expected.schema_version {
        let says = format!("the schema has version {version}, the manifest says {}", expected.schema_version);
        findings.push(Finding::new(Fault::WrongSchema, &expected.file, says));
    }
    if sqlite::schema_digest(connection, path)? != expected.schema_digest {
        let says = "its tables, indexes or triggers are not those of the snapshot";
        findings.push(Finding::new(Fault::WrongSchema, &expected.file, says));
    }
    let audit = sqlite::audit_head(connection, path)?;
    findings.extend(compare_audit(manifest, audit.as_ref()));
    Ok(findings)
}

/// Compare where the audit log ends.
pub(super) fn compare_audit(manifest: &Manifest, found: Option<&manifest::AuditHead>) -> Option<Finding> {
    let expected = manifest.database.audit.as_ref();
    let end = |head: Option<&manifest::AuditHead>| head.map_or_else(|| "nowhere".to_owned(), |head| format!("at row {}", head.seq));
    (found != expected).then(|| {
        let says = format!("the audit log ends {}, in the snapshot it ended {}", end(found), end(expected));
        Finding::new(Fault::AuditHead, "audit_log", says)
    })
}

/// Compare rows and content of tables.
pub(super) fn compare_tables(expected: &[Table], found: &[Table]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for table in expected {
        match found.iter().find(|other| other.name == table.name) {
            None => findings.push(Finding::new(Fault::WrongSchema, &table.name, "the table is missing")),
            Some(other) if other.rows != table.rows => {
                let says = format!("it has {} rows, the snapshot had {}", other.rows, table.rows);
                findings.push(Finding::new(Fault::RowsDiffer, &table.name, says));
            }
            Some(other) if other.digest != table.digest => {
                let says = format!("its {} rows are not those of the snapshot", table.rows);
                findings.push(Finding::new(Fault::RowsDiffer, &table.name, says));
            }
            Some(_) => {}
        }
    }
    for table in found.iter().filter(|table| !expected.iter().any(|other| other.name == table.name)) {
        findings.push(Finding::new(Fault::WrongSchema, &table.name, "the snapshot had no such table"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_compared_both_ways() {
        let table = |name: &str, rows: u64, digest: &str| Table { name: name.to_owned(), rows, digest: digest.to_owned() };
        let expected = [table("a", 1, "x"), table("b", 2, "y"), table("c", 3, "z")];
        assert_eq!(compare_tables(&expected, &expected), []);
        let found = [table("a", 1, "other"), table("b", 1, "y"), table("d", 0, "")];
        let faults: Vec<_> = compare_tables(&expected, &found).iter().map(|finding| (finding.fault, finding.subject.clone())).collect();
        let named = |fault, name: &str| (fault, name.to_owned());
        assert_eq!(
            faults,
            [named(Fault::RowsDiffer, "a"), named(Fault::RowsDiffer, "b"), named(Fault::WrongSchema, "c"), named(Fault::WrongSchema, "d")]
        );
    }

    #[test]
    fn a_manifest_cannot_point_out_of_its_backup() {
        for outside in ["", "/etc/passwd", "../x", "a/../../x", "."] {
            assert!(!is_inside(outside), "{outside}");
        }
        assert!(is_inside("config/themes/a.toml"));
    }
}
