//! What must hold in the rows and costs little to look at: counters, sums and leases that disagree point at a defect or at an edit by hand.

use super::Result;
use super::check::{Checked, Finding};
use super::work::{step, watched};
use crate::store::holders::Role;
use crate::store::outside::Outside;
use crate::upkeep::progress::Watcher;

/// A query that counts what breaks a rule, what a broken rule is called, and what to do about it.
struct Invariant {
    sql: &'static str,
    broken: &'static str,
    remedy: &'static str,
}

const INVARIANTS: &[Invariant] = &[
    Invariant {
        sql: "SELECT CAST(coalesce(max(seq), 0) - count(*) AS BIGINT) AS n FROM audit_log",
        broken: "rows are missing in the audit log",
        remedy: "`quarterdeck audit verify` tells where; restore the newest backup that was verified",
    },
    Invariant {
        sql: "SELECT count(*) AS n FROM change_feed f JOIN topic t ON t.name = f.topic WHERE f.seq > t.seq",
        broken: "changes are numbered beyond their topic's counter",
        remedy: "do not write by hand into the change feed; restore the newest backup that was verified",
    },
    Invariant {
        sql: "SELECT count(*) AS n FROM pending_posts WHERE state = 'claimed' AND (lease_holder IS NULL OR lease_until IS NULL)",
        broken: "items are claimed by nobody",
        remedy: "`quarterdeck doctor --fix` lets them go",
    },
    Invariant {
        sql: "SELECT count(*) AS n FROM (SELECT p.budget_id FROM budget_periods p LEFT JOIN budget_reservations r
                ON r.budget_id = p.budget_id AND r.period_start = p.period_start
              GROUP BY p.budget_id, p.period_start, p.reserved_picos HAVING p.reserved_picos <> CAST(coalesce(sum(r.picos), 0) AS BIGINT)) AS wrong",
        broken: "budgets hold back another amount than their reservations add up to",
        remedy: "`quarterdeck doctor --fix` counts them again",
    },
    Invariant {
        sql: "SELECT count(*) AS n FROM (SELECT d.day FROM (SELECT day, CAST(sum(calls) AS BIGINT) AS calls, CAST(sum(charged_picos) AS BIGINT) AS charged
                FROM roll_day GROUP BY day) AS d LEFT JOIN (SELECT hour - hour % 86400000 AS day, CAST(sum(calls) AS BIGINT) AS calls,
                CAST(sum(charged_picos) AS BIGINT) AS charged FROM roll_hour GROUP BY hour - hour % 86400000) AS h ON h.day = d.day
              WHERE h.day IS NULL OR h.calls <> d.calls OR h.charged <> d.charged) AS wrong",
        broken: "days of the ledger's sums are not what their hours add up to",
        remedy: "`quarterdeck doctor --fix` sums them again from the calls",
    },
    Invariant {
        sql: "SELECT count(*) AS n FROM search_documents d WHERE d.kind = 'interaction'
              AND NOT EXISTS (SELECT 1 FROM interactions i WHERE i.persona_id = d.persona_id AND i.id = d.source_id)",
        broken: "search finds statements that are gone",
        remedy: "`quarterdeck index rebuild` makes the index anew",
    },
];

pub(super) fn look(outside: &mut Outside, watcher: &dyn Watcher, checked: &mut Checked) -> Result<()> {
    for invariant in INVARIANTS {
        let rows = watched(outside, watcher, step("comparing sums", 3, 4), |outside| outside.rows(Role::Reads, invariant.sql))?;
        let broken = rows.first().map_or(Ok(0), |row| row.int("n"))?;
        if broken != 0 {
            let (what, remedy) = (format!("{}: {}", invariant.broken, broken.abs()), invariant.remedy.to_owned());
            checked.findings.push(Finding { check: "sums", what, remedy });
        }
    }
    checked.looked_at.push("counters, leases, reservations and sums, against each other".to_owned());
    Ok(())
}
