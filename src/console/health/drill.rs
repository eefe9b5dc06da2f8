//! Into a line: what is known of it now, its latencies and percentiles, how its state changed, and what changed in the hour before. Pure.

use super::history::{BEFORE, History, Point, Sums, percentile};
use super::request::Request as Own;
use super::{Item, Opened, act, care, draw, head, line, words};
use crate::base::{Millis, SafeText, clock};
use crate::console::action::Action;
use crate::console::draw::columns;
use crate::console::request::Request;
use crate::console::state::State;
use crate::console::text::{Piece, Pieces, wrap};
use crate::console::theme::Role;
use crate::report::format::micros;
use crate::watch::board::{Kind, Line};
use crate::watch::events::{Event, Kind as EventKind};
use serde_json::Value;

/// Rows of the chart.
const CHART: usize = 5;
/// Changes, hours and days that are listed.
const LISTED: usize = 12;
/// What people and programs did in the hour before, as far as it is listed.
const EVENTS: usize = 30;
/// Other lines that changed in it: whatever breaks takes others with it, and five show that.
const OTHERS: usize = 5;
/// Columns of what stands before a value.
const NAME: usize = 14;

/// Go into what is at hand: a system is folded or unfolded, a line shows its history.
pub(super) fn open(state: &mut State) -> Vec<Request> {
    match state.health.at.clone() {
        Some(Item::System(_)) => {
            act::fold(state);
            Vec::new()
        }
        Some(Item::Line(id)) => read(state, id),
        None => {
            state.say("nothing is at hand", false);
            Vec::new()
        }
    }
}

/// Read the history of a line.
pub(super) fn read(state: &mut State, id: String) -> Vec<Request> {
    let since = state.health.board.as_deref().and_then(|board| board.line(&id)).and_then(|line| line.since);
    state.health.begun += 1;
    let generation = state.health.begun;
    act::choose(state, Item::Line(id.clone()));
    let before = state.health.opened.take().filter(|opened| opened.id == id);
    let (history, top) = before.map_or((None, 0), |before| (before.history, before.top));
    state.health.opened = Some(Opened { id: id.clone(), history, generation, lines: Vec::new(), top });
    lay_out(state);
    vec![Request::Health(Own::History { id, since, generation })]
}

/// Scroll.
pub(super) fn scroll(state: &mut State, by: isize) {
    let rows = draw::rows(state);
    if let Some(opened) = &mut state.health.opened {
        let last = opened.lines.len().saturating_sub(rows);
        opened.top = opened.top.min(last).saturating_add_signed(by).min(last);
    }
}

/// Make the lines anew.
pub(super) fn lay_out(state: &mut State) {
    let width = draw::width(state);
    let Some(opened) = &state.health.opened else { return };
    let mut lines = Vec::new();
    match state.health.board.as_deref().and_then(|board| board.line(&opened.id)) {
        Some(one) => now(state, one, width, &mut lines),
        None => lines.push(words_of(Role::Accent, "it is not on the board any more")),
    }
    match &opened.history {
        None => lines.push(words_of(Role::Dim, &format!("reading its history {}", state.glyphs.ellipsis))),
        Some(Err(why)) => {
            lines.extend(wrap(&[Piece::new(Role::Bad, SafeText::line(&format!("its history cannot be read: {why}")).as_str())], width, 0))
        }
        Some(Ok(history)) => past(state, history, width, &mut lines),
    }
    if let Some(one) = state.health.board.as_deref().and_then(|board| board.line(&opened.id)) {
        numbers(state, one, width, &mut lines);
    }
    if let Some(opened) = &mut state.health.opened {
        opened.lines = lines;
    }
    state.is_dirty = true;
}

fn words_of(role: Role, text: &str) -> Pieces {
    vec![Piece::new(role, SafeText::line(text).as_str())]
}

