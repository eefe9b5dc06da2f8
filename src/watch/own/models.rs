//! The models: what share of the last attempts failed, and why.

use super::{Part, remedy};
use crate::base::{Millis, SafeText};
use crate::store::{Conn, Result};
use crate::vals;
use crate::watch::health::Status;
use serde_json::json;

/// How far back attempts count.
const BACK: Millis = 10 * 60_000;
/// With fewer attempts no share is told: the last one counts.
const FEW: i64 = 5;
/// Percent of failed attempts from which it is degraded, and unhealthy: the advisor's P1 and P0.
const DEGRADED: i64 = 5;
const UNHEALTHY: i64 = 10;

pub(super) fn part(c: &mut dyn Conn, now: Millis) -> Result<Part> {
    let row = c.first(
        "SELECT CAST(count(*) AS BIGINT) AS calls, CAST(sum(CASE WHEN outcome = 'ok' THEN 0 ELSE 1 END) AS BIGINT) AS failed,
           max(CASE WHEN outcome = 'ok' THEN started_at END) AS good_at
         FROM llm_calls WHERE started_at > $1 AND started_at <= $2 AND outcome <> 'started' AND source_file IS NULL",
        vals![now - BACK, now],
    )?;
    let (calls, failed, good_at) = match row {
        Some(row) => (row.int("calls")?, row.int_opt("failed")?.unwrap_or(0), row.int_opt("good_at")?),
        None => (0, 0, None),
    };
    let cause = c.first(
        "SELECT model_asked, error_type, http_status, error_message, started_at FROM llm_calls
         WHERE started_at > $1 AND started_at <= $2 AND outcome NOT IN ('ok', 'started') AND source_file IS NULL
         ORDER BY started_at DESC, id DESC LIMIT 1",
        vals![now - BACK, now],
    )?;
    let percent = if calls > 0 { failed * 100 / calls } else { 0 };
    let (mut why, mut status_code, mut bad_at) = (String::new(), None, None);
    if let Some(row) = cause {
        status_code = row.int_opt("http_status")?;
        bad_at = row.int_opt("started_at")?;
        let kind = row.text_opt("error_type")?.or(row.text_opt("error_message")?).unwrap_or_else(|| "an answer that breaks off".to_owned());
        let status = status_code.map(|status| format!(" (HTTP {status})")).unwrap_or_default();
        why = SafeText::clipped(&format!("{}: {kind}{status}", row.text("model_asked")?), 160).to_string();
    }
    let detail = json!({ "attempts": calls, "failed": failed, "percent": percent, "last_cause": why });
    let last_failed = bad_at.is_some_and(|bad| good_at.is_none_or(|good| bad >= good));
    let status = match () {
        () if calls == 0 => Status::Unknown,
        () if calls < FEW => {
            if last_failed {
                Status::Degraded
            } else {
                Status::Healthy
            }
        }
        () if failed * 100 > UNHEALTHY * calls => Status::Unhealthy,
        () if failed * 100 > DEGRADED * calls => Status::Degraded,
        () => Status::Healthy,
    };
    if status == Status::Unknown {
        let first = remedy("Nothing asked a model; the next cycle of a loop will tell.", Some("quarterdeck models check"), None);
        return Ok(Part::hurt("models", status, "no call in the last 10 minutes", detail, first));
    }
    let said = format!("{failed} of {calls} attempts failed in the last 10 minutes");
    if status == Status::Healthy {
        return Ok(Part::healthy("models", said, detail));
    }
    let text = match status_code {
        Some(401 | 403) => "The key is refused: see whether it still holds, and rotate it.",
        Some(402) => "The account has no credit: fill it up.",
        Some(408 | 500..=599) => {
            "The service fails inside: see its status page; calls are tried again and go to the fallback models by themselves."
        }
        Some(429) => "The service limits our rate: fewer loops at once, or another model.",
        Some(404) => "The model is not there any more: choose another one in the settings.",
        _ => "See what the last calls came to, and whether the service is reached at all.",
    };
    Ok(Part::hurt("models", status, format!("{said}; last {why}"), detail, remedy(text, Some("quarterdeck models check"), None)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Error;
    use crate::store::testing::database;

    #[test]
    fn the_share_of_failed_attempts_shows_with_its_cause() {
        let (db, _guard) = database();
        let seen = db
            .write_blocking(|c| {
                let now = 1_000_000;
                let mut seen = vec![part(c, now)?];
                for number in 0..20_i64 {
                    let bad = number >= 17;
                    c.exec(
                        "INSERT INTO llm_calls (id, request_id, attempt, module, correlation_id, model_asked, streamed, started_at, outcome,
                           http_status, error_type) VALUES ($1, $1, 1, 'draft', 'c', 'x/y', 0, $2, $3, $4, $5)",
                        vals![
                            format!("c{number}"),
                            now - 1_000 + number,
                            if bad { "error" } else { "ok" },
                            bad.then_some(503_i64),
                            bad.then_some("unavailable")
                        ],
                    )?;
                    seen.push(part(c, now)?);
                }
                Ok::<_, Error>(seen)
            })
            .unwrap();
        assert_eq!((seen[0].status, seen[17].status), (Status::Unknown, Status::Healthy));
        assert_eq!((seen[18].status, seen[20].status), (Status::Degraded, Status::Unhealthy));
        assert!(seen[20].reason.contains("3 of 20") && seen[20].reason.contains("HTTP 503"), "{}", seen[20].reason);
        assert!(seen[20].remedy.as_ref().unwrap().text.contains("status page"));
        assert!(
            seen.iter().filter_map(|part| part.remedy.as_ref()?.command.as_deref()).all(|command| command == "quarterdeck models check")
        );
    }
}
