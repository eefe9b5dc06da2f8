//! A case as lines of text: what is answered, the draft with its flagged places, what speaks against it, and its history. Pure.

use super::{Notice, View, beside, since};
use crate::base::{Millis, Picos, SafeText, clock};
use crate::console::request::Case;
use crate::console::text::{Piece, Pieces, line, wrap};
use crate::console::theme::Role;
use crate::llm::calls::Call;
use crate::memory::confidence;
use crate::moderation::screening::ConsistencyResult;
use crate::moderation::{Item, Span, Verdict};

/// Lines of an entry of the thread that stand before the draft.
const SHORT: usize = 6;
/// Bytes of a draft that are shown: rules block a text long before.
const MOST_OF_A_DRAFT: usize = 160_000;

/// The lines of a case, for a pane of so many columns.
pub(in crate::console) fn lines(case: &Case, view: View, masked: bool, width: usize, now: Millis) -> Vec<Pieces> {
    let mut page = Page { lines: Vec::new(), width };
    match view {
        View::Whole => {
            head(&mut page, case, now);
            thread(&mut page, &case.item, masked, true);
            draft(&mut page, &case.item);
            findings(&mut page, case, now);
            beliefs(&mut page, case);
            cost(&mut page, case);
            history(&mut page, case);
        }
        View::Rules => {
            draft(&mut page, &case.item);
            findings(&mut page, case, now);
        }
        View::Beliefs => {
            draft(&mut page, &case.item);
            agreement(&mut page, case);
            beliefs(&mut page, case);
        }
        View::Thread => thread(&mut page, &case.item, masked, false),
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

/// What is answered. In short only the beginning of each entry, so that the draft is not far below.
fn thread(page: &mut Page, item: &Item, masked: bool, in_short: bool) {
    for entry in &item.draft_metadata.thread {
        page.heading(&format!("u/{} wrote", SafeText::line(&entry.author)));
        if masked {
            page.text(Role::Mask, 1, "(masked)");
            continue;
        }
        if let Some(title) = &entry.title {
            page.text(Role::Text, 1, title);
        }
        let lines = wrap(&[Piece::new(Role::Quote, &entry.body)], page.width, 1);
        let shown = if in_short && lines.len() > SHORT + 1 { SHORT } else { lines.len() };
        let left_out = lines.len() - shown;
        page.lines.extend(lines.into_iter().take(shown));
        if left_out > 0 {
            page.text(Role::Accent, 1, &format!("{left_out} more lines: the thread's own view has them"));
        }
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
    let shown = item.content.get(..item.content.floor_char_boundary(MOST_OF_A_DRAFT)).unwrap_or_default();
    spans.retain(|span| span.end <= shown.len());
    page.pieces(&flagged(shown, &spans), 1);
    if shown.len() < item.content.len() {
        let more = item.content.len() - shown.len();
        page.text(Role::Bad, 1, &format!("{more} more bytes are not shown; it is much too long to be sent"));
    }
    let hidden = SafeText::new(shown).removed();
    if hidden > 0 {
        page.text(Role::Warning, 1, &format!("{hidden} characters are left out here: they are invisible, or would steer the terminal"));
    }
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
    agreement(page, case);
    if let Some((text, at)) = &case.resembles {
        page.heading("what it resembles");
        let ago = format!("drafted {} ago", clock::duration((now - at).max(0)));
        page.lines.extend(beside::beside(("this draft", &item.content), (&ago, text), page.width));
    }
    if !case.rules.is_empty() {
        page.heading(&format!("rules of r/{}", SafeText::line(&item.target_subreddit)));
        for rule in &case.rules {
            page.text(Role::Dim, 1, &SafeText::line(rule).to_string());
        }
    }
}

/// What the check against the beliefs said, with what the persona holds where it disagrees.
fn agreement(page: &mut Page, case: &Case) {
    let percent = |confidence: &f64| format!("sure to {:.0} %", confidence * 100.0);
    match &case.item.draft_metadata.consistency {
        Some(ConsistencyResult::Consistent { explanation, confidence }) => {
            page.heading("consistency");
            let words = format!("agrees with the beliefs, {}: {}", percent(confidence), SafeText::line(explanation));
            page.pieces(&[Piece::new(Role::Good, "consistent  "), Piece::new(Role::Dim, &words)], 1);
        }
        Some(ConsistencyResult::Inconsistent { confidence, explanation, conflicts }) => {
            page.heading("consistency");
            let words = format!("{}: {}", percent(confidence), SafeText::line(explanation));
            page.pieces(&[Piece::new(Role::Bad, "in conflict  "), Piece::new(Role::Text, &words)], 1);
            for conflict in conflicts {
                let held = stance(case, &conflict.belief_id);
                page.pieces(&[Piece::new(Role::Warning, "against: "), Piece::new(Role::Text, &conflict.title)], 1);
                page.text(Role::Dim, 3, &held.unwrap_or_else(|| "the belief is not held any more".to_owned()));
                if let Some(quote) = &conflict.quote {
                    page.pieces(&[Piece::new(Role::Dim, "the draft says: "), Piece::new(Role::Flagged, &format!("[{quote}]"))], 3);
                }
            }
        }
        Some(ConsistencyResult::Unknown { reason }) => {
            page.heading("consistency");
            let words = format!("not checked against the beliefs: {}", SafeText::line(reason));
            page.pieces(&[Piece::new(Role::Warning, "unknown  "), Piece::new(Role::Text, &words)], 1);
        }
        Some(ConsistencyResult::NotNeeded) => {
            page.heading("consistency");
            page.text(Role::Dim, 1, "not needed: there were no beliefs to check against");
        }
        None => {}
    }
}

/// What the persona says about a belief now, and how sure it is.
fn stance(case: &Case, belief: &str) -> Option<String> {
    let stance = case.stances.get(belief)?;
    let locked = if stance.status == crate::memory::stances::StanceStatus::Locked { ", locked" } else { "" };
    Some(format!("held at {:.2}{locked}: {}", stance.confidence, SafeText::line(&stance.text)))
}

fn beliefs(page: &mut Page, case: &Case) {
    let metadata = &case.item.draft_metadata;
    if !metadata.beliefs.is_empty() {
        page.heading("beliefs it leans on");
        for belief in &metadata.beliefs {
            let then = belief.confidence.map_or_else(|| "?".to_owned(), |confidence| format!("{confidence:.2}"));
            let now = case.stances.get(&belief.belief_id).map(|stance| stance.confidence);
            let moved = now.filter(|now| belief.confidence.is_some_and(|then| (then - now).abs() >= 0.005));
            let moved = moved.map(|now| format!("  (now {now:.2})")).unwrap_or_default();
            let title = format!("{}{moved}", SafeText::line(&belief.title));
            page.pieces(&[Piece::new(Role::Accent, &format!("{then}  ")), Piece::new(Role::Text, &title)], 1);
            if !belief.stance.is_empty() {
                page.text(Role::Dim, 7, SafeText::line(&belief.stance).as_str());
            }
        }
    }
    if let Some(why) = &metadata.proposals_missing {
        page.heading("what would change when it is sent");
        page.text(Role::Warning, 1, &format!("unknown: {}", SafeText::line(why)));
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
        page.text(Role::Dim, 3, &format!("{} evidence: {}", strength(update.evidence_strength), SafeText::line(&update.reason)));
    }
    if let Some(belief) = &proposals.new_belief {
        page.text(Role::Text, 1, &format!("new at {:.2}: {}", belief.initial_confidence, SafeText::line(&belief.title)));
        page.text(Role::Dim, 3, &format!("{} {}", SafeText::line(&belief.summary), SafeText::line(&belief.reason)));
    }
}

fn strength(strength: crate::memory::Strength) -> &'static str {
    use crate::memory::Strength::{Moderate, Strong, Weak};
    match strength {
        Weak => "weak",
        Moderate => "moderate",
        Strong => "strong",
    }
}

/// What the models that made it cost: the sum, then each call.
fn cost(page: &mut Page, case: &Case) {
    page.heading("what it cost");
    if case.calls.is_empty() {
        let metadata = &case.item.draft_metadata;
        let model = metadata.model.as_deref().map(|model| format!(" of {}", SafeText::line(model))).unwrap_or_default();
        let tokens = format!("{} tokens read, {} written{model}", metadata.tokens_in, metadata.tokens_out);
        match metadata.cost_picos {
            Some(cost) => page.text(Role::Text, 1, &format!("{cost} for {tokens}")),
            None if metadata.tokens_in + metadata.tokens_out > 0 => page.text(Role::Text, 1, &format!("unknown, for {tokens}")),
            None => page.text(Role::Dim, 1, "no call of a model is in the ledger for it"),
        }
        return;
    }
    let picos = |call: &Call| call.cost_reported_picos.or(call.cost_computed_picos);
    let known: i64 = case.calls.iter().filter_map(picos).fold(0, i64::saturating_add);
    let unknown = case.calls.iter().filter(|call| picos(call).is_none()).count();
    let tokens = |of: fn(&Call) -> Option<i64>| case.calls.iter().filter_map(of).fold(0, i64::saturating_add);
    let mut sum = format!(
        "{} for {} calls, {} tokens read, {} written",
        Picos(known),
        case.calls.len(),
        tokens(|call| call.tokens_in),
        tokens(|call| call.tokens_out)
    );
    if unknown > 0 {
        sum.push_str(&format!("; of {unknown} the price is unknown"));
    }
    page.text(Role::Text, 1, &sum);
    for call in case.calls.iter().take(20) {
        let model = call.model_answered.as_deref().unwrap_or(&call.model_asked);
        let price = picos(call).map_or_else(|| "price unknown".to_owned(), |picos| Picos(picos).to_string());
        let count = |tokens: Option<i64>| tokens.map_or_else(|| "?".to_owned(), |tokens| tokens.to_string());
        let outcome = if call.outcome == "ok" { String::new() } else { format!(", {}", SafeText::line(&call.outcome)) };
        page.text(
            Role::Dim,
            3,
            &format!(
                "{}: {}, {} + {} tokens, {price}{outcome}",
                SafeText::line(&call.module),
                SafeText::line(model),
                count(call.tokens_in),
                count(call.tokens_out)
            ),
        );
    }
}

/// What happened to the item since it was on the screen, and what to do now.
pub(in crate::console) fn told(case: &Case, notice: &Notice, me: &str, keys: &[String; 3], width: usize, now: Millis) -> Vec<Pieces> {
    let mut page = Page { lines: Vec::new(), width };
    let since = since::since(case, notice.seen);
    match (&notice.refused, &since) {
        (None, None) => return Vec::new(),
        (Some(why), Some(_)) if why.contains("changed meanwhile") => page.text(Role::Bad, 0, "not done: it changed meanwhile"),
        (Some(why), _) => {
            page.pieces(&[Piece::new(Role::Bad, "not done: "), Piece::new(Role::Text, &SafeText::line(why).to_string())], 0);
        }
        (None, Some(_)) => page.text(Role::Bad, 0, "the text changed while you looked at it"),
    }
    let item = &case.item;
    if let Some(since) = since {
        page.heading("what changed since you saw it");
        let then = since.state.as_deref().unwrap_or("unknown");
        page.text(Role::Text, 1, &format!("version {} was {then}, version {} is {}", notice.seen, item.version, item.state));
        for record in since.steps.iter().rev().take(8).rev() {
            let reason = record.reason.as_deref().map(|reason| format!(": {}", SafeText::line(reason))).unwrap_or_default();
            let step = format!("{} {} by {}{reason}", clock::local(record.at), record.action, SafeText::line(&record.actor));
            page.text(Role::Text, 1, &step);
        }
        if since.text == item.content {
            page.text(Role::Dim, 1, "the text is the same");
        } else {
            page.text(Role::Dim, 1, "the text, with what was [-taken out-] and {+put in+}:");
            page.pieces(&beside::changes(since.text, &item.content), 1);
        }
    }
    let [approve, reject, down] = keys;
    let next = match (item.state, item.live_lease(now)) {
        (_, Some((holder, until))) if holder != me => {
            format!("{} has it until {}: wait, or ask; {down} goes on", SafeText::line(holder), clock::local(until))
        }
        (crate::moderation::State::Pending | crate::moderation::State::Claimed | crate::moderation::State::Held, _) => {
            format!("read it again: {approve} approves it as it is now, {reject} rejects it, {down} goes on")
        }
        (state, _) => format!("it is {state}{}: there is nothing left to decide; {down} goes on", item.decided_by()),
    };
    page.pieces(&[Piece::new(Role::Accent, "next: "), Piece::new(Role::Text, &next)], 0);
    page.lines.push(Vec::new());
    page.lines
}

fn history(page: &mut Page, case: &Case) {
    page.heading("history");
    for record in &case.history {
        let reason = record.reason.as_deref().map(|reason| format!(": {}", SafeText::line(reason))).unwrap_or_default();
        page.text(Role::Dim, 1, &format!("{} {} by {}{reason}", clock::local(record.at), record.action, SafeText::line(&record.actor)));
    }
}

/// What people changed since the first draft.
fn difference(page: &mut Page, case: &Case) {
    page.heading("from the first draft to this text");
    let first = case.revisions.first().map(|revision| revision.content.as_str()).unwrap_or_default();
    if first == case.item.content {
        page.text(Role::Dim, 1, "nobody changed it");
        return;
    }
    page.pieces(&beside::changes(first, &case.item.content), 1);
}
