//! Reading the call ledger: the calls of a question, of a piece of work, the newest ones, and [`behind`] those behind a number.

pub mod behind;

use super::route::Trace;
use crate::base::{Millis, PersonaId};
use crate::store::{Conn, Result, Row};
use crate::vals;

/// A row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Call {
    /// Its id.
    pub id: String,
    /// What the attempts of one question share.
    pub request_id: String,
    /// From 1.
    pub attempt: i64,
    /// On whose behalf.
    pub persona_id: Option<String>,
    /// The part of the program that asked.
    pub module: String,
    /// What ties calls of one piece of work together.
    pub correlation_id: String,
    /// The model asked.
    pub model_asked: String,
    /// The model that answered.
    pub model_answered: Option<String>,
    /// The provider behind the service.
    pub provider: Option<String>,
    /// When it started.
    pub started_at: Millis,
    /// When it was over.
    pub finished_at: Option<Millis>,
    /// How long it took, in microseconds.
    pub latency_us: Option<i64>,
    /// Time to the first token, in microseconds.
    pub first_token_us: Option<i64>,
    /// Input tokens, cached ones included.
    pub tokens_in: Option<i64>,
    /// Output tokens, reasoning included.
    pub tokens_out: Option<i64>,
    /// Input tokens read from a cache.
    pub tokens_cached: Option<i64>,
    /// Input tokens written to a cache.
    pub tokens_written: Option<i64>,
    /// Reasoning tokens.
    pub tokens_reasoning: Option<i64>,
    /// Contradictions of the usage, comma-separated.
    pub usage_flags: Option<String>,
    /// The cost in USD as reported, to the last digit.
    pub cost_reported: Option<String>,
    /// The same in pico-dollars.
    pub cost_reported_picos: Option<i64>,
    /// The cost by the price book, in pico-dollars; `None` is unknown, not nothing.
    pub cost_computed_picos: Option<i64>,
    /// The row of the price book.
    pub price_id: Option<String>,
    /// `started`, `ok`, `error`, `interrupted` or `malformed`.
    pub outcome: String,
    /// The status of the answer.
    pub http_status: Option<i64>,
    /// The type of the failure.
    pub error_type: Option<String>,
    /// What failed.
    pub error_message: Option<String>,
    /// Why the answer ended.
    pub finish_reason: Option<String>,
    /// The service's id of the generation.
    pub generation_id: Option<String>,
    /// What kind of work it belongs to.
    pub category: String,
    /// What was set aside for it before it was made, in pico-dollars.
    pub cost_reserved_picos: Option<i64>,
    /// The class of the distance between the two costs, as [`super::ledger::Drift`]; `None` of one that is under way.
    pub drift: Option<String>,
    /// How long it waited to be sent, in microseconds.
    pub queue_us: Option<i64>,
    /// Whether it was answered from the cache of this program.
    pub is_cached: bool,
    /// The decisions on its way, as JSON.
    pub trace: Option<String>,
    /// The file that it was imported from.
    pub source_file: Option<String>,
    /// Its line there, from 1.
    pub source_line: Option<i64>,
}

const COLUMNS: &str = "id, request_id, attempt, persona_id, module, correlation_id, model_asked, model_answered, provider, started_at, finished_at, \
    latency_us, first_token_us, tokens_in, tokens_out, tokens_cached, tokens_written, tokens_reasoning, usage_flags, cost_reported, \
    cost_reported_picos, cost_computed_picos, price_id, outcome, http_status, error_type, error_message, finish_reason, generation_id, \
    category, cost_reserved_picos, drift, queue_us, is_cached, trace, source_file, source_line";

/// A call by its id, of one persona or of any.
///
/// # Errors
/// When the database refuses.
pub fn get(c: &mut dyn Conn, persona: Option<&PersonaId>, id: &str) -> Result<Option<Call>> {
    let row = match persona {
        Some(persona) => c.first(&format!("SELECT {COLUMNS} FROM llm_calls WHERE id = $1 AND persona_id = $2"), vals![id, persona])?,
        None => c.first(&format!("SELECT {COLUMNS} FROM llm_calls WHERE id = $1"), vals![id])?,
    };
    row.as_ref().map(call).transpose()
}

/// The attempts of one question, in order.
///
/// # Errors
/// When the database refuses.
pub fn attempts(c: &mut dyn Conn, request_id: &str) -> Result<Vec<Call>> {
    let rows = c.query(&format!("SELECT {COLUMNS} FROM llm_calls WHERE request_id = $1 ORDER BY attempt"), vals![request_id])?;
    rows.iter().map(call).collect()
}

