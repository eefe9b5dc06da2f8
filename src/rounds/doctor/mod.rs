//! The doctor: each check says pass, warn, fail or unknown, why, and what to do first; what can be put right without losing anything it puts right
//! when asked.
//!
//! | file | checks |
//! |---|---|
//! | `setting_up` | configuration, rules, probes |
//! | `permissions` | permissions |
//! | `places` | disk, filesystem |
//! | `time` | clock |
//! | `database` | sqlite, database, integrity, wal |
//! | `index` | index |
//! | `ledger` | ledger, reservations |
//! | `queue` | leases, deliveries, pauses |
//! | `agents` | agents |
//! | `tokens` | tokens, secrets |
//! | `terminal` | terminal; pure |
//! | `overdue` | backups, drill, audit |
//!
//! Checks run one after another, each for a bounded time; one that hangs is unknown and keeps no other from running. A check changes nothing.

pub(super) mod agents;
pub(super) mod database;
pub(super) mod index;
mod ledger;
pub(super) mod overdue;
mod permissions;
pub(super) mod places;
pub(super) mod queue;
mod setting_up;
mod terminal;
mod time;
pub(super) mod tokens;

use super::bounded::NoResult;
use super::found::{Found, Look, Verdict, count};
use super::patient::{Opened, Patient};
use super::stop::Stop;
use crate::base::Millis;
use crate::store::audit::Actor;
use crate::upkeep::runs::{self, Done, Kind, Outcome};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A repair: what it did, in a sentence, or why it could not.
type Fix = fn(&Patient, &Actor) -> Result<String, Found>;

/// A check.
#[derive(Debug)]
pub struct Check {
    /// Its name, for `--only`.
    pub name: &'static str,
    /// What it looks at, in half a sentence.
    pub about: &'static str,
    /// How long it may take.
    pub limit: Duration,
    look: fn(&Patient) -> Look,
    fix: Option<Fix>,
}

const fn check(name: &'static str, about: &'static str, seconds: u64, look: fn(&Patient) -> Look, fix: Option<Fix>) -> Check {
    Check { name, about, limit: Duration::from_secs(seconds), look, fix }
}

/// Every check, in the order in which they run: what others stand on goes first.
pub const CHECKS: &[Check] = &[
    check("configuration", "settings can be read, and what each purpose needs is set", 5, setting_up::configuration, None),
    check("rules", "the rules of your own can be used", 5, setting_up::rules, None),
    check("probes", "the file of probes can be used", 5, setting_up::probes, None),
    check("permissions", "nobody else can read secrets, database, index and backups", 5, permissions::look, Some(permissions::fix)),
    check("disk", "there is room for the database, a backup and the logs", 5, places::disk, None),
    check("filesystem", "the database lies on a local file system that keeps it", 5, places::filesystem, None),
    check("clock", "the clock agrees with the newest row and with the server, and is kept set", 10, time::clock, None),
    check("sqlite", "the engine has no known fault that damages files", 5, database::engine, None),
    check("database", "the database opens and can be written to, and its schema fits this program", 15, database::opens, None),
    check("integrity", "the quick check finds nothing, and the full one is not long ago", 60, database::integrity, None),
    check("wal", "the write-ahead log is taken into the file", 5, database::wal, Some(database::checkpoint)),
    check("index", "the index of search loads and keeps up", 20, index::look, Some(index::fix)),
    check("ledger", "the sums of model calls are what the calls add up to", 20, ledger::sums, Some(ledger::rebuild)),
    check("reservations", "no budget is held by calls that are over", 5, ledger::reservations, Some(ledger::recover)),
    check("leases", "no item stays with a reviewer whose time is over", 5, queue::leases, Some(queue::sweep)),
    check("deliveries", "nothing is late, and every answer of Reddit is known", 5, queue::deliveries, None),
    check("pauses", "no pause was forgotten", 5, queue::pauses, None),
    check("agents", "every loop that should run is heard of", 5, agents::look, None),
    check("tokens", "every account has a login that can be used", 5, tokens::look, None),
    check("secrets", "secrets are kept closed, are no placeholders, and are not too old", 5, tokens::secrets, None),
    check("backups", "a backup was made and verified lately", 5, overdue::backups, None),
    check("drill", "a restore was tried lately", 5, overdue::drill, None),
    check("audit", "the audit log was verified lately", 5, overdue::audit, None),
    check("terminal", "this terminal can show the console", 5, terminal::look, None),
];