fn heading(state: &State, text: &str, width: usize) -> Pieces {
    let rest = width.saturating_sub(columns(text) + 2);
    vec![Piece::new(Role::Heading, &format!("{text} ")), Piece::new(Role::Border, &state.glyphs.border.horizontal_top.repeat(rest))]
}

/// A name and a value, which goes on under itself.
fn pair(name: &str, role: Role, value: &str, width: usize, lines: &mut Vec<Pieces>) {
    let wrapped = wrap(&[Piece::new(role, SafeText::line(value).as_str())], width.saturating_sub(NAME), 0);
    for (number, words) in wrapped.into_iter().enumerate() {
        let name = if number == 0 { name } else { "" };
        lines.push(std::iter::once(Piece::new(Role::Dim, &format!("{name:<NAME$}"))).chain(words).collect());
    }
}

/// A moment with its distance.
fn moment(at: Millis, now: Millis) -> String {
    let time = clock::local(at);
    if at <= now { format!("{time} ({} ago)", clock::duration(now - at)) } else { format!("{time} (in {})", clock::duration(at - now)) }
}

/// What is known of it now.
fn now(state: &State, one: &Line, width: usize, lines: &mut Vec<Pieces>) {
    let (role, sign, word) = words::of_line(one, &state.glyphs);
    let kind = match one.kind {
        Kind::Own => "part of the deck",
        Kind::Probe => "probe",
        Kind::Heartbeat => "heartbeat",
    };
    lines.push(heading(state, &format!("{} of {}, {kind}", SafeText::line(&one.name), SafeText::line(&one.system)), width));
    let since = one.since.map_or_else(|| "since when is not known".to_owned(), |since| format!("since {}", moment(since, state.now)));
    pair("state", role, &format!("{sign} {word} {since}"), width, lines);
    pair("why", Role::Text, if one.reason.is_empty() { "no reason is known" } else { &one.reason }, width, lines);
    if one.paused.is_some() {
        pair("paused", Role::Paused, &line::held(one, state.now).unwrap_or_default(), width, lines);
    }
    if let Some(until) = one.maintenance_until {
        let because = one.held_because.as_ref().filter(|_| one.paused.is_none());
        let because = because.map_or_else(String::new, |reason| format!("{reason}, "));
        pair("maintenance", Role::Paused, &format!("{because}until {}", moment(until, state.now)), width, lines);
    }
    if let Some((at, error)) = &one.last_error {
        pair("last error", Role::Text, &format!("{error}, {}", moment(*at, state.now)), width, lines);
    }
    pair("looked at", Role::Dim, &one.last_at.map_or_else(|| "never".to_owned(), |at| moment(at, state.now)), width, lines);
    if let Some(at) = one.next_at {
        pair("next", Role::Dim, &moment(at, state.now), width, lines);
    }
    if let Some(found) = &one.remedy {
        lines.extend(head::remedy(state, found, width, 12));
    }
    for job in care::done_for(state, &one.id).take(5) {
        let (role, text) = job.words(state);
        let text = format!("{} {text}", clock::local(job.began).get(11..19).unwrap_or_default());
        lines.extend(wrap(&[Piece::new(role, SafeText::line(&text).as_str())], width, 0));
    }
    lines.push(Vec::new());
}

