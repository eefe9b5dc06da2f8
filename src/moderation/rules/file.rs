//! Reading rules from a file, with the place and the reason of everything that is wrong in it.
//!
//! `[[rule]]` makes a rule; `[[change]]` rewords one that is there, for everybody or for some personas and subreddits.

use super::model::{Check, Examples, Mode, Rule};
use serde::Deserialize;
use std::collections::BTreeSet;
use toml::{Spanned, Table, Value};

/// Something that is wrong in a file of rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct Fault {
    /// Where: file, line and column.
    pub place: String,
    /// What, with the rule's id where it is known.
    pub reason: String,
}

/// A rule or a change with the place where it begins.
#[derive(Debug, Clone)]
pub(super) struct Placed<T> {
    pub what: T,
    /// Byte of the file where it begins.
    pub at: usize,
    table: Table,
}

/// A change of a rule that is defined elsewhere.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    pub rule: String,
    #[serde(default)]
    personas: Vec<String>,
    #[serde(default)]
    subreddits: Vec<String>,
    mode: Option<Mode>,
    weight: Option<f64>,
    expires: Option<String>,
    #[serde(default)]
    check: Table,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    id: String,
    #[serde(default = "one")]
    version: u32,
    title: String,
    does: String,
    why: String,
    mode: Mode,
    weight: f64,
    owner: String,
    policy: Option<String>,
    expires: Option<String>,
    #[serde(default)]
    locked: bool,
    #[serde(default)]
    personas: Vec<String>,
    #[serde(default)]
    subreddits: Vec<String>,
    check: Table,
    #[serde(default)]
    examples: Examples,
}

fn one() -> u32 {
    1
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    rule: Vec<Spanned<Table>>,
    #[serde(default)]
    change: Vec<Spanned<Table>>,
}

/// A file of rules, read.
#[derive(Debug)]
pub(super) struct File<'a> {
    pub source: &'a str,
    text: &'a str,
    pub rules: Vec<Placed<Rule>>,
    pub changes: Vec<Placed<Change>>,
    pub faults: Vec<Fault>,
}

impl<'a> File<'a> {
    /// Read `text`, which is the contents of `source`.
    pub fn read(text: &'a str, source: &'a str) -> Self {
        let mut file = Self { source, text, rules: Vec::new(), changes: Vec::new(), faults: Vec::new() };
        let raw: RawFile = match toml::from_str(text) {
            Ok(raw) => raw,
            Err(error) => {
                let at = error.span().map_or(text.len(), |span| span.start);
                file.fault(at, error.message().replace('\n', ", "));
                return file;
            }
        };
        for table in raw.rule {
            let (at, table) = (table.span().start, table.into_inner());
            match file.rule(table.clone()) {
                Ok(what) => file.rules.push(Placed { what, at, table }),
                Err(reason) => file.fault(at, format!("{}: {reason}", named(&table, "id"))),
            }
        }
        for table in raw.change {
            let (at, table) = (table.span().start, table.into_inner());
            match Change::deserialize(Value::Table(table.clone())) {
                Ok(what) => file.changes.push(Placed { what, at, table }),
                Err(error) => file.fault(at, format!("{}: {}", named(&table, "rule"), plain(&error))),
            }
        }
        file
    }

    /// Note a fault at a byte of the file.
    pub fn fault(&mut self, at: usize, reason: impl Into<String>) {
        let place = self.place(at);
        self.faults.push(Fault { place, reason: reason.into() });
    }

    /// A byte of the file as people look it up.
    pub fn place(&self, at: usize) -> String {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        format!("{}, line {line}, column {column}", self.source)
    }

    /// Where `words` stand in the rule that begins at `at`: the rule itself when they are written another way there.
    pub fn find(&self, at: usize, words: &str) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        let end = rest.get(1..).and_then(|rest| rest.find("\n[[")).map_or(rest.len(), |end| end + 1);
        let escaped = words.replace('\\', "\\\\");
        [words, escaped.as_str()].into_iter().find_map(|words| rest.get(..end)?.find(words)).map_or(at, |found| at + found)
    }

    fn rule(&self, table: Table) -> Result<Rule, String> {
        let raw = RawRule::deserialize(Value::Table(table)).map_err(|error| plain(&error))?;
        let well_formed = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_';
        if raw.id.is_empty() || raw.id.len() > 60 || !raw.id.chars().all(well_formed) {
            return Err("an id has 1 to 60 small letters, digits and underscores".to_owned());
        }
        let check = check(raw.check)?;
        let rule = Rule {
            id: raw.id,
            version: raw.version,
            title: raw.title,
            does: raw.does.trim().to_owned(),
            why: raw.why.trim().to_owned(),
            mode: raw.mode,
            weight: raw.weight,
            owner: raw.owner,
            policy: raw.policy,
            expires: raw.expires,
            locked: raw.locked,
            personas: lowered(&raw.personas),
            subreddits: lowered(&raw.subreddits),
            check,
            examples: raw.examples,
            source: self.source.to_owned(),
        };
        sound(&rule).map(|()| rule)
    }
}

