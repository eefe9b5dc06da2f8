//! What happened in a time, from every place that tells: marks, the audit log, budgets, migrations. "What changed in the hour before?"
//!
//! Reading only. Starts and ends of agents' loops stand in the audit log, as do pauses, rules, policies, the team and upkeep; drafts, decisions
//! and deliveries stand there too, and are left out: there are thousands of them, and none is a change of how the deck works.

use super::health::Status;
use super::marks::{self, Kind as MarkKind};
use super::probe::rows;
use crate::base::{Millis, Picos};
use crate::store::{Conn, Result, Row};
use crate::vals;
use serde::Serialize;
use std::ops::Range;

/// The most events of one source.
const MOST: i64 = 100;
/// The most rows of the audit log that are looked at.
const MOST_ROWS: i64 = 100_000;

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Another version, or another schema.
    Deployment,
    /// A process or a loop was started or ended.
    Restart,
    /// Settings, rules, policies, personas, budgets or prices changed.
    Configuration,
    /// Sending or probing was paused or resumed.
    Pause,
    /// A threshold of a budget was reached.
    Budget,
    /// Somebody took care of the deck: backup, check, rebuild, retention.
    Upkeep,
    /// Who may do what.
    Team,
    /// Another probe or part of the deck changed its state.
    Probe,
    /// A person's note.
    Note,
}

impl Kind {
    /// The word that stands beside it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::Restart => "restart",
            Self::Configuration => "configuration",
            Self::Pause => "pause",
            Self::Budget => "budget",
            Self::Upkeep => "upkeep",
            Self::Team => "team",
            Self::Probe => "health",
            Self::Note => "note",
        }
    }
}

/// Something that happened. Its words may come from outside: they are made safe before they are shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// When, UTC.
    pub at: Millis,
    /// What kind of thing.
    pub kind: Kind,
    /// What happened, in a sentence.
    pub what: String,
    /// Who did it.
    pub who: String,
}

/// What happened in a time, newest first. At most a hundred of each source; where a source has more, the newest.
///
/// # Errors
/// When the engine refuses.
pub fn around(c: &mut dyn Conn, window: Range<Millis>) -> Result<Vec<Event>> {
    let mut all: Vec<Event> = marks::list(c, window.clone(), None, MOST)?.into_iter().map(of_mark).collect();
    all.extend(audited(c, &window)?);
    all.extend(budgets(c, &window)?);
    all.extend(schema(c, &window)?);
    all.extend(probes(c, &window)?);
    all.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| (a.kind, &a.what).cmp(&(b.kind, &b.what))));
    Ok(all)
}

pub(crate) fn of_mark(mark: marks::Mark) -> Event {
    let kind = match mark.kind {
        MarkKind::Deployment => Kind::Deployment,
        MarkKind::Restart => Kind::Restart,
        MarkKind::Configuration => Kind::Configuration,
        MarkKind::Note => Kind::Note,
    };
    let what = if mark.system == marks::OWN { mark.what } else { format!("{}: {}", mark.system, mark.what) };
    Event { at: mark.at, kind, what, who: mark.actor }
}

/// The kind of an action of the audit log; `None` for the work of every day.
fn of_action(action: &str) -> Option<Kind> {
    match action {
        "delivery.pause" | "delivery.resume" => return Some(Kind::Pause),
        "queue.add" | "persona.leave_alone" => return None,
        _ => {}
    }
    match action.split_once('.').map_or(action, |(room, _)| room) {
        "agent" => Some(Kind::Restart),
        "rules" | "persona" | "policy" | "prices" | "config" | "secrets" => Some(Kind::Configuration),
        "budget" => Some(Kind::Configuration),
        "probe" if action.ends_with("pause") || action.ends_with("resume") => Some(Kind::Pause),
        "probe" | "heartbeat" => Some(Kind::Configuration),
        "team" => Some(Kind::Team),
        "upkeep" | "retention" | "erasure" | "backup" => Some(Kind::Upkeep),
        _ => None,
    }
}

