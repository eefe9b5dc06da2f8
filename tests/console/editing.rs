//! Changing a draft: in place, while it is screened, and in an editor of one's own.

use crate::harness::{Home, refused, short};
use quarterdeck::moderation::{Settings, State, Verdict, queue};
use std::os::unix::fs::PermissionsExt as _;

const RIVERS: &str = "A harmless remark about rivers.";

/// The keys that delete so many characters before the cursor.
fn erase(text: &str) -> String {
    "\x7f".repeat(text.chars().count())
}

#[test]
fn editing_makes_a_revision_that_is_screened_again() {
    let (home, ids) = Home::with(&[RIVERS]);
    let title = format!("edit {}", short(&ids[0]));
    let mut console = home.console();
    console.chooses("rivers").shows("the draft").keys("e").shows(&title).shows("what you change is screened");
    console.keys(&erase("rivers.")).keys("the casinos of Nevada.").shows("blocked").shows("[casino]s of Nevada");
    console.keys(&erase("the casinos of Nevada.")).keys("lakes.").shows("A harmless remark about lakes.").hides("blocked");
    assert_eq!(home.revisions(&ids[0]).len(), 1, "nothing is stored while it is typed");
    console.keys("\x1bOQ").says("changed").shows("revision 2").chooses("lakes");
    let item = home.item(&ids[0]);
    assert_eq!((item.content.as_str(), item.revision, item.verdict), ("A harmless remark about lakes.", 2, Verdict::Review));
    let revisions = home.revisions(&ids[0]);
    let authors: Vec<_> = revisions.iter().map(|revision| (revision.author.as_str(), revision.content.as_str())).collect();
    assert_eq!(authors, [("loop", RIVERS), ("ana", "A harmless remark about lakes.")]);
    // What the screening could not look at is on the screen as unknown; the difference can be read.
    console.shows("unknown:").keys("d").shows("[-rivers.-]{+lakes.+}");
}

#[test]
fn a_blocked_text_is_stored_as_blocked() {
    let (home, ids) = Home::with(&[RIVERS]);
    let title = format!("edit {}", short(&ids[0]));
    let mut console = home.console();
    console.chooses("rivers").shows("the draft").keys("e").shows(&title).keys(" Visit our casino!").shows("blocked").keys("\x13");
    console.says("changed").shows("revision 2").chooses("blocked");
    assert_eq!(home.item(&ids[0]).verdict, Verdict::Block);
    console.keys("a").wait_for(refused, "a refusal");
    assert_ne!(home.item(&ids[0]).state, State::Scheduled);
}

#[test]
fn leaving_a_changed_text_asks_first() {
    let (home, ids) = Home::with(&[RIVERS]);
    let title = format!("edit {}", short(&ids[0]));
    let mut console = home.console();
    console.chooses("rivers").shows("the draft").keys("e").shows(&title).keys("\x1b").hides(&title);
    console.keys("e").shows(&title).keys(" And more").shows("And more").keys("\x1b").shows("Leave, and lose the text that you typed?");
    console.keys("n").hides("Leave, and lose").shows("And more").keys("\x1b").shows("Leave, and lose").keys("y").hides("And more");
    console.hides(&title).chooses("rivers");
    assert_eq!((home.item(&ids[0]).content.as_str(), home.revisions(&ids[0]).len()), (RIVERS, 1));
}

#[test]
fn an_unchanged_text_makes_no_revision() {
    let (home, ids) = Home::with(&[RIVERS]);
    let title = format!("edit {}", short(&ids[0]));
    let mut console = home.console();
    console.chooses("rivers").shows("the draft").keys("e").shows(&title).keys("\x1bOQ").says("not changed");
    assert_eq!(home.revisions(&ids[0]).len(), 1);
}

#[test]
fn a_save_right_after_opening_is_not_lost() {
    let (home, ids) = Home::with(&[RIVERS]);
    let mut console = home.console();
    // All of it in one go, before the claim can be answered.
    console.chooses("rivers").shows("the draft").keys("e And more.\x1bOQ").shows("revision 2");
    assert_eq!(home.item(&ids[0]).content, "A harmless remark about rivers. And more.");
}

#[test]
fn a_text_that_cannot_be_stored_is_not_lost() {
    let (home, ids) = Home::with(&[RIVERS]);
    let title = format!("edit {}", short(&ids[0]));
    let mut console = home.console();
    console.chooses("rivers").shows("the draft").keys("e").shows(&title).keys(" A long thought.").shows("A long thought.");
    // The claim ends, and somebody else has it now.
    home.decide("ana", &ids[0], queue::release);
    home.decide("bea", &ids[0], |c, on| queue::claim(c, on, &Settings::default()));
    console.keys("\x1bOQ").wait_for(refused, "a refusal");
    console.shows("A long thought.");
    assert_eq!((home.item(&ids[0]).content.as_str(), home.revisions(&ids[0]).len()), (RIVERS, 1));
}

#[test]
fn an_editor_of_ones_own_changes_the_text() {
    let (home, ids) = Home::with(&[RIVERS]);
    let script = home.path("editor.sh");
    std::fs::write(&script, "#!/bin/sh\nprintf 'in the editor\\n'\ntest -t 0 || exit 3\nsed -i 's/rivers/lakes/' \"$1\"\n").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut console = home.console_with(&[("EDITOR", script.to_str().unwrap())]);
    console.chooses("rivers").shows("the draft").keys("E").says("changed").shows("revision 2").chooses("lakes");
    assert_eq!(home.item(&ids[0]).content, "A harmless remark about lakes.");
    let raw = String::from_utf8_lossy(&console.raw()).into_owned();
    let before = &raw[..raw.find("in the editor").unwrap()];
    assert!(before.contains("\x1b[?1049l") && before.contains("\x1b[?2004l"), "the editor has the terminal to itself");
    // The console has the keys again.
    console.keys("?").shows("in the queue").keys("\x1b").hides("in the queue").keys("q");
    assert_eq!(console.ended(std::time::Duration::from_secs(2)), 0);
}

#[test]
fn an_editor_that_fails_changes_nothing() {
    let (home, ids) = Home::with(&[RIVERS]);
    let mut console = home.console_with(&[("EDITOR", "false")]);
    console.chooses("rivers").shows("the draft").keys("E").says("nothing was changed").chooses("rivers");
    assert_eq!(home.revisions(&ids[0]).len(), 1);
    let mut console = home.console_with(&[("EDITOR", "/no/such/editor")]);
    console.chooses("rivers").shows("the draft").keys("E").says("cannot be started").chooses("rivers");
}
