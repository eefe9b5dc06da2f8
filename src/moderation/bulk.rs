//! Deciding many items: each by itself, guarded by the version that was listed, with its own audit row. What changed meanwhile, what
//! somebody else has, and what nobody may approve unread is left out and named; the others are not touched by that.

use super::decisions;
use super::error::{Error, Result};
use super::evaluation::Verdict;
use super::item::{Item, load};
use super::listing::Line;
use super::queue::{self, On, Settings};
use super::state::{Directive, RejectCode};
use super::team;
use crate::base::{Millis, PersonaId};
use crate::store::audit::Actor;
use crate::store::{Conn, Database};
use futures_util::future::join_all;
use serde::Serialize;

/// Items that are offered to the writer at once. They share a commit, each behind its own savepoint; between two batches others decide.
const BATCH: usize = 50;

/// What is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Approve. Only what screening allows and one person may approve: nobody has read it.
    Approve,
    /// Reject.
    Reject {
        /// Why.
        code: RejectCode,
        /// What the agent does then.
        directive: Directive,
        /// A few words that the agent reads.
        note: Option<String>,
    },
    /// Send back to the agent.
    Return {
        /// What to change.
        note: String,
    },
    /// Throw blocked drafts away.
    Discard {
        /// Why.
        reason: String,
    },
    /// Pass over.
    Skip {
        /// Why.
        reason: Option<String>,
    },
    /// Give back what is claimed or held.
    Release,
    /// Set aside.
    Hold {
        /// Until when.
        until: Millis,
        /// Why.
        reason: String,
    },
}

/// An item as it was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Whose it is.
    pub persona: PersonaId,
    /// Its full id.
    pub id: String,
    /// The version that was seen.
    pub version: i64,
}

impl From<&Line> for Chosen {
    fn from(line: &Line) -> Self {
        Self { persona: line.persona_id.clone(), id: line.id.clone(), version: line.version }
    }
}

/// An item that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Which.
    pub id: String,
    /// Why, in words.
    pub reason: String,
}

/// What became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How many were decided.
    pub decided: usize,
    /// Those that were not, in the order of the list.
    pub refused: Vec<Refused>,
}

/// Decide every item of `chosen`. A refusal leaves no trace, neither of its item nor of another.
pub async fn decide(db: &Database, chosen: &[Chosen], decision: &Decision, actor: &Actor, at: Millis, settings: &Settings) -> Report {
    let mut report = Report::default();
    for batch in chosen.chunks(BATCH) {
        let results = join_all(batch.iter().map(|chosen| {
            let (chosen, decision, actor, settings) = (chosen.clone(), decision.clone(), actor.clone(), settings.clone());
            db.write(move |c| {
                let on = On { persona: &chosen.persona, id: &chosen.id, version: Some(chosen.version), actor: &actor, at };
                one(c, &on, &decision, &settings).map(|_| ())
            })
        }))
        .await;
        for (chosen, result) in batch.iter().zip(results) {
            match result {
                Ok(()) => report.decided += 1,
                Err(error) => report.refused.push(Refused { id: chosen.id.clone(), reason: error.to_string() }),
            }
        }
    }
    report
}

/// Decide one item unread.
///
/// # Errors
/// The refusals of the decision; [`Error::NeedsALook`] for an approval of what screening flagged, or of what two people have to approve.
pub fn one(c: &mut dyn Conn, on: &On<'_>, decision: &Decision, settings: &Settings) -> Result<Item> {
    match decision {
        Decision::Approve => {
            let item = load(c, on.persona, on.id)?;
            if item.verdict != Verdict::Allow || !item.evaluation.missing.is_empty() {
                let why = format!("screening says {} ({})", item.verdict.as_str(), item.evaluation.summary());
                return Err(Error::NeedsALook { id: item.id, why });
            }
            if settings.second_approver.asks_for(&item) {
                return Err(Error::NeedsALook { id: item.id, why: "it needs two people".to_owned() });
            }
            let account = crate::memory::personas::get(c, on.persona)?.reddit_username;
            decisions::approve(c, on, &account, settings)
        }
        Decision::Reject { code, directive, note } => decisions::reject(c, on, *code, *directive, note.as_deref(), settings),
        Decision::Return { note } => queue::return_to_agent(c, on, note, settings),
        Decision::Discard { reason } => decisions::discard(c, on, reason),
        Decision::Skip { reason } => team::skip(c, on, reason.as_deref()),
        Decision::Release => queue::release(c, on),
        Decision::Hold { until, reason } => queue::hold(c, on, *until, reason),
    }
}
