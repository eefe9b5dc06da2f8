//! Belief changes that wait with a draft: they are decided with it.

use super::item::Item;
use super::{Result, State};
use crate::base::{Millis, PersonaId};
use crate::memory::BeliefProposals;
use crate::store::Conn;
use crate::vals;
use serde::Serialize;

/// The most drafts that are looked at.
const LIMIT: i64 = 1_000;

/// What a draft would change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProposedWithDraft {
    /// The queue item.
    pub item_id: String,
    /// Where it stands.
    pub state: State,
    /// Since when it waits.
    pub created_at: Millis,
    /// What is proposed.
    pub proposals: BeliefProposals,
}

/// The belief changes of a persona's drafts that nobody decided yet, oldest first.
///
/// # Errors
/// When the database refuses.
pub fn waiting(c: &mut dyn Conn, persona: &PersonaId) -> Result<Vec<ProposedWithDraft>> {
    let states: Vec<String> = State::ALL.into_iter().filter(|state| state.is_open()).map(|state| format!("'{}'", state.as_str())).collect();
    let sql =
        format!("SELECT * FROM pending_posts WHERE persona_id = $1 AND state IN ({}) ORDER BY created_at, id LIMIT $2", states.join(", "));
    let mut found = Vec::new();
    for row in c.query(&sql, vals![persona, LIMIT])? {
        let item = Item::from_row(&row)?;
        let proposals = item.draft_metadata.belief_proposals;
        if item.draft_metadata.belief_changes_applied.is_none() && (!proposals.updates.is_empty() || proposals.new_belief.is_some()) {
            found.push(ProposedWithDraft { item_id: item.id, state: item.state, created_at: item.created_at, proposals });
        }
    }
    Ok(found)
}
