use super::*;
use crate::store::testing::database;
use crate::watch::probe::check::Cause;
use crate::watch::probe::model::Target;
use std::time::Duration;

fn probe() -> Probe {
    Probe {
        name: "shop".into(),
        system: "web".into(),
        target: Target::Tcp { host: "h".into(), port: 1 },
        interval: Duration::from_secs(30),
        timeout: Duration::from_secs(10),
        failures: 2,
        successes: 1,
        conditions: vec![],
        degraded_over: None,
        remedy: None,
        command: None,
        secrets: vec![],
    }
}

fn outcome(cause: Option<Cause>) -> Outcome {
    Outcome {
        status: if cause.is_some() { Status::Unhealthy } else { Status::Healthy },
        latency_us: Some(5_000),
        error: cause.map(|_| "nobody\u{1b}[2J listens".into()),
        cause,
        host: None,
        value: None,
        detail: Value::Null,
    }
}

#[test]
fn a_state_changes_with_one_row_of_the_feed_and_results_add_up() {
    let (db, _guard) = database();
    let (changes, stored, sums, results, feed) = db
        .write_blocking(|c| {
            let probe = probe();
            let mut changes = Vec::new();
            for (number, cause) in [None, Some(Cause::Refused), Some(Cause::Refused), Some(Cause::Refused)].into_iter().enumerate() {
                let outcome = outcome(cause);
                let at = 1_000 * number as Millis;
                changes.extend(take(c, &Taken { probe: &probe, outcome: &outcome, at, next_at: Some(at + 30_000), held: None })?);
            }
            let stored = state(c, "shop")?;
            Ok::<_, Error>((changes, stored, days(c, "shop", 0..1)?, results(c, "shop", 0..9_999)?, feed::position(c, TOPIC)?))
        })
        .unwrap();
    let words: Vec<_> = changes.iter().map(|change| (change.from, change.to, change.at)).collect();
    assert_eq!(words, [(Status::Unknown, Status::Healthy, 0), (Status::Healthy, Status::Unhealthy, 2_000)]);
    assert_eq!(feed, 2, "a row of the feed for each change, and none for the rest");
    let stored = stored.unwrap();
    assert_eq!((stored.state.since, stored.cause.as_deref(), stored.next_at), (Some(2_000), Some("refused"), Some(33_000)));
    assert_eq!(stored.recent, [Some(5_000), None, None, None]);
    assert!(!stored.reason.contains('\u{1b}') && stored.last_error.unwrap().0 == 3_000);
    assert_eq!((sums[0].results, sums[0].failures, sums[0].available()), (4, 3, Some(0.25)));
    assert_eq!(results.len(), 4);
}

#[test]
fn a_result_counts_once_and_one_that_comes_late_does_not_make_old_things_new() {
    let (db, _guard) = database();
    let hour = 3_600_000;
    let (twice, late, sums, set_back) = db
        .write_blocking(move |c| {
            let probe = probe();
            let mut taken = |at, cause| {
                let change = take(c, &Taken { probe: &probe, outcome: &outcome(cause), at, next_at: None, held: None })?;
                Ok::<_, Error>((change.map(|change| change.to), state(c, "shop")?.unwrap().state))
            };
            taken(2 * hour, None)?;
            // The answer to a commit is lost, and the batch is written again: one failure of the two that count.
            taken(2 * hour + 9, Some(Cause::Refused))?;
            let twice = taken(2 * hour + 9, Some(Cause::Refused))?;
            // A look by hand that began before the last run, and ended after it.
            let late = taken(2 * hour - 5_000, None)?;
            // The clock was set back by an hour: what is found now is what holds.
            taken(hour, Some(Cause::Refused))?;
            let set_back = taken(hour + 1, Some(Cause::Refused))?;
            Ok::<_, Error>((twice, late, days(c, "shop", 0..1)?, set_back))
        })
        .unwrap();
    assert_eq!((twice.0, twice.1.status, twice.1.failures), (None, Status::Healthy, 1));
    assert_eq!((late.0, late.1.failures), (None, 1), "it came late: the failure after it still counts");
    assert_eq!((set_back.0, set_back.1.status), (None, Status::Unhealthy));
    assert_eq!((sums[0].results, sums[0].failures), (5, 3), "every run stands in the sums, once");
}

#[test]
fn what_is_held_keeps_its_state_and_counts_as_unknown() {
    let (db, _guard) = database();
    let (stored, sums) = db
        .write_blocking(|c| {
            let (probe, bad) = (probe(), outcome(Some(Cause::Timeout)));
            take(c, &Taken { probe: &probe, outcome: &outcome(None), at: 0, next_at: None, held: None })?;
            for at in 1..9 {
                take(c, &Taken { probe: &probe, outcome: &bad, at, next_at: None, held: Some("3 of 3 hosts do not answer") })?;
            }
            Ok::<_, Error>((state(c, "shop")?.unwrap(), days(c, "shop", 0..1)?))
        })
        .unwrap();
    assert_eq!((stored.state.status, stored.is_held, stored.last_at), (Status::Healthy, true, Some(8)));
    assert!(stored.reason.contains("3 of 3 hosts"));
    assert_eq!((sums[0].unknown, sums[0].available()), (8, Some(1.0)));
}

#[test]
fn what_is_past_its_time_goes_in_batches_and_changes_stay() {
    let (db, _guard) = database();
    let left = db
        .write_blocking(|c| {
            let (probe, good) = (probe(), outcome(None));
            for at in 0..1_500 {
                take(c, &Taken { probe: &probe, outcome: &good, at, next_at: None, held: None })?;
            }
            let now = KEEP_RESULTS + 1_400;
            let more = (trim(c, now)?, trim(c, now)?);
            let kept = results(c, "shop", 0..10_000)?.len();
            Ok::<_, Error>((more, kept, hours(c, "shop", 0..1)?.len(), changes(c, "shop", 0..1)?.len()))
        })
        .unwrap();
    assert_eq!(left, ((true, false), 100, 1, 1));
}

#[test]
fn an_own_part_is_written_when_it_changes() {
    let (db, _guard) = database();
    let (wrote, stored, changes) = db
        .write_blocking(|c| {
            let mut wrote = Vec::new();
            for (status, at) in [(Status::Healthy, 1), (Status::Healthy, 2), (Status::Degraded, 3), (Status::Healthy, 4)] {
                wrote.push(note(c, "own/outbox", status, "late", &Value::Null, at)?);
            }
            Ok::<_, Error>((wrote, state(c, "own/outbox")?.unwrap(), all_changes(c, 0..9)?))
        })
        .unwrap();
    assert_eq!(wrote, [true, false, true, true]);
    assert_eq!((stored.state.since, stored.last_error), (Some(4), Some((3, "late".to_owned()))));
    assert_eq!(changes.len(), 3);
}
