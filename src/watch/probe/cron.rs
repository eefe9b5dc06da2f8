//! Times of a cron expression in a zone, also over the hours that a zone repeats or leaves out.

use crate::base::Millis;
use chrono::{DateTime, TimeZone as _};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

/// Read an expression of five fields (0 and 7 are Sunday), or a word such as `@daily`.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn parse(expression: &str) -> Result<Cron, String> {
    let fields = expression.split_whitespace().count();
    if expression.len() > 200 || !expression.is_ascii() {
        return Err(format!("{:?} is not a cron expression", expression.chars().take(40).collect::<String>()));
    }
    if fields != 5 && !expression.trim().starts_with('@') {
        let hint = if fields == 6 { "; leave the seconds out" } else { "" };
        return Err(format!("{expression:?} has {fields} fields; a cron expression has five: minute hour day month weekday{hint}"));
    }
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    parser.parse(expression).map_err(|error| format!("{expression:?} is not a cron expression: {error}"))
}

/// Read an expression that comes at all.
///
/// # Errors
/// As [`parse`], and when there is no such day.
pub fn parse_coming(expression: &str) -> Result<Cron, String> {
    let cron = parse(expression)?;
    // 1 January 2024: four years have every date that there is.
    match next(&cron, Tz::UTC, 1_704_067_200_000) {
        Some(_) => Ok(cron),
        None => Err(format!("{expression:?} never comes: there is no such day")),
    }
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
