//! Sums of any span of the ledger, divided by anything.
//!
//! Whole UTC days come from `roll_day`, whole hours from `roll_hour`, and only the ragged ends, less than an hour each, from the calls
//! themselves: ten million calls cost no more than ten thousand. An end behind or before which its hour or day has no calls is not ragged.

use super::Category;
use super::rollup::{DAY, HOUR};
use super::spans::{Cut, Window, ceiling, cut, floor};
use crate::base::{Millis, PersonaId, Picos};
use crate::store::{Conn, Error, Result, Row, Val};
use crate::vals;
use serde::Serialize;
use std::collections::BTreeMap;

/// Milliseconds of a minute.
const MINUTE: Millis = 60_000;
/// Steps that a series may have.
const MOST_STEPS: Millis = 100_000;

/// What sums are divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The model that answered, else the one that was asked.
    Model,
    /// The part of the program that asked.
    Module,
    /// On whose behalf; an empty name is nobody's.
    Persona,
    /// What kind of work it belongs to.
    Category,
    /// The UTC day, as `2026-11-21`.
    Day,
    /// The UTC hour, as `2026-11-21T13:00Z`.
    Hour,
}

/// The length of a step of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A minute: read from the calls, for short windows.
    Minute,
    /// A UTC hour.
    Hour,
    /// A UTC day.
    Day,
}

impl Step {
    /// In milliseconds.
    #[must_use]
    pub fn length(self) -> Millis {
        match self {
            Self::Minute => MINUTE,
            Self::Hour => HOUR,
            Self::Day => DAY,
        }
    }
}

/// Narrowing: each `None` means all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Only {
    /// One model.
    pub model: Option<String>,
    /// One part of the program.
    pub module: Option<String>,
    /// Calls on behalf of one persona.
    pub persona: Option<PersonaId>,
    /// One kind of work.
    pub category: Option<Category>,
}

impl Only {
    /// The conditions behind the first two parameters, with their values.
    pub(super) fn conditions(&self) -> (String, Vec<Val>) {
        let mut text = String::new();
        let mut values = Vec::new();
        let mut add = |column: &str, value: Option<Val>| {
            if let Some(value) = value {
                values.push(value);
                text.push_str(&format!(" AND {column} = ${}", values.len() + 2));
            }
        };
        add("model", self.model.as_deref().map(Val::from));
        add("module", self.module.as_deref().map(Val::from));
        add("persona_id", self.persona.as_ref().map(Val::from));
        add("category", self.category.map(|category| Val::from(category.as_str())));
        (text, values)
    }
}

/// What calls add up to. Calls under way are not in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Sums {
    /// Attempts that are over.
    pub calls: i64,
    /// Those that ended with a refusal, without a connection, or with what is no answer.
    pub errors: i64,
    /// Those that ended in the middle.
    pub interrupted: i64,
    /// Answers from the cache of this program.
    pub cache_hits: i64,
    /// Attempts that were not the first of their question.
    pub retries: i64,
    /// Input tokens, cached ones included.
    pub tokens_in: i64,
    /// Output tokens, reasoning included.
    pub tokens_out: i64,
    /// Input tokens read from a provider's cache.
    pub tokens_cached: i64,
    /// Input tokens written to one.
    pub tokens_written: i64,
    /// Reasoning tokens.
    pub tokens_reasoning: i64,
    /// What providers said it cost.
    pub reported: Picos,
    /// What the price book says.
    pub computed: Picos,
    /// What it cost: as reported, else as computed.
    pub charged: Picos,
    /// Calls whose cost nobody knows; they are not in `charged`, and not nothing.
    pub unpriced: i64,
    /// Calls of known latency.
    pub latency_count: i64,
    /// Their latencies together, in microseconds.
    pub latency_us: i64,
    /// How long calls waited to be sent, together, in microseconds.
    pub queue_us: i64,
    /// Calls whose reported cost is not what the price book says, or whose model has no price in it.
    pub odd: i64,
    /// How much more was reported than computed, over the calls of which both are known.
    pub drift: Picos,
}

impl Sums {
    /// This one without what is in the other.
    pub fn take(&mut self, other: &Self) {
        let picos = |amount: Picos| Picos(amount.0.saturating_neg());
        self.add(&Self {
            calls: -other.calls,
            errors: -other.errors,
            interrupted: -other.interrupted,
            cache_hits: -other.cache_hits,
            retries: -other.retries,
            tokens_in: -other.tokens_in,
            tokens_out: -other.tokens_out,
            tokens_cached: -other.tokens_cached,
            tokens_written: -other.tokens_written,
            tokens_reasoning: -other.tokens_reasoning,
            reported: picos(other.reported),
            computed: picos(other.computed),
            charged: picos(other.charged),
            unpriced: -other.unpriced,
            latency_count: -other.latency_count,
            latency_us: -other.latency_us,
            queue_us: -other.queue_us,
            odd: -other.odd,
            drift: picos(other.drift),
        });
    }

