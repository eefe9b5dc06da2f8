//! `quarterdeck rules` as people and scripts use it.

use serde_json::Value;
use std::path::Path;
use std::process::Command;

struct Did {
    code: i32,
    out: String,
    err: String,
}

fn quarterdeck(home: &Path, arguments: &[&str]) -> Did {
    let output = Command::new(env!("CARGO_BIN_EXE_quarterdeck"))
        .args(arguments)
        .env_clear()
        .env("HOME", home)
        .env("PATH", "/usr/bin:/bin")
        .env("USER", "ana")
        .env("DATABASE_URL", format!("sqlite:{}", home.join("deck.db").display()))
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Did { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

fn own(home: &Path, text: &str) {
    let directory = home.join(".config/quarterdeck");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("rules.toml"), text).unwrap();
}

#[test]
fn a_rule_and_a_text_are_explained() {
    let home = tempfile::tempdir().unwrap();
    let page = quarterdeck(home.path(), &["rules", "explain", "near_duplicate"]);
    assert_eq!(page.code, 0, "{}", page.err);
    for words in ["Copies are the clearest sign of a bot", "score: 0.6", "similarity = 0.5", "[[change]]"] {
        assert!(page.out.contains(words), "{words}: {}", page.out);
    }
    let text = quarterdeck(home.path(), &["--json", "rules", "explain", "--text", "Try our c4s1n0 tonight"]);
    let value: Value = serde_json::from_str(&text.out).unwrap();
    assert_eq!(value["evaluation"]["verdict"], "block");
    assert_eq!(value["evaluation"]["hits"][0]["spans"][0], serde_json::json!({ "start": 8, "end": 14 }));
    let key = format!("it is AKIA{}", "Z7XQ4PLM2NB8VC1T");
    let shown = quarterdeck(home.path(), &["rules", "explain", "--text", &key]);
    assert!(shown.out.contains("secret (block") && !shown.out.contains("Z7XQ4PLM"), "a key is not shown again: {}", shown.out);
    let unknown = quarterdeck(home.path(), &["rules", "explain", "nonesuch"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("rules list --all"));
    assert_eq!(quarterdeck(home.path(), &["rules", "explain"]).code, 2);
}

#[test]
fn a_broken_file_is_named_with_its_line_and_nothing_is_screened_with_half_of_it() {
    let home = tempfile::tempdir().unwrap();
    own(
        home.path(),
        "[[rule]]\nid = \"mine\"\ntitle = \"t\"\ndoes = \"d\"\nwhy = \"w\"\nowner = \"me\"\nweight = 0.5\nmode = \"block\"\ncheck = { kind = \"text\", patterns = ['a(b'] }\n",
    );
    let check = quarterdeck(home.path(), &["rules", "check"]);
    assert_eq!(check.code, 3);
    assert!(check.out.contains("rules.toml, line 9") && check.out.contains("unclosed group"), "{}", check.out);
    let list = quarterdeck(home.path(), &["rules", "list"]);
    assert_eq!(list.code, 1);
    assert!(list.err.contains("line 9") && list.err.contains("quarterdeck rules check"), "{}", list.err);
    own(home.path(), "[[change]]\nrule = \"rude\"\nmode = \"review\"\n");
    assert_eq!(quarterdeck(home.path(), &["rules", "check"]).code, 0);
    let text = quarterdeck(home.path(), &["--json", "rules", "explain", "--text", "What bullshit about the rivers"]);
    assert!(text.out.contains("\"rude: profanity\""), "{}", text.out);
    let missing = quarterdeck(home.path(), &["rules", "check", "/nonexistent.toml"]);
    assert_eq!(missing.code, 2);
}

#[test]
fn a_rule_is_switched_with_a_reason_and_the_list_says_by_whom() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(quarterdeck(home.path(), &["rules", "disable", "bot_speak"]).code, 2, "a reason is asked for");
    assert_eq!(quarterdeck(home.path(), &["rules", "disable", "bot_speak", "--reason", "our persona is a bot and says so"]).code, 0);
    let list = quarterdeck(home.path(), &["rules", "list", "--all"]);
    let line = list.out.lines().find(|line| line.starts_with("bot_speak")).unwrap();
    assert!(line.contains("off, ana"), "{line}");
    assert!(!quarterdeck(home.path(), &["rules", "list"]).out.contains("bot_speak"));
    let text = quarterdeck(home.path(), &["--json", "rules", "explain", "--text", "As an AI language model I say so."]);
    assert!(text.out.contains("\"allow\""), "{}", text.out);
    let locked = quarterdeck(home.path(), &["rules", "disable", "secret", "--reason", "x"]);
    assert_eq!(locked.code, 1);
    assert!(locked.err.contains("locked"), "{}", locked.err);
    assert_eq!(quarterdeck(home.path(), &["rules", "enable", "bot_speak", "--reason", "back"]).code, 0);
    assert!(quarterdeck(home.path(), &["rules", "list"]).out.contains("bot_speak"));
    let audit = quarterdeck(home.path(), &["--json", "audit", "log"]);
    assert_eq!(audit.out.matches("rules.set_mode").count(), 2, "{}", audit.out);
}

#[test]
fn a_backtest_of_nothing_says_so() {
    let home = tempfile::tempdir().unwrap();
    let test = quarterdeck(home.path(), &["rules", "backtest", "--set", "rude=review"]);
    assert_eq!(test.code, 0, "{}", test.err);
    assert!(test.out.contains("no person has decided anything"), "{}", test.out);
    let wrong = quarterdeck(home.path(), &["rules", "backtest", "--set", "rude=loud"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("loud"), "{}", wrong.err);
    assert_eq!(quarterdeck(home.path(), &["rules", "backtest", "--set", "nonesuch=off"]).code, 2);
}
