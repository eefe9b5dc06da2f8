//! The ledger: the cost of one call, what its books add to a call, and how long gauges and reports take over very many calls.
//!
//! `cargo bench --bench ledger -- 10000000` for the figures of BENCHMARKS.md; without a number 100,000 calls.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use chrono_tz::Tz;
use quarterdeck::base::{Clock, Millis, PersonaId, Picos, SystemClock, TestClock, new_id};
use quarterdeck::llm::budget::{Admission, admission, outlook, presets};
use quarterdeck::llm::ledger::pending::Pending;
use quarterdeck::llm::ledger::rollup::Sample;
use quarterdeck::llm::ledger::{self, Category, Outcome, Settled, Started};
use quarterdeck::llm::price::{Book, cost};
use quarterdeck::llm::reported::Reported;
use quarterdeck::report::document::{self, Wanted};
use quarterdeck::report::growth::{self, Step as Growth};
use quarterdeck::report::sums::{self, By, Only, Step, Window};
use quarterdeck::report::{Asked, cost as cost_report, latency, models, period, slo, tokens};
use quarterdeck::store::audit::Actor;
use quarterdeck::store::{Address, Conn, Database, Error, Val};
use quarterdeck::watch::collect::{Collector, Facts};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

const DAY: Millis = 86_400_000;
const DAYS: Millis = 90;
/// 2026-11-21 13:37:12.345: everything is ragged.
const NOW: Millis = 1_795_268_232_345;
const MODELS: [&str; 6] = [
    "openai/gpt-5-mini",
    "anthropic/claude-haiku-4.5",
    "anthropic/claude-sonnet-4.5",
    "google/gemini-2.5-flash",
    "deepseek/deepseek-chat-v3.1",
    "meta-llama/llama-3.3-70b-instruct",
];
const MODULES: [&str; 8] = ["draft", "consistency", "relationships", "proposals", "judge", "summary", "classify", "canary"];
const PERSONAS: [&str; 3] = ["", "persona-one", "persona-two"];
const USAGE: &str =
    r#"{"prompt_tokens":1200,"completion_tokens":160,"total_tokens":1360,"prompt_tokens_details":{"cached_tokens":400},"cost":0.00062}"#;

fn main() {
    let count: usize = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(100_000);
    price();
    let directory = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let db = Database::open(&Address::Sqlite(directory.path().join("deck.db")), &clock).unwrap();
    let started = Instant::now();
    fill(&db, count);
    println!("filled with {count} calls of {DAYS} days in {:.1} s", started.elapsed().as_secs_f64());
    budgets(&db);
    books(&db);
    gauges(&db);
    reports(&db);
    scrape(&db, Arc::new(TestClock::at(NOW + 3_000)));
}

fn shown(name: &str, mut samples: Vec<Duration>, unit: f64, word: &str) {
    samples.sort_unstable();
    let at = |share: f64| samples[((samples.len() - 1) as f64 * share) as usize].as_secs_f64() * unit;
    println!("{name}: n {} p50 {:.3} {word} p99 {:.3} {word} max {:.3} {word}", samples.len(), at(0.5), at(0.99), at(1.0));
}

fn measure<T>(name: &str, times: usize, mut work: impl FnMut() -> T) {
    let samples = (0..times)
        .map(|_| {
            let started = Instant::now();
            std::hint::black_box(work());
            started.elapsed()
        })
        .collect();
    shown(name, samples, 1e3, "ms");
}

/// What one call costs by the book, with the price row in hand.
fn price() {
    let book = Book::embedded().unwrap();
    let row = book.in_force(MODELS[0], NOW).expect("a price");
    let usage = Reported::read(USAGE).unwrap().usage.unwrap();
    const TIMES: u32 = 1_000_000;
    let started = Instant::now();
    for _ in 0..TIMES {
        std::hint::black_box(cost(std::hint::black_box(&row.rates), std::hint::black_box(&usage), None, NOW));
    }
    println!("cost of one call: {:.0} ns", started.elapsed().as_secs_f64() * 1e9 / f64::from(TIMES));
}

