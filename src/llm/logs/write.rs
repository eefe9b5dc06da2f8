//! A batch of calls in one transaction: rows, corrections of rows that are there, sums, rejected lines, and how far the file was read.

use super::entry::Doubts;
use super::files::{self, Counts, REJECTS_KEPT, Step};
use super::piece::{Call, Found};
use super::prices::Prices;
use crate::base::{Millis, Picos};
use crate::llm::ledger::Drift;
use crate::llm::ledger::pending::Pending;
use crate::llm::ledger::rollup::{self, HOUR, Sample};
use crate::store::audit::{self, Actor};
use crate::store::{Bulk, Conn, Result, Row, ValRef, feed};
use crate::vals;
use hashbrown::HashMap;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// What is written together.
#[derive(Debug)]
pub struct Batch {
    /// The file.
    pub file: i64,
    /// Its name, for the audit log.
    pub place: String,
    /// What was found in it, in order.
    pub found: Vec<Found>,
    /// How far that is.
    pub step: Step,
    /// Lines of the file that were rejected before.
    pub rejected_before: u64,
}

/// What a batch did.
#[derive(Debug, Clone, Default)]
pub struct Written {
    /// The lines by what became of them.
    pub counts: Counts,
    /// Those of the repeated ones that the deck made itself and knows better.
    pub own: u64,
    /// What the new calls cost, as far as it is known.
    pub charged: Picos,
    /// New calls of which it is not known.
    pub unpriced: u64,
    /// New calls that the book cannot price, by model.
    pub without_price: BTreeMap<String, u64>,
    /// New calls by how far report and book differ.
    pub drift: BTreeMap<Drift, u64>,
}

const CALLS: Bulk = Bulk {
    table: "llm_calls",
    columns: &[
        "id",
        "request_id",
        "attempt",
        "persona_id",
        "module",
        "correlation_id",
        "model_asked",
        "provider",
        "generation_id",
        "streamed",
        "started_at",
        "finished_at",
        "latency_us",
        "first_token_us",
        "tokens_in",
        "tokens_out",
        "tokens_cached",
        "tokens_written",
        "tokens_written_1h",
        "tokens_reasoning",
        "usage_flags",
        "cost_reported",
        "cost_reported_picos",
        "cost_computed_picos",
        "price_id",
        "outcome",
        "http_status",
        "error_type",
        "finish_reason",
        "category",
        "service_tier",
        "drift",
        "source_file",
        "source_line",
        "signature",
        "module_version",
    ],
    on_conflict: "ON CONFLICT DO NOTHING",
    tells_left_out: true,
};

/// The length of an id as text.
const ID: usize = uuid::fmt::Hyphenated::LENGTH;

/// A call with the piece that holds its names and texts.
type Told<'a> = (&'a Found, &'a Call);

fn drift(call: &Call) -> Drift {
    Drift::of(call.cost, call.computed.map(|(cost, _)| cost))
}

fn sample<'a>((found, call): Told<'a>) -> Sample<&'a str> {
    Sample {
        at: call.at,
        model: found.name(call.model),
        module: found.name(call.module),
        persona: found.name(call.persona),
        category: call.category.as_str(),
        outcome: call.outcome,
        is_cached: false,
        is_retry: false,
        tokens_in: call.tokens.input.unwrap_or(0),
        tokens_out: call.tokens.output.unwrap_or(0),
        tokens_cached: call.tokens.cached.unwrap_or(0),
        tokens_written: call.tokens.written.unwrap_or(0),
        tokens_reasoning: call.tokens.reasoning.unwrap_or(0),
        reported: call.cost,
        computed: call.computed.map(|(cost, _)| cost),
        latency_us: call.latency_us,
        first_token_us: call.first_token_us,
        queue_us: 0,
    }
}

/// What the ledger keeps of the oddities of a call; the total where nothing else is known of its tokens.
fn flags(call: &Call) -> Option<String> {
    let words = call.doubts.words();
    match (call.tokens.input, call.tokens.output, call.tokens.total) {
        (None, None, Some(total)) => Some(format!("{},total={total}", words.unwrap_or_default()).trim_start_matches(',').to_owned()),
        _ => words,
    }
}

