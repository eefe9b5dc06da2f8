//! What a person decides about one item.

use super::{Command, Desk, Target, editor};
use crate::base::{SafeText, clock};
use crate::cli::output::Tone;
use crate::cli::{Failure, events::short};
use crate::memory::Persona;
use crate::moderation::decisions::Resolution;
use crate::moderation::screening::{Outgoing, Surroundings};
use crate::moderation::{self, Item, Mode, On, PostType, Settings, State, amendments, decisions, judged, overrides, queue, team};
use crate::store::Conn;
use serde_json::json;
use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

pub(super) fn run(desk: &Desk<'_>, command: Command) -> Result<(), Failure> {
    match command {
        Command::List { .. }
        | Command::Show { .. }
        | Command::Stats { .. }
        | Command::Count { .. }
        | Command::Next { .. }
        | Command::Bulk { .. }
        | Command::Retract(_)
        | Command::Amend(_)
        | Command::Sample { .. }
        | Command::Judge { .. }
        | Command::Label { .. }
        | Command::Golden { .. } => Ok(()),
        Command::Claim(target) => {
            let before = desk.find(&target.id)?.1;
            let item = act(desk, &target, |c, on, _, settings| queue::claim(c, on, settings))?;
            let until = item.lease_until.map(clock::local).unwrap_or_default();
            let taken = taken_over(&before, &item);
            told(desk, &item, &format!("claimed until {until}{taken}; `queue show {}` has the case", short(&item.id)))
        }
        Command::Release(target) => {
            let item = act(desk, &target, |c, on, _, _| queue::release(c, on))?;
            told(desk, &item, "back in the queue")
        }
        Command::Approve(target) => approve(desk, &target),
        Command::Edit { target, text, file, title, why, editor } => {
            let source = match (text, &file) {
                (Some(text), _) => Source::Text(text),
                (None, Some(file)) => Source::File(file),
                (None, None) => Source::Editor(editor.as_deref()),
            };
            edit(desk, &target, source, title, why)
        }
        Command::Reject { target, reason, note, then } => {
            let item = act(desk, &target, move |c, on, _, settings| decisions::reject(c, on, reason, then, note.as_deref(), settings))?;
            told(desk, &item, &format!("rejected ({reason}); the agent will {}", promise(then)))
        }
        Command::Return { target, note } => {
            let item = act(desk, &target, move |c, on, _, settings| queue::return_to_agent(c, on, &note, settings))?;
            told(desk, &item, "back with the agent, which writes it again in its next cycle")
        }
        Command::Hold { target, length, reason } => {
            let until = desk.context.clock.now() + length;
            let item = act(desk, &target, move |c, on, _, _| queue::hold(c, on, until, &reason))?;
            told(desk, &item, &format!("held until {}", clock::local(until)))
        }
        Command::Give { target, to } => {
            let name = to.clone();
            let item = act(desk, &target, move |c, on, _, settings| team::hand_over(c, on, &name, settings))?;
            told(desk, &item, &format!("{to} has it now, until {}", item.lease_until.map(clock::local).unwrap_or_default()))
        }
        Command::Escalate { target, to, reason } => {
            let name = to.clone();
            let item = act(desk, &target, move |c, on, _, _| team::escalate(c, on, &name, &reason))?;
            told(desk, &item, &format!("passed on; only {to} can decide it now"))
        }
        Command::Skip { target, reason } => {
            let item = act(desk, &target, move |c, on, _, _| team::skip(c, on, reason.as_deref()))?;
            told(desk, &item, "passed over; `queue list --skipped` still shows it to you")
        }
        Command::Undo(target) => {
            let (item, wish) = act(desk, &target, |c, on, _, _| amendments::undo(c, on))?;
            match wish {
                Some(wish) => super::amend::told(desk, &item, &wish, "taken back; what was sent stays as it is"),
                None => told(desk, &item, "taken back; nothing has left, and it waits in the queue again"),
            }
        }
        Command::Override { target, reason } => {
            let (item, wish) = act(desk, &target, move |c, on, _, _| overrides::ask_or_confirm(c, on, &reason))?;
            let (out, id) = (&desk.context.out, short(&item.id));
            out.either(&json!({ "item": item, "override": wish }), || match &wish.confirmed_by {
                Some(_) => out.say(format!("{id} overridden: it waits for approval like any other; an edit ends the override")),
                None => out.say(format!(
                    "{id} stays blocked until a second senior confirms: `quarterdeck --as NAME queue override {id} --reason …`"
                )),
            })
        }
        Command::Discard { target, reason } => {
            let item = act(desk, &target, move |c, on, _, _| decisions::discard(c, on, &reason))?;
            told(desk, &item, "discarded")
        }
        Command::Resolve { target, sent, resend, .. } => {
            let resolution = match sent {
                Some(link) => Resolution::Sent { fullname: fullname(&link, desk.find(&target.id)?.1.post_type)? },
                None if resend => Resolution::Resend,
                None => Resolution::Abandon,
            };
            let item = act(desk, &target, move |c, on, _, settings| decisions::resolve(c, on, &resolution, settings))?;
            let words = match item.state {
                State::Confirmed => "recorded as sent",
                State::Scheduled => "scheduled again, with its undo window",
                _ => "given up",
            };
            told(desk, &item, words)
        }
    }
}

