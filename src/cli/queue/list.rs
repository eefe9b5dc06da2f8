//! A page of the queue.

use super::Desk;
use super::filters::Filters;
use crate::base::{Millis, SafeText};
use crate::cli::Failure;
use crate::cli::events::short;
use crate::cli::output::{Table, Tone, age};
use crate::moderation::listing::{self, Sort};
use crate::moderation::{Filter, Line, State, Verdict};
use serde_json::json;
use std::collections::BTreeMap;

/// A place in the list, as `next` gives it: `TIME:ID`.
pub(super) fn cursor(text: &str) -> Result<(i64, String), String> {
    let wrong = || format!("{text:?} is no place in the list; take the `next` of the page before");
    let (at, id) = text.split_once(':').ok_or_else(wrong)?;
    Ok((at.parse().map_err(|_| wrong())?, id.to_owned()))
}

pub(super) fn run(desk: &Desk<'_>, filters: Filters, sort: Sort, limit: u32, after: Option<(Millis, String)>) -> Result<(), Failure> {
    let filter = Filter { after, ..filters.resolve(desk, &[], sort)? };
    let page = desk.deck.db.read_blocking(move |c| listing::page(c, &filter, limit as usize))?;
    let next = page.next.as_ref().map(|(at, id)| format!("{at}:{id}"));
    let out = &desk.context.out;
    out.either(&json!({ "items": page.lines, "next": next }), || {
        print(desk, &page.lines, if page.stopped { "nothing found so far" } else { "nothing waits" })?;
        match &next {
            Some(next) if page.stopped => {
                out.say(format!("\nnot searched further, for many texts had to be read; go on with the same command and --after {next}"))
            }
            Some(next) => out.say(format!("\nmore: the same command with --after {next}")),
            None => Ok(()),
        }
    })
}

/// A table of lines, one line an item.
pub(super) fn print(desk: &Desk<'_>, lines: &[Line], when_empty: &str) -> Result<(), Failure> {
    let out = &desk.context.out;
    let names: BTreeMap<_, _> = desk
        .deck
        .db
        .read_blocking(crate::memory::personas::list)?
        .into_iter()
        .map(|persona| (persona.id, persona.reddit_username))
        .collect();
    let now = desk.context.clock.now();
    let mut table = Table::new(&["id", "age", "state", "verdict", "persona", "to", "draft"]);
    let rows: Vec<[String; 6]> = lines
        .iter()
        .map(|line| {
            [
                short(&line.id).to_owned(),
                brief(now - line.created_at),
                state(line, now),
                line.verdict.as_str().to_owned(),
                names.get(&line.persona_id).cloned().unwrap_or_default(),
                format!("r/{}", line.target_subreddit),
            ]
        })
        .collect();
    // One line an item: the draft gets what the other columns leave of the terminal.
    let widest = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0).max(7) + 2;
    let left = out.width().map_or(60, |width| usize::from(width).saturating_sub((0..6).map(widest).sum::<usize>() + 1));
    for (line, row) in lines.iter().zip(rows) {
        let preview = SafeText::clipped(&line.preview, left.max(12)).as_str().to_owned();
        table.row(row.into_iter().chain([preview]));
        match line.verdict {
            Verdict::Allow => table.tone(3, Tone::Good),
            Verdict::Review => table.tone(3, Tone::Warning),
            Verdict::Block => table.tone(3, Tone::Bad),
        };
    }
    out.table(&table, when_empty)
}

/// An age in its largest unit, for a narrow column.
fn brief(millis: Millis) -> String {
    let text = crate::base::clock::duration(millis);
    text.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

fn state(line: &Line, now: Millis) -> String {
    match (line.state, &line.lease_holder, line.not_before) {
        (State::Claimed, Some(holder), _) if line.lease_until.is_some_and(|until| until > now) => format!("claimed, {holder}"),
        (State::Scheduled, _, Some(at)) => format!("scheduled, {}", age(at, now)),
        (state, _, _) => state.to_string(),
    }
}
