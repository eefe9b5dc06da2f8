//! Reports as operators and scripts see them: the real program over a real ledger.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/ledger.rs"]
mod ledger;

use ledger::{Call, Home};
use proptest::prelude::*;
use quarterdeck::base::{Clock as _, Millis, PersonaId, Picos, SystemClock};
use quarterdeck::llm::ledger::{Category, Outcome};
use quarterdeck::report::sums::{self, By, Latencies, Only, Step, Sums, Window};
use quarterdeck::store::{Conn, Error};
use serde_json::Value;

const HOUR: Millis = 3_600_000;
const DAY: Millis = 24 * HOUR;
const MINI: &str = "openai/gpt-5-mini";
const HAIKU: &str = "anthropic/claude-haiku-4.5";

fn at(text: &str) -> Millis {
    chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
}

/// A quarter of calls: 40 a day at $0.01 and 10 at $0.05, and one day that cost much more.
fn filled() -> Home {
    let home = Home::new();
    let mut calls = Vec::new();
    for day in 0..75 {
        let midnight = at("2026-08-18T00:00:00Z") + day * DAY;
        let is_spike = midnight == at("2026-10-14T00:00:00Z");
        for number in 0..if is_spike { 160 } else { 20 } {
            calls.push(Call::of(midnight + number * 500_000, MINI, "draft", "0.01", 800 + number as u64));
        }
        for number in 0..5 {
            calls.push(Call { category: Category::Batch, ..Call::of(midnight + number * HOUR, HAIKU, "consistency", "0.05", 2_000) });
        }
        calls.push(Call::of(midnight + HOUR, HAIKU, "consistency", "0", 30_000).failed(Outcome::Error));
    }
    calls.push(Call::of(at("2026-10-20T10:00:00Z"), HAIKU, "consistency", "0", 9_000).failed(Outcome::Interrupted));
    home.calls(calls);
    home
}

#[test]
fn a_month_is_told_by_everything_and_in_every_format() {
    let home = filled();
    let month = ["--month", "2026-10"];
    let cost = |more: &[&str]| home.run(&[&["report", "cost"], &month[..], more].concat()).done();
    let value = cost(&["--json"]).json();
    assert_eq!(
        (value["since"].as_str().unwrap(), value["until"].as_str().unwrap()),
        ("2026-10-01T00:00:00.000Z", "2026-11-01T00:00:00.000Z")
    );
    let rows = value["rows"].as_array().unwrap();
    assert_eq!(rows.iter().map(|row| row["model"].as_str().unwrap()).collect::<Vec<_>>(), [HAIKU, MINI], "the dearest first");
    // 31 days; the day of the spike has 140 calls more.
    assert_eq!(rows[1]["calls"], 31 * 20 + 140);
    assert!((rows[1]["cost_usd"].as_f64().unwrap() - 7.6).abs() < 1e-9);
    assert_eq!((rows[0]["calls"].as_i64(), rows[0]["unknown_cost_calls"].as_i64()), (Some(31 * 6 + 1), Some(1)));
    assert!(value["notes"][0].as_str().unwrap().contains("1 call is of unknown cost"), "{value}");

    let csv = cost(&["--format", "csv", "--by", "module"]).out;
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].starts_with("module,calls,cost_usd,"), "{csv}");
    assert!(lines[1].starts_with("consistency,187,7.75,"), "{csv}");
    let markdown = cost(&["--format", "markdown", "--by", "category"]).out;
    assert!(markdown.starts_with("# Cost by category\n\n2026-10-01 00:00 to 2026-11-01 00:00 (UTC)\n"), "{markdown}");
    assert!(markdown.contains("| batch | 155 | $7.75 |"), "{markdown}");
    let text = cost(&["--by", "day"]).out;
    let spike = text.lines().find(|line| line.starts_with("2026-10-14")).unwrap();
    assert!(spike.contains("166") && spike.contains("$1.85"), "{text}");
    assert_eq!(cost(&["--json", "--format", "json"]).json()["rows"].as_array().unwrap().len(), 2);
    home.run(&["report", "cost", "--json", "--format", "csv"]).refused(2, "cannot both");
}

