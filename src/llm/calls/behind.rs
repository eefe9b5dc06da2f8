//! The calls behind a number: a page at a time, the newest first, and the few things that sums do not tell.

use super::{COLUMNS, Call, call};
use crate::base::Millis;
use crate::llm::ledger::sums::Only;
use crate::llm::ledger::{Drift, Window};
use crate::store::{Conn, Result, Val};
use crate::vals;

/// What of the calls a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Which {
    /// Every call that is over.
    #[default]
    All,
    /// Refused, without a connection, or without an answer.
    Failed,
    /// Ended in the middle.
    Interrupted,
    /// Not the first attempt of its question.
    Retried,
    /// Answered from the cache of this program.
    FromCache,
    /// Answered with the help of the provider's cache.
    Cached,
    /// Nobody knows what it cost.
    Unpriced,
    /// Of this class of distance between the two costs.
    Drift(Drift),
    /// The answer took at least so many microseconds.
    Slow(i64),
    /// The first token took at least so many microseconds.
    SlowToBegin(i64),
    /// It waited to be sent.
    Waited,
    /// Sent, and not over yet.
    UnderWay,
}

/// The calls behind a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// When they started.
    pub window: Window,
    /// Of which model, module, persona, category.
    pub only: Only,
    /// Which of them.
    pub which: Which,
}

/// A call of unknown cost, by the rule of the sums.
const UNPRICED: &str = "outcome <> 'started' AND cost_reported_picos IS NULL AND cost_computed_picos IS NULL AND is_cached = 0 \
    AND NOT (outcome = 'error' AND COALESCE(tokens_in, 0) = 0 AND COALESCE(tokens_out, 0) = 0)";

/// The condition of a window and what it is narrowed to, with its values.
fn narrowed(window: &Window, only: &Only) -> (String, Vec<Val>) {
    let mut values = vals![window.since, window.until].to_vec();
    let mut text = "started_at >= $1 AND started_at < $2".to_owned();
    let columns = [
        ("COALESCE(model_answered, model_asked)", only.model.as_deref().map(Val::from)),
        ("module", only.module.as_deref().map(Val::from)),
        // Nobody's calls have no persona, which the sums write as an empty name.
        ("COALESCE(persona_id, '')", only.persona.as_ref().map(Val::from)),
        ("category", only.category.map(|category| Val::from(category.as_str()))),
    ];
    for (column, value) in columns.into_iter().filter_map(|(column, value)| Some((column, value?))) {
        values.push(value);
        text.push_str(&format!(" AND {column} = ${}", values.len()));
    }
    (text, values)
}

impl Behind {
    /// Its condition, with its values.
    fn condition(&self) -> (String, Vec<Val>) {
        let (text, mut values) = narrowed(&self.window, &self.only);
        let mut at_least = |column: &str, value: Val| {
            values.push(value);
            format!("outcome <> 'started' AND {column} ${}", values.len())
        };
        let which = match self.which {
            Which::All => "outcome <> 'started'".to_owned(),
            Which::Failed => "outcome IN ('error', 'malformed')".to_owned(),
            Which::Interrupted => "outcome = 'interrupted'".to_owned(),
            Which::Retried => "outcome <> 'started' AND attempt > 1".to_owned(),
            Which::FromCache => "is_cached = 1".to_owned(),
            Which::Cached => "tokens_cached > 0".to_owned(),
            Which::Unpriced => UNPRICED.to_owned(),
            Which::Waited => "queue_us > 0".to_owned(),
            Which::UnderWay => "outcome = 'started'".to_owned(),
            // What was lost in a crash has no class: nothing is known of it.
            Which::Drift(class) => at_least("COALESCE(drift, 'unknown') =", Val::from(class.as_str())),
            Which::Slow(least) => at_least("latency_us >=", Val::from(least)),
            Which::SlowToBegin(least) => at_least("first_token_us >=", Val::from(least)),
        };
        (format!("{text} AND {which}"), values)
    }
}

/// At most `limit` of the calls, the newest first; `before` is the last row of the page before this one.
///
/// # Errors
/// When the database refuses.
pub fn page(c: &mut dyn Conn, behind: &Behind, before: Option<(Millis, &str)>, limit: u32) -> Result<Vec<Call>> {
    let (mut condition, mut values) = behind.condition();
    if let Some((at, id)) = before {
        values.push(Val::from(at));
        values.push(Val::from(id));
        condition.push_str(&format!(" AND (started_at, id) < (${}, ${})", values.len() - 1, values.len()));
    }
    values.push(Val::from(limit));
    let limit = values.len();
    let rows =
        c.query(&format!("SELECT {COLUMNS} FROM llm_calls WHERE {condition} ORDER BY started_at DESC, id DESC LIMIT ${limit}"), &values)?;
    rows.iter().map(call).collect()
}

