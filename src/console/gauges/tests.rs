//! Outcomes of the tab that a person would notice, without a terminal or a database.

use super::figures::{Figures, Group, Wanted, objectives};
use super::request::{Reply, Request};
use super::span::{Kind, MINUTE, Span};
use super::{Figure, Item, act, draw, refresh};
use crate::base::{Millis, Picos};
use crate::console::request::{Reply as Whole, Request as Asked};
use crate::console::state::State;
use crate::console::text::Piece;
use crate::console::{tabs, update};
use crate::llm::calls::behind::{Traffic, Which};
use crate::llm::ledger::Drift;
use crate::report::sums::{By, Latencies, Only, Step, Sums};
use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;

/// A Saturday, 13:05:31 UTC.
const NOW: Millis = 1_795_266_331_000;

fn state(width: u16, height: u16) -> State {
    let mut state = crate::console::search::tests::state();
    (state.now, state.width, state.height) = (NOW, width, height);
    state.tab = tabs::Name::Gauges;
    state
}

fn sums(calls: i64, dollars: f64) -> Sums {
    Sums {
        calls,
        errors: calls / 40,
        retries: calls / 50,
        cache_hits: calls / 30,
        tokens_in: calls * 3_100,
        tokens_out: calls * 220,
        tokens_cached: calls * 700,
        charged: Picos::from_usd(dollars).unwrap(),
        unpriced: calls / 100,
        latency_count: calls,
        latency_us: calls * 900_000,
        queue_us: calls * 100,
        ..Sums::default()
    }
}

fn latencies(n: u64) -> Latencies {
    Latencies { n, p50_us: Some(820_000), p95_us: Some(2_100_000), p99_us: Some(6_300_000), is_exact: true }
}

/// Numbers as the deck would read them.
fn figures(state: &State) -> Box<Figures> {
    let span = state.gauges.span;
    let (window, step) = (span.window(state.now), span.step(state.now));
    let count = (window.length() / step.length()).min(400);
    let series = (0..count).map(|at| (window.since + at * step.length(), sums(at % 7, at as f64 / 10.0))).collect();
    let group =
        |name: &str, calls, dollars, n| Group { name: name.into(), sums: sums(calls, dollars), latency: (n > 0).then(|| latencies(n)) };
    Box::new(Figures {
        wanted: Wanted { span, by: state.gauges.by, only: refresh::only(state) },
        window,
        before_window: span.before(state.now),
        step,
        at: state.now,
        position: (1, 1),
        total: sums(412, 12.34),
        before: sums(300, 10.0),
        series,
        groups: vec![
            group("anthropic/claude-haiku-4.5", 300, 8.0, 300),
            group("openai/gpt-5-mini", 112, 4.34, 12),
            group("made/up", 0, 0.0, 0),
        ],
        left_out: 0,
        latency: latencies(412),
        first_token: latencies(42),
        drifts: vec![(Drift::Same, 398), (Drift::Above, 4), (Drift::Unknown, 10)],
        traffic: Vec::new(),
        live: None,
        objectives: objectives("assistant"),
        budgets: Vec::new(),
        month: None,
        month_spent: Picos::ZERO,
        spikes: Vec::new(),
        is_empty: false,
    })
}

/// The numbers that were asked for come.
fn answered(state: &mut State) -> Vec<Asked> {
    let (generation, figures) = (state.gauges.generation, figures(state));
    update::reply(state, Whole::Gauges(Reply::Figures { generation, is_awaited: true, result: Ok(Some(figures)) }))
}

fn opened(width: u16, height: u16) -> State {
    let mut state = state(width, height);
    refresh::refreshed(&mut state);
    answered(&mut state);
    state
}

fn press(state: &mut State, keys: &str) -> Vec<Asked> {
    let mut requests = Vec::new();
    for letter in keys.chars() {
        let code = match letter {
            '\r' => KeyCode::Enter,
            '\t' => KeyCode::Tab,
            '\u{1b}' => KeyCode::Esc,
            letter => KeyCode::Char(letter),
        };
        requests.extend(update::event(state, &Event::Key(KeyEvent::new(code, KeyModifiers::NONE))));
    }
    requests
}

/// The windows whose numbers are asked for.
fn readings(requests: &[Asked]) -> Vec<Span> {
    let of = |request: &Asked| match request {
        Asked::Gauges(Request::Figures { wanted, .. }) => Some(wanted.span),
        _ => None,
    };
    requests.iter().filter_map(of).collect()
}

/// What the calls are that are asked for.
fn drilled(requests: &[Asked]) -> Vec<(Which, Only)> {
    let of = |request: &Asked| match request {
        Asked::Gauges(Request::Calls { behind, .. }) => Some((behind.which, behind.only.clone())),
        _ => None,
    };
    requests.iter().filter_map(of).collect()
}

