//! The shared engine: an exported snapshot for `pg_dump` and for counting, and databases that are made, filled, compared and renamed.

mod address;
mod databases;
mod programs;
mod seen;

use super::create::Copied;
use super::manifest::Database;
use super::work::{Tell, both};
use super::{Error, Fault, Finding, Result, files, place};
use crate::store;
use crate::upkeep::Site;
use address::quoted;
pub(super) use address::{named, with_database};
pub(super) use databases::{DRILL, Passing, is_free, swap, sweep};
use postgres::Client;
use programs::{command, program, run, tail};
pub(super) use seen::Seen;
use std::path::Path;
use std::process::{Command, Stdio};

/// The word in manifests.
pub(super) const ENGINE: &str = "postgres";
/// The dump in a backup.
const FILE: &str = "deck.pgdump";

fn refused(error: &postgres::Error) -> Error {
    let reason = error.as_db_error().map_or_else(|| store_chain(error), |said| said.message().to_owned());
    Error::Store(store::Error::Statement { reason, statement: "a question of the backup".to_owned() })
}

fn store_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// The name of the database that an address leads to.
pub(super) fn database_name(url: &str) -> Result<String> {
    let mut client = store::postgres_client(url)?;
    let row = client.query_one("SELECT CAST(current_database() AS TEXT)", &[]).map_err(|error| refused(&error))?;
    row.try_get(0).map_err(|error| refused(&error))
}

/// Bytes that the database takes on the server, which a dump stays below.
pub(super) fn size(url: &str) -> Result<u64> {
    let mut client = store::postgres_client(url)?;
    let row = client.query_one("SELECT pg_database_size(current_database())", &[]).map_err(|error| refused(&error))?;
    let size: i64 = row.try_get(0).map_err(|error| refused(&error))?;
    Ok(u64::try_from(size).unwrap_or_default())
}

fn version(client: &mut Client) -> Result<String> {
    let row = client.query_one("SELECT current_setting('server_version')", &[]).map_err(|error| refused(&error))?;
    row.try_get(0).map_err(|error| refused(&error))
}

/// Dump the database as one instant has it, and count what that instant holds.
pub(super) fn copy(site: &Site, url: &str, into: &Path, tell: &Tell) -> Result<Copied> {
    let mut client = store::postgres_client(url)?;
    let server = version(&mut client)?;
    let program = program("pg_dump", &server)?;
    client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").map_err(|error| refused(&error))?;
    let row = client.query_one("SELECT pg_export_snapshot()", &[]).map_err(|error| refused(&error))?;
    let snapshot: String = row.try_get(0).map_err(|error| refused(&error))?;
    let snapshot_at = site.clock.now();
    let to = into.join(FILE);
    drop(place::new_file(&to)?);
    let (counted, ()) = both(
        || Seen::of(&mut client, tell),
        || {
            let mut command = command(&program, url)?;
            command.args(["--format=custom", "--no-owner", "--no-privileges"]);
            command.arg(format!("--snapshot={snapshot}")).arg("--file").arg(&to);
            run("pg_dump", command, &to, tell)
        },
    )?;
    client.batch_execute("ROLLBACK").map_err(|error| refused(&error))?;
    std::fs::File::open(&to).and_then(|file| file.sync_all()).map_err(|error| Error::io("write", &to, &error))?;
    let findings = check_dump(&to, FILE, &server)?;
    let file = files::entry(into, FILE, "database", 0o600, snapshot_at, tell)?;
    let change = counted.change;
    let database = Database {
        engine: ENGINE.to_owned(),
        engine_version: server,
        schema_version: counted.schema_version,
        schema_digest: counted.schema_digest,
        file: FILE.to_owned(),
        tables: counted.tables,
        audit: counted.audit,
    };
    Ok(Copied { database, file, snapshot_at, change, findings })
}

/// Look at the table of contents of a dump, with the programs of the server's `version` that it was made of.
pub(super) fn check_dump(path: &Path, subject: &str, version: &str) -> Result<Vec<Finding>> {
    let mut command = Command::new(program("pg_restore", version)?);
    command.env_remove("PGPASSWORD").stdin(Stdio::null()).arg("--list").arg(path);
    let output = command.output().map_err(|error| Error::Program { program: "pg_restore", reason: error.to_string() })?;
    if output.status.success() && output.stdout.windows(10).any(|bytes| bytes == b"TABLE DATA") {
        return Ok(Vec::new());
    }
    Ok(vec![Finding::new(Fault::Damaged, subject, format!("pg_restore cannot read it: {}", tail(&output.stderr)))])
}

/// Fill an empty database with a dump.
pub(super) fn fill(url: &str, dump: &Path, tell: &Tell) -> Result<()> {
    let server = version(&mut store::postgres_client(url)?)?;
    let mut command = command(&program("pg_restore", &server)?, url)?;
    let name = database_name(url)?;
    command.args(["--no-owner", "--no-privileges", "--exit-on-error", "--dbname"]).arg(name).arg(dump);
    run("pg_restore", command, dump, tell)
}
