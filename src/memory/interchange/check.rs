//! Everything that is wrong with a document, before anything is written. Rules only, no I/O.

use super::{BeliefDocument, Document, FORMAT, MAX_PROBLEMS, StateDocument, TRIGGERS, VERSION};
use crate::memory::beliefs::MAX_TITLE;
use crate::memory::evidence::MAX_REFERENCE;
use crate::memory::stances::{MAX_TEXT, StanceStatus};
use serde::Serialize;
use std::collections::HashSet;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where, as a path: `beliefs[3].stances[0].confidence`.
    pub place: String,
    /// What, as a sentence.
    pub what: String,
}

struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, place: impl Into<String>, what: impl Into<String>) {
        if self.0.len() < MAX_PROBLEMS {
            self.0.push(Problem { place: place.into(), what: what.into() });
        }
    }

    fn fraction(&mut self, place: String, value: f64) {
        if !(0.0..=1.0).contains(&value) {
            self.add(place, format!("{value} is no number from 0 to 1"));
        }
    }

    fn id<'a>(&mut self, place: String, id: &'a str, seen: &mut HashSet<&'a str>) {
        if id.trim().is_empty() || id.len() > 64 || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            self.add(place, format!("{:?} is no id: 1 to 64 letters, digits and hyphens", id.chars().take(80).collect::<String>()));
        } else if !seen.insert(id) {
            self.add(place, format!("the id {id} stands there twice"));
        }
    }

    fn words(&mut self, place: String, text: &str, most: usize) {
        if text.trim().is_empty() {
            self.add(place, "is empty");
        } else if text.chars().count() > most {
            self.add(place, format!("has more than {most} characters"));
        }
    }
}

/// What is wrong with a document: at most [`MAX_PROBLEMS`]. Whether it collides with what is there is seen when it is written.
#[must_use]
pub fn check(document: &Document) -> Vec<Problem> {
    let mut found = Problems(Vec::new());
    if document.format != FORMAT || document.version != VERSION {
        found.add("format", format!("{:?} version {} is not {FORMAT} version {VERSION}", document.format, document.version));
        return found.0;
    }
    let mut ids = Ids::default();
    for (number, one) in document.beliefs.iter().enumerate() {
        found.id(format!("beliefs[{number}].id"), &one.id, &mut ids.beliefs);
    }
    for (number, one) in document.beliefs.iter().enumerate() {
        belief(&mut found, &format!("beliefs[{number}]"), one, &mut ids);
    }
    edges(&mut found, document, &ids.beliefs);
    found.0
}

#[derive(Default)]
struct Ids<'a> {
    beliefs: HashSet<&'a str>,
    stances: HashSet<&'a str>,
    evidence: HashSet<&'a str>,
    updates: HashSet<&'a str>,
}

fn belief<'a>(found: &mut Problems, place: &str, belief: &'a BeliefDocument, ids: &mut Ids<'a>) {
    found.words(format!("{place}.title"), &belief.title, MAX_TITLE);
    found.words(format!("{place}.summary"), &belief.summary, usize::MAX);
    if let Some(confidence) = belief.confidence {
        found.fraction(format!("{place}.confidence"), confidence);
    }
    let own: HashSet<&str> = belief.stances.iter().map(|stance| stance.id.as_str()).collect();
    for (number, stance) in belief.stances.iter().enumerate() {
        let place = format!("{place}.stances[{number}]");
        found.id(format!("{place}.id"), &stance.id, &mut ids.stances);
        found.words(format!("{place}.text"), &stance.text, MAX_TEXT);
        found.fraction(format!("{place}.confidence"), stance.confidence);
    }
    let in_force: Vec<_> = belief.stances.iter().filter(|stance| stance.status != StanceStatus::Deprecated).collect();
    match in_force.as_slice() {
        [] => {}
        [one] if Some(one.confidence) == belief.confidence => {}
        [_] => found.add(format!("{place}.confidence"), "is not that of the stance in force"),
        _ => found.add(format!("{place}.stances"), "more than one is current or locked"),
    }
    for (number, piece) in belief.evidence.iter().enumerate() {
        let place = format!("{place}.evidence[{number}]");
        found.id(format!("{place}.id"), &piece.id, &mut ids.evidence);
        found.words(format!("{place}.source_ref"), &piece.source_ref, MAX_REFERENCE);
        if piece.stance_id.as_deref().is_some_and(|id| !own.contains(id)) {
            found.add(format!("{place}.stance_id"), "is no stance of this belief");
        }
    }
    for (number, update) in belief.updates.iter().enumerate() {
        let place = format!("{place}.updates[{number}]");
        found.id(format!("{place}.id"), &update.id, &mut ids.updates);
        found.words(format!("{place}.reason"), &update.reason, usize::MAX);
        if !TRIGGERS.contains(&update.trigger_type.as_str()) {
            found.add(format!("{place}.trigger_type"), format!("{:?} is none of {}", update.trigger_type, TRIGGERS.join(", ")));
        }
    }
    states(found, place, belief, &own);
}

/// The states of a belief follow each other without gap, and the last one is what the belief is now.
fn states(found: &mut Problems, place: &str, belief: &BeliefDocument, own: &HashSet<&str>) {
    for (number, state) in belief.states.iter().enumerate() {
        let place = format!("{place}.states[{number}]");
        if let Some(confidence) = state.confidence {
            found.fraction(format!("{place}.confidence"), confidence);
        }
        if state.stance_id.as_deref().is_some_and(|id| !own.contains(id)) {
            found.add(format!("{place}.stance_id"), "is no stance of this belief");
        }
        let next = belief.states.get(number + 1);
        if state.held_until != next.map(|next| next.held_from) {
            found.add(format!("{place}.held_until"), "is not where the next state begins, or the last state ends");
        }
        if state.held_until.is_some_and(|until| until < state.held_from) {
            found.add(format!("{place}.held_until"), "is before its beginning");
        }
    }
    let in_force = belief.stances.iter().find(|stance| stance.status != StanceStatus::Deprecated);
    let is_now = |state: &StateDocument| {
        state.title == belief.title
            && state.summary == belief.summary
            && state.tags == belief.tags
            && state.confidence == belief.confidence
            && state.stance_id.as_deref() == in_force.map(|stance| stance.id.as_str())
            && state.locked == in_force.is_some_and(|stance| stance.status == StanceStatus::Locked)
    };
    match belief.states.last() {
        Some(last) if is_now(last) => {}
        Some(_) => found.add(format!("{place}.states"), "the last one is not what the belief is"),
        None => found.add(format!("{place}.states"), "there is none"),
    }
}

fn edges(found: &mut Problems, document: &Document, beliefs: &HashSet<&str>) {
    let (mut ids, mut present) = (HashSet::new(), HashSet::new());
    for (number, edge) in document.edges.iter().enumerate() {
        let place = format!("edges[{number}]");
        found.id(format!("{place}.id"), &edge.id, &mut ids);
        found.fraction(format!("{place}.weight"), edge.weight);
        for (end, id) in [("source_id", &edge.source_id), ("target_id", &edge.target_id)] {
            if !beliefs.contains(id.as_str()) {
                found.add(format!("{place}.{end}"), "is no belief of this document");
            }
        }
        if edge.source_id == edge.target_id {
            found.add(&place, "leads from a belief to itself");
        }
        match edge.held_until {
            Some(until) if until < edge.held_from => found.add(format!("{place}.held_until"), "is before its beginning"),
            Some(_) => {}
            None if !present.insert((&edge.source_id, &edge.target_id, edge.relation)) => found.add(&place, "stands there twice"),
            None => {}
        }
    }
}
