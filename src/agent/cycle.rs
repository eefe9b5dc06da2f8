//! One cycle: drafts that grew stale, what reviewers sent back, answers in the inbox, then new posts. A failure on one message stops no other.
//!
//! A pause stops what leaves, not what is drafted: reviewers go on with their work, and what they approve waits for the pause to end.

use super::again;
use super::draft::{self, Drafted};
use super::engagement::{self, Candidate, Decision};
use super::error::Result;
use super::event::{Event, Observer};
use super::perceive::{self, Opportunity};
use super::prompt::Correction;
use super::services::Services;
use super::stale;
use crate::base::new_id;
use crate::memory;
use crate::moderation::{Item, NewItem, On, PostType, Verdict, decisions, item, mutes, queue, supersede};
use crate::store::Conn;
use crate::store::audit::Actor;

/// What a cycle did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Done {
    /// Drafts that were queued or resubmitted.
    pub drafted: usize,
    /// Messages whose work failed.
    pub failed: usize,
}

impl Done {
    /// Count how the work on one message went. What went wrong with it alone is told; what would go wrong with every other ends the cycle.
    pub(super) fn count(&mut self, observer: &Observer, parent: &str, drafted: Result<bool>) -> Result<()> {
        match drafted {
            Ok(drafted) => self.drafted += usize::from(drafted),
            Err(error) if error.concerns_all() => return Err(error),
            Err(error) => {
                self.failed += 1;
                observer.tell(Event::ItemFailed { parent: parent.to_owned(), error: error.to_string() });
            }
        }
        Ok(())
    }
}

/// Run one cycle. `stopping` is asked between messages: what is begun is finished.
pub(super) async fn run(services: &Services, observer: &Observer, rng: &mut fastrand::Rng, stopping: impl Fn() -> bool) -> Result<Done> {
    let cycle_id = new_id();
    let mut done = Done::default();
    // The file of rules may have been changed meanwhile. A broken one leaves those that were in force.
    match services.screener.reload() {
        Ok(true) => observer.tell(Event::RulesChanged { version: services.screener.rules().version().to_owned(), failure: None }),
        Ok(false) => {}
        Err(broken) => {
            observer
                .tell(Event::RulesChanged { version: services.screener.rules().version().to_owned(), failure: Some(broken.to_string()) });
        }
    }
    let now = services.clock.now();
    services.db.write(move |c| queue::sweep(c, now)).await?;
    // Before the returned ones: what they answer may have changed as well.
    stale::run(services, observer, &mut done, &cycle_id, &stopping).await?;
    again::returned(services, observer, &mut done, &cycle_id, &stopping).await?;
    let replies = perceive::replies(services, observer, &stopping).await?;
    if stopping() {
        return Ok(done);
    }
    again::rejected(services, observer, &mut done, &cycle_id, &stopping).await?;
    let posts = perceive::posts(services, observer).await?;
    observer.tell(Event::Perceived { persona: services.persona.reddit_username.clone(), posts: posts.len(), replies: replies.len() });
    let posts = chosen(services, observer, posts, rng).await?;
    for opportunity in replies.into_iter().chain(posts) {
        if stopping() {
            return Ok(done);
        }
        let drafted = respond(services, observer, &opportunity, &cycle_id, None).await;
        done.count(observer, opportunity.parent(), drafted)?;
    }
    Ok(done)
}

/// The posts worth an answer: not answered, not waiting, not rejected, not muted, of interest, and drawn.
async fn chosen(services: &Services, observer: &Observer, posts: Vec<Opportunity>, rng: &mut fastrand::Rng) -> Result<Vec<Opportunity>> {
    let (config, parameters) = (&services.persona.config, &services.parameters);
    let mut kept = Vec::new();
    for opportunity in posts {
        if let Some(reason) = left_alone(services, &opportunity).await? {
            observer.tell(Event::Skipped { parent: opportunity.parent().to_owned(), reason });
            continue;
        }
        let post = opportunity.chain.first();
        let candidate = Candidate {
            author: Some(opportunity.author.as_str()),
            title: post.and_then(|post| post.title.as_deref()).unwrap_or_default(),
            body: post.map(|post| post.body.as_str()).unwrap_or_default(),
            score: opportunity.score,
            num_comments: opportunity.num_comments,
        };
        let own_name = &services.persona.reddit_username;
        match engagement::should_respond(&candidate, own_name, &config.interest_keywords, &parameters.engagement, rng) {
            Decision::Respond { .. } => kept.push(opportunity),
            Decision::Skip(reason) => observer.tell(Event::Skipped { parent: opportunity.parent().to_owned(), reason: reason.to_string() }),
        }
    }
    let engagement = |opportunity: &Opportunity| parameters.engagement.engagement(opportunity.score, opportunity.num_comments);
    let most = usize::try_from(parameters.max_posts_per_cycle).unwrap_or(usize::MAX);
    Ok(engagement::choose(kept, engagement, most, rng))
}

