//! One question answered: names found, candidates gathered, ranked by words and meaning, cut into a page.

mod condition;
mod extract;
mod gather;
mod names;
mod rank;
mod row;
mod spelling;

pub(super) use gather::Frequencies;
pub(super) use names::Spelling;
pub(super) use row::{Stored, load as load_rows};
pub(super) use spelling::Names;

use super::answer::{After, Answer, Count, Hit, Page, Thread};
use super::documents::{rows, sources};
use super::fusion::Ranking;
use super::question::Question;
use super::spaces::Space;
use super::{Error, Kind, Result};
use crate::base::PersonaId;
use crate::store::Conn;
use crate::vals;
use gather::COUNTED;
use std::collections::HashSet;
use std::time::Duration;

/// Documents that are ranked for a first page, and for any.
const CANDIDATES: u32 = 60;
const MOST_CANDIDATES: u32 = 1_000;
/// Hits of a page at the most.
const LONGEST_PAGE: u32 = 200;
/// What is shown around a document at the most, on each side.
const AROUND: i64 = 20;

/// What a question is answered with, beside the database.
pub(super) struct With<'a> {
    /// The question in each space that it is compared in; none where it has no meaning.
    pub spaces: &'a [Space],
    /// The document that all shall be like. It is not among them.
    pub like: Option<&'a Stored>,
    /// What is known of words.
    pub frequencies: &'a mut Frequencies,
    /// Names that people mistype.
    pub spelling: &'a mut Spelling,
    /// Which sides are asked.
    pub ranking: Ranking,
}

/// Answer a question.
pub(super) fn ask(c: &mut dyn Conn, question: &Question, page: Page, with: &mut With<'_>) -> Result<Answer> {
    let mut notes = Vec::new();
    let resolved = names::resolve(c, &question.filters, with.spelling, &mut notes)?;
    if let Some(Stored { persona: Some(owner), source_id, .. }) = with.like
        && !resolved.personas.is_empty()
        && !resolved.personas.contains(owner)
    {
        // Who asks within a persona does not learn what another one's document is like.
        return Err(Error::NotFound { kind: "document".to_owned(), id: crate::base::SafeText::clipped(source_id, 80).to_string() });
    }
    let (documents, average) = rows::size(c)?;
    let newest = rows::position(c, "ids")?.map_or(1, |(seq, _)| seq);
    let frequencies = with.frequencies.of(documents);
    let mut sieve = condition::sieve(&question.filters, &resolved, |look| frequencies.is_common(c, look, newest))?;
    let limit = page.limit.clamp(1, LONGEST_PAGE);
    if question.words.is_empty() && question.like.is_none() {
        return listed(c, question, &sieve, page.after, limit, notes);
    }
    let words = gather::words(c, question, &resolved.personas, newest, frequencies, with.spelling, &mut notes)?;
    if let Some(after) = page.after {
        sieve.up_to(after.newest);
    }
    let spaces = if with.ranking == Ranking::Words { &[] } else { with.spaces };
    let like = with.like.map(|like| like.id);
    let ranked = |c: &mut dyn Conn, depth: u32| -> Result<(rank::Ranked, bool)> {
        let by_words = if with.ranking == Ranking::Meaning { Vec::new() } else { words.candidates(c, &sieve, depth.into())? };
        let near = gather::near(c, spaces, &sieve, depth as usize)?;
        let is_full = by_words.len().max(near.len()) >= depth as usize;
        let mut ranked = rank::rank(c, question, &sieve, &words, documents, average, &by_words, &near, spaces, with.ranking)?;
        ranked.found.retain(|found| like != Some(found.row.id));
        Ok((ranked, is_full))
    };
    // All pages are cut from one list: the candidates of the first page in their order, and behind them those of a deeper look. So nothing
    // that a deeper look brings can stand before what was shown already.
    let depth = page.after.map_or_else(|| limit.saturating_mul(2), |after| after.depth).clamp(CANDIDATES, MOST_CANDIDATES);
    let (rank::Ranked { terms, mut found }, is_full) = ranked(c, depth)?;
    let mut start = page.after.map_or(Some(0), |after| behind(&found, &after));
    if is_full && depth < MOST_CANDIDATES && start.is_none_or(|start| found.len() - start <= limit as usize) {
        let known: HashSet<i64> = found.iter().map(|found| found.row.id).collect();
        let least = found.last().map_or(1.0, |found| found.score);
        let deeper = ranked(c, MOST_CANDIDATES)?.0.found.into_iter().filter(|found| !known.contains(&found.row.id));
        found.extend(deeper.map(|mut deeper| {
            deeper.score = deeper.score.min(least);
            deeper
        }));
        start = page.after.map_or(Some(0), |after| behind(&found, &after));
    }
    let start = match (start, page.after) {
        (Some(start), _) => start,
        // What ended the page before is gone: behind all that is better than it was.
        (None, Some(after)) => found.partition_point(|found| f64::from(found.score) >= after.score),
        (None, None) => 0,
    };
    let total = found.len() as u64;
    let mut hits = Vec::new();
    let mut next = None;
    for found in found.iter().skip(start) {
        if hits.len() == limit as usize {
            next = last_of(&hits, page.after, depth, newest);
            break;
        }
        let row = &found.row;
        if sources::may_be_shown(c, row.kind, row.persona.as_deref(), &row.source_id)? {
            hits.push((f64::from(found.score), row.id, rank::hit(found, &terms)));
        }
    }
    let counted = if question.words.is_empty() || with.ranking == Ranking::Meaning { 0 } else { words.count(c, &sieve)? };
    let count = if counted >= COUNTED || total >= u64::from(MOST_CANDIDATES) {
        Count::AtLeast(COUNTED.unsigned_abs())
    } else if total >= u64::from(depth) && total > counted.unsigned_abs() {
        // More may be near in meaning than were looked at.
        Count::AtLeast(total)
    } else {
        Count::Exactly(total.max(counted.unsigned_abs()))
    };
    Ok(Answer { hits: hits.into_iter().map(|(_, _, hit)| hit).collect(), next, count, notes, took: Duration::ZERO })
}