#[test]
fn latencies_show_what_they_rest_on_and_what_a_runbook_says_of_them() {
    let home = filled();
    let value = home.run(&["report", "latency", "--month", "2026-10", "--slo", "modules", "--json"]).done().json();
    let mini = value["rows"].as_array().unwrap().iter().find(|row| row["model"] == MINI).unwrap();
    assert_eq!((mini["n"].as_i64(), mini["first_token_n"].as_i64()), (Some(760), Some(760)));
    assert!((800.0..900.0).contains(&mini["p50_ms"].as_f64().unwrap()), "{value}");
    assert_eq!(mini["level"], "critical", "a median over 500 ms");
    let errors = value["slo"].as_array().unwrap().iter().find(|row| row["measure"] == "errors").unwrap();
    assert_eq!(errors["level"], "good", "{errors}");
    assert!(errors["source"].as_str().unwrap().contains("95 %"));

    // Four calls are few: their percentiles are marked.
    let few = ["report", "latency", "--since", "2026-10-01", "--until", "2026-10-01 02:30"];
    let markdown = home.run(&[&few[..], &["--model", HAIKU, "--format", "markdown"]].concat()).done().out;
    assert!(markdown.contains("_2.00 s_") && markdown.contains("fewer than 100 calls"), "{markdown}");
    // The setting chooses the runbook; a name that is none is refused with those there are.
    let mut other = home.command(&["report", "latency", "--month", "2026-10"]);
    let text = String::from_utf8(other.env("QUARTERDECK_SLO", "textbook-query").output().unwrap().stdout).unwrap();
    assert!(text.contains("300 ms") && text.contains("textbook"), "{text}");
    home.run(&["report", "latency", "--slo", "moon"]).refused(2, "textbook-answer");
}

#[test]
fn documents_of_a_week_and_a_month_tell_trends_and_explain_spikes() {
    let home = filled();
    home.run(&["budget", "set", "monthly", "--limit", "20", "--period", "month"]).done();
    let month = home.run(&["report", "month", "2026-10"]).done().out;
    for words in [
        "# Model calls in 2026-10\n",
        "| calls | 947 | 780 |",
        "Cost day by day: ",
        "## Days that cost much more than such days do, and what explains them",
        "| 2026-10-14 UTC | $1.85 | $0.4500 | openai/gpt-5-mini | draft | $1.40 | $1.40 | $0.00 | $0.00 |",
        "## Budgets as they stand now",
        "| monthly | global | $20.00 a month |",
        "## Objectives: a person waits for help",
        "| consistency | timeout | 32 |",
    ] {
        assert!(month.contains(words), "{words:?} is not in {month}");
    }
    let week = home.run(&["report", "week", "2026-W42", "--json"]).done().json();
    assert_eq!((week["report"].as_str(), week["since"].as_str()), (Some("week"), Some("2026-10-12T00:00:00.000Z")));
    assert_eq!(week["spikes"].as_array().unwrap().len(), 1);
    assert_eq!(week["days"].as_array().unwrap().len(), 7);
    home.run(&["report", "week", "2026-W99"]).refused(2, "2026-W47");
    home.run(&["report", "month", "October"]).refused(2, "2026-10");
}

#[test]
fn growth_compares_each_step_with_the_one_before() {
    let home = Home::new();
    let now = SystemClock.now();
    let mut calls = Vec::new();
    for (weeks, count) in [(3, 10), (2, 20), (1, 40)] {
        for number in 0..count {
            calls.push(Call::of(now - weeks * 7 * DAY + number, MINI, "draft", "0.01", 100));
        }
    }
    home.calls(calls);
    let value = home.run(&["report", "growth", "--by", "week", "--steps", "5", "--json"]).done().json();
    let rows = value["rows"].as_array().unwrap();
    assert_eq!(rows.iter().map(|row| row["calls"].as_i64().unwrap()).collect::<Vec<_>>(), [10, 20, 40, 0]);
    assert_eq!((&rows[0]["calls_change"], rows[1]["calls_change"].as_f64()), (&Value::Null, Some(1.0)));
    assert!(value["notes"][0].as_str().unwrap().contains("calls double in about 1.0 weeks"), "{value}");
    home.run(&["report", "growth", "--steps", "1"]).refused(2, "2..=120");
}

#[test]
fn an_empty_ledger_says_so_everywhere_and_divides_by_nothing() {
    let home = Home::new();
    for words in [
        vec!["cost"],
        vec!["cost", "--by", "day", "--last", "month"],
        vec!["latency"],
        vec!["models"],
        vec!["tokens", "--by", "hour"],
        vec!["growth"],
        vec!["week"],
        vec!["month", "this"],
        vec!["cost", "--month", "2031-01"],
    ] {
        for format in ["text", "csv", "json", "markdown"] {
            let did = home.run(&[&["report"], &words[..], &["--format", format]].concat()).done();
            assert!(!did.out.contains("NaN") && !did.out.contains("inf"), "{did:?}");
            if format != "csv" {
                assert!(did.out.contains("There were no calls in this span"), "{words:?} {did:?}");
            }
        }
    }
}

