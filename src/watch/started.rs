//! What a process finds when it starts: another version of the program, other settings, and that it was started. Marks are made of it.

use super::marks::{self, Kind, New, OWN};
use crate::base::{Millis, sha256_hex};
use crate::store::audit::Actor;
use crate::store::{Conn, Result};
use std::collections::BTreeMap;

/// Columns of a digest that tell two values of a setting apart.
const DIGEST: usize = 16;
/// Names of settings that a mark tells; the rest is counted.
const NAMED: usize = 6;

/// A process that starts.
#[derive(Debug, Clone)]
pub struct Started {
    /// What it is, as `serve`, `agent run`.
    pub command: &'static str,
    /// `host:pid`.
    pub process: String,
    /// The program's version.
    pub version: String,
    /// Its settings without the secret ones, by key. Empty: nothing is said of settings.
    pub settings: BTreeMap<String, String>,
    /// Where its settings come from: two that read other files are no change of each other.
    pub settings_from: String,
    /// Whether its start is a mark of its own: work hangs on it.
    pub is_restart: bool,
}

/// Note the start, and mark what is different from the last one. Returns the sentences of the marks that were made.
///
/// # Errors
/// When the engine refuses.
pub fn started(c: &mut dyn Conn, found: &Started, now: Millis) -> Result<Vec<String>> {
    let host = found.process.rsplit_once(':').map_or(found.process.as_str(), |(host, _)| host);
    let mut made = Vec::new();
    let version_name = format!("version {host}");
    let before = marks::last_started(c, &version_name)?;
    if before.as_ref() != Some(&found.version) {
        let what = match before {
            Some(before) => format!("quarterdeck {} on {host}, before it {before}", found.version),
            None => format!("quarterdeck {} on {host} for the first time", found.version),
        };
        made.push((Kind::Deployment, what));
        marks::note_started(c, &version_name, &found.version, now)?;
    }
    if !found.settings.is_empty() {
        let name = format!("settings {host} {}", found.settings_from);
        let digests: BTreeMap<&str, String> =
            found.settings.iter().map(|(key, value)| (key.as_str(), sha256_hex(value.as_bytes()).chars().take(DIGEST).collect())).collect();
        let text = serde_json::to_string(&digests).unwrap_or_default();
        let before = marks::last_started(c, &name)?;
        if before.as_ref() != Some(&text) {
            let known: Option<BTreeMap<String, String>> = before.and_then(|before| serde_json::from_str(&before).ok());
            if let Some(known) = known {
                let changed = differing(&known, &digests);
                made.push((Kind::Configuration, format!("settings on {host} changed: {}", names(&changed))));
            }
            marks::note_started(c, &name, &text, now)?;
        }
    }
    if found.is_restart {
        made.push((Kind::Restart, format!("{} started as {}", found.command, found.process)));
    }
    let actor = Actor::system(&found.process);
    for (kind, what) in &made {
        let what: String = what.chars().take(marks::LONGEST).collect();
        marks::add(c, New { at: now, kind: *kind, system: OWN, what: &what }, &actor, now)?;
    }
    Ok(made.into_iter().map(|(_, what)| what).collect())
}

fn differing<'a>(known: &'a BTreeMap<String, String>, now: &'a BTreeMap<&'a str, String>) -> Vec<&'a str> {
    let mut all: Vec<&str> = now.iter().filter(|(key, digest)| known.get(**key) != Some(digest)).map(|(key, _)| *key).collect();
    all.extend(known.keys().map(String::as_str).filter(|key| !now.contains_key(key)));
    all.sort_unstable();
    all
}

fn names(changed: &[&str]) -> String {
    let shown = changed.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match changed.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Error;
    use crate::store::testing::database;

    #[test]
    fn only_what_is_different_from_the_last_start_is_marked() {
        let (db, _guard) = database();
        let start = |version: &str, interval: Option<&str>, is_restart| {
            let found = Started {
                command: "serve",
                process: "deck:7".into(),
                version: version.into(),
                settings: interval.into_iter().map(|value| ("agent.interval_seconds".to_owned(), value.to_owned())).collect(),
                settings_from: "/etc/quarterdeck".into(),
                is_restart,
            };
            db.write_blocking(move |c| started(c, &found, 5)).unwrap()
        };
        assert_eq!(start("1.0", Some("60"), false), ["quarterdeck 1.0 on deck for the first time"]);
        assert!(start("1.0", Some("60"), false).is_empty());
        assert_eq!(start("1.0", Some("60"), true), ["serve started as deck:7"]);
        assert_eq!(start("1.0", Some("61"), false), ["settings on deck changed: agent.interval_seconds"]);
        assert_eq!(start("1.1", None, false), ["quarterdeck 1.1 on deck, before it 1.0"]);
        let marks = db.read_blocking(|c| marks::list(c, 0..9, None, 99)).unwrap();
        assert_eq!(marks.len(), 4);
        let kept: Result<Option<String>> = db.read_blocking(|c| marks::last_started(c, "settings deck /etc/quarterdeck"));
        let kept: Result<String, Error> = kept.map(Option::unwrap_or_default);
        assert!(!kept.unwrap().contains("61"), "values are kept as digests only");
    }
}
