//! Schema versions: our own few lines, because the usual companions do not go down, or do not build with this engine.
//!
//! A migration is written once, in SQLite's words; the five words that PostgreSQL spells differently are replaced. Each step is one
//! transaction, recorded with the digest of its text.

use super::backend::Backend;
use super::{Conn, Engine, Error, Result, Row};
use crate::base::{Millis, sha256_hex};
use crate::vals;

/// One step of the schema, with the way back.
#[derive(Debug)]
pub struct Migration {
    /// Position in the order, from 1.
    pub version: i64,
    /// What it makes.
    pub name: &'static str,
    up: &'static str,
    down: &'static str,
}

macro_rules! migrations {
    ($($version:literal $name:literal $file:literal),* $(,)?) => {
        &[$(Migration {
            version: $version,
            name: $name,
            up: include_str!(concat!("migrations/", $file, ".up.sql")),
            down: include_str!(concat!("migrations/", $file, ".down.sql")),
        }),*]
    };
}

/// Every migration that this program knows, in order.
pub const MIGRATIONS: &[Migration] = migrations![
    1 "foundation" "0001_foundation",
    2 "memory" "0002_memory",
    3 "queue" "0003_queue",
    4 "ledger" "0004_ledger",
    5 "agent" "0005_agent",
    6 "team" "0006_team",
    7 "states" "0007_states",
    8 "rules" "0008_rules",
    9 "reviewers" "0009_reviewers",
    10 "overrides" "0010_overrides",
    11 "edit_notes" "0011_edit_notes",
    12 "amendments" "0012_amendments",
    13 "policies" "0013_policies",
    14 "listing" "0014_listing",
    15 "quality" "0015_quality",
    16 "belief_history" "0016_belief_history",
    17 "search_documents" "0017_search_documents",
    18 "search_vectors" "0018_search_vectors",
    19 "rollups" "0019_rollups",
    20 "budgets" "0020_budgets",
    21 "response_cache" "0021_response_cache",
    22 "imports" "0022_imports",
    23 "forgetting" "0023_forgetting",
    24 "upkeep" "0024_upkeep",
    28 "care" "0028_care",
    29 "audit" "0029_audit",
];

/// The newest schema version that this program knows.
#[must_use]
pub fn newest() -> i64 {
    MIGRATIONS.last().map_or(0, |migration| migration.version)
}

/// The part of a migration that is for one engine: what stands behind a line `-- [sqlite]` or `-- [postgres]` is for that one alone, until
/// a line `-- [both]`. Full text is what the engines have no common words for.
fn of_engine(sql: &str, engine: Engine) -> String {
    let mut meant = true;
    let mut kept = String::with_capacity(sql.len());
    for line in sql.lines() {
        match line {
            "-- [both]" => meant = true,
            "-- [sqlite]" => meant = engine == Engine::Sqlite,
            "-- [postgres]" => meant = engine == Engine::Postgres,
            _ if meant => {
                kept.push_str(line);
                kept.push('\n');
            }
            _ => {}
        }
    }
    kept
}

fn spelled(sql: &str, engine: Engine) -> String {
    let sql = of_engine(sql, engine);
    match engine {
        Engine::Sqlite => sql,
        Engine::Postgres => sql
            .replace(" INTEGER", " BIGINT")
            .replace(" REAL", " DOUBLE PRECISION")
            .replace(" BLOB", " BYTEA")
            .replace(") STRICT, WITHOUT ROWID", ")")
            .replace(") STRICT", ")"),
    }
}

const CREATE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
  version INTEGER PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT";

fn applied(backend: &mut Backend) -> Result<Vec<Row>> {
    backend.query("SELECT version, digest FROM schema_migrations ORDER BY version", &[])
}

/// The version of the schema; 0 for an empty database.
///
/// # Errors
/// Where the migrations differ from ours: [`Error::ForeignMigration`]; where there are more than we know: [`Error::NewerSchema`].
pub(super) fn version(backend: &mut Backend) -> Result<i64> {
    if !backend.has_table("schema_migrations")? {
        return Ok(0);
    }
    let rows = applied(backend)?;
    let found = rows.last().map_or(Ok(0), |row| row.int("version"))?;
    if found > newest() {
        return Err(Error::NewerSchema { found, known: newest() });
    }
    for (row, migration) in rows.iter().zip(MIGRATIONS) {
        if row.int("version")? != migration.version || row.text("digest")? != sha256_hex(migration.up.as_bytes()) {
            return Err(Error::ForeignMigration { version: migration.version });
        }
    }
    Ok(found)
}

/// Bring the schema to version `target`, up or down. Returns the versions that were passed.
///
/// # Errors
/// As [`version`], and whatever the engine refuses: the step that failed is rolled back, those before it stay.
pub(super) fn migrate_to(backend: &mut Backend, target: i64, now: Millis) -> Result<Vec<i64>> {
    let engine = backend.engine();
    let mut passed = Vec::new();
    backend.begin_exclusive(|backend| backend.batch(&spelled(CREATE, engine)))?;
    loop {
        let step = backend.begin_exclusive(|backend| {
            // Read inside the lock: another process may have migrated meanwhile.
            let present = version(backend)?;
            if present < target {
                let next = MIGRATIONS.iter().find(|migration| migration.version > present && migration.version <= target);
                let Some(migration) = next else { return Ok(None) };
                backend.batch(&spelled(migration.up, engine))?;
                backend.exec(
                    "INSERT INTO schema_migrations (version, name, digest, applied_at) VALUES ($1, $2, $3, $4)",
                    vals![migration.version, migration.name, sha256_hex(migration.up.as_bytes()), now],
                )?;
                Ok(Some(migration.version))
            } else if present > target {
                let Some(migration) = MIGRATIONS.iter().find(|migration| migration.version == present) else { return Ok(None) };
                backend.batch(&spelled(migration.down, engine))?;
                backend.exec("DELETE FROM schema_migrations WHERE version = $1", vals![present])?;
                Ok(Some(present))
            } else {
                Ok(None)
            }
        })?;
        match step {
            Some(version) => passed.push(version),
            None => return Ok(passed),
        }
    }
}
