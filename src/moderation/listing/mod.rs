//! Pages of the queue: which items a filter leaves, in which order, from which place on; and how many.
//!
//! Each state is read through its own part of one index that has every column a filter asks for, and the parts are merged: no number of
//! finished items makes the list of the open ones slower. Where the index cannot tell (a text, an item of before) the row is looked into,
//! at most [`LOOKED_AT_MOST`] of them for a page.

mod count;
mod leaving;
mod marks;
mod select;

pub use count::{By, count};
pub use leaving::leaving;
pub(super) use marks::columns;

use super::draft::DraftMetadata;
use super::error::{Error, Result};
use super::evaluation::{Evaluation, Verdict};
use super::state::{PostType, State};
use crate::base::{Millis, PersonaId};
use crate::store::{self, Conn, Row};
use select::{Select, Written};
use serde::Serialize;

/// So many texts are looked into for one page; a search that needs more says where it stopped.
pub const LOOKED_AT_MOST: usize = 4_000;

/// A line of the list: what a reviewer needs to choose, not the whole case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// Whose draft it is.
    pub persona_id: PersonaId,
    /// The item's id.
    pub id: String,
    /// Where it stands.
    pub state: State,
    /// The version to decide on.
    pub version: i64,
    /// Post, comment or reply.
    pub post_type: PostType,
    /// Where it goes.
    pub target_subreddit: String,
    /// What screening said.
    pub verdict: Verdict,
    /// Who has it claimed.
    pub lease_holder: Option<String>,
    /// When the lease ends.
    pub lease_until: Option<Millis>,
    /// Not to be sent before.
    pub not_before: Option<Millis>,
    /// The first 160 characters of the text.
    pub preview: String,
    /// When it was drafted.
    pub created_at: Millis,
    /// When it is no longer worth sending.
    #[serde(skip)]
    pub expires_at: Millis,
}

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// What waits longest first.
    #[default]
    Oldest,
    /// What came last first.
    Newest,
    /// What expires first.
    Expiry,
}

impl std::str::FromStr for Sort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "oldest" => Ok(Self::Oldest),
            "newest" => Ok(Self::Newest),
            "expiry" => Ok(Self::Expiry),
            _ => Err(format!("{text:?} is none of oldest, newest, expiry")),
        }
    }
}

/// Who has it claimed, under a lease that is running at `at`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// This person.
    Is {
        /// The name.
        name: String,
        /// The present.
        at: Millis,
    },
    /// Anybody.
    Somebody {
        /// The present.
        at: Millis,
    },
    /// Nobody.
    Nobody {
        /// The present.
        at: Millis,
    },
    /// Nobody but this person, and it was not passed on to anybody else: what this person may claim.
    NobodyElse {
        /// The name.
        name: String,
        /// The present.
        at: Millis,
    },
}

/// Which lines to list. Everything that is set has to hold.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// This item alone; only in the states that are listed.
    pub id: Option<String>,
    /// One persona's, or everybody's.
    pub persona: Option<PersonaId>,
    /// The states; empty means those that a reviewer can decide about.
    pub states: Vec<State>,
    /// Only after this line, by its time and id: the last line of the page before. The time is that of the order: see [`Line::place`].
    pub after: Option<(Millis, String)>,
    /// From the other end: the lines before `after`, or the last ones, nearest first.
    pub backwards: bool,
    /// The line at `after` as well.
    pub inclusive: bool,
    /// Leave out what this reviewer passed over.
    pub not_skipped_by: Option<String>,
    /// What screening said, one of these; empty means anything.
    pub verdicts: Vec<Verdict>,
    /// This rule fired, or this check is missing.
    pub rule: Option<String>,
    /// Where it goes, without `r/`, in small or capital letters.
    pub subreddit: Option<String>,
    /// Post, comment or reply.
    pub post_type: Option<PostType>,
    /// Who wrote what is answered, without `u/`, in small or capital letters.
    pub author: Option<String>,
    /// Who has it claimed.
    pub holder: Option<Holder>,
    /// Passed on to this person.
    pub escalated_to: Option<String>,
    /// Whether the answered text tries to instruct its reader.
    pub tainted: Option<bool>,
    /// Title or text contain this, in small or capital letters.
    pub text: Option<String>,
    /// Drafted at this time or later.
    pub created_since: Option<Millis>,
    /// Drafted before this time.
    pub created_before: Option<Millis>,
    /// Worth sending at this time or later.
    pub expires_since: Option<Millis>,
    /// No longer worth sending at this time.
    pub expires_before: Option<Millis>,
    /// A score of screening of at least this, 0 to 1.
    pub least_score: Option<f64>,
    /// In which order.
    pub sort: Sort,
}

