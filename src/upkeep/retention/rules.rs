//! The rules: those that ship, changed by the user's own file. Pure; nothing is guessed: whatever is not understood is refused, because a rule
//! that is read wrongly takes rows away.

use super::error::{Error, Result};
use super::kind::{self, KINDS, Kind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The user's own rules, beside the configuration.
pub const FILE_NAME: &str = "retention.toml";
const SHIPPED: &str = include_str!("../../../assets/retention.toml");

/// How long rows of a kind, in some states, are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Its name.
    pub id: String,
    /// What it is about, by [`Kind::name`].
    pub kind: &'static str,
    /// Rows in these states; empty for a kind without states.
    pub states: Vec<&'static str>,
    /// Days that they are kept; none for ever.
    pub days: Option<u32>,
    /// Whether they are written to a file before they go.
    pub archive: bool,
    /// Why.
    pub why: String,
    /// Where it, or the last change of it, comes from: `shipped`, `preset NAME`, or the user's file.
    pub from: String,
}

impl Rule {
    /// The kind.
    #[must_use]
    pub fn of(&self) -> Option<&'static Kind> {
        kind::named(self.kind)
    }
}

/// A set of numbers that is switched on by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// Its name.
    pub id: String,
    /// What the numbers are taken from.
    pub from: String,
    /// Days by rule; a rule that is not named keeps the number that ships.
    pub days: BTreeMap<String, Days>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    id: String,
    kind: Option<String>,
    states: Option<Vec<String>>,
    days: Option<Days>,
    archive: Option<bool>,
    why: Option<String>,
}

/// A number of days, or `"never"`: what takes a rule of ours back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Days {
    /// So many days, as they were written.
    Number(i64),
    /// A word, as it was written; only `never` means anything.
    Word(String),
}

impl Days {
    /// The days that rows are kept; none for ever.
    fn limit(&self) -> Result<Option<u32>, String> {
        match self {
            Self::Word(word) if word == "never" => Ok(None),
            Self::Word(word) => Err(format!("{word:?} is no number of days; write a number, or \"never\"")),
            Self::Number(days) => u32::try_from(*days).map(Some).map_err(|_| format!("{days} is no number of days")),
        }
    }
}

impl std::fmt::Display for Days {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(days) => write!(formatter, "{days}"),
            Self::Word(word) => formatter.write_str(word),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    preset: Option<String>,
    #[serde(default)]
    rule: Vec<RawRule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shipped {
    rule: Vec<RawRule>,
    preset: Vec<Preset>,
}

fn fault(place: &str, reason: impl Into<String>) -> Error {
    Error::Rules { place: place.to_owned(), reason: reason.into() }
}

fn toml_fault(place: &str, text: &str, error: &toml::de::Error) -> Error {
    let at = error.span().map_or(text.len(), |span| span.start);
    let before = text.get(..at).unwrap_or(text);
    let (line, column) = (before.matches('\n').count() + 1, before.len() - before.rfind('\n').map_or(0, |end| end + 1) + 1);
    fault(&format!("{place}, line {line}, column {column}"), error.message().replace('\n', ", "))
}

/// The presets that ship.
///
/// # Errors
/// When the file of this program cannot be read, which is a defect.
pub fn presets() -> Result<Vec<Preset>> {
    shipped().map(|shipped| shipped.preset)
}

fn shipped() -> Result<Shipped> {
    toml::from_str(SHIPPED).map_err(|error| toml_fault("the rules that ship", SHIPPED, &error))
}

/// The rules in force: those that ship, with the numbers of a preset and the changes of the user's file, where there is one.
///
/// # Errors
/// [`Error::Rules`] with the place of whatever is wrong.
pub fn rules(own: Option<(&str, &str)>) -> Result<Vec<Rule>> {
    let shipped = shipped()?;
    let mut rules: BTreeMap<String, Rule> = BTreeMap::new();
    for raw in shipped.rule {
        take(&mut rules, raw, "shipped")?;
    }
    let Some((place, text)) = own else { return finished(rules, "the rules that ship") };
    let file: RawFile = toml::from_str(text).map_err(|error| toml_fault(place, text, &error))?;
    if let Some(name) = file.preset {
        let known = || shipped.preset.iter().map(|preset| preset.id.as_str()).collect::<Vec<_>>().join(", ");
        let preset = shipped.preset.iter().find(|preset| preset.id == name);
        let preset = preset.ok_or_else(|| fault(place, format!("there is no preset called {name:?}; there are {}", known())))?;
        for (id, days) in &preset.days {
            let rule = rules
                .get_mut(id)
                .ok_or_else(|| fault("the rules that ship", format!("the preset {name} names the rule {id:?}, which is not there")))?;
            let limit = days.limit().map_err(|reason| fault("the rules that ship", format!("the preset {name}, {id:?}: {reason}")))?;
            (rule.days, rule.from) = (limit, format!("preset {name}"));
        }
    }
    let mut seen: Vec<String> = Vec::new();
    for raw in file.rule {
        if seen.contains(&raw.id) {
            return Err(fault(place, format!("the rule {:?} stands there twice", raw.id)));
        }
        seen.push(raw.id.clone());
        take(&mut rules, raw, place)?;
    }
    finished(rules, place)
}

fn take(rules: &mut BTreeMap<String, Rule>, raw: RawRule, place: &str) -> Result<()> {
    let id = raw.id;
    let wrong = |reason: String| fault(place, format!("the rule {id:?}: {reason}"));
    if id.is_empty() || id.len() > 40 || !id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
        return Err(wrong("its id has 1 to 40 small letters, digits and hyphens".to_owned()));
    }
    let before = rules.get(&id);
    let name = raw.kind.as_deref().or(before.map(|rule| rule.kind)).ok_or_else(|| wrong("it says no kind".to_owned()))?;
    let kind = kind::named(name).ok_or_else(|| {
        let known = KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ");
        wrong(format!("there is no kind {name:?}; there are {known}"))
    })?;
    if before.is_some_and(|rule| rule.kind != kind.name) {
        return Err(wrong("its kind cannot be changed; make another rule".to_owned()));
    }
    let states = match (raw.states, kind.states, before) {
        (None, _, Some(rule)) => rule.states.clone(),
        (None, None, None) => Vec::new(),
        (None, Some((_, all)), None) => all.to_vec(),
        (Some(_), None, _) => return Err(wrong(format!("rows of {} have no states", kind.name))),
        (Some(words), Some((_, all)), _) => {
            let mut states = Vec::new();
            for word in words {
                let state = all.iter().find(|state| **state == word);
                let state = state.ok_or_else(|| {
                    wrong(format!(
                        "rows of {} in the state {word:?} are never taken away; those that can be are {}",
                        kind.name,
                        all.join(", ")
                    ))
                })?;
                if !states.contains(state) {
                    states.push(*state);
                }
            }
            states
        }
    };
    if kind.states.is_some() && states.is_empty() {
        return Err(wrong("it names no state".to_owned()));
    }
    let days = match raw.days {
        None => before.and_then(|rule| rule.days),
        Some(days) => days.limit().map_err(wrong)?,
    };
    let archive = raw.archive.or(before.map(|rule| rule.archive)).unwrap_or(true);
    let why = raw.why.or(before.map(|rule| rule.why.clone())).unwrap_or_default();
    let rule = Rule { id: id.clone(), kind: kind.name, states, days, archive, why, from: place.to_owned() };
    rules.insert(id, rule);
    Ok(())
}

