//! Times of a cron expression in a zone, also over the hours that a zone repeats or leaves out.

use crate::base::Millis;
use crate::watch::heartbeat::schedule;
use chrono::{DateTime, TimeZone as _};
use chrono_tz::Tz;
use croner::Cron;

/// Read an expression of five fields that comes at all.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn parse(expression: &str) -> Result<Cron, String> {
    schedule::parse(expression)
}

/// Read a zone by its name in the zone database.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn zone(name: &str) -> Result<Tz, String> {
    name.parse().map_err(|_| format!("{name:?} is not a zone of the zone database; write Europe/Berlin, America/New_York or UTC"))
}

fn at(zone: Tz, millis: Millis) -> Option<DateTime<Tz>> {
    zone.timestamp_millis_opt(millis).single()
}

/// The last time up to `until`, itself included.
#[must_use]
pub fn last(cron: &Cron, zone: Tz, until: Millis) -> Option<Millis> {
    cron.find_previous_occurrence(&at(zone, until)?, true).ok().map(|time| time.timestamp_millis())
}