    /// Both together.
    pub fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.errors += other.errors;
        self.interrupted += other.interrupted;
        self.cache_hits += other.cache_hits;
        self.retries += other.retries;
        self.tokens_in += other.tokens_in;
        self.tokens_out += other.tokens_out;
        self.tokens_cached += other.tokens_cached;
        self.tokens_written += other.tokens_written;
        self.tokens_reasoning += other.tokens_reasoning;
        self.reported = self.reported.saturating_add(other.reported);
        self.computed = self.computed.saturating_add(other.computed);
        self.charged = self.charged.saturating_add(other.charged);
        self.unpriced += other.unpriced;
        self.latency_count += other.latency_count;
        self.latency_us = self.latency_us.saturating_add(other.latency_us);
        self.queue_us = self.queue_us.saturating_add(other.queue_us);
        self.odd += other.odd;
        self.drift = self.drift.saturating_add(other.drift);
    }

    /// Calls that were no success, over all calls: 0 to 1. `None` of none.
    #[must_use]
    pub fn error_share(&self) -> Option<f64> {
        share(self.errors + self.interrupted, self.calls)
    }

    /// Answers from the cache of this program, over all calls. `None` of none.
    #[must_use]
    pub fn hit_share(&self) -> Option<f64> {
        share(self.cache_hits, self.calls)
    }

    /// Input tokens that the provider had in its cache, over all input tokens. `None` of none.
    #[must_use]
    pub fn cached_share(&self) -> Option<f64> {
        share(self.tokens_cached, self.tokens_in)
    }

    /// What a call costs on average, over the calls of known cost. `None` of none.
    #[must_use]
    pub fn per_call(&self) -> Option<Picos> {
        let known = self.calls - self.unpriced;
        (known > 0).then(|| Picos(self.charged.0 / known))
    }

    /// What a call that went well costs on average, with what was spent on those that did not. `None` of none.
    #[must_use]
    pub fn per_success(&self) -> Option<Picos> {
        let went_well = self.calls - self.errors - self.interrupted;
        (went_well > 0).then(|| Picos(self.charged.0 / went_well))
    }

    /// Tokens of a call on average, both ways. `None` of none.
    #[must_use]
    pub fn tokens_per_call(&self) -> Option<f64> {
        (self.calls > 0).then(|| (self.tokens_in + self.tokens_out) as f64 / self.calls as f64)
    }
}

fn share(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// What a row is grouped by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    All,
    Name(String),
    Pair(String, String),
    At(Millis),
}

