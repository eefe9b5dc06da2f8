//! Text from outside that wants to steer the terminal or to hide.

use crate::harness::{Console, Home, comment, short};
use quarterdeck::moderation::{DraftMetadata, NewItem, State, ThreadEntry};

/// A title, a cleared screen, the clipboard, a colour, a bell, other ways to begin a sequence, other directions of writing, nothing at all.
pub const ATTACK: &str = "before\u{1b}]0;owned title\u{7}\u{1b}[2J\u{1b}]52;c;b3duZWQ=\u{7}\u{1b}[31;5mred\u{1b}Pq#0\u{1b}\\\u{9b}2J\u{9d}0;again\u{9c}\u{7}\u{8}\
    \u{1b}[?1049l\u{1b}[6n\u{202e}reversed\u{202c}\u{2066}isolated\u{2069}zero\u{200b}width\u{feff}\u{2060}\u{e0041}after";

/// A home with a draft whose every part is hostile.
pub fn home() -> (Home, String) {
    let home = Home::new();
    let entry = |body: String| ThreadEntry {
        fullname: "t3_bad".into(),
        author: format!("mallory{ATTACK}"),
        title: Some(format!("A title {ATTACK}")),
        body,
        permalink: Some(format!("https://example.org/{ATTACK}")),
    };
    let metadata = DraftMetadata {
        thread: vec![entry(format!("A post {ATTACK}")), entry(format!("long {}", "x".repeat(1 << 20)))],
        ..DraftMetadata::default()
    };
    let text = format!("A harmless remark {ATTACK} about rivers.");
    let id = home.queue(NewItem { draft_metadata: metadata, parent_author: Some(format!("mallory{ATTACK}")), ..comment("t3_bad", &text) });
    (home, id)
}

/// Fails when something of the attack reached the terminal.
#[track_caller]
pub fn is_clean(console: &Console) {
    let raw = console.raw();
    for bad in ["\u{1b}]0;", "\u{1b}]52;c;b3duZWQ=", "\u{1b}[31;5m", "\u{1b}P", "\u{1b}[6n", "\u{7}", "\u{8}", "\u{1b}[?1049l"] {
        let place = raw.windows(bad.len()).position(|window| window == bad.as_bytes());
        let around = place.map(|at| String::from_utf8_lossy(&raw[at.saturating_sub(80)..(at + 80).min(raw.len())]).into_owned());
        assert_eq!(around, None, "{bad:?} reached the terminal");
    }
    let text = String::from_utf8_lossy(&raw);
    let hidden = |letter: &char| matches!(*letter, '\u{80}'..='\u{9f}' | '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}');
    assert_eq!(text.chars().find(hidden).map(|letter| format!("{letter:?}")), None, "reached the terminal");
    assert_eq!(console.broken(), 0, "the terminal's reader stumbled");
}

/// How often the screen was cleared.
fn clears(console: &Console) -> usize {
    console.raw().windows(4).filter(|window| window == b"\x1b[2J").count()
}

#[test]
fn no_sequence_of_a_draft_or_a_thread_reaches_the_terminal() {
    let (home, id) = home();
    home.add("A second remark, about lakes.");
    let mut console = home.console();
    // What is quarantined is listed when it is asked for.
    console.shows("lakes").keys("/state:").keys(home.item(&id).state.as_str()).keys("\r").shows("mallory");
    let before = clears(&console);
    console.shows("A harmless remark before").shows("red").shows("reversed");
    for view in ["p", "t", "b", "d"] {
        let title = match view {
            "p" => "thread ─",
            "t" => "what the rules found ─",
            "b" => "beliefs ─",
            _ => "difference ─",
        };
        console.keys(view).shows(title);
    }
    console.keys("d").shows("case ─").keys("\t").keys("G").keys("\x04").keys("gg").shows("mallory");
    console.keys("\t").keys("m").shows("(masked)").keys("m").hides("(masked)");
    is_clean(&console);
    assert_eq!(clears(&console), before, "the screen was cleared by a text");
    console.resize(140, 40).shows("mallory").resize(60, 16).shows("mallory");
    is_clean(&console);
}

#[test]
fn a_hostile_draft_is_edited_without_harm_and_stays_as_it_was() {
    let (home, id) = home();
    home.add("A second remark, about lakes.");
    let mut console = home.console();
    console.shows("lakes").keys("/state:").keys(home.item(&id).state.as_str()).keys("\r").shows("mallory");
    console.keys("e").shows(&format!("edit {}", short(&id)));
    console.keys("!").shows("rivers.!").keys("\x1b[D\x1b[D\x1b[D\x1b[1~").keys("\x7f").shows("rivers");
    is_clean(&console);
}

#[test]
fn hostile_words_in_messages_notes_and_filters_are_shown_as_text() {
    let (home, ids) = Home::with(&["A harmless remark about rivers."]);
    home.decide("bea", &ids[0], |c, on| quarterdeck::moderation::team::escalate(c, on, "ana", &format!("because {ATTACK}")));
    let mut console = home.console();
    console.shows("because: because before");
    console.keys("/").shows("filter:").paste("river\u{202e}s\u{200b} \u{9b}2J").shows("river");
    console.keys("\x1b").hides("filter:").keys(":").shows("what do you want").paste("kill\u{1b}]0;x\u{7}\u{202e}");
    console.shows("> kill").keys("\x1b").hides("what do you want");
    is_clean(&console);
    assert_eq!(home.item(&ids[0]).state, State::Pending);
}

#[test]
fn a_hostile_name_of_a_reviewer_is_shown_as_text() {
    let (home, ids) = Home::with(&["A harmless remark about rivers."]);
    home.decide("be\u{202e}a\u{1b}]0;x\u{7}", &ids[0], |c, on| quarterdeck::moderation::queue::claim(c, on, &Default::default()));
    let mut console = home.console();
    console.shows("claimed by bea").keys("a").says("claimed by bea");
    is_clean(&console);
}
