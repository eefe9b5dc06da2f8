//! What changed from the time looked at to now, or in the last week, as lines of text. Pure.

use super::signs::{Signs, edge_role, minute, number};
use crate::base::SafeText;
use crate::console::state::State;
use crate::console::text::{Piece, Pieces, line, wrap};
use crate::console::theme::Role;
use crate::memory::edges::Edge;
use crate::memory::history::Difference;

/// Most lines of one kind.
const MOST: usize = 300;

/// The difference, for a pane of so many columns.
pub(super) fn lines(state: &State, width: usize) -> Vec<Pieces> {
    let Some((since, difference)) = &state.beliefs.difference else { return vec![line(Role::Dim, "comparing …")] };
    let signs = Signs::of(&state.glyphs);
    let mut lines = vec![line(Role::Heading, &format!("from {} to now", minute(*since)))];
    if difference.is_empty() {
        lines.push(line(Role::Dim, "nothing has changed"));
        return lines;
    }
    beliefs(&mut lines, difference, signs, width);
    let title = |id: &str| {
        let loaded = state.beliefs.loaded.as_ref();
        let row = loaded.and_then(|loaded| loaded.present.row(id).or_else(|| loaded.graph.row(id)));
        row.map_or_else(|| "?".to_owned(), |row| SafeText::clipped(&row.title, 30).to_string())
    };
    for (words, sign, edges) in [("edges made", "+", &difference.edges_added), ("edges taken away", "-", &difference.edges_removed)] {
        if edges.is_empty() {
            continue;
        }
        heading(&mut lines, words, edges.len());
        lines.extend(edges.iter().take(MOST).flat_map(|edge| edge_line(edge, sign, &title, signs, width)));
    }
    lines
}

fn heading(lines: &mut Vec<Pieces>, words: &str, count: usize) {
    lines.push(Vec::new());
    lines.push(line(Role::Heading, &format!("{words}: {count}")));
}

fn beliefs(lines: &mut Vec<Pieces>, difference: &Difference, signs: Signs, width: usize) {
    if !difference.changed.is_empty() {
        heading(lines, "changed", difference.changed.len());
    }
    for change in difference.changed.iter().take(MOST) {
        let (role, moved) = signs.moved(change.percent_points, "?");
        let others: Vec<&str> = change.parts.iter().copied().filter(|part| *part != "confidence").collect();
        let others = if others.is_empty() { String::new() } else { format!("  also {}", others.join(", ")) };
        let pieces = [
            Piece::new(role, &format!("{moved:<9} ")),
            Piece::new(
                Role::Dim,
                &format!("{} {} {}  ", number(change.before.confidence), signs.becomes(), number(change.after.confidence)),
            ),
            Piece::new(Role::Text, SafeText::line(&change.title).as_str()),
            Piece::new(Role::Dim, &others),
        ];
        lines.extend(wrap(&pieces, width, 1));
    }
    for (words, sign, role, nodes) in [("new", "+", Role::Inserted, &difference.added), ("gone", "-", Role::Removed, &difference.removed)] {
        if nodes.is_empty() {
            continue;
        }
        heading(lines, words, nodes.len());
        for node in nodes.iter().take(MOST) {
            let pieces = [
                Piece::new(role, &format!("{sign} ")),
                Piece::new(Role::Dim, &format!("{}  ", number(node.confidence))),
                Piece::new(Role::Text, SafeText::line(&node.title).as_str()),
            ];
            lines.extend(wrap(&pieces, width, 1));
        }
    }
}

fn edge_line(edge: &Edge, sign: &str, title: &dyn Fn(&str) -> String, signs: Signs, width: usize) -> Vec<Pieces> {
    let pieces = [
        Piece::new(if sign == "+" { Role::Inserted } else { Role::Removed }, &format!("{sign} ")),
        Piece::new(Role::Text, &format!("{} ", title(&edge.source_id))),
        Piece::new(edge_role(edge.relation), &format!("{} {} {:.2} ", signs.edge(edge.relation, true), edge.relation.words(), edge.weight)),
        Piece::new(Role::Text, &title(&edge.target_id)),
    ];
    wrap(&pieces, width, 1)
}
