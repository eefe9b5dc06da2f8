//! `quarterdeck models`: the service's own view of our calls, and why a call was made as it was.

use super::output::{Table, Tone};
use super::{Context, Failure, Outcome, signals};
use crate::base::{Picos, SafeText, clock};
use crate::deck::Deck;
use crate::llm::account::compare::{self, Compared, Verdict};
use crate::llm::account::{Key, LookedUp, Recovered};
use crate::llm::calls;
use serde_json::json;

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// Arguments of `quarterdeck models`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Ask the service about the key: its limits, and what it counts beside what our ledger counts. Exit code 3 when they disagree, or the key
    /// will stop soon.
    Check {
        /// By how many percent the two may differ.
        #[arg(long, default_value_t = 1.0, value_parser = percent)]
        tolerance: f64,
    },
    /// Look up what calls cost whose answer broke off, and write it down, each once. Exit code 3 when some are still unknown.
    Recover {
        /// Look up at most so many.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Only calls of the last so many days.
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3_650))]
        days: u32,
    },
    /// Tell why a call was made as it was: model, budget, waiting, attempts, cache.
    Trace {
        /// The call's id.
        call: String,
    },
}

fn percent(text: &str) -> Result<f64, String> {
    let wrong = || format!("{text:?} is no percentage from 0 to 100");
    text.trim_end_matches('%').trim().parse().ok().filter(|percent| (0.0..=100.0).contains(percent)).ok_or_else(wrong)
}

/// Run the command. JSON: `{key, compared: […], warnings: […]}`, `{calls: […], cost, unknown}` or `{call, trace, lines: […]}`.
///
/// # Errors
/// When the service cannot be asked or there is no such call, and as the database says.
pub fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    // What was looked up until then is committed, each call by itself.
    signals::end_on_stop(context)?;
    let deck = Deck::open(context.settings()?, context.clock.clone())?;
    let now = context.clock.now();
    match &args.command {
        Command::Check { tolerance } => {
            let models = deck.models()?;
            let tolerance = tolerance / 100.0;
            let key = context.block_on(models.key())??;
            let asked = key.clone();
            let compared = deck.db.read_blocking(move |c| compare::compare(c, &asked, now, tolerance))?;
            let warnings = compare::warnings(&key, now);
            context.out.either(&json!({ "key": key, "compared": compared, "warnings": warnings }), || {
                print_key(context, &key, &compared, &warnings)
            })?;
            let agree = compared.iter().all(|one| matches!(one.verdict, Verdict::Same | Verdict::Younger));
            Ok(if agree && warnings.is_empty() { Outcome::Done } else { Outcome::Problems })
        }
        Command::Recover { limit, days } => {
            let models = deck.models()?;
            let since = now - i64::from(*days) * DAY;
            let calls = context.block_on(models.recover_costs(since, *limit))??;
            let cost = calls.iter().fold(Picos::ZERO, |sum, one| match &one.recovered {
                Recovered::Cost { picos, .. } => sum.saturating_add(*picos),
                _ => sum,
            });
            let unknown = calls.iter().filter(|one| matches!(one.recovered, Recovered::NotFound | Recovered::Failed { .. })).count();
            context
                .out
                .either(&json!({ "calls": calls, "cost": cost, "unknown": unknown }), || print_calls(context, &calls, cost, unknown))?;
            Ok(if unknown == 0 { Outcome::Done } else { Outcome::Problems })
        }
        Command::Trace { call } => {
            let id = call.clone();
            let found = deck.db.read_blocking(move |c| calls::trace(c, &id))?;
            let Some(trace) = found else {
                return Err(Failure::failed(format!("there is no call {}", SafeText::clipped(call, 60)))
                    .hint("the console's gauges list the calls behind a number, with their ids"));
            };
            let lines = trace.as_ref().map(crate::llm::route::Trace::lines).unwrap_or_default();
            context.out.either(&json!({ "call": call, "trace": trace, "lines": lines }), || {
                if lines.is_empty() {
                    return context.out.say("this call left no trace: it is older than traces are, imported, or was made by a judge");
                }
                lines.iter().try_for_each(|line| context.out.text(line))
            })?;
            Ok(Outcome::Done)
        }
    }
}

fn print_key(context: &Context, key: &Key, compared: &[Compared], warnings: &[String]) -> Result<(), Failure> {
    let amount = |picos: Option<Picos>, none: &str| picos.map_or_else(|| none.to_owned(), |picos| picos.to_string());
    context.out.pairs(&[
        ("key", key.label.clone()),
        ("limit", amount(key.limit, "none")),
        ("left", amount(key.remaining, "not limited")),
        ("begins anew", key.reset.clone().unwrap_or_else(|| "never".to_owned())),
        ("spent in all", key.total.to_string()),
        ("expires", key.expires_at.clone().unwrap_or_else(|| "never".to_owned())),
    ])?;
    if let Some(own) = key.own_keys_month {
        context.out.say(format!("{own} this month on provider keys of your own, which the service does not charge"))?;
    }
    let mut table = Table::new(&["this UTC", "service", "ledger", "unknown calls", ""]).right(1).right(2).right(3);
    for one in compared {
        table.row([
            one.period.as_str().to_owned(),
            one.service.to_string(),
            one.ledger.to_string(),
            one.unknown.to_string(),
            one.verdict.words().to_owned(),
        ]);
        match one.verdict {
            Verdict::Same => table.tone(4, Tone::Good),
            Verdict::Younger => table.tone(4, Tone::Faint),
            Verdict::ServiceMore | Verdict::LedgerMore => table.tone(4, Tone::Warning),
        };
    }
    context.out.table(&table, "")?;
    if compared.iter().any(|one| one.unknown > 0) {
        context.out.say("`quarterdeck models recover` looks up what unknown calls cost")?;
    }
    warnings.iter().try_for_each(|warning| context.out.say(SafeText::line(warning)))
}

fn print_calls(context: &Context, calls: &[LookedUp], cost: Picos, unknown: usize) -> Result<(), Failure> {
    let mut table = Table::new(&["call", "when", "model", "generation", "cost", ""]).right(4);
    for one in calls {
        let (cost, what) = match &one.recovered {
            Recovered::Cost { cost, drift, .. } => (format!("${cost}"), format!("drift: {}", drift.as_str())),
            Recovered::Already => ("-".to_owned(), "written down by somebody else meanwhile".to_owned()),
            Recovered::NotFound => ("unknown".to_owned(), "the service does not know it".to_owned()),
            Recovered::Failed { reason } => ("unknown".to_owned(), reason.clone()),
        };
        let call = &one.call;
        table.row([call.id.clone(), clock::local(call.started_at), call.model.clone(), call.generation_id.clone(), cost, what]);
    }
    context.out.table(&table, "no call is of unknown cost that could be looked up")?;
    if calls.is_empty() {
        return Ok(());
    }
    let found = calls.iter().filter(|one| matches!(one.recovered, Recovered::Cost { .. })).count();
    context.out.say(format!("{found} looked up: {cost}; {unknown} still unknown"))
}