#[test]
fn what_is_not_understood_is_refused_with_what_would_be() {
    let home = Home::new();
    for (words, text) in [
        (vec!["cost", "--by", "moon"], "possible values: model, module, persona, category, day, hour"),
        (vec!["cost", "--last", "soon"], "24h"),
        (vec!["cost", "--month", "2026-13"], "2026-10"),
        (vec!["cost", "--since", "2026-11-02", "--until", "2026-11-01"], "ends before it begins"),
        (vec!["cost", "--since", "yesterday"], "2026-11-21"),
        (vec!["cost", "--until", "2026-11-01"], "--since"),
        (vec!["cost", "--last", "24h", "--month", "last"], "cannot be used with"),
        (vec!["cost", "--zone", "Middle/Earth"], "Europe/Berlin"),
        (vec!["cost", "--category", "moon"], "infrastructure"),
    ] {
        home.run(&[&["report"], &words[..]].concat()).refused(2, text);
    }
    home.run(&["report", "cost", "--persona", "Nobody"]).refused(1, "Nobody");
    let mut wrong = home.command(&["report", "cost"]);
    let output = wrong.env("QUARTERDECK_ZONE", "Mars").output().unwrap();
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("time zone"));
}

#[test]
fn days_are_those_of_the_zone_also_when_clocks_change() {
    let home = Home::new();
    // The hour that comes twice in Berlin on 2026-10-25, and both sides of the midnight that ends the month there.
    home.calls(
        [
            "2026-10-24T21:59:59Z",
            "2026-10-24T22:00:00Z",
            "2026-10-25T00:30:00Z",
            "2026-10-25T01:30:00Z",
            "2026-10-25T22:59:59Z",
            "2026-10-31T22:59:59Z",
            "2026-10-31T23:00:00Z",
        ]
        .map(|moment| Call::of(at(moment), MINI, "draft", "0.01", 100))
        .to_vec(),
    );
    let days = |zone: &str| {
        let value = home.run(&["report", "cost", "--by", "day", "--month", "2026-10", "--zone", zone, "--json"]).done().json();
        value["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| (row["day"].as_str().unwrap().to_owned(), row["calls"].as_i64().unwrap()))
            .collect::<Vec<_>>()
    };
    let expected = |days: &[(&str, i64)]| days.iter().map(|(day, count)| ((*day).to_owned(), *count)).collect::<Vec<_>>();
    assert_eq!(days("Europe/Berlin"), expected(&[("2026-10-24", 1), ("2026-10-25", 4), ("2026-10-31", 1)]));
    assert_eq!(days("UTC"), expected(&[("2026-10-24", 2), ("2026-10-25", 3), ("2026-10-31", 2)]));
    // Half an hour beside the full one.
    assert_eq!(days("Asia/Kolkata"), expected(&[("2026-10-25", 4), ("2026-10-26", 1)]));
}

#[test]
fn personas_are_named_and_nobody_is_nobody() {
    let home = Home::new();
    home.run(&["seed"]).done();
    let id = home.db.read_blocking(|c| quarterdeck::memory::personas::find(c, "DemoAgentBot")).unwrap().id;
    let now = SystemClock.now();
    home.calls(vec![
        Call { persona: Some(id.to_string()), ..Call::of(now - 60_000, MINI, "draft", "0.02", 100) },
        Call::of(now - 60_000, MINI, "canary", "0.01", 100),
    ]);
    let value = home.run(&["report", "cost", "--by", "persona", "--json"]).done().json();
    let names: Vec<&str> = value["rows"].as_array().unwrap().iter().map(|row| row["persona"].as_str().unwrap()).collect();
    assert_eq!(names, ["DemoAgentBot", "(nobody)"]);
    let value = home.run(&["report", "latency", "--persona", "DemoAgentBot", "--json"]).done().json();
    assert_eq!(value["rows"][0]["n"], 1);
}

/// The sums of a window, counted one call after the other.
fn counted(calls: &[Call], window: &Window, only: &Only) -> Sums {
    let mut sums = Sums::default();
    for call in calls.iter().filter(|call| window.since <= call.at && call.at < window.until) {
        let Some(outcome) = call.outcome else { continue };
        let is_meant = only.model.as_deref().is_none_or(|model| model == call.model)
            && only.persona.as_ref().is_none_or(|persona| call.persona.as_deref() == Some(persona.as_str()))
            && only.category.is_none_or(|category| category == call.category);
        if !is_meant {
            continue;
        }
        sums.calls += 1;
        sums.errors += i64::from(outcome == Outcome::Error);
        sums.interrupted += i64::from(outcome == Outcome::Interrupted);
        sums.latency_count += 1;
        sums.latency_us += call.latency_ms as i64 * 1_000;
        sums.queue_us += 2_000;
        sums.unpriced += i64::from(outcome == Outcome::Interrupted);
        if outcome == Outcome::Ok {
            sums.tokens_in += 1_000;
            sums.tokens_out += 100;
            sums.tokens_cached += 250;
            sums.charged = sums.charged.saturating_add(Picos(10_000_000_000));
        }
    }
    sums
}

fn some_calls() -> impl Strategy<Value = Vec<Call>> {
    let call = (0..4 * DAY, 0_usize..2, 0_usize..3, 0_usize..3, 0_usize..4, 1_u64..100_000).prop_map(
        |(after, model, persona, category, outcome, latency)| {
            let call = Call {
                persona: [None, Some("p1".to_owned()), Some("p2".to_owned())][persona].clone(),
                category: Category::ALL[category],
                ..Call::of(at("2026-10-01T00:00:00Z") + after, [MINI, HAIKU][model], ["draft", "consistency"][model], "0.01", latency)
            };
            match outcome {
                0 => call.failed(Outcome::Error),
                1 => call.failed(Outcome::Interrupted),
                2 => call.under_way(),
                _ => call,
            }
        },
    );
    prop::collection::vec(call, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]
    #[test]
    fn every_window_is_what_its_calls_add_up_to(calls in some_calls(), windows in prop::collection::vec((-HOUR..4 * DAY, 0..5 * DAY), 6)) {
        let home = Home::new();
        home.calls(calls.clone());
        home.db.read_blocking(move |c: &mut dyn Conn| {
            for (number, (since, length)) in windows.into_iter().enumerate() {
                // Every second one begins and ends with an hour.
                let round = |moment: Millis| if number % 2 == 0 { moment } else { moment - moment.rem_euclid(HOUR) };
                let since = round(at("2026-10-01T00:00:00Z") + since);
                let window = Window { since, until: round(since + length) };
                for only in [
                    Only::default(),
                    Only { model: Some(MINI.into()), ..Only::default() },
                    Only { persona: Some(PersonaId::from_stored("p1")), category: Some(Category::Batch), ..Only::default() },
                ] {
                    let expected = counted(&calls, &window, &only);
                    let found = sums::total(c, &window, &only)?;
                    // What the book says of it is tested elsewhere.
                    let found = Sums { reported: Picos::ZERO, computed: Picos::ZERO, odd: 0, drift: Picos::ZERO, ..found };
                    assert_eq!(found, expected, "{window:?} {only:?}");
                    for by in [By::Model, By::Module, By::Persona, By::Category, By::Day, By::Hour] {
                        let all: i64 = sums::by(c, &window, by, &only)?.iter().map(|(_, sums)| sums.calls).sum();
                        assert_eq!(all, expected.calls, "{by:?}");
                    }
                    for step in [Step::Hour, Step::Day] {
                        let series = sums::series(c, &window, step, &only)?;
                        assert_eq!(series.iter().map(|(_, sums)| sums.calls).sum::<i64>(), expected.calls);
                        assert!(series.windows(2).all(|pair| pair[1].0 - pair[0].0 == step.length()));
                    }
                    let latencies = sums::latencies(c, &window, By::Model, &only)?;
                    assert_eq!(latencies.iter().map(|(_, answer, _)| answer.n).sum::<u64>(), expected.latency_count as u64);
                }
            }
            Ok::<_, Error>(())
        }).unwrap();
    }
}

#[test]
fn sketches_agree_with_exact_percentiles_and_a_narrow_question_is_counted() {
    let home = Home::new();
    let start = at("2026-10-01T00:00:00Z");
    let mut random = fastrand::Rng::with_seed(3);
    let calls: Vec<Call> = (0..5_400)
        .map(|number| Call {
            persona: (number % 2 == 0).then(|| "p1".to_owned()),
            ..Call::of(start + number * 40_000, MINI, "draft", "0.01", 100 + random.u64(..5_000))
        })
        .collect();
    let mut exact: Vec<u64> = calls.iter().map(|call| call.latency_ms * 1_000).collect();
    exact.sort_unstable();
    home.calls(calls);
    let window = Window { since: start - 5, until: start + 30 * DAY + 7 };
    let read = |only: Only| home.db.read_blocking(move |c| sums::latencies(c, &window, By::Model, &only)).unwrap();
    let (_, answer, first): (String, Latencies, Latencies) = read(Only::default()).remove(0);
    assert!(!answer.is_exact && answer.n == 5_400 && first.n == 5_400);
    for (found, rank) in [(answer.p50_us, 2_699), (answer.p95_us, 5_129), (answer.p99_us, 5_345)] {
        let (found, exact) = (found.unwrap() as f64, exact[rank] as f64);
        assert!((found / exact - 1.0).abs() < 0.02, "{found} {exact}");
    }
    let (_, answer, _) = read(Only { persona: Some(PersonaId::from_stored("p1")), ..Only::default() }).remove(0);
    assert!(answer.is_exact && answer.n == 2_700);
}
