//! How beliefs are revised: by evidence, by conflict, by a nudge, by hand. The arithmetic is [`super::confidence`]'s.

use super::beliefs::{self, Belief};
use super::change::{Author, Trigger};
use super::confidence::{self, ConflictRule, UNINFORMED};
use super::stances::{self, NewStance, Stance, StanceChange, StanceStatus};
use super::{Direction, Error, Result, Strength};
use crate::base::PersonaId;
use crate::store::Conn;

/// What became of a conflict with evidence.
#[derive(Debug, Clone, PartialEq)]
pub enum ConflictOutcome {
    /// The belief lost confidence.
    Applied(StanceChange),
    /// The stance is locked: it stays.
    RefusedLocked,
    /// The belief is held with high confidence and the evidence was not strong: a person has to decide.
    RefusedHighConfidence {
        /// The confidence that stays.
        confidence: f64,
    },
}

/// Weigh one piece of evidence. The stance keeps its text and takes the new confidence.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Locked`] (checked first); [`Error::NoStance`]; [`Error::Invalid`].
pub fn update_from_evidence(
    c: &mut dyn Conn,
    persona: &PersonaId,
    belief_id: &str,
    strength: Strength,
    direction: Direction,
    reason: &str,
    author: &Author<'_>,
) -> Result<StanceChange> {
    weigh(c, persona, belief_id, (strength, direction), reason, Trigger::Evidence, author)
}

/// Weigh a statement that conflicts with a belief. A belief held with confidence of 0.8 or more yields to strong evidence only, and
/// then cautiously. A refusal changes nothing and is told in the outcome.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::NoStance`]; [`Error::Invalid`] without an explanation.
pub fn update_from_conflict(
    c: &mut dyn Conn,
    persona: &PersonaId,
    belief_id: &str,
    explanation: &str,
    strength: Strength,
    author: &Author<'_>,
) -> Result<ConflictOutcome> {
    let explanation = stances::required("the conflict's explanation", explanation)?;
    let belief = beliefs::require(c, persona, belief_id)?;
    let stance = match current(c, persona, &belief) {
        Ok(stance) => stance,
        Err(Error::Locked { .. }) => return Ok(ConflictOutcome::RefusedLocked),
        Err(other) => return Err(other),
    };
    let before = belief.confidence.unwrap_or(UNINFORMED);
    let (applied, note) = match confidence::conflict_rule(belief.confidence, strength) {
        ConflictRule::Refuse => return Ok(ConflictOutcome::RefusedHighConfidence { confidence: before }),
        ConflictRule::Decrease(applied) => (applied, ""),
        ConflictRule::DecreaseCautiously(applied) => (applied, " (strong evidence provided)"),
    };
    let after = confidence::after_evidence(belief.confidence, applied, Direction::Decrease)?;
    let rationale = format!("Conflict detected: {explanation}{note} (Conflict resolution: {before:.3} -> {after:.3})");
    let new = NewStance { text: &stance.text, confidence: after, rationale: &rationale };
    stances::replace(c, persona, &belief, Some(&stance), &new, Trigger::Conflict, author).map(ConflictOutcome::Applied)
}

/// Nudge a belief by hand. The amount (above 0, at most 0.5) only chooses a strength; tell people the change that is returned, not the
/// amount.
///
/// # Errors
/// As [`update_from_evidence`].
pub fn nudge(
    c: &mut dyn Conn,
    persona: &PersonaId,
    belief_id: &str,
    direction: Direction,
    amount: f64,
    author: &Author<'_>,
) -> Result<StanceChange> {
    let strength = confidence::nudge_strength(amount)?;
    let reason = format!("Nudged by {}", author.updated_by);
    weigh(c, persona, belief_id, (strength, direction), &reason, Trigger::Manual, author)
}

/// Set an exact confidence, a new text, or both. Exactly 0 and 1 are allowed here and nowhere else.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Locked`]; [`Error::NoStance`] when no text is given and there is none to keep; [`Error::Invalid`].
pub fn update_by_hand(
    c: &mut dyn Conn,
    persona: &PersonaId,
    belief_id: &str,
    confidence: Option<f64>,
    text: Option<&str>,
    rationale: &str,
    author: &Author<'_>,
) -> Result<StanceChange> {
    if confidence.is_none() && text.is_none() {
        return Err(Error::invalid("the update", "empty", "a confidence, a text or both"));
    }
    let belief = beliefs::require(c, persona, belief_id)?;
    let old = stances::in_force(c, persona, belief_id)?;
    stances::refuse_locked(&belief, old.as_ref())?;
    let Some(text) = text.or(old.as_ref().map(|stance| stance.text.as_str())) else {
        return Err(no_stance(&belief));
    };
    let new = NewStance { text, confidence: confidence.or(belief.confidence).unwrap_or(UNINFORMED), rationale };
    stances::replace(c, persona, &belief, old.as_ref(), &new, Trigger::Manual, author)
}

fn weigh(
    c: &mut dyn Conn,
    persona: &PersonaId,
    belief_id: &str,
    (strength, direction): (Strength, Direction),
    reason: &str,
    trigger: Trigger,
    author: &Author<'_>,
) -> Result<StanceChange> {
    let reason = stances::required("the reason", reason)?;
    let belief = beliefs::require(c, persona, belief_id)?;
    let stance = current(c, persona, &belief)?;
    let before = belief.confidence.unwrap_or(UNINFORMED);
    let after = confidence::after_evidence(belief.confidence, strength, direction)?;
    let rationale = format!("{reason} (Evidence: {strength}, Direction: {direction}, Confidence: {before:.3} -> {after:.3})");
    let new = NewStance { text: &stance.text, confidence: after, rationale: &rationale };
    stances::replace(c, persona, &belief, Some(&stance), &new, trigger, author)
}

/// The stance in force, which must be there and not be locked.
fn current(c: &mut dyn Conn, persona: &PersonaId, belief: &Belief) -> Result<Stance> {
    let stance = stances::in_force(c, persona, &belief.id)?;
    stances::refuse_locked(belief, stance.as_ref())?;
    stance.filter(|stance| stance.status == StanceStatus::Current).ok_or_else(|| no_stance(belief))
}

fn no_stance(belief: &Belief) -> Error {
    Error::NoStance {
        belief_id: belief.id.clone(),
        title: belief.title.clone(),
        wanted: "current",
        next: "take a stance first, giving its text",
    }
}