fn lines(state: &State) -> Vec<String> {
    state.gauges.sides.iter().flatten().map(|line| line.pieces.iter().map(Piece::text).collect()).collect()
}

#[test]
fn numbers_are_read_once_a_second_at_most_while_calls_come_in_and_not_at_all_when_idle() {
    let mut state = opened(80, 24);
    let asked_at = state.gauges.asked_at;
    assert_eq!(readings(&refresh::refreshed(&mut state)), [], "the last reading is younger than a second");
    assert_eq!(refresh::wakes(&state, NOW + 300), Some(asked_at + 1_000 - NOW - 300));
    state.now = NOW + 1_000;
    assert_eq!(readings(&tabs::caught_up(&mut state)).len(), 1);
    assert_eq!(readings(&refresh::refreshed(&mut state)), [], "it is on its way");
    answered(&mut state);
    state.now = NOW + 2_500;
    // What came in meanwhile is read then; after that nothing is, and nobody wakes for it.
    assert_eq!(readings(&tabs::caught_up(&mut state)).len(), 1);
    answered(&mut state);
    assert_eq!((refresh::wakes(&state, NOW), tabs::caught_up(&mut state).len()), (None, 0));
    state.now = NOW + 20 * MINUTE;
    assert_eq!(readings(&tabs::caught_up(&mut state)), [], "the running hour goes on");
    state.now = NOW + 60 * MINUTE;
    assert_eq!(readings(&tabs::caught_up(&mut state)).len(), 1, "another hour stands in the window");
    // Who was sent what in the last minute is old after a minute.
    let mut busy = figures(&state);
    busy.traffic = vec![Traffic { requests: 1, ..Traffic::default() }];
    let generation = state.gauges.generation;
    update::reply(&mut state, Whole::Gauges(Reply::Figures { generation, is_awaited: false, result: Ok(Some(busy)) }));
    state.now += 61_000;
    assert_eq!(readings(&tabs::caught_up(&mut state)).len(), 1);
}

#[test]
fn spans_are_changed_scrubbed_and_left_by_keys() {
    let mut state = opened(80, 24);
    let kinds = |state: &mut State, keys: &str| {
        let spans = readings(&press(state, keys));
        answered(state);
        spans.last().map(|span| (span.kind, span.is_live()))
    };
    assert_eq!(kinds(&mut state, "+"), Some((Kind::Week, true)));
    assert_eq!(kinds(&mut state, "---"), Some((Kind::Now, true)));
    assert_eq!(kinds(&mut state, "-"), None);
    assert_eq!(kinds(&mut state, "++"), Some((Kind::Day, true)));
    assert_eq!(kinds(&mut state, "3<"), Some((Kind::Day, false)));
    assert_eq!(state.gauges.span.window(NOW).until, Span::of(Kind::Day).window(NOW).since - 2 * 86_400_000);
    // The past is not read again, and is told apart from the present.
    assert_eq!(readings(&refresh::refreshed(&mut state)), []);
    assert_eq!(kinds(&mut state, ">"), Some((Kind::Day, false)));
    assert_eq!(kinds(&mut state, "."), Some((Kind::Day, true)));
    assert_eq!(kinds(&mut state, "<\u{1b}"), Some((Kind::Day, true)), "esc comes back from the past");
    assert_eq!(kinds(&mut state, "c2026-11-01 2026-11-03\r"), Some((Kind::Custom, false)));
    assert_eq!(kinds(&mut state, "csoon\r"), None);
    assert!(state.toast().is_some_and(|said| said.is_error) && !state.layers.is_empty(), "what was typed is asked for again");
}

#[test]
fn a_pause_holds_the_numbers_and_ends_with_a_look() {
    let mut state = opened(80, 24);
    press(&mut state, " ");
    assert!(state.gauges.paused.is_some());
    state.now += 5_000;
    assert_eq!(readings(&refresh::refreshed(&mut state)), []);
    assert_eq!(refresh::wakes(&state, state.now), None);
    assert_eq!(readings(&press(&mut state, " ")).len(), 1);
    assert!(state.gauges.paused.is_none());
}

#[test]
fn an_answer_that_is_no_longer_wanted_is_not_shown() {
    let mut state = opened(80, 24);
    let old = (state.gauges.generation, figures(&state));
    press(&mut state, "+");
    update::reply(&mut state, Whole::Gauges(Reply::Figures { generation: old.0, is_awaited: true, result: Ok(Some(old.1)) }));
    assert!(state.gauges.reading);
    answered(&mut state);
    assert_eq!(state.gauges.figures.as_ref().map(|figures| figures.wanted.span.kind), Some(Kind::Week));
}

