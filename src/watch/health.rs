//! How each part of the deck is, with the reason. What nothing is known of is unknown, and never healthy.

use super::own::{self, Facts};
use crate::base::{Clock, Millis, clock};
use crate::store::Database;
use serde::Serialize;
use serde_json::Value;

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

/// The parts that this answer names: those of the board that need nothing but the database.
const NAMES: [&str; 6] = ["database", "agent", "queue", "outbox", "index", "budgets"];

/// Look at every part.
pub async fn look(db: &Database, time: &dyn Clock) -> Health {
    let parts = own::look(db, &Facts::default(), time).await;
    let component = |name: &'static str| {
        let part = parts.iter().find(|part| part.name == name)?;
        Some(Component::new(name, part.status, part.reason.clone(), part.detail.clone()))
    };
    Health::of(NAMES.into_iter().filter_map(component).collect(), time.now())
}

#[cfg(test)]
mod tests {
    use super::*;

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
