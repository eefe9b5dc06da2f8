//! `quarterdeck heartbeat list` and `show`.

use super::super::output::{Table, age};
use super::super::{Context, Failure, Outcome};
use super::definitions;
use crate::base::{Millis, clock};
use crate::deck::Deck;
use crate::watch::heartbeat::rows::{self, Run};
use crate::watch::heartbeat::{self, Known, View, defined, ping, schedule};
use crate::watch::probe::maintenance;
use crate::watch::probe::model::{Definitions, Heartbeat, Schedule};
use serde_json::{Value, json};

/// Runs that are shown.
const RUNS: i64 = 20;

fn value(heartbeat: &Heartbeat, view: &View, known: &Known, definitions: &Definitions, now: Millis) -> Value {
    let open = maintenance::open(&definitions.maintenance, now);
    json!({
        "name": heartbeat.name,
        "system": heartbeat.system,
        "schedule": schedule::shown(&heartbeat.schedule),
        "grace_ms": u64::try_from(heartbeat.grace.as_millis()).unwrap_or(u64::MAX),
        "max_duration_ms": heartbeat.max_duration.map(|length| u64::try_from(length.as_millis()).unwrap_or(u64::MAX)),
        "status": view.state.status(),
        "view": view,
        "next": view.next.iter().map(|at| clock::rfc3339(*at)).collect::<Vec<_>>(),
        "paused": known.pause(&heartbeat.name),
        "maintenance_until": maintenance::holds(&open, &heartbeat.name, &heartbeat.system).map(clock::rfc3339),
    })
}

fn read(context: &Context) -> Result<(Deck, Definitions, Known), Failure> {
    let settings = context.settings()?;
    let definitions = definitions(&settings)?;
    let (deck, now) = (Deck::open_existing(settings, context.clock.clone())?, context.clock.now());
    let heartbeats = definitions.heartbeats.clone();
    let is_new = deck.db.read_blocking({
        let heartbeats = heartbeats.clone();
        move |c| ping::unseen(c, &heartbeats).map(|unseen| !unseen.is_empty())
    })?;
    // What nobody probed yet is expected from the first look on, and not from each look anew.
    if is_new && let Err(error) = deck.db.write_blocking(move |c| heartbeat::adopt(c, &heartbeats, now)) {
        context.out.note(format!("since when the new ones are expected could not be written down: {error}"));
    }
    let known = deck.db.read_blocking(move |c| Known::read(c, now))?;
    Ok((deck, definitions, known))
}

/// List all of them.
pub(super) fn list(context: &Context) -> Result<Outcome, Failure> {
    let (_, definitions, known) = read(context)?;
    let now = context.clock.now();
    let views: Vec<(&Heartbeat, View)> =
        definitions.heartbeats.iter().map(|heartbeat| (heartbeat, known.view(heartbeat, &definitions.maintenance, now))).collect();
    let values: Vec<Value> = views.iter().map(|(heartbeat, view)| value(heartbeat, view, &known, &definitions, now)).collect();
    context.out.either(&json!({ "heartbeats": values }), || {
        let mut table = Table::new(&["name", "system", "state", "since", "schedule", "next", "why"]);
        for (heartbeat, view) in &views {
            let since = view.since.map(|since| age(since, now)).unwrap_or_default();
            let next = view.next.first().map(|at| in_zone(heartbeat, *at)).unwrap_or_default();
            table.row([
                heartbeat.name.clone(),
                heartbeat.system.clone(),
                view.state.as_str().to_owned(),
                since,
                schedule::shown(&heartbeat.schedule),
                next,
                view.reason.clone(),
            ]);
        }
        context.out.table(&table, "there are no heartbeats: add [[heartbeat]] to probes.toml")
    })?;
    Ok(Outcome::Done)
}

/// Show one.
pub(super) fn one(context: &Context, name: &str) -> Result<Outcome, Failure> {
    let (deck, definitions, known) = read(context)?;
    let heartbeat = defined::find(&definitions, name)?;
    let now = context.clock.now();
    let view = known.view(&heartbeat, &definitions.maintenance, now);
    let wanted = heartbeat.name.clone();
    let runs = deck.db.read_blocking(move |c| rows::runs(c, &wanted, RUNS))?;
    let value = json!({ "heartbeat": value(&heartbeat, &view, &known, &definitions, now), "runs": runs });
    context.out.either(&value, || {
        let since = view.since.map(|since| format!(", since {}", clock::local(since))).unwrap_or_default();
        let longest = heartbeat.max_duration.map(|length| format!(", a run takes at most {}", length_of(length))).unwrap_or_default();
        context.out.pairs(&[
            ("state", format!("{}{since}", view.state.as_str())),
            ("why", view.reason.clone()),
            ("schedule", format!("{}, grace {}{longest}", schedule::shown(&heartbeat.schedule), length_of(heartbeat.grace))),
            ("next", view.next.iter().map(|at| in_zone(&heartbeat, *at)).collect::<Vec<_>>().join("; ")),
            ("under way", view.running.len().to_string()),
        ])?;
        context.out.table(&table(&runs, now), "no run has reported yet")
    })?;
    Ok(Outcome::Done)
}

fn table(runs: &[Run], now: Millis) -> Table {
    let mut table = Table::new(&["ended", "run", "outcome", "took", "exit", "message"]).right(4);
    for run in runs {
        let at = run.ended_at.or(run.started_at).map(|at| age(at, now)).unwrap_or_default();
        let took = match (run.started_at, run.ended_at) {
            (Some(from), Some(to)) => clock::duration(to - from),
            (Some(from), None) => format!("{} so far", clock::duration(now - from)),
            _ => String::new(),
        };
        let exit = run.exit_status.map(|status| status.to_string()).unwrap_or_default();
        let message = run.message.clone().unwrap_or_default();
        table.row([at, run.run.clone().unwrap_or_default(), run.outcome.as_str().to_owned(), took, exit, message]);
    }
    table
}

fn length_of(length: std::time::Duration) -> String {
    clock::duration(i64::try_from(length.as_millis()).unwrap_or(i64::MAX))
}

/// A time in the zone of the schedule, which is the one that was meant.
fn in_zone(heartbeat: &Heartbeat, at: Millis) -> String {
    match &heartbeat.schedule {
        Schedule::Cron { zone, .. } => chrono::DateTime::from_timestamp_millis(at)
            .map_or_else(|| at.to_string(), |time| time.with_timezone(zone).format("%a %Y-%m-%d %H:%M %Z").to_string()),
        Schedule::Every(_) => clock::local(at),
    }
}
