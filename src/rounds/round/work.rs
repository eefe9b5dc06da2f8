//! Steps that work: backups, drills, checks, verification. Each calls the room that does it, which writes down its own result.

use super::Round;
use crate::base::clock::duration;
use crate::rounds::doctor;
use crate::rounds::found::{Found, Look, bytes, count};
use crate::rounds::rows;
use crate::search::vectors;
use crate::upkeep::audit::{self, Verify};
use crate::upkeep::backup::{self, Create};
use crate::upkeep::care::{self, Depth};
use crate::upkeep::retention;
use crate::upkeep::runs::{self, Done, Kind, Outcome};
use serde_json::{Value, json};

const HOUR: i64 = 3_600_000;
/// A daily backup may be this old: a day, and the time that it takes.
const FRESH: i64 = 26 * HOUR;
/// Share of empty pages from which a vacuum is worth its time, and the least that it gives back.
const EMPTY: (f64, i64) = (0.2, 16 << 20);
/// Vectors that are looked for when the index is verified.
const SAMPLE: usize = 200;

impl From<backup::Error> for Found {
    fn from(error: backup::Error) -> Self {
        Self::fail(error.to_string()).remedy("see which backups there are", "quarterdeck backup list")
    }
}

fn age(round: &Round, at: i64) -> String {
    duration((round.patient.now() - at).max(0))
}

/// Whether the newest backup is of the last day, and whole.
pub(super) fn backup_made(round: &Round) -> Look {
    let site = round.site()?;
    let all = backup::list(&site)?;
    let make = ("make one, and see why the timer did not", "quarterdeck backup create");
    let Some(newest) = all.iter().find(|backup| backup.problem.is_none() && !backup.is_ahead(round.patient.now())) else {
        return Ok(Found::fail("there is no backup that could be used").remedy(make.0, make.1).number("0 backups"));
    };
    let number = format!("{} old, {}", age(round, newest.made_at), bytes(newest.bytes));
    if round.patient.now() - newest.made_at > FRESH {
        return Ok(Found::fail("the newest backup is older than a day").remedy(make.0, make.1).number(number));
    }
    let verified = backup::verify(&site, &newest.name, round.watcher.as_ref())?;
    let found = match verified.findings.first() {
        Some(first) => Found::fail(format!("{} in {}: {first}", count(verified.findings.len(), "fault", "faults"), newest.name))
            .remedy("make another one, and keep this one to see why", "quarterdeck backup create"),
        None => Found::pass(format!("{} is whole", newest.name)),
    };
    Ok(found.number(number).detail(json!({ "name": newest.name, "findings": verified.findings, "backups": all.len() })))
}

/// Make a backup, which is verified as it is made.
pub(super) fn backup(round: &Round) -> Look {
    let made = backup::create(&round.site()?, &Create::default(), round.watcher.as_ref())?;
    let number = format!("{}, {}", bytes(made.bytes), count(i64::try_from(made.rows).unwrap_or(i64::MAX), "row", "rows"));
    let found = match made.problem {
        Some(problem) => {
            Found::fail(format!("{} cannot be used: {problem}", made.name)).remedy("make another one", "quarterdeck backup create")
        }
        None => Found::pass(format!("made {}", made.name)),
    };
    Ok(found.number(number).detail(json!({ "name": made.name, "path": made.path, "schema": made.schema_version })))
}

/// Restore the newest backup into a scratch place and try it.
pub(super) fn drill(round: &Round) -> Look {
    let drilled = backup::drill(&round.site()?, None, round.watcher.as_ref())?;
    let number = format!("back in {}, {} lost at most", duration(drilled.recovery_time), duration(drilled.recovery_point));
    let found = match drilled.findings.first() {
        Some(first) => Found::fail(format!("{} in {}: {first}", count(drilled.findings.len(), "fault", "faults"), drilled.backup.name))
            .remedy("make another backup, and try that one", "quarterdeck backup create"),
        None => Found::pass(format!("{} was restored and answers", drilled.backup.name)),
    };
    Ok(found.number(number).detail(json!({ "findings": drilled.findings, "notes": drilled.notes, "answered": drilled.answered })))
}

/// Write down a piece of work that has no room of its own to do so.
fn note(round: &Round, kind: Kind, started_at: i64, outcome: Outcome, summary: &str, detail: &Value) -> Result<(), Found> {
    let (summary, detail, actor, ended_at) = (summary.to_owned(), detail.clone(), round.actor.clone(), round.patient.now());
    round.patient.db()?.write_blocking(move |c| {
        runs::record(c, &Done { kind, started_at, ended_at, outcome, summary: &summary, detail: &detail, actor: &actor }).map(drop)
    })?;
    Ok(())
}

