//! Decisions by key: what the screen says, and what the database holds afterwards.

use crate::harness::{Home, refused, short};
use quarterdeck::moderation::State;

const RIVERS: &str = "A harmless remark about rivers.";
const LAKES: &str = "A second remark, about lakes.";
const SEAS: &str = "A third remark, about seas.";

#[test]
fn approving_moves_on_to_the_next_item() {
    let (home, ids) = Home::with(&[RIVERS, LAKES]);
    let mut console = home.console();
    console.chooses("rivers").shows("the draft").keys("a").says("approved, leaves in").chooses("lakes");
    console.wait_for(|screen| screen.contents().matches(LAKES).count() == 2, "the next case");
    let item = home.item(&ids[0]);
    assert_eq!((item.state, item.reviewed_by.as_deref()), (State::Scheduled, Some("ana")));
    assert_eq!(home.item(&ids[1]).state, State::Pending);
    console.keys("a").says(&format!("{} approved, leaves in", short(&ids[1])));
    assert_eq!(home.item(&ids[1]).state, State::Scheduled);
}

#[test]
fn approving_and_staying_leaves_the_choice_where_it_is() {
    let (home, ids) = Home::with(&[RIVERS, LAKES]);
    let mut console = home.console();
    console.chooses("rivers").shows("the draft").keys("A").says("approved, leaves in").chooses("rivers");
    assert_eq!(home.state(&ids[0]), "scheduled");
    // A second one does nothing but say why.
    console.keys("A").wait_for(refused, "a refusal");
    assert_eq!(home.state(&ids[0]), "scheduled");
}

#[test]
fn an_approval_is_taken_back() {
    let (home, ids) = Home::with(&[RIVERS, LAKES]);
    let mut console = home.console();
    console.chooses("rivers").shows("the draft").keys("u").says("you have approved nothing");
    console
        .keys("a")
        .says("approved, leaves in")
        .chooses("lakes")
        .keys("u")
        .says("taken back; nothing has left")
        .shows("2 items")
        .shows("rivers");
    let item = home.item(&ids[0]);
    assert_eq!((item.state, item.approval_digest, item.not_before), (State::Pending, None, None));
}

#[test]
fn rejecting_takes_a_reason_a_note_and_what_follows() {
    let (home, ids) = Home::with(&[RIVERS, LAKES]);
    let mut console = home.console();
    console.chooses("rivers").shows("the draft").keys("r").shows("why is it rejected?").keys("5").shows("a few words for the agent");
    console.keys("not in this thread").shows("not in this thread").keys("\r").says("rejected").chooses("lakes");
    let item = home.item(&ids[0]);
    let words = (item.reject_code.as_deref(), item.reject_directive.as_deref(), item.reject_note.as_deref());
    assert_eq!((item.state, words), (State::Rejected, (Some("rules"), Some("mute_thread"), Some("not in this thread"))));
    // Enter alone: no note.
    console
        .keys("r")
        .shows("why is it rejected?")
        .keys("1")
        .shows("a few words for the agent")
        .keys("\r")
        .says(&format!("{} rejected", short(&ids[1])));
    let item = home.item(&ids[1]);
    let words = (item.reject_code.as_deref(), item.reject_directive.as_deref(), item.reject_note.as_deref());
    assert_eq!((item.state, words), (State::Rejected, (Some("off_topic"), Some("drop"), None)));
}

#[test]
fn another_reason_needs_words_and_esc_leaves_the_item_alone() {
    let (home, ids) = Home::with(&[RIVERS]);
    let mut console = home.console();
    console.chooses("rivers").shows("the draft").keys("r").shows("why is it rejected?").keys("\x1b").hides("why is it rejected?");
    console
        .keys("r")
        .shows("why is it rejected?")
        .keys("9")
        .shows("a few words for the agent")
        .keys("\r")
        .says("another reason needs a few words");
    console.shows("a few words for the agent").keys("\x1b").hides("a few words for the agent");
    assert_eq!((home.item(&ids[0]).state, home.item(&ids[0]).version), (State::Pending, 1));
}

#[test]
fn returning_needs_a_note() {
    let (home, ids) = Home::with(&[RIVERS]);
    let mut console = home.console();
    console.chooses("rivers").shows("the draft").keys("n").shows("what should the agent change?").keys("\r").says("needs a note");
    assert_eq!(home.item(&ids[0]).state, State::Pending);
    console.keys("name the source\r").says("returned to the agent");
    let item = home.item(&ids[0]);
    assert_eq!((item.state, item.reject_note.as_deref()), (State::Returned, Some("name the source")));
}

