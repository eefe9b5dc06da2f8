//! What lies over the tab, and the keys of the screen at hand.

use super::parts::{clip, columns as cells, put};
use super::put_lines;
use crate::base::{SafeText, clock};
use crate::console::action::{Action, Scope};
use crate::console::layers::{self, REASONS};
use crate::console::queue::case::{flagged, verdict};
use crate::console::queue::{columns, decide};
use crate::console::request::Decision;
use crate::console::saved;
use crate::console::state::{Asked, Confirm, Layer, State};
use crate::console::tabs;
use crate::console::text::{Piece, Pieces, line, wrap};
use crate::console::theme::Role;
use crate::moderation::stats::{Metric, Unit};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget as _};

/// The keys that matter now, with what they do: the footer.
pub(super) fn keys(state: &State) -> Vec<(String, &'static str, Option<Action>)> {
    let own = |keys: &[(&str, &'static str)]| keys.iter().map(|(key, title)| ((*key).to_owned(), *title, None)).collect();
    match state.layers.last() {
        Some(Layer::Help { .. } | Layer::Messages { .. } | Layer::Metrics { .. }) => own(&[("j/k", "scroll"), ("esc", "back")]),
        Some(Layer::Audit(view)) => own(crate::console::audit::keys(view)),
        Some(Layer::Beliefs(_)) => own(&crate::console::beliefs::pick::KEYS),
        Some(Layer::Palette { .. }) => own(&[("enter", "do it"), ("up/down", "choose"), ("esc", "back")]),
        Some(Layer::Reject) => own(&[("1-9", "why"), ("esc", "back")]),
        Some(Layer::Personas { .. }) => own(&[("j/k", "choose"), ("enter", "show"), ("esc", "back")]),
        Some(Layer::Saved { .. }) => own(&saved::KEYS),
        Some(Layer::Columns { .. }) => own(&columns::KEYS),
        Some(Layer::Search(layer)) => own(crate::console::search::layer::keys(layer)),
        Some(Layer::Line { .. }) => own(&[("enter", "done"), ("esc", "back")]),
        Some(Layer::Editor { .. }) => own(&[("F2", "save"), ("ctrl-s", "save"), ("esc", "leave")]),
        Some(Layer::Question { .. }) => own(&[("y", "yes"), ("esc", "no")]),
        None if state.count.is_some() => {
            let (count, down, up) = (state.count.unwrap_or(1), state.key(Action::Down), state.key(Action::Up));
            vec![
                (format!("{count}{down}"), "so many down", None),
                (format!("{count}{up}"), "so many up", None),
                ("esc".to_owned(), "no count", None),
            ]
        }
        None if !state.pending.is_empty() => {
            tabs::follows(state, &state.pending).into_iter().map(|(key, action)| (key, action.title(), None)).collect()
        }
        None if tabs::field_keys(state).is_some() => own(tabs::field_keys(state).unwrap_or_default()),
        None => {
            let shown = tabs::wanted(state).iter().filter(|action| tabs::offers(state, **action));
            shown.map(|action| (state.key(*action), tabs::title(state, *action), Some(*action))).collect()
        }
    }
}

/// Draw the layers; returns where the cursor stands, when a text has it.
pub(super) fn draw(state: &State, frame: &mut Frame<'_>) -> Option<(u16, u16)> {
    let area = frame.area();
    let layer = state.layers.last()?;
    match layer {
        Layer::Help { top } => {
            let lines = help(state, usize::from(area.width).saturating_sub(8));
            page(state, frame, "keys", &lines, *top);
        }
        Layer::Messages { top } => {
            let lines: Vec<Pieces> = state
                .said
                .iter()
                .rev()
                .flat_map(|said| {
                    let role = if said.is_error { Role::Bad } else { Role::Text };
                    let time = clock::local(said.at);
                    let pieces =
                        [Piece::new(Role::Dim, &format!("{}  ", time.get(11..).unwrap_or_default())), Piece::new(role, &said.text)];
                    wrap(&pieces, usize::from(area.width).saturating_sub(8), 0)
                })
                .collect();
            page(state, frame, "messages", &lines, *top);
        }
        Layer::Metrics { metrics, top } => {
            let lines = match metrics {
                None => vec![line(Role::Dim, "counting …")],
                Some(metrics) => {
                    metrics.iter().flat_map(|metric| metric_lines(metric, usize::from(area.width).saturating_sub(8))).collect()
                }
            };
            page(state, frame, "the queue in the last 24 hours", &lines, *top);
        }
        Layer::Audit(view) => {
            let (width, rows) = (usize::from(area.width).saturating_sub(6), usize::from(area.height).saturating_sub(5));
            page(state, frame, &crate::console::audit::title(view), &crate::console::audit::lines(view, width, rows, state.now), 0);
        }
        Layer::Beliefs(pick) => {
            let (width, rows) = (usize::from(area.width).saturating_sub(8), usize::from(area.height).saturating_sub(5));
            page(state, frame, &pick.title(), &pick.lines(width, rows), 0);
        }
        Layer::Palette { typed, at } => return Some(palette(state, frame, typed, *at)),
        Layer::Reject => {
            let lines: Vec<Pieces> = REASONS
                .iter()
                .enumerate()
                .map(|(number, (code, _, words))| {
                    vec![
                        Piece::new(Role::Key, &format!(" {} ", number + 1)),
                        Piece::new(Role::Text, &format!("{code:<12}")),
                        Piece::new(Role::Dim, words),
                    ]
                })
                .collect();
            page(state, frame, "why is it rejected?", &lines, 0);
        }
        Layer::Personas { at } => {
            let names = std::iter::once("all personas".to_owned())
                .chain(state.overview.personas.iter().map(|persona| format!("u/{}", persona.reddit_username)));
            let lines: Vec<Pieces> = names
                .enumerate()
                .map(|(row, name)| {
                    line(if row == *at { Role::Selection } else { Role::Text }, &format!(" {} {name} ", if row == *at { ">" } else { " " }))
                })
                .collect();
            page(state, frame, "whose items", &lines, 0);
        }
        Layer::Saved { at } => {
            let lines = saved::lines(state, *at, usize::from(area.width).saturating_sub(8));
            // The chosen line is kept in view.
            page(state, frame, "saved filters", &lines, (*at + 1).saturating_sub(usize::from(area.height).saturating_sub(5)));
        }
        Layer::Columns { at } => page(state, frame, "columns", &columns::lines(state, *at), 0),
        Layer::Search(layer) => {
            let (title, lines, at) = crate::console::search::layer::lines(state, layer, usize::from(area.width).saturating_sub(8));
            // The chosen line is kept in view.
            page(state, frame, title, &lines, (at + 1).saturating_sub(usize::from(area.height).saturating_sub(5)));
        }
        Layer::Question { confirm } => {
            let words = match confirm {
                Confirm::Resume => "Send again? Everything that was approved and is due leaves at once.".to_owned(),
                Confirm::Care(ask) => ask.means.clone(),
                Confirm::Discard => "Leave, and lose the text that you typed?".to_owned(),
                Confirm::Many { decision, count } => {
                    let unread = matches!(**decision, Decision::ApproveUnread);
                    let left_out = if unread {
                        " What screening did not find clean, and what is longer than its line shows, is left out."
                    } else {
                        ""
                    };
                    format!("{} {count} marked items? Each is decided by itself, in the version that is listed.{left_out}", decision.wish())
                }
            };
            let mut lines = wrap(&[Piece::new(Role::Text, &words)], usize::from(area.width).saturating_sub(8), 0);
            if matches!(confirm, Confirm::Many { .. }) {
                lines.extend(decide::evidence(state, usize::from(area.width).saturating_sub(8)));
                let room = usize::from(area.height).saturating_sub(8);
                if lines.len() > room {
                    lines.truncate(room.saturating_sub(1));
                    lines.push(line(Role::Warning, "and more, which do not fit here"));
                }
            }
            lines.push(Vec::new());
            lines.push(vec![
                Piece::new(Role::Key, "y"),
                Piece::new(Role::Text, " yes     "),
                Piece::new(Role::Selection, " any other key: no "),
            ]);
            page(state, frame, "are you sure?", &lines, 0);
        }
        Layer::Line { asked, text } => {
            let own;
            let title = match asked {
                Asked::Beliefs(asked) => {
                    own = asked.title(state);
                    own.as_str()
                }
                Asked::Audit => "filter: words, actor: action: subject: persona: (* is any letters)",
                Asked::Filter => "filter: words, subreddit: verdict: state: rule: author: is:",
                Asked::FilterName => "a name for this filter",
                Asked::Return => "what should the agent change?",
                Asked::Hold => "for how long, and why: 2h waits for an answer",
                Asked::Escalate => "to whom, and why: bea knows the agency",
                Asked::Gauges(asked) => asked.title(),
                Asked::Health(asked) => {
                    own = asked.title();
                    own.as_str()
                }
                Asked::Search(asked) => asked.title(),
                Asked::RejectNote { .. } => "a few words for the agent (enter alone: none)",
            };
            let place =
                boxed(state, frame, Rect { x: 1, y: area.height.saturating_sub(5), width: area.width.saturating_sub(2), height: 3 }, title);
            field(text, frame, place);
        }
        Layer::Editor { text, evaluation, case, .. } => {
            let outer = Rect { x: 1, y: 1, width: area.width.saturating_sub(2), height: area.height.saturating_sub(3) };
            let place = boxed(state, frame, outer, &format!("edit {}", crate::base::short(&case.item.id)));
            let below = 5.min(place.height / 3);
            let writing = Rect { height: place.height.saturating_sub(below), ..place };
            field(text, frame, writing);
            let lines = match evaluation {
                None => vec![line(Role::Dim, "what you change is screened while you type")],
                Some(evaluation) => {
                    let (role, word) = verdict(evaluation.verdict);
                    let mut lines =
                        vec![vec![Piece::new(role, word), Piece::new(Role::Dim, &format!("  {}", SafeText::line(&evaluation.summary())))]];
                    let typed = text.lines().join("\n");
                    for hit in evaluation.hits.iter().filter(|hit| !hit.spans.is_empty()).take(2) {
                        let pieces = flagged(&typed, &hit.spans);
                        lines.extend(
                            wrap(&pieces, usize::from(place.width), 1)
                                .into_iter()
                                .filter(|line| line.iter().any(|piece| piece.role == Role::Flagged))
                                .take(1),
                        );
                    }
                    lines
                }
            };
            let area = Rect { y: writing.bottom(), height: below, ..place };
            put_lines(state, frame.buffer_mut(), area, &lines);
        }
    }
    None
}

/// A text area; the widget draws its cursor, and handles wide characters and scrolling.
fn field(text: &ratatui_textarea::TextArea<'_>, frame: &mut Frame<'_>, area: Rect) {
    text.render(area, frame.buffer_mut());
}

fn boxed(state: &State, frame: &mut Frame<'_>, area: Rect, title: &str) -> Rect {
    Clear.render(area, frame.buffer_mut());
    let style = state.theme.style(Role::BorderFocused);
    let buffer = frame.buffer_mut();
    buffer.set_style(area, state.theme.style(Role::Text));
    border(state, buffer, area, style);
    put(
        buffer,
        area.x + 2,
        area.y,
        area.width.saturating_sub(4),
        &clip(&format!(" {title} "), usize::from(area.width.saturating_sub(4))),
        style,
    );
    Rect { x: area.x + 1, y: area.y + 1, width: area.width.saturating_sub(2), height: area.height.saturating_sub(2) }
}

fn border(state: &State, buffer: &mut Buffer, area: Rect, style: ratatui::style::Style) {
    let set = &state.glyphs.border;
    let columns = usize::from(area.width.saturating_sub(2));
    let (top, bottom) = (set.horizontal_top.repeat(columns), set.horizontal_bottom.repeat(columns));
    put(buffer, area.x, area.y, area.width, &format!("{}{top}{}", set.top_left, set.top_right), style);
    put(buffer, area.x, area.bottom().saturating_sub(1), area.width, &format!("{}{bottom}{}", set.bottom_left, set.bottom_right), style);
    for y in area.y + 1..area.bottom().saturating_sub(1) {
        put(buffer, area.x, y, 1, set.vertical_left, style);
        put(buffer, area.right().saturating_sub(1), y, 1, set.vertical_right, style);
    }
}

/// Lines in a box in the middle, as large as they need and the screen allows.
fn page(state: &State, frame: &mut Frame<'_>, title: &str, lines: &[Pieces], top: usize) {
    let area = frame.area();
    let widest =
        lines.iter().map(|line| line.iter().map(|piece| cells(piece.text())).sum::<usize>()).max().unwrap_or(0).max(cells(title) + 4);
    let width = u16::try_from(widest + 4).unwrap_or(area.width).min(area.width.saturating_sub(2));
    let height = u16::try_from(lines.len() + 2).unwrap_or(area.height).min(area.height.saturating_sub(3)).max(3);
    let outer = Rect { x: (area.width - width) / 2, y: (area.height.saturating_sub(2).saturating_sub(height)) / 2 + 1, width, height };
    let inside = boxed(state, frame, outer, title);
    let inside = Rect { x: inside.x + 1, width: inside.width.saturating_sub(2), ..inside };
    let from = top.min(lines.len().saturating_sub(usize::from(inside.height)));
    put_lines(state, frame.buffer_mut(), inside, lines.get(from..).unwrap_or_default());
}

fn palette(state: &State, frame: &mut Frame<'_>, typed: &str, at: usize) -> (u16, u16) {
    let area = frame.area();
    let width = 76.min(area.width.saturating_sub(4));
    let rows = 12.min(area.height.saturating_sub(8));
    let outer = Rect { x: (area.width - width) / 2, y: 2, width, height: rows + 3 };
    let inside = boxed(state, frame, outer, "what do you want to do?");
    let found = layers::found(typed);
    let from = (at + 1).saturating_sub(usize::from(rows));
    let buffer = frame.buffer_mut();
    let end = put(buffer, inside.x, inside.y, inside.width, &format!("> {}", SafeText::line(typed)), state.theme.style(Role::Text));
    for (row, action) in found.iter().skip(from).take(usize::from(rows)).enumerate() {
        let is_here = row + from == at;
        let y = inside.y + 1 + u16::try_from(row).unwrap_or(0);
        let style = state.theme.style(if is_here { Role::Selection } else { Role::Text });
        let keys = state.keymap.keys(*action).join(", ");
        let text = format!(" {:<16} {:<14} {}", action.title(), keys, action.help());
        put(buffer, inside.x, y, inside.width, &clip(&text, usize::from(inside.width)), style);
    }
    (end.min(inside.right().saturating_sub(1)), inside.y)
}

/// Columns of the keys in the help.
const HELP_KEYS: usize = 20;

/// What the keymap binds, by where it holds.
fn help(state: &State, width: usize) -> Vec<Pieces> {
    let mut lines = Vec::new();
    // What holds on this screen stands first, the innermost on top; the keys of other tabs hold there and not here.
    let here = tabs::scopes(state);
    let around = Scope::ALL.into_iter().rev().filter(|scope| tabs::holds(state, *scope) && !here.contains(scope));
    for scope in here.iter().copied().chain(around) {
        let mut of_scope: Vec<(Action, Vec<String>)> = Vec::new();
        for (_, keys, action) in state.keymap.entries().into_iter().filter(|(bound, ..)| *bound == scope) {
            match of_scope.iter_mut().find(|(known, _)| *known == action) {
                Some((_, known)) => known.push(keys),
                None => of_scope.push((action, vec![keys])),
            }
        }
        if of_scope.is_empty() {
            continue;
        }
        of_scope.sort_by_key(|(action, _)| *action);
        lines.push(line(
            Role::Heading,
            match scope {
                Scope::Global => "everywhere",
                Scope::Beliefs => "among beliefs",
                Scope::Gauges => "among the gauges",
                Scope::Health => "on the board of health",
                Scope::Queue => "in the queue",
                Scope::Search => "in the search",
                Scope::Text => "in what scrolls",
            },
        ));
        for (action, keys) in of_scope {
            // The words stand beside the keys, and go on under themselves.
            let words = wrap(&[Piece::new(Role::Text, action.help())], width.saturating_sub(HELP_KEYS), 0);
            let keys = format!(" {:<1$} ", keys.join(", "), HELP_KEYS - 2);
            for (number, words) in words.into_iter().enumerate() {
                let before = if number == 0 { Piece::new(Role::Key, &keys) } else { Piece::new(Role::Text, &" ".repeat(HELP_KEYS)) };
                lines.push(std::iter::once(before).chain(words).collect());
            }
        }
        lines.push(Vec::new());
    }
    lines
}

fn metric_lines(metric: &Metric, width: usize) -> Vec<Pieces> {
    let value = match (metric.value, metric.unit) {
        (None, _) => "-".to_owned(),
        (Some(value), Unit::Millis) => clock::duration(value as i64),
        (Some(value), Unit::Share) => format!("{:.0} %", value * 100.0),
        (Some(value), Unit::PerHour) => format!("{value:.1}/h"),
        (Some(value), Unit::Count) => format!("{value:.0}"),
        (Some(value), Unit::Number) => format!("{value:.2}"),
    };
    let pieces = [
        Piece::new(Role::Text, &format!("{:<24}", metric.name)),
        Piece::new(Role::Heading, &format!("{value:>14}  ")),
        Piece::new(Role::Dim, &format!("n {:<6} {}", metric.n, metric.definition)),
    ];
    wrap(&pieces, width, 0)
}
