//! What can be wrong with a moderation request, in sentences that an operator can act on.

use super::state::State;
use crate::base::{Millis, clock};

/// The result of a moderation operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A refusal or a failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such item for this persona. Another persona's item is not found as well.
    #[error("there is no queue item {id:?} for this persona; `quarterdeck queue list` shows the ids")]
    NotFound {
        /// What was asked for.
        id: String,
    },
    /// A short id that fits several items.
    #[error("the id {id:?} fits several queue items; write more of it")]
    Ambiguous {
        /// What was asked for.
        id: String,
    },
    /// The item changed since it was read.
    #[error(
        "item {id} changed meanwhile: you saw version {seen}, it is now version {found} ({state}{who}); look at it again before deciding"
    )]
    Changed {
        /// The item.
        id: String,
        /// The version the caller saw.
        seen: i64,
        /// The version it has.
        found: i64,
        /// The state it has.
        state: State,
        /// By whom and when, as ` by ana at …`, or empty.
        who: String,
    },
    /// Another reviewer has it.
    #[error("item {id} is claimed by {holder} until {}; wait, or ask {holder} to release it", clock::local(*until))]
    ClaimedByOther {
        /// The item.
        id: String,
        /// Who has it.
        holder: String,
        /// When the lease ends.
        until: Millis,
    },
    /// It was passed on to somebody.
    #[error("item {id} was passed on to {to}, who has to decide it; others look at it with `quarterdeck queue show`")]
    Escalated {
        /// The item.
        id: String,
        /// To whom.
        to: String,
    },
    /// The state does not allow this.
    #[error("item {id} is {state}{who}: it cannot be {wanted} any more; `quarterdeck queue show {id}` tells its history")]
    WrongState {
        /// The item.
        id: String,
        /// The state it has.
        state: State,
        /// By whom and when, as ` by ana at …`, or empty.
        who: String,
        /// What was wanted, as a participle: `approved`.
        wanted: &'static str,
    },
    /// Something that sending needs is missing.
    #[error("item {id} cannot be sent: {missing}; reject it, or return it with a note")]
    Incomplete {
        /// The item.
        id: String,
        /// What is missing.
        missing: String,
    },
    /// A hard rule forbids it.
    #[error("item {id} is blocked by a rule: {flags}; edit it, or reject it")]
    Blocked {
        /// The item.
        id: String,
        /// The rules' flags.
        flags: String,
    },
    /// Its time is over.
    #[error("item {id} expired at {}; reject it or let the agent draft anew", clock::local(*at))]
    Expired {
        /// The item.
        id: String,
        /// When.
        at: Millis,
    },
    /// The undo window is over.
    #[error("item {id} has already left ({state}); what was sent can only be deleted or edited on Reddit")]
    TooLateToUndo {
        /// The item.
        id: String,
        /// The state it has.
        state: State,
    },
    /// The parent already has a draft or an answer of ours.
    #[error("{parent} already has a draft or an answer of this persona (item {existing})")]
    AlreadyAnswered {
        /// The parent's fullname.
        parent: String,
        /// The item that stands in the way.
        existing: String,
    },
    /// A value is out of its range.
    #[error("{what} is {found}, expected {expected}")]
    Invalid {
        /// Which value.
        what: &'static str,
        /// What it is.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// A second person is needed.
    #[error("{action} needs a second person: {why} item {id}; somebody else has to do it")]
    SecondPersonNeeded {
        /// What was wanted.
        action: &'static str,
        /// What the first person did, as `ana has approved`.
        why: String,
        /// The item.
        id: String,
    },
    /// Many items are decided without being read: what needs a look is left out.
    #[error("item {id} is not approved together with others: {why}; look at it with `quarterdeck queue show {id}`")]
    NeedsALook {
        /// The item.
        id: String,
        /// What speaks against it.
        why: String,
    },
    /// This machine's clock and another's differ too much for leases and deadlines to mean anything.
    #[error("this machine's clock is {} {than}: one of the two is wrong, and nothing is decided until they agree (see `date` on both)", clock::duration(*by))]
    ClocksDiffer {
        /// How far, in milliseconds.
        by: Millis,
        /// In which direction, and from what: `behind the newest entry …`.
        than: String,
    },
    /// A step that the state machine does not have: a defect of the program.
    #[error("item {id} may not go from {from} to {to}; this is a defect of quarterdeck, please report it")]
    ForbiddenStep {
        /// The item.
        id: String,
        /// From.
        from: State,
        /// To.
        to: State,
    },
    /// The belief store refused.
    #[error(transparent)]
    Memory(#[from] crate::memory::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
}
