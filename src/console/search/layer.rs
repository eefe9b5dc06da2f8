//! What lies over the search tab: the facets of the results, the saved searches, and the lines of text that are asked for.

use super::facets::{self, Value};
use super::request::Request as Own;
use super::words::{self, Facet};
use super::{act, export, saved};
use crate::console::layers;
use crate::console::request::Request;
use crate::console::state::{Asked as Line, Layer as Over, State};
use crate::console::text::{Piece, Pieces};
use crate::console::theme::Role;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A list over the tab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::console) enum Layer {
    /// What the results can be narrowed to. The list keeps its order while it is open; what the results bring is put behind.
    Facets { at: usize, all: Vec<Value> },
    /// The searches that were saved.
    Saved { at: usize },
}

/// A line of text that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) enum Asked {
    /// The name of a file.
    Export,
    /// The name of a search.
    Name,
}

impl Asked {
    /// What is asked.
    pub fn title(self) -> &'static str {
        match self {
            Self::Export => "a new file in this directory: .jsonl for programs, .md for people",
            Self::Name => "a name for this search",
        }
    }
}

/// The keys of a layer, for the footer.
pub(in crate::console) fn keys(layer: &Layer) -> &'static [(&'static str, &'static str)] {
    match layer {
        Layer::Facets { .. } => &[("j/k", "choose"), ("enter", "narrow, or widen again"), ("esc", "back")],
        Layer::Saved { .. } => &saved::KEYS,
    }
}

/// A key while a layer is open.
pub(in crate::console) fn key(state: &mut State, key: KeyEvent) -> Vec<Request> {
    let last_saved = state.memory.searches.saved.len().saturating_sub(1);
    let now = facets::gathered(state);
    let Some(Over::Search(layer)) = state.layers.last_mut() else { return Vec::new() };
    let (at, last) = match layer {
        Layer::Facets { at, all } => {
            // What is new is put behind, so that nothing moves under the cursor.
            let new: Vec<Value> = now.into_iter().filter(|value| !all.contains(value)).collect();
            all.extend(new);
            (at, all.len().saturating_sub(1))
        }
        Layer::Saved { at } => (at, last_saved),
    };
    *at = (*at).min(last);
    match key.code {
        KeyCode::Char(_) if key.modifiers.contains(KeyModifiers::CONTROL) => return Vec::new(),
        KeyCode::Down | KeyCode::Char('j') => *at = (*at + 1).min(last),
        KeyCode::Up | KeyCode::Char('k') => *at = at.saturating_sub(1),
        KeyCode::Esc | KeyCode::Char('q') => drop(state.layers.pop()),
        _ => {
            let at = *at;
            return match layer {
                Layer::Saved { .. } => saved::key(state, key, at),
                Layer::Facets { all, .. } if matches!(key.code, KeyCode::Enter | KeyCode::Char(' ')) => match all.get(at).cloned() {
                    Some((facet, value)) => act::toggled(state, facet, &value),
                    None => Vec::new(),
                },
                Layer::Facets { .. } => {
                    state.layers.pop();
                    Vec::new()
                }
            };
        }
    }
    Vec::new()
}

/// The title and the lines of a layer, and which of them is chosen.
pub(in crate::console) fn lines(state: &State, layer: &Layer, width: usize) -> (&'static str, Vec<Pieces>, usize) {
    match layer {
        Layer::Saved { at } => ("saved searches", saved::lines(state, *at, width), *at),
        Layer::Facets { at, all } => {
            let mut lines: Vec<Pieces> = Vec::new();
            let (mut before, mut chosen): (Option<Facet>, usize) = (None, 0);
            for (row, value) in all.iter().enumerate() {
                if before.replace(value.0) != Some(value.0) {
                    lines.push(vec![Piece::new(Role::Heading, value.0.word())]);
                }
                if row == *at {
                    chosen = lines.len();
                }
                lines.push(facet_line(state, value, row == *at));
            }
            ("narrow the results", lines, chosen)
        }
    }
}

fn facet_line(state: &State, value: &Value, is_here: bool) -> Pieces {
    let is_on = words::has(state.search.field.text(), value.0, &value.1);
    let (marker, role) = if is_here { (">", Role::Selection) } else { (" ", Role::Text) };
    let check = if is_on { "[x]" } else { "[ ]" };
    let count = facets::count(&state.search.shown.hits, value);
    let more = if state.search.shown.next.is_some() { "+" } else { "" };
    vec![Piece::new(role, &format!(" {marker} {check} {:<24} ", value.1)), Piece::new(Role::Dim, &format!(" {count}{more}"))]
}

/// The line of text was finished.
pub(in crate::console) fn entered(state: &mut State, asked: Asked, typed: &str) -> Vec<Request> {
    match asked {
        Asked::Name => saved::named(state, typed),
        Asked::Export => match export::Target::named(typed) {
            Ok(target) => {
                let (question, hits) = (state.search.shown.text.clone(), state.search.shown.hits.clone());
                vec![Request::Search(Own::Export { target, question, hits })]
            }
            Err(why) => {
                layers::ask(state, Line::Search(Asked::Export), typed);
                state.say(why, true);
                Vec::new()
            }
        },
    }
}