/// Run a decision in one transaction, on the version that the caller named or on the one that was just read.
fn act<T: Send + 'static>(
    desk: &Desk<'_>,
    target: &Target,
    work: impl FnOnce(&mut dyn Conn, &On<'_>, &Persona, &Settings) -> moderation::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    let (persona, item) = desk.find(&target.id)?;
    decide(desk, persona, &item, target.version, work)
}

pub(super) fn decide<T: Send + 'static>(
    desk: &Desk<'_>,
    persona: Persona,
    item: &Item,
    version: Option<i64>,
    work: impl FnOnce(&mut dyn Conn, &On<'_>, &Persona, &Settings) -> moderation::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    let (actor, at) = (desk.context.actor()?, desk.now_for_a_decision()?);
    let (id, settings) = (item.id.clone(), desk.deck.moderation());
    let done = desk
        .deck
        .db
        .write_blocking(move |c| work(c, &On { persona: &persona.id, id: &id, version, actor: &actor, at }, &persona, &settings));
    Ok(done?)
}

/// Whose claim ended before this one, for it was given back by nobody: ` (bob had it until …)`.
fn taken_over(before: &Item, now: &Item) -> String {
    match (&before.lease_holder, before.lease_until) {
        (Some(holder), Some(until)) if before.state == State::Claimed && now.lease_holder.as_ref() != Some(holder) => {
            format!(" ({holder} had it until {})", clock::local(until))
        }
        _ => String::new(),
    }
}

pub(super) fn told(desk: &Desk<'_>, item: &Item, words: &str) -> Result<(), Failure> {
    let out = &desk.context.out;
    out.either(&json!({ "item": item }), || out.say(format!("{} {words}", short(&item.id))))
}

fn promise(directive: moderation::Directive) -> &'static str {
    match directive {
        moderation::Directive::Drop => "leave this post alone",
        moderation::Directive::Redraft => "write one more draft with your note in mind",
        moderation::Directive::MuteThread => "leave the whole thread alone",
        moderation::Directive::MuteUser => "leave this person alone",
        moderation::Directive::FixBelief => "leave this post alone; the belief is marked to be looked after",
    }
}

fn approve(desk: &Desk<'_>, target: &Target) -> Result<(), Failure> {
    let item = act(desk, target, |c, on, persona, settings| decisions::approve(c, on, &persona.reddit_username, settings))?;
    let leaves = item.not_before.map_or_else(String::new, |at| clock::duration(at - desk.context.clock.now()));
    let id = short(&item.id);
    let words = match desk.deck.mode {
        _ if item.state == State::Pending => "approved by you; it needs a second person, and is sent when that one approves too".to_owned(),
        Mode::DryRun => "approved, and nothing is sent: this is a dry run. Mode `live` asks for a new approval (`config show` tells where the mode is set)".to_owned(),
        Mode::Sandbox | Mode::Live => {
            format!("approved; an agent that runs sends it in {leaves}. `quarterdeck queue undo {id}` takes it back until then")
        }
    };
    told(desk, &item, &words)
}