/// What can only be told of all of them together: that no row falls under two, and that none is too quick.
fn finished(rules: BTreeMap<String, Rule>, place: &str) -> Result<Vec<Rule>> {
    let rules: Vec<Rule> = rules.into_values().collect();
    for (number, rule) in rules.iter().enumerate() {
        let Some(kind) = rule.of() else { continue };
        if let Some(days) = rule.days {
            if days < kind.least_days {
                let reason = format!("the rule {:?}: rows of {} are needed for {} days", rule.id, kind.name, kind.least_days);
                return Err(fault(place, reason));
            }
            if days > 36_500 {
                return Err(fault(place, format!("the rule {:?}: {days} days are more than a hundred years; write \"never\"", rule.id)));
            }
        }
        for other in rules.iter().skip(number + 1).filter(|other| other.kind == rule.kind) {
            let shared = rule.states.iter().find(|state| other.states.contains(state));
            if shared.is_some() || kind.states.is_none() {
                let what = shared.map_or_else(|| kind.name.to_owned(), |state| format!("{} in the state {state}", kind.name));
                return Err(fault(place, format!("the rules {:?} and {:?} are both about {what}", rule.id, other.id)));
            }
        }
    }
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(text: &str) -> Result<Vec<Rule>> {
        rules(Some(("retention.toml", text)))
    }

    fn days(rules: &[Rule], id: &str) -> Option<u32> {
        rules.iter().find(|rule| rule.id == id).unwrap().days
    }

    #[test]
    fn the_rules_that_ship_hold_and_every_preset_fits_them() {
        assert_eq!(days(&rules(None).unwrap(), "statements"), None);
        for preset in presets().unwrap() {
            own(&format!("preset = {:?}", preset.id)).unwrap();
        }
        // The preset that says so takes nothing away, whatever rules ship.
        let agent = own("preset = \"agent\"").unwrap();
        assert_eq!(agent.iter().filter(|rule| rule.days.is_some()).map(|rule| rule.id.as_str()).collect::<Vec<_>>(), [""; 0]);
        assert!(agent.len() > 10 && agent.iter().all(|rule| rule.from == "preset agent"));
        let advisor = own("preset = \"advisor\"\n[[rule]]\nid = \"calls\"\ndays = 90\n").unwrap();
        assert_eq!((days(&advisor, "calls"), days(&advisor, "queue-sent")), (Some(90), Some(90)));
        assert_eq!(days(&own("[[rule]]\nid = \"calls\"\ndays = \"never\"").unwrap(), "calls"), None);
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_place() {
        for (text, says) in [
            ("[[rule]]\nid = \"calls\"\ndays = 1", "needed for 35 days"),
            ("[[rule]]\nid = \"calls\"\ndays = -1", "-1 is no number"),
            ("[[rule]]\nid = \"calls\"\ndays = \"soon\"", "no number of days"),
            ("[[rule]]\nid = \"x\"\ndays = 90", "says no kind"),
            ("[[rule]]\nid = \"x\"\nkind = \"audit_log\"\ndays = 90", "no kind \"audit_log\""),
            ("[[rule]]\nid = \"queue-sent\"\nstates = [\"pending\"]", "never taken away"),
            ("[[rule]]\nid = \"queue-sent\"\nstates = [\"rejected\"]", "both about"),
            ("[[rule]]\nid = \"x\"\nkind = \"change_feed\"\ndays = 9", "both about"),
            ("[[rule]]\nid = \"calls\"\n[[rule]]\nid = \"calls\"", "twice"),
            ("[[rule]]\nid = \"calls\"\nday = 90", "unknown field"),
            ("preset = \"adviser\"", "no preset"),
            ("preset = ", "line 1"),
        ] {
            let refused = own(text).unwrap_err().to_string();
            assert!(refused.contains(says), "{text}: {refused}");
        }
    }
}
