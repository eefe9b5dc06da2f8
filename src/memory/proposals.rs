//! Belief changes that a model proposed with a draft: their contract, and their application once a person approved the draft.
//!
//! A proposal says which way and how strongly; the proposed number itself is never applied. What is not applied is recorded with its
//! reason, so that the reviewer sees what became of it.

use super::beliefs::{self, NewBelief};
use super::change::{Author, Trigger};
use super::evidence::SourceType;
use super::revisions::Weighed;
use super::stances::StanceChange;
use super::{Direction, Error, Result, Strength, personas, relationships, revisions};
use crate::base::{Millis, PersonaId};
use crate::llm::proposals as llm;
use crate::store::Conn;
use crate::store::audit::Actor;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Most updates that are applied with one draft.
pub const MAX_UPDATES: usize = 3;
/// Longest reason, in characters.
pub const MAX_REASON: usize = 500;
/// A title whose words overlap with an existing one by more than this (Jaccard) is the same belief.
pub const SAME_TITLE: f64 = 0.7;

/// What a model proposed with a draft.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BeliefProposals {
    /// Changes of confidence, at most [`MAX_UPDATES`].
    pub updates: Vec<BeliefUpdateProposal>,
    /// A belief that the persona does not have yet.
    pub new_belief: Option<NewBeliefProposal>,
}

impl From<llm::Proposals> for BeliefProposals {
    fn from(answered: llm::Proposals) -> Self {
        let strength = |strength| match strength {
            llm::Strength::Weak => Strength::Weak,
            llm::Strength::Moderate => Strength::Moderate,
            llm::Strength::Strong => Strength::Strong,
        };
        let updates = answered.updates.into_iter().map(|update| BeliefUpdateProposal {
            belief_id: update.belief_id,
            belief_title: update.belief_title,
            current_confidence: update.current_confidence,
            proposed_confidence: update.proposed_confidence,
            reason: update.reason,
            evidence_strength: strength(update.evidence_strength),
        });
        let new_belief = answered.new_belief.map(|belief| NewBeliefProposal {
            title: belief.title,
            summary: belief.summary,
            initial_confidence: belief.initial_confidence,
            tags: belief.tags,
            reason: belief.reason,
        });
        Self { updates: updates.collect(), new_belief }
    }
}

/// A proposed change of confidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BeliefUpdateProposal {
    /// The belief.
    pub belief_id: String,
    /// Its title when it was proposed, for people.
    pub belief_title: String,
    /// Its confidence when it was proposed.
    pub current_confidence: f64,
    /// Where the model would set it: only the direction counts.
    pub proposed_confidence: f64,
    /// Why.
    pub reason: String,
    /// How strong the evidence in the thread is.
    pub evidence_strength: Strength,
}

impl BeliefUpdateProposal {
    /// Which way it points; `None` when both numbers are equal: then there is nothing to do.
    #[must_use]
    pub fn direction(&self) -> Option<Direction> {
        match self.proposed_confidence.partial_cmp(&self.current_confidence)? {
            std::cmp::Ordering::Greater => Some(Direction::Increase),
            std::cmp::Ordering::Less => Some(Direction::Decrease),
            std::cmp::Ordering::Equal => None,
        }
    }
}

/// A proposed belief.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewBeliefProposal {
    /// What it is about.
    pub title: String,
    /// What it says; it becomes the first stance.
    pub summary: String,
    /// The confidence to begin with.
    pub initial_confidence: f64,
    /// Tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Why.
    pub reason: String,
}

/// A proposal that was not applied, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedProposal {
    /// The belief, or none for a proposed new one.
    pub belief_id: Option<String>,
    /// Its title, for people.
    pub title: String,
    /// Why it was refused, as a sentence.
    pub reason: String,
}

/// An update that was applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AppliedUpdate {
    /// The belief.
    pub belief_id: String,
    /// Its title.
    pub title: String,
    /// Confidence before; none when it had none.
    pub old_confidence: Option<f64>,
    /// Confidence now.
    pub new_confidence: f64,
}

