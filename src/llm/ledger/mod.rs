//! The call ledger: one row per attempt. Plain SQL functions; the client calls them, and [`super::calls`] reads.
//!
//! A row is committed as `started` before its request leaves, and settled after it in one transaction with its price. What a crash leaves
//! behind as `started` becomes `interrupted` at the next start: something was sent, and what it cost is unknown.

mod drift;
mod spans;

pub mod past;

pub mod lookup;
pub mod pending;
pub mod replay;
pub mod rollup;
pub mod sketch;
pub mod spread;
pub mod sums;

pub use drift::Drift;
pub use spans::Window;

use super::price::{Book, PriceRow, book, cost};
use super::reported::Reported;
use super::route::cache::Kept;
use crate::base::{Millis, PersonaId, Picos, SafeText};
use crate::store::audit::{self, Actor};
use crate::store::{Conn, Error, Result, feed};
use crate::vals;
use serde_json::json;
use std::time::Duration;

/// The error type of a row that nobody settled.
const NOT_SETTLED: &str = "not_settled";

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// With an answer.
    Ok,
    /// With a refusal, or without a connection.
    Error,
    /// In the middle; it may have cost money.
    Interrupted,
    /// With something that is not an answer.
    Malformed,
}

impl Outcome {
    /// The word in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Interrupted => "interrupted",
            Self::Malformed => "malformed",
        }
    }

    /// The outcome of this word; `None` for a call that is under way.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Ok, Self::Error, Self::Interrupted, Self::Malformed].into_iter().find(|outcome| outcome.as_str() == word)
    }
}

/// What kind of work a call belongs to: budgets are divided by it, and batches are stopped before people have to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Somebody waits for it.
    #[default]
    Interactive,
    /// Nobody waits: it can be done tomorrow.
    Batch,
    /// For the running of the deck itself: checks, canaries, embeddings.
    Infrastructure,
}

impl Category {
    /// Every category.
    pub const ALL: [Self; 3] = [Self::Interactive, Self::Batch, Self::Infrastructure];

    /// The word in the ledger.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Batch => "batch",
            Self::Infrastructure => "infrastructure",
        }
    }
}

impl std::str::FromStr for Category {
    type Err = String;

    fn from_str(word: &str) -> std::result::Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|category| category.as_str() == word)
            .ok_or_else(|| format!("{} is no category of calls: interactive, batch or infrastructure", SafeText::clipped(word, 40)))
    }
}

/// An attempt that is about to be made.
#[derive(Debug, Clone)]
pub struct Started {
    /// The row's id.
    pub id: String,
    /// What the attempts of one question share.
    pub request_id: String,
    /// From 1, over all models.
    pub attempt: u32,
    /// On whose behalf.
    pub persona: Option<PersonaId>,
    /// The part of the program that asks.
    pub module: String,
    /// What ties calls of one piece of work together.
    pub correlation_id: String,
    /// The model.
    pub model_asked: String,
    /// Was a stream asked for?
    pub streamed: bool,
    /// When.
    pub started_at: Millis,
    /// What kind of work it belongs to.
    pub category: Category,
    /// How long it waited for its turn before that.
    pub queued: Duration,
    /// What was set aside for it.
    pub reserved: Option<Picos>,
}

/// How it went.
#[derive(Debug, Clone)]
pub struct Settled {
    /// When it was over.
    pub finished_at: Millis,
    /// How.
    pub outcome: Outcome,
    /// The model that answered.
    pub model_answered: Option<String>,
    /// The provider behind the service.
    pub provider: Option<String>,
    /// The service's id of the generation.
    pub generation_id: Option<String>,
    /// The tier that served it.
    pub service_tier: Option<String>,
    /// How long it took.
    pub latency: Duration,
    /// Time to the first token.
    pub first_token: Option<Duration>,
    /// Usage and cost as reported; `None` when nothing was reported.
    pub reported: Option<Reported>,
    /// The status of the answer, where one came.
    pub http_status: Option<u16>,
    /// The type of the failure.
    pub error_type: Option<String>,
    /// What failed, without the key.
    pub error_message: Option<String>,
    /// Why the answer ended.
    pub finish_reason: Option<String>,
}

/// What the price book says about a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priced {
    /// The cost.
    pub cost: Picos,
    /// The row that was used.
    pub price_id: String,
}

