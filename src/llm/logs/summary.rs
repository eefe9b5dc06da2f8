//! Everything that is asked of a log at once, straight from the files and without a database: cost, errors, latencies and tokens, in total and by
//! model, module, signature, persona and day; the types of failures; the slowest calls.
//!
//! One pass, in memory that does not grow with the log but for eight bytes a call, by which repeated lines are found.

use super::entry::{Doubt, Reject};
use super::piece::{Call, Found, NO_NAME, Name};
use crate::base::{Millis, Picos};
use crate::llm::ledger::Outcome;
use crate::llm::ledger::sketch::{Percentiles, Sketch};
use hashbrown::{HashMap, HashSet};
use serde::Serialize;
use std::collections::BTreeMap;

/// Milliseconds of a day.
const DAY: Millis = 86_400_000;
/// Repeated lines are looked for among so many calls.
const REMEMBERED: usize = 4_000_000;
/// Percentiles of all calls are exact up to so many.
const EXACT: usize = 4_000_000;
/// Names of one kind that are summed apart; the rest is summed together.
const NAMES: usize = 10_000;
/// The slowest calls that are shown.
const SLOWEST: usize = 10;
/// From this latency on, in microseconds, a call is slow: the runbook asks which signatures take more than a second.
const SLOW: i64 = 1_000_000;
/// The name of those that are summed together.
const OTHERS: &str = "(others)";
/// Rejected lines that are kept to be shown.
const SHOWN: usize = 1_000;

/// Sums of calls that have something in common.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// Calls.
    pub calls: u64,
    /// Those that failed.
    pub errors: u64,
    /// Those whose cost is not known.
    pub unpriced: u64,
    /// What the others cost.
    pub charged: Picos,
    /// Input tokens.
    pub tokens_in: i64,
    /// Output tokens.
    pub tokens_out: i64,
    /// Input tokens from a cache.
    pub tokens_cached: i64,
    /// Tokens of which only the total is known.
    pub tokens_untold: i64,
    /// Slow calls.
    pub slow: u64,
    latency: Sketch,
    latency_us_sum: i64,
}

impl Group {
    fn add(&mut self, call: &Call, charged: Option<Picos>) {
        self.calls += 1;
        self.errors += u64::from(call.outcome != Outcome::Ok);
        match charged {
            Some(charged) => self.charged = self.charged.saturating_add(charged),
            None => self.unpriced += 1,
        }
        let tokens = &call.tokens;
        self.tokens_in = self.tokens_in.saturating_add(tokens.input.unwrap_or(0));
        self.tokens_out = self.tokens_out.saturating_add(tokens.output.unwrap_or(0));
        self.tokens_cached = self.tokens_cached.saturating_add(tokens.cached.unwrap_or(0));
        if tokens.input.is_none() && tokens.output.is_none() {
            self.tokens_untold = self.tokens_untold.saturating_add(tokens.total.unwrap_or(0));
        }
        if let Some(latency) = call.latency_us {
            self.latency.add(latency);
            self.latency_us_sum = self.latency_us_sum.saturating_add(latency);
            self.slow += u64::from(latency > SLOW);
        }
    }

    /// The share of calls that failed; `None` without calls.
    #[must_use]
    pub fn error_rate(&self) -> Option<f64> {
        (self.calls > 0).then(|| self.errors as f64 / self.calls as f64)
    }

    /// The mean latency in microseconds; `None` when none is known.
    #[must_use]
    pub fn latency_mean_us(&self) -> Option<f64> {
        let count = self.latency.count();
        (count > 0).then(|| self.latency_us_sum as f64 / count as f64)
    }

    /// Percentiles of the latency, to one percent; `None` when none is known.
    #[must_use]
    pub fn latency(&self) -> Option<Percentiles> {
        self.latency.percentiles()
    }

    /// What a call that succeeded costs, failures paid for; `None` when none did.
    #[must_use]
    pub fn cost_per_success(&self) -> Option<Picos> {
        let succeeded = i64::try_from(self.calls - self.errors).ok().filter(|count| *count > 0)?;
        Some(Picos(self.charged.0 / succeeded))
    }

    fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "calls": self.calls,
            "errors": self.errors,
            "error_rate": self.error_rate(),
            "cost_usd": self.charged.to_usd(),
            "cost_picos": self.charged,
            "unpriced": self.unpriced,
            "cost_per_success_usd": self.cost_per_success().map(Picos::to_usd),
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
            "tokens_cached": self.tokens_cached,
            "tokens_untold": self.tokens_untold,
            "latency_mean_us": self.latency_mean_us(),
            "latency": self.latency(),
            "slow": self.slow,
        })
    }
}

/// Groups by a name.
#[derive(Debug, Default)]
struct ByName {
    places: HashMap<Box<str>, usize>,
    groups: Vec<(Box<str>, Group)>,
    /// The group of each name of the piece that is being taken in.
    of_piece: Vec<Option<usize>>,
}

