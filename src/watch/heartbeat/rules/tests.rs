use super::*;
use crate::watch::probe::model::Schedule;
use proptest::prelude::*;
use std::time::Duration;

const MINUTE: Millis = 60_000;
const HOUR: Millis = 60 * MINUTE;
const DAY: Millis = 24 * HOUR;

fn every(period: Millis, grace: Millis) -> Heartbeat {
    Heartbeat {
        name: "job".into(),
        system: "jobs".into(),
        schedule: Schedule::Every(Duration::from_millis(period as u64)),
        grace: Duration::from_millis(grace as u64),
        max_duration: None,
        remedy: None,
        command: None,
    }
}

fn daily_at_three(grace: Millis) -> Heartbeat {
    Heartbeat { schedule: Schedule::Cron { expression: "0 3 * * *".into(), zone: chrono_tz::Europe::Berlin }, ..every(DAY, grace) }
}

fn berlin(text: &str) -> Millis {
    use chrono::TimeZone as _;
    let time = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
    chrono_tz::Europe::Berlin.from_local_datetime(&time).earliest().unwrap().timestamp_millis()
}

fn state(heartbeat: &Heartbeat, record: &Record, now: Millis) -> State {
    view(heartbeat, record, Held::default(), now).state
}

fn ended(at: Millis) -> Record {
    Record { last_end_at: Some(at), last_ping_at: Some(at), up_since: Some(at), ..Record::default() }
}

#[test]
fn it_is_up_then_in_its_grace_then_down_since_the_end_of_it() {
    let job = every(DAY, HOUR);
    let record = ended(0);
    assert_eq!(state(&job, &Record::default(), 9 * DAY), State::New, "what has never reported is not known, and not down");
    assert_eq!(state(&job, &record, DAY - 1), State::Up);
    assert_eq!(state(&job, &record, DAY), State::Grace);
    assert_eq!(state(&job, &record, DAY + HOUR - 1), State::Grace);
    let down = view(&job, &record, Held::default(), DAY + 5 * HOUR);
    assert_eq!((down.state, down.since), (State::Down, Some(DAY + HOUR)));
    assert!(down.reason.contains("expected 5 h ago"), "{}", down.reason);
    assert_eq!(State::New.status(), Status::Unknown);
}

#[test]
fn cron_times_are_those_of_the_zone_and_the_next_three_are_shown() {
    let job = daily_at_three(HOUR);
    let record = ended(berlin("2026-03-28 03:10"));
    let now = berlin("2026-03-28 12:00");
    let view = super::view(&job, &record, Held::default(), now);
    assert_eq!((view.state, view.due), (State::Up, Some(berlin("2026-03-29 03:00"))));
    assert_eq!(view.next, [berlin("2026-03-29 03:00"), berlin("2026-03-30 03:00"), berlin("2026-03-31 03:00")]);
    // The grace is an hour of time, also over the change of the clocks.
    let late = Heartbeat { grace: Duration::from_secs(2 * 3600), ..daily_at_three(0) };
    let record = ended(berlin("2026-10-24 03:10"));
    assert_eq!(state(&late, &record, berlin("2026-10-25 03:00") + 2 * HOUR - 1), State::Grace);
    assert_eq!(state(&late, &record, berlin("2026-10-25 03:00") + 2 * HOUR), State::Down);
    // Missed times are not the next ones.
    let missed = super::view(&job, &record, Held::default(), berlin("2026-11-21 12:00"));
    assert_eq!((missed.state, missed.next[0]), (State::Down, berlin("2026-11-22 03:00")));
}

#[test]
fn every_run_that_began_is_watched_even_if_another_succeeded() {
    let mut job = every(DAY, 10 * MINUTE);
    job.max_duration = Some(Duration::from_secs(3600));
    let stuck = Open { run: Some("a".into()), started_at: 0 };
    let fresh = Open { run: Some("b".into()), started_at: 60 * MINUTE };
    let mut record = Record { open: vec![stuck, fresh], ..ended(65 * MINUTE) };
    assert_eq!(state(&job, &record, 70 * MINUTE - 1), State::Up);
    let down = view(&job, &record, Held::default(), 70 * MINUTE);
    assert_eq!((down.state, down.since), (State::Down, Some(70 * MINUTE)));
    assert!(down.reason.contains("the run a has begun 1 h 10 min ago"), "{}", down.reason);
    record.open.remove(0);
    assert_eq!(state(&job, &record, 70 * MINUTE), State::Up);
}