/// Write the row of an attempt before it is made.
///
/// # Errors
/// When the database refuses; the request must not be sent then.
pub fn start(c: &mut dyn Conn, call: &Started) -> Result<()> {
    c.exec(
        "INSERT INTO llm_calls (id, request_id, attempt, persona_id, module, correlation_id, model_asked, streamed, started_at, outcome, \
         category, queue_us, cost_reserved_picos) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'started', $10, $11, $12)",
        vals![
            &call.id,
            &call.request_id,
            call.attempt,
            call.persona.as_ref(),
            &call.module,
            &call.correlation_id,
            &call.model_asked,
            call.streamed,
            call.started_at,
            call.category.as_str(),
            micros(call.queued),
            call.reserved
        ],
    )?;
    let after = json!({ "outcome": "started", "model": call.model_asked, "attempt": call.attempt });
    record(c, call.started_at, call.persona.as_ref(), &call.module, "llm.call.start", &call.id, &serde_json::Value::Null, &after)
}

/// Complete the row of an attempt, and price it by the book in force when it started. Returns the computed cost; `None` when the call is
/// unpriced or has no usage.
///
/// # Errors
/// When the database refuses, or the row is settled already.
pub fn settle(c: &mut dyn Conn, own: &Book, call: &Started, settled: &Settled) -> Result<Option<Priced>> {
    let model = settled.model_answered.as_deref().unwrap_or(&call.model_asked);
    let row = if has_usage(settled) { book::in_force(c, own, model, call.started_at)? } else { None };
    let priced = row.and_then(|row| price(&row, call, settled));
    let reported = settled.reported.as_ref();
    let usage = reported.and_then(|reported| reported.usage.as_ref());
    let drift = Drift::of(reported.and_then(|reported| reported.cost_picos), priced.as_ref().map(|priced| priced.cost));
    // What was taken for lost stands in the sums as interrupted.
    let before = rollup::of_call(c, &call.id)?;
    let changed = c.exec(
        "UPDATE llm_calls SET model_answered = $1, provider = $2, generation_id = $3, finished_at = $4, latency_us = $5, first_token_us = $6, \
         tokens_in = $7, tokens_out = $8, tokens_cached = $9, tokens_written = $10, tokens_reasoning = $11, usage_flags = $12, \
         cost_reported = $13, cost_reported_picos = $14, cost_computed_picos = $15, price_id = $16, outcome = $17, http_status = $18, \
         error_type = $19, error_message = $20, finish_reason = $21, drift = $22, service_tier = $23, tokens_written_1h = $24, \
         tokens_written_12h = $25 WHERE id = $26 AND (outcome = 'started' OR (outcome = 'interrupted' AND error_type = $27))",
        vals![
            settled.model_answered.as_ref(),
            settled.provider.as_ref(),
            settled.generation_id.as_ref(),
            settled.finished_at,
            micros(settled.latency),
            settled.first_token.map(micros),
            usage.map(|usage| usage.input),
            usage.map(|usage| usage.output),
            usage.map(|usage| usage.cached),
            usage.map(|usage| usage.written),
            usage.map(|usage| usage.reasoning),
            usage.and_then(super::usage::Usage::flag_words),
            reported.and_then(|reported| reported.cost.as_ref()),
            reported.and_then(|reported| reported.cost_picos),
            priced.as_ref().map(|priced| priced.cost),
            priced.as_ref().map(|priced| &priced.price_id),
            settled.outcome.as_str(),
            settled.http_status.map(i32::from),
            settled.error_type.as_ref(),
            settled.error_message.as_ref(),
            settled.finish_reason.as_ref(),
            drift.as_str(),
            settled.service_tier.as_ref(),
            usage.map(|usage| usage.written_1h),
            usage.map(|usage| usage.written_12h),
            &call.id,
            NOT_SETTLED
        ],
    )?;
    if changed != 1 {
        return Err(Error::Constraint { reason: format!("the model call {} is settled already", call.id) });
    }
    if let Some(before) = before {
        rollup::take_back(c, &before)?;
    }
    if let Some(sample) = rollup::of_call(c, &call.id)? {
        rollup::add(c, &sample)?;
    }
    let after = json!({ "outcome": settled.outcome.as_str(), "error_type": settled.error_type, "cost_reported": reported.and_then(|reported| reported.cost.as_ref()) });
    record(
        c,
        settled.finished_at,
        call.persona.as_ref(),
        &call.module,
        "llm.call.settle",
        &call.id,
        &json!({ "outcome": "started" }),
        &after,
    )?;
    Ok(priced)
}

/// Write the decisions on the way of a call, as JSON, into its row.
///
/// # Errors
/// When the database refuses.
pub fn annotate(c: &mut dyn Conn, id: &str, trace: &str) -> Result<()> {
    c.exec("UPDATE llm_calls SET trace = $1 WHERE id = $2", vals![trace, id])?;
    Ok(())
}

