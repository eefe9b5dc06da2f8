//! The steps of the audit log, folded into counts and times. No I/O.

use super::Event;
use crate::base::Millis;
use std::collections::HashMap;

/// The longest pause between two steps of a reviewer that still counts as work; of a longer one this much does.
pub(super) const IDLE: Millis = 60_000;

/// The work on a claimed item: from its claim, through every step that shows somebody at it, to the decision.
#[derive(Debug, Clone)]
struct Work {
    claimed: Millis,
    last: Millis,
    spent: Millis,
}

/// Time spent on items, with idle time cut off: what lies between two steps counts up to [`IDLE`].
#[derive(Debug, Default)]
pub(super) struct Handling {
    open: HashMap<String, Work>,
}

impl Handling {
    /// Follow a step. Returns the time spent when it was a decision about an item that had been claimed before. A decision that claims on
    /// the spot tells nothing about how long it took.
    pub fn take(&mut self, event: &Event) -> Option<Millis> {
        match event.action.as_str() {
            "queue.claim" => {
                self.open.insert(event.item.clone(), Work { claimed: event.at, last: event.at, spent: 0 });
                None
            }
            "queue.release" | "queue.lease_over" | "queue.skip" | "queue.hand_over" | "queue.hold" => {
                self.open.remove(&event.item);
                None
            }
            "queue.renew" | "queue.edit" => {
                if let Some(work) = self.open.get_mut(&event.item) {
                    work.spent += (event.at - work.last).clamp(0, IDLE);
                    work.last = event.at;
                }
                None
            }
            action if is_decision(action) && event.human => {
                let work = self.open.remove(&event.item)?;
                (event.at > work.claimed).then(|| work.spent + (event.at - work.last).clamp(0, IDLE))
            }
            _ => None,
        }
    }
}

/// Whether a step decides about an item, by whomever.
pub(super) fn is_decision(action: &str) -> bool {
    matches!(action, "queue.approve" | "queue.approve_first" | "queue.reject" | "queue.return" | "queue.escalate" | "queue.discard")
}

/// What the log of a window comes to.
#[derive(Debug, Default)]
pub(super) struct Fold {
    arrived: HashMap<String, Millis>,
    handled: Handling,
    lost_at: HashMap<String, Millis>,
    /// From arrival to first claim.
    pub waits: Vec<Millis>,
    /// Work on an item until its decision.
    pub handling: Vec<Millis>,
    /// From the loss of an answer to finding the message.
    pub found_after: Vec<Millis>,
    counts: HashMap<&'static str, usize>,
}

impl Fold {
    fn count(&mut self, name: &'static str) {
        *self.counts.entry(name).or_default() += 1;
    }

    pub fn of(&self, name: &str) -> usize {
        self.counts.get(name).copied().unwrap_or(0)
    }

    pub fn take(&mut self, event: &Event) {
        self.handling.extend(self.handled.take(event));
        match event.action.as_str() {
            "queue.add" => {
                self.arrived.insert(event.item.clone(), event.at);
                self.count("arrived");
            }
            "queue.claim" => {
                // Only the first claim ends the waiting.
                if let Some(arrived) = self.arrived.remove(&event.item) {
                    self.waits.push(event.at - arrived);
                }
            }
            "queue.approve" if event.human => self.count("approved"),
            "queue.reject" if event.human => self.count("rejected"),
            "queue.return" if event.human => self.count("returned"),
            "queue.auto_approve" => {
                self.arrived.remove(&event.item);
                self.count("auto_approved");
            }
            "queue.edit" => self.count("edited"),
            "queue.undo" => self.count("undone"),
            "queue.expire" => {
                // Time ran out before anybody looked at it.
                if self.arrived.remove(&event.item).is_some() {
                    self.count("expired_unseen");
                }
                self.count("expired");
            }
            "queue.skip" => self.count("skipped"),
            "queue.override" => self.count("overridden"),
            "queue.supersede" => self.count("superseded"),
            "delivery.unknown" => {
                self.lost_at.insert(event.item.clone(), event.at);
                self.count("unknown");
            }
            "delivery.confirmed" => {
                if let Some(lost) = self.lost_at.remove(&event.item) {
                    self.found_after.push(event.at - lost);
                }
                self.count("sent");
            }
            _ => {}
        }
    }
}

/// The value at rank `floor(share * (n - 1))` of the sorted samples.
pub(super) fn quantile(samples: &[Millis], share: f64) -> Millis {
    let mut sorted = samples.to_vec();
    let rank = ((sorted.len().saturating_sub(1)) as f64 * share) as usize;
    if sorted.is_empty() {
        return 0;
    }
    *sorted.select_nth_unstable(rank).1
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::moderation::stats) fn event(at: Millis, action: &str, item: &str) -> Event {
        Event { at, action: action.into(), item: item.into(), actor: "ana".into(), human: true }
    }

    #[test]
    fn idle_time_is_cut_and_a_claim_on_the_spot_says_nothing() {
        let mut handling = Handling::default();
        let mut take = |at, action| handling.take(&event(at, action, "i"));
        assert_eq!(take(0, "queue.claim"), None);
        assert_eq!(take(50_000, "queue.renew"), None);
        assert_eq!(take(500_000, "queue.edit"), None);
        assert_eq!(take(510_000, "queue.approve"), Some(50_000 + 60_000 + 10_000));
        assert_eq!(take(520_000, "queue.claim"), None);
        assert_eq!(take(520_000, "queue.approve"), None, "claimed on the spot");
        assert_eq!(take(530_000, "queue.claim"), None);
        assert_eq!(take(540_000, "queue.lease_over"), None);
        assert_eq!(take(550_000, "queue.claim"), None);
        assert_eq!(take(551_000, "queue.reject"), Some(1_000), "the last claim counts");
    }
}
