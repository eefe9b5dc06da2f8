//! What the console asks of the deck, and what comes back. Each request runs as a task of its own; the screen never waits for one.

mod case;
mod list;

pub(super) use case::Case;
pub(super) use list::{From, Part};

use super::memory::{Change, Saved, Shelf, Store};
use super::search::request as search;
use crate::agent::runs;
use crate::base::{Millis, PersonaId};
use crate::deck::Deck;
use crate::memory::Persona;
use crate::moderation::listing::{self, Filter, Line};
use crate::moderation::pauses::{self, Pause, Scope};
use crate::moderation::screening::{Outgoing, Surroundings};
use crate::moderation::stats::{self, Metric, Window};
use crate::moderation::{self, Directive, Evaluation, Item, Mode, On, RejectCode, bulk, clock, decisions, item, judged, queue, team};
use crate::store::Conn;
use crate::store::audit::Actor;
use std::sync::{Arc, OnceLock};

/// Why a change is refused.
pub(super) const READ_ONLY: &str =
    "this console only reads, nothing was changed; leave --read-only and console.read_only out to change something";

/// An item, and the version that was on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub persona: PersonaId,
    pub id: String,
    pub version: i64,
}

/// What a person decides.
#[derive(Debug, Clone)]
pub(super) enum Decision {
    Claim,
    Release,
    Approve,
    /// One of many that are approved together: what needs a look is refused.
    ApproveUnread,
    Reject {
        code: RejectCode,
        directive: Directive,
        note: Option<String>,
    },
    Return {
        note: String,
    },
    Hold {
        length: Millis,
        reason: String,
    },
    Escalate {
        to: String,
        reason: String,
    },
    Skip,
    Undo,
    /// A new text for the case as it was when the change began.
    Edit {
        case: Box<Case>,
        text: String,
    },
}

impl Decision {
    /// What was done, as a participle.
    pub fn done(&self) -> &'static str {
        match self {
            Self::Claim => "claimed",
            Self::Release => "given back",
            Self::Approve | Self::ApproveUnread => "approved",
            Self::Reject { .. } => "rejected",
            Self::Return { .. } => "returned to the agent",
            Self::Hold { .. } => "held",
            Self::Escalate { .. } => "passed on",
            Self::Skip => "passed over",
            Self::Undo => "taken back",
            Self::Edit { .. } => "changed",
        }
    }

    /// What is about to be done.
    pub fn wish(&self) -> &'static str {
        match self {
            Self::Claim => "Claim",
            Self::Release => "Give back",
            Self::Approve | Self::ApproveUnread => "Approve",
            Self::Reject { .. } => "Reject",
            Self::Return { .. } => "Return to the agent",
            Self::Hold { .. } => "Hold",
            Self::Escalate { .. } => "Pass on",
            Self::Skip => "Pass over",
            Self::Undo => "Take back",
            Self::Edit { .. } => "Change",
        }
    }

    /// Whether the item leaves the list with it.
    pub fn moves_on(&self) -> bool {
        !matches!(self, Self::Claim | Self::Release | Self::Undo | Self::Edit { .. })
    }
}

/// What is asked.
#[derive(Debug, Clone)]
pub(super) enum Request {
    /// What the audit log's view asks.
    Audit(super::audit::request::Request),
    /// What the beliefs' tab asks.
    Beliefs(super::beliefs::Request),
    /// What the gauges' tab asks.
    Gauges(super::gauges::request::Request),
    /// What the health tab asks.
    Health(super::health::request::Request),
    /// A part of the list. `generation` tells an answer that is no longer wanted.
    List { filter: Box<Filter>, from: From, generation: u64 },
    /// An item with everything that a decision rests on.
    Case { persona: PersonaId, id: String },
    /// A decision about the version that was seen.
    Decide { seen: Seen, decision: Decision },
    /// What the rules say of a text that is being typed.
    Screen { item: Box<Item>, text: String, generation: u64 },
    /// Who is there, what is stopped, how much waits.
    Overview { persona: Option<PersonaId> },
    /// Something of the search tab.
    Search(search::Request),
    /// The numbers of the queue.
    Stats { persona: Option<PersonaId> },
    /// Save a filter, or take one away.
    Keep { store: Store, change: Change },
    /// Stop all sending, or send again.
    Pause { stop: bool },
    /// Read the rules, which may be wrong.
    Rules,
}

