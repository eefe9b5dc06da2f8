//! Candidates: documents that may be among the best, from the words and from the meaning, without looking at all that match.
//!
//! A common word stands in a tenth of all documents, and ranking those would take a hundred milliseconds. So the rarest words of a question
//! bring their best documents, all words together bring the newest that hold them, and everything that came is then ranked by all words.

use super::condition::Sieve;
use super::names::{self, Spelling};
use crate::search::Result;
use crate::search::question::{Question, Term};
use crate::search::spaces::Space;
use crate::search::text::matches::{self, Look, all, any};
use crate::search::text::tokens;
use crate::search::vectors::Near;
use crate::store::Conn;
use crate::vals;
use std::collections::{HashMap, HashSet};

/// Matches that an engine ranks for one question at the most.
const RANKED: f64 = 2_500.0;
/// Documents that a filter lets through, up to which the vectors are sieved before they are compared.
const SIEVED: i64 = 5_000;
/// Documents that a word of the scope may be in before the filter is asked of each match.
const COMMON: f64 = 50_000.0;
/// Counting stops here.
pub(super) const COUNTED: i64 = 1_000;

/// What the words of a question are worth in this database.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// The terms with the number of documents that hold each.
    pub terms: Vec<(Term, f64)>,
    /// Something to look for, for each of them.
    looks: Vec<Look>,
    /// What must be there.
    must: Vec<Look>,
    without: Vec<Look>,
}

/// Frequencies that were counted before; shared by the questions of a process.
#[derive(Debug, Default)]
pub(in crate::search) struct Frequencies {
    documents: f64,
    known: HashMap<String, f64>,
}

impl Frequencies {
    /// Forget when the database has grown by a tenth: the rarest words move first.
    pub(in crate::search) fn of(&mut self, documents: f64) -> &mut Self {
        if self.known.len() > 20_000 || (documents - self.documents).abs() > 10.0_f64.max(self.documents / 10.0) {
            self.known.clear();
            self.documents = documents;
        }
        self
    }

    /// Whether so many documents hold this that a walk through them takes longer than looking at each match of another word.
    pub(super) fn is_common(&mut self, c: &mut dyn Conn, look: &Look, newest: i64) -> Result<bool> {
        let documents = self.documents;
        Ok(self.get(c, look, newest)? > COMMON.min(documents / 2.0))
    }

    fn get(&mut self, c: &mut dyn Conn, look: &Look, newest: i64) -> Result<f64> {
        let key = format!("{look:?}");
        if let Some(known) = self.known.get(&key) {
            return Ok(*known);
        }
        let frequency = matches::frequency(c, look, newest)?;
        // A word that nothing held a moment ago may be in what is written next.
        if frequency > 0.0 {
            self.known.insert(key, frequency);
        }
        Ok(frequency)
    }
}

fn look(term: &Term) -> Option<Look> {
    match term {
        Term::Word(text) | Term::Phrase(text) => matches::look(text),
        Term::Prefix(text) => matches::prefix(text),
    }
}

/// Look up the words of a question. A word that nothing holds and that is near a name is taken for it as well.
pub(super) fn words(
    c: &mut dyn Conn,
    question: &Question,
    personas: &[String],
    newest: i64,
    frequencies: &mut Frequencies,
    spelling: &mut Spelling,
    notes: &mut Vec<String>,
) -> Result<Words> {
    let mut words = Words::default();
    let says_something = |term: &&Term| !matches!(term, Term::Word(text) if tokens::tokens(text).all(|token| tokens::is_stop(&token.text)));
    let mut asked: Vec<Term> = question.words.iter().filter(says_something).cloned().collect();
    if asked.is_empty() {
        asked.clone_from(&question.words);
    }
    for term in asked {
        let Some(look) = look(&term) else { continue };
        let frequency = frequencies.get(c, &look, newest)?;
        let other = match &term {
            Term::Word(text) if frequency == 0.0 => names::meant(c, text, personas, spelling)?,
            _ => None,
        };
        if matches!(term, Term::Phrase(_)) {
            words.must.push(look.clone());
        }
        let text = term.text().to_owned();
        words.terms.push((term, frequency));
        words.looks.push(look);
        if let Some(other) = other
            && let Some(look) = matches::look(&other)
        {
            notes.push(format!("nothing holds '{}': '{other}' was looked for as well", crate::base::SafeText::clipped(&text, 40)));
            let frequency = frequencies.get(c, &look, newest)?;
            words.terms.push((Term::Word(other), frequency));
            words.looks.push(look);
        }
    }
    words.without = question.without.iter().filter_map(look_without).collect();
    Ok(words)
}

/// What must not be there is compared by the engine as far as it can: a prefix of the stems only. The text is compared afterwards.
fn look_without(term: &Term) -> Option<Look> {
    match term {
        Term::Word(text) => matches::look(text),
        // The index holds stems, so that it would leave out more than was asked.
        Term::Phrase(_) | Term::Prefix(_) => None,
    }
}