/// A call of the past.
fn sample(random: &mut fastrand::Rng, at: Millis) -> Sample {
    // A few models and modules have most of the calls, as everywhere.
    let pick = |random: &mut fastrand::Rng, from: usize| (random.f64().powi(2) * from as f64) as usize;
    let module = pick(random, MODULES.len());
    let outcome = if random.u32(..100) == 0 { Outcome::Error } else { Outcome::Ok };
    let is_ok = outcome == Outcome::Ok;
    Sample {
        at,
        model: MODELS[pick(random, MODELS.len())].to_owned(),
        module: MODULES[module].to_owned(),
        persona: PERSONAS[random.usize(..PERSONAS.len())].to_owned(),
        category: Category::ALL[module % 3].as_str().to_owned(),
        outcome,
        is_cached: false,
        is_retry: random.u32(..50) == 0,
        tokens_in: if is_ok { random.i64(200..4_000) } else { 0 },
        tokens_out: if is_ok { random.i64(20..600) } else { 0 },
        tokens_cached: 100,
        tokens_written: 0,
        tokens_reasoning: 0,
        reported: is_ok.then(|| Picos(random.i64(10_000_000..2_000_000_000))),
        computed: is_ok.then(|| Picos(random.i64(10_000_000..2_000_000_000))),
        latency_us: Some((random.f64().powi(3) * 30e6) as i64 + 100_000),
        first_token_us: Some((random.f64().powi(3) * 5e6) as i64 + 50_000),
        queue_us: 100,
    }
}

const COLUMNS: [&str; 20] = [
    "id",
    "request_id",
    "attempt",
    "persona_id",
    "module",
    "correlation_id",
    "model_asked",
    "streamed",
    "started_at",
    "finished_at",
    "latency_us",
    "first_token_us",
    "tokens_in",
    "tokens_out",
    "tokens_cached",
    "cost_reported_picos",
    "cost_computed_picos",
    "outcome",
    "category",
    "queue_us",
];

/// Calls by statements of many rows, and their sums as an import writes them: day by day.
fn fill(db: &Database, count: usize) {
    const ROWS: usize = 400;
    let mut random = fastrand::Rng::with_seed(11);
    let first = NOW - DAYS * DAY;
    let mut made = 0;
    for day in 0..DAYS {
        let until = count * (day + 1) as usize / DAYS as usize;
        let today = until - made;
        let mut samples = Vec::with_capacity(today);
        for number in 0..today {
            samples.push(sample(&mut random, first + day * DAY + (number as i64 * DAY) / today.max(1) as i64));
        }
        let start = made;
        db.write_blocking(move |c: &mut dyn Conn| {
            let mut pending = Pending::default();
            for (block, rows) in samples.chunks(ROWS).enumerate() {
                let mut values: Vec<Val> = Vec::with_capacity(rows.len() * COLUMNS.len());
                for (number, sample) in rows.iter().enumerate() {
                    pending.add(sample);
                    let id = format!("{:032}", start + block * ROWS + number);
                    let persona = (!sample.persona.is_empty()).then(|| sample.persona.clone());
                    values.extend([
                        Val::from(id.clone()),
                        Val::from(id.clone()),
                        Val::from(if sample.is_retry { 2_i64 } else { 1 }),
                        Val::from(persona),
                        Val::from(&sample.module),
                        Val::from(id),
                        Val::from(&sample.model),
                        Val::from(true),
                        Val::from(sample.at),
                        Val::from(sample.at + 1_000),
                        Val::from(sample.latency_us),
                        Val::from(sample.first_token_us),
                        Val::from(sample.tokens_in),
                        Val::from(sample.tokens_out),
                        Val::from(sample.tokens_cached),
                        Val::from(sample.reported),
                        Val::from(sample.computed),
                        Val::from(sample.outcome.as_str()),
                        Val::from(&sample.category),
                        Val::from(sample.queue_us),
                    ]);
                }
                let places: Vec<String> = (0..rows.len())
                    .map(|row| {
                        format!(
                            "({})",
                            (1..=COLUMNS.len()).map(|column| format!("${}", row * COLUMNS.len() + column)).collect::<Vec<_>>().join(",")
                        )
                    })
                    .collect();
                c.exec(&format!("INSERT INTO llm_calls ({}) VALUES {}", COLUMNS.join(", "), places.join(",")), &values)?;
            }
            pending.write(c)
        })
        .unwrap();
        made = until;
    }
}

