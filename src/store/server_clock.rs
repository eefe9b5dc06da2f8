//! What time it is on the database's server: a witness between machines whose clocks differ.

use super::{Conn, Engine, Result};
use crate::base::Millis;

/// The server's time; `None` for a file, which is used from one machine with one clock.
///
/// # Errors
/// When the engine refuses.
pub fn server_time(c: &mut dyn Conn) -> Result<Option<Millis>> {
    match c.engine() {
        Engine::Sqlite => Ok(None),
        Engine::Postgres => c
            .first("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) AS present", &[])?
            .map(|row| row.int("present"))
            .transpose(),
    }
}
