//! The next item that nobody else has: claimed, and shown.

use super::Desk;
use super::filters::Filters;
use crate::cli::{Failure, Outcome};
use crate::moderation::listing::Sort;
use crate::moderation::pull;
use serde_json::json;

pub(super) fn run(desk: &Desk<'_>, filters: Filters, sort: Sort) -> Result<Outcome, Failure> {
    let filter = filters.resolve(desk, &[], sort)?;
    let (actor, at, settings) = (desk.context.actor()?, desk.now_for_a_decision()?, desk.deck.moderation());
    let claimed = desk.deck.db.write_blocking(move |c| pull::next(c, &filter, &actor, at, &settings))?;
    let out = &desk.context.out;
    match claimed {
        Some(item) if out.is_json() => out.emit(&json!({ "item": item })).map(|()| Outcome::Done),
        Some(item) => super::show::run(desk, &item.id).map(|()| Outcome::Done),
        None => {
            out.either(&json!({ "item": null }), || out.say("nothing is left that nobody else has"))?;
            Ok(Outcome::Problems)
        }
    }
}
