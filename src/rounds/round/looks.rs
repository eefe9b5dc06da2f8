//! Steps that look: the board, the loops, the queue, the log, the disk, the versions.

use super::{Rhythm, Round};
use crate::base::clock::duration;
use crate::moderation::{State, depth};
use crate::rounds::doctor;
use crate::rounds::found::{Found, Look, bytes, count};
use crate::rounds::logs;
use crate::watch::health::Status;
use serde_json::json;

const HOUR: i64 = 3_600_000;
/// Logs that somebody should put elsewhere.
const LARGE_LOGS: u64 = 100 << 20;

/// The health board: what hurts most.
pub(super) fn health(round: &Round) -> Look {
    let board = round.patient.board()?;
    let lines: Vec<_> = board.systems.iter().flat_map(|system| &system.lines).filter(|line| line.counts()).collect();
    let of = |status: Status| lines.iter().filter(|line| line.status == status).count();
    let number = format!("{} of {} healthy", of(Status::Healthy), lines.len());
    let worst = lines.iter().max_by_key(|line| line.status).filter(|line| line.status != Status::Healthy);
    let Some(worst) = worst else { return Ok(Found::pass("every line is healthy").number(number)) };
    let why = format!("{}: {}", worst.id, worst.reason);
    let found = match worst.status {
        Status::Unhealthy => Found::fail(why),
        Status::Degraded => Found::warn(why),
        _ => Found::unknown(why),
    };
    let remedy = worst.remedy.as_ref().map(|remedy| (remedy.text.clone(), remedy.command.clone().unwrap_or_default()));
    let (text, command) = remedy.unwrap_or_else(|| ("look at the board".to_owned(), "quarterdeck health".to_owned()));
    let detail = json!({
        "healthy": of(Status::Healthy), "unknown": of(Status::Unknown), "degraded": of(Status::Degraded), "unhealthy": of(Status::Unhealthy),
        "network": board.network, "watcher": board.watcher,
    });
    Ok(found.remedy(text, command).number(number).detail(detail))
}

/// The loops of the agents.
pub(super) fn agents(round: &Round) -> Look {
    let found = doctor::agents::look(&round.patient)?;
    let number = format!("{} of {} running", found.detail["running"], found.detail["loops"]);
    Ok(found.number(number))
}

/// How much waits for a person, and since when.
pub(super) fn queue(round: &Round) -> Look {
    let patient = &round.patient;
    let now = patient.now();
    let within = patient
        .settings
        .as_ref()
        .map_or(24 * HOUR, |settings| i64::try_from(settings.moderation.sla_minutes).unwrap_or(i64::MAX / 60_000) * 60_000);
    let depths = patient.read(depth::depths)?;
    let of = |state| doctor::queue::of(&depths, state);
    let waiting = of(State::Pending) + of(State::Blocked) + of(State::Claimed) + of(State::Held);
    let pending = depths.iter().filter(|depth| matches!(depth.state, State::Pending | State::Blocked));
    let oldest = pending.filter_map(|depth| depth.oldest_at).min().map(|at| now - at);
    let detail = json!({ "waiting": waiting, "oldest_pending_ms": oldest, "within_ms": within });
    let found = match oldest {
        Some(age) if age > within => {
            Found::warn(format!("the oldest draft has waited for {}; {} is the aim", duration(age), duration(within)))
                .remedy("review what waits, the oldest first", "quarterdeck queue list")
        }
        Some(age) => Found::pass(format!("the oldest draft has waited for {}", duration(age))),
        None => Found::pass("nothing waits to be claimed"),
    };
    Ok(found.number(count(waiting, "item waits", "items wait")).detail(detail))
}

/// Deliveries that are late or of which the answer was lost.
pub(super) fn deliveries(round: &Round) -> Look {
    let found = doctor::queue::deliveries(&round.patient)?;
    let open = ["late", "unknown", "unresolved"].iter().filter_map(|key| found.detail[*key].as_i64()).sum::<i64>();
    Ok(found.number(count(open, "open", "open")))
}

