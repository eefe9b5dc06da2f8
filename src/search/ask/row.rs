//! Stored documents, read by their ids.

use crate::base::Millis;
use crate::search::{Kind, Result};
use crate::store::{Conn, Val};

/// A stored document, with the name of its persona.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::search) struct Stored {
    pub id: i64,
    pub kind: Kind,
    pub persona: Option<String>,
    pub persona_name: Option<String>,
    pub source_id: String,
    pub title: String,
    pub body: String,
    pub subreddit: Option<String>,
    pub state: Option<String>,
    pub confidence: Option<f64>,
    pub own_name: Option<String>,
    pub parent: Option<String>,
    pub at: Millis,
}

/// Ids of one statement: a few lengths of lists, so that statements are prepared once.
const CHUNK: usize = 50;

/// `$n, $n+1, …` for a list that is always as long, and its values; the last one is repeated where there are fewer.
pub(super) fn list(ids: &[i64], first: usize) -> (String, Vec<Val>) {
    let places: Vec<String> = (0..CHUNK).map(|index| format!("${}", first + index)).collect();
    let values = (0..CHUNK).filter_map(|index| ids.get(index).or(ids.last())).map(|id| Val::from(*id)).collect();
    (places.join(", "), values)
}

/// Go through ids in lists of the same length.
pub(super) fn chunks(ids: &[i64]) -> impl Iterator<Item = &[i64]> {
    ids.chunks(CHUNK)
}

/// The documents of these ids, in no order. One that is gone is not among them.
pub(in crate::search) fn load(c: &mut dyn Conn, ids: &[i64]) -> Result<Vec<Stored>> {
    let mut stored = Vec::with_capacity(ids.len());
    for ids in chunks(ids) {
        let (places, values) = list(ids, 1);
        let sql = format!(
            "SELECT d.id, d.kind, d.persona_id, p.reddit_username, d.source_id, d.title, d.body, d.subreddit, d.state, d.confidence, d.own_name,
               d.parent, d.at FROM search_documents d LEFT JOIN personas p ON p.id = d.persona_id WHERE d.id IN ({places})"
        );
        for row in c.query(&sql, &values)? {
            let Some(kind) = Kind::named(&row.text("kind")?) else { continue };
            stored.push(Stored {
                id: row.int("id")?,
                kind,
                persona: row.text_opt("persona_id")?,
                persona_name: row.text_opt("reddit_username")?,
                source_id: row.text("source_id")?,
                title: row.text("title")?,
                body: row.text("body")?,
                subreddit: row.text_opt("subreddit")?,
                state: row.text_opt("state")?,
                confidence: row.real_opt("confidence")?,
                own_name: row.text_opt("own_name")?,
                parent: row.text_opt("parent")?,
                at: row.int("at")?,
            });
        }
    }
    Ok(stored)
}
