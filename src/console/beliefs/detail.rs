//! One belief with all that belongs to it, as lines of text. Pure.

use super::rows;
use super::signs::{Signs, brief, confidence_role, edge_role, minute, number};
use crate::base::{Millis, SafeText};
use crate::console::action::Action;
use crate::console::state::State;
use crate::console::text::{Piece, Pieces, line, wrap};
use crate::console::theme::Role;
use crate::memory::beliefs::BeliefUpdate;
use crate::memory::graph::{BeliefRow, BeliefView};
use crate::memory::history::Contradiction;
use crate::memory::stances::StanceStatus;
use crate::memory::suggestions::Suggestion;
use serde_json::Value;

/// Values of a sparkline.
const MOST_SPARKS: usize = 60;

struct Page {
    lines: Vec<Pieces>,
    width: usize,
    signs: Signs,
    /// The time looked at.
    now: Millis,
}

impl Page {
    fn heading(&mut self, text: &str) {
        if !self.lines.is_empty() {
            self.lines.push(Vec::new());
        }
        self.lines.push(line(Role::Heading, text));
    }

    fn text(&mut self, role: Role, indent: usize, text: &str) {
        self.pieces(&[Piece::new(role, text)], indent);
    }

    fn pieces(&mut self, pieces: &[Piece], indent: usize) {
        self.lines.extend(wrap(pieces, self.width, indent));
    }
}

/// The lines of the belief at hand, for a pane of so many columns.
pub(super) fn lines(state: &State, width: usize) -> Vec<Pieces> {
    let tab = &state.beliefs;
    let Some((loaded, row)) = tab.loaded.as_ref().zip(tab.row()) else { return Vec::new() };
    let mut page = Page { lines: Vec::new(), width, signs: Signs::of(&state.glyphs), now: tab.at.unwrap_or(state.now) };
    head(
        &mut page,
        row,
        rows::moved(loaded, row, tab.at.is_some()),
        tab.at.map(|_| loaded.present.row(&row.id).and_then(|row| row.confidence)),
    );
    let Some(detail) = tab.open_detail() else {
        page.text(Role::Dim, 0, "reading …");
        return page.lines;
    };
    let keys = [Action::BeliefAccept, Action::BeliefRefuse].map(|action| state.key(action));
    body(&mut page, detail, tab.at.is_none().then_some(&keys));
    page.lines
}

fn head(page: &mut Page, row: &BeliefRow, moved: Option<f64>, now: Option<Option<f64>>) {
    page.text(Role::Heading, 0, SafeText::line(&row.title).as_str());
    let signs = page.signs;
    let (role, words) = signs.moved(moved, "");
    let span = if now.is_some() { " from then to now" } else { " in 7 days" };
    let mut pieces = vec![
        Piece::new(confidence_role(row.confidence), &format!("{} {}", signs.bar(row.confidence, 10), number(row.confidence))),
        Piece::new(role, &format!("  {}", words.trim().replace("  ", " "))),
    ];
    if moved.is_some() {
        pieces.push(Piece::new(Role::Dim, span));
    }
    if let Some(now) = now {
        pieces.push(Piece::new(Role::Dim, &format!(", now {}", number(now).trim())));
    }
    if row.locked {
        pieces.push(Piece::new(Role::Warning, &format!("   {} locked", signs.locked)));
    }
    page.pieces(&pieces, 0);
    if !row.tags.is_empty() {
        let tags: Vec<String> = row.tags.iter().map(|tag| format!("#{}", SafeText::line(tag))).collect();
        page.text(Role::Badge, 0, &tags.join(" "));
    }
    let facts = format!(
        "{}, {:.1} x as central as the average, changed {} ago, made {}",
        super::graph::edges(row.degree),
        row.centrality,
        brief(page.now - row.last_change),
        minute(row.created_at).get(..10).unwrap_or_default()
    );
    page.text(Role::Dim, 0, &facts);
}

fn body(page: &mut Page, detail: &BeliefView, keys: Option<&[String; 2]>) {
    page.lines.push(Vec::new());
    match &detail.stance {
        Some(stance) => page.text(Role::Text, 0, &format!("“{stance}”")),
        None => page.text(Role::Warning, 0, "no stance is in force"),
    }
    page.text(Role::Dim, 0, &detail.summary);
    waiting(page, &detail.suggestions, keys);
    contradictions(page, &detail.contradictions, &detail.row.id);
    stances(page, detail);
    relations(page, detail);
    evidence(page, detail);
    posts(page, detail);
    updates(page, &detail.updates);
}

