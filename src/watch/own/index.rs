//! Search: what it has taken in, its vectors, and its last comparison with an exact search.

use super::super::services::refused;
use super::{Facts, Part, remedy};
use crate::base::{Millis, clock};
use crate::search::documents::ingest;
use crate::search::vectors;
use crate::store::{Conn, Result};
use crate::upkeep::runs::{self, Kind, Outcome};
use crate::watch::board::Maintenance;
use crate::watch::health::Status;
use serde_json::json;

/// Changes up to which search counts as up to date: a running agent takes them in, and every search does before it answers.
const BEHIND: i64 = 1_000;
/// A comparison older than this is overdue: the monthly round makes one.
const OVERDUE: Millis = 35 * 86_400_000;
/// Share of the ten nearest by exact search that the index must find.
const ENOUGH: f64 = 0.98;

pub(super) fn part(c: &mut dyn Conn, facts: &Facts) -> Result<Part> {
    let behind = ingest::behind(c).map_err(|error| refused(&error))?;
    let stored: u64 = vectors::models(c).map_err(|error| refused(&error))?.iter().map(|model| model.vectors as u64).sum();
    let dir = facts.data_dir.as_ref().map(|dir| dir.join(vectors::DIRECTORY));
    let is_saved = dir.as_ref().map(|dir| std::fs::read_dir(dir).is_ok_and(|mut files| files.next().is_some()));
    let detail = json!({ "changes_behind": behind, "stored_vectors": stored, "has_file": is_saved });
    // Fewer are read in no time, and no file is written for them.
    let lost = stored >= vectors::WORTH as u64 && is_saved == Some(false);
    Ok(of(behind, lost, detail))
}

fn of(behind: Option<i64>, lost: bool, detail: serde_json::Value) -> Part {
    let first = |text: &str| remedy(text, Some("quarterdeck doctor --fix --only index"), Some(Maintenance::VerifyIndex));
    match behind {
        None => Part::hurt(
            "index",
            Status::Unknown,
            "search has not begun to follow: it begins with an agent or the first search",
            detail,
            first("Let it catch up: a running agent does so by itself, every search before it answers."),
        ),
        Some(changes) if changes > BEHIND => Part::hurt(
            "index",
            Status::Degraded,
            format!("search is {changes} changes behind: nobody takes them in"),
            detail,
            first("Let it catch up: a running agent does so by itself, every search before it answers."),
        ),
        Some(_) if lost => {
            let first =
                remedy("It is made anew from the stored vectors.", Some("quarterdeck index rebuild"), Some(Maintenance::RebuildIndex));
            Part::hurt(
                "index",
                Status::Degraded,
                "there are stored vectors, and no index file: the first question waits for it",
                detail,
                first,
            )
        }
        Some(0) => Part::healthy("index", "search has taken in every change", detail),
        Some(changes) => Part::healthy("index", format!("search is {changes} changes behind"), detail),
    }
}

/// What the last `index verify` found.
pub(super) fn recall(c: &mut dyn Conn, now: Millis) -> Result<Part> {
    let first = |text: &str| remedy(text, Some("quarterdeck index verify"), Some(Maintenance::VerifyIndex));
    let rebuild =
        || remedy("Make the index anew from the stored vectors.", Some("quarterdeck index rebuild"), Some(Maintenance::RebuildIndex));
    let Some(run) = runs::last(c, Kind::IndexVerify)? else {
        return Ok(Part::hurt(
            "recall",
            Status::Unknown,
            "the index was never compared with an exact search",
            json!({}),
            first("Compare it; it takes seconds."),
        ));
    };
    let recall = run.detail.get("recall").and_then(serde_json::Value::as_f64);
    let age = clock::duration(now - run.ended_at);
    let detail = json!({ "recall": recall, "verified_at": run.ended_at });
    let words = recall.map_or_else(|| "no vectors".to_owned(), |recall| format!("{:.1} % of the ten nearest", recall * 100.0));
    Ok(match run.outcome {
        Outcome::Problems => {
            Part::hurt("recall", Status::Degraded, format!("the last comparison found problems: {}", run.summary), detail, rebuild())
        }
        Outcome::Failed => Part::hurt(
            "recall",
            Status::Unknown,
            format!("the last comparison did not end: {}", run.summary),
            detail,
            first("Compare it again."),
        ),
        Outcome::Passed if recall.is_some_and(|recall| recall < ENOUGH) => {
            Part::hurt("recall", Status::Degraded, format!("it finds {words}, {age} ago"), detail, rebuild())
        }
        Outcome::Passed if now - run.ended_at > OVERDUE => Part::hurt(
            "recall",
            Status::Degraded,
            format!("the last comparison is {age} old"),
            detail,
            first("Compare it; it takes seconds."),
        ),
        Outcome::Passed => Part::healthy("recall", format!("it finds {words}, {age} ago"), detail),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_is_told_and_not_begun_is_unknown() {
        let status = |behind, lost| of(behind, lost, json!({})).status;
        assert_eq!(
            (status(None, false), status(Some(0), false), status(Some(BEHIND + 1), false)),
            (Status::Unknown, Status::Healthy, Status::Degraded)
        );
        assert_eq!(status(Some(0), true), Status::Degraded);
        let first = of(None, false, json!({})).remedy.and_then(|first| first.command);
        assert_eq!(first.as_deref(), Some("quarterdeck doctor --fix --only index"), "what is typed lets it catch up");
    }
}
