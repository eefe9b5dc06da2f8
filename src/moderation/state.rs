//! The queue's state machine: which states there are, and which steps lead from one to another. Pure.

use serde::Serialize;

/// Where a queue item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits for a reviewer.
    Pending,
    /// A rule forbids it; kept to be looked at.
    Blocked,
    /// A reviewer has it, under a lease.
    Claimed,
    /// Set aside until a time, with a reason.
    Held,
    /// Back with the agent, which writes the next revision.
    Returned,
    /// A reviewer said no.
    Rejected,
    /// A blocked draft that nobody wants.
    Discarded,
    /// Approved; leaves when its undo window is over.
    Scheduled,
    /// The intent is committed; the request is under way.
    Sending,
    /// The request's answer was lost; reading will tell.
    Unknown,
    /// Reading did not tell; a person has to.
    Unresolved,
    /// The other side said no for good.
    Refused,
    /// Sent; not yet looked at again.
    Confirmed,
    /// Seen in public after sending.
    Visible,
    /// Removed by a moderator or a filter after sending.
    Filtered,
    /// Deleted after sending.
    Gone,
    /// Its time or its thread ran out.
    Expired,
    /// Given up after an unresolved delivery.
    Abandoned,
    /// A newer draft for the same parent took its place.
    Superseded,
    /// Deleted again by us after sending, and seen to be gone.
    Retracted,
    /// Its text was changed by us after sending, and seen to be changed.
    Amended,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 21] = [
        Self::Pending,
        Self::Blocked,
        Self::Claimed,
        Self::Held,
        Self::Returned,
        Self::Rejected,
        Self::Discarded,
        Self::Scheduled,
        Self::Sending,
        Self::Unknown,
        Self::Unresolved,
        Self::Refused,
        Self::Confirmed,
        Self::Visible,
        Self::Filtered,
        Self::Gone,
        Self::Expired,
        Self::Abandoned,
        Self::Superseded,
        Self::Retracted,
        Self::Amended,
    ];

    /// The word in the database, in commands and on the screen.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Blocked => "blocked",
            Self::Claimed => "claimed",
            Self::Held => "held",
            Self::Returned => "returned",
            Self::Rejected => "rejected",
            Self::Discarded => "discarded",
            Self::Scheduled => "scheduled",
            Self::Sending => "sending",
            Self::Unknown => "unknown",
            Self::Unresolved => "unresolved",
            Self::Refused => "refused",
            Self::Confirmed => "confirmed",
            Self::Visible => "visible",
            Self::Filtered => "filtered",
            Self::Gone => "gone",
            Self::Expired => "expired",
            Self::Abandoned => "abandoned",
            Self::Superseded => "superseded",
            Self::Retracted => "retracted",
            Self::Amended => "amended",
        }
    }

    /// Whether a reviewer can still decide about it.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Claimed | Self::Held)
    }

    /// Whether the text may already be in public.
    #[must_use]
    pub fn may_be_public(self) -> bool {
        matches!(
            self,
            Self::Sending
                | Self::Unknown
                | Self::Unresolved
                | Self::Confirmed
                | Self::Visible
                | Self::Filtered
                | Self::Gone
                | Self::Retracted
                | Self::Amended
        )
    }

    /// Whether a step from here to `next` is in the state machine. Everything else is a defect, and is refused.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use State::{
            Abandoned, Amended, Blocked, Claimed, Confirmed, Discarded, Expired, Filtered, Gone, Held, Pending, Refused, Rejected,
            Retracted, Returned, Scheduled, Sending, Superseded, Unknown, Unresolved, Visible,
        };
        match self {
            Pending => matches!(next, Pending | Claimed | Expired | Scheduled | Held | Superseded),
            Blocked => matches!(next, Blocked | Pending | Discarded | Expired | Superseded),
            Claimed => matches!(next, Claimed | Pending | Held | Returned | Rejected | Scheduled | Expired | Superseded),
            Held => matches!(next, Pending | Claimed | Expired | Superseded),
            Returned => matches!(next, Pending | Blocked | Expired | Superseded),
            Scheduled => matches!(next, Scheduled | Pending | Sending | Expired),
            Sending => matches!(next, Confirmed | Refused | Scheduled | Pending | Expired | Unknown),
            Unknown => matches!(next, Unknown | Confirmed | Unresolved),
            Unresolved => matches!(next, Confirmed | Scheduled | Abandoned),
            Confirmed | Visible | Filtered => matches!(next, Visible | Filtered | Gone | Retracted | Amended),
            Amended => matches!(next, Amended | Filtered | Gone | Retracted),
            Rejected | Discarded | Refused | Gone | Expired | Abandoned | Superseded | Retracted => false,
        }
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl std::str::FromStr for State {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|state| state.as_str()).collect();
            format!("{text:?} is no state; the states are {}", known.join(", "))
        })
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_doc])* $variant),* }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word in the database and in commands.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text).ok_or_else(|| {
                    let known: Vec<&str> = Self::ALL.iter().map(|value| value.as_str()).collect();
                    format!("{text:?} is none of {}", known.join(", "))
                })
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.pad(self.as_str())
            }
        }
    };
}

words! {
    /// Why a draft was rejected.
    RejectCode {
        /// Not what the thread is about.
        OffTopic = "off_topic",
        /// States something wrong.
        Wrong = "wrong",
        /// Not how the persona speaks.
        OffPersona = "off_persona",
        /// Rude, cold or preachy.
        Tone = "tone",
        /// Against a rule of the subreddit or of ours.
        Rules = "rules",
        /// Could do harm or cost trust.
        TooRisky = "too_risky",
        /// Says nothing.
        TooWeak = "too_weak",
        /// Was said before.
        Duplicate = "duplicate",
        /// Something else: see the note.
        Other = "other",
    }
}

words! {
    /// What the agent has to do after a rejection.
    Directive {
        /// Leave this post alone.
        Drop = "drop",
        /// Write another draft, once, with the note in mind.
        Redraft = "redraft",
        /// Leave the whole thread alone.
        MuteThread = "mute_thread",
        /// Leave this person alone.
        MuteUser = "mute_user",
        /// The persona believes something wrong: leave the post alone, and tell who cares for the beliefs.
        FixBelief = "fix_belief",
    }
}

words! {
    /// What kind of message a draft is.
    PostType {
        /// A post of its own.
        Post = "post",
        /// A comment under a post.
        Comment = "comment",
        /// An answer to somebody who answered us.
        Reply = "reply",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back() {
        for state in State::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert!("posted".parse::<State>().unwrap_err().contains("pending"));
        assert_eq!("mute_user".parse(), Ok(Directive::MuteUser));
    }

    #[test]
    fn what_left_the_house_never_comes_back_to_review() {
        for state in [State::Confirmed, State::Visible, State::Filtered, State::Unknown] {
            for next in State::ALL.into_iter().filter(|next| next.is_open() || *next == State::Scheduled) {
                assert!(!state.may_become(next), "{state} -> {next}");
            }
        }
        assert!(State::ALL.iter().all(|next| !State::Rejected.may_become(*next)));
    }
}
