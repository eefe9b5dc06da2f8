//! `quarterdeck prices diff`: what changed between two dates, or between the book and a table.

use super::super::output::Table;
use super::super::{Context, Failure, Outcome};
use super::date;
use crate::base::{Millis, SafeText, clock};
use crate::deck::Deck;
use crate::llm::price::book::Prices;
use crate::llm::price::diff::{self, Change, Diff};
use crate::llm::price::{Book, import};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Names of models that are told one by one without being asked to.
const TOLD: usize = 20;

/// Arguments of `quarterdeck prices diff`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The earlier date, as 2026-08-01.
    #[arg(long, value_name = "DATE", value_parser = date, required_unless_present = "file", conflicts_with = "file")]
    from: Option<Millis>,
    /// The later date; now when left out.
    #[arg(long, value_name = "DATE", value_parser = date)]
    to: Option<Millis>,
    /// Compare the book with this table: LiteLLM's JSON, the answer of OpenRouter's `/models`, or a book in the form of the one that ships.
    #[arg(long)]
    file: Option<PathBuf>,
    /// Only the book that ships, without what was imported.
    #[arg(long)]
    shipped: bool,
    /// Only models whose name contains this.
    #[arg(long, default_value = "", hide_default_value = true)]
    model: String,
    /// Name all models that are in one of the two only.
    #[arg(long)]
    all: bool,
}

/// Run the command. JSON: `{from, to, file, changes: [{model, field, old, new, percent}], unchanged, added: […], removed: […], rejected: […]}`, rates in USD
/// per token.
///
/// # Errors
/// When the file cannot be read or is no price table, and as the database says.
pub fn run(context: &Context, deck: &Deck, own: Book, args: &Args) -> Result<Outcome, Failure> {
    let to = args.to.unwrap_or_else(|| context.clock.now());
    if args.from.is_some_and(|from| from > to) {
        return Err(Failure::usage("the earlier date is behind the later one").hint("set --from to the earlier date"));
    }
    let prices = if args.shipped { Prices::of(&own) } else { deck.db.read_blocking(move |c| Prices::load(c, &own))? };
    let (found, rejected) = match &args.file {
        None => (diff::between(&prices, args.from.unwrap_or(0), to, &args.model), Vec::new()),
        Some(file) => {
            let table = table(file, to)?;
            let rejected = table.rejected.iter().map(|row| format!("{}: {}", row.model, row.reason)).collect();
            (diff::with_table(&prices, to, &table.prices, &args.model), rejected)
        }
    };
    let value = json!({
        "from": args.from, "to": to, "file": args.file.as_ref().map(|file| file.display().to_string()), "changes": found.changes,
        "unchanged": found.unchanged, "added": found.added, "removed": found.removed, "rejected": rejected,
    });
    context.out.either(&value, || print(context, args, &found, rejected.len()))?;
    Ok(Outcome::Done)
}

fn print(context: &Context, args: &Args, found: &Diff, rejected: usize) -> Result<(), Failure> {
    let mut table = Table::new(&["model", "rate", "old, USD per million", "new", "change"]).right(2).right(3).right(4);
    for change in &found.changes {
        let rate = |rate: Option<f64>| rate.map_or_else(|| "-".to_owned(), |rate| shown(change, rate));
        let percent = change.percent.map_or_else(|| "-".to_owned(), |percent| format!("{percent:+.1} %"));
        table.row([change.model.clone(), change.field.clone(), rate(change.old), rate(change.new), percent]);
    }
    context.out.table(&table, "no rate is another one")?;
    let (new, old) = match &args.file {
        None => ("priced for the first time in between", "without a price at the later date"),
        Some(_) => ("only in the file", "only in the book"),
    };
    for (names, what) in [(&found.added, new), (&found.removed, old)] {
        if names.is_empty() {
            continue;
        }
        context.out.say(format!("{} {what}", count(names.len())))?;
        let shown = if args.all || names.len() <= TOLD { names.len() } else { 0 };
        names.iter().take(shown).try_for_each(|name| context.out.say(format!("  {}", SafeText::line(name))))?;
    }
    if rejected > 0 {
        context.out.say(format!("{rejected} rows of the file hold no price that is understood; --json lists them"))?;
    }
    let when = args.from.map_or_else(|| "against the file".to_owned(), |from| format!("since {}", clock::rfc3339(from).split_at(10).0));
    context.out.say(format!("{} unchanged {when}", count(found.unchanged)))
}

fn count(models: usize) -> String {
    if models == 1 { "1 model".to_owned() } else { format!("{models} models") }
}

/// A rate per million tokens; the fee of a request is for one request.
fn shown(change: &Change, rate: f64) -> String {
    if change.field.ends_with("request") { format!("{rate:.6} a request") } else { format!("{:.4}", rate * 1e6) }
}

/// The prices of a file that hold at a moment, and what of it was not taken.
fn table(file: &Path, at: Millis) -> Result<import::Table, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| Failure::failed(format!("{} cannot be read: {error}", file.display())))?;
    if file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml")) {
        let book = Book::parse(&text, &file.display().to_string()).map_err(|error| Failure::failed(error.to_string()))?;
        let prices = Prices::of(&book);
        let held = prices.models().into_iter().filter_map(|model| Some((model.to_owned(), prices.exactly(model, at)?.rates.clone())));
        return Ok(import::Table { prices: held.collect(), rejected: Vec::new() });
    }
    let read = import::read(&text).map_err(|reason| {
        Failure::failed(format!("{} is no price table: {reason}", file.display()))
            .hint("give LiteLLM's model_prices JSON, the body of OpenRouter's /models, or a TOML file in the form of the book that ships")
    })?;
    Ok(read.1)
}