/// What a check of the database found.
fn checked(round: &Round, depth: Depth) -> Look {
    round.patient.db()?;
    let checked = care::check(&round.site()?, depth, round.watcher.as_ref())?;
    let number = count(checked.findings.len(), "fault", "faults");
    let detail =
        json!({ "findings": checked.findings, "looked_at": checked.looked_at, "not_looked_at": checked.not_looked_at, "run": checked.run });
    let found = match checked.findings.first() {
        Some(first) => Found::fail(format!("{}: {}", first.check, first.what)).remedy(&first.remedy, "quarterdeck backup list"),
        None if checked.passed => Found::pass("nothing was found"),
        None => Found::unknown("the check did not end"),
    };
    Ok(found.number(number).detail(detail))
}

/// The quick check of the database.
pub(super) fn quick_check(round: &Round) -> Look {
    checked(round, Depth::Quick)
}

/// The full check of the database.
pub(super) fn full_check(round: &Round) -> Look {
    checked(round, Depth::Full)
}

/// Bring the planner's statistics up to date.
pub(super) fn optimize(round: &Round) -> Look {
    round.patient.db()?;
    let done = care::optimize(&round.site()?, round.watcher.as_ref())?;
    let number = count(done.tables.len(), "table", "tables");
    let why = if done.tables.is_empty() { "nothing had changed enough" } else { "the statistics are up to date" };
    Ok(Found::pass(why).number(number).detail(json!(done)))
}

/// How large the database is, and when the disk is full.
pub(super) fn sizes(round: &Round) -> Look {
    round.patient.db()?;
    let sizes = care::sizes(&round.site()?, round.watcher.as_ref())?;
    let size = |count: i64| bytes(u64::try_from(count).unwrap_or_default());
    let week = sizes.grown.get(1).copied().flatten();
    let grown = week.map(|grown| {
        format!("{}{} in {}", if grown.bytes < 0 { "-" } else { "+" }, size(grown.bytes.abs()), count(grown.days, "day", "days"))
    });
    let room = ("make room, or take old rows away", "quarterdeck db sizes");
    let found = match sizes.days_left {
        Some(days) if days < 7 => Found::fail(format!("the disk is full in {}", count(days, "day", "days"))).remedy(room.0, room.1),
        Some(days) if days < 60 => Found::warn(format!("the disk is full in {}", count(days, "day", "days"))).remedy(room.0, room.1),
        _ => Found::pass(grown.clone().unwrap_or_else(|| "how it grows is known after a day".to_owned())),
    };
    let largest: Vec<Value> = sizes.parts.iter().take(10).map(|part| json!({ "name": part.name, "bytes": part.bytes })).collect();
    let detail = json!({ "total": sizes.total, "free": sizes.free, "log": sizes.log, "grown": sizes.grown, "days_left": sizes.days_left, "largest": largest });
    Ok(found.number(size(sizes.total)).detail(detail))
}

impl From<audit::Error> for Found {
    fn from(error: audit::Error) -> Self {
        match error {
            audit::Error::Store(error) => error.into(),
            other => Self::unknown(other.to_string()),
        }
    }
}

impl From<retention::Error> for Found {
    fn from(error: retention::Error) -> Self {
        Self::unknown(error.to_string())
    }
}

/// Walk the chain of the audit log, and compare it with its checkpoints.
pub(super) fn audit(round: &Round) -> Look {
    let verified = round.patient.audit()?.verify(&Verify::default(), &round.actor, round.watcher.as_ref())?;
    let walked = &verified.walked;
    let detail = json!({
        "rows": walked.rows, "checkpoints": walked.checkpoints, "anchored": walked.anchored, "head": walked.head, "problems": walked.problems,
        "notes": walked.notes,
    });
    let found = match walked.problems.first() {
        Some(first) => {
            Found::fail(format!("{}; the first: {}", verified.summary(), first.what)).remedy(first.fault.next(), "quarterdeck audit verify")
        }
        None => Found::pass(verified.summary()),
    };
    Ok(found.number(count(walked.rows, "row", "rows")).detail(detail))
}

