//! The same on PostgreSQL, where `QUARTERDECK_TEST_POSTGRES` names a server.

use crate::house::{create, drill, entries, faults, house};
use crate::program::{Did, Home};
use quarterdeck::store::Address;
use quarterdeck::store::testing::fresh_on_server;
use std::os::unix::process::ExitStatusExt as _;

/// An installation whose database is on the server.
struct Served {
    home: Home,
    url: String,
}

impl Served {
    fn new() -> Option<Self> {
        let Ok(server) = std::env::var("QUARTERDECK_TEST_POSTGRES") else {
            eprintln!("skipped: QUARTERDECK_TEST_POSTGRES names no server");
            return None;
        };
        let Address::Postgres(url) = fresh_on_server(&server) else { return None };
        let served = Self { home: Home::new(), url };
        served.run(&["seed"]).done();
        Some(served)
    }

    fn run(&self, words: &[&str]) -> Did {
        self.with(&self.url, words)
    }

    fn with(&self, url: &str, words: &[&str]) -> Did {
        Did::of(self.command(url, words).output().unwrap())
    }

    fn command(&self, url: &str, words: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
        command.env_clear().env("HOME", self.home.directory.path()).env("USER", "ana").env("PATH", "/usr/bin:/bin");
        command.arg("--data-dir").arg(self.home.directory.path()).env("DATABASE_URL", url).args(words);
        command.stdin(std::process::Stdio::null());
        command
    }

    /// Whether it is the deck that was there before the restore.
    fn is_old(&self) -> bool {
        self.run(&["mark", "list", "--json"]).done().out.contains("after the backup")
    }

    /// Databases on the server in which a restore of this one was being made.
    fn half_made(&self) -> usize {
        let (server, name) = self.url.rsplit_once('/').unwrap();
        let mut client = postgres::Client::connect(&format!("{server}/postgres"), postgres::NoTls).unwrap();
        // A long name is cut, and told from others by its digest.
        let digest = quarterdeck::base::sha256_hex(name.as_bytes());
        let half = format!("_{}_restoring_", &digest[..8]);
        let rows = client.query("SELECT 1 FROM pg_database WHERE strpos(CAST(datname AS TEXT), $1) > 0", &[&half]);
        rows.unwrap().len()
    }
}

#[test]
fn a_database_on_a_server_is_backed_up_drilled_and_restored() {
    let Some(served) = Served::new() else { return };
    served.run(&["search", "evidence"]);
    let made = served.run(&["backup", "create", "--json"]).done().json();
    assert_eq!(made["engine"], "postgres");
    let path = std::path::PathBuf::from(made["path"].as_str().unwrap());
    served.run(&["backup", "verify"]).says(0, &["is whole", "when it is restored"]);
    served.run(&["backup", "drill"]).says(0, &["passed", "1 personas", "hits of a search"]);
    assert_eq!(entries(&served.home).len(), 1);

    let name = format!("restored_{}", quarterdeck::base::new_id().replace('-', "_"));
    served.run(&["backup", "restore", "newest", "--to", &served.home.path("new")]).refused(2, "--as-database");
    served.run(&["backup", "restore", "newest", "--to", &served.home.path("new"), "--as-database", &name]).done();
    let (base, _) = served.url.rsplit_once('/').unwrap();
    served.with(&format!("{base}/{name}"), &["persona", "list"]).says(0, &["DemoAgentBot"]);

    served.run(&["mark", "note", "after the backup"]).done();
    served.run(&["pause", "--reason", "something is wrong"]).done();
    let restored = served.run(&["backup", "restore", "newest", "--in-place", "--yes", "--json"]).done().json();
    assert!(restored["aside"][0].as_str().unwrap().contains("_before_restore_"), "{restored}");
    let log = served.run(&["audit", "log", "--json"]).done().out;
    assert!(log.contains("upkeep.restore") && log.contains("something is wrong"), "{log}");
    assert!(!served.is_old());
    let pauses = served.run(&["pause", "--json"]).done().out;
    assert!(pauses.contains("restored from") && pauses.contains("something is wrong"), "{pauses}");
    let listed = served.run(&["backup", "list", "--json"]).done().json();
    assert!(listed["backups"][0]["drilled_at"].is_i64(), "the drill was made after the backup: {listed}");

    // A dump that was cut off, and one of another state.
    let file = std::fs::File::options().write(true).open(path.join("deck.pgdump")).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    let found = served.run(&["backup", "drill", "--json"]).ended(3);
    assert!(faults(&found).contains(&"truncated".to_owned()) && faults(&found).contains(&"damaged".to_owned()), "{}", found.out);
}

