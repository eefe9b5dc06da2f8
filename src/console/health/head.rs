//! What stands above the board and below it: what is broken, since when, what to do next; the remedy of the line at hand; the work that is under
//! way. Pure.

use super::{Item, act, care, line, words};
use crate::base::{Millis, SafeText, clock};
use crate::console::action::Action;
use crate::console::draw::{clip, columns};
use crate::console::state::State;
use crate::console::text::{Piece, Pieces, wrap};
use crate::console::theme::Role;
use crate::watch::board::{Board, Kind, Line, Maintenance, Remedy, System};
use crate::watch::health::Status;

/// Lines above the rows, with the heading.
pub(super) const ABOVE: usize = 4;
/// Lines below them.
pub(super) const BELOW: usize = 4;

/// Every line of a board.
fn lines(board: &Board) -> impl Iterator<Item = (&System, &Line)> {
    board.systems.iter().flat_map(|system| system.lines.iter().map(move |line| (system, line)))
}

/// What hurts most: of the worst lines that count and are not healthy the first. A system in which nothing counts may stand before it.
fn worst(board: &Board) -> Option<(&System, &Line)> {
    let hurting = || lines(board).filter(|(_, line)| line.counts() && line.status != Status::Healthy);
    let status = hurting().map(|(_, line)| line.status).max()?;
    hurting().find(|(_, line)| line.status == status)
}

/// Two ends of a line: the longest of the right ones that there is room for beside the left one; of the left one what the shortest leaves.
fn ends(sign: Piece, left: &str, right: Vec<(Role, String)>, width: usize) -> Pieces {
    let used = columns(sign.text()) + columns(left);
    let fitting = right.iter().position(|(_, text)| used + 1 + columns(text) <= width).unwrap_or(right.len().saturating_sub(1));
    let Some((role, text)) = right.into_iter().nth(fitting) else { return vec![sign, Piece::new(Role::Text, left)] };
    let left = clip(left, width.saturating_sub(columns(sign.text()) + 1 + columns(&text)));
    let gap = width.saturating_sub(columns(sign.text()) + columns(&left) + columns(&text));
    vec![sign, Piece::new(Role::Text, &left), Piece::new(Role::Text, &" ".repeat(gap)), Piece::new(role, &text)]
}

/// The first line: how it is, of how many, and who looks.
fn state_of_all(state: &State, board: &Board, width: usize) -> Pieces {
    let (role, sign, word) = words::status(board.status, &state.glyphs);
    let of = |wanted| lines(board).filter(|(_, line)| line.counts() && line.status == wanted).count();
    let (total, held) = (lines(board).count(), lines(board).filter(|(_, line)| !line.counts()).count());
    let parts =
        [(of(Status::Unhealthy), "unhealthy"), (of(Status::Degraded), "degraded"), (of(Status::Unknown), "unknown"), (held, "held")];
    let parts: Vec<String> = parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let counts = if parts.is_empty() { format!("all {total} healthy") } else { format!("{} of {total}", parts.join(", ")) };
    ends(Piece::new(role, &format!("{sign} {} ", word.to_uppercase())), &format!(" {counts}"), watcher(state, board), width)
}

/// Who probes, and of when this is, from the longest words to the shortest.
fn watcher(state: &State, board: &Board) -> Vec<(Role, String)> {
    let time = clock::local(board.at).get(11..19).unwrap_or_default().to_owned();
    if state.health.fault.is_some() {
        return vec![(Role::ErrorToast, format!(" {} CANNOT BE READ SINCE {time} ", state.glyphs.block))];
    }
    let probes = lines(board).any(|(_, line)| line.kind == Kind::Probe);
    match &board.watcher {
        Some(who) => vec![(Role::Dim, format!("probed by {} {time}", clip(SafeText::line(who).as_str(), 24))), (Role::Dim, time)],
        None if probes => vec![(Role::Paused, " NOBODY PROBES NOW ".to_owned())],
        None => vec![(Role::Dim, format!("no probe is set up {time}")), (Role::Dim, time)],
    }
}

