//! A choice of several: the belief at the other end of an edge, the relation, the edge to take away, the suggestion to decide about.

use super::asked::{self, Value, name};
use super::signs::Signs;
use super::wish::Wish;
use crate::base::SafeText;
use crate::console::request::Request;
use crate::console::state::{Layer, State};
use crate::console::text::{Piece, Pieces, line};
use crate::console::theme::Role;
use crate::memory::edges::{Edge, Relation};
use crate::memory::graph::{BeliefRow, Graph};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The keys of the layer, for the footer.
pub(in crate::console) const KEYS: [(&str, &str); 4] = [("letters", "narrow"), ("up/down", "choose"), ("enter", "take"), ("esc", "back")];

/// What is chosen.
#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Target,
    /// How it is linked to this belief.
    Relation {
        other: String,
        other_title: String,
    },
    Edge,
    Suggestion {
        accepts: bool,
    },
}

/// A choice of several, narrowed by what is typed.
#[derive(Debug, Clone)]
pub(in crate::console) struct Pick {
    kind: Kind,
    /// The belief at hand when it was begun.
    row: BeliefRow,
    /// Ids, and how they are called.
    options: Vec<(String, String)>,
    /// The options that fit what was typed.
    found: Vec<usize>,
    typed: String,
    at: usize,
}

impl Pick {
    fn new(kind: Kind, row: &BeliefRow, options: Vec<(String, String)>) -> Self {
        let found = (0..options.len()).collect();
        Self { kind, row: row.clone(), options, found, typed: String::new(), at: 0 }
    }

    /// What stands over it.
    pub fn title(&self) -> String {
        let title = name(&self.row.title);
        match &self.kind {
            Kind::Target => format!("link {title} with which belief?"),
            Kind::Relation { .. } => "how do they bear on each other?".to_owned(),
            Kind::Edge => format!("which edge of {title} is taken away?"),
            Kind::Suggestion { accepts: true } => "which suggestion is accepted?".to_owned(),
            Kind::Suggestion { accepts: false } => "which suggestion is refused?".to_owned(),
        }
    }

    /// What was typed, and the options around the chosen one.
    pub fn lines(&self, width: usize, rows: usize) -> Vec<Pieces> {
        let mut lines = vec![line(Role::Text, &format!("> {}", self.typed))];
        let rows = rows.saturating_sub(1).max(1);
        let from = (self.at + 1).saturating_sub(rows);
        for (place, number) in self.found.iter().enumerate().skip(from).take(rows) {
            let Some((_, words)) = self.options.get(*number) else { continue };
            let role = if place == self.at { Role::Selection } else { Role::Text };
            let sign = if place == self.at { ">" } else { " " };
            let words = SafeText::clipped(words, width.saturating_sub(3));
            lines.push(vec![Piece::new(role, &format!("{sign} {words} "))]);
        }
        if self.found.is_empty() {
            lines.push(line(Role::Dim, "nothing is called so"));
        }
        lines
    }

    /// Something was pasted.
    pub fn paste(&mut self, text: &str) {
        self.typed.push_str(text.trim());
        self.narrow();
    }

    fn narrow(&mut self) {
        let typed = self.typed.to_lowercase();
        let fits = |words: &str| typed.split_whitespace().all(|word| words.to_lowercase().contains(word));
        self.found = self.options.iter().enumerate().filter(|(_, (_, words))| fits(words)).map(|(number, _)| number).collect();
        self.at = 0;
    }

    fn chosen(&self) -> Option<(String, String)> {
        self.found.get(self.at).and_then(|number| self.options.get(*number)).cloned()
    }
}

fn open(state: &mut State, pick: Pick) {
    state.layers.push(Layer::Beliefs(Box::new(pick)));
}

/// Choose the belief at the other end of a new edge.
pub(super) fn target(state: &mut State, row: &BeliefRow) {
    let Some(loaded) = &state.beliefs.loaded else { return };
    let mut options: Vec<(String, String)> =
        loaded.graph.rows().iter().filter(|other| other.id != row.id).map(|other| (other.id.clone(), other.title.clone())).collect();
    options.sort_by(|one, other| one.1.cmp(&other.1));
    if options.is_empty() {
        state.say("there is no other belief", false);
        return;
    }
    open(state, Pick::new(Kind::Target, row, options));
}

/// Choose one of the edges; the one to the belief that the keys are on in the graph goes first.
pub(super) fn edge(state: &mut State, row: &BeliefRow) {
    let Some(loaded) = &state.beliefs.loaded else { return };
    let near = state.beliefs.near.clone();
    let mut edges: Vec<&Edge> = loaded.graph.edges().iter().filter(|edge| edge.source_id == row.id || edge.target_id == row.id).collect();
    edges.sort_by_key(|edge| near.as_ref() != Some(&edge.source_id) && near.as_ref() != Some(&edge.target_id));
    let signs = Signs::of(&state.glyphs);
    let options: Vec<(String, String)> = edges.iter().map(|edge| (edge.id.clone(), edge_words(&loaded.graph, edge, row, signs))).collect();
    if options.is_empty() {
        state.say(format!("{} has no edges", name(&row.title)), false);
        return;
    }
    open(state, Pick::new(Kind::Edge, row, options));
}

