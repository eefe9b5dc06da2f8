//! Sums that are still to be written: of one call, or of very many that are written together.
//!
//! Names are kept once and counted by number: a batch has few of them, and many calls.

use super::rollup::{DAY, HOUR, Sample, merge_column};
use super::sketch::Sketch;
use super::{Drift, Outcome};
use crate::base::Millis;
use crate::store::{Bulk, Conn, Result, Row, ValRef};
use crate::vals;
use hashbrown::HashMap;
use std::collections::BTreeMap;

/// A table of sums: the columns of its key, then its counters, each of which is added to what is there.
macro_rules! table_of_sums {
    ($table:literal, $start:literal, $first:literal $(, $counter:literal)*) => {
        Bulk {
            table: $table,
            columns: &[$start, "model", "module", "persona_id", "category", $first $(, $counter)*],
            on_conflict: concat!(
                "ON CONFLICT (", $start, ", model, module, persona_id, category) DO UPDATE SET ",
                $first, " = ", $table, ".", $first, " + excluded.", $first
                $(, ", ", $counter, " = ", $table, ".", $counter, " + excluded.", $counter)*
            ),
            tells_left_out: false,
        }
    };
}

/// What is counted, with its column, and both tables that have these columns.
macro_rules! counters {
    ($($field:ident $column:literal),* $(,)?) => {
        /// What calls add up to.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        struct Counters {
            $($field: i64),*
        }

        impl Counters {
            /// Counts from a log may be any number: they stay at the bound rather than wrap.
            fn plus(&mut self, other: &Self) {
                $(self.$field = self.$field.saturating_add(other.$field);)*
            }

            /// In the order of the columns.
            fn cells<'a>(&self, cells: &mut Vec<ValRef<'a>>) {
                cells.extend([$(self.$field),*].map(ValRef::Int));
            }
        }

        /// The columns of both tables of sums behind their keys.
        pub(super) const COUNTERS: &[&str] = &[$($column),*];

        const DAYS: Bulk = table_of_sums!("roll_day", "day", $($column),*);
        const HOURS: Bulk = table_of_sums!("roll_hour", "hour", $($column),*);
    };
}

counters! {
    calls "calls",
    errors "errors",
    interrupted "interrupted",
    cache_hits "cache_hits",
    retries "retries",
    tokens_in "tokens_in",
    tokens_out "tokens_out",
    tokens_cached "tokens_cached",
    tokens_written "tokens_written",
    tokens_reasoning "tokens_reasoning",
    reported "reported_picos",
    computed "computed_picos",
    charged "charged_picos",
    unpriced "unpriced",
    latency_count "latency_count",
    latency_us_sum "latency_us_sum",
    queue_us_sum "queue_us_sum",
    odd_calls "odd_calls",
    drift_picos "drift_picos",
}

fn counters<S>(sample: &Sample<S>, sign: i64) -> Counters {
    let count = |is: bool| if is { sign } else { 0 };
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
        odd_calls: count(Drift::of(sample.reported, sample.computed).is_odd()),
        drift_picos: match (sample.reported, sample.computed) {
            (Some(reported), Some(computed)) => signed(reported.0.saturating_sub(computed.0)),
            _ => 0,
        },
    }
}

/// What a sum is of: the start of its day or hour, and names by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    start: Millis,
    model: u32,
    module: u32,
    persona: u32,
    category: u32,
}

/// What sketches are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct SketchKey {
    start: Millis,
    model: u32,
    module: u32,
}

/// Latencies and sizes of one span.
#[derive(Debug, Default)]
struct Sketches {
    latency: Sketch,
    first_token: Sketch,
    tokens_in: Sketch,
    tokens_out: Sketch,
}

/// The columns of the sketches.
pub(super) const SKETCHES: [&str; 4] = ["latency", "first_token", "tokens_in", "tokens_out"];

const SKETCH_ROWS: Bulk = Bulk {
    table: "roll_sketch",
    columns: &["span", "start", "model", "module", "latency", "first_token", "tokens_in", "tokens_out"],
    on_conflict: "ON CONFLICT (span, start, model, module) DO UPDATE SET latency = excluded.latency, first_token = excluded.first_token, \
         tokens_in = excluded.tokens_in, tokens_out = excluded.tokens_out",
    tells_left_out: false,
};

