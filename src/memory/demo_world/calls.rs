//! What the demonstration's agent asked of models in its past: some weeks of calls with weekdays, a day that stands out, answers that failed, a model
//! without a price, and a budget that is three quarters used. From the section `ledger` of `assets/demo.toml`.

use crate::base::{Millis, PersonaId, Picos, new_id};
use crate::llm::budget::model::{Action, Budget, Scope, Threshold};
use crate::llm::budget::{Period, book};
use crate::llm::ledger::past::{self, Past};
use crate::llm::ledger::sums::{self, Only};
use crate::llm::ledger::{Category, Outcome, Settled, Started, Window};
use crate::llm::price::Book;
use crate::llm::reported::Reported;
use crate::llm::usage::{Shape, Usage};
use crate::memory::{Error, Result};
use crate::store::Conn;
use crate::store::audit::Actor;
use chrono::{DateTime, Datelike as _, Timelike as _};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

/// A day, in milliseconds.
const DAY: Millis = 86_400_000;
/// No call of the past is younger: the last minutes belong to the agent.
const LATEST: Millis = 20 * 60_000;

/// The section of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ledger {
    /// How long the past is, in days.
    days: i64,
    /// Pieces of work in it.
    works: usize,
    /// The day that stands out, counted back, how many times as much work it had, and the model that it had.
    spike_day: i64,
    spike_times: f64,
    spike_model: String,
    /// The share of the budget that is used.
    used: f64,
    kinds: Vec<Kind>,
}

/// A kind of call.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    module: String,
    model: String,
    category: String,
    /// In how many of a hundred pieces of work it is made.
    percent: u32,
    tokens_in: i64,
    tokens_out: i64,
    /// How long it usually takes.
    millis: u64,
    /// Whether it is streamed.
    #[serde(default)]
    streamed: bool,
}

/// Write it all for a persona.
///
/// # Errors
/// When the database refuses, or the file does not hold together.
pub(super) fn write(c: &mut dyn Conn, ledger: &Ledger, persona: &PersonaId, now: Millis, seed: u64, actor: &Actor) -> Result<()> {
    let own = Book::embedded().map_err(|error| Error::Seed { reason: error.to_string() })?;
    let random = fastrand::Rng::with_seed(seed ^ 0x6c65_6467_6572);
    let mut telling = Telling { own: &own, random, calls: Vec::new(), persona: persona.clone() };
    for (number, (at, is_spike)) in telling.times(ledger, now).into_iter().enumerate() {
        telling.work(ledger, number, at, is_spike)?;
    }
    past::write(c, &own, &telling.calls, actor, now)?;
    budget(c, ledger, now, actor)
}

/// A budget of the month that is used as far as the file says.
fn budget(c: &mut dyn Conn, ledger: &Ledger, now: Millis, actor: &Actor) -> Result<()> {
    let since = Period::Month.around(now, chrono_tz::Tz::UTC).start;
    let spent = sums::total(c, &Window { since, until: now + 1 }, &Only::default())?.charged;
    // To whole cents; on the first of a month nothing may have been spent yet.
    let cents = (spent.to_usd() / ledger.used * 100.0).ceil().max(100.0);
    let limit = Picos::from_usd(cents / 100.0).unwrap_or(Picos::ZERO);
    let at = |percent, actions| Threshold { percent, actions };
    let thresholds = vec![
        at(50, vec![Action::Log]),
        at(75, vec![Action::Log]),
        at(90, vec![Action::Log, Action::Banner]),
        at(100, vec![Action::Log, Action::Banner]),
    ];
    let budget = Budget {
        id: new_id(),
        name: "monthly".to_owned(),
        scope: Scope::Global,
        period: Period::Month,
        zone: chrono_tz::Tz::UTC,
        limit,
        // A soft one: the demonstration's agent is not stopped.
        is_hard: false,
        thresholds,
        unpriced_allowed: Vec::new(),
    };
    book::set(c, &budget, actor, now)?;
    Ok(())
}

struct Telling<'a> {
    own: &'a Book,
    random: fastrand::Rng,
    calls: Vec<Past>,
    persona: PersonaId,
}

