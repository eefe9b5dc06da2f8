//! Sums of the calls, kept with every call, by UTC day and by hour and by everything that is asked for; beside them sketches of latencies and
//! sizes by model and module.
//!
//! Ten million calls cannot be summed while a person waits. What a call adds stands in one [`Sample`]; [`add`] and [`take_back`] run in the
//! transaction of the call, [`rebuild`] makes the sums anew from the calls, and [`differences`] tells where they disagree.

use super::Outcome;
use super::pending::{Pending, SKETCHES};
use super::sketch::Sketch;
use crate::base::{Millis, Picos};
use crate::store::{Conn, Result, Row, Val};
use crate::vals;
use std::collections::{BTreeMap, BTreeSet};

/// Milliseconds of an hour.
pub const HOUR: Millis = 3_600_000;
/// Milliseconds of a UTC day.
pub const DAY: Millis = 24 * HOUR;

/// What one attempt adds to the sums. Its names are texts of its own, or borrowed where very many are summed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample<S = String> {
    /// When it started.
    pub at: Millis,
    /// The model that answered, else the one that was asked.
    pub model: S,
    /// The part of the program that asked.
    pub module: S,
    /// On whose behalf; empty for nobody's.
    pub persona: S,
    /// What kind of work it belongs to.
    pub category: S,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether it was answered from the cache of this program.
    pub is_cached: bool,
    /// Whether it was not the first attempt of its question.
    pub is_retry: bool,
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
    /// What the provider said it cost.
    pub reported: Option<Picos>,
    /// What the book says.
    pub computed: Option<Picos>,
    /// How long it took, in microseconds; unknown for what was interrupted.
    pub latency_us: Option<i64>,
    /// Time to the first token, in microseconds.
    pub first_token_us: Option<i64>,
    /// How long it waited to be sent, in microseconds.
    pub queue_us: i64,
}

impl<S> Sample<S> {
    /// What it cost: as reported, else by the book; nothing for an answer from the cache and for a refusal without usage. `None` is unknown,
    /// and never counted as nothing.
    #[must_use]
    pub fn charged(&self) -> Option<Picos> {
        let known = self.reported.or(self.computed);
        let is_free = self.is_cached || (self.outcome == Outcome::Error && self.tokens_in == 0 && self.tokens_out == 0);
        known.or(is_free.then_some(Picos::ZERO))
    }

    /// Whether its tokens are known.
    pub(super) fn has_size(&self) -> bool {
        self.tokens_in > 0 || self.tokens_out > 0
    }
}

/// Take in the sketch of a column, where there is one. One that cannot be read is left out; [`rebuild`] makes it anew.
///
/// # Errors
/// When the row has no such column.
pub(super) fn merge_column(into: &mut Sketch, row: &Row, column: &str) -> Result<()> {
    if let Val::Blob(bytes) = row.get(column)?
        && !into.merge_bytes(bytes)
    {
        tracing::warn!(column, "a sketch of latencies cannot be read and is left out");
    }
    Ok(())
}

/// Add a call to the sums.
///
/// # Errors
/// When the database refuses.
pub fn add(c: &mut dyn Conn, sample: &Sample) -> Result<()> {
    let mut pending = Pending::default();
    pending.add(sample);
    pending.write(c)
}

/// Take a call out of the sums again, because it is known better now. Only for one without latencies: a sketch gives nothing back.
///
/// # Errors
/// When the database refuses.
pub fn take_back(c: &mut dyn Conn, sample: &Sample) -> Result<()> {
    let mut pending = Pending::default();
    pending.take_back(sample);
    pending.write(c)
}

/// Put a call in the place of what stood for it, because it is known better now. The row of the call says already what holds now. Where a value has
/// to leave a sketch, the sketches of its hour and day are made anew from the calls, because a sketch gives nothing back.
///
/// # Errors
/// When the database refuses.
pub fn correct(c: &mut dyn Conn, before: &Sample, after: &Sample) -> Result<()> {
    let mut pending = Pending::default();
    pending.take_back(before);
    pending.put_back(after);
    let hour = |sample: &Sample| (sample.at - sample.at.rem_euclid(HOUR), sample.model.clone(), sample.module.clone());
    let (from, to) = (hour(before), hour(after));
    let same_latencies = (before.latency_us, before.first_token_us) == (after.latency_us, after.first_token_us);
    if from == to && same_latencies && !before.has_size() {
        // Only sizes are new.
        pending.values(&Sample { latency_us: None, first_token_us: None, ..after.clone() });
        return pending.write(c);
    }
    pending.write(c)?;
    let sizes = |sample: &Sample| (sample.tokens_in, sample.tokens_out);
    if from != to || !same_latencies || sizes(before) != sizes(after) {
        resketch(c, &BTreeSet::from([from, to]))?;
    }
    Ok(())
}

