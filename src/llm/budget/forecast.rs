//! Where the money goes: burn rate, time to an amount, the end of the month with an interval, spikes and what explains them. Pure.
//!
//! All amounts here are USD as floats: nothing of it is booked.

use crate::base::Millis;
use chrono::{DateTime, Datelike as _};

/// Days after which a day of the past counts half.
const HALF_LIFE: f64 = 14.0;
/// Days that a forecast by weekdays needs.
pub const ENOUGH: usize = 7;
/// Resamplings of an interval.
const SAMPLES: usize = 500;
/// Median absolute deviations from which a day is odd (Iglewicz and Hoaglin's modified z-score).
const ODD: f64 = 3.5;

/// What was spent on a day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Day {
    /// Its first moment.
    pub start: Millis,
    /// USD.
    pub spent: f64,
}

/// The share that is used over the share of the time that is over: above 1 the budget ends before its period. `None` at the very beginning.
#[must_use]
pub fn burn(used: f64, elapsed: f64) -> Option<f64> {
    (elapsed > 0.0 && used.is_finite()).then(|| used / elapsed)
}

/// Milliseconds until an amount is reached when it goes on as in the window; `None` when it never is.
#[must_use]
pub fn time_to(amount: f64, spent: f64, in_window: f64, window: Millis) -> Option<Millis> {
    if spent >= amount {
        return Some(0);
    }
    let rate = in_window / window.max(1) as f64;
    let wait = (amount - spent) / rate;
    (rate > 0.0 && wait.is_finite() && wait < 1e15).then_some(wait as Millis)
}

/// The end of a period, as it looks now.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Forecast {
    /// One in ten ends below.
    pub low: f64,
    /// The middle.
    pub middle: f64,
    /// One in ten ends above.
    pub high: f64,
    /// Whether it is more than the run rate of a few days.
    pub is_well_founded: bool,
    /// How far forecasts of a week were off in the past, as a share: 0.2 is 20 %. `None` with too little past.
    pub past_error: Option<f64>,
}

fn weekday(start: Millis) -> usize {
    DateTime::from_timestamp_millis(start).map_or(0, |time| time.weekday().num_days_from_monday() as usize)
}

/// What is expected of a weekday, from days in rising order: the mean of its own days, younger ones weighing more, drawn to the mean of all
/// where it has few.
fn expected(days: &[Day], on: usize, at: Millis) -> f64 {
    let weigh = |day: &Day| 0.5_f64.powf((at - day.start).max(0) as f64 / 86_400_000.0 / HALF_LIFE);
    let mean = |chosen: &dyn Fn(&Day) -> bool| {
        let (sum, weight) = days
            .iter()
            .filter(|day| chosen(day))
            .fold((0.0, 0.0), |(sum, weight), day| (sum + weigh(day) * day.spent, weight + weigh(day)));
        (sum, weight)
    };
    let (all, all_weight) = mean(&|_| true);
    let overall = if all_weight > 0.0 { all / all_weight } else { 0.0 };
    let (own, own_weight) = mean(&|day| weekday(day.start) == on);
    // As if each weekday had been seen once as the mean of all.
    (own + overall) / (own_weight + 1.0)
}

/// What a period will have cost. `past` are whole days before today in rising order, spikes among them left out of what is expected; `spent` is what
/// the period has used, `today` what is left of today as a share, `rest` the first moments of the days after today.
#[must_use]
pub fn forecast(past: &[Day], spent: f64, today: (Millis, f64), rest: &[Millis], elapsed_days: f64) -> Forecast {
    let usual: Vec<Day> = {
        let odd: Vec<Millis> = spikes(past, 0.0).into_iter().map(|spike| spike.start).collect();
        past.iter().filter(|day| !odd.contains(&day.start)).copied().collect()
    };
    if usual.len() < ENOUGH {
        let days = today.1 + rest.len() as f64;
        let rate = if elapsed_days > 0.0 { spent / elapsed_days } else { 0.0 };
        let middle = spent + rate * days;
        return Forecast { low: spent, middle, high: spent + rate * days * 2.0, is_well_founded: false, past_error: None };
    }
    let at = today.0;
    let ahead: Vec<f64> = std::iter::once(expected(&usual, weekday(at), at) * today.1)
        .chain(rest.iter().map(|start| expected(&usual, weekday(*start), at)))
        .collect();
    let residuals: Vec<f64> = usual.iter().map(|day| day.spent - expected(&usual, weekday(day.start), at)).collect();
    // The same state gives the same interval: a number that trembles on a screen is not read.
    let mut random = fastrand::Rng::with_seed(at.unsigned_abs());
    let mut ends: Vec<f64> = (0..SAMPLES)
        .map(|_| {
            let draw = |expected: &f64, random: &mut fastrand::Rng| {
                let residual = residuals.get(random.usize(..residuals.len())).copied().unwrap_or(0.0);
                (expected + residual).max(0.0)
            };
            spent + ahead.iter().map(|expected| draw(expected, &mut random)).sum::<f64>()
        })
        .collect();
    ends.sort_by(f64::total_cmp);
    let rank = |q: f64| ends.get((q * (SAMPLES - 1) as f64) as usize).copied().unwrap_or(spent);
    Forecast { low: rank(0.1), middle: rank(0.5), high: rank(0.9), is_well_founded: true, past_error: past_error(past) }
}

