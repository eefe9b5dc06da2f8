//! Probes of known systems, with the thresholds of their runbooks: switched on by name, with variables for what differs.
//!
//! They stand in `assets/presets`. A probe that mentions a variable without a value is left out.

use super::file::Fault;
use super::file::address;
use super::file::define::{self, Defaults};
use super::file::page::{self, Entry, Page};
use super::model::Probe;
use crate::base::SafeText;
use crate::config::nearest;
use serde::Serialize;
use std::collections::BTreeMap;

/// The presets that ship, by name.
pub const ALL: &[(&str, &str)] = &[
    ("reddit-agent", include_str!("../../../assets/presets/reddit-agent.toml")),
    ("advisor-batch", include_str!("../../../assets/presets/advisor-batch.toml")),
    ("support-assistant", include_str!("../../../assets/presets/support-assistant.toml")),
    ("module-optimisation", include_str!("../../../assets/presets/module-optimisation.toml")),
    ("textbook-rag", include_str!("../../../assets/presets/textbook-rag.toml")),
];

/// Something that differs from place to place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// What it is.
    pub about: String,
    /// Its value where none is given; without one, probes that mention it are left out.
    pub default: Option<String>,
}

/// A preset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub about: String,
    /// Where its thresholds are from.
    pub source: String,
    /// What differs from place to place.
    pub variables: Vec<Variable>,
    /// Its text.
    #[serde(skip)]
    pub text: &'static str,
}

/// A preset by its name.
#[must_use]
pub fn named(name: &str) -> Option<Preset> {
    let (name, text) = ALL.iter().find(|(known, _)| *known == name)?;
    let table: toml::Table = text.parse().ok()?;
    let word = |table: &toml::Table, key: &str| table.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    let variables = table.get("variable").and_then(toml::Value::as_table).into_iter().flatten().map(|(name, value)| {
        let of = |key| value.as_table().and_then(|table| word(table, key));
        Variable { name: name.clone(), about: of("about").unwrap_or_default(), default: of("default") }
    });
    let variables = variables.collect();
    Some(Preset {
        name,
        about: word(&table, "about").unwrap_or_default(),
        source: word(&table, "source").unwrap_or_default(),
        variables,
        text,
    })
}

/// The probes of a preset with the values that a file gives.
pub(super) fn laid_out(
    name: &str,
    from: &Page<'_>,
    at: usize,
    given: &BTreeMap<String, (Option<String>, usize)>,
    defaults: Defaults,
) -> Result<Vec<Probe>, Vec<Fault>> {
    let Some(preset) = named(name) else {
        let near = nearest(name, ALL.iter().map(|(known, _)| *known)).map(|near| format!("; did you mean `{near}`?"));
        let known: Vec<&str> = ALL.iter().map(|(known, _)| *known).collect();
        let rest = near.unwrap_or_else(|| format!("; there are {}", known.join(", ")));
        from.fault(at, format!("there is no preset called `{}`{rest}", SafeText::clipped(name, 60)));
        return Ok(Vec::new());
    };
    let known = || preset.variables.iter().map(|variable| variable.name.as_str()).chain(["system"]);
    for (variable, (value, at)) in given {
        if !known().any(|known| known == variable) {
            let near = nearest(variable, known()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            from.fault(*at, format!("the preset `{name}` has no variable `{}`{near}", SafeText::clipped(variable, 60)));
        }
        let is_secret =
            |value: &str| (address::is_secret_name(variable) && address::is_literal(value)) || !address::secrets(value).is_empty();
        if from.is_open && value.as_deref().is_some_and(is_secret) {
            from.fault(*at, format!("`{variable}` holds a secret and others than its owner may read this file: write ${{NAME}} for it"));
        }
    }
    let value = |variable: &str| given.get(variable).and_then(|(value, _)| value.clone());
    let variables = preset.variables.iter().map(|variable| {
        let value = value(&variable.name).or_else(|| variable.default.clone());
        (variable.name.clone(), value)
    });
    let source = format!("preset {name}");
    let page = Page { variables: variables.collect(), ..Page::new(&source, preset.text, from.names) };
    let mut probes = Vec::new();
    if let Some(document) = page::table(&page, preset.text) {
        let root = Entry::new(&page, document.get_ref(), 0, "the preset");
        let system = value("system").unwrap_or_else(|| name.to_owned());
        for (table, at) in root.tables("probe") {
            probes.extend(define::probe(&page, table, at, defaults, Some(&system)));
        }
        root.done(&["about", "source", "variable"]);
    }
    let faults = page.faults.into_inner();
    if faults.is_empty() {
        return Ok(probes);
    }
    // None of them is taken, and windows may hold each of them.
    let mut refused = from.refused.borrow_mut();
    refused.extend(page.refused.into_inner());
    refused.extend(probes.into_iter().map(|probe| (probe.name, probe.system)));
    Err(faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_preset_says_what_it_is_and_where_its_thresholds_are_from() {
        for (name, _) in ALL {
            let preset = named(name).unwrap();
            assert!(!preset.about.is_empty() && preset.source.contains("runbook"), "{name}");
            assert!(preset.variables.iter().all(|variable| !variable.about.is_empty()), "{name}");
        }
        assert_eq!(named("nothing"), None);
    }
}
