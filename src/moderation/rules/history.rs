//! Reading what the rules have to know about the past: how often, where and to whom we spoke, and what resembles the draft.

use super::own_texts::{OwnTexts, counts};
use super::signals::{Alike, History, PersonaWishes};
use crate::base::{Millis, PersonaId, SafeText};
use crate::memory;
use crate::moderation::detect::links;
use crate::moderation::detect::similarity::{self, Sequences};
use crate::moderation::error::Result;
use crate::moderation::item::Item;
use crate::moderation::quality::NOT_GOLDEN;
use crate::moderation::state::{PostType, State};
use crate::store::Conn;
use crate::vals;
use serde_json::Value;
use std::collections::BTreeSet;

const DAY: Millis = 86_400_000;
/// Messages that are counted at most.
const MOST_COUNTED: i64 = 2_000;
/// Texts that are compared word by word at most.
const MOST_COMPARED: usize = 20;
/// Below this share of common word triples a text is not worth showing.
const LEAST_ALIKE: f64 = 0.3;

/// Where a draft goes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Target<'a> {
    /// The item, when it is in the queue already: it is not compared with itself.
    pub item: Option<&'a str>,
    /// Where, without `r/`.
    pub subreddit: &'a str,
    /// Fullname of what is answered.
    pub parent: Option<&'a str>,
    /// Fullname of the post the thread hangs on.
    pub thread: Option<&'a str>,
    /// Who wrote what is answered.
    pub author: Option<&'a str>,
    /// Hops below the post.
    pub depth: Option<u32>,
    /// Whether it is a post of its own.
    pub is_post: bool,
}

impl<'a> Target<'a> {
    /// Where an item of the queue goes.
    #[must_use]
    pub fn of(item: &'a Item) -> Self {
        Self {
            item: Some(&item.id),
            subreddit: &item.target_subreddit,
            parent: item.parent_id.as_deref(),
            thread: item.thread_id.as_deref(),
            author: item.parent_author.as_deref(),
            depth: Some(item.draft_metadata.conversation_depth),
            is_post: item.post_type == PostType::Post,
        }
    }
}

/// What we said lately, as far as it concerns a draft.
pub(super) fn gather(
    c: &mut dyn Conn,
    persona: &PersonaId,
    target: &Target<'_>,
    content: &str,
    own: &mut OwnTexts,
    at: Millis,
) -> Result<History> {
    let mut history = History::default();
    let rows = c.query(
        &format!(
            "SELECT p.id, p.state, p.created_at, lower(p.target_subreddit) AS subreddit, lower(p.parent_author) AS person
             FROM pending_posts p WHERE p.persona_id = $1 AND p.created_at >= $2 AND {NOT_GOLDEN} ORDER BY p.created_at DESC LIMIT $3"
        ),
        vals![persona, at - 30 * DAY, MOST_COUNTED],
    )?;
    let (subreddit, author) = (target.subreddit.to_lowercase(), target.author.map(str::to_lowercase));
    for row in &rows {
        if Some(row.text("id")?.as_str()) == target.item || !row.text("state")?.parse().is_ok_and(counts) {
            continue;
        }
        let when = row.int("created_at")?;
        history.account.push(when);
        if row.text("subreddit")? == subreddit {
            history.subreddit.push(when);
        }
        if author.is_some() && row.text_opt("person")? == author {
            history.person.push(when);
        }
    }
    if let Some(thread) = target.thread {
        let rows = c.query(
            "SELECT id, state, created_at FROM pending_posts WHERE persona_id = $1 AND thread_id = $2 LIMIT $3",
            vals![persona, thread, MOST_COUNTED],
        )?;
        for row in &rows {
            if Some(row.text("id")?.as_str()) != target.item && row.text("state")?.parse().is_ok_and(counts) {
                history.thread.push(row.int("created_at")?);
            }
        }
    }
    if !links::find(content).is_empty() {
        history.linked_hosts = linked_hosts(c, persona, target.item)?;
    }
    history.alike = alike(c, persona, target, content, own)?;
    Ok(history)
}

