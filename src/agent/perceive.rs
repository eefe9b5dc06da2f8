//! Reading: answers to us in the inbox, and new posts in the persona's subreddits.

use super::error::{Error, Result};
use super::event::{Event, Observer};
use super::services::Services;
use crate::base::Millis;
use crate::moderation::detect::stop;
use crate::moderation::{PostType, ThreadEntry, left_alone};
use crate::reddit::{Comment, Post, Thing};

/// Unread messages read in one cycle. Private ones stay unread, so that this must not be few.
const INBOX: u32 = 100;
/// New posts read in one cycle.
const POSTS: u32 = 25;
/// The chain above a comment is followed no further than this.
const MAX_HOPS: u32 = 20;

/// A message that may be worth an answer. Texts are raw.
#[derive(Debug, Clone)]
pub(super) struct Opportunity {
    /// Comment under a post, or reply to somebody who answered us.
    pub post_type: PostType,
    /// Where, without `r/`.
    pub subreddit: String,
    /// Fullname of the post.
    pub thread_id: Option<String>,
    /// Who wrote what would be answered.
    pub author: String,
    /// The post first, then the comments down to the one that would be answered.
    pub chain: Vec<ThreadEntry>,
    /// Hops from that comment up to the post.
    pub depth: u32,
    /// Score of the post.
    pub score: i64,
    /// Comments under the post.
    pub num_comments: i64,
    /// Whether it came by the inbox, and is marked read once it was dealt with.
    pub inbox: bool,
}

impl Opportunity {
    /// Fullname of what would be answered.
    pub(super) fn parent(&self) -> &str {
        self.chain.last().map(|entry| entry.fullname.as_str()).unwrap_or_default()
    }
}

fn post_entry(post: &Post) -> ThreadEntry {
    ThreadEntry {
        fullname: post.fullname.clone(),
        author: post.author.clone(),
        title: Some(post.title.clone()),
        body: post.selftext.clone(),
        permalink: Some(post.permalink.clone()),
    }
}

fn comment_entry(comment: &Comment) -> ThreadEntry {
    ThreadEntry {
        fullname: comment.fullname.clone(),
        author: comment.author.clone(),
        title: None,
        body: comment.body.clone(),
        permalink: comment.permalink.clone(),
    }
}

/// New posts of the persona's subreddits that are young and open enough.
pub(super) async fn posts(services: &Services, observer: &Observer) -> Result<Vec<Opportunity>> {
    let subreddits: Vec<&str> = services.persona.config.target_subreddits.iter().map(String::as_str).collect();
    if subreddits.is_empty() {
        observer.tell(Event::Skipped { parent: "new posts".to_owned(), reason: "the persona has no target_subreddits".to_owned() });
        return Ok(Vec::new());
    }
    let oldest = services.clock.now() - Millis::from(services.parameters.max_post_age_hours) * 3_600_000;
    let page = services.reddit.new_posts(&subreddits, POSTS, None).await?;
    Ok(page.items.iter().filter(|post| post.created_utc >= oldest && post.closed().is_none()).map(under_post).collect())
}

fn under_post(post: &Post) -> Opportunity {
    Opportunity {
        post_type: PostType::Comment,
        subreddit: post.subreddit.clone(),
        thread_id: Some(post.fullname.clone()),
        author: post.author.clone(),
        chain: vec![post_entry(post)],
        depth: 0,
        score: post.score,
        num_comments: post.num_comments,
        inbox: false,
    }
}

/// New answers to us. Those that cannot be answered are marked read and told. Ends early when the loop is `stopping`.
pub(super) async fn replies(services: &Services, observer: &Observer, stopping: impl Fn() -> bool) -> Result<Vec<Opportunity>> {
    let page = services.reddit.unread(INBOX).await?;
    let mut found = Vec::new();
    for message in page.items.iter().filter(|message| message.new && message.was_comment) {
        if stopping() {
            break;
        }
        let heard = match (&message.author, stop::reason(&message.body)) {
            (Some(author), Some(reason)) => leave_alone(services, &message.fullname, author, reason).await.map(Some),
            _ => Ok(None),
        };
        let answer = match heard {
            Ok(Some(told)) => Ok(Err(told)),
            Ok(None) => reply(services, &message.fullname).await,
            Err(error) => Err(error),
        };
        let read = match answer {
            Ok(Ok(opportunity)) => {
                found.push(Opportunity { inbox: true, ..opportunity });
                continue;
            }
            Ok(Err(reason)) => {
                observer.tell(Event::Skipped { parent: message.fullname.clone(), reason });
                services.reddit.mark_read(&[&message.fullname]).await.map_err(Error::from)
            }
            Err(error) => Err(error),
        };
        // It stays unread, and is tried again in the next cycle.
        if let Err(error) = read {
            observer.tell(Event::ItemFailed { parent: message.fullname.clone(), error: error.to_string() });
        }
    }
    Ok(found)
}

