//! The outbox: no request that writes to the outside without a committed intent, and no answer that is not committed.
//!
//! An attempt is open while its `finished_at` is empty; a unique index allows one open attempt an item. An open attempt without outcome is
//! under way; one with the outcome `unknown` is being reconciled by reading; `unresolved` waits for a person.

use super::approval::{self, Mode};
use super::decisions::back_to_review;
use super::draft::DraftMetadata;
use super::error::Result;
use super::item::{Item, load};
use super::mutes::{self, MuteKind};
use super::pauses::{self, Pause, Scope};
use super::state::State;
use super::transition::{Step, take};
use crate::base::{Millis, PersonaId, new_id};
use crate::memory::interactions::{self, InteractionMetadata, NewInteraction};
use crate::memory::{self, Author};
use crate::store::audit::Actor;
use crate::store::{Conn, Row, Val};
use crate::vals;
use serde_json::{Value, json};

/// After how long reading begins when an answer was lost, counted from when it was lost.
pub const RECONCILE_AFTER: [Millis; 4] = [5_000, 30_000, 120_000, 600_000];
/// Absence is believed after two complete reads that lie at least this far apart.
pub const BETWEEN_ABSENCES: Millis = 60_000;
/// When a message is looked at in public, counted from when it was sent.
pub const CHECK_AFTER: [Millis; 4] = [60_000, 900_000, 7_200_000, 86_400_000];

/// One try to send an item.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Attempt {
    /// The attempt's id.
    pub id: String,
    /// The item.
    pub item_id: String,
    /// The digest of what is sent.
    pub digest: String,
    /// The account it is sent from.
    pub account: String,
    /// The newest message of ours that was known before.
    pub high_water: Option<String>,
    /// When the intent was committed.
    pub started_at: Millis,
    /// When the outcome was final.
    pub finished_at: Option<Millis>,
    /// `confirmed`, `refused`, `not_sent`, `unknown`, `unresolved`, `abandoned`; empty while under way.
    pub outcome: Option<String>,
    /// The other side's code.
    pub code: Option<String>,
    /// The other side's words, or ours.
    pub message: Option<String>,
    /// What it became.
    pub fullname: Option<String>,
    /// How often reading was tried.
    pub reconcile_reads: i64,
    /// How often a complete read did not find it.
    pub complete_absences: i64,
    /// When that was last.
    pub last_absence_at: Option<Millis>,
}

fn attempt(row: &Row) -> Result<Attempt> {
    Ok(Attempt {
        id: row.text("id")?,
        item_id: row.text("item_id")?,
        digest: row.text("digest")?,
        account: row.text("account")?,
        high_water: row.text_opt("high_water")?,
        started_at: row.int("started_at")?,
        finished_at: row.int_opt("finished_at")?,
        outcome: row.text_opt("outcome")?,
        code: row.text_opt("code")?,
        message: row.text_opt("message")?,
        fullname: row.text_opt("fullname")?,
        reconcile_reads: row.int("reconcile_reads")?,
        complete_absences: row.int("complete_absences")?,
        last_absence_at: row.int_opt("last_absence_at")?,
    })
}

/// Every attempt of an item, oldest first.
///
/// # Errors
/// When the engine refuses.
pub fn attempts(c: &mut dyn Conn, persona: &PersonaId, item: &str) -> Result<Vec<Attempt>> {
    c.query("SELECT * FROM delivery_attempts WHERE persona_id = $1 AND item_id = $2 ORDER BY started_at, id", vals![persona, item])?
        .iter()
        .map(attempt)
        .collect()
}

/// What has to be done next for a persona, and when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Due {
    /// Approved items whose undo window is over.
    pub send: Vec<String>,
    /// Items whose answer was lost and that are to be looked for now.
    pub reconcile: Vec<String>,
    /// Items to be looked at in public now.
    pub check: Vec<String>,
    /// Attempts without an outcome. Whoever owns the delivery and has nothing in flight knows that their answers were lost.
    pub open: usize,
    /// When the next of these comes, if nothing is due now.
    pub next_at: Option<Millis>,
}

