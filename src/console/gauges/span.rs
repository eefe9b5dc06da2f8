//! The span of time that is looked at: how long, up to now or in the past, and going back and on in it. Pure.
//!
//! Spans begin and end with whole minutes, hours or days, so that the same number stands on the screen until there is a new one, and so that sums
//! are read from sums. A month is one of the calendar, in UTC, as providers bill and budgets are counted; everything else are the last so and so many.

use crate::base::{Millis, clock};
use crate::llm::budget::Period;
use crate::llm::ledger::Window;
use crate::llm::ledger::sums::Step;
use crate::search::{Question, Zone};
use chrono_tz::Tz;

pub(super) const MINUTE: Millis = 60_000;
pub(super) const HOUR: Millis = 60 * MINUTE;
pub(super) const DAY: Millis = 24 * HOUR;
/// Up to this length a span is told minute by minute, up to the next one hour by hour.
const BY_MINUTE: Millis = 2 * HOUR;
const BY_HOUR: Millis = 8 * DAY;

/// How long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::console) enum Kind {
    /// Five minutes.
    Now,
    /// Sixty minutes.
    Hour,
    /// Twenty-four hours.
    #[default]
    Day,
    /// Seven days.
    Week,
    /// A month of the calendar.
    Month,
    /// From a moment, or between two.
    Custom,
}

impl Kind {
    /// Every kind, from the shortest on.
    pub const ALL: [Self; 6] = [Self::Now, Self::Hour, Self::Day, Self::Week, Self::Month, Self::Custom];

    /// The word on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Custom => "custom",
        }
    }

    /// The step that its ends are rounded to, and how many of them it has. A month and a span of one's own have their own ends.
    fn steps(self) -> Option<(Millis, Millis)> {
        match self {
            Self::Now => Some((MINUTE, 5)),
            Self::Hour => Some((MINUTE, 60)),
            Self::Day => Some((HOUR, 24)),
            Self::Week => Some((HOUR, 7 * 24)),
            Self::Month | Self::Custom => None,
        }
    }
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::console) struct Span {
    pub kind: Kind,
    /// A window of the past; none where it ends with the present.
    pub past: Option<Window>,
    /// Where a span of one's own begins.
    pub since: Option<Millis>,
}

fn floor(at: Millis, step: Millis) -> Millis {
    at - at.rem_euclid(step)
}

fn month(at: Millis) -> Window {
    let span = Period::Month.around(at, Tz::UTC);
    Window { since: span.start, until: span.end.unwrap_or(at) }
}

impl Span {
    /// One up to now.
    pub fn of(kind: Kind) -> Self {
        Self { kind, ..Self::default() }
    }

    /// Whether it ends with the present.
    pub fn is_live(&self) -> bool {
        self.past.is_none()
    }

    /// The window up to now: it ends with the running minute, hour or day.
    fn live(&self, now: Millis) -> Window {
        match (self.kind.steps(), self.kind) {
            (Some((step, count)), _) => {
                let until = floor(now, step) + step;
                Window { since: until - step * count, until }
            }
            (None, Kind::Custom) => {
                let until = floor(now, MINUTE) + MINUTE;
                Window { since: self.since.unwrap_or(until - DAY).min(until - MINUTE), until }
            }
            (None, _) => Window { since: month(now).since, until: floor(now, DAY) + DAY },
        }
    }

    /// The window at a moment.
    pub fn window(&self, now: Millis) -> Window {
        self.past.unwrap_or_else(|| self.live(now))
    }

    /// As long before it, for comparison; of a span that is not over yet as much of it.
    pub fn before(&self, now: Millis) -> Window {
        let window = self.window(now);
        let shift = match self.kind {
            Kind::Month => window.since - month(window.since - 1).since,
            _ => window.length(),
        };
        let until = if self.is_live() { window.until.min(now) } else { window.until };
        Window { since: window.since - shift, until: (until - shift).min(window.since) }
    }

    /// The step in which it is told.
    pub fn step(&self, now: Millis) -> Step {
        match self.window(now).length() {
            length if length <= BY_MINUTE => Step::Minute,
            length if length <= BY_HOUR => Step::Hour,
            _ => Step::Day,
        }
    }

    /// The next longer kind, or the next shorter one. A span of one's own is chosen by what is typed, and left with either.
    pub fn zoomed(&self, longer: bool) -> Option<Self> {
        let choices = Kind::ALL.len() - 1;
        let at = Kind::ALL.iter().position(|kind| *kind == self.kind).unwrap_or(0);
        let to = if longer { Some(at + 1).filter(|to| *to < choices) } else { at.checked_sub(1) }?;
        Some(Self::of(Kind::ALL.get(to).copied()?))
    }

    /// So many spans back.
    pub fn earlier(&self, now: Millis, times: i64) -> Self {
        let mut window = self.window(now);
        for _ in 0..times.clamp(1, 1_000) {
            window = match self.kind {
                Kind::Month => month(window.since - 1),
                _ => window.before(),
            };
        }
        // Before the epoch nothing was written down.
        if window.since < 0 { *self } else { Self { past: Some(window), ..*self } }
    }

    /// So many spans on; up to the present at most.
    pub fn later(&self, now: Millis, times: i64) -> Self {
        let Some(mut window) = self.past else { return *self };
        let live = self.live(now);
        for _ in 0..times.clamp(1, 1_000) {
            window = match self.kind {
                Kind::Month => month(window.until),
                _ => Window { since: window.until, until: window.until.saturating_add(window.length()) },
            };
            if window.until >= live.until {
                return Self { past: None, ..*self };
            }
        }
        Self { past: Some(window), ..*self }
    }