/// Write a batch.
///
/// # Errors
/// When the database refuses: nothing of the batch is there then.
pub fn batch(c: &mut dyn Conn, batch: &Batch, prices: &Prices, actor: &Actor, now: Millis) -> Result<Written> {
    let mut written = Written::default();
    let calls = distinct(c, batch, &mut written)?;
    let left_out = insert(c, batch.file, &calls, prices)?;
    let mut sums = Pending::default();
    let (mut again, mut stale) = (left_out.iter().peekable(), BTreeSet::new());
    for (number, told) in calls.iter().enumerate() {
        if again.next_if_eq(&&number).is_some() {
            if correct(c, batch.file, *told, prices, &mut sums, &mut stale)? {
                written.counts.corrected += 1;
            } else {
                written.counts.repeated += 1;
            }
            continue;
        }
        sums.add(&sample(*told));
        tally(&mut written, *told);
    }
    sums.write(c)?;
    rollup::resketch(c, &stale)?;
    let rejects: Vec<_> = batch.found.iter().flat_map(|found| &found.rejects).collect();
    written.counts.rejected = rejects.len() as u64;
    written.counts.other = batch.found.iter().map(|found| found.other).sum();
    let room = usize::try_from(REJECTS_KEPT.saturating_sub(batch.rejected_before)).unwrap_or(0);
    files::reject(c, batch.file, rejects.get(..room.min(rejects.len())).unwrap_or_default(), now)?;
    files::advance(c, batch.file, &batch.step, &written.counts, now)?;
    if written.counts.calls + written.counts.corrected > 0 {
        let after = json!({ "file": batch.place, "line": batch.step.line, "counts": written.counts });
        let subject_id = batch.file.to_string();
        let entry = audit::Entry {
            at: now,
            persona: None,
            actor,
            action: "calls.import",
            subject_kind: "import_file",
            subject_id: &subject_id,
            reason: None,
            before: &serde_json::Value::Null,
            after: &after,
        };
        audit::append(c, &entry)?;
        feed::append(c, now, "ledger", None, "calls_imported", &subject_id)?;
    }
    Ok(written)
}

fn tally(written: &mut Written, (found, call): Told<'_>) {
    written.counts.calls += 1;
    match call.charged() {
        Some(charged) => written.charged = written.charged.saturating_add(charged),
        None => written.unpriced += 1,
    }
    *written.drift.entry(drift(call)).or_default() += 1;
    if call.computed.is_none() && call.tokens.input.is_some() && call.tokens.output.is_some() {
        let model = found.name(call.model);
        match written.without_price.get_mut(model) {
            Some(count) => *count += 1,
            None => _ = written.without_price.insert(model.to_owned(), 1),
        }
    }
}

/// The calls of a batch, each once and as it was told last, without those that the deck made itself.
fn distinct<'a>(c: &mut dyn Conn, batch: &'a Batch, written: &mut Written) -> Result<Vec<Told<'a>>> {
    let all = batch.found.iter().map(|found| found.calls.len()).sum();
    let mut places: HashMap<[u8; 16], usize> = HashMap::with_capacity(all);
    let mut calls: Vec<Told<'_>> = Vec::with_capacity(all);
    for found in &batch.found {
        for call in &found.calls {
            if let Some(before) = places.get(&call.id).and_then(|place| calls.get_mut(*place)) {
                if says_the_same(*before, (found, call)) {
                    written.counts.repeated += 1
                } else {
                    written.counts.corrected += 1
                }
                *before = (found, call);
            } else if is_own(c, (found, call))? {
                written.own += 1;
                written.counts.repeated += 1;
            } else {
                places.insert(call.id, calls.len());
                calls.push((found, call));
            }
        }
    }
    Ok(calls)
}

/// Whether the deck made this call itself: its own row knows more than a log does.
fn is_own(c: &mut dyn Conn, (found, call): Told<'_>) -> Result<bool> {
    let Some(given) = found.text(call.given) else { return Ok(false) };
    let own = c.first("SELECT id FROM llm_calls WHERE generation_id = $1 AND source_file IS NULL LIMIT 1", vals![given])?;
    Ok(own.is_some())
}