impl Sketches {
    fn each(&mut self) -> [&mut Sketch; 4] {
        [&mut self.latency, &mut self.first_token, &mut self.tokens_in, &mut self.tokens_out]
    }

    fn merge(&mut self, other: &Self) {
        let others = [&other.latency, &other.first_token, &other.tokens_in, &other.tokens_out];
        self.each().into_iter().zip(others).for_each(|(own, other)| own.merge(other));
    }

    fn merge_row(&mut self, row: &Row) -> Result<()> {
        self.each().into_iter().zip(SKETCHES).try_for_each(|(sketch, column)| merge_column(sketch, row, column))
    }

    fn bytes(&self) -> [Option<Vec<u8>>; 4] {
        [&self.latency, &self.first_token, &self.tokens_in, &self.tokens_out].map(|sketch| (sketch.count() > 0).then(|| sketch.to_bytes()))
    }
}

/// The sums.
#[derive(Debug, Default)]
pub struct Pending {
    numbers: HashMap<Box<str>, u32>,
    names: Vec<Box<str>>,
    days: HashMap<Key, Counters>,
    hours: HashMap<Key, Counters>,
    /// Of hours; those of the days are made of them when they are written.
    sketches: HashMap<SketchKey, Sketches>,
    /// What days have beside the hours that are here.
    beside: HashMap<SketchKey, Sketches>,
}

impl Pending {
    /// Take a call in.
    pub fn add<S: AsRef<str>>(&mut self, sample: &Sample<S>) {
        self.count(sample, 1);
        self.values(sample);
    }

    /// Take a call out. Its values stay in the sketches, which give nothing back: see [`super::rollup::resketch`].
    pub fn take_back<S: AsRef<str>>(&mut self, sample: &Sample<S>) {
        self.count(sample, -1);
    }

    /// Count a call that was taken out, as it is known now; as [`Self::take_back`], without its values.
    pub fn put_back<S: AsRef<str>>(&mut self, sample: &Sample<S>) {
        self.count(sample, 1);
    }

    /// Take the latencies and sizes of a call into the sketches.
    pub(super) fn values<S: AsRef<str>>(&mut self, sample: &Sample<S>) {
        let has_size = sample.has_size();
        if sample.latency_us.is_none() && sample.first_token_us.is_none() && !has_size {
            return;
        }
        let (model, module) = (self.number(sample.model.as_ref()), self.number(sample.module.as_ref()));
        let key = SketchKey { start: sample.at - sample.at.rem_euclid(HOUR), model, module };
        let sketches = self.sketches.entry(key).or_default();
        if let Some(latency) = sample.latency_us {
            sketches.latency.add(latency);
        }
        if let Some(first) = sample.first_token_us {
            sketches.first_token.add(first);
        }
        if has_size {
            sketches.tokens_in.add(sample.tokens_in);
            sketches.tokens_out.add(sample.tokens_out);
        }
    }

    /// Take the sketches of a row into those of a day.
    ///
    /// # Errors
    /// When the row has no sketches.
    pub(super) fn merge_into_day(&mut self, day: Millis, model: &str, module: &str, row: &Row) -> Result<()> {
        let key = SketchKey { start: day, model: self.number(model), module: self.number(module) };
        self.beside.entry(key).or_default().merge_row(row)
    }

