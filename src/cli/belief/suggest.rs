//! What waits for a person, and what a model suggests.

use super::{Desk, words};
use crate::agent::relationships;
use crate::base::SafeText;
use crate::cli::events::short;
use crate::cli::output::Table;
use crate::cli::{Failure, Outcome};
use crate::memory::conflicts::Decided;
use crate::memory::short_ids::Named;
use crate::memory::suggestions::{self, Accepted, Suggestion};
use crate::moderation::{Right, proposed};
use serde_json::json;

pub(super) fn list(desk: &Desk<'_>, all: bool) -> Result<Outcome, Failure> {
    let states: &[Decided] = if all { &[Decided::Open, Decided::Accepted, Decided::Linked, Decided::Refused] } else { &[Decided::Open] };
    let found = desk.read(move |c, persona| {
        let mut found = Vec::new();
        for state in states {
            found.extend(suggestions::list(c, persona, *state)?);
        }
        Ok(found)
    })?;
    let persona = desk.persona.id.clone();
    let proposals = desk.deck.db.read_blocking(move |c| proposed::waiting(c, &persona))?;
    let out = &desk.context.out;
    out.either(&json!({ "suggestions": found, "proposals": proposals }), || {
        let mut table = Table::new(&["id", "kind", "state", "what", "why"]);
        for one in &found {
            let (kind, state, why) = match one {
                Suggestion::Relationship(it) => ("↦ edge", it.state, it.reasoning.as_str()),
                Suggestion::Conflict(it) => ("≠ conflict", it.state, it.reason.as_deref().unwrap_or_default()),
            };
            let why = SafeText::clipped(why, 60).as_str().to_owned();
            table.row([short(one.id()).to_owned(), kind.to_owned(), state.as_str().to_owned(), one.sentence(), why]);
        }
        for proposal in &proposals {
            for update in &proposal.proposals.updates {
                let what = format!(
                    "{:?} {} -> {}",
                    update.belief_title,
                    words::number(Some(update.current_confidence)),
                    words::number(Some(update.proposed_confidence))
                );
                let why = SafeText::clipped(&update.reason, 60).as_str().to_owned();
                table.row([short(&proposal.item_id).to_owned(), "Δ with a draft".to_owned(), proposal.state.to_string(), what, why]);
            }
            if let Some(new) = &proposal.proposals.new_belief {
                let why = SafeText::clipped(&new.reason, 60).as_str().to_owned();
                let what = format!("new belief {:?} {}", new.title, words::number(Some(new.initial_confidence)));
                table.row([short(&proposal.item_id).to_owned(), "+ with a draft".to_owned(), proposal.state.to_string(), what, why]);
            }
        }
        out.table(&table, "nothing waits")?;
        if proposals.is_empty() { Ok(()) } else { out.say("what comes with a draft is decided with it: `quarterdeck queue show ID`") }
    })?;
    Ok(Outcome::Done)
}

pub(super) fn accept(desk: &Desk<'_>, suggestion: &str, reason: String) -> Result<Outcome, Failure> {
    let id = desk.find(Named::Suggestion, suggestion)?;
    let accepted = desk.write(Right::Decide, move |c, persona, author| suggestions::accept(c, persona, &id, &reason, author))?;
    let words = match &accepted {
        Accepted::Edge(edge) => format!("linked as {}: {} {:.2}", short(&edge.id), edge.relation.words(), edge.weight),
        Accepted::Stance(change) => {
            format!("confidence {} -> {}", words::number(change.old_confidence), words::bar(Some(change.new_confidence)))
        }
    };
    desk.context.out.either(&json!({ "accepted": accepted }), || desk.context.out.say(words))?;
    Ok(Outcome::Done)
}

pub(super) fn refuse(desk: &Desk<'_>, suggestion: &str, reason: String) -> Result<Outcome, Failure> {
    let id = desk.find(Named::Suggestion, suggestion)?;
    let refused = id.clone();
    desk.write(Right::Decide, move |c, persona, author| suggestions::refuse(c, persona, &id, &reason, author))?;
    desk.context.out.either(&json!({ "refused": refused }), || desk.context.out.say("refused; nothing else changed"))?;
    Ok(Outcome::Done)
}

pub(super) fn ask(desk: &Desk<'_>, belief: &str) -> Result<Outcome, Failure> {
    let id = desk.belief(belief)?;
    let models = desk.deck.models()?;
    let author = desk.context.actor()?;
    let (db, persona, now) = (desk.deck.db.clone(), desk.persona.id.clone(), desk.now);
    let asked = desk.context.block_on(async move { relationships::ask(&db, &models, &persona, &id, None, &author, now).await })??;
    let out = &desk.context.out;
    out.either(&json!(asked), || {
        out.say(format!("{} suggested; `quarterdeck belief suggestions` shows what waits", asked.kept.suggested.len()))?;
        asked.notes.iter().chain(&asked.kept.skipped).try_for_each(|note| out.say(format!("  left out: {}", SafeText::line(note))))
    })?;
    Ok(Outcome::Done)
}
