//! Latencies as a sketch that merges: DDSketch with a relative accuracy of one percent. Pure.
//!
//! Quantiles are those of rank `floor(q * (n - 1))`, in a small window counted exactly as well as in a sketch.

use sketches_ddsketch::{Config, DDSketch};

/// The relative accuracy of a quantile.
pub const ACCURACY: f64 = 0.01;
/// Under so many values a high percentile says little, and is shown as such.
pub const FEW: u64 = 100;

/// Values in microseconds.
#[derive(Clone)]
pub struct Sketch(DDSketch);

impl std::fmt::Debug for Sketch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Sketch").field("count", &self.count()).finish_non_exhaustive()
    }
}

impl Default for Sketch {
    fn default() -> Self {
        Self(DDSketch::new(Config::defaults()))
    }
}

/// What a percentile rests on.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Percentiles {
    /// The median, in microseconds.
    pub p50: i64,
    /// 95 of 100 are not above it.
    pub p95: i64,
    /// 99 of 100 are not above it.
    pub p99: i64,
    /// How many values there are.
    pub count: u64,
}

impl Percentiles {
    /// Whether there are too few values for the high ones.
    #[must_use]
    pub fn is_few(&self) -> bool {
        self.count < FEW
    }

    /// Of values in memory, exactly; `None` of none.
    #[must_use]
    pub fn exact(mut values: Vec<i64>) -> Option<Self> {
        let last = values.len().checked_sub(1)?;
        values.sort_unstable();
        // The rank is rounded down, as in the sketch.
        let at = |q: f64| values.get((q * last as f64) as usize).copied().unwrap_or_default();
        Some(Self { p50: at(0.5), p95: at(0.95), p99: at(0.99), count: values.len() as u64 })
    }
}

impl Sketch {
    /// Take a value; one below zero counts as zero.
    pub fn add(&mut self, micros: i64) {
        self.0.add(micros.max(0) as f64);
    }

    /// Take all values of another one.
    pub fn merge(&mut self, other: &Self) {
        // Both have the accuracy of this program; another one is refused when it is read.
        let _ = self.0.merge(&other.0);
    }

    /// How many values it has.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.count() as u64
    }

    /// The value at a share of all, in microseconds; `None` of none.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<i64> {
        let value = self.0.quantile(q).ok().flatten()?;
        value.is_finite().then_some(value.round() as i64)
    }

    /// All values together.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.0.sum().filter(|sum| sum.is_finite()).unwrap_or(0.0)
    }

    /// How many values are not above this one, within the accuracy: for the buckets of a histogram.
    #[must_use]
    pub fn at_most(&self, micros: i64) -> u64 {
        let (mut low, mut high) = (0, self.count());
        // A quarter behind the rank, so that rounding does not fall on the one before it.
        let value = |rank: u64| self.quantile(((rank as f64 + 0.25) / self.count().saturating_sub(1).max(1) as f64).min(1.0));
        while low < high {
            let middle = low + (high - low) / 2;
            if value(middle).is_some_and(|value| value <= micros) { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// The usual three; `None` of none.
    #[must_use]
    pub fn percentiles(&self) -> Option<Percentiles> {
        Some(Percentiles { p50: self.quantile(0.5)?, p95: self.quantile(0.95)?, p99: self.quantile(0.99)?, count: self.count() })
    }

    /// The form in the database: what DDSketch libraries of other languages read as well, and a checksum of four bytes behind it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.0.to_java_bytes();
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    /// Read the form of the database; `None` when it is none, or of another accuracy. Bytes that were not written here are never decoded: the
    /// library adds up counts without looking whether they are possible.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut own = Self::default();
        own.merge_bytes(bytes).then_some(own)
    }

    /// Take all values of one in the form of the database. Returns whether it is one, of this accuracy; else nothing is taken.
    pub fn merge_bytes(&mut self, bytes: &[u8]) -> bool {
        let Some((bytes, checksum)) = bytes.split_last_chunk::<4>() else { return false };
        if crc32fast::hash(bytes) != u32::from_le_bytes(*checksum) {
            return false;
        }
        DDSketch::from_java_bytes(bytes).is_ok_and(|read| self.0.merge(&read).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_written_is_read_back_and_parts_merge_to_the_whole(values in prop::collection::vec(0_i64..200_000_000, 1..400), cut in 0_usize..400) {
            let (mut whole, mut left, mut right) = (Sketch::default(), Sketch::default(), Sketch::default());
            for (number, value) in values.iter().enumerate() {
                whole.add(*value);
                if number < cut { left.add(*value) } else { right.add(*value) }
            }
            let mut merged = Sketch::from_bytes(&left.to_bytes()).unwrap_or_default();
            merged.merge(&Sketch::from_bytes(&right.to_bytes()).unwrap_or_default());
            prop_assert_eq!(merged.percentiles(), whole.percentiles());
            let exact = Percentiles::exact(values).unwrap();
            let found = whole.percentiles().unwrap();
            prop_assert_eq!(found.count, exact.count);
            for (found, exact) in [(found.p50, exact.p50), (found.p95, exact.p95), (found.p99, exact.p99)] {
                prop_assert!((found - exact).abs() as f64 <= exact as f64 * 2.0 * ACCURACY + 1.0, "{} {}", found, exact);
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Sketch::from_bytes(&bytes);
        }
    }

    #[test]
    fn buckets_hold_what_is_not_above_them() {
        let mut sketch = Sketch::default();
        assert_eq!(sketch.at_most(i64::MAX), 0);
        (1..=1_000).for_each(|value| sketch.add(value * 1_000));
        assert_eq!((sketch.at_most(0), sketch.at_most(2_000_000), sketch.at_most(i64::MAX)), (0, 1_000, 1_000));
        assert!((490..=510).contains(&sketch.at_most(500_000)), "{}", sketch.at_most(500_000));
        let mut one = Sketch::default();
        one.add(0);
        assert_eq!((one.at_most(0), one.at_most(-1)), (1, 0));
    }

    #[test]
    fn nothing_has_no_percentiles() {
        assert_eq!(Sketch::default().percentiles(), None);
        assert_eq!(Percentiles::exact(Vec::new()), None);
        assert_eq!(Percentiles::exact((1..=100).collect()).map(|p| (p.p50, p.p95, p.p99, p.is_few())), Some((50, 95, 99, false)));
    }
}
