//! The graph around a belief as lines of text: the belief in a box, what leads to it above, what it leads to below, as trees of so many edges.
//!
//! Each belief stands once, under the one that is nearest to the middle; edges that are no branch of the tree are named behind it. An arrow to the
//! right leads away from the middle, one to the left towards it. Pure.

use super::signs::{Signs, confidence_role, edge_role, number};
use super::{MOST_DRAWN, rows};
use crate::base::SafeText;
use crate::console::state::State;
use crate::console::text::{Piece, Pieces, line, wrap};
use crate::console::theme::{Glyphs, Role};
use crate::memory::confidence::HIGH;
use crate::memory::edges::{Edge, Relation};
use crate::memory::graph::{BeliefRow, Neighbour, Neighbourhood};
use std::collections::HashMap;

/// Edges that are named behind a belief.
const MOST_NAMED: usize = 2;

/// A line, and which belief it is about.
pub(super) type Row = (Pieces, Option<String>);

/// The graph around the belief at hand, for a pane of so many columns.
pub(super) fn lines(state: &State, width: usize) -> (Vec<Pieces>, Vec<Option<String>>) {
    let tab = &state.beliefs;
    let signs = Signs::of(&state.glyphs);
    let Some((loaded, row)) = tab.loaded.as_ref().zip(tab.row()) else { return (Vec::new(), Vec::new()) };
    let Some(around) = loaded.graph.neighbourhood(&row.id, tab.reach(), MOST_DRAWN) else { return (Vec::new(), Vec::new()) };
    let mut all: Vec<Row> = Vec::new();
    if !tab.trail.is_empty() {
        let step = |id: &String| loaded.graph.row(id).map(|row| SafeText::clipped(&row.title, 18).to_string()).unwrap_or_default();
        let from = tab.trail.len().saturating_sub(3);
        let way: Vec<String> = tab.trail.iter().skip(from).map(step).collect();
        let way = format!("walked {} {} here", way.join(&format!(" {} ", signs.becomes())), signs.becomes());
        all.push((line(Role::Dim, &way), None));
    }
    let moved = rows::moved(loaded, row, tab.at.is_some());
    let center = boxed(state, row, moved, signs, width);
    all.extend(drawn(&around, center, signs, width));
    if around.nodes.len() == 1 {
        all.push((line(Role::Dim, "it stands alone: no edge leads to it or from it"), None));
    }
    if around.left_out > 0 {
        all.push((line(Role::Warning, &format!("{} more beliefs within reach are not drawn", around.left_out)), None));
    }
    all.push((Vec::new(), None));
    for words in legend(signs, width) {
        all.push((words, None));
    }
    all.into_iter().unzip()
}

/// The trees around a box.
pub(super) fn drawn(around: &Neighbourhood, center: Vec<Row>, signs: Signs, width: usize) -> Vec<Row> {
    let tree = Tree::of(around);
    let mut above: Vec<Row> = Vec::new();
    tree.draw(0, &tree.incoming, "  ", true, signs, width, &mut above);
    above.reverse();
    let mut below: Vec<Row> = Vec::new();
    tree.draw(0, &tree.outgoing, "  ", false, signs, width, &mut below);
    above.into_iter().chain(center).chain(below).collect()
}

/// The belief in the middle.
fn boxed(state: &State, row: &BeliefRow, moved: Option<f64>, signs: Signs, width: usize) -> Vec<Row> {
    // Not the strokes of the branches, so that the middle is told from them.
    let set = if state.glyphs == Glyphs::ASCII { &state.glyphs.border } else { &ratatui::symbols::border::DOUBLE };
    let inside = width.saturating_sub(2).max(8);
    let id = Some(row.id.clone());
    let edge =
        |left: &str, stroke: &str, right: &str| vec![Piece::new(Role::BorderFocused, &format!("{left}{}{right}", stroke.repeat(inside)))];
    let (role, moved) = signs.moved(moved, if row.confidence.is_some() && state.beliefs.at.is_none() { "new" } else { "" });
    let lock = if row.locked { format!(" {} locked", signs.locked) } else { String::new() };
    let title = SafeText::clipped(&row.title, inside.saturating_sub(2)).to_string();
    let facts = format!("  {}, {:.1} x as central as the average{lock}", edges(row.degree), row.centrality);
    let mut first = vec![Piece::new(Role::Heading, &format!(" {title}"))];
    let mut second = vec![
        Piece::new(Role::Text, " "),
        Piece::new(confidence_role(row.confidence), &format!("{} {}", signs.bar(row.confidence, 10), number(row.confidence))),
        Piece::new(role, &format!("  {}", moved.trim().replace("  ", " "))),
        Piece::new(Role::Dim, &facts),
    ];
    for pieces in [&mut first, &mut second] {
        fit(pieces, inside);
        pieces.insert(0, Piece::new(Role::BorderFocused, set.vertical_left));
        pieces.push(Piece::new(Role::BorderFocused, set.vertical_right));
    }
    vec![
        (edge(set.top_left, set.horizontal_top, set.top_right), None),
        (first, id),
        (second, None),
        (edge(set.bottom_left, set.horizontal_bottom, set.bottom_right), None),
    ]
}