/// How many of the newest calls of a window are of which class of drift: at most `most` are looked at, because no sum keeps it. Classes without calls
/// are left out.
///
/// # Errors
/// When the database refuses.
pub fn drifts(c: &mut dyn Conn, window: &Window, only: &Only, most: u32) -> Result<Vec<(Drift, u64)>> {
    let behind = Behind { window: *window, only: only.clone(), which: Which::All };
    let (condition, mut values) = behind.condition();
    values.push(Val::from(most));
    let rows = c.query(
        &format!(
            "SELECT drift, count(*) AS calls FROM (SELECT drift FROM llm_calls WHERE {condition} ORDER BY started_at DESC, id DESC \
             LIMIT ${}) AS newest GROUP BY drift",
            values.len()
        ),
        &values,
    )?;
    let mut found: Vec<(Drift, u64)> = Vec::new();
    for row in rows {
        let word = row.text_opt("drift")?;
        let class = Drift::ALL.into_iter().find(|class| Some(class.as_str()) == word.as_deref()).unwrap_or(Drift::Unknown);
        let calls = u64::try_from(row.int("calls")?).unwrap_or(0);
        match found.iter_mut().find(|(known, _)| *known == class) {
            Some((_, known)) => *known += calls,
            None => found.push((class, calls)),
        }
    }
    found.sort_by_key(|(class, _)| *class);
    Ok(found)
}

/// Traffic of a model.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Traffic {
    /// The model that was asked.
    pub model: String,
    /// Calls that were sent and are not over.
    pub under_way: i64,
    /// When the oldest of them was sent.
    pub oldest: Option<Millis>,
    /// Requests of the last minute.
    pub requests: i64,
    /// Tokens of the last minute, both ways, as far as they are known.
    pub tokens: i64,
}

