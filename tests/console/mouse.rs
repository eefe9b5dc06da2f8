//! The mouse: clicks and the wheel do what keys do, and it can be left to the terminal.

use crate::harness::{Home, footer};
use quarterdeck::console::action::Action;
use quarterdeck::console::keymap::Keymap;
use std::path::Path;

const TEXTS: [&str; 5] = [
    "A harmless remark about rivers.",
    "A second remark, about lakes.",
    "A third remark, about seas.",
    "A fourth remark, about ponds.",
    "A fifth remark, about wells.",
];

/// A press of the left button at a column and a row, both from 1, as terminals send it.
fn click(column: usize, row: usize) -> String {
    format!("\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m")
}

/// A notch of the wheel.
fn wheel(down: bool, column: usize, row: usize) -> String {
    format!("\x1b[<{};{column};{row}M", if down { 65 } else { 64 })
}

#[test]
fn a_click_chooses_a_line_and_does_what_the_footer_names() {
    let (home, ids) = Home::with(&TEXTS);
    let mut console = home.console();
    console.chooses("rivers").shows("the draft").keys(&click(20, 5)).chooses("seas");
    console.wait_for(|screen| screen.contents().matches(TEXTS[2]).count() == 2, "its case");
    let mut column = 0;
    console.wait_for(|screen| footer(screen).contains("r reject"), "the footer");
    console.wait_for(|screen| footer(screen).find("r reject").is_some_and(|at| at > 0), "the place");
    column += console.screen().lines().last().and_then(|line| line.find("r reject")).unwrap() + 1;
    console.keys(&click(column, 24)).shows("why is it rejected?");
    // A click beside a dialogue does nothing to what lies behind it.
    console.keys(&click(20, 3)).keys("\x1b").hides("why is it rejected?").chooses("seas");
    // The tab that is open stays open.
    console.keys(&click(2, 1)).chooses("seas");
    assert!(ids.iter().all(|id| home.state(id) == "pending"));
}

#[test]
fn the_wheel_moves_in_the_list_and_scrolls_the_case() {
    let (home, _) = Home::with(&TEXTS);
    let mut console = home.console();
    console.chooses("rivers").shows("the draft").keys(&wheel(true, 20, 4)).chooses("ponds").keys(&wheel(false, 20, 4)).chooses("rivers");
    console.shows("comment in r/test").keys(&wheel(true, 20, 15)).hides("comment in r/test").keys(&wheel(false, 20, 15));
    console.shows("comment in r/test").chooses("rivers");
}

#[test]
fn the_mouse_can_be_left_to_the_terminal_and_that_is_remembered() {
    let (home, _) = Home::with(&TEXTS);
    let mut console = home.console();
    console.chooses("rivers").keys("gm").says("the mouse is the terminal's").keys("q");
    assert_eq!(console.ended(std::time::Duration::from_secs(2)), 0);
    let mut console = home.console();
    console.chooses("rivers").shows("the draft");
    assert!(!String::from_utf8_lossy(&console.raw()).contains("\x1b[?1000h"), "the mouse was taken");
    console.keys("gm").says("the mouse is the console's");
    assert!(String::from_utf8_lossy(&console.raw()).contains("\x1b[?1000h"));
}

#[test]
fn every_action_has_a_key_in_every_keymap_that_ships() {
    let nobody = Path::new("/nowhere");
    let (keymap, problems) = Keymap::load(nobody);
    assert!(problems.is_empty());
    let without: Vec<_> = Action::ALL.iter().filter(|action| keymap.keys(**action).is_empty()).map(|action| action.id()).collect();
    assert_eq!(without, [""; 0], "neither a key nor a word in docs/console.md why there is none");
}
