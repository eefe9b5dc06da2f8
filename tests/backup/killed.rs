//! Killed at every boundary of making and of restoring: the old is whole, or the new is, and the next start says which and what to do.

use crate::house::{create, entries, house, rows};
use crate::program::{Did, Home};
use quarterdeck::upkeep::backup::{PLACES_OF_CREATE, PLACES_OF_RESTORE};
use std::os::unix::process::ExitStatusExt as _;

fn kill_at(home: &Home, place: &str, words: &[&str]) {
    let output = home.command(words).env("QUARTERDECK_CRASH_AT", place).output().unwrap();
    assert_eq!(output.status.signal(), Some(6), "{place}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_backup_that_is_killed_is_whole_or_not_there() {
    for place in PLACES_OF_CREATE {
        let home = house();
        kill_at(&home, place, &["backup", "create"]);
        let listed = home.run(&["backup", "list", "--json"]).done().json();
        let is_there = matches!(*place, "backup:renamed" | "backup:recorded");
        assert_eq!(listed["backups"].as_array().unwrap().len(), usize::from(is_there), "{place}: {listed}");
        // The running deck was not touched.
        home.run(&["queue", "list"]).done();
        create(&home);
        let left = entries(&home);
        assert_eq!(left.len(), 1 + usize::from(is_there), "{place}: {left:?}");
        for name in left {
            home.run(&["backup", "verify", &name]).says(0, &["is whole"]);
        }
    }
}

/// A deck, a backup of it, and what only the deck has: a note, and that all sending was stopped.
fn changed_since() -> Home {
    let home = house();
    create(&home);
    home.run(&["mark", "note", "after the backup"]).done();
    home.run(&["pause", "--reason", "something is wrong"]).done();
    assert!(is_old(&home) && is_paused(&home, "something is wrong"));
    home
}

/// Whether it is the deck that was there before the restore.
fn is_old(home: &Home) -> bool {
    let connection = rusqlite::Connection::open(home.database()).unwrap();
    let found: i64 = connection.query_row("SELECT count(*) FROM marks WHERE what = 'after the backup'", [], |row| row.get(0)).unwrap();
    found == 1
}

/// Whether all sending is stopped, for this reason among others.
fn is_paused(home: &Home, reason: &str) -> bool {
    let shown = home.run(&["pause", "--json"]).done().json();
    shown["pauses"].as_array().unwrap().iter().any(|pause| pause["scope"] == "*" && pause["reason"].as_str().unwrap().contains(reason))
}

const IN_PLACE: &[&str] = &["backup", "restore", "newest", "--in-place", "--yes"];

#[test]
fn a_restore_that_is_killed_leaves_the_old_or_the_new() {
    for place in PLACES_OF_RESTORE {
        for finishes in [true, false] {
            let home = changed_since();
            kill_at(&home, place, IN_PLACE);
            let started = home.run(&["queue", "list"]);
            if started.code == 0 {
                // Not begun, or done: there is nothing to finish.
                let is_new = *place == "restore:done";
                assert!(is_new || matches!(*place, "restore:begun" | "restore:staged"), "{place}: {}", started.out);
                assert_eq!(is_old(&home), !is_new, "{place}");
                assert!(is_paused(&home, "something is wrong"), "{place}");
                home.run(&["backup", "restore", "--finish"]).refused(2, "nothing to finish");
                // And it can be done again.
                home.run(IN_PLACE).done();
                assert!(!is_old(&home) && is_paused(&home, "something is wrong"), "{place}");
                continue;
            }
            assert!(started.err.contains("restore --finish") && started.err.contains("--take-back"), "{place}: {}", started.err);
            for words in [&["db", "status"] as &[&str], &["backup", "create"], IN_PLACE] {
                let refused = home.run(words);
                assert!(refused.code == 1 && refused.err.contains("interrupted"), "{place} {words:?}: {}{}", refused.out, refused.err);
            }
            let way = if finishes { "--finish" } else { "--take-back" };
            // Killed again on the way: it is repeated.
            let killed = home.command(&["backup", "restore", way]).env("QUARTERDECK_CRASH_AT", "restore:moving").output().unwrap();
            if killed.status.code() != Some(0) {
                home.run(&["backup", "restore", way]).done();
            }
            home.run(&["db", "status"]).says(0, &["ok"]);
            assert_eq!(is_old(&home), !finishes, "{place} {way}");
            assert!(is_paused(&home, "something is wrong"), "{place} {way}");
            assert_eq!(is_paused(&home, "restored from"), finishes, "{place} {way}");
            let asides = std::fs::read_dir(home.directory.path()).unwrap();
            let names: Vec<String> = asides.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            assert!(!names.iter().any(|name| name.starts_with(".restoring") || name.ends_with(".restoring")), "{place} {way}: {names:?}");
            assert_eq!(names.iter().any(|name| name.starts_with("deck.db.before-restore-")), finishes, "{place} {way}: {names:?}");
        }
    }
}

#[test]
fn two_restores_at_once_never_put_an_empty_deck_in_place() {
    let home = house();
    create(&home);
    let beliefs = rows(&home.database(), "belief_nodes");
    // One is being made: the other one leaves it alone.
    let stage = home.directory.path().join(".restoring");
    std::fs::create_dir(&stage).unwrap();
    std::fs::write(stage.join("database"), "half").unwrap();
    let lock = std::fs::File::create(stage.join(".lock")).unwrap();
    lock.try_lock().unwrap();
    home.run(IN_PLACE).refused(1, "another process restores into");
    assert_eq!(std::fs::read_to_string(stage.join("database")).unwrap(), "half");
    drop(lock);
    for _ in 0..3 {
        let begun: Vec<_> = (0..3)
            .map(|_| home.command(IN_PLACE).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap())
            .collect();
        for child in begun {
            let did = Did::of(child.wait_with_output().unwrap());
            assert!(matches!(did.code, 0 | 1), "{}{}", did.out, did.err);
            let is_told = ["another process", "is running", "is being restored", "interrupted"].iter().any(|words| did.err.contains(words));
            assert!(did.code == 0 || is_told, "{}", did.err);
        }
        assert_eq!(rows(&home.database(), "belief_nodes"), beliefs);
        assert!(!stage.exists());
    }
    home.run(IN_PLACE).done();
    home.run(&["db", "status"]).says(0, &["ok"]);
}

#[test]
fn the_old_deck_is_kept_aside_with_what_its_log_held() {
    let home = house();
    create(&home);
    // A process that is killed leaves rows in the log alone.
    home.run(&["mark", "note", "after the backup"]).done();
    home.run(&["pause", "--reason", "in the log"]).done();
    let held = home.directory.path().join("held.db");
    let connection = rusqlite::Connection::open(home.database()).unwrap();
    connection.execute_batch("PRAGMA wal_autocheckpoint = 0; UPDATE pauses SET reason = 'only in the log';").unwrap();
    // A copy of the log as it stands, put back after the connection has taken it away.
    std::fs::copy(home.path("deck.db-wal"), &held).unwrap();
    let whole = std::fs::read(home.database()).unwrap();
    connection.close().unwrap();
    std::fs::write(home.database(), whole).unwrap();
    std::fs::copy(&held, home.path("deck.db-wal")).unwrap();
    let restored = home.run(&["backup", "restore", "newest", "--in-place", "--yes", "--json"]).done().json();
    assert!(!is_old(&home));
    let aside = restored["aside"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|path| path.as_str())
        .find(|path| path.contains("deck.db.before") && !path.ends_with("-wal"))
        .unwrap();
    let connection = rusqlite::Connection::open(aside).unwrap();
    assert_eq!(connection.query_row("SELECT reason FROM pauses", [], |row| row.get::<_, String>(0)).unwrap(), "only in the log");
    drop(connection);
    assert!(home.run(&["audit", "log", "--json"]).done().out.contains("upkeep.restore"));
    home.run(&["audit", "verify"]).done();
}

#[test]
fn what_was_stopped_stays_stopped_after_a_restore() {
    let home = changed_since();
    home.run(IN_PLACE).says(0, &["was restored in", "nothing is sent from the restored deck", "quarterdeck resume"]);
    assert!(!is_old(&home) && is_paused(&home, "restored from") && is_paused(&home, "something is wrong"));
    home.run(IN_PLACE).done();
    assert!(is_paused(&home, "something is wrong"));
    home.run(&["resume"]).done();
    assert!(!is_paused(&home, ""));
    // Nobody had stopped anything: what the backup still has to send may have been sent since.
    home.run(IN_PLACE).done();
    assert!(is_paused(&home, "look at the account") && !is_paused(&home, "before that"));
    let to = home.path("new");
    home.run(&["backup", "restore", "newest", "--to", &to]).done();
    assert_eq!(rows(&home.directory.path().join("new/quarterdeck.db"), "pauses"), 1);
}

#[test]
fn a_restored_deck_knows_its_backups_and_what_was_found_about_them() {
    let home = house();
    let first = create(&home);
    let second = create(&home);
    let name = |path: &std::path::Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    home.run(&["backup", "drill", &name(&second)]).done();
    home.run(&["backup", "restore", &name(&first), "--in-place", "--yes"]).done();
    let listed = home.run(&["backup", "list", "--json"]).done().json();
    for backup in listed["backups"].as_array().unwrap() {
        assert!(backup["verified_at"].is_i64(), "{backup}");
        assert_eq!(backup["drilled_at"].is_i64(), backup["name"] == name(&second), "{backup}");
    }
    // Somebody who edits a manifest also changes the digest beside it: the restored deck has its own.
    crate::house::edit_manifest(&first, |manifest| manifest["tool"] = "0.0.1".into());
    home.run(&["backup", "verify", &name(&first)]).says(3, &["not whole", "manifest edited"]);
    // Where the old deck tells nothing any more, the restore itself knows what it restored.
    for name in ["deck.db", "deck.db-wal", "deck.db-shm"] {
        let _ = std::fs::remove_file(home.path(name));
    }
    home.run(&["backup", "restore", &name(&second), "--in-place", "--yes"]).done();
    crate::house::edit_manifest(&second, |manifest| manifest["tool"] = "0.0.1".into());
    home.run(&["backup", "verify", &name(&second)]).says(3, &["not whole", "manifest edited"]);
}

#[test]
fn who_was_erased_is_not_written_to_by_a_restored_deck() {
    use quarterdeck::moderation::mutes::is_erased;
    let home = house();
    create(&home);
    home.run(&["erase", "user", "Gone_Again", "--yes"]);
    let knows = |home: &Home| home.open().read_blocking(|c| is_erased(c, "gone_again")).unwrap();
    assert!(knows(&home));
    home.run(IN_PLACE).done();
    assert!(knows(&home), "also when no name of theirs is in the backup");
    // On another machine there is only the list beside the backups.
    for name in ["deck.db", "deck.db-wal", "deck.db-shm"] {
        let _ = std::fs::remove_file(home.path(name));
    }
    home.run(IN_PLACE).done();
    assert!(knows(&home));
}

#[test]
fn who_came_back_is_named_when_a_restore_is_finished() {
    use quarterdeck::upkeep::backup::erasures::{Erased, append};
    let named = |home: &Home| -> i64 {
        let connection = rusqlite::Connection::open(home.database()).unwrap();
        connection.query_row("SELECT count(*) FROM mutes WHERE target = 'Gone_Again'", [], |row| row.get(0)).unwrap()
    };
    for applies in [false, true] {
        let home = house();
        let persona = home.persona();
        home.open()
            .write_blocking(move |c| {
                c.exec(
                    "INSERT INTO mutes (persona_id, kind, target, reason, created_by, created_at) VALUES ($1, 'user', 'Gone_Again', 'x', 'ana', 1)",
                    quarterdeck::vals![&persona],
                )
            })
            .unwrap();
        create(&home);
        append(&home.directory.path().join("backups"), &Erased::new("gone_again", 1, "run")).unwrap();
        kill_at(&home, "restore:journal", IN_PLACE);
        for words in [&["newest", "--finish"] as &[&str], &["--finish", "--secrets"], &["--take-back", "--apply-erasures"]] {
            home.run(&[&["backup", "restore"], words].concat()).refused(2, "cannot be used with");
        }
        if applies {
            home.run(&["backup", "restore", "--finish", "--apply-erasures"]).says(0, &["is in place", "erased again"]);
        } else {
            home.run(&["backup", "restore", "--finish"]).says(3, &["is in place", "nothing is sent", "erase again", "Gone_Again"]);
        }
        assert_eq!(named(&home), i64::from(!applies));
    }
}

#[test]
fn secrets_that_a_killed_restore_left_go_with_the_next_backup() {
    use crate::house::{backups, everything, holds};
    use std::os::unix::fs::PermissionsExt;
    const CANARY: &str = "canary-4c1d77";
    let home = house();
    let config = home.directory.path().join(".config/quarterdeck");
    let private = |path: &std::path::Path, text: &str| {
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
    };
    let (environment, token) = (config.join("environment"), home.directory.path().join("refresh-token-demoagentbot"));
    private(&environment, &format!("OPENROUTER_API_KEY={CANARY}\n"));
    private(&token, CANARY);
    private(&config.join("config.toml"), &format!("[reddit]\nclient_secret = \"{CANARY}\"\n"));
    let passphrase = home.path("passphrase");
    private(std::path::Path::new(&passphrase), "correct horse battery\n");
    let with_secrets = ["--secrets", "--passphrase-file", &passphrase];
    let made = home.run(&[&["backup", "create", "--json"], &with_secrets[..]].concat()).done().json();
    let name = made["name"].as_str().unwrap();
    private(&environment, "OPENROUTER_API_KEY=later\n");
    private(&token, "later");
    private(&config.join("config.toml"), "# later\n");
    let restore = [&["backup", "restore", name, "--in-place", "--yes"], &with_secrets[..]].concat();
    kill_at(&home, "restore:staged", &restore);
    let left = config.join(".restoring");
    assert!(everything(&left).iter().any(|(_, bytes)| holds(bytes, CANARY)));
    home.run(&["backup", "create"]).done();
    assert!(!left.exists() && !home.directory.path().join(".restoring").exists());
    // Done, it leaves the settings alone that nobody asked for, and keeps the old secrets aside.
    home.run(&restore).says(0, &["config.toml was not put back", "--configuration"]);
    assert_eq!(std::fs::read_to_string(config.join("config.toml")).unwrap(), "# later\n");
    assert!(holds(&std::fs::read(&environment).unwrap(), CANARY) && std::fs::read_to_string(&token).unwrap() == CANARY);
    // What was kept aside is no secret of this deck any more.
    let made = home.run(&[&["backup", "create", "--json"], &with_secrets[..]].concat()).done().json();
    let kept = everything(&backups(&home).join(made["name"].as_str().unwrap()).join("secrets/data"));
    assert_eq!(kept.len(), 1, "{:?}", kept.iter().map(|(path, _)| path).collect::<Vec<_>>());
}
