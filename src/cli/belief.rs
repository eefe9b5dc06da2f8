//! `quarterdeck belief`: what a persona believes, why, since when, and what it said about it.
//!
//! JSON: `list` is `{beliefs: [row…]}`; `show` is the belief with its stances, evidence, posts, relations, updates, suggestions and contradictions;
//! `history` is `{updates, next}`; `at` is `{at, nodes, edges}`; `diff` is `{from, to, added, removed, changed, edges_added, edges_removed}`;
//! `contradictions` is `{contradictions}`; `suggestions` is `{suggestions, proposals}`; a change is what became of it; `export` is the document.
//!
//! Exit code 3: `contradictions` found some, or `import` found problems and wrote nothing.

mod change;
mod document;
mod look;
mod past;
mod suggest;
pub(super) mod time;
mod words;

use super::{Context, Failure, Outcome};
use crate::base::{Millis, PersonaId};
use crate::deck::Deck;
use crate::memory::edges::Relation;
use crate::memory::evidence::SourceType;
use crate::memory::short_ids::{self, Named};
use crate::memory::{self, Author, Direction, Persona, Strength};
use crate::moderation::{self, Right, roles};
use crate::store::Conn;
use crate::store::audit::Actor;
use std::path::PathBuf;

/// Arguments of `quarterdeck belief`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

/// Why something is changed.
#[derive(Debug, Clone, clap::Args)]
struct Because {
    /// Why; it is kept in the history.
    #[arg(long = "because", value_name = "REASON")]
    reason: String,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the beliefs with confidence, drift, tags and how much rests on them.
    List(look::List),
    /// Show a belief with everything that belongs to it.
    Show {
        /// The belief: its id, the first or last characters of it, or its title.
        belief: String,
        /// As it was then: `2026-11-01`, `2026-11-01T14:00:00Z`, or `7d` for seven days ago.
        #[arg(long, value_name = "TIME")]
        at: Option<time::Time>,
    },
    /// Take up a belief: `quarterdeck belief create "Ferries" --summary "…" --confidence 0.6 --because "…"`.
    Create(change::Create),
    /// Change the title, summary or tags of a belief.
    Edit(change::Edit),
    /// Move a belief a little: `quarterdeck belief nudge 3f2a increase`.
    Nudge {
        /// The belief.
        belief: String,
        /// increase or decrease.
        direction: Direction,
        /// Above 0, at most 0.5; it chooses how strong a piece of evidence it counts as.
        #[arg(long, default_value_t = 0.1)]
        amount: f64,
        /// Why.
        #[arg(long = "because", value_name = "REASON")]
        reason: Option<String>,
    },
    /// Set an exact confidence, a new stance text, or both.
    Set {
        /// The belief.
        belief: String,
        /// 0 to 1.
        #[arg(long)]
        confidence: Option<f64>,
        /// What the persona says about it from now on.
        #[arg(long, value_name = "TEXT")]
        stance: Option<String>,
        #[command(flatten)]
        because: Because,
    },
    /// Let nothing move a belief until it is unlocked.
    Lock {
        /// The belief.
        belief: String,
        #[command(flatten)]
        because: Because,
    },
    /// Let a belief move again.
    Unlock {
        /// The belief.
        belief: String,
        #[command(flatten)]
        because: Because,
    },
    /// Join two beliefs: `quarterdeck belief link 3f2a supports 77c0`.
    Link {
        /// Where the edge starts.
        source: String,
        /// supports, contradicts, depends_on or evidence_for.
        relation: Relation,
        /// Where it ends.
        target: String,
        /// 0 to 1.
        #[arg(long, default_value_t = 0.5)]
        weight: f64,
    },
    /// Take an edge away. The graph of an earlier time still has it.
    Unlink {
        /// The edge, as `belief show` names it.
        edge: String,
    },
    /// Add evidence, and weigh it if you like: `quarterdeck belief evidence 3f2a external_link https://… --strength strong --weigh increase`.
    Evidence {
        /// The belief.
        belief: String,
        /// reddit_comment, external_link or note.
        source: SourceType,
        /// A fullname, an address, or the note itself.
        reference: String,
        /// weak, moderate or strong.
        #[arg(long)]
        strength: Strength,
        /// Let the belief move by it: increase or decrease. Without it confidence stays.
        #[arg(long, value_name = "DIRECTION")]
        weigh: Option<Direction>,
        /// Why it counts; needed with --weigh.
        #[arg(long = "because", value_name = "REASON", required_if_eq_any([("weigh", "increase"), ("weigh", "decrease")]))]
        reason: Option<String>,
    },
    /// Every change of a belief, newest first.
    History {
        /// The belief.
        belief: String,
        /// How many.
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Go on after this place: the `next` of the page before.
        #[arg(long, value_name = "CURSOR", value_parser = past::cursor)]
        after: Option<(i64, String)>,
    },
    /// The whole graph as it was.
    At {
        /// `2026-11-01`, `2026-11-01T14:00:00Z`, or `7d` for seven days ago.
        time: time::Time,
        /// Only as far as this deck knew at that time: history that was imported later is left out.
        #[arg(long, value_name = "TIME")]
        known_by: Option<time::Time>,
    },
    /// What changed between two times, or from one until now.
    Diff {
        /// From.
        from: time::Time,
        /// Until; now, when it is left out.
        to: Option<time::Time>,
    },
    /// What evidence led to which stance, and what was said from it.
    Chain {
        /// The belief.
        belief: String,
    },
    /// Beliefs that are both held high and cannot both be right. Exit code 3 when there are any.
    Contradictions {
        /// As it was then.
        #[arg(long, value_name = "TIME")]
        at: Option<time::Time>,
    },
    /// What waits for a person: suggested edges, conflicts, and belief changes that wait with a draft.
    Suggestions {
        /// Also what was decided.
        #[arg(long)]
        all: bool,
    },
    /// Ask the model how a belief bears on others; what it suggests waits for a person.
    Suggest {
        /// The belief.
        belief: String,
    },
    /// Accept a suggestion or a conflict.
    Accept {
        /// The suggestion, as `belief suggestions` names it.
        suggestion: String,
        #[command(flatten)]
        because: Because,
    },
    /// Refuse a suggestion or a conflict.
    Refuse {
        /// The suggestion.
        suggestion: String,
        #[command(flatten)]
        because: Because,
    },
    /// Import a document that `export` wrote: all of it, or nothing.
    Import {
        /// The file; `-` for standard input.
        file: PathBuf,
        /// Check it, and write nothing.
        #[arg(long)]
        dry_run: bool,
        /// Why.
        #[arg(long = "because", value_name = "REASON", default_value = "imported")]
        reason: String,
    },
    /// Print all beliefs with their whole history as JSON.
    Export {
        /// Write it to this file, which must not be there yet.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Take a change back by one the other way: the newest one that can be, or `--change ID`.
    Undo {
        /// The belief.
        belief: String,
        /// The change, as `belief history` names it.
        #[arg(long, value_name = "ID")]
        change: Option<String>,
        #[command(flatten)]
        because: Because,
    },
}

/// Run the command.
///
/// # Errors
/// As the rules of beliefs, the roles and the database say.
pub fn run(context: &Context, args: Args) -> Result<Outcome, Failure> {
    let deck = Deck::open(context.settings()?, context.clock.clone())?;
    let persona = persona(context, &deck)?;
    let desk = Desk { context, deck: &deck, persona, now: context.clock.now() };
    match args.command {
        Command::List(list) => look::list(&desk, &list),
        Command::Show { belief, at } => look::show(&desk, &belief, at),
        Command::History { belief, limit, after } => past::history(&desk, &belief, limit, after),
        Command::At { time, known_by } => past::at(&desk, time, known_by),
        Command::Diff { from, to } => past::diff(&desk, from, to),
        Command::Chain { belief } => past::chain(&desk, &belief),
        Command::Contradictions { at } => look::contradictions(&desk, at),
        Command::Suggestions { all } => suggest::list(&desk, all),
        Command::Suggest { belief } => suggest::ask(&desk, &belief),
        Command::Accept { suggestion, because } => suggest::accept(&desk, &suggestion, because.reason),
        Command::Refuse { suggestion, because } => suggest::refuse(&desk, &suggestion, because.reason),
        Command::Import { file, dry_run, reason } => document::import(&desk, &file, dry_run, reason),
        Command::Export { output } => document::export(&desk, output.as_deref()),
        change => change::run(&desk, change),
    }
}

/// What each part of the command works with.
struct Desk<'a> {
    context: &'a Context,
    deck: &'a Deck,
    persona: Persona,
    now: Millis,
}