/// What stands in the status line.
#[derive(Debug, Clone, Default)]
pub(super) struct Overview {
    pub personas: Vec<Persona>,
    pub pauses: Vec<Pause>,
    pub waiting: usize,
    /// Suggestions about beliefs that wait for a person.
    pub suggestions: usize,
    pub agents: usize,
    /// Budgets that everybody is to see, with the percentage that was reached; the most urgent one first.
    pub budgets: Vec<(String, u32)>,
    /// What this reviewer approved and can still take back, the last to leave first.
    pub leaving: Vec<Line>,
}

/// What comes back.
#[derive(Debug)]
pub(super) enum Reply {
    Audit(Box<super::audit::request::Reply>),
    Beliefs(Box<super::beliefs::Reply>),
    Gauges(super::gauges::request::Reply),
    Health(super::health::request::Reply),
    List {
        part: Part,
        from: From,
        generation: u64,
    },
    Case(Box<Case>),
    Gone {
        id: String,
        why: String,
    },
    Decided {
        seen: Seen,
        decision: Decision,
        result: Result<Box<Item>, String>,
    },
    Screened {
        evaluation: Box<Evaluation>,
        generation: u64,
    },
    Overview(Box<Overview>),
    Search(search::Reply),
    Stats(Vec<Metric>),
    Paused(Result<bool, String>),
    /// What is wrong with the rules.
    Rules(Option<String>),
    Kept {
        change: Change,
        result: Result<Option<Saved>, String>,
    },
    /// Something that was asked could not be answered.
    Failed {
        what: &'static str,
        why: String,
    },
}

impl Request {
    /// Whether a person waits for its answer.
    pub fn is_awaited(&self) -> bool {
        match self {
            Self::Audit(request) => request.is_awaited(),
            Self::Search(request) => request.is_awaited(),
            Self::Gauges(request) => request.is_awaited(),
            Self::Health(request) => request.is_awaited(),
            _ => true,
        }
    }
}

impl Request {
    /// Whether it changes anything of the deck. What a person keeps for themselves, saved filters and exports, is none of it.
    pub fn changes(&self) -> bool {
        match self {
            Self::Decide { .. } | Self::Pause { .. } => true,
            Self::Beliefs(request) => matches!(request, super::beliefs::Request::Change(_)),
            Self::Health(request) => request.changes(),
            Self::Search(request) => matches!(request, search::Request::Follow),
            _ => false,
        }
    }
}

impl Reply {
    /// Whether a person waited for it.
    pub fn is_awaited(&self) -> bool {
        match self {
            Self::Audit(reply) => reply.is_awaited(),
            Self::Search(reply) => reply.is_awaited(),
            Self::Gauges(reply) => reply.is_awaited(),
            Self::Health(reply) => reply.is_awaited(),
            _ => true,
        }
    }
}

/// What a request works with. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Desk {
    pub deck: Deck,
    pub actor: Actor,
    /// The client of an agent in this process, where there is one.
    pub models: Option<crate::llm::Client>,
    /// Made when it is first needed: compiling the rules takes longer than the first frame may.
    screener: OnceLock<Result<moderation::rules::Screener, String>>,
}

impl Desk {
    fn now(&self) -> Millis {
        self.deck.clock.now()
    }

    /// The rules in force, or what is wrong with them.
    pub fn screener(&self) -> &Result<moderation::rules::Screener, String> {
        self.screener.get_or_init(|| self.deck.screener().map_err(|error| error.to_string()))
    }

    /// Whether there are rules of the user's own, which may be wrong; those that ship are not.
    pub fn has_own_rules(&self) -> bool {
        self.deck.rules_file().exists()
    }

    /// What comes back at once where nothing may be changed.
    pub fn refused(&self, request: &Request) -> Option<Reply> {
        if !self.deck.settings.console.read_only || !request.changes() {
            return None;
        }
        let why = || READ_ONLY.to_owned();
        Some(match request.clone() {
            Request::Decide { seen, decision } => Reply::Decided { seen, decision, result: Err(why()) },
            Request::Pause { .. } => Reply::Paused(Err(why())),
            Request::Beliefs(super::beliefs::Request::Change(change)) => {
                Reply::Beliefs(Box::new(super::beliefs::Reply::Changed { change, result: Err(why()) }))
            }
            Request::Health(request) => Reply::Health(request.refused(&why())?),
            // Search shows what is taken in already.
            Request::Search(search::Request::Follow) => Reply::Search(search::Reply::Followed(Ok(crate::search::Followed::default()))),
            _ => return None,
        })
    }

