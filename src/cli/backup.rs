//! `quarterdeck backup`: copies of the whole deck that are known to be whole.

mod passphrase;
mod show;

use super::{Context, Failure, Outcome, long, signals};
use crate::upkeep::Site;
use crate::upkeep::backup::{self, Create, Place, Restore, Restored};
use crate::upkeep::erasure::{self, Asked};
use std::path::PathBuf;
use std::sync::Arc;

/// Arguments of `quarterdeck backup`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a backup while the deck runs, and verify it. Exit code 3 when the database it was made of is damaged.
    Create {
        /// Keep the secrets too, encrypted with a passphrase that is asked for.
        #[arg(long)]
        secrets: bool,
        /// Take the passphrase from the first line of this file, which only its owner may read.
        #[arg(long, value_name = "FILE", requires = "secrets")]
        passphrase_file: Option<PathBuf>,
    },
    /// Every backup: age, size, schema, whether it was verified and drilled.
    List,
    /// Compare a backup with its manifest: files, pages, indexes, references, schema, rows. Exit code 3 when anything differs.
    Verify {
        /// Its name, or the beginning of it; the newest without one.
        name: Option<String>,
    },
    /// Restore a backup into a new place, or in place of the deck that is there.
    #[command(group(clap::ArgGroup::new("place").required(true).args(["to", "in_place", "finish", "take_back"])))]
    Restore(RestoreArgs),
    /// Take away the backups that the settings backup.keep_* do not keep.
    Prune {
        /// Only say which, and why.
        #[arg(long)]
        dry_run: bool,
        /// Take them away.
        #[arg(long, conflicts_with = "dry_run")]
        yes: bool,
    },
    /// Restore a backup into a scratch place and try it there. Exit code 3 when anything is wrong with it.
    Drill {
        /// Its name, or the beginning of it; the newest without one.
        name: Option<String>,
    },
}

/// Arguments of `quarterdeck backup restore`.
#[derive(Debug, clap::Args)]
struct RestoreArgs {
    /// Its name, or the beginning of it; `newest` for the newest.
    #[arg(required_unless_present_any = ["finish", "take_back"], conflicts_with_all = ["finish", "take_back"])]
    name: Option<String>,
    /// Into this directory, which is not there or empty.
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// A backup of PostgreSQL: into a new database of this name on the server of the settings.
    #[arg(long, value_name = "NAME", requires = "to")]
    as_database: Option<String>,
    /// In place of the deck of the settings, which is kept aside. Refused while anything has it open.
    #[arg(long)]
    in_place: bool,
    /// In place: put the configuration files back too.
    #[arg(long, requires = "in_place")]
    configuration: bool,
    /// In place: go.
    #[arg(long, requires = "in_place")]
    yes: bool,
    /// Restore the secrets too, with the passphrase that is asked for.
    #[arg(long, conflicts_with_all = ["finish", "take_back"])]
    secrets: bool,
    /// Take the passphrase from the first line of this file, which only its owner may read.
    #[arg(long, value_name = "FILE", requires = "secrets", conflicts_with_all = ["finish", "take_back"])]
    passphrase_file: Option<PathBuf>,
    /// Erase again who was erased, by the list beside the backups, and came back with the backup.
    #[arg(long, conflicts_with = "take_back")]
    apply_erasures: bool,
    /// Finish a restore in place that was interrupted.
    #[arg(long)]
    finish: bool,
    /// Go back to the old deck after a restore in place was interrupted.
    #[arg(long)]
    take_back: bool,
}

/// Run the command. JSON: what was made, listed, found or done, as one object.
///
/// # Errors
/// As the file system, the database and the backup say.
pub fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    let site = Site { settings: Arc::new(context.settings()?), clock: context.clock.clone(), actor: context.actor()? };
    match &args.command {
        Command::Create { secrets, passphrase_file } => {
            let passphrase = if *secrets { Some(passphrase::new(passphrase_file.as_deref())?) } else { None };
            let asked = Create { passphrase };
            let made = long::run(context, |watcher| backup::create(&site, &asked, watcher))??;
            show::created(context, &made)
        }
        Command::List => show::list(context, &site, &backup::list(&site)?),
        Command::Verify { name } => {
            let name = name.as_deref().unwrap_or("newest");
            let found = long::run(context, |watcher| backup::verify(&site, name, watcher))??;
            show::verified(context, &found)
        }
        Command::Restore(args) => restore(context, &site, args),
        Command::Prune { dry_run, yes } => {
            if !dry_run && !yes {
                return Err(Failure::usage("backups are taken away for good").hint("look with --dry-run, then add --yes"));
            }
            // A backup that is taken away is taken away whole, and written down.
            signals::finish_on_stop(context)?;
            show::pruned(context, &site, &backup::prune(&site, *dry_run)?)
        }
        Command::Drill { name } => {
            let found = long::run(context, |watcher| backup::drill(&site, name.as_deref(), watcher))??;
            show::drilled(context, &found)
        }
    }
}

fn restore(context: &Context, site: &Site, args: &RestoreArgs) -> Result<Outcome, Failure> {
    if args.finish || args.take_back {
        signals::finish_on_stop(context)?;
        let mut resumed = backup::resume(site, args.finish)?;
        if args.apply_erasures {
            erase_again(context, site, &mut resumed.to_erase, &mut resumed.notes)?;
        }
        return show::resumed(context, &resumed);
    }
    let place = match &args.to {
        Some(dir) => Place::New { dir: dir.clone(), database: args.as_database.clone() },
        None if !args.yes => {
            return Err(Failure::usage("what was written since that backup is then only in the deck that is kept aside")
                .hint("stop the deck, then add --yes; or restore into a new place with --to DIR and look at it first"));
        }
        None => Place::InPlace { configuration: args.configuration },
    };
    let passphrase = if args.secrets { Some(passphrase::known(args.passphrase_file.as_deref())?) } else { None };
    let name = args.name.clone().unwrap_or_default();
    let asked = Restore { name, place, passphrase };
    let mut restored = long::run(context, |watcher| backup::restore(site, &asked, watcher))??;
    if args.apply_erasures {
        match there(site, &asked.place, &restored) {
            Some(there) => erase_again(context, &there, &mut restored.to_erase, &mut restored.notes)?,
            None => {
                let note = "the erasures are not applied to the new database on the server: name it with --database";
                restored.notes.push(note.to_owned());
            }
        }
    }
    show::restored(context, site, &asked, &restored)
}

/// The deck that was restored; none for a new database on a server.
fn there(site: &Site, place: &Place, restored: &Restored) -> Option<Site> {
    let mut settings = (*site.settings).clone();
    match place {
        Place::InPlace { .. } => return Some(site.clone()),
        Place::New { database: Some(_), .. } => return None,
        Place::New { dir, database: None } => {
            settings.database = format!("sqlite:{}", restored.database);
            settings.data_dir = std::path::absolute(dir).unwrap_or_else(|_| dir.clone());
        }
    }
    Some(Site { settings: Arc::new(settings), ..site.clone() })
}

/// Erase who was erased before and came back with a backup, in the deck that was restored.
fn erase_again(context: &Context, there: &Site, to_erase: &mut Vec<String>, notes: &mut Vec<String>) -> Result<(), Failure> {
    for name in std::mem::take(to_erase) {
        let asked = Asked { name, dry_run: false, everywhere: false };
        let report = long::run(context, |watcher| erasure::erase(there, &asked, watcher))??;
        notes.push(format!("request {}: erased again", report.request));
    }
    Ok(())
}
