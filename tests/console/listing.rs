//! What is listed and found: the start, the filter, the order, the help, the palette, sizes, pastes.

use crate::harness::{Home, chosen, comment, footer, refused};
use quarterdeck::moderation::screening::{Outgoing, Surroundings, evaluate};
use quarterdeck::moderation::{NewItem, Verdict};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

#[test]
fn the_start_shows_the_list_and_the_first_case() {
    let (home, _) = Home::with(&["A harmless remark about rivers.", "A second remark, about lakes."]);
    for (columns, rows) in [(80, 24), (140, 40)] {
        let mut console = home.console_of(columns, rows);
        console.chooses("rivers").shows("2 items, oldest first").shows("the draft").shows("A second remark");
        console.wait_for(|screen| screen.contents().matches("A harmless remark about rivers.").count() == 2, "the text in list and case");
        console.wait_for(|screen| footer(screen).contains("approve") && footer(screen).contains("reject"), "keys in the footer");
        let screen = console.screen();
        assert!(screen.contains("DRY RUN") && screen.contains("Queue 2") && screen.contains("all personas"), "{screen}");
    }
}

#[test]
fn an_empty_queue_says_what_to_do() {
    let home = Home::new();
    home.console().shows("Nothing waits for you").shows("quarterdeck agent run");
}

#[test]
fn moving_shows_the_case_of_the_chosen_item() {
    let (home, _) = Home::with(&["First words about rivers.", "Second words about lakes.", "Third words about seas."]);
    let mut console = home.console();
    console
        .chooses("rivers")
        .keys("j")
        .chooses("lakes")
        .wait_for(|screen| screen.contents().matches("Second words about lakes.").count() == 2, "its case");
    console.keys("G").chooses("seas").keys("gg").chooses("rivers").keys("\x1b[B").chooses("lakes");
}

#[test]
fn the_filter_narrows_while_it_is_typed_and_esc_takes_it_away() {
    let (home, mut ids) = Home::with(&["A harmless remark about rivers."]);
    let text = "A second remark, about lakes.";
    let unknown = evaluate(Outgoing { title: None, content: text }, Surroundings { consistency: None, tainted: false });
    ids.push(home.queue(NewItem { evaluation: unknown, ..comment("t3_lakes", text) }));
    assert_eq!(ids.iter().map(|id| home.item(id).verdict).collect::<Vec<_>>(), [Verdict::Allow, Verdict::Review]);
    let mut console = home.console();
    console.shows("2 items").keys("/verdict:review").shows("1 item, oldest first, filtered: ").chooses("lakes").hides("rivers");
    console.keys("\r").shows("verdict:review").shows("1 item, oldest first, filtered: ");
    console.keys("\x1b").shows("2 items").shows("rivers");
    // What cannot be understood is said, and the list stays.
    console.keys("/verdict:maybe").shows("allow, review or block");
    console.keys("\x1b").hides("filter: words").keys("\x1b").shows("2 items");
}

#[test]
fn words_and_places_filter_too() {
    let home = Home::new();
    home.add("A harmless remark about rivers.");
    home.queue(NewItem { target_subreddit: "lakes".into(), ..comment("t3_lake", "Another harmless remark.") });
    let mut console = home.console();
    console.shows("2 items").keys("/subreddit:r/lakes\r").shows("1 item, oldest first, filtered: ").chooses("r/lakes");
    console.keys("\x1b").shows("2 items").keys("/rivers\r").shows("1 item, oldest first, filtered: ").chooses("rivers");
    console.keys("\x1b").shows("2 items").keys("/no such words\r").shows("nothing fits this filter");
}

#[test]
fn the_order_can_be_turned() {
    let (home, _) = Home::with(&["First words about rivers.", "Second words about lakes."]);
    let first = |screen: &vt100::Screen, text: &str| screen.rows(0, 80).nth(2).is_some_and(|row| row.contains(text));
    let mut console = home.console();
    console.shows("oldest first").wait_for(|screen| first(screen, "rivers"), "the oldest on top");
    console.keys("S").shows("newest first").wait_for(|screen| first(screen, "lakes"), "the newest on top").chooses("rivers");
    console
        .keys("S")
        .shows("first to expire")
        .keys("S")
        .shows("oldest first")
        .wait_for(|screen| first(screen, "rivers"), "the oldest on top");
}

