//! Times of a cron expression in a zone, also over the hours that a zone repeats or leaves out.

use crate::base::Millis;
use chrono::{DateTime, TimeZone as _};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

/// Read an expression of five fields, or a word such as `@daily`.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn parse(expression: &str) -> Result<Cron, String> {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    parser
        .parse(expression)
        .map_err(|error| format!("{expression:?} is not a cron expression of five fields (minute hour day month weekday): {error}"))
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

/// The first time after `from`.
#[must_use]
pub fn next(cron: &Cron, zone: Tz, from: Millis) -> Option<Millis> {
    cron.find_next_occurrence(&at(zone, from)?, false).ok().map(|time| time.timestamp_millis())
}

/// The last time up to `until`, itself included.
#[must_use]
pub fn last(cron: &Cron, zone: Tz, until: Millis) -> Option<Millis> {
    cron.find_previous_occurrence(&at(zone, until)?, true).ok().map(|time| time.timestamp_millis())
}
