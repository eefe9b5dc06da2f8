//! Outcomes of the tab that a person would notice, without a terminal or a database.

use super::care::{Care, Told};
use super::request::{Reply, Request};
use super::{act, draw, refresh};
use crate::base::Millis;
use crate::console::request::{Reply as Whole, Request as Asked};
use crate::console::state::State;
use crate::console::{draw as screen, tabs, update};
use crate::upkeep::progress::{Progress, Unit};
use crate::watch::board::{Board, Kind, Line, Maintenance, Remedy};
use crate::watch::health::Status;
use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

/// A Saturday, 13:05:31 UTC.
const NOW: Millis = 1_795_266_331_000;

pub(in crate::console) fn line(system: &str, name: &str, status: Status, ago: Millis, reason: &str) -> Line {
    Line {
        id: format!("probe/{name}"),
        system: system.into(),
        name: name.into(),
        kind: Kind::Probe,
        status,
        since: Some(NOW - ago),
        reason: reason.into(),
        last_error: None,
        latencies: vec![Some(12_000), Some(14_000), Some(90_000)],
        last_at: Some(NOW - 4_000),
        next_at: Some(NOW + 26_000),
        remedy: None,
        paused: None,
        maintenance_until: None,
        held_because: None,
        detail: serde_json::json!({ "value": 0.5 }),
    }
}

fn remedy(text: &str, command: Option<&str>, maintenance: Option<Maintenance>) -> Option<Remedy> {
    Some(Remedy { text: text.into(), command: command.map(str::to_owned), maintenance })
}

/// A board of everything that there can be.
fn lines() -> Vec<Line> {
    let broken = Line {
        remedy: remedy("is redis running on the host?", Some("systemctl status redis"), None),
        latencies: vec![Some(900), Some(1_100), None, None],
        last_error: Some((NOW - 5_000, "connection refused".into())),
        ..line("assistant", "redis", Status::Unhealthy, 303_000, "connection refused")
    };
    let disk = Line {
        id: "own/database".into(),
        kind: Kind::Own,
        remedy: remedy("take the log into the file", None, Some(Maintenance::Checkpoint)),
        ..line("quarterdeck", "database", Status::Degraded, 90_000_000, "the write-ahead log has 210 MiB")
    };
    vec![
        line("textbook", "qdrant", Status::Healthy, 86_400_000, "200 in 14 ms"),
        line("textbook", "frontend", Status::Healthy, 86_400_000, "200 in 14 ms"),
        broken,
        line("assistant", "postgres", Status::Healthy, 86_400_000, "41 of 100 connections"),
        Line { paused: Some(("ben".into(), None)), ..line("assistant", "staging", Status::Unhealthy, 5, "refused") },
        Line { since: None, latencies: vec![], ..line("advisor", "batch", Status::Unknown, 0, "it was never heard of") },
        disk,
    ]
}

/// Where a board or a history comes back, one that is the same on every machine and at every time.
pub(in crate::console) fn fixed(reply: Whole, at: Millis) -> Whole {
    use super::history::{Change, History, Point, Sums};
    use crate::watch::events::{Event, Kind as EventKind};
    match reply {
        Whole::Health(Reply::Board { generation, is_awaited, .. }) => {
            let moved = |mut line: Line| {
                let by = at - NOW;
                line.since = line.since.map(|since| since + by);
                line.last_error = line.last_error.map(|(at, error)| (at + by, error));
                (line.last_at, line.next_at) = (line.last_at.map(|at| at + by), line.next_at.map(|at| at + by));
                line
            };
            let board = Board::of(lines().into_iter().map(moved).collect(), at, None, Some("deck:77".into()));
            Whole::Health(Reply::Board { generation, is_awaited, result: Ok(Box::new(board)) })
        }
        Whole::Health(Reply::History { id, generation, .. }) => {
            let since = at - 303_000;
            let point = |number: i64| Point {
                at: since - 1_800_000 + number * 30_000,
                status: if number < 60 { Status::Healthy } else { Status::Unhealthy },
                latency_us: (number < 60).then_some(900 + (number as u64 * 37) % 400),
                error: (number >= 60).then(|| "connection refused".to_owned()),
            };
            let sums = |number: i64| Sums {
                start: (at / 3_600_000 - 3 + number) * 3_600_000,
                results: 120,
                failures: u64::from(number == 2) * 8,
                unknown: 0,
                mean_us: Some(1_020),
                max_us: Some(4_100),
            };
            let event = |ago, kind, what: &str, who: &str| Event { at: since - ago, kind, what: what.into(), who: who.into() };
            let history = History {
                results: (0..70).map(point).collect(),
                hours: (0..3).map(sums).collect(),
                days: Vec::new(),
                changes: vec![Change { at: since, from: Status::Healthy, to: Status::Unhealthy, reason: "connection refused".into() }],
                around: Some(since),
                events: vec![
                    event(120_000, EventKind::Deployment, "assistant: assistant 2.4.1", "bea"),
                    event(1_900_000, EventKind::Pause, "all sending: paused (odd answers)", "ana"),
                ],
            };
            Whole::Health(Reply::History { id, generation, result: Ok(Box::new(history)) })
        }
        other => other,
    }
}