fn says_the_same(one: Told<'_>, other: Told<'_>) -> bool {
    let rest =
        |(found, call): Told<'_>| (found.text(call.cost_text).map(str::to_owned), found.name(call.error_type).to_owned(), call.http_status);
    sample(one) == sample(other) && rest(one) == rest(other)
}

fn insert(c: &mut dyn Conn, file: i64, calls: &[Told<'_>], prices: &Prices) -> Result<Vec<usize>> {
    let mut ids = String::with_capacity(calls.len() * ID);
    let mut buffer = [0; ID];
    for (_, call) in calls {
        ids.push_str(uuid::Uuid::from_bytes(call.id).hyphenated().encode_lower(&mut buffer));
    }
    let file = file.to_string();
    let flags: Vec<Option<String>> = calls.iter().map(|(_, call)| flags(call)).collect();
    // Cells for a part of them at a time: those of all would be many times as large as the rows.
    let mut left_out = Vec::new();
    let mut cells = Vec::with_capacity(PART.min(calls.len()) * CALLS.columns.len());
    for (part, told) in calls.chunks(PART).enumerate() {
        cells.clear();
        for (number, told) in told.iter().enumerate() {
            let number = part * PART + number;
            let id = ids.get(number * ID..(number + 1) * ID).unwrap_or_default();
            push(&mut cells, *told, id, &file, flags.get(number).and_then(Option::as_deref), prices);
        }
        left_out.extend(c.insert(&CALLS, &cells)?.into_iter().map(|number| part * PART + number));
    }
    Ok(left_out)
}

/// Rows whose cells are made at a time.
const PART: usize = 4_096;

fn push<'a>(cells: &mut Vec<ValRef<'a>>, (found, call): Told<'a>, id: &'a str, file: &'a str, flags: Option<&'a str>, prices: &'a Prices) {
    let tokens = &call.tokens;
    cells.extend([
        ValRef::Text(id),
        ValRef::Text(id),
        ValRef::Int(1),
        found.name_opt(call.persona).into(),
        ValRef::Text(found.name(call.module)),
        ValRef::Text(""),
        ValRef::Text(found.name(call.model)),
        found.name_opt(call.provider).into(),
        found.text(call.given).into(),
        ValRef::Int(0),
        ValRef::Int(call.at),
        ValRef::Int(call.at.saturating_add(call.latency_us.unwrap_or(0) / 1_000)),
        call.latency_us.into(),
        call.first_token_us.into(),
        tokens.input.into(),
        tokens.output.into(),
        tokens.cached.into(),
        tokens.written.into(),
        tokens.written_1h.into(),
        tokens.reasoning.into(),
        flags.into(),
        found.text(call.cost_text).into(),
        call.cost.map(|cost| cost.0).into(),
        call.computed.map(|(cost, _)| cost.0).into(),
        call.computed.and_then(|(_, row)| prices.id(row)).into(),
        ValRef::Text(call.outcome.as_str()),
        call.http_status.into(),
        found.name_opt(call.error_type).into(),
        found.name_opt(call.finish).into(),
        ValRef::Text(call.category.as_str()),
        found.name_opt(call.tier).into(),
        ValRef::Text(drift(call).as_str()),
        ValRef::Text(file),
        ValRef::Int(call.line.cast_signed()),
        found.name_opt(call.signature).into(),
        found.name_opt(call.version).into(),
    ]);
}