/// What is due at `now`.
///
/// # Errors
/// When the engine refuses.
pub fn due(c: &mut dyn Conn, persona: &PersonaId, now: Millis) -> Result<Due> {
    let ids = |rows: Vec<Row>| rows.iter().map(|row| row.text("id")).collect::<crate::store::Result<Vec<_>>>();
    let send = c.query(
        "SELECT id FROM pending_posts WHERE persona_id = $1 AND state = 'scheduled' AND not_before <= $2 ORDER BY not_before, id LIMIT 50",
        vals![persona, now],
    )?;
    let reconcile = c.query(
        "SELECT item_id AS id FROM delivery_attempts WHERE next_reconcile_at <= $2 AND persona_id = $1 ORDER BY next_reconcile_at LIMIT 50",
        vals![persona, now],
    )?;
    let check = c.query(
        "SELECT id FROM pending_posts WHERE persona_id = $1 AND state IN ('confirmed', 'visible', 'filtered') AND next_check_at <= $2
         ORDER BY next_check_at, id LIMIT 50",
        vals![persona, now],
    )?;
    let open = c.query(
        "SELECT id FROM delivery_attempts WHERE persona_id = $1 AND finished_at IS NULL AND outcome IS NULL LIMIT 50",
        vals![persona],
    )?;
    let mut next_at: Option<Millis> = None;
    for sql in [
        "SELECT min(not_before) AS at FROM pending_posts WHERE persona_id = $1 AND state = 'scheduled' AND not_before > $2",
        "SELECT min(next_reconcile_at) AS at FROM delivery_attempts WHERE persona_id = $1 AND next_reconcile_at > $2",
        "SELECT min(next_check_at) AS at FROM pending_posts WHERE persona_id = $1 AND state IN ('confirmed', 'visible', 'filtered')
           AND next_check_at > $2",
    ] {
        if let Some(at) = c.first(sql, vals![persona, now])?.map_or(Ok(None), |row| row.int_opt("at"))? {
            next_at = Some(next_at.map_or(at, |earlier| earlier.min(at)));
        }
    }
    Ok(Due { send: ids(send)?, reconcile: ids(reconcile)?, check: ids(check)?, open: open.len(), next_at })
}

/// What became of the wish to send an item.
#[derive(Debug, Clone)]
pub enum Intent {
    /// The intent is committed: send it now, once.
    Go(Box<Item>, Attempt),
    /// A pause stands.
    Paused(Pause),
    /// It is not scheduled any more, or not yet due.
    NotDue,
    /// Its approval does not hold any more: it went back to review, or expired.
    Withdrawn(String),
    /// This deck sends nothing.
    DryRun,
}

/// Commit the intent to send an item: the pause, the approval's digest, the account and the rules are checked in this transaction.
///
/// # Errors
/// When the engine refuses.
pub fn commit_intent(c: &mut dyn Conn, persona: &PersonaId, id: &str, account: &str, mode: Mode, now: Millis) -> Result<Intent> {
    let item = load(c, persona, id)?;
    if item.state != State::Scheduled || item.not_before.is_none_or(|not_before| not_before > now) {
        return Ok(Intent::NotDue);
    }
    if mode == Mode::DryRun {
        return Ok(Intent::DryRun);
    }
    if let Some(pause) = pauses::in_force(c, persona, account, now)? {
        return Ok(Intent::Paused(pause));
    }
    let system = Actor::system("delivery");
    if item.expires_at <= now {
        let set = vec![("state_reason", Val::from("its time ran out before it could be sent"))];
        let timeout = Actor::timeout("deadline");
        take(
            c,
            Step {
                item: &item,
                to: State::Expired,
                actor: &timeout,
                action: "queue.expire",
                reason: None,
                at: now,
                set,
                detail: Value::Null,
            },
        )?;
        return Ok(Intent::Withdrawn("expired".to_owned()));
    }
    let policy = approval::policy(mode);
    let digest = approval::digest(&item, account, &policy);
    if item.approval_digest.as_deref() != Some(digest.as_str()) {
        let reason = if item.approval_policy.as_deref() != Some(policy.as_str()) {
            format!("approved under {}, in force is {policy}: please approve again", item.approval_policy.as_deref().unwrap_or("no rules"))
        } else if item.approval_account.as_deref() != Some(account) {
            format!("approved for {}, the account is {account}: please approve again", item.approval_account.as_deref().unwrap_or("nobody"))
        } else {
            "the text is not the one that was approved: please approve again".to_owned()
        };
        back_to_review(c, &item, &system, "delivery.stale", Some(&reason), now)?;
        return Ok(Intent::Withdrawn(reason));
    }
    let attempt_id = new_id();
    let high_water = c
        .first(
            "SELECT fullname FROM delivery_attempts WHERE persona_id = $1 AND account = $2 AND fullname IS NOT NULL
             ORDER BY started_at DESC, id DESC LIMIT 1",
            vals![persona, account],
        )?
        .map_or(Ok(None), |row| row.text_opt("fullname"))?;
    c.exec(
        "INSERT INTO delivery_attempts (persona_id, id, item_id, revision, digest, account, high_water, started_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        vals![persona, &attempt_id, id, item.revision, &digest, account, high_water, now],
    )?;
    let detail = json!({ "attempt": attempt_id, "digest": digest, "account": account });
    let set = vec![("state_reason", Val::Null)];
    let item =
        take(c, Step { item: &item, to: State::Sending, actor: &system, action: "delivery.intent", reason: None, at: now, set, detail })?;
    let row = c.first("SELECT * FROM delivery_attempts WHERE persona_id = $1 AND id = $2", vals![persona, &attempt_id])?;
    let row = row.ok_or_else(|| crate::store::Error::Column { column: "id".to_owned(), expected: "the attempt just written" })?;
    Ok(Intent::Go(Box::new(item), attempt(&row)?))
}