/// What changed before, how its state changed, how fast it was.
fn past(state: &State, history: &History, width: usize, lines: &mut Vec<Pieces>) {
    if let Some(around) = history.around {
        let time = clock::local(around);
        lines.push(heading(state, &format!("what changed in the hour before {}", time.get(5..16).unwrap_or_default()), width));
        if history.events.is_empty() {
            lines.push(words_of(
                Role::Dim,
                &format!("nothing that is known here: {} notes what happened elsewhere", state.key(Action::HealthNote)),
            ));
        }
        let (others, mut told): (Vec<&Event>, Vec<&Event>) = history.events.iter().partition(|event| event.kind == EventKind::Probe);
        // What people and programs did explains more than what broke with it.
        told.sort_by_key(|event| matches!(event.kind, EventKind::Upkeep | EventKind::Team));
        for (all, most) in [(told, EVENTS), (others, OTHERS)] {
            for event in all.iter().take(most) {
                lines.extend(happened(event, around, width));
            }
            let rest = all.len().saturating_sub(most);
            if rest > 0 {
                let of = if most == OTHERS { "changes of other lines" } else { "such changes" };
                lines.push(words_of(Role::Dim, &format!("and {rest} more {of}")));
            }
        }
        lines.push(Vec::new());
    }
    if !history.results.is_empty() {
        latencies(state, &history.results, width, lines);
    }
    if !history.changes.is_empty() {
        lines.push(heading(state, "how its state changed", width));
        for change in history.changes.iter().take(LISTED) {
            let (_, from_sign, from) = words::status(change.from, &state.glyphs);
            let (role, to_sign, to) = words::status(change.to, &state.glyphs);
            let pieces = [
                Piece::new(Role::Dim, &format!("{}  ", clock::local(change.at).get(5..19).unwrap_or_default())),
                Piece::new(Role::Dim, &format!("{from_sign} {from} {} ", state.glyphs.arrow)),
                Piece::new(role, &format!("{to_sign} {to}")),
                Piece::new(Role::Text, &format!("  {}", SafeText::line(&change.reason))),
            ];
            lines.extend(wrap(&pieces, width, 0));
        }
        lines.push(Vec::new());
    }
    spans(state, "hours", &history.hours, 5..16, width, lines);
    spans(state, "days", &history.days, 0..10, width, lines);
}

/// Something that happened before the line changed, or right after it.
fn happened(event: &Event, around: Millis, width: usize) -> Vec<Pieces> {
    let before = if event.at <= around { format!("{} before", words::short(around - event.at)) } else { "after it".to_owned() };
    let role = if around - event.at <= BEFORE / 6 { Role::Accent } else { Role::Text };
    let mut pieces = vec![
        Piece::new(Role::Dim, &format!("{}  {before:<14}", clock::local(event.at).get(11..19).unwrap_or_default())),
        Piece::new(Role::Badge, &format!("{:<14}", event.kind.word())),
        Piece::new(role, SafeText::line(&event.what).as_str()),
    ];
    // Another line changes by itself, and its name stands there already.
    if event.kind != EventKind::Probe {
        pieces.push(Piece::new(Role::Dim, &format!("  by {}", SafeText::line(&event.who))));
    }
    wrap(&pieces, width, 0)
}

/// The latencies of the last results as columns, and their percentiles.
fn latencies(state: &State, results: &[Point], width: usize, lines: &mut Vec<Pieces>) {
    let mut sorted: Vec<u64> = results.iter().filter_map(|point| point.latency_us).collect();
    sorted.sort_unstable();
    let failed = results.iter().filter(|point| point.error.is_some() || point.latency_us.is_none()).count();
    lines.push(heading(state, &format!("the last {} results", results.len()), width));
    let of = |percent| percentile(&sorted, percent).map_or_else(|| "?".to_owned(), micros);
    let text = format!("P50 {}   P95 {}   P99 {}   of {} answers, {failed} failed", of(50), of(95), of(99), sorted.len());
    lines.push(words_of(Role::Text, &text));
    let room = width.saturating_sub(11);
    let shown = results.get(results.len().saturating_sub(room)..).unwrap_or_default();
    let largest = shown.iter().filter_map(|point| point.latency_us).max().unwrap_or(0);
    for row in (0..CHART).rev() {
        let label = match row {
            _ if row + 1 == CHART => micros(largest),
            0 => "0".to_owned(),
            _ => String::new(),
        };
        let mut bars: Pieces = vec![Piece::new(Role::Dim, &format!("{label:>10} "))];
        for point in shown {
            let (role, sign) = column(state, point, largest, row);
            match bars.last_mut() {
                Some(last) if last.role == role => *last = Piece::new(role, &format!("{}{sign}", last.text())),
                _ => bars.push(Piece::new(role, sign)),
            }
        }
        lines.push(bars);
    }
    if let (Some(first), Some(last)) = (shown.first(), shown.last()) {
        let time = |at: Millis| clock::local(at).get(11..16).unwrap_or_default().to_owned();
        lines.push(words_of(Role::Dim, &format!("{:>10} {} to {}", "", time(first.at), time(last.at))));
    }
    lines.push(Vec::new());
}

