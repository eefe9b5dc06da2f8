//! Who may read what: settings, secrets, database with its companions, index, backups, logs. Only the owner may.

use crate::rounds::found::{Found, Look, Verdict, count};
use crate::rounds::patient::Patient;
use crate::search::vectors;
use crate::store::audit::Actor;
use serde::Serialize;
use serde_json::json;
use std::fs::{Metadata, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Bits of everybody else.
const OTHERS: u32 = 0o077;
/// Bits of everybody else that let them change it.
const OTHERS_WRITE: u32 = 0o022;
/// Files of one directory that are looked at.
const MOST_FILES: usize = 10_000;

/// Something that others may do with a file or directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Open {
    path: PathBuf,
    what: &'static str,
    mode: String,
    /// Whether it holds secrets or what people wrote.
    is_grave: bool,
    /// Whether it is ours to change.
    is_ours: bool,
    #[serde(skip)]
    forbidden: u32,
}

/// What is looked at: a path, what it is, the bits that must not be set, and whether it is grave.
fn watched(patient: &Patient) -> Vec<(PathBuf, &'static str, u32, bool)> {
    let directories = patient.loaded.directories();
    let data = patient.data_dir();
    let mut all = vec![
        (directories.config_dir.clone(), "directory of settings", OTHERS_WRITE, true),
        (directories.config_file.clone(), "settings", OTHERS_WRITE, true),
        (directories.environment_file.clone(), "environment file", OTHERS, true),
        (data.clone(), "data directory", OTHERS, false),
        (directories.state_dir.clone(), "directory of logs", OTHERS, false),
        (directories.config_dir.join("probes.toml"), "probes", OTHERS_WRITE, true),
        (directories.config_dir.join("audit.key"), "key of the audit log", OTHERS, true),
    ];
    if let Some(file) = patient.database_file() {
        for suffix in ["", "-wal", "-shm"] {
            let mut name = file.clone().into_os_string();
            name.push(suffix);
            all.push((PathBuf::from(name), "database", OTHERS, true));
        }
    }
    let backups = patient.settings.as_ref().map_or_else(|| data.join("backups"), |settings| settings.backup.dir.clone());
    for (directory, what, is_grave) in
        [(data.join(vectors::DIRECTORY), "index", false), (backups, "backup", true), (directories.state_dir.clone(), "log", true)]
    {
        all.push((directory.clone(), what, OTHERS, is_grave));
        below(&directory, 3, &mut |path| all.push((path.to_path_buf(), what, OTHERS, is_grave)));
    }
    let tokens = std::fs::read_dir(&data).into_iter().flatten().flatten();
    let tokens = tokens.filter(|entry| entry.file_name().to_string_lossy().starts_with("refresh-token-"));
    all.extend(tokens.map(|entry| (entry.path(), "refresh token", OTHERS, true)));
    all
}

/// Files and directories below one, links left out.
fn below(directory: &Path, depth: u32, told: &mut dyn FnMut(&Path)) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten().take(MOST_FILES) {
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_symlink() {
            continue;
        }
        told(&entry.path());
        if kind.is_dir() && depth > 0 {
            below(&entry.path(), depth - 1, told);
        }
    }
}

fn found(patient: &Patient) -> Vec<Open> {
    let own = rustix::process::geteuid().as_raw();
    let open = |path: PathBuf, what, forbidden, is_grave, found: &Metadata| {
        let mode = found.permissions().mode() & 0o7777;
        let is_open = mode & forbidden != 0;
        is_open.then(|| Open { path, what, mode: format!("{mode:04o}"), is_grave, is_ours: found.uid() == own || own == 0, forbidden })
    };
    let mut all: Vec<Open> = watched(patient)
        .into_iter()
        .filter_map(|(path, what, forbidden, is_grave)| {
            let found = std::fs::metadata(&path).ok()?;
            open(path, what, forbidden, is_grave, &found)
        })
        .collect();
    all.sort_by(|left, right| right.is_grave.cmp(&left.is_grave).then(left.path.cmp(&right.path)));
    all.dedup_by(|left, right| left.path == right.path);
    all
}

/// Nobody else can read what is ours.
pub(super) fn look(patient: &Patient) -> Look {
    let open = found(patient);
    let Some(first) = open.first() else { return Ok(Found::pass("only their owner can read or change them")) };
    let more = if open.len() > 1 { format!(", and {} more", open.len() - 1) } else { String::new() };
    let why = format!("others can get at the {} {} (mode {}){more}", first.what, first.path.display(), first.mode);
    let verdict = if first.is_grave { Verdict::Fail } else { Verdict::Warn };
    let found = Found { verdict, ..Found::warn(why) };
    let is_directory = first.path.is_dir();
    let (text, command) = match (first.is_ours, is_directory) {
        (false, _) => ("it belongs to another user: let that user close it".to_owned(), String::new()),
        _ if open.len() > 1 => ("close all of them".to_owned(), "quarterdeck doctor --fix --only permissions".to_owned()),
        (true, true) => ("close it".to_owned(), format!("chmod 700 {}", first.path.display())),
        (true, false) => ("close it; if others had access, replace its secrets".to_owned(), format!("chmod 600 {}", first.path.display())),
    };
    Ok(found.remedy(text, command).detail(json!({ "open": open })))
}

/// Take the bits of others away, from what is ours.
pub(super) fn fix(patient: &Patient, _: &Actor) -> Result<String, Found> {
    let (mut changed, mut refused) = (0, Vec::new());
    for open in found(patient).into_iter().filter(|open| open.is_ours) {
        let closed = std::fs::metadata(&open.path).and_then(|found| {
            let mode = found.permissions().mode() & 0o7777 & !open.forbidden;
            std::fs::set_permissions(&open.path, Permissions::from_mode(mode))
        });
        match closed {
            Ok(()) => changed += 1,
            Err(error) => refused.push(format!("{}: {error}", open.path.display())),
        }
    }
    match refused.first() {
        Some(first) => Err(Found::fail(format!("{changed} were closed, and {} not: {first}", refused.len()))),
        None => Ok(format!("closed {} to others", count(changed, "file or directory", "files and directories"))),
    }
}
