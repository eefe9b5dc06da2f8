//! What of an installation is kept beside the database: the index of vectors, the configuration, and on request the secrets.

use super::redact::{Holds, Redacted, redact};
use super::{Error, Result, manifest, place, secrets};
use crate::base::Millis;
use crate::config::{self, Settings};
use crate::search::vectors;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where the configuration stands in a backup.
pub(super) const CONFIG: &str = "config";
/// Where the index stands in a backup.
pub(super) const INDEX: &str = "index";
/// Where secrets stand in a backup.
pub(super) const SECRETS: &str = "secrets";
/// What a configuration file is called that is kept whole, encrypted.
pub(super) const WITH_SECRETS: &str = "config with secrets";
/// How the file of an encrypted secret ends.
pub(super) const ENCRYPTED: &str = ".age";

/// Files beside the configuration file that belong to it.
const BESIDE: &[&str] = &["rules.toml", "probes.toml", "keymap.toml", "retention.toml"];
/// Those of them that hold no addresses and no commands.
const TEXTS: &[&str] = &["rules.toml", "keymap.toml", "retention.toml"];
/// A settings file is a page of text; a larger one is something else.
const LARGEST: u64 = 4 << 20;

/// A file that is to be kept.
#[derive(Debug)]
pub(super) struct Source {
    /// Where it comes from.
    from: PathBuf,
    /// Where it goes, below the backup.
    to: String,
    /// What it is.
    logical: &'static str,
    original_mode: u32,
    changed_at: Millis,
    /// What is written where it is not the file as it is.
    contents: Option<Zeroizing<Vec<u8>>>,
    size: u64,
}

/// Everything that is kept beside the database.
#[derive(Debug, Default)]
pub(super) struct Sources {
    files: BTreeMap<String, Source>,
    /// Names of files from which secrets were left out.
    pub(super) redacted: Vec<String>,
    /// What is to be known, as sentences.
    pub(super) notes: Vec<String>,
}

impl Sources {
    /// Bytes of all files.
    pub(super) fn bytes(&self) -> u64 {
        self.files.values().map(|source| source.size).sum()
    }

    /// One more file. A file that is not there is no file.
    fn add(&mut self, from: PathBuf, to: String, logical: &'static str, contents: Option<Vec<u8>>) -> Result<()> {
        let found = match std::fs::metadata(&from) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            other => other.map_err(|error| Error::io("read", &from, &error))?,
        };
        if let Some(other) = self.files.get(&to) {
            return Err(Error::Collision { logical: to, first: other.from.clone(), second: from });
        }
        let size = contents.as_ref().map_or(found.len(), |contents| contents.len() as u64);
        let (original_mode, changed_at) = (place::mode(&found), place::changed_at(&found));
        let contents = contents.map(Zeroizing::new);
        self.files.insert(to.clone(), Source { from, to, logical, original_mode, changed_at, contents, size });
        Ok(())
    }

    /// A configuration file, without its secrets; with the passphrase the whole of it too, encrypted, where it has any.
    fn configuration(&mut self, from: PathBuf, below: &str, known: &[SecretString], passphrase: Option<&SecretString>) -> Result<()> {
        let Some(text) = text(&from)? else { return Ok(()) };
        let name = file_name(&from)?;
        let to = format!("{below}/{name}");
        let is_text = below != CONFIG || TEXTS.contains(&name.as_str());
        let open = match redact(&text, if is_text { Holds::Texts } else { Holds::Addresses }, known) {
            Redacted::AsItWas => return self.add(from, to, "config", None),
            Redacted::Without(without) => {
                self.redacted.push(to.clone());
                self.notes.push(format!("{name} was kept without the secrets in it"));
                Some(without)
            }
            Redacted::Unclear => {
                self.notes.push(format!("{name} was left out: it cannot be read as TOML, or holds a secret in an unusual place"));
                None
            }
        };
        if let Some(without) = open {
            self.add(from.clone(), to.clone(), "config", Some(without.into_bytes()))?;
        }
        if let Some(passphrase) = passphrase {
            let cipher = secrets::encrypt(passphrase, text.as_bytes())?;
            let flat = to.strip_prefix(CONFIG).unwrap_or(&to).trim_start_matches('/').to_owned();
            self.add(from, format!("{SECRETS}/{CONFIG}/{flat}{ENCRYPTED}"), WITH_SECRETS, Some(cipher))?;
        }
        Ok(())
    }

    /// A file that is secret as a whole.
    fn secret(&mut self, from: PathBuf, below: &str, logical: &'static str, passphrase: &SecretString) -> Result<()> {
        let Some(text) = text(&from)? else { return Ok(()) };
        let name = file_name(&from)?;
        let cipher = secrets::encrypt(passphrase, text.as_bytes())?;
        self.add(from, format!("{SECRETS}/{below}/{name}{ENCRYPTED}"), logical, Some(cipher))
    }

    /// Write those whose path begins with `below`, and say what was written. A file of the index that is gone is left out.
    pub(super) fn write(&self, below: &str, into: &Path, tell: &super::work::Tell) -> Result<Vec<manifest::File>> {
        let mut written = Vec::new();
        for source in self.files.values().filter(|source| source.to.starts_with(below)) {
            tell.check()?;
            let to = into.join(&source.to);
            match &source.contents {
                Some(contents) => place::write(&to, contents)?,
                None => match std::fs::File::open(&source.from) {
                    // The running deck took it away in this moment: what the index lacks is caught up from the rows.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound && below == INDEX => continue,
                    opened => place::copy(opened.map_err(|error| Error::io("read", &source.from, &error))?, &to)?,
                },
            }
            written.push(entry(into, &source.to, source.logical, source.original_mode, source.changed_at, tell)?);
        }
        Ok(written)
    }
}

