//! What a deck is asked to show that it works: its queue, a belief, a search. Through the services, as every face asks.

use crate::base::Clock;
use crate::memory::{self, personas};
use crate::moderation::listing::{self, Filter};
use crate::search::{self, Page, Question, Ranking, Search, Zone};
use crate::store::{Address, Conn, Database, Row};
use crate::vals;
use std::path::Path;
use std::sync::Arc;

/// Ask a restored deck. Returns what it answered, as sentences; or what it could not answer.
pub(super) fn ask(address: &Address, index: &Path, clock: &Arc<dyn Clock>) -> Result<Vec<String>, String> {
    let said = |error: &dyn std::error::Error| error.to_string();
    let database = Database::open(address, clock).map_err(|error| said(&error))?;
    let mut answered = Vec::new();
    let (people, queue, word) = database
        .read_blocking(|c| -> Result<_, Refused> {
            let people = personas::list(c).map_err(|error| refused(&error))?;
            let queue = listing::page(c, &Filter::default(), 20).map_err(|error| refused(&error))?;
            let mut beliefs = 0;
            for persona in &people {
                let graph =
                    memory::beliefs::query(c, &persona.id, &memory::beliefs::BeliefFilter::default()).map_err(|error| refused(&error))?;
                if let Some(belief) = graph.nodes.first() {
                    memory::beliefs::get(c, &persona.id, &belief.id).map_err(|error| refused(&error))?;
                }
                beliefs += graph.nodes.len();
            }
            Ok(((people.len(), beliefs), queue.lines.len(), word(c).map_err(|error| refused(&error))?))
        })
        .map_err(|error: Refused| error.0)?;
    answered.push(format!("{} personas and {} beliefs", people.0, people.1));
    answered.push(format!("{queue} items on the first page of the queue"));
    match word {
        None => answered.push("nothing is searchable yet".to_owned()),
        Some(word) => {
            let settings = search::Settings { index: index.to_path_buf(), ..search::Settings::default() };
            let search = Search::new(database, Arc::clone(clock), settings);
            let question = Question::parse(&word, Zone::Local, clock.now()).map_err(|error| said(&error))?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| said(&error))?;
            // By words alone: an embedder may be a service outside, and a drill sends nothing there.
            let found = runtime.block_on(search.ask_by(&question, Page::default(), Ranking::Words)).map_err(|error| said(&error))?;
            if found.hits.is_empty() {
                return Err(
                    "a search for a word of one of its documents finds nothing: the index of words is not that of the texts".to_owned()
                );
            }
            answered.push(format!("{} hits of a search", found.hits.len()));
        }
    }
    Ok(answered)
}

/// An error of any service as a sentence.
struct Refused(String);

fn refused(error: &dyn std::error::Error) -> Refused {
    Refused(error.to_string())
}

impl From<crate::store::Error> for Refused {
    fn from(error: crate::store::Error) -> Self {
        Self(error.to_string())
    }
}

/// A word that stands in a searchable document.
fn word(c: &mut dyn Conn) -> crate::store::Result<Option<String>> {
    let rows: Vec<Row> = c.query("SELECT title, body FROM search_documents ORDER BY id LIMIT $1", vals![20])?;
    for row in &rows {
        let text = format!("{} {}", row.text("title")?, row.text("body")?);
        let is_plain = |word: &&str| (5..=20).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_lowercase());
        if let Some(word) = text.split_whitespace().find(is_plain) {
            return Ok(Some(word.to_owned()));
        }
    }
    Ok(None)
}
