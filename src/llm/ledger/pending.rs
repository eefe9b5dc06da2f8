//! Sums that are still to be written: of one call, or of very many that are written together.
//!
//! Names are kept once and counted by number: a batch has few of them, and many calls.

use super::Outcome;
use super::rollup::{DAY, HOUR, Sample, sketch};
use super::sketch::Sketch;
use crate::base::Millis;
use crate::store::{Bulk, Conn, Result, ValRef};
use crate::vals;
use hashbrown::HashMap;
use std::collections::BTreeSet;

/// The counters of both tables.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counters {
    calls: i64,
    errors: i64,
    interrupted: i64,
    cache_hits: i64,
    retries: i64,
    tokens_in: i64,
    tokens_out: i64,
    tokens_cached: i64,
    tokens_written: i64,
    tokens_reasoning: i64,
    reported: i64,
    computed: i64,
    charged: i64,
    unpriced: i64,
    latency_count: i64,
    latency_us_sum: i64,
    queue_us_sum: i64,
}

fn counters<S>(sample: &Sample<S>, sign: i64) -> Counters {
    let count = |is: bool| if is { sign } else { 0 };
    // Counts from a log may be any number: they stay at the bound rather than wrap.
    let signed = |number: i64| number.saturating_mul(sign);
    Counters {
        calls: sign,
        errors: count(matches!(sample.outcome, Outcome::Error | Outcome::Malformed)),
        interrupted: count(sample.outcome == Outcome::Interrupted),
        cache_hits: count(sample.is_cached),
        retries: count(sample.is_retry),
        tokens_in: signed(sample.tokens_in),
        tokens_out: signed(sample.tokens_out),
        tokens_cached: signed(sample.tokens_cached),
        tokens_written: signed(sample.tokens_written),
        tokens_reasoning: signed(sample.tokens_reasoning),
        reported: signed(sample.reported.map_or(0, |picos| picos.0)),
        computed: signed(sample.computed.map_or(0, |picos| picos.0)),
        charged: signed(sample.charged().map_or(0, |picos| picos.0)),
        unpriced: count(sample.charged().is_none()),
        latency_count: count(sample.latency_us.is_some()),
        latency_us_sum: signed(sample.latency_us.unwrap_or(0)),
        queue_us_sum: signed(sample.queue_us),
    }
}