impl Filter {
    /// The states that are listed.
    fn states(&self) -> &[State] {
        const OPEN: [State; 3] = [State::Pending, State::Claimed, State::Held];
        if self.states.is_empty() { &OPEN } else { &self.states }
    }

    /// Whether anything but the persona, the states and the order is asked for.
    fn reads_columns(&self) -> bool {
        !self.verdicts.is_empty()
            || self.subreddit.is_some()
            || self.post_type.is_some()
            || self.author.is_some()
            || self.holder.is_some()
            || self.escalated_to.is_some()
            || self.expires_since.is_some()
            || self.expires_before.is_some()
            || self.text.is_some()
            || self.looks_into_evaluation()
            || (self.sort == Sort::Expiry && self.persona.is_some())
    }

    /// Whether it asks for what items of before have only in their evaluation and metadata.
    fn looks_into_evaluation(&self) -> bool {
        self.rule.is_some() || self.tainted.is_some() || self.least_score.is_some()
    }
}

impl Line {
    /// Its place in this order, for [`Filter::after`].
    #[must_use]
    pub fn place(&self, sort: Sort) -> (Millis, String) {
        let at = if sort == Sort::Expiry { self.expires_at } else { self.created_at };
        (at, self.id.clone())
    }

    /// The line of an item as it is.
    #[must_use]
    pub fn of(item: &super::item::Item) -> Self {
        Self {
            persona_id: item.persona_id.clone(),
            id: item.id.clone(),
            state: item.state,
            version: item.version,
            post_type: item.post_type,
            target_subreddit: item.target_subreddit.clone(),
            verdict: item.verdict,
            lease_holder: item.lease_holder.clone(),
            lease_until: item.lease_until,
            not_before: item.not_before,
            preview: item.content.chars().take(160).collect(),
            created_at: item.created_at,
            expires_at: item.expires_at,
        }
    }

    pub(super) fn from_row(row: &Row) -> store::Result<Self> {
        Ok(Self {
            persona_id: PersonaId::from_stored(row.text("persona_id")?),
            id: row.text("id")?,
            state: super::item::word(row, "state")?,
            version: row.int("version")?,
            post_type: super::item::word(row, "post_type")?,
            target_subreddit: row.text("target_subreddit")?,
            verdict: super::item::word(row, "verdict")?,
            lease_holder: row.text_opt("lease_holder")?,
            lease_until: row.int_opt("lease_until")?,
            not_before: row.int_opt("not_before")?,
            preview: row.text("preview")?,
            created_at: row.int("created_at")?,
            expires_at: row.int("expires_at")?,
        })
    }
}

/// A page of the list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// The lines.
    pub lines: Vec<Line>,
    /// Where the next page begins; `None` when this is the last.
    pub next: Option<(Millis, String)>,
    /// Whether the search stopped before the page was full: [`LOOKED_AT_MOST`] texts were looked into.
    pub stopped: bool,
}

/// One page of at most `limit` lines.
///
/// # Errors
/// When the engine refuses.
pub fn page(c: &mut dyn Conn, filter: &Filter, limit: usize) -> Result<Page> {
    // One more than is shown tells whether there is a next page.
    let mut found = Vec::new();
    let mut stopped_at: Option<(Millis, String)> = None;
    for state in filter.states() {
        let walked = walk(c, filter, *state, Written::Any, limit.saturating_add(1), LOOKED_AT_MOST)?;
        if let Some(place) = walked.stopped_at {
            stopped_at = Some(match stopped_at {
                Some(other) if filter.is_before(&other, &place) => other,
                _ => place,
            });
        }
        found.extend(walked.lines);
    }
    found.sort_by(|a, b| filter.compare(&a.place(filter.sort), &b.place(filter.sort)));
    // Beyond the place where one state's search stopped nothing is known of that state.
    if let Some(place) = &stopped_at {
        found.retain(|line| !filter.is_before(place, &line.place(filter.sort)));
    }
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| more).map(|line| line.place(filter.sort));
    Ok(Page { stopped: !more && stopped_at.is_some(), next: last.or(if more { None } else { stopped_at }), lines: found })
}

