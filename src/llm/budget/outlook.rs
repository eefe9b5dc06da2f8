//! A budget with everything that a person asks of it: what is used, how fast, when it ends, and what its period will have cost.

use super::book;
use super::forecast::{self, Day, Forecast};
use super::model::{Budget, Scope, Used};
use crate::base::{Millis, Picos};
use crate::llm::ledger::rollup;
use crate::store::{Conn, Result};
use crate::vals;
use serde::Serialize;

/// Days of the past that a forecast looks at.
const PAST: Millis = 60 * rollup::DAY;

/// A threshold, and when it will be reached.
#[derive(Debug, Clone, Serialize)]
pub struct Ahead {
    /// In percent.
    pub percent: u32,
    /// Milliseconds from now, going on as in the last 24 hours; 0 when it is reached, `None` when it will not be.
    pub within: Option<Millis>,
    /// Whether that lies in the period.
    pub in_period: bool,
}

/// How a budget stands.
#[derive(Debug, Clone, Serialize)]
pub struct Outlook {
    /// It.
    pub budget: Budget,
    /// What its period has used.
    pub used: Used,
    /// The same in percent of the limit.
    pub percent: u32,
    /// The used share over the elapsed share: above 1 it ends before its period. `None` for one without an end.
    pub burn: Option<f64>,
    /// Its thresholds.
    pub thresholds: Vec<Ahead>,
    /// What the period will have cost, in USD. `None` for one without an end.
    pub forecast: Option<Forecast>,
}

/// How every budget stands, by name.
///
/// # Errors
/// When the database refuses.
pub fn all(c: &mut dyn Conn, now: Millis) -> Result<Vec<Outlook>> {
    book::list(c)?.into_iter().map(|budget| of(c, budget, now)).collect()
}

/// How a budget stands.
///
/// # Errors
/// When the database refuses.
pub fn of(c: &mut dyn Conn, budget: Budget, now: Millis) -> Result<Outlook> {
    let used = book::used(c, &budget, now)?;
    let percent = budget.percent(used.spent);
    let share = if budget.limit.0 > 0 { used.spent.0 as f64 / budget.limit.0 as f64 } else { 1.0 };
    let burn = used.span.elapsed(now).and_then(|elapsed| forecast::burn(share, elapsed));
    let (last_day, _) = book::charged_between(c, &budget.scope, now - rollup::DAY, now)?;
    let thresholds = budget
        .thresholds
        .iter()
        .map(|threshold| {
            let amount = budget.limit.to_usd() * f64::from(threshold.percent) / 100.0;
            let within = forecast::time_to(amount, used.spent.to_usd(), last_day.to_usd(), rollup::DAY);
            let in_period = within.is_some_and(|within| used.span.end.is_none_or(|end| now.saturating_add(within) < end));
            Ahead { percent: threshold.percent, within, in_period }
        })
        .collect();
    let forecast = used.span.end.map(|end| end_of(c, &budget, &used, end, now)).transpose()?;
    Ok(Outlook { budget, used, percent, burn, thresholds, forecast })
}

fn end_of(c: &mut dyn Conn, budget: &Budget, used: &Used, end: Millis, now: Millis) -> Result<Forecast> {
    let today = now - now.rem_euclid(rollup::DAY);
    let past = days(c, &budget.scope, now - PAST, today)?;
    // The days of the sums are those of UTC; what a zone moves between two of them is less than a day of sixty.
    let left = ((today + rollup::DAY - now) as f64 / rollup::DAY as f64).min((end - now) as f64 / rollup::DAY as f64).max(0.0);
    let rest: Vec<Millis> = (1..).map(|day| today + day * rollup::DAY).take_while(|day| *day < end).collect();
    let elapsed = (now - used.span.start) as f64 / rollup::DAY as f64;
    Ok(forecast::forecast(&past, used.spent.to_usd(), (today, left), &rest, elapsed))
}

/// What a scope was charged on each UTC day of a span, from the first day on which it was charged anything.
///
/// # Errors
/// When the database refuses.
pub fn days(c: &mut dyn Conn, scope: &Scope, from: Millis, until: Millis) -> Result<Vec<Day>> {
    let (condition, value) = book::condition(scope, "model");
    let rows = c.query(
        &format!(
            "SELECT day, CAST(sum(charged_picos) AS BIGINT) AS charged FROM roll_day WHERE day >= $1 AND day < $2 AND {condition} \
             GROUP BY day ORDER BY day"
        ),
        vals![from, until, value],
    )?;
    let mut all: Vec<Day> = Vec::new();
    for row in rows {
        let day = row.int("day")?;
        // A day without calls cost nothing, and says so.
        while let Some(last) = all.last().filter(|last| last.start + rollup::DAY < day) {
            all.push(Day { start: last.start + rollup::DAY, spent: 0.0 });
        }
        all.push(Day { start: day, spent: Picos(row.int("charged")?).to_usd() });
    }
    while let Some(last) = all.last().filter(|last| last.start + rollup::DAY < until) {
        all.push(Day { start: last.start + rollup::DAY, spent: 0.0 });
    }
    Ok(all)
}
