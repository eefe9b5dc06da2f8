//! What a search answers: hits with the reason they are there, a page mark, a count that never costs more than the page.

use crate::base::{Millis, SafeText};
use serde::Serialize;
use std::time::Duration;

/// What kind of thing a document was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something a persona said in public.
    Interaction,
    /// A belief, with its summary and the stance in force.
    Belief,
    /// One version of a stance.
    Stance,
    /// A draft of the queue.
    QueueItem,
    /// A decision about a draft, with the reviewer's reason.
    Decision,
    /// A section of a file in the folder of runbooks.
    Runbook,
    /// A section of a file in the folder of notes.
    Note,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 7] = [Self::Interaction, Self::Belief, Self::Stance, Self::QueueItem, Self::Decision, Self::Runbook, Self::Note];

    /// The word in the database, in questions and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Interaction => "interaction",
            Self::Belief => "belief",
            Self::Stance => "stance",
            Self::QueueItem => "queue_item",
            Self::Decision => "decision",
            Self::Runbook => "runbook",
            Self::Note => "note",
        }
    }

    /// The kind that a word names: its own word, its plural, and what people call a queue item.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        let word = word.to_lowercase();
        let word = match word.as_str() {
            "queue" | "item" | "items" | "draft" | "drafts" | "queue-item" | "queueitem" => "queue_item",
            "said" | "comment" | "comments" => "interaction",
            other => other.strip_suffix('s').unwrap_or(other),
        };
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A piece of an extract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The text, safe to show, on one line.
    #[serde(serialize_with = "text")]
    pub text: SafeText,
    /// Whether it matched a word of the question.
    pub is_match: bool,
}

/// Why a hit is in the answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Reason {
    /// The words, phrases and prefixes of the question that it holds, as they were asked.
    pub words: Vec<String>,
    /// How near its meaning is to the question's: cosine, 0 to 1. None when there is no vector to compare.
    pub similarity: Option<f32>,
}

/// One document of an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hit {
    /// What it was made from.
    pub kind: Kind,
    /// Whose it is; none for runbooks and notes.
    pub persona: Option<crate::base::PersonaId>,
    /// The name of that persona.
    #[serde(serialize_with = "text_opt")]
    pub persona_name: Option<SafeText>,
    /// The id of the row it was made from; for a file its path with `#` and the number of the section.
    pub id: String,
    /// A heading on one line.
    #[serde(serialize_with = "text")]
    pub title: SafeText,
    /// The passage that matched best, cut around what matched.
    pub extract: Vec<Part>,
    /// Why it is here.
    pub reason: Reason,
    /// 0 to 1; hits come in falling order. Comparable within one answer only.
    pub score: f32,
    /// Where it was said or is to be said, without `r/`.
    pub subreddit: Option<String>,
    /// The state of a queue item or a stance, the type of an interaction, the action of a decision.
    pub state: Option<String>,
    /// The confidence of a belief or a stance, 0 to 1.
    pub confidence: Option<f64>,
    /// When it was said, written or last changed.
    pub at: Millis,
    /// What it answers, as a fullname; for a stance its belief, for a decision its queue item.
    pub parent: Option<String>,
}

/// How many documents fit the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Count {
    /// So many.
    Exactly(u64),
    /// So many were found before counting stopped.
    AtLeast(u64),
}

impl std::fmt::Display for Count {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (count, more) = match self {
            Self::Exactly(count) => (count, ""),
            Self::AtLeast(count) => (count, "+"),
        };
        let digits = count.to_string();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                formatter.write_str(",")?;
            }
            std::fmt::Write::write_char(formatter, digit)?;
        }
        formatter.write_str(more)
    }
}

/// Where a page ended: the next one begins behind it. Its text form is for command lines and URLs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(into = "String")]
pub struct After {
    /// Score of the last hit; for a question of filters alone its time.
    pub score: f64,
    /// Its document.
    pub document: i64,
    /// How many hits the pages before showed.
    pub seen: u32,
    /// How many candidates the first page was cut from.
    pub depth: u32,
    /// The newest document there was when the first page was made: no later one is on the pages behind it.
    pub newest: i64,
}

