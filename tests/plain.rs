//! The console in plain lines, as a screen reader or a pipe meets it: the real program, a real database, words in and sentences out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use quarterdeck::moderation::{State, ThreadEntry, item};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

mod support;
use support::comment;
use support::program::{Did, Home};

/// A session at the prompt.
trait Prompt {
    fn plain(&self, typed: &str) -> Did;
    fn item(&self, id: &str) -> quarterdeck::moderation::Item;
}

impl Prompt for Home {
    /// Type this at the prompt.
    fn plain(&self, typed: &str) -> Did {
        let mut command = self.command(&["--plain"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Who leaves before the end of the input closes it.
        let _ = child.stdin.take().unwrap().write_all(typed.as_bytes());
        let output = child.wait_with_output().unwrap();
        Did::of(output)
    }

    fn item(&self, id: &str) -> quarterdeck::moderation::Item {
        let (database, id) = (self.open(), id.to_owned());
        let persona = database.read_blocking(|c| quarterdeck::memory::personas::find(c, "DemoAgentBot")).unwrap().id;
        database.read_blocking(move |c| item::load(c, &persona, &id)).unwrap()
    }
}

#[test]
fn an_item_is_said_in_sentences_and_listed_without_a_sign_of_a_terminal() {
    let home = Home::seeded();
    let mut new = comment("t3_a", "The levee holds.\nIt always did.");
    new.draft_metadata.thread = vec![ThreadEntry {
        author: "reader".into(),
        title: Some("Will it hold?".into()),
        body: "I wonder.".into(),
        ..ThreadEntry::default()
    }];
    home.add(new);
    home.add(comment("t3_b", "Another text altogether."));
    let did = home.plain("list\nn\nshow 1\nquit\n");
    did.says(
        0,
        &[
            "2 items wait for you.",
            "A comment by u/DemoAgentBot in r/test, to u/reader.",
            "u/reader posted, under the title: Will it hold?",
            "u/reader wrote, 1 line:\n  I wonder.",
            "The draft, 2 lines:\n  The levee holds.\n  It always did.",
            "Screening says clean",
            "Item 1 of 2: approve, reject, edit, undo, skip, next, list, show, filter, quit, help?",
            "1. clean, comment in r/test",
            "you are here",
            "2. clean, comment in r/test",
            "Another text altogether.",
            "Item 2 of 2",
            "The levee holds.",
        ],
    );
    assert!(!did.out.contains(['\u{1b}', '\r']), "{}", did.out);
}

#[test]
fn an_empty_queue_and_the_end_of_the_input_are_no_failures() {
    let home = Home::seeded();
    home.plain("").says(0, &["Nothing waits for you."]);
    home.plain("next\nhelp").says(0, &["No item is at hand", "approve, a: approve the item"]);
    home.plain("approve\n").says(3, &["No item is at hand."]);
}

#[test]
fn an_approval_says_when_it_leaves_and_is_taken_back() {
    let home = Home::seeded();
    let id = home.add(comment("t3_a", "A calm sentence about rivers."));
    home.plain("a\nu\nq\n").says(
        0,
        &[
            "Approved; it leaves in ",
            "Type undo to take it back.",
            "Nothing waits for you.",
            "Taken back; nothing has left.",
            "A calm sentence",
        ],
    );
    assert_eq!(home.item(&id).state, State::Pending);
    home.plain("undo\napprove\n").says(3, &["You have approved nothing here", "Approved; it leaves in "]);
    let item = home.item(&id);
    assert_eq!((item.state, item.reviewed_by.as_deref()), (State::Scheduled, Some("ana")));
}

#[test]
fn a_rejection_asks_why_and_what_is_not_finished_rejects_nothing() {
    let home = Home::seeded();
    let id = home.add(comment("t3_a", "A calm sentence about rivers."));
    home.plain("r\n").says(0, &["1. off topic", "9. other", "The number of the reason?", "Nothing was rejected."]);
    home.plain("r\n4\n").says(0, &["A few words for the agent?", "Nothing was rejected."]);
    home.plain("r\n\nreject 10\nreject 9\n\n").says(3, &["Nothing was rejected.", "10 is no reason", "needs a few words"]);
    assert_eq!(home.item(&id).state, State::Pending);
    home.plain("reject\n7\nsays nothing new\n").says(0, &["Rejected.", "Nothing waits for you."]);
    assert_eq!(home.item(&id).state, State::Rejected);
}

#[test]
fn a_draft_is_edited_heard_with_its_flagged_places_and_edited_until_it_is_clean() {
    let home = Home::seeded();
    let text = "Write to me at someone.private@proton-mail.net about rivers.";
    let id = home.add(comment("t3_a", "A first text."));
    home.plain(&format!("e\n{text}\nMore of it.\n.\ne\n.cancel\ne\nA calm sentence.\n\n..and a dot\n.\nq\n")).says(
        0,
        &[
            "Type the new text. A line with one dot ends it",
            "Changed and screened again.",
            "[someone.private@proton-mail.net]",
            "Finding 1",
            "Nothing was changed.",
            "Changed and screened again.",
            "The draft, 3 lines:\n  A calm sentence.\n  \n  .and a dot",
        ],
    );
    let item = home.item(&id);
    assert_eq!((item.content.as_str(), item.lease_holder.as_deref()), ("A calm sentence.\n\n.and a dot", None));
}

#[test]
fn an_edit_that_is_broken_off_changes_nothing_and_gives_the_item_back() {
    let home = Home::seeded();
    let id = home.add(comment("t3_a", "A calm sentence about rivers."));
    home.plain("edit\nHalf of a text").says(0, &["nothing was changed"]);
    let item = home.item(&id);
    assert_eq!((item.state, item.revision, item.lease_holder.as_deref()), (State::Pending, 1, None));
}

#[test]
fn text_from_outside_steers_no_terminal_and_passes_for_nothing_the_program_says() {
    let home = Home::seeded();
    let mut new = comment("t3_a", "Fine words.\nApproved; it leaves in 30 s.\u{202e}");
    new.draft_metadata.thread = vec![ThreadEntry {
        author: "reader\u{1b}[2J".into(),
        body: "\u{1b}]0;owned\u{7}Nothing waits for you.\r\nItem 1 of 9".into(),
        ..ThreadEntry::default()
    }];
    home.add(new);
    let did = home.plain("show thread\n");
    did.says(
        0,
        &[
            "u/reader wrote, 2 lines:\n  Nothing waits for you.\n  Item 1 of 9\n",
            "hidden characters in it were not printed",
            "\n  Approved; it leaves",
        ],
    );
    assert!(did.out.chars().all(|letter| letter == '\n' || !letter.is_control()) && !did.out.contains('\u{202e}'), "{:?}", did.out);
}

#[test]
fn what_another_person_decided_meanwhile_is_not_decided_again() {
    let home = Home::seeded();
    let id = home.add(comment("t3_a", "A calm sentence about rivers."));
    home.add(comment("t3_b", "Another text altogether."));
    let mut command = home.command(&["--plain"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("Item 1 of 2")));
    assert!(home.command(&["--as", "bea", "queue", "reject", &id, "--reason", "off_topic"]).output().unwrap().status.success());
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"approve\n").unwrap();
    assert!(lines.any(|line| line.starts_with("Not done: ") && line.contains("bea")));
    drop(stdin);
    let _ = lines.count();
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert_eq!(home.item(&id).state, State::Rejected);
}

#[test]
fn filters_choose_and_what_is_not_understood_changes_nothing() {
    let home = Home::seeded();
    home.add(comment("t3_a", "A calm sentence about rivers."));
    home.add(comment("t3_b", "Another text altogether."));
    home.plain("f altogether\nfilter colour:red\nf\n\nf nowhere\n").says(
        3,
        &[
            "1 item waits for you.",
            "Another text",
            "The filter stays as it was: colour:",
            "The filter is altogether.",
            "2 items wait",
            "Nothing fits the filter nowhere.",
        ],
    );
    home.plain("dance\napprove all\n").says(3, &["dance is not a command", "approve takes nothing behind it; nothing was done."]);
}

#[test]
fn sending_is_stopped_and_goes_on_after_a_yes() {
    let home = Home::seeded();
    home.plain("stop\nresume\nno\n").says(0, &["All sending is stopped", "Nothing was changed."]);
    home.plain("resume\nyes\n").says(0, &["All sending is stopped; resume lets it go on.", "Sending goes on."]);
}

#[test]
fn plain_lines_go_with_no_subcommand_and_with_no_json() {
    let home = Home::seeded();
    for words in [&["--plain", "queue", "list"][..], &["--json", "--plain"]] {
        assert_eq!(home.command(words).output().unwrap().status.code(), Some(2), "{words:?}");
    }
}
