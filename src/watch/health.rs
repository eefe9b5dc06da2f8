//! How each part of the deck is, with the reason. What nothing is known of is unknown, and never healthy.

use super::services::{OVERDUE, refused};
use crate::agent::runs::{self, Run};
use crate::base::{Clock, Millis, clock};
use crate::llm::budget::{model::Action, outlook};
use crate::moderation::depth::{self, Depth};
use crate::moderation::{State, pauses};
use crate::search::documents::ingest;
use crate::store::{Address, Conn, Database, Result, newest_version};
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Duration;

/// A database that takes longer does not answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Changes up to which search counts as up to date: it takes them in by itself while the agent or the console runs.
const BEHIND: i64 = 1_000;

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// As it should be.
    Healthy,
    /// Nothing is known of it.
    Unknown,
    /// It works, and somebody should look.
    Degraded,
    /// It does not work.
    Unhealthy,
}

impl Status {
    /// The word in the database and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Unknown => "unknown",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl std::str::FromStr for Status {
    type Err = String;

    fn from_str(word: &str) -> std::result::Result<Self, String> {
        let all = [Self::Healthy, Self::Unknown, Self::Degraded, Self::Unhealthy];
        all.into_iter().find(|status| status.as_str() == word).ok_or_else(|| format!("there is no status called {word:?}"))
    }
}

/// A part of the deck.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Component {
    /// Its name.
    pub name: &'static str,
    /// How it is.
    pub status: Status,
    /// Why, in a sentence.
    pub reason: String,
    /// Numbers behind it.
    pub detail: Value,
}

impl Component {
    fn new(name: &'static str, status: Status, reason: impl Into<String>, detail: Value) -> Self {
        Self { name, status, reason: reason.into(), detail }
    }
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Health {
    /// The worst of them.
    pub status: Status,
    /// When it was looked at.
    pub at: String,
    /// Each of them.
    pub components: Vec<Component>,
}

impl Health {
    fn of(components: Vec<Component>, now: Millis) -> Self {
        let status = components.iter().map(|component| component.status).max().unwrap_or(Status::Unknown);
        Self { status, at: clock::rfc3339(now), components }
    }

    /// A part by its name.
    #[must_use]
    pub fn component(&self, name: &str) -> Option<&Component> {
        self.components.iter().find(|component| component.name == name)
    }

