//! What is kept, for how long, and taking away what is past its time.
//!
//! | file | what it is for |
//! |---|---|
//! | [`rules`](rules()) | how long what is kept, as data |
//! | [`kind`] | what may be taken away at all, and what protects it |
//! | [`holds`] | legal holds |
//! | `naming` | where a Reddit user may be named |
//! | [`archive`] | the files that rows are written to before they go |
//! | `pieces` | where the pieces of a file stand that was written anew |
//! | `rows` | the SQL |
//! | [`run`](run()) | a run: batches that block nobody |
//!
//! The audit log is never taken from, nor are the sums of the ledger, budgets, beliefs and personas. Nothing here decides who may ask.

pub mod archive;
mod error;
pub mod holds;
pub mod kind;
mod naming;
pub(crate) mod pieces;
mod rows;
mod rules;
mod run;

pub use error::{Error, Result};
pub use rows::Count;
pub use rules::{Days, FILE_NAME, Preset, Rule, presets};
pub use run::{Asked, Ran, RanRule, run};

use crate::store::Database;
use crate::store::outside::aside;
use crate::upkeep::Site;

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// The rules in force: those that ship, as the user's file beside the configuration changes them.
///
/// # Errors
/// [`Error::Rules`] with the place of what is wrong in it.
pub fn rules(site: &Site) -> Result<Vec<Rule>> {
    let path = site.settings.config_dir.join(FILE_NAME);
    let place = path.display().to_string();
    match std::fs::read_to_string(&path) {
        Ok(text) => rules::rules(Some((&place, &text))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => rules::rules(None),
        Err(error) => Err(Error::Rules { place, reason: format!("it cannot be read: {error}") }),
    }
}

/// What each rule would take away now.
///
/// # Errors
/// [`Error::Rules`], and the database's refusals.
pub fn counts(site: &Site) -> Result<Vec<(Rule, Count)>> {
    let rules = rules(site)?;
    let now = site.clock.now();
    aside(|| {
        let db = site.existing_database()?;
        counted(&db, rules, now)
    })
}

fn counted(db: &Database, rules: Vec<Rule>, now: i64) -> Result<Vec<(Rule, Count)>> {
    let mut found = Vec::new();
    for rule in rules {
        // A transaction for each: the sum of all would hold the log for as long as the whole takes.
        let (rule, count) = db.read_blocking(move |c| {
            let kind = rule.of().ok_or_else(|| Error::NoRule { id: rule.id.clone(), known: String::new() })?;
            let count = rows::count(c, kind, &rule, cutoff(&rule, now))?;
            Ok::<_, Error>((rule, count))
        })?;
        found.push((rule, count));
    }
    Ok(found)
}

/// How many rows a hold reaches now, by kind; kinds of which it reaches none are left out.
///
/// # Errors
/// The database's refusals.
pub fn reached(db: &Database, hold: &holds::Hold) -> Result<Vec<holds::Reached>> {
    let mut found = Vec::new();
    for kind in kind::KINDS {
        let id = hold.id.clone();
        found.push(db.read_blocking(move |c| holds::reached(c, kind, &id))?);
    }
    found.retain(|reached| reached.rows > 0);
    Ok(found)
}

/// The moment before which rows of a rule are past their time.
fn cutoff(rule: &Rule, now: i64) -> Option<i64> {
    rule.days.map(|days| now - i64::from(days) * DAY)
}

/// Where tests end the process without a warning: `QUARTERDECK_TEST_CRASH` says the place, only in builds for tests.
pub(crate) fn crash(place: &str) {
    if cfg!(debug_assertions) && std::env::var("QUARTERDECK_TEST_CRASH").is_ok_and(|at| at == place) {
        std::process::abort();
    }
}
