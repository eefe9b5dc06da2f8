//! The shared engine: an exported snapshot for `pg_dump` and for counting, and databases that are made, filled, compared and renamed.
//!
//! The programs of PostgreSQL are given everything by their environment: an argument can be read by every user of the machine.

use super::create::Copied;
use super::digest::{Rows, hex};
use super::manifest::{AuditHead, Database, Table};
use super::work::{Tell, both};
use super::{Error, Fault, Finding, Result, files, place};
use crate::store;
use crate::upkeep::Site;
use crate::upkeep::progress::Unit;
use postgres::Client;
use postgres::config::Host;
use sha2::{Digest as _, Sha256};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The word in manifests.
pub(super) const ENGINE: &str = "postgres";
/// The dump in a backup.
const FILE: &str = "deck.pgdump";
/// Before the id in the name of a database in which a drill restores.
pub(super) const DRILL: &str = "quarterdeck_drill_";
/// Bytes read between two looks at whether to stop.
const CHUNK: usize = 1 << 18;

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

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name as it stands in an address: there a `?` would end it, and a `%` begin a letter.
fn encoded(name: &str) -> String {
    use std::fmt::Write as _;
    name.bytes().fold(String::with_capacity(name.len()), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

/// The address of another database on the same server.
pub(super) fn with_database(url: &str, name: &str) -> String {
    let (front, query) = url.split_once('?').map_or((url, None), |(front, query)| (front, Some(query)));
    let authority = front.find("://").map_or(0, |scheme| scheme + 3);
    let base =
        front.get(authority..).and_then(|rest| rest.find('/')).map_or(front, |slash| front.get(..authority + slash).unwrap_or(front));
    let kept: Vec<&str> = query.into_iter().flat_map(|query| query.split('&')).filter(|part| !part.starts_with("dbname=")).collect();
    let name = encoded(name);
    if kept.is_empty() { format!("{base}/{name}") } else { format!("{base}/{name}?{}", kept.join("&")) }
}

/// A name made of another one and an ending, no longer than a server takes.
pub(super) fn named(name: &str, end: &str) -> String {
    const LONGEST: usize = 63;
    let kept = name.char_indices().map(|(at, letter)| at + letter.len_utf8()).take_while(|at| at + end.len() <= LONGEST).last();
    format!("{}{end}", name.get(..kept.unwrap_or(0)).unwrap_or_default())
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

/// What one transaction sees of a database.
pub(super) struct Seen {
    pub(super) tables: Vec<Table>,
    pub(super) schema_version: i64,
    pub(super) schema_digest: String,
    pub(super) audit: Option<AuditHead>,
    pub(super) change: Option<i64>,
}

impl Seen {
    fn of(client: &mut Client, tell: &Tell) -> Result<Self> {
        // One form of text for each value, whatever the server is set to.
        client
            .batch_execute("SET extra_float_digits = 1; SET bytea_output = 'hex'; SET DateStyle = 'ISO'; SET client_encoding = 'UTF8'")
            .map_err(|error| refused(&error))?;
        let names = strings(
            client,
            "SELECT CAST(c.relname AS TEXT) FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
             ORDER BY c.relname COLLATE \"C\"",
        )?;
        let mut tables = Vec::with_capacity(names.len());
        let mut done = 0;
        for name in &names {
            tables.push(table(client, name, &mut done, tell)?);
        }
        let has = |name: &str| names.iter().any(|other| other == name);
        let number = |client: &mut Client, sql: &str| -> Result<Option<i64>> {
            let row = client.query_opt(sql, &[]).map_err(|error| refused(&error))?;
            row.map_or(Ok(None), |row| row.try_get(0).map_err(|error| refused(&error)))
        };
        let schema_version =
            if has("schema_migrations") { number(client, "SELECT max(version) FROM schema_migrations")?.unwrap_or(0) } else { 0 };
        let change =
            if has("search_vectors_state") { number(client, "SELECT change FROM search_vectors_state WHERE id = 1")? } else { None };
        let audit = if has("audit_log") {
            let row =
                client.query_opt("SELECT seq, hash FROM audit_log ORDER BY seq DESC LIMIT 1", &[]).map_err(|error| refused(&error))?;
            let head = |row: postgres::Row| Ok(AuditHead { seq: row.try_get(0)?, hash: row.try_get(1)? });
            row.map(head).transpose().map_err(|error: postgres::Error| refused(&error))?
        } else {
            None
        };
        Ok(Self { tables, schema_version, schema_digest: schema_digest(client)?, audit, change })
    }

    /// Of the database at an address, as it is now.
    pub(super) fn at(url: &str, tell: &Tell) -> Result<Self> {
        let mut client = store::postgres_client(url)?;
        client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").map_err(|error| refused(&error))?;
        Self::of(&mut client, tell)
    }
}

fn strings(client: &mut Client, sql: &str) -> Result<Vec<String>> {
    let rows = client.query(sql, &[]).map_err(|error| refused(&error))?;
    rows.iter().map(|row| row.try_get(0).map_err(|error| refused(&error))).collect()
}

/// Rows and content of a table: its rows as `COPY` writes them, one line each, in the order of its key.
fn table(client: &mut Client, name: &str, done: &mut u64, tell: &Tell) -> Result<Table> {
    let rows = client
        .query(
            "SELECT CAST(a.attname AS TEXT), t.typcollation <> 0, coalesce(array_position(CAST(i.indkey AS INT2[]), a.attnum), -1)
             FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
             LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
             WHERE a.attrelid = CAST($1 AS TEXT)::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attname COLLATE \"C\"",
            &[&quoted(name)],
        )
        .map_err(|error| refused(&error))?;
    let (mut columns, mut keys): (Vec<String>, Vec<(i32, String)>) = (Vec::new(), Vec::new());
    for row in &rows {
        let read = || -> Result<(String, bool, i32), postgres::Error> { Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)) };
        let (column, is_text, place) = read().map_err(|error| refused(&error))?;
        if place >= 0 {
            // The same order on every server, whatever its language.
            let order = if is_text { format!("{} COLLATE \"C\"", quoted(&column)) } else { quoted(&column) };
            keys.push((place, order));
        }
        columns.push(column);
    }
    keys.sort();
    let order = if keys.is_empty() {
        columns.iter().map(|column| format!("{}::text COLLATE \"C\"", quoted(column))).collect::<Vec<_>>().join(", ")
    } else {
        keys.into_iter().map(|(_, order)| order).collect::<Vec<_>>().join(", ")
    };
    let mut digest = Rows::new(columns.iter().map(String::as_str));
    let selected: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
    let sql = format!("COPY (SELECT {} FROM {} ORDER BY {order}) TO STDOUT", selected.join(", "), quoted(name));
    let mut reader = client.copy_out(&sql).map_err(|error| refused(&error))?;
    let (mut chunk, mut count) = (vec![0; CHUNK], 0);
    loop {
        let read = match reader.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Error::Store(store::Error::Statement { reason: error.to_string(), statement: sql })),
        };
        let bytes = chunk.get(..read).unwrap_or_default();
        // A line break inside a value is written as two letters.
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        count += lines;
        *done += lines;
        digest.raw(bytes);
        tell.told("counting rows", *done, None, Unit::Rows)?;
    }
    Ok(Table { name: name.to_owned(), rows: count, digest: digest.finish() })
}

