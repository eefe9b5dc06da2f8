//! The files of a bundle. Each is made from what may be told, and cleaned all the same.

use super::redact::redactor;
use crate::base::clock;
use crate::rounds::bounded::bounded;
use crate::rounds::doctor::Report;
use crate::rounds::patient::{Opened, Patient};
use crate::rounds::{logs, rows};
use crate::store::Error;
use crate::upkeep::runs;
use crate::watch::shown;
use serde_json::{Map, Value, json};
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Lines of the log that go in, and faults of the program.
const LINES: usize = 500;
const FAULTS: usize = 20;
/// Runs of upkeep that go in.
const RUNS: i64 = 200;
/// How long what asks the database may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Characters of a message.
const MESSAGE: usize = 400;
/// Fields of a line of the log that are numbers or words of ours. No other field goes in: it could hold what somebody wrote.
const FIELDS: [&str; 22] = [
    "message",
    "error",
    "location",
    "thread",
    "backtrace",
    "exit",
    "millis",
    "status",
    "attempt",
    "attempts",
    "count",
    "rows",
    "version",
    "change",
    "table",
    "state",
    "kind",
    "topic",
    "seq",
    "after_ms",
    "wait_ms",
    "column",
];

const README: &str = "What this is\n\n\
    A bundle of `quarterdeck doctor --bundle`, for whoever helps. Read it before you send it.\n\n\
    versions.json    the program, the engine, the system\n\
    settings.json    every setting and where it came from; secrets are masked\n\
    doctor.json      the doctor's report\n\
    database.json    schema, migrations, sizes, rows of each table\n\
    upkeep.json      what was done to keep the deck sound, newest first\n\
    health.json      the health board\n\
    log.jsonl        the end of the log: messages and numbers only\n\
    faults.jsonl     faults of the program with their backtraces\n\n\
    There is no text of a persona in it, no draft, no prompt and no secret. Names of accounts, hosts and directories are in it.\n";

/// Every file with its name.
pub(super) fn files(patient: &Arc<Patient>, report: &Report) -> Vec<(String, Vec<u8>)> {
    let environment = std::env::vars().collect();
    let known = redactor(&patient.loaded, &patient.data_dir(), &environment);
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default();
    let mut all = vec![
        ("README.txt", README.to_owned()),
        ("versions.json", pretty(&versions(patient))),
        ("settings.json", pretty(&settings(patient))),
        ("doctor.json", pretty(&json!({ "summary": report.summary(), "report": report }))),
        ("database.json", pretty(&asked(patient, database))),
        ("upkeep.json", pretty(&asked(patient, upkeep))),
        ("health.json", pretty(&asked(patient, board))),
    ];
    let state_dir = patient.state_dir().to_path_buf();
    let told = bounded(PATIENCE, move || log(&state_dir));
    let (log, faults) = told.unwrap_or_else(|_| ("{\"not_told\":\"the log could not be read in time\"}\n".to_owned(), String::new()));
    all.push(("log.jsonl", log));
    all.push(("faults.jsonl", faults));
    all.into_iter().map(|(name, text)| (name.to_owned(), known.clean(&text).into_owned().into_bytes())).collect()
}

/// What asks the database, for a bounded time; what went wrong stands in its place.
fn asked(patient: &Arc<Patient>, work: fn(&Patient) -> Result<Value, crate::rounds::Found>) -> Value {
    let own = Arc::clone(patient);
    match bounded(PATIENCE, move || work(&own)) {
        Ok(Ok(value)) => value,
        Ok(Err(found)) => json!({ "not_told": found.why }),
        Err(_) => json!({ "not_told": "it did not answer in time" }),
    }
}

fn versions(patient: &Patient) -> Value {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let system = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let system = system.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).map(|name| name.trim_matches('"').to_owned());
    let (sqlite, is_safe) = crate::store::sqlite_version();
    json!({
        "quarterdeck": env!("CARGO_PKG_VERSION"),
        "at": clock::rfc3339(patient.now()),
        "schema_known": crate::store::newest_version(),
        "sqlite": { "version": sqlite, "is_safe": is_safe },
        "system": { "os": std::env::consts::OS, "architecture": std::env::consts::ARCH, "kernel": release.trim(), "name": system },
        "processors": std::thread::available_parallelism().map(std::num::NonZero::get).ok(),
    })
}

fn settings(patient: &Patient) -> Value {
    let shown = patient.loaded.shown().into_iter().map(|shown| {
        let value =
            if shown.setting.is_secret() { shown.is_set.then(|| crate::upkeep::secrets::redact::MASK.to_owned()) } else { shown.value };
        json!({ "setting": shown.setting.key, "value": value, "set": shown.is_set, "source": shown.source.to_string() })
    });
    let problems = patient.loaded.problems().iter();
    let problems = problems.map(|problem| json!({ "level": problem.level.word(), "source": problem.place, "message": problem.message }));
    let files = patient.loaded.files().iter().map(|file| json!({ "what": file.what, "path": file.path, "exists": file.exists }));
    json!({
        "files": files.collect::<Vec<_>>(), "problems": problems.collect::<Vec<_>>(), "settings": shown.collect::<Vec<_>>(),
    })
}

