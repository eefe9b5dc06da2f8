//! Settings, rules and probes: what people wrote, before anything runs.

use crate::config::{self, Level, Problem};
use crate::moderation::rules::{self, Screener};
use crate::rounds::found::{Found, Look, count};
use crate::rounds::patient::Patient;
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

/// The file of probes can be used.
pub(super) fn probes(patient: &Patient) -> Look {
    let file = patient.loaded.directories().config_dir.join("probes.toml");
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Found::pass("there is no file of probes: only the own parts are watched"));
        }
        Err(error) => {
            let why = format!("{} cannot be read: {error}", file.display());
            return Ok(Found::fail(why).remedy("make it readable for this user", ""));
        }
    };
    Ok(match text.parse::<toml::Table>() {
        Ok(_) => Found::pass("the file of probes can be used"),
        Err(error) => {
            let why = format!("{} cannot be used: {}", file.display(), error.message());
            Found::fail(why).remedy("correct the file where it is broken", "quarterdeck probe check")
        }
    })
}
