//! What delivery asks and tells Reddit: the look before sending, the one request, the search for a lost message, the look afterwards.
//!
//! It maps Reddit's answers onto the outbox's. It keeps nothing and decides nothing beyond that map.

use super::draft::ThreadEntry;
use super::item::Item;
use super::outbox::{Aftermath, Answer, Attempt, Finding, Visibility};
use super::state::PostType;
use crate::base::{Millis, SafeText};
use crate::reddit::{self, Client, Comment, Consequence, Page, RefusalClass, Submission, Thing, Thread, WriteOutcome};
use std::time::Duration;

/// How long to wait after a look before sending failed.
const LOOK_AGAIN: Millis = 30_000;
/// Clocks differ: a message counts as younger than an attempt when it is at most this much older.
const CLOCK_SLACK: Millis = 5_000;
/// Messages of ours read while looking for one.
const LISTING: u32 = 100;

/// Look before sending: the account, the thread, and whether we answered already. `None`: go ahead.
pub(super) async fn preflight(reddit: &Client, item: &Item, attempt: &Attempt, account: &str) -> Option<Answer> {
    match look(reddit, item, attempt, account).await {
        Ok(answer) => answer,
        Err(error) => {
            let wait = error.wait().map_or(LOOK_AGAIN, millis);
            Some(Answer::NotSent { reason: format!("looking before sending failed: {error}"), wait })
        }
    }
}

async fn look(reddit: &Client, item: &Item, attempt: &Attempt, account: &str) -> reddit::Result<Option<Answer>> {
    let me = reddit.me().await?;
    if me.is_suspended {
        let reason = format!("the account u/{account} is suspended");
        return Ok(Some(Answer::AccountPaused { code: "suspended".to_owned(), reason, pause: None }));
    }
    if !me.name.eq_ignore_ascii_case(account) {
        let reason = format!("logged in as u/{}, the item was approved for u/{account}", SafeText::line(&me.name));
        return Ok(Some(Answer::BackToReview { code: "account_changed".to_owned(), reason }));
    }
    if item.post_type == PostType::Post {
        let violations = reddit.post_requirements(&item.target_subreddit).await?.check(&submission(item));
        let certain: Vec<String> =
            violations.into_iter().filter(|violation| violation.is_certain).map(|violation| violation.message).collect();
        return Ok((!certain.is_empty()).then(|| Answer::BackToReview {
            code: "post_requirements".to_owned(),
            reason: format!("r/{} asks for more: {}", item.target_subreddit, certain.join("; ")),
        }));
    }
    let Some(parent) = item.parent_id.as_deref() else { return Ok(None) };
    let mut names = vec![parent];
    names.extend(item.thread_id.as_deref().filter(|thread| *thread != parent));
    let things = reddit.info(&names).await?;
    for name in &names {
        if let Some(answer) = closed(&things, name) {
            return Ok(Some(answer));
        }
    }
    if let Some(answer) = edited(&things, parent, item) {
        return Ok(Some(answer));
    }
    let (own, _) = own_replies(reddit, item, parent, account).await?;
    Ok(own.first().map(|reply| already(reply, attempt, item)))
}

/// One direct reply of ours per parent: when it is younger than this item's first attempt it is the item itself, sent after all.
fn already(reply: &Comment, attempt: &Attempt, item: &Item) -> Answer {
    let ours = item.reviewed_at.unwrap_or(attempt.started_at);
    if reply.created_utc >= ours - CLOCK_SLACK {
        return Answer::Confirmed { fullname: reply.fullname.clone(), permalink: reply.permalink.clone() };
    }
    Answer::Expired { code: "already_answered".to_owned(), reason: format!("the account has answered this already ({})", reply.fullname) }
}

fn closed(things: &[Thing], name: &str) -> Option<Answer> {
    let because = match things.iter().find(|thing| thing.fullname() == Some(name)) {
        Some(Thing::Post(post)) => post.closed()?.as_str(),
        Some(Thing::Comment(comment)) => comment.closed()?.as_str(),
        _ => "parent_gone",
    };
    let words = match because {
        "parent_gone" => "what it answers was deleted or removed",
        "locked" => "the thread is locked",
        "archived" => "the thread is archived",
        other => other,
    };
    Some(Answer::Expired { code: because.to_owned(), reason: format!("{words} ({name})") })
}

