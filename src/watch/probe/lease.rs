//! Which process probes: one row. Others stand by, and one of them takes over when the process falls silent.

use crate::agent::runs::lives;
use crate::base::Millis;
use crate::store::{Conn, Result};
use crate::vals;

/// How often the process that probes says that it lives, and the others look whether it does.
pub const BEAT: Millis = 5_000;
/// A process that was not heard of for so long is gone.
pub const LOST_AFTER: Millis = 15_000;

/// Who probes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watcher {
    /// `host:pid`.
    pub process: String,
    /// Since when.
    pub taken_at: Millis,
    /// When it was heard of.
    pub beat_at: Millis,
    /// What it found about its own network.
    pub network: Option<String>,
}

impl Watcher {
    /// Whether it still probes. A beat of the future is of a clock that was set back since, and says nothing.
    #[must_use]
    pub fn is_alive(&self, now: Millis) -> bool {
        !self.process.is_empty() && now.abs_diff(self.beat_at) <= LOST_AFTER.unsigned_abs()
    }
}

/// Who probes, or probed last.
///
/// # Errors
/// When the engine refuses.
pub fn watcher(c: &mut dyn Conn) -> Result<Option<Watcher>> {
    let row = c.first("SELECT process, taken_at, beat_at, network FROM probe_watcher WHERE id = 1", &[])?;
    row.map(|row| {
        Ok(Watcher {
            process: row.text("process")?,
            taken_at: row.int("taken_at")?,
            beat_at: row.int("beat_at")?,
            network: row.text_opt("network")?,
        })
    })
    .transpose()
}

/// Take the lease, or keep it. Returns whether this process has it.
///
/// # Errors
/// When the engine refuses.
pub fn keep(c: &mut dyn Conn, process: &str, now: Millis) -> Result<bool> {
    let other = watcher(c)?.filter(|other| other.process != process);
    if let Some(other) = &other {
        let host = |process: &str| process.rsplit_once(':').map_or_else(String::new, |(host, _)| host.to_owned());
        let is_dead = host(&other.process) == host(process) && !lives(&other.process);
        if other.is_alive(now) && !is_dead {
            return Ok(false);
        }
    }
    c.exec(
        "INSERT INTO probe_watcher (id, process, taken_at, beat_at) VALUES (1, $1, $2, $2)
         ON CONFLICT (id) DO UPDATE SET beat_at = $2,
           taken_at = CASE WHEN probe_watcher.process = $1 THEN probe_watcher.taken_at ELSE $2 END,
           network = CASE WHEN probe_watcher.process = $1 THEN probe_watcher.network ELSE NULL END, process = $1",
        vals![process, now],
    )?;
    Ok(true)
}

/// Give the lease back, so that another process takes it at its next look.
///
/// # Errors
/// When the engine refuses.
pub fn release(c: &mut dyn Conn, process: &str) -> Result<()> {
    c.exec("UPDATE probe_watcher SET process = '', beat_at = 0, network = NULL WHERE id = 1 AND process = $1", vals![process])?;
    Ok(())
}

/// Write down what was found about our own network. Returns whether that is news.
///
/// # Errors
/// When the engine refuses.
pub fn found(c: &mut dyn Conn, process: &str, network: Option<&str>, now: Millis) -> Result<bool> {
    let before = watcher(c)?.filter(|watcher| watcher.process == process);
    let Some(before) = before else { return Ok(false) };
    if before.network.as_deref() == network {
        return Ok(false);
    }
    c.exec(
        "UPDATE probe_watcher SET network_since = CASE WHEN network IS NULL THEN $3 ELSE network_since END, network = $2
         WHERE id = 1 AND process = $1",
        vals![process, network, now],
    )?;
    Ok(before.network.is_some() != network.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Error;
    use crate::store::testing::database;

    #[test]
    fn a_beat_of_the_future_is_no_sign_of_life() {
        let watcher = |beat_at| Watcher { process: "here:1".into(), taken_at: 0, beat_at, network: None };
        let alive = |beat_at, now| watcher(beat_at).is_alive(now);
        assert!(alive(100_000, 100_000 + LOST_AFTER) && alive(100_000 + LOST_AFTER, 100_000), "clocks of two machines differ a little");
        assert!(!alive(100_000 + LOST_AFTER + 1, 100_000) && !alive(Millis::MAX, 0) && !alive(Millis::MIN, 0));
    }

    #[test]
    fn one_process_probes_and_another_takes_over_when_it_falls_silent_or_leaves() {
        let (db, _guard) = database();
        let at = |process: &'static str, now: Millis| db.write_blocking(move |c| keep(c, process, now)).unwrap();
        assert!(at("elsewhere:1", 0) && !at("here:2", 10_000) && at("elsewhere:1", 10_000));
        assert!(!at("here:2", 25_000) && at("here:2", 25_001) && !at("elsewhere:1", 26_000));
        db.write_blocking(|c| release(c, "here:2")).unwrap();
        assert!(at("elsewhere:1", 26_001), "what was given back is taken at once");
        assert!(at("here:2", -90_000), "a clock that was set back does not hold it up for ever");
        let found = db
            .write_blocking(|c| {
                let first = found(c, "here:2", Some("down"), 5)?;
                Ok::<_, Error>((first, found(c, "here:2", Some("down"), 6)?, watcher(c)?, found(c, "elsewhere:1", None, 7)?))
            })
            .unwrap();
        assert_eq!((found.0, found.1, found.2.unwrap().network.as_deref(), found.3), (true, false, Some("down"), false));
    }
}
