use super::*;
use crate::base::TestClock;
use crate::store::testing::database;
use crate::watch::Status;
use crate::watch::probe::check::Cause;
use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

/// A clock that goes on by itself from a moment.
#[derive(Debug)]
struct Going(Instant);

impl Clock for Going {
    fn now(&self) -> Millis {
        1_700_000_000_000 + i64::try_from(self.0.elapsed().as_millis()).unwrap()
    }
}

fn good(host: &str) -> Outcome {
    Outcome {
        status: Status::Healthy,
        latency_us: Some(1_000),
        error: None,
        cause: None,
        host: Some(host.to_owned()),
        value: None,
        detail: serde_json::Value::Null,
    }
}

fn silent(host: &str) -> Outcome {
    Outcome { status: Status::Unhealthy, latency_us: None, error: Some("no answer".into()), cause: Some(Cause::Timeout), ..good(host) }
}

/// A file with so many probes of an interval of a second.
fn source(directory: &Path, probes: usize) -> Source {
    let text: String = (0..probes)
        .map(|number| {
            format!("[[probe]]\nname = \"p{number}\"\ntcp = \"h{number}:1\"\ninterval = \"1s\"\ntimeout = \"1s\"\nfailures = 1\n")
        })
        .collect();
    std::fs::write(directory.join(super::super::file::FILE_NAME), text).unwrap();
    Source::open(directory, &directory.join("environment"))
}

fn options(db: &Database, source: Source, process: &str) -> Options {
    Options { db: db.clone(), clock: Arc::new(Going(Instant::now())), source, process: process.to_owned(), facts: Facts::default() }
}

