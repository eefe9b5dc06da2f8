//! What can go wrong in memory, said so that the reader knows what to do next.

use crate::base::PersonaId;

/// The result of an operation on memory.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A refusal or failure: what failed, on what, and what to do next.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// No persona has this id or username.
    #[error("there is no persona {key:?}; `quarterdeck persona list` shows those that exist")]
    PersonaNotFound {
        /// What was asked for.
        key: String,
    },
    /// The username is taken. Usernames differ by more than their case.
    #[error("the persona {username:?} exists already; choose another username, or change that one with `quarterdeck persona set`")]
    PersonaExists {
        /// The username as it is stored.
        username: String,
    },
    /// The row does not exist, or belongs to another persona: the two are not told apart.
    #[error("persona {persona} has no {kind} {id:?}; check the id, and that it belongs to this persona")]
    NotFound {
        /// belief, edge, stance, …
        kind: &'static str,
        /// The id that was asked for.
        id: String,
        /// The persona that was asked.
        persona: PersonaId,
    },
    /// The stance in force is locked: nothing may move it.
    #[error("the stance of belief {title:?} ({belief_id}) is locked; unlock it first, giving a reason, then change it")]
    Locked {
        /// The belief.
        belief_id: String,
        /// Its title.
        title: String,
    },
    /// The belief has no stance in the state that the operation starts from.
    #[error("belief {title:?} ({belief_id}) has no {wanted} stance; {next}")]
    NoStance {
        /// The belief.
        belief_id: String,
        /// Its title.
        title: String,
        /// current or locked.
        wanted: &'static str,
        /// What to do about it.
        next: &'static str,
    },
    /// Somebody decided it already.
    #[error("suggestion {id} is {state} already, by {by}; it is decided once")]
    Decided {
        /// The suggestion.
        id: String,
        /// accepted, refused or linked.
        state: &'static str,
        /// Who decided; empty when nobody had to.
        by: String,
    },
    /// A change cannot be taken back.
    #[error("the change {id} cannot be taken back: {why}")]
    NotUndoable {
        /// The change.
        id: String,
        /// Why not, and what to do instead.
        why: String,
    },
    /// The short form of an id fits several.
    #[error("{id:?} fits several {kind}s; give more of its characters")]
    Ambiguous {
        /// belief, suggestion, …
        kind: &'static str,
        /// What was asked for.
        id: String,
    },
    /// A value is outside of what is allowed.
    #[error("{what} is {found}: expected {expected}")]
    Invalid {
        /// The parameter, key or field.
        what: String,
        /// The value as it came, shortened.
        found: String,
        /// The rule in words.
        expected: String,
    },
    /// The same edge exists.
    #[error("belief {source_id} already {relation} {target_id} (edge {edge_id}); remove that edge first to change its weight")]
    DuplicateEdge {
        /// The edge that exists.
        edge_id: String,
        /// Where it starts.
        source_id: String,
        /// Where it ends.
        target_id: String,
        /// Its relation in words.
        relation: &'static str,
    },
    /// An edge from a belief to itself.
    #[error("belief {belief_id} cannot have an edge to itself; name another belief as the target")]
    SelfEdge {
        /// The belief.
        belief_id: String,
    },
    /// An interaction with this Reddit id was recorded before.
    #[error("an interaction with the Reddit id {reddit_id:?} is recorded already; it is not recorded twice")]
    DuplicateInteraction {
        /// The fullname.
        reddit_id: String,
    },
    /// The key names a secret.
    #[error("{key:?} is a secret and is never kept in the database; give it through the environment or the secrets file")]
    SecretSetting {
        /// The key as it came.
        key: String,
    },
    /// The embedded seed data does not hold together. A test guards it.
    #[error("the embedded seed data is wrong: {reason}")]
    Seed {
        /// What is wrong.
        reason: String,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
}

impl Error {
    pub(crate) fn invalid(what: impl Into<String>, found: impl std::fmt::Display, expected: impl Into<String>) -> Self {
        let found = found.to_string();
        let mut short: String = found.chars().take(80).collect();
        if short.len() < found.len() {
            short.push('…');
        }
        Self::Invalid { what: what.into(), found: short, expected: expected.into() }
    }

    /// [`Error::Invalid`] for text, quoted so that an empty one is seen.
    pub(crate) fn invalid_text(what: impl Into<String>, found: &str, expected: impl Into<String>) -> Self {
        let short: String = found.chars().take(80).collect();
        Self::invalid(what, format!("{short:?}"), expected)
    }

    pub(crate) fn not_found(kind: &'static str, id: &str, persona: &PersonaId) -> Self {
        Self::NotFound { kind, id: id.to_owned(), persona: persona.clone() }
    }
}