/// The name of the main configuration file in a backup, which need not be `config.toml`: the one that belongs to no other name. `None` where
/// it was left out.
pub(super) fn main_config(manifest: &manifest::Manifest) -> Option<String> {
    let name = |file: &manifest::File| {
        let path = file.path.strip_prefix(SECRETS).and_then(|path| path.strip_prefix('/')).unwrap_or(&file.path);
        let name = path.strip_prefix(CONFIG)?.strip_prefix('/')?;
        Some(name.strip_suffix(ENCRYPTED).unwrap_or(name).to_owned())
    };
    let is_config = |file: &&manifest::File| matches!(file.logical.as_str(), "config" | WITH_SECRETS);
    let mut names = manifest.files.iter().filter(is_config).filter_map(name);
    names.find(|name| !name.contains('/') && !BESIDE.contains(&name.as_str()))
}

/// What the manifest says of a file that was written.
pub(super) fn entry(
    into: &Path,
    path: &str,
    logical: &str,
    original_mode: u32,
    changed_at: Millis,
    tell: &super::work::Tell,
) -> Result<manifest::File> {
    let (size, sha256) = super::digest::file(&into.join(path), tell)?;
    Ok(manifest::File {
        path: path.to_owned(),
        logical: logical.to_owned(),
        size,
        sha256,
        mode: "0600".to_owned(),
        original_mode: format!("{original_mode:04o}"),
        changed_at,
    })
}

fn file_name(path: &Path) -> Result<String> {
    let name = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    name.ok_or_else(|| Error::Io { what: "keep", path: path.to_path_buf(), reason: "its name is not text".to_owned() })
}

/// The text of a file; `None` where there is none.
fn text(path: &Path) -> Result<Option<Zeroizing<String>>> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("read", path, &error)),
        Ok(found) if !found.is_file() || found.len() > LARGEST => {
            return Err(Error::Io { what: "keep", path: path.to_path_buf(), reason: "it is not a settings file".to_owned() });
        }
        Ok(_) => {}
    }
    let bytes = std::fs::read(path).map_err(|error| Error::io("read", path, &error))?;
    Ok(Some(Zeroizing::new(String::from_utf8(bytes).map_err(|_| Error::Io {
        what: "keep",
        path: path.to_path_buf(),
        reason: "it is not UTF-8".to_owned(),
    })?)))
}