/// Complete the row of a question that was answered with a kept answer: no tokens, no cost, and no latency, which would be none of the model's.
///
/// # Errors
/// When the database refuses, or the row is settled already.
pub fn hit(c: &mut dyn Conn, call: &Started, kept: &Kept, trace: &str, at: Millis) -> Result<()> {
    let changed = c.exec(
        "UPDATE llm_calls SET model_answered = $1, provider = $2, finished_at = $3, cost_computed_picos = 0, drift = $4, is_cached = 1, \
         trace = $5, outcome = 'ok', finish_reason = $6 WHERE id = $7 AND outcome = 'started'",
        vals![kept.model_answered.as_ref(), kept.provider.as_ref(), at, Drift::Same.as_str(), trace, kept.finish_reason.as_ref(), &call.id],
    )?;
    if changed != 1 {
        return Err(Error::Constraint { reason: format!("the model call {} is settled already", call.id) });
    }
    if let Some(sample) = rollup::of_call(c, &call.id)? {
        rollup::add(c, &sample)?;
    }
    let after = json!({ "outcome": "ok", "is_cached": true });
    record(c, at, call.persona.as_ref(), &call.module, "llm.call.settle", &call.id, &json!({ "outcome": "started" }), &after)
}

/// Price a call without a database, by a book in memory.
#[must_use]
pub fn price_in_memory(own: &Book, call: &Started, settled: &Settled) -> Option<Priced> {
    let model = settled.model_answered.as_deref().unwrap_or(&call.model_asked);
    price(own.in_force(model, call.started_at)?, call, settled)
}

fn has_usage(settled: &Settled) -> bool {
    settled.reported.as_ref().is_some_and(|reported| reported.usage.is_some())
}

fn price(row: &PriceRow, call: &Started, settled: &Settled) -> Option<Priced> {
    let usage = settled.reported.as_ref()?.usage.as_ref()?;
    let cost = cost(&row.rates, usage, settled.service_tier.as_deref(), call.started_at)?;
    Some(Priced { cost: cost.total, price_id: row.id.clone() })
}

/// Settle what earlier processes left behind for a persona: its rows that are `started` since before `started_before` (usually the start of this process) become
/// `interrupted`, with unknown cost. Returns how many. Should the process that started one be alive after all, it still settles its row.
///
/// # Errors
/// When the database refuses.
pub fn recover(c: &mut dyn Conn, owner: &PersonaId, now: Millis, started_before: Millis) -> Result<u64> {
    let left = c.query(
        "SELECT id, persona_id, module FROM llm_calls WHERE persona_id = $1 AND outcome = 'started' AND started_at < $2 ORDER BY started_at, id",
        vals![owner, started_before],
    )?;
    let mut recovered = 0;
    for row in left {
        let id = row.text("id")?;
        let persona = row.text_opt("persona_id")?.map(PersonaId::from_stored);
        recovered += c.exec(
            "UPDATE llm_calls SET outcome = 'interrupted', finished_at = $1, error_type = $2, error_message = $3 WHERE id = $4 AND outcome = 'started'",
            vals![now, NOT_SETTLED, "the program ended before the answer; what the call cost is unknown", &id],
        )?;
        if let Some(sample) = rollup::of_call(c, &id)? {
            rollup::add(c, &sample)?;
        }
        let after = json!({ "outcome": "interrupted", "error_type": NOT_SETTLED });
        record(c, now, persona.as_ref(), &row.text("module")?, "llm.call.recover", &id, &json!({ "outcome": "started" }), &after)?;
    }
    Ok(recovered)
}

