//! Outcomes of the tab that a person would notice, without a terminal or a database.

use super::*;
use crate::base::SafeText;
use crate::console::request::{Reply, Request};
use crate::console::update;
use crate::search::{Part, Reason};
use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

/// A document with a title that is its extract as well.
pub(super) fn hit(kind: Kind, id: &str, title: &str) -> Hit {
    Hit {
        kind,
        persona: Some(PersonaId::from_stored("p1")),
        persona_name: Some(SafeText::line("Ada")),
        id: id.to_owned(),
        title: SafeText::line(title),
        extract: vec![Part { text: SafeText::line(title), is_match: false }],
        reason: Reason::default(),
        score: 0.5,
        subreddit: Some("rivers".to_owned()),
        state: None,
        confidence: None,
        at: 0,
        parent: None,
    }
}

pub(in crate::console) fn state() -> State {
    use crate::console::{keymap, memory, request, state, theme};
    State {
        now: 1_000_000,
        waits: state::Waits::default(),
        width: 80,
        height: 24,
        me: "ana".to_owned(),
        mode: crate::moderation::Mode::DryRun,
        is_demo: false,
        read_only: false,
        keymap: keymap::Keymap::default(),
        theme: theme::Theme::shipped("mono").unwrap(),
        glyphs: theme::Glyphs::UNICODE,
        tab: Name::Search,
        queue: crate::console::queue::Tab::default(),
        search: Tab::default(),
        beliefs: crate::console::beliefs::Tab::default(),
        health: crate::console::health::Tab::default(),
        gauges: crate::console::gauges::Tab::default(),
        overview: request::Overview::default(),
        persona: None,
        layers: Vec::new(),
        pending: Vec::new(),
        count: None,
        memory: memory::Memory::default(),
        said: Vec::new(),
        unread: 0,
        approved: Vec::new(),
        mouse: false,
        is_dirty: false,
        quits: false,
        wishes: Vec::new(),
    }
}

fn press(state: &mut State, keys: &str) -> Vec<Request> {
    let mut requests = Vec::new();
    for letter in keys.chars() {
        let code = match letter {
            '\r' => KeyCode::Enter,
            '\u{1b}' => KeyCode::Esc,
            '↑' => KeyCode::Up,
            '↓' => KeyCode::Down,
            letter => KeyCode::Char(letter),
        };
        requests.extend(update::event(state, &Event::Key(KeyEvent::new(code, KeyModifiers::NONE))));
    }
    requests
}

/// The questions among requests.
fn asked(requests: &[Request]) -> Vec<(String, u64, ask::Why)> {
    let of = |request: &Request| match request {
        Request::Search(request::Request::Ask { question, generation, why, .. }) => Some((question.text.clone(), *generation, *why)),
        _ => None,
    };
    requests.iter().filter_map(of).collect()
}

/// What the search answers to the last question.
fn answers(state: &mut State, why: ask::Why, ids: &[&str], next: bool) -> Vec<Request> {
    let generation = state.search.generation;
    answers_to(state, generation, why, ids, next)
}

fn answers_to(state: &mut State, generation: u64, why: ask::Why, ids: &[&str], next: bool) -> Vec<Request> {
    let answer = Answer {
        hits: ids.iter().map(|id| hit(Kind::Belief, id, &format!("title {id}"))).collect(),
        next: next.then_some(After { score: 0.5, document: 7, seen: 2, depth: 100, newest: 9 }),
        count: Count::AtLeast(1_000),
        notes: Vec::new(),
        took: Duration::ZERO,
    };
    let text = state.search.field.text().to_owned();
    let reply = request::Reply::Asked { text, terms: Vec::new(), generation, why, result: Ok(answer) };
    update::reply(state, Reply::Search(reply))
}

fn ids(state: &State) -> Vec<&str> {
    state.search.shown.hits.iter().map(|hit| hit.id.as_str()).collect()
}

fn here(state: &State) -> &str {
    state.search.hit().map_or("", |hit| hit.id.as_str())
}

#[test]
fn every_letter_asks_and_only_the_newest_answer_is_shown() {
    let mut state = state();
    let requests = press(&mut state, "riv");
    let texts: Vec<String> = asked(&requests).into_iter().map(|(text, ..)| text).collect();
    assert_eq!(texts, ["r", "ri", "riv"]);
    // Three are on their way: the fourth and the fifth wait, and only the fifth is asked.
    assert!(press(&mut state, "er").is_empty());
    let newest = asked(&answers_to(&mut state, 1, ask::Why::Typed, &["old"], false));
    assert_eq!(newest.first().map(|(text, ..)| text.as_str()), Some("river"));
    assert!(ids(&state).is_empty(), "an answer to an older question was shown");
    answers(&mut state, ask::Why::Typed, &["a", "b"], false);
    assert_eq!((ids(&state), here(&state)), (vec!["a", "b"], "a"));
}