fn budgets(db: &Database) {
    db.write_blocking(|c: &mut dyn Conn| {
        let actor = Actor::human("bench");
        for budget in presets::named("advisor", Tz::UTC).unwrap().into_iter().chain(presets::named("reddit", Tz::UTC).unwrap()) {
            // So high that nothing is refused.
            let budget = quarterdeck::llm::budget::Budget { limit: Picos(9_000_000_000_000_000_000), ..budget };
            quarterdeck::llm::budget::book::set(c, &budget, &actor, NOW)?;
        }
        Ok::<_, Error>(())
    })
    .unwrap();
}

/// What the books add to a call: two transactions, one before it with the reservation against five budgets, one after it with the sums.
fn books(db: &Database) {
    let book = Arc::new(Book::embedded().unwrap());
    let (mut whole, mut work) = (Vec::new(), Vec::new());
    for number in 0..2_000_i64 {
        let id = new_id();
        let call = Started {
            id: id.clone(),
            request_id: id.clone(),
            attempt: 1,
            persona: None,
            module: MODULES[0].to_owned(),
            correlation_id: id.clone(),
            model_asked: MODELS[0].to_owned(),
            streamed: false,
            started_at: NOW + number,
            category: Category::Interactive,
            queued: Duration::ZERO,
            reserved: None,
        };
        let settled = Settled {
            finished_at: NOW + number + 900,
            outcome: Outcome::Ok,
            model_answered: None,
            provider: None,
            generation_id: None,
            service_tier: None,
            latency: Duration::from_millis(900),
            first_token: Some(Duration::from_millis(200)),
            reported: Reported::read(USAGE),
            http_status: Some(200),
            error_type: None,
            error_message: None,
            finish_reason: None,
        };
        let ask = Admission {
            call_id: id.clone(),
            at: NOW + number,
            persona: None,
            module: call.module.clone(),
            model: call.model_asked.clone(),
            category: Category::Interactive,
            estimate: Some(Picos(2_000_000_000)),
            lease: 600_000,
        };
        let begun = Instant::now();
        let before = {
            let call = call.clone();
            db.write_blocking(move |c: &mut dyn Conn| {
                let inside = Instant::now();
                let admitted = admission::admit(c, &ask)?;
                assert!(admitted.is_ok());
                ledger::start(c, &call)?;
                Ok::<_, Error>(inside.elapsed())
            })
            .unwrap()
        };
        let after = {
            let book = Arc::clone(&book);
            db.write_blocking(move |c: &mut dyn Conn| {
                let inside = Instant::now();
                ledger::settle(c, &book, &call, &settled)?;
                admission::settle(c, &call.id, Some(Picos(620_000_000)), NOW + number + 900)?;
                Ok::<_, Error>(inside.elapsed())
            })
            .unwrap()
        };
        whole.push(begun.elapsed());
        work.push(before + after);
    }
    shown("books of one call, without the two commits", work, 1e3, "ms");
    shown("books of one call, with two durable commits", whole, 1e3, "ms");
}

fn read<T: Send + 'static>(db: &Database, work: impl FnOnce(&mut dyn Conn) -> Result<T, Error> + Send + 'static) -> T {
    db.read_blocking(work).unwrap()
}

