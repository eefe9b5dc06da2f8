//! What comes with a draft into the queue: the thread it answers, the beliefs it leans on, what it proposes and what it cost. Pure data.

use super::screening::ConsistencyResult;
use crate::base::{Picos, digest::sha256_parts};
use crate::llm::judge::JudgeAnswer;
use crate::memory::interactions::BeliefSnapshot;
use crate::memory::{BeliefChangesApplied, BeliefProposals};
use serde::{Deserialize, Serialize};

/// A post or comment of the thread, as it was when the draft was written. Raw text from outside.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ThreadEntry {
    /// `t1_…` or `t3_…`.
    pub fullname: String,
    /// Who wrote it.
    pub author: String,
    /// Title, for a post.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The text.
    pub body: String,
    /// Its link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permalink: Option<String>,
}

impl ThreadEntry {
    /// The digest of its text: when it differs at sending, the thread was edited since the draft.
    #[must_use]
    pub fn digest(title: Option<&str>, body: &str) -> String {
        sha256_parts(&[title.unwrap_or_default().as_bytes(), body.as_bytes()])
    }
}

/// What came with a draft.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DraftMetadata {
    /// The post at the top, the comments between, and last the one that is answered.
    pub thread: Vec<ThreadEntry>,
    /// [`ThreadEntry::digest`] of what is answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_digest: Option<String>,
    /// How many hops the answered comment lies below the post.
    pub conversation_depth: u32,
    /// The beliefs as they were.
    pub beliefs: Vec<BeliefSnapshot>,
    /// What the consistency check said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consistency: Option<ConsistencyResult>,
    /// What the online judges said of the text as it was drafted.
    pub judges: Vec<JudgeAnswer>,
    /// Belief changes that go with the draft: applied when it was sent.
    pub belief_proposals: BeliefProposals,
    /// Why there are no proposals, when making them failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposals_missing: Option<String>,
    /// What became of the proposals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub belief_changes_applied: Option<BeliefChangesApplied>,
    /// The model that wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Tokens read by the calls for this draft.
    pub tokens_in: u64,
    /// Tokens written by the calls for this draft.
    pub tokens_out: u64,
    /// What the calls for this draft cost; `None` when a call has no price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_picos: Option<Picos>,
    /// Whether the answered text tries to instruct its reader.
    pub tainted: bool,
    /// Whether it was made in the sandbox.
    pub sandbox: bool,
    /// Whether no person decided.
    pub auto_posted: bool,
}