/// Wait until something holds; a test that waits for half a minute has failed.
async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let patience = tokio::time::timeout(Duration::from_secs(30), async {
        let mut looks = interval(Duration::from_millis(20));
        while !holds().await {
            looks.tick().await;
        }
    });
    patience.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_target_delays_no_other_and_never_runs_twice_at_once() {
    let (db, guard) = database();
    let directory = tempfile::tempdir().unwrap();
    let (runs, slow, at_once) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let checker: Checker = {
        let (runs, slow, at_once) = (Arc::clone(&runs), Arc::clone(&slow), Arc::clone(&at_once));
        Arc::new(move |probe: Arc<Probe>| {
            let (runs, slow, at_once) = (Arc::clone(&runs), Arc::clone(&slow), Arc::clone(&at_once));
            Box::pin(async move {
                if probe.name == "p0" {
                    at_once.fetch_max(slow.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(2_500)).await;
                    slow.fetch_sub(1, Ordering::SeqCst);
                } else {
                    runs.fetch_add(1, Ordering::SeqCst);
                }
                good("h")
            })
        })
    };
    let engine = Engine::start_with(options(&db, source(directory.path(), 2), "host:1"), checker);
    until(async || runs.load(Ordering::SeqCst) >= 4).await;
    assert!(engine.watches());
    assert_eq!(at_once.load(Ordering::SeqCst), 1, "the slow one ran once at a time");
    let late = engine.lateness();
    assert!(late.iter().all(|late| *late < Duration::from_millis(900)), "{late:?}");
    engine.stop().await;
    let stored = db.read(|c| rows::state(c, "p1")).await.unwrap().unwrap();
    assert_eq!(stored.state.status, Status::Healthy, "what was found is written at the end");
    drop(guard);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_probes_and_another_takes_over_when_it_stops() {
    let (db, _guard) = database();
    let directory = tempfile::tempdir().unwrap();
    let checker: Checker = Arc::new(|_| Box::pin(async { good("h") }));
    let first = Engine::start_with(options(&db, source(directory.path(), 1), "here:1"), Arc::clone(&checker));
    until(async || first.watches()).await;
    let second = Engine::start_with(options(&db, source(directory.path(), 1), "there:2"), checker);
    until(async || db.read(|c| rows::state(c, "p0")).await.unwrap().is_some()).await;
    assert!(!second.watches());
    first.stop().await;
    until(async || second.watches()).await;
    second.stop().await;
    let watcher = db.read(lease::watcher).await.unwrap().unwrap();
    assert!(!watcher.is_alive(1_700_000_000_000), "given back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_most_hosts_are_silent_it_is_one_finding_and_the_states_stay() {
    let (db, _guard) = database();
    let directory = tempfile::tempdir().unwrap();
    let down = Arc::new(AtomicBool::new(false));
    let checker: Checker = {
        let down = Arc::clone(&down);
        Arc::new(move |probe: Arc<Probe>| {
            let outcome = if down.load(Ordering::SeqCst) { silent(&probe.name) } else { good(&probe.name) };
            Box::pin(async move { outcome })
        })
    };
    let engine = Engine::start_with(options(&db, source(directory.path(), 4), "host:1"), checker);
    let states = async || db.read(rows::states).await.unwrap().into_values().filter(|one| one.name.starts_with('p')).collect::<Vec<_>>();
    until(async || states().await.len() == 4).await;
    down.store(true, Ordering::SeqCst);
    until(async || {
        let states = states().await;
        states.iter().all(|one| one.is_held && one.state.status == Status::Healthy)
    })
    .await;
    let watcher = db.read(lease::watcher).await.unwrap().unwrap();
    assert!(watcher.network.unwrap().contains("4 of 4 hosts"));
    down.store(false, Ordering::SeqCst);
    until(async || db.read(lease::watcher).await.unwrap().unwrap().network.is_none()).await;
    until(async || states().await.iter().all(|one| !one.is_held)).await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_heartbeat_that_never_reports_is_expected_from_when_it_was_first_seen() {
    let (db, _guard) = database();
    let directory = tempfile::tempdir().unwrap();
    let text = "[[heartbeat]]\nname = \"nightly\"\nevery = \"1h\"\n";
    std::fs::write(directory.path().join(super::super::file::FILE_NAME), text).unwrap();
    let source = Source::open(directory.path(), &directory.path().join("environment"));
    let definitions = source.current().definitions;
    let said = async |seconds: i64| {
        let clock = TestClock::at(1_700_000_000_000 + seconds * 1_000);
        let board = crate::watch::boards::load_with(&db, &definitions, &Facts::default(), &clock).await;
        board.line("heartbeat/nightly").unwrap().reason.clone()
    };
    assert!(said(5_395).await.contains("first expected in 1 h"), "nobody has seen it yet");
    let checker: Checker = Arc::new(|_| Box::pin(async { good("h") }));
    let engine = Engine::start_with(options(&db, source, "host:1"), checker);
    until(async || said(5_395).await.contains("it was first expected 29 min")).await;
    engine.stop().await;
}

#[tokio::test]
async fn what_thousands_of_probes_left_behind_is_taken_away_in_one_round() {
    let (db, _guard) = database();
    let directory = tempfile::tempdir().unwrap();
    let old = async || {
        let sql = "SELECT CAST(count(*) AS BIGINT) AS kept FROM probe_results";
        db.read(move |c| c.first(sql, &[])?.map_or(Ok(0), |row| row.int("kept"))).await.unwrap()
    };
    db.write(|c| {
        // What 5,000 probes of an interval of ten seconds find in half a minute.
        c.exec(
            "WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 15000)
             INSERT INTO probe_results (name, at, status) SELECT 'shop', number, 'healthy' FROM numbers",
            &[],
        )
    })
    .await
    .unwrap();
    assert_eq!(old().await, 15_000);
    let checker: Checker = Arc::new(|_| Box::pin(async { good("h") }));
    let options = options(&db, source(directory.path(), 1), "host:1");
    let shared = Arc::new(Shared { options, checker, late: Mutex::default(), watches: AtomicBool::new(true) });
    Watching::new(shared).trim(rows::KEEP_RESULTS + 15_001, Duration::from_secs(600)).await;
    assert_eq!(old().await, 0);
}

#[tokio::test]
async fn a_probe_is_run_at_once_and_a_defect_of_its_check_is_told() {
    let (db, _guard) = database();
    let directory = tempfile::tempdir().unwrap();
    let source = source(directory.path(), 1);
    let clock = TestClock::at(5);
    let checker: Checker = Arc::new(|_| Box::pin(async { panic!("a defect") }));
    let (outcome, change) = check_with(&db, &clock, &checker, &source.current().definitions, "p0").await.unwrap();
    assert_eq!((outcome.status, change.is_none()), (Status::Unknown, true));
    assert!(outcome.error.unwrap().contains("defect"));
    let refused = check_with(&db, &clock, &checker, &source.current().definitions, "po").await.unwrap_err();
    assert!(refused.to_string().contains("did you mean \"p0\"?"), "{refused}");
}