impl Placed<Change> {
    /// The rule as this change words it.
    pub fn applied_to(&self, rule: &Placed<Rule>, source: &str) -> Result<Placed<Rule>, String> {
        let (change, mut changed) = (&self.what, rule.what.clone());
        changed.personas = lowered(&change.personas);
        changed.subreddits = lowered(&change.subreddits);
        let is_scoped = !changed.personas.is_empty() || !changed.subreddits.is_empty();
        if !is_scoped {
            (changed.personas, changed.subreddits) = (rule.what.personas.clone(), rule.what.subreddits.clone());
        }
        if let Some(mode) = change.mode {
            if rule.what.locked && mode < rule.what.mode {
                return Err(format!("the rule is locked: its mode stays at least {}", rule.what.mode));
            }
            changed.mode = mode;
        }
        if rule.what.locked && (change.expires.is_some() || !change.check.is_empty()) {
            return Err("the rule is locked: only its weight may change".to_owned());
        }
        changed.weight = change.weight.unwrap_or(changed.weight);
        changed.expires = change.expires.clone().or(changed.expires);
        let mut table = rule.table.clone();
        if !change.check.is_empty() {
            let mut merged = table.get("check").and_then(Value::as_table).cloned().unwrap_or_default();
            for (key, value) in &change.check {
                let known = merged.get("kind");
                if key == "kind" && known != Some(value) {
                    return Err("a change cannot make another check of a rule; write a rule of your own".to_owned());
                }
                merged.insert(key.clone(), value.clone());
            }
            changed.check = check(merged.clone())?;
            // The examples prove the wording that was; this one looks for something else.
            changed.examples = Examples::default();
            table.insert("check".to_owned(), Value::Table(merged));
        }
        changed.source = source.to_owned();
        sound(&changed)?;
        Ok(Placed { what: changed, at: self.at, table })
    }

    /// Whether it is for some personas or subreddits only.
    pub fn is_scoped(&self) -> bool {
        !self.what.personas.is_empty() || !self.what.subreddits.is_empty()
    }
}

fn check(table: Table) -> Result<Check, String> {
    Check::deserialize(Value::Table(table)).map_err(|error| format!("check: {}", plain(&error)))
}

fn named(table: &Table, key: &str) -> String {
    match table.get(key).and_then(Value::as_str) {
        Some(id) => format!("rule {id:?}"),
        None => "a rule without an id".to_owned(),
    }
}

fn plain(error: &toml::de::Error) -> String {
    error.message().replace('\n', ", ")
}

fn lowered(names: &[String]) -> BTreeSet<String> {
    names.iter().map(|name| name.trim_start_matches("r/").trim_start_matches("u/").to_lowercase()).collect()
}

/// What serde cannot tell: ranges, days, words of a kind.
fn sound(rule: &Rule) -> Result<(), String> {
    if !(0.0..=1.0).contains(&rule.weight) {
        return Err(format!("weight is {}, expected 0 to 1", rule.weight));
    }
    if let Some(day) = &rule.expires {
        chrono::NaiveDate::parse_from_str(day, "%Y-%m-%d").map_err(|_| format!("expires is {day:?}, expected a day as 2027-01-31"))?;
    }
    match &rule.check {
        Check::NearDuplicate(near) if !(0.1..=1.0).contains(&near.similarity) => {
            Err(format!("similarity is {}, expected 0.1 to 1", near.similarity))
        }
        Check::OwnLinkShare { percent, last, .. } if !(0.0..=100.0).contains(percent) || *last == 0 => {
            Err("percent is 0 to 100, last at least 1".to_owned())
        }
        Check::QuietHours { from, to, offset_minutes } => {
            for time in [from, to] {
                chrono::NaiveTime::parse_from_str(time, "%H:%M").map_err(|_| format!("{time:?} is no time of day, expected 23:00"))?;
            }
            if offset_minutes.abs() > 14 * 60 {
                return Err(format!("offset_minutes is {offset_minutes}, expected -840 to 840"));
            }
            Ok(())
        }
        Check::WordList { least, .. } if !["mild", "moderate", "severe"].contains(&least.as_str()) => {
            Err(format!("least is {least:?}, expected mild, moderate or severe"))
        }
        Check::PersonalData { kinds } => {
            const KNOWN: [&str; 5] = ["payment card", "bank account", "telephone number", "e-mail address", "social security number"];
            let unknown = kinds.iter().find(|kind| !KNOWN.contains(&kind.as_str()));
            unknown.map_or(Ok(()), |kind| Err(format!("{kind:?} is no kind of personal data; there are {}", KNOWN.join(", "))))
        }
        _ => Ok(()),
    }
}
