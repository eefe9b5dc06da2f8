//! The budgets of the runbooks, by name. Data.

use super::model::{Action, Budget, Scope, Threshold};
use super::period::Period;
use crate::base::{Picos, new_id};
use crate::llm::ledger::Category;
use chrono_tz::Tz;

/// The names, with what they are for.
pub const NAMES: [(&str, &str); 2] = [
    ("reddit", "$5 a day for everything (the Reddit agent's runbook)"),
    (
        "advisor",
        "$2,000 a month: 1,200 for batches, 600 for people who wait, 200 for the rest; batches end at 100 % (the advisor's runbook)",
    ),
];

/// The budgets of a preset; `None` when there is no such preset.
#[must_use]
pub fn named(name: &str, zone: Tz) -> Option<Vec<Budget>> {
    let one = |name: &str, scope: Scope, period: Period, dollars: i64, thresholds: Vec<Threshold>| Budget {
        id: new_id(),
        name: name.to_owned(),
        scope,
        period,
        zone,
        limit: Picos(dollars * 1_000_000_000_000),
        is_hard: true,
        thresholds,
        unpriced_allowed: Vec::new(),
    };
    match name {
        "reddit" => Some(vec![one("daily", Scope::Global, Period::Day, 5, Threshold::usual())]),
        "advisor" => {
            let mut whole = Threshold::usual();
            if let Some(last) = whole.last_mut() {
                // People who wait are still answered when the month is spent: only batches end.
                last.actions = vec![Action::Banner, Action::Notify, Action::DisableCategory("batch".to_owned())];
            }
            let total = Budget { is_hard: false, ..one("monthly", Scope::Global, Period::Month, 2_000, whole) };
            let part = |name: &str, category, dollars, is_hard| Budget {
                is_hard,
                ..one(name, Scope::Category(category), Period::Month, dollars, Threshold::usual())
            };
            let soft = |budget: Budget| Budget {
                thresholds: budget
                    .thresholds
                    .into_iter()
                    .map(|threshold| Threshold {
                        actions: threshold.actions.into_iter().filter(|action| *action != Action::Disable).collect(),
                        ..threshold
                    })
                    .collect(),
                ..budget
            };
            Some(vec![
                total,
                part("monthly-batch", Category::Batch, 1_200, true),
                soft(part("monthly-interactive", Category::Interactive, 600, false)),
                soft(part("monthly-infrastructure", Category::Infrastructure, 200, false)),
            ])
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_sound_and_the_parts_make_the_whole() {
        for (name, _) in NAMES {
            for budget in named(name, Tz::UTC).unwrap() {
                budget.check().unwrap();
            }
        }
        let advisor = named("advisor", Tz::UTC).unwrap();
        assert_eq!(advisor[0].limit.0, advisor[1..].iter().map(|budget| budget.limit.0).sum::<i64>());
        assert!(named("moon", Tz::UTC).is_none());
    }
}
