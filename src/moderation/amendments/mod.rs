//! Amendments: wishes of a person about what was sent already, to take it away or to give it another text.
//!
//! A command commits the wish; the deliverer of the persona carries it out, looks whether it is so, and only then changes the item. Deleting
//! and editing may be repeated without harm, so that a lost answer is looked at by reading and the request tried again, a bounded number of
//! times. Nothing in here asks for an amendment by itself: a person does.
//!
//! | file | what stands in it |
//! |---|---|
//! | `ask` | committing the wish, its confirmation by a second person, and taking it back |
//! | `carry` | committing that it is about to be carried out, and what came of it |
//! | `work` | the deliverer's part: look, request, look |

mod ask;
mod carry;
mod work;

pub use ask::{Wish, ask, cancel, check, confirm, undo};
pub use carry::{Begin, Carried, begin, settle};

use super::error::Result;
use super::evaluation::Evaluation;
use crate::base::{Millis, PersonaId};
use crate::store::{self, Conn, Row};
use crate::vals;
use serde::Serialize;

/// When a wish that could not be carried out is tried again, counted from the try before. After the last it has failed.
pub const AGAIN_AFTER: [Millis; 6] = [5_000, 30_000, 120_000, 600_000, 3_600_000, 21_600_000];

/// What is wished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Delete what was sent.
    Retract,
    /// Give it another text.
    Amend,
}

impl Kind {
    /// The word in the database and in commands.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retract => "retract",
            Self::Amend => "amend",
        }
    }

    /// As a participle: what the message is afterwards.
    #[must_use]
    pub fn participle(self) -> &'static str {
        match self {
            Self::Retract => "retracted",
            Self::Amend => "amended",
        }
    }
}

impl std::str::FromStr for Kind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Retract, Self::Amend].into_iter().find(|kind| kind.as_str() == text).ok_or(())
    }
}

/// How a wish ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Carried out, and seen to be so.
    Done,
    /// It cannot be carried out; the message is as it was.
    Refused,
    /// It was tried as often as it is tried. The message may be either way: a person looks.
    Failed,
    /// Taken back, or replaced by another wish, before it was carried out.
    Abandoned,
}

impl Outcome {
    /// The word in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
        }
    }
}

impl std::str::FromStr for Outcome {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Done, Self::Refused, Self::Failed, Self::Abandoned].into_iter().find(|outcome| outcome.as_str() == text).ok_or(())
    }
}

/// One wish about something that was sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Amendment {
    /// Its id.
    pub id: String,
    /// The item it is about.
    pub item_id: String,
    /// What is wished.
    pub kind: Kind,
    /// The new text of an amend.
    pub text: Option<String>,
    /// What screening said of the new text.
    pub evaluation: Option<Evaluation>,
    /// Binds the wish to the message, its text before, the new text, the account and the rules.
    pub digest: String,
    /// The rules and mode it holds under.
    pub policy: String,
    /// Why.
    pub reason: String,
    /// Who asked.
    pub asked_by: String,
    /// When.
    pub asked_at: Millis,
    /// The second person, where one was needed.
    pub confirmed_by: Option<String>,
    /// When that one confirmed.
    pub confirmed_at: Option<Millis>,
    /// When the first try began.
    pub started_at: Option<Millis>,
    /// When it ended.
    pub finished_at: Option<Millis>,
    /// How it ended; empty while it is open.
    pub outcome: Option<Outcome>,
    /// What the last try found, in words.
    pub message: Option<String>,
    /// When it is tried next; empty while it waits for a second person, and when it ended.
    pub next_try_at: Option<Millis>,
    /// Tries so far.
    pub tries: i64,
}

impl Amendment {
    /// Whether it waits for a second person.
    #[must_use]
    pub fn needs_second_person(&self) -> bool {
        self.finished_at.is_none() && self.next_try_at.is_none()
    }

