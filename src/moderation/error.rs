//! What can be wrong with a moderation request, in sentences that an operator can act on.

use super::roles::Role;
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
    #[error("item {id} has already left ({state}); `quarterdeck queue retract {id}` deletes what was sent, `queue amend` changes its text")]
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
    /// The person's role does not allow it.
    #[error("{name} is {role} here, and {action} needs {needed}: {how}")]
    NotAllowed {
        /// Who.
        name: String,
        /// The role they have.
        role: Role,
        /// What was wanted, as `deciding about drafts`.
        action: &'static str,
        /// The least role that may.
        needed: Role,
        /// Who can do it, or how to get the role.
        how: String,
    },
    /// The team cannot be changed like this.
    #[error("the team cannot be changed: {why}")]
    Team {
        /// Why, and what to do first.
        why: String,
    },
    /// This block cannot be overridden by anybody.
    #[error("item {id} cannot be overridden: {why}")]
    NoOverride {
        /// The item.
        id: String,
        /// Why, and what to do.
        why: String,
    },
    /// It is not in public, so that nothing there can be deleted or changed.
    #[error("item {id} is {state}: only what was sent and {there} can be {wanted}; `quarterdeck queue show {id}` tells its history")]
    NotThere {
        /// The item.
        id: String,
        /// The state it has.
        state: State,
        /// What it would have to be.
        there: &'static str,
        /// What was wanted, as a participle.
        wanted: &'static str,
    },
    /// Another wish about what was sent is open.
    #[error("{by} asked at {} to {kind} item {id}; `quarterdeck queue show {id}` tells how far that is, `queue undo` takes it back", clock::local(*at))]
    AmendmentOpen {
        /// The item.
        id: String,
        /// `retract` or `amend`.
        kind: &'static str,
        /// Who asked.
        by: String,
        /// When.
        at: Millis,
    },
    /// No wish about what was sent is open.
    #[error("nothing about item {id} waits to be {wanted}; `quarterdeck queue show {id}` tells what became of it")]
    NoAmendment {
        /// The item.
        id: String,
        /// What was wanted, as a participle.
        wanted: &'static str,
    },
    /// A wish about what was sent is being carried out.
    #[error(
        "the {kind} of item {id} is being carried out already, so that it cannot be taken back; `quarterdeck queue show {id}` tells what came of it"
    )]
    AmendmentStarted {
        /// The item.
        id: String,
        /// `retract` or `amend`.
        kind: &'static str,
    },
    /// What a second person wanted to confirm holds no more.
    #[error(
        "item {id}, its account or the rules changed since the new text was asked for; take it back with `quarterdeck queue amend {id} --cancel` and ask anew"
    )]
    AmendmentStale {
        /// The item.
        id: String,
    },
    /// It was sent in another mode.
    #[error("item {id} was sent in mode {sent_in}, and this deck is in mode {}; use the deck that sent it", mode.as_str())]
    OtherMode {
        /// The item.
        id: String,
        /// The mode it was sent in.
        sent_in: String,
        /// The mode of this deck.
        mode: super::approval::Mode,
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