impl Telling<'_> {
    /// When each piece of work was done, and whether on the day that stands out: less on weekends, most by day.
    fn times(&mut self, ledger: &Ledger, now: Millis) -> Vec<(Millis, bool)> {
        let spike = (now - ledger.spike_day * DAY).div_euclid(DAY);
        let mut times = Vec::with_capacity(ledger.works * 2);
        while times.len() < ledger.works {
            let at = now - LATEST - (self.random.f64() * (ledger.days * DAY - LATEST) as f64) as Millis;
            let Some(time) = DateTime::from_timestamp_millis(at) else { continue };
            let of_day = if time.weekday().num_days_from_monday() >= 5 { 0.4 } else { 1.0 };
            let of_hour = if (6..23).contains(&time.hour()) { 1.0 } else { 0.25 };
            if self.random.f64() < of_day * of_hour {
                times.push((at, false));
            }
        }
        let usual = ledger.works as f64 / ledger.days as f64;
        let more = (usual * (ledger.spike_times - 1.0)) as usize;
        // Nine hours in which something went round in circles.
        times.extend(
            (0..more)
                .map(|_| (spike * DAY + DAY / 3 + (self.random.f64() * 9.0 * 3_600_000.0) as Millis, true))
                .filter(|(at, _)| *at < now - LATEST),
        );
        times.sort_unstable();
        times
    }

    /// A piece of work: a draft, what checks it, what comes of it.
    fn work(&mut self, ledger: &Ledger, number: usize, at: Millis, is_spike: bool) -> Result<()> {
        let mut at = at;
        for kind in &ledger.kinds {
            if self.random.u32(..100) >= kind.percent {
                continue;
            }
            let category = kind.category.parse::<Category>().map_err(|reason| Error::Seed { reason })?;
            let model = if is_spike && kind.streamed { &ledger.spike_model } else { &kind.model };
            let request = format!("demo-{number:04}-{}", kind.module);
            let fails = self.random.u32(..100) < 3;
            for attempt in 1..=if fails { 2 } else { 1 } {
                let is_last = !fails || attempt == 2;
                let took = self.attempt(kind, category, model, &request, number, (attempt, is_last), at);
                at += took + 400;
            }
        }
        Ok(())
    }

    /// A length around the usual one: most are near it, a few are several times as long.
    fn around(&mut self, usual: f64) -> f64 {
        let spread = (self.random.f64() + self.random.f64() + self.random.f64()) / 1.5 - 1.0;
        let tail = if self.random.u32(..50) == 0 { 3.5 } else { 1.0 };
        usual * (spread * 0.7).exp() * tail
    }

    #[allow(clippy::too_many_arguments, reason = "an attempt, spelt out")]
    fn attempt(
        &mut self,
        kind: &Kind,
        category: Category,
        model: &str,
        request: &str,
        work: usize,
        (attempt, is_last): (u32, bool),
        at: Millis,
    ) -> Millis {
        let is_cached = is_last && attempt == 1 && kind.module == "consistency" && self.random.u32(..100) < 8;
        let is_interrupted = is_last && !is_cached && self.random.u32(..160) == 0;
        let micros = if is_cached { 1_500.0 } else { self.around(kind.millis as f64 * 1e3) };
        let latency = Duration::from_micros(micros as u64);
        let first_token = (kind.streamed && is_last && !is_cached).then(|| latency.mul_f64(0.15 + 0.2 * self.random.f64()));
        let (input, output) = (self.around(kind.tokens_in as f64) as i64, self.around(kind.tokens_out as f64) as i64);
        let cached = if self.random.u32(..3) == 0 { input * 6 / 10 } else { 0 };
        let usage =
            Usage { input, output, cached, written: 0, written_1h: 0, written_12h: 0, reasoning: 0, shape: Shape::Chat, flags: Vec::new() };
        let id = format!("{request}-{attempt}");
        let queued = if self.random.u32(..12) == 0 { Duration::from_micros(self.random.u64(5_000..900_000)) } else { Duration::ZERO };
        let started = Started {
            id,
            request_id: request.to_owned(),
            attempt,
            persona: Some(self.persona.clone()),
            module: kind.module.clone(),
            correlation_id: format!("demo-{work:04}"),
            model_asked: model.to_owned(),
            streamed: kind.streamed,
            started_at: at,
            category,
            queued,
            reserved: None,
        };
        let reported = (is_last && !is_cached && !is_interrupted).then(|| self.reported(model, usage, &started));
        let (outcome, http_status, error_type, error_message) = match (is_last, is_interrupted) {
            (false, _) if self.random.bool() => {
                (Outcome::Error, Some(429), Some("rate_limit_exceeded"), Some("too many requests, try again in 2 s"))
            }
            (false, _) => (Outcome::Error, Some(503), Some("provider_overloaded"), Some("the provider is overloaded")),
            (true, true) => (Outcome::Interrupted, Some(200), Some("connection"), Some("the connection ended in the middle of the answer")),
            (true, false) => (Outcome::Ok, Some(200), None, None),
        };
        let trace = trace(model, attempt, error_message, queued);
        let settled = Settled {
            finished_at: at + millis(latency),
            outcome,
            model_answered: (outcome == Outcome::Ok).then(|| model.to_owned()),
            provider: (outcome == Outcome::Ok).then(|| "sandbox".to_owned()),
            generation_id: None,
            service_tier: None,
            latency,
            first_token,
            reported,
            http_status,
            error_type: error_type.map(str::to_owned),
            error_message: error_message.map(str::to_owned),
            finish_reason: (outcome == Outcome::Ok).then(|| "stop".to_owned()),
        };
        self.calls.push(Past { started, settled, is_cached, trace: Some(trace) });
        millis(latency)
    }

    /// What the provider said it cost: mostly what the book says, now and then with a fee, now and then nothing at all.
    fn reported(&mut self, model: &str, usage: Usage, started: &Started) -> Reported {
        let mut reported = Reported { usage: Some(usage), cost: None, cost_picos: None, is_byok: false, upstream: None };
        let settled = Settled { reported: Some(reported.clone()), ..nothing(started.started_at) };
        let priced = crate::llm::ledger::price_in_memory(self.own, started, &settled).map(|priced| priced.cost.to_usd());
        let cost = match (priced, self.random.u32(..100)) {
            (_, 0..6) => None,
            (Some(cost), 6..9) => Some(cost * 1.055),
            (Some(cost), 9..12) => Some(cost * 1.004),
            (Some(cost), _) => Some(cost),
            // A model that is in no book: the provider's word is all there is, half of the time.
            (None, _) if model.contains("preview") && self.random.bool() => Some(0.0018),
            (None, _) => None,
        };
        reported.cost = cost.map(|cost| format!("{cost:.12}").trim_end_matches('0').to_owned());
        reported.cost_picos = cost.and_then(Picos::from_usd);
        reported
    }
}