#[test]
fn help_lists_what_the_command_lists() {
    let (home, _) = Home::with(&["A harmless remark about rivers."]);
    let mut console = home.console_of(160, 150);
    console.chooses("rivers").keys("?").shows("everywhere").shows("in the queue").shows("in what scrolls");
    let screen = console.screen();
    let json: Value = serde_json::from_str(&home.prints(&["--json", "keys"])).unwrap();
    let word = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let rows = json["keys"].as_array().unwrap();
    // The keys of another tab hold there.
    let here = |row: &&Value| ["global", "queue", "text"].contains(&row["scope"].as_str().unwrap());
    let wanted: BTreeSet<_> = rows.iter().filter(here).map(|row| (word(row, "scope"), word(row, "key"), word(row, "help"))).collect();
    // The help: a heading for each scope, then lines of `key, key  what it does.` within the border.
    let mut found = BTreeSet::new();
    let mut scope = "";
    for line in screen.lines() {
        let Some(inside) = line.split('│').nth(1).map(str::trim) else { continue };
        scope = match inside {
            "everywhere" => "global",
            "in the queue" => "queue",
            "in what scrolls" => "text",
            _ => scope,
        };
        let Some(help) = rows.iter().map(|row| word(row, "help")).find(|help| inside.ends_with(&format!(" {help}"))) else { continue };
        let keys = inside.strip_suffix(&help).unwrap().trim();
        found.extend(keys.split(", ").map(|key| (scope.to_owned(), key.to_owned(), help.clone())));
    }
    assert_eq!(found, wanted, "{screen}");
    console.keys("\x1b").hides("everywhere");
}

#[test]
fn pasting_into_the_list_does_nothing_but_say_so() {
    let (home, ids) = Home::with(&["A harmless remark about rivers.", "A second remark, about lakes."]);
    let mut console = home.console();
    console.chooses("rivers").paste("aaa\rr1\rq").says("what was pasted was not taken for keys").chooses("rivers").shows("2 items");
    assert_eq!((home.state(&ids[0]), home.state(&ids[1])), ("pending".to_owned(), "pending".to_owned()));
    // Into a text it goes, as one line.
    console.keys("/").shows("filter:").paste("about\nlakes").shows("1 item, oldest first, filtered: ").chooses("lakes");
}

#[test]
fn a_small_terminal_is_told_so_kindly_and_decides_nothing_unseen() {
    let (home, ids) = Home::with(&["A harmless remark about rivers."]);
    let mut console = home.console();
    console.chooses("rivers").shows("the draft").resize(50, 10).shows("50 by 10 is too small").hides("rivers");
    // What nobody sees is not decided: no key, no click, no paste. What protects still works.
    console.shows("ctrl-k ctrl-k stops all sending").keys("aAre5jx").paste("a").keys("\x1b[<0;3;3M").keys("\x0b\x0b");
    console.shows("ALL SENDING IS STOPPED").resize(80, 24).chooses("rivers").shows("1 item,").hides("too small");
    assert_eq!((home.state(&ids[0]).as_str(), home.pauses().len()), ("pending", 1));
    console.resize(140, 40).chooses("rivers").resize(1, 1).resize(2, 2).resize(140, 40).chooses("rivers");
    assert_eq!(console.broken(), 0);
    // A question that was open is not answered, sending again is not asked unseen, and leaving works.
    console.resize(80, 24).chooses("rivers").shows("the draft").keys("xa").shows("are you sure?");
    console.resize(60, 15).shows("too small").keys("\x0b\x0byq").ended(Duration::from_secs(10));
    assert_eq!((home.state(&ids[0]).as_str(), home.pauses().len()), ("pending", 1));
}

#[test]
fn what_is_queued_elsewhere_appears_by_itself() {
    let (home, _) = Home::with(&["A harmless remark about rivers."]);
    let mut console = home.console();
    console.chooses("rivers").shows("1 item,");
    home.add("A second remark, about lakes.");
    console.wait_within(Duration::from_secs(2), |screen| screen.contents().contains("about lakes"), "the new item");
    console.shows("2 items").shows("Queue 2").chooses("rivers");
    console.wait_for(|screen| !refused(screen), "no error").wait_for(|screen| chosen(screen).is_some(), "a chosen line");
}

#[test]
fn the_palette_finds_an_action_by_a_word_and_does_it() {
    let (home, _) = Home::with(&["A harmless remark about rivers."]);
    let mut console = home.console();
    console.chooses("rivers").keys(":").shows("what do you want to do?").keys("kill").shows("> kill").shows("stop all sending");
    console.keys("\r").shows("ALL SENDING IS STOPPED");
    let pauses = home.pauses();
    assert_eq!((pauses.len(), pauses[0].scope.as_str(), pauses[0].paused_by.as_str()), (1, "*", "ana"));
}
