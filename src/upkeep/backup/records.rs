//! What the database knows of its backups: which were made here, verified, drilled, found faulty.

use super::{Backup, Finding, Result};
use crate::base::Millis;
use crate::store::outside::{self, Outside};
use crate::store::{self, Address, Conn, Database};
use crate::upkeep::Site;
use crate::upkeep::runs::{self, Done, Kind, Outcome};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Runs that are looked at, newest first; older ones are of backups that are long gone.
const RUNS: i64 = 5_000;

/// What is known of one backup.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// Digest of its manifest when it was made, or when it was restored where its making is not known any more.
    pub(super) manifest: Option<String>,
    /// When it was last found whole.
    pub(super) verified_at: Option<Millis>,
    /// When a drill last passed on it.
    pub(super) drilled_at: Option<Millis>,
    /// Whether the last look at it found something wrong.
    pub(super) is_faulty: bool,
}

/// What is known of every backup; why nothing is where the database does not tell.
pub(super) type Records = Result<HashMap<String, Known>, String>;

/// The database of the installation, where there is one that can be opened. It is not created.
pub(super) fn database(site: &Site) -> Result<Database, String> {
    let address = site.address().map_err(|error| error.to_string())?;
    if let Address::Sqlite(path) = &address
        && !path.exists()
        && !store::restoring(path).exists()
    {
        return Err(format!("there is no database at {}", path.display()));
    }
    Database::open(&address, &site.clock).map_err(|error| error.to_string())
}

/// Everything that is known.
pub(super) fn all(site: &Site) -> Records {
    let address = site.address().map_err(|error| error.to_string())?;
    aside(&address, read).map_err(|error| error.to_string())
}

/// Read on a connection that is closed when this returns: one that closes later would find another file under its name after a restore.
pub(super) fn aside<T: Send>(address: &Address, work: impl FnOnce(&mut dyn Conn) -> store::Result<T> + Send) -> store::Result<T> {
    outside::aside(|| work(Outside::open(address, true)?.conn()))
}

fn read(c: &mut dyn Conn) -> store::Result<HashMap<String, Known>> {
    let mut found: Vec<(Millis, Kind, Outcome, Value)> = Vec::new();
    for kind in [Kind::Backup, Kind::BackupVerify, Kind::Drill, Kind::Restore] {
        found.extend(runs::newest(c, Some(kind), RUNS)?.into_iter().map(|run| (run.ended_at, run.kind, run.outcome, run.detail)));
    }
    found.sort_by_key(|(at, ..)| *at);
    let mut known: HashMap<String, Known> = HashMap::new();
    for (at, kind, outcome, detail) in found {
        let Some(name) = detail.get("name").and_then(Value::as_str) else { continue };
        let entry = known.entry(name.to_owned()).or_default();
        let manifest = || detail.get("manifest").and_then(Value::as_str).map(str::to_owned);
        match kind {
            Kind::Backup => entry.manifest = manifest(),
            // It was compared with everything its manifest says before it was restored. Without a digest it was only finished.
            Kind::Restore => match (outcome, manifest()) {
                (Outcome::Passed, Some(digest)) => entry.manifest = entry.manifest.take().or(Some(digest)),
                _ => continue,
            },
            _ => {}
        }
        match outcome {
            Outcome::Passed => {
                entry.verified_at = Some(at);
                entry.is_faulty = false;
                if kind == Kind::Drill {
                    entry.drilled_at = Some(at);
                }
            }
            Outcome::Problems => {
                // What is stale is whole all the same.
                entry.is_faulty = detail.get("whole").and_then(Value::as_bool) != Some(true);
            }
            Outcome::Failed => {}
        }
    }
    Ok(known)
}

/// Write down what was done. Returns why that was not possible, as a sentence.
pub(super) fn note(site: &Site, kind: Kind, started_at: Millis, outcome: Outcome, summary: &str, detail: &Value) -> Option<String> {
    let written = || -> Result<(), String> {
        let database = database(site)?;
        let (actor, ended_at) = (site.actor.clone(), site.clock.now());
        let (summary, detail) = (summary.to_owned(), detail.clone());
        database
            .write_blocking(move |c| {
                runs::record(c, &Done { kind, started_at, ended_at, outcome, summary: &summary, detail: &detail, actor: &actor })
            })
            .map(drop)
            .map_err(|error| error.to_string())
    };
    written().err().map(|why| {
        tracing::warn!(kind = kind.as_str(), why, "a run of upkeep could not be written down");
        format!("it could not be written down in the deck: {why}")
    })
}

/// The findings for a record: few enough for a row.
pub(super) fn findings(findings: &[Finding]) -> Value {
    json!(findings.iter().take(50).map(|finding| json!({ "fault": finding.fault, "what": finding.to_string() })).collect::<Vec<_>>())
}

/// What a record says of a backup.
pub(super) fn detail(backup: &Backup) -> Value {
    json!({ "name": backup.name, "manifest": backup.manifest, "bytes": backup.bytes, "rows": backup.rows,
            "engine": backup.engine, "schema_version": backup.schema_version, "snapshot_at": backup.made_at, "secrets": backup.has_secrets })
}