/// Hosts that our newest hundred messages link to.
fn linked_hosts(c: &mut dyn Conn, persona: &PersonaId, item: Option<&str>) -> Result<Vec<BTreeSet<String>>> {
    let rows =
        c.query("SELECT id, state, content FROM pending_posts WHERE persona_id = $1 ORDER BY created_at DESC LIMIT 300", vals![persona])?;
    let mut hosts = Vec::new();
    for row in &rows {
        let state: Option<State> = row.text("state")?.parse().ok();
        if state.is_some_and(counts) && Some(row.text("id")?.as_str()) != item {
            hosts.push(links::find(&row.text("content")?).into_iter().map(|link| link.ascii_host).collect());
        }
    }
    hosts.truncate(100);
    Ok(hosts)
}

fn alike(c: &mut dyn Conn, persona: &PersonaId, target: &Target<'_>, content: &str, own: &mut OwnTexts) -> Result<Vec<Alike>> {
    own.refresh(c, persona)?;
    let draft = Sequences::of(content);
    let mut found = Vec::new();
    // Two short answers are alike by chance: `Thank you, that helps.`
    if !draft.long_enough() {
        return Ok(found);
    }
    let near = own.near(draft.simhash(), similarity::MAX_DISTANCE);
    for text in near.into_iter().filter(|text| Some(text.item.as_str()) != target.item).take(MOST_COMPARED) {
        let row = c.first("SELECT content, fullname FROM pending_posts WHERE persona_id = $1 AND id = $2", vals![persona, &text.item])?;
        let Some(row) = row else { continue };
        let said = row.text("content")?;
        let other = Sequences::of(&said);
        let share = draft.jaccard(&other);
        if share < LEAST_ALIKE || !other.long_enough() {
            continue;
        }
        found.push(Alike {
            item: text.item.clone(),
            similarity: share,
            at: text.at,
            subreddit: text.subreddit.clone(),
            same_parent: target.parent.is_some() && text.parent.as_deref() == target.parent,
            same_thread: target.thread.is_some() && text.thread.as_deref() == target.thread,
            excerpt: SafeText::clipped(&said, 160).as_str().to_owned(),
            fullname: row.text_opt("fullname")?,
        });
    }
    found.sort_by(|a, b| b.similarity.total_cmp(&a.similarity));
    Ok(found)
}

/// The whole text that a near-duplicate resembles, with when it was drafted: `evidence` names it by its fullname or its item.
///
/// # Errors
/// When the engine refuses.
pub fn resembled(c: &mut dyn Conn, persona: &PersonaId, evidence: &str) -> Result<Option<(String, Millis)>> {
    let row = c.first(
        "SELECT content, created_at FROM pending_posts WHERE persona_id = $1 AND (id = $2 OR fullname = $2) LIMIT 1",
        vals![persona, evidence],
    )?;
    row.map(|row| Ok((row.text("content")?, row.int("created_at")?))).transpose()
}

/// What the persona's configuration and settings ask of its drafts, with its account.
pub(super) fn persona(c: &mut dyn Conn, id: &PersonaId) -> Result<(String, PersonaWishes)> {
    let persona = memory::personas::get(c, id)?;
    let mut hosts = |key: &str| -> Result<BTreeSet<String>> {
        let value = memory::settings::get(c, id, key)?;
        let listed = value.as_ref().and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        Ok(listed.map(str::to_lowercase).collect())
    };
    let (link_hosts, own_hosts) = (hosts("link_hosts")?, hosts("own_hosts")?);
    let longest = usize::try_from(persona.config.safety_flags.max_comment_length).ok().filter(|longest| *longest > 0);
    let allowed = link_hosts.union(&own_hosts).cloned().collect();
    Ok((persona.reddit_username, PersonaWishes { longest_comment: longest, link_hosts: allowed, own_hosts }))
}
