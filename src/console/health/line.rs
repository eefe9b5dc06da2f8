//! A row of the board as it stands on the screen: from the most wanted to the least, cut at the width. Pure.

use super::words;
use crate::base::{Millis, SafeText};
use crate::console::draw::{clip, columns};
use crate::console::text::{Piece, Pieces};
use crate::console::theme::{Glyphs, Role};
use crate::watch::board::{Line, System};
use crate::watch::health::Status;

/// Columns of the word of a state, with its sign.
const STATE: usize = 13;
/// Columns of the time since when.
const SINCE: usize = 7;
/// Columns of the time until the next check.
const NEXT: usize = 9;
/// From this width on the next check has a column.
const WIDE: usize = 110;

/// The columns of a row at a width.
struct Columns {
    name: usize,
    spark: usize,
    next: usize,
    reason: usize,
}

fn places(width: usize) -> Columns {
    let (name, spark, next) = if width >= WIDE { (30, 30, NEXT) } else { (18, 10, 0) };
    let used = 2 + STATE + name + 1 + SINCE + 1 + spark + 1 + next;
    Columns { name, spark, next, reason: width.saturating_sub(used) }
}

/// A text from outside, in exactly so many columns.
fn cell(text: &str, width: usize) -> String {
    let text = clip(SafeText::line(text).as_str(), width);
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(&text))))
}

/// The names of the columns.
pub(super) fn heading(width: usize) -> Pieces {
    let places = places(width);
    let next = if places.next > 0 { cell("next", places.next) } else { String::new() };
    let text = format!(
        "  {}{} {} {} {next}{}",
        cell("state", STATE),
        cell("component", places.name),
        cell("since", SINCE),
        cell("latency", places.spark),
        clip("why", places.reason)
    );
    vec![Piece::new(Role::Dim, &text)]
}

/// A system: its state, and how many of its lines are how.
pub(super) fn system(system: &System, is_folded: bool, width: usize, glyphs: &Glyphs) -> Pieces {
    // Where nothing counts nothing is known, and nobody waits to know it.
    let (role, sign, word) = match system.lines.iter().any(Line::counts) {
        true => words::status(system.status, glyphs),
        false => words::HELD,
    };
    let count = |wanted: Status| system.lines.iter().filter(|line| line.counts() && line.status == wanted).count();
    let held = system.lines.iter().filter(|line| !line.counts()).count();
    let (unhealthy, degraded, unknown) = (count(Status::Unhealthy), count(Status::Degraded), count(Status::Unknown));
    let parts = [
        (unhealthy, "unhealthy"),
        (degraded, "degraded"),
        (unknown, "unknown"),
        (count(Status::Healthy), "healthy"),
        (held, "paused or maintained"),
    ];
    let counts = parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", ");
    let fold = if is_folded { "+" } else { "-" };
    let name = clip(SafeText::line(&system.name).as_str(), width.saturating_sub(STATE + 6).min(40));
    let rest = width.saturating_sub(3 + STATE + columns(&name) + 2);
    vec![
        Piece::new(Role::Dim, &format!("{fold} ")),
        Piece::new(role, &cell(&format!("{sign} {word}"), STATE)),
        Piece::new(Role::Heading, &name),
        Piece::new(Role::Dim, &format!("  {}", clip(&counts, rest))),
    ]
}

/// A component.
pub(super) fn line(line: &Line, now: Millis, width: usize, glyphs: &Glyphs) -> Pieces {
    let places = places(width);
    let (role, sign, word) = words::of_line(line, glyphs);
    let since = line.since.map_or_else(|| "?".to_owned(), |since| words::short(now - since));
    let spark = words::sparkline(&line.latencies, places.spark, glyphs);
    let spark_role = if line.latencies.last().is_some_and(Option::is_none) { Role::Bad } else { Role::Dim };
    let next = match (places.next, line.next_at) {
        (0, _) => String::new(),
        (columns, Some(at)) if at > now => cell(&format!("in {}", words::short(at - now)), columns),
        (columns, Some(_)) => cell("due", columns),
        (columns, None) => " ".repeat(columns),
    };
    let (why_role, why) = match held(line, now) {
        Some(why) => (Role::Paused, why),
        None => (if line.status == Status::Healthy { Role::Dim } else { Role::Text }, line.reason.clone()),
    };
    vec![
        Piece::new(Role::Text, "  "),
        Piece::new(role, &cell(&format!("{sign} {word}"), STATE)),
        Piece::new(Role::Text, &format!("{} ", cell(&line.name, places.name))),
        Piece::new(Role::Dim, &format!("{} ", cell(&since, SINCE))),
        Piece::new(spark_role, &format!("{} ", cell(&spark, places.spark))),
        Piece::new(Role::Dim, &next),
        Piece::new(why_role, &clip(SafeText::line(&why).as_str(), places.reason)),
    ]
}

/// Whether the row has no room for all of why.
pub(super) fn is_cut(line: &Line, width: usize) -> bool {
    columns(SafeText::line(&line.reason).as_str()) > places(width).reason
}

/// What holds a line, why, and until when; `None` when nothing does.
pub(super) fn held(line: &Line, now: Millis) -> Option<String> {
    let because = line.held_because.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
    match (&line.paused, line.maintenance_until) {
        (Some((who, Some(until))), _) => Some(format!("paused by {who}{because}, for {} more", words::short(until - now))),
        (Some((who, None)), _) => Some(format!("paused by {who}{because} until it is resumed")),
        (None, Some(until)) => Some(format!("maintenance{because} for {} more: {}", words::short(until - now), line.reason)),
        (None, None) => None,
    }
}
