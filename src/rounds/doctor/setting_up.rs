//! Settings, rules and probes: what people wrote, before anything runs.

use crate::base::clock::duration;
use crate::config::{self, Level, Problem};
use crate::moderation::rules::{self, Screener};
use crate::rounds::found::{Found, Look, count};
use crate::rounds::patient::Patient;
use crate::watch::probe::lease;
use serde_json::{Value, json};

/// Settings can be read, and what each purpose needs is set.
pub(super) fn configuration(patient: &Patient) -> Look {
    let findings = config::check(&patient.loaded);
    let problems: Vec<&Problem> = findings.iter().filter(|finding| finding.level.is_problem()).collect();
    let detail: Vec<Value> = findings
        .iter()
        .map(|finding| json!({ "level": finding.level.word(), "setting": finding.setting, "source": finding.place, "message": finding.message }))
        .collect();
    let Some(first) = problems.first() else {
        return Ok(Found::pass("nothing is wrong, and nothing is missing").detail(json!({ "findings": detail })));
    };
    let why = match problems.len() {
        1 => first.message.clone(),
        more => format!("{}; the first: {}", count(more, "problem", "problems"), first.message),
    };
    let found = if first.level == Level::Error { Found::fail(why) } else { Found::warn(why) };
    let text = first.next.clone().unwrap_or_else(|| "see what is wrong and where it came from".to_owned());
    Ok(found.remedy(text, "quarterdeck config check").detail(json!({ "findings": detail })))
}

/// The user's own rules can be used.
pub(super) fn rules(patient: &Patient) -> Look {
    let file = patient.loaded.directories().config_dir.join(rules::FILE_NAME);
    if !file.exists() {
        return Ok(Found::pass("there are no rules of your own; those that ship are in force"));
    }
    Ok(match Screener::open(Some(file)) {
        Ok(_) => Found::pass("the rules can be used"),
        Err(error) => {
            let why = format!("the rules cannot be used, and no draft is screened until they can: {error}");
            Found::fail(why).remedy("correct the file where it is broken", "quarterdeck rules check")
        }
    })
}

/// The file of probes can be used, and somebody probes what is in it.
pub(super) fn probes(patient: &Patient) -> Look {
    let source = patient.probes();
    let current = source.current();
    if let Some(first) = current.broken.as_ref().and_then(|broken| broken.faults.first()) {
        let more = current.broken.as_ref().map_or(0, |broken| broken.faults.len() - 1);
        let more = if more > 0 { format!(", and {} more", count(more, "fault", "faults")) } else { String::new() };
        let why = format!("the file of probes cannot be used: {}: {}{more}", first.place, first.reason);
        return Ok(Found::fail(why).remedy("correct the file there; until then what was read last is probed", "quarterdeck health"));
    }
    let (probes, heartbeats) = (current.definitions.probes.len(), current.definitions.heartbeats.len());
    let now = patient.now();
    let watcher = patient.read(lease::watcher).unwrap_or_default();
    let alive = watcher.as_ref().is_some_and(|watcher| watcher.is_alive(now));
    let detail = json!({
        "probes": probes, "heartbeats": heartbeats, "presets": current.definitions.presets,
        "watcher": watcher.as_ref().map(|watcher| &watcher.process), "watcher_beat_ms": watcher.as_ref().map(|watcher| now - watcher.beat_at),
        "is_watched": alive,
    });
    let start = ("start what probes: the endpoint, the agent or the console", "quarterdeck serve");
    Ok(match watcher {
        _ if probes + heartbeats == 0 => Found::pass("no probe and no heartbeat is defined: only the own parts are watched"),
        Some(watcher) if !alive && !watcher.process.is_empty() => {
            let silent = duration(now - watcher.beat_at);
            Found::warn(format!("{} probed and was not heard of for {silent}; nobody has taken over", watcher.process))
                .remedy(start.0, start.1)
        }
        _ if !alive && probes > 0 => {
            Found::warn(format!("{} defined, and nobody probes", count(probes, "probe is", "probes are"))).remedy(start.0, start.1)
        }
        _ => Found::pass(format!("{} and {} can be used", count(probes, "probe", "probes"), count(heartbeats, "heartbeat", "heartbeats"))),
    }
    .detail(detail))
}
