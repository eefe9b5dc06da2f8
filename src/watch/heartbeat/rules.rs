//! What state a heartbeat is in. Pure.
//!
//! It is expected at the next time of its schedule after the newest of: its last report, the change of its schedule, its resumption. From
//! then on it is in its grace, and down when the grace is over. A failure is down at once, until a success. A run that has begun and does
//! not end in time is down, whatever other runs do.

use super::schedule::Clockwork;
use crate::base::{Millis, clock};
use crate::watch::health::Status;
use crate::watch::probe::model::Heartbeat;
use serde::Serialize;

/// Windows in a row that are looked beyond.
const WINDOWS: usize = 1_000;
/// Expected times that are shown.
const SHOWN: usize = 3;

/// How a heartbeat is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// No run has ended yet.
    New,
    /// As expected.
    Up,
    /// Expected by now, and still in time.
    Grace,
    /// Missed, failed, or a run takes too long.
    Down,
    /// Nobody waits for it.
    Paused,
}

impl State {
    /// The word for people and in the audit log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Up => "up",
            Self::Grace => "grace",
            Self::Down => "down",
            Self::Paused => "paused",
        }
    }

    /// The status on the board: what has never reported is not known.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            Self::New | Self::Paused => Status::Unknown,
            Self::Up | Self::Grace => Status::Healthy,
            Self::Down => Status::Unhealthy,
        }
    }
}

/// A run that has begun and not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Open {
    /// Its id, where it has one.
    pub run: Option<String>,
    /// When it began.
    pub started_at: Millis,
}

/// What is known of a heartbeat.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// When its schedule was first seen as it is now.
    pub schedule_at: Option<Millis>,
    /// When a run ended last, well or not.
    pub last_end_at: Option<Millis>,
    /// When a run began or ended last.
    pub last_ping_at: Option<Millis>,
    /// Whether the run that ended last has failed.
    pub failed: bool,
    /// Since when it fails.
    pub failed_since: Option<Millis>,
    /// Since when it is up.
    pub up_since: Option<Millis>,
    /// The last failure, and what it said.
    pub last_failure: Option<(Millis, String)>,
    /// Runs that have begun and not ended, oldest first.
    pub open: Vec<Open>,
    /// How long the last runs took, in milliseconds, oldest first; nothing for one that failed or did not say when it began.
    pub recent: Vec<Option<i64>>,
}

/// Who holds a heartbeat, from outside.
#[derive(Clone, Copy, Default)]
pub struct Held<'a> {
    /// Whether it is paused now.
    pub is_paused: bool,
    /// When it was resumed last.
    pub resumed_at: Option<Millis>,
    /// The end of the maintenance window that a moment is in, if in one.
    pub window_end: Option<&'a dyn Fn(Millis) -> Option<Millis>>,
}

/// How a heartbeat is at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct View {
    /// Its state.
    pub state: State,
    /// Since when.
    pub since: Option<Millis>,
    /// Why, in a sentence.
    pub reason: String,
    /// When it is expected.
    pub due: Option<Millis>,
    /// When it is down unless it reports.
    pub down_at: Option<Millis>,
    /// The next times at which it is expected, at most three, from the one that is waited for.
    pub next: Vec<Millis>,
    /// Runs that are under way, oldest first.
    pub running: Vec<Open>,
}

