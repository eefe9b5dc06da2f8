//! Retention beside decisions: how long a decision waits while very many rows go.
//!
//! `cargo bench --bench retention -- 1000000` for the figures of BENCHMARKS.md; without a number 20,000 rows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use quarterdeck::base::{Clock, Millis, SystemClock};
use quarterdeck::config;
use quarterdeck::store::audit::Actor;
use quarterdeck::store::{Address, Bulk, Database, Error, ValRef};
use quarterdeck::upkeep::Site;
use quarterdeck::upkeep::progress::Unwatched;
use quarterdeck::upkeep::retention::{self, Asked};
use quarterdeck::vals;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const DAY: Millis = 86_400_000;
/// A reviewer's decision and its audit row come so often; far more often than people decide.
const EVERY: Duration = Duration::from_millis(5);
const CALLS: Bulk = Bulk {
    table: "llm_calls",
    columns: &[
        "id",
        "request_id",
        "attempt",
        "module",
        "correlation_id",
        "model_asked",
        "streamed",
        "started_at",
        "finished_at",
        "outcome",
    ],
    on_conflict: "",
    tells_left_out: false,
};

fn main() {
    let count: i64 = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(20_000);
    let directory = tempfile::tempdir().unwrap();
    let address = Address::Sqlite(directory.path().join("deck.db"));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let db = Database::open(&address, &clock).unwrap();
    let began = Instant::now();
    fill(&db, count);
    println!("filled with {count} calls past their time in {:.1} s", began.elapsed().as_secs_f64());
    let quiet = decisions(&db, |_| std::thread::sleep(Duration::from_secs(2)));
    shown("a decision, quiet", quiet);
    let site = site(directory.path());
    let mut ran = None;
    // A console is another process: another database handle with a writer of its own, which asks for the same lock.
    let console = Database::open(&address, &clock).unwrap();
    let waits = decisions(&console, |done| {
        let began = Instant::now();
        let result = retention::run(&site, &Asked::default(), &Unwatched).unwrap();
        done.store(true, Ordering::Relaxed);
        ran = Some((result, began.elapsed()));
    });
    shown("a decision, while rows go", waits);
    let (ran, took) = ran.unwrap();
    println!(
        "{} rows archived and gone in {:.1} s ({:.0} a second), the longest batch {:.1} ms",
        ran.gone,
        took.as_secs_f64(),
        ran.gone as f64 / took.as_secs_f64(),
        ran.longest_us as f64 / 1_000.0
    );
}

fn fill(db: &Database, count: i64) {
    let old = SystemClock.now() - 500 * DAY;
    for start in (0..count).step_by(20_000) {
        db.write_blocking(move |c| {
            let ids: Vec<String> = (start..(start + 20_000).min(count)).map(|number| format!("call-{number:09}")).collect();
            let mut cells = Vec::with_capacity(ids.len() * CALLS.columns.len());
            for (number, id) in ids.iter().enumerate() {
                let at = old + start + number as i64;
                cells.extend([
                    ValRef::Text(id),
                    ValRef::Text(id),
                    ValRef::Int(1),
                    ValRef::Text("draft"),
                    ValRef::Text(id),
                    ValRef::Text("openai/gpt-5-mini"),
                    ValRef::Int(0),
                    ValRef::Int(at),
                    ValRef::Int(at + 900),
                    ValRef::Text("ok"),
                ]);
            }
            c.insert(&CALLS, &cells).map(drop)
        })
        .unwrap();
    }
}

/// How long each decision took while something else went on.
fn decisions(db: &Database, meanwhile: impl FnOnce(&AtomicBool)) -> Vec<Duration> {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let decider = scope.spawn(|| {
            let mut took = Vec::new();
            while !done.load(Ordering::Relaxed) {
                let began = Instant::now();
                db.write_blocking(|c| {
                    let actor = Actor::human("ana");
                    let entry = quarterdeck::store::audit::Entry {
                        at: SystemClock.now(),
                        persona: None,
                        actor: &actor,
                        action: "queue.approve",
                        subject_kind: "pending_post",
                        subject_id: "item",
                        reason: None,
                        before: &serde_json::Value::Null,
                        after: &serde_json::json!({ "state": "scheduled" }),
                    };
                    quarterdeck::store::audit::append(c, &entry)?;
                    c.exec("UPDATE writer_lock SET id = 1 WHERE id = $1", vals![1])?;
                    Ok::<_, Error>(())
                })
                .unwrap();
                took.push(began.elapsed());
                std::thread::sleep(EVERY);
            }
            took
        });
        meanwhile(&done);
        done.store(true, Ordering::Relaxed);
        decider.join().unwrap()
    })
}

fn shown(name: &str, mut samples: Vec<Duration>) {
    samples.sort_unstable();
    let at = |share: f64| samples[((samples.len() - 1) as f64 * share) as usize].as_secs_f64() * 1_000.0;
    println!("{name}: {} of them, p50 {:.2} ms, p99 {:.2} ms, worst {:.2} ms", samples.len(), at(0.5), at(0.99), at(1.0));
}

fn site(directory: &Path) -> Site {
    std::fs::write(directory.join("config.toml"), "").unwrap();
    let request = config::Request {
        config: Some(directory.join("config.toml")),
        data_dir: Some(directory.to_path_buf()),
        database: Some(format!("sqlite:{}", directory.join("deck.db").display())),
        ..config::Request::from_process()
    };
    Site { settings: Arc::new(config::load(&request).settings().unwrap()), clock: Arc::new(SystemClock), actor: Actor::human("ana") }
}
