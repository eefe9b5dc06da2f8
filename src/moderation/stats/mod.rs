//! The numbers people ask of a review queue, each with its definition and how many cases it rests on.
//!
//! They are folded from the audit log, which has one row for each step, and from the queue as it stands. A share or percentile that rests on
//! fewer than [`FEW`] cases is left blank: it would be noise that looks like knowledge. Golden items are in none of them.

mod fold;
mod metrics;
mod reviewers;
mod rules;
mod sent;
mod survival;

pub use reviewers::{Mine, mine};
pub use rules::RuleCounts;
pub use survival::Survival;

use super::error::Result;
use super::quality::overturn::Rate;
use super::quality::{NOT_GOLDEN, agreement, golden, labels, opinions, overturn, sampling};
use super::state::State;
use crate::base::{Millis, PersonaId};
use crate::store::{Conn, Row};
use crate::vals;
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};

pub use super::quality::FEW;
/// Audit rows read at a time.
const PAGE: i64 = 5_000;
/// Items should be claimed within this time where nobody says otherwise.
pub const SLA: Millis = 3_600_000;

/// In what a metric is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Things.
    Count,
    /// Milliseconds.
    Millis,
    /// A share, 0 to 1.
    Share,
    /// Things an hour.
    PerHour,
    /// A plain number: Cohen's kappa.
    Number,
}

/// One number.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it says exactly.
    pub definition: &'static str,
    /// Its value; `None` where too few cases are behind it.
    pub value: Option<f64>,
    /// In what it is counted.
    pub unit: Unit,
    /// How many cases are behind it.
    pub n: usize,
    /// The 95 % interval of a share that rests on a sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<(f64, f64)>,
}

/// The numbers of a window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stats {
    /// Begin of the window.
    pub since: Millis,
    /// End of the window.
    pub until: Millis,
    /// The metrics, in a fixed order.
    pub metrics: Vec<Metric>,
    /// Survival by subreddit, of what was drafted in the window.
    pub subreddits: BTreeMap<String, Survival>,
    /// By rule, of what was drafted in the window.
    pub rules: BTreeMap<String, RuleCounts>,
    /// How often each label was given in the window.
    pub labels: BTreeMap<String, usize>,
    /// By persona's id: overturned approvals among the newest, whatever the window.
    pub overturned: BTreeMap<String, Rate>,
    /// What two people said of the same items.
    pub agreement: agreement::Pairs,
}

/// Of which time, and against which promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// From.
    pub since: Millis,
    /// Until: the present.
    pub now: Millis,
    /// Within which time an item should be claimed or decided.
    pub sla: Millis,
}

/// The numbers of one persona, or of all, from `since` to `now`, with the usual promise.
///
/// # Errors
/// When the engine refuses.
pub fn stats(c: &mut dyn Conn, persona: Option<&PersonaId>, since: Millis, now: Millis) -> Result<Stats> {
    of(c, persona, Window { since, now, sla: SLA })
}

/// The numbers of one persona, or of all.
///
/// # Errors
/// When the engine refuses.
pub fn of(c: &mut dyn Conn, persona: Option<&PersonaId>, window: Window) -> Result<Stats> {
    let Window { since, now, .. } = window;
    let golden_ids: HashSet<String> =
        c.query("SELECT item_id FROM golden_items", &[])?.iter().map(|row| row.text("item_id")).collect::<crate::store::Result<_>>()?;
    let mut fold = fold::Fold::default();
    events(c, persona, None, since, |event| {
        if !golden_ids.contains(&event.item) {
            fold.take(&event);
        }
        Ok(())
    })?;
    let mut overturned = BTreeMap::new();
    for known in crate::memory::personas::list(c)? {
        if persona.is_none_or(|persona| *persona == known.id) {
            overturned.insert(known.id.as_str().to_owned(), overturn::rate(c, &known.id, overturn::Which::All)?);
        }
    }
    let gathered = metrics::Gathered {
        standing: standing(c, persona, window)?,
        revised: sent::revised(c, persona, since)?,
        duplicates: sent::duplicates(c, persona, since)?,
        precision: sampling::precision(c, persona, since)?,
        pairs: opinions::pairs(c, persona, since)?,
        labels: labels::counts(c, persona, since)?,
        overturned: overturned
            .values()
            .fold(Rate::default(), |sum, rate| Rate { overturned: sum.overturned + rate.overturned, of: sum.of + rate.of }),
        golden: golden::sum(c, persona, since, now)?,
    };
    Ok(Stats {
        since,
        until: now,
        metrics: metrics::metrics(&fold, &gathered, window),
        subreddits: survival::survival(c, persona, since)?,
        rules: rules::rules(c, persona, since)?,
        labels: gathered.labels,
        overturned,
        agreement: gathered.pairs,
    })
}

