//! What a reviewer may know of themselves: how much, how long, how much of it was hard to read, and how sure the hand was.
//!
//! These numbers are for the person they are about. There is no list of them, and nobody is ranked.

use super::events;
use super::fold::{Handling, is_decision};
use crate::base::Millis;
use crate::moderation::error::Result;
use crate::moderation::quality::golden::{self, Results};
use crate::store::Conn;
use crate::vals;
use serde::Serialize;
use std::collections::BTreeSet;

/// Two steps so far apart have a break between them.
pub const BREAK: Millis = 600_000;

/// One reviewer's own numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Mine {
    /// Who.
    pub reviewer: String,
    /// Items decided.
    pub items: usize,
    /// Time at them, in milliseconds: from claim to decision, of a pause between two steps at most 60 s.
    pub handling: Millis,
    /// Items claimed whose draft is blocked, or whose thread tries to instruct its reader.
    pub severe: usize,
    /// The longest time without a break of ten minutes, in milliseconds.
    pub longest_run: Millis,
    /// Decisions about golden items; blank under twenty, and told a day late.
    pub golden: Option<Results>,
}

/// The numbers of one reviewer, from `since` to `now`.
///
/// # Errors
/// When the engine refuses.
pub fn mine(c: &mut dyn Conn, reviewer: &str, since: Millis, now: Millis) -> Result<Mine> {
    let mut found = Mine { reviewer: reviewer.to_owned(), ..Mine::default() };
    let mut decided = BTreeSet::new();
    let (mut handling, mut run) = (Handling::default(), Run::default());
    events(c, None, Some(reviewer), since, |event| {
        let own = event.human && event.actor == reviewer;
        // The end of a lease is nobody's step, and ends the work all the same.
        if let Some(spent) = (own || !event.human).then(|| handling.take(&event)).flatten() {
            found.handling += spent;
        }
        if own {
            run.step(event.at);
            if is_decision(&event.action) {
                decided.insert(event.item);
            }
        }
        Ok(())
    })?;
    found.items = decided.len();
    found.longest_run = run.longest;
    // The quotation marks of a text are escaped in JSON: only the field itself looks like this.
    let severe = c.first(
        "SELECT count(DISTINCT a.subject_id) AS n FROM audit_log a JOIN pending_posts p ON p.persona_id = a.persona_id AND p.id = a.subject_id
         WHERE a.subject_kind = 'pending_post' AND a.action = 'queue.claim' AND a.actor_kind = 'human' AND a.actor = $1 AND a.at >= $2
           AND (p.verdict = 'block' OR p.draft_metadata LIKE '%\"tainted\":true%')",
        vals![reviewer, since],
    )?;
    found.severe = severe.map_or(Ok(0), |row| row.int("n")).map(|count| usize::try_from(count).unwrap_or(0))?;
    found.golden = golden::mine(c, reviewer, since, now)?;
    Ok(found)
}

/// The longest time without a break.
#[derive(Debug, Default)]
struct Run {
    began: Millis,
    last: Option<Millis>,
    longest: Millis,
}

impl Run {
    fn step(&mut self, at: Millis) {
        if self.last.is_none_or(|last| at - last >= BREAK) {
            self.began = at;
        }
        self.last = Some(at);
        self.longest = self.longest.max(at - self.began);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_minutes_are_a_break_and_less_is_none() {
        let longest = |steps: &[Millis]| {
            let mut run = Run::default();
            steps.iter().for_each(|at| run.step(at * 60_000));
            run.longest / 60_000
        };
        assert_eq!(longest(&[]), 0);
        assert_eq!(longest(&[5]), 0);
        assert_eq!(longest(&[0, 9, 18, 28, 30]), 18);
        assert_eq!(longest(&[0, 10, 19, 28]), 18);
    }
}
