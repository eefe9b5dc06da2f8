//! Golden items: cases with a known right decision among the ordinary ones. They tell a reviewer, in private, how sure the reviewer's hand is.
//!
//! What makes an item golden stands in a table of its own; no listing, no page and no JSON of the queue reads it. A golden item goes the way
//! of any other, under names that exist nowhere, and can never leave. Three things see to that, each alone enough:
//!
//! 1. every step of an item passes `transition::take`, which refuses a golden item any state in which it may be public;
//! 2. `commit_intent` withdraws an approved one when its undo window is over, with the words of an item whose thread is gone, and makes no
//!    attempt: no request is ever made from it;
//! 3. what it answers does not exist on Reddit.
//!
//! It is left out of every number of the ordinary queue, of what prompts learn, of redrafts and rewrites, and a mute that comes with its
//! rejection is not recorded. A reviewer's results appear a day late, so that nobody finds the item by watching the count.

use super::golden_case::Case;
use super::{FEW, NOT_GOLDEN, draw, salt};
use crate::base::{Millis, PersonaId, Picos, new_id};
use crate::moderation::draft::DraftMetadata;
use crate::moderation::error::{Error, Result};
use crate::moderation::item::Item;
use crate::moderation::queue::{self, NewItem, Settings, required};
use crate::moderation::roles::{self, Right};
use crate::store::audit::{self, Actor, ActorKind};
use crate::store::{Conn, Row, feed};
use crate::vals;
use serde::Serialize;
use serde_json::{Value, json};

pub use super::golden_case::Case as GoldenCase;

/// Results are told so long after the decision.
pub const TOLD_AFTER: Millis = 86_400_000;

/// What a reviewer may do with a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// Approve it as it is.
    Approve,
    /// Change the text, then approve it.
    Edit,
    /// Reject it.
    Reject,
    /// Send it back to the agent.
    Return,
    /// Pass it on to somebody who has to decide.
    Escalate,
}

impl Expected {
    /// Every value.
    pub const ALL: [Self; 5] = [Self::Approve, Self::Edit, Self::Reject, Self::Return, Self::Escalate];

    /// The word in the database and in commands.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Edit => "edit",
            Self::Reject => "reject",
            Self::Return => "return",
            Self::Escalate => "escalate",
        }
    }
}

impl std::str::FromStr for Expected {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || Self::ALL.map(Self::as_str).join(", ");
        Self::ALL.into_iter().find(|value| value.as_str() == text).ok_or_else(|| format!("{text:?} is none of {}", known()))
    }
}

/// A case in store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Template {
    /// Whose.
    pub persona_id: PersonaId,
    /// Its id.
    pub id: String,
    /// Where it would go.
    pub target_subreddit: String,
    /// The first 160 characters of the draft.
    pub preview: String,
    /// The decisions that are right.
    pub expected: String,
    /// Why.
    pub why: String,
    /// How often it was used.
    pub used: i64,
}

/// Put a case in store. Returns its id.
///
/// # Errors
/// [`Error::Invalid`] without a reason or an expected decision.
pub fn add(
    c: &mut dyn Conn,
    persona: &PersonaId,
    case: &Case,
    expected: &[Expected],
    why: &str,
    actor: &Actor,
    at: Millis,
) -> Result<String> {
    roles::require(c, actor, Right::Golden)?;
    let why = required("the reason why this decision is right", why)?;
    let words: Vec<&str> = Expected::ALL.into_iter().filter(|value| expected.contains(value)).map(Expected::as_str).collect();
    let words = words.join(",");
    required("the right decision", &words)?;
    let id = new_id();
    c.exec(
        "INSERT INTO golden_templates (persona_id, id, post_type, target_subreddit, parent_id, parent_author, content, evaluation, draft_metadata,
           expected, why, added_by, added_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        vals![
            persona,
            &id,
            case.post_type.as_str(),
            &case.target_subreddit,
            &case.parent_id,
            case.parent_author.as_ref(),
            &case.content,
            json!(case.evaluation).to_string(),
            json!(case.metadata).to_string(),
            &words,
            why,
            &actor.name,
            at
        ],
    )?;
    // Reviewers read the log: it names neither the text nor the answer.
    note(c, persona, "golden.add", &id, actor, at)?;
    Ok(id)
}

/// Take a case out of store. Items that were made from it stay what they are.
///
/// # Errors
/// [`Error::Invalid`] when there is none of this id.
pub fn remove(c: &mut dyn Conn, persona: &PersonaId, id: &str, actor: &Actor, at: Millis) -> Result<()> {
    roles::require(c, actor, Right::Golden)?;
    if c.exec("DELETE FROM golden_templates WHERE persona_id = $1 AND id = $2", vals![persona, id])? == 0 {
        return Err(no_case(id));
    }
    note(c, persona, "golden.remove", id, actor, at)
}

