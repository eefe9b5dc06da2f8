//! What the tab asks of the deck, and what comes back.

use super::care::{Care, Told};
use super::history::{self, Change, History, Point, Sums};
use super::work;
use crate::base::Millis;
use crate::console::request::Desk;
use crate::store::Conn;
use crate::upkeep::progress::Progress;
use crate::watch::board::Board;
use crate::watch::events;
use crate::watch::marks::{self, Kind, New};
use crate::watch::probe::rows;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// How far back results are shown one by one.
const RESULTS: Millis = 6 * 3_600_000;
const DAY: Millis = 86_400_000;

/// What is asked.
#[derive(Debug, Clone)]
pub(in crate::console) enum Request {
    /// The board.
    Board { generation: u64, is_awaited: bool },
    /// The history of a line.
    History { id: String, since: Option<Millis>, generation: u64 },
    /// Care of the deck.
    Care { number: u64, care: Care, stop: Arc<AtomicBool> },
    /// A note of what happened.
    Note { what: String, system: Option<String> },
}

/// What comes back.
#[derive(Debug)]
pub(in crate::console) enum Reply {
    Board {
        generation: u64,
        is_awaited: bool,
        result: Result<Box<Board>, String>,
    },
    History {
        id: String,
        generation: u64,
        result: Result<Box<History>, String>,
    },
    /// How far a piece of work is.
    Progress {
        number: u64,
        progress: Progress,
    },
    Cared {
        number: u64,
        result: Result<Told, String>,
    },
    Noted {
        result: Result<(), String>,
    },
}

impl Request {
    /// Whether a person waits for its answer. Care tells itself how far it is.
    pub fn is_awaited(&self) -> bool {
        match self {
            Self::Board { is_awaited, .. } => *is_awaited,
            Self::Care { .. } => false,
            Self::History { .. } | Self::Note { .. } => true,
        }
    }

    /// What comes back where nothing may be changed.
    pub fn refused(&self, why: &str) -> Option<Reply> {
        match self {
            Self::Care { number, .. } => Some(Reply::Cared { number: *number, result: Err(why.to_owned()) }),
            Self::Note { .. } => Some(Reply::Noted { result: Err(why.to_owned()) }),
            Self::Board { .. } | Self::History { .. } => None,
        }
    }

    /// Whether it changes anything.
    pub fn changes(&self) -> bool {
        match self {
            Self::Board { .. } | Self::History { .. } => false,
            Self::Care { .. } | Self::Note { .. } => true,
        }
    }
}

impl Reply {
    /// Whether a person waited for it.
    pub fn is_awaited(&self) -> bool {
        match self {
            Self::Board { is_awaited, .. } => *is_awaited,
            Self::Progress { .. } | Self::Cared { .. } => false,
            Self::History { .. } | Self::Noted { .. } => true,
        }
    }
}

/// Answer a request; `tell` hears how far care is.
pub(in crate::console) async fn answer(desk: &Desk, request: Request, tell: impl Fn(Reply) + Send + Sync + 'static) -> Reply {
    let db = &desk.deck.db;
    let now = desk.deck.clock.now();
    match request {
        Request::Board { generation, is_awaited } => Reply::Board { generation, is_awaited, result: Ok(Box::new(desk.deck.board().await)) },
        Request::History { id, since, generation } => {
            let named = id.clone();
            let read = move |c: &mut dyn Conn| read(c, &named, since, now);
            let result = db.read(read).await.map(Box::new).map_err(|error| error.to_string());
            Reply::History { id, generation, result }
        }
        Request::Care { number, care, stop } => {
            let tell = move |progress| tell(Reply::Progress { number, progress });
            Reply::Cared { number, result: work::run(desk, care, stop, tell).await }
        }
        Request::Note { what, system } => {
            let actor = desk.actor.clone();
            let write = move |c: &mut dyn Conn| {
                let new = New { at: now, kind: Kind::Note, system: system.as_deref().unwrap_or(marks::OWN), what: &what };
                marks::add(c, new, &actor, now)
            };
            Reply::Noted { result: db.write(write).await.map(drop).map_err(|error| error.to_string()) }
        }
    }
}

/// The name under which a line's results are kept.
fn stored(id: &str) -> &str {
    id.strip_prefix("probe/").unwrap_or(id)
}

fn read(c: &mut dyn Conn, id: &str, since: Option<Millis>, now: Millis) -> crate::store::Result<History> {
    let name = stored(id);
    let unsigned = |count: i64| u64::try_from(count).unwrap_or(0);
    let sums = |sum: rows::Sum| Sums {
        start: sum.start,
        results: unsigned(sum.results),
        failures: unsigned(sum.failures),
        unknown: unsigned(sum.unknown),
        mean_us: sum.mean_us().map(unsigned),
        max_us: (sum.latency_count > 0).then_some(unsigned(sum.latency_us_max)),
    };
    let point = |one: rows::One| Point { at: one.at, status: one.status, latency_us: one.latency_us.map(unsigned), error: one.error };
    let change = |one: rows::Change| Change { at: one.at, from: one.from, to: one.to, reason: one.reason };
    let until = now + 1;
    let mut found = History {
        results: rows::results(c, name, now - RESULTS..until)?.into_iter().map(point).collect(),
        hours: rows::hours(c, name, now - 2 * DAY..until)?.into_iter().map(sums).collect(),
        days: rows::days(c, name, now - 90 * DAY..until)?.into_iter().map(sums).collect(),
        changes: rows::changes(c, name, now - 90 * DAY..until)?.into_iter().rev().map(change).collect(),
        ..History::default()
    };
    found.around = found.changes.first().map(|change| change.at).or(since);
    if let Some(around) = found.around {
        found.events = events::around(c, around - history::BEFORE..around + history::AFTER)?;
        // Its own change is what the others stand around.
        found.events.retain(|event| event.kind != events::Kind::Probe || event.who != name);
    }
    Ok(found)
}
