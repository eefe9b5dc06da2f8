//! What is not lost: a decision that can be taken back, a place in a long list, a text that was refused, what a person chose.

use crate::harness::{Home, chosen, message, short};
use quarterdeck::moderation::{Settings, State, decisions, queue};
use std::time::Duration;

const RIVERS: &str = "A harmless remark about rivers.";
const LAKES: &str = "A second remark, about lakes.";

#[test]
fn what_was_approved_is_listed_with_a_countdown_and_taken_back_after_a_restart() {
    let (home, ids) = Home::with(&[RIVERS, LAKES]);
    let mut console = home.console();
    console.chooses("rivers").shows("the draft").keys("a").shows(" leaves in ").shows("u takes it back").chooses("lakes");
    // It ticks by itself.
    let left = |screen: &vt100::Screen| {
        let line = screen.contents().lines().find(|line| line.starts_with(" leaves in ")).map(str::to_owned);
        line.and_then(|line| line.split_whitespace().nth(2).map(str::to_owned))
    };
    let first = std::cell::RefCell::new(None);
    console.wait_for(
        |screen| {
            *first.borrow_mut() = left(screen);
            first.borrow().is_some()
        },
        "a countdown",
    );
    let first = first.into_inner();
    console.wait_for(|screen| left(screen).is_some_and(|left| Some(left) != first), "another second").keys("q");
    assert_eq!(console.ended(Duration::from_secs(5)), 0);
    let mut console = home.console();
    console.shows(" leaves in ").keys("u").says("taken back; nothing has left").hides(" leaves in ").chooses("rivers").shows("2 items");
    assert_eq!(home.item(&ids[0]).state, State::Pending);
}

#[test]
fn what_was_approved_to_stay_on_stays_until_one_goes_on() {
    let (home, ids) = Home::with(&[RIVERS, LAKES]);
    let mut console = home.console();
    console.chooses("rivers").shows("the draft").keys("A").says("approved, leaves in").chooses("leaves").chooses("rivers");
    // The list was read again since.
    home.add("A third remark, about seas.");
    console.shows("seas").chooses("rivers").keys("j").chooses("lakes").wait_for(
        |screen| screen.rows(0, 80).skip(2).take(4).all(|row| !row.contains("rivers") || row.contains("leaves in")),
        "the line to be gone",
    );
    assert_eq!(home.state(&ids[0]), "scheduled");
}

#[test]
fn a_note_that_was_refused_is_asked_for_again_beside_what_changed() {
    let (home, ids) = Home::with(&[RIVERS, LAKES]);
    let mut console = home.console();
    console.chooses("rivers").shows("the draft").keys("n").shows("what should the agent change?").keys("name the source");
    console.shows("name the source");
    // Somebody else had it in the hand meanwhile.
    home.decide("bea", &ids[0], |c, on| queue::claim(c, on, &Settings::default()));
    home.decide("bea", &ids[0], queue::release);
    console
        .keys("\r")
        .says("changed meanwhile")
        .shows("what changed since you saw it")
        .shows("queue.release by bea")
        .shows("the text is the same");
    console.shows("what should the agent change?").shows("name the source").chooses("rivers");
    assert_eq!(home.item(&ids[0]).state, State::Pending);
    console.keys("\r").says("returned to the agent").chooses("lakes");
    assert_eq!(home.item(&ids[0]).reject_note.as_deref(), Some("name the source"));
}

#[test]
fn a_decision_about_what_somebody_decided_says_so_and_names_the_next_step() {
    let (home, ids) = Home::with(&[RIVERS, LAKES]);
    let mut console = home.console();
    // An open item does not move, whatever happens elsewhere.
    console.chooses("rivers").shows("the draft").keys("\t");
    home.decide("bea", &ids[0], |c, on| queue::return_to_agent(c, on, "name the source", &Settings::default()));
    console.says("the list has changed").keys("a").shows("not done").shows("queue.return by bea").shows("there is nothing left to decide");
    console
        .chooses("rivers")
        .keys("\x1b")
        .wait_for(|screen| crate::harness::footer(screen).contains("enter open"), "the list")
        .keys("j")
        .chooses("lakes")
        .hides("not done");
    assert_eq!(home.item(&ids[0]).state, State::Returned);
}

