//! An installation with something in it, its backups, and ways to damage them.

use crate::program::{Did, Home};
use quarterdeck::base::{Millis, sha256_hex};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// With the demo persona and a configuration.
pub fn house() -> Home {
    let home = Home::seeded();
    let config = home.directory.path().join(".config/quarterdeck");
    std::fs::create_dir_all(config.join("themes")).unwrap();
    std::fs::write(config.join("config.toml"), "# mine\nmode = \"dry-run\"\n").unwrap();
    std::fs::write(config.join("keymap.toml"), "base = \"default\"\n").unwrap();
    home
}

pub fn backups(home: &Home) -> PathBuf {
    home.directory.path().join("backups")
}

/// Names of what stands in the directory of backups, hidden things too, but for the lock.
pub fn entries(home: &Home) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(backups(home)) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).filter(|name| name != ".lock").collect();
    names.sort();
    names
}

/// Make one, and say its directory.
pub fn create(home: &Home) -> PathBuf {
    let made = home.run(&["backup", "create", "--json"]).done().json();
    PathBuf::from(made["path"].as_str().unwrap())
}

pub fn drill(home: &Home, backup: &Path) -> Did {
    home.run(&["backup", "drill", "--json", backup.file_name().unwrap().to_str().unwrap()])
}

/// The kinds of faults that were found.
pub fn faults(did: &Did) -> Vec<String> {
    let found = did.json();
    found["findings"].as_array().unwrap().iter().map(|finding| finding["fault"].as_str().unwrap().to_owned()).collect()
}

/// What others may read or enter in a directory, and everything in it.
pub fn open_to_others(directory: &Path) -> Vec<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let mut found = Vec::new();
    let mut waiting = vec![directory.to_path_buf()];
    while let Some(path) = waiting.pop() {
        let metadata = path.symlink_metadata().unwrap();
        if metadata.permissions().mode() & 0o077 != 0 {
            found.push(path.clone());
        }
        if metadata.is_dir() {
            waiting.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    found
}

/// Change the manifest, and the digest beside it, as someone would who knows how it is made.
pub fn edit_manifest(backup: &Path, edit: impl FnOnce(&mut Value)) {
    let path = backup.join("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    edit(&mut manifest);
    let text = serde_json::to_string_pretty(&manifest).unwrap();
    std::fs::write(&path, &text).unwrap();
    std::fs::write(backup.join("manifest.sha256"), format!("{}  manifest.json\n", sha256_hex(text.as_bytes()))).unwrap();
}

/// Let the manifest say of the file of the database what it is now: only what is in it can still tell.
pub fn hide_change(backup: &Path) {
    let bytes = std::fs::read(backup.join("deck.db")).unwrap();
    edit_manifest(backup, |manifest| {
        let files = manifest["files"].as_array_mut().unwrap();
        let file = files.iter_mut().find(|file| file["path"] == "deck.db").unwrap();
        file["size"] = json!(bytes.len());
        file["sha256"] = json!(sha256_hex(&bytes));
    });
}

/// Change the database in a backup.
pub fn change(backup: &Path, sql: &str) {
    let connection = rusqlite::Connection::open(backup.join("deck.db")).unwrap();
    connection.execute_batch(sql).unwrap();
    connection.close().unwrap();
}

/// Rows of a table in a file.
pub fn rows(path: &Path, table: &str) -> i64 {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

/// The text of every file below a directory, for looking for what must not be there.
pub fn everything(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut waiting = vec![directory.to_path_buf()];
    while let Some(path) = waiting.pop() {
        for entry in std::fs::read_dir(&path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { waiting.push(path) } else { found.push((path.clone(), std::fs::read(&path).unwrap())) }
        }
    }
    found
}

pub fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// The library's view of a home, at another time.
pub fn site(home: &Home, now: Millis) -> quarterdeck::upkeep::Site {
    use quarterdeck::{base::TestClock, config, store::audit::Actor, upkeep::Site};
    let request = config::Request {
        config: Some(home.directory.path().join(".config/quarterdeck/config.toml")),
        data_dir: Some(home.directory.path().to_path_buf()),
        database: Some(format!("sqlite:{}", home.database().display())),
        ..config::Request::default()
    };
    let settings = config::load(&request).settings().unwrap();
    Site { settings: settings.into(), clock: std::sync::Arc::new(TestClock::at(now)), actor: Actor::human("ana") }
}
