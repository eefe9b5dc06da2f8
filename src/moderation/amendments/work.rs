//! The deliverer's part of an amendment: look, request, look. It reads before it asks, so that a lost answer is found and not repeated.

use super::{Amendment, Begin, Carried, Kind, begin, settle};
use crate::base::{Millis, SafeText};
use crate::moderation::deliver::Deliverer;
use crate::moderation::error::{Error, Result};
use crate::moderation::item::Item;
use crate::moderation::outbox::Visibility;
use crate::moderation::outside::{self, Sight};
use crate::moderation::state::State;
use crate::moderation::{crash, pauses, quality};
use crate::reddit::names::same_text;
use crate::reddit::{self, RefusalClass, WriteOutcome};
use crate::store::Conn;
use std::time::Duration;

/// How long to wait when a pause came in between.
const HELD: Millis = 30_000;
/// How long to wait at least before a look is repeated.
const LOOK_AGAIN: Millis = 5_000;
/// How often storing what came of it is tried; after that it is done again, which does no harm.
const STORE_TRIES: u32 = 5;

impl Deliverer {
    /// Carry out one wish. `None` when a pause or a dry run stands in the way of all.
    pub(in crate::moderation) async fn carry_out(&self, id: &str) -> Result<Option<(Item, Amendment)>> {
        crash::point("before-amendment-intent");
        let (persona, account, mode, now) = (self.persona.clone(), self.account.clone(), self.mode, self.clock.now());
        let target = id.to_owned();
        let (item, wish) = match self.db.write(move |c| begin(c, &persona, &target, &account, mode, now)).await? {
            Begin::Go(item, wish) => (item, wish),
            Begin::Ended(item, wish) => return Ok(Some((*item, *wish))),
            Begin::Held | Begin::NotDue => return Ok(None),
        };
        crash::point("after-amendment-intent");
        let carried = match self.carry(&item, &wish).await {
            Ok(carried) => carried,
            Err(error) => {
                Carried::NotYet { wait: error.wait().map_or(LOOK_AGAIN, millis), reason: format!("looking at it failed: {error}") }
            }
        };
        crash::point("before-amendment-result");
        let done = self.keep(&wish, carried).await?;
        crash::point("after-amendment-result");
        Ok(Some(done))
    }

    async fn keep(&self, wish: &Amendment, carried: Carried) -> Result<(Item, Amendment)> {
        let mut tries = 0;
        loop {
            let (persona, id, carried, now) = (self.persona.clone(), wish.id.clone(), carried.clone(), self.clock.now());
            let limit = self.overturn_limit;
            let store = move |c: &mut dyn Conn| {
                let (item, wish) = settle(c, &persona, &id, &carried, now)?;
                // Somebody took back what was approved: that approval was overturned.
                if item.state == State::Retracted {
                    quality::overturn::look(c, &persona, limit, now)?;
                }
                Ok((item, wish))
            };
            match self.db.write(store).await {
                Err(Error::Store(error)) if tries < STORE_TRIES => {
                    tries += 1;
                    tracing::warn!(%error, tries, "what came of an amendment could not be stored yet");
                    tokio::time::sleep(Duration::from_millis(200 << tries)).await;
                }
                other => return other,
            }
        }
    }

