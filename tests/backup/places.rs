//! Places that cannot be used: full, taken, open to others, in use, of a newer program.

use crate::house::{backups, create, edit_manifest, entries, house, rows};
use crate::program::{Did, Home};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

#[test]
fn what_is_there_already_is_not_written_over() {
    let home = house();
    create(&home);
    let taken = home.path("taken");
    std::fs::create_dir(&taken).unwrap();
    std::fs::write(home.directory.path().join("taken/mine"), "mine").unwrap();
    home.run(&["backup", "restore", "newest", "--to", &taken]).refused(1, "is there already");
    assert_eq!(std::fs::read_to_string(home.directory.path().join("taken/mine")).unwrap(), "mine");
    home.run(&["backup", "restore", "newest", "--to", &home.path("taken/mine")]).refused(1, "cannot read");
    std::fs::remove_file(home.directory.path().join("taken/mine")).unwrap();
    home.run(&["backup", "restore", "newest", "--to", &taken]).done();
    home.run(&["backup", "restore", "nothing", "--to", &home.path("x")]).refused(2, "there is no backup \"nothing\"");
    home.run(&["backup", "restore", "newest"]).refused(2, "required");
    home.run(&["backup", "restore", "newest", "--in-place"]).refused(2, "kept aside");
}

#[test]
fn a_directory_that_others_may_enter_is_refused() {
    let home = house();
    std::fs::create_dir(backups(&home)).unwrap();
    std::fs::set_permissions(backups(&home), PermissionsExt::from_mode(0o755)).unwrap();
    home.run(&["backup", "create"]).refused(1, "chmod 700");
    std::fs::remove_dir(backups(&home)).unwrap();
    std::fs::write(backups(&home), "").unwrap();
    home.run(&["backup", "create"]).refused(1, "backups");
    std::fs::remove_file(backups(&home)).unwrap();
    let elsewhere = home.command(&["backup", "create"]).env("QUARTERDECK_BACKUP_DIR", "/proc/1/nowhere").output().unwrap();
    Did::of(elsewhere).refused(1, "/proc/1/nowhere");
    home.run(&["queue", "list"]).done();
}

#[test]
fn a_directory_without_permission_is_refused() {
    let home = house();
    create(&home);
    // Root may do anything; another user is asked.
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|found| std::os::unix::fs::MetadataExt::uid(&found) == 0);
    if is_root {
        eprintln!("skipped: root may read and write every directory");
        return;
    }
    std::fs::set_permissions(backups(&home), PermissionsExt::from_mode(0o000)).unwrap();
    home.run(&["backup", "list"]).refused(1, "cannot read");
    home.run(&["backup", "create"]).refused(1, "Permission denied");
    std::fs::set_permissions(backups(&home), PermissionsExt::from_mode(0o700)).unwrap();
}

#[test]
fn a_backup_of_a_newer_program_is_refused_before_anything_is_done() {
    let home = house();
    let backup = create(&home);
    edit_manifest(&backup, |manifest| {
        manifest["database"]["schema_version"] = 9_999.into();
        manifest["tool"] = "99.0.0".into();
    });
    for words in [&["--to", "new"] as &[&str], &["--in-place", "--yes"]] {
        let refused = home.run(&[&["backup", "restore", "newest"], words].concat());
        refused.refused(1, "schema version 9999");
    }
    home.run(&["backup", "drill"]).refused(1, "quarterdeck 99.0.0 or newer");
    home.run(&["queue", "list"]).done();
    edit_manifest(&backup, |manifest| manifest["format"] = 99.into());
    home.run(&["backup", "restore", "newest", "--to", &home.path("new")]).refused(1, "form 99");
    assert_eq!(entries(&home).len(), 1);
}

#[test]
fn a_running_deck_is_not_replaced() {
    let home = house();
    create(&home);
    let db = home.open();
    let who = std::process::id();
    home.run(&["backup", "restore", "newest", "--in-place", "--yes"]).refused(1, &format!("(process {who})"));
    assert_eq!(db.read_blocking(|c| c.query("SELECT id FROM personas", &[])).unwrap().len(), 1);
    let left: Vec<_> = std::fs::read_dir(home.directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("restor")), "{left:?}");
    // Into a new place it may be restored all the while.
    home.run(&["backup", "restore", "newest", "--to", &home.path("new")]).done();
}

