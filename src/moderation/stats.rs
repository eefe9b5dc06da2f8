//! The numbers people ask of a review queue, each with its definition and how many cases it rests on.
//!
//! They are folded from the audit log, which has one row for each step, and from the queue as it stands. A share or percentile that rests on
//! fewer than [`FEW`] cases is left blank: it would be noise that looks like knowledge.

use super::error::Result;
use super::state::State;
use crate::base::{Millis, PersonaId};
use crate::store::{Conn, Row};
use crate::vals;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// Below so many cases a share or percentile is left blank.
pub const FEW: usize = 20;
/// Audit rows read at a time.
const PAGE: i64 = 5_000;

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
}

/// How messages fared in one subreddit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Survival {
    /// Sent.
    pub sent: usize,
    /// Seen in public at the last look.
    pub visible: usize,
    /// Removed by a moderator or a filter.
    pub filtered: usize,
    /// Deleted.
    pub gone: usize,
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
}

/// A step of an item, as the audit log has it.
struct Event {
    at: Millis,
    action: String,
    item: String,
    human: bool,
}

/// The numbers of one persona, or of all, from `since` to `now`.
///
/// # Errors
/// When the engine refuses.
pub fn stats(c: &mut dyn Conn, persona: Option<&PersonaId>, since: Millis, now: Millis) -> Result<Stats> {
    let mut fold = Fold::default();
    let mut last = 0;
    loop {
        let page = c.query(
            "SELECT seq, at, action, subject_id, actor_kind, persona_id FROM audit_log
             WHERE seq > $1 AND subject_kind = 'pending_post' AND at >= $2 ORDER BY seq LIMIT $3",
            vals![last, since, PAGE],
        )?;
        let Some(end) = page.last() else { break };
        last = end.int("seq")?;
        for row in &page {
            if persona.is_none_or(|persona| row.text_opt("persona_id").is_ok_and(|owner| owner.as_deref() == Some(persona.as_str()))) {
                fold.take(&event(row)?);
            }
        }
    }
    let standing = standing(c, persona)?;
    let revised = revised(c, persona, since)?;
    Ok(Stats { since, until: now, metrics: fold.metrics(&standing, revised, since, now), subreddits: survival(c, persona, since)? })
}

fn event(row: &Row) -> Result<Event> {
    Ok(Event { at: row.int("at")?, action: row.text("action")?, item: row.text("subject_id")?, human: row.text("actor_kind")? == "human" })
}

/// Depth and oldest age of what waits now.
struct Standing {
    depth: usize,
    oldest: Option<Millis>,
    unresolved: usize,
}

fn standing(c: &mut dyn Conn, persona: Option<&PersonaId>) -> Result<Standing> {
    let mut standing = Standing { depth: 0, oldest: None, unresolved: 0 };
    for (state, open) in [(State::Pending, true), (State::Claimed, true), (State::Held, true), (State::Unresolved, false)] {
        let row = c.first(
            "SELECT count(*) AS n, min(created_at) AS oldest FROM pending_posts
             WHERE state = $1 AND (CAST($2 AS TEXT) IS NULL OR persona_id = $2)",
            vals![state.as_str(), persona],
        )?;
        let Some(row) = row else { continue };
        let count = usize::try_from(row.int("n")?).unwrap_or(0);
        if open {
            standing.depth += count;
            standing.oldest = [standing.oldest, row.int_opt("oldest")?].into_iter().flatten().min();
        } else {
            standing.unresolved += count;
        }
    }
    Ok(standing)
}

/// For each message sent: whether its text is the draft's, and how far it is from it, 0 to 1.
fn revised(c: &mut dyn Conn, persona: Option<&PersonaId>, since: Millis) -> Result<Vec<f64>> {
    let rows = c.query(
        "SELECT first.content AS drafted, p.content AS sent FROM pending_posts p
         JOIN post_revisions first ON first.persona_id = p.persona_id AND first.item_id = p.id AND first.revision = 1
         WHERE p.state IN ('confirmed', 'visible', 'filtered', 'gone', 'retracted', 'amended') AND p.created_at >= $1
           AND (CAST($2 AS TEXT) IS NULL OR p.persona_id = $2) ORDER BY p.created_at DESC, p.id LIMIT 2000",
        vals![since, persona],
    )?;
    rows.iter()
        .map(|row| {
            let (drafted, sent) = (row.text("drafted")?, row.text("sent")?);
            Ok(if drafted == sent { 0.0 } else { 1.0 - f64::from(similar::TextDiff::from_words(&drafted, &sent).ratio()) })
        })
        .collect()
}

