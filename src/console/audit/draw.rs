//! The view as lines. Pure.

use super::{Check, View};
use crate::base::{SafeText, clock, shown};
use crate::console::text::{Piece, Pieces, line, wrap};
use crate::console::theme::Role;
use crate::store::audit::Record;
use crate::upkeep::audit::Verified;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

/// From this width on the reason has a column.
const WIDE: usize = 100;
/// Findings that are listed.
const MOST: usize = 200;

/// The keys for the footer.
pub(in crate::console) fn keys(view: &View) -> &'static [(&'static str, &'static str)] {
    match (&view.check, view.details) {
        (Check::Running { .. }, _) => &[("esc", "end it")],
        (Check::Done { .. }, _) => &[("j/k", "scroll"), ("esc", "back")],
        (Check::None, Some(_)) => &[("j/k", "scroll"), ("esc", "back"), ("o", "open item"), ("v", "verify")],
        (Check::None, None) => &[
            ("j/k", "choose"),
            ("esc", "back"),
            ("enter", "details"),
            ("/", "filter"),
            ("o", "open item"),
            ("v", "verify"),
            ("r", "refresh"),
        ],
    }
}

/// The title of the box.
pub(in crate::console) fn title(view: &View) -> String {
    match (&view.check, view.details.and(view.chosen())) {
        (Check::Running { .. } | Check::Done { .. }, _) => "audit log: verification".to_owned(),
        (Check::None, Some(row)) => format!("audit log: row {}", row.seq),
        (Check::None, None) if view.filter.is_empty() => "audit log".to_owned(),
        (Check::None, None) => format!("audit log: {}", SafeText::line(&view.filter)),
    }
}

/// What stands in a box of so many columns and rows, as many lines as it has rows at most.
pub(in crate::console) fn lines(view: &View, width: usize, height: usize, now: crate::base::Millis) -> Vec<Pieces> {
    let mut lines = match (&view.check, view.details.zip(view.chosen())) {
        (Check::Running { progress, since, .. }, _) => {
            let elapsed = Duration::from_millis(u64::try_from(now - since).unwrap_or(0));
            running(progress.as_ref(), elapsed, width)
        }
        (Check::Done { found, top }, _) => from(verified(found, width), *top, height),
        (Check::None, Some((top, row))) => from(details(row, width), top, height),
        (Check::None, None) => list(view, width, height),
    };
    // The box keeps its size, whatever it shows.
    let blank = Piece::new(Role::Text, &" ".repeat(width));
    if lines.is_empty() {
        lines.push(Vec::new());
    }
    lines.resize(height, Vec::new());
    if let Some(last) = lines.last_mut().filter(|last| last.is_empty()) {
        last.push(blank);
    }
    lines
}

fn from(lines: Vec<Pieces>, top: usize, height: usize) -> Vec<Pieces> {
    let top = top.min(lines.len().saturating_sub(height));
    lines.into_iter().skip(top).take(height).collect()
}

fn list(view: &View, width: usize, height: usize) -> Vec<Pieces> {
    if view.rows.is_empty() {
        let words = if view.loading { "reading …" } else { "no row passes; esc takes the filter away" };
        return vec![line(Role::Dim, words)];
    }
    let is_wide = width >= WIDE;
    // Where there is little room the year goes first: what it was about has to stand there whole.
    let (number_room, when_room, who_room, what_room) = if is_wide { (7, 19, 14, 22) } else { (6, 14, 9, 17) };
    let head = format!(" {:>number_room$}  {:<when_room$}  {:<who_room$}  {:<what_room$}  {}", "row", "when", "who", "what", "on");
    let mut lines = vec![line(Role::Heading, &clipped(&head, width))];
    let room = height.saturating_sub(1).max(1);
    let top = (view.at + 1).saturating_sub(room);
    for (number, row) in view.rows.iter().enumerate().skip(top).take(room) {
        let role = if number == view.at { Role::Selection } else { Role::Text };
        let subject = format!("{} {}", row.subject_kind, shown(&row.subject_id));
        let when = clock::local(row.at);
        let mut text = format!(
            "{}{:>number_room$}  {:<when_room$}  {:<who_room$}  {:<what_room$}  ",
            if number == view.at { ">" } else { " " },
            row.seq,
            when.get(if is_wide { 0 } else { 5 }..).unwrap_or(&when),
            SafeText::clipped(&row.actor, who_room).as_str(),
            SafeText::clipped(&row.action, what_room).as_str()
        );
        match &row.reason {
            Some(reason) if is_wide => text.push_str(&format!("{:<30}  {}", clipped(&subject, 30), SafeText::line(reason))),
            _ => text.push_str(&subject),
        }
        lines.push(line(role, &clipped(&text, width)));
    }
    if view.loading && lines.len() < height {
        lines.push(line(Role::Dim, "reading …"));
    }
    lines
}

fn clipped(text: &str, width: usize) -> String {
    crate::console::draw::clip(SafeText::line(text).as_str(), width)
}