/// What was put right.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fixed {
    /// What was done, or why it could not be.
    pub did: String,
    /// Whether it was done.
    pub done: bool,
    /// How it was before.
    pub before: Found,
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checked {
    /// Its name.
    pub name: &'static str,
    /// What it looks at.
    pub about: &'static str,
    /// What was found, after a repair where one was made.
    #[serde(flatten)]
    pub found: Found,
    /// Whether it did not end in time or broke off: then it is unknown, and counts as a failure of the whole.
    pub gave_up: bool,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Whether `--fix` can put it right.
    pub can_fix: bool,
    /// What was put right, when that was asked for and needed.
    pub fixed: Option<Fixed>,
}

/// What the doctor says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// When it began.
    pub at: Millis,
    /// When it ended.
    pub ended_at: Millis,
    /// Each check.
    pub checks: Vec<Checked>,
    /// Whether it was asked to end before it had ended: then checks are missing.
    pub was_stopped: bool,
}

impl Report {
    /// How many checks ended so.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.checks.iter().filter(|checked| checked.found.verdict == verdict).count()
    }

    /// Whether nothing failed; when it is `strict`, whether nothing warned or stayed unknown either.
    #[must_use]
    pub fn is_well(&self, strict: bool) -> bool {
        self.checks.iter().all(|checked| match checked.found.verdict {
            Verdict::Pass => true,
            Verdict::Fail => false,
            Verdict::Warn => !strict,
            Verdict::Unknown => !strict && !checked.gave_up,
        })
    }

    /// In a sentence.
    #[must_use]
    pub fn summary(&self) -> String {
        let of = |verdict| self.count(verdict);
        let parts = [(Verdict::Fail, "failed"), (Verdict::Warn, "warned"), (Verdict::Unknown, "unknown"), (Verdict::Pass, "passed")];
        let told: Vec<String> =
            parts.iter().filter(|(verdict, _)| of(*verdict) > 0).map(|(verdict, word)| format!("{} {word}", of(*verdict))).collect();
        let fixed = self.checks.iter().filter(|checked| checked.fixed.as_ref().is_some_and(|fixed| fixed.done)).count();
        let fixed = if fixed > 0 { format!("; {} put right", count(fixed, "thing", "things")) } else { String::new() };
        let stopped = if self.was_stopped { "; it was stopped before its end" } else { "" };
        format!("{}: {}{fixed}{stopped}", count(self.checks.len(), "check", "checks"), told.join(", "))
    }
}

/// Check everything, or what `only` names. `told` hears each result as it comes. With a `fixer` what can be put right is, in that name.
/// When `stop` is asked for, the check under way ends or is given up, and the rest is not done.
pub fn examine(patient: &Arc<Patient>, only: &[&str], fixer: Option<&Actor>, stop: &Stop, told: &mut dyn FnMut(&Checked)) -> Report {
    let at = patient.now();
    let mut checks = Vec::new();
    for check in CHECKS.iter().filter(|check| only.is_empty() || only.contains(&check.name)) {
        if stop.is_asked() {
            break;
        }
        let mut checked = run(patient, check, stop);
        if let (Some(actor), Some(fix)) = (fixer, check.fix)
            && !checked.gave_up
            && !stop.is_asked()
            && checked.found.verdict != Verdict::Pass
            && checked.found.remedy.is_some()
        {
            let (patched, actor) = (Arc::clone(patient), actor.clone());
            let did = match stop.bounded(check.limit * 6, move || fix(&patched, &actor)) {
                Ok(Ok(did)) => Ok(did),
                Ok(Err(found)) => Err(found.why),
                Err(_) => Err("it did not end in time".to_owned()),
            };
            let again = run(patient, check, stop);
            let (done, did) = did.map_or_else(|why| (false, why), |did| (true, did));
            checked = Checked { fixed: Some(Fixed { did, done, before: checked.found }), ..again };
        }
        told(&checked);
        checks.push(checked);
    }
    Report { at, ended_at: patient.now(), checks, was_stopped: stop.is_asked() }
}

