//! The table of beliefs and the pane beside or below it, put into cells. Only what is visible is made.

use super::rows::{self, Sort};
use super::signs::{Signs, brief, confidence_role, number};
use super::{Focus, View, time};
use crate::base::SafeText;
use crate::console::action::Action;
use crate::console::draw::{self as shell, clip, columns, put, put_lines};
use crate::console::state::State;
use crate::console::text::{Piece, wrap};
use crate::console::theme::Role;
use crate::memory::graph::BeliefRow;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Lines above the first belief: how many there are, and the names of the columns.
pub(super) const HEADING: usize = 2;
/// From this width on table and pane stand side by side.
const SIDE_BY_SIDE: u16 = 100;

/// Where the parts of the tab are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Places {
    /// The label of the past; without rows in the present.
    pub banner: Rect,
    pub list: Rect,
    pub pane: Rect,
}

/// The places now. Arithmetic only, so that a click finds what was drawn.
pub(super) fn places(state: &State) -> Places {
    let whole = shell::layout(state.width, state.height).body;
    let banner = Rect { height: u16::from(state.beliefs.at.is_some()).min(whole.height), ..whole };
    let body = Rect { y: whole.y + banner.height, height: whole.height - banner.height, ..whole };
    let (list, pane) = if body.width >= SIDE_BY_SIDE {
        let width = (body.width * 9 / 20).clamp(46, 90);
        (Rect { width, ..body }, Rect { x: body.x + width, width: body.width - width, ..body })
    } else {
        // A narrow screen is given to the side that has the keys.
        let rows = if state.beliefs.focus == Focus::Pane { 0 } else { (body.height / 2).max(5).min(body.height) };
        (Rect { height: rows, ..body }, Rect { y: body.y + rows, height: body.height - rows, ..body })
    };
    Places { banner, list, pane }
}

/// The columns of the pane.
pub(super) fn pane_width(state: &State) -> usize {
    usize::from(places(state).pane.width).saturating_sub(2)
}

/// The lines of the pane.
pub(super) fn pane_rows(state: &State) -> usize {
    usize::from(places(state).pane.height).saturating_sub(1)
}

/// How far a page is, on the side that has the keys.
pub(super) fn page(state: &State) -> isize {
    let rows = match state.beliefs.focus {
        Focus::List => usize::from(places(state).list.height).saturating_sub(HEADING + 1),
        Focus::Pane => pane_rows(state).saturating_sub(1),
    };
    isize::try_from(rows).unwrap_or(1).max(1)
}

/// Draw the tab.
pub(in crate::console) fn draw(state: &mut State, buffer: &mut Buffer) {
    let places = places(state);
    let rows = usize::from(places.list.height).saturating_sub(HEADING);
    // The belief at hand is kept in view; nothing else moves.
    if let Some(at) = state.beliefs.place() {
        if at < state.beliefs.top {
            state.beliefs.top = at;
        } else if rows > 0 && at >= state.beliefs.top + rows {
            state.beliefs.top = at + 1 - rows;
        }
    }
    let last = state.beliefs.shown.len().saturating_sub(rows.max(1));
    state.beliefs.top = state.beliefs.top.min(last);
    let state = &*state;
    if let Some(label) = time::label(state, usize::from(places.banner.width)) {
        let label = clip(&label, usize::from(places.banner.width));
        put(buffer, places.banner.x, places.banner.y, places.banner.width, &label, state.theme.style(Role::Paused));
    }
    list(state, buffer, places.list, rows);
    pane(state, buffer, places.pane);
}

fn list(state: &State, buffer: &mut Buffer, area: Rect, rows: usize) {
    if area.height == 0 {
        return;
    }
    let tab = &state.beliefs;
    heading(state, buffer, area);
    if let Some(words) = empty(state) {
        let lines = wrap(&[Piece::new(Role::Dim, &words)], usize::from(area.width).saturating_sub(2), 1);
        put_lines(state, buffer, Rect { y: area.y + 1, height: area.height - 1, ..area }, &lines);
        return;
    }
    names(state, buffer, Rect { y: area.y + 1, height: 1, ..area });
    for (number, place) in (tab.top..tab.shown.len()).take(rows).enumerate() {
        let Some(row) = tab.listed(place) else { continue };
        let y = area.y + u16::try_from(HEADING + number).unwrap_or(u16::MAX);
        if y < area.bottom() {
            one(state, buffer, Rect { y, height: 1, ..area }, row);
        }
    }
}