/// A step of an item, as the audit log has it.
#[derive(Debug, Clone)]
struct Event {
    at: Millis,
    action: String,
    item: String,
    actor: String,
    human: bool,
}

/// Every step of an item since then, in the order of the log; with `reviewer`, of the people's steps only theirs.
fn events(
    c: &mut dyn Conn,
    persona: Option<&PersonaId>,
    reviewer: Option<&str>,
    since: Millis,
    mut take: impl FnMut(Event) -> Result<()>,
) -> Result<()> {
    let mut last = 0;
    loop {
        let page = c.query(
            "SELECT seq, at, action, subject_id, actor_kind, actor FROM audit_log
             WHERE seq > $1 AND subject_kind = 'pending_post' AND at >= $2 AND (CAST($3 AS TEXT) IS NULL OR persona_id = $3)
               AND (CAST($4 AS TEXT) IS NULL OR actor = $4 OR actor_kind <> 'human')
             ORDER BY seq LIMIT $5",
            vals![last, since, persona, reviewer, PAGE],
        )?;
        let Some(end) = page.last() else { return Ok(()) };
        last = end.int("seq")?;
        for row in &page {
            take(event(row)?)?;
        }
    }
}

fn event(row: &Row) -> Result<Event> {
    Ok(Event {
        at: row.int("at")?,
        action: row.text("action")?,
        item: row.text("subject_id")?,
        actor: row.text("actor")?,
        human: row.text("actor_kind")? == "human",
    })
}

/// What waits now.
#[derive(Debug, Clone, Copy, Default)]
struct Standing {
    depth: usize,
    oldest: Option<Millis>,
    unresolved: usize,
    /// Never claimed, drafted in the window, and over the promised time.
    overdue: usize,
    /// Not claimed, and over four fifths of the promised time.
    at_risk: usize,
    blocked: usize,
}

fn standing(c: &mut dyn Conn, persona: Option<&PersonaId>, window: Window) -> Result<Standing> {
    let mut standing = Standing::default();
    let count = |row: &Row, column: &str| row.int(column).map(|count| usize::try_from(count).unwrap_or(0));
    for (state, open) in [(State::Pending, true), (State::Claimed, true), (State::Held, true), (State::Unresolved, false)] {
        let row = c.first(
            &format!(
                "SELECT count(*) AS n, min(p.created_at) AS oldest,
                   CAST(coalesce(sum(CASE WHEN p.created_at <= $3 AND p.created_at >= $4 AND p.fence = 0 THEN 1 ELSE 0 END), 0) AS BIGINT) AS overdue,
                   CAST(coalesce(sum(CASE WHEN p.created_at < $5 THEN 1 ELSE 0 END), 0) AS BIGINT) AS at_risk
                 FROM pending_posts p WHERE p.state = $1 AND (CAST($2 AS TEXT) IS NULL OR p.persona_id = $2) AND {NOT_GOLDEN}"
            ),
            vals![state.as_str(), persona, window.now - window.sla - 1, window.since, window.now - window.sla / 5 * 4],
        )?;
        let Some(row) = row else { continue };
        if open {
            standing.depth += count(&row, "n")?;
            standing.oldest = [standing.oldest, row.int_opt("oldest")?].into_iter().flatten().min();
        } else {
            standing.unresolved += count(&row, "n")?;
        }
        if state == State::Pending {
            (standing.overdue, standing.at_risk) = (count(&row, "overdue")?, count(&row, "at_risk")?);
        }
    }
    let row = c.first(
        &format!(
            "SELECT count(*) AS n FROM pending_posts p
             WHERE p.verdict = 'block' AND p.created_at >= $1 AND (CAST($2 AS TEXT) IS NULL OR p.persona_id = $2) AND {NOT_GOLDEN}"
        ),
        vals![window.since, persona],
    )?;
    standing.blocked = row.map_or(Ok(0), |row| count(&row, "n"))?;
    Ok(standing)
}
