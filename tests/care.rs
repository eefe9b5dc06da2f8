//! The care of the database through the command line: real files, real other processes that hold locks, and real damage.
#![allow(clippy::print_stderr, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use quarterdeck::base::{Clock, SystemClock};
use quarterdeck::store::Error;
use quarterdeck::vals;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

mod support;
use support::program::Home;

/// Another program that has the database open: Python's SQLite, as an operator's shell would. Ends when it is dropped.
struct Other {
    child: Child,
}

impl Other {
    /// Run a statement and keep the transaction open; `None` where there is no Python.
    fn holding(home: &Home, sql: &str) -> Option<Self> {
        let script = format!(
            "import sqlite3,sys\nc=sqlite3.connect({:?},isolation_level=None)\nc.execute('BEGIN{}')\nc.execute({sql:?}).fetchone()\nprint('ready',flush=True)\nsys.stdin.read()",
            home.database().display().to_string(),
            if sql.starts_with("SELECT") { "" } else { " IMMEDIATE" }
        );
        let child = Command::new("python3").arg("-c").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let Ok(mut child) = child else {
            eprintln!("skipped: there is no python3");
            return None;
        };
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "ready");
        Some(Self { child })
    }

    fn pid(&self) -> String {
        self.child.id().to_string()
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Bytes at a place of the file, changed.
fn damage(home: &Home, at: u64, bytes: &[u8]) {
    use std::os::unix::fs::FileExt as _;
    let file = std::fs::OpenOptions::new().write(true).open(home.database()).unwrap();
    file.write_all_at(bytes, at).unwrap();
}

#[test]
fn a_whole_database_passes_and_the_check_says_what_it_does_not_look_at() {
    let home = Home::seeded();
    home.run(&["db", "check"]).says(0, &["nothing is wrong", "not looked at", "--full"]);
    let full = home.run(&["--json", "db", "check", "--full"]).done().json();
    assert_eq!((full["passed"].as_bool(), full["not_looked_at"].as_array().unwrap().len()), (Some(true), 0));
    assert!(full["looked_at"].as_array().unwrap().iter().any(|what| what.as_str().unwrap().contains("migrations")));
    let run = full["run"].as_str().unwrap().to_owned();
    let kinds = home
        .open()
        .read_blocking(move |c| c.first("SELECT kind, outcome, actor FROM upkeep_runs WHERE id = $1", vals![run]))
        .unwrap()
        .unwrap();
    assert_eq!((kinds.text("kind").unwrap().as_str(), kinds.text("actor").unwrap().as_str()), ("check_full", "ana"));
    home.run(&["db", "check", "--quick", "--full"]).refused(2, "cannot be used with");
}

#[test]
fn an_index_that_lies_is_found_by_the_full_check_and_not_by_the_quick_one() {
    let home = Home::seeded();
    {
        let other = rusqlite::Connection::open(home.database()).unwrap();
        other.execute_batch("PRAGMA writable_schema = ON; PRAGMA ignore_check_constraints = ON;").unwrap();
        other
            .execute(
                "INSERT INTO interactions (persona_id, id, content, interaction_type, reddit_id, subreddit, parent_id, created_at, updated_at)
                 SELECT id, 'i', 'words', 'comment', 't1_z', 'test', 't1_before', 1, 1 FROM personas",
                [],
            )
            .unwrap();
        // The index believes to be partial while the row is changed, and whole again afterwards: it has as many entries, and a wrong one.
        let sql: String =
            other.query_row("SELECT sql FROM sqlite_schema WHERE name = 'interactions_parent'", [], |row| row.get(0)).unwrap();
        other.execute("UPDATE sqlite_schema SET sql = sql || ' WHERE content = ''x''' WHERE name = 'interactions_parent'", []).unwrap();
        drop(other);
        let other = rusqlite::Connection::open(home.database()).unwrap();
        other.execute("UPDATE interactions SET parent_id = 't1_after' WHERE id = 'i'", []).unwrap();
        other.execute_batch("PRAGMA writable_schema = ON").unwrap();
        other.execute("UPDATE sqlite_schema SET sql = ?1 WHERE name = 'interactions_parent'", [&sql]).unwrap();
    }
    home.run(&["db", "check", "--quick"]).done();
    let found = home.run(&["db", "check", "--full"]);
    found.says(3, &["integrity", "interactions_parent", "next: "]);
    home.run(&["db", "vacuum"]).done();
    home.run(&["db", "check", "--full"]).done();
}

#[test]
fn damage_dangling_rows_and_foreign_schemas_are_found() {
    let home = Home::seeded();
    {
        let other = rusqlite::Connection::open(home.database()).unwrap();
        other
            .execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM personas; CREATE TABLE strange (a); DROP INDEX belief_edges_target")
            .unwrap();
    }
    let found = home.run(&["db", "check"]);
    found.says(3, &["refer to rows of personas", "index belief_edges_target is missing", "table strange is none of this program's"]);
    let home = Home::seeded();
    home.run(&["db", "checkpoint", "--truncate"]).done();
    damage(&home, 4096 * 8, &[0xff; 4096 * 12]);
    let found = home.run(&["db", "check", "--full"]);
    assert_ne!(found.code, 0, "{}", found.out);
    assert!(format!("{}{}", found.out, found.err).contains("backup"), "{}{}", found.out, found.err);
    std::fs::write(home.database(), b"not a database at all, whatever it says").unwrap();
    let found = home.run(&["db", "check"]);
    assert!(format!("{}{}", found.out, found.err).contains("damaged"), "{}{}", found.out, found.err);
    let empty = Home::new();
    empty.run(&["db", "check"]).refused(1, "no such file");
    assert!(!empty.database().exists(), "a check creates nothing");
}

#[test]
fn a_locked_database_leads_to_its_holder_and_the_remedy() {
    let home = Home::seeded();
    let Some(other) = Other::holding(&home, "DELETE FROM acknowledgements") else { return };
    let refused = home.run(&["pause", "--all", "--reason", "x"]);
    let said = if refused.code == 2 { home.run(&["persona", "add", "QuietOwl", "--subreddit", "test"]) } else { refused };
    let said = said.refused(1, "is locked");
    assert!(said.err.contains("python3") && said.err.contains(&format!("kill {}", other.pid())), "{}", said.err);
    home.run(&["db", "holders"]).says(0, &[&other.pid(), "python3", "writes", "keeps others from writing"]);
    home.run(&["db", "vacuum"]).refused(1, "in use");
    let listed = home.run(&["--json", "db", "holders"]).done().json();
    assert_eq!(listed["holders"][0]["role"], "writes");
}

#[test]
fn a_long_reader_is_named_by_the_checkpoint_that_it_stops() {
    let home = Home::seeded();
    let Some(other) = Other::holding(&home, "SELECT count(*) FROM personas") else { return };
    home.run(&["persona", "add", "QuietOwl", "--subreddit", "test"]).done();
    let left = home.run(&["db", "checkpoint", "--truncate"]);
    left.says(3, &["left, because of python3", &format!("process {}", other.pid()), "next: "]);
    drop(other);
    let done = home.run(&["--json", "db", "checkpoint", "--truncate"]).done().json();
    assert_eq!((done["is_complete"].as_bool(), done["log_after"].as_i64()), (Some(true), Some(0)));
}

#[test]
fn a_process_of_ours_says_what_it_does_and_what_a_killed_one_left_is_swept() {
    let home = Home::seeded();
    let mut child = home.command(&["serve", "--listen", "127.0.0.1:0", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let directory = home.directory.path().join("deck.db.open");
    let listed = home.run(&["--json", "db", "holders"]).done().json();
    let own = listed["holders"].as_array().unwrap().iter().find(|holder| holder["pid"] == child.id()).unwrap().clone();
    assert_eq!((own["is_ours"].as_bool(), own["command"].as_str()), (Some(true), Some("serve")));
    assert!(own["opened"].as_i64().is_some_and(|at| at <= SystemClock.now()));
    let pid = child.id();
    let _ = child.kill();
    let _ = child.wait();
    let listed = home.run(&["--json", "db", "holders"]).done().json();
    assert!(listed["holders"].as_array().unwrap().iter().all(|holder| holder["pid"] != pid));
    let left: Vec<_> = std::fs::read_dir(&directory).unwrap().flatten().map(|file| file.file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_vacuum_gives_back_what_nothing_uses_and_sizes_show_growth() {
    let home = Home::seeded();
    home.open()
        .write_blocking(|c| {
            for number in 0..3_000_i64 {
                c.exec(
                    "INSERT INTO slow_statements (id, statement, times, longest_us, total_us, first_at, last_at) VALUES ($1, $2, 1, 1, 1, 1, 1)",
                    vals![number.to_string(), "x".repeat(400)],
                )?;
            }
            // What was measured eight days ago.
            c.exec("INSERT INTO table_sizes (day, name, bytes, at) VALUES ($1, 'slow_statements', 4096, 1)", vals![SystemClock.now() / 86_400_000 - 8])
        })
        .unwrap();
    let sizes = home.run(&["--json", "db", "sizes"]).done().json();
    let table = sizes["parts"].as_array().unwrap().iter().find(|part| part["name"] == "slow_statements").unwrap().clone();
    let bytes = table["bytes"].as_i64().unwrap();
    assert!(bytes > 1_000_000, "{table}");
    assert_eq!((table["grown"][1]["bytes"].as_i64(), table["grown"][1]["days"].as_i64()), (Some(bytes - 4096), Some(8)));
    assert!(table["grown"][2].is_null(), "thirty days back nothing was measured");
    home.open().write_blocking(|c| c.exec("DELETE FROM slow_statements", &[])).unwrap();
    let done = home.run(&["--json", "db", "vacuum"]).done().json();
    assert!(done["before"].as_i64().unwrap() - done["after"].as_i64().unwrap() > 1_000_000, "{done}");
    home.run(&["db", "optimize"]).done();
    home.run(&["db", "sizes"]).says(0, &["database", "disk left", "all"]);
}

#[test]
fn a_slow_statement_is_kept_with_how_long_it_took() {
    let home = Home::seeded();
    home.run(&["db", "slow"]).says(0, &["no statement took longer"]);
    let db = home.open();
    let counted = db.read_blocking(|c| {
        // Long enough on any machine.
        let sql =
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000000) SELECT count(*) AS counted_slowly FROM n";
        c.first(sql, &[])?.unwrap().int("counted_slowly")
    });
    assert_eq!(counted.unwrap(), 6_000_000);
    // The writer takes what comes in order: behind this it has written down what it was told before.
    db.write_blocking(|_| Ok::<_, Error>(())).unwrap();
    db.write_blocking(|_| Ok::<_, Error>(())).unwrap();
    home.run(&["db", "slow"]).says(0, &["counted_slowly"]);
}
