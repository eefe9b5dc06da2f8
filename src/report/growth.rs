//! How the use of models grows: step by step, each with its change against the one before.

use super::sheet::{Cell, Column, Report, Sheet};
use super::sums::{self, Only, Sums, Window};
use super::{cost, period};
use crate::base::{Millis, Picos};
use crate::llm::budget::Period;
use crate::store::{Conn, Result};
use chrono_tz::Tz;

/// The length of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// From midnight.
    Day,
    /// From Monday.
    Week,
    /// From the first.
    Month,
}

impl Step {
    fn period(self) -> Period {
        match self {
            Self::Day => Period::Day,
            Self::Week => Period::Week,
            Self::Month => Period::Month,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

/// The last `count` steps up to now, the present one among them, in order; each whole, also where it is not over.
#[must_use]
pub fn steps(now: Millis, zone: Tz, step: Step, count: u32) -> Vec<Window> {
    let mut all = Vec::new();
    let mut at = now;
    for _ in 0..count {
        let span = step.period().around(at, zone);
        let Some(end) = span.end.filter(|_| span.start > 0) else { break };
        all.push(Window { since: span.start, until: end });
        at = span.start - 1;
    }
    all.reverse();
    all
}

/// Growth over the last steps.
///
/// # Errors
/// When the database refuses.
pub fn report(c: &mut dyn Conn, now: Millis, zone: Tz, step: Step, count: u32, only: &Only) -> Result<Report> {
    let mut found = Vec::new();
    for window in steps(now, zone, step, count) {
        let sums = sums::total(c, &window, only)?;
        // What was before the first call is no growth from nothing.
        if sums.calls > 0 || !found.is_empty() {
            found.push((window, sums));
        }
    }
    Ok(of(now, zone, step, count, &found))
}

/// What a step that is not over will have been when it goes on so: the share of it that is over is scaled up. Pure.
#[must_use]
pub fn projected(window: &Window, now: Millis, value: f64) -> Option<f64> {
    let over = (now - window.since) as f64 / window.length().max(1) as f64;
    // From a tenth of it nothing can be said.
    (0.1..1.0).contains(&over).then(|| value / over)
}

fn of(now: Millis, zone: Tz, step: Step, count: u32, found: &[(Window, Sums)]) -> Report {
    let mut rows = Vec::new();
    let mut before: Option<&Sums> = None;
    for (window, sums) in found {
        let is_over = window.until <= now;
        let change = |of: fn(&Sums) -> f64| match before {
            Some(before) if is_over => Cell::change(of(before), of(sums)),
            Some(before) => projected(window, now, of(sums)).map_or(Cell::Nothing, |value| Cell::change(of(before), value)),
            None => Cell::Nothing,
        };
        let tokens = |sums: &Sums| (sums.tokens_in + sums.tokens_out) as f64;
        let end_cost = if is_over {
            Cell::Money(sums.charged)
        } else {
            Cell::money(projected(window, now, sums.charged.to_usd()).and_then(Picos::from_usd))
        };
        rows.push(vec![
            Cell::Text(format!("{}{}", period::day(window.since, zone), if is_over { "" } else { " (not over)" })),
            Cell::Count(sums.calls),
            change(|sums| sums.calls as f64),
            Cell::Count(sums.tokens_in + sums.tokens_out),
            change(tokens),
            Cell::Money(sums.charged),
            change(|sums| sums.charged.to_usd()),
            end_cost,
            Cell::money(sums.per_call()),
            Cell::number(sums.tokens_per_call()),
            Cell::share(sums.error_share()),
        ]);
        before = Some(sums);
    }
    let mut notes = Vec::new();
    if found.is_empty() {
        notes.push(cost::nothing());
    }
    if let Some(doubling) = doubling(found, now) {
        notes.push(format!("At the growth of these {}s, calls double in about {doubling:.1} {}s.", step.word(), step.word()));
    }
    let all = steps(now, zone, step, count);
    let window = Window { since: all.first().map_or(now, |first| first.since), until: now };
    Report {
        name: "growth",
        title: format!("Growth by {}", step.word()),
        window,
        zone,
        sheets: vec![Sheet {
            key: "growth",
            title: "Growth".to_owned(),
            columns: vec![
                Column::new("from", "from"),
                Column::new("calls", "calls"),
                Column::new("calls_change", "change"),
                Column::new("tokens", "tokens"),
                Column::new("tokens_change", "change"),
                Column::new("cost_usd", "cost"),
                Column::new("cost_change", "change"),
                Column::new("cost_at_end_usd", "at its end"),
                Column::new("cost_per_call_usd", "a call"),
                Column::new("tokens_per_call", "tokens a call"),
                Column::new("failed_share", "failed"),
            ],
            rows,
            total: None,
        }],
        notes,
    }
}

/// Steps after which calls are twice as many, by the mean growth of whole steps; `None` where they do not grow, or there are fewer than three.
fn doubling(found: &[(Window, Sums)], now: Millis) -> Option<f64> {
    let whole: Vec<f64> = found.iter().filter(|(window, _)| window.until <= now).map(|(_, sums)| sums.calls as f64).collect();
    let (first, last) = (whole.first()?, whole.last()?);
    let factor = (last / first).powf(1.0 / (whole.len() - 1).max(1) as f64);
    (whole.len() >= 3 && factor.is_finite() && factor > 1.01).then(|| 2_f64.ln() / factor.ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-16, a Monday.
    const MONDAY: Millis = 1_794_787_200_000;
    const DAY: Millis = 86_400_000;

    #[test]
    fn steps_follow_each_other_and_end_with_the_present_one() {
        for step in [Step::Day, Step::Week, Step::Month] {
            let all = steps(MONDAY + DAY, Tz::America__New_York, step, 5);
            assert_eq!(all.len(), 5);
            assert!(all.windows(2).all(|pair| pair[0].until == pair[1].since));
            assert!(all[4].since <= MONDAY + DAY && MONDAY + DAY < all[4].until);
        }
    }

    #[test]
    fn what_is_not_over_is_compared_as_it_would_end_and_nothing_is_divided_by() {
        let window = Window { since: MONDAY, until: MONDAY + 7 * DAY };
        assert_eq!(projected(&window, MONDAY + 7 * DAY / 2, 10.0), Some(20.0));
        assert_eq!(projected(&window, MONDAY, 10.0), None);
        let calls = |calls: i64| Sums { calls, ..Sums::default() };
        let weeks: Vec<(Window, Sums)> =
            [1, 2, 4].into_iter().zip(steps(MONDAY - 1, Tz::UTC, Step::Week, 3)).map(|(count, window)| (window, calls(count))).collect();
        assert_eq!(doubling(&weeks, MONDAY), Some(1.0));
        assert_eq!(doubling(&[], MONDAY), None);
        let report = of(MONDAY, Tz::UTC, Step::Week, 3, &[(window, Sums::default())]);
        assert_eq!(report.sheets[0].rows[0][2], Cell::Nothing);
    }
}
