//! The commands, through the real program.

use crate::support::program::{Did, Home};
use serde_json::Value;

trait Beliefs {
    fn json(&self, words: &[&str]) -> Value;
    fn belief(&self, words: &[&str]) -> Did;
}

impl Beliefs for Home {
    fn json(&self, words: &[&str]) -> Value {
        let words: Vec<&str> = ["--json", "belief"].iter().chain(words).copied().collect();
        self.run(&words).done().json()
    }

    fn belief(&self, words: &[&str]) -> Did {
        let words: Vec<&str> = ["belief"].iter().chain(words).copied().collect();
        self.run(&words)
    }
}

#[test]
fn a_belief_is_made_moved_linked_and_taken_back() {
    let home = Home::seeded();
    let made =
        home.json(&["create", "Ferries", "--summary", "Boats reach more.", "--confidence", "0.6", "--tag", "travel", "--because", "seen"]);
    let id = made["belief"]["id"].as_str().unwrap().to_owned();
    let short = &id[id.len() - 8..];
    let moved = home.json(&["nudge", short, "increase", "--because", "a crossing"]);
    assert_eq!(moved["change"]["new_confidence"], 0.712, "what really came of it, not the amount");
    home.belief(&["nudge", short, "increase", "--amount", "0.6"]).refused(1, "0.6");
    home.belief(&["nudge", short, "sideways"]).refused(2, "more_confident");
    home.belief(&["set", short, "--confidence", "NaN", "--because", "x"]).refused(1, "NaN");
    home.belief(&["set", short, "--because", "x"]).refused(1, "a confidence, a text or both");
    home.belief(&["set", short, "--confidence", "1", "--because", "certain"]).done();
    home.belief(&["edit", short, "--title", "Ferries and boats", "--because", "wider"]).done();
    home.belief(&["evidence", "ferries AND boats", "note", "A crossing in fog", "--strength", "huge"])
        .refused(2, "weak, moderate or strong");
    home.belief(&["evidence", short, "note", "A crossing in fog", "--strength", "weak", "--weigh", "decrease"]).refused(2, "--because");
    home.belief(&["evidence", short, "note", "In fog", "--strength", "weak", "--weigh", "decrease", "--because", "late"]).done();
    let edge = home.json(&["link", short, "supports", "Privacy", "--weight", "0.3"]);
    home.belief(&["link", short, "supports", "Privacy"]).refused(1, "already supports");
    home.belief(&["link", short, "supports", short]).refused(1, "itself");
    home.belief(&["unlink", edge["edge"]["id"].as_str().unwrap()]).done();
    home.belief(&["undo", short, "--because", "it holds"]).done();
    let shown = home.json(&["show", short]);
    assert_eq!((shown["title"].as_str(), shown["relations"].as_array().unwrap().len()), (Some("Ferries and boats"), 1));
    assert_eq!(shown["evidence"][0]["stance_id"], shown["stances"][0]["id"], "evidence hangs on the stance that it led to");
    home.belief(&["lock", short, "--because", "settled"]).done();
    home.belief(&["nudge", short, "decrease"]).refused(1, "unlock it first");
    home.belief(&["lock", short]).refused(2, "--because");
    home.belief(&["unlock", short, "--because", "new facts"]).done();
    let history = home.json(&["history", short, "--limit", "3"]);
    assert_eq!((history["updates"].as_array().unwrap().len(), history["next"].is_string()), (3, true));
    let rest = home.json(&["history", short, "--after", history["next"].as_str().unwrap()]);
    assert!(rest["updates"].as_array().unwrap().iter().any(|update| update["action"] == "belief.create"));
    home.belief(&["show", "nobody"]).refused(1, "nobody");
    home.belief(&["show", "0000"]).refused(1, "0000");
    let log = home.run(&["--json", "audit", "verify"]).done().json();
    assert_eq!(log["problems"].as_array().map(Vec::len), Some(0), "{log}");
}

