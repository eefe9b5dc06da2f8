//! `quarterdeck queue`: what waits for a person, and what a person decides.
//!
//! JSON: a list is `{items: [line…], next: cursor|null}`; `show` is `{item, revisions, attempts, amendments, history, override, policy, labels}`; a
//! decision and `next` are `{item}`, `retract` and `amend` are `{item, amendment}`; `count` is `{total, by: {value: n}}`; `bulk` is
//! `{matched, sample}` without `--yes`, and `{decided, refused: [{id, reason}]}` with it.

mod amend;
mod bulk;
mod count;
mod decide;
mod editor;
mod filters;
mod judges;
mod list;
mod next;
mod quality;
mod show;
mod stats;

use super::{Context, Failure, Outcome, duration};
use crate::base::PersonaId;
use crate::deck::Deck;
use crate::memory::Persona;
use crate::moderation::listing::{By, Sort};
use crate::moderation::quality::{labels::Label, opinions::Opinion};
use crate::moderation::{self, Directive, Item, RejectCode, item};
use crate::store::Conn;
use filters::Filters;
use std::path::PathBuf;

/// Arguments of `quarterdeck queue`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

/// An item, and the version that was seen.
#[derive(Debug, Clone, clap::Args)]
struct Target {
    /// The item: its id, or the last characters of it as `queue list` shows them.
    id: String,
    /// The version you saw; the decision is refused when the item has changed since.
    #[arg(long, value_name = "N")]
    version: Option<i64>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List what waits, oldest first: `quarterdeck queue list --state pending,held`.
    List {
        #[command(flatten)]
        filters: Filters,
        /// In which order: oldest, newest, expiry.
        #[arg(long, value_name = "ORDER", default_value = "oldest")]
        sort: Sort,
        /// How many.
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Go on after this place: the `next` of the page before.
        #[arg(long, value_name = "CURSOR", value_parser = list::cursor)]
        after: Option<(i64, String)>,
    },
    /// Count what waits, by state, persona, subreddit, verdict or rule.
    Count {
        #[command(flatten)]
        filters: Filters,
        /// By what: state, persona, subreddit, verdict, rule.
        #[arg(long, value_name = "WHAT", default_value = "state")]
        by: By,
    },
    /// Claim the oldest item that nobody else has, and show it. Exit code 3 when nothing is left.
    Next {
        #[command(flatten)]
        filters: Filters,
        /// In which order: oldest, newest, expiry.
        #[arg(long, value_name = "ORDER", default_value = "oldest")]
        sort: Sort,
    },
    /// Decide many items at once, each by itself: `quarterdeck queue bulk reject --reason too_weak --text "me too" --yes`.
    Bulk {
        #[command(subcommand)]
        decision: bulk::Decide,
    },
    /// Show one item with everything that a decision rests on.
    Show {
        /// The item.
        id: String,
    },
    /// The numbers of the queue: depth, waiting, decisions, edits, deliveries, survival; each with what it says.
    Stats {
        /// Of the last: 24h, 7d, 30d.
        #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "24h")]
        last: i64,
        /// Your own numbers, for you alone: items, time, hard reading, breaks, golden items.
        #[arg(long)]
        mine: bool,
    },
    /// List the automatic approvals that wait for a second opinion: `quarterdeck queue judge` gives it.
    Sample {
        /// How many.
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
    /// Say whether somebody else's decision, or the machine's, was right: `quarterdeck queue judge 3f2a --verdict overturn --note "…"`.
    Judge {
        /// The item.
        id: String,
        /// agree or overturn.
        #[arg(long, value_name = "VERDICT")]
        verdict: Opinion,
        /// A label as well: good, bad, too_risky, too_weak, off_persona.
        #[arg(long, value_name = "LABEL")]
        label: Option<Label>,
        /// Why.
        #[arg(long)]
        note: Option<String>,
    },
    /// Label a message that was sent: `quarterdeck queue label 3f2a too_weak --note "says nothing new"`.
    Label {
        /// The item.
        id: String,
        /// good, bad, too_risky, too_weak, off_persona.
        label: Label,
        /// Why; the agent reads it, unless the label is good.
        #[arg(long)]
        note: Option<String>,
    },
    /// Cases with a known right decision, which are put among the ordinary items to measure reviewers in private.
    Golden {
        #[command(subcommand)]
        command: quality::Golden,
    },
    /// Claim an item, or renew your claim: nobody else can decide about it meanwhile.
    Claim(Target),
    /// Give a claimed or held item back.
    Release(Target),
    /// Approve an item: it is sent when its undo window is over.
    Approve(Target),
    /// Change the text; it is screened again. Without --text or --file your $EDITOR opens.
    Edit {
        #[command(flatten)]
        target: Target,
        /// The new text.
        #[arg(long, conflicts_with = "file")]
        text: Option<String>,
        /// A file with the new text; `-` reads standard input.
        #[arg(long)]
        file: Option<PathBuf>,
        /// The new title, for a post.
        #[arg(long)]
        title: Option<String>,
        /// Why: the next prompts learn from it when the item is approved.
        #[arg(long, value_name = "WHY")]
        why: Option<String>,
        /// Open this program instead of $EDITOR; it needs no terminal. The item stays yours while it is open.
        #[arg(long, value_name = "COMMAND", conflicts_with_all = ["text", "file"])]
        editor: Option<String>,
    },
    /// Reject an item: `quarterdeck queue reject 3f2a --reason tone --note "too preachy" --then redraft`.
    Reject {
        #[command(flatten)]
        target: Target,
        /// Why: off_topic, wrong, off_persona, tone, rules, too_risky, too_weak, duplicate, other.
        #[arg(long, value_name = "CODE")]
        reason: RejectCode,
        /// A few words that the agent reads.
        #[arg(long)]
        note: Option<String>,
        /// What the agent does then: drop, redraft, mute_thread, mute_user, fix_belief.
        #[arg(long, value_name = "DIRECTIVE", default_value = "drop")]
        then: Directive,
    },
    /// Send an item back to the agent, which writes it again with your note in mind.
    Return {
        #[command(flatten)]
        target: Target,
        /// What to change.
        #[arg(long)]
        note: String,
    },
    /// Set an item aside.
    Hold {
        #[command(flatten)]
        target: Target,
        /// For how long: 30m, 2h, 1d.
        #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse)]
        length: i64,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Hand an item that you claimed to a colleague.
    Give {
        #[command(flatten)]
        target: Target,
        /// The colleague's name.
        #[arg(long, value_name = "NAME")]
        to: String,
    },
    /// Pass an item on to a person who has to decide it.
    Escalate {
        #[command(flatten)]
        target: Target,
        /// Who has to decide.
        #[arg(long, value_name = "NAME")]
        to: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Pass an item over: it is not listed for you any more.
    Skip {
        #[command(flatten)]
        target: Target,
        /// Why.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Take an approval back before the item leaves, or a retract or amend before it is carried out.
    Undo(Target),
    /// Let a blocked draft pass: a senior asks for it, and a second one confirms with the same command. Never with a credential in it.
    Override {
        #[command(flatten)]
        target: Target,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Delete what was sent, and verify that it is gone: `quarterdeck queue retract 3f2a --reason "wrong thread"`.
    Retract(amend::Retract),
    /// Give what was sent another text, and verify that it is there. Without --text or --file your $EDITOR opens.
    Amend(amend::Amend),
    /// Throw a blocked draft away.
    Discard {
        #[command(flatten)]
        target: Target,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Say what became of a delivery that reading could not resolve.
    #[command(group = clap::ArgGroup::new("found").required(true))]
    Resolve {
        #[command(flatten)]
        target: Target,
        /// It is there: its fullname (t1_… or t3_…) or its link.
        #[arg(long, value_name = "FULLNAME|LINK", group = "found")]
        sent: Option<String>,
        /// It is not there: send it again. Somebody else than the approver has to say so.
        #[arg(long, group = "found")]
        resend: bool,
        /// It does not matter any more.
        #[arg(long, group = "found")]
        abandon: bool,
    },
}

/// Run the command.
///
/// # Errors
/// The refusals of the queue, each with who and when.
pub fn run(context: &Context, args: Args) -> Result<Outcome, Failure> {
    let deck = Deck::open(context.settings()?, context.clock.clone())?;
    let desk = Desk { context, deck: &deck };
    match args.command {
        Command::List { filters, sort, limit, after } => list::run(&desk, filters, sort, limit, after),
        Command::Count { filters, by } => count::run(&desk, filters, by),
        Command::Next { filters, sort } => return next::run(&desk, filters, sort),
        Command::Bulk { decision } => return bulk::run(&desk, decision),
        Command::Show { id } => show::run(&desk, &id),
        Command::Retract(retract) => amend::retract(&desk, retract),
        Command::Amend(amend) => amend::amend(&desk, amend),
        Command::Stats { last, mine: false } => stats::run(&desk, last),
        Command::Stats { last, mine: true } => stats::mine(&desk, last),
        Command::Sample { limit } => quality::sample(&desk, limit),
        Command::Judge { id, verdict, label, note } => quality::judge(&desk, &id, verdict, label, note),
        Command::Label { id, label, note } => quality::label(&desk, &id, label, note),
        Command::Golden { command } => quality::golden(&desk, command),
        other => decide::run(&desk, other),
    }?;
    Ok(Outcome::Done)
}

/// Where the subcommands work: the open deck and the options.
struct Desk<'a> {
    context: &'a Context,
    deck: &'a Deck,
}

impl Desk<'_> {
    /// The persona of `--persona`, if it was given.
    fn persona(&self) -> Result<Option<PersonaId>, Failure> {
        let Some(key) = self.context.global.persona.clone() else { return Ok(None) };
        Ok(Some(self.deck.db.read_blocking(move |c| crate::memory::personas::find(c, &key))?.id))
    }

    /// The present, for a decision: refused where the database's server has another.
    fn now_for_a_decision(&self) -> Result<i64, Failure> {
        let now = self.context.clock.now();
        self.deck.db.read_blocking(move |c| moderation::clock::against_server(c, now))?;
        Ok(now)
    }

    /// The item that an id or a part of one names, among those of `--persona`, with its persona.
    fn find(&self, id: &str) -> Result<(Persona, Item), Failure> {
        let (persona, id) = (self.persona()?, id.to_owned());
        Ok(self.deck.db.read_blocking(move |c: &mut dyn Conn| -> moderation::Result<_> {
            let (owner, id) = item::find(c, persona.as_ref(), &id)?;
            Ok((crate::memory::personas::get(c, &owner)?, item::load(c, &owner, &id)?))
        })?)
    }
}
