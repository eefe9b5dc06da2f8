//! The index of vectors as operators use it: the real program on a real database, and a saving that is killed at any moment.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use quarterdeck::base::{Clock, PersonaId, SystemClock};
use quarterdeck::search::embed::Model;
use quarterdeck::search::vectors::{self, Scope, Settings, Vectors};
use quarterdeck::store::{Address, Database};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

const DIMENSIONS: usize = 32;

fn model(name: &str) -> Model {
    Model { name: name.to_owned(), dimensions: DIMENSIONS }
}

fn vector(seed: u64) -> Vec<f32> {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..DIMENSIONS).map(|_| random.f32() - 0.5).collect()
}

struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn open(&self) -> Database {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Database::open(&Address::Sqlite(self.directory.path().join("deck.db")), &clock).unwrap()
    }

    /// Vectors of a persona, and one of nobody.
    fn filled(count: i64) -> Self {
        let home = Self::new();
        home.put("first", 1..=count);
        home
    }

    fn put(&self, name: &str, passages: std::ops::RangeInclusive<i64>) {
        let (model, persona) = (model(name), PersonaId::from_stored("ana"));
        let write = self.open().write_blocking(move |c| {
            passages.into_iter().try_for_each(|passage| {
                let owner = (passage > 1).then_some(&persona);
                vectors::put(c, passage, owner, &model, Some(&vector(passage as u64)), 1)
            })
        });
        write.unwrap();
    }

    fn index(&self) -> PathBuf {
        self.directory.path().join("index")
    }

    fn file(&self) -> PathBuf {
        let entries = std::fs::read_dir(self.index()).unwrap().flatten().map(|entry| entry.path());
        let is_first = |path: &PathBuf| {
            path.extension().is_some_and(|extension| extension == "vectors")
                && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("first-"))
        };
        entries.into_iter().find(is_first).unwrap()
    }

    fn run(&self, words: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
        command.env_clear().env("HOME", self.directory.path()).env("USER", "ana").env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
        command.arg("--data-dir").arg(self.directory.path());
        command.arg("--database").arg(format!("sqlite:{}", self.directory.path().join("deck.db").display()));
        let output = command.arg("index").args(words).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    #[track_caller]
    fn json(&self, code: i32, words: &[&str]) -> Value {
        let (found, out, err) = self.run(&[words, &["--json"]].concat());
        assert_eq!(found, code, "{out}{err}");
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }
}

#[test]
fn before_anything_has_a_vector_every_command_says_so() {
    let home = Home::new();
    for words in [["status"], ["rebuild"], ["verify"], ["backup"]] {
        let (code, out, err) = home.run(&words);
        assert!(code == 0 && out.contains("nothing has a vector yet"), "{words:?} {code} {out}{err}");
    }
    assert_eq!(home.json(0, &["status"])["models"], Value::Array(Vec::new()));
}

#[test]
fn a_rebuild_that_does_not_come_to_its_end_leaves_the_index_that_was_there() {
    let home = Home::filled(6_000);
    home.json(0, &["rebuild"]);
    let before = std::fs::read(home.file()).unwrap();
    // No file may become as long as the index, as on a full disk.
    let mut command = Command::new("sh");
    command.env_clear().env("HOME", home.directory.path()).env("USER", "ana").env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
    command.args(["-c", "ulimit -f 500; trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_quarterdeck"), "--data-dir"]);
    command.arg(home.directory.path()).arg("--database").arg(format!("sqlite:{}", home.directory.path().join("deck.db").display()));
    let output = command.args(["index", "rebuild"]).output().unwrap();
    assert!(!output.status.success());
    assert!(std::fs::read(home.file()).unwrap() == before, "{}", String::from_utf8_lossy(&output.stderr));
    home.json(0, &["verify"]);
}