fn size(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().map(|found| found.len())
}

fn database(patient: &Patient) -> Result<Value, crate::rounds::Found> {
    let files: Vec<Value> = patient
        .database_file()
        .map(|file| {
            let with = |suffix: &str| {
                let mut name = file.clone().into_os_string();
                name.push(suffix);
                json!({ "file": suffix, "bytes": size(Path::new(&name)) })
            };
            ["", "-wal", "-shm"].map(with).to_vec()
        })
        .unwrap_or_default();
    if !matches!(patient.opened(), Opened::Open(_)) {
        let why = patient.db().err().map(|found| found.why);
        return Ok(json!({ "files": files, "not_told": why }));
    }
    let (migrations, pages, tables) = patient.read(|c| Ok::<_, Error>((rows::migrations(c)?, rows::pages(c)?, rows::tables(c)?)))?;
    let migrations: Vec<Value> =
        migrations.into_iter().map(|(version, name, at)| json!({ "version": version, "name": name, "at": clock::rfc3339(at) })).collect();
    let tables: Map<String, Value> = tables.into_iter().map(|(table, rows)| (table, json!(rows))).collect();
    Ok(json!({
        "place": patient.address().map(|address| address.masked()), "files": files, "pages": pages, "migrations": migrations, "rows": tables,
    }))
}

fn upkeep(patient: &Patient) -> Result<Value, crate::rounds::Found> {
    let runs = patient.read(|c| runs::newest(c, None, RUNS))?;
    Ok(json!({ "runs": runs }))
}

fn board(patient: &Patient) -> Result<Value, crate::rounds::Found> {
    Ok(shown::board(&patient.board()?))
}

/// A line of the log with the fields that may be told.
fn line(text: &str) -> Option<(Value, bool)> {
    let value: Value = serde_json::from_str(text).ok()?;
    let cut = |value: &Value, most: usize| match value {
        Value::String(text) => json!(text.chars().take(most).collect::<String>()),
        Value::Number(_) | Value::Bool(_) => value.clone(),
        _ => Value::Null,
    };
    let is_fault = value.get("target").and_then(Value::as_str) == Some("quarterdeck::panic");
    let most = |name: &str| if name == "backtrace" { 64 << 10 } else { MESSAGE };
    let fields = value.get("fields").and_then(Value::as_object);
    let fields: Map<String, Value> = fields
        .into_iter()
        .flatten()
        .filter(|(name, _)| FIELDS.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), cut(value, most(name))))
        .collect();
    let told = ["timestamp", "level", "target"].map(|name| (name.to_owned(), value.get(name).map_or(Value::Null, |value| cut(value, 100))));
    let mut kept: Map<String, Value> = told.into_iter().collect();
    kept.insert("fields".to_owned(), Value::Object(fields));
    Some((Value::Object(kept), is_fault))
}

/// The end of the log, and the faults of the program in it.
fn log(state_dir: &Path) -> (String, String) {
    let (mut last, mut faults) = (VecDeque::new(), VecDeque::new());
    let keep = |all: &mut VecDeque<String>, line: String, most: usize| {
        if all.len() == most {
            all.pop_front();
        }
        all.push_back(line);
    };
    for file in logs::files(state_dir) {
        let read = logs::lines(&file, &mut |text| {
            let Some((value, is_fault)) = line(text) else { return };
            if is_fault {
                keep(&mut faults, value.to_string(), FAULTS);
            } else {
                keep(&mut last, value.to_string(), LINES);
            }
        });
        if let Err(error) = read {
            keep(&mut last, json!({ "not_told": format!("{} cannot be read: {error}", file.display()) }).to_string(), LINES);
        }
    }
    let text = |lines: VecDeque<String>| lines.into_iter().map(|line| line + "\n").collect::<String>();
    (text(last), text(faults))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_line_only_what_may_be_told_is_kept() {
        let text = json!({
            "timestamp": "2026-11-21T00:00:00Z", "level": "ERROR", "target": "quarterdeck::x",
            "fields": { "message": "m".repeat(1_000), "millis": 7, "content": "what a persona said", "prompt": "what was asked", "error": { "deep": 1 } },
            "span": { "name": "draft of u/somebody" },
        });
        let (kept, is_fault) = line(&text.to_string()).unwrap();
        assert!(!is_fault && kept["fields"]["millis"] == 7 && kept["fields"]["message"].as_str().unwrap().len() == MESSAGE);
        let kept = kept.to_string();
        assert!(!kept.contains("persona") && !kept.contains("asked") && !kept.contains("somebody"), "{kept}");
        assert!(line("no json").is_none());
    }
}