/// What became of the proposals of an approved draft: kept with the queue item.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BeliefChangesApplied {
    /// How many updates were applied.
    pub updates_applied: u32,
    /// Which ones, with the confidence that really resulted.
    pub applied: Vec<AppliedUpdate>,
    /// Whether the new belief was made.
    pub new_belief_created: bool,
    /// Its id.
    pub new_belief_id: Option<String>,
    /// What was not applied and why: locked, missing, said before.
    pub refused: Vec<RefusedProposal>,
    /// Proposals that make no sense, such as a confidence of 7.
    pub errors: Vec<String>,
}

/// Apply the proposals of a draft that `reviewer` approved. Refusals are part of the result; only a failing database is an error, and
/// then nothing is applied. The caller makes sure that a draft is approved once. `source` is the fullname of what the draft answers: it is kept as the
/// evidence of what changes.
///
/// # Errors
/// [`Error::PersonaNotFound`]; [`Error::Store`].
pub fn apply_on_approval(
    c: &mut dyn Conn,
    persona: &PersonaId,
    proposals: &BeliefProposals,
    source: Option<&str>,
    reviewer: &Actor,
    at: Millis,
) -> Result<BeliefChangesApplied> {
    personas::get(c, persona)?;
    let author = Author::moderation(reviewer, at);
    let mut outcome = BeliefChangesApplied::default();
    for (index, proposal) in proposals.updates.iter().enumerate() {
        let done = if index < MAX_UPDATES {
            apply_update(c, persona, proposal, source, reviewer, &author)
        } else {
            outcome.refuse_update(proposal, format!("only the first {MAX_UPDATES} updates of a draft are applied"));
            continue;
        };
        match done {
            Ok(None) => {}
            Ok(Some(change)) => {
                outcome.updates_applied += 1;
                outcome.applied.push(AppliedUpdate {
                    belief_id: change.belief_id,
                    title: proposal.belief_title.clone(),
                    old_confidence: change.old_confidence,
                    new_confidence: change.new_confidence,
                });
            }
            Err(error @ (Error::NotFound { .. } | Error::Locked { .. } | Error::NoStance { .. })) => {
                outcome.refuse_update(proposal, error.to_string());
            }
            Err(error @ Error::Invalid { .. }) => outcome.errors.push(format!("{}: {error}", proposal.belief_title)),
            Err(failure) => return Err(failure),
        }
    }
    if let Some(proposal) = &proposals.new_belief {
        match create_belief(c, persona, proposal, reviewer, &author)? {
            Created::Yes(id) => {
                relationships::request(c, persona, &id, at)?;
                outcome.new_belief_created = true;
                outcome.new_belief_id = Some(id);
            }
            Created::Known(twin) => outcome.refused.push(RefusedProposal {
                belief_id: None,
                title: proposal.title.clone(),
                reason: format!("the persona holds a belief with nearly the same title: {twin:?}"),
            }),
            Created::Invalid(message) => outcome.errors.push(message),
        }
    }
    Ok(outcome)
}

impl BeliefChangesApplied {
    fn refuse_update(&mut self, proposal: &BeliefUpdateProposal, reason: String) {
        self.refused.push(RefusedProposal { belief_id: Some(proposal.belief_id.clone()), title: proposal.belief_title.clone(), reason });
    }
}

fn apply_update(
    c: &mut dyn Conn,
    persona: &PersonaId,
    proposal: &BeliefUpdateProposal,
    source: Option<&str>,
    reviewer: &Actor,
    author: &Author<'_>,
) -> Result<Option<StanceChange>> {
    super::confidence::checked("current_confidence", proposal.current_confidence)?;
    super::confidence::checked("proposed_confidence", proposal.proposed_confidence)?;
    let Some(direction) = proposal.direction() else {
        return Ok(None);
    };
    let reason = format!("[Approved by {}] {}", reviewer.name, cut(proposal.reason.trim(), MAX_REASON));
    let strength = proposal.evidence_strength;
    let Some(source_ref) = source else {
        return revisions::update_from_evidence(c, persona, &proposal.belief_id, strength, direction, &reason, author).map(Some);
    };
    let weighed = Weighed { source_type: SourceType::RedditComment, source_ref, strength, direction };
    revisions::weigh_source(c, persona, &proposal.belief_id, &weighed, &reason, author).map(Some)
}