impl Words {
    /// With the filters that are words of the scope around it.
    fn within(&self, sieve: &Sieve, look: Look) -> Look {
        let mut parts = vec![look];
        parts.extend(self.must.iter().cloned());
        parts.extend(sieve.must.iter().cloned());
        let without: Vec<Look> = self.without.iter().chain(&sieve.without).cloned().collect();
        let look = all(parts);
        if without.is_empty() { look } else { Look::Without(Box::new(look), without) }
    }

    /// Documents from the words, at most about `limit` from each walk.
    pub(super) fn candidates(&self, c: &mut dyn Conn, sieve: &Sieve, limit: i64) -> Result<Vec<i64>> {
        let mut rising: Vec<(f64, &Look)> =
            self.terms.iter().map(|(_, frequency)| *frequency).zip(&self.looks).filter(|(frequency, _)| *frequency > 0.0).collect();
        rising.sort_by(|left, right| left.0.total_cmp(&right.0));
        let Some((least, rarest)) = rising.first() else { return Ok(Vec::new()) };
        let mut found: Vec<i64> = Vec::new();
        let mut sum = 0.0;
        let rare: Vec<Look> = rising
            .iter()
            .take_while(|(frequency, _)| {
                sum += frequency;
                sum <= RANKED
            })
            .map(|(_, look)| (*look).clone())
            .collect();
        if !rare.is_empty() {
            let look = self.within(sieve, any(rare.clone()));
            found.extend(matches::best(c, &look, &sieve.rest, limit)?);
        }
        if rare.len() < rising.len() {
            // All of them, then all but the most common one, and so on: the newest that hold them.
            let mut together = rising.iter().map(|(_, look)| (*look).clone()).collect::<Vec<_>>();
            let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
            let mut brought = 0;
            while together.len() > rare.len().max(1) && brought < wanted {
                let look = self.within(sieve, all(together.clone()));
                let newest = matches::newest(c, &look, &sieve.rest, limit)?;
                brought += newest.len();
                found.extend(newest);
                together.pop();
            }
            if rare.is_empty() && brought < wanted && *least > 0.0 {
                found.extend(matches::newest(c, &self.within(sieve, (*rarest).clone()), &sieve.rest, limit)?);
            }
        }
        let mut seen = HashSet::with_capacity(found.len());
        found.retain(|id| seen.insert(*id));
        Ok(found)
    }

    /// Documents that hold any of the words, counted up to [`COUNTED`].
    pub(super) fn count(&self, c: &mut dyn Conn, sieve: &Sieve) -> Result<i64> {
        let there: Vec<Look> =
            self.terms.iter().zip(&self.looks).filter(|((_, frequency), _)| *frequency > 0.0).map(|(_, look)| look.clone()).collect();
        if there.is_empty() { Ok(0) } else { matches::count(c, &self.within(sieve, any(there)), &sieve.rest, COUNTED) }
    }
}

/// Passages that are near in meaning in any space, of documents that the filters let through.
pub(super) fn near(c: &mut dyn Conn, spaces: &[Space], sieve: &Sieve, limit: usize) -> Result<Vec<Near>> {
    let allowed = if spaces.is_empty() { None } else { allowed(c, sieve)? };
    let mut near = Vec::new();
    for Space { vectors, query } in spaces {
        // Passages are numbered as their documents are.
        let is_in_time = |id: i64| sieve.newest.is_none_or(|newest| id <= newest);
        let found = match &allowed {
            Some(passages) => vectors.nearest(&sieve.scope, query, limit, Some(&|id: i64| passages.contains(&id))),
            None => {
                let wanted = if sieve.narrows { limit * 8 } else { limit };
                vectors.nearest(&sieve.scope, query, wanted, sieve.newest.is_some().then_some(&is_in_time as &dyn Fn(i64) -> bool))
            }
        };
        add(&mut near, found);
    }
    Ok(near)
}

/// Put what was found in another space behind what is there. A passage that got a new vector meanwhile counts with the first.
pub(super) fn add(near: &mut Vec<Near>, found: Vec<Near>) {
    let known: HashSet<i64> = near.iter().map(|near| near.passage).collect();
    near.extend(found.into_iter().filter(|found| !known.contains(&found.passage)));
}

/// The passages that the filters let through. None when nothing narrows, and when so many fit that they are among the nearest: those that
/// do not are left out when they are read.
fn allowed(c: &mut dyn Conn, sieve: &Sieve) -> Result<Option<HashSet<i64>>> {
    if !sieve.narrows {
        return Ok(None);
    }
    let mut params = vals![SIEVED + 1, 0, 0].to_vec();
    params.extend(sieve.all.params.iter().cloned());
    let ids = c.query(&format!("SELECT d.id FROM search_documents d WHERE $2 = $3 {} LIMIT $1", sieve.all.sql), &params)?;
    if ids.len() as i64 > SIEVED {
        return Ok(None);
    }
    let sql = format!(
        "SELECT p.id FROM search_documents d JOIN search_passages p ON p.document = d.id WHERE $1 > 0 AND $2 = $3 {}",
        sieve.all.sql
    );
    Ok(Some(c.query(&sql, &params)?.iter().map(|row| row.int("id")).collect::<Result<_, _>>()?))
}
