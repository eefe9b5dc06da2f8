//! `quarterdeck budget`, through the real program: presets, changes, what is refused, and what scripts read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;
use support::program::Home;

#[test]
fn budgets_are_set_from_presets_changed_listed_and_removed() {
    let home = Home::seeded();
    home.run(&["budget", "list"]).done().says(0, &["there is no budget", "budget preset"]);
    home.run(&["budget", "preset"]).done().says(0, &["reddit", "advisor"]);
    home.run(&["budget", "preset", "advisor", "--zone", "Europe/Berlin"])
        .done()
        .says(0, &["monthly allows $2000", "monthly-batch allows $1200"]);
    let listed = home.run(&["--json", "budget", "list"]).done().json();
    let names: Vec<&str> = listed["budgets"].as_array().unwrap().iter().map(|one| one["budget"]["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 4, "{names:?}");
    home.run(&[
        "budget",
        "set",
        "owl",
        "--limit",
        "1.50",
        "--period",
        "week",
        "--scope",
        "persona:demoagentbot",
        "--at",
        "80:banner",
        "--at",
        "100:disable",
    ])
    .done();
    // What is not named stays.
    let changed = home.run(&["--json", "budget", "set", "owl", "--limit", "2"]).done().json();
    assert_eq!(changed["budget"]["period"], "week");
    assert_eq!(changed["budget"]["thresholds"].as_array().unwrap().len(), 2);
    assert!(changed["budget"]["scope"].to_string().contains(home.persona().as_str()), "{changed}");
    home.run(&["budget", "list"]).done().says(0, &["owl", "$2"]);
    home.run(&["budget", "remove", "owl"]).done();
    home.run(&["budget", "remove", "owl"]).refused(1, "there is no budget owl");
    home.run(&["budget", "events"]).done().says(0, &["no threshold of a budget was reached yet"]);
    let audit = home.run(&["--json", "audit", "log"]);
    assert!(audit.code != 0 || audit.out.contains("budget"), "{}", audit.out);
}

#[test]
fn what_is_no_budget_is_refused_with_what_is_wrong() {
    let home = Home::seeded();
    for (words, wrong) in [
        (&["--limit", "NaN"][..], "NaN"),
        (&["--limit", "-1"], "-1"),
        (&["--limit", "five"], "five"),
        (&["--limit", "1e30"], "1e30"),
        (&["--limit", "5", "--zone", "Mars/Base"], "Mars/Base"),
        (&["--limit", "5", "--period", "fortnight"], "fortnight"),
        (&["--limit", "5", "--scope", "planet:mars"], "planet"),
        (&["--limit", "5", "--at", "90:explode"], "explode"),
        (&["--limit", "5", "--at", "many:log"], "many:log"),
        (&["--limit", "5", "--at", "0:log"], "0"),
        (&[], "needs a limit"),
    ] {
        let all: Vec<&str> = ["budget", "set", "daily"].iter().chain(words).copied().collect();
        let did = home.run(&all);
        assert!(did.code == 2 && did.err.contains(wrong), "{words:?}: {} {}", did.code, did.err);
    }
    home.run(&["budget", "set", "owl", "--limit", "5", "--scope", "persona:nobody"]).refused(1, "nobody");
    home.run(&["budget", "preset", "moon"]).refused(2, "moon");
    home.run(&["budget", "list"]).done().says(0, &["there is no budget"]);
}