/// Where a list goes on behind what ended the page before. None when that is not in it.
fn behind(found: &[rank::Found], after: &After) -> Option<usize> {
    found.iter().position(|found| found.row.id == after.document).map(|place| place + 1)
}

fn last_of(hits: &[(f64, i64, Hit)], before: Option<After>, depth: u32, newest: i64) -> Option<After> {
    let seen = before.map_or(0, |before| before.seen).saturating_add(u32::try_from(hits.len()).unwrap_or(u32::MAX));
    let newest = before.map_or(newest, |before| before.newest);
    hits.last().map(|(score, document, _)| After { score: *score, document: *document, seen, depth, newest })
}

/// A question of filters alone: what they let through, newest first.
fn listed(
    c: &mut dyn Conn,
    question: &Question,
    sieve: &condition::Sieve,
    after: Option<After>,
    limit: u32,
    notes: Vec<String>,
) -> Result<Answer> {
    let (at, id) = after.map_or((i64::MAX, i64::MAX), |after| (after.score as i64, after.document));
    let mut params = vals![i64::from(limit) + 1, at, id].to_vec();
    params.extend(sieve.all.params.iter().cloned());
    let sql = format!(
        "SELECT d.id FROM search_documents d WHERE (d.at, d.id) < ($2, $3) {} ORDER BY d.at DESC, d.id DESC LIMIT $1",
        sieve.all.sql
    );
    let ids: Vec<i64> = c.query(&sql, &params)?.iter().map(|row| row.int("id")).collect::<Result<_, _>>()?;
    let terms = rank::excluded(question);
    let mut hits = Vec::new();
    let mut rows = load_rows(c, &ids)?;
    rows.sort_by_key(|row| std::cmp::Reverse((row.at, row.id)));
    let is_more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| is_more).map(|row| After {
        score: row.at as f64,
        document: row.id,
        seen: after.map_or(0, |after| after.seen).saturating_add(limit),
        depth: 0,
        newest: row.id,
    });
    for row in rows {
        if !terms.any(&row.title, &row.body) && sources::may_be_shown(c, row.kind, row.persona.as_deref(), &row.source_id)? {
            hits.push(rank::plain_hit(&row, 0.0));
        }
    }
    let mut params = vals![COUNTED, 0, 0].to_vec();
    params.extend(sieve.all.params.iter().cloned());
    let sql =
        format!("SELECT count(*) AS n FROM (SELECT d.id FROM search_documents d WHERE $2 = $3 {} LIMIT $1) AS part_of", sieve.all.sql);
    let counted = c.first(&sql, &params)?.map_or(Ok(0), |row| row.int("n"))?;
    let count = if counted >= COUNTED { Count::AtLeast(counted.unsigned_abs()) } else { Count::Exactly(counted.unsigned_abs()) };
    Ok(Answer { hits, next, count, notes, took: Duration::ZERO })
}