#[test]
fn an_edit_under_ones_eyes_is_shown_word_by_word() {
    let (home, ids) = Home::with(&[RIVERS]);
    let mut console = home.console();
    console.chooses("rivers").shows("the draft");
    home.decide("bea", &ids[0], |c, on| {
        queue::claim(c, on, &Settings::default())?;
        let text = "A harmless remark about lakes.";
        decisions::edit(c, on, None, text, &crate::support::screened(text), &Settings::default())
    });
    console.shows("the text changed while you looked at it").shows("[-rivers.-]{+lakes.+}").shows("queue.edit by bea");
}

#[test]
fn new_items_are_announced_while_the_list_stands_still_and_a_key_lets_them_in() {
    let (home, _) = Home::with(&[RIVERS]);
    let mut console = home.console();
    console
        .chooses("rivers")
        .shows("the draft")
        .keys("\t")
        .wait_for(|screen| crate::harness::footer(screen).contains("esc back"), "the case");
    home.add(LAKES);
    home.add("A third remark, about seas.");
    console.says("2 new items wait; R lists").shows("1 item,").hides("lakes");
    console
        .keys("R")
        .shows("3 items")
        .shows("lakes")
        .chooses("rivers")
        .wait_for(|screen| !message(screen).contains("new items"), "no news");
}

#[test]
fn the_ends_of_a_long_list_are_a_key_away_and_the_place_is_kept() {
    let home = Home::new();
    let count = 460;
    for number in 1..=count {
        home.add(&format!("Remark {number}, one of many."));
    }
    let mut console = home.console();
    console.chooses("Remark 1,").shows("460 items").keys("G").chooses("Remark 460,").keys("k").chooses("Remark 459,");
    console.keys("300k").chooses("Remark 159,").keys("200k").wait_for(|screen| chosen(screen).is_some(), "a chosen line");
    console.keys("gg").chooses("Remark 1,").keys("5j").chooses("Remark 6,").keys("250j").chooses("Remark 256,");
    // What comes meanwhile does not move the choice.
    home.add("Remark 461, one of many.");
    console.shows("461 items").chooses("Remark 256,").keys("a").says("approved, leaves in").chooses("Remark 257,");
    console.keys("G").chooses("Remark 461,");
}

#[test]
fn columns_are_chosen_and_remembered() {
    let (home, _) = Home::with(&[RIVERS]);
    let mut console = home.console();
    console
        .chooses("r/test")
        .chooses("clean")
        .keys("C")
        .shows("what screening said")
        .keys("j ")
        .keys("jjj ")
        .shows("[ ] target")
        .keys("\x1b")
        .hides("[ ] target");
    console.wait_for(|screen| chosen(screen).is_some_and(|line| !line.contains("r/test") && !line.contains("clean")), "fewer columns");
    console.keys("q");
    assert_eq!(console.ended(Duration::from_secs(5)), 0);
    home.console().chooses("rivers").wait_for(|screen| chosen(screen).is_some_and(|line| !line.contains("r/test")), "fewer columns");
}

#[test]
fn the_question_about_many_shows_them_and_leaves_out_what_its_line_does_not_show() {
    let home = Home::new();
    let long = format!("A remark about seas. {}", "It goes on and on. ".repeat(20));
    let ids = [home.add(RIVERS), home.add(&long)];
    let mut console = home.console();
    console.chooses("rivers").shows("the draft").keys("xxa").shows("Approve 2 marked items?").shows("(it goes on)");
    console
        .keys("y")
        .says("1 approved, 1 left out; L tells why")
        .keys("L")
        .shows(&format!("{} is longer than its line shows", short(&ids[1])));
    assert_eq!((home.state(&ids[0]), home.state(&ids[1])), ("scheduled".to_owned(), "pending".to_owned()));
}