/// Make the sketches of some hours anew from their calls, and those of their days from their hours: what was corrected cannot be taken out of a
/// sketch. An hour is its start, the model and the module.
///
/// # Errors
/// When the database refuses.
pub fn resketch(c: &mut dyn Conn, hours: &BTreeSet<(Millis, String, String)>) -> Result<()> {
    let horizon = horizon(c)?;
    // What was taken away cannot be counted again: the sketch stays as it is.
    for (hour, model, module) in hours.iter().filter(|(hour, ..)| *hour >= horizon) {
        let day = hour - hour.rem_euclid(DAY);
        for (span, start) in [(HOUR, *hour), (DAY, day)] {
            c.exec(
                "DELETE FROM roll_sketch WHERE span = $1 AND start = $2 AND model = $3 AND module = $4",
                vals![span, start, model, module],
            )?;
        }
        let mut pending = Pending::default();
        let others = format!(
            "SELECT {} FROM roll_sketch WHERE span = $1 AND start >= $2 AND start < $3 AND model = $4 AND module = $5",
            SKETCHES.join(", ")
        );
        for row in c.query(&others, vals![HOUR, day, day + DAY, model, module])? {
            pending.merge_into_day(day, model, module, &row)?;
        }
        let calls = format!(
            "SELECT {SAMPLE} FROM llm_calls WHERE started_at >= $1 AND started_at < $2 AND COALESCE(model_answered, model_asked) = $3 \
             AND module = $4"
        );
        for row in c.query(&calls, vals![*hour, hour + HOUR, model, module])? {
            if let Some(sample) = sample(&row)? {
                pending.values(&sample);
            }
        }
        pending.write(c)?;
    }
    Ok(())
}

const SAMPLE: &str = "id, started_at, COALESCE(model_answered, model_asked) AS model, module, COALESCE(persona_id, '') AS persona, category, outcome, \
    is_cached, attempt, tokens_in, tokens_out, tokens_cached, tokens_written, tokens_reasoning, cost_reported_picos, cost_computed_picos, \
    latency_us, first_token_us, queue_us";

fn sample(row: &Row) -> Result<Option<Sample>> {
    let Some(outcome) = Outcome::from_word(&row.text("outcome")?) else { return Ok(None) };
    let count = |column| Ok::<_, crate::store::Error>(row.int_opt(column)?.unwrap_or(0));
    Ok(Some(Sample {
        at: row.int("started_at")?,
        model: row.text("model")?,
        module: row.text("module")?,
        persona: row.text("persona")?,
        category: row.text("category")?,
        outcome,
        is_cached: row.flag("is_cached")?,
        is_retry: row.int("attempt")? > 1,
        tokens_in: count("tokens_in")?,
        tokens_out: count("tokens_out")?,
        tokens_cached: count("tokens_cached")?,
        tokens_written: count("tokens_written")?,
        tokens_reasoning: count("tokens_reasoning")?,
        reported: row.int_opt("cost_reported_picos")?.map(Picos),
        computed: row.int_opt("cost_computed_picos")?.map(Picos),
        latency_us: row.int_opt("latency_us")?,
        first_token_us: row.int_opt("first_token_us")?,
        queue_us: count("queue_us")?,
    }))
}

/// The sample of a call that is settled; `None` of one that is under way or unknown.
///
/// # Errors
/// When the database refuses.
pub fn of_call(c: &mut dyn Conn, id: &str) -> Result<Option<Sample>> {
    let row = c.first(&format!("SELECT {SAMPLE} FROM llm_calls WHERE id = $1"), vals![id])?;
    row.as_ref().map_or(Ok(None), sample)
}

/// Calls that are read at once.
const BATCH: i64 = 5_000;

fn summed(c: &mut dyn Conn, from: Millis, until: Millis) -> Result<Pending> {
    let mut pending = Pending::default();
    let (mut at, mut id) = (from, String::new());
    loop {
        let rows = c.query(
            &format!(
                "SELECT {SAMPLE} FROM llm_calls WHERE started_at < $1 AND (started_at, id) > ($2, $3) ORDER BY started_at, id LIMIT {BATCH}"
            ),
            vals![until, at, &id],
        )?;
        for row in &rows {
            (at, id) = (row.int("started_at")?, row.text("id")?);
            if let Some(sample) = sample(row)? {
                pending.add(&sample);
            }
        }
        if (rows.len() as i64) < BATCH {
            return Ok(pending);
        }
    }
}

/// The first moment from which on every call is still there: those before it may have been taken away by retention, and their sums stay.
///
/// # Errors
/// When the database refuses.
pub fn horizon(c: &mut dyn Conn) -> Result<Millis> {
    let row = c.first("SELECT until_at FROM retention_horizons WHERE kind = 'llm_calls'", &[])?;
    row.map_or(Ok(Millis::MIN), |row| row.int("until_at"))
}

