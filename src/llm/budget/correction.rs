//! What a call of unknown cost was charged after all: what counted as spent for it meanwhile is taken back.

use super::admission::{self, Reached};
use super::book;
use super::model::Admission;
use crate::base::{Millis, Picos};
use crate::store::{Conn, Result};
use crate::vals;

/// Correct every budget that covers a call which was settled with unknown cost. `call.at` is when it started, `call.estimate` what had been set
/// aside for it. A budget that is younger than the call counted nothing for it. Returns the thresholds that are reached now.
///
/// # Errors
/// When the database refuses.
pub fn charged(c: &mut dyn Conn, call: &Admission, charged: Picos, at: Millis) -> Result<Vec<Reached>> {
    let mut all = Vec::new();
    for budget in book::list(c)?.into_iter().filter(|budget| budget.scope.covers(call)) {
        let start = budget.span(call.at).start;
        let row = c.first("SELECT created_at FROM budgets WHERE id = $1", vals![&budget.id])?;
        let created_at = row.map_or(Ok(i64::MAX), |row| row.int("created_at"))?;
        let counted = call.estimate.filter(|_| created_at <= call.at).unwrap_or(Picos::ZERO);
        let difference = charged.0.saturating_sub(counted.0);
        let sums = c.first(
            "UPDATE budget_periods SET spent_picos = CASE WHEN spent_picos + $1 < 0 THEN 0 ELSE spent_picos + $1 END, \
             unknown_calls = CASE WHEN unknown_calls > 0 THEN unknown_calls - 1 ELSE 0 END \
             WHERE budget_id = $2 AND period_start = $3 RETURNING spent_picos",
            vals![difference, &budget.id, start],
        )?;
        // A period that nobody looked at yet begins with what the ledger knows, this call included.
        let Some(sums) = sums else { continue };
        all.extend(admission::reached(c, &budget, start, Picos(sums.int("spent_picos")?), at)?);
    }
    Ok(all)
}
