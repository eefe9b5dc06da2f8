//! Ages of what keeps the deck safe: the backup, its drill, the verification of the audit log.

use super::{Facts, Part, remedy};
use crate::base::{Millis, clock};
use crate::store::{Conn, Result};
use crate::upkeep::runs::{self, Kind, Outcome};
use crate::watch::board::Maintenance;
use crate::watch::health::Status;
use serde_json::json;

const DAY: Millis = 86_400_000;

/// What is to be done how often.
#[derive(Clone, Copy)]
struct Duty {
    name: &'static str,
    kind: Kind,
    /// Older than this it is overdue.
    overdue: Millis,
    /// Older than this it is no protection any more; for ever where it never is so.
    gone: Millis,
    what: &'static str,
    text: &'static str,
    command: &'static str,
    maintenance: Maintenance,
    found: &'static str,
}

const DUTIES: [Duty; 3] = [
    Duty {
        name: "backup",
        kind: Kind::Backup,
        overdue: 26 * 3_600_000,
        gone: 7 * DAY,
        what: "backup",
        text: "Make one now; it is made while everything runs.",
        command: "quarterdeck backup create",
        maintenance: Maintenance::BackUp,
        found: "Make another one, and read what was wrong with this one.",
    },
    Duty {
        name: "drill",
        kind: Kind::Drill,
        overdue: 31 * DAY,
        gone: Millis::MAX,
        what: "drill",
        text: "Restore the newest backup into a scratch place and try it: a backup that was never restored is a hope.",
        command: "quarterdeck backup drill",
        maintenance: Maintenance::Drill,
        found: "Do not rely on that backup: make a new one, then drill it.",
    },
    Duty {
        name: "audit",
        kind: Kind::AuditVerify,
        overdue: 8 * DAY,
        gone: Millis::MAX,
        what: "verification of the audit log",
        text: "Walk its chain.",
        command: "quarterdeck audit verify",
        maintenance: Maintenance::VerifyAudit,
        found: "Somebody changed the log, or a copy was put in its place: keep the file, and read what the verification names.",
    },
];

pub(super) fn parts(c: &mut dyn Conn, facts: &Facts, now: Millis) -> Result<Vec<Part>> {
    // A deck that is older than a day should have what it lacks; a new one need not.
    let since = c.first("SELECT min(applied_at) AS at FROM schema_migrations", &[])?.map_or(Ok(None), |row| row.int_opt("at"))?;
    let set = |duty: &Duty| match duty.kind {
        Kind::Backup => facts.backup_overdue,
        Kind::Drill => facts.drill_overdue,
        _ => None,
    };
    let duties = DUTIES.iter().map(|duty| {
        let overdue = set(duty).unwrap_or(duty.overdue);
        // However long a backup may stay the newest one by the settings, it counts for that long.
        Duty { overdue, gone: duty.gone.max(overdue), ..*duty }
    });
    duties.map(|duty| Ok(of(&duty, runs::last(c, duty.kind)?, runs::last_passed(c, duty.kind)?, since.unwrap_or(now), now))).collect()
}

fn of(duty: &Duty, last: Option<runs::Run>, passed: Option<runs::Run>, deck_since: Millis, now: Millis) -> Part {
    let detail = json!({ "passed_at": passed.as_ref().map(|run| run.ended_at), "age_ms": passed.as_ref().map(|run| now - run.ended_at) });
    let hurt = |status, reason: String, text: &str| {
        Part::hurt(duty.name, status, reason, detail.clone(), remedy(text, Some(duty.command), Some(duty.maintenance)))
    };
    let newer = last.filter(|run| run.outcome != Outcome::Passed);
    if let Some(run) = newer {
        return match run.outcome {
            Outcome::Problems => hurt(Status::Unhealthy, format!("the last {} found problems: {}", duty.what, run.summary), duty.found),
            _ => hurt(Status::Degraded, format!("the last {} failed: {}", duty.what, run.summary), duty.text),
        };
    }
    match passed {
        None if now - deck_since > duty.overdue => hurt(Status::Degraded, format!("there was never a {}", duty.what), duty.text),
        None => hurt(Status::Unknown, format!("there was no {} yet", duty.what), duty.text),
        Some(run) => {
            let age = now - run.ended_at;
            let words = clock::duration(age.max(0));
            match () {
                () if age > duty.gone => hurt(Status::Unhealthy, format!("the last {} is {words} old", duty.what), duty.text),
                () if age > duty.overdue => hurt(Status::Degraded, format!("the last {} is {words} old", duty.what), duty.text),
                () => Part::healthy(duty.name, format!("the last {} passed {words} ago", duty.what), detail),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(outcome: Outcome, at: Millis) -> runs::Run {
        runs::Run {
            id: String::new(),
            kind: Kind::Backup,
            started_at: at,
            ended_at: at,
            outcome,
            summary: "no room".into(),
            detail: json!({}),
            actor: (String::new(), String::new()),
        }
    }

    #[test]
    fn what_is_overdue_shows_and_what_never_was_is_unknown_at_first() {
        let backup = &DUTIES[0];
        let status = |last: Option<runs::Run>, passed: Option<runs::Run>, now| of(backup, last, passed, 0, now).status;
        let passed = || Some(run(Outcome::Passed, 0));
        assert_eq!((status(None, None, DAY), status(None, None, 2 * DAY)), (Status::Unknown, Status::Degraded));
        assert_eq!(status(passed(), passed(), DAY), Status::Healthy);
        assert_eq!(status(passed(), passed(), 2 * DAY), Status::Degraded);
        assert_eq!(status(passed(), passed(), 8 * DAY), Status::Unhealthy);
        assert_eq!(status(Some(run(Outcome::Failed, DAY)), passed(), DAY), Status::Degraded);
        assert_eq!(status(Some(run(Outcome::Problems, DAY)), passed(), DAY), Status::Unhealthy);
    }
}
