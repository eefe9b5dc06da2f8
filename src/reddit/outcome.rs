//! What became of a request that writes: done, refused, surely not sent, or not known.

use std::time::Duration;

/// What became of a request that writes. Only [`WriteOutcome::NotSent`] may ever be sent again by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteOutcome {
    /// It is done.
    Confirmed {
        /// The fullname of what was made, changed or deleted.
        fullname: String,
        /// Its link, where the answer had one.
        permalink: Option<String>,
    },
    /// The other side said no, or we did before sending. It is not done.
    Refused {
        /// Reddit's code, upper case; `HTTP_403` and the like where the answer named none.
        code: String,
        /// The field that the refusal names.
        field: Option<String>,
        /// Reddit's words, cleaned and short.
        message: String,
        /// What happens with the item.
        class: RefusalClass,
        /// How long the whole account has to pause, whatever happens with the item.
        pause: Option<Duration>,
    },
    /// Nothing left the machine, or the other side surely did nothing.
    NotSent {
        /// Why.
        reason: String,
        /// How long to wait at least, where that is known.
        not_before: Option<Duration>,
    },
    /// The answer was lost or says nothing: look for it by reading, never send it again by itself.
    Unknown {
        /// How.
        reason: String,
    },
}

impl WriteOutcome {
    /// What has to follow beside what happens with the item.
    #[must_use]
    pub fn consequence(&self) -> Consequence {
        match self {
            Self::Refused { code, .. } => super::refusals::consequence(code),
            _ => Consequence::None,
        }
    }
}

/// What happens with an item that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalClass {
    /// Later, when the account's pause is over.
    Deferred,
    /// Never: the thread is closed to us.
    Expired(ExpiredBecause),
    /// Never: not allowed there.
    Refused,
    /// Back to a person, with this field marked.
    BackToPending(Field),
    /// The account is in trouble: it pauses as a whole until a person has looked after it.
    AccountPaused,
    /// The link exists already: confirmed if it is ours, else refused as a duplicate.
    ConfirmedIfOurs,
}

/// Why nothing can be said in a thread any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpiredBecause {
    /// What we wanted to answer was deleted or removed.
    ParentGone,
    /// The thread is locked.
    Locked,
    /// The thread is archived.
    Archived,
    /// They or we blocked the other.
    Blocked,
}

impl ExpiredBecause {
    /// The word that is stored: `parent_gone`, `locked`, `archived`, `blocked`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ParentGone => "parent_gone",
            Self::Locked => "locked",
            Self::Archived => "archived",
            Self::Blocked => "blocked",
        }
    }
}

/// The part of an item that a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The title.
    Title,
    /// The text.
    Body,
    /// The link.
    Url,
    /// The flair.
    Flair,
    /// Something else.
    Other,
}

impl Field {
    /// The word for it: `title`, `body`, `url`, `flair`, `other`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Body => "body",
            Self::Url => "url",
            Self::Flair => "flair",
            Self::Other => "other",
        }
    }

    /// The field that Reddit's name for it means, or that its code speaks of.
    pub(super) fn of(named: Option<&str>, code: &str) -> Self {
        match named.map(str::to_ascii_lowercase).as_deref() {
            Some("title") => Self::Title,
            Some("text" | "body" | "selftext") => Self::Body,
            Some("url" | "link") => Self::Url,
            Some("flair" | "flair_id" | "flair_text") => Self::Flair,
            _ => [
                ("TITLE", Self::Title),
                ("BODY", Self::Body),
                ("TEXT", Self::Body),
                ("FLAIR", Self::Flair),
                ("URL", Self::Url),
                ("LINK", Self::Url),
            ]
            .into_iter()
            .find_map(|(word, field)| code.contains(word).then_some(field))
            .unwrap_or(Self::Other),
        }
    }
}

/// What has to follow a refusal beside what happens with the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consequence {
    /// Nothing.
    None,
    /// Do not write to this subreddit any more.
    DisableTarget,
    /// Leave this person alone.
    MuteUser,
    /// Offer a rule against this domain.
    SuggestRule,
    /// The subreddit's requirements that we know are old.
    RefreshRequirements,
    /// Tell a person.
    Alarm,
}