#[test]
fn lists_filter_sort_and_look_back() {
    let home = Home::seeded();
    let all = home.json(&["list"]);
    assert_eq!((all["total"].as_i64(), all["beliefs"][0]["title"].as_str()), (Some(8), Some("Evidence-based reasoning")));
    assert_eq!(home.json(&["list", "--tag", "PRIVACY"])["total"], 1);
    assert_eq!(home.json(&["list", "--min-confidence", "0.9"])["total"], 2);
    home.belief(&["list", "--min-confidence", "1.5"]).refused(1, "min_confidence");
    assert_eq!(home.json(&["list", "--sort", "title", "--limit", "1"])["beliefs"][0]["title"], "AI alignment");
    assert_eq!(home.json(&["list", "--at", "1d"])["total"], 0);
    home.belief(&["list", "--at", "yesterday"]).refused(2, "not a time");
    let text = home.belief(&["list"]).done().out;
    assert!(text.contains("██████████ 0.950") && text.contains("● high"), "{text}");
    assert_eq!(home.json(&["diff", "1h"])["added"].as_array().map(Vec::len), Some(8));
    assert_eq!(home.json(&["at", "now"])["nodes"].as_array().map(Vec::len), Some(8));
    assert!(home.belief(&["diff", "now", "now"]).done().out.contains("nothing changed"));
    let chain = home.json(&["chain", "privacy"]);
    assert_eq!(chain["stances"].as_array().map(Vec::len), Some(1));

    assert!(home.belief(&["contradictions"]).done().out.contains("no two beliefs"));
    home.belief(&["link", "Open-source", "contradicts", "Privacy", "--weight", "0.5"]).done();
    home.belief(&["link", "Civility", "supports", "Open-source", "--weight", "0.5"]).done();
    let found = home.belief(&["contradictions"]);
    assert!(found.code == 3 && found.out.contains("supports") && found.out.contains("contradicts"), "{}", found.out);
}

#[test]
fn everything_goes_out_and_in_again_and_two_personas_must_be_named() {
    let home = Home::seeded();
    home.belief(&["nudge", "Privacy", "decrease"]).done();
    let file = home.path("beliefs.json");
    home.belief(&["export", "--output", &file]).done();
    home.belief(&["export", "--output", &file]).refused(1, "not there yet");
    // On a full disk nothing is left under the name that was asked for. The database is kept open, so that opening it writes nothing.
    let open = home.open();
    let half = home.path("half.json");
    let program = home.command(&["belief", "export", "--output", &half]);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "ulimit -f 4; trap '' XFSZ; exec \"$0\" \"$@\""]).arg(program.get_program()).args(program.get_args()).env_clear();
    let output = command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?)))).output().unwrap();
    Did::of(output).refused(1, "cannot be written");
    assert!(!std::path::Path::new(&half).exists());
    drop(open);
    home.run(&["persona", "add", "QuietOwl"]).done();
    home.belief(&["list"]).refused(2, "2 personas");
    home.run(&["--persona", "QuietOwl", "belief", "show", "Privacy"]).refused(1, "Privacy");
    let dry = home.run(&["--persona", "QuietOwl", "belief", "import", &file, "--dry-run"]).done();
    assert!(dry.out.contains("nothing was written"), "{}", dry.out);
    home.run(&["--persona", "quietowl", "belief", "import", &file, "--because", "moved"]).done();
    let again = home.run(&["--persona", "QuietOwl", "belief", "import", &file]);
    assert!(again.code == 3 && again.out.contains("already"), "{}", again.out);
    let read = |name: &str| home.run(&["--json", "--persona", name, "belief", "export"]).done().json();
    let (one, two) = (read("DemoAgentBot"), read("QuietOwl"));
    assert_eq!((&one["beliefs"], &one["edges"]), (&two["beliefs"], &two["edges"]));
    let history = home.run(&["--json", "--persona", "QuietOwl", "belief", "history", "Privacy"]).done().json();
    assert_eq!(history["updates"].as_array().map(Vec::len), Some(2), "the history came along");

    std::fs::write(home.path("cut.json"), &std::fs::read_to_string(&file).unwrap()[..400]).unwrap();
    home.run(&["--persona", "QuietOwl", "belief", "import", &home.path("cut.json")]).refused(1, "no document of beliefs");
    home.run(&["--persona", "QuietOwl", "belief", "import", &home.path("missing.json")]).refused(1, "cannot be read");
}
