//! Identifiers: UUIDv7 text, so that they sort by the time they were made.

use serde::{Deserialize, Serialize};

/// A fresh UUIDv7 in its usual hyphenated text form.
#[must_use]
pub fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// The id of a persona. Every query about rows that belong to a persona takes one: another persona's row is not found.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonaId(String);

impl PersonaId {
    /// A fresh id.
    #[must_use]
    pub fn generate() -> Self {
        Self(new_id())
    }

    /// An id as it stands in the database.
    #[must_use]
    pub fn from_stored(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The text of the id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for PersonaId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The last characters of an id, by which people name it: times lead in these ids, so that neighbours share their beginning.
#[must_use]
pub fn short(id: &str) -> &str {
    id.get(id.len().saturating_sub(8)..).unwrap_or(id)
}