fn gauges(db: &Database) {
    for (name, length, step) in
        [("hour", DAY / 24, Step::Minute), ("day", DAY, Step::Hour), ("week", 7 * DAY, Step::Hour), ("month", 30 * DAY, Step::Day)]
    {
        let window = Window { since: NOW - length, until: NOW + 3_000 };
        measure(&format!("gauges of the last {name}: total, by model, by module, series, latencies, budgets"), 50, || {
            read(db, move |c| {
                let only = Only::default();
                sums::total(c, &window, &only)?;
                sums::by(c, &window, By::Model, &only)?;
                sums::by(c, &window, By::Module, &only)?;
                sums::series(c, &window, step, &only)?;
                sums::latencies(c, &window, By::Model, &only)?;
                outlook::all(c, NOW + 3_000)
            })
        });
        for (part, work) in [
            (
                "total",
                (|c, window, _| sums::total(c, window, &Only::default()).map(|_| ()))
                    as fn(&mut dyn Conn, &Window, Step) -> Result<(), Error>,
            ),
            ("by model", |c, window, _| sums::by(c, window, By::Model, &Only::default()).map(|_| ())),
            ("by persona", |c, window, _| sums::by(c, window, By::Persona, &Only::default()).map(|_| ())),
            ("series", |c, window, step| sums::series(c, window, step, &Only::default()).map(|_| ())),
            ("latencies", |c, window, _| sums::latencies(c, window, By::Model, &Only::default()).map(|_| ())),
            ("budgets", |c, _, _| outlook::all(c, NOW + 3_000).map(|_| ())),
        ] {
            measure(&format!("  {part}"), 20, || read(db, move |c| work(c, &window, step)));
        }
    }
}

fn reports(db: &Database) {
    let preset = slo::named("assistant").unwrap();
    for zone in [Tz::UTC, Tz::America__New_York] {
        let window = period::month("2026-10", NOW, zone).unwrap();
        let asked = |by| Asked { window, zone, by, only: Only::default(), names: BTreeMap::new() };
        println!("reports of 2026-10 in {}", zone.name());
        for by in [By::Model, By::Module, By::Persona, By::Category, By::Day, By::Hour] {
            measure(&format!("  cost by {by:?}"), 10, || {
                let asked = asked(by);
                read(db, move |c| cost_report::report(c, &asked))
            });
        }
        measure("  latency", 10, || {
            let asked = asked(By::Model);
            read(db, move |c| latency::report(c, &asked, preset))
        });
        measure("  models", 10, || {
            let asked = asked(By::Model);
            read(db, move |c| models::report(c, &asked))
        });
        measure("  tokens", 10, || {
            let asked = asked(By::Module);
            read(db, move |c| tokens::report(c, &asked))
        });
        measure("  growth of six months", 10, || read(db, move |c| growth::report(c, NOW, zone, Growth::Month, 6, &Only::default())));
        measure("  the document of the month", 10, || {
            let wanted = Wanted { name: "month", window, now: NOW, zone, preset, names: BTreeMap::new() };
            read(db, move |c| document::report(c, &wanted))
        });
    }
    let narrow = Asked {
        window: period::month("2026-10", NOW, Tz::UTC).unwrap(),
        zone: Tz::UTC,
        by: By::Model,
        only: Only { persona: Some(PersonaId::from_stored(PERSONAS[1])), ..Only::default() },
        names: BTreeMap::new(),
    };
    measure("  cost of one persona", 10, || {
        let asked = narrow.clone();
        read(db, move |c| cost_report::report(c, &asked))
    });
}

/// The whole of the metrics, as a Prometheus asks for them every fifteen seconds.
fn scrape(db: &Database, clock: Arc<dyn Clock>) {
    let facts = Facts { version: "bench", provider: "openrouter".to_owned(), preset: slo::named("assistant").unwrap() };
    let collector = Collector::new(db.clone(), clock, facts);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    measure("metrics, the first time", 1, || runtime.block_on(collector.collect()).unwrap());
    measure("metrics", 20, || runtime.block_on(collector.collect()).unwrap());
}
