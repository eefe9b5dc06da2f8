//! The board, loaded: own parts live, probes and heartbeats from their rows. One statement reads the states of all of them, with their
//! latencies; results and sums are read for the line that is asked about.

use super::board::{Board, Kind, Line, Remedy};
use super::health::Status;
use super::own::{self, Facts, Part};
use super::probe::maintenance::{self, Open};
use super::probe::model::{Definitions, Probe};
use super::probe::pauses::{self, Pause};
use super::probe::rows::{self, Stored};
use super::probe::{Engine, file, lease, remedy, state};
use crate::base::{Clock, Millis, clock};
use crate::store::{Conn, Database, Result};
use crate::upkeep::Site;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// A database that takes longer leaves the lines of probes unknown.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the rows tell at one moment.
struct Read {
    states: BTreeMap<String, Stored>,
    pauses: BTreeMap<String, Pause>,
    watcher: Option<lease::Watcher>,
    heartbeats: Vec<Line>,
    writer: Vec<Option<u64>>,
}

fn read(c: &mut dyn Conn, definitions: &Definitions, now: Millis) -> Result<Read> {
    Ok(Read {
        states: rows::states(c)?,
        pauses: pauses::standing(c, now)?,
        watcher: lease::watcher(c)?.filter(|watcher| watcher.is_alive(now)),
        heartbeats: heartbeats(c, definitions, now)?,
        writer: own::writer::latencies(c, now)?,
    })
}

/// The lines of heartbeats, with what holds them.
///
/// # Errors
/// When the engine refuses.
pub(super) fn heartbeats(c: &mut dyn Conn, definitions: &Definitions, now: Millis) -> Result<Vec<Line>> {
    super::heartbeat::lines(c, definitions, now)
}

/// Load the board. It always comes: what cannot be read is unknown, and the reason stands there.
pub async fn load(db: &Database, definitions: &Definitions, site: &Site, clock: &dyn Clock) -> Board {
    load_with(db, definitions, &Facts::of(&site.settings), clock).await
}

/// The same with the file as it is: a broken one has a line of its own.
pub async fn load_current(db: &Database, source: &file::Source, facts: &Facts, clock: &dyn Clock) -> Board {
    let current = source.current();
    load_parts(db, &current.definitions, own::probes(&current), facts, clock).await
}

/// The board with these definitions and places.
pub async fn load_with(db: &Database, definitions: &Definitions, facts: &Facts, clock: &dyn Clock) -> Board {
    load_parts(db, definitions, None, facts, clock).await
}

/// The board with one own part more.
async fn load_parts(db: &Database, definitions: &Definitions, more: Option<Part>, facts: &Facts, clock: &dyn Clock) -> Board {
    let now = clock.now();
    let wanted = definitions.clone();
    let (parts, rows) = tokio::join!(own::look(db, facts, clock), tokio::time::timeout(PATIENCE, db.read(move |c| read(c, &wanted, now))));
    let rows = match rows {
        Ok(Ok(rows)) => Some(rows),
        Ok(Err(error)) => {
            tracing::warn!(%error, "health: the states of probes could not be read");
            None
        }
        Err(_) => None,
    };
    let open = maintenance::open(&definitions.maintenance, now);
    let mut lines = Vec::with_capacity(parts.len() + definitions.probes.len() + definitions.heartbeats.len());
    for part in parts.into_iter().chain(more) {
        let stored = rows.as_ref().and_then(|rows| rows.states.get(&part.id()));
        let mut line = part.line(stored, now);
        if let ("database", Some(rows)) = (line.name.as_str(), &rows) {
            line.latencies.clone_from(&rows.writer);
        }
        lines.push(line);
    }
    let Some(rows) = rows else {
        lines.extend(definitions.probes.iter().map(unread));
        return Board::of(lines, now, None, None);
    };
    let is_watched = rows.watcher.is_some();
    for probe in &definitions.probes {
        let mut line = line(probe, rows.states.get(&probe.name), is_watched, now);
        hold(&mut line, &rows.pauses, &open);
        lines.push(line);
    }
    for mut line in rows.heartbeats {
        hold(&mut line, &rows.pauses, &open);
        lines.push(line);
    }
    let (network, watcher) = rows.watcher.map(|watcher| (watcher.network, Some(watcher.process))).unwrap_or_default();
    Board::of(lines, now, network, watcher)
}