const AUDITED: &str = "SELECT seq, at, actor, action, subject_kind, subject_id, reason FROM audit_log WHERE seq >= $1 AND seq <= $2
  AND (action LIKE 'agent.%' OR action LIKE 'delivery.pause' OR action LIKE 'delivery.resume' OR action LIKE 'rules.%'
    OR action LIKE 'persona.%' OR action LIKE 'policy.%' OR action LIKE 'prices.%' OR action LIKE 'config.%' OR action LIKE 'secrets.%'
    OR action LIKE 'budget.%' OR action LIKE 'probe.%' OR action LIKE 'heartbeat.%' OR action LIKE 'team.%' OR action LIKE 'upkeep.%'
    OR action LIKE 'retention.%' OR action LIKE 'erasure.%' OR action LIKE 'backup.%')
  ORDER BY seq DESC LIMIT $3";

fn audited(c: &mut dyn Conn, window: &Range<Millis>) -> Result<Vec<Event>> {
    let Some(newest) = c.first("SELECT seq FROM audit_log ORDER BY seq DESC LIMIT 1", &[])? else { return Ok(Vec::new()) };
    let newest = newest.int("seq")?;
    let from = first_at(c, window.start, newest)?;
    let to = first_at(c, window.end, newest)?;
    let from = from.max(to.saturating_sub(MOST_ROWS));
    let rows = c.query(AUDITED, vals![from, to, MOST])?;
    let mut all = Vec::new();
    for row in &rows {
        let at = row.int("at")?;
        if let Some(kind) = of_action(&row.text("action")?).filter(|_| window.contains(&at)) {
            all.push(Event { at, kind, what: sentence(c, row)?, who: row.text("actor")? });
        }
    }
    Ok(all)
}

