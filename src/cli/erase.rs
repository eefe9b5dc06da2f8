//! `quarterdeck erase`: taking out all data of one Reddit user, and looking again whether anything is left.

use super::db::care::site;
use super::long;
use super::output::Table;
use super::{Context, Failure, Outcome};
use crate::base::clock;
use crate::upkeep::erasure::{self, Asked, Kept, Touched};

/// Arguments of `quarterdeck erase`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Take a Reddit user out of everything: queue, statements, mutes, search, cache, archives, audit log. They are not written to again.
    /// Exit code 3 when something was kept that somebody has to see to.
    User {
        /// The name, with or without u/.
        name: String,
        /// Only show what would be taken out.
        #[arg(long)]
        dry_run: bool,
        /// Do it: it cannot be taken back.
        #[arg(long)]
        yes: bool,
        /// Take the name out wherever it stands, also where it may be an ordinary word.
        #[arg(long)]
        everywhere: bool,
    },
    /// Look again whether anything of a Reddit user is left. Exit code 3 when something is, also when it was kept for a reason.
    Status {
        /// The name, with or without u/.
        name: String,
        /// Count the name wherever it stands, also where it may be an ordinary word.
        #[arg(long)]
        everywhere: bool,
    },
}

/// Run the command. JSON: the report `{request, touched: [{place, rows}], kept: [{place, rows, why}], …}`, or what is left.
///
/// # Errors
/// As the database, the archives and the backups say.
pub fn run(context: &Context, args: Args) -> Result<Outcome, Failure> {
    let site = site(context)?;
    match args.command {
        Command::User { name, dry_run, yes, everywhere } => {
            if !dry_run && !yes {
                return Err(Failure::usage("an erasure cannot be taken back").hint("look at it with --dry-run, then add --yes"));
            }
            let report = long::run(context, |watcher| erasure::erase(&site, &Asked { name, dry_run, everywhere }, watcher))??;
            context.out.either(&report, || {
                places(context, if dry_run { "would be taken out of" } else { "taken out of" }, &report.touched)?;
                kept(context, &report.kept)?;
                if report.withdrawn > 0 {
                    context.out.say(format!("{} drafts for this person were withdrawn", report.withdrawn))?;
                }
                if report.to_read_again > 0 {
                    let will = if dry_run { "would have" } else { "have" };
                    context.out.say(format!("{} drafts that name this person wait, and {will} to be read again", report.to_read_again))?;
                }
                if dry_run {
                    context.out.say("nothing was changed")
                } else {
                    context.out.text(&format!(
                        "request {}: it stands in the audit log and beside the backups in place of the name",
                        report.request
                    ))
                }
            })?;
            Ok(if dry_run || report.is_complete { Outcome::Done } else { Outcome::Problems })
        }
        Command::Status { name, everywhere } => {
            let left = long::run(context, |watcher| erasure::status(&site, &name, everywhere, watcher))??;
            context.out.either(&left, || {
                match left.erased_at {
                    Some(at) => context.out.say(format!("erased {}", clock::local(at)))?,
                    None => context.out.say("never erased, by the list beside the backups")?,
                }
                places(context, "still in", &left.found)?;
                kept(context, &left.kept)?;
                if left.is_nothing() { context.out.say("nothing of this person is left") } else { Ok(()) }
            })?;
            Ok(if left.is_nothing() { Outcome::Done } else { Outcome::Problems })
        }
    }
}

fn places(context: &Context, heading: &'static str, places: &[Touched]) -> Result<(), Failure> {
    let mut table = Table::new(&[heading, "rows"]).right(1);
    for touched in places {
        table.row([touched.place.clone(), touched.rows.to_string()]);
    }
    if table.is_empty() { Ok(()) } else { context.out.table(&table, "") }
}

fn kept(context: &Context, kept: &[Kept]) -> Result<(), Failure> {
    for kept in kept {
        context.out.text(&format!("kept: {} ({}): {}", kept.place, kept.rows, kept.why))?;
    }
    Ok(())
}
