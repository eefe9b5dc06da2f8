//! What changed between two books of prices: of the same models at two moments, or of the shipped book and a table from a file. Pure.

use super::book::Prices;
use super::names::candidates;
use super::rates::{Rates, Set, Window};
use crate::base::Millis;
use serde::Serialize;
use std::collections::BTreeMap;

/// A rate that changed, came or went.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// The model.
    pub model: String,
    /// Which rate: `input`, `priority output`, `above 200000 input`.
    pub field: String,
    /// What it was, in USD per token, for a request's own fee in USD; `None` when there was none.
    pub old: Option<f64>,
    /// What it is.
    pub new: Option<f64>,
    /// By how many percent it changed; `None` when there is no number to compare with.
    pub percent: Option<f64>,
}

/// What changed.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Diff {
    /// Rates of models that are in both, by model and field.
    pub changes: Vec<Change>,
    /// Models that are in both and have not changed.
    pub unchanged: usize,
    /// Models only in the new book.
    pub added: Vec<String>,
    /// Models only in the old one.
    pub removed: Vec<String>,
}

/// Every rate of a price by its name.
#[must_use]
pub fn fields(rates: &Rates) -> BTreeMap<String, f64> {
    let mut all = BTreeMap::new();
    put(&mut all, "", &rates.base);
    for bracket in &rates.brackets {
        put(&mut all, &format!("up to {} ", bracket.up_to), &bracket.rates);
    }
    for other in &rates.overrides {
        let mut condition = String::new();
        if let Some(tier) = &other.tier {
            condition.push_str(&format!("{tier} "));
        }
        if let Some(above) = other.above {
            condition.push_str(&format!("{} {above} ", if other.inclusive { "from" } else { "above" }));
        }
        for window in &other.windows {
            condition.push_str(&format!("{} ", hours(window)));
        }
        put(&mut all, &condition, &other.rates);
    }
    all
}

fn hours(window: &Window) -> String {
    let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let days = if window.days.is_empty() { String::new() } else { format!(" on days {:?}", window.days) };
    format!("{}-{}{days}", time(window.from), time(window.until))
}

fn put(all: &mut BTreeMap<String, f64>, condition: &str, set: &Set) {
    let named = [
        ("input", set.input),
        ("output", set.output),
        ("cache_read", set.cache_read),
        ("cache_write", set.cache_write),
        ("cache_write_1h", set.cache_write_1h),
        ("cache_write_12h", set.cache_write_12h),
        ("reasoning", set.reasoning),
        ("request", set.request),
    ];
    for (name, rate) in named {
        if let Some(rate) = rate {
            all.insert(format!("{condition}{name}"), rate);
        }
    }
}

/// Rates that are the same but for the last digits of a float are the same.
fn is_same(old: f64, new: f64) -> bool {
    (old - new).abs() <= 1e-9 * old.abs().max(new.abs())
}

/// The rates of a model that changed.
#[must_use]
pub fn of_model(model: &str, old: &Rates, new: &Rates) -> Vec<Change> {
    let (old, mut new) = (fields(old), fields(new));
    let mut changes = Vec::new();
    let change = |field: String, old: Option<f64>, new: Option<f64>| {
        let percent = old.zip(new).filter(|(old, _)| *old != 0.0).map(|(old, new)| (new - old) / old * 100.0);
        Change { model: model.to_owned(), field, old, new, percent }
    };
    for (field, was) in old {
        match new.remove(&field) {
            Some(is) if is_same(was, is) => {}
            is => changes.push(change(field, Some(was), is)),
        }
    }
    changes.extend(new.into_iter().map(|(field, is)| change(field, None, Some(is))));
    changes.sort_by(|one, other| one.field.cmp(&other.field));
    changes
}

impl Diff {
    fn take(&mut self, model: &str, old: Option<&Rates>, new: Option<&Rates>) {
        match (old, new) {
            (None, None) => {}
            (Some(_), None) => self.removed.push(model.to_owned()),
            (None, Some(_)) => self.added.push(model.to_owned()),
            (Some(old), Some(new)) => {
                let changes = of_model(model, old, new);
                self.unchanged += usize::from(changes.is_empty());
                self.changes.extend(changes);
            }
        }
    }
}

/// What changed between two moments, for the models whose names contain `only`.
#[must_use]
pub fn between(prices: &Prices, from: Millis, until: Millis, only: &str) -> Diff {
    let mut diff = Diff::default();
    for model in named(prices, only) {
        let at = |moment| prices.exactly(model, moment).map(|row| &row.rates);
        diff.take(model, at(from), at(until));
    }
    diff
}

/// What is other in a table than in the book at a moment. A model is found in the table under each name that it may have there.
#[must_use]
pub fn with_table(prices: &Prices, at: Millis, table: &[(String, Rates)], only: &str) -> Diff {
    let mut diff = Diff::default();
    let mut others: BTreeMap<&str, &Rates> = table.iter().map(|(model, rates)| (model.as_str(), rates)).collect();
    for model in named(prices, only) {
        let Some(own) = prices.exactly(model, at) else { continue };
        let name = candidates(model).into_iter().find(|name| others.contains_key(name.as_str()));
        let other = name.and_then(|name| others.remove(name.as_str()));
        diff.take(model, Some(&own.rates), other);
    }
    let only = only.to_lowercase();
    for (model, rates) in others.into_iter().filter(|(model, _)| model.to_lowercase().contains(&only)) {
        diff.take(model, None, Some(rates));
    }
    diff
}

fn named<'a>(prices: &'a Prices, only: &str) -> Vec<&'a str> {
    let only = only.to_lowercase();
    prices.models().into_iter().filter(|model| model.to_lowercase().contains(&only)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::rates::Override;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn changes_are_told_by_field_with_their_percentage() {
        let mut old = Rates::per_million(5.0, 30.0);
        let mut new = Rates::per_million(4.0, 30.0);
        old.base.reasoning = Some(0.0);
        new.base.reasoning = Some(1e-6);
        new.overrides.push(Override { tier: Some("flex".into()), above: Some(200_000), rates: new.base, ..Override::default() });
        let changes = of_model("a/b", &old, &new);
        let told: Vec<_> = changes.iter().map(|one| (one.field.as_str(), one.percent.map(f64::round))).collect();
        assert_eq!(
            told,
            [
                ("flex above 200000 input", None),
                ("flex above 200000 output", None),
                ("flex above 200000 reasoning", None),
                ("input", Some(-20.0)),
                ("reasoning", None)
            ]
        );
        assert!(of_model("a/b", &new, &new).is_empty());
    }

    proptest! {
        #[test]
        fn the_way_back_is_the_same_changes_the_other_way_round(one in 0.0..1e-3_f64, other in 0.0..1e-3_f64) {
            let (old, new) = (Rates::per_million(one, 1.0), Rates::per_million(other, 1.0));
            let (there, back) = (of_model("m", &old, &new), of_model("m", &new, &old));
            prop_assert_eq!(there.len(), back.len());
            for (there, back) in there.iter().zip(&back) {
                prop_assert_eq!((there.old, there.new), (back.new, back.old));
                prop_assert!(there.percent.is_none_or(f64::is_finite));
            }
        }
    }
}