/// The cell of a result in a row of the chart, counted from below.
fn column(state: &State, point: &Point, largest: u64, row: usize) -> (Role, &'static str) {
    const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    let Some(latency) = point.latency_us else {
        return (Role::Bad, if row == 0 { state.glyphs.block } else { " " });
    };
    let (role, ..) = words::status(point.status, &state.glyphs);
    let role = if role == Role::Good { Role::Dim } else { role };
    let share = if largest == 0 { 0.0 } else { latency as f64 / largest as f64 };
    let eighths = ((share * (CHART * 8) as f64).round() as usize).max(1).saturating_sub(row * 8).min(8);
    let sign = match state.glyphs == crate::console::theme::Glyphs::ASCII {
        true if eighths >= 4 || (row == 0 && eighths > 0) => "#",
        true => " ",
        false => EIGHTHS.get(eighths).copied().unwrap_or(" "),
    };
    (role, sign)
}

/// Whole hours or days, the newest first.
fn spans(state: &State, name: &str, sums: &[Sums], shown: std::ops::Range<usize>, width: usize, lines: &mut Vec<Pieces>) {
    if sums.is_empty() {
        return;
    }
    lines.push(heading(state, &format!("{name} (UTC begins them)"), width));
    for sums in sums.iter().rev().take(LISTED) {
        let known = sums.results.saturating_sub(sums.unknown);
        let up = (known > 0).then(|| (known - sums.failures.min(known)) as f64 / known as f64 * 100.0);
        let (role, up) = match up {
            None => (Role::Accent, "? nothing is known".to_owned()),
            Some(up) if sums.failures == 0 => (Role::Good, format!("{up:.0} % well")),
            Some(up) => (Role::Bad, format!("{up:.2} % well, {} failed", sums.failures)),
        };
        let of = |value: Option<u64>| value.map_or_else(|| "?".to_owned(), micros);
        lines.push(vec![
            Piece::new(Role::Dim, &format!("{}  ", clock::local(sums.start).get(shown.clone()).unwrap_or_default())),
            Piece::new(Role::Text, &format!("{:>6} results  mean {:<9} slowest {:<9} ", sums.results, of(sums.mean_us), of(sums.max_us))),
            Piece::new(role, &up),
        ]);
    }
    lines.push(Vec::new());
}

/// The numbers behind the line.
fn numbers(state: &State, one: &Line, width: usize, lines: &mut Vec<Pieces>) {
    let Some(numbers) = one.detail.as_object().filter(|numbers| !numbers.is_empty()) else { return };
    lines.push(heading(state, "the numbers behind it", width));
    for (name, value) in numbers {
        let text = shown(name, value);
        let name = SafeText::line(&name.replace('_', " "));
        let wrapped =
            wrap(&[Piece::new(Role::Dim, &format!("{name}: ")), Piece::new(Role::Text, SafeText::clipped(&text, 400).as_str())], width, 0);
        lines.extend(wrapped);
    }
}

/// A number behind a line as people read it: a moment as the clock shows it.
fn shown(name: &str, value: &Value) -> String {
    let is_moment = name.ends_with("_at") || matches!(name, "at" | "due" | "next");
    match value {
        Value::Null => "not known".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(all) if is_moment => all.iter().map(|one| shown(name, one)).collect::<Vec<_>>().join(", "),
        Value::Number(number) if is_moment => number.as_i64().map_or_else(|| number.to_string(), clock::local),
        other => other.to_string(),
    }
}
