//! `quarterdeck budget`: what may be spent, by whom, and what happens on the way.

use super::output::{Table, Tone};
use super::{Context, Failure, Outcome};
use crate::base::{Picos, SafeText, clock, new_id};
use crate::deck::Deck;
use crate::llm::budget::outlook::{self, Outlook};
use crate::llm::budget::{Action, Budget, Period, Scope, Threshold, book, period, presets};
use crate::memory::personas;
use crate::store::Conn;
use serde_json::json;

/// Arguments of `quarterdeck budget`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show every budget: what is used, how fast, and what its period will have cost.
    List,
    /// Set a budget, or change the one of this name.
    Set(Set),
    /// Take a budget away.
    Remove {
        /// Its name.
        name: String,
    },
    /// Set the budgets of a runbook; without a name, list the presets.
    Preset {
        /// Which one.
        name: Option<String>,
        /// The zone in which periods are counted.
        #[arg(long, default_value = "UTC", value_parser = period::zone)]
        zone: chrono_tz::Tz,
    },
    /// List the thresholds that were reached, the newest first.
    Events {
        /// At most so many.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
}

#[derive(Debug, clap::Args)]
struct Set {
    /// Its name, at most 60 characters.
    name: String,
    /// How much may be spent in a period, in USD, as 5 or 1200.50.
    #[arg(long, value_parser = dollars)]
    limit: Option<Picos>,
    /// When it begins anew: day, week (Monday), month or lifetime.
    #[arg(long)]
    period: Option<Period>,
    /// What it covers: global, category:batch, persona:NAME, module:NAME or model:NAME.
    #[arg(long)]
    scope: Option<Scope>,
    /// The zone in which periods are counted, as Europe/Berlin.
    #[arg(long, value_parser = period::zone)]
    zone: Option<chrono_tz::Tz>,
    /// Only tell: no call is refused because it might exceed the limit.
    #[arg(long, conflicts_with = "hard")]
    soft: bool,
    /// Refuse a call that might exceed the limit.
    #[arg(long)]
    hard: bool,
    /// What happens at a percentage, as 90:banner,notify. Actions: log, banner, notify, disable, stop_all, downgrade=MODEL, disable=CATEGORY.
    /// Given once or more, it takes the place of all thresholds.
    #[arg(long = "at", value_name = "PERCENT:ACTIONS", value_parser = threshold)]
    thresholds: Vec<Threshold>,
    /// A model that may be asked although nobody knows its price.
    #[arg(long, value_name = "MODEL")]
    allow_unpriced: Vec<String>,
}

fn dollars(text: &str) -> Result<Picos, String> {
    let wrong = || format!("{text:?} is no amount in USD: write it as 5 or 1200.50");
    let amount: f64 = text.trim_start_matches('$').replace('_', "").parse().map_err(|_| wrong())?;
    Picos::from_usd(amount).filter(|picos| picos.0 >= 0).ok_or_else(wrong)
}

fn threshold(text: &str) -> Result<Threshold, String> {
    let wrong = || format!("{text:?} is no threshold: write it as 90:banner,notify");
    let (percent, actions) = text.split_once(':').ok_or_else(wrong)?;
    let percent = percent.trim_end_matches('%').parse().map_err(|_| wrong())?;
    let actions: Result<Vec<Action>, String> = actions
        .split(',')
        .map(|word| match word.split_once('=') {
            None => match word {
                "log" => Ok(Action::Log),
                "banner" => Ok(Action::Banner),
                "notify" => Ok(Action::Notify),
                "disable" => Ok(Action::Disable),
                "stop_all" => Ok(Action::StopAll),
                _ => Err(format!("{word:?} is no action: log, banner, notify, disable, stop_all, downgrade=MODEL or disable=CATEGORY")),
            },
            Some(("downgrade", model)) if !model.is_empty() => Ok(Action::Downgrade(model.to_owned())),
            Some(("disable", category)) => Ok(Action::DisableCategory(category.to_owned())),
            Some(_) => Err(format!("{word:?} is no action: downgrade=MODEL or disable=CATEGORY")),
        })
        .collect();
    Ok(Threshold { percent, actions: actions? })
}