fn waiting(page: &mut Page, suggestions: &[Suggestion], keys: Option<&[String; 2]>) {
    // What waits, waits now: it is no part of the past.
    let Some([accept, refuse]) = keys.filter(|_| !suggestions.is_empty()) else { return };
    page.heading(&format!("waits for a person: {accept} accepts, {refuse} refuses"));
    for suggestion in suggestions {
        let (kind, why) = match suggestion {
            Suggestion::Relationship(it) => ("edge", format!("{} ({})", it.reasoning, it.model.as_deref().unwrap_or("no model is named"))),
            Suggestion::Conflict(it) => ("conflict", format!("raised by {}", it.raised_by)),
        };
        let age = brief(page.now - suggestion.since());
        let pieces = [
            Piece::new(Role::Accent, &format!("{} {kind} ", page.signs.waits)),
            Piece::new(Role::Text, SafeText::line(&suggestion.sentence()).as_str()),
            Piece::new(Role::Dim, &format!("  {}, {age} ago", SafeText::line(&why))),
        ];
        page.pieces(&pieces, 1);
    }
}

fn contradictions(page: &mut Page, found: &[Contradiction], own: &str) {
    if found.is_empty() {
        return;
    }
    page.heading("cannot both be right");
    for contradiction in found {
        let title = |id: &str, title: &str| if id == own { "this".to_owned() } else { format!("“{}”", SafeText::clipped(title, 36)) };
        let way: Vec<String> = contradiction.path.iter().map(|named| title(&named.id, &named.title)).collect();
        let against = &contradiction.against;
        let pieces = [
            Piece::new(Role::Bad, &format!("{} ", page.signs.contradiction)),
            Piece::new(Role::Text, &way.join(&format!(" {} ", page.signs.becomes()))),
            Piece::new(Role::Bad, " contradicts "),
            Piece::new(Role::Text, &title(&against.id, &against.title)),
            Piece::new(
                Role::Dim,
                &format!("  {}, severity {:.2}", if contradiction.is_direct() { "direct" } else { "implied" }, contradiction.severity),
            ),
        ];
        page.pieces(&pieces, 1);
    }
}

fn stances(page: &mut Page, detail: &BeliefView) {
    if detail.stances.is_empty() {
        return;
    }
    page.heading("how it was held");
    let room = page.width.saturating_sub(44).clamp(8, MOST_SPARKS);
    let held: Vec<_> = detail.stances.iter().take(room).collect();
    let values: Vec<f64> = held.iter().rev().map(|view| view.stance.confidence).collect();
    if let (Some(newest), Some(oldest)) = (held.first(), held.last())
        && held.len() > 1
    {
        let pieces = [
            Piece::new(Role::Dim, &format!("{} {:.2} ", minute(oldest.stance.created_at), oldest.stance.confidence)),
            Piece::new(Role::Accent, &page.signs.sparkline(&values)),
            Piece::new(Role::Dim, &format!(" {:.2} {}", newest.stance.confidence, minute(newest.stance.created_at))),
        ];
        page.pieces(&pieces, 1);
    }
    let mut before = detail.stance.as_deref();
    for view in &detail.stances {
        let stance = &view.stance;
        let (role, moved) = page.signs.moved(view.percent_points, "first");
        let (status_role, status) = match stance.status {
            StanceStatus::Current => (Role::Good, "in force"),
            StanceStatus::Locked => (Role::Warning, "in force, locked"),
            StanceStatus::Deprecated => (Role::Dim, "was"),
        };
        let lasted = view.until.map(|until| format!(" for {}", brief(until - stance.created_at))).unwrap_or_default();
        let pieces = [
            Piece::new(Role::Dim, &format!("{} ", minute(stance.created_at))),
            Piece::new(confidence_role(Some(stance.confidence)), &format!("{:.2} ", stance.confidence)),
            Piece::new(role, &format!("{} ", moved.trim().replace("  ", " "))),
            Piece::new(status_role, &format!("{status}{lasted}")),
        ];
        page.pieces(&pieces, 1);
        // Words that stayed the same are not said again.
        if before != Some(stance.text.as_str()) {
            page.text(Role::Text, 3, &stance.text);
        }
        before = Some(stance.text.as_str());
        if let Some(rationale) = &stance.rationale {
            page.text(Role::Dim, 3, &format!("because: {}", SafeText::line(rationale)));
        }
    }
}