/// The line of one item.
///
/// # Errors
/// [`Error::NotFound`] when this persona has no such item.
pub fn line(c: &mut dyn Conn, persona: &PersonaId, id: &str) -> Result<Line> {
    let select = Select::one(persona, id);
    let row = c.first(&select.sql, &select.params)?.ok_or_else(|| Error::NotFound { id: id.to_owned() })?;
    Ok(Line::from_row(&row)?)
}

/// The lines of [`page`], for callers that need no more than the first.
///
/// # Errors
/// When the engine refuses.
pub fn list(c: &mut dyn Conn, filter: &Filter, limit: usize) -> Result<Vec<Line>> {
    Ok(page(c, filter, limit)?.lines)
}

impl Filter {
    fn compare(&self, a: &(Millis, String), b: &(Millis, String)) -> std::cmp::Ordering {
        if (self.sort == Sort::Newest) != self.backwards { b.cmp(a) } else { a.cmp(b) }
    }

    fn is_before(&self, a: &(Millis, String), b: &(Millis, String)) -> bool {
        self.compare(a, b).is_lt()
    }
}

/// What a walk through one state found.
#[derive(Debug, Default)]
struct Walked {
    lines: Vec<Line>,
    /// The rules of each line.
    rules: Vec<Vec<String>>,
    /// The last row that was looked into, when there was no time for all.
    stopped_at: Option<(Millis, String)>,
}

/// Walk the rows of one state until `wanted` lines match or `looked_at_most` were looked into.
fn walk(c: &mut dyn Conn, filter: &Filter, state: State, written: Written, wanted: usize, looked_at_most: usize) -> Result<Walked> {
    let needle = filter.text.as_deref().map(|text| marks::folded(None, text));
    let exact = needle.is_none() && !filter.looks_into_evaluation() && written == Written::Any;
    let mut walked = Walked::default();
    let mut after = filter.after.clone();
    let mut looked_at = 0;
    // Most searches are answered by a few texts. Sorted by expiry each further go would read the whole index again: one go takes all.
    let mut batch = if exact || filter.sort != Sort::Expiry { wanted } else { looked_at_most };
    loop {
        let batch_now = if exact { wanted } else { batch.min(looked_at_most - looked_at) };
        let from = after.as_ref().map(|place| (place, filter.inclusive && looked_at == 0));
        let select = Select::lines(filter, state, from, written, batch_now);
        let rows = c.query(&select.sql, &select.params)?;
        looked_at += rows.len();
        for row in &rows {
            let line = Line::from_row(row)?;
            after = Some(line.place(filter.sort));
            if let Some(rules) = looked_into(row, filter, needle.as_deref())? {
                walked.lines.push(line);
                walked.rules.push(rules);
                if walked.lines.len() == wanted {
                    return Ok(walked);
                }
            }
        }
        if exact || rows.len() < batch_now {
            return Ok(walked);
        }
        if looked_at >= looked_at_most {
            walked.stopped_at = after;
            return Ok(walked);
        }
        batch = batch.saturating_mul(4);
    }
}

/// The rules of a row that the index let pass, if it really matches.
fn looked_into(row: &Row, filter: &Filter, needle: Option<&str>) -> Result<Option<Vec<String>>> {
    if let Some(needle) = needle
        && !marks::folded(row.text_opt("title")?.as_deref(), &row.text("content")?).contains(needle)
    {
        return Ok(None);
    }
    let rules_column = row.text_opt("rules")?.unwrap_or_default();
    let mut rules: Vec<String> = rules_column.split(',').filter(|rule| !rule.is_empty()).map(str::to_owned).collect();
    if row.text_opt("evaluation")?.is_some() {
        let evaluation: Evaluation = row.json("evaluation")?;
        rules = marks::rule_ids(&evaluation);
        let lacks_rule = filter.rule.as_ref().is_some_and(|rule| !rules.contains(&rule.to_lowercase()));
        if lacks_rule || filter.least_score.is_some_and(|least| marks::thousandths(evaluation.score) < marks::thousandths(least)) {
            return Ok(None);
        }
    }
    if row.text_opt("draft_metadata")?.is_some() {
        let metadata: DraftMetadata = row.json("draft_metadata")?;
        if filter.tainted.is_some_and(|tainted| tainted != metadata.tainted) {
            return Ok(None);
        }
    }
    Ok(Some(rules))
}