/// Why this message is left alone; `None` when it may be answered.
pub(super) async fn left_alone(services: &Services, opportunity: &Opportunity) -> Result<Option<String>> {
    let (persona, opportunity) = (services.persona.id.clone(), opportunity.clone());
    let is_self = opportunity.author.eq_ignore_ascii_case(&services.persona.reddit_username);
    services
        .db
        .read(move |c: &mut dyn Conn| {
            let parent = opportunity.parent();
            if memory::interactions::already_answered(c, &persona, parent)? {
                return Ok(Some("already answered".to_owned()));
            }
            if !decisions::may_draft(c, &persona, parent)? {
                return Ok(Some("waits in the queue, or was decided".to_owned()));
            }
            // Two of our own that answer each other would never end.
            if !is_self && memory::personas::is_ours(c, &opportunity.author)? {
                return Ok(Some("written by another persona of ours".to_owned()));
            }
            Ok(mutes::reason(c, &persona, opportunity.thread_id.as_deref(), &opportunity.author, &opportunity.subreddit)?)
        })
        .await
}

/// Why a message that has a draft already is left alone by now; `None` when it may get another.
pub(super) async fn muted(services: &Services, opportunity: &Opportunity) -> Result<Option<String>> {
    let (persona, opportunity) = (services.persona.id.clone(), opportunity.clone());
    services
        .db
        .read(move |c: &mut dyn Conn| {
            Ok(mutes::reason(c, &persona, opportunity.thread_id.as_deref(), &opportunity.author, &opportunity.subreddit)?)
        })
        .await
}

/// Draft an answer and queue it. Returns whether there is a draft. `wish` is what a reviewer asked for who rejected an earlier one.
pub(super) async fn respond(
    services: &Services,
    observer: &Observer,
    opportunity: &Opportunity,
    cycle_id: &str,
    wish: Option<Correction>,
) -> Result<bool> {
    if let Some(reason) = left_alone(services, opportunity).await? {
        observer.tell(Event::Skipped { parent: opportunity.parent().to_owned(), reason });
        perceive::mark_read(services, opportunity).await?;
        return Ok(false);
    }
    let marker = if opportunity.post_type == PostType::Reply { "-reply" } else { "" };
    let correlation_id = format!("{cycle_id}{marker}-{}", opportunity.parent());
    let drafted = draft::write(services, opportunity, &correlation_id, wish).await?;
    let item = enqueue(services, opportunity, drafted, correlation_id, None).await?;
    tell_queued(observer, item, opportunity);
    // Only after the draft is stored: where this fails, the message is read again and its draft is found in the queue.
    if let Err(error) = perceive::mark_read(services, opportunity).await {
        tracing::warn!(%error, parent = opportunity.parent(), "an answered message could not be marked read yet");
    }
    Ok(true)
}

pub(super) fn tell_queued(observer: &Observer, item: Item, opportunity: &Opportunity) {
    observer.tell(Event::Queued {
        id: item.id,
        state: item.state,
        verdict: item.verdict,
        flags: item.evaluation.summary(),
        subreddit: item.target_subreddit,
        parent: opportunity.parent().to_owned(),
        content: item.content,
    });
}

/// Store a draft: in the place of the item `replaces`, if that is still undecided.
pub(super) async fn enqueue(
    services: &Services,
    opportunity: &Opportunity,
    drafted: Drafted,
    correlation_id: String,
    replaces: Option<String>,
) -> Result<Item> {
    let now = services.clock.now();
    let (persona, name) = (services.persona.id.clone(), services.persona.reddit_username.clone());
    let settings = services.moderation.clone();
    let opportunity = opportunity.clone();
    services
        .db
        .write(move |c: &mut dyn Conn| {
            let actor = Actor::agent(&name);
            let clean = drafted.evaluation.verdict == Verdict::Allow && drafted.evaluation.missing.is_empty() && !drafted.metadata.tainted;
            // Where one waited for a person, its successor does too.
            let automatic = clean && replaces.is_none() && memory::settings::auto_posting_enabled(c, &persona)?;
            let mut metadata = drafted.metadata;
            metadata.auto_posted = automatic;
            let new = NewItem {
                post_type: opportunity.post_type,
                target_subreddit: opportunity.subreddit.clone(),
                parent_id: Some(opportunity.parent().to_owned()),
                thread_id: opportunity.thread_id.clone(),
                parent_author: Some(opportunity.author.clone()),
                title: None,
                content: drafted.content,
                evaluation: drafted.evaluation,
                draft_metadata: metadata,
                correlation_id,
            };
            // A redraft that a reviewer asked for is granted by this draft, in the same transaction.
            decisions::consume_directives(c, &persona, opportunity.parent(), now)?;
            let id = match &replaces {
                Some(old) => {
                    supersede::still_gives_way(c, &persona, old)?;
                    supersede::enqueue_newer(c, &persona, &new, &settings, &actor, now)?
                }
                None => queue::enqueue(c, &persona, &new, &settings, &actor, now)?,
            };
            if automatic {
                let on = On { persona: &persona, id: &id, version: Some(1), actor: &actor, at: now };
                return Ok(decisions::approve_automatically(c, &on, &name, &settings)?);
            }
            Ok(item::load(c, &persona, &id)?)
        })
        .await
}