/// How a heartbeat is.
#[must_use]
pub fn view(heartbeat: &Heartbeat, record: &Record, held: Held<'_>, now: Millis) -> View {
    let grace = millis(heartbeat.grace);
    let clockwork = Clockwork::of(&heartbeat.schedule);
    let base = [record.last_end_at, record.schedule_at, held.resumed_at].into_iter().flatten().max();
    let expected = clockwork.as_ref().and_then(|clockwork| expected(clockwork, base.unwrap_or(now), grace, held, now));
    let due = expected.map(|(due, _)| due);
    let down_at = expected.map(|(_, down_at)| down_at);
    // Times that have passed without a report are not the next ones.
    let next = match (&clockwork, due) {
        (Some(clockwork), Some(due)) if due > now => clockwork.times(due, SHOWN),
        (Some(clockwork @ Clockwork::Cron(..)), Some(_)) => {
            clockwork.next(now).map(|first| clockwork.times(first, SHOWN)).unwrap_or_default()
        }
        (Some(clockwork), Some(due)) => clockwork.times(due, SHOWN),
        _ => vec![],
    };
    let longest = millis(heartbeat.max_duration.unwrap_or_default()).saturating_add(grace);
    let deadline = |open: &Open| {
        let at = open.started_at.saturating_add(longest);
        held.end_of(at).unwrap_or(at)
    };
    let late = record
        .open
        .iter()
        .map(|open| (deadline(open), open))
        .filter(|(deadline, _)| now >= *deadline)
        .min_by_key(|(deadline, _)| *deadline);
    let (state, since, reason) = if held.is_paused {
        (State::Paused, None, "nobody waits for it".to_owned())
    } else if let Some((deadline, open)) = late {
        let which = open.run.as_ref().map_or_else(|| "a run".to_owned(), |run| format!("the run {run}"));
        let took = clock::duration(now.saturating_sub(open.started_at));
        let since = record.failed_since.filter(|_| record.failed).map_or(deadline, |failed| failed.min(deadline));
        (State::Down, Some(since), format!("{which} has begun {took} ago and not ended; {} is the most", clock::duration(longest)))
    } else if record.failed {
        let said =
            record.last_failure.as_ref().map(|(_, text)| text.as_str()).filter(|text| !text.is_empty()).unwrap_or("it did not say why");
        (State::Down, record.failed_since, format!("the last run failed: {said}"))
    } else if record.last_end_at.is_none() {
        let reason = match (record.open.is_empty(), due) {
            (false, _) => "its first run is under way".to_owned(),
            (true, Some(due)) if due <= now => format!("it has never reported; it was first expected {} ago", clock::duration(now - due)),
            (true, Some(due)) => format!("it has never reported; it is first expected in {}", clock::duration(due - now)),
            (true, None) => "it has never reported".to_owned(),
        };
        (State::New, record.schedule_at, reason)
    } else {
        match (due, down_at) {
            (Some(due), Some(down_at)) if now >= down_at => {
                let ago = clock::duration(now - due);
                (
                    State::Down,
                    Some(down_at),
                    format!("it was expected {ago} ago and has not reported; its grace is {}", clock::duration(grace)),
                )
            }
            (Some(due), Some(down_at)) if now >= due => {
                let left = clock::duration(down_at - now);
                (State::Grace, record.up_since, format!("expected {} ago, and in time for {left} more", clock::duration(now - due)))
            }
            (Some(due), _) => {
                let behind = if record.last_end_at > Some(now) { "; the clock is behind its last report" } else { "" };
                (State::Up, record.up_since, format!("expected in {}{behind}", clock::duration(due - now)))
            }
            _ => (State::New, None, "its schedule cannot be read".to_owned()),
        }
    };
    View { state, since, reason, due, down_at, next, running: record.open.clone() }
}

impl Held<'_> {
    fn end_of(&self, at: Millis) -> Option<Millis> {
        self.window_end.and_then(|window_end| window_end(at)).filter(|end| *end > at)
    }
}

/// When it is expected, and when it is down without a report: times in a maintenance window are forgiven, and where the grace ends in one
/// it begins anew behind it.
fn expected(clockwork: &Clockwork, base: Millis, grace: Millis, held: Held<'_>, now: Millis) -> Option<(Millis, Millis)> {
    let mut due = clockwork.next(base)?;
    if due > now {
        // Whether it will be forgiven matters when it is missed.
        return Some((due, due.saturating_add(grace)));
    }
    for _ in 0..WINDOWS {
        let Some(end) = held.end_of(due) else { break };
        due = match clockwork {
            Clockwork::Every(_) => end,
            // The end is no longer of the window: a time at it counts.
            Clockwork::Cron(..) => clockwork.next(end - 1)?,
        };
    }
    let mut down_at = due.saturating_add(grace);
    for _ in 0..WINDOWS {
        let Some(end) = held.end_of(down_at) else { break };
        down_at = end.saturating_add(grace);
    }
    Some((due, down_at))
}

fn millis(length: std::time::Duration) -> Millis {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
