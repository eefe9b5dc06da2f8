//! The calls behind a number, as a list. Pure.

use super::draw::{HEADING, rows};
use super::{Calls, numbers, overview};
use crate::base::{Millis, Picos, SafeText, clock};
use crate::console::draw::{clip, columns, put};
use crate::console::state::State;
use crate::console::theme::Role;
use crate::llm::calls::Call;
use crate::llm::ledger::Drift;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Time,
    Outcome,
    Model,
    Module,
    Cost,
    Reported,
    Computed,
    Reserved,
    Drift,
    Tokens,
    Latency,
}

impl Column {
    fn title(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Outcome => "outcome",
            Self::Model => "model",
            Self::Module => "module",
            Self::Cost => "cost",
            Self::Reported => "reported",
            Self::Computed => "computed",
            Self::Reserved => "set aside",
            Self::Drift => "drift",
            Self::Tokens => "in/out",
            Self::Latency => "took",
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Self::Cost | Self::Reported | Self::Computed | Self::Reserved | Self::Tokens | Self::Latency)
    }
}

/// The columns at a width, each with its own; the model has what is left.
fn table(width: usize) -> Vec<(Column, usize)> {
    // A narrow screen has one cost: what was charged, with a sign for where it is from.
    let narrow =
        vec![(Column::Time, 12), (Column::Outcome, 2), (Column::Model, 0), (Column::Module, 10), (Column::Cost, 12), (Column::Drift, 3)];
    let wide = vec![
        (Column::Time, 15),
        (Column::Outcome, 14),
        (Column::Model, 0),
        (Column::Module, 14),
        (Column::Reported, 11),
        (Column::Computed, 11),
        (Column::Reserved, 11),
        (Column::Drift, 16),
    ];
    let mut all = if width >= 130 { wide } else { narrow };
    all.extend([(Column::Tokens, 12), (Column::Latency, 9)]);
    if width < 76 {
        all.retain(|(column, _)| *column != Column::Module);
    }
    let taken: usize = all.iter().map(|(_, wide)| wide).sum();
    let rest = width.saturating_sub(taken + 1);
    for (column, wide) in &mut all {
        if *column == Column::Model {
            *wide = rest;
        }
    }
    all
}

/// When a call was made: with the day on a span of days.
fn time(at: Millis, with_seconds: bool) -> String {
    let time = clock::local(at);
    time.get(5..if with_seconds { 19 } else { 16 }).unwrap_or(&time).to_owned()
}

/// The sign and the colour of an outcome.
pub(super) fn outcome(state: &State, call: &Call) -> (&'static str, Role) {
    match call.outcome.as_str() {
        "ok" if call.is_cached => (state.glyphs.dot, Role::Dim),
        "ok" => (state.glyphs.check, Role::Good),
        "started" => (state.glyphs.arrow, Role::Pending),
        "interrupted" => (state.glyphs.warning, Role::Warning),
        _ => (state.glyphs.block, Role::Bad),
    }
}

/// An amount of a call; `?` where nobody knows it.
pub(super) fn amount(picos: Option<i64>) -> String {
    picos.map_or_else(|| numbers::UNKNOWN.to_owned(), |picos| numbers::money(Picos(picos)))
}

/// What a call was charged, with a sign for where that is from: nothing as reported, `=` by the price book, `~` set aside only.
fn charged(call: &Call) -> String {
    match (call.cost_reported_picos, call.charged(), call.cost_reserved_picos) {
        (Some(_), Some(charged), _) => amount(Some(charged)),
        (None, Some(charged), _) if call.cost_computed_picos.is_some() => format!("={}", amount(Some(charged))),
        (None, Some(charged), _) => amount(Some(charged)),
        (_, None, Some(reserved)) => format!("?~{}", amount(Some(reserved))),
        (_, None, None) => numbers::UNKNOWN.to_owned(),
    }
}

/// Its class of drift.
pub(super) fn class(call: &Call) -> Option<Drift> {
    let word = call.drift.as_deref()?;
    Drift::ALL.into_iter().find(|class| class.as_str() == word)
}

fn cell(state: &State, call: &Call, column: Column, is_wide: bool) -> (Role, String) {
    let safe = |text: &str| SafeText::line(text).as_str().to_owned();
    match column {
        Column::Time => (Role::Dim, time(call.started_at, is_wide)),
        Column::Outcome => {
            let (sign, role) = outcome(state, call);
            let word = if call.is_cached { "from cache" } else { call.outcome.as_str() };
            (role, if is_wide { format!("{sign} {}", safe(word)) } else { sign.to_owned() })
        }
        Column::Model => (Role::Text, safe(call.model())),
        Column::Module => (Role::Dim, safe(&call.module)),
        Column::Cost => (if call.charged().is_some() { Role::Heading } else { Role::Warning }, charged(call)),
        Column::Reported => (if call.cost_reported_picos.is_some() { Role::Heading } else { Role::Dim }, amount(call.cost_reported_picos)),
        Column::Computed => (Role::Text, amount(call.cost_computed_picos)),
        Column::Reserved => (Role::Dim, amount(call.cost_reserved_picos)),
        Column::Drift => match class(call) {
            Some(class) => {
                let (sign, role) = overview::drift_sign(state, class);
                (role, if is_wide { format!("  {sign} {}", class.as_str()) } else { format!(" {sign}") })
            }
            None => (Role::Dim, String::new()),
        },
        Column::Tokens => (Role::Dim, format!("{}/{}", numbers::count_opt(call.tokens_in), numbers::count_opt(call.tokens_out))),
        Column::Latency => (Role::Text, numbers::micros_of(call.latency_us)),
    }
}