/// Pauses and maintenance windows.
fn hold(line: &mut Line, pauses: &BTreeMap<String, Pause>, open: &[Open<'_>]) {
    if let Some(pause) = pauses.get(&line.name) {
        line.paused = Some((pause.paused_by.clone(), pause.until));
        line.reason = format!("paused by {}: {}; before: {}", pause.paused_by, pause.reason, line.reason);
        line.next_at = pause.until;
    }
    let window = maintenance::holder(open, &line.name, &line.system);
    line.maintenance_until = window.map(|open| open.until);
    let because = pauses.get(&line.name).map(|pause| &pause.reason).or_else(|| window.map(|open| &open.window.reason));
    line.held_because = because.filter(|reason| !reason.is_empty()).cloned();
}

fn blank(probe: &Probe) -> Line {
    Line {
        id: format!("probe/{}", probe.name),
        system: probe.system.clone(),
        name: probe.name.clone(),
        kind: Kind::Probe,
        status: Status::Unknown,
        since: None,
        reason: String::new(),
        last_error: None,
        latencies: Vec::new(),
        last_at: None,
        next_at: None,
        remedy: None,
        paused: None,
        maintenance_until: None,
        held_because: None,
        detail: Value::Null,
    }
}

fn unread(probe: &Probe) -> Line {
    Line { reason: "the database does not answer: how it is cannot be read".to_owned(), ..blank(probe) }
}

fn nobody() -> Remedy {
    let text = "Nobody probes: let the agent, the console or `serve` run.".to_owned();
    Remedy { text, command: Some("quarterdeck serve".to_owned()), maintenance: None }
}

/// The line of a probe.
fn line(probe: &Probe, stored: Option<&Stored>, is_watched: bool, now: Millis) -> Line {
    let mut line = blank(probe);
    let first = |cause: Option<&str>| Some(if is_watched { remedy::first(probe, cause) } else { nobody() });
    let Some(stored) = stored else {
        line.reason = if is_watched { "no result yet" } else { "no result yet, and nobody probes" }.to_owned();
        line.remedy = first(None);
        return line;
    };
    line.status = stored.state.status;
    line.since = stored.state.since;
    line.reason.clone_from(&stored.reason);
    line.last_error.clone_from(&stored.last_error);
    line.latencies.clone_from(&stored.recent);
    line.last_at = stored.last_at;
    line.next_at = stored.next_at.filter(|at| is_watched && (now - 60_000..=now + state::run(probe)).contains(at));
    line.detail.clone_from(&stored.detail);
    if let Some(from) = stored.last_at.and_then(|last| state::stale_since(last, probe, now)) {
        line.status = Status::Unknown;
        line.since = Some(from);
        let age = now.saturating_sub(stored.last_at.unwrap_or(now));
        line.reason = match clock::duration(age.saturating_abs()) {
            ahead if age < 0 => format!("its last result is {ahead} ahead of this clock, which was set back; before: {}", stored.reason),
            ago => format!("no result for {ago}; before: {}", stored.reason),
        };
        line.remedy = first(None);
        return line;
    }
    if line.status != Status::Healthy {
        let cause = if stored.is_held { Some("network") } else { stored.cause.as_deref() };
        line.remedy = Some(remedy::first(probe, cause));
    }
    line
}

/// The file of an installation.
#[must_use]
pub fn source(site: &Site) -> file::Source {
    file::Source::open(&site.settings.config_dir, &site.settings.environment_file)
}

/// Begin to probe, or to stand by, for an installation that is open.
///
/// # Errors
/// When the checks cannot be made.
pub fn watch(db: &Database, site: &Site, source: file::Source) -> std::result::Result<Engine, super::probe::engine::Error> {
    Engine::start(super::probe::engine::Options {
        db: db.clone(),
        clock: std::sync::Arc::clone(&site.clock),
        source,
        process: crate::agent::runner::process_name(),
        facts: Facts::of(&site.settings),
    })
}
