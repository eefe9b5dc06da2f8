//! `quarterdeck keys` as people and scripts use it: the real program, with keymaps in a home of its own.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Stdio};

struct Home(tempfile::TempDir);

/// How a run of the program ended.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Home {
    /// A home whose own keymap has this text, or none.
    fn with(keymap: Option<&str>) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir_all(home.keymap().parent().unwrap()).unwrap();
        if let Some(text) = keymap {
            std::fs::write(home.keymap(), text).unwrap();
        }
        home
    }

    fn keymap(&self) -> PathBuf {
        self.0.path().join("config/keymap.toml")
    }

    fn run(&self, words: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
        command.env_clear().env("HOME", self.0.path()).current_dir(self.0.path()).stdin(Stdio::null());
        let output = command.arg("--config").arg(self.0.path().join("config/config.toml")).args(words).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Ran {
    #[track_caller]
    fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        self
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap()
    }

    /// The keys of an action in the JSON listing.
    fn keys(&self, action: &str) -> Vec<Value> {
        let json = self.json();
        let keys = json["keys"].as_array().unwrap().iter();
        keys.filter(|row| {
            row["action"] == action
                && !["text", "beliefs", "gauges", "health", "search"].contains(&row["scope"].as_str().unwrap_or_default())
        })
        .map(|row| row["key"].clone())
        .collect()
    }
}

#[test]
fn the_keys_in_force_are_listed_with_what_they_do() {
    let home = Home::with(None);
    let ran = home.run(&["keys"]).ends(0);
    let approve = ran.out.lines().find(|line| line.contains("queue.approve ")).unwrap();
    assert!(approve.starts_with("queue") && approve.contains(" a ") && approve.contains("Approve the item and go to the next one."));
    assert!(ran.out.contains("ctrl-k ctrl-k") && ran.out.contains("config/keymap.toml") && ran.err.is_empty(), "{}", ran.out);
    let json = home.run(&["--json", "keys", "--keymap", "emacs"]).ends(0);
    assert_eq!((json.json()["name"].as_str(), json.json()["file"].as_str()), (Some("emacs"), None));
    assert_eq!(json.keys("move.down"), ["down", "ctrl-n"]);
    // Neither makes a database or anything else.
    assert_eq!(std::fs::read_dir(home.0.path()).unwrap().count(), 1);
}

#[test]
fn a_keymap_of_ones_own_is_laid_over_the_one_it_names() {
    let home = Home::with(Some("base = \"emacs\"\n[queue]\n\"space\" = \"queue.approve\"\n\"y\" = \"none\"\n\"alt-w\" = \"none\"\n"));
    let ran = home.run(&["--json", "keys"]).ends(0);
    assert_eq!(ran.keys("queue.approve"), ["a", "space"]);
    assert_eq!(ran.keys("queue.copy"), [Value::Null]);
    assert_eq!(ran.json()["base"], "emacs");
    assert!(home.run(&["keys"]).ends(0).out.lines().any(|line| line.contains("no key") && line.contains("queue.copy")));
    let check = home.run(&["keys", "check"]).ends(0);
    assert!(check.out.contains("no problems") && check.out.contains("over the keymap `emacs`"), "{}", check.out);
    // The same file by its path, and one beside it.
    std::fs::write(home.0.path().join("mine.toml"), "[global]\n\"f5\" = \"app.redraw\"\n").unwrap();
    assert_eq!(home.run(&["--json", "keys", "--keymap", "mine.toml"]).ends(0).keys("app.redraw"), ["f5", "ctrl-l"]);
}

#[test]
fn everything_wrong_in_a_keymap_is_named_with_its_place() {
    let home = Home::with(Some("[queue]\n\"z\" = \"queue.aprove\"\n\"gg\" = \"move.first\"\n\n[global]\n\"X b\" = \"app.help\"\n"));
    let ran = home.run(&["keys", "check"]).ends(3);
    let path = home.keymap().display().to_string();
    for (place, reason) in [
        ("line 2, column 7", "did you mean `queue.approve`?"),
        ("line 3, column 1", "`gg` is no key"),
        ("line 6, column 1", "begins with `X`"),
    ] {
        assert!(ran.out.contains(&format!("error   {path}, {place}\n")) && ran.out.contains(reason), "{}", ran.out);
    }
    assert!(ran.out.ends_with("3 problems; nothing of this file is in force, but the keymap `default`\n"), "{}", ran.out);
    let json = home.run(&["keys", "--json", "check"]).ends(3).json();
    assert_eq!((json["ok"].as_bool(), json["problems"][0]["line"].as_i64()), (Some(false), Some(2)));
    // The keys that then apply are still to be seen, with a word of warning.
    let shown = home.run(&["keys"]).ends(0);
    assert!(
        shown.out.contains("queue.approve") && shown.err.contains("3 problems in the keymap; nothing of the file is in force"),
        "{}",
        shown.err
    );
}

#[test]
fn a_key_that_may_not_arrive_is_a_note_and_no_problem() {
    let home = Home::with(Some("[queue]\n\"ctrl-enter\" = \"queue.approve\"\n"));
    let ran = home.run(&["keys", "check"]).ends(0);
    assert!(ran.out.contains("note    ") && ran.out.contains("most terminals send it without Ctrl"), "{}", ran.out);
}

#[test]
fn a_file_that_is_not_there_is_wrong_usage_and_no_keymap_of_ones_own_is_fine() {
    let home = Home::with(None);
    let ran = home.run(&["keys", "check", "nowhere.toml"]).ends(2);
    assert!(ran.err.contains("nowhere.toml does not exist"), "{}", ran.err);
    assert!(home.run(&["keys", "--keymap", "emacs", "check"]).ends(2).err.contains("behind `quarterdeck keys check`"));
    assert!(home.run(&["keys", "--keymap", "vim"]).ends(2).err.contains("default and emacs"));
    assert!(home.run(&["keys", "check"]).ends(0).out.contains("no keymap of your own"));
}
