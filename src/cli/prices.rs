//! `quarterdeck prices`: what models cost, since when, what changed, and whether a closed month still comes out the same.

mod diff;
mod replay;

use super::output::Table;
use super::{Context, Failure, Outcome, signals};
use crate::base::clock;
use crate::deck::Deck;
use crate::llm::price::{Book, book, import};
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `quarterdeck prices`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the price rows, those that ship and those that were imported.
    List {
        /// Only models whose name contains this.
        #[arg(long)]
        model: Option<String>,
    },
    /// Import a price table: LiteLLM's JSON, or the answer of OpenRouter's `/models`. What a row says is never changed afterwards.
    Import {
        /// The file.
        file: PathBuf,
        /// From when the prices hold, as 2026-11-21; from now on when left out.
        #[arg(long, value_name = "DATE", value_parser = date)]
        from: Option<i64>,
    },
    /// Show which rates changed between two dates, or what a price table says otherwise than the book.
    Diff(diff::Args),
    /// Price every call of a month again with the prices in force at its time. Exit code 3 when anything comes out otherwise.
    Replay(replay::Args),
}

fn date(text: &str) -> Result<i64, String> {
    let day = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| format!("{text:?} is no date; write it as 2026-11-21"))?;
    day.and_hms_opt(0, 0, 0).map(|time| time.and_utc().timestamp_millis()).ok_or_else(|| format!("{text:?} is no date"))
}

/// Run the command. JSON: `{prices: […]}`, `{source, added, unchanged, rejected: […]}`, and as [`diff::run`] and [`replay::run`] say.
///
/// # Errors
/// When the file cannot be read or is no price table, and as the database says.
pub fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    match &args.command {
        Command::Import { .. } => signals::finish_on_stop(context)?,
        Command::List { .. } | Command::Diff(_) | Command::Replay(_) => signals::end_on_stop(context)?,
    }
    let deck = Deck::open(context.settings()?, context.clock.clone())?;
    let own = Book::embedded().map_err(|error| Failure::failed(error.to_string()))?;
    match &args.command {
        Command::List { model } => {
            let filter = model.clone();
            let rows = deck.db.read_blocking(move |c| book::list(c, &own, filter.as_deref()))?;
            context.out.either(&json!({ "prices": rows }), || {
                let mut table = Table::new(&["model", "in, USD per million", "out", "from", "source"]).right(1).right(2);
                let rate = |rate: Option<f64>| rate.map_or_else(|| "-".to_owned(), |rate| format!("{:.4}", rate * 1e6));
                for row in &rows {
                    let day = clock::rfc3339(row.effective_from).chars().take(10).collect();
                    table.row([row.model.clone(), rate(row.rates.base.input), rate(row.rates.base.output), day, row.source.clone()]);
                }
                context.out.table(&table, "no price is known for such a model: its calls are unpriced")
            })?;
        }
        Command::Import { file, from } => {
            let text =
                std::fs::read_to_string(file).map_err(|error| Failure::failed(format!("{} cannot be read: {error}", file.display())))?;
            let (source, table) = import::read(&text).map_err(|reason| {
                Failure::failed(format!("{} is no price table: {reason}", file.display()))
                    .hint("give LiteLLM's model_prices JSON, or the body of OpenRouter's /models")
            })?;
            let (actor, now) = (context.actor()?, context.clock.now());
            let from = from.unwrap_or(now);
            let imported = deck.db.write_blocking(move |c| book::import(c, source, table, from, now, &actor))?;
            let rejected: Vec<String> = imported.rejected.iter().map(|row| format!("{}: {}", row.model, row.reason)).collect();
            let value = json!({ "source": source.name(), "added": imported.added, "unchanged": imported.unchanged, "rejected": rejected });
            context.out.either(&value, || {
                context.out.say(format!(
                    "{}: {} rows added, {} unchanged, {} rejected",
                    source.name(),
                    imported.added,
                    imported.unchanged,
                    rejected.len()
                ))?;
                rejected.iter().take(20).try_for_each(|line| context.out.say(format!("  {}", crate::base::SafeText::line(line))))
            })?;
        }
        Command::Diff(args) => return diff::run(context, &deck, own, args),
        Command::Replay(args) => return replay::run(context, &deck, own, args),
    }
    Ok(Outcome::Done)
}
