//! `quarterdeck db`: the schema and the state of the database.

pub(super) mod care;

use super::output::{Table, Tone, yes_no};
use super::{Context, Failure, Outcome, signals};
use crate::store::{self, Address};
use serde_json::json;

/// Arguments of `quarterdeck db`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Bring the schema to the version of this program. An SQLite file is copied first.
    Migrate,
    /// Take the schema one version back, or to --to. What the newer tables hold is lost.
    Rollback {
        /// The version to go back to; 0 is an empty database.
        #[arg(long, value_name = "VERSION")]
        to: Option<i64>,
        /// Go, although rows are lost.
        #[arg(long)]
        yes: bool,
    },
    /// Show engine, place, size, schema, rows and integrity. Exit code 3 when something is wrong.
    Status,
    /// Check whether the database is whole, and write down how it went. Exit code 3 when something is wrong.
    Check {
        /// Every page and row, in seconds; what it does not look at is said.
        #[arg(long, conflicts_with = "full")]
        quick: bool,
        /// Everything, indexes against their tables too.
        #[arg(long)]
        full: bool,
    },
    /// Bring the planner's statistics up to date.
    Optimize,
    /// Write the file anew, without gaps and with new indexes. Refused while others write.
    Vacuum,
    /// Take the write-ahead log into the file. Exit code 3 when some of it is left, with who keeps it.
    Checkpoint {
        /// Empty the log's file too, where nobody reads or writes.
        #[arg(long)]
        truncate: bool,
    },
    /// Show how large tables and indexes are, and how they grow.
    Sizes {
        /// The small ones too.
        #[arg(long)]
        all: bool,
    },
    /// Show who has the database open, who writes, who reads, and since when.
    Holders,
    /// Show the statements that took long.
    Slow {
        /// At most so many.
        #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
        limit: u32,
    },
}

/// Run the command.
///
/// # Errors
/// As the database says.
pub fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    let settings = context.settings()?;
    let address = Address::parse(&settings.database)?;
    match &args.command {
        Command::Migrate => {
            if matches!(address, Address::Sqlite(_)) {
                crate::config::prepare(&settings.data_dir)?;
            }
            signals::finish_on_stop(context)?;
            let passed = store::migrate(&address, None, context.clock.now())?;
            report(context, &passed, "the schema is at the version of this program already")?;
        }
        Command::Rollback { to, yes } => {
            let status = store::status(&address)?;
            let target = to.unwrap_or(status.schema_version - 1);
            if !(0..=status.schema_version).contains(&target) {
                return Err(Failure::usage(format!("the schema is at version {}; it cannot go back to {target}", status.schema_version)));
            }
            let rows: i64 = status.tables.iter().filter(|table| table.table != "schema_migrations").map(|table| table.rows).sum();
            // The row that writers lock is ours, not the operator's.
            if rows > 1 && !yes {
                return Err(Failure::usage(format!("the database holds {rows} rows; those in the tables that go are lost"))
                    .hint("make a copy, then add --yes"));
            }
            signals::finish_on_stop(context)?;
            let passed = store::migrate(&address, Some(target), context.clock.now())?;
            report(context, &passed, "the schema is at that version already")?;
        }
        Command::Status => {
            signals::end_on_stop(context)?;
            return status(context, &address);
        }
        Command::Check { full, .. } => return care::check(context, *full),
        Command::Optimize => return care::optimize(context),
        Command::Vacuum => return care::vacuum(context),
        Command::Checkpoint { truncate } => return care::checkpoint(context, *truncate),
        Command::Sizes { all } => return care::sizes(context, *all),
        Command::Holders => return care::holders(context),
        Command::Slow { limit } => return care::slow(context, *limit),
    }
    Ok(Outcome::Done)
}

fn report(context: &Context, passed: &[i64], nothing: &str) -> Result<(), Failure> {
    context.out.either(&json!({ "versions": passed }), || {
        if passed.is_empty() {
            return context.out.say(nothing);
        }
        let versions: Vec<String> = passed.iter().map(ToString::to_string).collect();
        context.out.say(format!("done: version {}", versions.join(", ")))
    })
}

fn status(context: &Context, address: &Address) -> Result<Outcome, Failure> {
    let status = store::status(address)?;
    let fits = status.schema_version == status.newest_version;
    let sound = status.integrity_ok != Some(false);
    context.out.either(&status, || {
        let schema = if fits {
            format!("version {}", status.schema_version)
        } else if status.schema_version > status.newest_version {
            format!("version {}, newer than this program's {}", status.schema_version, status.newest_version)
        } else {
            format!("version {} of {}: run `quarterdeck db migrate`", status.schema_version, status.newest_version)
        };
        let integrity = match status.integrity_ok {
            Some(true) => context.out.paint("ok", Tone::Good),
            Some(false) => status.integrity.join("; "),
            None => format!("unknown ({})", status.integrity.join("; ")),
        };
        let mut pairs = vec![
            ("engine", format!("{} {}", status.engine, status.engine_version)),
            ("place", status.place.clone()),
            ("size", bytes(status.size_bytes)),
        ];
        pairs.extend(status.wal_bytes.map(|size| ("log", bytes(size))));
        pairs.extend([("journal", status.journal_mode.clone()), ("schema", schema)]);
        context.out.pairs(&pairs)?;
        context.out.say(format!("integrity  {integrity}"))?;
        context.out.say("")?;
        let mut table = Table::new(&["table", "rows"]).right(1);
        for line in &status.tables {
            table.row([line.table.clone(), line.rows.to_string()]);
        }
        context.out.table(&table, "no tables yet")
    })?;
    tracing::debug!(fits = yes_no(fits), sound = yes_no(sound));
    Ok(if fits && sound { Outcome::Done } else { Outcome::Problems })
}

fn bytes(count: i64) -> String {
    match count {
        0..1_024 => format!("{count} B"),
        1_024..1_048_576 => format!("{:.1} KiB", count as f64 / 1_024.0),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", count as f64 / 1_048_576.0),
        _ => format!("{:.1} GiB", count as f64 / 1_073_741_824.0),
    }
}
