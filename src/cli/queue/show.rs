//! One item with everything that a decision rests on.

use super::{Desk, judges};
use crate::base::{SafeText, clock};
use crate::cli::Failure;
use crate::cli::events::short;
use crate::cli::output::{Output, Tone, age};
use crate::memory;
use crate::moderation::outbox::{self, Attempt};
use crate::moderation::overrides::{self, Override};
use crate::moderation::policies::{self, SubredditPolicy};
use crate::moderation::quality::labels::{self, Labelled};
use crate::moderation::rules;
use crate::moderation::screening::ConsistencyResult;
use crate::moderation::{self, Item, PostType, Span, Verdict, amendments, item};
use crate::store::Conn;
use crate::store::audit::{self, Record};
use serde_json::json;

pub(super) fn run(desk: &Desk<'_>, id: &str) -> Result<(), Failure> {
    let (persona, item) = desk.find(id)?;
    let (owner, full) = (persona.id.clone(), item.id.clone());
    let (judged, place, kind) = (item.clone(), item.target_subreddit.clone(), item.post_type);
    let (revisions, attempts, wishes, history, overriding, policy, labels, earlier) =
        desk.deck.db.read_blocking(move |c: &mut dyn Conn| -> moderation::Result<_> {
            Ok((
                item::revisions(c, &owner, &full)?,
                outbox::attempts(c, &owner, &full)?,
                amendments::of_item(c, &owner, &full)?,
                audit::history(c, "pending_post", &full)?,
                overrides::of(c, &judged)?,
                policies::get(c, &place)?,
                labels::of(c, &owner, &full)?,
                earlier_text(c, &judged)?,
            ))
        })?;
    let out = &desk.context.out;
    let value = json!({ "item": item, "revisions": revisions, "attempts": attempts, "amendments": wishes, "history": history,
        "override": overriding, "policy": policy, "labels": labels, "resembles": earlier.as_ref().map(|(text, at)| json!({ "content": text, "created_at": at })) });
    out.either(&value, || {
        let now = desk.context.clock.now();
        head(out, &item, &persona.reddit_username, now)?;
        thread(out, &item)?;
        draft(out, &item)?;
        judgement(out, &item)?;
        if let Some((text, at)) = &earlier {
            title(out, &format!("what it resembles, {}", age(*at, now)))?;
            out.text(SafeText::new(text).as_str())?;
        }
        judges::show(out, &item)?;
        policies_shown(out, policy.as_ref(), kind, now)?;
        override_of(out, &item, overriding.as_ref())?;
        proposals(out, &item)?;
        deliveries(out, &attempts)?;
        super::amend::show(out, &item, &wishes, now)?;
        opinions(out, &labels)?;
        past(out, &history)
    })
}

pub(super) fn title(out: &Output, text: &str) -> Result<(), Failure> {
    out.say(format!("\n{}", out.paint(text, Tone::Faint)))
}

fn head(out: &Output, item: &Item, persona: &str, now: i64) -> Result<(), Failure> {
    let cost = match item.draft_metadata.cost_picos {
        Some(cost) => cost.to_string(),
        None if item.draft_metadata.model.is_some() => "unpriced".to_owned(),
        None => "unknown".to_owned(),
    };
    let mut pairs = vec![
        ("item", item.id.clone()),
        ("state", format!("{}{}", item.state, item.decided_by())),
        ("version", format!("{}, revision {}", item.version, item.revision)),
        ("persona", persona.to_owned()),
        (
            "to",
            format!(
                "r/{}, {}{}",
                item.target_subreddit,
                item.post_type,
                item.parent_id.as_deref().map(|parent| format!(" under {parent}")).unwrap_or_default()
            ),
        ),
        ("drafted", age(item.created_at, now)),
        ("expires", age(item.expires_at, now)),
        ("model", format!("{}, {cost}", item.draft_metadata.model.as_deref().unwrap_or("unknown"))),
    ];
    if let Some((holder, until)) = item.live_lease(now) {
        pairs.push(("claimed by", format!("{holder}, until {}", clock::local(until))));
    }
    if let (Some(until), Some(reason)) = (item.hold_until, &item.hold_reason) {
        pairs.push(("held until", format!("{}: {reason}", clock::local(until))));
    }
    if let (Some(to), Some(reason)) = (&item.escalated_to, &item.escalation_reason) {
        pairs.push(("passed on to", format!("{to}: {reason}")));
    }
    pairs.extend(item.not_before.filter(|at| *at > now).map(|at| ("leaves", age(at, now))));
    pairs.extend(item.state_reason.clone().map(|reason| ("because", reason)));
    pairs.extend(item.reject_note.clone().map(|note| ("note", note)));
    pairs.extend(item.fullname.clone().map(|name| ("published as", name)));
    pairs.extend(item.permalink.clone().map(|link| ("link", link)));
    if item.draft_metadata.sandbox {
        pairs.push(("sandbox", "nothing of this is real".to_owned()));
    }
    out.pairs(&pairs)
}

