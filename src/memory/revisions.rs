//! How beliefs are revised: by evidence, by conflict, by a nudge, by hand. The arithmetic is [`super::confidence`]'s.

use super::beliefs::{self, Belief};
use super::change::{Author, Trigger};
use super::confidence::{self, ConflictRule, UNINFORMED};
use super::evidence::{self, SourceType};
use super::stances::{self, NewStance, Stance, StanceChange, StanceStatus};
use super::{Direction, Error, Result, Strength, conflicts};
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
        /// The conflict that waits for a person: see [`super::conflicts`].
        review: String,
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
/// then cautiously. A refusal changes nothing and is told in the outcome; what a belief held high refuses waits for a person afterwards.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::NoStance`]; [`Error::Invalid`] without an explanation.
pub fn update_from_conflict(
    c: &mut dyn Conn,
    persona: &PersonaId,
    belief_id: &str,
    explanation: &str,
    strength: Strength,
    source: Option<&str>,
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
        ConflictRule::Refuse => {
            let review = conflicts::raise(c, persona, (belief_id, before), explanation, strength, source, author)?;
            return Ok(ConflictOutcome::RefusedHighConfidence { confidence: before, review });
        }
        ConflictRule::Decrease(applied) => (applied, ""),
        ConflictRule::DecreaseCautiously(applied) => (applied, " (strong evidence provided)"),
    };
    let after = confidence::after_evidence(belief.confidence, applied, Direction::Decrease)?;
    let rationale = format!("Conflict detected: {explanation}{note} (Conflict resolution: {before:.3} -> {after:.3})");
    let new = NewStance { text: &stance.text, confidence: after, rationale: &rationale };
    stances::replace(c, persona, &belief, Some(&stance), &new, Trigger::Conflict, author).map(ConflictOutcome::Applied)
}

/// Lower a belief by a conflict that a person accepted: by the whole strength of the evidence, however high it is held.
pub(super) fn yield_to_conflict(
    c: &mut dyn Conn,
    persona: &PersonaId,
    belief_id: &str,
    explanation: &str,
    strength: Strength,
    reason: &str,
    author: &Author<'_>,
) -> Result<StanceChange> {
    let belief = beliefs::require(c, persona, belief_id)?;
    let stance = current(c, persona, &belief)?;
    let before = belief.confidence.unwrap_or(UNINFORMED);
    let after = confidence::after_evidence(belief.confidence, strength, Direction::Decrease)?;
    let rationale =
        format!("Conflict accepted by {}: {explanation} ({reason}) (Conflict resolution: {before:.3} -> {after:.3})", author.updated_by);
    let new = NewStance { text: &stance.text, confidence: after, rationale: &rationale };
    stances::replace(c, persona, &belief, Some(&stance), &new, Trigger::Conflict, author)
}

/// What a belief is weighed by: a source that is kept as evidence of the stance that comes of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weighed<'a> {
    /// What it is.
    pub source_type: SourceType,
    /// Where it is, or what it says.
    pub source_ref: &'a str,
    /// How strong it is.
    pub strength: Strength,
    /// Which way it points.
    pub direction: Direction,
}

/// Weigh a source and keep it: the belief takes the new confidence, and the evidence hangs on the stance that it led to.
///
/// # Errors
/// As [`update_from_evidence`] and [`evidence::append`]; then neither is done, if the caller ends the transaction with the error.
pub fn weigh_source(
    c: &mut dyn Conn,
    persona: &PersonaId,
    belief_id: &str,
    source: &Weighed<'_>,
    reason: &str,
    author: &Author<'_>,
) -> Result<StanceChange> {
    let reference = evidence::checked_reference(source.source_ref)?;
    let change = weigh(c, persona, belief_id, (source.strength, source.direction), reason, Trigger::Evidence, author)?;
    evidence::insert(c, persona, belief_id, Some(&change.stance_id), source, reference, author)?;
    Ok(change)
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
    reason: Option<&str>,
    author: &Author<'_>,
) -> Result<StanceChange> {
    let strength = confidence::nudge_strength(amount)?;
    let reason = match reason.map(str::trim).filter(|reason| !reason.is_empty()) {
        Some(reason) => format!("Nudged by {}: {reason}", author.updated_by),
        None => format!("Nudged by {}", author.updated_by),
    };
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