/// The first row of the log that is not older, found by halving: the log is in the order of time but for a clock that was set back, and an
/// index on the time would make each of its rows dearer.
fn first_at(c: &mut dyn Conn, at: Millis, newest: i64) -> Result<i64> {
    let (mut low, mut high) = (1, newest + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        match c.first("SELECT seq, at FROM audit_log WHERE seq >= $1 ORDER BY seq LIMIT 1", vals![middle])? {
            Some(row) if row.int("at")? < at => low = row.int("seq")? + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

fn sentence(c: &mut dyn Conn, row: &Row) -> Result<String> {
    let (action, subject) = (row.text("action")?, row.text("subject_id")?);
    let subject = match row.text("subject_kind")?.as_str() {
        "pause" if subject == "*" => "all sending".to_owned(),
        "agent_run" | "agent" | "persona" => named(c, &subject)?,
        "upkeep_run" | "mark" => String::new(),
        _ => subject,
    };
    let done = match action.as_str() {
        "delivery.pause" => "paused",
        "delivery.resume" => "sends again",
        "agent.start" => "the loop was started",
        "agent.end" => "the loop ended",
        "agent.stop" => "the loop was asked to stop",
        "rules.set_mode" => "the rule's mode was set",
        "budget.set" => "the budget was set",
        "budget.remove" => "the budget was taken away",
        "persona.add" => "the persona was added",
        "persona.set_config" => "the persona's settings changed",
        "policy.fetch" => "the rules of the place were read",
        "policy.fetch_failed" => "the rules of the place could not be read",
        "prices.import" => "prices were imported",
        "team.set" => "the role was set",
        "team.remove" => "was taken from the team",
        _ => "",
    };
    let done =
        if done.is_empty() { action.rsplit_once('.').map_or(action.clone(), |(_, last)| last.replace('_', " ")) } else { done.to_owned() };
    let said = if subject.is_empty() { done } else { format!("{subject}: {done}") };
    Ok(match row.text_opt("reason")?.filter(|reason| !reason.is_empty()) {
        Some(reason) => format!("{said} ({reason})"),
        None => said,
    })
}

/// A persona by its name, where it is still there.
fn named(c: &mut dyn Conn, id: &str) -> Result<String> {
    let row = c.first("SELECT reddit_username FROM personas WHERE id = $1", vals![id])?;
    row.map_or_else(|| Ok(id.to_owned()), |row| Ok(format!("u/{}", row.text("reddit_username")?)))
}

fn budgets(c: &mut dyn Conn, window: &Range<Millis>) -> Result<Vec<Event>> {
    c.query(
        "SELECT e.at, e.percent, e.spent_picos, e.limit_picos, b.name FROM budget_events e JOIN budgets b ON b.id = e.budget_id
         WHERE e.at >= $1 AND e.at < $2 ORDER BY e.at DESC, e.percent DESC LIMIT $3",
        vals![window.start, window.end, MOST],
    )?
    .iter()
    .map(|row| {
        let money = |name: &str| row.int(name).map(Picos);
        let what =
            format!("{}: {} % is spent, {} of {}", row.text("name")?, row.int("percent")?, money("spent_picos")?, money("limit_picos")?);
        Ok(Event { at: row.int("at")?, kind: Kind::Budget, what, who: "budget".into() })
    })
    .collect()
}

/// Who is said to have done it is the probe itself. What is found well for the first time has not changed.
fn probes(c: &mut dyn Conn, window: &Range<Millis>) -> Result<Vec<Event>> {
    let mut changes = rows::all_changes(c, window.clone())?;
    changes.retain(|change| (change.from, change.to) != (Status::Unknown, Status::Healthy));
    let newest = changes.len().saturating_sub(usize::try_from(MOST).unwrap_or(0));
    let of = |change: rows::Change| Event {
        at: change.at,
        kind: Kind::Probe,
        what: format!("{}: {} to {}, {}", change.name, change.from, change.to, change.reason),
        who: change.name,
    };
    Ok(changes.into_iter().skip(newest).map(of).collect())
}

fn schema(c: &mut dyn Conn, window: &Range<Millis>) -> Result<Vec<Event>> {
    let rows = c.query(
        "SELECT version, name, applied_at FROM schema_migrations WHERE applied_at >= $1 AND applied_at < $2 ORDER BY version DESC LIMIT $3",
        vals![window.start, window.end, MOST],
    )?;
    // A new database passes all of them at once, which is one thing that happened.
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(Vec::new()) };
    let (to, from) = (first.int("version")?, last.int("version")?);
    let what = if from == to { format!("schema {to}, {}", first.text("name")?) } else { format!("schema {from} to {to}") };
    Ok(vec![Event { at: first.int("applied_at")?, kind: Kind::Deployment, what, who: "migration".into() }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::seed;
    use crate::moderation::pauses::{self, Scope};
    use crate::store::Error;
    use crate::store::audit::{self, Actor};
    use crate::store::testing::database;
    use crate::upkeep::runs;
    use serde_json::{Value, json};

    #[test]
    fn what_changed_is_told_from_every_source_and_the_work_of_every_day_is_not() {
        let (db, _guard) = database();
        let found = db
            .write_blocking(|c| {
                let ana = Actor::human("ana");
                seed::apply(c, &crate::memory::Author::new(&ana, 10)).unwrap();
                let every_day = |at| audit::Entry {
                    at,
                    persona: None,
                    actor: &ana,
                    action: "queue.approve",
                    subject_kind: "pending_post",
                    subject_id: "x",
                    reason: None,
                    before: &Value::Null,
                    after: &Value::Null,
                };
                for at in 20..400 {
                    audit::append(c, &every_day(at))?;
                }
                pauses::pause(c, &Scope::All, "too many answers", None, &ana, 500).unwrap();
                marks::add(c, marks::New { at: 505, kind: MarkKind::Deployment, system: "assistant", what: "2.0" }, &ana, 510)?;
                let done = runs::Done {
                    kind: runs::Kind::Vacuum,
                    started_at: 515,
                    ended_at: 520,
                    outcome: runs::Outcome::Passed,
                    summary: "3 pages were given back",
                    detail: &json!({}),
                    actor: &ana,
                };
                runs::record(c, &done)?;
                pauses::resume(c, &Scope::All, &ana, 600).unwrap();
                Ok::<_, Error>((around(c, 450..600)?, around(c, 0..100)?, around(c, 5_000..6_000)?))
            })
            .unwrap();
        let told: Vec<(Millis, Kind, &str)> = found.0.iter().map(|event| (event.at, event.kind, event.what.as_str())).collect();
        assert_eq!(
            told,
            [
                (520, Kind::Upkeep, "vacuum (3 pages were given back)"),
                (505, Kind::Deployment, "assistant: 2.0"),
                (500, Kind::Pause, "all sending: paused (too many answers)"),
            ]
        );
        assert!(found.1.iter().any(|event| event.what.contains("the persona was added")), "{:?}", found.1);
        assert!(found.2.is_empty());
    }
}
