//! `quarterdeck queue retract` and `queue amend`: what a person wishes about something that was sent, and how far it is.

use super::{Desk, Target, decide, editor, show};
use crate::base::{SafeText, clock};
use crate::cli::Failure;
use crate::cli::events::short;
use crate::cli::output::{Output, Tone, age};
use crate::memory::Persona;
use crate::moderation::amendments::{self, Amendment, Kind, Outcome, Wish};
use crate::moderation::screening::{Outgoing, Surroundings};
use crate::moderation::{Item, Mode, State, item, pauses};
use crate::store::Conn;
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `queue retract`.
#[derive(Debug, clap::Args)]
pub(super) struct Retract {
    #[command(flatten)]
    target: Target,
    /// Why.
    #[arg(long, required_unless_present = "cancel")]
    reason: Option<String>,
    /// Take the wish back, when it was not begun.
    #[arg(long, conflicts_with = "reason")]
    cancel: bool,
}

/// Arguments of `queue amend`.
#[derive(Debug, clap::Args)]
pub(super) struct Amend {
    #[command(flatten)]
    target: Target,
    /// The new text.
    #[arg(long, conflicts_with = "file")]
    text: Option<String>,
    /// A file with the new text; `-` reads standard input.
    #[arg(long)]
    file: Option<PathBuf>,
    /// Why.
    #[arg(long, required_unless_present_any = ["confirm", "cancel"])]
    reason: Option<String>,
    /// Confirm, as the second person, the new text that somebody else asked for.
    #[arg(long, conflicts_with_all = ["text", "file", "reason", "cancel"])]
    confirm: bool,
    /// Take the wish back, when it was not begun.
    #[arg(long, conflicts_with_all = ["text", "file", "reason"])]
    cancel: bool,
}

pub(super) fn retract(desk: &Desk<'_>, args: Retract) -> Result<(), Failure> {
    let (persona, item) = desk.find(&args.target.id)?;
    if args.cancel {
        return cancel(desk, persona, &item, Kind::Retract);
    }
    let reason = args.reason.unwrap_or_default();
    let version = args.target.version.or(Some(item.version));
    let owner = persona.clone();
    let wish = decide::decide(desk, persona, &item, version, move |c, on, persona, settings| {
        amendments::ask(c, on, Wish::Retract, &reason, &persona.reddit_username, settings)
    })?;
    promised(desk, &owner, &item, &wish)
}

pub(super) fn amend(desk: &Desk<'_>, args: Amend) -> Result<(), Failure> {
    let (persona, item) = desk.find(&args.target.id)?;
    if args.cancel {
        return cancel(desk, persona, &item, Kind::Amend);
    }
    let owner = persona.clone();
    if args.confirm {
        let wish = decide::decide(desk, persona, &item, args.target.version, |c, on, persona, settings| {
            amendments::confirm(c, on, &persona.reddit_username, settings)
        })?;
        return promised(desk, &owner, &item, &wish);
    }
    // Before the editor opens for nothing.
    amendments::check(Kind::Amend, &item)?;
    let (text, session) = match (args.text, &args.file) {
        (Some(text), _) => (text, None),
        (None, Some(file)) => (decide::read(file)?, None),
        (None, None) => editor::unclaimed(desk, &persona, &item).map(|(text, session)| (text, Some(session)))?,
    };
    let text = text.trim_end().to_owned();
    // The consistency check spoke of another text: it counts as missing.
    let (reason, after) = (args.reason.unwrap_or_default(), text.clone());
    let version = args.target.version.or(Some(item.version));
    let ask = || {
        let (screener, screened, new, at) = (desk.deck.screener()?, item.clone(), text.clone(), desk.context.clock.now());
        let evaluation = desk.deck.db.read_blocking(move |c| {
            let around = Surroundings { consistency: None, tainted: screened.draft_metadata.tainted };
            screener.screen_again(c, &screened, Outgoing { title: screened.title.as_deref(), content: &new }, around, at)
        })?;
        decide::decide(desk, persona, &item, version, move |c, on, persona, settings| {
            let wish = Wish::Amend { text: &text, evaluation: &evaluation };
            amendments::ask(c, on, wish, &reason, &persona.reddit_username, settings)
        })
    };
    let wish = match (ask(), session) {
        (Ok(wish), session) => {
            if let Some(session) = session {
                session.taken_over();
            }
            wish
        }
        (Err(failure), Some(session)) => return Err(session.refused(failure)),
        (Err(failure), None) => return Err(failure),
    };
    if !desk.context.out.is_json() {
        decide::difference(desk, &item.content, &after)?;
    }
    promised(desk, &owner, &item, &wish)
}