/// SHA-256 over columns, constraints, indexes, triggers, functions and views of the schema.
fn schema_digest(client: &mut Client) -> Result<String> {
    let parts = strings(
        client,
        "SELECT part FROM (
           SELECT 'column ' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull
             || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '') AS part
           FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
           WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
           UNION ALL SELECT 'constraint ' || coalesce(c.relname, '') || ' ' || k.conname || ' ' || pg_get_constraintdef(k.oid)
           FROM pg_constraint k LEFT JOIN pg_class c ON c.oid = k.conrelid WHERE k.connamespace = current_schema()::regnamespace
           UNION ALL SELECT 'index ' || pg_get_indexdef(i.indexrelid)
           FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = current_schema()::regnamespace
           UNION ALL SELECT 'trigger ' || pg_get_triggerdef(t.oid)
           FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
           WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.tgisinternal
           UNION ALL SELECT 'function ' || pg_get_functiondef(p.oid)
           FROM pg_proc p WHERE p.pronamespace = current_schema()::regnamespace AND p.prokind = 'f'
             AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
           UNION ALL SELECT 'view ' || viewname || ' ' || definition FROM pg_views WHERE schemaname = current_schema()
         ) AS parts ORDER BY part COLLATE \"C\"",
    )?;
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    Ok(hex(&hasher.finalize()))
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

