//! Delivery: what was approved leaves once, and what was lost is looked for.
//!
//! One deliverer owns a persona's deliveries; it has at most one request that writes in flight. It sleeps until the next deadline or until
//! the database changes.

use super::amendments::{self, Amendment};
use super::approval::Mode;
use super::error::Result;
use super::item::{self, Item};
use super::outbox::{self, Aftermath, Answer, Attempt, Intent};
use super::rules::Screener;
use super::state::State;
use super::{crash, outside, quality, queue};
use crate::base::{Clock, Millis, PersonaId};
use crate::store::{Conn, Database};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

/// How long to wait before trying again when a pause or the database stands in the way and nothing else wakes us.
const BLOCKED: Millis = 30_000;
/// How often storing an answer is tried before it is left to reconciliation.
const STORE_TRIES: u32 = 5;

/// Sends what one persona may send.
#[derive(Debug, Clone)]
pub struct Deliverer {
    /// The database.
    pub db: Database,
    /// Reddit, under the persona's account.
    pub reddit: crate::reddit::Client,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// How much of the world may be touched.
    pub mode: Mode,
    /// Whose items.
    pub persona: PersonaId,
    /// The account they leave from.
    pub account: String,
    /// The rules in force when it is sent.
    pub screener: Screener,
    /// Automatic posting ends when more than so many of a hundred automatic approvals are overturned.
    pub overturn_limit: i64,
}

/// What one round did.
#[derive(Debug, Default)]
pub struct Round {
    /// The items that took a step.
    pub moved: Vec<Item>,
    /// The wishes about what was sent that took a step, with their items.
    pub amended: Vec<(Item, Amendment)>,
    /// When to look again, if nothing changes before.
    pub next_at: Option<Millis>,
}

impl Round {
    /// Whether nothing took a step.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.moved.is_empty() && self.amended.is_empty()
    }
}

impl Deliverer {
    /// Deliver until `ends` becomes true. What is in flight then is finished; what is not begun stays scheduled.
    pub async fn run(self, told: impl Fn(&Round), mut ends: watch::Receiver<bool>) {
        let mut changes = self.db.changes().ok();
        while !*ends.borrow() {
            let round = self.round(&ends).await;
            let next_at = match round {
                Ok(round) => {
                    told(&round);
                    if round.is_idle() { round.next_at } else { Some(self.clock.now()) }
                }
                Err(error) => {
                    tracing::error!(%error, "a round of deliveries failed");
                    Some(self.clock.now() + BLOCKED)
                }
            };
            let wake = next_at.map(|at| Instant::now() + millis(at - self.clock.now()));
            let timer = async {
                match wake {
                    Some(wake) => sleep_until(wake).await,
                    None => std::future::pending().await,
                }
            };
            let changed = async {
                // A closed channel must not become a busy loop.
                let alive = match &mut changes {
                    Some(changes) => changes.changed().await.is_ok(),
                    None => false,
                };
                if !alive {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                _ = ends.wait_for(|ends| *ends) => return,
                () = timer => {}
                () = changed => {}
            }
        }
    }

    /// Do everything that is due now, one after the other.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn round(&self, ends: &watch::Receiver<bool>) -> Result<Round> {
        let (persona, now) = (self.persona.clone(), self.clock.now());
        let due = self.db.read(move |c| outbox::due(c, &persona, now)).await?;
        let mut round = Round { next_at: due.next_at, ..Round::default() };
        if due.open > 0 {
            // Nothing is in flight here, so what is still open has lost its answer (storing it failed).
            let persona = self.persona.clone();
            self.db.write(move |c| outbox::recover(c, &persona, now)).await?;
            round.next_at = Some(now + outbox::RECONCILE_AFTER[0]);
        }
        self.carry_out_due(&mut round, ends).await?;
        for id in due.reconcile {
            round.moved.extend(self.look(&id).await?);
        }
        for id in due.check {
            round.moved.extend(self.look_in_public(&id).await?);
        }
        for id in due.send {
            if *ends.borrow() {
                break;
            }
            match self.send(&id).await? {
                Some(item) => round.moved.push(item),
                None => {
                    // A pause or a dry run stands in the way of all: asking for each would only keep the writer busy. An item that was
                    // undone just now is a change, which begins the next round.
                    round.next_at = Some(round.next_at.map_or(now + BLOCKED, |at| at.min(now + BLOCKED)));
                    break;
                }
            }
        }
        Ok(round)
    }

    /// What people wish about messages that were sent goes first: it takes back or corrects.
    async fn carry_out_due(&self, round: &mut Round, ends: &watch::Receiver<bool>) -> Result<()> {
        let (persona, now) = (self.persona.clone(), self.clock.now());
        let (wishes, next_at) = self.db.read(move |c| amendments::due(c, &persona, now)).await?;
        round.next_at = [round.next_at, next_at].into_iter().flatten().min();
        for id in wishes {
            if *ends.borrow() {
                break;
            }
            let Some(done) = self.carry_out(&id).await? else {
                round.next_at = Some(round.next_at.map_or(now + BLOCKED, |at| at.min(now + BLOCKED)));
                break;
            };
            round.amended.push(done);
        }
        Ok(())
    }

