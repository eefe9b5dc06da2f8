//! How beliefs are written for people: a bar, a mark and a number, so that no meaning hangs on colour alone.

use crate::cli::output::Tone;
use crate::memory::confidence::HIGH;

/// Marks of a bar.
const WIDTH: usize = 10;

/// Confidence as a bar and a number: `█████░░░░░ 0.500`.
pub(super) fn bar(confidence: Option<f64>) -> String {
    match confidence {
        None => format!("{} unknown", "·".repeat(WIDTH)),
        Some(confidence) => {
            let full = ((confidence * WIDTH as f64).round() as usize).min(WIDTH);
            format!("{}{} {confidence:.3}", "█".repeat(full), "░".repeat(WIDTH - full))
        }
    }
}

/// How high it is held: `●` high, `◐` half or more, `○` less, `?` unknown.
pub(super) fn mark(confidence: Option<f64>) -> (&'static str, Option<Tone>) {
    match confidence {
        None => ("?", Some(Tone::Faint)),
        Some(confidence) if confidence >= HIGH => ("●", Some(Tone::Good)),
        Some(confidence) if confidence >= 0.5 => ("◐", Some(Tone::Warning)),
        Some(_) => ("○", Some(Tone::Bad)),
    }
}

/// Drift with an arrow: `▲ 6.2`, `▼ 3.0`, `=`; empty where it is not known.
pub(super) fn drift(points: Option<f64>) -> (String, Option<Tone>) {
    match points {
        None => (String::new(), None),
        Some(points) if points > 0.0 => (format!("▲ {points:.1}"), Some(Tone::Good)),
        Some(points) if points < 0.0 => (format!("▼ {:.1}", -points), Some(Tone::Bad)),
        Some(_) => ("=".to_owned(), Some(Tone::Faint)),
    }
}

/// A confidence as a number, or that it is not known.
pub(super) fn number(confidence: Option<f64>) -> String {
    confidence.map_or_else(|| "unknown".to_owned(), |confidence| format!("{confidence:.3}"))
}

/// Confidences over time, oldest first, as one line of blocks.
pub(super) fn sparkline(values: impl Iterator<Item = f64>) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    values.map(|value| BLOCKS[((value.clamp(0.0, 1.0) * 7.0).round() as usize).min(7)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_meaning_has_a_shape() {
        assert_eq!(bar(Some(0.5)), "█████░░░░░ 0.500");
        assert_eq!((bar(Some(1.0)).as_str(), bar(None).as_str()), ("██████████ 1.000", "·········· unknown"));
        assert_eq!([Some(0.8), Some(0.79), Some(0.4), None].map(|held| mark(held).0), ["●", "◐", "○", "?"]);
        assert_eq!([Some(6.23), Some(-3.0), Some(0.0), None].map(|points| drift(points).0), ["▲ 6.2", "▼ 3.0", "=", ""]);
        assert_eq!(sparkline([0.0, 0.5, 1.0].into_iter()), "▁▅█");
    }
}