/// Refuse a name that a database on the server of `url` has.
pub(super) fn is_free(url: &str, name: &str) -> Result<()> {
    let mut client = store::postgres_client(url)?;
    let row = client.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&name]).map_err(|error| refused(&error))?;
    if row.is_some() { Err(Error::Exists { path: PathBuf::from(name) }) } else { Ok(()) }
}

/// Give a database that nobody has open another name, which no other one may have.
pub(super) fn rename(url: &str, from: &str, to: &str) -> Result<()> {
    let mut client = store::postgres_client(url)?;
    client.batch_execute(&format!("ALTER DATABASE {} RENAME TO {}", quoted(from), quoted(to))).map_err(|error| refused(&error))
}

/// Make a new, empty database on the server of `url`.
pub(super) fn create_database(url: &str, name: &str) -> Result<()> {
    is_free(url, name)?;
    let mut client = store::postgres_client(url)?;
    // From the empty template: the other one may hold anything.
    client.batch_execute(&format!("CREATE DATABASE {} TEMPLATE template0", quoted(name))).map_err(|error| refused(&error))
}

/// Remove a database, with whoever is still connected to it.
pub(super) fn drop_database(url: &str, name: &str) -> Result<()> {
    let mut client = store::postgres_client(url)?;
    client.batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(name))).map_err(|error| refused(&error))
}

/// A database that is removed again when this is dropped, unless it is kept.
pub(super) struct Passing {
    url: String,
    pub(super) name: String,
    is_kept: bool,
    /// While it is open nobody takes the database for one that was left behind.
    held: Option<Client>,
}

impl Passing {
    /// Make it.
    pub(super) fn make(url: &str, name: &str) -> Result<Self> {
        create_database(url, name)?;
        let mut made = Self { url: url.to_owned(), name: name.to_owned(), is_kept: false, held: None };
        made.held = Some(store::postgres_client(&made.url())?);
        Ok(made)
    }

    /// Nobody has it open any more: a database that is open cannot be renamed.
    pub(super) fn release(&mut self) {
        self.held = None;
    }

    /// It gets another name, and still goes away unless it is kept.
    pub(super) fn rename(&mut self, to: &str) -> Result<()> {
        self.release();
        rename(&self.url, &self.name, to)?;
        self.name = to.to_owned();
        Ok(())
    }

    /// Its address.
    pub(super) fn url(&self) -> String {
        with_database(&self.url, &self.name)
    }

    /// It stays.
    pub(super) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        self.release();
        if !self.is_kept
            && let Err(error) = drop_database(&self.url, &self.name)
        {
            tracing::warn!(%error, name = self.name, "a scratch database could not be removed");
        }
    }
}