#[test]
fn the_chosen_result_stays_while_the_results_change() {
    let mut state = state();
    press(&mut state, "r");
    answers(&mut state, ask::Why::Typed, &["a", "b", "c"], false);
    press(&mut state, "↓j");
    assert_eq!((state.search.focus, here(&state)), (Focus::List, "b"));
    // Something changed in the database: the order is another one now, and is told, not shown.
    let requests = update::reply(
        &mut state,
        Reply::Search(request::Reply::Followed(Ok(crate::search::Followed { written: 1, ..Default::default() }))),
    );
    assert_eq!(asked(&requests).first().map(|(_, _, why)| *why), Some(ask::Why::Changed));
    answers(&mut state, ask::Why::Changed, &["new", "c", "a", "b"], false);
    assert_eq!((ids(&state), here(&state)), (vec!["a", "b", "c"], "b"));
    assert_eq!(state.search.waiting.as_ref().map(|waiting| waiting.new_to(&state.search.shown)), Some(1));
    press(&mut state, "R");
    assert_eq!((ids(&state), here(&state)), (vec!["new", "c", "a", "b"], "b"));
    // What is typed after that moves the results, but not what was chosen.
    press(&mut state, "/i");
    answers(&mut state, ask::Why::Typed, &["b", "c"], false);
    assert_eq!((ids(&state), here(&state)), (vec!["b", "c"], "b"));
    press(&mut state, "v");
    answers(&mut state, ask::Why::Typed, &["x", "y"], false);
    assert_eq!(here(&state), "x");
}

#[test]
fn an_answer_that_comes_late_does_not_move_what_is_looked_at() {
    let mut state = state();
    press(&mut state, "r");
    answers(&mut state, ask::Why::Typed, &["a", "b"], false);
    // Into the list at once, before the second answer: it is taken up, because nothing was chosen yet.
    press(&mut state, "i\r");
    answers(&mut state, ask::Why::Typed, &["c", "d"], false);
    assert_eq!((state.search.focus, here(&state)), (Focus::List, "c"));
    press(&mut state, "/v\rj");
    answers(&mut state, ask::Why::Typed, &["d", "e"], false);
    assert_eq!((ids(&state), here(&state)), (vec!["c", "d"], "d"));
    assert!(state.search.waiting.is_some());
}

#[test]
fn a_fault_is_told_with_its_place_and_the_results_stay() {
    let mut state = state();
    press(&mut state, "rivers");
    for _ in 0..3 {
        answers(&mut state, ask::Why::Typed, &["a"], false);
    }
    assert!(asked(&press(&mut state, " kind:")).iter().all(|(text, ..)| !text.contains("kind:")));
    let fault = state.search.fault.clone().unwrap();
    assert!(fault.message.contains("kind:") && fault.position == 7, "{fault:?}");
    assert_eq!(ids(&state), ["a"]);
    press(&mut state, "belief");
    assert_eq!(state.search.fault, None);
}

#[test]
fn the_next_page_is_put_behind_and_nothing_is_there_twice() {
    let mut state = state();
    press(&mut state, "r");
    answers(&mut state, ask::Why::Typed, &["a", "b"], true);
    let requests = press(&mut state, "\rj");
    assert_eq!(asked(&requests).iter().map(|(_, _, why)| *why).collect::<Vec<_>>(), [ask::Why::Next]);
    assert!(asked(&press(&mut state, "k")).is_empty(), "the same page was asked for twice");
    answers(&mut state, ask::Why::Next, &["b", "c"], false);
    assert_eq!(ids(&state), ["a", "b", "c"]);
    assert!(asked(&press(&mut state, "G")).is_empty());
    assert_eq!(here(&state), "c");
}

#[test]
fn facets_are_written_into_the_question() {
    let mut state = state();
    press(&mut state, "r");
    answers(&mut state, ask::Why::Typed, &["a", "b"], false);
    press(&mut state, "\rn");
    let requests = press(&mut state, "\r");
    assert_eq!(asked(&requests).first().map(|(text, ..)| text.as_str()), Some("r kind:belief"));
    let requests = press(&mut state, "jj\r");
    assert_eq!(asked(&requests).first().map(|(text, ..)| text.as_str()), Some("r kind:belief subreddit:rivers"));
    press(&mut state, "k\r\u{1b}");
    assert_eq!(state.search.field.text(), "r kind:belief subreddit:rivers persona:Ada");
    press(&mut state, "N");
    assert_eq!(state.search.field.text(), "r");
}