    fn count<S: AsRef<str>>(&mut self, sample: &Sample<S>, sign: i64) {
        let counters = counters(sample, sign);
        let (model, module) = (self.number(sample.model.as_ref()), self.number(sample.module.as_ref()));
        let (persona, category) = (self.number(sample.persona.as_ref()), self.number(sample.category.as_ref()));
        for (span, sums) in [(DAY, &mut self.days), (HOUR, &mut self.hours)] {
            let key = Key { start: sample.at - sample.at.rem_euclid(span), model, module, persona, category };
            sums.entry(key).or_default().plus(&counters);
        }
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

    /// The sums of days or of hours: start, model, module, calls, pico-dollars charged.
    pub(super) fn sums(&self, span: Millis) -> impl Iterator<Item = (Millis, &str, &str, i64, i64)> {
        let sums = if span == DAY { &self.days } else { &self.hours };
        sums.iter().map(|(key, sums)| (key.start, self.name(key.model), self.name(key.module), sums.calls, sums.charged))
    }

    /// Write the sums into the tables.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn write(mut self, c: &mut dyn Conn) -> Result<()> {
        self.write_sums(c, &DAYS, &self.days)?;
        self.write_sums(c, &HOURS, &self.hours)?;
        self.write_sketches(c)
    }

    fn write_sums(&self, c: &mut dyn Conn, table: &Bulk, sums: &HashMap<Key, Counters>) -> Result<()> {
        let mut rows: Vec<_> = sums.iter().collect();
        // In the order of the index, which is quicker, and the same for every process.
        rows.sort_unstable_by_key(|(key, _)| {
            (key.start, self.name(key.model), self.name(key.module), self.name(key.persona), self.name(key.category))
        });
        let mut cells = Vec::with_capacity(rows.len() * table.columns.len());
        for (key, sums) in rows {
            cells.push(ValRef::Int(key.start));
            cells.extend([key.model, key.module, key.persona, key.category].map(|name| ValRef::Text(self.name(name))));
            sums.cells(&mut cells);
        }
        c.insert(table, &cells).map(drop)
    }

    fn write_sketches(&mut self, c: &mut dyn Conn) -> Result<()> {
        let mut days = std::mem::take(&mut self.beside);
        let hours = std::mem::take(&mut self.sketches);
        for (hour, sketches) in &hours {
            days.entry(SketchKey { start: hour.start - hour.start.rem_euclid(DAY), ..*hour }).or_default().merge(sketches);
        }
        let mut spans: BTreeMap<(Millis, Millis), Vec<(SketchKey, Sketches)>> = BTreeMap::new();
        for (span, all) in [(HOUR, hours), (DAY, days)] {
            for (key, sketches) in all {
                spans.entry((span, key.start)).or_default().push((key, sketches));
            }
        }
        let mut rows = Vec::new();
        for ((span, start), mut all) in spans {
            self.merge_known(c, span, start, &mut all)?;
            all.sort_unstable_by_key(|(key, _)| (self.name(key.model), self.name(key.module)));
            rows.extend(all.into_iter().map(|(key, sketches)| (span, key, sketches.bytes())));
        }
        let mut cells = Vec::with_capacity(rows.len() * SKETCH_ROWS.columns.len());
        for (span, key, sketches) in &rows {
            cells.extend([ValRef::Int(*span), ValRef::Int(key.start)]);
            cells.extend([key.model, key.module].map(|name| ValRef::Text(self.name(name))));
            cells.extend(sketches.iter().map(|bytes| bytes.as_deref().map_or(ValRef::Null, ValRef::Blob)));
        }
        c.insert(&SKETCH_ROWS, &cells).map(drop)
    }

    /// Merge what the table has already: one question for each span, however many models and modules it has.
    fn merge_known(&self, c: &mut dyn Conn, span: Millis, start: Millis, all: &mut [(SketchKey, Sketches)]) -> Result<()> {
        let known = format!("SELECT model, module, {} FROM roll_sketch WHERE span = $1 AND start = $2", SKETCHES.join(", "));
        if let [(key, sketches)] = all {
            let sql = format!("{known} AND model = $3 AND module = $4");
            let row = c.first(&sql, vals![span, start, self.name(key.model), self.name(key.module)])?;
            return row.map_or(Ok(()), |row| sketches.merge_row(&row));
        }
        for row in c.query(&known, vals![span, start])? {
            let (model, module) = (row.text("model")?, row.text("module")?);
            let own = all.iter_mut().find(|(key, _)| self.name(key.model) == model && self.name(key.module) == module);
            if let Some((_, sketches)) = own {
                sketches.merge_row(&row)?;
            }
        }
        Ok(())
    }
}
