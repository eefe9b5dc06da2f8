//! What one transaction sees of a database: rows and content of its tables, its schema, the head of its audit log.

use super::{quoted, refused};
use crate::store;
use crate::upkeep::backup::digest::{Rows, hex};
use crate::upkeep::backup::manifest::{AuditHead, Table};
use crate::upkeep::backup::work::Tell;
use crate::upkeep::backup::{Error, Result};
use crate::upkeep::progress::Unit;
use postgres::Client;
use sha2::{Digest as _, Sha256};
use std::io::Read as _;

/// Bytes read between two looks at whether to stop.
const CHUNK: usize = 1 << 18;

/// What one transaction sees of a database.
pub(in crate::upkeep::backup) struct Seen {
    pub(in crate::upkeep::backup) tables: Vec<Table>,
    pub(in crate::upkeep::backup) schema_version: i64,
    pub(in crate::upkeep::backup) schema_digest: String,
    pub(in crate::upkeep::backup) audit: Option<AuditHead>,
    pub(in crate::upkeep::backup) change: Option<i64>,
}

impl Seen {
    pub(super) fn of(client: &mut Client, tell: &Tell) -> Result<Self> {
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
    pub(in crate::upkeep::backup) fn at(url: &str, tell: &Tell) -> Result<Self> {
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
