//! Marks: deployments, restarts, changed settings and notes, as rows. The first suspects when something breaks.

use crate::base::{Millis, SafeText, new_id};
use crate::store::audit::{self, Actor};
use crate::store::{Conn, Error, Result, Row, feed};
use crate::vals;
use serde::Serialize;
use serde_json::{Value, json};
use std::ops::Range;

/// The most columns of what a mark says.
pub const LONGEST: usize = 300;
/// The most columns of the name of a system.
pub const LONGEST_SYSTEM: usize = 64;
/// The system of the deck itself.
pub const OWN: &str = "quarterdeck";

/// What a mark stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Another version of a program runs.
    Deployment,
    /// A process was started anew.
    Restart,
    /// Settings changed.
    Configuration,
    /// Anything else that a person wants to find again.
    Note,
}

impl Kind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[Self::Deployment, Self::Restart, Self::Configuration, Self::Note];

    /// The word in the database and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::Restart => "restart",
            Self::Configuration => "configuration",
            Self::Note => "note",
        }
    }

    fn by_word(word: &str) -> Self {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word).unwrap_or(Self::Note)
    }
}

/// A mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// Its id.
    pub id: String,
    /// When it happened, UTC.
    pub at: Millis,
    /// What it stands for.
    pub kind: Kind,
    /// The system that it is about; [`OWN`] for the deck itself.
    pub system: String,
    /// What happened, in a sentence.
    pub what: String,
    /// Who said so.
    pub actor: String,
}

/// A mark to be made.
#[derive(Debug, Clone, Copy)]
pub struct New<'a> {
    /// When it happened, UTC.
    pub at: Millis,
    /// What it stands for.
    pub kind: Kind,
    /// The system that it is about.
    pub system: &'a str,
    /// What happened.
    pub what: &'a str,
}

/// Make a mark, with its audit row and its row in the change feed. Returns its id.
///
/// # Errors
/// [`Error::Constraint`] when it says nothing or too much; when the engine refuses.
pub fn add(c: &mut dyn Conn, new: New<'_>, actor: &Actor, now: Millis) -> Result<String> {
    let (what, system) = (new.what.trim(), new.system.trim());
    let refused = |reason: &str| Err(Error::Constraint { reason: reason.to_owned() });
    if what.is_empty() || what.chars().count() > LONGEST {
        return refused("a mark says what happened in 1 to 300 characters");
    }
    if system.is_empty() || system.chars().count() > LONGEST_SYSTEM {
        return refused("the name of a system has 1 to 64 characters");
    }
    let (what, system) = (SafeText::line(what).as_str().to_owned(), SafeText::line(system).as_str().to_owned());
    let id = new_id();
    c.exec(
        "INSERT INTO marks (id, at, kind, system, what, actor) VALUES ($1, $2, $3, $4, $5, $6)",
        vals![&id, new.at, new.kind.as_str(), &system, &what, &actor.name],
    )?;
    let entry = audit::Entry {
        at: now,
        persona: None,
        actor,
        action: &format!("mark.{}", new.kind.as_str()),
        subject_kind: "mark",
        subject_id: &id,
        reason: Some(&what),
        before: &Value::Null,
        after: &json!({ "at": new.at, "system": system }),
    };
    audit::append(c, &entry)?;
    feed::append(c, now, "health", None, "mark", &id)?;
    Ok(id)
}

/// The marks of a time, newest first, at most `limit`.
///
/// # Errors
/// When the engine refuses.
pub fn list(c: &mut dyn Conn, window: Range<Millis>, system: Option<&str>, limit: i64) -> Result<Vec<Mark>> {
    c.query(
        "SELECT id, at, kind, system, what, actor FROM marks
         WHERE at >= $1 AND at < $2 AND (CAST($3 AS TEXT) IS NULL OR lower(system) = lower(CAST($3 AS TEXT))) ORDER BY at DESC, id DESC LIMIT $4",
        vals![window.start, window.end, system, limit],
    )?
    .iter()
    .map(mark)
    .collect()
}

fn mark(row: &Row) -> Result<Mark> {
    Ok(Mark {
        id: row.text("id")?,
        at: row.int("at")?,
        kind: Kind::by_word(&row.text("kind")?),
        system: row.text("system")?,
        what: row.text("what")?,
        actor: row.text("actor")?,
    })
}

/// What was noted under a name when a process started last.
pub(super) fn last_started(c: &mut dyn Conn, name: &str) -> Result<Option<String>> {
    c.first("SELECT value FROM last_started WHERE name = $1", vals![name])?.map(|row| row.text("value")).transpose()
}

/// Note it for the next start.
pub(super) fn note_started(c: &mut dyn Conn, name: &str, value: &str, now: Millis) -> Result<()> {
    let sql = "INSERT INTO last_started (name, value, at) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET value = $2, at = $3";
    c.exec(sql, vals![name, value, now])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::database;

    #[test]
    fn marks_are_found_by_time_and_system_and_stand_in_the_audit_log() {
        let (db, _guard) = database();
        let (found, of_system, refused, logged) = db
            .write_blocking(|c| {
                let actor = Actor::human("ana");
                let new = |at, system, what| New { at, kind: Kind::Deployment, system, what };
                add(c, new(10, OWN, "1.2.0"), &actor, 100)?;
                add(c, new(20, "assistant", "  2.0\u{202e}  "), &actor, 100)?;
                let long = "x".repeat(301);
                let refused = [new(1, OWN, " "), new(1, "", "x"), new(1, OWN, &long)];
                let refused = refused.map(|new| add(c, new, &actor, 100).unwrap_err().to_string());
                let logged = audit::newest(c, None, 9)?;
                Ok::<_, Error>((list(c, 0..20, None, 9)?, list(c, 0..99, Some("ASSISTANT"), 9)?, refused, logged))
            })
            .unwrap();
        assert_eq!((found.len(), found[0].what.as_str(), found[0].actor.as_str()), (1, "1.2.0", "ana"));
        assert_eq!((of_system.len(), of_system[0].what.as_str()), (1, "2.0"));
        assert!(refused[0].contains("300") && refused[1].contains("64") && refused[2].contains("300"));
        assert_eq!((logged.len(), logged[0].action.as_str()), (2, "mark.deployment"));
    }
}
