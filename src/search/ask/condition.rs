//! Filters as a condition in SQL and as words of the scope.

use super::names::Resolved;
use crate::search::question::Filters;
use crate::search::text::index::scope_word;
use crate::search::text::matches::{Condition, Look, any};
use crate::search::vectors::Scope;
use crate::search::{Kind, Result};
use crate::store::Val;

/// Parameters `$1` to `$3` are the match's own.
const FIRST_PARAMETER: usize = 4;

/// The filters of a question, with its names found, in all forms that are needed.
#[derive(Debug, Clone)]
pub(super) struct Sieve {
    /// For a statement over `search_documents d`: all of them.
    pub all: Condition,
    /// The same without those that the words in `must` stand for.
    pub rest: Condition,
    /// The scope's words: each of them must fit.
    pub must: Vec<Look>,
    /// The scope's words that must not be there.
    pub without: Vec<Look>,
    /// Which vectors are worth a look.
    pub scope: Scope,
    /// Whether the vectors have to be sieved beside their scope.
    pub narrows: bool,
    /// The newest document that is let through, where not all are.
    pub newest: Option<i64>,
}

impl Condition {
    fn and(&mut self, sql: &str, value: impl Into<Val>) {
        self.params.push(value.into());
        let number = self.params.len() + FIRST_PARAMETER - 1;
        self.sql.push_str(&format!(" AND {}", sql.replace("$?", &format!("${number}"))));
    }

    fn among(&mut self, column: &str, not: bool, values: &[String]) {
        if values.is_empty() {
            return;
        }
        let places: Vec<String> = values
            .iter()
            .map(|value| {
                self.params.push(Val::from(value));
                format!("${}", self.params.len() + FIRST_PARAMETER - 1)
            })
            .collect();
        let places = places.join(", ");
        // What has no such thing is not of another one.
        let sql =
            if not { format!(" AND ({column} IS NULL OR {column} NOT IN ({places}))") } else { format!(" AND {column} IN ({places})") };
        self.sql.push_str(&sql);
    }
}

impl Sieve {
    /// Let only documents through that were there when `newest` was the newest.
    pub(super) fn up_to(&mut self, newest: i64) {
        self.all.and("d.id <= $?", newest);
        self.rest.and("d.id <= $?", newest);
        self.newest = Some(newest);
    }
}

/// Make the sieve of filters whose names were found. A word of the scope that is `common` costs the engine a walk through all that hold it: such
/// a filter is asked of each match instead.
///
/// # Errors
/// When it cannot be found out what is common.
pub(super) fn sieve(filters: &Filters, names: &Resolved, mut common: impl FnMut(&Look) -> Result<bool>) -> Result<Sieve> {
    let words = |kinds: &[Kind]| kinds.iter().map(|kind| kind.as_str().to_owned()).collect::<Vec<_>>();
    let mut kinds = filters.kinds.clone();
    if (filters.least.is_some() || filters.most.is_some()) && kinds.is_empty() {
        kinds = vec![Kind::Belief, Kind::Stance];
    }
    let mut rest = Condition::default();
    rest.among("d.state", false, &filters.states);
    rest.among("d.state", true, &filters.not_states);
    if let Some(since) = filters.since {
        rest.and("d.at >= $?", since);
    }
    if let Some(until) = filters.until {
        rest.and("d.at < $?", until);
    }
    if let Some(bound) = filters.least {
        rest.and(if bound.inclusive { "d.confidence >= $?" } else { "d.confidence > $?" }, bound.value);
    }
    if let Some(bound) = filters.most {
        rest.and(if bound.inclusive { "d.confidence <= $?" } else { "d.confidence < $?" }, bound.value);
    }
    let mut all = rest.clone();
    all.among("d.persona_id", false, &names.personas);
    all.among("d.persona_id", true, &names.not_personas);
    all.among("d.subreddit", false, &names.subreddits);
    all.among("d.subreddit", true, &names.not_subreddits);
    all.among("d.kind", false, &words(&kinds));
    all.among("d.kind", true, &words(&filters.not_kinds));

    let looks = |what: &'static str, names: &[String]| names.iter().map(|name| Look::Scope(scope_word(what, name))).collect::<Vec<_>>();
    let mut must = Vec::new();
    let kind_words = words(&kinds);
    for (column, what, names) in
        [("d.persona_id", "p", &names.personas), ("d.subreddit", "s", &names.subreddits), ("d.kind", "k", &kind_words)]
    {
        let looks = looks(what, names);
        if looks.is_empty() {
            continue;
        }
        let look = any(looks);
        if common(&look)? {
            rest.among(column, false, names);
        } else {
            must.push(look);
        }
    }
    let without = [looks("p", &names.not_personas), looks("s", &names.not_subreddits), looks("k", &words(&filters.not_kinds))].concat();
    let of_files = !kinds.is_empty() && kinds.iter().all(|kind| matches!(kind, Kind::Runbook | Kind::Note));
    let scope = match names.personas.as_slice() {
        [persona] => Scope::Persona(crate::base::PersonaId::from_stored(persona.as_str())),
        _ if of_files => Scope::Nobody,
        _ => Scope::All,
    };
    let by_scope = matches!(scope, Scope::Persona(_)) && all.params.len() == 1;
    Ok(Sieve { narrows: !all.sql.is_empty() && !by_scope, all, rest, must, without, scope, newest: None })
}