    /// Send one item. `None` when nothing may be sent now: a pause, a dry run.
    async fn send(&self, id: &str) -> Result<Option<Item>> {
        crash::point("before-intent");
        let (persona, account, mode, now) = (self.persona.clone(), self.account.clone(), self.mode, self.clock.now());
        let target = id.to_owned();
        let screener = self.screener.clone();
        let intent = self
            .db
            .write(move |c: &mut dyn Conn| {
                // What was approved under other rules is looked at with those of now.
                let item = item::load(c, &persona, &target)?;
                if let Some(found) = screener.found_since(c, &item, now)? {
                    return outbox::withdraw_for_rules(c, &persona, &target, &found, now);
                }
                if let Some(until) = screener.quiet_until(c, &item, now)? {
                    return outbox::defer(c, &item, until, now);
                }
                outbox::commit_intent(c, &persona, &target, &account, mode, now)
            })
            .await?;
        let (item, attempt) = match intent {
            Intent::Go(item, attempt) => (item, attempt),
            Intent::Withdrawn(_) => return self.load(id).await.map(Some),
            Intent::Paused(_) | Intent::NotDue | Intent::DryRun => return Ok(None),
        };
        crash::point("after-intent");
        let (answer, aftermath) = match outside::preflight(&self.reddit.reconciling(), &item, &attempt, &self.account).await {
            Some(answer) => (answer, Aftermath::default()),
            None => {
                // A pause that came while we were reading still stops the request.
                let (persona, account, now) = (self.persona.clone(), self.account.clone(), self.clock.now());
                match self.db.read(move |c| super::pauses::in_force(c, &persona, &account, now)).await? {
                    Some(pause) => (Answer::NotSent { reason: format!("paused: {}", pause.reason), wait: BLOCKED }, Aftermath::default()),
                    None => outside::request(&self.reddit, &item).await,
                }
            }
        };
        crash::point("after-request");
        let item = self.settle(&attempt, answer, aftermath).await?;
        crash::point("after-result");
        Ok(Some(item))
    }

    /// Store an answer. It is tried several times, because what it says is known nowhere else.
    async fn settle(&self, attempt: &Attempt, answer: Answer, aftermath: Aftermath) -> Result<Item> {
        let mut tries = 0;
        loop {
            let (persona, attempt, answer, now) = (self.persona.clone(), attempt.clone(), answer.clone(), self.clock.now());
            crash::point("before-result");
            let store = move |c: &mut dyn Conn| {
                let item = outbox::settle(c, &persona, &attempt, &answer, now)?;
                outbox::follow(c, &item, &attempt.account, aftermath, item.state_reason.as_deref().unwrap_or("refused"), now)?;
                Ok(item)
            };
            match self.db.write(store).await {
                Err(super::Error::Store(error)) if tries < STORE_TRIES => {
                    tries += 1;
                    tracing::warn!(%error, tries, "an answer could not be stored yet");
                    sleep(Duration::from_millis(200 << tries)).await;
                }
                other => return other,
            }
        }
    }

    async fn look(&self, id: &str) -> Result<Option<Item>> {
        let (persona, target) = (self.persona.clone(), id.to_owned());
        let lost = self
            .db
            .read(move |c: &mut dyn Conn| -> Result<_> {
                Ok((item::load(c, &persona, &target)?, outbox::lost_attempt(c, &persona, &target)?))
            })
            .await?;
        let (item, Some(attempt)) = lost else { return Ok(None) };
        let finding = outside::find(&self.reddit.reconciling(), &item, &attempt, &self.account).await;
        let (persona, now) = (self.persona.clone(), self.clock.now());
        self.db.write(move |c| outbox::reconcile(c, &persona, &attempt, &finding, now)).await.map(Some)
    }

    async fn look_in_public(&self, id: &str) -> Result<Option<Item>> {
        let item = self.load(id).await?;
        let Some(fullname) = item.fullname.clone() else { return Ok(None) };
        let seen = outside::visibility(&self.reddit.public(), &fullname).await;
        let (persona, id, now) = (self.persona.clone(), id.to_owned(), self.clock.now());
        let limit = self.overturn_limit;
        let look = move |c: &mut dyn Conn| {
            let item = outbox::record_visibility(c, &persona, &id, seen, now)?;
            if item.state == State::Filtered {
                quality::overturn::look(c, &persona, limit, now)?;
            }
            Ok(item)
        };
        self.db.write(look).await.map(Some)
    }

    /// Let deadlines of the queue pass.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn sweep(&self) -> Result<queue::Swept> {
        let now = self.clock.now();
        self.db.write(move |c| queue::sweep(c, now)).await
    }

    async fn load(&self, id: &str) -> Result<Item> {
        let (persona, id) = (self.persona.clone(), id.to_owned());
        self.db.read(move |c| item::load(c, &persona, &id)).await
    }
}

fn millis(wait: Millis) -> Duration {
    Duration::from_millis(u64::try_from(wait).unwrap_or(0))
}