    /// Answer a request.
    pub async fn answer(&self, request: Request) -> Reply {
        if let Some(refused) = self.refused(&request) {
            return refused;
        }
        match request {
            Request::Audit(request) => Reply::Audit(Box::new(super::audit::request::answer(self, request, drop).await)),
            Request::Beliefs(request) => Reply::Beliefs(Box::new(super::beliefs::request::answer(self, request).await)),
            Request::Gauges(request) => Reply::Gauges(super::gauges::request::answer(self, request).await),
            Request::Health(request) => Reply::Health(super::health::request::answer(self, request, |_| ()).await),
            Request::List { filter, from, generation } => {
                let part = {
                    let from = from.clone();
                    self.deck.db.read(move |c| list::part(c, &filter, &from)).await
                };
                match part {
                    Ok(part) => Reply::List { part, from, generation },
                    Err(error) => Reply::Failed { what: "the list", why: error.to_string() },
                }
            }
            Request::Case { persona, id } => {
                let named = id.clone();
                match self.deck.db.read(move |c| case::read(c, &persona, &id)).await {
                    Ok(case) => Reply::Case(Box::new(case)),
                    Err(error) => Reply::Gone { id: named, why: error.to_string() },
                }
            }
            Request::Decide { seen, decision } => {
                let result = self.decide(&seen, &decision).await.map(Box::new);
                Reply::Decided { seen, decision, result }
            }
            Request::Screen { item, text, generation } => self.screen(*item, text, generation).await,
            Request::Overview { persona } => {
                let (now, me) = (self.now(), self.actor.name.clone());
                match self.deck.db.read(move |c| overview(c, persona.as_ref(), &me, now)).await {
                    Ok(overview) => Reply::Overview(Box::new(overview)),
                    Err(error) => Reply::Failed { what: "the state of the deck", why: error.to_string() },
                }
            }
            Request::Search(request) => Reply::Search(search::answer(self, request).await),
            Request::Stats { persona } => {
                let now = self.now();
                let window = Window { since: now - 86_400_000, now, sla: 3_600_000 };
                match self.deck.db.read(move |c| stats::of(c, persona.as_ref(), window)).await {
                    Ok(stats) => Reply::Stats(stats.metrics),
                    Err(error) => Reply::Failed { what: "the numbers of the queue", why: error.to_string() },
                }
            }
            Request::Keep { store, change } => {
                let result = store.change(Shelf::Filters, &change);
                Reply::Kept { change, result }
            }
            Request::Pause { stop } => Reply::Paused(self.pause(stop).await),
            Request::Rules => Reply::Rules(self.screener().as_ref().err().cloned()),
        }
    }

    async fn pause(&self, stop: bool) -> Result<bool, String> {
        let (actor, now) = (self.actor.clone(), self.now());
        let work = move |c: &mut dyn Conn| -> moderation::Result<bool> {
            if stop {
                pauses::pause(c, &Scope::All, "the kill switch of the console", None, &actor, now)?;
            } else {
                pauses::resume(c, &Scope::All, &actor, now)?;
            }
            Ok(stop)
        };
        self.deck.db.write(work).await.map_err(|error| error.to_string())
    }

    async fn screen(&self, item: Item, text: String, generation: u64) -> Reply {
        let screener = match self.screener() {
            Ok(screener) => screener.clone(),
            Err(why) => return Reply::Failed { what: "the screening", why: why.clone() },
        };
        let at = self.now();
        let look = move |c: &mut dyn Conn| {
            let around = Surroundings { consistency: None, tainted: item.draft_metadata.tainted };
            let mut evaluation = screener.screen_again(c, &item, Outgoing { title: item.title.as_deref(), content: &text }, around, at)?;
            judged::not_seen(&mut evaluation, &item.draft_metadata.judges);
            Ok::<_, moderation::Error>(evaluation)
        };
        match self.deck.db.read(look).await {
            Ok(evaluation) => Reply::Screened { evaluation: Box::new(evaluation), generation },
            Err(error) => Reply::Failed { what: "the screening", why: error.to_string() },
        }
    }

