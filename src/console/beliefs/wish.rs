//! What a person wants to change about what a persona believes, and how it is done in one transaction.

use crate::base::{Millis, PersonaId};
use crate::memory::beliefs::{self, BeliefEdit, NewBelief};
use crate::memory::edges::{self, Relation};
use crate::memory::suggestions::{self, Accepted};
use crate::memory::{Author, Direction, Trigger, revisions, stances, undo};
use crate::store::Conn;
use crate::store::audit::Actor;

/// What of a belief's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) enum Field {
    Title,
    Summary,
    Tags,
}

impl Field {
    pub fn word(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Summary => "summary",
            Self::Tags => "tags",
        }
    }
}

/// A belief that is being made, as far as it was told.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::console) struct New {
    pub title: String,
    pub summary: String,
    pub stance: String,
    pub confidence: f64,
    pub tags: Vec<String>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::console) enum Wish {
    Create(New),
    /// `seen` is the stance that was on the screen.
    Confidence {
        seen: Option<String>,
        to: f64,
    },
    Text {
        seen: Option<String>,
        text: String,
    },
    Words {
        field: Field,
        text: String,
    },
    Nudge {
        direction: Direction,
        amount: f64,
    },
    Lock,
    Unlock,
    Link {
        source: String,
        target: String,
        relation: Relation,
        weight: f64,
    },
    Unlink {
        edge: String,
    },
    Accept {
        suggestion: String,
    },
    Refuse {
        suggestion: String,
    },
    Undo {
        update: String,
    },
}

impl Wish {
    /// What is being done, for the list.
    pub fn doing(&self) -> &'static str {
        match self {
            Self::Create(_) => "making it",
            Self::Confidence { .. } | Self::Nudge { .. } => "weighing it",
            Self::Text { .. } | Self::Words { .. } => "changing it",
            Self::Lock => "locking it",
            Self::Unlock => "unlocking it",
            Self::Link { .. } => "linking it",
            Self::Unlink { .. } => "unlinking it",
            Self::Accept { .. } | Self::Refuse { .. } => "deciding",
            Self::Undo { .. } => "taking it back",
        }
    }
}

/// A change of one belief, with why.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::console) struct Change {
    pub persona: PersonaId,
    /// The belief; empty for one that is to be made.
    pub belief: String,
    pub title: String,
    pub wish: Wish,
    pub reason: String,
}

/// What was done.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::console) struct Done {
    pub belief: String,
    /// As a sentence about the belief.
    pub words: String,
    /// Whether it can be taken back at this belief: an edge is taken back at the belief it starts at.
    pub can_be_undone: bool,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error(transparent)]
    Memory(#[from] crate::memory::Error),
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    #[error("the stance of {title:?} was changed meanwhile, to {confidence:.2}: {text:?}; look at it as it is now, then decide again")]
    Meanwhile { title: String, confidence: f64, text: String },
}

/// Do it, in the caller's transaction.
pub(super) fn make(c: &mut dyn Conn, change: &Change, actor: &Actor, at: Millis) -> Result<Done, Refused> {
    let (persona, id, reason) = (&change.persona, change.belief.as_str(), change.reason.as_str());
    let author = Author::new(actor, at).because(reason);
    let mut belief = change.belief.clone();
    let mut can_be_undone = !matches!(change.wish, Wish::Create(_) | Wish::Refuse { .. } | Wish::Undo { .. });
    let words = match &change.wish {
        Wish::Create(new) => {
            let new = NewBelief {
                title: &new.title,
                summary: &new.summary,
                confidence: new.confidence,
                tags: &new.tags,
                stance: &new.stance,
                rationale: reason,
            };
            belief = beliefs::create(c, persona, &new, Trigger::Manual, &author)?.id;
            format!("believed with {:.2} from now on", new.confidence)
        }
        Wish::Confidence { seen, to } => {
            unchanged(c, change, seen.as_deref())?;
            moved(&revisions::update_by_hand(c, persona, id, Some(*to), None, reason, &author)?)
        }
        Wish::Text { seen, text } => {
            unchanged(c, change, seen.as_deref())?;
            revisions::update_by_hand(c, persona, id, None, Some(text), reason, &author)?;
            "has a new stance".to_owned()
        }
        Wish::Words { field, text } => {
            let tags: Vec<String> = text.split(',').map(|tag| tag.trim().to_owned()).collect();
            let edit = match field {
                Field::Title => BeliefEdit { title: Some(text), ..BeliefEdit::default() },
                Field::Summary => BeliefEdit { summary: Some(text), ..BeliefEdit::default() },
                Field::Tags => BeliefEdit { tags: Some(&tags), ..BeliefEdit::default() },
            };
            beliefs::edit(c, persona, id, &edit, reason, &author)?;
            format!("has other {}", if *field == Field::Tags { "tags" } else { "words" })
        }
        Wish::Nudge { direction, amount } => moved(&revisions::nudge(c, persona, id, *direction, *amount, Some(reason), &author)?),
        Wish::Lock => {
            stances::lock(c, persona, id, reason, &author)?;
            "is locked; nothing moves it until it is unlocked".to_owned()
        }
        Wish::Unlock => {
            stances::unlock(c, persona, id, reason, &author)?;
            "is unlocked".to_owned()
        }
        Wish::Link { source, target, relation, weight } => {
            can_be_undone = edges::add(c, persona, source, target, *relation, *weight, &author)?.source_id == id;
            "is linked".to_owned()
        }
        Wish::Unlink { edge } => {
            can_be_undone = edges::remove(c, persona, edge, &author)?.source_id == id;
            "is unlinked".to_owned()
        }
        Wish::Accept { suggestion } => match suggestions::accept(c, persona, suggestion, reason, &author)? {
            Accepted::Edge(edge) => {
                can_be_undone = edge.source_id == id;
                "is linked as it was suggested".to_owned()
            }
            Accepted::Stance(change) => moved(&change),
        },
        Wish::Refuse { suggestion } => {
            suggestions::refuse(c, persona, suggestion, reason, &author)?;
            "stays as it is; the suggestion is refused".to_owned()
        }
        Wish::Undo { update } => {
            undo::undo(c, persona, id, Some(update), reason, &author)?;
            "is as it was before that change".to_owned()
        }
    };
    Ok(Done { belief, words, can_be_undone })
}

fn moved(change: &stances::StanceChange) -> String {
    match change.old_confidence {
        Some(before) => format!("goes from {before:.2} to {:.2}", change.new_confidence),
        None => format!("is held with {:.2} now", change.new_confidence),
    }
}

/// The stance in force is the one that was on the screen.
fn unchanged(c: &mut dyn Conn, change: &Change, seen: Option<&str>) -> Result<(), Refused> {
    let in_force = stances::in_force(c, &change.persona, &change.belief)?;
    match in_force {
        Some(stance) if Some(stance.id.as_str()) != seen => {
            Err(Refused::Meanwhile { title: change.title.clone(), confidence: stance.confidence, text: stance.text })
        }
        _ => Ok(()),
    }
}