/// The calls of one piece of work, oldest first.
///
/// # Errors
/// When the database refuses.
pub fn correlated(c: &mut dyn Conn, correlation_id: &str) -> Result<Vec<Call>> {
    let rows =
        c.query(&format!("SELECT {COLUMNS} FROM llm_calls WHERE correlation_id = $1 ORDER BY started_at, id"), vals![correlation_id])?;
    rows.iter().map(call).collect()
}

/// At most `limit` calls, the newest first, of one persona or of all; `before` is the last row of the page before this one.
///
/// # Errors
/// When the database refuses.
pub fn recent(c: &mut dyn Conn, persona: Option<&PersonaId>, before: Option<(Millis, &str)>, limit: i64) -> Result<Vec<Call>> {
    let (at, id) = before.unwrap_or((i64::MAX, ""));
    let rows = match persona {
        Some(persona) => c.query(
            &format!("SELECT {COLUMNS} FROM llm_calls WHERE persona_id = $1 AND (started_at, id) < ($2, $3) ORDER BY started_at DESC, id DESC LIMIT $4"),
            vals![persona, at, id, limit],
        )?,
        None => c.query(
            &format!("SELECT {COLUMNS} FROM llm_calls WHERE (started_at, id) < ($1, $2) ORDER BY started_at DESC, id DESC LIMIT $3"),
            vals![at, id, limit],
        )?,
    };
    rows.iter().map(call).collect()
}

impl Call {
    /// What it cost: as reported, else by the book. `None` is unknown. By the rules of [`super::ledger::rollup::Sample::charged`].
    #[must_use]
    pub fn charged(&self) -> Option<i64> {
        let has_usage = self.tokens_in.unwrap_or(0) > 0 || self.tokens_out.unwrap_or(0) > 0;
        let is_free = self.is_cached || (self.outcome == "error" && !has_usage);
        self.cost_reported_picos.or(self.cost_computed_picos).or(is_free.then_some(0))
    }

    /// The model that answered, else the one that was asked.
    #[must_use]
    pub fn model(&self) -> &str {
        self.model_answered.as_deref().unwrap_or(&self.model_asked)
    }
}

/// The decisions on the way of a call; `None` when there is no such call, the inner `None` when it left none.
///
/// # Errors
/// When the database refuses.
pub fn trace(c: &mut dyn Conn, id: &str) -> Result<Option<Option<Trace>>> {
    let row = c.first("SELECT trace FROM llm_calls WHERE id = $1", vals![id])?;
    row.map(|row| Ok(row.text_opt("trace")?.as_deref().and_then(Trace::read))).transpose()
}

fn call(row: &Row) -> Result<Call> {
    Ok(Call {
        id: row.text("id")?,
        request_id: row.text("request_id")?,
        attempt: row.int("attempt")?,
        persona_id: row.text_opt("persona_id")?,
        module: row.text("module")?,
        correlation_id: row.text("correlation_id")?,
        model_asked: row.text("model_asked")?,
        model_answered: row.text_opt("model_answered")?,
        provider: row.text_opt("provider")?,
        started_at: row.int("started_at")?,
        finished_at: row.int_opt("finished_at")?,
        latency_us: row.int_opt("latency_us")?,
        first_token_us: row.int_opt("first_token_us")?,
        tokens_in: row.int_opt("tokens_in")?,
        tokens_out: row.int_opt("tokens_out")?,
        tokens_cached: row.int_opt("tokens_cached")?,
        tokens_written: row.int_opt("tokens_written")?,
        tokens_reasoning: row.int_opt("tokens_reasoning")?,
        usage_flags: row.text_opt("usage_flags")?,
        cost_reported: row.text_opt("cost_reported")?,
        cost_reported_picos: row.int_opt("cost_reported_picos")?,
        cost_computed_picos: row.int_opt("cost_computed_picos")?,
        price_id: row.text_opt("price_id")?,
        outcome: row.text("outcome")?,
        http_status: row.int_opt("http_status")?,
        error_type: row.text_opt("error_type")?,
        error_message: row.text_opt("error_message")?,
        finish_reason: row.text_opt("finish_reason")?,
        generation_id: row.text_opt("generation_id")?,
        category: row.text("category")?,
        cost_reserved_picos: row.int_opt("cost_reserved_picos")?,
        drift: row.text_opt("drift")?,
        queue_us: row.int_opt("queue_us")?,
        is_cached: row.flag("is_cached")?,
        trace: row.text_opt("trace")?,
        source_file: row.text_opt("source_file")?,
        source_line: row.int_opt("source_line")?,
    })
}