impl std::fmt::Display for After {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { score, document, seen, depth, newest } = self;
        write!(formatter, "{:x}-{document:x}-{seen}-{depth}-{newest:x}", score.to_bits())
    }
}

impl From<After> for String {
    fn from(after: After) -> Self {
        after.to_string()
    }
}

impl std::str::FromStr for After {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{}' is no page mark: use the `next` of the page before", SafeText::clipped(text, 40));
        let parts: Vec<&str> = text.split('-').collect();
        let &[score, document, seen, depth, newest] = parts.as_slice() else { return Err(wrong()) };
        let id = |part| i64::from_str_radix(part, 16).ok().filter(|id| *id >= 0).ok_or_else(wrong);
        let score = u64::from_str_radix(score, 16).map(f64::from_bits).ok().filter(|score| score.is_finite()).ok_or_else(wrong)?;
        let count = |part: &str| part.parse().map_err(|_| wrong());
        Ok(Self { score, document: id(document)?, seen: count(seen)?, depth: count(depth)?, newest: id(newest)? })
    }
}

/// Which part of an answer is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Page {
    /// Hits at the most: 1 to 200.
    pub limit: u32,
    /// Where the page before ended.
    pub after: Option<After>,
}

impl Default for Page {
    fn default() -> Self {
        Self { limit: 20, after: None }
    }
}

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// The hits, best first; for a question of filters alone, newest first.
    pub hits: Vec<Hit>,
    /// Where the next page begins; none when this is the last.
    pub next: Option<After>,
    /// How many fit.
    pub count: Count,
    /// What was done beside what was asked: names taken for others, words left out, vectors still to come.
    pub notes: Vec<String>,
    /// How long it took.
    #[serde(rename = "took_us", serialize_with = "micros")]
    pub took: Duration,
}

/// What a hit stands among.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Thread {
    /// What it answers, when that is ours too.
    pub parent: Option<Hit>,
    /// What else was said under the same parent, or about the same belief or item: newest first, at most 20.
    pub siblings: Vec<Hit>,
    /// What answers it, oldest first, at most 20.
    pub children: Vec<Hit>,
}

fn text<S: serde::Serializer>(value: &SafeText, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(value.as_str())
}

fn text_opt<S: serde::Serializer>(value: &Option<SafeText>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.serialize_some(value.as_str()),
        None => serializer.serialize_none(),
    }
}

fn micros<S: serde::Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(value.as_micros()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_mark_reads_back_and_anything_else_is_refused() {
        let after = After { score: 0.731_25, document: 4711, seen: 40, depth: 100, newest: 5000 };
        assert_eq!(after.to_string().parse(), Ok(after));
        for text in [
            "",
            "1",
            "1-2",
            "1-2-3",
            "x-1-2-3-4",
            "7ff8000000000000-1-2-3-4",
            "1-ffffffffffffffff-2-3-4",
            "1-2-3-4",
            "1-2-3-4-5-6",
            "1--2-3-4",
            "\u{1b}[2J",
        ] {
            assert!(text.parse::<After>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn counts_say_where_they_stopped() {
        assert_eq!(Count::Exactly(12).to_string(), "12");
        assert_eq!(Count::AtLeast(1000).to_string(), "1,000+");
        assert_eq!(Count::Exactly(1_234_567).to_string(), "1,234,567");
    }

    #[test]
    fn kinds_have_the_names_people_use() {
        for kind in Kind::ALL {
            assert_eq!(Kind::named(kind.as_str()), Some(kind));
        }
        assert_eq!(Kind::named("Drafts"), Some(Kind::QueueItem));
        assert_eq!(Kind::named("beliefs"), Some(Kind::Belief));
        assert_eq!(Kind::named("thing"), None);
    }
}