    async fn decide(&self, seen: &Seen, decision: &Decision) -> Result<Item, String> {
        let (seen, decision, actor, at) = (seen.clone(), decision.clone(), self.actor.clone(), self.now());
        let (settings, screener) = (self.deck.moderation(), matches!(decision, Decision::Edit { .. }).then(|| self.screener().clone()));
        let work = move |c: &mut dyn Conn| -> Result<Item, Refused> {
            clock::against_server(c, at)?;
            let on = On { persona: &seen.persona, id: &seen.id, version: Some(seen.version), actor: &actor, at };
            Ok(match &decision {
                Decision::Claim => queue::claim(c, &on, &settings)?,
                Decision::Release => queue::release(c, &on)?,
                Decision::Approve => {
                    let account = crate::memory::personas::get(c, &seen.persona).map_err(moderation::Error::from)?.reddit_username;
                    decisions::approve(c, &on, &account, &settings)?
                }
                Decision::ApproveUnread => bulk::one(c, &on, &bulk::Decision::Approve, &settings)?,
                Decision::Reject { code, directive, note } => decisions::reject(c, &on, *code, *directive, note.as_deref(), &settings)?,
                Decision::Return { note } => queue::return_to_agent(c, &on, note, &settings)?,
                Decision::Hold { length, reason } => queue::hold(c, &on, at + length, reason)?,
                Decision::Escalate { to, reason } => team::escalate(c, &on, to, reason)?,
                Decision::Skip => team::skip(c, &on, None)?,
                // What was approved has a newer version than the one that was on the screen when it was approved.
                Decision::Undo => decisions::undo(c, &On { version: None, ..on })?,
                Decision::Edit { case, text } => {
                    let screener = screener.unwrap_or_else(|| Err("the rules were not read".to_owned())).map_err(Refused::Rules)?;
                    let item = item::load(c, &seen.persona, &seen.id)?;
                    // The claim for the change made the version rise, and may not have been answered yet: the text decides.
                    let is_same =
                        item.revision == case.item.revision && item.live_lease(at).is_some_and(|(holder, _)| holder == actor.name);
                    let on = if is_same { On { version: Some(item.version), ..on } } else { on };
                    let around = Surroundings { consistency: None, tainted: item.draft_metadata.tainted };
                    let outgoing = Outgoing { title: item.title.as_deref(), content: text };
                    let mut evaluation = screener.screen_again(c, &item, outgoing, around, at)?;
                    judged::not_seen(&mut evaluation, &item.draft_metadata.judges);
                    decisions::edit(c, &on, None, text, &evaluation, &settings)?
                }
            })
        };
        self.deck.db.write(work).await.map_err(|error| error.to_string())
    }
}

/// Why a decision was refused.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Moderation(#[from] moderation::Error),
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    #[error("{0}")]
    Rules(String),
}

fn overview(c: &mut dyn Conn, persona: Option<&PersonaId>, me: &str, now: Millis) -> moderation::Result<Overview> {
    let filter = Filter { persona: persona.cloned(), ..Filter::default() };
    let counted = listing::count(c, &filter, listing::By::State)?;
    let runs = runs::list(c)?;
    Ok(Overview {
        personas: crate::memory::personas::list(c)?,
        leaving: listing::leaving(c, me, persona, now, 50)?,
        pauses: pauses::list(c, now)?,
        waiting: usize::try_from(counted.total).unwrap_or(0),
        suggestions: super::beliefs::request::waiting(c, persona)?,
        budgets: crate::llm::budget::book::banners(c, now)?,
        agents: runs.iter().filter(|run| run.status == "running" && now - run.heartbeat_at < 3 * runs::HEARTBEAT).count(),
    })
}

/// The console's name for how much of the world is touched.
pub(super) fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::DryRun => "DRY RUN",
        Mode::Sandbox => "SANDBOX",
        Mode::Live => "LIVE",
    }
}

/// The desk of a deck.
pub(super) fn desk(deck: Deck, actor: Actor, models: Option<crate::llm::Client>) -> Arc<Desk> {
    Arc::new(Desk { deck, actor, models, screener: OnceLock::new() })
}