/// How far the sum of a week was off when it was forecast from the days before it: the mean over the past.
fn past_error(days: &[Day]) -> Option<f64> {
    let mut errors = Vec::new();
    for origin in (14..days.len().checked_sub(ENOUGH)? + 1).step_by(7) {
        let (before, after) = days.split_at(origin);
        let week = after.get(..7)?;
        let at = week.first()?.start;
        let predicted: f64 = week.iter().map(|day| expected(before, weekday(day.start), at)).sum();
        let actual: f64 = week.iter().map(|day| day.spent).sum();
        if actual > 0.0 {
            errors.push((predicted - actual).abs() / actual);
        }
    }
    (!errors.is_empty()).then(|| errors.iter().sum::<f64>() / errors.len() as f64)
}

/// A day that cost much more than such days do.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Spike {
    /// Its first moment.
    pub start: Millis,
    /// USD.
    pub spent: f64,
    /// What such a day costs.
    pub usual: f64,
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = values.get(middle)?;
    Some(if values.len().is_multiple_of(2) { (upper + values.get(middle - 1)?) / 2.0 } else { *upper })
}

/// Days that cost more than twice what such days do, by more than their usual scatter and by at least so many USD. Compared with the same weekday of
/// the four weeks before, else with the seven days before.
#[must_use]
pub fn spikes(days: &[Day], least: f64) -> Vec<Spike> {
    let mut found: Vec<Spike> = Vec::new();
    for (at, day) in days.iter().enumerate() {
        let before: Vec<&Day> =
            days.get(..at).unwrap_or_default().iter().filter(|day| !found.iter().any(|spike| spike.start == day.start)).collect();
        let same: Vec<f64> =
            before.iter().rev().filter(|other| weekday(other.start) == weekday(day.start)).take(4).map(|day| day.spent).collect();
        let baseline = if same.len() >= 3 { same } else { before.iter().rev().take(7).map(|day| day.spent).collect() };
        if baseline.len() < 3 {
            continue;
        }
        let Some(usual) = median(baseline.clone()) else { continue };
        let Some(deviation) = median(baseline.iter().map(|value| (value - usual).abs()).collect()) else { continue };
        // Days that are all alike have no scatter: a tenth of what is usual is allowed anyway.
        let scale = (1.4826 * deviation).max(usual * 0.1).max(1e-9);
        if day.spent > 2.0 * usual && (day.spent - usual) / scale > ODD && day.spent - usual >= least {
            found.push(Spike { start: day.start, spent: day.spent, usual });
        }
    }
    found
}

/// What a model and module cost in a span.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Part {
    /// `model` and `module`.
    pub key: (String, String),
    /// Calls.
    pub calls: f64,
    /// Tokens, both ways.
    pub tokens: f64,
    /// USD.
    pub spent: f64,
}

/// Why one span cost more than another, for one model and module: the three add up to the difference.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Cause {
    /// The model.
    pub model: String,
    /// The module.
    pub module: String,
    /// USD more than before.
    pub more: f64,
    /// The part of more calls.
    pub by_volume: f64,
    /// The part of longer calls.
    pub by_tokens: f64,
    /// The part of dearer tokens.
    pub by_price: f64,
}