/// What is broken, and since when.
fn what(state: &State, board: &Board, now: Millis) -> (Role, String) {
    if let Some(why) = &state.health.fault {
        return (Role::Bad, format!("the board cannot be read: {why}"));
    }
    if let Some(network) = &board.network {
        return (Role::Bad, network.clone());
    }
    match worst(board) {
        Some((system, line)) => {
            let (role, ..) = words::status(line.status, &state.glyphs);
            let since = line.since.map_or_else(
                || ", since when is not known".to_owned(),
                |since| format!(", for {} (since {})", clock::duration(now - since), clock::local(since).get(5..16).unwrap_or_default()),
            );
            let name = if system.name == line.name { line.name.clone() } else { format!("{} of {}", line.name, system.name) };
            let reason = if line.reason.is_empty() { words::status(line.status, &state.glyphs).2.to_owned() } else { line.reason.clone() };
            (role, format!("{name}: {reason}{since}"))
        }
        None if board.systems.is_empty() => (Role::Accent, "nothing is known of anything".to_owned()),
        None if !lines(board).any(|(_, line)| line.counts()) => (Role::Paused, "all of it is paused or in maintenance".to_owned()),
        None => (Role::Good, "nothing that is known here is broken".to_owned()),
    }
}

/// What to do next.
fn next(state: &State, board: &Board) -> String {
    if state.health.fault.is_some() {
        return format!("{} reads it again; `quarterdeck db status` looks at the database", state.key(Action::HealthRefresh));
    }
    if board.watcher.is_none()
        && lines(board).any(|(_, line)| line.kind == Kind::Probe)
        && worst(board).is_none_or(|(_, line)| line.status == Status::Unknown)
    {
        return match state.read_only {
            true => "next: this console only reads; `quarterdeck serve` or a console without --read-only probes".to_owned(),
            false => "next: wait until this console has taken over, or start `quarterdeck serve`, which probes always".to_owned(),
        };
    }
    match worst(board) {
        Some((_, line)) => match &line.remedy {
            Some(remedy) => format!("next: {}", remedy.text),
            None => format!("next: {} shows what changed before", state.key(Action::HealthOpen)),
        },
        None => match lines(board).any(|(_, line)| line.kind == Kind::Probe) {
            true => "next: nothing".to_owned(),
            false => "targets outside stand in probes.toml: `quarterdeck probe` says how".to_owned(),
        },
    }
}

/// What stands above the rows.
pub(super) fn above(state: &State, width: usize) -> Vec<Pieces> {
    let Some(board) = state.health.board.as_deref() else { return Vec::new() };
    let clipped = |role, text: &str| vec![Piece::new(role, &clip(SafeText::line(text).as_str(), width))];
    let (role, what) = what(state, board, state.now);
    vec![state_of_all(state, board, width), clipped(role, &what), clipped(Role::Text, &next(state, board)), line::heading(width)]
}

/// What the key of a remedy does, which need not be all that the remedy asks for: to check again restarts nothing.
pub(super) fn does(maintenance: Maintenance) -> &'static str {
    match maintenance {
        Maintenance::Check => "checks again",
        Maintenance::CheckDatabase => "checks the database",
        Maintenance::VerifyAudit => "verifies the log",
        Maintenance::VerifyIndex => "verifies the index",
        Maintenance::RebuildIndex => "makes the index anew",
        Maintenance::BackUp => "makes a backup",
        Maintenance::Drill => "tries the backup",
        Maintenance::Checkpoint => "takes the log in",
        Maintenance::PauseSending => "stops all sending",
    }
}

/// The remedy of a line in words, and the key or the command that does it.
pub(super) fn remedy(state: &State, remedy: &Remedy, width: usize, rows: usize) -> Vec<Pieces> {
    let mut pieces = vec![Piece::new(Role::Heading, "try first")];
    // The key goes before the words, which may be too many for the room there is.
    if let Some(maintenance) = remedy.maintenance.filter(|_| !state.read_only) {
        pieces.push(Piece::new(Role::Key, &format!(" ({} {})", state.key(Action::HealthRemedy), does(maintenance))));
    }
    pieces.push(Piece::new(Role::Heading, ": "));
    pieces.push(Piece::new(Role::Text, SafeText::line(&remedy.text).as_str()));
    let mut all = wrap(&pieces, width, 0);
    let command = remedy.command.as_ref().map(|command| {
        let copies = format!("  ({} copies it)", state.key(Action::HealthCopy));
        let command = clip(SafeText::line(command).as_str(), width.saturating_sub(columns(&copies) + 2));
        vec![Piece::new(Role::Accent, &format!("$ {command}")), Piece::new(Role::Dim, &copies)]
    });
    let room = rows.saturating_sub(usize::from(command.is_some())).max(1);
    if all.len() > room {
        all.truncate(room);
        // Whoever reads it sees that it goes on: the line's own page has all of it.
        if let Some(last) = all.last_mut() {
            shorten(last, width, state.glyphs.ellipsis);
        }
    }
    all.extend(command);
    all.truncate(rows);
    all
}