/// Errors in the own log, by message.
pub(super) fn log(round: &Round) -> Look {
    let patient = &round.patient;
    let span = if round.rhythm == Rhythm::Daily { 24 * HOUR } else { 7 * 24 * HOUR };
    let said = logs::said(patient.state_dir(), patient.now() - span)
        .map_err(|error| Found::unknown(format!("the log cannot be read: {error}")))?;
    let Some(said) = said else {
        return Ok(Found::unknown("no log is kept")
            .remedy("keep one: start the agent with -v, or set QUARTERDECK_LOG=info", "quarterdeck agent run -v"));
    };
    let number = format!("{}, {}", count(said.errors as i64, "error", "errors"), count(said.warnings as i64, "warning", "warnings"));
    if !said.messages.is_empty() {
        let mut table = format!("## Log of the last {}\n\n| times | level | part | message |\n| --- | --- | --- | --- |\n", duration(span));
        for message in said.messages.iter().take(30) {
            let text =
                crate::base::SafeText::line(&crate::upkeep::secrets::redact::patterns(&message.message)).as_str().replace('|', "\\|");
            table.push_str(&format!("| {} | {} | {} | {text} |\n", message.times, message.level, message.target));
        }
        round.append(table);
    }
    let often = said.messages.first().map(|first| format!("; most often ({} times) in {}", first.times, first.target)).unwrap_or_default();
    let look = ("look what they say", "quarterdeck config path");
    let detail =
        json!({ "lines": said.lines, "errors": said.errors, "warnings": said.warnings, "panics": said.panics, "strange": said.strange });
    let found = match () {
        () if said.panics > 0 => Found::fail(format!("{} of the program", count(said.panics as i64, "fault", "faults")))
            .remedy("report it with the bundle", "quarterdeck doctor --bundle FILE"),
        () if said.errors > 0 => Found::warn(format!("{}{often}", count(said.errors as i64, "error", "errors"))).remedy(look.0, look.1),
        () => Found::pass(format!("no error in {}", count(said.lines as i64, "line", "lines"))),
    };
    Ok(found.number(number).detail(detail))
}

/// Room on the disk.
pub(super) fn disk(round: &Round) -> Look {
    let found = doctor::places::disk(&round.patient)?;
    let least = found.detail["places"].as_array().and_then(|all| all.iter().filter_map(|place| place["left_bytes"].as_u64()).min());
    Ok(found.number(least.map(bytes).unwrap_or_default()))
}

/// The size of the logs that are kept.
pub(super) fn logs_kept(round: &Round) -> Look {
    let files = logs::files(round.patient.state_dir());
    let size: u64 = files.iter().filter_map(|file| std::fs::metadata(file).ok()).map(|found| found.len()).sum();
    let found = if size > LARGE_LOGS {
        Found::warn("the logs have grown").remedy("put the older one elsewhere, packed", "quarterdeck config path")
    } else {
        Found::pass("the logs are put aside by themselves at 16 MiB")
    };
    Ok(found.number(bytes(size)).detail(json!({ "files": files, "bytes": size })))
}

/// What runs here.
pub(super) fn version(_: &Round) -> Look {
    let (sqlite, is_safe) = crate::store::sqlite_version();
    let built = std::env::current_exe().ok().and_then(|path| std::fs::metadata(path).ok()?.modified().ok());
    let age = built.and_then(|at| at.elapsed().ok()).map(|age| age.as_secs() / 86_400);
    let detail = json!({ "version": env!("CARGO_PKG_VERSION"), "sqlite": sqlite, "days_installed": age });
    let number = format!("{}, SQLite {sqlite}", env!("CARGO_PKG_VERSION"));
    let look = (
        "look for a newer version and what it mends; `cargo deny check advisories` tells of known faults of what it is built on",
        "quarterdeck --version",
    );
    let found = match age {
        _ if !is_safe => Found::fail("the built-in SQLite may damage shared files").remedy(look.0, look.1),
        Some(days) if days > 90 => Found::warn(format!("the program was installed {days} days ago")).remedy(look.0, look.1),
        Some(days) => Found::pass(format!("the program was installed {} ago", count(days as i64, "day", "days"))),
        None => Found::unknown("when the program was installed cannot be told").remedy(look.0, look.1),
    };
    Ok(found.number(number).detail(detail))
}

/// Whether secrets are to be replaced.
pub(super) fn secrets(round: &Round) -> Look {
    doctor::tokens::secrets(&round.patient)
}
