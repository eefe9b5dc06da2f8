//! What the tab asks of the deck, and what comes back.

use super::Loaded;
use super::rows;
use super::wish::{self, Change, Done};
use crate::base::{Millis, PersonaId};
use crate::console::request::Desk;
use crate::memory::graph::{self, BeliefView, Graph};
use crate::memory::history::{self, Contradiction, Difference};
use crate::memory::{self};
use crate::store::{Conn, feed};
use std::sync::Arc;

/// The topic of the feed that tells of changes of beliefs.
const TOPIC: &str = "beliefs";

/// What is asked.
#[derive(Debug, Clone)]
pub(in crate::console) enum Request {
    /// A persona's graph, now or then. Nothing comes back when the feed stands where it was `known` to stand.
    Graph { persona: PersonaId, at: Option<Millis>, known: Option<i64>, generation: u64 },
    /// One belief with all that belongs to it.
    Detail { persona: PersonaId, graph: Arc<Graph>, id: String, at: Option<Millis> },
    /// Where beliefs of a graph that are held high are at odds: a large graph has many, and the table does not wait for them.
    Odds { graph: Arc<Graph> },
    /// What changed from a time to now.
    Difference { persona: PersonaId, since: Millis },
    /// A change.
    Change(Box<Change>),
}

/// What comes back.
#[derive(Debug)]
pub(in crate::console) enum Reply {
    Graph { generation: u64, result: Result<Option<Box<Loaded>>, String> },
    Detail { id: String, at: Option<Millis>, result: Result<Box<BeliefView>, String> },
    Odds { graph: Arc<Graph>, result: Result<Vec<Contradiction>, String> },
    Difference { since: Millis, result: Result<Box<Difference>, String> },
    Changed { change: Box<Change>, result: Result<Done, String> },
}

/// How many suggestions wait, of one persona or of all.
pub(in crate::console) fn waiting(c: &mut dyn Conn, persona: Option<&PersonaId>) -> memory::Result<usize> {
    let personas = match persona {
        Some(persona) => vec![persona.clone()],
        None => memory::personas::list(c)?.into_iter().map(|persona| persona.id).collect(),
    };
    personas.iter().try_fold(0, |sum, persona| Ok(sum + memory::suggestions::open(c, persona, None)?.len()))
}

/// Answer a request.
pub(in crate::console) async fn answer(desk: &Desk, request: Request) -> Reply {
    let now = desk.deck.clock.now();
    let db = &desk.deck.db;
    match request {
        Request::Graph { persona, at, known, generation } => {
            let read = move |c: &mut dyn Conn| load(c, &persona, at, known, now);
            let result = db.read(read).await.map_err(|error| error.to_string());
            Reply::Graph { generation, result }
        }
        Request::Detail { persona, graph, id, at } => {
            let named = id.clone();
            let read = move |c: &mut dyn Conn| graph::detail_with(c, &persona, &id, &view(at, now), &graph);
            let result = db.read(read).await.map(Box::new).map_err(|error| error.to_string());
            Reply::Detail { id: named, at, result }
        }
        Request::Odds { graph } => {
            let of = Arc::clone(&graph);
            let result = db.read(move |_: &mut dyn Conn| -> memory::Result<_> { Ok(of.contradictions()) }).await;
            Reply::Odds { graph, result: result.map_err(|error| error.to_string()) }
        }
        Request::Difference { persona, since } => {
            let read = move |c: &mut dyn Conn| -> memory::Result<Difference> {
                let before = history::as_of(c, &persona, since.into())?;
                Ok(history::difference(&before, &history::present(c, &persona)?))
            };
            let result = db.read(read).await.map(Box::new).map_err(|error| error.to_string());
            Reply::Difference { since, result }
        }
        Request::Change(change) => {
            let (actor, wanted) = (desk.actor.clone(), change.clone());
            let result = db.write(move |c: &mut dyn Conn| wish::make(c, &wanted, &actor, now)).await.map_err(|error| error.to_string());
            Reply::Changed { change, result }
        }
    }
}

/// The graph as it is, or as it was.
fn view(at: Option<Millis>, now: Millis) -> graph::View {
    at.map_or_else(|| graph::View::present(now), |at| graph::View::then(at, now))
}

pub(super) fn load(
    c: &mut dyn Conn,
    persona: &PersonaId,
    at: Option<Millis>,
    known: Option<i64>,
    now: Millis,
) -> memory::Result<Option<Box<Loaded>>> {
    let position = feed::position(c, TOPIC)?;
    if known == Some(position) {
        return Ok(None);
    }
    let graph = Arc::new(Graph::load(c, persona, &view(at, now))?);
    let present = if at.is_none() { Arc::clone(&graph) } else { Arc::new(Graph::load(c, persona, &view(None, now))?) };
    let words = rows::words(&graph);
    Ok(Some(Box::new(Loaded { graph, present, words, contradictions: Vec::new(), position })))
}