enum Created {
    Yes(String),
    Known(String),
    Invalid(String),
}

fn create_belief(
    c: &mut dyn Conn,
    persona: &PersonaId,
    proposal: &NewBeliefProposal,
    reviewer: &Actor,
    author: &Author<'_>,
) -> Result<Created> {
    // Two drafts that wait side by side may propose the same belief: the second approval finds it here.
    if let Some(twin) = beliefs::titles(c, persona)?.into_iter().find(|title| overlap(title, &proposal.title) > SAME_TITLE) {
        return Ok(Created::Known(twin));
    }
    let rationale = format!("[Created from interaction approved by {}] {}", reviewer.name, cut(proposal.reason.trim(), MAX_REASON));
    let new = NewBelief {
        title: &proposal.title,
        summary: &proposal.summary,
        confidence: proposal.initial_confidence,
        tags: &proposal.tags,
        stance: &proposal.summary,
        rationale: rationale.trim(),
    };
    match beliefs::create(c, persona, &new, Trigger::Evidence, author) {
        Ok(belief) => Ok(Created::Yes(belief.id)),
        Err(error @ Error::Invalid { .. }) => Ok(Created::Invalid(format!("{}: {error}", proposal.title))),
        Err(failure) => Err(failure),
    }
}

/// How much two titles share their words: 0 for none, 1 for all (Jaccard), in any case.
#[must_use]
pub fn overlap(one: &str, two: &str) -> f64 {
    let words = |text: &str| -> HashSet<String> {
        text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
    };
    let (one, two) = (words(one), words(two));
    let all = one.union(&two).count();
    if all == 0 { 0.0 } else { one.intersection(&two).count() as f64 / all as f64 }
}

fn cut(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(id: &str, current: f64, proposed: f64) -> BeliefUpdateProposal {
        BeliefUpdateProposal {
            belief_id: id.to_owned(),
            belief_title: id.to_uppercase(),
            current_confidence: current,
            proposed_confidence: proposed,
            reason: "because".to_owned(),
            evidence_strength: Strength::Moderate,
        }
    }

    #[test]
    fn titles_overlap_by_their_words() {
        assert_eq!(overlap("Open source builds trust", "open SOURCE builds trust!"), 1.0);
        assert_eq!(overlap("Open source", "Closed doors"), 0.0);
        assert_eq!(overlap("a b c", "b c d"), 0.5);
        assert_eq!(overlap("", "!"), 0.0);
    }

    #[test]
    fn what_the_model_room_validated_is_taken_over_as_it_is() {
        let answered: llm::Proposals = serde_json::from_value(serde_json::json!({
            "updates": [{"belief_id": "a", "belief_title": "A", "current_confidence": 0.5, "proposed_confidence": 0.6, "reason": "because",
                         "evidence_strength": "moderate"}],
            "new_belief": {"title": "T", "summary": "S", "initial_confidence": 0.4, "tags": ["x"], "reason": "R"},
            "notes": [],
        }))
        .unwrap();
        let taken = BeliefProposals::from(answered);
        assert_eq!(taken.updates, [BeliefUpdateProposal { belief_title: "A".to_owned(), ..update("a", 0.5, 0.6) }]);
        assert_eq!(taken.new_belief.unwrap().initial_confidence, 0.4);
    }

    #[test]
    fn equal_numbers_point_nowhere() {
        assert_eq!(update("a", 0.5, 0.5).direction(), None);
        assert_eq!(update("a", 0.5, f64::NAN).direction(), None);
        assert_eq!(update("a", 0.5, 0.6).direction(), Some(Direction::Increase));
    }
}