/// The stored document, if it is to be found and is this persona's.
pub(super) fn document(c: &mut dyn Conn, persona: Option<&PersonaId>, kind: Option<Kind>, id: &str) -> Result<Stored> {
    let missing = || Error::NotFound {
        kind: kind.map_or("document", Kind::as_str).to_owned(),
        id: crate::base::SafeText::clipped(id, 80).to_string(),
    };
    let (wanted, source) = match (kind, id.split_once(':')) {
        (Some(kind), _) => (Some(kind), id),
        (None, Some((word, rest))) if Kind::named(word).is_some() => (Kind::named(word), rest),
        (None, _) => (None, id),
    };
    let sql = "SELECT id FROM search_documents WHERE kind = $1 AND (source_id = $2 OR own_name = $2) ORDER BY id LIMIT 5";
    for kind in Kind::ALL.into_iter().filter(|kind| wanted.is_none_or(|wanted| wanted == *kind)) {
        let ids: Vec<i64> = c.query(sql, vals![kind.as_str(), source])?.iter().map(|row| row.int("id")).collect::<Result<_, _>>()?;
        for row in load_rows(c, &ids)? {
            let is_theirs = persona.is_none_or(|persona| row.persona.as_deref() == Some(persona.as_str()));
            if is_theirs && sources::may_be_shown(c, row.kind, row.persona.as_deref(), &row.source_id)? {
                return Ok(row);
            }
        }
    }
    Err(missing())
}

/// Documents near a vector, the document itself left out.
pub(super) fn similar(c: &mut dyn Conn, persona: Option<&PersonaId>, itself: &Stored, spaces: &[Space], limit: u32) -> Result<Vec<Hit>> {
    let scope = persona.map_or(super::vectors::Scope::All, |persona| super::vectors::Scope::Persona(persona.clone()));
    let mut near = Vec::new();
    for space in spaces {
        gather::add(&mut near, space.vectors.nearest(&scope, &space.query, (limit as usize).clamp(1, 200) * 4, None));
    }
    let mut hits = Vec::new();
    for found in rank::by_meaning(c, &near)? {
        let row = &found.row;
        let is_theirs = persona.is_none_or(|persona| row.persona.as_deref() == Some(persona.as_str()));
        if row.id != itself.id && is_theirs && sources::may_be_shown(c, row.kind, row.persona.as_deref(), &row.source_id)? {
            hits.push(rank::hit(&found, &rank::no_terms()));
        }
        if hits.len() == limit as usize {
            break;
        }
    }
    Ok(hits)
}

/// What a document stands among, within its persona.
pub(super) fn thread(c: &mut dyn Conn, row: &Stored) -> Result<Thread> {
    let mut thread = Thread::default();
    let mut load = |sql: &str, name: Option<&String>| -> Result<Vec<Hit>> {
        let Some(name) = name else { return Ok(Vec::new()) };
        let ids: Vec<i64> =
            c.query(sql, vals![name, row.persona.as_deref(), row.id, AROUND])?.iter().map(|row| row.int("id")).collect::<Result<_, _>>()?;
        let mut rows = load_rows(c, &ids)?;
        rows.sort_by_key(|row| ids.iter().position(|id| *id == row.id));
        let mut hits = Vec::new();
        for row in rows {
            if sources::may_be_shown(c, row.kind, row.persona.as_deref(), &row.source_id)? {
                hits.push(rank::plain_hit(&row, 0.0));
            }
        }
        Ok(hits)
    };
    let same = "coalesce(persona_id, '') = coalesce(CAST($2 AS TEXT), '') AND id <> $3";
    let of_name = format!("SELECT id FROM search_documents WHERE own_name = $1 AND {same} ORDER BY at LIMIT $4");
    let of_parent = |order: &str| format!("SELECT id FROM search_documents WHERE parent = $1 AND {same} ORDER BY at {order}, id LIMIT $4");
    thread.parent = load(&of_name, row.parent.as_ref())?.into_iter().next();
    thread.siblings = load(&of_parent("DESC"), row.parent.as_ref())?;
    thread.children = load(&of_parent("ASC"), row.own_name.as_ref())?;
    Ok(thread)
}
