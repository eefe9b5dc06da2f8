//! The audit log over the tabs: rows as they come, a filter, before and after, the way to the item, verification with what it finds.

use crate::harness::Home;
use quarterdeck::store::testing::unlock_audit_log;

#[test]
fn the_log_is_looked_into_from_any_tab_and_gives_the_screen_back() {
    for (columns, rows) in [(80, 24), (140, 40)] {
        let (home, _) = Home::with(&["Rivers carry sediment to the delta."]);
        let mut console = home.console_of(columns, rows);
        console.shows("[Queue").keys("gb").shows("[Beliefs").keys("ga").shows("audit log").shows("pending_post");
        console
            .keys("/subject:pending_post\r")
            .shows("audit log: subject:pending_post")
            .keys("\r")
            .shows("on       pending_post")
            .shows("+ ");
        // To the item, from its row.
        console.keys("o").shows("[Queue").hides("audit log").chooses("Rivers carry sediment");
        console.keys("ga").shows("audit log").keys("/nobody-said-this\r").shows("no row passes").keys("\x1b").shows("pending_post");
        console.keys("v").shows("the chain is whole").keys("\x1b").shows("what").keys("\x1b").hides("audit log");
    }
}

#[test]
fn what_was_done_to_the_log_is_shown_with_what_to_do() {
    let (home, _) = Home::with(&["Rivers carry sediment to the delta."]);
    unlock_audit_log(&home.database);
    home.database.write_blocking(|c| c.exec("UPDATE audit_log SET actor = 'eve' WHERE seq = 2", &[])).unwrap();
    let mut console = home.console_of(80, 24);
    console
        .shows("[Queue")
        .keys("gav")
        .shows("edited")
        .shows("row 2")
        .shows("next: keep this database")
        .keys("\x1b")
        .hides("next: keep")
        .keys("\x1b")
        .hides("audit log");
}