impl ByName {
    fn begin(&mut self, found: &Found) {
        self.of_piece.clear();
        self.of_piece.resize(found.names.len(), None);
    }

    fn group(&mut self, found: &Found, name: Name) -> Option<&mut Group> {
        let place = match self.of_piece.get(name as usize)? {
            Some(place) => *place,
            None => {
                let place = self.place(found.name(name));
                *self.of_piece.get_mut(name as usize)? = Some(place);
                place
            }
        };
        self.groups.get_mut(place).map(|(_, group)| group)
    }

    fn place(&mut self, name: &str) -> usize {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        if self.groups.len() >= NAMES && name != OTHERS {
            return self.place(OTHERS);
        }
        self.groups.push((name.into(), Group::default()));
        self.places.insert(name.into(), self.groups.len() - 1);
        self.groups.len() - 1
    }

    /// The dearest first.
    fn sorted(&self) -> Vec<(&str, &Group)> {
        let mut groups: Vec<(&str, &Group)> = self.groups.iter().map(|(name, group)| (&**name, group)).collect();
        groups.sort_by(|(one, a), (other, b)| b.charged.cmp(&a.charged).then(b.calls.cmp(&a.calls)).then(one.cmp(other)));
        groups
    }
}

/// A slow call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Slow {
    /// How long it took, in microseconds.
    pub latency_us: i64,
    /// Its file.
    pub place: String,
    /// Its line.
    pub line: u64,
    /// The model.
    pub model: String,
    /// The signature, or the module.
    pub what: String,
}

/// What is known of the logs so far.
#[derive(Debug, Default)]
pub struct Summary {
    /// All calls.
    pub all: Group,
    /// Lines of any kind.
    pub lines: u64,
    /// Lines that repeat a call: the first one counts.
    pub repeated: u64,
    /// Lines that were not taken.
    pub rejected: u64,
    /// Lines about something else.
    pub other: u64,
    /// Bytes at the ends that wait for the rest of their line.
    pub waiting: u64,
    /// When the first and the last call were.
    pub span: Option<(Millis, Millis)>,
    /// Odd calls: how many, and the line of the first.
    pub doubts: BTreeMap<Doubt, (u64, u64)>,
    /// The first rejected lines, each with its file.
    pub rejects: Vec<(String, Reject)>,
    /// Failed calls by their type.
    pub error_types: BTreeMap<String, u64>,
    /// Calls whose cost is not known, by model.
    pub unpriced_models: BTreeMap<String, u64>,
    /// Whether repeated lines were looked for among all calls.
    pub all_remembered: bool,
    slowest: Vec<Slow>,
    latencies: Vec<u32>,
    is_exact: bool,
    seen: HashSet<u64>,
    models: ByName,
    modules: ByName,
    signatures: ByName,
    personas: ByName,
    days: BTreeMap<Millis, Group>,
}

