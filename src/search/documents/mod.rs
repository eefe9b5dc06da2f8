//! What can be found: documents made of rows and files, cut into passages, kept in step with the change feed.
//!
//! A document is a copy for finding, never the truth: when its row is gone, so is it. Nothing here changes what it copies.

pub mod folders;
pub mod ingest;
pub mod rows;
pub mod sources;

use super::{Kind, text::tokens};
use crate::base::{Millis, sha256_hex};

/// Words of a window, and by how many the next one is further on.
const WINDOW: usize = 30;
const STRIDE: usize = 20;
/// Words of a text that is still one passage. A section of a file is cut sooner: it says many things under one heading.
const ONE_PASSAGE: usize = 120;
/// Windows of a document at the most.
const MOST_WINDOWS: usize = 60;
/// Bytes of a text that are kept for finding.
const LONGEST: usize = 100_000;

/// One thing that can be found.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// What it was made from.
    pub kind: Kind,
    /// Whose it is; none for files.
    pub persona: Option<String>,
    /// Id of the row, or path and section.
    pub source_id: String,
    /// Heading; empty where the text has none.
    pub title: String,
    /// The text.
    pub body: String,
    /// Where, without `r/`, in lower case.
    pub subreddit: Option<String>,
    /// State, type or action.
    pub state: Option<String>,
    /// 0 to 1.
    pub confidence: Option<f64>,
    /// The name by which others answer it: a fullname, or a belief's or an item's id.
    pub own_name: Option<String>,
    /// The name of what it answers or belongs to.
    pub parent: Option<String>,
    /// Who wrote what is answered, or who decided.
    pub author: Option<String>,
    /// When.
    pub at: Millis,
}

/// A part of a document that has a vector of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// `whole`, `heading` or `window`.
    pub part: &'static str,
    /// Empty for the whole: its text stands in the document.
    pub text: String,
}

impl Document {
    /// The digest of what is indexed: when it is the same, only the rest has changed.
    #[must_use]
    pub fn mark(&self) -> String {
        let scope = format!("{}\n{:?}\n{:?}\n", self.kind, self.persona, self.subreddit);
        let mut mark = sha256_hex(format!("{scope}{}\n\n{}", self.title, self.body).as_bytes());
        mark.truncate(32);
        mark
    }

    /// The same with a text that is short enough.
    #[must_use]
    pub fn clipped(mut self) -> Self {
        if self.body.len() > LONGEST {
            let end = (0..=LONGEST).rev().find(|index| self.body.is_char_boundary(*index)).unwrap_or(0);
            self.body.truncate(end);
        }
        self
    }

    /// The whole as the embedder reads it.
    #[must_use]
    pub fn whole(&self) -> String {
        whole(&self.title, &self.body)
    }

    /// The passages: the whole first, then for a long text its heading and its windows.
    #[must_use]
    pub fn passages(&self) -> Vec<Passage> {
        let mut passages = vec![Passage { part: "whole", text: String::new() }];
        let is_section = matches!(self.kind, Kind::Runbook | Kind::Note);
        if is_section && !self.title.is_empty() {
            passages.push(Passage { part: "heading", text: self.title.clone() });
        }
        let words: Vec<_> = tokens::tokens(&self.body).map(|token| (token.start, token.end)).collect();
        if words.len() > if is_section { WINDOW } else { ONE_PASSAGE } {
            for first in (0..words.len()).step_by(STRIDE).take(MOST_WINDOWS) {
                let last = (first + WINDOW).min(words.len()) - 1;
                passages.push(Passage { part: "window", text: self.body[words[first].0..words[last].1].to_owned() });
                if last + 1 == words.len() {
                    break;
                }
            }
        }
        passages
    }
}

/// A title and a text as one.
pub(super) fn whole(title: &str, body: &str) -> String {
    if title.is_empty() { body.to_owned() } else { format!("{title}. {body}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(kind: Kind, title: &str, body: &str) -> Document {
        Document {
            kind,
            persona: None,
            source_id: "x".into(),
            title: title.into(),
            body: body.into(),
            subreddit: None,
            state: None,
            confidence: None,
            own_name: None,
            parent: None,
            author: None,
            at: 0,
        }
    }

    #[test]
    fn a_short_text_is_one_passage_and_a_section_has_heading_and_windows() {
        assert_eq!(document(Kind::Interaction, "", "short").passages().len(), 1);
        let body: String = (0..75).map(|n| format!("word{n} ")).collect();
        let passages = document(Kind::Runbook, "Rotate a key", &body).passages();
        assert_eq!(
            passages.iter().map(|passage| passage.part).collect::<Vec<_>>(),
            ["whole", "heading", "window", "window", "window", "window"]
        );
        assert!(passages[5].text.ends_with("word74"), "every word is in a window");
        let long = document(Kind::Note, "", &"é ".repeat(1_000_000)).clipped();
        assert!(long.body.len() <= LONGEST && long.passages().len() <= MOST_WINDOWS + 1);
    }

    #[test]
    fn the_mark_is_of_the_text_and_not_of_the_state() {
        let mut one = document(Kind::QueueItem, "", "text");
        let mark = one.mark();
        one.state = Some("approved".into());
        one.at = 7;
        assert_eq!(one.mark(), mark);
        one.body.push('!');
        assert_ne!(one.mark(), mark);
    }
}
