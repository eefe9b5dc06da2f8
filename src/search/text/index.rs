//! Writing the full-text index of either engine.

use super::tokens;
use crate::search::Result;
use crate::search::documents::Document;
use crate::store::{Conn, Engine};
use crate::vals;
use std::fmt::Write as _;

/// Positions that PostgreSQL tells apart.
const LAST_POSITION: usize = 16_383;

/// Words of the `scope`: they stand for the persona, the kind and the subreddit, so that a filter is part of the match.
/// Written in hexadecimal: an engine would cut a name at its punctuation.
#[must_use]
pub fn scope_word(what: &str, name: &str) -> String {
    let mut word = format!("qd{what}");
    for byte in name.to_lowercase().bytes() {
        let _ = write!(word, "{byte:02x}");
    }
    word
}

fn scope(document: &Document) -> Vec<String> {
    let mut words = vec![scope_word("k", document.kind.as_str())];
    words.extend(document.persona.as_deref().map(|persona| scope_word("p", persona)));
    words.extend(document.subreddit.as_deref().map(|subreddit| scope_word("s", subreddit)));
    words
}

/// Put a document's words into the index, under its id.
///
/// # Errors
/// When the database fails.
pub fn put(c: &mut dyn Conn, id: i64, document: &Document) -> Result<()> {
    match c.engine() {
        Engine::Sqlite => c.exec(
            "INSERT INTO search_words (rowid, title, body, scope) VALUES ($1, $2, $3, $4)",
            vals![id, tokens::stemmed(&document.title), tokens::stemmed(&document.body), scope(document).join(" ")],
        )?,
        Engine::Postgres => c.exec(
            "INSERT INTO search_words (passage, words) VALUES ($1, CAST(CAST($2 AS TEXT) AS TSVECTOR))",
            vals![id, vector(document)],
        )?,
    };
    Ok(())
}

/// The text form of PostgreSQL's list of words: made here, so that its parser and its dictionaries have no say.
fn vector(document: &Document) -> String {
    let mut vector = String::new();
    let mut position = 0;
    for (text, weight) in [(&document.title, 'A'), (&document.body, 'B')] {
        for token in tokens::tokens(text) {
            position = (position + 1).min(LAST_POSITION);
            let _ = write!(vector, "'{}':{position}{weight} ", tokens::stem(&token.text));
        }
        // No phrase goes over the end of a title.
        position = (position + 1).min(LAST_POSITION);
    }
    for word in scope(document) {
        let _ = write!(vector, "'{word}':{LAST_POSITION}D ");
    }
    vector
}
