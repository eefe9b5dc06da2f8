//! Changes of a belief that a person makes.

use super::{Because, Command, Desk, words};
use crate::base::SafeText;
use crate::cli::events::short;
use crate::cli::{Failure, Outcome};
use crate::memory::beliefs::{self, BeliefEdit, NewBelief};
use crate::memory::revisions::{self, Weighed};
use crate::memory::short_ids::Named;
use crate::memory::stances::StanceChange;
use crate::memory::{Trigger, edges, evidence, stances, undo};
use crate::moderation::Right;
use serde_json::json;

/// A belief to be taken up.
#[derive(Debug, clap::Args)]
pub(super) struct Create {
    /// What it is about.
    title: String,
    /// What it says, in a sentence or two.
    #[arg(long, value_name = "TEXT")]
    summary: String,
    /// 0 to 1.
    #[arg(long)]
    confidence: f64,
    /// What the persona says about it; the summary, when it is left out.
    #[arg(long, value_name = "TEXT")]
    stance: Option<String>,
    /// A tag; may be repeated.
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    #[command(flatten)]
    because: Because,
}

/// What to change about a belief itself.
#[derive(Debug, clap::Args)]
pub(super) struct Edit {
    /// The belief.
    belief: String,
    /// Another title.
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Another summary.
    #[arg(long, value_name = "TEXT")]
    summary: Option<String>,
    /// The tags it has from now on; may be repeated.
    #[arg(long = "tag", value_name = "TAG", conflicts_with = "no_tags")]
    tags: Vec<String>,
    /// Without tags from now on.
    #[arg(long)]
    no_tags: bool,
    #[command(flatten)]
    because: Because,
}

pub(super) fn run(desk: &Desk<'_>, command: Command) -> Result<Outcome, Failure> {
    let right = Right::Decide;
    match command {
        Command::Create(new) => create(desk, new)?,
        Command::Edit(asked) => edit(desk, asked)?,
        Command::Nudge { belief, direction, amount, reason } => {
            let id = desk.belief(&belief)?;
            let change = desk
                .write(right, move |c, persona, author| revisions::nudge(c, persona, &id, direction, amount, reason.as_deref(), author))?;
            moved(desk, &change)?;
        }
        Command::Set { belief, confidence, stance, because } => {
            let id = desk.belief(&belief)?;
            let change = desk.write(right, move |c, persona, author| {
                revisions::update_by_hand(c, persona, &id, confidence, stance.as_deref(), &because.reason, author)
            })?;
            moved(desk, &change)?;
        }
        Command::Lock { belief, because } => {
            let id = desk.belief(&belief)?;
            let stance = desk.write(right, move |c, persona, author| stances::lock(c, persona, &id, &because.reason, author))?;
            told(desk, &json!({ "stance_id": stance, "locked": true }), "⊘ locked: nothing moves it until it is unlocked")?;
        }
        Command::Unlock { belief, because } => {
            let id = desk.belief(&belief)?;
            let stance = desk.write(right, move |c, persona, author| stances::unlock(c, persona, &id, &because.reason, author))?;
            told(desk, &json!({ "stance_id": stance, "locked": false }), "unlocked")?;
        }
        Command::Link { source, relation, target, weight } => {
            let (source, target) = (desk.belief(&source)?, desk.belief(&target)?);
            let edge = desk.write(right, move |c, persona, author| edges::add(c, persona, &source, &target, relation, weight, author))?;
            told(desk, &json!({ "edge": edge }), &format!("linked as {}: {} {:.2}", short(&edge.id), relation.words(), edge.weight))?;
        }
        Command::Unlink { edge } => {
            let id = desk.find(Named::Edge, &edge)?;
            let edge = desk.write(right, move |c, persona, author| edges::remove(c, persona, &id, author))?;
            told(desk, &json!({ "removed": edge }), &format!("unlinked {}", short(&edge.id)))?;
        }
        Command::Evidence { belief, source, reference, strength, weigh, reason } => {
            let id = desk.belief(&belief)?;
            match weigh {
                None => {
                    let added = desk
                        .write(right, move |c, persona, author| evidence::append(c, persona, &id, source, &reference, strength, author))?;
                    told(desk, &json!({ "evidence_id": added }), &format!("{strength} evidence added; confidence stays"))?;
                }
                Some(direction) => {
                    let reason = reason.unwrap_or_default();
                    let change = desk.write(right, move |c, persona, author| {
                        let weighed = Weighed { source_type: source, source_ref: &reference, strength, direction };
                        revisions::weigh_source(c, persona, &id, &weighed, &reason, author)
                    })?;
                    moved(desk, &change)?;
                }
            }
        }
        Command::Undo { belief, change, because } => {
            let id = desk.belief(&belief)?;
            let change = change.map(|change| desk.find(Named::Change, &change)).transpose()?;
            let undone =
                desk.write(right, move |c, persona, author| undo::undo(c, persona, &id, change.as_deref(), &because.reason, author))?;
            let what = undone.update.action.clone().unwrap_or_default();
            told(desk, &json!(undone), &format!("taken back: {what} {}; the history keeps both", short(&undone.update.id)))?;
        }
        // The rest is answered elsewhere.
        _ => {}
    }
    Ok(Outcome::Done)
}

fn create(desk: &Desk<'_>, new: Create) -> Result<(), Failure> {
    let belief = desk.write(Right::Decide, move |c, persona, author| {
        let belief = NewBelief {
            title: &new.title,
            summary: &new.summary,
            confidence: new.confidence,
            tags: &new.tags,
            stance: new.stance.as_deref().unwrap_or(&new.summary),
            rationale: &new.because.reason,
        };
        beliefs::create(c, persona, &belief, Trigger::Manual, author)
    })?;
    told(
        desk,
        &json!({ "belief": belief }),
        &format!("{}  {}  {}", short(&belief.id), words::bar(belief.confidence), SafeText::line(&belief.title)),
    )
}

fn edit(desk: &Desk<'_>, asked: Edit) -> Result<(), Failure> {
    let id = desk.belief(&asked.belief)?;
    let belief = desk.write(Right::Decide, move |c, persona, author| {
        let tags = (asked.no_tags || !asked.tags.is_empty()).then_some(asked.tags.as_slice());
        let edit = BeliefEdit { title: asked.title.as_deref(), summary: asked.summary.as_deref(), tags };
        beliefs::edit(c, persona, &id, &edit, &asked.because.reason, author)
    })?;
    told(desk, &json!({ "belief": belief }), &format!("{} is {}", short(&belief.id), SafeText::line(&belief.title)))
}

/// The change that really came of it, not the one that was asked for.
fn moved(desk: &Desk<'_>, change: &StanceChange) -> Result<(), Failure> {
    let from = words::number(change.old_confidence);
    told(desk, &json!({ "change": change }), &format!("confidence {from} -> {}", words::bar(Some(change.new_confidence))))
}

fn told(desk: &Desk<'_>, value: &serde_json::Value, words: &str) -> Result<(), Failure> {
    desk.context.out.either(value, || desk.context.out.say(words))
}
