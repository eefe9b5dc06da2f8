//! Drafts whose parent was edited since: written anew while nobody has decided, with the reader's new words in mind.
//!
//! What was drafted for another text cannot be sent (the look before sending withdraws it), so a reviewer's time on it would be lost. A
//! draft that somebody works on, or whose text a person wrote, is left to them. An author who goes on editing gets no draft for each.

use super::cycle::{self, Done};
use super::draft;
use super::error::Result;
use super::event::{Event, Observer};
use super::perceive;
use super::prompt::{Correction, CorrectionKind};
use super::services::Services;
use crate::moderation::{Item, State, ThreadEntry, supersede};
use crate::reddit::Thing;
use crate::store::Conn;

/// Drafts looked at in one cycle: what one request can name.
const MOST: usize = 100;
/// How often drafts for one parent are replaced.
const ROUNDS: i64 = 3;

/// Look once at what all undecided drafts answer, and draft anew where it changed.
pub(super) async fn run(
    services: &Services,
    observer: &Observer,
    done: &mut Done,
    cycle_id: &str,
    stopping: impl Fn() -> bool,
) -> Result<()> {
    let (persona, now) = (services.persona.id.clone(), services.clock.now());
    let waiting = services.db.read(move |c| supersede::waiting(c, &persona, now, MOST)).await?;
    let parents: Vec<&str> = waiting.iter().filter_map(|item| item.parent_id.as_deref()).collect();
    if parents.is_empty() {
        return Ok(());
    }
    let things = match services.reddit.info(&parents).await {
        Ok(things) => things,
        Err(error) => return done.count(observer, "what drafts answer", Err(error.into())),
    };
    for item in waiting.iter().filter(|item| is_stale(item, &things)) {
        if stopping() {
            break;
        }
        let drafted = replace(services, observer, item, cycle_id).await;
        done.count(observer, item.parent_id.as_deref().unwrap_or(&item.id), drafted)?;
    }
    Ok(())
}

/// What is gone or removed has no new text to answer: that shows before sending, and the draft expires.
fn is_stale(item: &Item, things: &[Thing]) -> bool {
    let Some(expected) = &item.draft_metadata.parent_digest else { return false };
    let found = things.iter().find(|thing| thing.fullname().is_some() && thing.fullname() == item.parent_id.as_deref());
    let now = match found {
        Some(Thing::Post(post)) if post.closed().is_none() => ThreadEntry::digest(Some(&post.title), &post.selftext),
        Some(Thing::Comment(comment)) if comment.closed().is_none() => ThreadEntry::digest(None, &comment.body),
        _ => return false,
    };
    now != *expected
}

async fn replace(services: &Services, observer: &Observer, item: &Item, cycle_id: &str) -> Result<bool> {
    let parent = item.parent_id.clone().unwrap_or_default();
    let (persona, target) = (services.persona.id.clone(), parent.clone());
    let replaced = services.db.read(move |c: &mut dyn Conn| supersede::replaced(c, &persona, &target)).await?;
    let left_alone = match perceive::again(services, &parent).await? {
        _ if replaced >= ROUNDS => format!("it was edited again after {replaced} new drafts"),
        Err(reason) => reason,
        Ok(opportunity) => match cycle::muted(services, &opportunity).await? {
            Some(reason) => reason,
            None => {
                let correlation_id = format!("{cycle_id}-newer-{}", item.id);
                // A draft that was returned would have been written again: what the reviewer asked for is asked of the new one.
                let note = item.reject_note.clone().filter(|_| item.state == State::Returned);
                let wish = note.map(|reason| Correction { kind: CorrectionKind::Returned, reason });
                let drafted = draft::write(services, &opportunity, &correlation_id, wish).await?;
                let new = cycle::enqueue(services, &opportunity, drafted, correlation_id, Some(item.id.clone())).await?;
                observer.tell(Event::Superseded { id: item.id.clone(), by: new.id.clone(), parent });
                cycle::tell_queued(observer, new, &opportunity);
                return Ok(true);
            }
        },
    };
    observer.tell(Event::Skipped { parent, reason: left_alone });
    Ok(false)
}
