use super::*;
use crate::store::Database;
use crate::store::testing::database;
use crate::watch::health::Status;
use crate::watch::heartbeat::lines;
use crate::watch::probe::model::{Definitions, Schedule, Scope, When, Window};
use crate::watch::probe::pauses;
use std::time::Duration;

const MINUTE: Millis = 60_000;

fn job() -> Heartbeat {
    Heartbeat {
        name: "nightly".into(),
        system: "jobs".into(),
        schedule: Schedule::Every(Duration::from_secs(3_600)),
        grace: Duration::from_secs(300),
        max_duration: Some(Duration::from_secs(600)),
        remedy: None,
        command: None,
    }
}

fn jobs() -> Definitions {
    Definitions { heartbeats: vec![job()], ..Definitions::default() }
}

type Report = fn(&mut dyn Conn, &Heartbeat, &Ping<'_>) -> Result<Pinged, Error>;

fn report(db: &Database, report: Report, run: Option<&'static str>, at: Millis) -> Pinged {
    tried(db, report, run, at).unwrap()
}

fn tried(db: &Database, report: Report, run: Option<&'static str>, at: Millis) -> Result<Pinged, Error> {
    db.write_blocking(move |c| {
        let actor = Actor::system("cron");
        Ok::<_, store::Error>(report(c, &job(), &Ping { run, exit_status: Some(3), message: Some("no\u{1b}[2J disk"), actor: &actor, at }))
    })
    .unwrap()
}

fn state(db: &Database, at: Millis) -> (Status, String) {
    let line = db.read_blocking(move |c| lines(c, &jobs(), at)).unwrap().remove(0);
    (line.status, line.reason)
}

#[test]
fn concurrent_runs_are_told_apart_and_each_must_end() {
    let (db, _guard) = database();
    assert_eq!(state(&db, 0).0, Status::Unknown, "nothing is known of it");
    report(&db, start, Some("a"), 0);
    report(&db, start, Some("b"), MINUTE);
    assert_eq!(state(&db, 2 * MINUTE).0, Status::Unknown);
    let ended = report(&db, success, Some("b"), 5 * MINUTE);
    assert_eq!((ended.duration_ms, ended.view.state), (Some(4 * MINUTE), State::Up));
    assert_eq!(state(&db, 14 * MINUTE).0, Status::Healthy);
    let (status, reason) = state(&db, 15 * MINUTE);
    assert!(status == Status::Unhealthy && reason.contains("the run a"), "{reason}");
    // A success without an id, or of another run, ends it not.
    assert_eq!(report(&db, success, None, 16 * MINUTE).view.state, State::Down);
    assert_eq!(report(&db, success, Some("c"), 16 * MINUTE).view.state, State::Down);
    let ended = report(&db, success, Some("a"), 17 * MINUTE);
    assert_eq!((ended.duration_ms, ended.view.state, ended.view.running.len()), (Some(17 * MINUTE), State::Up, 0));
    let runs = db.read_blocking(|c| rows::runs(c, "nightly", 9)).unwrap();
    assert_eq!(
        runs.iter().map(|run| (run.run.as_deref(), run.outcome)).collect::<Vec<_>>(),
        [(Some("c"), Outcome::Success), (None, Outcome::Success), (Some("b"), Outcome::Success), (Some("a"), Outcome::Success)]
    );
}

#[test]
fn a_failure_is_told_with_its_exit_status_and_audited_once() {
    let (db, _guard) = database();
    report(&db, success, None, 0);
    report(&db, fail, None, MINUTE);
    let failed = report(&db, fail, None, 2 * MINUTE);
    assert_eq!((failed.view.state, failed.view.since), (State::Down, Some(MINUTE)));
    assert!(failed.view.reason.contains("exit status 3: no disk"), "{}", failed.view.reason);
    let back = report(&db, success, None, 3 * MINUTE);
    assert_eq!((back.view.state, back.view.since), (State::Up, Some(3 * MINUTE)));
    let line = db.read_blocking(|c| lines(c, &jobs(), 4 * MINUTE)).unwrap().remove(0);
    assert_eq!(line.last_error, Some((2 * MINUTE, "exit status 3: no disk".into())), "it is told when it is well again, too");
    let log = db.read_blocking(|c| audit::newest(c, None, 9)).unwrap();
    let actions: Vec<&str> = log.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(actions, ["heartbeat.recovered", "heartbeat.failed", "heartbeat.first"], "changes, and not every report");
    assert_eq!(db.read_blocking(|c| feed::position(c, TOPIC)).unwrap(), 4);
}

#[test]
fn a_schedule_that_changes_counts_from_its_change() {
    let (db, _guard) = database();
    let daily = Heartbeat { schedule: Schedule::Every(Duration::from_secs(86_400)), ..job() };
    let adopt = |heartbeat: Heartbeat, at: Millis| db.write_blocking(move |c| super::adopt(c, &[heartbeat], at)).unwrap();
    assert_eq!((adopt(daily.clone(), 0), adopt(daily.clone(), MINUTE)), (1, 0));
    db.write_blocking(move |c| {
        let actor = Actor::system("cron");
        let ping = Ping { run: None, exit_status: None, message: None, actor: &actor, at: MINUTE };
        success(c, &daily, &ping).map_err(|error| store::Error::Constraint { reason: error.to_string() })
    })
    .unwrap();
    assert_eq!(adopt(job(), 600 * MINUTE), 1);
    assert_eq!(state(&db, 610 * MINUTE).0, Status::Healthy, "hourly from now on, and not missed nine times");
    assert_eq!(state(&db, 665 * MINUTE).0, Status::Unhealthy);
}

#[test]
fn what_begins_again_without_an_id_was_lost_and_runs_are_bounded() {
    let (db, _guard) = database();
    report(&db, start, None, 0);
    report(&db, start, None, MINUTE);
    assert_eq!(report(&db, success, None, 2 * MINUTE).duration_ms, Some(MINUTE));
    let runs = db.read_blocking(|c| rows::runs(c, "nightly", 9)).unwrap();
    assert_eq!(runs.iter().map(|run| run.outcome).collect::<Vec<_>>(), [Outcome::Success, Outcome::Lost]);
    db.write_blocking(|c| {
        let actor = Actor::system("cron");
        for number in 0..MOST {
            let run = format!("run-{number}");
            start(c, &job(), &Ping { run: Some(&run), exit_status: None, message: None, actor: &actor, at: 0 })
                .map_err(|error| store::Error::Constraint { reason: error.to_string() })?;
        }
        Ok::<_, store::Error>(())
    })
    .unwrap();
    assert!(matches!(tried(&db, start, Some("one-more"), 0), Err(Error::TooMany { .. })));
    for bad in ["", "a b", "ü", "a/b"] {
        assert!(matches!(tried(&db, start, Some(bad), 0), Err(Error::Run)), "{bad}");
    }
    // A clock that was set back makes no negative duration.
    assert_eq!(report(&db, success, Some("run-0"), -MINUTE).duration_ms, None);
}

#[test]
fn pauses_and_maintenance_hold_it_and_it_counts_anew_behind_them() {
    let (db, _guard) = database();
    report(&db, success, None, 0);
    assert_eq!(state(&db, 66 * MINUTE).0, Status::Unhealthy);
    let window =
        Window { scope: Scope::System("jobs".into()), when: When::Once { from: 50 * MINUTE, until: 70 * MINUTE }, reason: String::new() };
    let held = Definitions { maintenance: vec![window], ..jobs() };
    let look = |at: Millis| {
        let held = held.clone();
        db.read_blocking(move |c| lines(c, &held, at)).unwrap().remove(0)
    };
    let line = look(66 * MINUTE);
    assert_eq!((line.status, line.maintenance_until), (Status::Healthy, Some(70 * MINUTE)));
    assert_eq!(
        (look(74 * MINUTE).status, look(75 * MINUTE).status),
        (Status::Healthy, Status::Unhealthy),
        "its grace begins when the window ends"
    );
    let ann = Actor::human("ann");
    let pause = |until: Option<Millis>, at: Millis| {
        let ann = ann.clone();
        db.write_blocking(move |c| pauses::pause(c, "nightly", until, "moved", &ann, at)).unwrap();
    };
    pause(Some(500 * MINUTE), 80 * MINUTE);
    assert_eq!(look(90 * MINUTE).status, Status::Unknown);
    assert_eq!((look(501 * MINUTE).status, look(565 * MINUTE).status), (Status::Healthy, Status::Unhealthy));
    pause(None, 570 * MINUTE);
    let by = ann.clone();
    assert!(db.write_blocking(move |c| pauses::resume(c, "nightly", &by, 900 * MINUTE)).unwrap());
    assert_eq!((look(901 * MINUTE).status, look(965 * MINUTE).status), (Status::Healthy, Status::Unhealthy));
}
