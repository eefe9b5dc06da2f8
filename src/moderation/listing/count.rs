//! How many items a filter leaves, by what they have in common.

use super::select::{Select, Written};
use super::{Filter, walk};
use crate::moderation::error::Result;
use crate::store::Conn;
use std::collections::BTreeMap;

/// What is counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum By {
    /// Where they stand.
    #[default]
    State,
    /// Whose they are, by the persona's id.
    Persona,
    /// Where they go.
    Subreddit,
    /// What screening said.
    Verdict,
    /// The rules that fired and the checks that are missing: an item counts under each of them.
    Rule,
}

impl By {
    fn column(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Persona => "persona_id",
            Self::Subreddit => "target_subreddit",
            Self::Verdict => "verdict",
            Self::Rule => "rules",
        }
    }
}

impl std::str::FromStr for By {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "state" => Ok(Self::State),
            "persona" => Ok(Self::Persona),
            "subreddit" => Ok(Self::Subreddit),
            "verdict" => Ok(Self::Verdict),
            "rule" => Ok(Self::Rule),
            _ => Err(format!("{text:?} is none of state, persona, subreddit, verdict, rule")),
        }
    }
}

/// How many items match.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Count {
    /// All of them.
    pub total: i64,
    /// By the value of what was asked for. By rule an item may count several times, or not at all.
    pub by: BTreeMap<String, i64>,
}

/// Count what matches. The place and the order of the filter do not matter.
///
/// # Errors
/// When the engine refuses.
pub fn count(c: &mut dyn Conn, filter: &Filter, by: By) -> Result<Count> {
    let filter = Filter { after: None, sort: super::Sort::Oldest, ..filter.clone() };
    let mut found = Count::default();
    let looks_into = by == By::Rule || filter.looks_into_evaluation();
    for state in filter.states() {
        if filter.text.is_none() {
            let select = Select::count(&filter, *state, by.column(), if looks_into { Written::Yes } else { Written::Any });
            for row in c.query(&select.sql, &select.params)? {
                let (n, value) = (row.int("n")?, row.text("value")?);
                found.total += n;
                if by == By::Rule {
                    value.split(',').filter(|rule| !rule.is_empty()).for_each(|rule| found.add(rule, n));
                } else {
                    found.add(&value, n);
                }
            }
            if !looks_into {
                continue;
            }
        }
        // A text, and items of before where their evaluation is asked for, have to be looked into.
        let written = if filter.text.is_some() { Written::Any } else { Written::No };
        let walked = walk(c, &filter, *state, written, usize::MAX, usize::MAX)?;
        for (line, rules) in walked.lines.iter().zip(&walked.rules) {
            found.total += 1;
            match by {
                By::State => found.add(line.state.as_str(), 1),
                By::Persona => found.add(line.persona_id.as_str(), 1),
                By::Subreddit => found.add(&line.target_subreddit, 1),
                By::Verdict => found.add(line.verdict.as_str(), 1),
                By::Rule => rules.iter().for_each(|rule| found.add(rule, 1)),
            }
        }
    }
    Ok(found)
}

impl Count {
    fn add(&mut self, value: &str, n: i64) {
        *self.by.entry(value.to_owned()).or_default() += n;
    }
}
