//! The reports of a week and of a month: what it was, how it compares with the one before, what stood out and why, and how budgets stand.

use super::sheet::{Cell, Column, Report, Sheet};
use super::slo::{Level, Preset};
use super::sums::{self, By, Latencies, Only, Sums, Window};
use super::{Asked, cost, days, format, latency, period};
use crate::base::{Millis, PersonaId, Picos};
use crate::llm::budget::forecast::{self, Day, Part, Spike};
use crate::llm::budget::outlook::{self, Outlook};
use crate::llm::budget::{book, model::Scope};
use crate::llm::ledger::rollup::DAY;
use crate::store::{Conn, Result};
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// Days before the period that tell what is usual.
const PAST: Millis = 60 * DAY;
/// A day is no spike by less than this, in USD.
const LEAST_SPIKE: f64 = 0.01;
/// Rows of a table, the rest in one.
const MOST_ROWS: usize = 20;
/// Causes of one spike that are told.
const MOST_CAUSES: usize = 3;
/// Thresholds of budgets that are looked through.
const MOST_EVENTS: u32 = 500;

/// What is reported on.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// `week` or `month`.
    pub name: &'static str,
    /// The period, whole.
    pub window: Window,
    /// The present.
    pub now: Millis,
    /// The zone.
    pub zone: Tz,
    /// What is fast enough.
    pub preset: &'static Preset,
    /// Names of personas.
    pub names: BTreeMap<PersonaId, String>,
}

/// A span and the one before it, which are compared.
#[derive(Debug, Clone, Copy)]
struct Pair {
    this: Window,
    before: Window,
}

impl Wanted {
    /// What of the period is over, and as much of the one before.
    fn pair(&self) -> Pair {
        let this = Window { since: self.window.since, until: self.window.until.min(self.now).max(self.window.since) };
        let step = if self.name == "week" { super::growth::Step::Week } else { super::growth::Step::Month };
        let before = super::growth::steps(self.window.since - 1, self.zone, step, 1).into_iter().next().unwrap_or(this.before());
        let is_over = self.window.until <= self.now;
        let until = if is_over { before.until } else { before.until.min(before.since.saturating_add(this.length())) };
        Pair { this, before: Window { since: before.since, until } }
    }
}

/// The report of a period.
///
/// # Errors
/// When the database refuses.
pub fn report(c: &mut dyn Conn, wanted: &Wanted) -> Result<Report> {
    let pair = wanted.pair();
    let everything = Only::default();
    let (now, before) = (sums::total(c, &pair.this, &everything)?, sums::total(c, &pair.before, &everything)?);
    let speeds = [all_latencies(c, &pair.this)?, all_latencies(c, &pair.before)?];
    let mut notes = Vec::new();
    if wanted.window.until > wanted.now {
        notes.push(format!(
            "The {} is not over: it is compared with the first {} of the one before.",
            wanted.name,
            crate::base::clock::duration(pair.this.length())
        ));
    }
    if now.calls == 0 {
        notes.push(cost::nothing());
    }
    notes.extend(cost::unknown_cost(&now));
    let mut sheets = vec![overview(&now, &before, &speeds)];
    for by in [By::Model, By::Module, By::Persona, By::Category] {
        sheets.push(divided(c, wanted, &pair, by)?);
    }
    let past = past(c, &pair.this)?;
    let spikes: Vec<Spike> = forecast::spikes(&past, LEAST_SPIKE).into_iter().filter(|spike| spike.start >= pair.this.since).collect();
    let by_day = days::by_day(c, &pair.this, wanted.zone, &everything)?;
    if now.calls > 0 {
        notes.push(format!("Cost day by day: {}", spark(&by_day.iter().map(|(_, sums)| sums.charged.to_usd()).collect::<Vec<_>>())));
    }
    sheets.push(daily(wanted, &by_day));
    sheets.push(explained(c, &spikes)?);
    sheets.push(budgets(&outlook::all(c, wanted.now)?));
    sheets.push(thresholds(c, wanted, &pair.this)?);
    sheets.push(drift(c, &pair.this)?);
    let judged = wanted.preset.judge_all(&now, &speeds[0], pair.this.length() as f64 / DAY as f64);
    if let Some(worst) = judged.iter().map(|one| one.level).max().filter(|level| *level >= Level::Warning) {
        notes.push(format!("Objectives of {}: {}.", wanted.preset.name, worst.as_str()));
    }
    sheets.push(latency::objectives(wanted.preset, &judged));
    sheets.push(failures(c, &pair, &now)?);
    Ok(Report { name: wanted.name, title: title(wanted), window: pair.this, zone: wanted.zone, sheets, notes })
}