/// What the rows of a query are grouped by.
#[derive(Debug, Clone, Copy)]
enum Grouping {
    All,
    Column(&'static str),
    ModelAndModule,
    Time(Millis),
}

/// Where sums are read.
#[derive(Debug, Clone, Copy)]
enum Source {
    Days,
    Hours,
    Calls,
}

/// The calls as rows of the shape that the rollups have. The rules are those of [`super::rollup::Sample`].
pub(super) const CALLS: &str = "(SELECT started_at, COALESCE(model_answered, model_asked) AS model, module, COALESCE(persona_id, '') AS persona_id, \
    category, 1 AS calls, CASE WHEN outcome IN ('error', 'malformed') THEN 1 ELSE 0 END AS errors, \
    CASE WHEN outcome = 'interrupted' THEN 1 ELSE 0 END AS interrupted, is_cached AS cache_hits, \
    CASE WHEN attempt > 1 THEN 1 ELSE 0 END AS retries, tokens_in, tokens_out, tokens_cached, tokens_written, tokens_reasoning, \
    cost_reported_picos AS reported_picos, cost_computed_picos AS computed_picos, \
    COALESCE(cost_reported_picos, cost_computed_picos) AS charged_picos, \
    CASE WHEN cost_reported_picos IS NULL AND cost_computed_picos IS NULL AND is_cached = 0 \
      AND NOT (outcome = 'error' AND COALESCE(tokens_in, 0) = 0 AND COALESCE(tokens_out, 0) = 0) THEN 1 ELSE 0 END AS unpriced, \
    CASE WHEN latency_us IS NULL THEN 0 ELSE 1 END AS latency_count, latency_us AS latency_us_sum, queue_us AS queue_us_sum, \
    CASE WHEN drift IN ('above', 'below', 'unpriced') THEN 1 ELSE 0 END AS odd_calls, \
    cost_reported_picos - cost_computed_picos AS drift_picos, latency_us, first_token_us FROM llm_calls WHERE outcome <> 'started') AS finished";

fn summed(c: &mut dyn Conn, source: Source, part: &Window, grouping: Grouping, only: &Only) -> Result<Vec<(Group, Sums)>> {
    let (table, start, unit) = match source {
        Source::Days => ("roll_day", "day", DAY),
        Source::Hours => ("roll_hour", "hour", HOUR),
        Source::Calls => (CALLS, "started_at", 1),
    };
    let key = match grouping {
        Grouping::All => String::new(),
        Grouping::Column(column) => format!("{column} AS named, "),
        Grouping::ModelAndModule => "model AS named, module AS part, ".to_owned(),
        // In the order of the table nothing has to be sorted.
        Grouping::Time(step) if step == unit => format!("{start} AS at_step, "),
        // Times before the epoch are none of ours; division rounds towards it.
        Grouping::Time(step) => format!("{start} / {step} * {step} AS at_step, "),
    };
    let group = match grouping {
        Grouping::All => "",
        Grouping::Column(_) | Grouping::Time(_) => " GROUP BY 1",
        Grouping::ModelAndModule => " GROUP BY 1, 2",
    };
    let columns: Vec<String> =
        super::pending::COUNTERS.iter().map(|column| format!("CAST(COALESCE(sum({column}), 0) AS BIGINT) AS {column}")).collect();
    let (conditions, mut narrowing) = only.conditions();
    let mut values = vals![part.since, part.until].to_vec();
    values.append(&mut narrowing);
    let text = format!("SELECT {key}{} FROM {table} WHERE {start} >= $1 AND {start} < $2{conditions}{group}", columns.join(", "));
    let rows = c.query(&text, &values)?;
    rows.iter()
        .map(|row| {
            let group = match grouping {
                Grouping::All => Group::All,
                Grouping::Column(_) => Group::Name(row.text("named")?),
                Grouping::ModelAndModule => Group::Pair(row.text("named")?, row.text("part")?),
                Grouping::Time(_) => Group::At(row.int("at_step")?),
            };
            Ok((group, read(row)?))
        })
        .collect()
}

fn read(row: &Row) -> Result<Sums> {
    Ok(Sums {
        calls: row.int("calls")?,
        errors: row.int("errors")?,
        interrupted: row.int("interrupted")?,
        cache_hits: row.int("cache_hits")?,
        retries: row.int("retries")?,
        tokens_in: row.int("tokens_in")?,
        tokens_out: row.int("tokens_out")?,
        tokens_cached: row.int("tokens_cached")?,
        tokens_written: row.int("tokens_written")?,
        tokens_reasoning: row.int("tokens_reasoning")?,
        reported: Picos(row.int("reported_picos")?),
        computed: Picos(row.int("computed_picos")?),
        charged: Picos(row.int("charged_picos")?),
        unpriced: row.int("unpriced")?,
        latency_count: row.int("latency_count")?,
        latency_us: row.int("latency_us_sum")?,
        queue_us: row.int("queue_us_sum")?,
        odd: row.int("odd_calls")?,
        drift: Picos(row.int("drift_picos")?),
    })
}

fn has_calls(c: &mut dyn Conn, since: Millis, until: Millis) -> Result<bool> {
    let row = c.first("SELECT 1 AS one FROM llm_calls WHERE started_at >= $1 AND started_at < $2 LIMIT 1", vals![since, until])?;
    // Where calls were taken away it cannot be told any more that there were none.
    Ok(row.is_some() || since < super::rollup::horizon(c)?)
}

/// A span with the same calls whose ends are less ragged: up to the start and the end of a day or an hour as far as nothing lies there.
pub(super) fn widened(c: &mut dyn Conn, window: &Window) -> Result<Window> {
    let mut wide = window.bounded();
    if wide.is_empty() {
        return Ok(wide);
    }
    for step in [DAY, HOUR] {
        let since = floor(wide.since, step);
        if since < wide.since && !has_calls(c, since, wide.since)? {
            wide.since = since;
        }
        let until = ceiling(wide.until, step);
        if until > wide.until && !has_calls(c, wide.until, until)? {
            wide.until = until;
        }
    }
    Ok(wide)
}

fn grouped(c: &mut dyn Conn, window: &Window, grouping: Grouping, only: &Only) -> Result<BTreeMap<Group, Sums>> {
    let Cut { days, mut hours, ragged } = cut(widened(c, window)?);
    let mut parts: Vec<(Source, Window)> = Vec::new();
    match (grouping, days) {
        // A day does not tell its hours.
        (Grouping::Time(HOUR), Some(days)) => hours.push(days),
        (_, Some(days)) => parts.push((Source::Days, days)),
        (_, None) => {}
    }
    parts.extend(hours.into_iter().map(|part| (Source::Hours, part)));
    parts.extend(ragged.into_iter().map(|part| (Source::Calls, part)));
    if let Grouping::Time(MINUTE) = grouping {
        parts = vec![(Source::Calls, window.bounded())];
    }
    let mut all: BTreeMap<Group, Sums> = BTreeMap::new();
    for (source, part) in parts {
        for (group, sums) in summed(c, source, &part, grouping, only)? {
            all.entry(group).or_default().add(&sums);
        }
    }
    // What was taken back leaves rows of nothing.
    all.retain(|_, sums| *sums != Sums::default());
    Ok(all)
}

/// Everything in a window.
///
/// # Errors
/// When the database refuses.
pub fn total(c: &mut dyn Conn, window: &Window, only: &Only) -> Result<Sums> {
    Ok(grouped(c, window, Grouping::All, only)?.into_values().next().unwrap_or_default())
}

/// The same divided, the dearest first; days and hours in their order, without those that have no calls.
///
/// # Errors
/// When the database refuses.
pub fn by(c: &mut dyn Conn, window: &Window, by: By, only: &Only) -> Result<Vec<(String, Sums)>> {
    let grouping = match by {
        By::Model => Grouping::Column("model"),
        By::Module => Grouping::Column("module"),
        By::Persona => Grouping::Column("persona_id"),
        By::Category => Grouping::Column("category"),
        By::Day => Grouping::Time(DAY),
        By::Hour => Grouping::Time(HOUR),
    };
    let mut all: Vec<(Group, Sums)> = grouped(c, window, grouping, only)?.into_iter().collect();
    if let Grouping::Column(_) = grouping {
        all.sort_by_key(|(_, sums)| std::cmp::Reverse((sums.charged, sums.calls)));
    }
    let word = |group: Group| match group {
        Group::All => String::new(),
        Group::Name(name) => name,
        Group::Pair(model, module) => format!("{model} {module}"),
        Group::At(at) => written(at, by),
    };
    Ok(all.into_iter().map(|(group, sums)| (word(group), sums)).collect())
}

/// The same divided by model and module at once, the dearest first.
///
/// # Errors
/// When the database refuses.
pub fn by_model_and_module(c: &mut dyn Conn, window: &Window, only: &Only) -> Result<Vec<((String, String), Sums)>> {
    let mut all: Vec<((String, String), Sums)> = grouped(c, window, Grouping::ModelAndModule, only)?
        .into_iter()
        .filter_map(|(group, sums)| if let Group::Pair(model, module) = group { Some(((model, module), sums)) } else { None })
        .collect();
    all.sort_by_key(|(_, sums)| std::cmp::Reverse((sums.charged, sums.calls)));
    Ok(all)
}

/// Calls that are under way since not longer than `since`; what is older was left behind by a crash.
///
/// # Errors
/// When the database refuses.
pub fn in_flight(c: &mut dyn Conn, since: Millis) -> Result<i64> {
    let row =
        c.first("SELECT CAST(count(*) AS BIGINT) AS n FROM llm_calls WHERE outcome = 'started' AND started_at >= $1", vals![since])?;
    row.map_or(Ok(0), |row| row.int("n"))
}

/// What failed in a window, by module and type of the failure, the most frequent first.
///
/// # Errors
/// When the database refuses.
pub fn failures(c: &mut dyn Conn, window: &Window) -> Result<Vec<(String, String, i64)>> {
    let window = window.bounded();
    let rows = c.query(
        "SELECT module, COALESCE(error_type, 'unknown') AS failure, CAST(count(*) AS BIGINT) AS failed FROM llm_calls \
         WHERE outcome NOT IN ('ok', 'started') AND started_at >= $1 AND started_at < $2 GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2",
        vals![window.since, window.until],
    )?;
    rows.iter().map(|row| Ok((row.text("module")?, row.text("failure")?, row.int("failed")?))).collect()
}

fn written(at: Millis, by: By) -> String {
    let format = if by == By::Hour { "%Y-%m-%dT%H:%MZ" } else { "%Y-%m-%d" };
    chrono::DateTime::from_timestamp_millis(at).map_or_else(|| at.to_string(), |time| time.format(format).to_string())
}

/// The same step by step, from the step in which the window begins; steps without calls are rows of zeros.
///
/// # Errors
/// When the database refuses, or the window has more than 100,000 steps.
pub fn series(c: &mut dyn Conn, window: &Window, step: Step, only: &Only) -> Result<Vec<(Millis, Sums)>> {
    if window.is_empty() {
        return Ok(Vec::new());
    }
    let length = step.length();
    let (first, until) = (floor(window.bounded().since, length), window.bounded().until);
    if (until - first) / length > MOST_STEPS {
        return Err(Error::Constraint {
            reason: format!("a series has at most {MOST_STEPS} steps: ask for longer ones, or for a shorter span"),
        });
    }
    let mut known = grouped(c, window, Grouping::Time(length), only)?;
    let starts = std::iter::successors(Some(first), |at| Some(at + length)).take_while(|at| *at < until);
    Ok(starts.map(|at| (at, known.remove(&Group::At(at)).unwrap_or_default())).collect())
}