#[test]
fn an_index_is_made_looked_at_checked_and_copied() {
    let home = Home::filled(300);
    let status = home.json(0, &["status"]);
    assert_eq!((&status["change"], &status["models"][0]["stored"]["vectors"]), (&300.into(), &300.into()));
    assert_eq!((&status["models"][0]["index"]["vectors"], &status["models"][0]["index"]["file_bytes"]), (&0.into(), &Value::Null));
    let rebuilt = home.json(0, &["rebuild"]);
    assert_eq!(rebuilt["models"][0]["index"]["vectors"], 300);
    let (_, out, _) = home.run(&["status"]);
    assert!(out.contains("300 vectors") && out.contains("up to date") && out.contains("(documents of nobody)"), "{out}");
    home.put("second", 290..=300);
    let (_, out, _) = home.run(&["status"]);
    assert!(out.contains("11 changes behind the database"), "{out}");
    let verified = home.json(0, &["verify", "--sample", "50"]);
    let first = &verified["models"][0]["verified"];
    assert_eq!((&first["vectors"], &first["recall"], &first["lost"]), (&289.into(), &1.0.into(), &0.into()));
    assert_eq!(verified["models"][1]["verified"]["vectors"], 11);
    let copies = home.json(0, &["backup"]);
    assert_eq!(copies["copies"].as_array().unwrap().len(), 2);
    // A copy put back in its place is used, and what is missing in it is caught up.
    std::fs::copy(copies["copies"][0]["copy"].as_str().unwrap(), home.file()).unwrap();
    home.json(0, &["verify"]);
    let (code, _, err) = home.run(&["backup", "--to", home.index().to_str().unwrap()]);
    assert!(code == 1 && err.contains("the copy would be the file itself"), "{code} {err}");
}

#[test]
fn a_damaged_file_is_reported_once_set_aside_and_made_anew() {
    let home = Home::filled(50);
    home.json(0, &["rebuild"]);
    let file = home.file();
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let (code, out, _) = home.run(&["verify"]);
    assert!(code == 3 && out.contains("cut off") && out.contains("set aside") && out.contains("problems found"), "{code} {out}");
    let aside = PathBuf::from(format!("{}.set-aside", file.display()));
    assert_eq!(std::fs::read(aside).unwrap().len(), whole.len() / 2);
    let (code, out, _) = home.run(&["verify"]);
    assert!(code == 0 && out.contains("no problems"), "{code} {out}");
    // A changed byte among the stored numbers, which are read when they are needed.
    home.json(0, &["rebuild"]);
    let mut changed = std::fs::read(&file).unwrap();
    let place = changed.len() - 30;
    changed[place] ^= 4;
    std::fs::write(&file, changed).unwrap();
    let (code, out, _) = home.run(&["verify"]);
    assert!(code == 3 && out.contains("damaged"), "{code} {out}");
    home.json(0, &["rebuild"]);
    home.json(0, &["verify"]);
}

const CHILD: &str = "QUARTERDECK_INDEX_TEST_CHILD";

/// Not a test by itself: the process that is killed. It saves the index, over and over, with and without one more row.
#[test]
fn child_that_saves() {
    let Ok(directory) = std::env::var(CHILD) else { return };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let db = Database::open(&Address::Sqlite(Path::new(&directory).join("deck.db")), &clock).unwrap();
    let index = Vectors::open(&Path::new(&directory).join("index"), model("first"), &Settings::default());
    for _ in 0..1_000_000 {
        let caught_up = index.clone();
        db.read_blocking(move |c| caught_up.catch_up(c)).unwrap();
        index.save().unwrap();
        println!("saved");
    }
}

#[test]
fn a_kill_while_the_index_is_saved_leaves_a_usable_index() {
    let home = Home::filled(400);
    let mut random = fastrand::Rng::with_seed(3);
    for round in 0..12_i64 {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["child_that_saves", "--exact", "--nocapture"]).env(CHILD, home.directory.path());
        let mut child = child.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Somewhere in the saving that follows one of the first.
        for _ in 0..random.usize(1..6) {
            lines.by_ref().map(Result::unwrap).find(|line| line.contains("saved")).unwrap();
        }
        for _ in 0..random.usize(..40_000) {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        home.put("first", 401 + round..=401 + round);
        let index = Vectors::open(&home.index(), model("first"), &Settings::default());
        assert_eq!(index.status().notes, Vec::<String>::new(), "round {round}");
        assert_eq!(index.status().vectors as i64, 400 + round, "round {round}");
        let caught_up = index.clone();
        assert_eq!(home.open().read_blocking(move |c| caught_up.catch_up(c)).unwrap(), 1);
        let near = index.nearest(&Scope::Persona(PersonaId::from_stored("ana")), &vector(401 + round as u64), 1, None);
        assert_eq!(near[0].passage, 401 + round);
    }
}
