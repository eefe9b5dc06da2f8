//! What the loop tells whoever watches it: the headless demo, a log, a console.

use crate::moderation::amendments::{Kind, Outcome};
use crate::moderation::deliver::Round;
use crate::moderation::{State, Verdict};
use serde::Serialize;

/// Something that happened. Texts from outside are raw: whoever shows them cleans them.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The loop began.
    Started {
        /// The persona's name.
        persona: String,
        /// Deliveries whose answer was lost when the program last stopped.
        recovered: usize,
    },
    /// Messages were read.
    Perceived {
        /// The persona's name.
        persona: String,
        /// New posts that were looked at.
        posts: usize,
        /// Answers in the inbox that were looked at.
        replies: usize,
    },
    /// A message was left alone.
    Skipped {
        /// Its fullname.
        parent: String,
        /// Why.
        reason: String,
    },
    /// A draft is in the queue.
    Queued {
        /// The item's id.
        id: String,
        /// Where it stands: pending, blocked or scheduled.
        state: State,
        /// What screening said.
        verdict: Verdict,
        /// Its flags in one line.
        flags: String,
        /// Where it goes.
        subreddit: String,
        /// What is answered.
        parent: String,
        /// The text.
        content: String,
    },
    /// What a draft answers was edited, and a newer draft took its place.
    Superseded {
        /// The item that gave way.
        id: String,
        /// The one that came.
        by: String,
        /// What is answered.
        parent: String,
    },
    /// The file of rules was read again.
    RulesChanged {
        /// The rules in force now.
        version: String,
        /// Why those of the file are not; the ones before stay.
        failure: Option<String>,
    },
    /// A revision that a reviewer asked for is back in the queue.
    Resubmitted {
        /// The item's id.
        id: String,
        /// Where it stands.
        state: State,
        /// The text.
        content: String,
    },
    /// Working on one message failed; the others go on.
    ItemFailed {
        /// Its fullname.
        parent: String,
        /// What went wrong.
        error: String,
    },
    /// A delivery took a step.
    Delivery {
        /// The item's id.
        id: String,
        /// Where it stands now.
        state: State,
        /// The message it became.
        fullname: Option<String>,
        /// Why it stands there, in words.
        reason: Option<String>,
    },
    /// A wish about something that was sent took a step.
    Amendment {
        /// The item's id.
        id: String,
        /// Taking away or a new text.
        kind: Kind,
        /// How it ended; nothing while it is open.
        outcome: Option<Outcome>,
        /// Where the item stands now.
        state: State,
        /// What was found, in words.
        message: Option<String>,
    },
    /// A cycle ended.
    CycleDone {
        /// The persona's name.
        persona: String,
        /// Drafts that were queued.
        drafted: usize,
        /// How long it took, in milliseconds.
        took: i64,
        /// What went wrong, if something did.
        failure: Option<String>,
    },
    /// The loop ended.
    Stopped {
        /// The persona's name.
        persona: String,
    },
}

impl Round {
    /// What to tell of a round of deliveries, in its order.
    pub fn events(&self) -> impl Iterator<Item = Event> + '_ {
        let amended = self.amended.iter().map(|(item, wish)| Event::Amendment {
            id: item.id.clone(),
            kind: wish.kind,
            outcome: wish.outcome,
            state: item.state,
            message: wish.message.clone(),
        });
        let moved = self.moved.iter().map(|item| Event::Delivery {
            id: item.id.clone(),
            state: item.state,
            fullname: item.fullname.clone(),
            reason: item.state_reason.clone(),
        });
        amended.chain(moved)
    }
}

/// Where events go. Cheap to clone; a watcher that went away stops nothing.
#[derive(Debug, Clone, Default)]
pub struct Observer(Option<tokio::sync::mpsc::UnboundedSender<Event>>);

impl Observer {
    /// Events go to `sender`.
    #[must_use]
    pub fn new(sender: tokio::sync::mpsc::UnboundedSender<Event>) -> Self {
        Self(Some(sender))
    }

    /// Tell.
    pub fn tell(&self, event: Event) {
        tracing::info!(target: "quarterdeck::agent", event = %serde_json::to_string(&event).unwrap_or_default());
        if let Some(sender) = &self.0 {
            let _ = sender.send(event);
        }
    }
}