/// A call in words, for the clipboard.
pub(super) fn words(call: &Call) -> String {
    format!(
        "{}  {}  {}  {}  {}  {}/{} tokens  {}  {}",
        clock::local(call.started_at),
        SafeText::line(&call.outcome),
        SafeText::line(call.model()),
        SafeText::line(&call.module),
        charged(call),
        numbers::count_opt(call.tokens_in),
        numbers::count_opt(call.tokens_out),
        numbers::micros_of(call.latency_us),
        SafeText::line(&call.id)
    )
}

/// Draw the list.
pub(super) fn draw(state: &mut State, buffer: &mut Buffer, area: Rect) {
    let room = rows(state);
    if let Some(calls) = &mut state.gauges.calls {
        // The call at hand is kept in view; nothing else moves.
        if calls.at < calls.top {
            calls.top = calls.at;
        } else if room > 0 && calls.at >= calls.top + room {
            calls.top = calls.at + 1 - room;
        }
    }
    let state = &*state;
    let Some(calls) = &state.gauges.calls else { return };
    heading(state, buffer, area, calls);
    if calls.calls.is_empty() {
        let text = match (&calls.fault, calls.reading) {
            (Some(why), _) => format!("The calls cannot be read: {}", SafeText::line(why)),
            (None, true) => format!("reading {}", state.glyphs.ellipsis),
            (None, false) => "There is no such call in this span.".to_owned(),
        };
        put(
            buffer,
            area.x + 1,
            area.y + 2,
            area.width.saturating_sub(1),
            &clip(&text, usize::from(area.width)),
            state.theme.style(Role::Dim),
        );
        return;
    }
    let width = usize::from(area.width);
    let columns_shown = table(width);
    let mut x = area.x + 1;
    for (column, wide) in &columns_shown {
        let title = if column.is_number() { format!("{:>wide$}", column.title()) } else { clip(column.title(), wide.saturating_sub(1)) };
        let title = match column {
            // On a narrow screen it is a sign only.
            Column::Drift if *wide < 8 => String::new(),
            Column::Drift => format!("  {title}"),
            _ if *wide < columns(column.title()) => String::new(),
            _ => title,
        };
        put(buffer, x, area.y + 1, u16::try_from(*wide).unwrap_or(0), &title, state.theme.style(Role::Dim));
        x += u16::try_from(*wide).unwrap_or(0);
    }
    for (row, call) in calls.calls.iter().skip(calls.top).take(room).enumerate() {
        let y = area.y + HEADING + u16::try_from(row).unwrap_or(0);
        one(state, buffer, Rect { y, height: 1, ..area }, call, row + calls.top == calls.at, &columns_shown);
    }
}

fn one(state: &State, buffer: &mut Buffer, area: Rect, call: &Call, is_here: bool, shown: &[(Column, usize)]) {
    let theme = &state.theme;
    put(buffer, area.x, area.y, 1, if is_here { state.glyphs.selection } else { " " }, theme.style(Role::Accent));
    let is_wide = shown.iter().any(|(column, _)| *column == Column::Reported);
    let mut x = area.x + 1;
    for (column, wide) in shown {
        let (role, text) = cell(state, call, *column, is_wide);
        let text = if column.is_number() {
            format!("{}{text}", " ".repeat(wide.saturating_sub(columns(&text))))
        } else {
            clip(&text, wide.saturating_sub(1))
        };
        put(buffer, x, area.y, u16::try_from(*wide).unwrap_or(0), &text, theme.style(role));
        x += u16::try_from(*wide).unwrap_or(0);
    }
    if is_here {
        buffer.set_style(area, theme.style(Role::Selection));
    }
}

fn heading(state: &State, buffer: &mut Buffer, area: Rect, calls: &Calls) {
    let more = if calls.more { "+" } else { "" };
    let count = calls.calls.len();
    let text = format!(" {}: {count}{more}, the newest first", SafeText::line(&calls.title));
    let waits = if calls.reading && count > 0 { format!("  {}", state.glyphs.ellipsis) } else { String::new() };
    put(buffer, area.x, area.y, area.width, &clip(&format!("{text}{waits}"), usize::from(area.width)), state.theme.style(Role::Heading));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fill_the_screen_and_a_model_can_be_read() {
        for width in 60..220 {
            let all = table(width);
            assert_eq!(all.iter().map(|(_, wide)| wide).sum::<usize>() + 1, width);
            let model = all.iter().find(|(column, _)| *column == Column::Model).unwrap().1;
            assert!(model >= 9, "{width}: {model}");
        }
    }
}