/// What retention would take away; nothing is.
pub(super) fn retention(round: &Round) -> Look {
    round.patient.db()?;
    let counts = retention::counts(&round.site()?)?;
    let (mut rows, mut held) = (0, 0);
    for (_, count) in &counts {
        rows += count.rows;
        held += count.held;
    }
    let oldest = counts.iter().filter_map(|(_, count)| count.oldest).min();
    let late = oldest.filter(|_| rows > 0).map(|at| format!("; the oldest is of {} ago", age(round, at))).unwrap_or_default();
    let rules: Vec<Value> = counts
        .iter()
        .filter(|(_, count)| count.rows + count.held > 0)
        .map(|(_, count)| json!({ "rule": count.rule, "rows": count.rows, "held": count.held, "live": count.live }))
        .collect();
    let held_too = if held > 0 { format!("; {held} more are held") } else { String::new() };
    let found = if rows > 0 {
        Found::warn(format!("{} past their time{late}{held_too}", count(rows, "row is", "rows are")))
            .remedy("archive and take them away, or see why the timer did not", "quarterdeck retention run")
    } else {
        Found::pass(format!("nothing is past its time{held_too}"))
    };
    Ok(found.number(count(rows, "row", "rows")).detail(json!({ "rules": rules })))
}

/// Compare the index with the database and with an exact search.
pub(super) fn index(round: &Round) -> Look {
    let started_at = round.patient.now();
    let models = round.patient.read(|c| -> vectors::Result<_> { vectors::models(c) })?;
    if models.is_empty() {
        return Ok(Found::pass("nothing has a vector yet").number("0 vectors"));
    }
    let (mut problems, mut all, mut worst) = (Vec::new(), 0, None::<f64>);
    for model in &models {
        let index = doctor::index::saved(&round.patient, model);
        let verified = round.patient.read(move |c| -> vectors::Result<_> {
            index.catch_up(c)?;
            index.tend()?;
            index.verify(c, SAMPLE)
        })?;
        all += verified.vectors;
        worst = match (worst, verified.recall) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        problems.extend(verified.problems);
    }
    let detail = json!({ "vectors": all, "recall": worst, "problems": problems });
    let recall = worst.map(|recall| format!(", recall {recall:.3}")).unwrap_or_default();
    let (found, outcome) = match problems.first() {
        Some(first) => (Found::fail(first.clone()).remedy("make it anew", "quarterdeck index rebuild"), Outcome::Problems),
        None => (Found::pass("it is what the database holds"), Outcome::Passed),
    };
    note(round, Kind::IndexVerify, started_at, outcome, &found.why, &detail)?;
    Ok(found.number(format!("{}{recall}", count(all, "vector", "vectors"))).detail(detail))
}

/// Empty pages of the file. Pure.
fn empty(pages: i64, free: i64, size: i64) -> Found {
    let share = if pages > 0 { free as f64 / pages as f64 } else { 0.0 };
    let gain = u64::try_from(free.saturating_mul(size)).unwrap_or_default();
    let found = if share > EMPTY.0 && free.saturating_mul(size) > EMPTY.1 {
        Found::warn(format!("a vacuum would give back {}", bytes(gain))).remedy("do it while little is written", "quarterdeck db vacuum")
    } else {
        Found::pass(format!("a vacuum would give back {}: not worth its time", bytes(gain)))
    };
    found.number(format!("{:.0} % empty", share * 100.0)).detail(json!({ "pages": pages, "free": free, "page_bytes": size }))
}

/// Whether a vacuum is worth its time.
pub(super) fn vacuum(round: &Round) -> Look {
    Ok(match round.patient.read(rows::pages)? {
        Some([pages, free, size]) => empty(pages, free, size),
        None => Found::pass("the server vacuums by itself"),
    })
}

/// Dead rows of the index.
pub(super) fn index_rows(round: &Round) -> Look {
    let models = round.patient.read(|c| -> vectors::Result<_> { vectors::models(c) })?;
    let (mut live, mut dead) = (0, 0);
    for model in &models {
        let status = doctor::index::saved(&round.patient, model).status();
        live += status.vectors;
        dead += status.shards.iter().map(|shard| shard.dead).sum::<usize>();
    }
    let found = if dead > live.max(1_000) {
        Found::warn("more rows of the index are dead than live").remedy("make it anew", "quarterdeck index rebuild")
    } else {
        Found::pass("the index need not be made anew")
    };
    Ok(found.number(format!("{dead} of {} dead", live + dead)).detail(json!({ "live": live, "dead": dead })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rounds::found::Verdict;

    #[test]
    fn a_vacuum_is_advised_when_it_gives_back_much() {
        assert_eq!(empty(100_000, 30_000, 4_096).verdict, Verdict::Warn);
        assert_eq!(empty(100, 30, 4_096).verdict, Verdict::Pass, "a small file is not worth it");
        assert_eq!(empty(100_000, 10, 4_096).verdict, Verdict::Pass);
        assert_eq!(empty(0, 0, 4_096).verdict, Verdict::Pass);
    }
}