/// Somebody asked us to stop: obeyed whatever else would speak for an answer. Returns what is told about it.
async fn leave_alone(services: &Services, fullname: &str, author: &str, reason: &'static str) -> Result<String> {
    // Where the message is gone again, the person is left alone all the same; only the thread is not known.
    let thread = comment(services, fullname).await?.map(|comment| comment.link_id);
    let (persona, message, name, at) = (services.persona.id.clone(), fullname.to_owned(), author.to_owned(), services.clock.now());
    let ended = services
        .db
        .write(move |c| {
            let request = left_alone::Request { author: &name, thread: thread.as_deref(), message: &message, reason };
            left_alone::obey(c, &persona, &request, at)
        })
        .await?;
    let withdrawn = if ended.is_empty() { String::new() } else { format!("; {} drafts there are withdrawn", ended.len()) };
    Ok(format!("u/{author} {reason}: they and the thread are left alone from now on{withdrawn}"))
}

/// Look once more at what an item answers: as it is now, or why it is left alone.
pub(super) async fn again(services: &Services, parent: &str) -> Result<std::result::Result<Opportunity, String>> {
    if parent.starts_with("t1_") {
        return reply(services, parent).await;
    }
    let things = services.reddit.info(&[parent]).await?;
    let Some(Thing::Post(post)) = things.into_iter().next() else { return Ok(Err("the post is gone".to_owned())) };
    Ok(if post.closed().is_none() { Ok(under_post(&post)) } else { Err("the post is closed".to_owned()) })
}

/// The chain above an answer, or why it is left alone.
async fn reply(services: &Services, fullname: &str) -> Result<std::result::Result<Opportunity, String>> {
    let Some(answered) = comment(services, fullname).await? else { return Ok(Err("it is gone".to_owned())) };
    if answered.closed().is_some() {
        return Ok(Err("it was removed, or its thread is closed".to_owned()));
    }
    if !answered.parent_id.starts_with("t1_") {
        return Ok(Err("it does not answer a comment of ours".to_owned()));
    }
    if answered.author.eq_ignore_ascii_case(&services.persona.reddit_username) {
        return Ok(Err("it is our own".to_owned()));
    }
    let most = services.parameters.max_conversation_depth;
    let mut chain = vec![comment_entry(&answered)];
    let mut above = answered.parent_id.clone();
    let mut depth = 1;
    while above.starts_with("t1_") && depth < MAX_HOPS {
        let Some(next) = comment(services, &above).await? else { return Ok(Err("our comment is gone".to_owned())) };
        if depth == 1 && !next.author.eq_ignore_ascii_case(&services.persona.reddit_username) {
            return Ok(Err("our comment is gone".to_owned()));
        }
        chain.push(comment_entry(&next));
        above = next.parent_id.clone();
        depth += 1;
    }
    if depth >= most {
        return Ok(Err(format!("the conversation is {depth} deep, at most {most} is answered")));
    }
    let things = services.reddit.info(&[answered.link_id.as_str()]).await?;
    let Some(Thing::Post(post)) = things.into_iter().next() else { return Ok(Err("the post is gone".to_owned())) };
    if post.closed().is_some() {
        return Ok(Err("the post is closed".to_owned()));
    }
    chain.push(post_entry(&post));
    chain.reverse();
    Ok(Ok(Opportunity {
        post_type: PostType::Reply,
        subreddit: answered.subreddit.clone(),
        thread_id: Some(post.fullname.clone()),
        author: answered.author.clone(),
        chain,
        depth,
        score: post.score,
        num_comments: post.num_comments,
        inbox: false,
    }))
}

async fn comment(services: &Services, fullname: &str) -> Result<Option<Comment>> {
    Ok(services.reddit.info(&[fullname]).await?.into_iter().find_map(|thing| match thing {
        Thing::Comment(comment) => Some(*comment),
        _ => None,
    }))
}

/// An answer that was dealt with is not read again.
pub(super) async fn mark_read(services: &Services, opportunity: &Opportunity) -> Result<()> {
    if opportunity.inbox {
        services.reddit.mark_read(&[opportunity.parent()]).await?;
    }
    Ok(())
}
