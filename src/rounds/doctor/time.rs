//! Whether the clock can be believed: against the newest row, against the server's clock, and whether something sets it.

use crate::base::{Millis, clock::duration};
use crate::rounds::found::{Found, Look, Verdict};
use crate::rounds::patient::Patient;
use crate::rounds::rows;
use crate::store::{self, server_time};
use serde_json::json;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// A row may be newer than the clock by this, where several machines write.
const AHEAD: Millis = 5_000;
/// A difference to the server's clock that should be looked at, and one that breaks leases.
const SERVER: (Millis, Millis) = (2_000, 30_000);
/// How long a program of this machine may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// The first of January 2025: before this program was written.
const EARLIEST: Millis = 1_735_689_600_000;

/// Whether something keeps the machine's clock set, and who says so. `None` where nobody could tell.
///
/// systemd's own program leaves a file. Of others, as chrony and ntpd, the kernel knows, which `timedatectl` asks; where systemd does not run
/// chrony can be asked itself.
fn synchronised(patient: &Patient) -> Option<(bool, &'static str)> {
    if Path::new("/run/systemd/timesync/synchronized").exists() {
        return Some((true, "systemd-timesyncd"));
    }
    let kernel =
        || answer(patient, "timedatectl", &["show", "--property=NTPSynchronized", "--value"]).and_then(|said| of_timedatectl(&said));
    let chrony = || answer(patient, "chronyc", &["-c", "tracking"]).and_then(|said| of_chronyc(&said));
    kernel().map(|is| (is, "timedatectl")).or_else(|| chrony().map(|is| (is, "chronyc")))
}

/// What a program of this machine prints, where it is there and ends well within [`PATIENCE`].
fn answer(patient: &Patient, program: &str, arguments: &[&str]) -> Option<String> {
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    // Made inside of the runtime that waits for it.
    let asked = async move { tokio::time::timeout(PATIENCE, command.output()).await };
    let output = patient.wait(asked).ok()?.ok()?.ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// `yes` or `no`. Pure.
fn of_timedatectl(said: &str) -> Option<bool> {
    match said.trim() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

/// The last field of a line of `chronyc -c tracking`: `Normal`, a leap second that is announced, or `Not synchronised`. Pure.
fn of_chronyc(said: &str) -> Option<bool> {
    match said.lines().next()?.rsplit_once(',')?.1.trim() {
        "Normal" | "Insert second" | "Delete second" => Some(true),
        "Not synchronised" => Some(false),
        _ => None,
    }
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
        return Found::warn("the clock is not kept set: it goes wrong by itself").remedy(set.0, set.1);
    }
    let kept = if synchronised.is_some() { "" } else { "; whether something keeps it set, nobody here could tell" };
    match (newest, apart) {
        (_, Some(_)) => Found::pass(format!("the clock agrees with the server's{kept}")),
        (Some(_), None) => Found::pass(format!("no row is newer than the clock{kept}")),
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
    let (is_synchronised, by) = synchronised(patient).unzip();
    Ok(judge(now, newest, server, is_synchronised).detail(json!({
        "now": now, "newest_row": newest, "server": server, "synchronised": is_synchronised, "told_by": by,
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
        assert!(judge(now, Some(now), None, None).why.contains("nobody here could tell"));
        assert!(!judge(now, Some(now), None, Some(true)).why.contains("tell"));
    }

    #[test]
    fn what_programs_say_of_the_clock_is_understood_and_nothing_else_is() {
        assert_eq!(["yes\n", "no\n", "", "NTPSynchronized=yes"].map(of_timedatectl), [Some(true), Some(false), None, None]);
        let normal = "A9FEA97B,169.254.169.123,4,1763760000.123456789,0.000004,0.000003,0.000020,-5.108,-0.000,0.012,0.000461,0.000184,16.2,Normal\n";
        let never =
            "00000000,,0,0.000000000,0.000000000,0.000000000,0.000000000,0.000,0.000,0.000,1.000000000,1.000000000,0.0,Not synchronised\n";
        assert_eq!([normal, never, "506 Cannot talk to daemon\n", ""].map(of_chronyc), [Some(true), Some(false), None, None]);
    }
}