#[test]
fn a_restore_on_a_server_that_is_killed_leaves_the_old_or_the_new() {
    let Some(served) = Served::new() else { return };
    served.run(&["backup", "create"]).done();
    for place in ["restore:begun", "restore:staged", "restore:swapped", "restore:done"] {
        served.run(&["mark", "note", "after the backup"]).done();
        served.run(&["pause", "--reason", "something is wrong"]).done();
        let mut command = served.command(&served.url, &["backup", "restore", "newest", "--in-place", "--yes"]);
        let killed = command.env("QUARTERDECK_CRASH_AT", place).output().unwrap();
        assert_eq!(killed.status.signal(), Some(6), "{place}: {}", String::from_utf8_lossy(&killed.stderr));
        // There is one deck of the name, and it is whole.
        served.run(&["queue", "list"]).done();
        served.run(&["db", "check"]).done();
        assert_eq!(served.is_old(), matches!(place, "restore:begun" | "restore:staged"), "{place}");
        let log = served.run(&["audit", "log", "--json"]).done().out;
        assert_eq!(log.contains("\"upkeep.restore\""), !served.is_old() || place != "restore:begun", "{place}");
        served.run(&["index", "verify"]).done();
        assert_eq!(served.half_made(), usize::from(place == "restore:staged"), "{place}");
        // It is done again over what was left, and takes that away.
        served.run(&["backup", "restore", "newest", "--in-place", "--yes"]).done();
        assert!(!served.is_old(), "{place}");
        assert_eq!(served.half_made(), 0, "{place}");
        assert!(!served.home.directory.path().join(".restoring").exists(), "{place}");
    }
}

#[test]
fn a_restore_to_a_new_database_that_is_killed_is_done_again() {
    let Some(served) = Served::new() else { return };
    served.run(&["backup", "create"]).done();
    let (base, _) = served.url.rsplit_once('/').unwrap();
    // Short enough that the whole of it begins the name of the half-made one.
    let name = format!("new_{}", quarterdeck::base::new_id().rsplit_once('-').unwrap().1);
    let to = served.home.path("new");
    let words = ["backup", "restore", "newest", "--to", &to, "--as-database", &name];
    let killed = served.command(&served.url, &words).env("QUARTERDECK_CRASH_AT", "restore:staged").output().unwrap();
    assert_eq!(killed.status.signal(), Some(6), "{}", String::from_utf8_lossy(&killed.stderr));
    let databases = || {
        let mut client = postgres::Client::connect(&format!("{base}/postgres"), postgres::NoTls).unwrap();
        let rows = client.query("SELECT CAST(datname AS TEXT) FROM pg_database WHERE starts_with(CAST(datname AS TEXT), $1)", &[&name]);
        rows.unwrap().iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>()
    };
    let left = databases();
    assert!(left.len() == 1 && left[0].contains("_restoring_"), "{left:?}");
    served.run(&words).done();
    assert_eq!(databases(), [name.as_str()]);
    served.run(&words).refused(1, "is there already");
    served.with(&format!("{base}/{name}"), &["pause"]).says(0, &["restored from"]);
}

#[test]
fn a_running_server_deck_is_not_replaced_and_engines_are_not_mixed() {
    let Some(served) = Served::new() else { return };
    served.run(&["backup", "create"]).done();
    let clock: std::sync::Arc<dyn quarterdeck::base::Clock> = std::sync::Arc::new(quarterdeck::base::SystemClock);
    let db = quarterdeck::store::Database::open(&Address::Postgres(served.url.clone()), &clock).unwrap();
    served.run(&["backup", "restore", "newest", "--in-place", "--yes"]).refused(1, "the deck is running");
    drop(db);
    let file = house();
    let backup = create(&file);
    assert_eq!(faults(&drill(&file, &backup)), Vec::<String>::new());
    let name = backup.file_name().unwrap().to_str().unwrap().to_owned();
    let moved = served.home.directory.path().join("backups").join(&name);
    std::fs::rename(&backup, &moved).unwrap();
    served.run(&["backup", "restore", &name, "--in-place", "--yes"]).refused(1, "SQLite");
}

#[test]
fn a_restored_database_of_any_name_can_be_looked_at() {
    let Some(served) = Served::new() else { return };
    served.run(&["backup", "create"]).done();
    let name = format!("my db?{}%20", quarterdeck::base::new_id());
    let to = served.home.path("new place");
    let restored = served.run(&["backup", "restore", "newest", "--to", &to, "--as-database", &name]);
    restored.says(0, &["look at it with"]);
    let (server, _) = served.url.rsplit_once('/').unwrap();
    let look = restored.out.lines().find(|line| line.starts_with("look at it with")).unwrap();
    if let Some(command) = look.strip_prefix("look at it with: quarterdeck") {
        let command = format!("{}{command}", env!("CARGO_BIN_EXE_quarterdeck"));
        let mut shell = std::process::Command::new("sh");
        shell.env_clear().env("HOME", served.home.directory.path()).env("USER", "ana").env("PATH", "/usr/bin:/bin");
        Did::of(shell.arg("-c").arg(command).output().unwrap()).done();
    } else {
        // The server asks for a password, which is not printed.
        assert!(look.contains("DATABASE_URL set to"), "{look}");
    }
    let mut client = postgres::Client::connect(&format!("{server}/postgres"), postgres::NoTls).unwrap();
    client.batch_execute(&format!("DROP DATABASE \"{name}\" WITH (FORCE)")).unwrap();
}