/// The refusal of an id that names no case, or more than one.
#[must_use]
pub fn no_case(id: &str) -> Error {
    Error::Invalid {
        what: "the golden case",
        found: format!("{id:?}"),
        expected: "the id of one, as `queue golden list` shows it".to_owned(),
    }
}

fn note(c: &mut dyn Conn, persona: &PersonaId, action: &str, id: &str, actor: &Actor, at: Millis) -> Result<()> {
    audit::append(
        c,
        &audit::Entry {
            at,
            persona: Some(persona),
            actor,
            action,
            subject_kind: "golden_template",
            subject_id: id,
            reason: None,
            before: &Value::Null,
            after: &Value::Null,
        },
    )?;
    feed::append(c, at, "quality", Some(persona), action, id)?;
    Ok(())
}

/// The cases in store, oldest first.
///
/// # Errors
/// When the engine refuses.
pub fn templates(c: &mut dyn Conn, persona: Option<&PersonaId>) -> Result<Vec<Template>> {
    c.query(
        "SELECT persona_id, id, target_subreddit, substr(content, 1, 160) AS preview, expected, why, used FROM golden_templates
         WHERE CAST($1 AS TEXT) IS NULL OR persona_id = $1 ORDER BY added_at, id LIMIT 1000",
        vals![persona],
    )?
    .iter()
    .map(|row| {
        Ok(Template {
            persona_id: PersonaId::from_stored(row.text("persona_id")?),
            id: row.text("id")?,
            target_subreddit: row.text("target_subreddit")?,
            preview: row.text("preview")?,
            expected: row.text("expected")?,
            why: row.text("why")?,
            used: row.int("used")?,
        })
    })
    .collect()
}

/// Whether an item is golden. For the guards of the queue only: no face may ask.
///
/// # Errors
/// When the engine refuses.
pub(crate) fn is_golden(c: &mut dyn Conn, persona: &PersonaId, item: &str) -> Result<bool> {
    Ok(c.first("SELECT item_id FROM golden_items WHERE persona_id = $1 AND item_id = $2", vals![persona, item])?.is_some())
}

/// After an ordinary item was queued: put a golden one beside it, in so many of a hundred cases as the settings say. Which ones is drawn, so
/// that counting does not find them; of the cases in store one of the least used is taken.
///
/// # Errors
/// When the engine refuses.
pub(in crate::moderation) fn perhaps(
    c: &mut dyn Conn,
    persona: &PersonaId,
    beside: &str,
    settings: &Settings,
    actor: &Actor,
    at: Millis,
) -> Result<Option<String>> {
    let of_hundred = u64::try_from(settings.golden_per_hundred).unwrap_or(0);
    if of_hundred == 0 {
        return Ok(None);
    }
    let salt = salt(c)?;
    if draw(&salt, "golden", beside, 100) >= of_hundred {
        return Ok(None);
    }
    let rows = c.query(
        "SELECT * FROM golden_templates WHERE persona_id = $1
           AND used = (SELECT min(used) FROM golden_templates WHERE persona_id = $1) ORDER BY id LIMIT 500",
        vals![persona],
    )?;
    let drawn = usize::try_from(draw(&salt, "case", beside, rows.len() as u64)).unwrap_or(0);
    let Some(row) = rows.get(drawn) else { return Ok(None) };
    // The same millisecond as its neighbour would tell.
    let at = at + 3 + i64::try_from(draw(&salt, "moment", beside, 400)).unwrap_or(0);
    insert(c, persona, row, &salt, settings, actor, at).map(Some)
}

fn insert(c: &mut dyn Conn, persona: &PersonaId, row: &Row, salt: &str, settings: &Settings, actor: &Actor, at: Millis) -> Result<String> {
    let template = row.text("id")?;
    let word = |_| crate::store::Error::Column { column: "post_type".to_owned(), expected: "a known word" };
    let case = Case {
        post_type: row.text("post_type")?.parse().map_err(word)?,
        target_subreddit: row.text("target_subreddit")?,
        parent_id: row.text("parent_id")?,
        parent_author: row.text_opt("parent_author")?,
        content: row.text("content")?,
        evaluation: row.json("evaluation")?,
        metadata: row.json("draft_metadata")?,
    };
    let mut case = case.under_other_names(salt, &new_id());
    let neighbour = c.first(
        &format!("SELECT p.draft_metadata FROM pending_posts p WHERE p.persona_id = $1 AND {NOT_GOLDEN} ORDER BY p.created_at DESC, p.id DESC LIMIT 1"),
        vals![persona],
    )?;
    if let Some(neighbour) = neighbour {
        like(&mut case.metadata, &neighbour.json("draft_metadata")?, salt, &case.parent_id);
    }
    let new = NewItem {
        post_type: case.post_type,
        target_subreddit: case.target_subreddit.clone(),
        thread_id: case.thread_id(),
        correlation_id: format!("{}-{}", new_id(), case.parent_id),
        parent_id: Some(case.parent_id),
        parent_author: case.parent_author,
        title: None,
        content: case.content,
        evaluation: case.evaluation,
        draft_metadata: case.metadata,
    };
    let id = queue::insert(c, persona, crate::base::new_id(), &new, settings, actor, at)?;
    c.exec(
        "INSERT INTO golden_items (persona_id, item_id, template_id, expected) VALUES ($1, $2, $3, $4)",
        vals![persona, &id, &template, row.text("expected")?],
    )?;
    c.exec("UPDATE golden_templates SET used = used + 1, used_at = $3 WHERE persona_id = $1 AND id = $2", vals![persona, &template, at])?;
    Ok(id)
}

