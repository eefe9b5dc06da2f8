//! Letting calls through: what a call may cost is set aside before it and settled after it, each in one transaction.
//!
//! Several calls at once cannot each see the money that only one of them can have: the writer is one. What a crash leaves set aside is settled by
//! [`recover`], with what the ledger knows of the call, or at what was set aside where nobody knows.

use super::book;
use super::model::{Action, Admission, Budget, Used};
use crate::base::{Millis, Picos, SafeText, clock};
use crate::llm::ledger::rollup;
use crate::store::{Conn, Result, feed};
use crate::vals;
use serde::Serialize;
use serde_json::json;

/// A call that is let through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admitted {
    /// What was set aside, of the dearest budget's view; `None` when no budget covers the call.
    pub reserved: Option<Picos>,
}

/// Why a call is not let through.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It might exceed a budget.
    #[error(
        "the budget {budget} allows {limit} a {period}: {spent} are spent, {reserved} are set aside for calls under way, and this call may cost {estimate}; \
         {again}, or raise it with `quarterdeck budget set {budget} --limit …`"
    )]
    Over {
        /// Its name.
        budget: String,
        /// The limit.
        limit: Picos,
        /// The period.
        period: &'static str,
        /// What is spent.
        spent: Picos,
        /// What is set aside.
        reserved: Picos,
        /// What the call may cost.
        estimate: Picos,
        /// When it begins anew.
        again: String,
    },
    /// A threshold forbids it.
    #[error(
        "{percent} % of the budget {budget} are reached, and from there on {what}; {again}, or raise it with `quarterdeck budget set {budget} --limit …`"
    )]
    Stopped {
        /// Its name.
        budget: String,
        /// The threshold.
        percent: u32,
        /// What the threshold does.
        what: String,
        /// When it begins anew.
        again: String,
    },
    /// Nobody knows what it may cost.
    #[error(
        "the price of {model} is not known, and the budget {budget} is hard: import prices with `quarterdeck prices import`, or allow the model with \
         `quarterdeck budget set {budget} --allow-unpriced {model}`"
    )]
    Unpriced {
        /// The budget.
        budget: String,
        /// The model.
        model: String,
    },
}

/// A threshold that a settlement has reached for the first time in its period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reached {
    /// The budget's name.
    pub budget: String,
    /// The threshold, in percent.
    pub percent: u32,
    /// What is spent.
    pub spent: Picos,
    /// The limit.
    pub limit: Picos,
    /// What happens now.
    pub actions: Vec<Action>,
    /// When.
    pub at: Millis,
}

fn again(used: &Used, at: Millis) -> String {
    used.span.end.map_or_else(|| "it does not begin anew".to_owned(), |end| format!("it begins anew in {}", clock::duration(end - at)))
}

/// Let a call through and set aside what it may cost with every budget that covers it, or with none.
///
/// # Errors
/// The outer error when the database refuses; the inner one when a budget does.
pub fn admit(c: &mut dyn Conn, call: &Admission) -> Result<std::result::Result<Admitted, Refused>> {
    let mut covering = Vec::new();
    for budget in book::list(c)? {
        let covers = budget.scope.covers(call);
        let forbids_others = budget
            .thresholds
            .iter()
            .flat_map(|threshold| &threshold.actions)
            .any(|action| matches!(action, Action::StopAll | Action::DisableCategory(_)));
        if !covers && !forbids_others {
            continue;
        }
        let used = book::used(c, &budget, call.at)?;
        if let Some(refused) = stopped(&budget, &used, call, covers) {
            return Ok(Err(refused));
        }
        if !covers {
            continue;
        }
        let Some(estimate) = call.estimate.or_else(|| unpriced(&budget, call).then_some(Picos::ZERO)) else {
            return Ok(Err(Refused::Unpriced { budget: budget.name, model: SafeText::clipped(&call.model, 120).as_str().to_owned() }));
        };
        if !budget.admits(&used, estimate) {
            return Ok(Err(Refused::Over {
                again: again(&used, call.at),
                limit: budget.limit,
                period: budget.period.as_str(),
                spent: used.spent,
                reserved: used.reserved,
                estimate,
                budget: budget.name,
            }));
        }
        covering.push(budget);
    }
    if covering.is_empty() {
        return Ok(Ok(Admitted::default()));
    }
    let amount = call.estimate.unwrap_or(Picos::ZERO);
    for budget in covering {
        let used = book::opened(c, &budget, call.at)?;
        c.exec(
            "UPDATE budget_periods SET reserved_picos = reserved_picos + $1 WHERE budget_id = $2 AND period_start = $3",
            vals![amount, &budget.id, used.span.start],
        )?;
        c.exec(
            "INSERT INTO budget_reservations (call_id, budget_id, period_start, picos, reserved_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
            vals![&call.call_id, &budget.id, used.span.start, amount, call.at, call.at.saturating_add(call.lease)],
        )?;
    }
    Ok(Ok(Admitted { reserved: Some(amount) }))
}

