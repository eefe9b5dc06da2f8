//! Which rows the board has: what fits the filter, healthy systems folded. Pure, and made once for a board, not for a frame.

use crate::watch::board::{Board, Line, System};
use crate::watch::health::Status;
use std::collections::BTreeMap;

/// A row, by its places on the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) enum Row {
    System { system: usize, is_folded: bool },
    Line { system: usize, line: usize },
}

/// A condition of the filter.
enum Term {
    Word(String),
    Is(Status),
    Paused,
    Maintained,
    Kind(String),
}

/// What a filter asks for; the error says what it does not understand.
fn parse(filter: &str) -> Result<Vec<Term>, String> {
    filter
        .split_whitespace()
        .map(|word| {
            let word = word.to_lowercase();
            Ok(match word.strip_prefix("is:") {
                None => match word.strip_prefix("kind:") {
                    Some(kind @ ("own" | "probe" | "heartbeat")) => Term::Kind(kind.to_owned()),
                    Some(kind) => return Err(format!("there is no kind:{kind}; there are kind:own, kind:probe and kind:heartbeat")),
                    None => Term::Word(word),
                },
                Some("healthy") => Term::Is(Status::Healthy),
                Some("unknown") => Term::Is(Status::Unknown),
                Some("degraded") => Term::Is(Status::Degraded),
                Some("unhealthy") => Term::Is(Status::Unhealthy),
                Some("paused") => Term::Paused,
                Some("maintained") => Term::Maintained,
                Some(other) => {
                    return Err(format!(
                        "there is no is:{other}; there are is:unhealthy, is:degraded, is:unknown, is:healthy, is:paused, is:maintained"
                    ));
                }
            })
        })
        .collect()
}

/// What is wrong with a filter.
pub(super) fn fault(filter: &str) -> Option<String> {
    parse(filter).err()
}

fn fits(terms: &[Term], system: &System, line: &Line) -> bool {
    let contains = |text: &str, word: &str| text.to_lowercase().contains(word);
    // Several states mean any of them; several words all of them.
    let states: Vec<bool> = terms
        .iter()
        .filter_map(|term| match term {
            Term::Is(status) => Some(line.status == *status && line.counts()),
            Term::Paused => Some(line.paused.is_some()),
            Term::Maintained => Some(line.maintenance_until.is_some()),
            _ => None,
        })
        .collect();
    let words = terms.iter().all(|term| match term {
        Term::Word(word) => contains(&line.name, word) || contains(&system.name, word) || contains(&line.reason, word),
        Term::Kind(kind) => line.id.split('/').next() == Some(kind),
        _ => true,
    });
    words && (states.is_empty() || states.contains(&true))
}

/// Whether nothing of a system needs a look: every line that counts is healthy.
fn is_quiet(system: &System) -> bool {
    let mut counting = system.lines.iter().filter(|line| line.counts()).peekable();
    counting.peek().is_some() && counting.all(|line| line.status == Status::Healthy)
}

/// The rows of a board.
pub(super) fn rows(board: &Board, filter: &str, folded: &BTreeMap<String, bool>) -> Vec<Row> {
    // What cannot be understood hides nothing.
    let terms = parse(filter).unwrap_or_default();
    let mut rows = Vec::new();
    for (number, system) in board.systems.iter().enumerate() {
        let lines: Vec<usize> =
            (0..system.lines.len()).filter(|line| terms.is_empty() || fits(&terms, system, &system.lines[*line])).collect();
        if lines.is_empty() {
            continue;
        }
        // Who filters wants to see what was found.
        let is_folded = folded.get(&system.name).copied().unwrap_or_else(|| terms.is_empty() && is_quiet(system));
        rows.push(Row::System { system: number, is_folded });
        if !is_folded {
            rows.extend(lines.into_iter().map(|line| Row::Line { system: number, line }));
        }
    }
    rows
}
