//! Calls whose answer broke off: which of them can still be looked up, and writing down what they cost, once.

use super::{Drift, Outcome, book, cost, record, rollup};
use crate::base::{Millis, PersonaId, Picos};
use crate::llm::budget::{Admission, Reached, correction};
use crate::llm::price::Book;
use crate::llm::reported::Reported;
use crate::store::{Conn, Result, Row};
use crate::vals;
use serde::Serialize;
use serde_json::json;

/// A call of unknown cost that the service may know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lost {
    /// The row's id.
    pub id: String,
    /// The service's id of the generation.
    pub generation_id: String,
    /// The model that answered, else the one that was asked.
    pub model: String,
    /// The part of the program that asked.
    pub module: String,
    /// When it started.
    pub started_at: Millis,
    /// When it broke off.
    pub finished_at: Option<Millis>,
}

/// What the service says of a generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its id.
    pub generation_id: String,
    /// Tokens and cost.
    pub reported: Reported,
    /// The model that answered.
    pub model: Option<String>,
    /// The provider behind the service.
    pub provider: Option<String>,
    /// The tier that served it.
    pub service_tier: Option<String>,
    /// Why it ended.
    pub finish_reason: Option<String>,
}

/// The calls since a moment whose cost is unknown and can be looked up, the oldest first. Imported calls are not ours to look up.
///
/// # Errors
/// When the database refuses.
pub fn lost(c: &mut dyn Conn, since: Millis, limit: u32) -> Result<Vec<Lost>> {
    let rows = c.query(
        "SELECT id, generation_id, COALESCE(model_answered, model_asked) AS model, module, started_at, finished_at FROM llm_calls \
         WHERE outcome = 'interrupted' AND cost_reported_picos IS NULL AND generation_id IS NOT NULL AND source_file IS NULL \
         AND started_at >= $1 ORDER BY started_at, id LIMIT $2",
        vals![since, limit],
    )?;
    let lost = |row: &Row| {
        Ok(Lost {
            id: row.text("id")?,
            generation_id: row.text("generation_id")?,
            model: row.text("model")?,
            module: row.text("module")?,
            started_at: row.int("started_at")?,
            finished_at: row.int_opt("finished_at")?,
        })
    };
    rows.iter().map(lost).collect()
}

