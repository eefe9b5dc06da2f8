//! `quarterdeck audit`: who did what, and whether the log was tampered with.

use super::events::short;
use super::output::{Table, Tone};
use super::{Context, Failure, Outcome};
use crate::base::clock;
use crate::deck::Deck;
use crate::store::audit;
use serde_json::json;

/// Arguments of `quarterdeck audit`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show the newest rows.
    Log {
        /// How many.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Only rows before this number.
        #[arg(long, value_name = "SEQ")]
        before: Option<i64>,
    },
    /// Walk the chain of hashes. Exit code 3 when a row was edited, is missing, or does not follow.
    Verify,
}

/// Run the command. JSON: `{rows: […]}` or `{rows, head, problems: [{seq, what}]}`.
///
/// # Errors
/// As the database says.
pub fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    let deck = Deck::open(context.settings()?, context.clock.clone())?;
    match args.command {
        Command::Log { limit, before } => {
            let rows = deck.db.read_blocking(move |c| audit::newest(c, before, i64::from(limit)))?;
            context.out.either(&json!({ "rows": rows }), || {
                let mut table = Table::new(&["seq", "when", "who", "what", "on", "why"]).right(0);
                for row in &rows {
                    table.row([
                        row.seq.to_string(),
                        clock::local(row.at),
                        if row.actor_kind == "human" { row.actor.clone() } else { format!("{} ({})", row.actor, row.actor_kind) },
                        row.action.clone(),
                        short(&row.subject_id).to_owned(),
                        row.reason.clone().unwrap_or_default(),
                    ]);
                }
                context.out.table(&table, "the log is empty")
            })?;
            Ok(Outcome::Done)
        }
        Command::Verify => {
            let found = deck.db.read_blocking(audit::verify)?;
            context.out.either(&found, || {
                for problem in &found.problems {
                    context.out.say(format!("{} row {} {}", context.out.paint("broken", Tone::Bad), problem.seq, problem.what))?;
                }
                if found.problems.is_empty() {
                    return context.out.say(format!("{} rows, the chain is whole; its head is {}", found.rows, found.head));
                }
                context.out.say(format!(
                    "{} rows, broken in {} places: keep this database as it is and compare it with a backup",
                    found.rows,
                    found.problems.len()
                ))
            })?;
            Ok(if found.problems.is_empty() { Outcome::Done } else { Outcome::Problems })
        }
    }
}
