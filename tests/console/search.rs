//! The search tab: what is typed finds, what is chosen stays, and what is found can be opened, narrowed, kept and taken along.

use crate::harness::{Console, Home, chosen, message, short};
use crate::hostile;
use serde_json::Value;
use std::fs;
use std::time::Duration;

/// A home with two drafts, and the console in its search tab.
fn searching(columns: u16, rows: u16) -> (Home, Vec<String>, Console) {
    let (home, ids) = Home::with(&["Rivers carry sediment to the delta.", "A second remark, about quiet lakes."]);
    let console = in_search(&home, columns, rows);
    (home, ids, console)
}

fn in_search(home: &Home, columns: u16, rows: u16) -> Console {
    let mut console = home.console_of(columns, rows);
    console.shows("items, oldest first").keys("gs").shows("Type what you look for").shows("[Search]");
    console
}

/// The text of a row.
fn row(screen: &vt100::Screen, row: usize) -> String {
    let columns = screen.size().1.get();
    screen.rows(0, columns).nth(row).unwrap_or_default()
}

#[test]
fn what_is_typed_is_found_and_opened_in_the_queue() {
    for (columns, rows) in [(80, 24), (140, 40)] {
        let (_home, ids, mut console) = searching(columns, rows);
        console.keys("sediment").chooses("Rivers carry sediment").shows("result").shows("its words: sediment");
        console
            .keys("\r")
            .wait_for(|screen| message(screen).trim().is_empty() && !screen.contents().contains("earlier questions"), "the list");
        // `t` is a key of the results now, and no letter of the question.
        console.keys("t").shows(" thread ─").keys("t").hides(" thread ─");
        console.keys("\r").shows(&format!("id:{}", &ids[0][..12])).chooses("Rivers carry").shows("the draft").shows("[Queue");
        console.keys("\x1b").hides(&format!("id:{}", &ids[0][..12])).shows("2 items");
        // The tab is as it was left, with the field at hand.
        console.keys("gs").shows("search: sediment").chooses("Rivers carry").keys(" delta").shows("search: sediment delta");
    }
}

#[test]
fn an_item_that_left_the_list_is_opened_as_well() {
    let (home, ids, mut console) = searching(80, 24);
    home.decide("bea", &ids[1], |c, on| {
        use quarterdeck::moderation::{Directive, RejectCode, decisions};
        decisions::reject(c, on, RejectCode::OffTopic, Directive::Drop, Some("it is about ponds"), &Default::default())
    });
    console.keys("kind:queue_item lakes").chooses("quiet lakes").keys("\r\r").shows("[Queue").chooses("rejected").shows("quiet lakes");
    // A decision leads to its item.
    console
        .keys("gs\x15kind:decision ponds")
        .chooses("decision")
        .shows("what was decided about")
        .keys("\r\r")
        .shows("[Queue")
        .chooses("rejected");
}

#[test]
fn a_belief_shows_its_stance_and_its_text() {
    let (_home, _, mut console) = searching(140, 40);
    console.keys("kind:belief alignment").chooses("AI alignment").shows("the stance in force: current");
    console.keys("\rv").shows(" text ─").shows("the whole text").keys("v").hides(" text ─");
    // The other side scrolls, and gives the keys back.
    console.keys("\tG").hides("its words: alignment").keys("gg").shows("its words: alignment").keys("\x1b").hides("esc back");
    console.keys("y").says("the extract is in the clipboard");
    // It is opened in its graph, and the search is as it was left.
    console.keys("\r").shows("[Beliefs").chooses("AI alignment").keys("gs").shows("search: kind:belief alignment").chooses("AI alignment");
}

#[test]
fn a_mistake_is_shown_with_its_place_and_the_results_stay() {
    let (_home, _, mut console) = searching(80, 24);
    console.keys("sediment").chooses("Rivers carry").keys(" kind:belif").shows("did you mean belief?").chooses("Rivers carry");
    // Before the value stand the prompt with 9 columns and 14 letters.
    console.wait_for(|screen| row(screen, 2).find('^') == Some(9 + 14), "the caret under the value");
    console.keys("\x17kind:belief").hides("did you mean").wait_for(|screen| !row(screen, 2).contains('^'), "no caret");
    console.keys("\x15\"open").shows("this quote is not closed").wait_for(|screen| row(screen, 2).find('^') == Some(9), "the caret");
}

#[test]
fn the_chosen_result_stays_and_what_is_new_is_told_first() {
    let (home, _, mut console) = searching(80, 24);
    console.keys("kind:queue_item").shows("2 results").keys("\r").chooses("quiet lakes").keys("j").chooses("sediment");
    home.add("A remark: lakes, lakes and more lakes.");
    console.wait_within(Duration::from_secs(3), |screen| row(screen, 2).contains("1 new result; R shows it"), "the announcement");
    console.chooses("sediment").hides("more lakes").shows("2 results");
    console.keys("R").shows("more lakes").chooses("sediment").hides("new result");
}

#[test]
fn what_is_written_meanwhile_is_found_while_the_field_is_open() {
    let (home, _, mut console) = searching(80, 24);
    console.keys("\"zeppelin\"").shows("Nothing fits");
    home.add("A zeppelin over the delta.");
    console.wait_within(Duration::from_secs(3), |screen| chosen(screen).is_some_and(|line| line.contains("zeppelin over")), "the new item");
}

#[test]
fn results_are_narrowed_by_keys_and_the_question_says_so() {
    let (_home, _, mut console) = searching(80, 24);
    console.keys("alignment of lakes").shows("□ item").shows("◆ belief").keys("\rn").shows("narrow the results").shows("[ ] belief");
    console.keys("\r").shows("kind:belief").shows("[x] belief").keys("\x1b").hides("narrow the results");
    console.wait_for(|screen| !row(screen, 3).contains("item") && row(screen, 3).contains("[◆ belief"), "beliefs only");
    console.keys("N").wait_for(|screen| row(screen, 1).trim_end() == " search: alignment of lakes", "the filter gone");
}