fn board() -> Box<Board> {
    Box::new(Board::of(lines(), NOW, None, Some("deck:77".into())))
}

fn state(width: u16, height: u16) -> State {
    let mut state = crate::console::search::tests::state();
    (state.now, state.width, state.height) = (NOW, width, height);
    state.tab = tabs::Name::Health;
    state
}

fn show(state: &mut State, board: Box<Board>) -> Vec<Asked> {
    refresh::read(state);
    let generation = state.health.generation;
    update::reply(state, Whole::Health(Reply::Board { generation, is_awaited: true, result: Ok(board) }))
}

fn opened(width: u16, height: u16) -> State {
    let mut state = state(width, height);
    show(&mut state, board());
    state
}

fn press(state: &mut State, keys: &str) -> Vec<Asked> {
    let mut requests = Vec::new();
    for letter in keys.chars() {
        let code = match letter {
            '\r' => KeyCode::Enter,
            '\u{1b}' => KeyCode::Esc,
            letter => KeyCode::Char(letter),
        };
        requests.extend(update::event(state, &Event::Key(KeyEvent::new(code, KeyModifiers::NONE))));
    }
    requests
}

fn picture(state: &mut State) -> String {
    let mut terminal = Terminal::new(TestBackend::new(state.width, state.height)).unwrap();
    terminal.draw(|frame| screen::draw(state, frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let rows = (0..state.height).map(|y| (0..state.width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned());
    rows.collect::<Vec<_>>().join("\n")
}

/// What is to be done at hand.
fn cares(requests: &[Asked]) -> Vec<Care> {
    let of = |request: &Asked| match request {
        Asked::Health(Request::Care { care, .. }) => Some(care.clone()),
        _ => None,
    };
    requests.iter().filter_map(of).collect()
}

#[test]
fn the_first_lines_say_what_is_broken_since_when_and_what_to_do_next() {
    for (width, height) in [(80, 24), (140, 40)] {
        let shown = picture(&mut opened(width, height));
        let first: Vec<&str> = shown.lines().collect();
        assert!(first[0].contains("[Health 1]"), "{shown}");
        assert!(first[1].contains("✗ UNHEALTHY  1 unhealthy, 1 degraded, 1 unknown, 1 held of 7"), "{shown}");
        assert!(first[2].contains("redis of assistant: connection refused, for 5 min 3 s (since "), "{shown}");
        assert!(first[3].contains("next: is redis running on the host?"), "{shown}");
        // The one remedy of the line at hand is at the bottom, with its command.
        assert!(shown.contains("try first: is redis running on the host?") && shown.contains("$ systemctl status redis"), "{shown}");
        assert!(shown.contains("✗ unhealthy") && shown.contains("▲ degraded") && shown.contains("? unknown"), "{shown}");
        assert!(shown.contains("= paused") && shown.contains("paused by ben until it i"), "{shown}");
        // What is healthy is one row.
        assert!(shown.contains("✓ healthy    textbook  2 healthy") && !shown.contains("qdrant"), "{shown}");
    }
}

#[test]
fn a_board_that_is_looked_at_is_read_again_when_the_next_result_is_due() {
    let mut state = state(80, 24);
    let soon = Line { next_at: Some(NOW + 4_000), ..line("assistant", "redis", Status::Healthy, 5, "200") };
    show(&mut state, Box::new(Board::of(vec![soon], NOW, None, Some("deck:77".into()))));
    assert!(refresh::caught_up(&mut state).is_empty());
    assert_eq!(refresh::wakes(&state, NOW), Some(5_500), "a result that changes no state is told by nobody");
    state.now = NOW + 5_500;
    assert_eq!(refresh::caught_up(&mut state).len(), 1);
}

#[test]
fn what_nobody_looks_at_is_not_called_well() {
    let mut state = state(80, 24);
    let unknown = Line { last_at: None, ..line("assistant", "redis", Status::Unknown, 0, "nobody has probed it yet") };
    show(&mut state, Box::new(Board::of(vec![unknown], NOW, None, None)));
    let shown = picture(&mut state);
    assert!(shown.contains("NOBODY PROBES NOW") && shown.contains("? UNKNOWN") && shown.contains("quarterdeck serve"), "{shown}");
    assert!(!shown.contains("healthy"), "{shown}");
    // A board that cannot be read keeps what was known, and says so.
    let generation = state.health.generation;
    update::reply(&mut state, Whole::Health(Reply::Board { generation, is_awaited: true, result: Err("locked".into()) }));
    assert!(picture(&mut state).contains("CANNOT BE READ SINCE"));
}

#[test]
fn a_system_that_is_paused_hides_nothing_that_is_broken_elsewhere() {
    let held = |name: &str| Line { paused: Some(("ben".into(), None)), ..line(name, name, Status::Unhealthy, 9_000, "refused") };
    let mut state = state(80, 24);
    let lines = vec![held("alpha"), held("beta"), line("zulu", "api", Status::Unknown, 60_000, "no result for 5 min")];
    show(&mut state, Box::new(Board::of(lines, NOW, None, Some("deck:1".into()))));
    let shown = picture(&mut state);
    assert!(shown.contains("api of zulu: no result for 5 min") && !shown.contains("nothing that is known here is broken"), "{shown}");
    assert!(shown.contains("= held       alpha  1 paused or maintained"), "{shown}");
    // All of it held is not all of it well.
    show(&mut state, Box::new(Board::of(vec![held("alpha")], NOW, None, Some("deck:1".into()))));
    let shown = picture(&mut state);
    assert!(!shown.contains("nothing that is known here is broken") && !shown.contains("healthy"), "{shown}");
}

#[test]
fn systems_fold_and_the_filter_finds_and_says_what_it_does_not_understand() {
    let mut state = opened(80, 24);
    press(&mut state, "G\r");
    assert!(picture(&mut state).contains("qdrant"), "a healthy system unfolds");
    press(&mut state, "Z");
    assert_eq!(state.health.rows.len(), 4, "only systems");
    press(&mut state, "/is:unhealthy is:unknown\r");
    let shown = picture(&mut state);
    assert!(shown.contains("filter: is:unhealthy") && !shown.contains("textbook"), "{shown}");
    // What says so hides no row: it stands in the stroke below them.
    assert!(shown.lines().any(|row| row.contains("─ filter: is:unhealthy")), "{shown}");
    press(&mut state, "Z/ is:bad\r");
    assert!(state.said.last().unwrap().text.contains("there is no is:bad"));
    press(&mut state, "\u{1b}\u{1b}");
    assert_eq!(state.health.filter, "");
}

#[test]
fn care_asks_by_its_grade_and_tells_how_far_it_is() {
    let mut state = opened(80, 24);
    // Reading is done at once.
    assert_eq!(cares(&press(&mut state, "d")), [Care::CheckDatabase]);
    // Writing asks; any other key is no.
    assert_eq!(cares(&press(&mut state, "bn")), []);
    assert_eq!(cares(&press(&mut state, "by")), [Care::BackUp]);
    assert_eq!(cares(&press(&mut state, "b")), []);
    assert!(state.said.last().unwrap().text.contains("under way already"));
    // What others feel says what they feel.
    press(&mut state, "p");
    assert!(picture(&mut state).contains("Nobody is told when its target breaks"));
    assert_eq!(cares(&press(&mut state, "y")), [Care::PauseProbe("redis".into())]);
    // What goes has to be named.
    assert_eq!(cares(&press(&mut state, "Iy\r")), []);
    assert!(state.said.last().unwrap().text.contains("nothing was done"));
    assert_eq!(cares(&press(&mut state, "Iindex\r")), [Care::RebuildIndex]);

    let number = state.health.jobs.iter().find(|job| job.care == Care::BackUp).unwrap().number;
    state.health.jobs.retain(|job| job.care == Care::BackUp);
    let progress = |done| Progress { stage: "copying pages", done, total: Some(100 << 20), unit: Unit::Bytes };
    update::reply(&mut state, Whole::Health(Reply::Progress { number, progress: progress(0) }));
    state.now += 2_000;
    update::reply(&mut state, Whole::Health(Reply::Progress { number, progress: progress(40 << 20) }));
    let shown = picture(&mut state);
    assert!(shown.contains("backup: copying pages 40 %, 40.0 MiB of 100.0 MiB, 20.0 MiB/s, 3 s left"), "{shown}");
    press(&mut state, "x");
    assert!(state.health.jobs[0].stop.load(std::sync::atomic::Ordering::Relaxed));
    let result = Ok(Told { is_problem: false, text: "2026-11-21 verified".into() });
    let asked = update::reply(&mut state, Whole::Health(Reply::Cared { number, result }));
    assert!(asked.iter().any(|request| matches!(request, Asked::Health(Request::Board { .. }))), "the board is read again");
    assert!(picture(&mut state).contains("✓ backup: 2026-11-21 verified"));
    // After a while the remedy has its room again; what went wrong is told with one sign.
    state.now += 40_000;
    assert!(!picture(&mut state).contains("2026-11-21 verified"));
    assert_eq!(cares(&press(&mut state, "d")), [Care::CheckDatabase]);
    let number = state.health.jobs.last().unwrap().number;
    update::reply(&mut state, Whole::Health(Reply::Cared { number, result: Err("it is locked".into()) }));
    let shown = picture(&mut state);
    assert!(shown.contains("✗ check of the database was not done: it is locked") && !shown.contains("✗ ✗"), "{shown}");
}

#[test]
fn the_remedy_is_done_by_a_key_where_the_console_can() {
    let mut state = opened(80, 24);
    press(&mut state, "r");
    assert!(state.said.last().unwrap().text.contains("y copies the command"));
    press(&mut state, "n");
    let shown = picture(&mut state);
    assert!(shown.contains("try first (r takes the log in): take the log into the file"), "{shown}");
    assert!(shown.lines().last().unwrap().contains("r takes the log in"), "{shown}");
    assert_eq!(cares(&press(&mut state, "ry")), [Care::Checkpoint]);
    // Where nothing may be changed it is not offered.
    state.read_only = true;
    let shown = picture(&mut state);
    assert!(shown.contains("try first: take the log into the file") && !shown.contains("takes the log in"), "{shown}");
}

#[test]
fn the_key_of_a_remedy_says_what_it_does_and_a_remedy_that_is_too_long_says_that_it_goes_on() {
    let mut state = state(80, 24);
    let long = format!("Restart the shop{}.", ", look at its load and its own stores".repeat(9));
    let one = Line {
        remedy: remedy(&long, Some("systemctl restart shop"), Some(Maintenance::Check)),
        ..line("web", "shop", Status::Unhealthy, 60_000, "timeout")
    };
    show(&mut state, Box::new(Board::of(vec![one], NOW, None, Some("deck:1".into()))));
    let shown = picture(&mut state);
    // To check again restarts nothing, and does not say so.
    assert!(shown.contains("try first (r checks again): Restart the shop, look at"), "{shown}");
    assert!(shown.lines().any(|line| line.ends_with(" …")) && shown.contains("$ systemctl restart shop"), "{shown}");
    assert_eq!(cares(&press(&mut state, "r")), [Care::Check("shop".into())]);
}

#[test]
fn into_a_line_and_back_to_where_one_was() {
    for (width, height) in [(80, 24), (140, 40)] {
        let mut state = opened(width, height);
        let asked = press(&mut state, "\r");
        assert!(matches!(&asked[..], [Asked::Health(Request::History { id, .. })] if id == "probe/redis"), "{asked:?}");
        let shown = picture(&mut state);
        assert!(shown.contains("redis of assistant, probe") && shown.contains("last error    connection refused"), "{shown}");
        press(&mut state, "\u{1b}");
        assert!(picture(&mut state).contains("UNHEALTHY"));
        assert_eq!(act::line(&state).unwrap().id, "probe/redis");
    }
}

#[test]
fn what_people_did_stands_before_the_lines_that_broke_with_it() {
    use super::history::History;
    use crate::watch::events::{Event, Kind as EventKind};
    let mut state = state(140, 40);
    let due = serde_json::json!({ "due": NOW, "next": [NOW, NOW + 60_000], "started_at": null, "runs": 3 });
    let job = Line { detail: due, ..line("jobs", "nightly", Status::Unhealthy, 300_000, "late") };
    show(&mut state, Box::new(Board::of(vec![job], NOW, None, Some("deck:1".into()))));
    let asked = press(&mut state, "\r");
    let Asked::Health(Request::History { id, generation, .. }) = &asked[0] else { panic!("{asked:?}") };
    let event = |ago, kind, what: &str, who: &str| Event { at: NOW - 300_000 - ago, kind, what: what.into(), who: who.into() };
    let mut events: Vec<Event> = (0..20)
        .map(|number| {
            event(number, EventKind::Probe, &format!("target-{number}: healthy to unhealthy, refused"), &format!("target-{number}"))
        })
        .collect();
    events.push(event(900_000, EventKind::Upkeep, "vacuum", "cron"));
    events.push(event(1_900_000, EventKind::Deployment, "assistant: 2.4.1", "bea"));
    let history = History { around: Some(NOW - 300_000), events, ..History::default() };
    let reply = Reply::History { id: id.clone(), generation: *generation, result: Ok(Box::new(history)) };
    update::reply(&mut state, Whole::Health(reply));
    let shown = picture(&mut state);
    let row = |what: &str| shown.lines().position(|row| row.contains(what)).unwrap_or_else(|| panic!("{what}\n{shown}"));
    assert!(row("assistant: 2.4.1  by bea") < row("vacuum  by cron") && row("vacuum  by cron") < row("target-0: healthy"), "{shown}");
    assert!(row("target-4:") < row("and 15 more changes of other lines") && !shown.contains("by target-"), "{shown}");
    // A moment among the numbers is a time, and not a number of milliseconds.
    let time = crate::base::clock::local(NOW);
    assert!(shown.contains(&format!("due: {time}")) && shown.contains(&format!("next: {time}, ")) && shown.contains("runs: 3"), "{shown}");
}

#[test]
fn the_number_beside_the_name_is_not_older_than_what_time_alone_changes() {
    let mut state = opened(80, 24);
    state.tab = tabs::Name::Queue;
    // Nothing was written anywhere, as where a console only reads.
    assert!(tabs::caught_up(&mut state).is_empty());
    state.now += 15_000;
    assert!(refresh::wakes(&state, state.now).is_some_and(|wait| wait <= 1));
    let asked = tabs::caught_up(&mut state);
    assert!(asked.iter().any(|request| matches!(request, Asked::Health(Request::Board { is_awaited: false, .. }))), "{asked:?}");
}

#[test]
fn the_way_to_all_keys_stands_in_the_last_line_of_a_small_terminal() {
    for keys in ["", "nk", "\r", "d"] {
        let mut state = opened(80, 24);
        press(&mut state, keys);
        let shown = picture(&mut state);
        let last = shown.lines().last().unwrap();
        assert!(last.contains("? keys") && last.contains(": commands"), "{shown}");
    }
}

#[test]
fn two_thousand_lines_are_drawn_as_few_as_are_seen() {
    let mut state = state(140, 40);
    let many = (0..2_000).map(|number| {
        let status = if number % 10 == 0 { Status::Unhealthy } else { Status::Healthy };
        line(&format!("system-{}", number % 40), &format!("target-{number}"), status, number, "x")
    });
    show(&mut state, Box::new(Board::of(many.collect(), NOW, None, Some("deck:1".into()))));
    press(&mut state, "ZZ");
    assert_eq!(state.health.rows.len(), 2_040);
    let began = std::time::Instant::now();
    for _ in 0..100 {
        press(&mut state, "j");
    }
    press(&mut state, "G");
    assert!(began.elapsed().as_millis() < 3_000, "{:?}", began.elapsed());
    assert_eq!(state.health.top, 2_040 - draw::rows(&state));
    press(&mut state, "home");
    assert!(picture(&mut state).contains("200 unhealthy"));
}

#[test]
fn no_row_is_hidden_by_how_many_more_there_are() {
    let mut state = state(80, 24);
    let many = (0..60).map(|number| {
        line("web", &format!("shop-{number}"), Status::Unhealthy, 9_000 + number, &format!("shop {number} has answered with the end"))
    });
    show(&mut state, Box::new(Board::of(many.collect(), NOW, None, Some("deck:1".into()))));
    press(&mut state, "/shop\r");
    let shown = picture(&mut state);
    let stroke = shown.lines().find(|row| row.contains(" more")).unwrap();
    assert!(stroke.contains("─") && stroke.contains("filter: shop") && stroke.contains("↓ 48 more"), "{shown}");
    let rows: Vec<&str> = shown.lines().filter(|row| row.contains("✗ unhealthy  shop-")).collect();
    assert!(rows.len() == 12 && rows.iter().all(|row| row.ends_with('…')), "{shown}");
}

#[test]
fn the_cursor_stays_on_its_line_when_the_board_changes() {
    let mut state = opened(80, 24);
    press(&mut state, "n");
    assert_eq!(act::line(&state).unwrap().name, "database");
    let mut worse = lines();
    worse.insert(0, line("zulu", "api", Status::Unhealthy, 900_000, "500"));
    show(&mut state, Box::new(Board::of(worse, NOW, None, None)));
    assert_eq!(act::line(&state).unwrap().name, "database");
    assert_eq!(state.health.unhealthy(), 2);
}

#[test]
fn the_keys_that_stand_below_a_system_work_on_its_worst_line() {
    let mut state = opened(80, 24);
    press(&mut state, "nk");
    // The row of the system, above the database.
    let shown = picture(&mut state);
    assert!(shown.contains("database of quarterdeck") && shown.contains("r takes the log in"), "{shown}");
    assert_eq!(cares(&press(&mut state, "ry")), [Care::Checkpoint]);
    press(&mut state, "gg");
    assert_eq!(act::line(&state).unwrap().name, "redis");
    assert_eq!(cares(&press(&mut state, "c")), [Care::Check("redis".into())]);
    press(&mut state, "y");
    assert!(state.wishes.iter().any(|wish| *wish == crate::console::state::Wish::Copy("systemctl status redis".into())));
}

#[test]
fn a_heartbeat_is_paused_and_resumed_like_a_probe() {
    let mut state = state(80, 24);
    let job = |paused| Line {
        id: "heartbeat/nightly".into(),
        kind: Kind::Heartbeat,
        paused,
        ..line("jobs", "nightly", Status::Unhealthy, 9_000, "late")
    };
    show(&mut state, Box::new(Board::of(vec![job(None)], NOW, None, Some("deck:1".into()))));
    assert!(press(&mut state, "p").is_empty());
    assert!(picture(&mut state).contains("Pause the heartbeat nightly?"));
    assert_eq!(cares(&press(&mut state, "y")), [Care::PauseProbe("nightly".into())]);
    state.health.jobs.clear();
    show(&mut state, Box::new(Board::of(vec![job(Some(("ben".into(), None)))], NOW, None, Some("deck:1".into()))));
    assert!(picture(&mut state).contains("p resumes it"));
    assert_eq!(cares(&press(&mut state, "py")), [Care::ResumeProbe("nightly".into())]);
    // It comes from its job, and cannot be asked for.
    assert_eq!(cares(&press(&mut state, "c")), []);
    assert!(state.said.last().unwrap().text.contains("comes from its job"));
}

#[test]
fn why_something_is_held_stands_in_its_row_below_the_board_and_on_its_page() {
    let because = |line: Line, why: &str| Line { held_because: Some(why.into()), ..line };
    let paused = Line { paused: Some(("ben".into(), None)), ..line("web", "shop", Status::Unhealthy, 9_000, "refused") };
    let window = Line { maintenance_until: Some(NOW + 300_000), ..line("web", "store", Status::Unhealthy, 9_000, "refused") };
    let mut state = state(140, 40);
    let lines = vec![because(paused, "moved to the new host"), because(window, "new disks")];
    show(&mut state, Box::new(Board::of(lines, NOW, None, Some("deck:1".into()))));
    for (name, row, page) in [
        ("shop", "paused by ben (moved to the new host)", "paused by ben (moved to the new host)"),
        ("store", "maintenance (new disks) for 5 min more", "new disks, until "),
    ] {
        state.health.at = Some(super::Item::Line(format!("probe/{name}")));
        // In its row, and as the one at hand below.
        let shown = picture(&mut state);
        assert!(shown.matches(row).count() == 2, "{shown}");
        press(&mut state, "\r");
        let shown = picture(&mut state);
        assert!(shown.contains(page), "{shown}");
        press(&mut state, "\u{1b}");
    }
}

#[test]
fn until_a_person_chooses_the_cursor_is_on_what_hurts_most() {
    let mut state = state(80, 24);
    let well = |system: &'static str| (0..9).map(move |number| line(system, &format!("{system}-{number}"), Status::Healthy, 9_000, "200"));
    let mut all: Vec<Line> = ["alpha", "beta", "gamma"].into_iter().flat_map(well).collect();
    // The first board is read for the number beside the tab's name, long before anybody looks at it.
    show(&mut state, Box::new(Board::of(all.clone(), NOW, None, Some("deck:1".into()))));
    all.push(line("omega", "api", Status::Unhealthy, 1_000, "500"));
    show(&mut state, Box::new(Board::of(all.clone(), NOW, None, Some("deck:1".into()))));
    assert_eq!(act::line(&state).unwrap().name, "api");
    let shown = picture(&mut state);
    assert!(shown.contains("omega  1 unhealthy") && shown.contains("▌  ✗ unhealthy  api"), "{shown}");
    // Something worse breaks later: it is at hand, on top, under the name of its system.
    all.push(line("delta", "store", Status::Unhealthy, 90_000, "refused"));
    show(&mut state, Box::new(Board::of(all.clone(), NOW, None, Some("deck:1".into()))));
    assert_eq!((act::line(&state).unwrap().name.as_str(), state.health.top), ("store", 0));
    // From then on it is the person's.
    press(&mut state, "n");
    assert_eq!(act::line(&state).unwrap().name, "api");
    all.push(line("aaa", "cache", Status::Unhealthy, 900_000, "refused"));
    show(&mut state, Box::new(Board::of(all, NOW, None, Some("deck:1".into()))));
    assert_eq!(act::line(&state).unwrap().name, "api");
}

#[test]
fn scrolled_up_to_a_line_its_system_stands_above_it() {
    let mut state = state(80, 24);
    let many = ["alpha", "beta", "gamma"].into_iter().flat_map(|system| {
        (0..12).map(move |number| line(system, &format!("{system}-{number}"), Status::Unhealthy, 9_000 - number, "500"))
    });
    show(&mut state, Box::new(Board::of(many.collect(), NOW, None, Some("deck:1".into()))));
    press(&mut state, "G");
    let first = |state: &mut State| picture(state).lines().nth(5).unwrap().to_owned();
    // Up to the first line of the system: its name comes into view with it.
    while act::line(&state).unwrap().name != "gamma-0" {
        press(&mut state, "k");
    }
    assert!(first(&mut state).contains("gamma  12 unhealthy"), "{}", picture(&mut state));
}

#[test]
fn where_nothing_may_be_changed_every_changing_key_of_every_tab_is_refused_with_a_sentence() {
    use crate::console::action::{Action, Scope};
    for action in Action::ALL.iter().filter(|action| action.changes()) {
        let mut state = opened(80, 24);
        state.read_only = true;
        let asked = update::act(&mut state, *action);
        assert!(asked.is_empty() && state.layers.is_empty() && state.wishes.is_empty(), "{}", action.id());
        assert!(state.said.last().unwrap().text.contains("only reads"), "{}", action.id());
        assert!(picture(&mut state).contains("READ-ONLY"));
    }
    // Whatever asks before it is done changes something.
    assert!(Action::ALL.iter().all(|action| action.changes() || !action.is_destructive()));
    assert!(Action::ALL.iter().filter(|action| action.scope() == Scope::Queue).any(|action| action.changes()));
}