/// Remove the databases whose names begin so and that were left behind by a process that was killed. One that somebody has open stays:
/// whoever makes one holds it open.
pub(super) fn sweep(url: &str, beginning: &str) -> Result<()> {
    let mut client = store::postgres_client(url)?;
    let left = client
        .query(
            "SELECT CAST(d.datname AS TEXT) FROM pg_database d WHERE starts_with(CAST(d.datname AS TEXT), $1)
             AND pg_get_userbyid(d.datdba) = current_user
             AND NOT EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.datid = d.oid)",
            &[&beginning],
        )
        .map_err(|error| refused(&error))?;
    for row in left {
        let name: String = row.try_get(0).map_err(|error| refused(&error))?;
        // Without force: who opened it in this moment keeps it.
        match client.batch_execute(&format!("DROP DATABASE IF EXISTS {}", quoted(&name))) {
            Ok(()) => tracing::info!(name, "a half-made database was removed"),
            Err(error) => tracing::warn!(%error, name, "a half-made database could not be removed"),
        }
    }
    Ok(())
}

/// Fill an empty database with a dump.
pub(super) fn fill(url: &str, dump: &Path, tell: &Tell) -> Result<()> {
    let server = version(&mut store::postgres_client(url)?)?;
    let mut command = command(&program("pg_restore", &server)?, url)?;
    let name = database_name(url)?;
    command.args(["--no-owner", "--no-privileges", "--exit-on-error", "--dbname"]).arg(name).arg(dump);
    run("pg_restore", command, dump, tell)
}

/// Put the database `new` in place of `live`, which is kept as `aside`; one transaction, so that there is always one of the name.
pub(super) fn swap(url: &str, live: &str, new: &str, aside: &str) -> Result<()> {
    let other = if live == "postgres" { "template1" } else { "postgres" };
    let mut client = store::postgres_client(&with_database(url, other))?;
    let sql = format!(
        "BEGIN; ALTER DATABASE {live} RENAME TO {aside}; ALTER DATABASE {new} RENAME TO {live}; COMMIT",
        live = quoted(live),
        aside = quoted(aside),
        new = quoted(new)
    );
    client.batch_execute(&sql).map_err(|error| refused(&error))
}

/// Where the versions of PostgreSQL are installed beside one another.
const INSTALLED: &str = "/usr/lib/postgresql";

/// A program of PostgreSQL: of the server's own version, else the one in the path, else of the nearest newer version, which reads all
/// that is older.
fn program(name: &'static str, version: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let major = major(version);
    let wanted = if major == 0 { "as the server's".to_owned() } else { major.to_string() };
    find(name, major, Path::new(INSTALLED), &in_path).ok_or(Error::NoProgram { program: name, version: wanted })
}

/// The number before the first dot. A version may stand in a manifest that somebody else wrote: nothing of it but this number is used.
fn major(version: &str) -> u32 {
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

fn find(name: &str, major: u32, installed: &Path, in_path: &[PathBuf]) -> Option<PathBuf> {
    let of = |major: u32| installed.join(major.to_string()).join("bin").join(name);
    let entries = std::fs::read_dir(installed).into_iter().flatten().flatten();
    let mut newer: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(|other| *other > major).collect();
    newer.sort_unstable();
    let own = std::iter::once(of(major));
    own.chain(in_path.iter().map(|directory| directory.join(name))).chain(newer.into_iter().map(of)).find(|path| path.is_file())
}

/// A program with the address in its environment.
fn command(program: &Path, url: &str) -> Result<Command> {
    let unfit = |reason: String| Error::Unfit { reason };
    let config: postgres::Config = url.parse().map_err(|error: postgres::Error| unfit(error.to_string()))?;
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        })
        .collect();
    if !hosts.is_empty() {
        command.env("PGHOST", hosts.join(","));
    }
    let ports: Vec<String> = config.get_ports().iter().map(u16::to_string).collect();
    if !ports.is_empty() {
        command.env("PGPORT", ports.join(","));
    }
    if let Some(user) = config.get_user() {
        command.env("PGUSER", user);
    }
    if let Some(password) = config.get_password() {
        command.env("PGPASSWORD", String::from_utf8_lossy(password).into_owned());
    }
    let name = database_name(url)?;
    command.env("PGDATABASE", name).env("PGAPPNAME", "quarterdeck backup");
    if let Some(mode) = url.split(['?', '&']).find_map(|part| part.strip_prefix("sslmode=")) {
        command.env("PGSSLMODE", mode);
    }
    Ok(command)
}

