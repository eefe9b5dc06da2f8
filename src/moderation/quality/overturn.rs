//! Overturned approvals: what turned out wrong afterwards, whoever approved it, and the end of automatic posting that is overturned too often.
//!
//! An approval is overturned when a second opinion says so, when the message was retracted, when the subreddit removed it, or when a
//! reviewer labelled it bad or too risky. What nobody looked at afterwards, and what was not seen in public, is not counted at all: silence
//! is no agreement.

use super::NOT_GOLDEN;
use crate::base::{Millis, PersonaId};
use crate::memory::{self, Author};
use crate::moderation::error::Result;
use crate::store::audit::{self, Actor};
use crate::store::{Conn, feed};
use crate::vals;
use serde::Serialize;
use serde_json::{Value, json};

/// The newest approvals that are looked at.
pub const NEWEST: i64 = 100;
/// Automatic posting is judged by at least so many of them.
pub const LEAST: usize = 10;

/// How many approvals were overturned, of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Rate {
    /// Overturned.
    pub overturned: usize,
    /// Of so many that somebody or something had a say about afterwards.
    pub of: usize,
}

impl Rate {
    /// Whether there are enough of them, and more than `percent` of a hundred were overturned.
    #[must_use]
    pub fn crossed(self, percent: i64) -> bool {
        let hundredths = i64::try_from(self.overturned.saturating_mul(100)).unwrap_or(i64::MAX);
        let allowed = i64::try_from(self.of).unwrap_or(i64::MAX).saturating_mul(percent);
        self.of >= LEAST && hundredths > allowed
    }
}

/// Which approvals of a persona.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All.
    All,
    /// Those that no person gave.
    Automatic,
    /// Those of them that were picked as samples and judged.
    Sampled,
}

/// The rate over the newest [`NEWEST`] approvals of a persona.
///
/// # Errors
/// When the engine refuses.
pub fn rate(c: &mut dyn Conn, persona: &PersonaId, which: Which) -> Result<Rate> {
    let only = match which {
        Which::All => "",
        Which::Automatic => "AND p.reviewed_by = p.approval_account",
        Which::Sampled => {
            "AND p.reviewed_by = p.approval_account
             AND EXISTS (SELECT 1 FROM samples s WHERE s.persona_id = p.persona_id AND s.item_id = p.id)
             AND EXISTS (SELECT 1 FROM second_opinions o WHERE o.persona_id = p.persona_id AND o.item_id = p.id)"
        }
    };
    let sql = format!(
        "SELECT CASE WHEN p.state IN ('filtered', 'retracted')
             OR EXISTS (SELECT 1 FROM second_opinions o WHERE o.persona_id = p.persona_id AND o.item_id = p.id AND o.verdict = 'overturn')
             OR EXISTS (SELECT 1 FROM feedback_labels l WHERE l.persona_id = p.persona_id AND l.item_id = p.id
               AND l.label IN ('bad', 'too_risky'))
           THEN 1 ELSE 0 END AS overturned
         FROM pending_posts p
         WHERE p.persona_id = $1 AND p.reviewed_at IS NOT NULL AND p.approval_digest IS NOT NULL {only} AND {NOT_GOLDEN}
           AND (p.state IN ('visible', 'filtered', 'gone', 'retracted', 'amended')
             OR EXISTS (SELECT 1 FROM second_opinions o WHERE o.persona_id = p.persona_id AND o.item_id = p.id)
             OR EXISTS (SELECT 1 FROM feedback_labels l WHERE l.persona_id = p.persona_id AND l.item_id = p.id))
         ORDER BY p.reviewed_at DESC, p.id DESC LIMIT $2"
    );
    let rows = c.query(&sql, vals![persona, NEWEST])?;
    let mut rate = Rate { overturned: 0, of: rows.len() };
    for row in &rows {
        rate.overturned += usize::from(row.flag("overturned")?);
    }
    Ok(rate)
}

/// Look at a persona after something was overturned: its automatic posting ends when more than `percent` of a hundred automatic approvals,
/// or of the sampled ones among them, were. A person may allow it again with `persona set`.
///
/// # Errors
/// When the engine refuses.
pub fn look(c: &mut dyn Conn, persona: &PersonaId, percent: i64, now: Millis) -> Result<bool> {
    if !memory::settings::auto_posting_enabled(c, persona)? {
        return Ok(false);
    }
    let mut crossed = None;
    for (which, words) in [(Which::Sampled, "sampled automatic approvals"), (Which::Automatic, "automatic approvals")] {
        let rate = rate(c, persona, which)?;
        if crossed.is_none() && rate.crossed(percent) {
            crossed = Some((rate, words));
        }
    }
    let Some((rate, words)) = crossed else { return Ok(false) };
    let system = Actor::system("quality");
    memory::settings::set(c, persona, "auto_posting_enabled", Value::Bool(false), &Author::new(&system, now))?;
    let reason = format!("{} of the newest {} {words} were overturned, more than {percent} %", rate.overturned, rate.of);
    let after = json!({ "auto_posting_enabled": false, "overturned": rate.overturned, "of": rate.of, "limit_percent": percent });
    audit::append(
        c,
        &audit::Entry {
            at: now,
            persona: Some(persona),
            actor: &system,
            action: "persona.stop_auto_posting",
            subject_kind: "persona",
            subject_id: persona.as_str(),
            reason: Some(&reason),
            before: &Value::Null,
            after: &after,
        },
    )?;
    feed::append(c, now, "personas", Some(persona), "persona.stop_auto_posting", persona.as_str())?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_crossed_by_more_than_its_share_of_enough() {
        let crossed = |overturned, of| Rate { overturned, of }.crossed(15);
        assert!(!crossed(9, 9), "too few to say");
        assert!(!crossed(1, 10));
        assert!(crossed(2, 10));
        assert!(!crossed(3, 20), "just the limit is not more than it");
        assert!(crossed(4, 20));
        assert!(!Rate { overturned: 10, of: 10 }.crossed(100));
    }
}