#[allow(clippy::too_many_arguments, reason = "one audit row and one feed row, spelt out")]
fn record(
    c: &mut dyn Conn,
    at: Millis,
    persona: Option<&PersonaId>,
    module: &str,
    action: &str,
    id: &str,
    before: &serde_json::Value,
    after: &serde_json::Value,
) -> Result<()> {
    let actor = if persona.is_some() { Actor::agent(module) } else { Actor::system(module) };
    audit::append(
        c,
        &audit::Entry { at, persona, actor: &actor, action, subject_kind: "llm_call", subject_id: id, reason: None, before, after },
    )?;
    feed::append(c, at, "ledger", persona, action, id)?;
    Ok(())
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::calls;
    use crate::store::testing;

    const NOW: Millis = 1_795_219_200_000;

    fn started(id: &str, at: Millis) -> Started {
        Started {
            id: id.into(),
            request_id: id.into(),
            attempt: 1,
            persona: None,
            module: "draft".into(),
            correlation_id: "c".into(),
            model_asked: "openai/gpt-5-mini".into(),
            streamed: false,
            started_at: at,
            category: Category::default(),
            queued: Duration::ZERO,
            reserved: None,
        }
    }

    fn settled() -> Settled {
        Settled {
            finished_at: NOW + 9,
            outcome: Outcome::Ok,
            model_answered: None,
            provider: None,
            generation_id: None,
            service_tier: None,
            latency: Duration::from_millis(9),
            first_token: None,
            reported: Reported::read(r#"{"prompt_tokens":1000,"completion_tokens":100,"cost":0.00045}"#),
            http_status: Some(200),
            error_type: None,
            error_message: None,
            finish_reason: Some("stop".into()),
        }
    }

    #[test]
    fn what_a_crash_left_behind_becomes_interrupted_with_unknown_cost() {
        let (database, _directory) = testing::database();
        database
            .write_blocking(|c| {
                let owner = PersonaId::from_stored("p1");
                let own = |call: Started| Started { persona: Some(owner.clone()), ..call };
                start(c, &own(started("old", NOW)))?;
                start(c, &own(started("new", NOW + 100)))?;
                start(c, &Started { persona: Some(PersonaId::from_stored("p2")), ..started("other", NOW) })?;
                assert_eq!(recover(c, &owner, NOW + 200, NOW + 100)?, 1, "only what is older than this process, and its own");
                assert_eq!(recover(c, &owner, NOW + 200, NOW + 100)?, 0);
                let old = calls::attempts(c, "old")?.remove(0);
                assert_eq!(
                    (old.outcome.as_str(), old.error_type.as_deref(), old.finished_at),
                    ("interrupted", Some("not_settled"), Some(NOW + 200))
                );
                assert_eq!((old.cost_reported_picos, old.cost_computed_picos, old.tokens_in), (None, None, None));
                assert_eq!(calls::attempts(c, "new")?.remove(0).outcome, "started");
                assert_eq!(calls::attempts(c, "other")?.remove(0).outcome, "started");
                Ok::<_, Error>(())
            })
            .unwrap();
    }

    #[test]
    fn a_process_that_was_taken_for_dead_still_settles_its_call_and_nobody_settles_twice() {
        let (database, _directory) = testing::database();
        database
            .write_blocking(|c| {
                let (book, call) = (Book::embedded().map_err(|error| Error::Constraint { reason: error.to_string() })?, started("a", NOW));
                let owner = PersonaId::from_stored("p1");
                let call = Started { persona: Some(owner.clone()), ..call };
                start(c, &call)?;
                recover(c, &owner, NOW + 5, NOW + 1)?;
                let priced = settle(c, &book, &call, &settled())?;
                assert_eq!(priced.map(|priced| priced.cost), Some(Picos(450_000_000)));
                let row = calls::attempts(c, "a")?.remove(0);
                assert_eq!((row.outcome.as_str(), row.error_type, row.cost_reported.as_deref()), ("ok", None, Some("0.00045")));
                assert!(settle(c, &book, &call, &settled()).is_err());
                Ok::<_, Error>(())
            })
            .unwrap();
    }

    #[test]
    fn pages_of_calls_follow_each_other_and_one_persona_does_not_see_another_s() {
        let (database, _directory) = testing::database();
        database
            .write_blocking(|c| {
                let (mine, other) = (PersonaId::from_stored("p1"), PersonaId::from_stored("p2"));
                for number in 0..5 {
                    start(c, &Started { persona: Some(mine.clone()), ..started(&format!("m{number}"), NOW + number / 2) })?;
                }
                start(c, &Started { persona: Some(other.clone()), ..started("o", NOW) })?;
                let first = calls::recent(c, Some(&mine), None, 3)?;
                let last = first.last().map(|row| (row.started_at, row.id.clone())).unwrap();
                let second = calls::recent(c, Some(&mine), Some((last.0, &last.1)), 3)?;
                let ids: Vec<_> = first.iter().chain(&second).map(|row| row.id.as_str()).collect();
                assert_eq!(ids, ["m4", "m3", "m2", "m1", "m0"]);
                assert_eq!(calls::recent(c, Some(&other), None, 9)?.len(), 1);
                assert_eq!(calls::recent(c, None, None, 9)?.len(), 6);
                Ok::<_, Error>(())
            })
            .unwrap();
    }
}
