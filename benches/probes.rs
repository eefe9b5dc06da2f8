//! How late probes begin when there are two thousand of them, what of a core they take, and how long the board takes to load with ninety
//! days behind them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use quarterdeck::base::{Clock, Millis, SystemClock};
use quarterdeck::store::{Address, Conn, Database};
use quarterdeck::vals;
use quarterdeck::watch::boards;
use quarterdeck::watch::own::Facts;
use quarterdeck::watch::probe::Engine;
use quarterdeck::watch::probe::engine::Options;
use quarterdeck::watch::probe::file::{FILE_NAME, Source};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const PROBES: usize = 2_000;
const HOUR: Millis = 3_600_000;
const DAY: Millis = 24 * HOUR;
/// Three rounds of thirty seconds, behind a first one that spreads them.
const MEASURED: Duration = Duration::from_secs(90);
const FIRST: Duration = Duration::from_secs(35);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        board().await;
        engine().await;
    });
}

fn open(directory: &Path) -> Database {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Database::open(&Address::Sqlite(directory.join("deck.db")), &clock).unwrap()
}

fn source(directory: &Path, address: &str) -> Source {
    let text: String = (0..PROBES)
        .map(|number| {
            format!("[[probe]]\nname = \"service-{number}\"\nsystem = \"system-{}\"\nhttp = \"http://{address}/{number}\"\n", number / 50)
        })
        .collect();
    std::fs::write(directory.join(FILE_NAME), text).unwrap();
    let source = Source::open(directory, &directory.join("environment"));
    assert!(source.current().broken.is_none(), "{:?}", source.current().broken);
    source
}

/// The board with two thousand monitors, each with its last results, 14 days of hours and 90 days.
async fn board() {
    let directory = tempfile::tempdir().unwrap();
    let db = open(directory.path());
    let source = source(directory.path(), "127.0.0.1:9");
    let now = SystemClock.now();
    let began = Instant::now();
    for chunk in (0..PROBES).collect::<Vec<_>>().chunks(100) {
        let chunk = chunk.to_vec();
        db.write(move |c| chunk.iter().try_for_each(|number| fill(c, *number, now))).await.unwrap();
    }
    println!("board: {PROBES} monitors with 90 days filled in {:.1} s", began.elapsed().as_secs_f64());
    let mut took: Vec<f64> = Vec::new();
    for _ in 0..30 {
        let began = Instant::now();
        let board = boards::load_current(&db, &source, &Facts::default(), &SystemClock).await;
        took.push(began.elapsed().as_secs_f64() * 1e3);
        assert!(board.systems.iter().map(|system| system.lines.len()).sum::<usize>() > PROBES);
    }
    let first = took[0];
    let (median, p99) = (percentile(&mut took, 0.5), percentile(&mut took, 0.99));
    println!("board: first load {first:.1} ms, then median {median:.1} ms, p99 {p99:.1} ms");
}

fn fill(c: &mut dyn Conn, number: usize, now: Millis) -> quarterdeck::store::Result<()> {
    let name = format!("service-{number}");
    let recent: Vec<String> = (0..30).map(|one| (20_000 + number * 7 + one * 13).to_string()).collect();
    let status = if number.is_multiple_of(97) { "unhealthy" } else { "healthy" };
    c.exec(
        "INSERT INTO probe_states (name, system, status, since, reason, failures, successes, good, is_held, last_at, next_at, recent, detail)
         VALUES ($1, 's', $2, $3, 'answers in 20 ms', 0, 9, 9, 0, $4, $5, $6, '{}')",
        vals![&name, status, now - DAY, now - 9_000, now + 21_000, recent.join(",")],
    )?;
    for (table, length, count) in [("probe_hours", HOUR, 14 * 24), ("probe_days", DAY, 90)] {
        for back in 0..count {
            let start = now - now.rem_euclid(length) - back * length;
            c.exec(
                &format!(
                    "INSERT INTO {table} (name, start, results, failures, degraded, unknown, latency_count, latency_us_sum, latency_us_max)
                     VALUES ($1, $2, 120, 1, 2, 0, 119, 2400000, 90000)"
                ),
                vals![&name, start],
            )?;
        }
    }
    for back in 0..30 {
        c.exec(
            "INSERT INTO probe_results (name, at, status, latency_us) VALUES ($1, $2, 'healthy', 20000)",
            vals![&name, now - back * 30_000],
        )?;
    }
    Ok(())
}

/// Two thousand probes every thirty seconds against a server of this process.
async fn engine() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 1_024];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").await;
            });
        }
    });
    let directory = tempfile::tempdir().unwrap();
    let (db, source) = (open(directory.path()), source(directory.path(), &address));
    let options = Options { db, clock: Arc::new(SystemClock), source, process: "bench:1".to_owned(), facts: Facts::default() };
    let engine = Engine::start(options).unwrap();
    tokio::time::sleep(FIRST).await;
    let (before, cpu, began) = (engine.lateness().len(), cpu(), Instant::now());
    tokio::time::sleep(MEASURED).await;
    let share = (self::cpu() - cpu) / began.elapsed().as_secs_f64();
    let mut late: Vec<f64> = engine.lateness().into_iter().skip(before).map(|late| late.as_secs_f64() * 1e3).collect();
    println!(
        "engine: {} starts in {} s, late by median {:.1} ms, p99 {:.1} ms, at most {:.1} ms; {:.1} % of a core, the server's own share included",
        late.len(),
        MEASURED.as_secs(),
        percentile(&mut late, 0.5),
        percentile(&mut late, 0.99),
        percentile(&mut late, 1.0),
        share * 100.0
    );
    engine.stop().await;
    server.abort();
}

/// Seconds of processor time that this process took.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    // A hundred ticks a second, on every Linux that this runs on.
    ticks / 100.0
}

fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share).round() as usize]
}
