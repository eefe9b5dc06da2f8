//! What other rules would have made of past decisions: newly caught, newly missed, and how often people agreed.
//!
//! Every item that a person decided is looked at again, with the rules in force and with the others. What depends on a time that is over
//! (how often we spoke, what resembled the draft) cannot be asked again: those rules are named, and are no part of the comparison.

use super::evaluate::{Subject, evaluate};
use super::model::{Check, Mode};
use super::set::{Modes, RuleSet};
use super::signals::{Signal, Signals};
use crate::base::{Millis, PersonaId};
use crate::moderation::error::Result;
use crate::moderation::evaluation::{Evaluation, Verdict};
use crate::moderation::quality::NOT_GOLDEN;
use crate::moderation::screening::{ConsistencyResult, Outgoing};
use crate::store::{Conn, Database, Row};
use crate::vals;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Decisions read at a time.
const PAGE: i64 = 2_000;
/// Examples kept of each kind.
const MOST_EXAMPLES: usize = 5;

/// How one rule fared.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct RuleResult {
    /// Items on which it fires.
    pub hits: usize,
    /// Of these, the ones that a person rejected or returned.
    pub agreed: usize,
    /// Of these, the ones that a person approved.
    pub overturned: usize,
    /// Items on which it fires and no other rule does.
    pub alone: usize,
    /// Items on which it fires, and did not with the rules in force.
    pub newly: usize,
    /// Items on which it fired with the rules in force, and does not now.
    pub no_more: usize,
    /// Share of its hits that a person rejected or returned, 0 to 1; `None` where nobody decided any.
    pub precision: Option<f64>,
    /// Where that share lies with 95 % certainty (Wilson).
    pub interval: Option<(f64, f64)>,
    /// How often it fires together with each other rule.
    pub overlap: BTreeMap<String, usize>,
}

/// An item that comes out differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// The item.
    pub id: String,
    /// What the person decided: `approved`, `rejected`.
    pub decision: &'static str,
    /// The verdict with the rules in force.
    pub before: Verdict,
    /// The verdict with the others.
    pub after: Verdict,
    /// The rules that make the difference.
    pub rules: Vec<String>,
}

/// What the others would have made of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Backtest {
    /// Decisions looked at.
    pub decisions: usize,
    /// Of these approved by a person.
    pub approved: usize,
    /// Of these rejected or returned by a person.
    pub rejected: usize,
    /// Decisions whose text needs a person with the others, and did not.
    pub newly_caught: usize,
    /// Of these, the ones that a person approved: more work.
    pub newly_caught_approved: usize,
    /// Decisions whose text needed a person, and does not with the others.
    pub newly_missed: usize,
    /// Of these, the ones that a person rejected: what would slip through.
    pub newly_missed_rejected: usize,
    /// Each rule that fires, also in shadow.
    pub rules: BTreeMap<String, RuleResult>,
    /// Rules that cannot be asked again.
    pub not_replayed: Vec<String>,
    /// A few of what is newly caught.
    pub caught: Vec<Example>,
    /// A few of what is newly missed.
    pub missed: Vec<Example>,
}

/// A past decision.
struct Decision {
    id: String,
    account: String,
    subreddit: String,
    title: Option<String>,
    content: String,
    approved: bool,
    consistency: Option<ConsistencyResult>,
    tainted: bool,
    depth: u32,
    at: Millis,
}

/// The parts of the metadata that rules ask for.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Around {
    consistency: Option<ConsistencyResult>,
    tainted: bool,
    conversation_depth: u32,
}

/// A set of rules with the modes that go with it.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The rules.
    pub rules: &'a RuleSet,
    /// Modes that people set.
    pub modes: &'a Modes,
}

