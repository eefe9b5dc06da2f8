//! What reviewers sent back: returned drafts are written again in place; a rejection that asked for another draft gets one, once.

use super::cycle::{self, Done};
use super::draft;
use super::error::Result;
use super::event::{Event, Observer};
use super::perceive::{self, Opportunity};
use super::prompt::{Correction, CorrectionKind};
use super::services::Services;
use crate::moderation::{self, Filter, Item, On, State, decisions, item, quality, queue};
use crate::store::Conn;
use crate::store::audit::Actor;

/// Items taken up in one cycle, of either kind.
const MOST: usize = 20;

/// Write the revisions that reviewers asked for.
pub(super) async fn returned(
    services: &Services,
    observer: &Observer,
    done: &mut Done,
    cycle_id: &str,
    stopping: impl Fn() -> bool,
) -> Result<()> {
    let persona = services.persona.id.clone();
    let items = services
        .db
        .read(move |c: &mut dyn Conn| -> moderation::Result<Vec<Item>> {
            let filter = Filter { persona: Some(persona.clone()), states: vec![State::Returned], ..Filter::default() };
            // Golden ones are not written again: some of the places are theirs.
            let mut items = Vec::new();
            for line in item::list(c, &filter, MOST * 10)? {
                if items.len() < MOST && !quality::golden::is_golden(c, &persona, &line.id)? {
                    items.push(item::load(c, &persona, &line.id)?);
                }
            }
            Ok(items)
        })
        .await?;
    for item in items {
        if stopping() {
            break;
        }
        let written = rewrite(services, observer, &item, cycle_id).await;
        done.count(observer, item.parent_id.as_deref().unwrap_or(&item.id), written.map(|()| true))?;
    }
    Ok(())
}

/// Draft anew where a rejection asked for it: whatever the dice and the inbox say, for a person wants it.
pub(super) async fn rejected(
    services: &Services,
    observer: &Observer,
    done: &mut Done,
    cycle_id: &str,
    stopping: impl Fn() -> bool,
) -> Result<()> {
    let persona = services.persona.id.clone();
    let items = services.db.read(move |c| decisions::redrafts_wanted(c, &persona, MOST)).await?;
    for item in items {
        if stopping() {
            break;
        }
        let parent = item.parent_id.clone().unwrap_or_default();
        let drafted = redraft(services, observer, &item, &parent, cycle_id).await;
        done.count(observer, &parent, drafted)?;
    }
    Ok(())
}

async fn redraft(services: &Services, observer: &Observer, item: &Item, parent: &str, cycle_id: &str) -> Result<bool> {
    let left_alone = match perceive::again(services, parent).await? {
        Ok(opportunity) => match cycle::left_alone(services, &opportunity).await? {
            None => {
                let code = item.reject_code.clone().unwrap_or_default();
                let reason = item.reject_note.as_ref().map_or_else(|| code.clone(), |note| format!("{code}: {note}"));
                let wish = Correction { kind: CorrectionKind::Rejected, reason };
                return cycle::respond(services, observer, &opportunity, cycle_id, Some(wish)).await;
            }
            Some(reason) => reason,
        },
        Err(reason) => reason,
    };
    // It cannot be done, and is not tried for ever.
    let (persona, target, now) = (services.persona.id.clone(), parent.to_owned(), services.clock.now());
    services.db.write(move |c| decisions::consume_directives(c, &persona, &target, now)).await?;
    observer.tell(Event::Skipped { parent: parent.to_owned(), reason: left_alone });
    Ok(false)
}

/// Write the revision that a reviewer asked for.
async fn rewrite(services: &Services, observer: &Observer, item: &Item, cycle_id: &str) -> Result<()> {
    let opportunity = Opportunity {
        post_type: item.post_type,
        subreddit: item.target_subreddit.clone(),
        thread_id: item.thread_id.clone(),
        author: item.parent_author.clone().unwrap_or_default(),
        chain: item.draft_metadata.thread.clone(),
        depth: item.draft_metadata.conversation_depth,
        score: 0,
        num_comments: 0,
        inbox: false,
    };
    let correlation_id = format!("{cycle_id}-rewrite-{}", item.id);
    let wish = item.reject_note.clone().map(|reason| Correction { kind: CorrectionKind::Returned, reason });
    let drafted = draft::write(services, &opportunity, &correlation_id, wish).await?;
    let (persona, name, id) = (services.persona.id.clone(), services.persona.reddit_username.clone(), item.id.clone());
    let (now, version) = (services.clock.now(), item.version);
    let item = services
        .db
        .write(move |c: &mut dyn Conn| -> Result<Item> {
            let actor = Actor::agent(&name);
            let on = On { persona: &persona, id: &id, version: Some(version), actor: &actor, at: now };
            Ok(queue::resubmit(c, &on, &drafted.content, &drafted.evaluation, &drafted.metadata)?)
        })
        .await?;
    observer.tell(Event::Resubmitted { id: item.id, state: item.state, content: item.content });
    Ok(())
}
