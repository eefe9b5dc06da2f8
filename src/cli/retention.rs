//! `quarterdeck retention`: what is kept for how long, taking away what is past its time, legal holds.

use super::db::care::site;
use super::long;
use super::output::Table;
use super::{Context, Failure, Outcome};
use crate::base::{Millis, SafeText, clock};
use crate::store::outside::aside;
use crate::upkeep::Site;
use crate::upkeep::retention::holds::{self, Hold, Reached, Scope};
use crate::upkeep::retention::kind::KINDS;
use crate::upkeep::retention::{self, Asked, Count, Error, Rule};
use serde_json::json;

/// Arguments of `quarterdeck retention`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show each rule: what it is about, how long, why, and where it comes from.
    Show {
        /// The presets too.
        #[arg(long)]
        presets: bool,
    },
    /// Archive what is past its time and take it away, in batches that nobody waits for.
    Run {
        /// Only count: what would go, and what a hold or something under way keeps.
        #[arg(long)]
        dry_run: bool,
        /// Only this rule.
        #[arg(long, value_name = "ID")]
        rule: Option<String>,
    },
    /// Legal holds: what may not be taken away, whatever a rule says.
    Hold {
        #[command(subcommand)]
        command: HoldCommand,
    },
}

#[derive(Debug, clap::Subcommand)]
enum HoldCommand {
    /// Hold a user, an item, a persona or a period.
    #[command(group = clap::ArgGroup::new("what").required(true).args(["user", "item", "of_persona", "from"]))]
    Add {
        /// Everything about a Reddit user.
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
        /// One row, by its id or the end of it, as lists show it.
        #[arg(long, value_name = "ID")]
        item: Option<String>,
        /// Everything of a persona.
        #[arg(long = "of", value_name = "NAME|ID")]
        of_persona: Option<String>,
        /// Everything from this UTC day on, until --until.
        #[arg(long, value_name = "DATE", requires = "until", value_parser = day)]
        from: Option<Millis>,
        /// The first UTC day that is not held.
        #[arg(long, value_name = "DATE", requires = "from", value_parser = day)]
        until: Option<Millis>,
        /// Why: the case it belongs to.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Show the holds in force.
    List {
        /// Those that were released too.
        #[arg(long)]
        all: bool,
    },
    /// Release a hold: what it kept falls under the rules again.
    Release {
        /// The hold, by its id or the end of it.
        id: String,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

fn day(text: &str) -> Result<Millis, String> {
    let day = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| format!("{text:?} is no date; write it as 2026-11-21"))?;
    day.and_hms_opt(0, 0, 0).map(|time| time.and_utc().timestamp_millis()).ok_or_else(|| format!("{text:?} is no date"))
}

/// Run the command. JSON: `{rules: […], kinds: […]}`, `{rules: [{rule, rows, held, live, …}]}`, what a run did, or holds.
///
/// # Errors
/// As the rules and the database say.
pub fn run(context: &Context, args: Args) -> Result<Outcome, Failure> {
    let site = site(context)?;
    match args.command {
        Command::Show { presets } => show(context, &site, presets),
        Command::Run { dry_run: true, rule } => dry_run(context, &site, rule.as_deref()),
        Command::Run { dry_run: false, rule } => {
            let ran = long::run(context, |watcher| retention::run(&site, &Asked { rule }, watcher))??;
            context.out.either(&ran, || {
                let mut table = Table::new(&["rule", "gone", "held", "needed", "archive"]).right(1).right(2).right(3);
                for rule in ran.rules.iter().filter(|rule| rule.gone > 0 || rule.held > 0 || rule.live > 0) {
                    let file = rule.file.clone().unwrap_or_default();
                    table.row([rule.rule.clone(), rule.gone.to_string(), rule.held.to_string(), rule.live.to_string(), file]);
                }
                context.out.table(&table, "nothing is past its time")?;
                for file in &ran.unsettled {
                    context.out.text(&format!("a run before this one was killed between archiving and taking away; its rows were still here, and what it had written was moved to {file}"))?;
                }
                for file in &ran.broken {
                    context.out.text(&format!("{file} does not match its digests: it was changed or is damaged, and is left as it is; put it back from a copy"))?;
                }
                context.out.say(format!(
                    "{} rows went in {}; the longest batch held the writer for {:.1} ms{}",
                    ran.gone,
                    clock::duration(ran.took_ms),
                    ran.longest_us as f64 / 1_000.0,
                    if ran.is_stopped { "; ended when asked, the next run goes on" } else { "" }
                ))
            })?;
            Ok(if ran.is_stopped || !ran.broken.is_empty() { Outcome::Problems } else { Outcome::Done })
        }
        Command::Hold { command } => hold(context, &site, command),
    }
}

fn show(context: &Context, site: &Site, with_presets: bool) -> Result<Outcome, Failure> {
    let rules = retention::rules(site)?;
    let presets = retention::presets()?;
    let kinds: Vec<_> = KINDS
        .iter()
        .map(|kind| {
            json!({ "kind": kind.name, "is": kind.words, "least_days": kind.least_days, "states": kind.states.map(|(_, all)| all),
            "stays_while": kind.live.iter().map(|(_, why)| why).collect::<Vec<_>>() })
        })
        .collect();
    context.out.either(&json!({ "rules": rules, "kinds": kinds, "presets": presets }), || {
        for rule in &rules {
            explain(context, rule)?;
        }
        context.out.text("The audit log is never taken from, nor are the sums of the ledger, budgets, beliefs and personas. What search finds goes with the rows it was made of; runbooks and notes are files, and follow those.")?;
        if with_presets {
            context.out.say("")?;
            for preset in &presets {
                let days: Vec<String> = preset.days.iter().map(|(rule, days)| format!("{rule} {days}")).collect();
                context.out.text(&format!("preset {}: {} ({})", preset.id, days.join(", "), preset.from))?;
            }
        }
        Ok(())
    })?;
    Ok(Outcome::Done)
}

fn explain(context: &Context, rule: &Rule) -> Result<(), Failure> {
    let Some(kind) = rule.of() else { return Ok(()) };
    let days = rule.days.map_or_else(|| "kept for ever".to_owned(), |days| format!("kept for {days} days"));
    let then = match (rule.days, rule.archive) {
        (None, _) => "",
        (_, true) => ", then archived and taken away",
        (_, false) => ", then taken away",
    };
    context.out.text(&format!("{}  {days}{then} ({})", rule.id, SafeText::line(&rule.from).as_str()))?;
    let states = if rule.states.is_empty() { String::new() } else { format!("; {}", rule.states.join(", ")) };
    context.out.text(&format!("    {}{states}", kind.words))?;
    if !kind.live.is_empty() {
        let whys: Vec<&str> = kind.live.iter().map(|(_, why)| *why).collect();
        context.out.text(&format!("    but not while {}, or a hold keeps it", whys.join(", ")))?;
    }
    if rule.why.is_empty() { Ok(()) } else { context.out.text(&format!("    {}", SafeText::line(&rule.why).as_str())) }
}

fn dry_run(context: &Context, site: &Site, only: Option<&str>) -> Result<Outcome, Failure> {
    let mut counts: Vec<(Rule, Count)> = retention::counts(site)?;
    if let Some(id) = only {
        let known = counts.iter().map(|(rule, _)| rule.id.clone()).collect::<Vec<_>>().join(", ");
        counts.retain(|(rule, _)| rule.id == id);
        if counts.is_empty() {
            return Err(Error::NoRule { id: id.to_owned(), known }.into());
        }
    }
    let rules: Vec<&Count> = counts.iter().map(|(_, count)| count).collect();
    context.out.either(&json!({ "dry_run": true, "rules": rules }), || {
        let mut table = Table::new(&["rule", "would go", "held", "needed", "before", "oldest"]).right(1).right(2).right(3);
        for (rule, count) in &counts {
            let moment = |at: Option<Millis>, none: &str| at.map_or_else(|| none.to_owned(), clock::local);
            table.row([
                rule.id.clone(),
                count.rows.to_string(),
                count.held.to_string(),
                count.live.to_string(),
                moment(count.cutoff, "never"),
                moment(count.oldest, ""),
            ]);
        }
        context.out.table(&table, "there is no rule")?;
        context.out.say("nothing was taken away")
    })?;
    Ok(Outcome::Done)
}

fn hold(context: &Context, site: &Site, command: HoldCommand) -> Result<Outcome, Failure> {
    let (actor, now) = (site.actor.clone(), site.clock.now());
    let (changed, reached) = aside(|| {
        let db = site.existing_database()?;
        match command {
            HoldCommand::Add { user, item, of_persona, from, until, reason } => {
                let persona = match of_persona {
                    Some(key) => Some(
                        db.read_blocking(move |c| crate::memory::personas::find(c, &key))
                            .map_err(|error| Error::Hold(error.to_string()))?
                            .id,
                    ),
                    None => None,
                };
                let item = item.map(|item| db.read_blocking(move |c| holds::item(c, &item))).transpose()?;
                let scope = match (user, item, persona, from, until) {
                    (Some(user), ..) => Scope::User(user),
                    (_, Some(item), ..) => Scope::Item(item),
                    (_, _, Some(persona), ..) => Scope::Persona(persona.as_str().to_owned()),
                    (_, _, _, from, until) => Scope::Period(from.unwrap_or_default(), until.unwrap_or_default()),
                };
                let hold = db.write_blocking(move |c| holds::add(c, &scope, &reason, &actor, now))?;
                let reached = retention::reached(&db, &hold)?;
                Ok((vec![hold], Some(reached)))
            }
            HoldCommand::List { all } => Ok((db.read_blocking(move |c| holds::list(c, all))?, None)),
            HoldCommand::Release { id, reason } => {
                db.write_blocking(move |c| holds::release(c, &id, &reason, &actor, now)).map(|hold| (vec![hold], None))
            }
        }
    })?;
    let mut value = json!({ "holds": changed });
    if let Some(reached) = &reached {
        value["reaches"] = json!(reached);
    }
    context.out.either(&value, || {
        people(context, &changed)?;
        reached.as_ref().map_or(Ok(()), |reached| context.out.say(reach(reached)))
    })?;
    Ok(Outcome::Done)
}

/// `it reaches 3 rows: queue_items 2, llm_calls 1`.
fn reach(reached: &[Reached]) -> String {
    if reached.is_empty() {
        return "it reaches no row that is here now; what comes later and fits is held".to_owned();
    }
    let kinds: Vec<String> = reached.iter().map(|one| format!("{} {}", one.kind, one.rows)).collect();
    format!("it reaches {} rows: {}", reached.iter().map(|one| one.rows).sum::<i64>(), kinds.join(", "))
}

fn people(context: &Context, holds: &[Hold]) -> Result<(), Failure> {
    let mut table = Table::new(&["id", "holds", "since", "by", "why", "released"]);
    for hold in holds {
        let what = match (hold.from_at, hold.until_at) {
            (Some(from), Some(until)) => {
                format!("{} to {}", clock::rfc3339(from).get(..10).unwrap_or_default(), clock::rfc3339(until).get(..10).unwrap_or_default())
            }
            _ => format!("{} {}", hold.scope, SafeText::line(&hold.target).as_str()),
        };
        let released = match (&hold.released_by, hold.released_at) {
            (Some(by), Some(at)) => format!("{} by {}", clock::local(at), SafeText::line(by).as_str()),
            _ => String::new(),
        };
        let reason = SafeText::line(&hold.reason).as_str().to_owned();
        table.row([crate::base::short(&hold.id).to_owned(), what, clock::local(hold.placed_at), hold.placed_by.clone(), reason, released]);
    }
    context.out.table(&table, "no hold is in force")
}
