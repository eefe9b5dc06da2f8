//! What the results at hand can be narrowed to: kinds, personas and subreddits with how many there are of each. Pure.

use super::words::{self, Facet};
use crate::console::state::State;
use crate::search::{Hit, Kind};

/// A value of a facet, as it stands in the question.
pub(in crate::console) type Value = (Facet, String);

/// The values of a result.
fn of(hit: &Hit) -> impl Iterator<Item = Value> {
    let persona = hit.persona_name.as_ref().map(|name| (Facet::Persona, name.to_string()));
    let subreddit = hit.subreddit.as_ref().map(|name| (Facet::Subreddit, crate::base::SafeText::line(name).to_string()));
    [Some((Facet::Kind, hit.kind.as_str().to_owned())), persona, subreddit].into_iter().flatten()
}

/// How many of the results have this value.
pub(super) fn count(hits: &[Hit], value: &Value) -> usize {
    hits.iter().filter(|hit| of(hit).any(|other| other == *value)).count()
}

/// Every value of the results and of the question: kinds in their own order, the others by how many there are.
pub(super) fn gathered(state: &State) -> Vec<Value> {
    let hits = &state.search.shown.hits;
    let mut all: Vec<Value> = Kind::ALL.map(|kind| (Facet::Kind, kind.as_str().to_owned())).into_iter().collect();
    all.retain(|value| count(hits, value) > 0 || words::has(state.search.field.text(), value.0, &value.1));
    for facet in [Facet::Persona, Facet::Subreddit] {
        let mut found: Vec<Value> = Vec::new();
        let asked = words::values(state.search.field.text(), facet).into_iter().map(|value| (facet, value));
        for value in hits.iter().flat_map(of).filter(|value| value.0 == facet).chain(asked) {
            if !found.iter().any(|known| known.1.eq_ignore_ascii_case(&value.1)) {
                found.push(value);
            }
        }
        found.sort_by_key(|value| std::cmp::Reverse(count(hits, value)));
        all.extend(found);
    }
    all
}

/// The kinds of the results with their numbers, for the line above them.
pub(super) fn kinds(hits: &[Hit]) -> Vec<(Kind, usize)> {
    let counted = Kind::ALL.map(|kind| (kind, hits.iter().filter(|hit| hit.kind == kind).count()));
    counted.into_iter().filter(|(_, count)| *count > 0).collect()
}
