//! The health tab: what is broken, since when, what to do next; the care of the deck at hand; reading only.

use crate::harness::Home;
use quarterdeck::base::{Clock as _, SystemClock};
use quarterdeck::moderation::pauses::{self, Scope};
use quarterdeck::store::audit::{self, Actor};

#[test]
fn the_board_is_a_key_away_and_says_that_what_is_not_known_is_unknown() {
    for (columns, rows) in [(80, 24), (140, 40)] {
        let home = Home::new();
        let mut console = home.console_of(columns, rows);
        console.shows("[Queue").keys("gh").shows("[Health").shows("? unknown").shows("agent").shows("next:");
        // A line's own page and back.
        console.keys("/database\r").shows("filter: database").keys("G\r").shows("database of quarterdeck, part of the deck");
        console.keys("\x1b").shows("filter: database").keys("\x1b").hides("filter: database").keys("gq").shows("[Queue");
    }
}

#[test]
fn a_change_elsewhere_is_on_the_board_without_a_key() {
    let home = Home::new();
    let mut console = home.console();
    console.shows("[Queue").keys("gh").shows("there is no budget");
    home.prints(&["--data-dir", &home.path("data").display().to_string(), "budget", "set", "daily", "--limit", "100", "--period", "day"]);
    console.hides("there is no budget");
}

#[test]
fn care_is_confirmed_by_its_grade_and_its_result_stays_with_the_line() {
    let home = Home::new();
    let mut console = home.console();
    console.shows("[Queue").keys("gh").shows("? unknown").keys("/database\rG").shows("filter:");
    // Reading is done at once; the result stands below, and in the line's page.
    console.keys("v").says("verification of the audit log: ");
    console
        .keys("\r")
        .shows("database of quarterdeck")
        .shows("verification of the audit log")
        .keys("\x1b")
        .hides("database of quarterdeck");
    // What others feel is told, and asked; any other key is no.
    console.keys("S").shows("Stop all sending? Nothing leaves").keys("n").hides("Stop all sending?");
    assert!(home.pauses().is_empty());
    console.keys("Sy").says("stop of all sending").shows("ALL SENDING IS STOPPED");
    assert_eq!(home.pauses().len(), 1);
    console.keys("S").shows("Send again?").keys("y").hides("ALL SENDING IS STOPPED");
    // What goes has to be named.
    console.keys("I").shows("Type index to do it").keys("yes\r").says("nothing was done");
    console.keys("Iindex\r").says("rebuild of the index");
}

#[test]
fn what_changed_in_the_hour_before_stands_on_the_page_of_a_line() {
    let home = Home::new();
    let now = SystemClock.now();
    home.database
        .write_blocking(move |c| {
            let ana = Actor::human("bea");
            pauses::pause(c, &Scope::Account("x".into()), "odd answers", None, &ana, now - 60_000)
        })
        .unwrap();
    let mut console = home.console_of(140, 40);
    console.shows("[Queue").keys("gh").shows("? unknown").keys("/database\rG\r").shows("database of quarterdeck");
    // A note of what happened elsewhere is a key away.
    console.keys("mthe switch was replaced\r").says("noted");
    let logged = home.database.read_blocking(|c| audit::newest(c, None, 1)).unwrap();
    assert_eq!((logged[0].action.as_str(), logged[0].reason.as_deref()), ("mark.note", Some("the switch was replaced")));
}

#[test]
fn where_only_reading_is_allowed_no_key_of_any_tab_changes_anything() {
    let (home, ids) = Home::with(&["Rivers carry sediment to the delta."]);
    let mut program = home.program();
    program.arg("--read-only");
    let mut console = crate::harness::Console::start(program, 80, 24);
    console.shows("READ-ONLY").shows("Rivers carry sediment");
    let rows = || home.database.read_blocking(|c| audit::newest(c, None, 1)).unwrap().first().map(|row| row.seq);
    let before = rows();
    for key in ["a", "A", "r", "e", "n", "h", "!", "s", "c", "u", "\x0b\x0b"] {
        console.keys(key).says("only reads");
    }
    // Looking goes on.
    console.keys("\r").shows("esc back").keys("\x1b").shows("enter open");
    console.keys("gh").shows("[Health").shows("READ-ONLY").shows("? unknown");
    for key in ["v", "d", "b", "t", "w", "S", "I", "i", "m"] {
        console.keys(key).says("only reads");
    }
    console.keys("gb").shows("[Beliefs").keys("n").says("only reads");
    // To walk the audit log leaves no row in it.
    console.keys("gav").shows("the chain is whole").keys("\x1b").hides("the chain is whole").keys("\x1b").hides("audit log");
    assert_eq!((rows(), home.state(&ids[0])), (before, "pending".to_owned()));
    console.keys("q").ended(std::time::Duration::from_secs(10));
}
