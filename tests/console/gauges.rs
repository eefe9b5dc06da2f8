//! The gauges' tab: what calls cost, over a span that is chosen, and the way from a number to the draft that it was spent on.

use crate::harness::{Console, Home, chosen, message, short};
use quarterdeck::base::{Clock, Millis, SystemClock};
use quarterdeck::llm::budget::{Period, Scope, Threshold, book, model::Budget};
use quarterdeck::llm::ledger::{self, Category, Outcome, Settled, Started};
use quarterdeck::llm::price::Book;
use quarterdeck::llm::reported::Reported;
use quarterdeck::store::audit::Actor;
use quarterdeck::store::{Conn, Error};
use std::time::Duration;

const DAY: Millis = 86_400_000;
const USAGE: &str = r#"{"prompt_tokens":1000,"completion_tokens":100,"cost":0.00045}"#;

/// A call that is over, as an agent elsewhere makes it, so long ago.
fn call(home: &Home, id: &str, ago: Millis, model: &str, outcome: Outcome) {
    let (persona, id, model, at) = (home.persona.clone(), id.to_owned(), model.to_owned(), SystemClock.now() - ago);
    let work = move |c: &mut dyn Conn| -> Result<(), Error> {
        let started = Started {
            id: id.clone(),
            request_id: id,
            attempt: 1,
            persona: Some(persona),
            module: "draft".into(),
            correlation_id: "test".into(),
            model_asked: model,
            streamed: false,
            started_at: at,
            category: Category::Interactive,
            queued: Duration::ZERO,
            reserved: None,
        };
        let is_ok = outcome == Outcome::Ok;
        let settled = Settled {
            finished_at: at + 900,
            outcome,
            model_answered: None,
            provider: None,
            generation_id: None,
            service_tier: None,
            latency: Duration::from_millis(900),
            first_token: None,
            reported: Reported::read(if is_ok { USAGE } else { "{}" }),
            http_status: Some(if is_ok { 200 } else { 503 }),
            error_type: (!is_ok).then(|| "provider_overloaded".into()),
            error_message: (!is_ok).then(|| "the provider is overloaded".into()),
            finish_reason: None,
        };
        ledger::start(c, &started)?;
        ledger::settle(c, &Book::embedded().unwrap(), &started, &settled)?;
        Ok(())
    };
    home.database.write_blocking(work).unwrap();
}

/// A home with a draft and the calls that it cost, and with others of yesterday.
fn spent() -> (Home, String) {
    let (home, mut ids) = Home::with(&["Rivers carry sediment to the delta."]);
    for number in 0..3 {
        call(&home, &format!("today-{number}"), 60_000 * number, "openai/gpt-5-mini", Outcome::Ok);
    }
    call(&home, "failed", 70_000, "anthropic/claude-haiku-4.5", Outcome::Error);
    for number in 0..5 {
        call(&home, &format!("before-{number}"), 3 * DAY + number, "openai/gpt-5-mini", Outcome::Ok);
    }
    (home, ids.remove(0))
}

fn gauges(home: &Home, columns: u16, rows: u16) -> Console {
    let mut console = home.console_of(columns, rows);
    console.shows("[Queue").keys("gc").shows("[Gauges]");
    console
}

#[test]
fn an_empty_ledger_says_so_and_the_first_call_stands_there_at_once() {
    let home = Home::new();
    let mut console = gauges(&home, 80, 24);
    console.shows("No model was called yet").shows("[day]");
    call(&home, "first", 0, "openai/gpt-5-mini", Outcome::Ok);
    console.shows("1 call").hides("No model was called").shows("$0.000450").shows("openai/gpt-5-mini");
    // More calls are more numbers, without a key.
    call(&home, "second", 0, "openai/gpt-5-mini", Outcome::Ok);
    console.shows("2 calls").shows("$0.000900").shows("no budget is set");
}

#[test]
fn the_span_is_changed_and_scrubbed_with_keys() {
    for (columns, rows) in [(80, 24), (140, 40)] {
        let (home, _) = spent();
        let mut console = gauges(&home, columns, rows);
        console.shows("4 calls").shows("✗ 25 % errors").shows("live");
        console.keys("+").shows("[week]").shows("9 calls").keys("-").shows("[day]").shows("4 calls");
        // The day three days ago; the present is a key away.
        console.keys("3<").shows("THE PAST").shows("5 calls").hides("THE PAST!").keys("<").shows("0 calls").keys(">").shows("5 calls");
        console.keys(".").shows("live").shows("4 calls");
        console.keys("c").shows("since when, and until when").keys("4d 2d\r").shows("[custom]").shows("THE PAST").shows("5 calls");
        console.keys("\x1b").shows("[custom]").shows("live").shows("9 calls");
        console.keys("csoon\r").says("is no time").shows("since when").keys("\x1b").hides("since when");
    }
}

#[test]
fn a_pause_is_told_and_holds_the_numbers() {
    let (home, _) = spent();
    let mut console = gauges(&home, 80, 24);
    console.shows("4 calls").keys(" ").shows("PAUSED").says("stand still");
    call(&home, "meanwhile", 0, "openai/gpt-5-mini", Outcome::Ok);
    // Another tab shows that the change has arrived; the paused numbers do not.
    console.keys("jk").shows("4 calls").keys(" ").hides("PAUSED").shows("5 calls");
}