/// Whether a model without a price may be asked under a budget.
fn unpriced(budget: &Budget, call: &Admission) -> bool {
    !budget.is_hard || budget.unpriced_allowed.contains(&call.model)
}

fn stopped(budget: &Budget, used: &Used, call: &Admission, covers: bool) -> Option<Refused> {
    let forbids = |action: &&Action| match action {
        Action::Disable => covers,
        Action::DisableCategory(word) => word == call.category.as_str(),
        Action::StopAll => true,
        Action::Log | Action::Banner | Action::Notify | Action::Downgrade(_) => false,
    };
    budget.reached(used.spent).find_map(|threshold| {
        let action = threshold.actions.iter().find(forbids)?;
        Some(Refused::Stopped {
            budget: budget.name.clone(),
            percent: threshold.percent,
            what: action.words(),
            again: again(used, call.at),
        })
    })
}

/// The model that new tasks ask instead, because a threshold says so: that of the highest one reached.
///
/// # Errors
/// When the database refuses.
pub fn downgraded(c: &mut dyn Conn, call: &Admission) -> Result<Option<(String, String)>> {
    let mut found: Option<(u32, String, String)> = None;
    for budget in book::list(c)?.into_iter().filter(|budget| budget.scope.covers(call)) {
        let used = book::used(c, &budget, call.at)?;
        for threshold in budget.reached(used.spent) {
            for action in &threshold.actions {
                if let Action::Downgrade(model) = action
                    && found.as_ref().is_none_or(|(percent, ..)| *percent < threshold.percent)
                {
                    found = Some((threshold.percent, model.clone(), budget.name.clone()));
                }
            }
        }
    }
    Ok(found.map(|(_, model, budget)| (model, budget)))
}

/// Settle what was set aside for a call with what it cost. `None` is unknown: then what was set aside counts as spent. Returns the thresholds that
/// are reached for the first time in their period.
///
/// # Errors
/// When the database refuses.
pub fn settle(c: &mut dyn Conn, call_id: &str, charged: Option<Picos>, at: Millis) -> Result<Vec<Reached>> {
    let rows =
        c.query("SELECT budget_id, period_start, picos FROM budget_reservations WHERE call_id = $1 ORDER BY budget_id", vals![call_id])?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    c.exec("DELETE FROM budget_reservations WHERE call_id = $1", vals![call_id])?;
    let budgets = book::list(c)?;
    let mut all = Vec::new();
    for row in rows {
        let (id, start, reserved) = (row.text("budget_id")?, row.int("period_start")?, row.int("picos")?);
        let spent = charged.map_or(reserved, |picos| picos.0);
        let sums = c.first(
            "UPDATE budget_periods SET reserved_picos = reserved_picos - $1, spent_picos = spent_picos + $2, unknown_calls = unknown_calls + $3 \
             WHERE budget_id = $4 AND period_start = $5 RETURNING spent_picos",
            vals![reserved, spent, charged.is_none(), &id, start],
        )?;
        let (Some(sums), Some(budget)) = (sums, budgets.iter().find(|budget| budget.id == id)) else { continue };
        all.extend(reached(c, budget, start, Picos(sums.int("spent_picos")?), at)?);
    }
    Ok(all)
}

pub(super) fn reached(c: &mut dyn Conn, budget: &Budget, start: Millis, spent: Picos, at: Millis) -> Result<Vec<Reached>> {
    let mut all = Vec::new();
    for threshold in budget.reached(spent) {
        let new = c.exec(
            "INSERT INTO budget_events (budget_id, period_start, percent, at, spent_picos, limit_picos, actions) VALUES ($1, $2, $3, $4, $5, $6, $7) \
             ON CONFLICT (budget_id, period_start, percent) DO NOTHING",
            vals![&budget.id, start, threshold.percent, at, spent, budget.limit, json!(threshold.actions).to_string()],
        )?;
        if new == 1 {
            feed::append(c, at, "budget", None, "budget.reached", &budget.id)?;
            all.push(Reached {
                budget: budget.name.clone(),
                percent: threshold.percent,
                spent,
                limit: budget.limit,
                actions: threshold.actions.clone(),
                at,
            });
        }
    }
    Ok(all)
}

