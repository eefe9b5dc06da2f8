//! Who works on a PostgreSQL server's database.

use super::{Holder, Role, sentence};
use crate::store::outside::{Outside, aside};
use crate::store::{Address, Conn, Result, Row};
use crate::vals;

/// The sessions of this database but the asking one. A session of ours that holds the row of the writers, or any that changed something, writes.
const SESSIONS: &str = "SELECT a.pid, coalesce(a.application_name, '') AS program, coalesce(a.state, '') AS state,
    CAST(extract(epoch FROM a.xact_start) * 1000 AS BIGINT) AS since, CAST(extract(epoch FROM a.backend_start) * 1000 AS BIGINT) AS opened,
    CASE WHEN a.backend_xid IS NULL THEN 0 ELSE 1 END AS writes, CASE WHEN a.wait_event_type = 'Lock' THEN 1 ELSE 0 END AS waits,
    CASE WHEN EXISTS (SELECT 1 FROM pg_locks l JOIN pg_class r ON r.oid = l.relation WHERE l.pid = a.pid AND l.granted
      AND r.relname = 'writer_lock' AND l.mode = 'RowShareLock') THEN 1 ELSE 0 END AS locks,
    array_to_string(pg_blocking_pids(a.pid), ',') AS blockers, left(coalesce(a.query, ''), 80) AS statement
  FROM pg_stat_activity a
  WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.backend_type = 'client backend'
  ORDER BY a.xact_start NULLS LAST, a.pid";

fn holder(row: &Row) -> Result<Holder> {
    let program = row.text("program")?;
    let role = match (row.flag("waits")?, row.flag("writes")? || row.flag("locks")?, row.int_opt("since")?) {
        (true, _, _) => Role::Waits,
        (_, true, _) => Role::Writes,
        (_, _, Some(_)) => Role::Reads,
        (_, _, None) => Role::Idle,
    };
    let is_ours = program.starts_with("quarterdeck");
    Ok(Holder {
        pid: u32::try_from(row.int("pid")?).unwrap_or(0),
        program: if program.is_empty() { "a session".to_owned() } else { program },
        command: if is_ours { String::new() } else { row.text("statement")?.split_whitespace().collect::<Vec<_>>().join(" ") },
        is_ours,
        is_self: false,
        role,
        since: row.int_opt("since")?,
        opened: row.int_opt("opened")?,
        blocked_by: row.text("blockers")?.split(',').filter_map(|pid| pid.parse().ok()).collect(),
    })
}

/// Everybody with a session in this database.
pub(super) fn sessions(address: &Address) -> Result<Vec<Holder>> {
    aside(|| {
        let mut outside = Outside::open(address, true)?;
        let mut found = outside.query(SESSIONS, &[])?.iter().map(holder).collect::<Result<Vec<_>>>()?;
        found.sort_by_key(|holder| (std::cmp::Reverse(holder.role), holder.since.unwrap_or(i64::MAX), holder.pid));
        Ok(found)
    })
}

/// Who keeps others from writing, in a sentence with what to do.
pub(in crate::store) fn writer(c: &mut dyn Conn, address: &Address) -> Result<String> {
    let sessions = c.query(SESSIONS, vals![])?.iter().map(holder).collect::<Result<Vec<_>>>()?;
    let longest = sessions.iter().filter(|holder| holder.role == Role::Writes).min_by_key(|holder| holder.since.unwrap_or(i64::MAX));
    Ok(longest.map_or_else(
        || "whoever held it has let go by now; try again, and see `quarterdeck db holders` when it comes back".to_owned(),
        |holder| sentence(holder, address),
    ))
}