fn relations(page: &mut Page, detail: &BeliefView) {
    if detail.relations.is_empty() {
        return;
    }
    page.heading("relations");
    let mut relations: Vec<_> = detail.relations.iter().collect();
    relations
        .sort_by(|one, other| (one.outgoing, other.weight).partial_cmp(&(other.outgoing, one.weight)).unwrap_or(std::cmp::Ordering::Equal));
    for relation in relations {
        let stroke = page.signs.edge(relation.relation, relation.outgoing);
        let pieces = [
            Piece::new(edge_role(relation.relation), &format!("{stroke} {:<16}{:.2}  ", relation.relation.words(), relation.weight)),
            Piece::new(confidence_role(relation.other_confidence), &format!("{} ", number(relation.other_confidence))),
            Piece::new(Role::Text, SafeText::line(&relation.other_title).as_str()),
        ];
        page.pieces(&pieces, 1);
    }
}

fn evidence(page: &mut Page, detail: &BeliefView) {
    if detail.evidence.is_empty() {
        return;
    }
    page.heading("evidence");
    for piece in &detail.evidence {
        let (role, sign) = match piece.direction.map(|direction| direction.as_str()) {
            Some("increase") => (Role::Good, page.signs.rising),
            Some(_) => (Role::Bad, page.signs.falling),
            None => (Role::Dim, page.signs.still),
        };
        let pieces = [
            Piece::new(role, &format!("{sign} {:<9}", piece.strength.as_str())),
            Piece::new(Role::Dim, &format!("{} {} ", minute(piece.created_at), piece.source_type.as_str())),
            Piece::new(Role::Link, SafeText::line(&piece.source_ref).as_str()),
        ];
        page.pieces(&pieces, 1);
    }
}

fn posts(page: &mut Page, detail: &BeliefView) {
    if detail.posts.is_empty() {
        return;
    }
    page.heading("said from it");
    for post in &detail.posts {
        let taken_back = if post.retracted_at.is_some() { ", taken back" } else { "" };
        let about =
            format!("{} r/{} at {}{taken_back}: ", minute(post.at), SafeText::line(&post.subreddit), number(post.confidence).trim());
        let room = (page.width * 2).saturating_sub(about.len()).max(40);
        page.pieces(&[Piece::new(Role::Dim, &about), Piece::new(Role::Quote, SafeText::clipped(&post.content, room).as_str())], 1);
    }
}

fn updates(page: &mut Page, updates: &[BeliefUpdate]) {
    page.heading("what happened to it");
    for update in updates {
        let pieces = [
            Piece::new(Role::Dim, &format!("{} ", minute(update.created_at))),
            Piece::new(Role::Text, &update_words(update)),
            Piece::new(Role::Dim, &format!(" by {}: {}", SafeText::line(&update.updated_by), SafeText::line(&update.reason))),
        ];
        page.pieces(&pieces, 1);
    }
}

/// What a change was, in a few words.
pub(super) fn update_words(update: &BeliefUpdate) -> String {
    let confidence = |value: &Value| value["confidence"].as_f64();
    let what = match update.action.as_deref() {
        Some("belief.update") => match (confidence(&update.old_value), confidence(&update.new_value)) {
            (Some(before), Some(after)) if before != after => format!("{before:.2} became {after:.2}"),
            (None, Some(after)) => format!("held with {after:.2}"),
            _ => "put otherwise".to_owned(),
        },
        Some("belief.create") => "made".to_owned(),
        Some("belief.edit") => "words changed".to_owned(),
        Some("belief.lock") => "locked".to_owned(),
        Some("belief.unlock") => "unlocked".to_owned(),
        Some("edge.add") => "edge made".to_owned(),
        Some("edge.remove") => "edge taken away".to_owned(),
        Some("evidence.append") => "evidence added".to_owned(),
        Some(other) => SafeText::line(other).to_string(),
        None => update.trigger_type.clone(),
    };
    if update.undoes.is_some() { format!("{what} (taking a change back)") } else { what }
}
