//! The board for people: a table, or where the terminal is too narrow for it a line each with what to try first below; and a change of a line.

use super::super::output::{Table, Tone, age};
use super::super::{Context, Failure};
use super::lines;
use crate::base::{Millis, SafeText, clock};
use crate::watch::board::{Board, Kind, Line, Remedy};
use crate::watch::health::Status;
use serde_json::json;
use std::cmp::Reverse;

/// Columns of a state and of what stands below a line.
const INDENT: &str = "             ";

/// What a line says: its status, or what holds it.
pub(super) fn word(line: &Line) -> &'static str {
    match (&line.paused, line.maintenance_until) {
        (Some(_), _) => "paused",
        (None, Some(_)) => "maintenance",
        (None, None) => line.status.as_str(),
    }
}

fn tone(line: &Line) -> Tone {
    match (line.counts(), line.status) {
        (false, _) => Tone::Faint,
        (true, Status::Healthy) => Tone::Good,
        (true, Status::Unknown | Status::Degraded) => Tone::Warning,
        (true, Status::Unhealthy) => Tone::Bad,
    }
}

fn remedy(line: &Line) -> Option<&Remedy> {
    line.remedy.as_ref().filter(|_| line.counts())
}

/// Print the board.
///
/// # Errors
/// When standard output cannot be written.
pub(super) fn print(context: &Context, board: &Board) -> Result<(), Failure> {
    let out = &context.out;
    out.say(headline(board))?;
    match (&board.network, &board.watcher) {
        (Some(network), _) => out.say(out.paint(SafeText::line(network).as_str(), Tone::Bad))?,
        (None, None) if lines(board).any(|line| line.kind == Kind::Probe) => {
            out.say(out.paint("nobody probes now: `quarterdeck serve` or an open console does", Tone::Warning))?;
        }
        _ => {}
    }
    out.say("")?;
    let table = table(board);
    match out.width().map(usize::from) {
        Some(width) if table.width() > width => {
            narrow(board, width, &|text, tone| out.paint(text, tone)).into_iter().try_for_each(|line| out.say(line))
        }
        _ => out.table(&table, "nothing is on the board"),
    }
}

fn headline(board: &Board) -> String {
    let count = |status| lines(board).filter(|line| line.counts() && line.status == status).count();
    let held = lines(board).filter(|line| !line.counts()).count();
    let parts = [
        (count(Status::Unhealthy), "unhealthy"),
        (count(Status::Degraded), "degraded"),
        (count(Status::Unknown), "unknown"),
        (count(Status::Healthy), "healthy"),
        (held, "paused or in maintenance"),
    ];
    let parts: Vec<String> = parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let whole = if held > 0 && !lines(board).any(Line::counts) { "held" } else { board.status.as_str() };
    format!("{whole}: {}", parts.join(", "))
}

fn table(board: &Board) -> Table {
    let mut table = Table::new(&["state", "system", "component", "since", "why", "try first"]);
    for line in lines(board) {
        let since = line.since.map_or_else(|| "?".to_owned(), |since| age(since, board.at));
        let first = remedy(line).map(|remedy| match &remedy.command {
            Some(command) => format!("{} $ {command}", remedy.text),
            None => remedy.text.clone(),
        });
        table.row([word(line).to_owned(), line.system.clone(), line.name.clone(), since, line.reason.clone(), first.unwrap_or_default()]);
        table.tone(0, tone(line));
    }
    table
}

/// What hurts most first, a line each, with what to try first below; then what is held, and of each system how much is well.
fn narrow(board: &Board, width: usize, paint: &dyn Fn(&str, Tone) -> String) -> Vec<String> {
    let is_well = |line: &&Line| line.counts() && line.status == Status::Healthy;
    let state = |word: &str, tone| format!("{}  ", paint(&format!("{word:<11}"), tone));
    let wrapped = |first: &str, text: &str| {
        let options = textwrap::Options::new(width.max(40)).initial_indent(first).subsequent_indent(INDENT);
        textwrap::fill(text, options)
    };
    let mut said: Vec<&Line> = lines(board).filter(|line| !is_well(line)).collect();
    said.sort_by_key(|line| (!line.counts(), Reverse(line.status)));
    let mut all = Vec::new();
    for line in said {
        let since = line.since.map(|since| format!(", for {}", clock::duration((board.at - since).max(0)))).unwrap_or_default();
        let text = format!("{} of {}{since}: {}", SafeText::line(&line.name), SafeText::line(&line.system), SafeText::line(&line.reason));
        all.push(wrapped(&state(word(line), tone(line)), &text));
        if let Some(remedy) = remedy(line) {
            all.push(wrapped(INDENT, &format!("try first: {}", SafeText::line(&remedy.text))));
            // It is copied: it is not broken.
            all.extend(remedy.command.as_ref().map(|command| format!("{INDENT}$ {}", SafeText::line(command))));
        }
    }
    for system in &board.systems {
        let well = system.lines.iter().filter(is_well).count();
        if well > 0 {
            let text = format!("{well} of {}", SafeText::line(&system.name));
            all.push(wrapped(&state(Status::Healthy.as_str(), Tone::Good), &text));
        }
    }
    all
}