impl Desk<'_> {
    /// Read about the persona.
    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Conn, &PersonaId) -> memory::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let persona = self.persona.id.clone();
        Ok(self.deck.db.read_blocking(move |c: &mut dyn Conn| work(c, &persona))?)
    }

    /// Change something of the persona, as the person who asks and who has the right.
    fn write<T: Send + 'static>(
        &self,
        right: Right,
        work: impl FnOnce(&mut dyn Conn, &PersonaId, &Author<'_>) -> memory::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let (persona, actor, now): (PersonaId, Actor, Millis) = (self.persona.id.clone(), self.context.actor()?, self.now);
        Ok(self.deck.db.write_blocking(move |c: &mut dyn Conn| -> moderation::Result<T> {
            roles::require(c, &actor, right)?;
            Ok(work(c, &persona, &Author::new(&actor, now))?)
        })?)
    }

    /// The full id of what a person named.
    fn find(&self, named: Named, short: &str) -> Result<String, Failure> {
        let short = short.to_owned();
        self.read(move |c, persona| short_ids::resolve(c, persona, named, &short))
    }

    fn belief(&self, short: &str) -> Result<String, Failure> {
        self.find(Named::Belief, short)
    }
}

/// The persona that was named, or the only one there is.
fn persona(context: &Context, deck: &Deck) -> Result<Persona, Failure> {
    if let Some(key) = context.global.persona.clone() {
        return Ok(deck.db.read_blocking(move |c| memory::personas::find(c, &key))?);
    }
    let mut personas = deck.db.read_blocking(memory::personas::list)?;
    match personas.len() {
        0 => Err(Failure::failed("there is no persona yet").hint("add one with `quarterdeck persona add NAME`, or try `quarterdeck seed`")),
        1 => Ok(personas.remove(0)),
        several => {
            let names: Vec<String> = personas.iter().map(|persona| persona.reddit_username.clone()).collect();
            Err(Failure::usage(format!("there are {several} personas, and none was named"))
                .hint(format!("add --persona: {}", names.join(", "))))
        }
    }
}