/// Why no belief is listed, and what to do.
fn empty(state: &State) -> Option<String> {
    let tab = &state.beliefs;
    if tab.persona.is_none() {
        let key = state.key(Action::Persona);
        return Some(if state.overview.personas.is_empty() {
            "No persona is here yet: `quarterdeck persona add` makes one.".to_owned()
        } else {
            format!("Beliefs belong to one persona: {key} chooses whose are shown.")
        });
    }
    let Some(loaded) = &tab.loaded else {
        return Some(tab.fault.as_ref().map_or_else(
            || "reading …".to_owned(),
            |why| format!("The beliefs cannot be read: {why}. {} tries again.", state.key(Action::BeliefRefresh)),
        ));
    };
    if !tab.shown.is_empty() {
        return None;
    }
    Some(match (loaded.graph.rows().is_empty(), tab.at.is_some()) {
        (true, true) => format!("Nothing was believed yet at that time; {} goes forward.", state.key(Action::BeliefLater)),
        (true, false) => {
            format!("Nothing is believed yet. {} makes a belief; an agent proposes some with its drafts.", state.key(Action::BeliefCreate))
        }
        (false, _) => format!("nothing fits this filter; {} takes it away", state.key(Action::Back)),
    })
}

fn heading(state: &State, buffer: &mut Buffer, area: Rect) {
    let tab = &state.beliefs;
    let sort = tab.sort.words(tab.is_reversed);
    let whole = tab.loaded.as_ref().map_or(0, |loaded| loaded.graph.rows().len());
    let waiting = tab.busy.map(|doing| format!("  {doing} {}", state.glyphs.ellipsis)).unwrap_or_default();
    let text = match (&tab.filter_fault, tab.filter.is_empty()) {
        (Some(fault), _) => format!(" ! {fault}"),
        (None, _) if tab.loaded.is_none() => " beliefs".to_owned(),
        (None, true) => format!(" {} {}, {sort}{waiting}", whole, if whole == 1 { "belief" } else { "beliefs" }),
        (None, false) => format!(" {} of {whole}, {sort}: {}{waiting}", tab.shown.len(), SafeText::line(&tab.filter)),
    };
    let role = if tab.filter_fault.is_some() { Role::Bad } else { Role::Dim };
    put(buffer, area.x, area.y, area.width, &clip(&text, usize::from(area.width)), state.theme.style(role));
    let count = tab.loaded.as_ref().map_or(0, |loaded| loaded.contradictions.len());
    if count > 0 && tab.filter_fault.is_none() {
        let signs = Signs::of(&state.glyphs);
        let words = format!(" {} {count} at odds ", signs.contradiction);
        let width = u16::try_from(columns(&words)).unwrap_or(0);
        if columns(&text) + usize::from(width) < usize::from(area.width) {
            put(buffer, area.right() - width, area.y, width, &words, state.theme.style(Role::Bad));
        }
    }
}

/// Which columns there are at a width, each with its first column and its width.
fn table(width: u16) -> Vec<(Option<Sort>, u16, u16)> {
    let bar = if width >= 60 { 6 } else { 4 };
    let mut at = 4;
    let mut all = vec![(None, 0, 4)];
    let mut add = |sort: Sort, wide: u16, at: &mut u16| {
        all.push((Some(sort), *at, wide));
        *at += wide + 1;
    };
    add(Sort::Confidence, bar + 5, &mut at);
    add(Sort::Drift, 7, &mut at);
    // From the right, as far as there is room for a title.
    let extra = [(Sort::Change, 4, 0), (Sort::Centrality, 5, 52), (Sort::Degree, 5, 66), (Sort::Tags, 12, 76)];
    let right: Vec<_> = extra.into_iter().filter(|(.., least)| width >= *least).collect();
    let taken: u16 = right.iter().map(|(_, wide, _)| wide + 1).sum();
    add(Sort::Title, width.saturating_sub(at + taken + 1), &mut at);
    for (sort, wide, _) in right.into_iter().rev() {
        add(sort, wide, &mut at);
    }
    all
}

/// The order that a click on the name of a column stands for.
pub(super) fn column_at(area: Rect, column: u16) -> Option<Sort> {
    let x = column.checked_sub(area.x)?;
    table(area.width).into_iter().find(|(_, at, wide)| (*at..at + wide).contains(&x)).and_then(|(sort, ..)| sort)
}

fn names(state: &State, buffer: &mut Buffer, area: Rect) {
    let signs = Signs::of(&state.glyphs);
    for (sort, at, wide) in table(area.width) {
        let Some(sort) = sort else { continue };
        let name = match sort {
            Sort::Confidence => "held",
            Sort::Drift if state.beliefs.at.is_some() => "to now",
            Sort::Drift => "pp 7d",
            Sort::Title => "belief",
            Sort::Tags => "tags",
            Sort::Degree => "edges",
            Sort::Centrality => "centr",
            Sort::Change => " ago",
            Sort::Waiting => "",
        };
        let is_here = sort == state.beliefs.sort;
        let sign = match (is_here, state.beliefs.is_reversed) {
            (false, _) => "",
            (true, false) => signs.falling,
            (true, true) => signs.rising,
        };
        let text = clip(&format!("{name}{sign}"), usize::from(wide));
        // The sign of the order goes before the last letter of a narrow name.
        let text = if is_here && columns(name) >= usize::from(wide) { format!("{}{sign}", clip_end(name, wide)) } else { text };
        put(buffer, area.x + at, area.y, wide, &text, state.theme.style(if is_here { Role::Accent } else { Role::Heading }));
    }
}