fn nothing(at: Millis) -> Settled {
    Settled {
        finished_at: at,
        outcome: Outcome::Ok,
        model_answered: None,
        provider: None,
        generation_id: None,
        service_tier: None,
        latency: Duration::ZERO,
        first_token: None,
        reported: None,
        http_status: None,
        error_type: None,
        error_message: None,
        finish_reason: None,
    }
}

fn millis(time: Duration) -> Millis {
    Millis::try_from(time.as_millis()).unwrap_or(0)
}

/// The decisions on the way, as the client writes them.
fn trace(model: &str, attempt: u32, failure: Option<&str>, queued: Duration) -> String {
    let mut steps = vec![json!({ "step": "chosen", "model": model, "complexity": "standard", "tokens": 900, "why": "usual" })];
    if !queued.is_zero() {
        let micros = u64::try_from(queued.as_micros()).unwrap_or(0);
        steps.push(json!({ "step": "queued", "model": model, "on": "concurrency", "micros": micros }));
    }
    if attempt > 1 {
        steps.push(json!({ "step": "attempt", "number": 1, "model": model, "failure": "the provider refused", "answered": null }));
        steps.push(json!({ "step": "again", "after": 400 }));
    }
    steps.push(json!({ "step": "attempt", "number": attempt, "model": model, "failure": failure, "answered": null }));
    json!({ "steps": steps }).to_string()
}
