//! Themes as a shell meets them: the real program, an empty home, the user's own files.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A home directory of its own, thrown away at the end.
struct Home(tempfile::TempDir);

/// How a run of the program ended.
#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(".config/quarterdeck").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    fn run(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
        command.env_clear().env("HOME", self.0.path()).current_dir(self.0.path()).stdin(Stdio::null());
        let ended = command.args(arguments).envs(environment.iter().copied()).output().unwrap();
        Ran {
            code: ended.status.code().unwrap_or(-1),
            out: String::from_utf8(ended.stdout).unwrap(),
            err: String::from_utf8(ended.stderr).unwrap(),
        }
    }
}

#[test]
fn the_list_names_what_ships_and_what_is_the_users_and_which_is_in_use() {
    let home = Home::new();
    home.write("themes/evening.toml", "name = \"Evening\"\n[roles]\ngood = \"bleu\"\n");
    home.write("config.toml", "[console]\ntheme = \"evening\"\n");
    let ran = home.run(&["themes"], &[]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    assert!(!ran.out.contains('\u{1b}'), "no samples without colours: {ran:?}");
    let line = ran.out.lines().find(|line| line.starts_with('*')).unwrap();
    assert!(line.contains("evening") && line.contains("Evening") && line.ends_with("/themes/evening.toml"), "{line}");
    assert!(ran.out.contains("1 problem; see `quarterdeck themes check evening`"), "{ran:?}");
    let value = home.run(&["themes", "--json"], &[("TERM", "xterm-256color")]).json();
    let names: Vec<_> = value["themes"].as_array().unwrap().iter().map(|theme| theme["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["dark", "light", "contrast", "deuteranopia", "mono", "evening"]);
    assert_eq!((&value["colors"], &value["themes"][5]["problems"]), (&"256".into(), &1.into()));
    assert_eq!((&value["themes"][5]["in_use"], &value["themes"][0]["shipped"]), (&true.into(), &true.into()));
}

#[test]
fn samples_have_the_colours_that_the_terminal_has() {
    let home = Home::new();
    let of = |environment: &[(&str, &str)]| home.run(&["themes", "--color", "always"], environment).out;
    assert!(of(&[("TERM", "xterm-kitty")]).contains("38;2;"), "every colour");
    let some = of(&[("TERM", "xterm-256color")]);
    assert!(some.contains("38;5;") && !some.contains("38;2;"), "{some}");
    let few = of(&[("TERM", "linux")]);
    assert!(!few.contains("38;") && few.contains("\u{1b}[92mgood\u{1b}[0m"), "{few}");
    let none = of(&[("TERM", "xterm-kitty"), ("NO_COLOR", "1")]);
    assert!(none.contains("\u{1b}[7mselection\u{1b}[0m") && none.contains("good") && !none.contains("38;"), "{none}");
    // The setting is stronger than the environment, and may be written as a number.
    home.write("config.toml", "[console]\ncolors = 16\n");
    assert_eq!(of(&[("TERM", "xterm-kitty"), ("NO_COLOR", "1")]), few);
}

#[test]
fn a_check_names_the_place_of_every_mistake() {
    let home = Home::new();
    let ran = home.run(&["themes", "check"], &[]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "dark: no problems\n"), "{ran:?}");
    let path = home.write("themes/evening.toml", "inherits = \"drak\"\n\n[roles]\nwarnin = \"red\"\ngood = \"#12\"\n");
    home.write("themes/night.toml", "inherits = \"evening\"\nbackground = \"#000000\"\n[roles]\ntext = \"#333333\"\n");
    let ran = home.run(&["themes", "check"], &[]);
    assert_eq!(ran.code, 3, "{ran:?}");
    let path = path.display();
    let expected = [
        format!("error   {path}, line 1, column 12: there is no theme `drak`; did you mean `dark`?"),
        format!("error   {path}, line 4, column 1: unknown role `warnin`; did you mean `warning`?"),
        format!("error   {path}, line 5, column 8: `#12` is no colour: write # and six digits of 0-9 and a-f"),
        "note    night: `text` has a contrast of 1.7 to 1 on its ground; words need 4.5".to_owned(),
        "evening, night, dark: 3 problems".to_owned(),
    ];
    assert_eq!(ran.out.lines().collect::<Vec<_>>(), expected, "a mistake is told once");
    let value = home.run(&["themes", "check", "night", "--json"], &[]).json();
    assert_eq!((&value["ok"], &value["problems"][1]["line"], &value["problems"][1]["column"]), (&false.into(), &4.into(), &1.into()));
    assert_eq!(home.run(&["themes", "check", "light"], &[]).code, 0);
}

#[test]
fn a_file_anywhere_can_be_checked_and_what_is_not_there_is_said() {
    let home = Home::new();
    std::fs::write(home.0.path().join("draft.toml"), "[roles]\ngood = [1]\n").unwrap();
    let ran = home.run(&["themes", "check", "draft.toml"], &[]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.out.contains("draft.toml, line 2, column 8: `good`: expected a colour or a table"), "{ran:?}");
    let ran = home.run(&["themes", "check", "./nothing.toml"], &[]);
    assert!(ran.code == 3 && ran.out.contains("./nothing.toml: there is no such file"), "{ran:?}");
    let ran = home.run(&["themes", "check", "lihgt"], &[]);
    assert!(ran.code == 3 && ran.out.contains("there is no theme `lihgt`; did you mean `light`?"), "{ran:?}");
}

#[test]
fn a_setting_that_names_no_theme_is_noticed_and_the_number_of_colours_is_one_of_a_few() {
    let home = Home::new();
    home.write("config.toml", "[console]\ntheme = \"lihgt\"\n");
    let ran = home.run(&["themes"], &[]);
    assert!(ran.code == 0 && ran.err.contains("there is no theme `lihgt`; did you mean `light`?"), "{ran:?}");
    assert_eq!(home.run(&["themes", "check"], &[]).code, 3);
    for wrong in ["512", "true", "\"lots\""] {
        home.write("config.toml", &format!("[console]\ncolors = {wrong}\n"));
        let ran = home.run(&["config", "check"], &[]);
        assert!(ran.code == 3 && ran.out.contains("\"never\" or \"16\" or \"256\""), "{ran:?}");
    }
}