    /// Whether work can be given to this process: the database answers, and the loops that it is to run do.
    #[must_use]
    pub fn is_ready(&self, runs_agents: bool) -> bool {
        let works = |name: &str| self.component(name).is_some_and(|component| component.status < Status::Unhealthy);
        let runs = self.component("agent").is_some_and(|component| matches!(component.status, Status::Healthy | Status::Degraded));
        works("database") && (!runs_agents || runs)
    }
}

/// Look at every part.
pub async fn look(db: &Database, time: &dyn Clock) -> Health {
    let now = time.now();
    let started = std::time::Instant::now();
    let read = tokio::time::timeout(PATIENCE, db.read(move |c| components(c, now))).await;
    let took = started.elapsed().as_millis();
    let failed = |reason: &str| {
        let mut all = vec![Component::new("database", Status::Unhealthy, reason, json!({ "millis": took }))];
        let others = ["agent", "queue", "outbox", "index", "budgets"];
        all.extend(others.map(|name| Component::new(name, Status::Unknown, "the database does not answer", Value::Null)));
        Health::of(all, now)
    };
    match read {
        Ok(Ok(mut all)) => {
            let reason = "it answers";
            let engine = if matches!(db.address(), Address::Sqlite(_)) { "SQLite" } else { "PostgreSQL" };
            let detail = json!({ "millis": took, "schema": newest_version(), "engine": engine });
            all.insert(0, Component::new("database", Status::Healthy, reason, detail));
            Health::of(all, now)
        }
        Ok(Err(error)) => {
            // What the engine says may name hosts and files: it goes to the log.
            tracing::warn!(%error, "health: the database refused");
            failed("it refuses; the log says why")
        }
        Err(_) => failed("it does not answer within five seconds"),
    }
}

fn components(c: &mut dyn Conn, now: Millis) -> Result<Vec<Component>> {
    let depths = depth::depths(c).map_err(|error| refused(&error))?;
    let overdue = depth::overdue(c, now - OVERDUE).map_err(|error| refused(&error))?;
    let paused = pauses::list(c, now).map_err(|error| refused(&error))?.len();
    Ok(vec![
        agent(&runs::list(c)?, now),
        queue(&depths, now),
        outbox(&depths, overdue, paused),
        index(ingest::behind(c).map_err(|error| refused(&error))?),
        budgets(&outlook::all(c, now)?),
    ])
}

fn agent(runs: &[Run], now: Millis) -> Component {
    let count = |states: &[&str]| runs.iter().filter(|run| states.contains(&run.state(now))).count();
    let (up, stopped) = (count(&["running", "stopping"]), count(&["stopped"]));
    let (lost, failed) = (count(&["lost"]), count(&["error"]));
    let failing = runs.iter().filter(|run| run.state(now) == "running" && run.failures_in_a_row > 0).count();
    let beat = runs.iter().map(|run| now - run.heartbeat_at).min();
    let detail =
        json!({ "running": up, "stopped": stopped, "lost": lost, "ended_by_error": failed, "failing": failing, "heartbeat_age_ms": beat });
    let (status, reason) = match () {
        () if runs.is_empty() => (Status::Unknown, "no loop has ever run".to_owned()),
        () if lost > 0 => (Status::Unhealthy, format!("{lost} of the loops is not heard of any more")),
        () if failed > 0 => (Status::Unhealthy, format!("{failed} of the loops ended by an error")),
        () if failing > 0 => (Status::Degraded, format!("the last cycle of {failing} of the loops failed")),
        () if up == 0 => (Status::Degraded, "no loop runs: all were stopped".to_owned()),
        () => (Status::Healthy, format!("{up} of {} loops run", runs.len())),
    };
    Component::new("agent", status, reason, detail)
}

fn of(depths: &[Depth], states: &[State]) -> i64 {
    depths.iter().filter(|depth| states.contains(&depth.state)).map(|depth| depth.items).sum()
}

fn queue(depths: &[Depth], now: Millis) -> Component {
    let waiting = of(depths, &[State::Pending, State::Blocked, State::Claimed, State::Held]);
    let oldest = depths.iter().filter(|depth| depth.state == State::Pending).filter_map(|depth| depth.oldest_at).min();
    let detail = json!({ "waiting": waiting, "oldest_pending_ms": oldest.map(|at| now - at) });
    Component::new("queue", Status::Healthy, format!("{waiting} items wait for a decision"), detail)
}

fn outbox(depths: &[Depth], overdue: i64, paused: usize) -> Component {
    let count = |state| of(depths, &[state]);
    let (unknown, unresolved) = (count(State::Unknown), count(State::Unresolved));
    let detail = json!({
        "scheduled": count(State::Scheduled), "sending": count(State::Sending), "unknown": unknown, "unresolved": unresolved,
        "overdue": overdue, "pauses": paused,
    });
    let (status, reason) = match () {
        () if unresolved > 0 => (Status::Degraded, format!("{unresolved} deliveries wait for a person to tell whether they arrived")),
        () if unknown > 0 => (Status::Degraded, format!("the answer of {unknown} deliveries was lost; reading will tell")),
        () if overdue > 0 && paused > 0 => (Status::Degraded, format!("{overdue} items are held back by a pause")),
        () if overdue > 0 => (Status::Unhealthy, format!("{overdue} approved items were to be sent more than five minutes ago")),
        () => (Status::Healthy, "nothing is late".to_owned()),
    };
    Component::new("outbox", status, reason, detail)
}

fn index(behind: Option<i64>) -> Component {
    let detail = json!({ "changes_behind": behind });
    let (status, reason) = match behind {
        None => (Status::Unknown, "search has not begun to follow: it begins with the agent, the console or the first search".to_owned()),
        Some(0) => (Status::Healthy, "search has taken in every change".to_owned()),
        Some(changes) if changes <= BEHIND => (Status::Healthy, format!("search is {changes} changes behind")),
        Some(changes) => (Status::Degraded, format!("search is {changes} changes behind: nobody takes them in")),
    };
    Component::new("index", status, reason, detail)
}

fn budgets(all: &[outlook::Outlook]) -> Component {
    let stops = |one: &outlook::Outlook| {
        let over = one.budget.thresholds.iter().filter(|threshold| one.percent >= threshold.percent);
        over.flat_map(|threshold| &threshold.actions)
            .any(|action| matches!(action, Action::Disable | Action::StopAll | Action::DisableCategory(_)))
    };
    let over = all.iter().filter(|one| one.percent >= 100).count();
    let stopped = all.iter().filter(|one| stops(one) || (one.budget.is_hard && one.percent >= 100)).count();
    let worst = all.iter().map(|one| one.percent).max();
    let detail = json!({ "budgets": all.len(), "exceeded": over, "stopping_calls": stopped, "most_used_percent": worst });
    let (status, reason) = match () {
        () if all.is_empty() => (Status::Unknown, "there is no budget".to_owned()),
        () if stopped > 0 => (Status::Degraded, format!("{stopped} budgets refuse calls")),
        () if over > 0 => (Status::Degraded, format!("{over} budgets are exceeded")),
        () => (Status::Healthy, format!("all of {} are kept", all.len())),
    };
    Component::new("budgets", status, reason, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::PersonaId;

    fn run(status: &str, beat: Millis, failures: i64) -> Run {
        Run {
            persona_id: PersonaId::from_stored("p"),
            status: status.into(),
            process: "host:1".into(),
            started_at: 0,
            heartbeat_at: beat,
            last_activity_at: None,
            next_cycle_at: None,
            cycle_count: 3,
            failures_in_a_row: failures,
            error_message: None,
            stop_requested_by: None,
        }
    }

    #[test]
    fn a_loop_is_what_its_heart_says_and_no_loop_is_unknown() {
        let now = 1_000_000;
        for (runs, status) in [
            (vec![], Status::Unknown),
            (vec![run("running", now, 0)], Status::Healthy),
            (vec![run("running", now, 0), run("running", now - runs::DEAD_AFTER - 1, 0)], Status::Unhealthy),
            (vec![run("error", now, 0)], Status::Unhealthy),
            (vec![run("running", now, 2)], Status::Degraded),
            (vec![run("stopped", 0, 0)], Status::Degraded),
        ] {
            assert_eq!(agent(&runs, now).status, status, "{runs:?}");
        }
    }

    #[test]
    fn what_is_late_is_unhealthy_unless_it_is_held_back() {
        let depth = |state, items| vec![Depth { state, items, oldest_at: None }];
        assert_eq!(outbox(&[], 0, 0).status, Status::Healthy);
        assert_eq!(outbox(&[], 2, 0).status, Status::Unhealthy);
        assert_eq!(outbox(&[], 2, 1).status, Status::Degraded);
        assert_eq!(outbox(&depth(State::Unresolved, 1), 0, 0).status, Status::Degraded);
        assert_eq!(index(None).status, Status::Unknown);
        assert_eq!(index(Some(BEHIND + 1)).status, Status::Degraded);
        assert_eq!(budgets(&[]).status, Status::Unknown);
    }

    #[test]
    fn the_whole_is_as_its_worst_part_and_ready_needs_what_it_needs() {
        let part = |name, status| Component::new(name, status, "", Value::Null);
        let health = Health::of(vec![part("database", Status::Healthy), part("agent", Status::Unknown)], 0);
        assert_eq!(health.status, Status::Unknown);
        assert!(health.is_ready(false) && !health.is_ready(true));
        let health = Health::of(vec![part("database", Status::Unhealthy), part("agent", Status::Healthy)], 0);
        assert!(!health.is_ready(false) && health.status == Status::Unhealthy);
    }
}
