//! Days in a zone: a day that a person means begins at their midnight, and has 23, 24 or 25 hours.

use super::sums::{self, Only, Step, Sums, Window};
use crate::base::Millis;
use crate::llm::budget::Period;
use crate::store::{Conn, Result};
use chrono_tz::Tz;

/// Milliseconds of an hour.
const HOUR: Millis = 3_600_000;

/// The days of a window, each with its first moment; the first and the last of them cut off at the window's ends.
#[must_use]
pub fn days(window: &Window, zone: Tz) -> Vec<Window> {
    let mut all = Vec::new();
    let mut at = window.since;
    while at < window.until {
        let Some(end) = Period::Day.around(at, zone).end.filter(|end| *end > at) else { break };
        all.push(Window { since: at, until: end.min(window.until) });
        at = end;
    }
    all
}

/// The sums of each day of a window, those without calls among them.
///
/// # Errors
/// When the database refuses.
pub fn by_day(c: &mut dyn Conn, window: &Window, zone: Tz, only: &Only) -> Result<Vec<(Window, Sums)>> {
    let days = days(window, zone);
    if days.iter().skip(1).any(|day| day.since.rem_euclid(HOUR) != 0) {
        // A zone that is not whole hours away: each day by itself.
        return days.into_iter().map(|day| Ok((day, sums::total(c, &day, only)?))).collect();
    }
    let is_utc = days.iter().skip(1).all(|day| day.since.rem_euclid(24 * HOUR) == 0);
    let step = if is_utc { Step::Day } else { Step::Hour };
    let mut steps = sums::series(c, window, step, only)?.into_iter().peekable();
    Ok(days
        .into_iter()
        .map(|day| {
            let mut sums = Sums::default();
            while let Some((_, step)) = steps.next_if(|(start, _)| *start < day.until) {
                sums.add(&step);
            }
            (day, sums)
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn days_are_the_window(since in 1_700_000_000_000_i64..1_800_000_000_000, length in 0_i64..100 * 86_400_000, zone in 0_usize..4) {
            let zone = [Tz::UTC, Tz::Europe__Berlin, Tz::Asia__Kolkata, Tz::America__Sao_Paulo][zone];
            let window = Window { since, until: since + length };
            let days = days(&window, zone);
            prop_assert_eq!(days.iter().map(Window::length).sum::<i64>(), length);
            prop_assert!(days.windows(2).all(|pair| pair[0].until == pair[1].since));
            prop_assert!(days.iter().all(|day| !day.is_empty() && day.length() <= 25 * HOUR));
        }
    }
}
