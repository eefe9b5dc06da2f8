//! A case as lines of text: what is answered, the draft with its flagged places, what speaks against it, and its history. Pure.

use super::View;
use crate::base::{Millis, SafeText, clock};
use crate::console::request::Case;
use crate::console::text::{Piece, Pieces, line, wrap};
use crate::console::theme::Role;
use crate::memory::confidence;
use crate::moderation::screening::ConsistencyResult;
use crate::moderation::{Item, Span, Verdict};
use similar::{ChangeTag, TextDiff};

/// The lines of a case, for a pane of so many columns.
pub(in crate::console) fn lines(case: &Case, view: View, masked: bool, width: usize, now: Millis) -> Vec<Pieces> {
    let mut page = Page { lines: Vec::new(), width };
    match view {
        View::Whole => {
            head(&mut page, case, now);
            thread(&mut page, &case.item, masked);
            draft(&mut page, &case.item);
            findings(&mut page, case, now);
            beliefs(&mut page, &case.item);
            history(&mut page, case);
        }
        View::Rules => {
            draft(&mut page, &case.item);
            findings(&mut page, case, now);
        }
        View::Beliefs => {
            draft(&mut page, &case.item);
            beliefs(&mut page, &case.item);
        }
        View::Thread => thread(&mut page, &case.item, masked),
        View::Difference => difference(&mut page, case),
    }
    page.lines
}

/// The most bytes of a text around the draft that are shown: nothing that somebody wrote makes the screen stand still. The draft is whole.
const LONGEST: usize = 1 << 16;

struct Page {
    lines: Vec<Pieces>,
    width: usize,
}

impl Page {
    fn heading(&mut self, text: &str) {
        if !self.lines.is_empty() {
            self.lines.push(Vec::new());
        }
        self.lines.push(line(Role::Heading, text));
    }

    fn text(&mut self, role: Role, indent: usize, text: &str) {
        let shown = text.get(..text.floor_char_boundary(LONGEST)).unwrap_or(text);
        self.pieces(&[Piece::new(role, shown)], indent);
        if shown.len() < text.len() {
            let rest = text[shown.len()..].chars().count();
            self.pieces(&[Piece::new(Role::Warning, &format!("{rest} more characters are not shown"))], indent);
        }
    }

    fn pieces(&mut self, pieces: &[Piece], indent: usize) {
        self.lines.extend(wrap(pieces, self.width, indent));
    }
}

fn head(page: &mut Page, case: &Case, now: Millis) {
    let item = &case.item;
    let age = clock::duration((now - item.created_at).max(0));
    page.text(
        Role::Text,
        0,
        &format!("{} in r/{} for u/{}, {age} old, revision {}", item.post_type, item.target_subreddit, case.account, item.revision),
    );
    if let Some((holder, until)) = item.live_lease(now) {
        page.text(Role::Accent, 0, &format!("claimed by {holder} until {}", clock::local(until)));
    }
    for (name, value) in [
        ("held", &item.hold_reason),
        ("passed on to", &item.escalated_to),
        ("because", &item.escalation_reason),
        ("note", &item.state_reason),
    ] {
        if let Some(value) = value {
            page.text(Role::Warning, 0, &format!("{name}: {}", SafeText::line(value)));
        }
    }
}

fn thread(page: &mut Page, item: &Item, masked: bool) {
    for entry in &item.draft_metadata.thread {
        page.heading(&format!("u/{} wrote", SafeText::line(&entry.author)));
        if masked {
            page.text(Role::Mask, 1, "(masked)");
            continue;
        }
        if let Some(title) = &entry.title {
            page.text(Role::Text, 1, title);
        }
        page.text(Role::Quote, 1, &entry.body);
    }
    if item.draft_metadata.thread.is_empty() {
        page.heading("thread");
        page.text(Role::Dim, 1, "nothing was kept of it");
    }
}

fn draft(page: &mut Page, item: &Item) {
    page.heading("the draft");
    if let Some(title) = &item.title {
        page.text(Role::Text, 1, title);
    }
    let mut spans: Vec<Span> = item.evaluation.hits.iter().flat_map(|hit| hit.spans.iter().copied()).collect();
    spans.sort_by_key(|span| (span.start, span.end));
    page.pieces(&flagged(&item.content, &spans), 1);
}

/// A text with the places that rules flagged. Each piece is made safe by itself, so that the places stay right.
pub(in crate::console) fn flagged(text: &str, spans: &[Span]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut done = 0;
    for span in spans {
        let start = span.start.max(done);
        let (Some(before), Some(inside)) = (text.get(done..start), text.get(start..span.end)) else { continue };
        pieces.push(Piece::new(Role::Text, before));
        // Brackets as well as a colour: nothing is told by colour alone.
        pieces.push(Piece::new(Role::Flagged, &format!("[{inside}]")));
        done = span.end;
    }
    pieces.push(Piece::new(Role::Text, text.get(done..).unwrap_or_default()));
    pieces
}