/// The program with a limit on the size of files it may write, which is a full disk to it.
fn limited(home: &Home, kilobytes: u64, words: &[&str]) -> Did {
    let inner = home.command(words);
    let mut command = Command::new("sh");
    command.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    // The signal would end it; ignored, the write fails as on a full disk.
    command
        .arg("-c")
        .arg(format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", kilobytes * 2))
        .arg("sh")
        .arg(inner.get_program())
        .args(inner.get_args());
    Did::of(command.output().unwrap())
}

#[test]
fn a_full_disk_leaves_nothing_half_made() {
    let home = house();
    create(&home);
    let before = std::fs::read(home.database()).unwrap();
    let full = limited(&home, 100, &["backup", "create"]);
    assert_eq!(full.code, 1, "{}{}", full.out, full.err);
    assert_eq!(entries(&home).len(), 1);
    let full = limited(&home, 100, &["backup", "restore", "newest", "--to", &home.path("new")]);
    full.refused(1, "make room");
    assert!(!home.directory.path().join("new").exists() && !home.directory.path().join(".restoring-new").exists());
    limited(&home, 100, &["backup", "restore", "newest", "--in-place", "--yes"]).refused(1, "make room");
    assert!(!home.directory.path().join(".restoring").exists());
    assert!(before.len() > 100_000);
    home.run(&["db", "status"]).says(0, &["ok"]);
    assert!(rows(&home.database(), "belief_nodes") > 0);
    home.run(&["backup", "drill"]).done();
}

#[test]
fn a_small_disk_is_seen_before_anything_is_written() {
    let home = house();
    let small = home.directory.path().join("small");
    std::fs::create_dir(&small).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=512k,mode=0700", "tmpfs"]).arg(&small).status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("skipped: a small disk cannot be mounted here");
        return;
    }
    let full = home.command(&["backup", "create"]).env("QUARTERDECK_BACKUP_DIR", small.join("backups")).output().unwrap();
    let left = std::fs::read_dir(small.join("backups")).map_or(0, |entries| entries.count());
    let unmounted = Command::new("umount").arg(&small).status().unwrap();
    assert!(unmounted.success());
    Did::of(full).refused(1, "free that this needs");
    assert!(left <= 1, "{left}");
    home.run(&["queue", "list"]).done();
}

#[test]
fn a_deck_that_is_damaged_or_gone_is_put_back() {
    let home = house();
    create(&home);
    let beliefs = rows(&home.database(), "belief_nodes");
    std::fs::write(home.database(), "not a database any more".repeat(1_000)).unwrap();
    let broken = home.run(&["backup", "create"]);
    assert_eq!((broken.code, entries(&home).len()), (1, 1), "{}{}", broken.out, broken.err);
    home.run(&["backup", "list"]).says(0, &["never", "is unknown"]);
    home.run(&["backup", "restore", "newest", "--in-place", "--yes"]).says(0, &["kept aside"]);
    assert_eq!(rows(&home.database(), "belief_nodes"), beliefs);
    for name in ["deck.db", "deck.db-wal", "deck.db-shm"] {
        let _ = std::fs::remove_file(home.path(name));
    }
    home.run(&["backup", "create"]).refused(1, "deck.db");
    assert!(!home.database().exists(), "nothing is made where there was nothing");
    home.run(&["backup", "prune", "--dry-run"]).refused(2, "which backups were verified is unknown");
    home.run(&["backup", "restore", "newest", "--in-place", "--yes"]).done();
    assert_eq!(rows(&home.database(), "belief_nodes"), beliefs);
    home.run(&["backup", "create"]).done();
}

#[test]
fn a_damaged_deck_is_kept_as_far_as_it_can_be_read() {
    use std::os::unix::fs::FileExt as _;
    let home = house();
    let whole = create(&home).file_name().unwrap().to_str().unwrap().to_owned();
    home.run(&["db", "checkpoint", "--truncate"]).done();
    let connection = rusqlite::Connection::open(home.database()).unwrap();
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, u32>(0)).map(u64::from).unwrap();
    let size = number("PRAGMA page_size");
    let page = number("SELECT rootpage FROM sqlite_schema WHERE name = 'acknowledgements'");
    connection.close().unwrap();
    let file = std::fs::File::options().write(true).open(home.database()).unwrap();
    file.write_all_at(&vec![0xff; usize::try_from(size).unwrap()], (page - 1) * size).unwrap();
    drop(file);

    let made = home.run(&["backup", "create"]);
    made.says(3, &["made of a DAMAGED database", "acknowledgements: it cannot be read to its end", "backup restore NAME --in-place"]);
    assert_eq!(entries(&home).len(), 2);
    home.run(&["backup", "list"]).says(3, &["FAULTY", &whole]);
    let found = home.run(&["backup", "verify"]);
    found.says(3, &["is not whole", "damaged: acknowledgements"]);
    assert!(!found.out.contains("rows differ"), "what could be read is what was kept: {}", found.out);
    home.run(&["backup", "restore", "newest", "--to", &home.path("new")]).refused(1, "is not whole and is not restored");
    home.run(&["backup", "restore", &whole, "--in-place", "--yes"]).done();
    create(&home);
}