/// Run the command. JSON: `{budgets: […]}`, `{budget: …}`, `{removed}`, `{presets: […]}` or `{events: […]}`.
///
/// # Errors
/// When what was written is not a budget, and as the database says.
pub fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    let deck = Deck::open(context.settings()?, context.clock.clone())?;
    let now = context.clock.now();
    match &args.command {
        Command::List => {
            let all = deck.db.read_blocking(move |c| outlook::all(c, now))?;
            context.out.either(&json!({ "budgets": all }), || list(context, &all, now))?;
        }
        Command::Set(given) => {
            let actor = context.actor()?;
            let known = {
                let name = given.name.clone();
                deck.db.read_blocking(move |c| book::find(c, &name))?
            };
            let mut budget = merged(given, known)?;
            let set = deck.db.write_blocking(move |c: &mut dyn Conn| -> Result<Budget, Failure> {
                if let Scope::Persona(key) = &budget.scope {
                    budget.scope = Scope::Persona(personas::find(c, key.as_str())?.id);
                }
                Ok(book::set(c, &budget, &actor, now)?)
            })?;
            context.out.either(&json!({ "budget": set }), || {
                context.out.say(format!(
                    "{} allows {} a {} for {}",
                    set.name,
                    set.limit,
                    set.period.as_str(),
                    SafeText::line(&set.scope.to_string())
                ))
            })?;
        }
        Command::Remove { name } => {
            let (actor, named) = (context.actor()?, name.clone());
            if !deck.db.write_blocking(move |c| book::remove(c, &named, &actor, now))? {
                return Err(Failure::failed(format!("there is no budget {}", SafeText::clipped(name, 60)))
                    .hint("`quarterdeck budget list` shows the budgets"));
            }
            context.out.either(&json!({ "removed": name }), || context.out.say(format!("{} is removed", SafeText::clipped(name, 60))))?;
        }
        Command::Preset { name: None, .. } => {
            let all: Vec<_> = presets::NAMES.iter().map(|(name, what)| json!({ "name": name, "what": what })).collect();
            context.out.either(&json!({ "presets": all }), || {
                let mut table = Table::new(&["preset", "what it sets"]);
                for (name, what) in presets::NAMES {
                    table.row([name, what]);
                }
                context.out.table(&table, "there is no preset")
            })?;
        }
        Command::Preset { name: Some(name), zone } => {
            let budgets = presets::named(name, *zone).ok_or_else(|| {
                Failure::usage(format!("there is no preset {}", SafeText::clipped(name, 40))).hint("`quarterdeck budget preset` lists them")
            })?;
            let actor = context.actor()?;
            let work =
                move |c: &mut dyn Conn| budgets.iter().map(|budget| book::set(c, budget, &actor, now)).collect::<Result<Vec<_>, _>>();
            let set: Vec<Budget> = deck.db.write_blocking(work)?;
            context.out.either(&json!({ "budgets": set }), || {
                set.iter()
                    .try_for_each(|budget| context.out.say(format!("{} allows {} a {}", budget.name, budget.limit, budget.period.as_str())))
            })?;
        }
        Command::Events { limit } => {
            let limit = *limit;
            let events = deck.db.read_blocking(move |c| book::events(c, limit))?;
            context.out.either(&json!({ "events": events }), || {
                let mut table = Table::new(&["when", "budget", "percent", "spent", "limit", "what happens"]).right(2).right(3).right(4);
                for event in &events {
                    let words: Vec<String> = event.actions.iter().map(Action::words).collect();
                    table.row([
                        clock::local(event.at),
                        event.budget.clone(),
                        format!("{} %", event.percent),
                        event.spent.to_string(),
                        event.limit.to_string(),
                        words.join("; "),
                    ]);
                }
                context.out.table(&table, "no threshold of a budget was reached yet")
            })?;
        }
    }
    Ok(Outcome::Done)
}

