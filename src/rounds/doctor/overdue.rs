//! What should have been done lately: backups, their verification, drills, the verification of the audit log.

use crate::base::{Millis, clock::duration};
use crate::rounds::found::{Found, Look};
use crate::rounds::patient::Patient;
use crate::store::Error;
use crate::upkeep::runs::{self, Kind, Outcome, Run};
use serde_json::json;

const DAY: Millis = 86_400_000;

/// How something that is to be done again and again stands.
#[derive(Clone, Copy)]
struct Due {
    /// What it is, as a subject: `a backup`.
    what: &'static str,
    /// What was done to it: `made`.
    done: &'static str,
    /// After this somebody should look; after that it is a failure.
    warn: Millis,
    fail: Millis,
    text: &'static str,
    command: &'static str,
}

const BACKUP: Due =
    Due { what: "backup", done: "made", warn: 26 * 3_600_000, fail: 8 * DAY, text: "make one", command: "quarterdeck backup create" };
const VERIFIED: Due = Due {
    what: "backup",
    done: "verified",
    warn: 8 * DAY,
    fail: 35 * DAY,
    text: "verify the newest one",
    command: "quarterdeck backup verify",
};
const DRILL: Due = Due {
    what: "restore",
    done: "tried",
    warn: 31 * DAY,
    fail: 100 * DAY,
    text: "restore the newest backup into a scratch place",
    command: "quarterdeck backup drill",
};
const AUDIT: Due =
    Due { what: "audit log", done: "verified", warn: 8 * DAY, fail: 35 * DAY, text: "walk its chain", command: "quarterdeck audit verify" };

/// How the newest run and the newest that passed are judged. Pure.
fn judge(due: &Due, last: Option<&Run>, passed: Option<&Run>, now: Millis) -> Found {
    let Due { what, done, text, command, .. } = due;
    if let Some(run) = last.filter(|run| run.outcome != Outcome::Passed) {
        return Found::fail(format!("the last time the {what} was {done} it did not pass: {}", run.summary)).remedy(*text, *command);
    }
    let Some(run) = passed else { return Found::warn(format!("no {what} was ever {done}")).remedy(*text, *command) };
    let age = now - run.ended_at;
    let why = format!("the {what} was last {done} {} ago", duration(age.max(0)));
    match age {
        _ if age > due.fail => Found::fail(why).remedy(*text, *command),
        _ if age > due.warn => Found::warn(why).remedy(*text, *command),
        _ => Found::pass(why),
    }
}

/// With the time after which somebody should look as the settings have it.
fn due(due: &Due, warn: Millis) -> Due {
    Due { warn, fail: due.fail.max(warn), ..*due }
}

fn of(patient: &Patient, due: &Due, kind: Kind) -> Look {
    let (last, passed) = patient.read(move |c| Ok::<_, Error>((runs::last(c, kind)?, runs::last_passed(c, kind)?)))?;
    let detail = json!({ "last": last.as_ref().map(|run| run.ended_at), "last_passed": passed.as_ref().map(|run| run.ended_at) });
    Ok(judge(due, last.as_ref(), passed.as_ref(), patient.now()).detail(detail))
}

/// A backup was made and verified lately.
pub(in crate::rounds) fn backups(patient: &Patient) -> Look {
    let hours = patient.settings()?.backup.max_age_hours;
    let made = of(patient, &due(&BACKUP, Millis::from(hours) * 3_600_000), Kind::Backup)?;
    let verified = of(patient, &VERIFIED, Kind::BackupVerify)?;
    let detail = json!({ "made": made.detail, "verified": verified.detail });
    // Making one verifies it: an older verification of its own is told only when it is worse.
    let worse = if verified.verdict > made.verdict && verified.detail["last"].is_i64() { verified } else { made };
    Ok(worse.detail(detail))
}

/// A restore was tried lately.
pub(in crate::rounds) fn drill(patient: &Patient) -> Look {
    let days = patient.settings()?.backup.drill_days;
    of(patient, &due(&DRILL, Millis::from(days) * DAY), Kind::Drill)
}

/// The audit log was verified lately.
pub(in crate::rounds) fn audit(patient: &Patient) -> Look {
    of(patient, &AUDIT, Kind::AuditVerify)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rounds::found::Verdict;
    use serde_json::Value;

    fn run(ended_at: Millis, outcome: Outcome) -> Run {
        let actor = ("human".to_owned(), "ann".to_owned());
        Run {
            id: "r".into(),
            kind: Kind::Backup,
            started_at: 0,
            ended_at,
            outcome,
            summary: "a digest differs".into(),
            detail: Value::Null,
            actor,
        }
    }

    #[test]
    fn what_never_was_done_warns_and_what_did_not_pass_fails() {
        let now = 100 * DAY;
        let good = |days: Millis| run(now - days * DAY, Outcome::Passed);
        let verdict = |last: Option<&Run>, passed: Option<&Run>| judge(&BACKUP, last, passed, now).verdict;
        assert_eq!(verdict(None, None), Verdict::Warn);
        for (days, wanted) in [(1, Verdict::Pass), (3, Verdict::Warn), (9, Verdict::Fail)] {
            assert_eq!(verdict(Some(&good(days)), Some(&good(days))), wanted, "{days}");
        }
        let bad = run(now, Outcome::Problems);
        assert_eq!(verdict(Some(&bad), Some(&good(1))), Verdict::Fail, "the newest one counts");
        assert!(judge(&BACKUP, Some(&bad), None, now).why.contains("a digest differs"));
    }
}