fn thread(out: &Output, item: &Item) -> Result<(), Failure> {
    for entry in &item.draft_metadata.thread {
        title(out, &format!("u/{} wrote", SafeText::line(&entry.author)))?;
        if let Some(heading) = &entry.title {
            out.text(SafeText::line(heading).as_str())?;
        }
        let body = SafeText::new(&entry.body);
        out.text(body.as_str())?;
        if body.removed() > 0 {
            out.say(out.paint(&format!("({} hidden or steering characters are not shown)", body.removed()), Tone::Warning))?;
        }
    }
    if item.draft_metadata.tainted {
        out.say(out.paint("This text tries to instruct its reader. It was given to the model as data.", Tone::Warning))?;
    }
    Ok(())
}

fn draft(out: &Output, item: &Item) -> Result<(), Failure> {
    title(out, "the draft")?;
    if let Some(heading) = &item.title {
        out.text(SafeText::line(heading).as_str())?;
    }
    let mut spans: Vec<Span> = item.evaluation.hits.iter().flat_map(|hit| hit.spans.iter().copied()).collect();
    spans.sort_by_key(|span| (span.start, span.end));
    out.text(&marked(&item.content, &spans))
}

/// The text with what was flagged in brackets. Spans that overlap share one pair; spans that do not fit the text are left out.
fn marked(content: &str, spans: &[Span]) -> String {
    let mut text = String::new();
    let mut done = 0;
    for span in spans {
        let (start, end) = (span.start.max(done), span.end);
        let (Some(before), Some(flagged)) = (content.get(done..start), content.get(start..end)) else { continue };
        if flagged.is_empty() {
            continue;
        }
        text.push_str(SafeText::new(before).as_str());
        text.push_str(&format!("[{}]", SafeText::new(flagged)));
        done = end;
    }
    text.push_str(SafeText::new(content.get(done..).unwrap_or_default()).as_str());
    text
}

fn judgement(out: &Output, item: &Item) -> Result<(), Failure> {
    let tone = match item.verdict {
        Verdict::Allow => Tone::Good,
        Verdict::Review => Tone::Warning,
        Verdict::Block => Tone::Bad,
    };
    title(out, "screening")?;
    out.say(format!("{}, score {:.2}, {}", out.paint(item.verdict.as_str(), tone), item.evaluation.score, item.evaluation.engine_version))?;
    for hit in &item.evaluation.hits {
        out.text(&format!("  {} asks for {}: {}", hit.rule_id, hit.severity.as_str(), SafeText::line(&hit.message)))?;
    }
    for missing in &item.evaluation.missing {
        out.text(&format!("  unknown: {}", SafeText::line(missing)))?;
    }
    let words = match &item.draft_metadata.consistency {
        Some(ConsistencyResult::Consistent { confidence, explanation }) => {
            format!("agrees with the beliefs (sure to {:.0} %): {explanation}", confidence * 100.0)
        }
        Some(ConsistencyResult::Inconsistent { confidence, explanation, .. }) => {
            format!("contradicts the beliefs (sure to {:.0} %): {explanation}", confidence * 100.0)
        }
        Some(ConsistencyResult::Unknown { reason }) => format!("could not be checked against the beliefs: {reason}"),
        Some(ConsistencyResult::NotNeeded) | None => "was not checked against beliefs".to_owned(),
    };
    out.text(&format!("  {}", SafeText::line(&words)))?;
    if !item.draft_metadata.beliefs.is_empty() {
        title(out, "beliefs it was written from")?;
        for belief in &item.draft_metadata.beliefs {
            let confidence = belief.confidence.map_or_else(|| "unknown".to_owned(), |confidence| format!("{confidence:.2}"));
            out.text(&format!("  {confidence}  {}", SafeText::line(&belief.title)))?;
        }
    }
    Ok(())
}

fn override_of(out: &Output, item: &Item, found: Option<&Override>) -> Result<(), Failure> {
    let Some(found) = found else { return Ok(()) };
    let asked = format!("{} asks for an override: {}", SafeText::line(&found.asked_by), SafeText::line(&found.reason));
    match &found.confirmed_by {
        Some(second) => out.say(out.paint(&format!("{asked}; confirmed by {}", SafeText::line(second)), Tone::Warning)),
        None => {
            out.say(out.paint(&asked, Tone::Warning))?;
            let id = short(&item.id);
            out.say(format!("  a second senior lets it pass with: quarterdeck --as NAME queue override {id} --reason \"…\""))
        }
    }
}

/// The earlier message that this one resembles, whole.
fn earlier_text(c: &mut dyn Conn, item: &Item) -> moderation::Result<Option<(String, i64)>> {
    let found = item.evaluation.hits.iter().find(|hit| hit.rule_id == "near_duplicate").and_then(|hit| hit.evidence.as_deref());
    found.map_or(Ok(None), |evidence| rules::resembled(c, &item.persona_id, evidence))
}

