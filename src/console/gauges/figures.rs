//! Everything that the tab shows of a span, read in one go. The sums and rules are those of the ledger, the budgets and the reports.

use super::span::{DAY, Span};
use crate::base::{Millis, Picos};
use crate::llm::budget::forecast::{self, Cause, Forecast, Part, Spike};
use crate::llm::budget::model::{Budget, Scope, Threshold};
use crate::llm::budget::outlook::{self, Outlook};
use crate::llm::budget::period::Period;
use crate::llm::calls::behind::{self, Traffic};
use crate::llm::ledger::Drift;
use crate::llm::ledger::Window;
use crate::llm::route::Live;
use crate::report::slo::{self, Preset};
use crate::report::sums::{self, By, Latencies, Only, Step, Sums};
use crate::store::{Conn, Result, feed};

/// Calls whose classes of drift are counted, the newest.
pub(super) const MOST_DRIFTS: u32 = 2_000;
/// What was sent longer ago is not under way any more: it is lost.
const LONGEST_CALL: Millis = 15 * 60_000;
/// Up to so many calls percentiles of what has no sketches, a persona or a category, are counted: nobody waits for more.
const MOST_MEASURED: i64 = 5_000;
/// Groups that are read, the dearest.
const MOST_GROUPS: usize = 200;
/// The least that a spike has to cost more than is usual, in USD.
const LEAST_SPIKE: f64 = 0.01;

/// What is asked of the ledger.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::console) struct Wanted {
    pub span: Span,
    pub by: By,
    pub only: Only,
}

/// What cost how much.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::console) struct Group {
    /// The name in the ledger; empty for nobody.
    pub name: String,
    pub sums: Sums,
    /// `None` where nothing was measured.
    pub latency: Option<Latencies>,
}

/// A spike, and what explains most of it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::console) struct Explained {
    pub spike: Spike,
    pub cause: Option<Cause>,
}

/// The numbers of a span.
#[derive(Debug, Clone)]
pub(in crate::console) struct Figures {
    pub wanted: Wanted,
    pub window: Window,
    pub before_window: Window,
    pub step: Step,
    /// When they were read.
    pub at: Millis,
    /// Where the feeds stood then.
    pub position: (i64, i64),
    pub total: Sums,
    pub before: Sums,
    pub series: Vec<(Millis, Sums)>,
    pub groups: Vec<Group>,
    /// Groups that are not among them.
    pub left_out: usize,
    pub latency: Latencies,
    pub first_token: Latencies,
    pub drifts: Vec<(Drift, u64)>,
    pub traffic: Vec<Traffic>,
    /// What the agent in this process has under way, and what is left of its limits; `None` where there is none.
    pub live: Option<Live>,
    /// What the latencies and the errors are held against.
    pub objectives: &'static Preset,
    pub budgets: Vec<Outlook>,
    /// What this month will have cost; of everybody, as budgets are.
    pub month: Option<Forecast>,
    pub month_spent: Picos,
    pub spikes: Vec<Explained>,
    /// Whether the ledger has any call at all.
    pub is_empty: bool,
}

impl Figures {
    /// The classes of drift were counted of all calls.
    pub fn drifts_are_all(&self) -> bool {
        self.total.calls <= i64::from(MOST_DRIFTS)
    }
}