/// What is under way since a time, and what was sent in the last minute, by model, the busiest first. `since` keeps what a crash left behind out of it.
///
/// # Errors
/// When the database refuses.
pub fn traffic(c: &mut dyn Conn, only: &Only, since: Millis, now: Millis) -> Result<Vec<Traffic>> {
    let (condition, mut values) = narrowed(&Window { since, until: i64::MAX }, only);
    values.push(Val::from(now - 60_000));
    let minute = values.len();
    let rows = c.query(
        &format!(
            "SELECT model_asked AS model, CAST(sum(CASE WHEN outcome = 'started' THEN 1 ELSE 0 END) AS BIGINT) AS under_way, \
             min(CASE WHEN outcome = 'started' THEN started_at END) AS oldest, \
             CAST(sum(CASE WHEN started_at >= ${minute} THEN 1 ELSE 0 END) AS BIGINT) AS requests, \
             CAST(sum(CASE WHEN started_at >= ${minute} THEN COALESCE(tokens_in, 0) + COALESCE(tokens_out, 0) ELSE 0 END) AS BIGINT) AS tokens \
             FROM llm_calls WHERE {condition} AND (outcome = 'started' OR started_at >= ${minute}) GROUP BY model_asked ORDER BY 2 DESC, 4 DESC, 1"
        ),
        &values,
    )?;
    rows.iter()
        .map(|row| {
            Ok(Traffic {
                model: row.text("model")?,
                under_way: row.int("under_way")?,
                oldest: row.int_opt("oldest")?,
                requests: row.int("requests")?,
                tokens: row.int("tokens")?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::PersonaId;
    use crate::llm::ledger::{Category, Outcome, Settled, Started, recover, settle, start, sums};
    use crate::llm::price::Book;
    use crate::llm::reported::Reported;
    use crate::store::{Error, testing};
    use std::time::Duration;

    const NOW: Millis = 1_795_219_200_000;
    const DAY: Window = Window { since: NOW, until: NOW + 86_400_000 };

    fn started(number: i64, at: Millis) -> Started {
        Started {
            id: format!("call-{number:02}"),
            request_id: format!("request-{}", number / 2),
            attempt: 1 + u32::try_from(number % 2).unwrap(),
            persona: (number % 3 > 0).then(|| PersonaId::from_stored(["", "p1", "p2"][usize::try_from(number % 3).unwrap()])),
            module: "draft".into(),
            correlation_id: "c".into(),
            model_asked: ["openai/gpt-5-mini", "made/up"][usize::try_from(number / 2 % 2).unwrap()].into(),
            streamed: false,
            started_at: at,
            category: Category::Interactive,
            queued: Duration::from_micros(u64::try_from(number).unwrap()),
            reserved: None,
        }
    }

    /// Twenty calls of all kinds; two are under way.
    fn fill(c: &mut dyn Conn) -> Result<()> {
        let book = Book::embedded().unwrap();
        for number in 0..20_i64 {
            let at = NOW + number / 3 * 60_000;
            let call = started(number, at);
            start(c, &call)?;
            if number >= 18 {
                continue;
            }
            let outcome = match number % 6 {
                0 => Outcome::Error,
                1 => Outcome::Interrupted,
                _ => Outcome::Ok,
            };
            let usage = if number % 6 > 2 { r#"{"prompt_tokens":1000,"completion_tokens":100,"cost":0.00045}"# } else { "{}" };
            let settled = Settled {
                finished_at: at + number,
                outcome,
                model_answered: None,
                provider: None,
                generation_id: None,
                service_tier: None,
                latency: Duration::from_millis(u64::try_from(number).unwrap() + 1),
                first_token: None,
                reported: Reported::read(usage),
                http_status: None,
                error_type: None,
                error_message: None,
                finish_reason: None,
            };
            settle(c, &book, &call, &settled)?;
        }
        Ok(())
    }

    fn all(c: &mut dyn Conn, behind: &Behind) -> Result<Vec<Call>> {
        let mut calls: Vec<Call> = Vec::new();
        loop {
            let before = calls.last().map(|call| (call.started_at, call.id.clone()));
            let next = page(c, behind, before.as_ref().map(|(at, id)| (*at, id.as_str())), 3)?;
            if next.is_empty() {
                return Ok(calls);
            }
            calls.extend(next);
        }
    }

    #[test]
    fn behind_each_number_stand_as_many_calls_as_it_says() {
        let (database, _directory) = testing::database();
        database
            .write_blocking(|c| {
                fill(c)?;
                let personas = [None, Some(PersonaId::from_stored("p1")), Some(PersonaId::from_stored(""))];
                for persona in personas {
                    for model in [None, Some("made/up".to_owned())] {
                        let only = Only { model, persona: persona.clone(), ..Only::default() };
                        let total = sums::total(c, &DAY, &only)?;
                        let mut count = |which| {
                            let calls = all(c, &Behind { window: DAY, only: only.clone(), which })?;
                            let mut ids: Vec<&str> = calls.iter().map(|call| call.id.as_str()).collect();
                            assert!(calls.windows(2).all(|pair| (pair[0].started_at, &pair[0].id) > (pair[1].started_at, &pair[1].id)));
                            ids.dedup();
                            assert_eq!(ids.len(), calls.len());
                            Ok::<_, Error>(i64::try_from(calls.len()).unwrap())
                        };
                        assert_eq!(count(Which::All)?, total.calls);
                        assert_eq!(count(Which::Failed)?, total.errors);
                        assert_eq!(count(Which::Interrupted)?, total.interrupted);
                        assert_eq!(count(Which::Retried)?, total.retries);
                        assert_eq!(count(Which::Unpriced)?, total.unpriced);
                        assert_eq!(count(Which::Slow(0))?, total.latency_count);
                        let classes: Vec<_> = Drift::ALL.into_iter().map(|class| count(Which::Drift(class)).unwrap()).collect();
                        let drifts = drifts(c, &DAY, &only, 100)?;
                        let of = |class: &Drift| drifts.iter().find(|(known, _)| known == class).map_or(0, |(_, calls)| *calls);
                        assert_eq!(classes, Drift::ALL.iter().map(|class| i64::try_from(of(class)).unwrap()).collect::<Vec<_>>());
                    }
                }
                Ok::<_, Error>(())
            })
            .unwrap();
    }

    #[test]
    fn unknown_cost_is_told_from_none_by_the_same_rule_everywhere() {
        let (database, _directory) = testing::database();
        database
            .write_blocking(|c| {
                fill(c)?;
                let calls = all(c, &Behind { window: DAY, only: Only::default(), which: Which::All })?;
                let unknown = calls.iter().filter(|call| call.charged().is_none()).count();
                let total = sums::total(c, &DAY, &Only::default())?;
                assert_eq!(i64::try_from(unknown).unwrap(), total.unpriced);
                assert_eq!(calls.iter().filter_map(Call::charged).sum::<i64>(), total.charged.0);
                Ok::<_, Error>(())
            })
            .unwrap();
    }

    #[test]
    fn what_is_under_way_is_counted_until_it_is_over_or_lost() {
        let (database, _directory) = testing::database();
        database
            .write_blocking(|c| {
                fill(c)?;
                let now = NOW + 6 * 60_000 + 30_000;
                let found = traffic(c, &Only::default(), NOW, now)?;
                assert_eq!(found.iter().map(|one| one.under_way).sum::<i64>(), 2);
                assert_eq!(found.iter().map(|one| (one.requests, one.tokens)).collect::<Vec<_>>(), [(2, 0)]);
                assert_eq!(found[0].oldest, Some(NOW + 6 * 60_000));
                assert_eq!(traffic(c, &Only::default(), now - 1, now)?, []);
                // Of the two one is a persona's, and was lost.
                recover(c, &PersonaId::from_stored("p1"), now, now)?;
                assert_eq!(traffic(c, &Only::default(), NOW, now)?[0].under_way, 1);
                assert_eq!(all(c, &Behind { window: DAY, only: Only::default(), which: Which::UnderWay })?.len(), 1);
                Ok::<_, Error>(())
            })
            .unwrap();
    }
}
