//! A drill finds every kind of fault, and says which one it is.

use crate::house::{change, create, drill, edit_manifest, faults, hide_change, house, site};
use quarterdeck::base::{Clock as _, SystemClock};
use quarterdeck::upkeep::backup::{self, Create};
use quarterdeck::upkeep::progress::Unwatched;
use quarterdeck::vals;
use std::os::unix::fs::{FileExt as _, PermissionsExt};

fn has(found: &[String], fault: &str) -> bool {
    found.iter().any(|other| other == fault)
}

#[test]
fn a_flipped_bit() {
    let home = house();
    let backup = create(&home);
    let file = std::fs::File::options().read(true).write(true).open(backup.join("deck.db")).unwrap();
    let at = file.metadata().unwrap().len() / 2;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
    let found = drill(&home, &backup).ended(3);
    assert!(has(&faults(&found), "altered"), "{}", found.out);
    home.run(&["backup", "verify"]).says(3, &["not whole", "deck.db", "SHA-256"]);
    home.run(&["backup", "list"]).says(3, &["FAULTY"]);
    home.run(&["backup", "restore", "newest", "--to", &home.path("new")]).refused(1, "is not whole and is not restored");
    assert!(!home.directory.path().join("new").exists());
}

#[test]
fn a_truncated_file() {
    let home = house();
    let backup = create(&home);
    let file = std::fs::File::options().write(true).open(backup.join("deck.db")).unwrap();
    file.set_len(file.metadata().unwrap().len() - 4_096).unwrap();
    let found = drill(&home, &backup).ended(3);
    assert!(has(&faults(&found), "truncated"), "{}", found.out);
    // Also when the manifest was made to fit: the engine and the rows tell.
    hide_change(&backup);
    let found = drill(&home, &backup).ended(3);
    assert!(has(&faults(&found), "damaged"), "{}", found.out);
}

#[test]
fn rows_that_were_only_in_the_log() {
    let home = house();
    let db = home.open();
    let connection = rusqlite::Connection::open(home.database()).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)).unwrap();
    drop(connection);
    // As `cp` takes a live file: what the log holds is missing, and the engine finds nothing wrong with it.
    let taken = home.directory.path().join("cp.db");
    std::fs::copy(home.database(), &taken).unwrap();
    db.write_blocking(|c| {
        for number in 0..10 {
            c.exec(
                "INSERT INTO acknowledgements (name, acknowledged_by, acknowledged_at, detail) VALUES ($1, 'ana', 1, '{}')",
                vals![format!("row {number}")],
            )?;
        }
        Ok::<_, quarterdeck::store::Error>(())
    })
    .unwrap();
    let backup = create(&home);
    std::fs::remove_file(backup.join("deck.db")).unwrap();
    std::fs::copy(&taken, backup.join("deck.db")).unwrap();
    std::fs::set_permissions(backup.join("deck.db"), PermissionsExt::from_mode(0o600)).unwrap();
    hide_change(&backup);
    let found = drill(&home, &backup).ended(3);
    let kinds = faults(&found);
    assert!(has(&kinds, "rows_differ") && !has(&kinds, "damaged") && !has(&kinds, "altered"), "{}", found.out);
    assert!(found.out.contains("acknowledgements"), "{}", found.out);
}

#[test]
fn an_index_that_disagrees_with_its_table() {
    let home = house();
    let backup = create(&home);
    // The table comes back to what it was while the index is not looked at: the quick check finds nothing.
    change(
        &backup,
        "UPDATE belief_nodes SET updated_at = updated_at + 1;
         CREATE TABLE kept AS SELECT * FROM sqlite_schema WHERE name = 'belief_nodes_updated';
         PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'belief_nodes_updated'; PRAGMA writable_schema = RESET;",
    );
    change(
        &backup,
        "UPDATE belief_nodes SET updated_at = updated_at - 1;
         PRAGMA writable_schema = ON; INSERT INTO sqlite_schema SELECT * FROM kept; PRAGMA writable_schema = RESET; DROP TABLE kept;",
    );
    hide_change(&backup);
    let connection = rusqlite::Connection::open(backup.join("deck.db")).unwrap();
    assert_eq!(connection.query_row("PRAGMA quick_check", [], |row| row.get::<_, String>(0)).unwrap(), "ok");
    drop(connection);
    let found = drill(&home, &backup).ended(3);
    let kinds = faults(&found);
    assert!(has(&kinds, "damaged") && !has(&kinds, "rows_differ"), "{}", found.out);
    assert!(found.out.contains("belief_nodes_updated"), "{}", found.out);
}