/// Let the end of a line say that there is more.
fn shorten(line: &mut Pieces, width: usize, ellipsis: &str) {
    let before: usize = line.iter().rev().skip(1).map(|piece| columns(piece.text())).sum();
    if let Some(last) = line.last_mut() {
        let room = width.saturating_sub(before + columns(ellipsis) + 1);
        let mut text = last.text().trim_end().to_owned();
        while columns(&text) > room {
            text.pop();
        }
        *last = Piece::new(last.role, &format!("{} {ellipsis}", text.trim_end()));
    }
}

/// What stands below the rows: whatever is under way or was done last, and the one remedy for the line at hand.
pub(super) fn below(state: &State, width: usize) -> Vec<Pieces> {
    if state.health.board.is_none() {
        return Vec::new();
    }
    let stroke = state.glyphs.border.horizontal_top;
    let at_hand = act::line(state);
    let title = match (&state.health.at, at_hand) {
        // The keys hold for this one of its lines.
        (Some(Item::System(system)), Some(line)) if *system != line.name => Some(format!("{} of {system}", line.name)),
        (Some(Item::System(system)), None) => Some(system.clone()),
        (_, line) => line.map(|line| line.name.clone()),
    };
    let title = title.map_or_else(String::new, |title| format!("{stroke} {} ", clip(SafeText::line(&title).as_str(), width / 2)));
    let mut all = vec![vec![Piece::new(Role::Border, &format!("{title}{}", stroke.repeat(width.saturating_sub(columns(&title)))))]];
    let job = care::line(state, width);
    let rows = BELOW - 1 - usize::from(job.is_some());
    all.extend(match at_hand {
        None if title.is_empty() => Vec::new(),
        None => vec![vec![Piece::new(Role::Dim, "nothing has to be done")]],
        Some(line) => of_line(state, line, width, rows),
    });
    all.truncate(1 + rows);
    while all.len() < 1 + rows {
        all.push(Vec::new());
    }
    all.extend(job);
    all
}

/// What to try for a line, or that nothing has to be done.
fn of_line(state: &State, one: &Line, width: usize, rows: usize) -> Vec<Pieces> {
    let words = |role, text: &str| wrap(&[Piece::new(role, SafeText::line(text).as_str())], width, 0);
    match line::held(one, state.now) {
        Some(held) if one.paused.is_some() && !state.read_only => {
            return words(Role::Paused, &format!("{held}; {} resumes it", state.key(Action::HealthPauseProbe)));
        }
        Some(held) if one.paused.is_none() => return words(Role::Paused, &format!("{held}; it does not count until then")),
        Some(held) => return words(Role::Paused, &held),
        None => {}
    }
    if let Some(found) = &one.remedy {
        let first = remedy(state, found, width, rows);
        let spare = rows.saturating_sub(first.len());
        if spare == 0 || !line::is_cut(one, width) {
            return first;
        }
        // Why stands above it as far as there is room, since the row has none.
        let mut why = words(Role::Text, &one.reason);
        if why.len() > spare {
            why.truncate(spare);
            if let Some(last) = why.last_mut() {
                shorten(last, width, state.glyphs.ellipsis);
            }
        }
        why.extend(first);
        return why;
    }
    match (one.status, &one.last_error) {
        (Status::Healthy, Some((at, error))) => {
            words(Role::Dim, &format!("nothing has to be done. Last error {} ago: {error}", clock::duration(state.now - at)))
        }
        (Status::Healthy, None) => words(Role::Dim, "nothing has to be done"),
        _ => words(Role::Text, &format!("try first: {} shows what changed before it", state.key(Action::HealthOpen))),
    }
}