/// Bring the row of a known call to what was told last. `false` when it says the same.
fn correct(
    c: &mut dyn Conn,
    file: i64,
    told: Told<'_>,
    prices: &Prices,
    sums: &mut Pending,
    stale: &mut BTreeSet<(Millis, String, String)>,
) -> Result<bool> {
    let (found, call) = told;
    let id = uuid::Uuid::from_bytes(call.id).hyphenated().to_string();
    let Some(row) = c.first("SELECT cost_reported, error_type, http_status FROM llm_calls WHERE id = $1", vals![&id])? else {
        return Ok(false);
    };
    let Some(before) = rollup::of_call(c, &id)? else { return Ok(false) };
    let mut after = sample(told);
    // The price of a closed month stays what it was, unless what is priced is another.
    let same_use = (before.tokens_in, before.tokens_out, before.tokens_cached, before.tokens_written, before.tokens_reasoning, before.at)
        == (after.tokens_in, after.tokens_out, after.tokens_cached, after.tokens_written, after.tokens_reasoning, after.at)
        && before.model == after.model;
    if same_use {
        after.computed = before.computed;
    }
    let is_same = owned(&after) == before && same_rest(&row, told)?;
    if is_same {
        return Ok(false);
    }
    let computed = if same_use { None } else { call.computed };
    c.exec(
        "UPDATE llm_calls SET persona_id = $1, module = $2, model_asked = $3, started_at = $4, finished_at = $5, latency_us = $6, first_token_us = $7, \
         tokens_in = $8, tokens_out = $9, tokens_cached = $10, tokens_written = $11, tokens_reasoning = $12, usage_flags = $13, cost_reported = $14, \
         cost_reported_picos = $15, cost_computed_picos = $16, price_id = CASE WHEN $17 = 1 THEN price_id ELSE $18 END, outcome = $19, \
         http_status = $20, error_type = $21, finish_reason = $22, category = $23, drift = $24, source_file = $25, source_line = $26, \
         signature = $27, module_version = $28 WHERE id = $29",
        vals![
            found.name_opt(call.persona),
            found.name(call.module),
            found.name(call.model),
            call.at,
            call.at.saturating_add(call.latency_us.unwrap_or(0) / 1_000),
            call.latency_us,
            call.first_token_us,
            call.tokens.input,
            call.tokens.output,
            call.tokens.cached,
            call.tokens.written,
            call.tokens.reasoning,
            flags(call),
            found.text(call.cost_text),
            call.cost,
            after.computed,
            i64::from(same_use),
            computed.and_then(|(_, row)| prices.id(row)),
            call.outcome.as_str(),
            call.http_status,
            found.name_opt(call.error_type),
            found.name_opt(call.finish),
            call.category.as_str(),
            Drift::of(call.cost, after.computed).as_str(),
            file.to_string(),
            call.line.cast_signed(),
            found.name_opt(call.signature),
            found.name_opt(call.version),
            &id
        ],
    )?;
    sums.take_back(&before);
    sums.put_back(&after);
    let hour = |at: Millis| at - at.rem_euclid(HOUR);
    let latencies = (before.latency_us, before.first_token_us) == (after.latency_us, after.first_token_us);
    let place = (hour(before.at), before.model.as_str(), before.module.as_str()) == (hour(after.at), after.model, after.module);
    if !latencies || !place {
        stale.insert((hour(before.at), before.model, before.module));
        stale.insert((hour(after.at), after.model.to_owned(), after.module.to_owned()));
    }
    Ok(true)
}

fn owned(sample: &Sample<&str>) -> Sample {
    let own = str::to_owned;
    Sample {
        at: sample.at,
        model: own(sample.model),
        module: own(sample.module),
        persona: own(sample.persona),
        category: own(sample.category),
        outcome: sample.outcome,
        is_cached: sample.is_cached,
        is_retry: sample.is_retry,
        tokens_in: sample.tokens_in,
        tokens_out: sample.tokens_out,
        tokens_cached: sample.tokens_cached,
        tokens_written: sample.tokens_written,
        tokens_reasoning: sample.tokens_reasoning,
        reported: sample.reported,
        computed: sample.computed,
        latency_us: sample.latency_us,
        first_token_us: sample.first_token_us,
        queue_us: sample.queue_us,
    }
}

fn same_rest(row: &Row, (found, call): Told<'_>) -> Result<bool> {
    Ok(row.text_opt("cost_reported")?.as_deref() == found.text(call.cost_text)
        && row.text_opt("error_type")?.as_deref() == found.name_opt(call.error_type)
        && row.int_opt("http_status")? == call.http_status)
}

/// The doubts of a batch: how many calls, and the line of the first.
pub fn doubts(found: &[Found]) -> BTreeMap<super::Doubt, (u64, u64)> {
    let mut all = BTreeMap::new();
    for call in found.iter().flat_map(|found| &found.calls).filter(|call| call.doubts != Doubts::default()) {
        for doubt in call.doubts.iter() {
            all.entry(doubt).or_insert((0, call.line)).0 += 1;
        }
    }
    all
}