fn survival(c: &mut dyn Conn, persona: Option<&PersonaId>, since: Millis) -> Result<BTreeMap<String, Survival>> {
    let rows = c.query(
        "SELECT target_subreddit, state, count(*) AS n FROM pending_posts
         WHERE state IN ('confirmed', 'visible', 'filtered', 'gone', 'retracted', 'amended') AND created_at >= $1 AND (CAST($2 AS TEXT) IS NULL OR persona_id = $2)
         GROUP BY target_subreddit, state",
        vals![since, persona],
    )?;
    let mut found: BTreeMap<String, Survival> = BTreeMap::new();
    for row in &rows {
        let count = usize::try_from(row.int("n")?).unwrap_or(0);
        let entry = found.entry(row.text("target_subreddit")?).or_default();
        entry.sent += count;
        match row.text("state")?.as_str() {
            "visible" => entry.visible += count,
            "filtered" => entry.filtered += count,
            "gone" => entry.gone += count,
            _ => {}
        }
    }
    Ok(found)
}

#[derive(Default)]
struct Fold {
    arrived: HashMap<String, Millis>,
    claimed: HashMap<String, Millis>,
    waits: Vec<Millis>,
    handling: Vec<Millis>,
    lost_at: HashMap<String, Millis>,
    found_after: Vec<Millis>,
    counts: HashMap<&'static str, usize>,
}

impl Fold {
    fn count(&mut self, name: &'static str) {
        *self.counts.entry(name).or_default() += 1;
    }

    fn of(&self, name: &str) -> usize {
        self.counts.get(name).copied().unwrap_or(0)
    }

    fn take(&mut self, event: &Event) {
        match event.action.as_str() {
            "queue.add" => {
                self.arrived.insert(event.item.clone(), event.at);
                self.count("arrived");
            }
            "queue.claim" => {
                // Only the first claim ends the waiting.
                if let Some(arrived) = self.arrived.remove(&event.item) {
                    self.waits.push(event.at - arrived);
                }
                self.claimed.insert(event.item.clone(), event.at);
            }
            "queue.approve" | "queue.reject" | "queue.return" if event.human => {
                if let Some(claimed) = self.claimed.remove(&event.item) {
                    self.handling.push(event.at - claimed);
                }
                self.count(match event.action.as_str() {
                    "queue.approve" => "approved",
                    "queue.reject" => "rejected",
                    _ => "returned",
                });
            }
            "queue.auto_approve" => self.count("auto_approved"),
            "queue.edit" => self.count("edited"),
            "queue.undo" => self.count("undone"),
            "queue.expire" => self.count("expired"),
            "queue.skip" => self.count("skipped"),
            "queue.override" => self.count("overridden"),
            "queue.supersede" => self.count("superseded"),
            "delivery.unknown" => {
                self.lost_at.insert(event.item.clone(), event.at);
                self.count("unknown");
            }
            "delivery.confirmed" => {
                if let Some(lost) = self.lost_at.remove(&event.item) {
                    self.found_after.push(event.at - lost);
                }
                self.count("sent");
            }
            _ => {}
        }
    }

