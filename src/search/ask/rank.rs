//! Candidates in their order: every one of them measured by its words and by its meaning.

use super::condition::Sieve;
use super::extract::{extract, heading};
use super::gather::Words;
use super::row::{self, Stored};
use crate::base::{PersonaId, SafeText};
use crate::search::fusion::{self, Ranking, Sides};
use crate::search::question::{Question, Term};
use crate::search::spaces::Space;
use crate::search::text::score::{Matched, Terms};
use crate::search::vectors::{self, Near};
use crate::search::{Hit, Kind, Reason, Result};
use crate::store::Conn;
use std::collections::{HashMap, HashSet};

/// A meaning alone brings nothing that is farther than this, so that a question about something else finds nothing.
const FARTHEST: f32 = 0.15;
/// What a heading, the best window and the whole count in a long document.
const HEADING: f32 = 0.4;
const WINDOW: f32 = 0.3;
/// Matches that the extract is chosen by at the most.
const MOST_SPANS: usize = 400;

/// A document with its score and the reasons for it.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub row: Stored,
    pub score: f32,
    matched: Matched,
    similarity: Option<f32>,
    /// The text of the window that is nearest.
    window: Option<String>,
}

/// Candidates in their order.
#[derive(Debug)]
pub(super) struct Ranked {
    pub terms: Terms,
    pub found: Vec<Found>,
}

/// The similarity of a document, from those of its passages.
#[derive(Debug, Clone, Default)]
struct Meaning {
    whole: Option<f32>,
    heading: Option<f32>,
    window: Option<(f32, String)>,
}

impl Meaning {
    fn similarity(&self, kind: Kind) -> Option<f32> {
        let whole = self.whole;
        let window = self.window.as_ref().map(|(similarity, _)| *similarity);
        match (kind, self.heading, window) {
            (Kind::Runbook | Kind::Note, Some(heading), window) => {
                let whole = whole.unwrap_or(heading);
                Some(HEADING * heading + WINDOW * window.unwrap_or(whole) + (1.0 - HEADING - WINDOW) * whole)
            }
            (_, _, Some(window)) => Some(whole.map_or(window, |whole| whole.max(window))),
            (_, heading, None) => whole.or(heading),
        }
    }
}

/// The documents of passages, with how near each part is.
fn meanings(c: &mut dyn Conn, near: &[Near]) -> Result<HashMap<i64, Meaning>> {
    let mut meanings = HashMap::new();
    add_meanings(c, near, &mut meanings)?;
    Ok(meanings)
}

