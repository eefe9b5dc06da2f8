//! Two consoles on one database.

use crate::harness::{Home, short};
use quarterdeck::moderation::{State, queue};

const RIVERS: &str = "A harmless remark about rivers.";
const LAKES: &str = "A second remark, about lakes.";

#[test]
fn a_decision_about_what_another_console_changed_is_refused_and_the_item_stays() {
    let (home, ids) = Home::with(&[RIVERS, LAKES]);
    let (mut ana, mut bea) = (home.console(), home.console_as("bea"));
    // Ana has the item open: its text does not move under her eyes.
    ana.chooses("rivers").shows("the draft").keys("\t");
    bea.chooses("rivers").shows("the draft").keys("e").shows(&format!("edit {}", short(&ids[0])));
    bea.keys(" They flood.").shows("They flood.").keys("\x1bOQ").says("changed").shows("revision 2").keys("c").says("given back");
    ana.shows("the list has changed; R lists it as it is now");
    ana.keys("a")
        .says("changed meanwhile")
        .chooses("rivers")
        .shows("what changed since you saw it")
        .shows("queue.edit by bea")
        .shows("{+ They flood.+}")
        .shows("a approves it as it is now");
    let item = home.item(&ids[0]);
    assert_eq!((item.state, item.revision), (State::Pending, 2));
    // What is on the screen now can be decided about.
    ana.keys("a").says(&format!("{} approved, leaves in", short(&ids[0]))).chooses("lakes");
    assert_eq!((home.item(&ids[0]).state, home.item(&ids[0]).reviewed_by.as_deref()), (State::Scheduled, Some("ana")));
}

#[test]
fn what_another_reviewer_claimed_is_shown_and_left_alone() {
    let (home, ids) = Home::with(&[RIVERS, LAKES]);
    let (mut ana, mut bea) = (home.console(), home.console_as("bea"));
    ana.chooses("rivers").shows("the draft");
    bea.chooses("rivers").shows("the draft").keys("\r").shows("claimed by bea until");
    ana.chooses("with bea").shows("claimed by bea until").keys("a").says("claimed by bea").chooses("rivers");
    assert_eq!((home.item(&ids[0]).state, home.item(&ids[0]).reviewed_by), (State::Claimed, None));
    bea.keys("\x1b").hides("claimed by bea until");
    ana.hides("with bea").shows("queue.release by bea").keys("a").says("approved, leaves in");
    assert_eq!(home.item(&ids[0]).state, State::Scheduled);
}

#[test]
fn what_another_reviewer_decided_leaves_the_list() {
    let (home, ids) = Home::with(&[RIVERS, LAKES]);
    let mut ana = home.console();
    ana.chooses("rivers").shows("2 items");
    home.decide("bea", &ids[0], |c, on| queue::return_to_agent(c, on, "name the source", &quarterdeck::moderation::Settings::default()));
    ana.shows("1 item,").chooses("lakes").shows("Queue 1");
    ana.wait_for(|screen| screen.contents().matches(LAKES).count() == 2, "the case of the item that stayed");
}
