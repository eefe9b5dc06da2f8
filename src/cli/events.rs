//! One line for each thing that an agent's loop tells.

use super::Failure;
use super::output::{Output, Tone};
use crate::agent::Event;
use crate::base::SafeText;
pub use crate::base::short;
use crate::moderation::amendments::Outcome;
use crate::moderation::{State, Verdict};
use std::collections::BTreeMap;

/// Prints events, one line each. What was left alone is counted by reason and told once a cycle: it is much, and little of it matters.
#[derive(Debug, Default)]
pub struct Printer {
    skipped: BTreeMap<String, usize>,
}

impl Printer {
    /// Print an event: a line for people, or a JSON object on a line for scripts.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn print(&mut self, out: &Output, event: &Event) -> Result<(), Failure> {
        if out.is_json() {
            return out.emit_line(event);
        }
        match event {
            Event::Skipped { reason, .. } => *self.skipped.entry(reason.clone()).or_default() += 1,
            Event::CycleDone { .. } if !self.skipped.is_empty() => {
                let reasons = std::mem::take(&mut self.skipped).into_iter().map(|(reason, count)| format!("{count} {reason}"));
                let reasons = reasons.collect::<Vec<_>>().join(", ");
                out.say(format!("{}  {}", out.paint(&format!("{:<10}", "left alone"), Tone::Faint), SafeText::line(&reasons)))?;
            }
            _ => {}
        }
        print(out, event)
    }
}

fn print(out: &Output, event: &Event) -> Result<(), Failure> {
    let line = |label: &str, tone: Tone, text: String| out.say(format!("{}  {text}", out.paint(&format!("{label:<10}"), tone)));
    match event {
        Event::Started { persona, recovered: 0 } => line("started", Tone::Faint, format!("the agent of {}", SafeText::line(persona))),
        Event::Started { persona, recovered } => {
            let text = format!("the agent of {}; {recovered} deliveries lost their answer and are looked for", SafeText::line(persona));
            line("started", Tone::Warning, text)
        }
        Event::Perceived { posts, replies, .. } => line("read", Tone::Faint, format!("{posts} new posts, {replies} answers")),
        // Counted by the printer.
        Event::Skipped { .. } => Ok(()),
        Event::Queued { id, state, verdict, flags, subreddit, content, .. } => {
            let (label, tone) = match (state, verdict) {
                (State::Scheduled, _) => ("scheduled", Tone::Good),
                (_, Verdict::Allow) => ("drafted", Tone::Good),
                (_, Verdict::Review) => ("drafted", Tone::Warning),
                (_, Verdict::Block) => ("blocked", Tone::Bad),
            };
            let text = format!("{} r/{}  “{}”", short(id), SafeText::line(subreddit), SafeText::clipped(content, 60));
            line(label, tone, text)?;
            if *verdict == Verdict::Allow {
                Ok(())
            } else {
                line("", Tone::Faint, format!("         {verdict:?}: {}", SafeText::clipped(flags, 90)))
            }
        }
        Event::Resubmitted { id, content, .. } => {
            line("rewritten", Tone::Good, format!("{}  “{}”", short(id), SafeText::clipped(content, 60)))
        }
        Event::Superseded { id, by, parent } => {
            line("replaced", Tone::Good, format!("{} by {}: {} was edited", short(id), short(by), SafeText::line(parent)))
        }
        Event::RulesChanged { version, failure: None } => line("rules", Tone::Good, format!("changed, {version} is in force")),
        Event::RulesChanged { version, failure: Some(failure) } => {
            line("rules", Tone::Bad, format!("{}; {version} stays in force", SafeText::clipped(failure, 300)))
        }
        Event::ItemFailed { parent, error } => {
            line("failed", Tone::Bad, format!("{}: {}", SafeText::line(parent), SafeText::clipped(error, 300)))
        }
        Event::Delivery { id, state, fullname, reason } => {
            let tone = match state {
                State::Confirmed | State::Visible | State::Amended | State::Retracted => Tone::Good,
                State::Unknown | State::Scheduled | State::Pending => Tone::Warning,
                _ => Tone::Bad,
            };
            let label = if *state == State::Confirmed { "sent" } else { state.as_str() };
            let fullname = fullname.as_deref().map(|name| format!(" as {}", SafeText::line(name))).unwrap_or_default();
            let reason = reason.as_deref().map(|reason| format!(": {}", SafeText::line(reason))).unwrap_or_default();
            line(label, tone, format!("{}{fullname}{reason}", short(id)))
        }
        Event::Amendment { id, kind, outcome, message, .. } => {
            let (label, tone) = match outcome {
                Some(Outcome::Done) => (kind.participle().to_owned(), Tone::Good),
                Some(outcome) => (format!("{} {}", kind.as_str(), outcome.as_str()), Tone::Bad),
                None => (format!("{} waits", kind.as_str()), Tone::Warning),
            };
            let message = message.as_deref().map(|message| format!(": {}", SafeText::line(message))).unwrap_or_default();
            line(&label, tone, format!("{}{message}", short(id)))
        }
        Event::CycleDone { drafted, took, failure, .. } => match failure {
            None => line("cycle", Tone::Faint, format!("done: {drafted} drafts in {}", crate::base::clock::duration(*took))),
            Some(failure) => line("cycle", Tone::Bad, format!("failed: {}", SafeText::clipped(failure, 300))),
        },
        Event::Stopped { persona } => line("stopped", Tone::Faint, format!("the agent of {}", SafeText::line(persona))),
    }
}
