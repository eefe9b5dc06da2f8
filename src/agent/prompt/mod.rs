//! What the model is shown: the system prompt and the context, within a budget, in a fixed order.
//!
//! Context: Persona, Writing rules, Voice examples, Recent posts, Recent corrections, Beliefs, Past statements, Thread, Reference URLs,
//! and the task. Tokens are estimated as a quarter of the characters, rounded up: near enough for English prose and on the safe side of
//! no tokenizer at all; other scripts may take more. When the context is over its budget it is pruned in this order: past statements,
//! the beliefs of lowest confidence (one stays), evidence, then the oldest comments, voice examples, recent posts and URLs, and last
//! the subreddit's rules. The post, what is answered, the writing rules and the corrections stay.
//!
//! All text from outside is enclosed in marks with a nonce, see [`Nonce`]. No I/O.

mod context;
mod length;
mod system;
mod untrusted;

pub use length::Length;
pub use untrusted::Nonce;

use crate::memory::PersonaConfig;

/// The token budget of the context.
pub const BUDGET_TOKENS: usize = 3_000;

/// Tokens that a text takes: a quarter of its characters, rounded up.
#[must_use]
pub fn estimate_tokens(text: &str) -> usize {
    text.chars().count().div_ceil(4)
}

/// Everything that a prompt may be made of. What is too much is left out here: hand over what there is, newest or best first.
#[derive(Debug, Clone)]
pub struct Material<'a> {
    /// The persona's username, without `u/`.
    pub username: &'a str,
    /// What makes it this persona.
    pub config: &'a PersonaConfig,
    /// What it wrote last, newest first. Four are shown.
    pub recent_posts: &'a [String],
    /// What reviewers said about its drafts, newest first. Five are shown.
    pub corrections: &'a [Correction],
    /// What it believes. The ten of highest confidence are shown.
    pub beliefs: &'a [PromptBelief],
    /// What it said before on this matter or in this subreddit, best first. Three are shown.
    pub past_statements: &'a [String],
    /// What it answers.
    pub thread: &'a Thread,
}

/// A belief as the model is shown it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PromptBelief {
    /// Its id, to be kept with the draft.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// The stance in force.
    pub stance: String,
    /// 0..1; none when nothing was decided.
    pub confidence: Option<f64>,
    /// References to evidence, newest first. Two are shown, for the first five beliefs.
    pub evidence: Vec<String>,
}

/// What a reviewer did with a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CorrectionKind {
    /// Rejected it.
    Rejected,
    /// Changed it before it was sent.
    Edited,
    /// Returned it to be written again.
    Returned,
    /// Found fault with it after it was sent.
    Labelled,
}

/// What a reviewer said about a draft. The reviewer is one of ours: this is an instruction, not data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// What was done.
    pub kind: CorrectionKind,
    /// Why, in the reviewer's words or as the reason that was picked.
    pub reason: String,
}

/// The thread that is answered: all of it from outside.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Thread {
    /// Without `r/`.
    pub subreddit: String,
    /// Names of the subreddit's rules, in its moderators' words and order. Ten are shown.
    pub rules: Vec<String>,
    /// The post's title.
    pub title: String,
    /// Its author; none when the account is gone.
    pub author: Option<String>,
    /// Its text. 500 characters are shown.
    pub body: String,
    /// Comments before the one that is answered, oldest first. Ten are shown, the last ones, 300 characters each.
    pub comments: Vec<ThreadComment>,
    /// The comment that is answered; none to answer the post.
    pub answering: Option<ThreadComment>,
    /// Addresses in the post. Five are shown.
    pub post_urls: Vec<String>,
    /// Addresses in the comments. Five are shown.
    pub comment_urls: Vec<String>,
}

/// A comment of the thread.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ThreadComment {
    /// Its author; none when the account is gone.
    pub author: Option<String>,
    /// Its text.
    pub body: String,
    /// The persona itself wrote it.
    pub ours: bool,
}

/// What was left out to stay within the budget.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Past statements.
    pub past_statements: usize,
    /// Beliefs.
    pub beliefs: usize,
    /// Evidence of beliefs that stayed.
    pub evidence: usize,
    /// Comments of the thread.
    pub comments: usize,
    /// Voice examples, recent posts, URLs and the subreddit's rules.
    pub other: usize,
}

/// A prompt ready to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// The system message.
    pub system: String,
    /// The user message: context and task.
    pub user: String,
    /// Estimated tokens of the user message.
    pub tokens: usize,
    /// Ids of the beliefs that it shows, most confident first: the belief snapshot of the draft.
    pub belief_ids: Vec<String>,
    /// What was left out for the budget.
    pub pruned: Pruned,
    /// It is over the budget though all was left out that may be: the persona's own texts are too long.
    pub over_budget: bool,
    /// Invisible or steering characters that were taken out of text from outside. Not zero is a reason for a closer look.
    pub characters_removed: usize,
}

/// Put the prompt together. The nonce must be fresh for each prompt.
#[must_use]
pub fn assemble(material: &Material<'_>, nonce: &Nonce, budget_tokens: usize) -> Prompt {
    let mut context = context::Context::collect(material, nonce);
    let mut pruned = Pruned::default();
    let mut user = context.render();
    let mut over_budget = false;
    while estimate_tokens(&user) > budget_tokens {
        if !context.prune_one(&mut pruned) {
            over_budget = true;
            break;
        }
        user = context.render();
    }
    Prompt {
        system: system::prompt(material.username, material.config, nonce),
        tokens: estimate_tokens(&user),
        user,
        belief_ids: context.belief_ids(),
        pruned,
        over_budget,
        characters_removed: context.characters_removed,
    }
}

#[cfg(test)]
mod tests;
