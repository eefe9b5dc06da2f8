//! What a command prints: tables and lists for people, one JSON object a call for scripts.
//!
//! Everything goes through here, so that text from outside is neutralised once ([`SafeText`]), colours appear only on a terminal that
//! wants them, and a reader that went away (`… | head`) ends the printing and not the work.

mod json;
mod table;

use super::failure::Failure;
use crate::base::{Millis, SafeText, clock};
use serde::Serialize;
use std::cell::Cell;
use std::io::{IsTerminal as _, Write as _};

pub use table::{Table, Tone};

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl ColorChoice {
    fn applies_to(self, is_terminal: bool) -> bool {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => is_terminal && !refused && !dumb,
        }
    }
}

/// Where a command prints, and in which form.
#[derive(Debug)]
pub struct Output {
    json: bool,
    color: bool,
    error_color: bool,
    terminal: bool,
    reader_is_gone: Cell<bool>,
}

impl Output {
    /// Printing to this process's standard output and error.
    #[must_use]
    pub fn new(json: bool, color: ColorChoice) -> Self {
        let (terminal, error_terminal) = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
        Self {
            json,
            color: color.applies_to(terminal) && !json,
            error_color: color.applies_to(error_terminal) && !json,
            terminal,
            reader_is_gone: Cell::new(false),
        }
    }

    /// Whether the caller asked for JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Whether colours are used on standard output.
    #[must_use]
    pub fn has_color(&self) -> bool {
        self.color
    }

    /// Whether the reader of standard output went away: a command that only prints may stop.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.reader_is_gone.get()
    }

    /// Print a line. Text from outside belongs into [`SafeText`] first.
    ///
    /// # Errors
    /// When standard output cannot be written, other than because its reader went away.
    pub fn say(&self, line: impl std::fmt::Display) -> Result<(), Failure> {
        self.write(format!("{line}\n").as_bytes())
    }

    /// Print text that was made safe, wrapped between words where a terminal is narrower; what follows the first line of a paragraph is
    /// indented as that line is.
    ///
    /// # Errors
    /// As [`Output::say`].
    pub fn text(&self, text: &str) -> Result<(), Failure> {
        let Some(width) = self.width() else { return self.say(text) };
        for line in text.lines() {
            let indent = &line[..line.len() - line.trim_start().len()];
            let options = textwrap::Options::new(usize::from(width).max(20)).subsequent_indent(indent);
            self.say(textwrap::fill(line, options))?;
        }
        Ok(())
    }

    /// Print bytes as they are.
    ///
    /// # Errors
    /// As [`Output::say`].
    pub fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        if self.reader_is_gone.get() {
            return Ok(());
        }
        let mut out = std::io::stdout().lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                self.reader_is_gone.set(true);
                Ok(())
            }
            Err(error) => Err(Failure::failed(format!("the result cannot be printed: {error}"))
                .hint("what was asked for may have been done; look before doing it again")),
        }
    }

    /// Print one JSON object: on a terminal with indentation, otherwise on one line.
    ///
    /// # Errors
    /// As [`Output::say`], or when the value cannot be written as JSON.
    pub fn emit(&self, value: &impl Serialize) -> Result<(), Failure> {
        let text =
            json::text(value, self.terminal).map_err(|error| Failure::failed(format!("the result cannot be written as JSON: {error}")))?;
        self.say(text)
    }

    /// Print one JSON object on one line, also on a terminal: for commands that print a stream of them.
    ///
    /// # Errors
    /// As [`Output::emit`].
    pub fn emit_line(&self, value: &impl Serialize) -> Result<(), Failure> {
        let text = json::text(value, false).map_err(|error| Failure::failed(format!("the result cannot be written as JSON: {error}")))?;
        self.say(text)
    }

    /// In JSON mode print `value`, otherwise what `people` prints.
    ///
    /// # Errors
    /// As [`Output::emit`].
    pub fn either(&self, value: &impl Serialize, people: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
        if self.json { self.emit(value) } else { people() }
    }

    /// Print a table, as wide as the terminal allows, or one line when it has no rows.
    ///
    /// # Errors
    /// As [`Output::say`].
    pub fn table(&self, table: &Table, when_empty: &str) -> Result<(), Failure> {
        if table.is_empty() { self.say(when_empty) } else { self.say(table.render(self.color, self.width())) }
    }

    /// Print names and values, one pair a line, the values in one column.
    ///
    /// # Errors
    /// As [`Output::say`].
    pub fn pairs(&self, pairs: &[(&str, String)]) -> Result<(), Failure> {
        let widest = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in pairs {
            let value = SafeText::new(value).as_str().replace('\n', &format!("\n{:width$}", "", width = widest + 2));
            self.say(format!("{}{:pad$}  {value}", self.paint(name, Tone::Faint), "", pad = widest - name.len()))?;
        }
        Ok(())
    }

    /// Print a line to standard error: progress and warnings, which are no part of the result. Failing to do so is no failure.
    pub fn note(&self, line: impl std::fmt::Display) {
        let _ = writeln!(std::io::stderr().lock(), "{}", SafeText::new(&line.to_string()));
    }

    /// Print why a command failed: `error: …` and `next: …`, or in JSON mode `{"error", "next", "code"}`.
    pub fn failure(&self, failure: &Failure) {
        let failure = &Failure {
            message: super::log::discreet(&failure.message).into_owned(),
            hint: failure.hint.as_deref().map(|hint| super::log::discreet(hint).into_owned()),
            exit: failure.exit,
        };
        if self.json {
            let value = serde_json::json!({ "error": failure.message, "next": failure.hint, "code": failure.exit.number() });
            let _ = writeln!(std::io::stderr().lock(), "{}", json::text(&value, false).unwrap_or_default());
            return;
        }
        let paint = |label: &str, code: &str| if self.error_color { format!("\u{1b}[{code}m{label}\u{1b}[0m") } else { label.to_owned() };
        let mut error = std::io::stderr().lock();
        let _ = writeln!(error, "{} {}", paint("error:", "1;31"), SafeText::new(&failure.message));
        if let Some(hint) = &failure.hint {
            let _ = writeln!(error, "{} {}", paint("next:", "1;36"), SafeText::new(hint));
        }
    }

    /// Width of the terminal in columns; `None` when the output goes elsewhere and nothing need be shortened.
    #[must_use]
    pub fn width(&self) -> Option<u16> {
        // comfy-table asks the terminal itself; this only tells whether there is one to ask.
        if self.terminal { Table::terminal_width() } else { None }
    }

    /// A word of ours in the colour of its meaning, where colours are used.
    #[must_use]
    pub fn paint(&self, text: &str, tone: Tone) -> String {
        let code = match tone {
            Tone::Good => "32",
            Tone::Warning => "33",
            Tone::Bad => "31",
            Tone::Faint => "2",
        };
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// How long ago `at` was, for a table: `3 min 20 s ago`, `in 12 s`.
#[must_use]
pub fn age(at: Millis, now: Millis) -> String {
    if at > now { format!("in {}", clock::duration(at - now)) } else { format!("{} ago", clock::duration(now - at)) }
}

/// `yes` or `no`.
#[must_use]
pub fn yes_no(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_look_both_ways() {
        assert_eq!((age(0, 200_000).as_str(), age(12_000, 0).as_str()), ("3 min 20 s ago", "in 12 s"));
    }

    #[test]
    fn colours_are_for_terminals_unless_asked_for() {
        assert!(ColorChoice::Always.applies_to(false));
        assert!(!ColorChoice::Auto.applies_to(false));
        assert!(!ColorChoice::Never.applies_to(true));
    }
}
