//! Another process holds the database: the screen goes on, says that it waits, and what was asked for is done or refused in the end.

use crate::harness::Home;
use quarterdeck::store::{self, Conn};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

/// Hold the write lock until the sender is used.
fn hold(home: &Home) -> (Sender<()>, JoinHandle<()>) {
    let ((taken, is_taken), (release, released)) = (channel(), channel());
    let database = home.database.clone();
    let thread = std::thread::spawn(move || {
        let work = move |_: &mut dyn Conn| -> store::Result<()> {
            taken.send(()).unwrap();
            released.recv().unwrap();
            Ok(())
        };
        database.write_blocking(work).unwrap();
    });
    is_taken.recv().unwrap();
    (release, thread)
}

#[test]
fn a_held_lock_is_waited_for_while_the_screen_goes_on() {
    let (home, ids) = Home::with(&["A harmless remark about rivers.", "A second remark, about lakes."]);
    let mut console = home.console();
    console.chooses("rivers");
    let (release, thread) = hold(&home);
    console.keys("a").chooses("lakes").shows("waiting for the database");
    console.keys("?").shows("in the queue").keys("\x1b").hides("in the queue");
    assert_eq!(home.state(&ids[0]), "pending");
    release.send(()).unwrap();
    thread.join().unwrap();
    console.says("approved").hides("waiting for the database");
    assert_eq!(home.state(&ids[0]), "scheduled");
}

#[test]
fn a_lock_that_is_never_released_ends_in_an_error_and_the_item_stays() {
    let (home, ids) = Home::with(&["A harmless remark about rivers."]);
    let mut console = home.console();
    console.chooses("rivers");
    let (release, thread) = hold(&home);
    console.keys("a").says("is locked").chooses("rivers");
    release.send(()).unwrap();
    thread.join().unwrap();
    assert_eq!(home.state(&ids[0]), "pending");
}