/// The role and the word of a verdict.
pub(in crate::console) fn verdict(verdict: Verdict) -> (Role, &'static str) {
    match verdict {
        Verdict::Allow => (Role::Good, "clean"),
        Verdict::Review => (Role::Warning, "review"),
        Verdict::Block => (Role::Bad, "blocked"),
    }
}

fn findings(page: &mut Page, case: &Case, now: Millis) {
    let item = &case.item;
    let (role, word) = verdict(item.verdict);
    page.heading("screening");
    page.pieces(&[Piece::new(role, word), Piece::new(Role::Dim, &format!("  score {:.2}", item.evaluation.score))], 1);
    for hit in &item.evaluation.hits {
        let role = if hit.severity == Verdict::Block { Role::Bad } else { Role::Warning };
        page.pieces(
            &[Piece::new(role, &format!("{}: ", hit.rule_id)), Piece::new(Role::Text, &SafeText::line(&hit.message).to_string())],
            1,
        );
    }
    for missing in &item.evaluation.missing {
        page.pieces(&[Piece::new(Role::Warning, "unknown: "), Piece::new(Role::Text, &SafeText::line(missing).to_string())], 1);
    }
    for hit in &item.evaluation.shadow {
        page.text(Role::Dim, 1, &format!("in shadow, {}: {}", hit.rule_id, SafeText::line(&hit.message)));
    }
    match &item.draft_metadata.consistency {
        Some(ConsistencyResult::Consistent { explanation, confidence }) => {
            page.text(
                Role::Dim,
                1,
                &format!("agrees with the beliefs, sure to {:.0} %: {}", confidence * 100.0, SafeText::line(explanation)),
            );
        }
        Some(ConsistencyResult::Unknown { reason }) => {
            page.text(Role::Warning, 1, &format!("not checked against the beliefs: {}", SafeText::line(reason)))
        }
        Some(ConsistencyResult::Inconsistent { .. } | ConsistencyResult::NotNeeded) | None => {}
    }
    if let Some((text, at)) = &case.resembles {
        page.heading(&format!("what it resembles, {} ago", clock::duration((now - at).max(0))));
        page.text(Role::Quote, 1, text);
    }
    if !case.rules.is_empty() {
        page.heading(&format!("rules of r/{}", SafeText::line(&item.target_subreddit)));
        for rule in &case.rules {
            page.text(Role::Dim, 1, &SafeText::line(rule).to_string());
        }
    }
}

fn beliefs(page: &mut Page, item: &Item) {
    let metadata = &item.draft_metadata;
    if !metadata.beliefs.is_empty() {
        page.heading("beliefs it leans on");
        for belief in &metadata.beliefs {
            let confidence = belief.confidence.map_or_else(|| "?".to_owned(), |confidence| format!("{confidence:.2}"));
            page.text(Role::Text, 1, &format!("{confidence}  {}", SafeText::line(&belief.title)));
        }
    }
    let proposals = &metadata.belief_proposals;
    if proposals.updates.is_empty() && proposals.new_belief.is_none() {
        return;
    }
    page.heading("what would change when it is sent");
    for update in &proposals.updates {
        let now = update.current_confidence;
        let effect = match update.direction().map(|direction| confidence::after_evidence(Some(now), update.evidence_strength, direction)) {
            Some(Ok(becomes)) => format!("{now:.2} becomes {becomes:.2}"),
            Some(Err(error)) => format!("cannot be applied: {error}"),
            None => "stays".to_owned(),
        };
        page.text(Role::Text, 1, &format!("{}: {effect}", SafeText::line(&update.belief_title)));
    }
    if let Some(belief) = &proposals.new_belief {
        page.text(Role::Text, 1, &format!("new at {:.2}: {}", belief.initial_confidence, SafeText::line(&belief.title)));
    }
}

fn history(page: &mut Page, case: &Case) {
    page.heading("history");
    for record in &case.history {
        let reason = record.reason.as_deref().map(|reason| format!(": {}", SafeText::line(reason))).unwrap_or_default();
        page.text(Role::Dim, 1, &format!("{} {} by {}{reason}", clock::local(record.at), record.action, SafeText::line(&record.actor)));
    }
}

fn difference(page: &mut Page, case: &Case) {
    page.heading("from the first draft to this text");
    let first = case.revisions.first().map(|revision| revision.content.as_str()).unwrap_or_default();
    if first == case.item.content {
        page.text(Role::Dim, 1, "nobody changed it");
        return;
    }
    let pieces: Vec<Piece> = TextDiff::from_words(first, case.item.content.as_str())
        .iter_all_changes()
        .map(|change| match change.tag() {
            ChangeTag::Equal => Piece::new(Role::Text, change.value()),
            ChangeTag::Delete => Piece::new(Role::Removed, &format!("[-{}-]", change.value())),
            ChangeTag::Insert => Piece::new(Role::Inserted, &format!("{{+{}+}}", change.value())),
        })
        .collect();
    page.pieces(&pieces, 1);
}