/// Run `after` over the decisions of people since a time, and compare it with `before`. `progress` is told how many of how many are done.
///
/// # Errors
/// When the database refuses.
pub fn run(
    db: &Database,
    (before, after): (Candidate<'_>, Candidate<'_>),
    persona: Option<&PersonaId>,
    since: Millis,
    mut progress: impl FnMut(usize, usize),
) -> Result<Backtest> {
    let owner = persona.cloned();
    let total = db.read_blocking(move |c| count(c, owner.as_ref(), since))?;
    let mut result = Backtest { not_replayed: not_replayed(after.rules), ..Backtest::default() };
    let mut place = (Millis::MIN, String::new());
    loop {
        let (owner, from) = (persona.cloned(), place.clone());
        let rows: Vec<Decision> = db.read_blocking(move |c| page(c, owner.as_ref(), since, &from))?;
        let Some(last) = rows.last() else { break };
        place = (last.at, last.id.clone());
        // The processors share a page: a decision is looked at by itself.
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
        let looked: Vec<(Evaluation, Evaluation)> = std::thread::scope(|scope| {
            let chunks = rows.chunks(rows.len().div_ceil(threads).max(1));
            let workers: Vec<_> = chunks
                .map(|chunk| scope.spawn(move || chunk.iter().map(|one| (look(before, one), look(after, one))).collect::<Vec<_>>()))
                .collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
        });
        for (decision, (before, after)) in rows.iter().zip(&looked) {
            result.take(decision, before, after);
        }
        progress(result.decisions, total);
    }
    result.finish();
    Ok(result)
}

const DECIDED: &str = "p.reviewed_by IS NOT NULL AND p.reviewed_by <> u.reddit_username
   AND p.state IN ('rejected', 'scheduled', 'sending', 'unknown', 'unresolved', 'refused', 'confirmed', 'visible', 'filtered', 'gone',
     'abandoned', 'retracted', 'amended')
   AND p.created_at >= $1 AND (CAST($2 AS TEXT) IS NULL OR p.persona_id = $2)";

fn count(c: &mut dyn Conn, persona: Option<&PersonaId>, since: Millis) -> Result<usize> {
    let sql = format!("SELECT count(*) AS n FROM pending_posts p JOIN personas u ON u.id = p.persona_id WHERE {DECIDED} AND {NOT_GOLDEN}");
    let row = c.first(&sql, vals![since, persona])?;
    Ok(usize::try_from(row.map_or(Ok(0), |row| row.int("n"))?).unwrap_or(0))
}

fn page(c: &mut dyn Conn, persona: Option<&PersonaId>, since: Millis, (at, id): &(Millis, String)) -> Result<Vec<Decision>> {
    let sql = format!(
        "SELECT p.id, p.state, p.title, p.content, p.target_subreddit, p.draft_metadata, p.created_at, u.reddit_username
         FROM pending_posts p JOIN personas u ON u.id = p.persona_id
         WHERE {DECIDED} AND {NOT_GOLDEN} AND (p.created_at, p.id) > ($3, $4) ORDER BY p.created_at, p.id LIMIT $5"
    );
    c.query(&sql, vals![since, persona, *at, id.as_str(), PAGE])?.iter().map(decision).collect()
}

fn decision(row: &Row) -> Result<Decision> {
    let around: Around = row.json("draft_metadata")?;
    Ok(Decision {
        id: row.text("id")?,
        account: row.text("reddit_username")?,
        subreddit: row.text("target_subreddit")?,
        title: row.text_opt("title")?,
        content: row.text("content")?,
        approved: row.text("state")? != "rejected",
        consistency: around.consistency,
        tainted: around.tainted,
        depth: around.conversation_depth,
        at: row.int("created_at")?,
    })
}

fn look(candidate: Candidate<'_>, decision: &Decision) -> Evaluation {
    let outgoing = Outgoing { title: decision.title.as_deref(), content: &decision.content };
    let subject = Subject { outgoing, persona: &decision.account, subreddit: &decision.subreddit, at: decision.at };
    // An item that a person wrote anew has no answer of the check: that is the same before and after, and says nothing about the rules.
    let unasked = ConsistencyResult::NotNeeded;
    let consistency = decision.consistency.as_ref().filter(|result| !matches!(result, ConsistencyResult::Unknown { .. }));
    let signals = Signals {
        consistency: Some(consistency.unwrap_or(&unasked)),
        tainted: decision.tainted,
        depth: Signal::Known(decision.depth),
        ..Signals::default()
    };
    evaluate(candidate.rules, candidate.modes, &subject, &signals)
}