fn cancel(desk: &Desk<'_>, persona: Persona, item: &Item, kind: Kind) -> Result<(), Failure> {
    let wish = decide::decide(desk, persona, item, None, move |c, on, _, _| match amendments::open(c, on.persona, on.id)? {
        Some(open) if open.kind != kind => Err(crate::moderation::Error::NoAmendment { id: on.id.to_owned(), wanted: kind.participle() }),
        _ => amendments::cancel(c, on),
    })?;
    told(desk, item, &wish, "taken back; what was sent stays as it is")
}

/// Say who carries the wish out and when, or what stands in its way.
fn promised(desk: &Desk<'_>, persona: &Persona, item: &Item, wish: &Amendment) -> Result<(), Failure> {
    let now = desk.context.clock.now();
    let (owner, account) = (persona.id.clone(), persona.reddit_username.clone());
    let (pause, run) = desk.deck.db.read_blocking(move |c: &mut dyn Conn| -> Result<_, Failure> {
        Ok((pauses::in_force(c, &owner, &account, now)?, crate::agent::runs::get(c, &owner)?))
    })?;
    let id = short(&item.id);
    let what = match wish.kind {
        Kind::Retract => "deletes it and looks whether it is gone",
        Kind::Amend => "changes it and looks whether the new text is there",
    };
    let undo = format!("`quarterdeck queue undo {id}` takes the wish back until then");
    let running = run.is_some_and(|run| matches!(run.state(now), "running" | "stopping"));
    let words = if wish.needs_second_person() {
        format!("recorded; it needs a second person: somebody else says `quarterdeck queue amend {id} --confirm`")
    } else if desk.deck.mode == Mode::DryRun {
        "recorded, and nothing is carried out: this is a dry run (`config show` tells where the mode is set)".to_owned()
    } else if let Some(pause) = pause {
        format!(
            "recorded; a pause stands ({}), and the agent of {} {what} when it is lifted; {undo}",
            pause.reason, persona.reddit_username
        )
    } else if !running {
        let name = &persona.reddit_username;
        format!("recorded, and not done yet: the agent of {name} does not run; when it runs it {what}; {undo}")
    } else {
        let left = wish.next_try_at.map_or(0, |at| (at - now).max(0));
        let when = if left < 1_000 { "at once".to_owned() } else { format!("in {}", clock::duration(left)) };
        format!("recorded; the agent {what} {when}; {undo}")
    };
    told(desk, item, wish, SafeText::line(&words).as_str())
}

pub(super) fn told(desk: &Desk<'_>, item: &Item, wish: &Amendment, words: &str) -> Result<(), Failure> {
    let out = &desk.context.out;
    let (owner, id) = (item.persona_id.clone(), item.id.clone());
    let item = desk.deck.db.read_blocking(move |c| item::load(c, &owner, &id))?;
    out.either(&json!({ "item": item, "amendment": wish }), || out.say(format!("{} {}: {words}", short(&item.id), wish.kind.as_str())))
}

/// The wishes about an item, and which can be had.
pub(super) fn show(out: &Output, item: &Item, wishes: &[Amendment], now: i64) -> Result<(), Failure> {
    if !wishes.is_empty() {
        show::title(out, "after sending")?;
    }
    for wish in wishes {
        let tone = match wish.outcome {
            Some(Outcome::Done) => Tone::Good,
            Some(Outcome::Abandoned) => Tone::Faint,
            Some(Outcome::Refused | Outcome::Failed) => Tone::Bad,
            None => Tone::Warning,
        };
        let who = SafeText::line(&wish.asked_by).as_str().to_owned();
        let second = wish.confirmed_by.as_deref().map(|name| format!(" and {}", SafeText::line(name))).unwrap_or_default();
        out.say(format!(
            "  {}  {} by {who}{second}: {}  {}",
            clock::local(wish.asked_at),
            wish.kind.as_str(),
            SafeText::line(&wish.reason),
            out.paint(&wish.standing(), tone)
        ))?;
        if let Some(message) = &wish.message {
            out.text(&format!("    {}", SafeText::line(message)))?;
        }
        if let Some(at) = wish.next_try_at.filter(|at| *at > now) {
            out.text(&format!("    next try {}", age(at, now)))?;
        }
        if let Some(text) = wish.text.as_deref().filter(|_| wish.outcome != Some(Outcome::Done)) {
            out.text(&format!("    new text ({}):", wish.digest.get(..12).unwrap_or_default()))?;
            out.text(SafeText::new(text).as_str())?;
        }
    }
    if item.state == State::Filtered && wishes.iter().all(|wish| wish.finished_at.is_some()) {
        let id = short(&item.id);
        out.say(format!(
            "\nIt was removed, and nothing is taken back by itself. `quarterdeck queue retract {id} --reason \"…\"` deletes it; a text can be \
             changed with `quarterdeck queue amend {id}` only while it stands in public, so first ask the moderators to put it back."
        ))?;
    }
    Ok(())
}
