//! How a state is told: a sign, a word and a role; times and latencies as they stand on a line. Pure.

use crate::base::Millis;
use crate::console::theme::{Glyphs, Role};
use crate::watch::board::Line;
use crate::watch::health::Status;

/// The role, the sign and the word of a state. Unknown has a sign and a word of its own, and is never green.
pub(super) fn status(status: Status, glyphs: &Glyphs) -> (Role, &'static str, &'static str) {
    match status {
        Status::Healthy => (Role::Good, glyphs.check, "healthy"),
        Status::Unknown => (Role::Accent, "?", "unknown"),
        Status::Degraded => (Role::Warning, glyphs.warning, "degraded"),
        Status::Unhealthy => (Role::Bad, glyphs.block, "unhealthy"),
    }
}

/// What is paused, or all of it held by pauses and maintenance.
pub(super) const HELD: (Role, &str, &str) = (Role::Paused, "=", "held");

/// The same of a line: what is paused or in maintenance says so.
pub(super) fn of_line(line: &Line, glyphs: &Glyphs) -> (Role, &'static str, &'static str) {
    match (&line.paused, line.maintenance_until) {
        (Some(_), _) => (Role::Paused, "=", "paused"),
        (None, Some(_)) => (Role::Paused, "~", "maintained"),
        (None, None) => status(line.status, glyphs),
    }
}

/// A length of time in its largest unit: `12 s`, `5 min`, `2 h`, `40 d`.
pub(super) fn short(millis: Millis) -> String {
    let seconds = millis.max(0) / 1_000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

const BARS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const PLAIN_BARS: [&str; 4] = [".", "-", "=", "#"];

/// The last latencies as columns, at most `width` of them; a result that failed has the sign of what is blocked.
pub(super) fn sparkline(latencies: &[Option<u64>], width: usize, glyphs: &Glyphs) -> String {
    let shown = latencies.get(latencies.len().saturating_sub(width)..).unwrap_or_default();
    let largest = shown.iter().flatten().copied().max().unwrap_or(0);
    let bars: &[&'static str] = if *glyphs == Glyphs::ASCII { &PLAIN_BARS } else { &BARS };
    let sign = |latency: &Option<u64>| match latency {
        None => glyphs.block,
        Some(_) if largest == 0 => bars[0],
        Some(latency) => {
            let place = (*latency as f64 / largest as f64 * (bars.len() - 1) as f64).round() as usize;
            bars.get(place).copied().unwrap_or(bars[0])
        }
    };
    shown.iter().map(sign).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_sign_and_a_word_of_its_own_and_only_healthy_is_green() {
        for glyphs in [Glyphs::UNICODE, Glyphs::ASCII] {
            let all = [Status::Healthy, Status::Unknown, Status::Degraded, Status::Unhealthy].map(|one| status(one, &glyphs));
            for (number, (role, sign, word)) in all.iter().enumerate() {
                assert_eq!(*role == Role::Good, number == 0, "{word}");
                assert!(all.iter().skip(number + 1).all(|other| other.1 != *sign && other.2 != *word), "{word}");
            }
        }
    }

    #[test]
    fn a_result_that_failed_is_not_a_fast_one() {
        let latencies = [Some(100), Some(50), None, Some(0)];
        assert_eq!(sparkline(&latencies, 9, &Glyphs::UNICODE), "█▅✗▁");
        assert_eq!(sparkline(&latencies, 2, &Glyphs::ASCII), "x.");
        assert_eq!(sparkline(&[], 9, &Glyphs::UNICODE), "");
    }

    #[test]
    fn lengths_have_one_unit() {
        assert_eq!([short(0), short(61_000), short(90_000_000), short(-5)], ["0 s", "1 min", "25 h", "0 s"]);
    }
}