impl Counters {
    fn plus(&mut self, other: &Self) {
        let add = |into: &mut i64, number: i64| *into = into.saturating_add(number);
        add(&mut self.calls, other.calls);
        add(&mut self.errors, other.errors);
        add(&mut self.interrupted, other.interrupted);
        add(&mut self.cache_hits, other.cache_hits);
        add(&mut self.retries, other.retries);
        add(&mut self.tokens_in, other.tokens_in);
        add(&mut self.tokens_out, other.tokens_out);
        add(&mut self.tokens_cached, other.tokens_cached);
        add(&mut self.tokens_written, other.tokens_written);
        add(&mut self.tokens_reasoning, other.tokens_reasoning);
        add(&mut self.reported, other.reported);
        add(&mut self.computed, other.computed);
        add(&mut self.charged, other.charged);
        add(&mut self.unpriced, other.unpriced);
        add(&mut self.latency_count, other.latency_count);
        add(&mut self.latency_us_sum, other.latency_us_sum);
        add(&mut self.queue_us_sum, other.queue_us_sum);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct DayKey {
    day: Millis,
    model: u32,
    module: u32,
    persona: u32,
    category: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct HourKey {
    hour: Millis,
    model: u32,
    module: u32,
}

#[derive(Debug, Default)]
struct Hour {
    sums: Counters,
    latency: Sketch,
    first_token: Sketch,
}

/// The sums.
#[derive(Debug, Default)]
pub struct Pending {
    numbers: HashMap<Box<str>, u32>,
    names: Vec<Box<str>>,
    days: HashMap<DayKey, Counters>,
    hours: HashMap<HourKey, Hour>,
}

const DAYS: Bulk = Bulk {
    table: "roll_day",
    columns: &[
        "day",
        "model",
        "module",
        "persona_id",
        "category",
        "calls",
        "errors",
        "interrupted",
        "cache_hits",
        "retries",
        "tokens_in",
        "tokens_out",
        "tokens_cached",
        "tokens_written",
        "tokens_reasoning",
        "reported_picos",
        "computed_picos",
        "charged_picos",
        "unpriced",
        "latency_count",
        "latency_us_sum",
    ],
    on_conflict: "ON CONFLICT (day, model, module, persona_id, category) DO UPDATE SET \
         calls = roll_day.calls + excluded.calls, errors = roll_day.errors + excluded.errors, \
         interrupted = roll_day.interrupted + excluded.interrupted, cache_hits = roll_day.cache_hits + excluded.cache_hits, \
         retries = roll_day.retries + excluded.retries, tokens_in = roll_day.tokens_in + excluded.tokens_in, \
         tokens_out = roll_day.tokens_out + excluded.tokens_out, tokens_cached = roll_day.tokens_cached + excluded.tokens_cached, \
         tokens_written = roll_day.tokens_written + excluded.tokens_written, \
         tokens_reasoning = roll_day.tokens_reasoning + excluded.tokens_reasoning, \
         reported_picos = roll_day.reported_picos + excluded.reported_picos, \
         computed_picos = roll_day.computed_picos + excluded.computed_picos, \
         charged_picos = roll_day.charged_picos + excluded.charged_picos, unpriced = roll_day.unpriced + excluded.unpriced, \
         latency_count = roll_day.latency_count + excluded.latency_count, latency_us_sum = roll_day.latency_us_sum + excluded.latency_us_sum",
    tells_left_out: false,
};

const HOURS: Bulk = Bulk {
    table: "roll_hour",
    columns: &[
        "hour",
        "model",
        "module",
        "calls",
        "errors",
        "interrupted",
        "cache_hits",
        "tokens_in",
        "tokens_out",
        "charged_picos",
        "unpriced",
        "queue_us_sum",
        "latency_sketch",
        "first_token_sketch",
    ],
    on_conflict: "ON CONFLICT (hour, model, module) DO UPDATE SET calls = roll_hour.calls + excluded.calls, \
         errors = roll_hour.errors + excluded.errors, interrupted = roll_hour.interrupted + excluded.interrupted, \
         cache_hits = roll_hour.cache_hits + excluded.cache_hits, tokens_in = roll_hour.tokens_in + excluded.tokens_in, \
         tokens_out = roll_hour.tokens_out + excluded.tokens_out, charged_picos = roll_hour.charged_picos + excluded.charged_picos, \
         unpriced = roll_hour.unpriced + excluded.unpriced, queue_us_sum = roll_hour.queue_us_sum + excluded.queue_us_sum, \
         latency_sketch = excluded.latency_sketch, first_token_sketch = excluded.first_token_sketch",
    tells_left_out: false,
};

impl Pending {
    /// Take a call in.
    pub fn add<S: AsRef<str>>(&mut self, sample: &Sample<S>) {
        let hour = self.count(sample, 1);
        if let Some(latency) = sample.latency_us {
            hour.latency.add(latency);
        }
        if let Some(first) = sample.first_token_us {
            hour.first_token.add(first);
        }
    }

    /// Take a call out. Its latencies stay in the sketches, which give nothing back: see [`super::rollup::resketch`].
    pub fn take_back<S: AsRef<str>>(&mut self, sample: &Sample<S>) {
        self.count(sample, -1);
    }

    /// Count a call that was taken out, as it is known now; as [`Self::take_back`], without its latencies.
    pub fn put_back<S: AsRef<str>>(&mut self, sample: &Sample<S>) {
        self.count(sample, 1);
    }

    fn count<S: AsRef<str>>(&mut self, sample: &Sample<S>, sign: i64) -> &mut Hour {
        let counters = counters(sample, sign);
        let (model, module) = (self.number(sample.model.as_ref()), self.number(sample.module.as_ref()));
        let (persona, category) = (self.number(sample.persona.as_ref()), self.number(sample.category.as_ref()));
        let day = DayKey { day: sample.at - sample.at.rem_euclid(DAY), model, module, persona, category };
        self.days.entry(day).or_default().plus(&counters);
        let hour = self.hours.entry(HourKey { hour: sample.at - sample.at.rem_euclid(HOUR), model, module }).or_default();
        hour.sums.plus(&counters);
        hour
    }

    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.into());
        self.numbers.insert(name.into(), number);
        number
    }

    fn name(&self, number: u32) -> &str {
        self.names.get(number as usize).map_or("", |name| name)
    }

    /// The sums by day: day, model, module, calls, pico-dollars charged.
    pub(super) fn days(&self) -> impl Iterator<Item = (Millis, &str, &str, i64, i64)> {
        self.days.iter().map(|(key, sums)| (key.day, self.name(key.model), self.name(key.module), sums.calls, sums.charged))
    }

    /// Write the sums into the tables.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn write(mut self, c: &mut dyn Conn) -> Result<()> {
        self.merge_sketches(c)?;
        self.write_days(c)?;
        self.write_hours(c)
    }