/// The rules that apply here, by name.
fn policies_shown(out: &Output, policy: Option<&SubredditPolicy>, kind: PostType, now: i64) -> Result<(), Failure> {
    let Some(policy) = policy else { return Ok(()) };
    title(out, &format!("rules of r/{}, read {}", SafeText::line(&policy.subreddit), age(policy.fetched_at, now)))?;
    let names: Vec<&str> = policy.names_for(kind).collect();
    for name in &names {
        out.text(&format!("  {}", SafeText::line(name)))?;
    }
    if names.is_empty() { out.say("  none") } else { Ok(()) }
}

fn proposals(out: &Output, item: &Item) -> Result<(), Failure> {
    let proposals = &item.draft_metadata.belief_proposals;
    if proposals.updates.is_empty() && proposals.new_belief.is_none() {
        return Ok(());
    }
    title(out, if item.draft_metadata.belief_changes_applied.is_some() { "belief changes" } else { "belief changes that go with it" })?;
    for update in &proposals.updates {
        // Evidence moves a belief by its strength; the number that the model proposes gives the direction alone.
        let becomes = update
            .direction()
            .map(|direction| memory::confidence::after_evidence(Some(update.current_confidence), update.evidence_strength, direction));
        let effect = match becomes {
            None => "stays as it is".to_owned(),
            Some(Ok(becomes)) => {
                let points = (becomes - update.current_confidence) * 100.0;
                format!("{:.3} becomes {becomes:.3}, {points:+.1} points", update.current_confidence)
            }
            Some(Err(error)) => format!("cannot be applied: {error}"),
        };
        out.text(&format!(
            "  {}: {effect} ({} evidence; the model would say {:.2}): {}",
            SafeText::line(&update.belief_title),
            update.evidence_strength.as_str(),
            update.proposed_confidence,
            SafeText::line(&update.reason)
        ))?;
    }
    if let Some(belief) = &proposals.new_belief {
        out.text(&format!(
            "  new: {} at {:.2}: {}",
            SafeText::line(&belief.title),
            belief.initial_confidence,
            SafeText::line(&belief.reason)
        ))?;
    }
    if let Some(applied) = &item.draft_metadata.belief_changes_applied {
        for change in &applied.applied {
            let before = change.old_confidence.map_or_else(|| "unknown".to_owned(), |confidence| format!("{confidence:.3}"));
            out.text(&format!("  applied: {} from {before} to {:.3}", SafeText::line(&change.title), change.new_confidence))?;
        }
        for refused in &applied.refused {
            out.text(&format!("  refused: {}: {}", SafeText::line(&refused.title), SafeText::line(&refused.reason)))?;
        }
        if applied.new_belief_created {
            out.say("  applied: the new belief")?;
        }
    }
    Ok(())
}

fn deliveries(out: &Output, attempts: &[Attempt]) -> Result<(), Failure> {
    if attempts.is_empty() {
        return Ok(());
    }
    title(out, "deliveries")?;
    for attempt in attempts {
        let words = [attempt.code.as_deref(), attempt.message.as_deref(), attempt.fullname.as_deref()];
        let words: Vec<String> = words.into_iter().flatten().map(|word| SafeText::line(word).as_str().to_owned()).collect();
        let outcome = attempt.outcome.as_deref().unwrap_or("under way");
        out.text(&format!(
            "  {}  as u/{}  {outcome}  {}",
            clock::local(attempt.started_at),
            SafeText::line(&attempt.account),
            words.join(", ")
        ))?;
    }
    Ok(())
}

fn opinions(out: &Output, labels: &[Labelled]) -> Result<(), Failure> {
    if labels.is_empty() {
        return Ok(());
    }
    title(out, "labels")?;
    for label in labels {
        let note = label.note.as_deref().map(|note| format!(": {}", SafeText::line(note))).unwrap_or_default();
        out.text(&format!("  {}  {}, by {}{note}", clock::local(label.at), label.label, SafeText::line(&label.reviewer)))?;
    }
    Ok(())
}

fn past(out: &Output, history: &[Record]) -> Result<(), Failure> {
    title(out, "history")?;
    for row in history {
        let who = if row.actor_kind == "human" { row.actor.clone() } else { format!("{} ({})", row.actor, row.actor_kind) };
        let reason = row.reason.as_deref().map(|reason| format!(": {}", SafeText::line(reason))).unwrap_or_default();
        out.text(&format!("  {}  {}  by {}{reason}", clock::local(row.at), row.action, SafeText::line(&who)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_flagged_stands_in_brackets_and_odd_spans_do_no_harm() {
        let span = |start, end| Span { start, end };
        assert_eq!(marked("a casino here", &[span(2, 8)]), "a [casino] here");
        assert_eq!(marked("a casino here", &[span(2, 8), span(4, 10)]), "a [casino][ h]ere");
        assert_eq!(marked("ä\u{1b}[2Jb", &[span(1, 2), span(50, 60)]), "äb");
    }
}