/// What an attempt to send, or a look at the outside before it, came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is there.
    Confirmed {
        /// Its fullname.
        fullname: String,
        /// Its link, where the answer had one.
        permalink: Option<String>,
    },
    /// Nothing left the machine, or the other side surely did nothing: try again later.
    NotSent {
        /// Why.
        reason: String,
        /// How long to wait at least.
        wait: Millis,
    },
    /// The account has to pause as a whole.
    AccountPaused {
        /// The other side's code.
        code: String,
        /// Its words.
        reason: String,
        /// How long; without end where a person has to look after the account.
        pause: Option<Millis>,
    },
    /// The thread is closed to us: nothing to send any more.
    Expired {
        /// The other side's code, or what the look found.
        code: String,
        /// In words.
        reason: String,
    },
    /// The other side said no for good.
    Refused {
        /// Its code.
        code: String,
        /// Its words.
        reason: String,
    },
    /// A person has to look at it again: something changed, or a field was refused.
    BackToReview {
        /// The code, or what changed.
        code: String,
        /// In words, with the difference.
        reason: String,
    },
    /// The answer was lost.
    Unknown {
        /// How.
        reason: String,
    },
}

/// What follows an answer beside what happens with the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Aftermath {
    /// The person who is answered is left alone from now on.
    pub mute_user: bool,
    /// Nothing is sent to the subreddit any more.
    pub disable_target: bool,
    /// How long the whole account pauses, whatever happens with the item.
    pub account_pause: Option<Millis>,
}

/// Commit what follows an answer.
///
/// # Errors
/// When the engine refuses.
pub fn follow(c: &mut dyn Conn, item: &Item, account: &str, aftermath: Aftermath, reason: &str, now: Millis) -> Result<()> {
    let actor = Actor::system("delivery");
    let persona = &item.persona_id;
    if let (true, Some(user)) = (aftermath.mute_user, item.parent_author.as_deref()) {
        mutes::mute(c, persona, MuteKind::User, user, reason, &actor.name, now)?;
    }
    if aftermath.disable_target {
        mutes::mute(c, persona, MuteKind::Subreddit, &item.target_subreddit, reason, &actor.name, now)?;
    }
    if let Some(pause) = aftermath.account_pause {
        pauses::pause(c, &Scope::Account(account.to_owned()), reason, Some(now + pause.max(1_000)), &actor, now)?;
    }
    Ok(())
}