impl Summary {
    /// Of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self { all_remembered: true, is_exact: true, ..Self::default() }
    }

    /// Take a piece of a file in.
    pub fn take(&mut self, place: &str, found: &Found) {
        self.lines += found.lines;
        self.other += found.other;
        self.rejected += found.rejects.len() as u64;
        let room = SHOWN.saturating_sub(self.rejects.len());
        self.rejects.extend(found.rejects.iter().take(room).map(|reject| (place.to_owned(), reject.clone())));
        for names in [&mut self.models, &mut self.modules, &mut self.signatures, &mut self.personas] {
            names.begin(found);
        }
        for call in &found.calls {
            self.call(place, found, call);
        }
    }

    fn call(&mut self, place: &str, found: &Found, call: &Call) {
        if self.is_repeated(call) {
            self.repeated += 1;
            return;
        }
        let charged = call.charged();
        self.all.add(call, charged);
        for (names, name) in [
            (&mut self.models, call.model),
            (&mut self.modules, call.module),
            (&mut self.signatures, call.signature),
            (&mut self.personas, call.persona),
        ] {
            if let Some(group) = names.group(found, name) {
                group.add(call, charged);
            }
        }
        self.days.entry(call.at - call.at.rem_euclid(DAY)).or_default().add(call, charged);
        let (first, last) = self.span.unwrap_or((call.at, call.at));
        self.span = Some((first.min(call.at), last.max(call.at)));
        for doubt in call.doubts.iter().take_while(|_| !call.doubts.is_empty()) {
            self.doubts.entry(doubt).or_insert((0, call.line)).0 += 1;
        }
        if call.outcome != Outcome::Ok {
            let kind = found.name_opt(call.error_type).unwrap_or("(no type)");
            count(&mut self.error_types, kind);
        }
        if charged.is_none() {
            count(&mut self.unpriced_models, found.name(call.model));
        }
        if let Some(latency) = call.latency_us {
            self.latency(place, found, call, latency);
        }
    }

    fn is_repeated(&mut self, call: &Call) -> bool {
        let [.., a, b, c, d, e, f, g, h] = call.id;
        let key = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        if self.seen.len() >= REMEMBERED {
            self.all_remembered = false;
            return self.seen.contains(&key);
        }
        !self.seen.insert(key)
    }

    fn latency(&mut self, place: &str, found: &Found, call: &Call, latency: i64) {
        if self.is_exact && self.latencies.len() < EXACT {
            self.latencies.push(u32::try_from(latency).unwrap_or(u32::MAX));
        } else {
            self.is_exact = false;
            self.latencies = Vec::new();
        }
        if self.slowest.len() == SLOWEST && self.slowest.last().is_some_and(|last| last.latency_us >= latency) {
            return;
        }
        let what = if call.signature == NO_NAME { call.module } else { call.signature };
        self.slowest.push(Slow {
            latency_us: latency,
            place: place.to_owned(),
            line: call.line,
            model: found.name(call.model).to_owned(),
            what: found.name(what).to_owned(),
        });
        self.slowest.sort_by(|one, other| other.latency_us.cmp(&one.latency_us).then(one.line.cmp(&other.line)));
        self.slowest.truncate(SLOWEST);
    }

    /// The percentiles of all latencies, and whether they are exact; `None` when none is known.
    #[must_use]
    pub fn latency_of_all(&self) -> Option<(Percentiles, bool)> {
        if !self.is_exact {
            return Some((self.all.latency()?, false));
        }
        let mut values = self.latencies.clone();
        let last = values.len().checked_sub(1)?;
        let mut at = |q: f64| i64::from(*values.select_nth_unstable((q * last as f64) as usize).1);
        Some((Percentiles { p50: at(0.5), p95: at(0.95), p99: at(0.99), count: last as u64 + 1 }, true))
    }

    /// The groups of each kind, the dearest first.
    #[must_use]
    pub fn groups(&self) -> [(&'static str, Vec<(&str, &Group)>); 4] {
        [
            ("model", self.models.sorted()),
            ("module", self.modules.sorted()),
            ("signature", self.signatures.sorted()),
            ("persona", self.personas.sorted()),
        ]
    }

    /// The UTC days, the first one first.
    #[must_use]
    pub fn days(&self) -> &BTreeMap<Millis, Group> {
        &self.days
    }

    /// The slowest calls, the slowest first.
    #[must_use]
    pub fn slowest(&self) -> &[Slow] {
        &self.slowest
    }

    /// All of it as JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let named = |groups: Vec<(&str, &Group)>| {
            let groups = groups.into_iter().map(|(name, group)| {
                let mut value = group.json();
                value["name"] = name.into();
                value
            });
            groups.collect::<Vec<_>>()
        };
        let [(_, models), (_, modules), (_, signatures), (_, personas)] = self.groups();
        let days = self.days.iter().map(|(day, group)| {
            let mut value = group.json();
            value["day"] = day_text(*day).into();
            value
        });
        let mut all = self.all.json();
        let exact = self.latency_of_all();
        all["latency"] = serde_json::json!(exact.map(|(percentiles, _)| percentiles));
        all["latency_is_exact"] = exact.is_some_and(|(_, is_exact)| is_exact).into();
        let doubts = self.doubts.iter().map(|(doubt, (count, line))| {
            serde_json::json!({ "doubt": doubt.word(), "calls": count, "first_line": line, "meaning": doubt.meaning() })
        });
        let rejects = self.rejects.iter().map(|(place, reject)| {
            serde_json::json!({ "file": place, "line": reject.line, "reason": reject.why.word(), "detail": reject.detail })
        });
        serde_json::json!({
            "lines": self.lines,
            "repeated": self.repeated,
            "rejected": self.rejected,
            "other": self.other,
            "waiting_bytes": self.waiting,
            "all_remembered": self.all_remembered,
            "from": self.span.map(|(first, _)| crate::base::clock::rfc3339(first)),
            "until": self.span.map(|(_, last)| crate::base::clock::rfc3339(last)),
            "all": all,
            "models": named(models),
            "modules": named(modules),
            "signatures": named(signatures),
            "personas": named(personas),
            "days": days.collect::<Vec<_>>(),
            "error_types": self.error_types,
            "unpriced_models": self.unpriced_models,
            "slowest": self.slowest,
            "doubts": doubts.collect::<Vec<_>>(),
            "rejects": rejects.collect::<Vec<_>>(),
        })
    }
}

/// A UTC day as `2026-11-21`.
#[must_use]
pub fn day_text(day: Millis) -> String {
    crate::base::clock::rfc3339(day).chars().take(10).collect()
}

fn count(counts: &mut BTreeMap<String, u64>, name: &str) {
    let name = if counts.len() < NAMES || counts.contains_key(name) { name } else { OTHERS };
    if let Some(count) = counts.get_mut(name) {
        *count += 1;
    } else {
        counts.insert(name.to_owned(), 1);
    }
}
