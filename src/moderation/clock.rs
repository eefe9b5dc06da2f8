//! Clocks of several machines at one queue. Leases and deadlines are compared with the clock of whoever decides: where that clock is wrong,
//! a running claim looks ended, or an ended one running.
//!
//! Two witnesses are asked. The newest entry of the audit log was written by somebody's clock: who is far behind it may not decide. The
//! server of a shared database has a clock of its own: who differs from it in either direction may not decide. A file has no server, and
//! is used from one machine. What a wrong clock still does (taking over a claim that runs by everybody else's) is written into the audit
//! log as such, and the former holder's decision is refused by name: nothing is decided twice.

use super::error::{Error, Result};
use crate::base::{Millis, clock};
use crate::store::audit::{Actor, ActorKind};
use crate::store::{self, Conn};

/// Clocks may differ by this much.
pub const TOLERANCE: Millis = 120_000;

/// Refuse a person whose clock is behind what the audit log has seen.
pub(super) fn against_log(c: &mut dyn Conn, actor: &Actor, at: Millis) -> Result<()> {
    if actor.kind != ActorKind::Human {
        return Ok(());
    }
    let Some(newest) = c.first("SELECT at, actor, action FROM audit_log ORDER BY seq DESC LIMIT 1", &[])? else { return Ok(()) };
    let by = newest.int("at")?.saturating_sub(at);
    if by <= TOLERANCE {
        return Ok(());
    }
    let (what, who, when) = (newest.text("action")?, newest.text("actor")?, clock::local(newest.int("at")?));
    Err(Error::ClocksDiffer { by, than: format!("behind the newest entry of the audit log ({what} by {who} at {when})") })
}

/// Refuse a clock that differs from that of the database's server, where there is one. `at` is the present by this machine's clock.
///
/// # Errors
/// [`Error::ClocksDiffer`] by more than [`TOLERANCE`]; when the engine refuses.
pub fn against_server(c: &mut dyn Conn, at: Millis) -> Result<()> {
    let Some(server) = store::server_time(c)? else { return Ok(()) };
    let ahead = at.saturating_sub(server);
    if ahead.abs() <= TOLERANCE {
        return Ok(());
    }
    let direction = if ahead > 0 { "ahead of" } else { "behind" };
    Err(Error::ClocksDiffer { by: ahead.abs(), than: format!("{direction} that of the database's server ({})", clock::local(server)) })
}