/// Commit what an attempt came to, together with everything that follows from it.
///
/// # Errors
/// When the engine refuses; then the attempt stays open and is reconciled.
pub fn settle(c: &mut dyn Conn, persona: &PersonaId, attempt: &Attempt, answer: &Answer, now: Millis) -> Result<Item> {
    let item = load(c, persona, &attempt.item_id)?;
    let actor = Actor::system("delivery");
    let step = |item: &Item, to, action: &str, reason: Option<&str>, set, detail, c: &mut dyn Conn| {
        take(c, Step { item, to, actor: &actor, action, reason, at: now, set, detail })
    };
    match answer {
        Answer::Confirmed { fullname, permalink } => confirm(c, persona, &item, attempt, fullname, permalink.as_deref(), &actor, now),
        Answer::NotSent { reason, wait } => {
            close(c, persona, attempt, "not_sent", None, reason, now)?;
            let not_before = now + (*wait).max(1_000);
            let set = vec![("not_before", Val::Int(not_before)), ("state_reason", Val::from(reason))];
            step(&item, State::Scheduled, "delivery.not_sent", Some(reason), set, json!({ "not_before": not_before }), c)
        }
        Answer::AccountPaused { code, reason, pause } => {
            close(c, persona, attempt, "not_sent", Some(code), reason, now)?;
            let until = pause.map(|pause| now + pause.max(1_000));
            pauses::pause(c, &Scope::Account(attempt.account.clone()), reason, until, &actor, now)?;
            let not_before = until.unwrap_or(now + CHECK_AFTER[1]);
            let set = vec![("not_before", Val::Int(not_before)), ("state_reason", Val::from(reason))];
            step(&item, State::Scheduled, "delivery.deferred", Some(reason), set, json!({ "code": code, "not_before": not_before }), c)
        }
        Answer::Expired { code, reason } => {
            close(c, persona, attempt, "refused", Some(code), reason, now)?;
            let set = vec![("state_reason", Val::from(reason))];
            step(&item, State::Expired, "delivery.expired", Some(reason), set, json!({ "code": code }), c)
        }
        Answer::Refused { code, reason } => {
            close(c, persona, attempt, "refused", Some(code), reason, now)?;
            let set = vec![("state_reason", Val::from(reason))];
            step(&item, State::Refused, "delivery.refused", Some(reason), set, json!({ "code": code }), c)
        }
        Answer::BackToReview { code, reason } => {
            close(c, persona, attempt, "not_sent", Some(code), reason, now)?;
            back_to_review(c, &item, &actor, "delivery.stale", Some(reason), now)
        }
        Answer::Unknown { reason } => lose(c, persona, &item, attempt, reason, &actor, now),
    }
}

fn close(
    c: &mut dyn Conn,
    persona: &PersonaId,
    attempt: &Attempt,
    outcome: &str,
    code: Option<&String>,
    message: &str,
    now: Millis,
) -> Result<()> {
    c.exec(
        "UPDATE delivery_attempts SET outcome = $3, code = $4, message = $5, finished_at = $6, next_reconcile_at = NULL
         WHERE persona_id = $1 AND id = $2 AND finished_at IS NULL",
        vals![persona, &attempt.id, outcome, code, message, now],
    )?;
    Ok(())
}

fn lose(c: &mut dyn Conn, persona: &PersonaId, item: &Item, attempt: &Attempt, reason: &str, actor: &Actor, now: Millis) -> Result<Item> {
    c.exec(
        "UPDATE delivery_attempts SET outcome = 'unknown', message = $3, next_reconcile_at = $4
         WHERE persona_id = $1 AND id = $2 AND finished_at IS NULL",
        vals![persona, &attempt.id, reason, now + RECONCILE_AFTER[0]],
    )?;
    let set = vec![("state_reason", Val::from(reason))];
    let detail = json!({ "attempt": attempt.id });
    take(c, Step { item, to: State::Unknown, actor, action: "delivery.unknown", reason: Some(reason), at: now, set, detail })
}