fn edited(things: &[Thing], parent: &str, item: &Item) -> Option<Answer> {
    let expected = item.draft_metadata.parent_digest.as_deref()?;
    let (title, body) = match things.iter().find(|thing| thing.fullname() == Some(parent))? {
        Thing::Post(post) => (Some(post.title.as_str()), post.selftext.as_str()),
        Thing::Comment(comment) => (None, comment.body.as_str()),
        _ => return None,
    };
    if ThreadEntry::digest(title, body) == expected {
        return None;
    }
    let before =
        item.draft_metadata.thread.iter().find(|entry| entry.fullname == parent).map(|entry| entry.body.as_str()).unwrap_or_default();
    let difference = similar::TextDiff::from_words(before, body);
    let words = |tag: similar::ChangeTag| {
        let changed: String = difference.iter_all_changes().filter(|change| change.tag() == tag).map(|change| change.value()).collect();
        SafeText::clipped(&changed, 120).as_str().to_owned()
    };
    let reason = format!(
        "what it answers was edited since the draft: removed “{}”, added “{}”",
        words(similar::ChangeTag::Delete),
        words(similar::ChangeTag::Insert)
    );
    Some(Answer::BackToReview { code: "parent_edited".to_owned(), reason })
}

/// Our direct replies to `parent`, and whether all replies to it were seen.
async fn own_replies(reddit: &Client, item: &Item, parent: &str, account: &str) -> reddit::Result<(Vec<Comment>, bool)> {
    let Some(link) = item.thread_id.as_deref().or(Some(parent)).and_then(|name| name.strip_prefix("t3_")) else {
        return Ok((Vec::new(), false));
    };
    let thread: Thread = reddit.comments(link, parent.strip_prefix("t1_"), LISTING).await?;
    Ok(match thread.replies_to(parent) {
        Some((replies, all)) => (replies.iter().filter(|reply| reply.author.eq_ignore_ascii_case(account)).cloned().collect(), all),
        None => (Vec::new(), false),
    })
}

/// Send the item: one request, never tried again here.
pub(super) async fn request(reddit: &Client, item: &Item) -> (Answer, Aftermath) {
    let outcome = match (item.post_type, item.parent_id.as_deref()) {
        (PostType::Post, _) => reddit.submit(&submission(item)).await,
        (_, Some(parent)) => reddit.reply(parent, &item.content).await,
        (_, None) => {
            let reason = "it has no parent to answer".to_owned();
            return (Answer::BackToReview { code: "no_parent".to_owned(), reason }, Aftermath::default());
        }
    };
    let consequence = outcome.consequence();
    let aftermath = Aftermath {
        mute_user: consequence == Consequence::MuteUser,
        disable_target: consequence == Consequence::DisableTarget,
        account_pause: match &outcome {
            // A refusal of another kind may name a pause of the account as well; a deferral carries its own.
            WriteOutcome::Refused { pause: Some(pause), class, .. } if *class != RefusalClass::Deferred => Some(millis(*pause)),
            _ => None,
        },
    };
    (answer(outcome), aftermath)
}

fn submission(item: &Item) -> Submission {
    Submission::text(&item.target_subreddit, item.title.as_deref().unwrap_or_default(), &item.content)
}

fn answer(outcome: WriteOutcome) -> Answer {
    match outcome {
        WriteOutcome::Confirmed { fullname, permalink } => Answer::Confirmed { fullname, permalink },
        WriteOutcome::Unknown { reason } => Answer::Unknown { reason },
        WriteOutcome::NotSent { reason, not_before } => Answer::NotSent { reason, wait: not_before.map_or(LOOK_AGAIN, millis) },
        WriteOutcome::Refused { code, field, message, class, pause } => {
            let reason = if message.is_empty() { code.clone() } else { message };
            match class {
                RefusalClass::Deferred => Answer::AccountPaused { code, reason, pause: Some(pause.map_or(60_000, millis)) },
                RefusalClass::AccountPaused => Answer::AccountPaused { code, reason, pause: None },
                RefusalClass::Expired(because) => Answer::Expired { code: because.as_str().to_owned(), reason },
                RefusalClass::BackToPending(marked) => {
                    let field = field.unwrap_or_else(|| marked.as_str().to_owned());
                    Answer::BackToReview { code, reason: format!("Reddit refused the {field}: {reason}") }
                }
                // Only a link that was sent twice is answered so, and then by our own earlier attempt: reading tells whose it is.
                RefusalClass::ConfirmedIfOurs => Answer::Unknown { reason: format!("Reddit says that it is there already: {reason}") },
                RefusalClass::Refused => Answer::Refused { code, reason },
            }
        }
    }
}

/// Look for a message whose answer was lost.
pub(super) async fn find(reddit: &Client, item: &Item, attempt: &Attempt, account: &str) -> Finding {
    match search(reddit, item, attempt, account).await {
        Ok(finding) => finding,
        Err(error) => Finding::Unclear { reason: format!("reading failed: {error}") },
    }
}

