//! The arithmetic of agreement: a share with its interval, and what is left of agreement when chance is taken out. No I/O.

use serde::Serialize;

/// The 97.5 % point of the normal distribution: two sides of 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// Wilson's 95 % interval of a share: unlike the textbook one it stays within 0 and 1, and does not collapse at 0 or n of n.
///
/// `None` when `n` is 0 or `part` is more than `n`.
#[must_use]
pub fn wilson(part: usize, n: usize) -> Option<(f64, f64)> {
    if n == 0 || part > n {
        return None;
    }
    let (share, n) = (part as f64 / n as f64, n as f64);
    let scale = 1.0 + Z * Z / n;
    let middle = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    Some((((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0)))
}

/// What two people said of the same items, yes or no: how often each pair of answers came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Pairs {
    /// Both yes.
    pub both_yes: usize,
    /// The first yes, the second no.
    pub first_only: usize,
    /// The first no, the second yes.
    pub second_only: usize,
    /// Both no.
    pub both_no: usize,
}

impl Pairs {
    /// Count one item.
    pub fn add(&mut self, first: bool, second: bool) {
        match (first, second) {
            (true, true) => self.both_yes += 1,
            (true, false) => self.first_only += 1,
            (false, true) => self.second_only += 1,
            (false, false) => self.both_no += 1,
        }
    }

    /// How many items.
    #[must_use]
    pub fn n(&self) -> usize {
        self.both_yes + self.first_only + self.second_only + self.both_no
    }

    /// On how many both said the same.
    #[must_use]
    pub fn agreed(&self) -> usize {
        self.both_yes + self.both_no
    }

    /// Cohen's kappa: 1 for full agreement, 0 for what chance gives, below for less. `None` without items, and where chance alone agrees on
    /// all (both always said the same one thing): there is nothing to divide by.
    #[must_use]
    pub fn kappa(&self) -> Option<f64> {
        let n = self.n() as f64;
        let share = |count: usize| count as f64 / n;
        let (first_yes, second_yes) = (share(self.both_yes + self.first_only), share(self.both_yes + self.second_only));
        let chance = first_yes * second_yes + (1.0 - first_yes) * (1.0 - second_yes);
        let room = 1.0 - chance;
        (n > 0.0 && room > f64::EPSILON).then(|| (share(self.agreed()) - chance) / room)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 5e-4, "{found} is not {expected}");
    }

    #[test]
    fn kappa_has_the_textbook_values() {
        // The three usual examples: 50 proposals, and two tables of 100 with equal agreement and different margins.
        let kappa = |both_yes, first_only, second_only, both_no| Pairs { both_yes, first_only, second_only, both_no }.kappa().unwrap();
        near(kappa(20, 5, 10, 15), 0.4);
        near(kappa(45, 15, 25, 15), 0.1304);
        near(kappa(25, 35, 5, 35), 0.2593);
        near(kappa(10, 0, 0, 10), 1.0);
        near(kappa(0, 10, 10, 0), -1.0);
    }

    #[test]
    fn without_disagreement_in_the_margins_there_is_no_kappa() {
        assert_eq!(Pairs::default().kappa(), None);
        assert_eq!(Pairs { both_yes: 30, ..Pairs::default() }.kappa(), None);
        assert_eq!(Pairs { both_yes: 30, first_only: 10, ..Pairs::default() }.kappa(), Some(0.0));
    }

    #[test]
    fn wilson_has_the_textbook_values() {
        let (low, high) = wilson(8, 10).unwrap();
        near(low, 0.4902);
        near(high, 0.9433);
        let (low, high) = wilson(15, 148).unwrap();
        near(low, 0.0624);
        near(high, 0.1605);
        let (low, high) = wilson(0, 20).unwrap();
        near(low, 0.0);
        near(high, 0.1611);
        assert_eq!(wilson(20, 20).unwrap().1, 1.0);
        assert_eq!((wilson(0, 0), wilson(3, 2)), (None, None));
    }
}