fn title(wanted: &Wanted) -> String {
    let first = period::day(wanted.window.since, wanted.zone);
    match wanted.name {
        "week" => format!("Model calls in the week from {first}"),
        _ => format!("Model calls in {}", first.get(..7).unwrap_or(&first)),
    }
}

fn all_latencies(c: &mut dyn Conn, window: &Window) -> Result<Latencies> {
    let all = sums::latencies(c, window, By::Day, &Only::default())?;
    Ok(all.into_iter().next().map(|(_, answer, _)| answer).unwrap_or_default())
}

/// Bars of the values, the largest as high as a bar gets.
#[must_use]
pub fn spark(values: &[f64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = values.iter().copied().fold(0.0, f64::max);
    let bar = |value: &f64| if most > 0.0 { BARS.get((value / most * 7.0).round() as usize).copied().unwrap_or('█') } else { '▁' };
    values.iter().map(bar).collect()
}

fn overview(now: &Sums, before: &Sums, speeds: &[Latencies; 2]) -> Sheet {
    let mut rows = Vec::new();
    let mut row = |what: &str, this: Cell, was: Cell, change: Cell| rows.push(vec![Cell::Text(what.to_owned()), this, was, change]);
    let mut counted = |what: &str, of: fn(&Sums) -> i64| {
        row(what, Cell::Count(of(now)), Cell::Count(of(before)), Cell::change(of(before) as f64, of(now) as f64));
    };
    counted("calls", |sums| sums.calls);
    counted("tokens in", |sums| sums.tokens_in);
    counted("tokens out", |sums| sums.tokens_out);
    counted("retries", |sums| sums.retries);
    counted("calls of unknown cost", |sums| sums.unpriced);
    row("cost", Cell::Money(now.charged), Cell::Money(before.charged), Cell::change(before.charged.to_usd(), now.charged.to_usd()));
    let each = |sums: &Sums| sums.per_call().map_or(0.0, Picos::to_usd);
    row("cost a call", Cell::money(now.per_call()), Cell::money(before.per_call()), Cell::change(each(before), each(now)));
    let mut shared = |what: &str, of: fn(&Sums) -> Option<f64>| {
        row(what, Cell::share(of(now)), Cell::share(of(before)), Cell::change(of(before).unwrap_or(0.0), of(now).unwrap_or(0.0)));
    };
    shared("failed", Sums::error_share);
    shared("answered from our cache", Sums::hit_share);
    shared("input tokens from the provider's cache", Sums::cached_share);
    let [this, was] = speeds;
    let percentiles = Cell::percentiles(this).into_iter().zip(Cell::percentiles(was));
    let raw = [(this.p50_us, was.p50_us), (this.p95_us, was.p95_us), (this.p99_us, was.p99_us)];
    for ((what, (now, before)), (this_us, was_us)) in ["P50", "P95", "P99"].into_iter().zip(percentiles).zip(raw) {
        let change = Cell::change(was_us.unwrap_or(0) as f64, this_us.unwrap_or(0) as f64);
        row(&format!("latency {what}"), now, before, if this_us.is_some() { change } else { Cell::Nothing });
    }
    row("latencies measured (n)", Cell::count(this.n), Cell::count(was.n), Cell::Nothing);
    Sheet {
        key: "overview",
        title: "Overview".to_owned(),
        columns: vec![
            Column::new("what", "what"),
            Column::new("this", "this time"),
            Column::new("before", "before"),
            Column::new("change", "change"),
        ],
        rows,
        total: None,
    }
}

fn divided(c: &mut dyn Conn, wanted: &Wanted, pair: &Pair, by: By) -> Result<Sheet> {
    let asked = Asked { window: pair.this, zone: wanted.zone, by, only: Only::default(), names: wanted.names.clone() };
    let now = sums::by(c, &pair.this, by, &asked.only)?;
    let before: BTreeMap<String, Sums> = sums::by(c, &pair.before, by, &asked.only)?.into_iter().collect();
    let whole = now.iter().map(|(_, sums)| sums.charged.to_usd()).sum::<f64>();
    let row = |name: String, sums: &Sums, was: Option<&Sums>| {
        let was = was.map_or(Picos::ZERO, |sums| sums.charged);
        vec![
            Cell::Text(name),
            Cell::Count(sums.calls),
            Cell::Money(sums.charged),
            if whole > 0.0 { Cell::Share(sums.charged.to_usd() / whole) } else { Cell::Nothing },
            Cell::Money(was),
            Cell::change(was.to_usd(), sums.charged.to_usd()),
            Cell::share(sums.error_share()),
        ]
    };
    let mut rows: Vec<Vec<Cell>> = now.iter().take(MOST_ROWS).map(|(name, sums)| row(asked.name(name), sums, before.get(name))).collect();
    if let Some(rest) = now.get(MOST_ROWS..).filter(|rest| !rest.is_empty()) {
        let mut both = [Sums::default(), Sums::default()];
        for (name, sums) in rest {
            both[0].add(sums);
            both[1].add(&before.get(name).copied().unwrap_or_default());
        }
        rows.push(row(format!("({} more)", rest.len()), &both[0], Some(&both[1])));
    }
    let (key, title) = match by {
        By::Model => ("models", "Cost by model"),
        By::Module => ("modules", "Cost by module"),
        By::Persona => ("personas", "Cost by persona"),
        _ => ("categories", "Cost by category"),
    };
    Ok(Sheet {
        key,
        title: title.to_owned(),
        columns: vec![
            asked.heading(),
            Column::new("calls", "calls"),
            Column::new("cost_usd", "cost"),
            Column::new("share", "share"),
            Column::new("before_usd", "before"),
            Column::new("change", "change"),
            Column::new("failed_share", "failed"),
        ],
        rows,
        total: None,
    })
}

fn daily(wanted: &Wanted, days: &[(Window, Sums)]) -> Sheet {
    let row = |(day, sums): &(Window, Sums)| {
        vec![
            Cell::Text(period::day(day.since, wanted.zone)),
            Cell::Count(sums.calls),
            Cell::Money(sums.charged),
            Cell::money(sums.per_call()),
            Cell::number(sums.tokens_per_call()),
            Cell::share(sums.error_share()),
        ]
    };
    let is_empty = days.iter().all(|(_, sums)| sums.calls == 0);
    Sheet {
        key: "days",
        title: "Day by day".to_owned(),
        columns: vec![
            Column::new("day", "day"),
            Column::new("calls", "calls"),
            Column::new("cost_usd", "cost"),
            Column::new("cost_per_call_usd", "a call"),
            Column::new("tokens_per_call", "tokens a call"),
            Column::new("failed_share", "failed"),
        ],
        rows: if is_empty { Vec::new() } else { days.iter().map(row).collect() },
        total: None,
    }
}

/// The whole UTC days up to the end of a window, with those before it that tell what is usual.
fn past(c: &mut dyn Conn, window: &Window) -> Result<Vec<Day>> {
    let until = window.until - window.until.rem_euclid(DAY);
    outlook::days(c, &Scope::Global, window.since - window.since.rem_euclid(DAY) - PAST, until)
}

/// What models and modules cost in a span, as the parts that explain a difference; `share` scales a longer span to a day.
fn parts(c: &mut dyn Conn, window: &Window, share: f64) -> Result<Vec<Part>> {
    let all = sums::by_model_and_module(c, window, &Only::default())?;
    Ok(all
        .into_iter()
        .map(|(key, sums)| Part {
            key,
            calls: sums.calls as f64 * share,
            tokens: (sums.tokens_in + sums.tokens_out) as f64 * share,
            spent: sums.charged.to_usd() * share,
        })
        .collect())
}

fn explained(c: &mut dyn Conn, spikes: &[Spike]) -> Result<Sheet> {
    let money = |usd: f64| Picos::from_usd(usd).map_or(Cell::Nothing, Cell::Money);
    let mut rows = Vec::new();
    for spike in spikes {
        let day = Window { since: spike.start, until: spike.start + DAY };
        let week = Window { since: spike.start - 7 * DAY, until: spike.start };
        let causes = forecast::causes(&parts(c, &week, 1.0 / 7.0)?, &parts(c, &day, 1.0)?);
        for (number, cause) in causes.iter().filter(|cause| cause.more > 0.0).take(MOST_CAUSES).enumerate() {
            let is_first = number == 0;
            rows.push(vec![
                Cell::Text(if is_first { format!("{} UTC", period::day(spike.start, Tz::UTC)) } else { String::new() }),
                if is_first { money(spike.spent) } else { Cell::Nothing },
                if is_first { money(spike.usual) } else { Cell::Nothing },
                Cell::Text(cause.model.clone()),
                Cell::Text(cause.module.clone()),
                money(cause.more),
                money(cause.by_volume),
                money(cause.by_tokens),
                money(cause.by_price),
            ]);
        }
    }
    Ok(Sheet {
        key: "spikes",
        title: "Days that cost much more than such days do, and what explains them".to_owned(),
        columns: vec![
            Column::new("day", "day"),
            Column::new("cost_usd", "cost"),
            Column::new("usual_usd", "usual"),
            Column::new("model", "model"),
            Column::new("module", "module"),
            Column::new("more_usd", "more than the week before"),
            Column::new("by_calls_usd", "by more calls"),
            Column::new("by_tokens_usd", "by longer calls"),
            Column::new("by_price_usd", "by dearer tokens"),
        ],
        rows,
        total: None,
    })
}

fn budgets(all: &[Outlook]) -> Sheet {
    let row = |one: &Outlook| {
        let forecast = one.forecast.map_or_else(
            || "-".to_owned(),
            |forecast| {
                let sure = if forecast.is_well_founded { "" } else { ", few days" };
                let error = forecast.past_error.map_or_else(String::new, |error| format!(", off by {:.0} % in the past", error * 100.0));
                format!("${:.2} (${:.2} to ${:.2}{sure}{error})", forecast.middle, forecast.low, forecast.high)
            },
        );
        vec![
            Cell::Text(one.budget.name.clone()),
            Cell::Text(one.budget.scope.to_string()),
            Cell::Text(format!("{} a {}", one.budget.limit, one.budget.period.as_str())),
            Cell::Money(one.used.spent),
            Cell::Share(f64::from(one.percent) / 100.0),
            one.burn.map_or(Cell::Nothing, |burn| Cell::Text(format!("{burn:.2}"))),
            Cell::Text(forecast),
        ]
    };
    Sheet {
        key: "budgets",
        title: "Budgets as they stand now".to_owned(),
        columns: vec![
            Column::new("budget", "budget"),
            Column::new("scope", "covers"),
            Column::new("limit", "limit"),
            Column::new("spent_usd", "spent"),
            Column::new("used_share", "used"),
            Column::new("burn", "burn"),
            Column::new("forecast", "will have cost"),
        ],
        rows: all.iter().map(row).collect(),
        total: None,
    }
}

fn thresholds(c: &mut dyn Conn, wanted: &Wanted, window: &Window) -> Result<Sheet> {
    let events = book::events(c, MOST_EVENTS)?;
    let rows = events.iter().filter(|event| window.since <= event.at && event.at < window.until).map(|event| {
        vec![
            Cell::Text(period::shown(event.at, wanted.zone)),
            Cell::Text(event.budget.clone()),
            Cell::Share(f64::from(event.percent) / 100.0),
            Cell::Money(event.spent),
            Cell::Money(event.limit),
        ]
    });
    Ok(Sheet {
        key: "thresholds",
        title: "Thresholds of budgets that were reached".to_owned(),
        columns: vec![
            Column::new("at", "when"),
            Column::new("budget", "budget"),
            Column::new("threshold_share", "threshold"),
            Column::new("spent_usd", "spent"),
            Column::new("limit_usd", "limit"),
        ],
        rows: rows.collect(),
        total: None,
    })
}

fn drift(c: &mut dyn Conn, window: &Window) -> Result<Sheet> {
    let all = sums::by(c, window, By::Model, &Only::default())?;
    let rows = all.iter().filter(|(_, sums)| sums.odd > 0 || sums.unpriced > 0).take(MOST_ROWS).map(|(model, sums)| {
        vec![
            Cell::Text(model.clone()),
            Cell::Count(sums.odd),
            Cell::Count(sums.unpriced),
            Cell::Money(sums.reported),
            Cell::Money(sums.computed),
            Cell::Money(sums.drift),
        ]
    });
    Ok(Sheet {
        key: "drift",
        title: "Costs that are not what the price book says".to_owned(),
        columns: vec![
            Column::new("model", "model"),
            Column::new("odd_calls", "calls"),
            Column::new("unknown_cost_calls", "of unknown cost"),
            Column::new("reported_usd", "reported"),
            Column::new("computed_usd", "by the book"),
            Column::new("drift_usd", "more than the book, where both are known"),
        ],
        rows: rows.collect(),
        total: None,
    })
}

fn failures(c: &mut dyn Conn, pair: &Pair, now: &Sums) -> Result<Sheet> {
    let before: BTreeMap<(String, String), i64> =
        sums::failures(c, &pair.before)?.into_iter().map(|(module, failure, count)| ((module, failure), count)).collect();
    let rows = sums::failures(c, &pair.this)?.into_iter().take(MOST_ROWS).map(|(module, failure, count)| {
        let was = before.get(&(module.clone(), failure.clone())).copied().unwrap_or(0);
        vec![
            Cell::Text(module),
            Cell::Text(failure),
            Cell::Count(count),
            if now.calls > 0 { Cell::Share(count as f64 / now.calls as f64) } else { Cell::Nothing },
            Cell::Count(was),
            Cell::change(was as f64, count as f64),
        ]
    });
    Ok(Sheet {
        key: "failures",
        title: "What failed".to_owned(),
        columns: vec![
            Column::new("module", "module"),
            Column::new("failure", "failure"),
            Column::new("calls", "calls"),
            Column::new("share", "of all"),
            Column::new("before", "before"),
            Column::new("change", "change"),
        ],
        rows: rows.collect(),
        total: None,
    })
}

/// The document of a report: as [`format::markdown`], with one line for what there was nothing of.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut text = format::markdown(report);
    let empty: Vec<&str> = report.sheets.iter().filter(|sheet| sheet.rows.is_empty()).map(|sheet| sheet.title.as_str()).collect();
    if !empty.is_empty() {
        text.push_str(&format!("\nNothing to report: {}.\n", empty.join("; ").to_lowercase()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::slo;

    fn wanted(name: &'static str, since: Millis, until: Millis, now: Millis) -> Wanted {
        Wanted {
            name,
            window: Window { since, until },
            now,
            zone: Tz::UTC,
            preset: slo::named("assistant").unwrap(),
            names: BTreeMap::new(),
        }
    }

    #[test]
    fn a_period_that_is_not_over_is_compared_with_as_much_of_the_one_before() {
        let monday = 1_794_787_200_000;
        let whole = wanted("week", monday, monday + 7 * DAY, monday + 9 * DAY).pair();
        assert_eq!((whole.this.length(), whole.before), (7 * DAY, Window { since: monday - 7 * DAY, until: monday }));
        let part = wanted("week", monday, monday + 7 * DAY, monday + 2 * DAY).pair();
        assert_eq!((part.this.length(), part.before), (2 * DAY, Window { since: monday - 7 * DAY, until: monday - 5 * DAY }));
        // March against February, which is shorter.
        let (march, april) = (1_772_323_200_000, 1_775_001_600_000);
        let month = wanted("month", march, april, april).pair();
        assert_eq!((month.this.length(), month.before.length()), (31 * DAY, 28 * DAY));
        assert!(wanted("month", march, april, march - DAY).pair().this.is_empty(), "a month to come");
    }

    #[test]
    fn bars_follow_values_and_nothing_is_divided_by() {
        assert_eq!(spark(&[0.0, 1.0, 2.0]), "▁▅█");
        assert_eq!(spark(&[0.0, 0.0]), "▁▁");
        assert_eq!(spark(&[]), "");
    }
}
