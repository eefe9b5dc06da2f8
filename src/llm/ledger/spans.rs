//! How a span of time is cut into whole UTC days, whole hours and ragged ends. Pure.

use super::rollup::{DAY, HOUR};
use crate::base::Millis;
use serde::Serialize;

/// Moments beyond this are no times: a hundred thousand years around the epoch.
const FURTHEST: Millis = 3_155_760_000_000_000;

/// A span of time, half-open, in UTC epoch milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Window {
    /// The first moment.
    pub since: Millis,
    /// The first moment behind it.
    pub until: Millis,
}

impl Window {
    /// Everything that was ever written down.
    pub const ALL: Self = Self { since: 0, until: FURTHEST };

    /// Whether no moment lies in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.since >= self.until
    }

    /// Its length in milliseconds; 0 of an empty one.
    #[must_use]
    pub fn length(&self) -> Millis {
        self.until.saturating_sub(self.since).max(0)
    }

    /// The span of the same length that ends where this one begins.
    #[must_use]
    pub fn before(&self) -> Self {
        Self { since: self.since.saturating_sub(self.length()), until: self.since }
    }

    /// The part that is a time.
    pub(super) fn bounded(&self) -> Self {
        Self { since: self.since.clamp(-FURTHEST, FURTHEST), until: self.until.clamp(-FURTHEST, FURTHEST) }
    }
}

/// The start of the step that a moment lies in.
pub(super) fn floor(at: Millis, step: Millis) -> Millis {
    at - at.rem_euclid(step)
}

/// The first start of a step that is not before a moment.
pub(super) fn ceiling(at: Millis, step: Millis) -> Millis {
    at + (-at).rem_euclid(step)
}

/// The parts of a span; none of them is empty, and together they are the span.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cut {
    /// Whole UTC days.
    pub days: Option<Window>,
    /// Whole hours before and behind them.
    pub hours: Vec<Window>,
    /// What is left.
    pub ragged: Vec<Window>,
}

/// Cut a span.
pub(super) fn cut(window: Window) -> Cut {
    let mut cut = Cut::default();
    let Window { since, until } = window.bounded();
    if since >= until {
        return cut;
    }
    let (first_hour, last_hour) = (ceiling(since, HOUR), floor(until, HOUR));
    if first_hour >= last_hour {
        cut.ragged.push(Window { since, until });
        return cut;
    }
    let ends = |parts: [(Millis, Millis); 2]| {
        parts.into_iter().map(|(since, until)| Window { since, until }).filter(|part| !part.is_empty()).collect::<Vec<_>>()
    };
    cut.ragged = ends([(since, first_hour), (last_hour, until)]);
    let (first_day, last_day) = (ceiling(first_hour, DAY), floor(last_hour, DAY));
    if first_day >= last_day {
        cut.hours = ends([(first_hour, last_hour), (0, 0)]);
        return cut;
    }
    cut.hours = ends([(first_hour, first_day), (last_day, last_hour)]);
    cut.days = Some(Window { since: first_day, until: last_day });
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_parts_are_the_whole(since in -3 * DAY..5 * DAY, length in -DAY..6 * DAY) {
            let window = Window { since, until: since + length };
            let cut = cut(window);
            let mut parts: Vec<Window> = cut.days.into_iter().chain(cut.hours.clone()).chain(cut.ragged.clone()).collect();
            parts.sort_by_key(|part| part.since);
            prop_assert!(parts.iter().all(|part| !part.is_empty()));
            prop_assert!(parts.windows(2).all(|pair| pair[0].until == pair[1].since));
            if window.is_empty() {
                prop_assert!(parts.is_empty());
            } else {
                prop_assert_eq!((parts[0].since, parts[parts.len() - 1].until), (window.since, window.until));
            }
            prop_assert!(cut.days.is_none_or(|days| days.since % DAY == 0 && days.until % DAY == 0));
            prop_assert!(cut.hours.iter().all(|hours| hours.since % HOUR == 0 && hours.until % HOUR == 0 && hours.length() < 2 * DAY));
            prop_assert!(cut.ragged.iter().all(|ragged| ragged.length() < 2 * HOUR));
        }
    }

    #[test]
    fn what_is_no_time_is_cut_off_and_does_not_overflow() {
        assert!(cut(Window { since: i64::MIN, until: i64::MAX }).days.is_some());
        assert_eq!(cut(Window { since: 5, until: 5 }), Cut::default());
        assert_eq!(Window { since: i64::MIN, until: i64::MAX }.length(), i64::MAX);
        assert_eq!(Window { since: 10, until: 30 }.before(), Window { since: -10, until: 10 });
    }
}
