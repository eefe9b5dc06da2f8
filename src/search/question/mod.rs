//! The query language: words, phrases, prefixes, exclusions and filters. Pure.
//!
//! | written | means |
//! |---|---|
//! | `refund policy` | documents about it, by words and by meaning |
//! | `"refund policy"` | these words in this order must stand in it |
//! | `refund*` | a word that begins so |
//! | `-billing`, `-"old plan"` | must not stand in it |
//! | `persona:Ada`, `subreddit:rust`, `kind:belief`, `is:pending` | of these; several of one name widen, `-` before it excludes |
//! | `since:2026-11-01`, `since:7d`, `until:yesterday` | from, and before the end of, that day in the reader's zone |
//! | `confidence>0.8`, `confidence<=0.3` | beliefs and stances only |
//! | `like:ID` | near in meaning to that document |

mod dates;
mod parse;

pub use dates::Zone;
pub use parse::LONGEST;

use super::Kind;
use crate::base::Millis;

/// One thing that is looked for in the text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Term {
    /// A word: the more of them a document holds, the better.
    Word(String),
    /// Words in this order; must be there.
    Phrase(String),
    /// A word that begins so.
    Prefix(String),
}

impl Term {
    /// The text as it was asked.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Word(text) | Self::Phrase(text) | Self::Prefix(text) => text,
        }
    }
}

/// A bound of the confidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound {
    /// 0 to 1.
    pub value: f64,
    /// Whether the value itself is in.
    pub inclusive: bool,
}

/// Conditions on documents. Lists widen: any of them fits; an empty list lets everything through.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filters {
    /// Personas, by name or id.
    pub personas: Vec<String>,
    /// Subreddits, without `r/`.
    pub subreddits: Vec<String>,
    /// Kinds.
    pub kinds: Vec<Kind>,
    /// States: of a queue item or stance, or the type of an interaction.
    pub states: Vec<String>,
    /// Personas that are left out.
    pub not_personas: Vec<String>,
    /// Subreddits that are left out.
    pub not_subreddits: Vec<String>,
    /// Kinds that are left out.
    pub not_kinds: Vec<Kind>,
    /// States that are left out.
    pub not_states: Vec<String>,
    /// Not before this time.
    pub since: Option<Millis>,
    /// Before this time.
    pub until: Option<Millis>,
    /// Confidence at least or above.
    pub least: Option<Bound>,
    /// Confidence at most or below.
    pub most: Option<Bound>,
}

impl Filters {
    /// Whether it lets everything through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Question {
    /// What was typed.
    pub text: String,
    /// Words, phrases and prefixes to look for.
    pub words: Vec<Term>,
    /// What must not stand in it.
    pub without: Vec<Term>,
    /// Conditions.
    pub filters: Filters,
    /// Near in meaning to this document: its id, or `KIND:ID`.
    pub like: Option<String>,
}

/// A question that cannot be understood, with the place of the fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[error("{message} (at character {})", position + 1)]
pub struct SyntaxError {
    /// Characters before the fault.
    pub position: usize,
    /// What is wrong and what to write in its place. Safe to show.
    pub message: String,
}

impl Question {
    /// Read a question. Dates are days in `zone`, and `now` is what `7d` and `today` count from.
    ///
    /// # Errors
    /// [`SyntaxError`] for an empty or overlong text, an open quote, and filters whose value does not fit.
    pub fn parse(text: &str, zone: Zone, now: Millis) -> Result<Self, SyntaxError> {
        parse::question(text, zone, now)
    }

    /// The words as one text, for the meaning.
    #[must_use]
    pub fn meaning(&self) -> String {
        self.words.iter().map(Term::text).collect::<Vec<_>>().join(" ")
    }
}