#[test]
fn holding_asks_again_with_the_text_kept_when_it_is_not_understood() {
    let (home, ids) = Home::with(&[RIVERS, LAKES]);
    let mut console = home.console();
    console.chooses("rivers").shows("the draft").keys("h").shows("for how long").keys("soon, I hope\r").says("say for how long and why");
    console.shows("soon, I hope").shows("for how long");
    assert_eq!(home.item(&ids[0]).state, State::Pending);
    console.keys("\x15\x01\x0b").hides("soon, I hope").keys("2h the agency has to answer\r").says("held").chooses("lakes");
    let item = home.item(&ids[0]);
    assert_eq!((item.state, item.hold_reason.as_deref()), (State::Held, Some("the agency has to answer")));
    let hours = (item.hold_until.unwrap() - item.updated_at) as f64 / 3_600_000.0;
    assert!((1.99..=2.01).contains(&hours), "{hours}");
}

#[test]
fn passing_on_names_a_person_and_a_reason() {
    let (home, ids) = Home::with(&[RIVERS]);
    let mut console = home.console();
    console.chooses("rivers").shows("the draft").keys("!").shows("to whom, and why").keys("bea\r").says("say to whom and why").shows("bea");
    console.keys(" knows the agency\r").says("passed on");
    let item = home.item(&ids[0]);
    assert_eq!((item.escalated_to.as_deref(), item.escalation_reason.as_deref()), (Some("bea"), Some("knows the agency")));
    let mut other = home.console_as("bea");
    other
        .shows("passed on to: bea")
        .shows("because: knows the agency")
        .keys("/is:escalated\r")
        .shows("1 item, oldest first, filtered: ")
        .chooses("rivers");
}

#[test]
fn what_was_passed_over_is_listed_for_others_only() {
    let (home, ids) = Home::with(&[RIVERS, LAKES]);
    let mut console = home.console();
    console.chooses("rivers").shows("the draft").keys("s").says("passed over").chooses("lakes").keys("R").shows("1 item,").hides("rivers");
    assert_eq!(home.item(&ids[0]).state, State::Pending);
    console.keys("/is:skipped\r").shows("rivers");
    home.console_as("bea").shows("2 items").chooses("rivers");
}

#[test]
fn opening_claims_and_leaving_gives_back() {
    let (home, ids) = Home::with(&[RIVERS, LAKES]);
    let mut console = home.console();
    console.chooses("rivers").shows("the draft").keys("\r").shows("claimed by ana until");
    assert_eq!((home.item(&ids[0]).state, home.item(&ids[0]).lease_holder.as_deref()), (State::Claimed, Some("ana")));
    console.keys("\x1b").hides("claimed by ana until");
    assert_eq!((home.item(&ids[0]).state, home.item(&ids[0]).lease_holder.as_deref()), (State::Pending, None));
    // The same without opening it.
    console.keys("c").shows("claimed by ana until").keys("c").hides("claimed by ana until").says("given back");
    assert_eq!(home.item(&ids[0]).state, State::Pending);
}

#[test]
fn deciding_from_the_open_case_works_with_the_claim() {
    let (home, ids) = Home::with(&[RIVERS, LAKES]);
    let mut console = home.console();
    console.chooses("rivers").shows("the draft").keys("\r").shows("claimed by ana until").keys("a").says("approved, leaves in");
    assert_eq!(home.item(&ids[0]).state, State::Scheduled);
    console.wait_for(|screen| screen.contents().matches(LAKES).count() == 2, "the next case");
}

#[test]
fn marked_items_are_approved_together_after_a_question() {
    let (home, ids) = Home::with(&[RIVERS, LAKES, SEAS]);
    let states = || ids.iter().map(|id| home.state(id)).collect::<Vec<_>>();
    let mut console = home.console();
    console.chooses("rivers").shows("the draft").keys("xx").shows("2 marked").keys("a").shows("Approve 2 marked items?");
    console.keys("n").hides("Approve 2 marked items?").shows("2 marked");
    assert_eq!(states(), ["pending", "pending", "pending"]);
    console.keys("a").shows("Approve 2 marked items?").keys("y").says("approved, leaves in").shows("1 item,").chooses("seas");
    console.keys("L").wait_for(|screen| screen.contents().matches("approved, leaves in").count() >= 2, "both in the messages");
    assert_eq!(states(), ["scheduled", "scheduled", "pending"]);
}