    /// A span of one's own from what was typed: `7d`, `2026-11-01 2026-11-07`, `since:yesterday until:2h`.
    ///
    /// # Errors
    /// A sentence that says what can be typed.
    pub fn typed(text: &str, now: Millis) -> Result<Self, String> {
        let wrong = || "write since when and until when: 7d, yesterday, 2026-11-01 2026-11-07, or 12h until:2h".to_owned();
        let mut asked = String::new();
        for (number, word) in text.split_whitespace().filter(|word| !["to", "until", "-"].contains(word)).enumerate() {
            let name = match (word.contains("since:") || word.contains("until:"), number) {
                (true, _) => "",
                (false, 0) => "since:",
                (false, 1) => "until:",
                (false, _) => return Err(wrong()),
            };
            asked.push_str(&format!("{name}{word} "));
        }
        let question = Question::parse(asked.trim(), Zone::Local, now).map_err(|fault| fault.message)?;
        let (since, until) = (question.filters.since.ok_or_else(wrong)?, question.filters.until);
        if !question.words.is_empty() || since >= now {
            return Err(if since >= now { "that is not over yet: a span begins in the past".to_owned() } else { wrong() });
        }
        let past = until.filter(|until| *until <= now).map(|until| Window { since, until });
        Ok(Self { kind: Kind::Custom, past, since: Some(since) })
    }

    /// From when to when, for people.
    pub fn words(&self, now: Millis) -> String {
        let window = self.window(now);
        let minute = |at: Millis| {
            let time = clock::local(at);
            time.get(5..16).unwrap_or(&time).to_owned()
        };
        if self.kind == Kind::Month {
            let name =
                chrono::DateTime::from_timestamp_millis(window.since).map_or_else(String::new, |time| time.format("%Y-%m").to_string());
            return format!("{name} UTC");
        }
        let until = if self.is_live() { "now".to_owned() } else { minute(window.until) };
        format!("{} to {until}", minute(window.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A Saturday, 13:05:31 UTC.
    const NOW: Millis = 1_795_266_331_000;

    #[test]
    fn spans_end_with_the_running_step_and_have_whole_ones() {
        for (kind, step, length) in [
            (Kind::Now, Step::Minute, 5 * MINUTE),
            (Kind::Hour, Step::Minute, HOUR),
            (Kind::Day, Step::Hour, DAY),
            (Kind::Week, Step::Hour, 7 * DAY),
        ] {
            let (span, window) = (Span::of(kind), Span::of(kind).window(NOW));
            assert_eq!((span.step(NOW), window.length()), (step, length), "{kind:?}");
            assert!(window.until > NOW && window.until - NOW <= step.length() && window.since % step.length() == 0);
            assert_eq!(span.window(NOW + 1), window, "the same until the next step");
        }
        let month = Span::of(Kind::Month);
        assert_eq!((month.words(NOW).as_str(), month.step(NOW)), ("2026-11 UTC", Step::Day));
        assert_eq!(month.earlier(NOW, 1).words(NOW), "2026-10 UTC");
        assert_eq!(month.earlier(NOW, 9).window(NOW).length(), 28 * DAY);
    }

    #[test]
    fn what_is_not_over_is_compared_with_as_much_of_the_one_before() {
        let before = Span::of(Kind::Month).before(NOW);
        let october = Span::of(Kind::Month).earlier(NOW, 1).window(NOW);
        assert_eq!((before.since, before.until - before.since), (october.since, NOW - Span::of(Kind::Month).window(NOW).since));
        let past = Span::of(Kind::Month).earlier(NOW, 1);
        assert_eq!(past.before(NOW), past.earlier(NOW, 1).window(NOW));
    }

    #[test]
    fn a_span_of_ones_own_is_typed_as_in_the_search() {
        let typed = |text: &str| Span::typed(text, NOW);
        let week = typed("7d").unwrap();
        assert_eq!((week.is_live(), week.window(NOW).since, week.kind), (true, NOW - 7 * DAY, Kind::Custom));
        let days = typed("2026-11-01 to 2026-11-07").unwrap();
        assert_eq!((days.is_live(), days.window(NOW).length()), (false, 7 * DAY));
        assert_eq!(typed("since:2026-11-01 until:2026-11-07"), Ok(days));
        assert_eq!(typed("12h 2h").unwrap().window(NOW), Window { since: NOW - 12 * HOUR, until: NOW - 2 * HOUR });
        // Two days earlier, and back to the present by way of nothing that is not there yet.
        assert_eq!(days.earlier(NOW, 1).window(NOW).until, days.window(NOW).since);
        assert!(days.later(NOW, 5).is_live());
        for bad in ["", "soon", "2h 12h", "1d 2d 3d", "rivers since:1d", "2027-01-01", "since:1d kind"] {
            assert!(typed(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn back_and_on_again_is_where_it_was(kind in 0_usize..5, times in 1_i64..30, now in 1_600_000_000_000_i64..2_000_000_000_000) {
            let span = Span::of(Kind::ALL[kind]);
            let back = span.earlier(now, times);
            prop_assert!(!back.is_live() && back.window(now).until <= span.window(now).since);
            let one = span.earlier(now, 1);
            if times > 1 {
                prop_assert_eq!(back.later(now, times - 1), one);
            }
            prop_assert_eq!(back.later(now, times), span);
            prop_assert!(span.before(now).until <= span.window(now).since);
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = Span::typed(&text, NOW).map(|span| span.words(NOW));
        }
    }
}
