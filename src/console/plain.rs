//! The console in plain lines: one item at a time in sentences, one command a line. For screen readers, for terminals that can do nothing else,
//! and for pipes. No other screen, no colours, no moved cursor; it asks the same desk as the other console, so that the same rules hold.
//!
//! Nothing is said by itself: what changes while a person reads is told at the next command.

mod input;
mod sentences;
mod words;

use super::layers::REASONS;
use super::queue::filter;
use super::request::{self, Case, Decision, Desk, From, Part, Reply, Request, Seen};
use crate::base::{Millis, PersonaId, SafeText, clock};
use crate::deck::Deck;
use crate::memory::Persona;
use crate::moderation::listing::{Line, Sort};
use crate::moderation::{Item, RejectCode, State, Verdict};
use crate::store::audit::Actor;
use input::{Input, Typed};
use std::io;
use std::sync::Arc;
use words::Command;

/// Items that `list` says at once.
const LISTED: usize = 20;
/// The most bytes of a text that is typed.
const LARGEST: usize = 256 * 1024;

/// Review in plain lines until `quit` or the end of the input. `print` prints a line of safe text. Returns how many commands were refused or
/// not understood.
///
/// # Errors
/// When the input cannot be read, the output cannot be written, or the queue cannot be read at the start.
pub async fn run(deck: Deck, actor: Actor, persona: Option<Persona>, print: &dyn Fn(&str) -> io::Result<()>) -> io::Result<usize> {
    let _keeper = crate::upkeep::audit::keeper::start(deck.audit());
    let desk = request::desk(deck, actor, None);
    let mut session = Session {
        desk,
        print,
        input: Input::start()?,
        persona: persona.map(|persona| persona.id),
        filter: String::new(),
        lines: Vec::new(),
        more: false,
        at: 0,
        case: None,
        claimed: None,
        approved: Vec::new(),
        refused: 0,
    };
    let turned = session.turns().await;
    // However it ends, nobody waits for a claim that nobody works on.
    session.give_back().await;
    turned.map(|()| session.refused)
}

/// Whether it goes on after a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Leave,
}

struct Session<'a> {
    desk: Arc<Desk>,
    print: &'a dyn Fn(&str) -> io::Result<()>,
    input: Input,
    persona: Option<PersonaId>,
    filter: String,
    lines: Vec<Line>,
    more: bool,
    at: usize,
    /// The item that was said last; decisions are about this version of it.
    case: Option<Box<Case>>,
    /// The item that was claimed here, to be edited.
    claimed: Option<String>,
    approved: Vec<Seen>,
    refused: usize,
}