fn add_meanings(c: &mut dyn Conn, near: &[Near], meanings: &mut HashMap<i64, Meaning>) -> Result<()> {
    let similarity: HashMap<i64, f32> = near.iter().map(|near| (near.passage, near.similarity)).collect();
    let passages: Vec<i64> = near.iter().map(|near| near.passage).collect();
    for passages in row::chunks(&passages) {
        let (places, values) = row::list(passages, 1);
        let sql = format!("SELECT id, document, part, text FROM search_passages WHERE id IN ({places})");
        for row in c.query(&sql, &values)? {
            let Some(similarity) = similarity.get(&row.int("id")?).copied() else { continue };
            let meaning = meanings.entry(row.int("document")?).or_default();
            match row.text("part")?.as_str() {
                "whole" => meaning.whole = Some(similarity),
                "heading" => meaning.heading = Some(similarity),
                _ if meaning.window.as_ref().is_none_or(|(best, _)| similarity > *best) => {
                    meaning.window = Some((similarity, row.text("text")?));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// The other passages of these documents, compared with the question: what the words brought is measured by its meaning too, and a long document
/// by all of its parts.
fn compared(c: &mut dyn Conn, spaces: &[Space], documents: &[i64], near: &[Near]) -> Result<Vec<Near>> {
    let known: HashSet<i64> = near.iter().map(|near| near.passage).collect();
    let mut others = Vec::new();
    if spaces.is_empty() {
        return Ok(others);
    }
    let mut unknown = Vec::new();
    for documents in row::chunks(documents) {
        let (places, values) = row::list(documents, 1);
        for row in c.query(&format!("SELECT id FROM search_passages WHERE document IN ({places})"), &values)? {
            let passage = row.int("id")?;
            if !known.contains(&passage) {
                unknown.push(passage);
            }
        }
    }
    for Space { vectors, query } in spaces {
        super::gather::add(&mut others, vectors::compare(c, vectors, query, &unknown)?);
    }
    Ok(others)
}

#[allow(clippy::too_many_arguments, reason = "everything that a question has gathered comes together here")]
pub(super) fn rank(
    c: &mut dyn Conn,
    question: &Question,
    sieve: &Sieve,
    words: &Words,
    documents: f64,
    average: f64,
    by_words: &[i64],
    near: &[Near],
    spaces: &[Space],
    ranking: Ranking,
) -> Result<Ranked> {
    let terms = Terms::new(&words.terms, documents, average);
    let mut meanings = meanings(c, near)?;
    let mut ids: Vec<i64> = by_words.to_vec();
    let from_words: HashSet<i64> = by_words.iter().copied().collect();
    ids.extend(meanings.keys().copied().filter(|id| !from_words.contains(id)));
    let others = compared(c, spaces, &ids, near)?;
    add_meanings(c, &others, &mut meanings)?;
    let allowed = allowed(c, sieve, &ids)?;
    let must: Vec<usize> =
        words.terms.iter().enumerate().filter(|(_, (term, _))| matches!(term, Term::Phrase(_))).map(|(index, _)| index).collect();
    let excluded = excluded(question);
    let mut found = Vec::new();
    for row in row::load(c, &ids)? {
        if allowed.as_ref().is_some_and(|allowed| !allowed.contains(&row.id)) || excluded.any(&row.title, &row.body) {
            continue;
        }
        let matched = terms.matched(&row.title, &row.body);
        let meaning = meanings.get(&row.id);
        let similarity = meaning.and_then(|meaning| meaning.similarity(row.kind));
        if !must.iter().all(|term| matched.terms.contains(term)) {
            continue;
        }
        let nothing_matched = matched.terms.is_empty();
        if nothing_matched && (ranking == Ranking::Words || similarity.is_none_or(|similarity| similarity < FARTHEST)) {
            continue;
        }
        let window = meaning.and_then(|meaning| meaning.window.as_ref()).map(|(_, text)| text.clone());
        found.push(Found { row, score: 0.0, matched, similarity, window });
    }
    let side = |found: &Found| Sides { words: found.matched.score, share: found.matched.share, meaning: found.similarity };
    let sides: Vec<Sides> = found.iter().map(side).collect();
    let ranking = if question.words.is_empty() { Ranking::Meaning } else { ranking };
    for (found, score) in found.iter_mut().zip(fusion::scores(&sides, ranking)) {
        found.score = score;
    }
    found.sort_by(|left, right| right.score.total_cmp(&left.score).then(right.row.id.cmp(&left.row.id)));
    Ok(Ranked { terms, found })
}

/// Which of these the filters let through. None when there are no filters.
fn allowed(c: &mut dyn Conn, sieve: &Sieve, ids: &[i64]) -> Result<Option<HashSet<i64>>> {
    if sieve.all.sql.is_empty() {
        return Ok(None);
    }
    let mut allowed = HashSet::new();
    for ids in row::chunks(ids) {
        let (places, values) = row::list(ids, 4 + sieve.all.params.len());
        let sql = format!("SELECT d.id FROM search_documents d WHERE $1 = $2 AND $2 = $3 AND d.id IN ({places}) {}", sieve.all.sql);
        let mut params = crate::vals![0, 0, 0].to_vec();
        params.extend(sieve.all.params.iter().cloned());
        params.extend(values);
        for row in c.query(&sql, &params)? {
            allowed.insert(row.int("id")?);
        }
    }
    Ok(Some(allowed))
}

/// What must not be in a text.
pub(super) fn excluded(question: &Question) -> Terms {
    Terms::new(&question.without.iter().map(|term| (term.clone(), 1.0)).collect::<Vec<_>>(), 2.0, 1.0)
}

/// No words at all.
pub(super) fn no_terms() -> Terms {
    Terms::default()
}

/// Documents of passages, by their meaning alone.
pub(super) fn by_meaning(c: &mut dyn Conn, near: &[Near]) -> Result<Vec<Found>> {
    let meanings = meanings(c, near)?;
    let ids: Vec<i64> = meanings.keys().copied().collect();
    let mut found: Vec<Found> = row::load(c, &ids)?
        .into_iter()
        .map(|row| {
            let meaning = meanings.get(&row.id);
            let similarity = meaning.and_then(|meaning| meaning.similarity(row.kind));
            let window = meaning.and_then(|meaning| meaning.window.as_ref()).map(|(_, text)| text.clone());
            Found { row, score: similarity.unwrap_or(0.0).clamp(0.0, 1.0), matched: Matched::default(), similarity, window }
        })
        .collect();
    found.sort_by(|left, right| right.score.total_cmp(&left.score).then(right.row.id.cmp(&left.row.id)));
    Ok(found)
}

/// A document as it is shown.
pub(super) fn hit(found: &Found, terms: &Terms) -> Hit {
    let Found { row, matched, .. } = found;
    let near = found.window.as_ref().and_then(|window| row.body.find(window.as_str()));
    Hit {
        extract: extract(&row.body, &matched.spans[..matched.spans.len().min(MOST_SPANS)], near),
        reason: Reason {
            words: matched.terms.iter().map(|term| SafeText::line(terms.asked(*term)).to_string()).collect(),
            similarity: found.similarity,
        },
        ..plain_hit(row, found.score)
    }
}

/// A document with no reason but that it was asked for.
pub(super) fn plain_hit(row: &Stored, score: f32) -> Hit {
    let safe = |text: &String| SafeText::line(text).to_string();
    Hit {
        kind: row.kind,
        persona: row.persona.as_deref().map(PersonaId::from_stored),
        persona_name: row.persona_name.as_deref().map(SafeText::line),
        id: row.source_id.clone(),
        title: heading(&row.title, &row.body),
        extract: extract(&row.body, &[], None),
        reason: Reason::default(),
        score,
        subreddit: row.subreddit.as_ref().map(safe),
        state: row.state.as_ref().map(safe),
        confidence: row.confidence,
        at: row.at,
        parent: row.parent.as_ref().map(safe),
    }
}
