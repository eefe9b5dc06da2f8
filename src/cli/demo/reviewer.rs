//! Who decides in the demo: a scripted reviewer, or the person at the terminal.

use crate::agent::Services;
use crate::base::{Millis, SafeText, clock};
use crate::cli::events::short;
use crate::cli::output::Tone;
use crate::cli::{Context, Failure};
use crate::deck::Deck;
use crate::moderation::screening::{ConsistencyResult, Outgoing, Surroundings};
use crate::moderation::{self, Directive, Filter, Item, On, RejectCode, State, Verdict, decisions, item};
use crate::store::Conn;
use crate::store::audit::Actor;
use serde_json::json;

/// What the scripted reviewer did so far: it shows each kind of decision once before it repeats itself.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    edited: bool,
    undone: bool,
}

async fn pending(services: &Services) -> Result<Vec<Item>, Failure> {
    let persona = services.persona.id.clone();
    Ok(services
        .db
        .read(move |c: &mut dyn Conn| -> moderation::Result<Vec<Item>> {
            let filter = Filter { persona: Some(persona.clone()), states: vec![State::Pending], ..Filter::default() };
            item::list(c, &filter, 100)?.iter().map(|line| item::load(c, &persona, &line.id)).collect()
        })
        .await?)
}

async fn act<T: Send + 'static>(
    services: &Services,
    item: &Item,
    name: &str,
    work: impl FnOnce(&mut dyn Conn, &On<'_>) -> moderation::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    let (persona, id, version) = (services.persona.id.clone(), item.id.clone(), item.version);
    let (actor, at): (Actor, Millis) = (Actor::human(name), services.clock.now());
    let result = services
        .db
        .write(move |c: &mut dyn Conn| work(c, &On { persona: &persona, id: &id, version: Some(version), actor: &actor, at }))
        .await;
    Ok(result?)
}

fn say(context: &Context, label: &str, tone: Tone, item: &Item, text: &str) -> Result<(), Failure> {
    if context.out.is_json() {
        return context.out.emit_line(&json!({ "event": "decision", "id": item.id, "decision": label, "note": text }));
    }
    let text = if text.is_empty() { String::new() } else { format!("  {}", SafeText::line(text)) };
    context.out.say(format!("{}  {} by demo-reviewer{text}", context.out.paint(&format!("{label:<10}"), tone), short(&item.id)))
}

/// The scripted reviewer goes through the queue: clean drafts are approved (one is edited first, one approval is taken back and given
/// again), drafts that contradict a belief are rejected with a reason, and what nothing was found against but a check is missing for too.
pub(super) async fn decide(context: &Context, deck: &Deck, services: &Services, verdicts: &mut Verdicts) -> Result<bool, Failure> {
    const NAME: &str = "demo-reviewer";
    let (account, settings) = (services.persona.reddit_username.clone(), deck.moderation());
    for item in pending(services).await? {
        let (account, settings) = (account.clone(), settings.clone());
        if item.verdict != Verdict::Allow {
            let note = item.evaluation.summary();
            let reason = note.clone();
            act(services, &item, NAME, move |c, on| {
                decisions::reject(c, on, RejectCode::OffPersona, Directive::Drop, Some(&reason), &settings)
            })
            .await?;
            say(context, "rejected", Tone::Bad, &item, &note)?;
            continue;
        }
        let mut item = item;
        if !verdicts.edited {
            verdicts.edited = true;
            let content = format!("{} What would change your mind?", item.content.trim_end());
            // The text changed, so the old answer of the consistency check does not speak for it: the person who edits does.
            let (screener, screened, text, at) = (services.screener.clone(), item.clone(), content.clone(), services.clock.now());
            let look = move |c: &mut dyn Conn| {
                let around = Surroundings { consistency: Some(&ConsistencyResult::NotNeeded), tainted: screened.draft_metadata.tainted };
                screener.screen_again(c, &screened, Outgoing { title: screened.title.as_deref(), content: &text }, around, at)
            };
            let evaluation = services.db.read(look).await?;
            let settings = settings.clone();
            item = act(services, &item, NAME, move |c, on| decisions::edit(c, on, None, &content, &evaluation, &settings)).await?;
            say(context, "edited", Tone::Warning, &item, "added a question, screened again")?;
        }
        let (to, queue) = (account.clone(), settings.clone());
        let approved = act(services, &item, NAME, move |c, on| decisions::approve(c, on, &to, &queue)).await?;
        say(context, "approved", Tone::Good, &approved, &leaves(&approved, services.clock.now()))?;
        if !verdicts.undone {
            verdicts.undone = true;
            let undone = act(services, &approved, NAME, decisions::undo).await?;
            say(context, "undone", Tone::Warning, &undone, "nothing has left the machine")?;
            let again = act(services, &undone, NAME, move |c, on| decisions::approve(c, on, &account, &settings)).await?;
            say(context, "approved", Tone::Good, &again, &leaves(&again, services.clock.now()))?;
        }
    }
    Ok(true)
}

fn leaves(item: &Item, now: Millis) -> String {
    item.not_before.map(|at| format!("leaves in {}", clock::duration(at - now))).unwrap_or_default()
}