#[test]
fn what_is_similar_is_a_question_of_its_own() {
    let (_home, ids, mut console) = searching(80, 24);
    console.keys("sediment").chooses("Rivers carry").keys("\rs").shows(&format!("like:queue_item:{}", &ids[0]));
    // It is like itself and like nothing else here.
    console.shows("0 results").keys("\x1b").shows("search: sediment").chooses("Rivers carry");
}

#[test]
fn searches_are_saved_chosen_and_remembered() {
    let (home, _, mut console) = searching(80, 24);
    console
        .keys("quiet lakes")
        .chooses("quiet lakes")
        .keys("\rf")
        .shows("No search is saved yet")
        .keys("s")
        .shows("a name for this search");
    console.keys("ponds\r").says("saved as ponds").shows("(asked now)").keys("\x1b").hides("(asked now)");
    console
        .keys("/\x15sediment")
        .chooses("Rivers carry")
        .keys("\rf")
        .shows("ponds")
        .keys("\r")
        .shows("search: quiet lakes")
        .chooses("quiet lakes");
    console.keys("q").ended(Duration::from_secs(5));
    // The next console opens where this one was left, with the question, and those of before.
    let mut console = home.console();
    console.shows("search: quiet lakes").chooses("quiet lakes").keys("\x15").shows("Earlier questions");
    console.keys("\x1b[A").shows("search: quiet lakes").keys("\x1b[A").shows("search: sediment").chooses("Rivers carry");
    console
        .keys("\x1b[B\x1b[B")
        .shows("Type what you look for")
        .keys("privacy")
        .chooses("Privacy")
        .keys("\rf")
        .shows("saved searches")
        .keys("x")
        .says("is removed")
        .shows("No search is saved yet");
}

#[test]
fn results_are_copied_and_written_into_new_files() {
    let (home, ids, mut console) = searching(80, 24);
    console
        .keys("kind:queue_item sediment")
        .chooses("Rivers carry")
        .keys("\ry")
        .says("the extract is in the clipboard")
        .keys("Y")
        .says("(copied)");
    let raw = String::from_utf8_lossy(&console.raw()).into_owned();
    assert_eq!(raw.matches("\u{1b}]52;c;").count(), 2, "two texts for the clipboard");
    console.keys("e").shows("a new file in this directory").keys("\r").says("results are written to answers.jsonl");
    let text = fs::read_to_string(home.path("answers.jsonl")).unwrap();
    let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!((first["kind"].as_str(), first["id"].as_str()), (Some("queue_item"), Some(ids[0].as_str())));
    // What exists stays, and no name leads elsewhere.
    console
        .keys("e")
        .shows("a new file")
        .keys("\r")
        .says("exists already")
        .keys("\x01\x0b../away.md\r")
        .says("name a file of this directory");
    console.keys("\x01\x0bfound.md\r").says("results are written to found.md");
    assert_eq!(fs::read_to_string(home.path("answers.jsonl")).unwrap(), text);
    assert!(fs::read_to_string(home.path("found.md")).unwrap().contains("**sediment**"));
}

#[test]
fn sections_of_runbooks_are_found_and_read_as_a_whole() {
    let home = Home::new();
    home.add("A harmless remark.");
    let folder = home.path(".local/share/quarterdeck/runbooks");
    fs::create_dir_all(&folder).unwrap();
    let steps: String = (1..40).map(|step| format!("{step}. Step {step} of the rotation.\n")).collect();
    fs::write(folder.join("keys.md"), format!("# Keys\n\n## Rotate the token\n\n{steps}\nThen tell the harbour master.\n")).unwrap();
    let mut console = in_search(&home, 80, 24);
    console
        .keys("\"harbour master\"")
        .chooses("runbook")
        .keys("\r\r")
        .shows(" text ─")
        .shows("more lines")
        .keys("G")
        .shows("harbour master");
}

#[test]
fn keys_of_the_console_hold_while_a_question_is_typed() {
    let (home, _, mut console) = searching(80, 24);
    console.keys("q").shows("search: q").keys("\x0b\x0b").shows("ALL SENDING IS STOPPED");
    assert_eq!(home.pauses().len(), 1);
    console.keys("\x1b").shows("Type what you look for").keys("\x1b").shows("[Queue").shows("2 items");
    // Every action of the tab is in the palette, which opens the tab.
    console.keys(":").shows("what do you want").keys("search.narrow\r").says("there are no results to narrow").shows("[Search]");
    console.paste("quiet\nlakes").shows("search: quiet lakes").chooses("quiet lakes");
}

#[test]
fn hostile_texts_and_questions_are_shown_as_text() {
    let (home, id) = hostile::home();
    let mut console = home.console();
    console
        .shows("oldest first")
        .keys("gs")
        .shows("Type what you look for")
        .keys("harmless rivers")
        .chooses("A harmless remark")
        .shows("reversed");
    console.keys("\rv").shows(" text ─").keys("v").keys("n").shows("narrow the results").keys("\x1b").hides("narrow the results");
    console.keys("Y").says(&id[..8]).keys("s").shows("like:").keys("\x1b").shows("harmless rivers");
    console.keys("/\x15").shows("Type what you look for").paste(hostile::ATTACK).shows("search: before");
    console.resize(140, 40).shows("search: before").resize(60, 16).shows("search: before");
    hostile::is_clean(&console);
    assert_eq!(short(&id).len(), 8);
}