/// Cut pieces to so many columns, or fill them with blanks.
fn fit(pieces: &mut Pieces, width: usize) {
    let mut used = 0;
    let mut cut: Pieces = Vec::with_capacity(pieces.len() + 1);
    for piece in pieces.iter() {
        let room = width.saturating_sub(used);
        let text = SafeText::clipped(piece.text(), room).to_string();
        used += unicode_width::UnicodeWidthStr::width(text.as_str());
        cut.push(Piece::new(piece.role, &text));
    }
    cut.push(Piece::new(Role::Text, &" ".repeat(width.saturating_sub(used))));
    *pieces = cut;
}

/// What the strokes mean.
fn legend(signs: Signs, width: usize) -> Vec<Pieces> {
    let mut pieces = Vec::new();
    for relation in Relation::ALL {
        pieces.push(Piece::new(edge_role(relation), signs.edge(relation, true)));
        pieces.push(Piece::new(Role::Dim, &format!(" {}   ", short(relation))));
    }
    wrap(&pieces, width, 0)
}

/// So many edges, in words.
pub(super) fn edges(count: u32) -> String {
    if count == 1 { "1 edge".to_owned() } else { format!("{count} edges") }
}

/// The relation in at most eleven columns.
fn short(relation: Relation) -> &'static str {
    match relation {
        Relation::EvidenceFor => "evidence",
        other => other.words(),
    }
}

/// Which belief hangs on which.
struct Tree<'a> {
    nodes: &'a [Neighbour],
    index: HashMap<&'a str, usize>,
    edges: &'a [Edge],
    /// For each belief, the edge that it hangs on; none for the one in the middle.
    branch: Vec<Option<usize>>,
    children: Vec<Vec<usize>>,
    incoming: Vec<usize>,
    outgoing: Vec<usize>,
}

impl<'a> Tree<'a> {
    fn of(around: &'a Neighbourhood) -> Self {
        let nodes = around.nodes.as_slice();
        let index: HashMap<&str, usize> = nodes.iter().enumerate().map(|(number, node)| (node.id.as_str(), number)).collect();
        let mut tree = Self {
            nodes,
            index,
            edges: &around.edges,
            branch: vec![None; nodes.len()],
            children: vec![Vec::new(); nodes.len()],
            incoming: Vec::new(),
            outgoing: Vec::new(),
        };
        // The heaviest edge to a belief that is one step nearer to the middle.
        for (number, edge) in around.edges.iter().enumerate() {
            let Some((source, target)) = tree.ends(edge) else { continue };
            for (far, near) in [(source, target), (target, source)] {
                if nodes[far].hops != nodes[near].hops + 1 {
                    continue;
                }
                let known = tree.branch[far].and_then(|known| around.edges.get(known)).map(|known| known.weight);
                if known.is_none_or(|known| edge.weight > known) {
                    tree.branch[far] = Some(number);
                }
            }
        }
        for far in 0..nodes.len() {
            let Some((near, leads_away)) = tree.hangs_on(far) else { continue };
            match (near, leads_away) {
                (0, true) => tree.outgoing.push(far),
                (0, false) => tree.incoming.push(far),
                (near, _) => tree.children[near].push(far),
            }
        }
        tree
    }

    fn ends(&self, edge: &Edge) -> Option<(usize, usize)> {
        Some((*self.index.get(edge.source_id.as_str())?, *self.index.get(edge.target_id.as_str())?))
    }

    /// The belief nearer to the middle, and whether the edge leads away from it.
    fn hangs_on(&self, far: usize) -> Option<(usize, bool)> {
        let (source, target) = self.ends(self.edges.get(self.branch[far]?)?)?;
        Some(if target == far { (source, true) } else { (target, false) })
    }