#[allow(clippy::too_many_arguments, reason = "the whole of a confirmed delivery")]
fn confirm(
    c: &mut dyn Conn,
    persona: &PersonaId,
    item: &Item,
    attempt: &Attempt,
    fullname: &str,
    permalink: Option<&str>,
    actor: &Actor,
    now: Millis,
) -> Result<Item> {
    c.exec(
        "UPDATE delivery_attempts SET outcome = 'confirmed', fullname = $3, finished_at = $4, next_reconcile_at = NULL
         WHERE persona_id = $1 AND id = $2 AND finished_at IS NULL",
        vals![persona, &attempt.id, fullname, now],
    )?;
    let mut metadata: DraftMetadata = item.draft_metadata.clone();
    remember(c, persona, item, &metadata, fullname, now)?;
    // What was approved with the text is applied with it, once: an approval that was undone has changed no belief.
    let reviewer =
        if metadata.auto_posted { Actor::agent("auto-posting") } else { Actor::human(item.reviewed_by.clone().unwrap_or_default()) };
    let applied = memory::proposals::apply_on_approval(c, persona, &metadata.belief_proposals, &reviewer, now)?;
    let detail = json!({ "attempt": attempt.id, "fullname": fullname, "belief_changes_applied": applied });
    metadata.belief_changes_applied = Some(applied);
    let set = vec![
        ("fullname", Val::from(fullname)),
        ("permalink", Val::from(permalink)),
        ("draft_metadata", Val::from(json!(metadata).to_string())),
        ("next_check_at", Val::Int(now + CHECK_AFTER[0])),
        ("state_reason", Val::Null),
    ];
    take(c, Step { item, to: State::Confirmed, actor, action: "delivery.confirmed", reason: None, at: now, set, detail })
}

/// What was said goes to memory, with the beliefs as they were when it was written.
fn remember(c: &mut dyn Conn, persona: &PersonaId, item: &Item, metadata: &DraftMetadata, fullname: &str, now: Millis) -> Result<()> {
    if interactions::find(c, persona, fullname)?.is_some() {
        return Ok(());
    }
    let interaction = InteractionMetadata {
        model: metadata.model.clone(),
        tokens_in: Some(metadata.tokens_in),
        tokens_out: Some(metadata.tokens_out),
        cost_picos: metadata.cost_picos,
        correlation_id: Some(item.correlation_id.clone()),
        pending_post_id: Some(item.id.clone()),
        approved_by: item.reviewed_by.clone().filter(|_| !metadata.auto_posted),
        approved_at: item.reviewed_at,
        auto_posted: metadata.auto_posted,
        beliefs: metadata.beliefs.clone(),
        ..InteractionMetadata::default()
    };
    let system = Actor::system("delivery");
    let new = NewInteraction {
        content: &item.content,
        interaction_type: item.post_type.as_str().parse()?,
        reddit_id: fullname,
        subreddit: &item.target_subreddit,
        parent_id: item.parent_id.as_deref(),
        metadata: &interaction,
    };
    interactions::log(c, persona, &new, &Author::new(&system, now))?;
    Ok(())
}

/// After a crash: every attempt under way has lost its answer. Only the process that owns the persona's delivery may say so.
///
/// Returns how many there were.
///
/// # Errors
/// When the engine refuses.
pub fn recover(c: &mut dyn Conn, persona: &PersonaId, now: Millis) -> Result<usize> {
    let rows =
        c.query("SELECT * FROM delivery_attempts WHERE persona_id = $1 AND finished_at IS NULL AND outcome IS NULL", vals![persona])?;
    let actor = Actor::system("recovery");
    for row in &rows {
        let attempt = attempt(row)?;
        let item = load(c, persona, &attempt.item_id)?;
        lose(c, persona, &item, &attempt, "the program stopped before the answer was stored", &actor, now)?;
    }
    Ok(rows.len())
}

/// The attempt of an item that waits for reconciliation.
///
/// # Errors
/// When the engine refuses.
pub fn lost_attempt(c: &mut dyn Conn, persona: &PersonaId, item: &str) -> Result<Option<Attempt>> {
    c.first(
        "SELECT * FROM delivery_attempts WHERE persona_id = $1 AND item_id = $2 AND finished_at IS NULL AND outcome = 'unknown'",
        vals![persona, item],
    )?
    .map(|row| attempt(&row))
    .transpose()
}

/// What a look for a lost message found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It is there.
    Found {
        /// Its fullname.
        fullname: String,
        /// Its link.
        permalink: Option<String>,
    },
    /// It is not there, in a listing that was read past the time of the attempt.
    Absent,
    /// Could not be told: the read failed, or the listing did not reach back far enough.
    Unclear {
        /// Why.
        reason: String,
    },
}

