//! Days in a zone: a day that a person means begins at their midnight, and has 23, 24 or 25 hours.

use super::sums::{self, Only, Step, Sums, Window};
use crate::base::Millis;
use crate::llm::budget::Period;
use crate::store::{Conn, Result};
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// Milliseconds of a UTC day.
const DAY: Millis = 86_400_000;

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
/// Made of whole UTC days and of what lies between their midnights and those of the zone, so that hours are read only there.
///
/// # Errors
/// When the database refuses.
pub fn by_day(c: &mut dyn Conn, window: &Window, zone: Tz, only: &Only) -> Result<Vec<(Window, Sums)>> {
    let days = days(window, zone);
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return Ok(Vec::new()) };
    let whole = Window { since: floor(first.since), until: floor(last.until) + DAY };
    let utc: BTreeMap<Millis, Sums> = sums::series(c, &whole, Step::Day, only)?.into_iter().collect();
    let mut before = from_midnight(c, first.since, only, &utc)?;
    let mut all = Vec::with_capacity(days.len());
    for day in days {
        let behind = from_midnight(c, day.until, only, &utc)?;
        let mut sums = behind;
        utc.range(floor(day.since)..floor(day.until)).for_each(|(_, day)| sums.add(day));
        sums.take(&before);
        all.push((day, sums));
        before = behind;
    }
    Ok(all)
}

fn floor(at: Millis) -> Millis {
    at - at.rem_euclid(DAY)
}

/// What lies between the UTC midnight before a moment and the moment: itself, or the day without the rest of it, whichever is shorter.
fn from_midnight(c: &mut dyn Conn, at: Millis, only: &Only, utc: &BTreeMap<Millis, Sums>) -> Result<Sums> {
    let midnight = floor(at);
    if at - midnight <= DAY / 2 {
        return sums::total(c, &Window { since: midnight, until: at }, only);
    }
    let mut day = utc.get(&midnight).copied().unwrap_or_default();
    day.take(&sums::total(c, &Window { since: at, until: midnight + DAY }, only)?);
    Ok(day)
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
            prop_assert!(days.iter().all(|day| !day.is_empty() && day.length() <= DAY + 3_600_000));
        }
    }
}