/// Secrets that must not stand in a file that is kept in the open: every secret setting, whatever its name is, and what the environment file
/// holds for probes.
fn known(settings: &Settings) -> Vec<SecretString> {
    let request = config::Request {
        config: Some(settings.config_file.clone()),
        data_dir: Some(settings.data_dir.clone()),
        database: Some(settings.database.clone()),
        ..config::Request::from_process()
    };
    let mut known = crate::upkeep::secrets::check::known(&config::load(&request));
    // A password that is also the name of the database or of its user says nothing where it is found.
    let shown = config::mask_address(&settings.database);
    known.retain(|secret| !shown.contains(secret.expose_secret()));
    known
}

/// Files in a directory, by name; a directory that is not there is empty.
fn list(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(|error| Error::io("read", dir, &error))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| Error::io("read", dir, &error))?;
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Find everything that is kept beside the database. Reads, encrypts, and writes nothing.
pub(super) fn collect(settings: &Settings, passphrase: Option<&SecretString>) -> Result<Sources> {
    let mut sources = Sources::default();
    for from in list(&settings.data_dir.join(vectors::DIRECTORY))? {
        let name = file_name(&from)?;
        // What is being written, or was set aside as unusable, is nothing to keep.
        if !name.ends_with(".writing") && !name.ends_with(".set-aside") {
            sources.add(from, format!("{INDEX}/{name}"), "index", None)?;
        }
    }
    let (config, known) = (&settings.config_dir, known(settings));
    sources.configuration(settings.config_file.clone(), CONFIG, &known, passphrase)?;
    for name in BESIDE {
        let from = config.join(name);
        if from != settings.config_file {
            sources.configuration(from, CONFIG, &known, passphrase)?;
        }
    }
    for from in list(&config.join("themes"))? {
        if from.extension().is_some_and(|end| end == "toml") {
            sources.configuration(from, &format!("{CONFIG}/themes"), &known, passphrase)?;
        }
    }
    if let Some(passphrase) = passphrase {
        sources.secret(settings.environment_file.clone(), CONFIG, "environment", passphrase)?;
        sources.secret(config.join("audit.key"), CONFIG, "audit key", passphrase)?;
        for from in list(&settings.data_dir)? {
            // An old one that a restore kept aside is none.
            let name = file_name(&from)?;
            if name.starts_with("refresh-token-") && !name.contains(".before-restore-") {
                sources.secret(from, "data", "refresh token", passphrase)?;
            }
        }
        if !sources.files.keys().any(|path| path.starts_with(SECRETS)) {
            sources.notes.push("there are no secrets in files to keep: they are in the environment of the process".to_owned());
        }
    }
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_files_of_one_name_are_refused_not_overwritten() {
        let home = tempfile::tempdir().unwrap();
        let (first, second) = (home.path().join("a.json"), home.path().join("b.json"));
        std::fs::write(&first, "a").unwrap();
        std::fs::write(&second, "b").unwrap();
        let mut sources = Sources::default();
        sources.add(first, "config/x".to_owned(), "config", None).unwrap();
        let refused = sources.add(second, "config/x".to_owned(), "config", None).unwrap_err().to_string();
        assert!(refused.contains("a.json") && refused.contains("b.json"), "{refused}");
        sources.add(home.path().join("not-there"), "config/x".to_owned(), "config", None).unwrap();
    }

    #[test]
    fn an_index_that_is_replaced_meanwhile_is_left_out_and_nothing_else_is() {
        let home = tempfile::tempdir().unwrap();
        let into = home.path().join("backup");
        let mut sources = Sources::default();
        for name in ["graph", "vectors", "rules.toml"] {
            std::fs::write(home.path().join(name), name).unwrap();
            let below = if name.ends_with("toml") { CONFIG } else { INDEX };
            sources.add(home.path().join(name), format!("{below}/{name}"), "x", None).unwrap();
        }
        for name in ["graph", "rules.toml"] {
            std::fs::remove_file(home.path().join(name)).unwrap();
        }
        let write = |below: &'static str| {
            crate::upkeep::backup::work::watched(&crate::upkeep::progress::Unwatched, |tell| sources.write(below, &into, tell))
        };
        let written: Vec<String> = write(INDEX).unwrap().into_iter().map(|file| file.path).collect();
        assert_eq!(written, ["index/vectors"]);
        assert!(write(CONFIG).unwrap_err().to_string().contains("rules.toml"));
    }
}