fn merged(given: &Set, known: Option<Budget>) -> Result<Budget, Failure> {
    let is_new = known.is_none();
    let mut budget = match (known, given.limit) {
        (Some(known), _) => known,
        (None, Some(limit)) => Budget {
            id: new_id(),
            name: given.name.clone(),
            scope: Scope::Global,
            period: Period::Day,
            zone: chrono_tz::Tz::UTC,
            limit,
            is_hard: true,
            thresholds: Threshold::usual(),
            unpriced_allowed: Vec::new(),
        },
        (None, None) => {
            return Err(Failure::usage(format!(
                "there is no budget {} yet, and a new one needs a limit",
                SafeText::clipped(&given.name, 60)
            ))
            .hint("add --limit with an amount in USD, as --limit 5"));
        }
    };
    budget.limit = given.limit.unwrap_or(budget.limit);
    budget.period = given.period.unwrap_or(budget.period);
    budget.zone = given.zone.unwrap_or(budget.zone);
    if let Some(scope) = &given.scope {
        budget.scope = scope.clone();
    }
    if given.soft || given.hard {
        budget.is_hard = given.hard;
    }
    if !given.thresholds.is_empty() {
        budget.thresholds.clone_from(&given.thresholds);
        budget.thresholds.sort_by_key(|threshold| threshold.percent);
    } else if is_new && given.soft {
        budget.thresholds.iter_mut().for_each(|threshold| threshold.actions.retain(|action| *action != Action::Disable));
    }
    for model in &given.allow_unpriced {
        if !budget.unpriced_allowed.contains(model) {
            budget.unpriced_allowed.push(model.clone());
        }
    }
    budget.check().map_err(Failure::usage)?;
    Ok(budget)
}

fn list(context: &Context, all: &[Outlook], now: i64) -> Result<(), Failure> {
    let mut table =
        Table::new(&["budget", "covers", "limit", "spent", "set aside", "used", "burn", "begins anew", "will have cost", "next threshold"])
            .right(2)
            .right(3)
            .right(4)
            .right(5)
            .right(6);
    for one in all {
        let next = one.thresholds.iter().find(|ahead| ahead.within != Some(0));
        let next = match next {
            None => "all are reached".to_owned(),
            Some(ahead) => match ahead.within.filter(|_| ahead.in_period) {
                Some(within) => format!("{} % in {}", ahead.percent, clock::duration(within)),
                None => format!("{} % not in this period", ahead.percent),
            },
        };
        let cost = one.forecast.map_or_else(
            || "-".to_owned(),
            |forecast| {
                let sure = if forecast.is_well_founded { "" } else { " (few days)" };
                format!("${:.2} (${:.2} to ${:.2}){sure}", forecast.middle, forecast.low, forecast.high)
            },
        );
        let unknown = if one.used.unknown > 0 { format!(" + {} unknown", one.used.unknown) } else { String::new() };
        table.row([
            if one.budget.is_hard { one.budget.name.clone() } else { format!("{} (soft)", one.budget.name) },
            SafeText::line(&one.budget.scope.to_string()).as_str().to_owned(),
            format!("{} a {}", one.budget.limit, one.budget.period.as_str()),
            format!("{}{unknown}", one.used.spent),
            one.used.reserved.to_string(),
            format!("{} %", one.percent),
            one.burn.map_or_else(|| "-".to_owned(), |burn| format!("{burn:.2}")),
            one.used.span.end.map_or_else(|| "never".to_owned(), |end| format!("in {}", clock::duration(end - now))),
            cost,
            next,
        ]);
        let tone = match one.percent {
            0..75 => None,
            75..100 => Some(Tone::Warning),
            _ => Some(Tone::Bad),
        };
        if let Some(tone) = tone {
            table.tone(5, tone);
        }
    }
    context.out.table(
        &table,
        "there is no budget: `quarterdeck budget set daily --limit 5` makes one, `quarterdeck budget preset` lists those of the runbooks",
    )
}