fn details(row: &Record, width: usize) -> Vec<Pieces> {
    let mut lines = Vec::new();
    let who = if row.actor_kind == "human" { row.actor.clone() } else { format!("{} ({})", row.actor, row.actor_kind) };
    let login = row.detail.get("login").and_then(Value::as_str).map(|login| format!(", logged in as {login}")).unwrap_or_default();
    let pairs = [
        ("when", clock::local(row.at)),
        ("who", format!("{who}{login}")),
        ("what", row.action.clone()),
        ("on", format!("{} {}", row.subject_kind, row.subject_id)),
        ("why", row.reason.clone().unwrap_or_default()),
        ("persona", row.persona_id.clone().unwrap_or_default()),
    ];
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        let pieces = [Piece::new(Role::Dim, &format!("{name:<8} ")), Piece::new(Role::Text, SafeText::line(value).as_str())];
        lines.extend(wrap(&pieces, width, 0));
    }
    lines.push(Vec::new());
    if let Some(redacted) = row.detail.get("redacted") {
        lines.extend(wrap(&[Piece::new(Role::Warning, "personal detail was taken out of this row")], width, 0));
        lines.extend(wrap(&[Piece::new(Role::Dim, &redacted.to_string())], width, 2));
        return lines;
    }
    let null = Value::Null;
    let (before, after) = (row.detail.get("before").unwrap_or(&null), row.detail.get("after").unwrap_or(&null));
    let (mut old, mut new) = (Vec::new(), Vec::new());
    flat("", before, &mut old);
    flat("", after, &mut new);
    let names: BTreeSet<&String> = old.iter().chain(&new).map(|(name, _)| name).collect();
    let find = |all: &[(String, String)], name: &String| all.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    if names.is_empty() {
        lines.push(line(Role::Dim, "nothing is written down of before and after"));
    }
    for name in names {
        let (was, is) = (find(&old, name), find(&new, name));
        let label = if name.is_empty() { String::new() } else { format!("{name}: ") };
        if was == is {
            let value = is.unwrap_or_default();
            lines.extend(wrap(&[Piece::new(Role::Dim, &format!("  {label}{}", SafeText::line(&value)))], width, 0));
            continue;
        }
        for (sign, role, value) in [("-", Role::Removed, was), ("+", Role::Inserted, is)] {
            let Some(value) = value else { continue };
            lines.extend(wrap(&[Piece::new(role, &format!("{sign} {label}{}", SafeText::new(&value)))], width, 0));
        }
    }
    lines
}

/// The parts of a value by their names, as `evaluation.verdict`.
fn flat(name: &str, value: &Value, to: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::Object(parts) => {
            for (part, value) in parts {
                flat(&if name.is_empty() { part.clone() } else { format!("{name}.{part}") }, value, to);
            }
        }
        Value::String(text) => to.push((name.to_owned(), text.clone())),
        other => to.push((name.to_owned(), other.to_string())),
    }
}

fn running(progress: Option<&crate::upkeep::progress::Progress>, elapsed: Duration, width: usize) -> Vec<Pieces> {
    let Some(progress) = progress else { return vec![line(Role::Dim, "the walk begins …")] };
    let total = progress.total.unwrap_or(0).max(1);
    let share = progress.done.min(total) * 100 / total;
    let room = width.saturating_sub(8).min(60);
    let full = room * usize::try_from(share).unwrap_or(0) / 100;
    let mut text = format!("{} rows", progress.done);
    if let Some(rate) = progress.rate(elapsed) {
        text.push_str(&format!(", {rate:.0} a second"));
    }
    if let Some(left) = progress.left(elapsed) {
        text.push_str(&format!(", {} left", clock::duration(i64::try_from(left.as_millis()).unwrap_or(i64::MAX))));
    }
    vec![
        line(Role::Text, progress.stage),
        vec![
            Piece::new(Role::Accent, &"#".repeat(full)),
            Piece::new(Role::Dim, &".".repeat(room - full)),
            Piece::new(Role::Text, &format!(" {share:>3} %")),
        ],
        line(Role::Dim, &text),
    ]
}

fn verified(found: &Result<Verified, String>, width: usize) -> Vec<Pieces> {
    let found = match found {
        Ok(found) => found,
        Err(why) => return wrap(&[Piece::new(Role::Bad, SafeText::line(why).as_str())], width, 0),
    };
    let role = if found.is_whole() { Role::Good } else { Role::Bad };
    let mut lines = wrap(&[Piece::new(role, &found.summary())], width, 0);
    lines.push(Vec::new());
    for problem in found.walked.problems.iter().take(MOST) {
        let pieces =
            [Piece::new(Role::Bad, problem.fault.as_str()), Piece::new(Role::Text, &format!("  {}", SafeText::line(&problem.what)))];
        lines.extend(wrap(&pieces, width, 0));
    }
    let mut told: Vec<&str> = Vec::new();
    for problem in &found.walked.problems {
        if !told.contains(&problem.fault.next()) {
            told.push(problem.fault.next());
        }
    }
    for next in told {
        lines.extend(wrap(&[Piece::new(Role::Accent, &format!("next: {next}"))], width, 0));
    }
    for note in &found.walked.notes {
        lines.extend(wrap(&[Piece::new(Role::Dim, &format!("note: {}", SafeText::line(note)))], width, 0));
    }
    lines.extend(wrap(&[Piece::new(Role::Dim, &format!("the head is {}", SafeText::line(&found.walked.head)))], width, 0));
    lines
}