/// Whole UTC days between two moments whose calls are all there.
fn whole_days(c: &mut dyn Conn, from: Millis, until: Millis) -> Result<(Millis, Millis)> {
    let horizon = horizon(c)?;
    let from = from - from.rem_euclid(DAY);
    let from = if from < horizon { horizon + (-horizon).rem_euclid(DAY) } else { from };
    Ok((from, (until + (-until).rem_euclid(DAY)).max(from)))
}

/// Make the sums of whole UTC days anew from their calls. Days whose calls were taken away by retention keep the sums they have.
///
/// # Errors
/// When the database refuses.
pub fn rebuild(c: &mut dyn Conn, from: Millis, until: Millis) -> Result<()> {
    let (from, until) = whole_days(c, from, until)?;
    c.exec("DELETE FROM roll_day WHERE day >= $1 AND day < $2", vals![from, until])?;
    c.exec("DELETE FROM roll_hour WHERE hour >= $1 AND hour < $2", vals![from, until])?;
    c.exec("DELETE FROM roll_sketch WHERE span IN ($1, $2) AND start >= $3 AND start < $4", vals![HOUR, DAY, from, until])?;
    summed(c, from, until)?.write(c)
}

/// A sum that is not what its calls add up to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// Where the sum stands: `roll_day` or `roll_hour`.
    pub table: &'static str,
    /// The start of its UTC day or hour.
    pub start: Millis,
    /// The model.
    pub model: String,
    /// The module.
    pub module: String,
    /// Calls by the sums, and by counting.
    pub calls: (i64, i64),
    /// Pico-dollars charged by the sums, and by adding.
    pub charged: (i64, i64),
}