fn run(patient: &Arc<Patient>, check: &'static Check, stop: &Stop) -> Checked {
    let started = Instant::now();
    let own = Arc::clone(patient);
    let (found, gave_up) = match stop.bounded(check.limit, move || (check.look)(&own)) {
        Ok(Ok(found) | Err(found)) => (found, false),
        Err(NoResult::TooSlow) if stop.is_asked() => (Found::unknown("given up: the doctor was stopped"), true),
        Err(NoResult::TooSlow) => (Found::unknown(format!("the check did not end within {} s", check.limit.as_secs())), true),
        Err(NoResult::Broke) => (Found::unknown("the check broke off by a fault of this program; the log says where"), true),
    };
    let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Checked { name: check.name, about: check.about, found, gave_up, took_ms, can_fix: check.fix.is_some(), fixed: None }
}

/// Write down that the doctor looked. `Ok(None)` when no database is open to write it into.
///
/// # Errors
/// When the database refuses.
pub fn record(patient: &Patient, report: &Report, actor: &Actor) -> Result<Option<String>, Found> {
    let Opened::Open(db) = patient.opened() else { return Ok(None) };
    let not_well = |checked: &&Checked| checked.found.verdict != Verdict::Pass;
    let found: Vec<Value> = report
        .checks
        .iter()
        .filter(not_well)
        .map(|checked| json!({ "name": checked.name, "verdict": checked.found.verdict, "why": checked.found.why }))
        .collect();
    let fixed: Vec<Value> = report
        .checks
        .iter()
        .filter_map(|checked| checked.fixed.as_ref().map(|fixed| json!({ "name": checked.name, "did": fixed.did, "done": fixed.done })))
        .collect();
    let detail = json!({ "checks": report.checks.len(), "found": found, "fixed": fixed, "stopped": report.was_stopped });
    let outcome = match () {
        () if report.was_stopped => Outcome::Failed,
        () if report.is_well(true) => Outcome::Passed,
        () => Outcome::Problems,
    };
    let (summary, actor, started_at, ended_at) = (report.summary(), actor.clone(), report.at, report.ended_at);
    let id = db.write_blocking(move |c| {
        runs::record(c, &Done { kind: Kind::Doctor, started_at, ended_at, outcome, summary: &summary, detail: &detail, actor: &actor })
    })?;
    Ok(Some(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(verdict: Verdict, gave_up: bool) -> Checked {
        let found = Found { verdict, ..Found::pass("so") };
        Checked { name: "x", about: "", found, gave_up, took_ms: 0, can_fix: false, fixed: None }
    }

    #[test]
    fn a_warning_is_no_failure_unless_it_is_asked_for_and_what_hangs_is_one() {
        let report = |verdict, gave_up| Report { at: 0, ended_at: 0, checks: vec![checked(verdict, gave_up)], was_stopped: false };
        for (verdict, gave_up, well, strictly) in [
            (Verdict::Pass, false, true, true),
            (Verdict::Warn, false, true, false),
            (Verdict::Unknown, false, true, false),
            (Verdict::Unknown, true, false, false),
            (Verdict::Fail, false, false, false),
        ] {
            let report = report(verdict, gave_up);
            assert_eq!((report.is_well(false), report.is_well(true)), (well, strictly), "{verdict:?}");
        }
        assert_eq!(report(Verdict::Warn, false).summary(), "1 check: 1 warned");
    }

    #[test]
    fn names_are_told_apart() {
        let names: std::collections::BTreeSet<_> = CHECKS.iter().map(|check| check.name).collect();
        assert_eq!(names.len(), CHECKS.len());
    }
}
