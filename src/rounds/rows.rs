//! What the doctor and the rounds ask of tables that no service asks in this way. Reads only.

use crate::base::Millis;
use crate::store::{Conn, Engine, Result};
use crate::vals;

fn number(c: &mut dyn Conn, sql: &str, parameters: &[crate::store::Val]) -> Result<i64> {
    c.first(sql, parameters)?.map_or(Ok(0), |row| row.int("number"))
}

/// The time of the newest row that every change writes; `None` of an empty database.
pub(super) fn newest_row(c: &mut dyn Conn) -> Result<Option<Millis>> {
    c.first("SELECT at FROM audit_log ORDER BY seq DESC LIMIT 1", &[])?.map(|row| row.int("at")).transpose()
}

/// Claims whose lease is over, holds that are over, and drafts past their time.
pub(super) fn overdue_claims(c: &mut dyn Conn, now: Millis) -> Result<[i64; 3]> {
    Ok([
        number(
            c,
            "SELECT CAST(count(*) AS BIGINT) AS number FROM pending_posts WHERE state = 'claimed' AND lease_until <= $1",
            vals![now],
        )?,
        number(c, "SELECT CAST(count(*) AS BIGINT) AS number FROM pending_posts WHERE state = 'held' AND hold_until <= $1", vals![now])?,
        number(
            c,
            "SELECT CAST(count(*) AS BIGINT) AS number FROM pending_posts
             WHERE state IN ('pending', 'blocked', 'held', 'returned') AND expires_at <= $1",
            vals![now],
        )?,
    ])
}

/// Calls whose reservation nobody gave back although its time is over or the ledger knows their end, and what they hold, in pico-dollars.
pub(super) fn orphaned_reservations(c: &mut dyn Conn, now: Millis) -> Result<(i64, i64)> {
    let row = c.first(
        "SELECT CAST(count(DISTINCT r.call_id) AS BIGINT) AS calls, CAST(COALESCE(sum(r.picos), 0) AS BIGINT) AS picos
         FROM budget_reservations r LEFT JOIN llm_calls l ON l.id = r.call_id WHERE r.expires_at <= $1 OR l.outcome <> 'started'",
        vals![now],
    )?;
    row.map_or(Ok((0, 0)), |row| Ok((row.int("calls")?, row.int("picos")?)))
}

/// Calls that began before a moment and of whose end nothing is known.
pub(super) fn calls_without_end(c: &mut dyn Conn, before: Millis) -> Result<i64> {
    number(c, "SELECT CAST(count(*) AS BIGINT) AS number FROM llm_calls WHERE outcome = 'started' AND started_at < $1", vals![before])
}

/// Accounts of personas.
pub(super) fn accounts(c: &mut dyn Conn) -> Result<Vec<String>> {
    c.query("SELECT reddit_username AS name FROM personas ORDER BY reddit_username", &[])?.iter().map(|row| row.text("name")).collect()
}

/// What the quick check of a file says, at most twenty lines; `None` of a server, which keeps its own checksums.
pub(super) fn quick_check(c: &mut dyn Conn) -> Result<Option<Vec<String>>> {
    match c.engine() {
        Engine::Postgres => Ok(None),
        Engine::Sqlite => {
            c.query("PRAGMA quick_check(20)", &[])?.iter().map(|row| row.text("quick_check")).collect::<Result<Vec<_>>>().map(Some)
        }
    }
}

/// Pages of the file, pages without content, and bytes of a page; `None` of a server.
pub(super) fn pages(c: &mut dyn Conn) -> Result<Option<[i64; 3]>> {
    match c.engine() {
        Engine::Postgres => Ok(None),
        Engine::Sqlite => {
            let row = c.first(
                "SELECT page_count AS pages, freelist_count AS free, page_size AS size
                 FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()",
                &[],
            )?;
            row.map(|row| Ok([row.int("pages")?, row.int("free")?, row.int("size")?])).transpose()
        }
    }
}

/// Versions of the schema that were applied, with their names and times.
pub(super) fn migrations(c: &mut dyn Conn) -> Result<Vec<(i64, String, Millis)>> {
    let rows = c.query("SELECT version, name, applied_at FROM schema_migrations ORDER BY version", &[])?;
    rows.iter().map(|row| Ok((row.int("version")?, row.text("name")?, row.int("applied_at")?))).collect()
}

/// The tables, and how many rows each has.
pub(super) fn tables(c: &mut dyn Conn) -> Result<Vec<(String, i64)>> {
    let sql = match c.engine() {
        Engine::Sqlite => "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
        Engine::Postgres => {
            "SELECT CAST(table_name AS TEXT) AS name FROM information_schema.tables
             WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY table_name"
        }
    };
    let names = c.query(sql, &[])?.iter().map(|row| row.text("name")).collect::<Result<Vec<_>>>()?;
    names
        .into_iter()
        .map(|name| {
            // The name comes from the catalogue, and quoting it keeps an odd one from being read as SQL.
            let rows = number(c, &format!("SELECT CAST(count(*) AS BIGINT) AS number FROM \"{}\"", name.replace('"', "\"\"")), &[])?;
            Ok((name, rows))
        })
        .collect()
}
