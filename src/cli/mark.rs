//! `quarterdeck mark`: say what happened, so that whoever looks for the cause of something finds it; `mark list` shows what happened.

use super::belief::time::Time;
use super::output::{Table, Tone, age};
use super::{Context, Failure, Outcome};
use crate::base::SafeText;
use crate::deck::Deck;
use crate::watch::events::{self, Kind as EventKind};
use crate::watch::marks::{self, Kind, New};
use serde_json::json;

/// A mark that is further in the future is a typing error.
const AHEAD: i64 = 60_000;

/// Arguments of `quarterdeck mark`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Another version of something runs.
    Deployment(Said),
    /// Something was started anew.
    Restart(Said),
    /// Settings of something changed.
    Configuration(Said),
    /// Anything else that is worth finding again.
    Note(Said),
    /// Show what happened: marks, pauses, changed rules and budgets, upkeep, the newest first.
    List {
        /// Since when: 6h, 2026-11-01, "2026-11-01 14:00".
        #[arg(long, value_name = "TIME", default_value = "1d")]
        since: Time,
        /// Until when; by default now.
        #[arg(long, value_name = "TIME")]
        until: Option<Time>,
        /// Only marks, of this system.
        #[arg(long, value_name = "NAME")]
        system: Option<String>,
    },
}

/// What is said.
#[derive(Debug, clap::Args)]
struct Said {
    /// What happened, in a sentence.
    text: String,
    /// The system that it is about.
    #[arg(long, value_name = "NAME", default_value = marks::OWN)]
    system: String,
    /// When it happened, where it is not now: 10m for ten minutes ago, "2026-11-01 14:00".
    #[arg(long, value_name = "TIME")]
    at: Option<Time>,
}

/// Run the command. JSON: the mark; of `list` `{events: […]}`.
///
/// # Errors
/// As the database says.
pub fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    let (kind, said) = match &args.command {
        Command::Deployment(said) => (Kind::Deployment, said),
        Command::Restart(said) => (Kind::Restart, said),
        Command::Configuration(said) => (Kind::Configuration, said),
        Command::Note(said) => (Kind::Note, said),
        Command::List { since, until, system } => {
            let deck = Deck::open_existing(context.settings()?, context.clock.clone())?;
            return list(context, &deck, *since, *until, system.clone());
        }
    };
    add(context, kind, said)
}

fn add(context: &Context, kind: Kind, said: &Said) -> Result<Outcome, Failure> {
    let (now, actor) = (context.clock.now(), context.actor()?);
    let at = said.at.map_or(now, |at| at.resolve(now));
    if at > now + AHEAD || at < 0 {
        return Err(Failure::usage("a mark tells what happened already").hint("leave --at out for now, or give a time that is over"));
    }
    let fits = |text: &str, longest: usize| (1..=longest).contains(&text.trim().chars().count());
    if !fits(&said.text, marks::LONGEST) {
        return Err(Failure::usage(format!("a mark says what happened in 1 to {} characters", marks::LONGEST))
            .hint("say in a few words what happened: \"assistant 2.4.1 with the new prompts\""));
    }
    if !fits(&said.system, marks::LONGEST_SYSTEM) {
        return Err(Failure::usage(format!("the name of a system has 1 to {} characters", marks::LONGEST_SYSTEM))
            .hint("leave --system out for this deck, or name the system as the board does"));
    }
    let deck = Deck::open(context.settings()?, context.clock.clone())?;
    let (text, system) = (said.text.clone(), said.system.clone());
    let id = deck.db.write_blocking(move |c| marks::add(c, New { at, kind, system: &system, what: &text }, &actor, now))?;
    let value = json!({ "id": id, "at": crate::base::clock::rfc3339(at), "kind": kind, "system": said.system, "what": said.text });
    context.out.either(&value, || {
        let what = SafeText::line(&said.text);
        context.out.say(format!("marked: {} of {}, {}: {what}", kind.as_str(), SafeText::line(&said.system), age(at, now)))
    })?;
    Ok(Outcome::Done)
}

fn list(context: &Context, deck: &Deck, since: Time, until: Option<Time>, system: Option<String>) -> Result<Outcome, Failure> {
    let now = context.clock.now();
    let window = since.resolve(now)..until.map_or(now + 1, |until| until.resolve(now));
    if window.is_empty() {
        return Err(Failure::usage("--since is not before --until"));
    }
    let found = deck.db.read_blocking(move |c| {
        Ok::<_, crate::store::Error>(match &system {
            Some(system) => marks::list(c, window, Some(system), 1_000)?.into_iter().map(events::of_mark).collect(),
            None => events::around(c, window)?,
        })
    })?;
    let value = json!({ "events": found.iter().map(|event| {
        json!({ "at": crate::base::clock::rfc3339(event.at), "kind": event.kind, "what": event.what, "who": event.who })
    }).collect::<Vec<_>>() });
    context.out.either(&value, || {
        let mut table = Table::new(&["when", "kind", "what", "who"]);
        for event in &found {
            table.row([age(event.at, now), event.kind.word().to_owned(), event.what.clone(), event.who.clone()]);
            if event.kind == EventKind::Deployment {
                table.tone(1, Tone::Warning);
            }
        }
        context.out.table(&table, "nothing happened in this time that is known here")
    })?;
    Ok(Outcome::Done)
}