/// Where the new text comes from.
enum Source<'a> {
    Text(String),
    File(&'a Path),
    Editor(Option<&'a str>),
}

fn edit(desk: &Desk<'_>, target: &Target, source: Source<'_>, title: Option<String>, why: Option<String>) -> Result<(), Failure> {
    let (persona, item) = desk.find(&target.id)?;
    let seen = target.version.or(Some(item.version));
    let (content, version, session) = match source {
        Source::Text(text) => (text, seen, None),
        Source::File(file) => (read(file)?, seen, None),
        Source::Editor(program) => {
            if program.is_none() && !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
                return Err(Failure::usage("there is no terminal for an editor").hint("give the text with --text or --file"));
            }
            let (content, session) = editor::open(desk, &persona, &item, seen, program)?;
            (content, session.version(), Some(session))
        }
    };
    let content = content.trim_end().to_owned();
    if content == item.content && title.as_deref().is_none_or(|title| Some(title) == item.title.as_deref()) {
        if let Some(session) = session {
            session.nothing_changed(desk);
        }
        return told(desk, &item, "not changed");
    }
    // The consistency check spoke of another text: it counts as missing, and the item stays one for a person.
    let heading = title.clone().or_else(|| item.title.clone());
    let (screener, at) = (desk.deck.screener()?, desk.context.clock.now());
    let (screened, text) = (item.clone(), content.clone());
    let mut evaluation = desk.deck.db.read_blocking(move |c| {
        let around = Surroundings { consistency: None, tainted: screened.draft_metadata.tainted };
        screener.screen_again(c, &screened, Outgoing { title: heading.as_deref(), content: &text }, around, at)
    })?;
    judged::not_seen(&mut evaluation, &item.draft_metadata.judges);
    let before = item.content.clone();
    let after = content.clone();
    let edited = decide(desk, persona, &item, version, move |c, on, _, settings| {
        decisions::edit_because(c, on, title.as_deref(), &content, why.as_deref(), &evaluation, settings)
    });
    let edited = match (edited, session) {
        (Ok(edited), session) => {
            if let Some(session) = session {
                session.taken_over();
            }
            edited
        }
        (Err(failure), Some(session)) => return Err(session.refused(failure)),
        (Err(failure), None) => return Err(failure),
    };
    let out = &desk.context.out;
    out.either(&json!({ "item": edited }), || {
        difference(desk, &before, &after)?;
        out.say(format!(
            "{} changed, screened: {} ({})",
            short(&edited.id),
            edited.verdict.as_str(),
            SafeText::line(&edited.evaluation.summary())
        ))?;
        if edited.state == State::Blocked {
            return out.say("it is still blocked; edit it again, or discard it");
        }
        out.say(format!("it is claimed by you; `quarterdeck queue approve {}` sends this text", short(&edited.id)))
    })
}

pub(super) fn difference(desk: &Desk<'_>, before: &str, after: &str) -> Result<(), Failure> {
    let out = &desk.context.out;
    for change in similar::TextDiff::from_lines(before, after).iter_all_changes() {
        let line = SafeText::line(change.value().trim_end_matches('\n'));
        match change.tag() {
            similar::ChangeTag::Delete => out.say(out.paint(&format!("- {line}"), Tone::Bad))?,
            similar::ChangeTag::Insert => out.say(out.paint(&format!("+ {line}"), Tone::Good))?,
            similar::ChangeTag::Equal => out.say(format!("  {line}"))?,
        }
    }
    Ok(())
}

/// A text is at most 40,000 characters; a file of a megabyte is a mistake.
pub(super) fn read(file: &Path) -> Result<String, Failure> {
    const MOST: u64 = 1 << 20;
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(MOST).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(MOST).read_to_string(&mut text))
    };
    read.map_err(|error| Failure::failed(format!("{} cannot be read: {error}", file.display())).hint("give a file of plain UTF-8 text"))?;
    Ok(text)
}

/// A fullname, or the one that a link ends with.
fn fullname(text: &str, post_type: PostType) -> Result<String, Failure> {
    let text = text.trim();
    if !text.contains('/') {
        return Ok(text.to_owned());
    }
    // …/comments/POST/TITLE/COMMENT/
    let parts: Vec<&str> = text.split(['?', '#']).next().unwrap_or_default().split('/').filter(|part| !part.is_empty()).collect();
    let comments = parts.iter().position(|part| *part == "comments");
    let found = comments.and_then(|at| match post_type {
        PostType::Post => parts.get(at + 1).map(|id| format!("t3_{id}")),
        PostType::Comment | PostType::Reply => parts.get(at + 3).map(|id| format!("t1_{id}")),
    });
    found.ok_or_else(|| {
        Failure::usage("the link does not lead to such a message")
            .hint("give the fullname (t1_… or t3_…), or the permalink of the message itself")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_their_message() {
        let link = "https://www.reddit.com/r/test/comments/abc12/rivers/def34/?context=3";
        assert_eq!(fullname(link, PostType::Comment).unwrap(), "t1_def34");
        assert_eq!(fullname(link, PostType::Post).unwrap(), "t3_abc12");
        assert_eq!(fullname("t1_x", PostType::Reply).unwrap(), "t1_x");
        assert!(fullname("https://www.reddit.com/r/test/", PostType::Post).is_err());
    }
}