/// Where the sums of whole UTC days and of their hours disagree with their calls. Days whose calls were taken away are not looked at.
///
/// # Errors
/// When the database refuses.
pub fn differences(c: &mut dyn Conn, from: Millis, until: Millis) -> Result<Vec<Difference>> {
    let (from, until) = whole_days(c, from, until)?;
    let summed = summed(c, from, until)?;
    let mut found = Vec::new();
    for (table, column, span) in [("roll_day", "day", DAY), ("roll_hour", "hour", HOUR)] {
        let mut all: BTreeMap<(Millis, String, String), [i64; 4]> = BTreeMap::new();
        for (start, model, module, calls, charged) in summed.sums(span) {
            let entry = all.entry((start, model.to_owned(), module.to_owned())).or_default();
            entry[1] += calls;
            entry[3] += charged;
        }
        let rows = c.query(
            &format!("SELECT {column} AS start, model, module, calls, charged_picos FROM {table} WHERE {column} >= $1 AND {column} < $2"),
            vals![from, until],
        )?;
        for row in rows {
            let entry = all.entry((row.int("start")?, row.text("model")?, row.text("module")?)).or_default();
            entry[0] += row.int("calls")?;
            entry[2] += row.int("charged_picos")?;
        }
        let wrong = all.into_iter().filter(|(_, [kept, counted, charged, added])| kept != counted || charged != added);
        found.extend(wrong.map(|((start, model, module), [kept, counted, charged, added])| Difference {
            table,
            start,
            model,
            module,
            calls: (kept, counted),
            charged: (charged, added),
        }));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::lookup::{self, Found};
    use super::super::{Category, Settled, Started, recover, settle, start};
    use super::*;
    use crate::base::PersonaId;
    use crate::llm::price::Book;
    use crate::llm::reported::Reported;
    use crate::store::{Error, testing};
    use proptest::prelude::*;
    use std::time::Duration;

    const NOW: Millis = 1_795_219_200_000;

    fn started(number: usize, at: Millis) -> Started {
        Started {
            id: format!("call-{number}"),
            request_id: format!("call-{number}"),
            attempt: 1 + u32::try_from(number % 2).unwrap(),
            persona: Some(PersonaId::from_stored(["p1", "p2"][number % 2])),
            module: ["draft", "consistency"][number % 2].into(),
            correlation_id: "c".into(),
            model_asked: ["openai/gpt-5-mini", "made/up"][number / 2 % 2].into(),
            streamed: false,
            started_at: at,
            category: Category::ALL[number % 3],
            queued: Duration::from_micros(7),
            reserved: None,
        }
    }

    fn settled(at: Millis, outcome: Outcome, usage: &str) -> Settled {
        Settled {
            finished_at: at,
            outcome,
            model_answered: None,
            provider: None,
            generation_id: Some("g".into()),
            service_tier: None,
            latency: Duration::from_millis(u64::try_from(at % 997).unwrap() + 1),
            first_token: None,
            reported: Reported::read(usage),
            http_status: None,
            error_type: None,
            error_message: None,
            finish_reason: None,
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Start { after: i64 },
        Settle { call: usize, outcome: usize, usage: usize },
        LookUp { call: usize, usage: usize, model: usize },
        Recover,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (0_i64..40_000_000).prop_map(|after| Step::Start { after }),
            (0_usize..20, 0_usize..4, 0_usize..4).prop_map(|(call, outcome, usage)| Step::Settle { call, outcome, usage }),
            (0_usize..20, 0_usize..4, 0_usize..3).prop_map(|(call, usage, model)| Step::LookUp { call, usage, model }),
            Just(Step::Recover),
        ];
        prop::collection::vec(step, 1..40)
    }

    const USAGES: [&str; 4] = [
        "{}",
        r#"{"prompt_tokens":1000,"completion_tokens":100,"cost":0.00045}"#,
        r#"{"prompt_tokens":7,"completion_tokens":3}"#,
        r#"{"cost":0}"#,
    ];

    fn table(c: &mut dyn Conn, name: &str) -> Result<Vec<String>> {
        let rows = match name {
            "roll_sketch" => c.query("SELECT * FROM roll_sketch ORDER BY span, start, model, module", &[])?,
            _ => c.query(&format!("SELECT * FROM {name} WHERE calls <> 0 ORDER BY 1, model, module, persona_id, category"), &[])?,
        };
        Ok(rows.iter().map(|row| format!("{row:?}")).collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
        #[test]
        fn sums_are_what_the_calls_add_up_to(steps in steps()) {
            let (database, _directory) = testing::database();
            database.write_blocking(|c| {
                let book = Book::embedded().unwrap();
                let (mut now, mut calls) = (NOW, Vec::new());
                for step in steps {
                    match step {
                        Step::Start { after } => {
                            now += after;
                            let call = started(calls.len(), now);
                            start(c, &call)?;
                            calls.push(call);
                        }
                        Step::Settle { call, outcome, usage } if call < calls.len() => {
                            let outcome = [Outcome::Ok, Outcome::Error, Outcome::Interrupted, Outcome::Malformed][outcome];
                            // Settled twice is refused, and changes nothing.
                            let _ = settle(c, &book, &calls[call], &settled(now, outcome, USAGES[usage]));
                        }
                        Step::LookUp { call, usage, model } if call < calls.len() => {
                            let found = Found {
                                generation_id: "g".into(),
                                reported: Reported::read(USAGES[usage]).unwrap(),
                                model: [None, Some("made/up"), Some("new/name")][model].map(str::to_owned),
                                provider: None,
                                service_tier: None,
                                finish_reason: None,
                            };
                            lookup::write(c, &book, &calls[call].id, &found, now)?;
                        }
                        Step::Settle { .. } | Step::LookUp { .. } => {}
                        Step::Recover => _ = recover(c, &PersonaId::from_stored("p1"), now, now)?,
                    }
                }
                assert_eq!(differences(c, NOW, now + DAY)?, []);
                let tables = |c: &mut dyn Conn| ["roll_day", "roll_hour", "roll_sketch"].map(|name| table(c, name).unwrap());
                let kept = tables(c);
                rebuild(c, NOW, now + DAY)?;
                assert_eq!(tables(c), kept);
                Ok::<_, Error>(())
            }).unwrap();
        }
    }

    #[test]
    fn unknown_is_counted_and_never_nothing() {
        let (database, _directory) = testing::database();
        database
            .write_blocking(|c| {
                let book = Book::embedded().unwrap();
                for (number, (outcome, usage)) in
                    [(Outcome::Ok, USAGES[1]), (Outcome::Interrupted, USAGES[0]), (Outcome::Error, USAGES[0]), (Outcome::Ok, USAGES[0])]
                        .into_iter()
                        .enumerate()
                {
                    let call = Started { model_asked: "openai/gpt-5-mini".into(), ..started(number, NOW) };
                    start(c, &call)?;
                    settle(c, &book, &call, &settled(NOW, outcome, usage))?;
                }
                let row = c.first("SELECT CAST(sum(calls) AS BIGINT) AS calls, CAST(sum(unpriced) AS BIGINT) AS unpriced, CAST(sum(charged_picos) AS BIGINT) AS charged, CAST(sum(errors) AS BIGINT) AS errors FROM roll_day", &[])?.unwrap();
                assert_eq!((row.int("calls")?, row.int("unpriced")?, row.int("errors")?, row.int("charged")?), (4, 2, 1, 450_000_000));
                c.exec("UPDATE roll_day SET charged_picos = charged_picos + 1 WHERE errors = 0 AND unpriced = 0", &[])?;
                let found = differences(c, NOW, NOW + 1)?;
                assert_eq!(found.iter().map(|one| (one.calls.0 - one.calls.1, one.charged.0 - one.charged.1)).collect::<Vec<_>>(), [(0, 1)]);
                Ok::<_, Error>(())
            })
            .unwrap();
    }
}
