//! People, threads and subreddits that a persona leaves alone.

use super::error::Result;
use crate::base::{Millis, PersonaId, digest::sha256_parts};
use crate::store::Conn;
use crate::vals;
use serde::Serialize;

/// What is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MuteKind {
    /// A whole thread, by the fullname of its post.
    Thread,
    /// A person, by name.
    User,
    /// A subreddit, by name.
    Subreddit,
}

impl MuteKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Thread => "thread",
            Self::User => "user",
            Self::Subreddit => "subreddit",
        }
    }
}

/// Leave something alone from now on. It stays as it is when it already was; returns whether it is new.
///
/// # Errors
/// When the engine refuses.
pub(super) fn mute(
    c: &mut dyn Conn,
    persona: &PersonaId,
    kind: MuteKind,
    target: &str,
    reason: &str,
    by: &str,
    at: Millis,
) -> Result<bool> {
    let new = c.exec(
        "INSERT INTO mutes (persona_id, kind, target, reason, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (persona_id, kind, target) DO NOTHING",
        vals![persona, kind.as_str(), target.to_lowercase(), reason, by, at],
    )?;
    Ok(new > 0)
}

/// Why this thread, person or subreddit is left alone; `None` when it is not.
///
/// # Errors
/// When the engine refuses.
pub fn reason(c: &mut dyn Conn, persona: &PersonaId, thread: Option<&str>, user: &str, subreddit: &str) -> Result<Option<String>> {
    reason_after(c, persona, (thread, user, subreddit), Millis::MIN)
}

/// The same for what was muted after `since`: a person who approves an answer to somebody muted before has decided so.
pub(super) fn reason_after(
    c: &mut dyn Conn,
    persona: &PersonaId,
    (thread, user, subreddit): (Option<&str>, &str, &str),
    since: Millis,
) -> Result<Option<String>> {
    if is_erased(c, user)? {
        return Ok(Some("user muted: asked to be erased, and is not written to again".to_owned()));
    }
    let row = c.first(
        "SELECT kind, reason FROM mutes WHERE persona_id = $1 AND created_at > $5
           AND ((kind = 'thread' AND target = $2) OR (kind = 'user' AND target = $3) OR (kind = 'subreddit' AND target = $4)) LIMIT 1",
        vals![persona, thread.unwrap_or_default().to_lowercase(), user.to_lowercase(), subreddit.to_lowercase(), since],
    )?;
    row.map(|row| Ok(format!("{} muted: {}", row.text("kind")?, row.text("reason")?))).transpose()
}

/// Whether this person asked to be erased. Their name is nowhere any more; a salted digest tells.
///
/// # Errors
/// When the engine refuses.
pub fn is_erased(c: &mut dyn Conn, user: &str) -> Result<bool> {
    for row in c.query("SELECT salt, digest FROM erased_people", &[])? {
        if digest(&row.text("salt")?, user) == row.text("digest")? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The digest of a name under a salt, as backups keep it too: of the name in small letters, without `u/`.
fn digest(salt: &str, name: &str) -> String {
    let name = name.trim();
    let name = name.strip_prefix("/u/").or_else(|| name.strip_prefix("u/")).unwrap_or(name).to_lowercase();
    sha256_parts(&[salt.as_bytes(), name.as_bytes()])
}