/// What explains the difference between two spans of the same length, the largest cause first.
#[must_use]
pub fn causes(before: &[Part], now: &[Part]) -> Vec<Cause> {
    let keys: std::collections::BTreeSet<&(String, String)> = before.iter().chain(now).map(|part| &part.key).collect();
    let none = Part::default();
    let mut all: Vec<Cause> = keys
        .into_iter()
        .map(|key| {
            let old = before.iter().find(|part| part.key == *key).unwrap_or(&none);
            let new = now.iter().find(|part| part.key == *key).unwrap_or(&none);
            let per = |part: &Part| {
                let tokens = if part.calls > 0.0 { part.tokens / part.calls } else { 0.0 };
                let price = if part.tokens > 0.0 { part.spent / part.tokens } else { 0.0 };
                (tokens, price)
            };
            let more = new.spent - old.spent;
            let ((old_tokens, old_price), (new_tokens, new_price)) = (per(old), per(new));
            // What is new has no earlier calls to compare with: it is volume.
            if old.calls <= 0.0 || new.calls <= 0.0 || old.tokens <= 0.0 || new.tokens <= 0.0 {
                return Cause { model: key.0.clone(), module: key.1.clone(), more, by_volume: more, by_tokens: 0.0, by_price: 0.0 };
            }
            let by_volume = (new.calls - old.calls) * old_tokens * old_price;
            let by_tokens = new.calls * (new_tokens - old_tokens) * old_price;
            let by_price = new.calls * new_tokens * (new_price - old_price);
            Cause { model: key.0.clone(), module: key.1.clone(), more, by_volume, by_tokens, by_price }
        })
        .collect();
    all.sort_by(|a, b| b.more.abs().total_cmp(&a.more.abs()));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY: Millis = 86_400_000;
    /// A Monday.
    const MONDAY: Millis = 1_794_787_200_000;

    fn days(values: &[f64]) -> Vec<Day> {
        values.iter().enumerate().map(|(number, spent)| Day { start: MONDAY + number as i64 * DAY, spent: *spent }).collect()
    }

    #[test]
    fn burn_says_more_than_percent() {
        assert!(burn(0.57, 0.85).unwrap() < 1.0);
        assert!(burn(0.53, 0.085).unwrap() > 6.0);
        assert_eq!(burn(0.0, 0.0), None);
        assert_eq!(time_to(10.0, 4.0, 2.0, 3_600_000), Some(3 * 3_600_000));
        assert_eq!(time_to(10.0, 4.0, 0.0, 3_600_000), None);
        assert_eq!(time_to(10.0, 11.0, 0.0, 1), Some(0));
    }

    #[test]
    fn weekdays_are_told_apart() {
        let week = [10.0, 10.0, 10.0, 10.0, 10.0, 2.0, 2.0];
        let past = days(&week.repeat(6));
        let today = past.last().unwrap().start + DAY;
        let rest: Vec<Millis> = (1..14).map(|day| today + day * DAY).collect();
        let found = forecast(&past, 0.0, (today, 1.0), &rest, 0.0);
        assert!((found.middle - 108.0).abs() < 16.0, "{found:?}");
        assert!(found.low <= found.middle && found.middle <= found.high && found.is_well_founded);
        assert!(found.past_error.unwrap() < 0.25, "{found:?}");
        assert_eq!(forecast(&past, 0.0, (today, 1.0), &rest, 0.0), found, "the same again");
        assert!(!forecast(&days(&[5.0]), 5.0, (MONDAY + DAY, 1.0), &[], 1.0).is_well_founded);
    }

    #[test]
    fn a_spike_is_found_and_does_not_hide_the_next_one_nor_spoil_the_forecast() {
        let mut values = [10.0, 11.0, 9.5, 10.2, 10.4, 9.8, 10.1].repeat(4);
        values[20] = 95.0;
        values[25] = 60.0;
        let past = days(&values);
        let found: Vec<f64> = spikes(&past, 1.0).into_iter().map(|spike| spike.spent).collect();
        assert_eq!(found, [95.0, 60.0]);
        assert_eq!(spikes(&past, 1_000.0), []);
        let today = past.last().unwrap().start + DAY;
        let forecast = forecast(&past, 0.0, (today, 1.0), &[], 0.0);
        assert!(forecast.high < 13.0, "{forecast:?}");
    }

    #[test]
    fn a_price_a_longer_prompt_and_more_calls_are_told_apart() {
        let part = |calls, tokens, spent| vec![Part { key: ("m".into(), "draft".into()), calls, tokens, spent }];
        let cause = |before: &[Part], now: &[Part]| causes(before, now).remove(0);
        let base = part(100.0, 1e5, 10.0);
        assert!((cause(&base, &part(200.0, 2e5, 20.0)).by_volume - 10.0).abs() < 1e-9);
        assert!((cause(&base, &part(100.0, 2e5, 20.0)).by_tokens - 10.0).abs() < 1e-9);
        assert!((cause(&base, &part(100.0, 1e5, 20.0)).by_price - 10.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn causes_add_up_and_nothing_panics(values in prop::collection::vec((0.0_f64..1e4, 0.0_f64..1e7, 0.0_f64..1e3), 2), spent in prop::collection::vec(0.0_f64..1e4, 0..60)) {
            let part = |(calls, tokens, spent): (f64, f64, f64)| vec![Part { key: ("m".into(), "d".into()), calls, tokens, spent }];
            let cause = causes(&part(values[0]), &part(values[1])).remove(0);
            prop_assert!((cause.by_volume + cause.by_tokens + cause.by_price - cause.more).abs() <= 1e-6 * (1.0 + values[0].2 + values[1].2));
            let past = days(&spent);
            let _ = spikes(&past, 0.0);
            let found = forecast(&past, 1.0, (MONDAY + 90 * DAY, 0.5), &[MONDAY + 91 * DAY], 3.0);
            prop_assert!(found.low <= found.middle && found.middle <= found.high && found.low >= 1.0);
        }
    }
}