/// A draft that no model wrote would tell itself by its costs: it takes them from a neighbour, a little changed.
fn like(metadata: &mut DraftMetadata, neighbour: &DraftMetadata, salt: &str, one_use: &str) {
    metadata.sandbox = neighbour.sandbox;
    if metadata.model.is_none() && neighbour.model.is_some() {
        let percent = 90 + draw(salt, "cost", one_use, 20);
        metadata.model.clone_from(&neighbour.model);
        metadata.tokens_in = neighbour.tokens_in.saturating_mul(percent) / 100;
        metadata.tokens_out = neighbour.tokens_out.saturating_mul(percent) / 100;
        metadata.cost_picos = neighbour.cost_picos.map(|cost| Picos(cost.0 / 100 * percent as i64));
    }
}

/// Every step of an item is shown to this: the decisions about golden ones are compared with what is right.
///
/// # Errors
/// When the engine refuses.
pub(in crate::moderation) fn observe(c: &mut dyn Conn, item: &Item, action: &str, actor: &Actor, at: Millis) -> Result<()> {
    let decision = match action {
        // Nobody but a person writes a golden item anew.
        "queue.approve" | "queue.approve_first" if item.revision > 1 => Expected::Edit,
        "queue.approve" | "queue.approve_first" => Expected::Approve,
        "queue.reject" => Expected::Reject,
        "queue.return" => Expected::Return,
        "queue.escalate" => Expected::Escalate,
        "queue.undo" => {
            // Taken back: the next decision is the one that counts.
            c.exec(
                "DELETE FROM golden_results WHERE persona_id = $1 AND item_id = $2 AND reviewer = $3",
                vals![&item.persona_id, &item.id, &actor.name],
            )?;
            return Ok(());
        }
        _ => return Ok(()),
    };
    if actor.kind != ActorKind::Human {
        return Ok(());
    }
    let golden = c.first("SELECT expected FROM golden_items WHERE persona_id = $1 AND item_id = $2", vals![&item.persona_id, &item.id])?;
    let Some(golden) = golden else { return Ok(()) };
    let is_right = golden.text("expected")?.split(',').any(|word| word == decision.as_str());
    c.exec(
        "INSERT INTO golden_results (persona_id, item_id, reviewer, decision, is_right, at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (persona_id, item_id, reviewer) DO UPDATE SET decision = $4, is_right = $5, at = $6",
        vals![&item.persona_id, &item.id, &actor.name, decision.as_str(), i64::from(is_right), at],
    )?;
    Ok(())
}

/// How the decisions about golden items compare with what is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Results {
    /// Right.
    pub right: usize,
    /// Wrong.
    pub wrong: usize,
}

/// One reviewer's results, for that reviewer; `None` under [`FEW`].
///
/// # Errors
/// When the engine refuses.
pub fn mine(c: &mut dyn Conn, reviewer: &str, since: Millis, now: Millis) -> Result<Option<Results>> {
    Ok(results(c, None, Some(reviewer), since, now)?.map(|(results, _)| results))
}

/// Everybody's results together; `None` under [`FEW`], and while only one person is behind them.
///
/// # Errors
/// When the engine refuses.
pub fn sum(c: &mut dyn Conn, persona: Option<&PersonaId>, since: Millis, now: Millis) -> Result<Option<Results>> {
    Ok(results(c, persona, None, since, now)?.filter(|(_, people)| *people > 1).map(|(results, _)| results))
}

fn results(
    c: &mut dyn Conn,
    persona: Option<&PersonaId>,
    reviewer: Option<&str>,
    since: Millis,
    now: Millis,
) -> Result<Option<(Results, i64)>> {
    let row = c.first(
        "SELECT count(*) AS n, CAST(coalesce(sum(is_right), 0) AS BIGINT) AS right_ones, count(DISTINCT reviewer) AS people FROM golden_results
         WHERE at >= $1 AND at <= $2 AND (CAST($3 AS TEXT) IS NULL OR reviewer = $3) AND (CAST($4 AS TEXT) IS NULL OR persona_id = $4)",
        vals![since, now - TOLD_AFTER, reviewer, persona],
    )?;
    let Some(row) = row else { return Ok(None) };
    let (n, right) = (usize::try_from(row.int("n")?).unwrap_or(0), usize::try_from(row.int("right_ones")?).unwrap_or(0));
    Ok((n >= FEW).then_some((Results { right, wrong: n.saturating_sub(right) }, row.int("people")?)))
}
