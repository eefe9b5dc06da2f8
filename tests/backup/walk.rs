//! Making, listing, verifying, drilling, restoring and thinning out, as it is meant to go.

use crate::house::{backups, create, drill, entries, faults, house, open_to_others, rows, site};
use quarterdeck::base::{Clock as _, SystemClock};
use quarterdeck::upkeep::backup::{self, Create, Error};
use quarterdeck::upkeep::progress::{Progress, Unwatched, Watcher};
use quarterdeck::vals;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

#[test]
fn a_backup_is_made_listed_verified_drilled_and_restored() {
    let home = house();
    home.run(&["backup", "list"]).done().says(0, &["there is no backup yet"]);
    home.run(&["backup", "drill"]).refused(1, "make one with `quarterdeck backup create`");
    home.run(&["search", "evidence"]);
    let made = home.run(&["backup", "create"]);
    made.says(0, &["made and verified", "rows", "secrets", "none", "sha256"]);
    assert!(made.err.is_empty(), "no progress where there is no terminal: {}", made.err);
    let listed = home.run(&["backup", "list", "--json"]).done().json();
    let first = &listed["backups"][0];
    assert!(first["verified_at"].is_i64() && first["drilled_at"].is_null() && first["is_faulty"] == false, "{first}");
    let name = first["name"].as_str().unwrap().to_owned();
    assert_eq!(open_to_others(&backups(&home).join(&name)), Vec::<std::path::PathBuf>::new());
    home.run(&["backup", "verify", &name[..20]]).says(0, &[&name, "is whole"]);
    home.run(&["backup", "drill"]).says(0, &["passed", "recovery time", "recovery point", "1 personas", "hits of a search"]);
    assert_eq!(entries(&home), std::slice::from_ref(&name), "a drill leaves nothing behind");
    let listed = home.run(&["backup", "list", "--json"]).done().json();
    assert!(listed["backups"][0]["drilled_at"].is_i64());

    let to = home.path("restored");
    let restored = home.run(&["backup", "restore", "newest", "--to", &to]);
    restored.says(0, &["was restored in", "look at it with: quarterdeck --config"]);
    let command = restored.out.lines().find_map(|line| line.strip_prefix("look at it with: quarterdeck ")).unwrap().to_owned();
    let words: Vec<&str> = command.split(' ').collect();
    let mut looked = std::process::Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
    looked.env_clear().env("HOME", home.directory.path()).env("USER", "ana").args(&words);
    assert!(looked.output().unwrap().status.success(), "{command}");
    let restored = home.directory.path().join("restored");
    assert_eq!(rows(&restored.join("quarterdeck.db"), "belief_nodes"), rows(&home.database(), "belief_nodes"));
    assert_eq!(std::fs::read_to_string(restored.join("config/config.toml")).unwrap(), "# mine\nmode = \"dry-run\"\n");
    assert_eq!(open_to_others(&restored), Vec::<std::path::PathBuf>::new());
    // What was done stands in the audit log, with the digest of the manifest.
    let log = home.run(&["audit", "log", "--json"]).done().out;
    for action in ["upkeep.backup", "upkeep.backup_verify", "upkeep.drill", "upkeep.restore"] {
        assert!(log.contains(&format!("\"{action}\"")), "{action}");
    }
    assert!(log.contains(first["manifest"].as_str().unwrap()));
}

#[test]
fn a_backup_is_of_one_instant_while_others_write() {
    let home = house();
    let (db, stop, written) = (home.open(), AtomicBool::new(false), AtomicI64::new(0));
    db.write_blocking(|c| {
        c.exec("CREATE TABLE pairs (id INTEGER PRIMARY KEY, half TEXT NOT NULL) STRICT", &[])?;
        Ok::<_, quarterdeck::store::Error>(())
    })
    .unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let at = written.fetch_add(2, Ordering::Relaxed);
                // Two rows in one transaction: a copy with one of them is of no instant.
                db.write_blocking(move |c| {
                    c.exec("INSERT INTO pairs (id, half) VALUES ($1, $2)", vals![at, "x".repeat(400)])?;
                    c.exec("INSERT INTO pairs (id, half) VALUES ($1, $2)", vals![at + 1, "y".repeat(400)])
                })
                .unwrap();
            }
        });
        let made: Vec<_> = (0..3).map(|_| create(&home)).collect();
        stop.store(true, Ordering::Relaxed);
        let counts: Vec<i64> = made.iter().map(|path| rows(&path.join("deck.db"), "pairs")).collect();
        assert!(counts.iter().all(|count| count % 2 == 0) && counts.is_sorted() && counts[2] > 0, "{counts:?}");
    });
    drop(db);
    let found = drill(&home, &backups(&home).join(&entries(&home)[0]));
    // The table is none of ours, and is compared all the same.
    assert_eq!(faults(&found), Vec::<String>::new(), "{}", found.out);
}

