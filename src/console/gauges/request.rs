//! What the tab asks of the deck, and what comes back.

use super::export::{self, Target};
use super::figures::{self, Figures, Wanted};
use crate::base::{Millis, PersonaId};
use crate::console::new_file;
use crate::console::request::Desk;
use crate::llm::calls::{self, Call, behind};
use crate::llm::ledger::Window;
use crate::moderation::{self, item};
use crate::store::Conn;

/// Calls of a page.
pub(super) const PAGE: u32 = 100;

/// What is asked.
#[derive(Debug, Clone)]
pub(in crate::console) enum Request {
    /// The numbers of a span. Nothing comes back when they are `known`.
    Figures { wanted: Box<Wanted>, known: Option<(Window, (i64, i64))>, generation: u64, is_awaited: bool },
    /// A page of the calls behind a number, from behind a call on.
    Calls { behind: Box<behind::Behind>, before: Option<(Millis, String)>, generation: u64 },
    /// A call with what belongs to it.
    About { persona: Option<PersonaId>, id: String },
    /// The draft that came of a piece of work.
    Draft { persona: PersonaId, correlation_id: String },
    /// Write a text into a new file.
    Export { target: Target, text: String },
}

/// A call with what belongs to it.
#[derive(Debug, Clone)]
pub(in crate::console) struct About {
    pub call: Call,
    /// All attempts of its question, in order.
    pub attempts: Vec<Call>,
    /// The draft that came of it.
    pub draft: Option<(PersonaId, String)>,
}

/// What comes back.
#[derive(Debug)]
pub(in crate::console) enum Reply {
    Figures { generation: u64, is_awaited: bool, result: Result<Option<Box<Figures>>, String> },
    Calls { generation: u64, is_first: bool, result: Result<Vec<Call>, String> },
    About { id: String, result: Result<Box<About>, String> },
    Draft { result: Result<Option<(PersonaId, String)>, String> },
    Exported { target: Target, result: Result<(), new_file::Refused> },
}

impl Request {
    /// Whether a person waits for its answer.
    pub fn is_awaited(&self) -> bool {
        !matches!(self, Self::Figures { is_awaited: false, .. })
    }
}

impl Reply {
    /// Whether a person waited for it.
    pub fn is_awaited(&self) -> bool {
        !matches!(self, Self::Figures { is_awaited: false, .. })
    }
}

/// Answer a request.
pub(in crate::console) async fn answer(desk: &Desk, request: Request) -> Reply {
    let now = desk.deck.clock.now();
    let db = &desk.deck.db;
    match request {
        Request::Figures { wanted, known, generation, is_awaited } => {
            let result = db.read(move |c| figures::read(c, &wanted, known, now)).await.map_err(|error| error.to_string());
            let live = desk.models.as_ref().map(crate::llm::Client::gauges);
            let objectives = figures::objectives(&desk.deck.settings.report.slo);
            let result = result.map(|figures| figures.map(|figures| Box::new(Figures { live, objectives, ..*figures })));
            Reply::Figures { generation, is_awaited, result }
        }
        Request::Calls { behind, before, generation } => {
            let is_first = before.is_none();
            let page = move |c: &mut dyn Conn| {
                let before = before.as_ref().map(|(at, id)| (*at, id.as_str()));
                behind::page(c, &behind, before, PAGE + 1)
            };
            Reply::Calls { generation, is_first, result: db.read(page).await.map_err(|error| error.to_string()) }
        }
        Request::About { persona, id } => {
            let named = id.clone();
            let read = move |c: &mut dyn Conn| about(c, persona.as_ref(), &id);
            let result = match db.read(read).await {
                Ok(Some(about)) => Ok(Box::new(about)),
                Ok(None) => Err(format!("the call {} is not in the ledger any more", crate::base::short(&named))),
                Err(error) => Err(error.to_string()),
            };
            Reply::About { id: named, result }
        }
        Request::Draft { persona, correlation_id } => {
            let find = move |c: &mut dyn Conn| draft(c, Some(persona), &correlation_id);
            Reply::Draft { result: db.read(find).await.map_err(|error| error.to_string()) }
        }
        Request::Export { target, text } => {
            let result = export::write(&target, &text);
            Reply::Exported { target, result }
        }
    }
}

fn draft(c: &mut dyn Conn, persona: Option<PersonaId>, correlation_id: &str) -> moderation::Result<Option<(PersonaId, String)>> {
    let Some(persona) = persona else { return Ok(None) };
    Ok(item::of_work(c, &persona, correlation_id)?.map(|id| (persona, id)))
}

fn about(c: &mut dyn Conn, persona: Option<&PersonaId>, id: &str) -> moderation::Result<Option<About>> {
    let Some(call) = calls::get(c, persona, id)? else { return Ok(None) };
    let attempts = calls::attempts(c, &call.request_id)?;
    let draft = draft(c, call.persona_id.as_ref().map(PersonaId::from_stored), &call.correlation_id)?;
    Ok(Some(About { call, attempts, draft }))
}