/// Settle what nobody settled until its lease was over: with what the ledger knows of the call, else at what was set aside. A call that was never
/// written down was never made, and gives back what it had. Returns how many calls.
///
/// # Errors
/// When the database refuses.
pub fn recover(c: &mut dyn Conn, now: Millis) -> Result<u64> {
    let rows = c.query(
        "SELECT DISTINCT r.call_id AS call_id, l.outcome AS outcome FROM budget_reservations r LEFT JOIN llm_calls l ON l.id = r.call_id \
         WHERE r.expires_at <= $1",
        vals![now],
    )?;
    let mut count = 0;
    for row in rows {
        let id = row.text("call_id")?;
        let charged = match row.text_opt("outcome")?.as_deref() {
            None => Some(Picos::ZERO),
            Some(_) => rollup::of_call(c, &id)?.and_then(|sample| sample.charged()),
        };
        settle(c, &id, charged, now)?;
        count += 1;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::super::model::{Scope, Threshold};
    use super::super::period::Period;
    use super::*;
    use crate::base::new_id;
    use crate::llm::ledger::Category;
    use crate::store::audit::Actor;
    use crate::store::{Error, testing};
    use chrono_tz::Tz;

    const NOW: Millis = 1_795_219_200_000;
    const DOLLAR: i64 = 1_000_000_000_000;

    fn budget(limit: i64) -> Budget {
        Budget {
            id: new_id(),
            name: "daily".into(),
            scope: Scope::Global,
            period: Period::Day,
            zone: Tz::UTC,
            limit: Picos(limit),
            is_hard: true,
            thresholds: Threshold::usual(),
            unpriced_allowed: Vec::new(),
        }
    }

    fn call(id: &str, estimate: Option<i64>) -> Admission {
        Admission {
            call_id: id.into(),
            at: NOW,
            persona: None,
            module: "draft".into(),
            model: "m".into(),
            category: Category::Interactive,
            estimate: estimate.map(Picos),
            lease: 60_000,
        }
    }

    fn now_used(c: &mut dyn Conn) -> Result<Used> {
        let budget = book::find(c, "daily")?.unwrap();
        book::used(c, &budget, NOW)
    }

    #[test]
    fn exactly_as_many_as_there_is_money_for_are_let_through_however_many_ask_at_once() {
        let (database, _directory) = testing::database();
        database.write_blocking(|c| book::set(c, &budget(10 * DOLLAR), &Actor::human("ana"), NOW)).unwrap();
        let admitted: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..64)
                .map(|number| {
                    let database = database.clone();
                    scope.spawn(move || {
                        let one = call(&format!("c{number}"), Some(DOLLAR));
                        usize::from(database.write_blocking(move |c| admit(c, &one)).unwrap().is_ok())
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(admitted, 10);
    }

    #[test]
    fn thresholds_tell_once_and_forbid_every_time() {
        let (database, _directory) = testing::database();
        database
            .write_blocking(|c| {
                let actor = Actor::human("ana");
                book::set(c, &budget(100), &actor, NOW)?;
                let mut told = Vec::new();
                for (number, cost) in [40, 15, 20, 5, 15].into_iter().enumerate() {
                    let id = format!("c{number}");
                    assert!(admit(c, &call(&id, Some(1)))?.is_ok(), "{id}");
                    told.extend(settle(c, &id, Some(Picos(cost)), NOW)?.into_iter().map(|reached| reached.percent));
                }
                assert_eq!(told, [50, 75, 90]);
                assert!(admit(c, &call("last", Some(5)))?.is_ok());
                assert_eq!(settle(c, "last", Some(Picos(9)), NOW)?.len(), 1);
                for id in ["x", "y"] {
                    let refused = admit(c, &call(id, Some(0)))?.unwrap_err();
                    assert!(matches!(&refused, Refused::Stopped { percent: 100, .. }), "{refused}");
                }
                // A raised budget lets calls through again, and tells again what is not reached any more.
                book::set(c, &budget(200), &actor, NOW)?;
                assert!(admit(c, &call("z", Some(1)))?.is_ok());
                let used = now_used(c)?;
                assert_eq!((used.spent, used.reserved), (Picos(104), Picos(1)));
                assert_eq!(settle(c, "z", Some(Picos(60)), NOW)?.into_iter().map(|reached| reached.percent).collect::<Vec<_>>(), [75]);
                // The next day is a new one.
                let tomorrow = Admission { at: NOW + 86_400_000, ..call("t", Some(150)) };
                assert!(admit(c, &tomorrow)?.is_ok());
                Ok::<_, Error>(())
            })
            .unwrap();
    }

    #[test]
    fn what_is_unknown_counts_as_what_was_set_aside() {
        let (database, _directory) = testing::database();
        database
            .write_blocking(|c| {
                book::set(c, &budget(100), &Actor::human("ana"), NOW)?;
                let refused = admit(c, &call("a", None))?.unwrap_err();
                assert!(refused.to_string().contains("--allow-unpriced m"), "{refused}");
                assert!(admit(c, &call("b", Some(30)))?.is_ok());
                settle(c, "b", None, NOW)?;
                assert_eq!(settle(c, "b", Some(Picos(9)), NOW)?, [], "settled once");
                let used = now_used(c)?;
                assert_eq!((used.spent, used.reserved, used.unknown), (Picos(30), Picos::ZERO, 1));
                // Left behind by a crash before the call was written down: nothing was sent.
                assert!(admit(c, &call("c", Some(30)))?.is_ok());
                assert_eq!(recover(c, NOW + 59_999)?, 0);
                assert_eq!(recover(c, NOW + 60_000)?, 1);
                let used = now_used(c)?;
                assert_eq!((used.spent, used.reserved), (Picos(30), Picos::ZERO));
                let allowed = Budget { unpriced_allowed: vec!["m".into()], ..budget(100) };
                book::set(c, &allowed, &Actor::human("ana"), NOW)?;
                assert!(admit(c, &call("d", None))?.is_ok());
                Ok::<_, Error>(())
            })
            .unwrap();
    }
}