    fn metrics(&self, standing: &Standing, revised: Vec<f64>, since: Millis, now: Millis) -> Vec<Metric> {
        let decided = self.of("approved") + self.of("rejected") + self.of("returned");
        let hours = ((now - since).max(1) as f64) / 3_600_000.0;
        let count = |name, definition, n: usize| Metric { name, definition, value: Some(n as f64), unit: Unit::Count, n };
        let rate = |name, definition, n: usize| Metric { name, definition, value: Some(n as f64 / hours), unit: Unit::PerHour, n };
        let share = |name, definition, part: usize, n: usize| Metric {
            name,
            definition,
            value: (n >= FEW).then(|| part as f64 / n as f64),
            unit: Unit::Share,
            n,
        };
        let percentile = |name, definition, samples: &[Millis], at: f64| Metric {
            name,
            definition,
            value: (samples.len() >= FEW).then(|| quantile(samples, at) as f64),
            unit: Unit::Millis,
            n: samples.len(),
        };
        let unchanged = revised.iter().filter(|distance| **distance == 0.0).count();
        let distance = revised.iter().sum::<f64>() / revised.len().max(1) as f64;
        vec![
            count("depth", "items that wait for a decision now: pending, claimed or held", standing.depth),
            Metric {
                name: "oldest",
                definition: "age of the oldest of them",
                value: standing.oldest.map(|at| (now - at) as f64),
                unit: Unit::Millis,
                n: standing.depth,
            },
            rate("arrival rate", "drafts that were queued, an hour", self.of("arrived")),
            rate("decision rate", "approvals, rejections and returns by people, an hour", decided),
            percentile("wait p50", "from queued to first claimed, half of the items", &self.waits, 0.5),
            percentile("wait p90", "the same, nine of ten", &self.waits, 0.9),
            percentile("handling p50", "from the last claim to the decision, half of the items", &self.handling, 0.5),
            percentile("handling p90", "the same, nine of ten", &self.handling, 0.9),
            share("approved", "share of the decisions by people", self.of("approved"), decided),
            share("rejected", "share of the decisions by people", self.of("rejected"), decided),
            share("returned", "share of the decisions by people", self.of("returned"), decided),
            count("edits", "texts that people changed", self.of("edited")),
            count("expired", "items whose time ran out; nobody decided them", self.of("expired")),
            count("skipped", "times that a person passed an item over", self.of("skipped")),
            count("overridden", "blocks that two people lifted", self.of("overridden")),
            count("superseded", "drafts that gave way to a newer one", self.of("superseded")),
            count("undone", "approvals that were taken back", self.of("undone")),
            count("auto-approved", "items that no person decided", self.of("auto_approved")),
            share("sent unchanged", "share of the messages sent whose text is the agent's first", unchanged, revised.len()),
            Metric {
                name: "edit distance",
                definition: "mean difference of words between first draft and sent text, 0 the same, 1 all different",
                value: (revised.len() >= FEW).then_some(distance),
                unit: Unit::Share,
                n: revised.len(),
            },
            count("sent", "messages confirmed by the other side", self.of("sent")),
            count("unknown", "deliveries whose answer was lost", self.of("unknown")),
            percentile("reconciled p50", "from the loss of an answer to finding the message", &self.found_after, 0.5),
            count("unresolved", "deliveries that wait for a person now", standing.unresolved),
        ]
    }
}

/// The value at rank `floor(share * (n - 1))` of the sorted samples.
fn quantile(samples: &[Millis], share: f64) -> Millis {
    let mut sorted = samples.to_vec();
    let rank = ((sorted.len().saturating_sub(1)) as f64 * share) as usize;
    if sorted.is_empty() {
        return 0;
    }
    *sorted.select_nth_unstable(rank).1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(at: Millis, action: &str, item: &str) -> Event {
        Event { at, action: action.into(), item: item.into(), human: true }
    }

    #[test]
    fn waiting_ends_with_the_first_claim_and_few_cases_say_nothing() {
        let mut fold = Fold::default();
        for number in 0..25 {
            let item = format!("i{number}");
            fold.take(&event(1_000, "queue.add", &item));
            fold.take(&event(1_000 + number * 100, "queue.claim", &item));
            fold.take(&event(50_000, "queue.claim", &item));
            fold.take(&event(53_000, if number < 5 { "queue.reject" } else { "queue.approve" }, &item));
        }
        fold.take(&event(60_000, "delivery.unknown", "i9"));
        fold.take(&event(65_000, "delivery.confirmed", "i9"));
        let standing = Standing { depth: 0, oldest: None, unresolved: 0 };
        let metrics = fold.metrics(&standing, vec![], 0, 3_600_000);
        let value = |name: &str| metrics.iter().find(|metric| metric.name == name).map(|metric| (metric.value, metric.n)).unwrap();
        assert_eq!(value("wait p50"), (Some(1_200.0), 25));
        assert_eq!(value("handling p90"), (Some(3_000.0), 25));
        assert_eq!(value("rejected"), (Some(0.2), 25));
        assert_eq!(value("arrival rate"), (Some(25.0), 25));
        assert_eq!(value("reconciled p50"), (None, 1), "one case is no percentile");
        assert_eq!(value("sent unchanged"), (None, 0));
    }
}
