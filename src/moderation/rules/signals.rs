//! What is known around a draft when the rules look at it. A signal that is missing is never taken for a good one. Pure data.

use crate::base::Millis;
use crate::moderation::screening::ConsistencyResult;
use std::collections::BTreeSet;

/// Something that a rule may have to know.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Signal<T> {
    /// This look does not ask for it: rules that need it are not part of it. For looking at a text alone.
    #[default]
    NotAsked,
    /// It was asked for and could not be had, for this reason. The draft goes to a person.
    Missing(String),
    /// It is known.
    Known(T),
}

/// A message of ours that resembles the draft.
#[derive(Debug, Clone, PartialEq)]
pub struct Alike {
    /// The item.
    pub item: String,
    /// Share of common word triples, 0 to 1.
    pub similarity: f64,
    /// When it was drafted.
    pub at: Millis,
    /// Where it went.
    pub subreddit: String,
    /// Whether it answers the same message.
    pub same_parent: bool,
    /// Whether it stands in the same thread.
    pub same_thread: bool,
    /// Its first words.
    pub excerpt: String,
    /// The fullname it was published under.
    pub fullname: Option<String>,
}

/// What we said lately.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    /// Times of our messages from this account, in the last thirty days.
    pub account: Vec<Millis>,
    /// In this subreddit, in the last thirty days.
    pub subreddit: Vec<Millis>,
    /// In this thread, ever.
    pub thread: Vec<Millis>,
    /// To this person, in the last thirty days.
    pub person: Vec<Millis>,
    /// Hosts that our messages link to, newest message first.
    pub linked_hosts: Vec<BTreeSet<String>>,
    /// Messages that resemble the draft, most alike first.
    pub alike: Vec<Alike>,
}

/// What the persona's configuration asks of its drafts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PersonaWishes {
    /// Longest comment in characters.
    pub longest_comment: Option<usize>,
    /// Hosts it may link to, on top of what the rule allows.
    pub link_hosts: BTreeSet<String>,
    /// Its own sites, for the share of links to them.
    pub own_hosts: BTreeSet<String>,
}

/// Everything that is known around a draft.
#[derive(Debug, Clone, Default)]
pub struct Signals<'a> {
    /// The answer of the check against the persona's beliefs; `None` when there is none.
    pub consistency: Option<&'a ConsistencyResult>,
    /// Whether what is answered tries to instruct its reader.
    pub tainted: bool,
    /// Hops below the post.
    pub depth: Signal<u32>,
    /// What we said lately.
    pub history: Signal<History>,
    /// Why the thread, the person or the subreddit is left alone; `None` when they are not.
    pub muted: Signal<Option<String>>,
    /// What the subreddit asks for and the draft lacks.
    pub requirements: Signal<Vec<String>>,
    /// What the persona's configuration asks for.
    pub persona: Signal<PersonaWishes>,
}
