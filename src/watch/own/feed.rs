//! The change feed: how far behind those are who follow it.

use super::super::services::refused;
use super::{Part, remedy};
use crate::base::{Millis, clock};
use crate::search::documents::ingest;
use crate::store::{Conn, Result};
use crate::watch::health::Status;
use serde_json::{Value, json};

/// A change that waits longer to be taken in shows.
const BEHIND: Millis = 5 * 60_000;

pub(super) fn part(c: &mut dyn Conn, now: Millis) -> Result<Part> {
    let first = || {
        remedy(
            "Let search catch up: a running agent does so by itself, every search before it answers.",
            Some("quarterdeck doctor --fix --only index"),
            // Nothing at hand does that: to verify the index takes nothing in.
            None,
        )
    };
    if ingest::behind(c).map_err(|error| refused(&error))?.is_none() {
        let reason = "nobody has followed the change feed yet: it begins with an agent or the first search";
        return Ok(Part::hurt("feed", Status::Unknown, reason, Value::Null, first()));
    }
    let oldest = ingest::waits_since(c).map_err(|error| refused(&error))?;
    let lag = oldest.map_or(0, |at| (now - at).max(0));
    let detail = json!({ "lag_ms": lag });
    Ok(if lag > BEHIND {
        let reason = format!("a change waits for {} to be taken in", clock::duration(lag));
        Part::hurt("feed", Status::Degraded, reason, detail, first())
    } else {
        Part::healthy(
            "feed",
            if lag == 0 { "every change is taken in".to_owned() } else { format!("{} behind", clock::duration(lag)) },
            detail,
        )
    })
}