#[test]
fn the_settings_say_which_backups_stay() {
    let home = house();
    let day = 86_400_000;
    let now = SystemClock.now();
    for age in [0, 1, 2, 3, 40, 400] {
        backup::create(&site(&home, now - age * day), &Create::default(), &Unwatched).unwrap();
    }
    let prune = |more: &[&str]| {
        let mut command = home.command(&["backup", "prune"]);
        command.args(more).env("QUARTERDECK_BACKUP_KEEP_DAILY", "2").env("QUARTERDECK_BACKUP_KEEP_WEEKLY", "0");
        command.env("QUARTERDECK_BACKUP_KEEP_MONTHLY", "2");
        crate::program::Did::of(command.output().unwrap())
    };
    prune(&[]).refused(2, "taken away for good");
    let looked = prune(&["--dry-run"]);
    looked.says(0, &["newest of its day", "would go", "would be freed"]);
    assert_eq!(entries(&home).len(), 6);
    let done = prune(&["--yes", "--json"]).done().json();
    let stay = done["backups"].as_array().unwrap().iter().filter(|kept| kept["stays"] == true).count();
    assert_eq!(entries(&home).len(), stay);
    assert!((2..=4).contains(&stay), "{done}");
    assert_eq!(done["backups"][0]["stays"], true);
}

#[test]
fn an_empty_directory_is_filled_where_it_is() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
    let home = house();
    create(&home);
    // A disk of its own where one can be mounted. It cannot be replaced, and a file cannot be renamed into it.
    let disk = home.directory.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let mounted = std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"]).arg(&disk).status();
    let is_mounted = mounted.is_ok_and(|status| status.success());
    std::fs::set_permissions(&disk, PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::create_dir(disk.join("lost+found")).unwrap();
    let before = std::fs::metadata(&disk).unwrap().ino();
    let restored = home.run(&["backup", "restore", "newest", "--to", disk.to_str().unwrap()]);
    let (after, beliefs) = (std::fs::metadata(&disk).unwrap().ino(), rows(&disk.join("quarterdeck.db"), "belief_nodes"));
    let again = home.run(&["backup", "restore", "newest", "--to", disk.to_str().unwrap()]);
    let mut names: Vec<String> = std::fs::read_dir(&disk).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    if is_mounted {
        assert!(std::process::Command::new("umount").arg(&disk).status().unwrap().success());
    }
    restored.says(0, &["was restored in", "others may enter", "chmod 700"]);
    again.refused(1, "is there already");
    names.retain(|name| !name.starts_with("quarterdeck.db-"));
    names.sort();
    assert_eq!((before, beliefs), (after, rows(&home.database(), "belief_nodes")));
    assert!(names.contains(&"config".to_owned()) && names.contains(&"quarterdeck.db".to_owned()), "{names:?}");
    assert!(!names.contains(&".restoring".to_owned()), "{names:?}");
    let beside = std::fs::read_dir(home.directory.path()).unwrap();
    assert!(!beside.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with(".restoring")));
}

#[test]
fn a_backup_of_the_future_is_not_the_newest_one() {
    let home = house();
    let now = SystemClock.now();
    let future = backup::create(&site(&home, now + 10 * 86_400_000), &Create::default(), &Unwatched).unwrap().name;
    let past = create(&home);
    let past = past.file_name().unwrap().to_str().unwrap();
    home.run(&["backup", "list"]).says(0, &[&future, past, "note: ", &future, "in the future"]);
    home.run(&["backup", "verify"]).says(0, &[past, "is whole"]);
    home.run(&["backup", "drill"]).says(0, &[past, "passed"]);
    let erased = quarterdeck::upkeep::backup::erasures::Erased::new("Gone_Again", now, "run");
    quarterdeck::upkeep::backup::erasures::append(&backups(&home), &erased).unwrap();
    let restored = home.run(&["backup", "restore", &future, "--to", &home.path("new"), "--json"]).done().json();
    assert!(restored["notes"].to_string().contains("in the future"), "{restored}");
    assert_eq!(restored["erasures"].as_array().unwrap().len(), 1, "{restored}");
    assert_eq!(rows(&home.directory.path().join("new/quarterdeck.db"), "erased_people"), 1);
}

struct Impatient(AtomicI64);

impl Watcher for Impatient {
    fn told(&self, _: Progress) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

#[test]
fn work_that_is_stopped_leaves_nothing_behind() {
    let home = house();
    let site = site(&home, SystemClock.now());
    let stopped = backup::create(&site, &Create::default(), &Impatient(AtomicI64::new(0)));
    assert!(matches!(stopped, Err(Error::Stopped)), "{stopped:?}");
    assert_eq!(entries(&home), Vec::<String>::new());
    create(&home);
    let stopped = backup::drill(&site, None, &Impatient(AtomicI64::new(0)));
    assert!(matches!(stopped, Err(Error::Stopped)), "{stopped:?}");
    assert_eq!(entries(&home).len(), 1);
}

#[test]
fn an_older_schema_is_backed_up_and_migrated_when_it_is_restored() {
    let home = house();
    home.run(&["db", "rollback", "--to", "22", "--yes"]).done();
    home.run(&["backup", "create"]).says(0, &["schema version 22", "could not be written down"]);
    let restored = home.run(&["backup", "restore", "newest", "--to", &home.path("new"), "--json"]).done().json();
    assert_eq!(restored["migrated"][0], 23, "{restored}");
    let leftovers: Vec<_> =
        std::fs::read_dir(home.path("new")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(!leftovers.iter().any(|name| name.contains(".before-")), "{leftovers:?}");
}