    fn write_days(&self, c: &mut dyn Conn) -> Result<()> {
        let mut days: Vec<_> = self.days.iter().collect();
        // In the order of the index, which is quicker, and the same for every process.
        days.sort_unstable_by_key(|(key, _)| {
            (key.day, self.name(key.model), self.name(key.module), self.name(key.persona), self.name(key.category))
        });
        let mut cells = Vec::with_capacity(days.len() * DAYS.columns.len());
        for (key, sums) in days {
            cells.push(ValRef::Int(key.day));
            cells.extend([key.model, key.module, key.persona, key.category].map(|name| ValRef::Text(self.name(name))));
            cells.extend(
                [
                    sums.calls,
                    sums.errors,
                    sums.interrupted,
                    sums.cache_hits,
                    sums.retries,
                    sums.tokens_in,
                    sums.tokens_out,
                    sums.tokens_cached,
                    sums.tokens_written,
                    sums.tokens_reasoning,
                    sums.reported,
                    sums.computed,
                    sums.charged,
                    sums.unpriced,
                    sums.latency_count,
                    sums.latency_us_sum,
                ]
                .map(ValRef::Int),
            );
        }
        c.insert(&DAYS, &cells).map(drop)
    }

    /// Merge what the hours have already: one question for each hour, however many models and modules it has.
    fn merge_sketches(&mut self, c: &mut dyn Conn) -> Result<()> {
        const KNOWN: &str = "SELECT model, module, latency_sketch, first_token_sketch FROM roll_hour WHERE hour = $1";
        if self.hours.len() == 1
            && let Some((key, hour)) = self.hours.iter_mut().next()
        {
            let name = |number: u32| self.names.get(number as usize).map_or("", |name| name);
            let sql = format!("{KNOWN} AND model = $2 AND module = $3");
            if let Some(row) = c.first(&sql, vals![key.hour, name(key.model), name(key.module)])? {
                hour.latency.merge(&sketch(&row, "latency_sketch")?);
                hour.first_token.merge(&sketch(&row, "first_token_sketch")?);
            }
            return Ok(());
        }
        let hours: BTreeSet<Millis> = self.hours.keys().map(|key| key.hour).collect();
        for hour in hours {
            for row in c.query(KNOWN, vals![hour])? {
                let numbers = (self.numbers.get(row.text("model")?.as_str()), self.numbers.get(row.text("module")?.as_str()));
                let (Some(model), Some(module)) = numbers else { continue };
                if let Some(own) = self.hours.get_mut(&HourKey { hour, model: *model, module: *module }) {
                    own.latency.merge(&sketch(&row, "latency_sketch")?);
                    own.first_token.merge(&sketch(&row, "first_token_sketch")?);
                }
            }
        }
        Ok(())
    }

    fn write_hours(&self, c: &mut dyn Conn) -> Result<()> {
        let bytes = |sketch: &Sketch| (sketch.count() > 0).then(|| sketch.to_bytes());
        let mut hours: Vec<_> = self.hours.iter().map(|(key, hour)| (key, hour, bytes(&hour.latency), bytes(&hour.first_token))).collect();
        hours.sort_unstable_by_key(|(key, ..)| (key.hour, self.name(key.model), self.name(key.module)));
        let mut cells = Vec::with_capacity(hours.len() * HOURS.columns.len());
        for (key, Hour { sums, .. }, latency, first_token) in &hours {
            cells.extend([ValRef::Int(key.hour), ValRef::Text(self.name(key.model)), ValRef::Text(self.name(key.module))]);
            cells.extend(
                [
                    sums.calls,
                    sums.errors,
                    sums.interrupted,
                    sums.cache_hits,
                    sums.tokens_in,
                    sums.tokens_out,
                    sums.charged,
                    sums.unpriced,
                    sums.queue_us_sum,
                ]
                .map(ValRef::Int),
            );
            cells.extend([latency, first_token].map(|sketch| sketch.as_deref().map_or(ValRef::Null, ValRef::Blob)));
        }
        c.insert(&HOURS, &cells).map(drop)
    }
}