#[test]
fn from_a_number_to_its_calls_to_the_call_to_the_draft_and_back() {
    for (columns, rows) in [(80, 24), (140, 40)] {
        let (home, id) = spent();
        let mut console = gauges(&home, columns, rows);
        console.shows("4 calls").keys("\r").shows("all calls: 4, the newest first").chooses("openai/gpt-5-mini");
        console.keys("G").wait_for(|screen| chosen(screen).is_some_and(|line| line.contains("draft")), "the oldest call").keys("gg");
        console.keys("\r").shows("reported").shows("$0.00045").shows("report and book agree").shows("its question was asked once");
        console.shows(short(&id)).shows("no trace was kept of it");
        // Its draft, in the queue; the tab is as it was left.
        console.keys("o").shows("[Queue").chooses("Rivers carry sediment").keys("gc").shows("its question was asked once");
        console.keys("\x1b").shows("all calls: 4").keys("\x1b").hides("all calls").shows("spend");
        // The calls that failed, by way of their number.
        console.keys("jjj\r").shows("calls that failed: 1").chooses("✗").keys("\r").shows("the provider is overloaded").shows("(503)");
        console.keys("\x1b").shows("calls that failed: 1").keys("\x1b");
        // What there is none of is said.
        console.hides("calls that failed").keys("l\r").says("there are no calls that were interrupted");
    }
}

#[test]
fn the_table_is_divided_by_what_is_chosen_and_leads_to_the_calls_of_a_row() {
    let (home, _) = spent();
    let mut console = gauges(&home, 80, 24);
    console
        .shows("cost by model, dearest first")
        .keys("\t")
        .chooses("openai/gpt-5-mini")
        .keys("\r")
        .shows("calls of model openai/gpt-5-mini: 3");
    console.keys("\x1b").hides("calls of model").keys("b").shows("cost by module").keys("b").shows("cost by persona").shows("u/").keys("b");
    console.shows("cost by category").shows("interactive").keys("S").shows("most calls first");
}

#[test]
fn a_budget_stands_there_with_its_thresholds_and_its_end() {
    let (home, _) = spent();
    let budget = Budget {
        id: "b1".into(),
        name: "monthly".into(),
        scope: Scope::Global,
        period: Period::Lifetime,
        zone: chrono_tz::Tz::UTC,
        limit: quarterdeck::base::Picos(4_500_000_000),
        is_hard: false,
        thresholds: Threshold::usual(),
        unpriced_allowed: Vec::new(),
    };
    home.database.write_blocking(move |c| book::set(c, &budget, &Actor::human("ana"), SystemClock.now())).unwrap();
    let mut console = gauges(&home, 80, 24);
    // Eight calls of $0.00045 of $0.0045.
    console.shows("monthly").shows("▲ 80 % of $0.004500").shows("this month");
    console.resize(140, 40);
    console.shows("50 % ✓   75 % ✓").shows("spend by hour");
}

#[test]
fn what_is_shown_is_exported_and_nothing_is_written_over() {
    let (home, _) = spent();
    let mut console = gauges(&home, 80, 24);
    console.shows("4 calls").keys("e").shows("a new file in this directory").keys("\r").says("written to costs.csv");
    let text = std::fs::read_to_string(home.path("costs.csv")).unwrap();
    let rows: Vec<&str> = text.lines().collect();
    assert!(rows[0].starts_with("model,calls,errors") && rows[1].starts_with("openai/gpt-5-mini,3,0,"), "{text}");
    assert!(rows[3].starts_with("(all),4,1,") && rows[3].contains(",0.00135,"), "{text}");
    console
        .keys("e\r")
        .says("exists already and stays as it is")
        .keys("\x15\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7fday.json\r")
        .says("written to day.json");
    let day: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(home.path("day.json")).unwrap()).unwrap();
    assert_eq!((day["total"]["calls"].as_i64(), day["span"].as_str()), (Some(4), Some("day")));
    // The calls behind a number, the same way.
    console.keys("\r").shows("all calls: 4").keys("e").shows("calls.csv").keys("\r").says("written to calls.csv");
    let calls = std::fs::read_to_string(home.path("calls.csv")).unwrap();
    assert_eq!((calls.lines().count(), calls.contains("today-0,today-0,1,")), (5, true), "{calls}");
    console.keys("y").says("in the clipboard").keys("Y").says("(copied)");
}

#[test]
fn names_from_outside_stay_text() {
    let home = Home::new();
    call(&home, "odd", 0, "evil\u{1b}]0;title\u{7}/\u{202e}model", Outcome::Ok);
    let mut console = gauges(&home, 80, 24);
    console.shows("1 call").shows("evil").keys("\r").shows("all calls: 1").keys("\r").shows("its question was asked once");
    let raw = String::from_utf8_lossy(&console.raw()).into_owned();
    assert!(!raw.contains("\u{1b}]0;title") && !raw.contains('\u{202e}'));
    assert_eq!(console.broken(), 0);
    assert!(console.screen().contains("evil") && !message_is_error(&console));
}

fn message_is_error(console: &Console) -> bool {
    console.screen().lines().nth(22).is_some_and(|line| line.starts_with('✗'))
}

#[test]
fn the_smallest_screen_holds_it_and_a_larger_one_more() {
    let (home, _) = spent();
    let mut console = gauges(&home, 80, 24);
    console.shows("4 calls").resize(60, 16).shows("spend").keys("G").chooses("anthropic/");
    console.resize(200, 60).shows("spend by hour").shows("cost by model").keys("\tgg").chooses("spend");
    console.wait_for(|screen| message(screen).trim().is_empty() || !message(screen).contains("cannot"), "no failure");
}