/// Read them. Nothing comes back when the feeds stand where they were `known` to stand for the same window.
pub(super) fn read(c: &mut dyn Conn, wanted: &Wanted, known: Option<(Window, (i64, i64))>, now: Millis) -> Result<Option<Box<Figures>>> {
    let position = (feed::position(c, "ledger")?, feed::position(c, "budget")?);
    let window = wanted.span.window(now);
    if known == Some((window, position)) {
        return Ok(None);
    }
    let (only, step) = (&wanted.only, wanted.span.step(now));
    let before_window = wanted.span.before(now);
    let total = sums::total(c, &window, only)?;
    let mut groups: Vec<Group> =
        sums::by(c, &window, wanted.by, only)?.into_iter().map(|(name, sums)| Group { name, sums, latency: None }).collect();
    let left_out = groups.len().saturating_sub(MOST_GROUPS);
    groups.truncate(MOST_GROUPS);
    let is_narrow = only.persona.is_some() || only.category.is_some();
    let measurable = |is_narrow: bool| !is_narrow || total.calls <= MOST_MEASURED;
    if measurable(is_narrow || matches!(wanted.by, By::Persona | By::Category)) {
        for (name, latency, _) in sums::latencies(c, &window, wanted.by, only)? {
            if let Some(group) = groups.iter_mut().find(|group| group.name == name) {
                group.latency = Some(latency);
            }
        }
    }
    let (latency, first_token) = if measurable(is_narrow) {
        let all = sums::latencies(c, &window, By::Day, only)?.into_iter().next();
        all.map(|(_, latency, first_token)| (latency, first_token)).unwrap_or_default()
    } else {
        (Latencies { n: u64::try_from(total.latency_count).unwrap_or(0), ..Latencies::default() }, Latencies::default())
    };
    let (budgets, month, month_spent, spikes) = if wanted.span.is_live() {
        let whole = outlook::of(c, month(), now)?;
        (outlook::all(c, now)?, whole.forecast, whole.used.spent, spikes(c, &window, now)?)
    } else {
        (Vec::new(), None, Picos::ZERO, spikes(c, &window, window.until)?)
    };
    let is_empty = total.calls == 0 && sums::total(c, &Window::ALL, &Only::default())?.calls == 0;
    let traffic = behind::traffic(c, only, now - LONGEST_CALL, now)?;
    Ok(Some(Box::new(Figures {
        wanted: wanted.clone(),
        window,
        before_window,
        step,
        at: now,
        position,
        total,
        before: sums::total(c, &before_window, only)?,
        series: sums::series(c, &window, step, only)?,
        groups,
        left_out,
        latency,
        first_token,
        drifts: if total.calls > 0 { behind::drifts(c, &window, only, MOST_DRIFTS)? } else { Vec::new() },
        is_empty: is_empty && traffic.is_empty(),
        traffic,
        live: None,
        objectives: objectives(""),
        budgets,
        month,
        month_spent,
        spikes,
    })))
}

/// The objectives of a runbook; none of one that there is not.
pub(super) fn objectives(name: &str) -> &'static Preset {
    const NONE: Preset = Preset { name: "", about: "", objectives: &[] };
    slo::named(name).unwrap_or(&NONE)
}

/// A month without a limit, for its forecast.
fn month() -> Budget {
    Budget {
        id: String::new(),
        name: String::new(),
        scope: Scope::Global,
        period: Period::Month,
        zone: chrono_tz::Tz::UTC,
        limit: Picos::ZERO,
        is_hard: false,
        thresholds: Vec::<Threshold>::new(),
        unpriced_allowed: Vec::new(),
    }
}

/// Days of a window that cost much more than such days do, the newest first, with the model that explains most of it.
fn spikes(c: &mut dyn Conn, window: &Window, now: Millis) -> Result<Vec<Explained>> {
    let today = now - now.rem_euclid(DAY);
    let days = outlook::days(c, &Scope::Global, today - 60 * DAY, today)?;
    let mut found = Vec::new();
    for spike in forecast::spikes(&days, LEAST_SPIKE)
        .into_iter()
        .rev()
        .filter(|spike| spike.start + DAY > window.since && spike.start < window.until)
        .take(3)
    {
        let parts = |c: &mut dyn Conn, since: Millis| -> Result<Vec<Part>> {
            let of_day = sums::by(c, &Window { since, until: since + DAY }, By::Model, &Only::default())?;
            let part = |(model, sums): (String, Sums)| Part {
                key: (model, String::new()),
                calls: sums.calls as f64,
                tokens: (sums.tokens_in + sums.tokens_out) as f64,
                spent: sums.charged.to_usd(),
            };
            Ok(of_day.into_iter().map(part).collect())
        };
        let (before, on) = (parts(c, spike.start - 7 * DAY)?, parts(c, spike.start)?);
        found.push(Explained { cause: forecast::causes(&before, &on).into_iter().next(), spike });
    }
    Ok(found)
}
