//! The kill switch.

use crate::harness::Home;

#[test]
fn the_kill_switch_stops_at_once_and_asks_before_it_resumes() {
    let (home, _) = Home::with(&["A harmless remark about rivers."]);
    let mut console = home.console();
    console.chooses("rivers").keys("\x0b\x0b").says("all sending is stopped").shows("ALL SENDING IS STOPPED");
    let pauses = home.pauses();
    assert_eq!((pauses.len(), pauses[0].scope.as_str(), pauses[0].paused_by.as_str()), (1, "*", "ana"));
    console.keys("\x0b\x0b").shows("Send again?").keys("n").hides("Send again?");
    assert_eq!(home.pauses().len(), 1, "anything but y means no");
    console.keys("\x0b\x0b").shows("Send again?").keys("y").says("sending goes on").shows("DRY RUN");
    assert_eq!(home.pauses(), []);
}

#[test]
fn a_stop_from_elsewhere_is_shown() {
    let (home, _) = Home::with(&["A harmless remark about rivers."]);
    let (mut console, mut other) = (home.console(), home.console_as("bea"));
    console.chooses("rivers").shows("DRY RUN");
    other.chooses("rivers").keys("\x0b\x0b").shows("ALL SENDING IS STOPPED");
    console.shows("ALL SENDING IS STOPPED");
    assert_eq!(home.pauses()[0].paused_by, "bea");
}
