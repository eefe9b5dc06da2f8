//! Terminals with few colours, or none.

use crate::harness::{Console, Home, chosen};

/// Every number that a colour was set with.
fn colours(console: &Console) -> Vec<String> {
    let raw = String::from_utf8_lossy(&console.raw()).into_owned();
    let mut found = Vec::new();
    for rest in raw.split("\x1b[").skip(1) {
        let Some(end) = rest.find(|letter: char| !letter.is_ascii_digit() && letter != ';') else { continue };
        if rest[end..].starts_with('m') {
            let is_colour = |number: &&str| matches!(number.parse::<u16>(), Ok(30..=38 | 40..=48 | 58 | 90..=97 | 100..=107));
            found.extend(rest[..end].split(';').filter(is_colour).map(str::to_owned));
        }
    }
    found
}

/// Whether the chosen line is drawn in reverse.
fn is_reverse(screen: &vt100::Screen) -> bool {
    let row = (1..screen.size().0.get()).find(|row| screen.cell(*row, 0).is_some_and(|cell| ["▌", ">"].contains(&cell.contents())));
    row.is_some_and(|row| screen.cell(row, 10).is_some_and(vt100::Cell::inverse))
}

#[test]
fn without_colours_the_chosen_line_is_reverse() {
    let (home, _) = Home::with(&["A harmless remark about rivers.", "A second remark, about lakes."]);
    let mut console = home.console_with(&[("NO_COLOR", "1")]);
    console
        .chooses("rivers")
        .wait_for(is_reverse, "the chosen line in reverse")
        .keys("j")
        .chooses("lakes")
        .wait_for(is_reverse, "the next in reverse");
    console.keys("?").shows("in the queue").keys("\x1b").hides("in the queue").keys("e").shows("edit ").keys(" casino").shows("blocked");
    assert_eq!(colours(&console), Vec::<String>::new());
}

#[test]
fn with_colours_there_are_some() {
    let (home, _) = Home::with(&["A harmless remark about rivers."]);
    let mut console = home.console();
    console.chooses("rivers");
    assert!(colours(&console).len() > 5);
}

#[test]
fn poor_terminals_are_served() {
    let (home, _) = Home::with(&["A harmless remark about rivers.", "A second remark, about lakes."]);
    for term in ["dumb", "vt100", "linux", "xterm", ""] {
        let mut console = home.console_with(&[("TERM", term)]);
        // What was chosen the last time is remembered.
        console
            .wait_for(|screen| chosen(screen).is_some(), "a list")
            .keys("gg")
            .chooses("rivers")
            .keys("j")
            .chooses("lakes")
            .keys("?")
            .shows("in the queue")
            .keys("\x1b")
            .hides("in the queue");
        console.wait_for(|screen| chosen(screen).is_some(), "a chosen line").keys("q");
        assert_eq!(console.ended(std::time::Duration::from_secs(2)), 0, "{term}");
    }
}