    #[allow(clippy::too_many_arguments)]
    fn draw(&self, depth: usize, children: &[usize], before: &str, up: bool, signs: Signs, width: usize, out: &mut Vec<Row>) {
        // Deeper than the reach of the tab nothing hangs; this only keeps a wrong tree from running away.
        if depth > super::MOST_HOPS as usize {
            return;
        }
        for (place, child) in children.iter().enumerate() {
            let is_last = place + 1 == children.len();
            out.push(self.row(*child, before, signs.branch(is_last, up), signs, width));
            let further = if is_last { "   " } else { signs.passing() };
            self.draw(depth + 1, &self.children[*child], &format!("{before}{further}"), up, signs, width, out);
        }
    }

    fn row(&self, number_of: usize, before: &str, branch: &str, signs: Signs, width: usize) -> Row {
        let node = &self.nodes[number_of];
        let edge = self.branch[number_of].and_then(|number| self.edges.get(number));
        let leads_away = self.hangs_on(number_of).is_none_or(|(_, leads_away)| leads_away);
        let mut pieces = vec![Piece::new(Role::Border, &format!("{before}{branch}"))];
        if let Some(edge) = edge {
            let stroke = signs.edge(edge.relation, leads_away);
            pieces.push(Piece::new(edge_role(edge.relation), &format!("{stroke} {:<11}{:.2} ", short(edge.relation), edge.weight)));
        }
        pieces
            .push(Piece::new(confidence_role(node.confidence), &format!("{} {} ", signs.bar(node.confidence, 4), number(node.confidence))));
        if node.locked {
            pieces.push(Piece::new(Role::Warning, &format!("{} ", signs.locked)));
        }
        let others = self.others(number_of, signs, width);
        let hidden = self.hidden(number_of);
        let used: usize = pieces.iter().chain(&others).map(|piece| unicode_width::UnicodeWidthStr::width(piece.text())).sum();
        // What else there is gives way to the title.
        let room = width.saturating_sub(used + hidden.len());
        let whole = unicode_width::UnicodeWidthStr::width(node.title.as_str());
        let room = if room >= whole.min(20) { room } else { room.max(12) };
        pieces.push(Piece::new(Role::Text, SafeText::clipped(&node.title, room).as_str()));
        if !hidden.is_empty() {
            pieces.push(Piece::new(Role::Dim, &hidden));
        }
        pieces.extend(others);
        (pieces, Some(node.id.clone()))
    }

    /// Edges that lead out of what is drawn.
    fn hidden(&self, number: usize) -> String {
        let node = &self.nodes[number];
        let drawn = self.edges.iter().filter(|edge| edge.source_id == node.id || edge.target_id == node.id).count();
        let more = usize::try_from(node.degree).unwrap_or(0).saturating_sub(drawn);
        if more == 0 { String::new() } else { format!(" +{more}") }
    }

    /// Edges of a belief that are no branches: contradictions first. Between two, they are named behind the one that is further out.
    fn others(&self, number: usize, signs: Signs, width: usize) -> Vec<Piece> {
        let own = &self.nodes[number];
        let mut found: Vec<(&Edge, bool, &Neighbour)> = Vec::new();
        for (at, edge) in self.edges.iter().enumerate() {
            let Some((source, target)) = self.ends(edge) else { continue };
            let (other, leads_away) = match (source == number, target == number) {
                (true, _) => (target, true),
                (false, true) => (source, false),
                (false, false) => continue,
            };
            let is_branch = self.branch[number] == Some(at) || self.branch[other] == Some(at);
            if !is_branch && (self.nodes[other].hops, other) < (own.hops, number) {
                found.push((edge, leads_away, &self.nodes[other]));
            }
        }
        found.sort_by_key(|(edge, ..)| edge.relation != Relation::Contradicts);
        let mut pieces: Vec<Piece> = Vec::new();
        for (edge, leads_away, other) in found.iter().take(MOST_NAMED) {
            let words = format!("  {} {}", signs.edge(edge.relation, *leads_away), SafeText::clipped(&other.title, (width / 5).max(14)));
            pieces.push(Piece::new(edge_role(edge.relation), &words));
        }
        if found.len() > MOST_NAMED {
            pieces.push(Piece::new(Role::Dim, &format!("  {} more", found.len() - MOST_NAMED)));
        }
        let branch = self.branch[number].and_then(|at| self.edges.get(at)).zip(self.hangs_on(number));
        let is_high = |confidence: Option<f64>| confidence.is_some_and(|confidence| confidence >= HIGH);
        let at_odds = branch.is_some_and(|(edge, (near, _))| {
            edge.relation == Relation::Contradicts && is_high(own.confidence) && is_high(self.nodes[near].confidence)
        });
        if at_odds {
            pieces.push(Piece::new(Role::Bad, "  both held high"));
        }
        pieces
    }
}