#[test]
fn references_into_nothing() {
    let home = house();
    let backup = create(&home);
    change(&backup, "PRAGMA foreign_keys = OFF; DELETE FROM belief_nodes WHERE id = (SELECT belief_id FROM stance_versions LIMIT 1);");
    hide_change(&backup);
    let found = drill(&home, &backup).ended(3);
    assert!(has(&faults(&found), "foreign_keys") && has(&faults(&found), "rows_differ"), "{}", found.out);
}

#[test]
fn a_wrong_layout() {
    let home = house();
    let backup = create(&home);
    // Everything in one directory, as `cp` of several directories makes it.
    std::fs::rename(backup.join("config/keymap.toml"), backup.join("keymap.toml")).unwrap();
    let found = drill(&home, &backup).ended(3);
    assert!(has(&faults(&found), "wrong_layout") && found.out.contains("keymap.toml has its name"), "{}", found.out);
    std::fs::remove_file(backup.join("deck.db")).unwrap();
    let found = drill(&home, &backup).ended(3);
    assert!(has(&faults(&found), "wrong_layout") && has(&faults(&found), "unusable"), "{}", found.out);
}

#[test]
fn files_that_others_may_read() {
    let home = house();
    let backup = create(&home);
    std::fs::set_permissions(backup.join("deck.db"), PermissionsExt::from_mode(0o644)).unwrap();
    let found = drill(&home, &backup).ended(3);
    assert_eq!(faults(&found), ["wrong_mode"], "{}", found.out);
    // What is in it is as it was: it is told, and it is no faulty backup that might go.
    home.run(&["backup", "verify"]).says(3, &["is whole, but", "others may read it"]);
    home.run(&["backup", "list"]).done();
    home.run(&["backup", "prune", "--dry-run"]).says(0, &["0 of 1 backups"]);
}

#[test]
fn a_stale_backup() {
    let home = house();
    let now = SystemClock.now();
    backup::create(&site(&home, now - 3 * 86_400_000), &Create::default(), &Unwatched).unwrap();
    let found = home.run(&["backup", "drill", "--json"]).ended(3);
    assert_eq!(faults(&found), ["stale"], "{}", found.out);
    // It is old and whole: it may be restored, and is not called faulty.
    home.run(&["backup", "list"]).done();
    home.run(&["backup", "restore", "newest", "--to", &home.path("new")]).done();
    // A clock that went back since says nothing about the age.
    let future = backup::create(&site(&home, now + 86_400_000), &Create::default(), &Unwatched).unwrap().name;
    let found = home.run(&["backup", "drill", "--json", &future]).ended(3);
    assert!(found.out.contains("in the future"), "{}", found.out);
}

#[test]
fn a_wrong_schema() {
    let home = house();
    let backup = create(&home);
    change(&backup, "DROP INDEX audit_log_subject");
    hide_change(&backup);
    let found = drill(&home, &backup).ended(3);
    assert!(has(&faults(&found), "wrong_schema"), "{}", found.out);
}

#[test]
fn an_edited_manifest() {
    let home = house();
    let backup = create(&home);
    let path = backup.join("manifest.json");
    let text = std::fs::read_to_string(&path).unwrap();
    // With the digest beside it as it was, and then with one that fits: the deck remembers the right one.
    std::fs::write(&path, text.replace("\"mode\": \"0600\"", "\"mode\": \"0640\"")).unwrap();
    let found = drill(&home, &backup).ended(3);
    assert!(has(&faults(&found), "manifest_edited"), "{}", found.out);
    edit_manifest(&backup, |manifest| manifest["tool"] = "9.9.9".into());
    let found = drill(&home, &backup).ended(3);
    assert_eq!(faults(&found), ["manifest_edited"], "{}", found.out);
    assert!(found.out.contains("the deck wrote down"), "{}", found.out);
    // What points out of the backup, or is not understood, harms nobody.
    edit_manifest(&backup, |manifest| manifest["files"][0]["path"] = "../../etc/passwd".into());
    assert!(drill(&home, &backup).ended(3).out.contains("points out of the backup"));
    std::fs::write(&path, "{").unwrap();
    assert_eq!(faults(&drill(&home, &backup).ended(3)), ["manifest_edited"]);
    home.run(&["backup", "list"]).says(3, &["not understood", "manifest"]);
}
