//! Backups: how long one takes with its manifest and its full verification, and how long a writer at full speed waits meanwhile.
//!
//! `cargo bench --bench backup -- 250` for the figures of BENCHMARKS.md; the number is the size of the database in megabytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use quarterdeck::base::{Clock, SystemClock, new_id};
use quarterdeck::config::{self, Request};
use quarterdeck::memory::personas;
use quarterdeck::store::audit::Actor;
use quarterdeck::store::{Database, Error};
use quarterdeck::upkeep::Site;
use quarterdeck::upkeep::backup::{self, Create};
use quarterdeck::upkeep::progress::Unwatched;
use quarterdeck::vals;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Rows of a transaction while the database is filled.
const ROWS: i64 = 2_000;

fn main() {
    let megabytes: u64 = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(25);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("deck.db");
    let request = Request {
        config: Some(directory.path().join("config.toml")),
        data_dir: Some(directory.path().to_path_buf()),
        database: Some(format!("sqlite:{}", path.display())),
        ..Request::default()
    };
    std::fs::write(directory.path().join("config.toml"), "").unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let settings = config::load(&request).settings().unwrap();
    let site = Site { settings: settings.into(), clock, actor: Actor::human("bench") };
    let db = site.database().unwrap();
    let rows = fill(&db, &path, megabytes << 20);
    println!("filled with {rows} rows, {:.0} MB", std::fs::metadata(&path).unwrap().len() as f64 / 1e6);

    writing("alone", &db, || std::thread::sleep(Duration::from_secs(3)));
    for _ in 0..3 {
        let took = writing("while a backup is made", &db, || {
            let started = Instant::now();
            let made = backup::create(&site, &Create::default(), &Unwatched).unwrap();
            assert!(!made.is_faulty, "{:?}", made.notes);
            started.elapsed()
        });
        println!("snapshot, manifest and full verification with a writer at full speed: {:.2} s", took.as_secs_f64());
    }
    let quiet = timed(|| backup::create(&site, &Create::default(), &Unwatched).unwrap());
    let verified = timed(|| assert!(backup::verify(&site, "newest", &Unwatched).unwrap().findings.is_empty()));
    let drilled = timed(|| assert!(backup::drill(&site, None, &Unwatched).unwrap().findings.is_empty()));
    println!("with nobody writing: create {quiet:.2} s, verify {verified:.2} s, drill {drilled:.2} s");
}

fn timed<T>(work: impl FnOnce() -> T) -> f64 {
    let started = Instant::now();
    std::hint::black_box(work());
    started.elapsed().as_secs_f64()
}

/// Statements of a kilobyte, until the file is large enough.
fn fill(db: &Database, path: &Path, bytes: u64) -> i64 {
    let persona = db
        .write_blocking(|c| {
            let id = new_id();
            c.exec("INSERT INTO personas (id, reddit_username, created_at, updated_at) VALUES ($1, 'BenchBot', 1, 1)", vals![&id])?;
            personas::list(c).map_err(|error| Error::Constraint { reason: error.to_string() }).map(|_| id)
        })
        .unwrap();
    let mut rows = 0;
    while std::fs::metadata(path).unwrap().len() < bytes {
        let persona = persona.clone();
        db.write_blocking(move |c| {
            for row in rows..rows + ROWS {
                let text = format!("statement {row} {}", "about nothing at all ".repeat(40));
                c.exec(
                    "INSERT INTO interactions (persona_id, id, content, interaction_type, reddit_id, subreddit, created_at, updated_at)
                     VALUES ($1, $2, $3, 'comment', $4, 'bench', $5, $5)",
                    vals![&persona, new_id(), text, format!("t1_{row}"), row],
                )?;
            }
            Ok::<_, Error>(())
        })
        .unwrap();
        rows += ROWS;
    }
    rows
}

/// Commit one row after the other for as long as `work` takes, and print how long each commit took.
fn writing<T>(name: &str, db: &Database, work: impl FnOnce() -> T) -> T {
    let stop = AtomicBool::new(false);
    let (result, mut samples) = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut samples = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let started = Instant::now();
                db.write_blocking(|c| {
                    c.exec(
                        "INSERT INTO llm_calls (id, request_id, attempt, module, correlation_id, model_asked, streamed, started_at, outcome)
                         VALUES ($1, $1, 1, 'bench', 'bench', 'bench/model', 0, 1, 'ok')",
                        vals![new_id()],
                    )
                })
                .unwrap();
                samples.push(started.elapsed());
            }
            samples
        });
        let result = work();
        stop.store(true, Ordering::Relaxed);
        (result, writer.join().unwrap())
    });
    samples.sort_unstable();
    let at = |share: f64| samples[((samples.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("writer {name}: n {} p50 {:.2} ms p99 {:.2} ms max {:.2} ms", samples.len(), at(0.5), at(0.99), at(1.0));
    result
}
