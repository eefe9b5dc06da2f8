//! For one belief: what evidence led to which stance, and what was said from it.
//!
//! An interaction keeps the beliefs that it was written from as they stood ([`BeliefSnapshot`]). It belongs to the newest stance that has the
//! words and the confidence of its snapshot and was taken before it was said. Where there is none, it belongs to no stance, and is shown so.

use crate::base::{Millis, PersonaId};
use crate::memory::beliefs::{self, Belief};
use crate::memory::evidence::{self, EvidenceLink};
use crate::memory::interactions::{self, BeliefSnapshot, Interaction, InteractionType};
use crate::memory::stances::{self, Stance};
use crate::memory::{Result, beliefs::DETAIL_ROWS};
use crate::store::Conn;
use serde::Serialize;

/// Something that was said from a belief.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Post {
    /// The interaction's id.
    pub interaction_id: String,
    /// Its fullname.
    pub reddit_id: String,
    /// What it was.
    pub interaction_type: InteractionType,
    /// Where, without `r/`.
    pub subreddit: String,
    /// The text.
    pub content: String,
    /// The belief's confidence when it was written.
    pub confidence: Option<f64>,
    /// When it was said.
    pub at: Millis,
    /// When it was taken back, if it was.
    pub retracted_at: Option<Millis>,
}

/// A stance between what it rests on and what was said from it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StanceLink {
    /// The stance.
    pub stance: Stance,
    /// When another one took its place; none while it is in force.
    pub until: Option<Millis>,
    /// What it rests on, oldest first.
    pub evidence: Vec<EvidenceLink>,
    /// What was said from it, oldest first.
    pub posts: Vec<Post>,
}

/// The whole chain of one belief.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Chain {
    /// The belief as it is.
    pub belief: Belief,
    /// Its newest stances, oldest first.
    pub stances: Vec<StanceLink>,
    /// What was said from it under words that none of these stances has.
    pub unplaced: Vec<Post>,
    /// Evidence under none of these stances: added before there was one.
    pub unplaced_evidence: Vec<EvidenceLink>,
}

/// The chain of a belief: the newest [`DETAIL_ROWS`] stances, pieces of evidence and posts.
///
/// # Errors
/// [`crate::memory::Error::NotFound`].
pub fn chain(c: &mut dyn Conn, persona: &PersonaId, belief_id: &str) -> Result<Chain> {
    let belief = beliefs::require(c, persona, belief_id)?;
    let mut taken = stances::list(c, persona, belief_id, DETAIL_ROWS)?;
    taken.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
    let mut links: Vec<StanceLink> = Vec::with_capacity(taken.len());
    for stance in taken {
        if let Some(before) = links.last_mut() {
            before.until = Some(stance.created_at);
        }
        links.push(StanceLink { stance, until: None, evidence: Vec::new(), posts: Vec::new() });
    }
    let mut chain = Chain { belief, stances: links, unplaced: Vec::new(), unplaced_evidence: Vec::new() };
    for piece in evidence::recent(c, persona, belief_id, DETAIL_ROWS)?.into_iter().rev() {
        match chain.stances.iter_mut().find(|link| Some(&link.stance.id) == piece.stance_id.as_ref()) {
            Some(link) => link.evidence.push(piece),
            None => chain.unplaced_evidence.push(piece),
        }
    }
    for said in interactions::from_belief(c, persona, belief_id, None, DETAIL_ROWS)?.into_iter().rev() {
        let snapshot = said.metadata.beliefs.iter().find(|snapshot| snapshot.belief_id == belief_id).cloned();
        let place = snapshot.as_ref().and_then(|snapshot| place(snapshot, said.created_at, &chain.stances));
        let post = post(said, snapshot.as_ref());
        match place.and_then(|place| chain.stances.get_mut(place)) {
            Some(link) => link.posts.push(post),
            None => chain.unplaced.push(post),
        }
    }
    Ok(chain)
}

/// An interaction as a post made from a belief, whose snapshot it kept.
pub(in crate::memory) fn post(said: Interaction, snapshot: Option<&BeliefSnapshot>) -> Post {
    Post {
        interaction_id: said.id,
        reddit_id: said.reddit_id,
        interaction_type: said.interaction_type,
        subreddit: said.subreddit,
        content: said.content,
        confidence: snapshot.and_then(|snapshot| snapshot.confidence),
        at: said.created_at,
        retracted_at: said.retracted_at,
    }
}

fn place(snapshot: &BeliefSnapshot, said_at: Millis, stances: &[StanceLink]) -> Option<usize> {
    stances.iter().rposition(|link| {
        link.stance.created_at <= said_at && link.stance.text == snapshot.stance && Some(link.stance.confidence) == snapshot.confidence
    })
}