impl Session<'_> {
    fn now(&self) -> Millis {
        self.desk.deck.clock.now()
    }

    fn say(&self, text: &str) -> io::Result<()> {
        (self.print)(SafeText::line(text).as_str())
    }

    fn say_all(&self, lines: &[String]) -> io::Result<()> {
        lines.iter().try_for_each(|line| self.say(line))
    }

    /// A command did not do what was asked.
    fn refuse(&mut self, why: &str) -> io::Result<()> {
        self.refused += 1;
        self.say(why)
    }

    async fn turns(&mut self) -> io::Result<()> {
        self.welcome().await?;
        while self.turn().await? == Flow::On {}
        Ok(())
    }

    async fn welcome(&mut self) -> io::Result<()> {
        self.say(&format!("Quarterdeck in plain lines. {} Say help for all commands.", sentences::mode(self.desk.deck.mode)))?;
        if self.desk.deck.settings.console.read_only {
            self.say("This session only reads: no command changes anything.")?;
        }
        if let Err(why) = self.desk.screener() {
            self.say(&format!("Drafts cannot be screened here: {why}"))?;
        }
        if let Reply::Overview(overview) = self.desk.answer(Request::Overview { persona: self.persona.clone() }).await
            && overview.pauses.iter().any(|pause| pause.scope == "*")
        {
            self.say("All sending is stopped; resume lets it go on.")?;
        }
        self.read_list(false).await.map_err(io::Error::other)?;
        self.say_count()?;
        self.show().await
    }

    /// Ask for a command and do it.
    async fn turn(&mut self) -> io::Result<Flow> {
        if self.case.is_some() {
            self.say(&format!("Item {} of {}{}: {}?", self.at + 1, self.lines.len(), self.plus(), words::WORDS))?;
        } else {
            self.say("No item is at hand: next, undo, list, filter, quit, help?")?;
        }
        let Some(line) = self.line().await? else { return Ok(Flow::Leave) };
        match words::parse(&line) {
            Ok(None) => Ok(Flow::On),
            Ok(Some(command)) => self.command(command).await,
            Err(why) => self.refuse(&why).map(|()| Flow::On),
        }
    }

    /// A line that was typed; `None` at the end of the input. What cannot be used is said, and the next line is taken.
    async fn line(&mut self) -> io::Result<Option<String>> {
        loop {
            match self.input.line().await? {
                None => return Ok(None),
                Some(Typed::Line(line)) => return Ok(Some(line)),
                Some(Typed::Unusable(why)) => self.refuse(why)?,
            }
        }
    }

    async fn command(&mut self, command: Command) -> io::Result<Flow> {
        match command {
            Command::Quit => return Ok(Flow::Leave),
            Command::Help => words::HELP.iter().try_for_each(|line| self.say(line))?,
            Command::Approve => self.decide(Decision::Approve).await?,
            Command::Skip => self.decide(Decision::Skip).await?,
            Command::Return(Some(note)) => self.decide(Decision::Return { note }).await?,
            Command::Return(None) => self.refuse("The agent needs a note to write it again, as in: return name the source.")?,
            Command::Hold { length, reason } => self.decide(Decision::Hold { length, reason }).await?,
            Command::Escalate { to, reason } => self.decide(Decision::Escalate { to, reason }).await?,
            Command::Reject { reason, note } => return self.reject(reason, note).await,
            Command::Edit => return self.edit().await,
            Command::Undo => self.undo().await?,
            Command::Next => self.next().await?,
            Command::Previous if self.at == 0 => self.say("This is the first item.")?,
            Command::Previous => self.go(self.at - 1).await?,
            Command::Go(number) if number <= self.lines.len() => self.go(number - 1).await?,
            Command::Go(number) => self.refuse(&format!("There is no item {number}; {} are listed.", self.lines.len()))?,
            Command::Show => self.show().await?,
            Command::Part(part) => match &self.case {
                Some(case) => self.say_all(&sentences::part(case, part, self.now()))?,
                None => self.refuse("No item is at hand.")?,
            },
            Command::List { from } => self.list(from)?,
            Command::Filter(typed) => return self.choose(typed).await,
            Command::Refresh => {
                self.reread().await?;
                self.say_count()?;
                self.show().await?;
            }
            Command::Stop => self.pause(true).await?,
            Command::Resume => {
                self.say("Everything that was approved and is due leaves at once. Say yes to send again.")?;
                match self.line().await? {
                    None => return Ok(Flow::Leave),
                    Some(line) if matches!(line.trim().to_ascii_lowercase().as_str(), "yes" | "y") => self.pause(false).await?,
                    Some(_) => self.say("Nothing was changed.")?,
                }
            }
        }
        Ok(Flow::On)
    }

    // The list and the way through it.

    fn plus(&self) -> &'static str {
        if self.more { " or more" } else { "" }
    }

    fn say_count(&self) -> io::Result<()> {
        match (self.lines.len(), self.filter.is_empty()) {
            (0, true) => self.say("Nothing waits for you."),
            (0, false) => self.say(&format!("Nothing fits the filter {}. Say filter and an empty line to take it away.", self.filter)),
            (1, _) => self.say("1 item waits for you."),
            (count, _) => self.say(&format!("{count}{} items wait for you.", self.plus())),
        }
    }

    /// Read the list, from its beginning or behind its last line. Where the item at hand is still listed, it stays at hand.
    async fn read_list(&mut self, continued: bool) -> Result<(), String> {
        let filter = filter::parse(&self.filter, self.persona.as_ref(), &self.desk.actor.name, Sort::Oldest, self.now())?;
        let last = self.lines.last().filter(|_| continued).map(|line| line.place(Sort::Oldest));
        let from = last.map_or(From::Start, From::After);
        match self.desk.answer(Request::List { filter: Box::new(filter), from, generation: 0 }).await {
            Reply::List { part: Part { lines, below, .. }, .. } => {
                self.more = below;
                if continued {
                    self.lines.extend(lines);
                } else {
                    let here = self.case.as_ref().and_then(|case| lines.iter().position(|line| line.id == case.item.id));
                    self.at = here.unwrap_or(self.at).min(lines.len().saturating_sub(1));
                    self.lines = lines;
                }
                Ok(())
            }
            Reply::Failed { what, why } => Err(format!("{what} cannot be read: {why}")),
            _ => Err("the list was not read".to_owned()),
        }
    }

    async fn reread(&mut self) -> io::Result<()> {
        match self.read_list(false).await {
            Ok(()) => Ok(()),
            Err(why) => self.refuse(&why),
        }
    }

    async fn go(&mut self, place: usize) -> io::Result<()> {
        self.give_back().await;
        self.at = place;
        self.show().await
    }

    async fn next(&mut self) -> io::Result<()> {
        if self.at + 1 >= self.lines.len()
            && self.more
            && !self.lines.is_empty()
            && let Err(why) = self.read_list(true).await
        {
            return self.refuse(&why);
        }
        if self.at + 1 < self.lines.len() {
            return self.go(self.at + 1).await;
        }
        if !self.lines.is_empty() {
            self.say("That was the last item; it begins again with the first.")?;
        }
        self.give_back().await;
        self.case = None;
        self.at = 0;
        self.reread().await?;
        self.say_count()?;
        self.show().await
    }

    /// Read the item at hand anew and say it. What is gone from the queue is passed over.
    async fn show(&mut self) -> io::Result<()> {
        if self.load().await? {
            let said = self.case.as_ref().map(|case| sentences::item(case, self.now())).unwrap_or_default();
            self.say_all(&said)?;
        }
        Ok(())
    }

    /// Read the item at hand anew; whether there is one.
    async fn load(&mut self) -> io::Result<bool> {
        self.case = None;
        while let Some(line) = self.lines.get(self.at) {
            match self.desk.answer(Request::Case { persona: line.persona_id.clone(), id: line.id.clone() }).await {
                Reply::Case(case) => {
                    self.case = Some(case);
                    return Ok(true);
                }
                Reply::Gone { why, .. } => {
                    self.say(&why)?;
                    self.drop_line();
                }
                _ => return Ok(false),
            }
        }
        Ok(false)
    }

    fn drop_line(&mut self) {
        if self.at < self.lines.len() {
            self.lines.remove(self.at);
        }
        self.at = self.at.min(self.lines.len().saturating_sub(1));
    }

    fn list(&mut self, from: usize) -> io::Result<()> {
        if self.lines.is_empty() {
            return self.say_count();
        }
        if from > self.lines.len() {
            return self.refuse(&format!("There is no item {from}; {} are listed.", self.lines.len()));
        }
        for (place, line) in self.lines.iter().enumerate().skip(from - 1).take(LISTED) {
            self.say(&sentences::line(place + 1, line, place == self.at && self.case.is_some(), self.now()))?;
        }
        let next = from + LISTED;
        if next <= self.lines.len() {
            self.say(&format!("Say list {next} for more of {}{}.", self.lines.len(), self.plus()))?;
        }
        Ok(())
    }

    async fn choose(&mut self, typed: Option<String>) -> io::Result<Flow> {
        let typed = match typed {
            Some(typed) => typed,
            None => {
                let present =
                    if self.filter.is_empty() { "No filter is in force.".to_owned() } else { format!("The filter is {}.", self.filter) };
                self.say(&format!(
                    "{present} Type one: words, subreddit:, verdict:, state:, rule:, author:, is:. An empty line: no filter."
                ))?;
                let Some(line) = self.line().await? else { return Ok(Flow::Leave) };
                line.trim().to_owned()
            }
        };
        let before = std::mem::replace(&mut self.filter, typed);
        if let Err(why) = self.read_list(false).await {
            self.filter = before;
            self.refuse(&format!("The filter stays as it was: {why}"))?;
            return Ok(Flow::On);
        }
        self.give_back().await;
        self.at = 0;
        self.say_count()?;
        self.show().await?;
        Ok(Flow::On)
    }

    // Decisions.

    fn seen(&self) -> Option<Seen> {
        let item = &self.case.as_ref()?.item;
        Some(Seen { persona: item.persona_id.clone(), id: item.id.clone(), version: item.version })
    }

    async fn ask_desk(&self, seen: Seen, decision: Decision) -> Result<Box<Item>, String> {
        match self.desk.answer(Request::Decide { seen, decision }).await {
            Reply::Decided { result, .. } => result,
            _ => Err("it was not decided".to_owned()),
        }
    }

    /// Decide about the item that was said last, and go on to the next.
    async fn decide(&mut self, decision: Decision) -> io::Result<()> {
        let Some(seen) = self.seen() else { return self.refuse("No item is at hand.") };
        match self.ask_desk(seen, decision.clone()).await {
            Ok(item) => {
                self.claimed = None;
                self.say(&self.done(&decision, &item))?;
                if matches!(decision, Decision::Approve) && item.state != State::Pending {
                    self.approved.push(Seen { persona: item.persona_id.clone(), id: item.id.clone(), version: item.version });
                }
                self.drop_line();
                if self.lines.is_empty() {
                    self.case = None;
                    self.reread().await?;
                    self.say_count()?;
                }
                self.show().await
            }
            Err(why) => {
                self.refuse(&format!("Not done: {why}."))?;
                self.say("Here it is as it is now.")?;
                self.show().await
            }
        }
    }

    fn done(&self, decision: &Decision, item: &Item) -> String {
        match decision {
            Decision::Approve if item.state == State::Pending => "Approved by you; a second person has to approve it too.".to_owned(),
            Decision::Approve => match item.not_before {
                Some(at) => {
                    format!("Approved; it leaves in {}. Type undo to take it back.", clock::duration((at - self.now()).max(0)))
                }
                None => "Approved.".to_owned(),
            },
            other => {
                let mut words = other.done().to_owned();
                if let Some(first) = words.get_mut(..1) {
                    first.make_ascii_uppercase();
                }
                format!("{words}.")
            }
        }
    }

    async fn undo(&mut self) -> io::Result<()> {
        let Some(seen) = self.approved.pop() else { return self.refuse("You have approved nothing here that could be taken back.") };
        match self.ask_desk(seen.clone(), Decision::Undo).await {
            Ok(item) => {
                self.give_back().await;
                self.say("Taken back; nothing has left. Here it is again.")?;
                self.case = None;
                self.reread().await?;
                match self.lines.iter().position(|line| line.id == item.id) {
                    Some(place) => self.at = place,
                    None => self.say("The filter hides it; this is another item.")?,
                }
                self.show().await
            }
            Err(why) => self.refuse(&format!("Not taken back: {why}.")),
        }
    }

    async fn reject(&mut self, reason: Option<String>, note: Option<String>) -> io::Result<Flow> {
        if self.case.is_none() {
            return self.refuse("No item is at hand.").map(|()| Flow::On);
        }
        let typed = match reason {
            Some(reason) => reason,
            None => {
                for (number, (code, _, words)) in REASONS.iter().enumerate() {
                    self.say(&format!("{}. {}, {words}.", number + 1, code.to_string().replace('_', " ")))?;
                }
                self.say("The number of the reason? An empty line: do not reject it.")?;
                match self.line().await? {
                    None => return self.say("Nothing was rejected.").map(|()| Flow::Leave),
                    Some(line) => line.trim().to_owned(),
                }
            }
        };
        if typed.is_empty() {
            return self.say("Nothing was rejected.").map(|()| Flow::On);
        }
        let chosen = typed.parse::<usize>().ok().and_then(|number| REASONS.get(number.checked_sub(1)?)).copied();
        let Some((code, directive, words)) = chosen else {
            self.refuse(&format!(
                "{} is no reason; they have the numbers 1 to {}. Nothing was rejected.",
                SafeText::clipped(&typed, 20),
                REASONS.len()
            ))?;
            return Ok(Flow::On);
        };
        let note = match note {
            Some(note) => Some(note),
            None => {
                self.say(&format!("Because: {words}. A few words for the agent? An empty line: none."))?;
                match self.line().await? {
                    None => return self.say("Nothing was rejected.").map(|()| Flow::Leave),
                    Some(line) => Some(line.trim().to_owned()).filter(|line| !line.is_empty()),
                }
            }
        };
        if code == RejectCode::Other && note.is_none() {
            return self.refuse("Another reason needs a few words. Nothing was rejected.").map(|()| Flow::On);
        }
        self.decide(Decision::Reject { code, directive, note }).await?;
        Ok(Flow::On)
    }

    // Editing.

    /// Let another text be typed. The item is claimed meanwhile; a blocked one cannot be, there the version alone counts.
    async fn edit(&mut self) -> io::Result<Flow> {
        let (Some(seen), Some(case)) = (self.seen(), self.case.clone()) else {
            return self.refuse("No item is at hand.").map(|()| Flow::On);
        };
        if case.item.verdict != Verdict::Block {
            match self.ask_desk(seen, Decision::Claim).await {
                Ok(item) => {
                    self.claimed = Some(item.id.clone());
                    if let Some(case) = &mut self.case {
                        case.item = *item;
                    }
                }
                Err(why) => return self.refuse(&format!("It cannot be edited: {why}.")).map(|()| Flow::On),
            }
        }
        self.say("Type the new text. A line with one dot ends it; a line with .cancel leaves it as it was; write two dots for one at the beginning of a line.")?;
        let mut text = String::new();
        loop {
            let Some(line) = self.line().await? else {
                return self.say("The text was not ended with a dot; nothing was changed.").map(|()| Flow::Leave);
            };
            match line.trim_end() {
                "." => break,
                ".cancel" => {
                    self.give_back().await;
                    return self.say("Nothing was changed.").map(|()| Flow::On);
                }
                _ if text.len() + line.len() > LARGEST => {
                    self.refuse("That is too long for a text; this line was not taken.")?;
                }
                _ => {
                    text.push_str(line.strip_prefix('.').filter(|rest| rest.starts_with('.')).unwrap_or(&line));
                    text.push('\n');
                }
            }
        }
        let text = text.trim_end().to_owned();
        if text == case.item.content {
            self.give_back().await;
            return self.say("It is the same text; nothing was changed.").map(|()| Flow::On);
        }
        let Some(seen) = self.seen() else { return Ok(Flow::On) };
        match self.ask_desk(seen, Decision::Edit { case: case.clone(), text: text.clone() }).await {
            Ok(item) => {
                self.claimed = Some(item.id.clone());
                self.say("Changed and screened again. It is yours until you go on.")?;
                if self.load().await? {
                    let said = self.case.as_ref().map(|case| sentences::changed(case, self.now())).unwrap_or_default();
                    self.say_all(&said)?;
                }
            }
            Err(why) => {
                self.refuse(&format!("Not changed: {why}."))?;
                self.say("What you typed, so that it is not lost:")?;
                for line in text.lines() {
                    self.say(&format!("  {line}"))?;
                }
                self.load().await?;
            }
        }
        Ok(Flow::On)
    }

    /// End the claim that was made here.
    async fn give_back(&mut self) {
        let Some(id) = self.claimed.take() else { return };
        let Some(seen) = self.seen().filter(|seen| seen.id == id) else { return };
        match self.ask_desk(seen, Decision::Release).await {
            Ok(item) => {
                if let Some(case) = &mut self.case {
                    case.item = *item;
                }
            }
            // The claim is over, or somebody else has decided: there is nothing left to give back.
            Err(why) => tracing::debug!(why, "a claim could not be given back"),
        }
    }

    async fn pause(&mut self, stop: bool) -> io::Result<()> {
        match self.desk.answer(Request::Pause { stop }).await {
            Reply::Paused(Ok(true)) => self.say("All sending is stopped; resume lets it go on."),
            Reply::Paused(Ok(false)) => self.say("Sending goes on."),
            Reply::Paused(Err(why)) => self.refuse(&format!("Not done: {why}.")),
            _ => Ok(()),
        }
    }
}
