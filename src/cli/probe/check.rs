//! `quarterdeck probe check`. JSON: `{healthy, checks: [{name, system, status, latency_us, error, cause, state, remedy}]}`.

use super::super::output::{Table, Tone};
use super::super::{Context, Failure, Outcome, signals};
use super::{known, sound, tone};
use crate::base::SafeText;
use crate::deck::Deck;
use crate::watch::Status;
use crate::watch::probe::check::Tools;
use crate::watch::probe::state::{self, Verdict};
use crate::watch::probe::{engine, remedy};
use serde_json::json;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Probes that are run at the same time.
const AT_ONCE: usize = 64;

pub(super) fn run(context: &Context, names: &[String]) -> Result<Outcome, Failure> {
    let source = sound(context)?;
    let definitions = source.current().definitions;
    for name in names {
        known(&source, name)?;
        if definitions.probe(name).is_none() {
            return Err(
                Failure::usage(format!("{name} is a heartbeat: it reports by itself")).hint("`quarterdeck heartbeat list` shows it")
            );
        }
    }
    let wanted: Vec<String> =
        definitions.probes.iter().filter(|probe| names.is_empty() || names.contains(&probe.name)).map(|probe| probe.name.clone()).collect();
    let deck = Deck::open(context.settings()?, context.clock.clone())?;
    let tools = Tools::new().map_err(engine::Error::from)?;
    // What is dropped kills the command that it runs.
    let done = signals::unless_stopped(context, async {
        let (mut running, permits) = (JoinSet::new(), Arc::new(Semaphore::new(AT_ONCE)));
        for (place, name) in wanted.into_iter().enumerate() {
            let (db, clock, tools) = (deck.db.clone(), Arc::clone(&deck.clock), tools.clone());
            let (definitions, permits) = (Arc::clone(&definitions), Arc::clone(&permits));
            running.spawn(async move {
                let _permit = permits.acquire().await;
                let done = engine::check_now(&db, clock.as_ref(), &tools, &definitions, &name).await;
                (place, name, done)
            });
        }
        let mut done = Vec::new();
        while let Some(ended) = running.join_next().await {
            done.push(ended.map_err(|error| Failure::failed(format!("a check ended by a defect: {error}")))?);
        }
        done.sort_by_key(|(place, _, _)| *place);
        Ok::<_, Failure>(done)
    })??;
    let (mut table, mut values, mut all_healthy) = (Table::new(&["name", "result", "took", "why", "try first"]).right(2), Vec::new(), true);
    for (_, name, checked) in done {
        let (outcome, change) = checked?;
        let Some(probe) = definitions.probe(&name) else { continue };
        let status = match state::verdict(&outcome, probe.degraded_over) {
            Verdict::Good => Status::Healthy,
            Verdict::Slow => Status::Degraded,
            Verdict::Bad => Status::Unhealthy,
            Verdict::Nothing => Status::Unknown,
        };
        all_healthy &= status == Status::Healthy;
        let cause = outcome.cause.map(remedy::word);
        let first = (status != Status::Healthy).then(|| remedy::first(probe, cause.as_deref()));
        let error = outcome.error.as_deref().map(|error| SafeText::clipped(error, 300).to_string());
        values.push(json!({
            "name": name, "system": probe.system, "status": status, "latency_us": outcome.latency_us, "error": error, "cause": cause,
            "value": outcome.value, "detail": outcome.detail, "changed": change, "remedy": first,
        }));
        table.row([
            name,
            status.to_string(),
            outcome.latency_us.map(state::latency).unwrap_or_default(),
            error.unwrap_or_default(),
            first.map(|first| first.text).unwrap_or_default(),
        ]);
        table.tone(1, tone(status));
    }
    context.out.either(&json!({ "healthy": all_healthy, "checks": values }), || {
        context.out.table(&table, "nothing is probed: `quarterdeck probe presets` lists what can be switched on")?;
        if all_healthy { Ok(()) } else { context.out.say(context.out.paint("not all is healthy", Tone::Warning)) }
    })?;
    Ok(if all_healthy { Outcome::Done } else { Outcome::Problems })
}