async fn search(reddit: &Client, item: &Item, attempt: &Attempt, account: &str) -> reddit::Result<Finding> {
    let since = attempt.started_at - CLOCK_SLACK;
    if let Some(parent) = item.parent_id.as_deref() {
        // At most one direct reply per parent: any younger one of ours is the answer, even if its text was altered.
        let (own, _) = own_replies(reddit, item, parent, account).await?;
        if let Some(reply) = own.iter().find(|reply| reply.created_utc >= since) {
            return Ok(Finding::Found { fullname: reply.fullname.clone(), permalink: reply.permalink.clone() });
        }
        let page = reddit.own_comments(LISTING, None).await?;
        let found = page.items.iter().find(|comment| comment.parent_id == parent && comment.created_utc >= since);
        return Ok(match found {
            Some(comment) => Finding::Found { fullname: comment.fullname.clone(), permalink: comment.permalink.clone() },
            None => absent(&page, page.items.last().map(|comment| comment.created_utc), since),
        });
    }
    let page = reddit.own_submitted(LISTING, None).await?;
    let title = collapsed(item.title.as_deref().unwrap_or_default());
    let found = page.items.iter().find(|post| {
        post.created_utc >= since && post.subreddit.eq_ignore_ascii_case(&item.target_subreddit) && collapsed(&post.title) == title
    });
    Ok(match found {
        Some(post) => Finding::Found { fullname: post.fullname.clone(), permalink: Some(post.permalink.clone()) },
        None => absent(&page, page.items.last().map(|post| post.created_utc), since),
    })
}

/// Absence counts only where the listing was read past the time of the attempt.
fn absent<T>(page: &Page<T>, oldest: Option<Millis>, since: Millis) -> Finding {
    if page.is_last() || oldest.is_some_and(|oldest| oldest < since) {
        Finding::Absent
    } else {
        Finding::Unclear { reason: "the account's history did not reach back to the attempt".to_owned() }
    }
}

/// The server collapses white space in titles.
fn collapsed(title: &str) -> String {
    title.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What one login sees of a message.
#[derive(Debug)]
pub(super) struct Sight {
    /// How it stands there.
    pub visibility: Visibility,
    /// The same in words.
    pub words: String,
    /// Its author, unless hidden.
    pub author: Option<String>,
    /// Its text, unless hidden.
    pub text: Option<String>,
    /// Whether the answer named it at all.
    pub is_known: bool,
}

/// Look at a message with the login of `reddit`.
pub(super) async fn sight(reddit: &Client, fullname: &str) -> reddit::Result<Sight> {
    let things = reddit.info(&[fullname]).await?;
    let (author, text, removed_by) = match things.iter().find(|thing| thing.fullname() == Some(fullname)) {
        Some(Thing::Comment(comment)) => (&comment.author, &comment.body, comment.removed_by_category.as_deref()),
        Some(Thing::Post(post)) => (&post.author, &post.selftext, post.removed_by_category.as_deref()),
        _ => {
            let words = "Reddit does not know it any more".to_owned();
            return Ok(Sight { visibility: Visibility::Gone, words, author: None, text: None, is_known: false });
        }
    };
    let hidden = ["[deleted]", "[removed]"];
    let (visibility, words) = match removed_by {
        _ if text == "[deleted]" => (Visibility::Gone, "deleted".to_owned()),
        // So a post says that its author took it away.
        Some("deleted" | "author") => (Visibility::Gone, "deleted".to_owned()),
        Some(category) => (Visibility::Filtered, format!("removed by {}", SafeText::line(category))),
        None if text == "[removed]" => (Visibility::Filtered, "removed".to_owned()),
        None if author == "[deleted]" => (Visibility::Gone, "deleted".to_owned()),
        None => (Visibility::Visible, "everybody can read it".to_owned()),
    };
    let shown = |text: &String| (!hidden.contains(&text.as_str())).then(|| text.clone());
    Ok(Sight { visibility, words, author: shown(author), text: shown(text), is_known: true })
}

/// Look at a message in public. `None` when it could not be looked at.
pub(super) async fn visibility(reddit: &Client, fullname: &str) -> Option<(Visibility, String)> {
    match sight(reddit, fullname).await {
        Ok(sight) => Some((sight.visibility, sight.words)),
        Err(error) => {
            tracing::warn!(%error, fullname, "a message could not be looked at in public");
            None
        }
    }
}

fn millis(wait: Duration) -> Millis {
    Millis::try_from(wait.as_millis()).unwrap_or(Millis::MAX / 4)
}
