//! Calls that are over already, many at once: for a world that is made up with a past. The same rows and sums as those of calls that were made,
//! written together.

use super::pending::Pending;
use super::rollup::Sample;
use super::{Drift, Settled, Started, micros, price_in_memory};
use crate::base::Millis;
use crate::llm::price::Book;
use crate::store::audit::{self, Actor};
use crate::store::{Conn, Result, feed};
use crate::vals;
use serde_json::json;

/// A call that is over.
#[derive(Debug, Clone)]
pub struct Past {
    /// How it began.
    pub started: Started,
    /// How it ended.
    pub settled: Settled,
    /// Whether it was answered from the cache of this program.
    pub is_cached: bool,
    /// The decisions on its way, as JSON.
    pub trace: Option<String>,
}

/// Write them with their sums, one audit row and one row of the feed. Priced by the book in memory.
///
/// # Errors
/// When the database refuses, as for an id that is there already: nothing is written then.
pub fn write(c: &mut dyn Conn, own: &Book, calls: &[Past], actor: &Actor, at: Millis) -> Result<()> {
    let mut sums = Pending::default();
    for past in calls {
        sums.add(&one(c, own, past)?);
    }
    sums.write(c)?;
    let after = json!({ "calls": calls.len() });
    let entry = audit::Entry {
        at,
        persona: None,
        actor,
        action: "llm.call.past",
        subject_kind: "llm_call",
        subject_id: calls.last().map_or("", |past| &past.started.id),
        reason: None,
        before: &serde_json::Value::Null,
        after: &after,
    };
    audit::append(c, &entry)?;
    feed::append(c, at, "ledger", None, "llm.call.past", entry.subject_id)?;
    Ok(())
}

fn one(c: &mut dyn Conn, own: &Book, Past { started, settled, is_cached, trace }: &Past) -> Result<Sample> {
    let priced = price_in_memory(own, started, settled);
    let reported = settled.reported.as_ref();
    let usage = reported.and_then(|reported| reported.usage.as_ref());
    let cost = reported.and_then(|reported| reported.cost_picos);
    let computed = priced.as_ref().map(|priced| priced.cost);
    c.exec(
        "INSERT INTO llm_calls (id, request_id, attempt, persona_id, module, correlation_id, model_asked, streamed, started_at, category, \
         queue_us, cost_reserved_picos, model_answered, provider, finished_at, latency_us, first_token_us, tokens_in, tokens_out, tokens_cached, \
         tokens_written, tokens_reasoning, cost_reported, cost_reported_picos, cost_computed_picos, price_id, outcome, http_status, error_type, \
         error_message, finish_reason, drift, is_cached, trace) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, \
         $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34)",
        vals![
            &started.id,
            &started.request_id,
            started.attempt,
            started.persona.as_ref(),
            &started.module,
            &started.correlation_id,
            &started.model_asked,
            started.streamed,
            started.started_at,
            started.category.as_str(),
            micros(started.queued),
            started.reserved,
            settled.model_answered.as_ref(),
            settled.provider.as_ref(),
            settled.finished_at,
            micros(settled.latency),
            settled.first_token.map(micros),
            usage.map(|usage| usage.input),
            usage.map(|usage| usage.output),
            usage.map(|usage| usage.cached),
            usage.map(|usage| usage.written),
            usage.map(|usage| usage.reasoning),
            reported.and_then(|reported| reported.cost.as_ref()),
            cost,
            computed,
            priced.as_ref().map(|priced| &priced.price_id),
            settled.outcome.as_str(),
            settled.http_status.map(i32::from),
            settled.error_type.as_ref(),
            settled.error_message.as_ref(),
            settled.finish_reason.as_ref(),
            Drift::of(cost, computed).as_str(),
            *is_cached,
            trace.as_ref()
        ],
    )?;
    let count = |of: fn(&crate::llm::usage::Usage) -> i64| usage.map_or(0, of);
    Ok(Sample {
        at: started.started_at,
        model: settled.model_answered.clone().unwrap_or_else(|| started.model_asked.clone()),
        module: started.module.clone(),
        persona: started.persona.as_ref().map(ToString::to_string).unwrap_or_default(),
        category: started.category.as_str().to_owned(),
        outcome: settled.outcome,
        is_cached: *is_cached,
        is_retry: started.attempt > 1,
        tokens_in: count(|usage| usage.input),
        tokens_out: count(|usage| usage.output),
        tokens_cached: count(|usage| usage.cached),
        tokens_written: count(|usage| usage.written),
        tokens_reasoning: count(|usage| usage.reasoning),
        reported: cost,
        computed,
        latency_us: Some(micros(settled.latency)),
        first_token_us: settled.first_token.map(micros),
        queue_us: micros(started.queued),
    })
}