fn clip_end(name: &str, wide: u16) -> String {
    name.chars().take(usize::from(wide).saturating_sub(1)).collect()
}

/// One line of the table.
fn one(state: &State, buffer: &mut Buffer, area: Rect, row: &BeliefRow) {
    let (tab, theme, signs) = (&state.beliefs, &state.theme, Signs::of(&state.glyphs));
    let is_here = tab.selected.as_ref() == Some(&row.id);
    put(buffer, area.x, area.y, 1, if is_here { state.glyphs.selection } else { " " }, theme.style(Role::Accent));
    if row.locked {
        put(buffer, area.x + 1, area.y, 1, signs.locked, theme.style(Role::Warning));
    }
    if row.suggestions > 0 && tab.at.is_none() {
        put(buffer, area.x + 2, area.y, 1, signs.waits, theme.style(Role::Accent));
    }
    let moved = tab.loaded.as_ref().and_then(|loaded| rows::moved(loaded, row, tab.at.is_some()));
    for (sort, at, wide) in table(area.width) {
        let Some(sort) = sort else { continue };
        let (role, text) = match sort {
            Sort::Confidence => {
                let bar = signs.bar(row.confidence, usize::from(wide).saturating_sub(5));
                (confidence_role(row.confidence), format!("{bar} {}", number(row.confidence)))
            }
            Sort::Drift => {
                let (role, text) = signs.moved(moved, if row.confidence.is_some() && tab.at.is_none() { "new" } else { "?" });
                // The unit stands in the name of the column.
                (role, text.trim_end_matches("pp").trim_start().to_owned())
            }
            Sort::Title => (Role::Text, SafeText::clipped(&row.title, usize::from(wide)).to_string()),
            Sort::Tags => (Role::Badge, SafeText::clipped(&row.tags.join(","), usize::from(wide)).to_string()),
            Sort::Degree => (Role::Dim, format!("{:>5}", row.degree)),
            Sort::Centrality => (Role::Dim, format!("{:>5.1}", row.centrality)),
            Sort::Change => (Role::Dim, format!("{:>4}", brief(tab.at.unwrap_or(state.now) - row.last_change))),
            Sort::Waiting => (Role::Dim, String::new()),
        };
        put(buffer, area.x + at, area.y, wide, &text, theme.style(role));
    }
    if is_here {
        // Last, so that its letters are the ones that can be read on its ground.
        buffer.set_style(area, theme.style(if tab.focus == Focus::List { Role::Selection } else { Role::SelectionUnfocused }));
    }
}

fn pane(state: &State, buffer: &mut Buffer, area: Rect) {
    if area.height == 0 {
        return;
    }
    let tab = &state.beliefs;
    let has_focus = tab.focus == Focus::Pane;
    let border = state.theme.style(if has_focus { Role::BorderFocused } else { Role::Border });
    let stroke = state.glyphs.border.horizontal_top;
    let view = match tab.view {
        View::Detail => "belief".to_owned(),
        View::Graph if tab.reach() == 1 => "graph, 1 edge far".to_owned(),
        View::Graph => format!("graph, {} edges far", tab.reach()),
        View::Difference => "what changed".to_owned(),
    };
    put(buffer, area.x, area.y, area.width, &stroke.repeat(usize::from(area.width)), border);
    put(buffer, area.x, area.y, area.width, &format!("{stroke} {view} "), border);
    let inside = Rect { x: area.x + 1, y: area.y + 1, width: area.width.saturating_sub(2), height: area.height - 1 };
    let from = tab.pane_top.min(tab.lines.len());
    put_lines(state, buffer, inside, tab.lines.get(from..).unwrap_or_default());
    if tab.view == View::Graph && has_focus {
        let here = tab.nodes.iter().position(|id| id.is_some() && *id == tab.near).and_then(|line| line.checked_sub(from));
        if let Some(row) = here.filter(|row| *row < usize::from(inside.height)) {
            let y = inside.y + u16::try_from(row).unwrap_or(0);
            put(buffer, area.x, y, 1, state.glyphs.selection, state.theme.style(Role::Accent));
            buffer.set_style(Rect { x: area.x, y, width: area.width, height: 1 }, state.theme.style(Role::Selection));
        }
    }
    let below = tab.lines.len().saturating_sub(from + usize::from(inside.height));
    if below > 0 {
        let text = format!(" {below} more lines ");
        let width = u16::try_from(columns(&text)).unwrap_or(0);
        put(buffer, area.right().saturating_sub(width + 1), area.y, width, &text, border);
    }
}