    /// Where it stands, in words.
    #[must_use]
    pub fn standing(&self) -> String {
        match self.outcome {
            Some(outcome) => outcome.as_str().to_owned(),
            None if self.needs_second_person() => "waits for a second person".to_owned(),
            None if self.started_at.is_some() => format!("under way, {} of {} tries", self.tries, AGAIN_AFTER.len()),
            None => "waits for the agent".to_owned(),
        }
    }
}

fn from_row(row: &Row) -> Result<Amendment> {
    let unknown = |column: &str| store::Error::Column { column: column.to_owned(), expected: "a known word" };
    Ok(Amendment {
        id: row.text("id")?,
        item_id: row.text("item_id")?,
        kind: row.text("kind")?.parse().map_err(|()| unknown("kind"))?,
        text: row.text_opt("text")?,
        evaluation: row.text_opt("evaluation")?.map(|_| row.json("evaluation")).transpose()?,
        digest: row.text("digest")?,
        policy: row.text("policy")?,
        reason: row.text("reason")?,
        asked_by: row.text("asked_by")?,
        asked_at: row.int("asked_at")?,
        confirmed_by: row.text_opt("confirmed_by")?,
        confirmed_at: row.int_opt("confirmed_at")?,
        started_at: row.int_opt("started_at")?,
        finished_at: row.int_opt("finished_at")?,
        outcome: row.text_opt("outcome")?.map(|word| word.parse().map_err(|()| unknown("outcome"))).transpose()?,
        message: row.text_opt("message")?,
        next_try_at: row.int_opt("next_try_at")?,
        tries: row.int("tries")?,
    })
}

fn load(c: &mut dyn Conn, persona: &PersonaId, id: &str) -> Result<Amendment> {
    c.first("SELECT * FROM amendments WHERE persona_id = $1 AND id = $2", vals![persona, id])?
        .map_or_else(|| Err(super::Error::NotFound { id: id.to_owned() }), |row| from_row(&row))
}

/// Every wish about an item, oldest first.
///
/// # Errors
/// When the engine refuses.
pub fn of_item(c: &mut dyn Conn, persona: &PersonaId, item: &str) -> Result<Vec<Amendment>> {
    c.query("SELECT * FROM amendments WHERE persona_id = $1 AND item_id = $2 ORDER BY asked_at, id", vals![persona, item])?
        .iter()
        .map(from_row)
        .collect()
}

/// The open wish about an item, if there is one.
///
/// # Errors
/// When the engine refuses.
pub fn open(c: &mut dyn Conn, persona: &PersonaId, item: &str) -> Result<Option<Amendment>> {
    c.first("SELECT * FROM amendments WHERE persona_id = $1 AND item_id = $2 AND finished_at IS NULL", vals![persona, item])?
        .map(|row| from_row(&row))
        .transpose()
}

/// When the text of an item was last changed after sending, if ever.
///
/// # Errors
/// When the engine refuses.
pub fn last_amended(c: &mut dyn Conn, persona: &PersonaId, item: &str) -> Result<Option<Millis>> {
    let row = c.first(
        "SELECT max(finished_at) AS at FROM amendments WHERE persona_id = $1 AND item_id = $2 AND kind = 'amend' AND outcome = 'done'",
        vals![persona, item],
    )?;
    Ok(row.map_or(Ok(None), |row| row.int_opt("at"))?)
}

/// The ids of the wishes to be carried out at `now`, and when the next of the others comes.
///
/// # Errors
/// When the engine refuses.
pub fn due(c: &mut dyn Conn, persona: &PersonaId, now: Millis) -> Result<(Vec<String>, Option<Millis>)> {
    // Taking away goes before changing.
    let rows = c.query(
        "SELECT id FROM amendments WHERE persona_id = $1 AND next_try_at <= $2 ORDER BY kind DESC, next_try_at, id LIMIT 50",
        vals![persona, now],
    )?;
    let due = rows.iter().map(|row| row.text("id")).collect::<store::Result<_>>()?;
    let next = c.first("SELECT min(next_try_at) AS at FROM amendments WHERE persona_id = $1 AND next_try_at > $2", vals![persona, now])?;
    Ok((due, next.map_or(Ok(None), |row| row.int_opt("at"))?))
}