/// Run a program to its end, or until it is to stop. `grows` is the file whose size tells how far it is.
fn run(name: &'static str, mut command: Command, grows: &Path, tell: &Tell) -> Result<()> {
    let failed = |reason: String| Error::Program { program: name, reason };
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let mut errors = child.stderr.take();
    let reader = std::thread::spawn(move || {
        let mut said = Vec::new();
        if let Some(errors) = errors.as_mut() {
            // The end is enough, and a program that says a lot must not be held up.
            let mut chunk = [0; 4_096];
            while let Ok(read @ 1..) = errors.read(&mut chunk) {
                said.extend_from_slice(chunk.get(..read).unwrap_or_default());
                if said.len() > 65_536 {
                    said.drain(..32_768);
                }
            }
        }
        said
    });
    loop {
        match child.try_wait() {
            Ok(Some(status)) => {
                let said = reader.join().unwrap_or_default();
                return if status.success() { Ok(()) } else { Err(failed(tail(&said))) };
            }
            Ok(None) => {}
            Err(error) => return Err(failed(error.to_string())),
        }
        let size = std::fs::metadata(grows).map_or(0, |found| found.len());
        if let Err(stopped) = tell.told("copying the database", size, None, Unit::Bytes) {
            // It has ended by itself when this fails.
            let _ = child.kill();
            let _ = child.wait();
            return Err(stopped);
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

/// The end of what a program said, on one line.
fn tail(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines.iter().rev().take(3).rev().copied().collect::<Vec<_>>().join("; ");
    if last.is_empty() { "it said nothing".to_owned() } else { crate::base::SafeText::clipped(&last, 300).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_database_of_the_same_server_keeps_all_else() {
        assert_eq!(with_database("postgres://u:p@h:5/deck?sslmode=require", "x"), "postgres://u:p@h:5/x?sslmode=require");
        assert_eq!(with_database("postgres://h", "x"), "postgres://h/x");
        assert_eq!(named("deck", "_old"), "deck_old");
        assert_eq!(named(&"ä".repeat(40), "_old").len(), 62);
        assert_eq!(with_database("postgres://h/?dbname=deck", "x"), "postgres://h/x");
    }

    #[test]
    fn whatever_a_database_is_called_its_address_leads_to_it() {
        for name in ["my db?x", "a%20b", "a/b#c&d=e", "käse@home:5"] {
            let url = with_database("postgres://u:p@h:5/deck?sslmode=require", name);
            let config: postgres::Config = url.parse().unwrap();
            assert_eq!((config.get_dbname(), config.get_user(), config.get_ports()), (Some(name), Some("u"), &[5_u16] as &[u16]), "{url}");
        }
    }

    #[test]
    fn the_programs_are_those_of_the_server_or_newer_ones() {
        let home = tempfile::tempdir().unwrap();
        let add = |below: &str| {
            let path = home.path().join(below);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            path
        };
        let (old, own, new, newest) =
            (add("pg/13/bin/pg_dump"), add("pg/16/bin/pg_dump"), add("pg/17/bin/pg_dump"), add("pg/100/bin/pg_dump"));
        let at = |version: &str, in_path: &[PathBuf]| find("pg_dump", major(version), &home.path().join("pg"), in_path);
        assert_eq!(at("16.4 (Debian 16.4-1)", &[]), Some(own));
        assert_eq!(at("14.2", &[]), Some(home.path().join("pg/16/bin/pg_dump")));
        assert_eq!(at("18", &[]), Some(newest));
        let in_path = add("bin/pg_dump");
        assert_eq!(at("14.2", &[home.path().join("bin")]), Some(in_path));
        assert_eq!(at("200", &[]), None);
        // Nothing but a number: a manifest cannot lead to a program of its own.
        add("elsewhere/bin/pg_dump");
        assert_eq!((major("../elsewhere"), major(""), major("99999999999")), (0, 0, 0));
        assert!(old.is_file() && new.is_file());
    }
}