/// Write down what a call cost that was interrupted: its row, the sums, the budgets and the drift together, and only when nobody did so before.
/// Returns `None` then, else the drift and the thresholds that are reached now.
///
/// # Errors
/// When the database refuses.
pub fn write(c: &mut dyn Conn, own: &Book, id: &str, found: &Found, at: Millis) -> Result<Option<(Drift, Vec<Reached>)>> {
    let row = c.first(
        "SELECT persona_id, module, category, model_asked, model_answered, started_at, cost_reserved_picos FROM llm_calls WHERE id = $1 \
         AND outcome = 'interrupted' AND cost_reported_picos IS NULL AND generation_id = $2",
        vals![id, &found.generation_id],
    )?;
    let (Some(row), Some(before), Some(_)) = (row, rollup::of_call(c, id)?, found.reported.cost_picos) else { return Ok(None) };
    let started_at = row.int("started_at")?;
    let persona = row.text_opt("persona_id")?.map(PersonaId::from_stored);
    let module = row.text("module")?;
    // What the answer itself had said of its model stays: the service may name it otherwise here.
    let answered = row.text_opt("model_answered")?.or_else(|| found.model.clone());
    let price = book::in_force(c, own, answered.as_deref().unwrap_or(&before.model), started_at)?;
    let usage = found.reported.usage.as_ref();
    let computed =
        price.as_ref().zip(usage).and_then(|(price, usage)| cost(&price.rates, usage, found.service_tier.as_deref(), started_at));
    let computed = computed.map(|cost| cost.total);
    let drift = Drift::of(found.reported.cost_picos, computed);
    let changed = c.exec(
        "UPDATE llm_calls SET cost_reported = $1, cost_reported_picos = $2, cost_computed_picos = $3, price_id = $4, drift = $5, tokens_in = $6, \
         tokens_out = $7, tokens_cached = $8, tokens_written = $9, tokens_reasoning = $10, tokens_written_1h = $11, tokens_written_12h = $12, \
         usage_flags = $13, model_answered = $14, provider = COALESCE($15, provider), \
         service_tier = COALESCE($16, service_tier), finish_reason = COALESCE($17, finish_reason) \
         WHERE id = $18 AND outcome = 'interrupted' AND cost_reported_picos IS NULL",
        vals![
            found.reported.cost.as_ref(),
            found.reported.cost_picos,
            computed,
            computed.and(price.as_ref()).map(|price| &price.id),
            drift.as_str(),
            usage.map(|usage| usage.input),
            usage.map(|usage| usage.output),
            usage.map(|usage| usage.cached),
            usage.map(|usage| usage.written),
            usage.map(|usage| usage.reasoning),
            usage.map(|usage| usage.written_1h),
            usage.map(|usage| usage.written_12h),
            usage.and_then(crate::llm::usage::Usage::flag_words),
            answered,
            found.provider.as_ref(),
            found.service_tier.as_ref(),
            found.finish_reason.as_ref(),
            id
        ],
    )?;
    let (1, Some(after)) = (changed, rollup::of_call(c, id)?) else { return Ok(None) };
    rollup::correct(c, &before, &after)?;
    let admission = Admission {
        call_id: id.to_owned(),
        at: started_at,
        persona: persona.clone(),
        module: module.clone(),
        model: row.text("model_asked")?,
        category: row.text("category")?.parse().unwrap_or_default(),
        estimate: row.int_opt("cost_reserved_picos")?.map(Picos),
        lease: 0,
    };
    let reached = match (before.charged(), after.charged()) {
        (None, Some(charged)) => correction::charged(c, &admission, charged, at)?,
        _ => Vec::new(),
    };
    let (old, new) = (
        json!({ "outcome": Outcome::Interrupted.as_str(), "cost_reported": null }),
        json!({ "cost_reported": found.reported.cost, "drift": drift }),
    );
    record(c, at, persona.as_ref(), &module, "llm.call.recover_cost", id, &old, &new)?;
    Ok(Some((drift, reached)))
}

/// What our own calls were charged in a span, and how many of them are of unknown cost because they were interrupted; with the moment of the first
/// call that the ledger has at all. Calls that were imported or answered from the cache do not count.
///
/// # Errors
/// When the database refuses.
pub fn charged(c: &mut dyn Conn, from: Millis, until: Millis) -> Result<(Picos, u64)> {
    let row = c.first(
        "SELECT CAST(COALESCE(sum(COALESCE(cost_reported_picos, cost_computed_picos, 0)), 0) AS BIGINT) AS charged, \
         CAST(COALESCE(sum(CASE WHEN outcome IN ('interrupted', 'started') AND cost_reported_picos IS NULL THEN 1 ELSE 0 END), 0) AS BIGINT) AS unknown_calls \
         FROM llm_calls WHERE started_at >= $1 AND started_at < $2 AND source_file IS NULL AND is_cached = 0",
        vals![from, until],
    )?;
    row.map_or(Ok((Picos::ZERO, 0)), |row| Ok((Picos(row.int("charged")?), u64::try_from(row.int("unknown_calls")?).unwrap_or(0))))
}

/// When the first call of our own was made.
///
/// # Errors
/// When the database refuses.
pub fn first_call(c: &mut dyn Conn) -> Result<Option<Millis>> {
    let row = c.first("SELECT started_at FROM llm_calls WHERE source_file IS NULL ORDER BY started_at, id LIMIT 1", &[])?;
    row.map(|row| row.int("started_at")).transpose()
}
