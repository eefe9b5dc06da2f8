//! The health board: systems and their parts, what hurts most first. Pure.

use super::health::Status;
use crate::base::Millis;
use serde::Serialize;

/// What a line stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A part of the deck itself.
    Own,
    /// A target outside that is probed.
    Probe,
    /// A job that says when it runs.
    Heartbeat,
}

/// What can be done at hand, by a key of the tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Maintenance {
    /// Probe now.
    Check,
    /// Check the database in full.
    CheckDatabase,
    /// Walk the audit log's chain.
    VerifyAudit,
    /// Compare the index with an exact search.
    VerifyIndex,
    /// Make the index anew.
    RebuildIndex,
    /// Make a backup.
    BackUp,
    /// Restore the newest backup into a scratch place and try it.
    Drill,
    /// Take the write-ahead log into the file.
    Checkpoint,
    /// Stop all sending.
    PauseSending,
}

/// What to try first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remedy {
    /// In a sentence that says what to do.
    pub text: String,
    /// The command to type, where there is one.
    pub command: Option<String>,
    /// The key of the tab that does it, where there is one.
    pub maintenance: Option<Maintenance>,
}

/// One line of the board. Its texts may come from outside: they are made safe before they are shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// `own/database`, `probe/<name>`, `heartbeat/<name>`.
    pub id: String,
    /// The system that it belongs to; `quarterdeck` for own parts.
    pub system: String,
    /// Its name.
    pub name: String,
    /// What it stands for.
    pub kind: Kind,
    /// How it is.
    pub status: Status,
    /// Since when it is so, UTC; `None` while nothing is known, and where nobody wrote it down.
    pub since: Option<Millis>,
    /// Why, in a sentence.
    pub reason: String,
    /// What went wrong last, and when, also when it is well again.
    pub last_error: Option<(Millis, String)>,
    /// Latencies of the last results in microseconds, oldest first; `None` for one that failed. At most thirty.
    pub latencies: Vec<Option<u64>>,
    /// When it was looked at last.
    pub last_at: Option<Millis>,
    /// When it is looked at next; `None` for what is read when it is asked for.
    pub next_at: Option<Millis>,
    /// What to try first; `None` when it is healthy.
    pub remedy: Option<Remedy>,
    /// Who paused it, and until when, `None` for until it is resumed.
    pub paused: Option<(String, Option<Millis>)>,
    /// Until when a maintenance window holds it.
    pub maintenance_until: Option<Millis>,
    /// Why it is held: the reason of the pause, else of the maintenance window, where they gave one.
    pub held_because: Option<String>,
    /// Numbers behind it.
    pub detail: serde_json::Value,
}

/// Several lines that belong together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct System {
    /// Its name.
    pub name: String,
    /// The worst of its lines; those paused or in maintenance do not count. Unknown where none counts: see [`System::counts`].
    pub status: Status,
    /// What hurts most first.
    pub lines: Vec<Line>,
}

/// The board.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Board {
    /// When it was read.
    pub at: Millis,
    /// The worst of its systems.
    pub status: Status,
    /// When most distinct hosts fail at once: the one finding that stands for all of them.
    pub network: Option<String>,
    /// The process that probes now, as `host:pid`; `None` when nobody does.
    pub watcher: Option<String>,
    /// What hurts most first.
    pub systems: Vec<System>,
}

impl Line {
    /// Whether it counts for its system: neither paused nor in a maintenance window.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.paused.is_none() && self.maintenance_until.is_none()
    }
}

impl System {
    /// Whether one of its lines counts: where each is paused or in a maintenance window nothing is asked of it.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.lines.iter().any(Line::counts)
    }
}

impl Board {
    /// Put lines together to a board: by system, what hurts most first, then the longest, then by name. Systems of which no line counts stand
    /// behind those that are healthy, and say nothing of the whole.
    #[must_use]
    pub fn of(lines: Vec<Line>, at: Millis, network: Option<String>, watcher: Option<String>) -> Self {
        let mut systems: Vec<System> = Vec::new();
        for line in lines {
            match systems.iter_mut().find(|system| system.name == line.system) {
                Some(system) => system.lines.push(line),
                None => systems.push(System { name: line.system.clone(), status: Status::Healthy, lines: vec![line] }),
            }
        }
        for system in &mut systems {
            let hurts = |line: &Line| std::cmp::Reverse(if line.counts() { line.status } else { Status::Healthy });
            system.lines.sort_by(|a, b| {
                let key = |line: &Line| (hurts(line), !line.counts(), line.since.unwrap_or(Millis::MAX));
                key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
            });
            let counting = system.lines.iter().filter(|line| line.counts());
            system.status = counting.map(|line| line.status).max().unwrap_or(Status::Unknown);
        }
        systems.sort_by_cached_key(|system| (!system.counts(), std::cmp::Reverse(system.status), system.name.clone()));
        let counting = systems.iter().filter(|system| system.counts());
        let status = counting.map(|system| system.status).max().unwrap_or(Status::Unknown);
        Self { at, status, network, watcher, systems }
    }

    /// A line by its id.
    #[must_use]
    pub fn line(&self, id: &str) -> Option<&Line> {
        self.systems.iter().flat_map(|system| &system.lines).find(|line| line.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(system: &str, name: &str, status: Status, since: Millis) -> Line {
        Line {
            id: format!("probe/{name}"),
            system: system.into(),
            name: name.into(),
            kind: Kind::Probe,
            status,
            since: Some(since),
            reason: String::new(),
            last_error: None,
            latencies: vec![],
            last_at: None,
            next_at: None,
            remedy: None,
            paused: None,
            maintenance_until: None,
            held_because: None,
            detail: serde_json::Value::Null,
        }
    }

    #[test]
    fn what_hurts_most_and_longest_stands_first_and_what_is_paused_does_not_count() {
        let paused = Line { paused: Some(("ann".into(), None)), ..line("a", "paused", Status::Unhealthy, 1) };
        let lines = vec![
            line("a", "well", Status::Healthy, 5),
            paused,
            line("b", "new", Status::Unhealthy, 9),
            line("b", "old", Status::Unhealthy, 2),
            line("b", "slow", Status::Degraded, 1),
        ];
        let board = Board::of(lines, 10, None, None);
        assert_eq!(board.status, Status::Unhealthy);
        let names: Vec<&str> = board.systems.iter().flat_map(|system| system.lines.iter().map(|line| line.name.as_str())).collect();
        assert_eq!(names, ["old", "new", "slow", "well", "paused"]);
        assert_eq!(board.systems[1].status, Status::Healthy);
        assert_eq!(Board::of(vec![], 0, None, None).status, Status::Unknown);
    }

    #[test]
    fn a_system_of_which_no_line_counts_hides_nothing_and_says_nothing_of_the_whole() {
        let held = || Line { maintenance_until: Some(99), ..line("a", "held", Status::Unhealthy, 1) };
        let board = Board::of(vec![held(), line("b", "well", Status::Healthy, 5)], 10, None, None);
        let order: Vec<(&str, bool)> = board.systems.iter().map(|system| (system.name.as_str(), system.counts())).collect();
        assert_eq!((order, board.status), (vec![("b", true), ("a", false)], Status::Healthy));
        let board = Board::of(vec![held(), line("b", "new", Status::Unknown, 5)], 10, None, None);
        assert_eq!((board.systems[0].name.as_str(), board.status), ("b", Status::Unknown));
    }
}