/// Commit what a look for a lost message found. Absence in two complete reads, or a last look that told nothing, leaves it to a person:
/// it is never sent again by itself.
///
/// # Errors
/// When the engine refuses.
pub fn reconcile(c: &mut dyn Conn, persona: &PersonaId, attempt: &Attempt, finding: &Finding, now: Millis) -> Result<Item> {
    let item = load(c, persona, &attempt.item_id)?;
    let actor = Actor::system("reconcile");
    let reads = attempt.reconcile_reads + 1;
    let (absences, last_absence, reason) = match finding {
        Finding::Found { fullname, permalink } => {
            return confirm(c, persona, &item, attempt, fullname, permalink.as_deref(), &actor, now);
        }
        Finding::Absent => {
            let counts = attempt.last_absence_at.is_none_or(|last| now - last >= BETWEEN_ABSENCES);
            let last = if counts { Some(now) } else { attempt.last_absence_at };
            (attempt.complete_absences + i64::from(counts), last, "a complete read did not find it".to_owned())
        }
        Finding::Unclear { reason } => (attempt.complete_absences, attempt.last_absence_at, reason.clone()),
    };
    let next = usize::try_from(reads).ok().and_then(|reads| RECONCILE_AFTER.get(reads).zip(RECONCILE_AFTER.get(reads.checked_sub(1)?)));
    let (to, action, outcome, next_at, reason) = match next {
        _ if absences >= 2 => {
            let reason = "two complete reads did not find it: it was most likely never stored".to_owned();
            (State::Unresolved, "delivery.unresolved", "unresolved", None, reason)
        }
        Some((next, previous)) => (State::Unknown, "delivery.reconcile", "unknown", Some(now + next - previous), reason),
        None => {
            (State::Unresolved, "delivery.unresolved", "unresolved", None, format!("reading could not tell whether it was sent: {reason}"))
        }
    };
    c.exec(
        "UPDATE delivery_attempts SET outcome = $3, reconcile_reads = $4, complete_absences = $5, last_absence_at = $6, next_reconcile_at = $7
         WHERE persona_id = $1 AND id = $2 AND finished_at IS NULL",
        vals![persona, &attempt.id, outcome, reads, absences, last_absence, next_at],
    )?;
    let set = vec![("state_reason", Val::from(&reason))];
    let detail = json!({ "attempt": attempt.id, "reads": reads, "complete_absences": absences });
    take(c, Step { item: &item, to, actor: &actor, action, reason: Some(&reason), at: now, set, detail })
}

/// What a look at a sent message in public found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Everybody can read it.
    Visible,
    /// A moderator or a filter removed it.
    Filtered,
    /// It was deleted.
    Gone,
}

/// Commit what a look in public found, and when to look next.
///
/// # Errors
/// When the engine refuses.
pub fn record_visibility(c: &mut dyn Conn, persona: &PersonaId, id: &str, seen: Option<(Visibility, String)>, now: Millis) -> Result<Item> {
    let item = load(c, persona, id)?;
    let sent_at = c
        .first(
            "SELECT max(finished_at) AS at FROM delivery_attempts WHERE persona_id = $1 AND item_id = $2 AND outcome = 'confirmed'",
            vals![persona, id],
        )?
        .map_or(Ok(None), |row| row.int_opt("at"))?
        .unwrap_or(now);
    let next = CHECK_AFTER.iter().map(|after| sent_at + after).find(|at| *at > now);
    let (to, reason) = match seen {
        Some((Visibility::Visible, reason)) => (State::Visible, reason),
        Some((Visibility::Filtered, reason)) => (State::Filtered, reason),
        Some((Visibility::Gone, reason)) => (State::Gone, reason),
        // It could not be looked at: what was known stays, and the next look is a minute away.
        None => {
            c.exec(
                "UPDATE pending_posts SET next_check_at = $3 WHERE persona_id = $1 AND id = $2",
                vals![persona, id, now + CHECK_AFTER[0]],
            )?;
            return Ok(item);
        }
    };
    let next = if to == State::Gone { None } else { next };
    let set = vec![("next_check_at", Val::from(next)), ("state_reason", Val::from(&reason))];
    let actor = Actor::system("visibility");
    take(c, Step { item: &item, to, actor: &actor, action: "delivery.seen", reason: Some(&reason), at: now, set, detail: Value::Null })
}
