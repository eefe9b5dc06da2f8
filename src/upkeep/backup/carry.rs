//! What a restored deck is given before it is put in place: what the old one knew and must not forget, a pause, and the row that says when
//! it was restored.
//!
//! A backup is of the past. Since then somebody may have stopped all sending, backups were made and verified, and people were erased: a
//! restore takes none of that back.

use super::erasures::Erased;
use super::restore::Plan;
use super::{Error, Result, create, records};
use crate::base::{Millis, new_id};
use crate::moderation::{self, pauses};
use crate::store::holders::Role;
use crate::store::outside::{Outside, aside};
use crate::store::{self, Address, Conn};
use crate::upkeep::runs::{self, Done, Kind, Outcome};
use crate::vals;
use serde_json::Value;
use std::collections::HashSet;

/// Runs of a kind that are kept, newest first; older ones are of backups that are long gone.
const RUNS: i64 = 5_000;

/// What the old deck knew.
#[derive(Debug, Default)]
pub(super) struct Carried {
    pauses: Vec<pauses::Pause>,
    runs: Vec<runs::Run>,
    /// Who was erased, also where the list beside the backups does not say so.
    pub(super) erased: Vec<Erased>,
}

fn of_moderation(error: moderation::Error) -> store::Error {
    match error {
        moderation::Error::Store(error) => error,
        other => store::Error::Constraint { reason: other.to_string() },
    }
}

fn erased(c: &mut dyn Conn) -> store::Result<Vec<Erased>> {
    let rows = c.query("SELECT salt, digest, run_id, at FROM erased_people ORDER BY at, id", &[])?;
    let one = |row: &store::Row| {
        Ok(Erased { at: row.int("at")?, salt: row.text("salt")?, digest: row.text("digest")?, request: row.text("run_id")? })
    };
    rows.iter().map(one).collect()
}

impl Carried {
    /// What the deck at `address` knows, and why the rest of it could not be read, where that is so.
    pub(super) fn of(address: &Address, now: Millis) -> (Self, Option<String>) {
        if let Address::Sqlite(path) = address
            && !path.exists()
        {
            return (Self::default(), None);
        }
        let mut found = Self::default();
        let mut unread: Vec<String> = Vec::new();
        // Each by itself: a damaged page of one table does not lift a pause.
        let looked = records::aside(address, |c| {
            let version =
                c.first("SELECT max(version) AS version FROM schema_migrations", &[])?.map_or(Ok(None), |row| row.int_opt("version"))?;
            let has = |since: i64| version.unwrap_or(0) >= since;
            if has(3) {
                match pauses::list(c, now) {
                    Ok(standing) => found.pauses = standing,
                    Err(error) => unread.push(format!("its pauses: {error}")),
                }
            }
            for kind in [Kind::Backup, Kind::BackupVerify, Kind::Drill, Kind::Restore].into_iter().filter(|_| has(24)) {
                match runs::newest(c, Some(kind), RUNS) {
                    Ok(known) => found.runs.extend(known),
                    Err(error) => unread.push(format!("its runs of {}: {error}", kind.as_str())),
                }
            }
            if has(28) {
                match erased(c) {
                    Ok(people) => found.erased = people,
                    Err(error) => unread.push(format!("whom it erased: {error}")),
                }
            }
            Ok(())
        });
        if let Err(error) = looked {
            unread.push(error.to_string());
        }
        let says = || format!("not everything that the old deck knew could be read ({}); it is kept aside", unread.join("; "));
        let note = (!unread.is_empty()).then(says);
        (found, note)
    }
}

/// Give a restored deck that nobody has open what it is to know, in one transaction. `erased` stay erased, `summary` and `detail` are of the
/// row that says that it was restored.
pub(super) fn give(plan: &Plan<'_>, to: &Address, carried: &Carried, summary: &str, detail: &Value) -> Result<()> {
    aside(|| {
        let mut there = Outside::open(to, false)?;
        let begin = if matches!(to, Address::Sqlite(_)) { "BEGIN IMMEDIATE" } else { "BEGIN" };
        there.batch(Role::Writes, begin)?;
        write(plan, there.conn(), carried, summary, detail)?;
        there.batch(Role::Writes, "COMMIT")?;
        Ok::<_, Error>(())
    })?;
    if let Address::Sqlite(path) = to {
        let mut seats = path.as_os_str().to_owned();
        seats.push(".open");
        // Empty by now. Where it is not, whoever opens it next sees to it.
        let _ = std::fs::remove_dir(seats);
    }
    super::stage::flush(to)
}

fn write(plan: &Plan<'_>, c: &mut dyn Conn, carried: &Carried, summary: &str, detail: &Value) -> store::Result<()> {
    let (actor, now) = (&plan.site.actor, plan.site.clock.now());
    for run in &carried.runs {
        runs::keep(c, run)?;
    }
    let rows = c.query("SELECT digest FROM erased_people", &[])?;
    let mut there = rows.iter().map(|row| row.text("digest")).collect::<store::Result<HashSet<String>>>()?;
    for person in plan.erased.iter().filter(|person| there.insert(person.digest.clone())) {
        c.exec(
            "INSERT INTO erased_people (id, salt, digest, run_id, at) VALUES ($1, $2, $3, $4, $5)",
            vals![new_id(), &person.salt, &person.digest, &person.request, person.at],
        )?;
    }
    let why = format!("restored from {}: look at the account, then `quarterdeck resume`", plan.backup.name);
    pauses::take_over(c, &carried.pauses, &why, actor, now).map_err(of_moderation)?;
    let summary = create::clipped(summary);
    let done = Done {
        kind: Kind::Restore,
        started_at: plan.started_at,
        ended_at: now,
        outcome: Outcome::Passed,
        summary: &summary,
        detail,
        actor,
    };
    runs::record(c, &done).map(drop)
}