/// Rules that ask for what is over.
fn not_replayed(rules: &RuleSet) -> Vec<String> {
    let is_over = |check: &Check| {
        matches!(
            check,
            Check::NearDuplicate(_)
                | Check::OwnLinkShare { .. }
                | Check::Limit { .. }
                | Check::Muted {}
                | Check::SubredditRequirements {}
                | Check::PersonaLimits {}
        )
    };
    let ids: BTreeSet<&str> =
        rules.rules().iter().filter(|rule| is_over(&rule.check) && rule.mode != Mode::Off).map(|rule| rule.id.as_str()).collect();
    ids.into_iter().map(str::to_owned).collect()
}

fn fired(evaluation: &Evaluation) -> BTreeSet<&str> {
    evaluation.hits.iter().chain(&evaluation.shadow).map(|hit| hit.rule_id.as_str()).collect()
}

impl Backtest {
    fn take(&mut self, decision: &Decision, before: &Evaluation, after: &Evaluation) {
        self.decisions += 1;
        self.approved += usize::from(decision.approved);
        self.rejected += usize::from(!decision.approved);
        let (was, is) = (fired(before), fired(after));
        for id in &is {
            let rule = self.rules.entry((*id).to_owned()).or_default();
            rule.hits += 1;
            rule.agreed += usize::from(!decision.approved);
            rule.overturned += usize::from(decision.approved);
            rule.alone += usize::from(is.len() == 1);
            rule.newly += usize::from(!was.contains(id));
            for other in is.iter().filter(|other| *other != id) {
                *rule.overlap.entry((*other).to_owned()).or_default() += 1;
            }
        }
        for id in was.difference(&is) {
            self.rules.entry((*id).to_owned()).or_default().no_more += 1;
        }
        let example = |rules: Vec<&str>| Example {
            id: decision.id.clone(),
            decision: if decision.approved { "approved" } else { "rejected" },
            before: before.verdict,
            after: after.verdict,
            rules: rules.into_iter().map(str::to_owned).collect(),
        };
        if after.verdict > before.verdict {
            self.newly_caught += 1;
            self.newly_caught_approved += usize::from(decision.approved);
            if self.caught.len() < MOST_EXAMPLES {
                self.caught.push(example(is.difference(&was).copied().collect()));
            }
        } else if after.verdict < before.verdict {
            self.newly_missed += 1;
            self.newly_missed_rejected += usize::from(!decision.approved);
            if self.missed.len() < MOST_EXAMPLES {
                self.missed.push(example(was.difference(&is).copied().collect()));
            }
        }
    }

    fn finish(&mut self) {
        for rule in self.rules.values_mut().filter(|rule| rule.hits > 0) {
            rule.precision = Some(rule.agreed as f64 / rule.hits as f64);
            rule.interval = wilson(rule.agreed, rule.hits);
        }
    }
}

/// The Wilson score interval at 95 % for `part` of `n`; `None` of nothing.
#[must_use]
pub fn wilson(part: usize, n: usize) -> Option<(f64, f64)> {
    const Z: f64 = 1.959_963_984_540_054;
    if n == 0 {
        return None;
    }
    let (n, share) = (n as f64, part as f64 / n as f64);
    let middle = share + Z * Z / (2.0 * n);
    let spread = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let whole = 1.0 + Z * Z / n;
    Some((((middle - spread) / whole).max(0.0), ((middle + spread) / whole).min(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilsons() {
        // Wilson (1927): 5 of 10 lies between 0.2366 and 0.7634.
        let (low, high) = wilson(5, 10).unwrap();
        assert!((low - 0.2366).abs() < 1e-4 && (high - 0.7634).abs() < 1e-4);
        assert_eq!(wilson(0, 0), None);
        assert!(wilson(0, 10).unwrap().0 < 1e-9 && wilson(10, 10).unwrap().1 > 1.0 - 1e-9);
    }
}
