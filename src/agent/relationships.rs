//! Asking a model how beliefs bear on each other: when a person wishes it, and after an approval that made a new belief.
//!
//! A failure here fails nothing else: the belief is there, and a person can link it by hand.

use super::services::Services;
use crate::base::{Millis, PersonaId};
use crate::llm::relationships::{RelationshipsRequest, Shown};
use crate::llm::{self, Client};
use crate::memory::beliefs::Belief;
use crate::memory::relationships::{self, Kept};
use crate::memory::{self, Author};
use crate::store::Database;
use crate::store::audit::Actor;
use serde::Serialize;

/// How many new beliefs are asked for in one round.
const PER_ROUND: u32 = 5;

/// Why asking failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Memory refused.
    #[error(transparent)]
    Memory(#[from] memory::Error),
    /// The model could not be asked.
    #[error("the relations of the belief could not be asked for: {0}")]
    Model(#[from] llm::Error),
}

/// What came of asking.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Asked {
    /// What was kept.
    pub kept: Kept,
    /// What the model said that does not hold.
    pub notes: Vec<String>,
}

/// Ask how a belief bears on those that changed last. With `link_from`, edges at least as heavy are made at once; the rest waits for a person.
///
/// # Errors
/// [`Error::Memory`] when there is no such belief; [`Error::Model`].
pub async fn ask(
    db: &Database,
    models: &Client,
    persona: &PersonaId,
    belief_id: &str,
    link_from: Option<f64>,
    actor: &Actor,
    now: Millis,
) -> Result<Asked, Error> {
    let (owner, id) = (persona.clone(), belief_id.to_owned());
    let (belief, others) = db.read(move |c| relationships::candidates(c, &owner, &id)).await?;
    let shown = |belief: Belief| Shown { id: belief.id, title: belief.title, summary: belief.summary, confidence: belief.confidence };
    let request = RelationshipsRequest {
        persona: persona.clone(),
        correlation_id: crate::base::new_id(),
        belief: shown(belief),
        others: others.into_iter().map(shown).collect(),
    };
    let found = models.suggest_relationships(&request).await?;
    let (owner, id, actor) = (persona.clone(), belief_id.to_owned(), actor.clone());
    let (suggested, model) = (found.suggested, found.model);
    let kept =
        db.write(move |c| relationships::keep(c, &owner, &id, &suggested, model.as_deref(), link_from, &Author::new(&actor, now))).await?;
    Ok(Asked { kept, notes: found.notes })
}

/// Ask for the beliefs that approvals made, and link them as the parameters allow. Whatever fails is written down and tried again, three times in all.
pub(super) async fn follow_up(services: &Services) {
    let persona = services.persona.id.clone();
    let owner = persona.clone();
    let requested = match services.db.read(move |c| relationships::requested(c, &owner, PER_ROUND)).await {
        Ok(requested) => requested,
        Err(error) => {
            tracing::warn!(%error, "the beliefs to be linked could not be read");
            return;
        }
    };
    let actor = Actor::agent(services.persona.reddit_username.clone());
    let link_from = services.parameters.auto_link_beliefs.then_some(services.parameters.auto_link_min_weight);
    for belief in requested {
        let now = services.clock.now();
        let outcome =
            ask(&services.db, &services.llm, &persona, &belief, link_from, &actor, now).await.map(drop).map_err(|error| error.to_string());
        if let Err(error) = &outcome {
            tracing::warn!(%error, belief, "a new belief was not linked");
        }
        let owner = persona.clone();
        let written = services
            .db
            .write(move |c| relationships::asked(c, &owner, &belief, outcome.as_ref().copied().map_err(String::as_str), now))
            .await;
        if let Err(error) = written {
            tracing::warn!(%error, "how asking went could not be written down");
        }
    }
}
