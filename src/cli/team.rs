//! `quarterdeck team`: who reviews, and what each of them may do.

use super::output::{Table, age};
use super::{Context, Failure, Outcome};
use crate::deck::Deck;
use crate::moderation::roles::{self, Role, Team};
use crate::store::Conn;
use serde_json::json;

/// Arguments of `quarterdeck team`. Without a subcommand it lists.
#[derive(Debug, clap::Args)]
#[command(after_help = "Roles, each with what those before it may:
  watcher   reads
  reviewer  claims, edits, approves, rejects, returns, holds, hands over, passes on, takes the own approval back, pauses
  senior    overrides and discards blocked drafts, resolves lost deliveries, decides for others, changes personas and what was sent
  admin     names roles, turns rules on and off, lets a persona post by itself, resumes, acknowledges

While nobody is listed, everybody may do everything. A name given with --as is a claim, not a proof.")]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List who is what, and what whoever is not listed may do.
    List,
    /// Give a person a role: `quarterdeck team set ana reviewer`. The first one has to be an admin.
    Set {
        /// The name they review under: their login, or what they give with --as.
        name: String,
        /// watcher, reviewer, senior, admin.
        role: Role,
    },
    /// Take a person off the list.
    Remove {
        /// The name.
        name: String,
    },
    /// Say what whoever is not listed may do; at first they are watchers.
    Unlisted {
        /// watcher, reviewer, senior.
        role: Role,
    },
}

/// Run the command. JSON: `{members: [{name, role, added_by, added_at, changed_at}], unlisted: role|null}`, as it stands afterwards.
///
/// # Errors
/// When the role of who asks does not allow it, and when no admin would be left.
pub fn run(context: &Context, args: Args) -> Result<Outcome, Failure> {
    let deck = Deck::open(context.settings()?, context.clock.clone())?;
    let now = context.clock.now();
    let did = match args.command {
        None | Some(Command::List) => None,
        Some(Command::Set { name, role }) => {
            let (actor, who) = (context.actor()?, name.clone());
            deck.db.write_blocking(move |c: &mut dyn Conn| roles::set(c, &who, role, &actor, now))?;
            Some(format!("{name} is {role}"))
        }
        Some(Command::Remove { name }) => {
            let (actor, who) = (context.actor()?, name.clone());
            deck.db.write_blocking(move |c: &mut dyn Conn| roles::remove(c, &who, &actor, now))?;
            Some(format!("{name} is not listed any more"))
        }
        Some(Command::Unlisted { role }) => {
            let actor = context.actor()?;
            deck.db.write_blocking(move |c: &mut dyn Conn| roles::set_unlisted(c, role, &actor, now))?;
            Some(format!("whoever is not listed is {role}"))
        }
    };
    let team = deck.db.read_blocking(roles::team)?;
    context.out.either(&team_json(&team), || {
        if let Some(did) = &did {
            context.out.say(did)?;
            return warn_about_yourself(context, &team);
        }
        let mut table = Table::new(&["name", "role", "listed by", "since"]);
        for member in &team.members {
            table.row([member.name.clone(), member.role.to_string(), member.added_by.clone(), age(member.added_at, now)]);
        }
        context.out.table(&table, "nobody is listed: everybody may do everything. `quarterdeck team set NAME admin` begins a team")?;
        match team.unlisted {
            Some(role) => context.out.say(format!("\nwhoever is not listed is {role} (`quarterdeck team unlisted ROLE` changes that)")),
            None => Ok(()),
        }
    })?;
    Ok(Outcome::Done)
}

fn team_json(team: &Team) -> serde_json::Value {
    json!({ "members": team.members, "unlisted": team.unlisted })
}

/// Who lists somebody else first is not listed, and may find that out too late.
fn warn_about_yourself(context: &Context, team: &Team) -> Result<(), Failure> {
    let you = context.operator()?;
    match team.role(&you) {
        Some(role) if !team.members.iter().any(|member| member.name == you) => {
            context.out.say(format!("you ({you}) are not listed, and are {role} from now on"))
        }
        _ => Ok(()),
    }
}
