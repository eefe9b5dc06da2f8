//! Pulling the next item: whoever asks gets one that nobody else has.

use super::error::Result;
use super::item::Item;
use super::listing::{Filter, Holder, page};
use super::queue::{On, Settings, claim};
use super::state::State;
use crate::base::Millis;
use crate::store::Conn;
use crate::store::audit::Actor;

/// Claim the first item of `filter` that nobody else has, that was not passed on to anybody else, and that has not expired. `None` when
/// there is none. Inside one write transaction no two callers get the same item.
///
/// # Errors
/// The refusals of a claim.
pub fn next(c: &mut dyn Conn, filter: &Filter, actor: &Actor, at: Millis, settings: &Settings) -> Result<Option<Item>> {
    let mut filter = filter.clone();
    if filter.states.is_empty() {
        // What is held was set aside on purpose.
        filter.states = vec![State::Pending, State::Claimed];
    }
    filter.states.retain(|state| state.is_open());
    if filter.states.is_empty() {
        return Ok(None);
    }
    filter.holder.get_or_insert_with(|| Holder::NobodyElse { name: actor.name.clone(), at });
    filter.expires_since = Some(filter.expires_since.map_or(at + 1, |since| since.max(at + 1)));
    loop {
        let found = page(c, &filter, 1)?;
        if let Some(line) = found.lines.first() {
            let on = On { persona: &line.persona_id, id: &line.id, version: Some(line.version), actor, at };
            return claim(c, &on, settings).map(Some);
        }
        // A search that stopped early goes on where it stopped.
        match found.next {
            Some(place) => filter.after = Some(place),
            None => return Ok(None),
        }
    }
}
