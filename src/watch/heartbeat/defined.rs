//! The heartbeats of `probes.toml`, for those who report.
//!
//! A job that reports runs where the secrets of the probes are not, as from cron: that a probe of the same file cannot be read there must
//! not make the job a missed one.

use crate::watch::probe::file::{self, Names, Source};
use crate::watch::probe::model::Definitions;
use std::path::Path;

/// Why there are no heartbeats.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The part of the file that names heartbeats is broken.
    #[error("{0}")]
    Broken(String),
    /// There is none of this name.
    #[error("there is no heartbeat called {name}; {known}")]
    Unknown {
        /// The name, made safe.
        name: String,
        /// Which there are.
        known: String,
    },
}

/// Nothing is set: heartbeats hold no secrets.
struct Nothing;

impl Names for Nothing {
    fn value(&self, _: &str) -> Result<Option<String>, String> {
        Ok(None)
    }
}

/// The definitions that are in force; where the file is broken, its heartbeats alone when those can be read.
///
/// # Errors
/// What is wrong with the file.
pub fn definitions(source: &Source) -> Result<Definitions, Error> {
    let current = source.current();
    let Some(broken) = current.broken else { return Ok(current.definitions.as_ref().clone()) };
    alone(source.path()).ok_or_else(|| Error::Broken(broken.to_string()))
}

fn alone(path: &Path) -> Option<Definitions> {
    let text = std::fs::read_to_string(path).ok()?;
    let mut table: toml::Table = text.parse().ok()?;
    table.retain(|name, _| name == "heartbeat");
    file::parse(&path.display().to_string(), &toml::to_string(&table).ok()?, true, &Nothing).ok()
}

/// That there is a heartbeat of this name.
///
/// # Errors
/// Which there are.
pub fn find(definitions: &Definitions, name: &str) -> Result<crate::watch::probe::model::Heartbeat, Error> {
    if let Some(found) = definitions.heartbeat(name) {
        return Ok(found.clone());
    }
    let names: Vec<&str> = definitions.heartbeats.iter().map(|heartbeat| heartbeat.name.as_str()).take(20).collect();
    let known = if names.is_empty() {
        format!("{} has none: add [[heartbeat]] with name = \"…\"", file::FILE_NAME)
    } else {
        format!("there are {}", names.join(", "))
    };
    Err(Error::Unknown { name: crate::base::SafeText::clipped(name, 60).as_str().to_owned(), known })
}