fn edge_words(graph: &Graph, edge: &Edge, row: &BeliefRow, signs: Signs) -> String {
    let leads_away = edge.source_id == row.id;
    let other = if leads_away { &edge.target_id } else { &edge.source_id };
    let other = graph.row(other).map(|other| other.title.as_str()).unwrap_or_default();
    format!("{} {} {:.2}  {other}", signs.edge(edge.relation, leads_away), edge.relation.words(), edge.weight)
}

/// Choose what waits; a single thing is taken at once.
pub(super) fn suggestion(state: &mut State, row: &BeliefRow, accepts: bool) {
    let Some(detail) = state.beliefs.open_detail() else {
        state.say("it is still being read", false);
        return;
    };
    let options: Vec<(String, String)> =
        detail.suggestions.iter().map(|suggestion| (suggestion.id().to_owned(), suggestion.sentence())).collect();
    match options.as_slice() {
        [] => state.say(format!("nothing waits at {}; `is:waiting` in the filter finds what does", name(&row.title)), false),
        [(only, _)] => {
            let wish = decision(only.clone(), accepts);
            asked::because(state, row, wish);
        }
        _ => open(state, Pick::new(Kind::Suggestion { accepts }, row, options)),
    }
}

fn decision(suggestion: String, accepts: bool) -> Wish {
    if accepts { Wish::Accept { suggestion } } else { Wish::Refuse { suggestion } }
}

/// The ways two beliefs can be linked, either way round: the relation and whether it starts here.
fn relations(row: &BeliefRow, other_title: &str, signs: Signs) -> Vec<(String, String)> {
    let (here, there) = (name(&row.title), name(other_title));
    let way = |relation: Relation, leads_away: bool| {
        let (from, to) = if leads_away { (&here, &there) } else { (&there, &here) };
        let id = format!("{}{}", if leads_away { ">" } else { "<" }, relation.as_str());
        (id, format!("{}  {from} {} {to}", signs.edge(relation, leads_away), relation.words()))
    };
    let away = Relation::ALL.into_iter().map(|relation| way(relation, true));
    away.chain(Relation::ALL.into_iter().map(|relation| way(relation, false))).collect()
}

/// A key while a choice is open.
pub(in crate::console) fn key(state: &mut State, key: KeyEvent) -> Vec<Request> {
    let Some(Layer::Beliefs(pick)) = state.layers.last_mut() else { return Vec::new() };
    match key.code {
        KeyCode::Esc => drop(state.layers.pop()),
        KeyCode::Down => pick.at = (pick.at + 1).min(pick.found.len().saturating_sub(1)),
        KeyCode::Up => pick.at = pick.at.saturating_sub(1),
        KeyCode::PageDown => pick.at = (pick.at + 10).min(pick.found.len().saturating_sub(1)),
        KeyCode::PageUp => pick.at = pick.at.saturating_sub(10),
        KeyCode::Backspace => {
            pick.typed.pop();
            pick.narrow();
        }
        KeyCode::Char(letter) if !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => {
            pick.typed.push(letter);
            pick.narrow();
        }
        KeyCode::Enter => {
            if let Some(chosen) = pick.chosen() {
                let pick = (**pick).clone();
                state.layers.pop();
                taken(state, &pick, chosen);
            }
        }
        _ => {}
    }
    Vec::new()
}

fn taken(state: &mut State, pick: &Pick, (id, words): (String, String)) {
    let row = &pick.row;
    match &pick.kind {
        Kind::Target => {
            let options = relations(row, &words, Signs::of(&state.glyphs));
            open(state, Pick::new(Kind::Relation { other: id, other_title: words }, row, options));
        }
        Kind::Relation { other, other_title } => {
            let leads_away = id.starts_with('>');
            let Ok(relation) = id.trim_start_matches(['>', '<']).parse::<Relation>() else { return };
            let (here, there) = ((row.id.clone(), &row.title), (other.clone(), other_title));
            let (source, target) = if leads_away { (here, there) } else { (there, here) };
            let words = format!("{} {} {}", name(source.1), relation.words(), name(target.1));
            let value = Value::Weight { source: source.0, target: target.0, relation, words };
            asked::value(state, row, value, "", "");
        }
        Kind::Edge => asked::because(state, row, Wish::Unlink { edge: id }),
        Kind::Suggestion { accepts } => asked::because(state, row, decision(id, *accepts)),
    }
}