#[test]
fn similar_is_a_question_and_esc_comes_back_from_it() {
    let mut state = state();
    press(&mut state, "river");
    answers(&mut state, ask::Why::Typed, &["a", "b"], false);
    press(&mut state, "\rjs");
    assert_eq!(state.search.field.text(), "like:belief:b");
    press(&mut state, "\u{1b}");
    assert_eq!((state.search.field.text(), state.search.focus), ("river", Focus::List));
    press(&mut state, "\u{1b}");
    assert_eq!(state.search.focus, Focus::Field);
    press(&mut state, "\u{1b}");
    assert_eq!((state.search.field.text(), state.tab), ("", Name::Search));
    press(&mut state, "\u{1b}");
    assert_eq!(state.tab, Name::Queue);
}

#[test]
fn earlier_questions_come_back_into_the_empty_field() {
    let mut state = state();
    for question in ["one", "two"] {
        press(&mut state, question);
        answers(&mut state, ask::Why::Typed, &["a"], false);
        press(&mut state, "\r\u{1b}\u{1b}");
    }
    assert_eq!(state.search.history, ["one", "two"]);
    press(&mut state, "↑");
    assert_eq!(state.search.field.text(), "two");
    press(&mut state, "↑↑");
    assert_eq!(state.search.field.text(), "one");
    press(&mut state, "↓↓");
    assert_eq!(state.search.field.text(), "");
}

#[test]
fn the_feed_is_followed_one_look_at_a_time_until_nothing_is_left() {
    let mut state = state();
    let follows =
        |requests: &[Request]| requests.iter().filter(|request| matches!(request, Request::Search(request::Request::Follow))).count();
    let looked = |state: &mut State, written, is_over| {
        let followed = crate::search::Followed { written, to_fill: 1_000 - written, ..Default::default() };
        let reply = if is_over { request::Reply::Followed(Ok(followed)) } else { request::Reply::Following(followed) };
        update::reply(state, Reply::Search(reply))
    };
    press(&mut state, "r");
    answers(&mut state, ask::Why::Typed, &["a"], false);
    assert_eq!(follows(&act::refreshed(&mut state)), 1);
    assert_eq!(follows(&act::refreshed(&mut state)), 0);
    // What came in is looked for at once, and how much is left is known.
    assert_eq!(asked(&looked(&mut state, 500, false)).len(), 1);
    assert_eq!(state.search.following.to_fill, 500);
    assert!(looked(&mut state, 500, false).is_empty());
    // The change of meanwhile is followed when the first look is over, and no other one.
    answers(&mut state, ask::Why::Changed, &["a"], false);
    assert_eq!(follows(&looked(&mut state, 500, true)), 1);
    assert_eq!(follows(&looked(&mut state, 0, true)), 0);
    // An error is told once.
    for _ in 0..2 {
        act::refreshed(&mut state);
        update::reply(&mut state, Reply::Search(request::Reply::Followed(Err("the disk is full".to_owned()))));
    }
    assert_eq!(state.said.iter().filter(|said| said.is_error).count(), 1);
}

#[test]
fn a_chosen_persona_narrows_what_names_none() {
    let mut state = state();
    state.persona = Some(PersonaId::from_stored("p1"));
    let requests = press(&mut state, "x");
    let personas = |requests: &[Request]| match requests.first() {
        Some(Request::Search(request::Request::Ask { question, .. })) => question.filters.personas.clone(),
        _ => Vec::new(),
    };
    assert_eq!(personas(&requests), ["p1"]);
    state.search.field = Field::of("x persona:Ada");
    assert_eq!(personas(&ask::typed(&mut state)), ["Ada"]);
}

#[test]
fn kinds_are_told_apart_by_shape_in_either_set_of_signs() {
    use crate::console::theme::Glyphs;
    for glyphs in [Glyphs::UNICODE, Glyphs::ASCII] {
        let signs: std::collections::BTreeSet<&str> = Kind::ALL.into_iter().map(|kind| list::sign(kind, &glyphs)).collect();
        assert_eq!(signs.len(), Kind::ALL.len());
        for sign in signs {
            assert_eq!(unicode_width::UnicodeWidthStr::width(sign), 1, "{sign}");
        }
    }
    assert_eq!(
        (list::bar(0.5, &Glyphs::ASCII), list::bar(7.0, &Glyphs::ASCII), list::bar(f32::NAN, &Glyphs::ASCII)),
        ("##..".into(), "####".into(), "....".into())
    );
}
