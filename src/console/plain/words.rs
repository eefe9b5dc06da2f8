//! What is typed at the prompt, as a command. Pure.

use crate::base::{Millis, SafeText, duration};

/// The words of the prompt while an item is at hand.
pub(super) const WORDS: &str = "approve, reject, edit, undo, skip, next, list, show, filter, quit, help";

/// Every word with its letter and what it does, one sentence a line.
pub(super) const HELP: [&str; 19] = [
    "One command a line. Each word has a letter that stands for it.",
    "approve, a: approve the item; it is sent when its undo window is over.",
    "reject, r: reject it. You are asked why and for a note; reject 3 some words says both at once.",
    "edit, e: type another text. It is screened before it counts.",
    "undo, u: take your newest approval back before it leaves.",
    "skip, s: pass it over; it is not listed for you any more.",
    "next, n: go to the next item without deciding. previous, p: go back.",
    "list, l: say one line of each item; list 21 begins with item 21.",
    "show, v: say the item again. show 3 goes to item 3. show beliefs, show thread and show difference say more.",
    "filter, f: choose which items are listed, by words of the text or subreddit:, verdict:, state:, rule:, author:, is:.",
    "return: send it back to the agent with a note, as in: return name the source.",
    "hold: set it aside for some time, as in: hold 2h waits for the agency.",
    "escalate: pass it on to a person, as in: escalate bea knows the agency.",
    "stop: stop all sending, for every persona, at once.",
    "resume: send again. You are asked before.",
    "refresh: read the list again.",
    "help, h: say this.",
    "quit, q: leave.",
    "Places that a rule flagged stand in square brackets in the draft.",
];

/// A part of the item that is said by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Beliefs,
    Thread,
    Difference,
}

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    Approve,
    /// With the number of the reason and the note, as far as they were said.
    Reject {
        reason: Option<String>,
        note: Option<String>,
    },
    Edit,
    Undo,
    Skip,
    Next,
    Previous,
    List {
        from: usize,
    },
    Show,
    Go(usize),
    Part(Part),
    Filter(Option<String>),
    Return(Option<String>),
    Hold {
        length: Millis,
        reason: String,
    },
    Escalate {
        to: String,
        reason: String,
    },
    Stop,
    Resume,
    Refresh,
    Help,
    Quit,
}

/// The command of a line; `None` for an empty one.
///
/// # Errors
/// A sentence that says what is not understood.
pub(super) fn parse(line: &str) -> Result<Option<Command>, String> {
    let line = line.trim();
    let (word, rest) = line.split_once(char::is_whitespace).map_or((line, ""), |(word, rest)| (word, rest.trim()));
    let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let (first, after) = rest.split_once(char::is_whitespace).map_or((rest, ""), |(first, after)| (first, after.trim()));
    let command = match word.to_ascii_lowercase().as_str() {
        "" => return Ok(None),
        "reject" | "r" => Command::Reject { reason: said(first), note: said(after) },
        "filter" | "f" => Command::Filter(said(rest)),
        "return" => Command::Return(said(rest)),
        "hold" => match duration::parse(first) {
            Ok(length) if !after.is_empty() => Command::Hold { length, reason: after.to_owned() },
            _ => return Err("Say for how long and why, as in: hold 2h waits for the agency.".to_owned()),
        },
        "escalate" if !after.is_empty() => Command::Escalate { to: first.to_owned(), reason: after.to_owned() },
        "escalate" => return Err("Say to whom and why, as in: escalate bea knows the agency.".to_owned()),
        "list" | "l" if rest.is_empty() => Command::List { from: 1 },
        "list" | "l" => Command::List { from: place(rest)? },
        "show" | "v" => match rest {
            "" => Command::Show,
            "beliefs" => Command::Part(Part::Beliefs),
            "thread" => Command::Part(Part::Thread),
            "difference" => Command::Part(Part::Difference),
            number => Command::Go(place(number)?),
        },
        number if number.bytes().all(|byte| byte.is_ascii_digit()) && rest.is_empty() => Command::Go(place(number)?),
        other => {
            let command = match other {
                "approve" | "a" => Command::Approve,
                "edit" | "e" => Command::Edit,
                "undo" | "u" => Command::Undo,
                "skip" | "s" => Command::Skip,
                "next" | "n" => Command::Next,
                "previous" | "p" => Command::Previous,
                "stop" => Command::Stop,
                "resume" => Command::Resume,
                "refresh" => Command::Refresh,
                "help" | "h" | "?" => Command::Help,
                "quit" | "q" | "exit" => Command::Quit,
                _ => return Err(format!("{} is not a command. Say one of: {WORDS}.", SafeText::clipped(word, 40))),
            };
            // A decision with words behind it may have been meant as something else.
            if !rest.is_empty() {
                return Err(format!("{other} takes nothing behind it; nothing was done."));
            }
            command
        }
    };
    Ok(Some(command))
}

fn place(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("{} is not the number of an item; list says them.", SafeText::clipped(text, 40)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_letters_and_what_stands_behind_them_are_understood() {
        assert_eq!(parse("  A \t"), Ok(Some(Command::Approve)));
        assert_eq!(parse(""), Ok(None));
        assert_eq!(
            parse("reject 3  not so loud"),
            Ok(Some(Command::Reject { reason: Some("3".into()), note: Some("not so loud".into()) }))
        );
        assert_eq!(parse("f verdict:review deep"), Ok(Some(Command::Filter(Some("verdict:review deep".into())))));
        assert_eq!(parse("hold 2h waits"), Ok(Some(Command::Hold { length: 7_200_000, reason: "waits".into() })));
        assert_eq!(parse("12"), Ok(Some(Command::Go(12))));
        assert_eq!(parse("show thread"), Ok(Some(Command::Part(Part::Thread))));
        for wrong in ["approve all", "approved", "hold 2h", "show 0", "list x", "escalate bea"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_typed_breaks_it_and_answers_are_safe(line in any::<String>()) {
            if let Err(why) = parse(&line) {
                prop_assert_eq!(SafeText::line(&why).removed(), 0);
            }
        }
    }
}