#[test]
fn a_locked_deck_leads_to_who_holds_it() {
    let home = house();
    let connection = rusqlite::Connection::open(home.database()).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = home.run(&["backup", "create"]).refused(1, "is locked: ");
    assert!(refused.err.contains(&format!("process {}", std::process::id())), "{}", refused.err);
    assert_eq!(entries(&home), Vec::<String>::new());
    connection.execute_batch("ROLLBACK").unwrap();
    create(&home);
}

#[test]
fn a_beginning_that_several_backups_have_names_them() {
    let home = house();
    let names = [create(&home), create(&home)].map(|path| path.file_name().unwrap().to_str().unwrap().to_owned());
    let refused = home.run(&["backup", "verify", &names[0][..6]]).refused(2, "2 backups begin with");
    assert!(names.iter().all(|name| refused.err.contains(name)), "{}", refused.err);
    home.run(&["backup", "verify", "200001"]).refused(2, "there is no backup");
    home.run(&["backup", "verify", &names[0]]).done();
}

/// What the program said to type, typed.
fn typed(home: &Home, command: &str) -> Did {
    let command = command.trim().replacen("quarterdeck", env!("CARGO_BIN_EXE_quarterdeck"), 1);
    let mut shell = Command::new("sh");
    shell.env_clear().env("HOME", home.directory.path()).env("USER", "ana").env("PATH", "/usr/bin:/bin").stdin(std::process::Stdio::null());
    Did::of(shell.arg("-c").arg(command).output().unwrap())
}

#[test]
fn the_commands_that_a_restore_prints_work_as_they_stand() {
    use quarterdeck::base::{Clock as _, SystemClock};
    use quarterdeck::upkeep::backup::erasures::{Erased, append};
    let home = house();
    home.open()
        .write_blocking(|c| {
            let persona = quarterdeck::memory::personas::find(c, "DemoAgentBot").unwrap().id;
            c.exec(
                "INSERT INTO mutes (persona_id, kind, target, reason, created_by, created_at) VALUES ($1, 'user', 'Gone_Again', 'x', 'ana', 1)",
                quarterdeck::vals![&persona],
            )
        })
        .unwrap();
    // A configuration of another name, and a place that a shell would take for several words.
    let config = home.path("prod.toml");
    std::fs::write(&config, "mode = \"dry-run\"\n").unwrap();
    home.run(&["--config", &config, "backup", "create"]).done();
    append(&backups(&home), &Erased::new("gone_again", SystemClock.now(), "run")).unwrap();
    let to = home.path("it's a new place");
    let restored = home.run(&["--config", &config, "backup", "restore", "newest", "--to", &to]);
    restored.says(3, &["configuration", "config/prod.toml", "look at it with", "erase again"]);
    let after = |words: &str| restored.out.lines().find_map(|line| Some(line.split_once(words)?.1.to_owned())).unwrap();
    let look = after("look at it with: ");
    assert!(look.contains("prod.toml"), "{look}");
    typed(&home, &look).done();
    typed(&home, &after("erase again: ")).done();
    let new = home.directory.path().join("it's a new place/quarterdeck.db");
    assert_eq!((rows(&new, "mutes"), rows(&home.database(), "mutes")), (0, 1));
}

#[test]
fn a_signal_ends_it_cleanly() {
    let home = house();
    home.open()
        .write_blocking(|c| {
            for number in 0..30_000 {
                let detail = "x".repeat(1_000);
                c.exec(
                    "INSERT INTO acknowledgements (name, acknowledged_by, acknowledged_at, detail) VALUES ($1, 'ana', 1, $2)",
                    quarterdeck::vals![format!("{number}"), detail],
                )?;
            }
            Ok::<_, quarterdeck::store::Error>(())
        })
        .unwrap();
    let mut command = home.command(&["backup", "create"]);
    let child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    while entries(&home).is_empty() {
        std::thread::yield_now();
    }
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    Did::of(child.wait_with_output().unwrap()).refused(1, "stopped before its end; nothing was changed");
    assert_eq!(entries(&home), Vec::<String>::new());
    home.run(&["db", "status"]).says(0, &["ok"]);
}
