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

/// Whether a text is an id as [`new_id`] makes them.
#[must_use]
pub fn is_id(text: &str) -> bool {
    let is_hyphen = |at| matches!(at, 8 | 13 | 18 | 23);
    text.len() == 36
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if is_hyphen(at) { byte == b'-' } else { byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte) })
}

/// What a thing is called in a list: the last characters of an id, and a name as it is.
#[must_use]
pub fn shown(id_or_name: &str) -> &str {
    if is_id(id_or_name) { short(id_or_name) } else { id_or_name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_shortened_and_names_are_not() {
        let id = new_id();
        assert_eq!(shown(&id), &id[28..]);
        for name in ["OPENROUTER_API_KEY", "t", "", "ü", "0195b0f2-not-an-id-of-ours-but-as-long"] {
            assert_eq!(shown(name), name);
        }
    }
}