#[test]
fn every_number_leads_to_its_calls_and_esc_comes_back() {
    let mut state = opened(80, 24);
    assert_eq!(act::here(&state), Some(Item::Figure(Figure::Spend)));
    assert_eq!(drilled(&press(&mut state, "\r")), [(Which::All, Only::default())]);
    assert!(state.gauges.calls.is_some());
    press(&mut state, "\u{1b}");
    assert!(state.gauges.calls.is_none());
    assert_eq!(drilled(&press(&mut state, "ll\r")), [(Which::Unpriced, Only::default())]);
    press(&mut state, "\u{1b}");
    // Down to the answers: failed ones are their first number.
    press(&mut state, "gg");
    while act::here(&state) != Some(Item::Figure(Figure::Errors)) {
        press(&mut state, "l");
    }
    assert_eq!(drilled(&press(&mut state, "\r")), [(Which::Failed, Only::default())]);
    press(&mut state, "\u{1b}");
    while act::here(&state) != Some(Item::Figure(Figure::P95)) {
        press(&mut state, "l");
    }
    assert_eq!(drilled(&press(&mut state, "\r")), [(Which::Slow(2_100_000), Only::default())]);
    press(&mut state, "\u{1b}\t");
    let only = Only { model: Some("anthropic/claude-haiku-4.5".into()), ..Only::default() };
    assert_eq!(drilled(&press(&mut state, "\r")), [(Which::All, only)]);
    // What there is none of is said, and nothing is asked.
    press(&mut state, "\u{1b}jj");
    assert_eq!(act::here(&state), Some(Item::Group("made/up".into())));
    assert_eq!(drilled(&press(&mut state, "\r")), []);
}

#[test]
fn the_table_is_divided_and_ordered_by_what_is_chosen_and_the_cursor_stays() {
    let mut state = opened(80, 24);
    press(&mut state, "\tj");
    let here = act::here(&state);
    assert_eq!(here, Some(Item::Group("openai/gpt-5-mini".into())));
    press(&mut state, "SSSS");
    let text = lines(&state).join("\n");
    assert!(text.contains("by name") && text.find("made/up") < text.find("openai/gpt-5-mini"), "{text}");
    assert_eq!(act::here(&state), here);
    for by in [By::Module, By::Persona, By::Category, By::Model] {
        assert_eq!(readings(&press(&mut state, "b")).len(), 1);
        assert_eq!(state.gauges.by, by);
    }
}

#[test]
fn what_is_not_known_is_not_nothing_and_what_rests_on_little_says_so() {
    let mut state = opened(140, 40);
    let text = lines(&state).join("\n");
    assert!(text.contains("? 4 unknown") && text.contains("+?"), "{text}");
    assert!(text.contains("n 42, few") && text.contains("▲ 1.23 times as much now"), "{text}");
    let nothing = Box::new(Figures {
        total: Sums::default(),
        before: Sums::default(),
        latency: Latencies::default(),
        first_token: Latencies::default(),
        groups: Vec::new(),
        drifts: Vec::new(),
        ..*figures(&state)
    });
    let generation = state.gauges.generation;
    update::reply(&mut state, Whole::Gauges(Reply::Figures { generation, is_awaited: true, result: Ok(Some(nothing)) }));
    let text = lines(&state).join("\n");
    assert!(text.contains("? a call") && text.contains("P50 ?   P95 ?   P99 ?") && text.contains("? errors"), "{text}");
}

fn pictured(state: &mut State) -> Vec<String> {
    let mut terminal = ratatui::Terminal::new(ratatui::backend::TestBackend::new(state.width, state.height)).unwrap();
    terminal.draw(|frame| crate::console::draw::draw(state, frame)).unwrap();
    let buffer = terminal.backend().buffer().clone();
    (0..buffer.area.height).map(|y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn no_size_and_no_keys_make_it_panic_or_cut_a_number(width in 60_u16..200, height in 16_u16..60, keys in "[jkhlG+\\-<>.bS \t\r\u{1b}]{0,24}") {
        let mut state = opened(width, height);
        press(&mut state, &keys);
        answered(&mut state);
        pictured(&mut state);
        state.gauges.calls = None;
        state.gauges.opened = None;
        act::lay_out(&mut state);
        let places = draw::places(&state);
        for (side, area) in [places.left, places.right].into_iter().enumerate() {
            for line in &state.gauges.sides[side] {
                let wide: usize = line.pieces.iter().map(|piece| crate::console::draw::columns(piece.text())).sum();
                prop_assert!(wide <= usize::from(area.width).saturating_sub(2), "{wide} of {area:?}: {line:?}");
            }
        }
        let _ = Step::Day;
    }
}