/// Print a change of a line.
///
/// # Errors
/// When standard output cannot be written.
pub(super) fn tell(context: &Context, line: &Line, before: Option<&str>, at: Millis) -> Result<(), Failure> {
    if context.out.is_json() {
        return context.out.emit_line(&json!({
            "at": clock::rfc3339(at), "id": line.id, "system": line.system, "name": line.name, "from": before, "to": word(line),
            "reason": SafeText::line(&line.reason).as_str(), "remedy": line.remedy,
        }));
    }
    let time = clock::local(at).get(11..19).unwrap_or_default().to_owned();
    let name = format!("{} of {}", SafeText::line(&line.name), SafeText::line(&line.system));
    let word = context.out.paint(&format!("{:<11}", word(line)), tone(line));
    context.out.say(format!("{time}  {word}  {name}: {}", SafeText::line(&line.reason)))?;
    let Some(remedy) = remedy(line) else { return Ok(()) };
    context.out.say(format!("{:>21}  try first: {}", "", SafeText::line(&remedy.text)))?;
    match &remedy.command {
        Some(command) => context.out.say(format!("{:>21}  $ {}", "", SafeText::line(command))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(system: &str, name: &str, status: Status, reason: &str) -> Line {
        Line {
            id: format!("probe/{name}"),
            system: system.to_owned(),
            name: name.to_owned(),
            kind: Kind::Probe,
            status,
            since: Some(40_000),
            reason: reason.to_owned(),
            last_error: None,
            latencies: Vec::new(),
            last_at: None,
            next_at: None,
            remedy: None,
            paused: None,
            maintenance_until: None,
            held_because: None,
            detail: serde_json::Value::Null,
        }
    }

    #[test]
    fn on_a_narrow_terminal_what_hurts_is_a_line_each_with_its_remedy_and_what_is_well_is_counted() {
        let text = "Nobody listens there: see whether the service runs, and start it.".to_owned();
        let first = Remedy {
            text,
            command: Some("systemctl status a-service-with-quite-a-long-name-that-is-copied.service".into()),
            maintenance: None,
        };
        let lines = vec![
            line("web", "api", Status::Healthy, "200"),
            line("web", "shop", Status::Degraded, "answers in 900 ms; more than 500 ms is too slow"),
            Line { remedy: Some(first), ..line("cache", "redis", Status::Unhealthy, "the connection is refused: nobody listens") },
            Line { paused: Some(("ann".into(), None)), ..line("cache", "old", Status::Unhealthy, "refused") },
            line("web", "docs", Status::Healthy, "200"),
        ];
        let board = Board::of(lines, 100_000, None, None);
        assert!(table(&board).width() > 80);
        let said = narrow(&board, 60, &|text, _| text.to_owned()).join("\n");
        assert_eq!(
            said,
            "unhealthy    redis of cache, for 1 min: the connection is\n\
             \x20            refused: nobody listens\n\
             \x20            try first: Nobody listens there: see whether\n\
             \x20            the service runs, and start it.\n\
             \x20            $ systemctl status a-service-with-quite-a-long-name-that-is-copied.service\n\
             degraded     shop of web, for 1 min: answers in 900 ms; more\n\
             \x20            than 500 ms is too slow\n\
             paused       old of cache, for 1 min: refused\n\
             healthy      2 of web"
        );
        assert_eq!(headline(&board), "unhealthy: 1 unhealthy, 1 degraded, 2 healthy, 1 paused or in maintenance");
    }

    #[test]
    fn what_is_held_as_a_whole_is_not_called_unknown() {
        let held = Line { paused: Some(("ann".into(), None)), ..line("cache", "old", Status::Unhealthy, "refused") };
        assert_eq!(headline(&Board::of(vec![held], 100_000, None, None)), "held: 1 paused or in maintenance");
    }
}