#[test]
fn a_failure_is_down_at_once_until_a_success() {
    let mut record = Record { failed: true, failed_since: Some(5), last_failure: Some((7, "exit 3".into())), ..ended(7) };
    let down = view(&every(DAY, HOUR), &record, Held::default(), 8);
    assert_eq!((down.state, down.since), (State::Down, Some(5)));
    assert!(down.reason.contains("exit 3"));
    record.failed = false;
    assert_eq!(state(&every(DAY, HOUR), &record, 8), State::Up);
}

#[test]
fn a_changed_schedule_counts_from_its_change() {
    let record = Record { schedule_at: Some(20 * HOUR), ..ended(0) };
    assert_eq!(state(&every(HOUR, MINUTE), &record, 20 * HOUR + MINUTE), State::Up, "and not down at once");
    assert_eq!(state(&every(HOUR, MINUTE), &record, 21 * HOUR), State::Grace);
    assert_eq!(state(&every(7 * DAY, MINUTE), &record, 7 * DAY), State::Up);
    let held = Held { resumed_at: Some(30 * HOUR), ..Held::default() };
    assert_eq!(view(&every(HOUR, MINUTE), &record, held, 30 * HOUR + MINUTE).state, State::Up);
    let held = Held { is_paused: true, ..Held::default() };
    assert_eq!(view(&every(HOUR, MINUTE), &record, held, 30 * DAY).state, State::Paused);
}

#[test]
fn what_falls_into_maintenance_is_forgiven() {
    // From 02:00 to 04:00.
    let (from, until) = (berlin("2026-11-22 02:00"), berlin("2026-11-22 04:00"));
    let window = move |at: Millis| (from..until).contains(&at).then_some(until);
    let held = Held { window_end: Some(&window), ..Held::default() };
    let record = ended(berlin("2026-11-21 03:05"));
    let of = |job: &Heartbeat, record: &Record, text: &str| view(job, record, held, berlin(text)).state;
    assert_eq!(of(&daily_at_three(HOUR), &record, "2026-11-22 12:00"), State::Up, "its time was in the window");
    assert_eq!(of(&daily_at_three(HOUR), &record, "2026-11-23 04:00"), State::Down);
    // The time before the window, the grace in it: it has the grace again behind it.
    let early = ended(berlin("2026-11-21 01:30"));
    assert_eq!(of(&every(DAY, HOUR), &early, "2026-11-22 04:30"), State::Grace);
    assert_eq!(of(&every(DAY, HOUR), &early, "2026-11-22 05:00"), State::Down);
    let record = Record { open: vec![Open { run: None, started_at: berlin("2026-11-22 01:00") }], ..record };
    assert_eq!(of(&daily_at_three(2 * HOUR), &record, "2026-11-22 03:30"), State::Up);
    assert_eq!(of(&daily_at_three(2 * HOUR), &record, "2026-11-22 04:00"), State::Down);
}

proptest! {
    #[test]
    fn the_state_follows_from_time_without_a_panic_and_never_gets_better_by_itself(
        period in 1..40 * DAY, grace in 0..3 * DAY, last in 0..400 * DAY, now in 0..500 * DAY, later in 0..DAY, started in proptest::collection::vec(0..400 * DAY, 0..4),
    ) {
        let job = every(period, grace);
        let open = started.into_iter().map(|started_at| Open { run: None, started_at }).collect();
        let record = Record { open, ..ended(last) };
        let rank = |state: State| match state { State::Up => 0, State::Grace => 1, _ => 2 };
        prop_assert!(rank(state(&job, &record, now)) <= rank(state(&job, &record, now + later)));
        let view = view(&job, &record, Held::default(), now);
        prop_assert!(view.next.windows(2).all(|pair| pair[0] < pair[1]) && view.next.len() == 3);
    }
}
