//! Whether the clock can be believed: against the newest row, against the server's clock, and whether something sets it.

use crate::base::{Millis, clock::duration};
use crate::rounds::found::{Found, Look, Verdict};
use crate::rounds::patient::Patient;
use crate::rounds::rows;
use crate::store::{self, server_time};
use serde_json::json;
use std::path::Path;

/// A row may be newer than the clock by this, where several machines write.
const AHEAD: Millis = 5_000;
/// A difference to the server's clock that should be looked at, and one that breaks leases.
const SERVER: (Millis, Millis) = (2_000, 30_000);
/// The first of January 2025: before this program was written.
const EARLIEST: Millis = 1_735_689_600_000;

/// Whether the machine's clock is set from outside, where that can be told without asking anybody.
fn is_synchronised() -> Option<bool> {
    if Path::new("/run/systemd/timesync/synchronized").exists() {
        return Some(true);
    }
    // timesyncd runs and has not been able to set the clock yet; of other programs nothing is known.
    Path::new("/run/systemd/timesync").exists().then_some(false)
}

/// How the differences are judged. Pure.
fn judge(now: Millis, newest: Option<Millis>, server: Option<Millis>, synchronised: Option<bool>) -> Found {
    let set = ("set the clock, and let something keep it set", "timedatectl status");
    if now < EARLIEST {
        return Found::fail("the clock stands before this program was written").remedy(set.0, set.1);
    }
    if let Some(behind) = newest.map(|newest| newest - now).filter(|behind| *behind > AHEAD) {
        let why = format!("the clock is {} behind the newest row: leases, holds and budgets count wrongly", duration(behind));
        return Found::fail(why).remedy(set.0, set.1);
    }
    let apart = server.map(|server| (server - now).abs());
    match apart {
        Some(apart) if apart > SERVER.1 => {
            return Found::fail(format!("the clock and the server's clock are {} apart", duration(apart))).remedy(set.0, set.1);
        }
        Some(apart) if apart > SERVER.0 => {
            return Found::warn(format!("the clock and the server's clock are {} apart", duration(apart))).remedy(set.0, set.1);
        }
        _ => {}
    }
    if synchronised == Some(false) {
        return Found::warn("nothing has set the clock since this machine started").remedy(set.0, set.1);
    }
    match (newest, apart) {
        (_, Some(_)) => Found::pass("the clock agrees with the server's"),
        (Some(_), None) => Found::pass("no row is newer than the clock"),
        (None, None) if synchronised == Some(true) => Found::pass("the clock is kept set"),
        (None, None) => Found::unknown("there is nothing to compare the clock with"),
    }
}

/// The clock agrees with the newest row and with the server.
pub(super) fn clock(patient: &Patient) -> Look {
    let read = patient.read(|c| Ok::<_, store::Error>((rows::newest_row(c)?, server_time(c)?)));
    let (newest, server) = match read {
        Ok(times) => times,
        Err(found) if found.verdict == Verdict::Unknown => (None, None),
        Err(found) => return Err(found),
    };
    let now = patient.now();
    let synchronised = is_synchronised();
    Ok(judge(now, newest, server, synchronised).detail(json!({
        "now": now, "newest_row": newest, "server": server, "synchronised": synchronised,
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_judged_by_what_it_is_compared_with() {
        let now = 1_795_219_200_000;
        let verdict = |newest, server, synchronised| judge(now, newest, server, synchronised).verdict;
        assert_eq!(verdict(None, None, None), Verdict::Unknown);
        assert_eq!(verdict(None, None, Some(true)), Verdict::Pass);
        assert_eq!(verdict(Some(now + AHEAD), None, None), Verdict::Pass);
        assert_eq!(verdict(Some(now + AHEAD + 1), None, None), Verdict::Fail);
        assert_eq!(verdict(Some(now - 1), Some(now - SERVER.0 - 1), None), Verdict::Warn);
        assert_eq!(verdict(None, Some(now + SERVER.1 + 1), Some(true)), Verdict::Fail);
        assert_eq!(verdict(Some(now), None, Some(false)), Verdict::Warn);
        assert_eq!(judge(0, None, None, Some(true)).verdict, Verdict::Fail);
    }
}