    async fn carry(&self, item: &Item, wish: &Amendment) -> reddit::Result<Carried> {
        let Some(fullname) = item.fullname.as_deref() else {
            return Ok(Carried::Refused { reason: "it is not known under which name it was published".to_owned() });
        };
        let own = self.reddit.reconciling();
        let me = own.me().await?;
        if me.is_suspended {
            return Ok(Carried::AccountPaused { reason: format!("the account u/{} is suspended", self.account), pause: None });
        }
        if !me.name.eq_ignore_ascii_case(&self.account) {
            return Ok(Carried::Refused { reason: format!("logged in as u/{}, not as u/{}", SafeText::line(&me.name), self.account) });
        }
        let mut seen = outside::sight(&own, fullname).await?;
        // Deleting answers the same for what is not ours, and changes nothing.
        if let Sight { author: Some(author), .. } = &seen
            && !author.eq_ignore_ascii_case(&self.account)
        {
            return Ok(Carried::Refused { reason: format!("it belongs to u/{}, not to u/{}", SafeText::line(author), self.account) });
        }
        let is_so = |seen: &Sight| match wish.kind {
            // An account sees its name on what it wrote, removed or not, until it is deleted.
            Kind::Retract => seen.author.is_none(),
            Kind::Amend => seen.text.as_deref().is_some_and(|text| same_text(text, wish.text.as_deref().unwrap_or_default())),
        };
        if wish.kind == Kind::Amend && seen.author.is_none() {
            // An answer that does not name it may be incomplete; one that says that it was deleted is not.
            return Ok(if seen.is_known { Carried::Gone } else { Carried::NotYet { reason: seen.words, wait: LOOK_AGAIN } });
        }
        if !(is_so(&seen) && seen.is_known) {
            let (persona, account, now) = (self.persona.clone(), self.account.clone(), self.clock.now());
            if let Ok(Some(_)) | Err(_) = self.db.read(move |c| pauses::in_force(c, &persona, &account, now)).await {
                return Ok(Carried::Held { wait: HELD });
            }
            let outcome = match wish.kind {
                Kind::Retract => self.reddit.delete(fullname).await,
                Kind::Amend => self.reddit.edit(fullname, wish.text.as_deref().unwrap_or_default()).await,
            };
            crash::point("after-amendment-request");
            if let Some(carried) = unfinished(outcome) {
                return Ok(carried);
            }
            seen = outside::sight(&own, fullname).await?;
        }
        if !is_so(&seen) {
            return Ok(Carried::NotYet { reason: "the account itself does not see it changed yet".to_owned(), wait: LOOK_AGAIN });
        }
        let public = outside::sight(&self.reddit.public(), fullname).await?;
        Ok(match (wish.kind, public.visibility) {
            (Kind::Retract, Visibility::Visible) => NotYet("everybody can still read it").into(),
            (Kind::Retract, _) => Carried::Done { words: "nobody can read it any more".to_owned(), is_filtered: false },
            (Kind::Amend, Visibility::Visible) if is_so(&public) => {
                Carried::Done { words: "everybody can read the new text".to_owned(), is_filtered: false }
            }
            (Kind::Amend, Visibility::Filtered) => Carried::Done { words: format!("changed, but {}", public.words), is_filtered: true },
            (Kind::Amend, Visibility::Visible) => NotYet("others still see the old text").into(),
            (Kind::Amend, Visibility::Gone) => NotYet("others do not see it").into(),
        })
    }
}

struct NotYet(&'static str);

impl From<NotYet> for Carried {
    fn from(NotYet(reason): NotYet) -> Self {
        Self::NotYet { reason: reason.to_owned(), wait: LOOK_AGAIN }
    }
}

/// What a request came to that was not simply done. Both requests may be repeated, so that a lost answer only means another look.
fn unfinished(outcome: WriteOutcome) -> Option<Carried> {
    Some(match outcome {
        WriteOutcome::Confirmed { .. } => return None,
        WriteOutcome::Unknown { reason } => Carried::NotYet { reason, wait: LOOK_AGAIN },
        WriteOutcome::NotSent { reason, not_before } => Carried::NotYet { reason, wait: not_before.map_or(LOOK_AGAIN, millis) },
        WriteOutcome::Refused { code, message, class, pause, .. } => {
            let reason = if message.is_empty() { code } else { message };
            match class {
                RefusalClass::Deferred => Carried::AccountPaused { reason, pause: Some(pause.map_or(60_000, millis)) },
                RefusalClass::AccountPaused => Carried::AccountPaused { reason, pause: None },
                _ => Carried::Refused { reason: format!("Reddit said no: {reason}") },
            }
        }
    })
}

fn millis(wait: Duration) -> Millis {
    Millis::try_from(wait.as_millis()).unwrap_or(Millis::MAX / 4)
}
