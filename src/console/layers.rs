//! What lies over the tab and takes the keys: help, palette, questions, texts.

use super::action::Action;
use super::queue::act;
use super::request::{Case, Decision, Request, Seen};
use super::state::{Asked, Confirm, Layer, State};
use super::{tabs, update};
use crate::moderation::{Directive, RejectCode};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseEvent, MouseEventKind};
use ratatui_textarea::TextArea;

/// The reasons of a rejection, by their number.
pub(super) const REASONS: [(RejectCode, Directive, &str); 9] = [
    (RejectCode::OffTopic, Directive::Drop, "off topic"),
    (RejectCode::Wrong, Directive::Redraft, "states something wrong; it writes another"),
    (RejectCode::OffPersona, Directive::Redraft, "not how the persona speaks; it writes another"),
    (RejectCode::Tone, Directive::Redraft, "the tone; it writes another"),
    (RejectCode::Rules, Directive::MuteThread, "against rules; it leaves the thread alone"),
    (RejectCode::TooRisky, Directive::MuteThread, "too risky; it leaves the thread alone"),
    (RejectCode::TooWeak, Directive::Drop, "says nothing"),
    (RejectCode::Duplicate, Directive::Drop, "was said before"),
    (RejectCode::Other, Directive::Drop, "something else, in your words"),
];

/// Ask for a line of text.
pub(super) fn ask(state: &mut State, asked: Asked, before: &str) {
    let before = super::queue::decide::asking(state, &asked, before);
    let mut text = TextArea::new(vec![before]);
    text.set_cursor_line_style(ratatui::style::Style::default());
    text.move_cursor(ratatui_textarea::CursorMove::End);
    state.layers.push(Layer::Line { asked, text: Box::new(text) });
}

/// Open the draft for editing, and claim it meanwhile.
pub(super) fn edit(state: &mut State) -> Vec<Request> {
    let (Some(seen), Some(case)) = (state.queue.seen(), state.queue.open_case().cloned()) else {
        // Its text is on the way: the editor opens when it comes.
        state.queue.edits_when_read = state.queue.selected.clone();
        if state.queue.edits_when_read.is_none() {
            state.say("no item is at hand", false);
        }
        return Vec::new();
    };
    let text = super::queue::decide::kept_text(state, &case);
    open_editor(state, case, &text);
    vec![Request::Decide { seen, decision: Decision::Claim }]
}

/// Open a case for editing, with a text that is its own or was typed before.
pub(super) fn open_editor(state: &mut State, case: Case, text: &str) {
    let mut text = TextArea::new(text.split('\n').map(str::to_owned).collect());
    text.set_cursor_line_style(ratatui::style::Style::default());
    text.set_wrap_mode(ratatui_textarea::WrapMode::WordOrGlyph);
    text.move_cursor(ratatui_textarea::CursorMove::Bottom);
    text.move_cursor(ratatui_textarea::CursorMove::End);
    state.layers.push(Layer::Editor { case: Box::new(case), text: Box::new(text), evaluation: None, generation: 0 });
}

/// A key for the topmost layer.
pub(super) fn key(state: &mut State, key: KeyEvent) -> Vec<Request> {
    let is_escape = key.code == KeyCode::Esc;
    let Some(layer) = state.layers.last_mut() else { return Vec::new() };
    match layer {
        Layer::Help { top } | Layer::Messages { top } | Layer::Metrics { top, .. } => {
            match key.code {
                KeyCode::Down | KeyCode::Char('j') => *top += 1,
                KeyCode::Up | KeyCode::Char('k') => *top = top.saturating_sub(1),
                KeyCode::PageDown | KeyCode::Char(' ') => *top += 10,
                KeyCode::PageUp => *top = top.saturating_sub(10),
                _ => drop(state.layers.pop()),
            }
            Vec::new()
        }
        Layer::Palette { typed, at } => match key.code {
            KeyCode::Esc => {
                state.layers.pop();
                Vec::new()
            }
            KeyCode::Enter => {
                let action = found(typed).get(*at).copied();
                state.layers.pop();
                action.map(|action| update::act(state, action)).unwrap_or_default()
            }
            KeyCode::Down => {
                *at = (*at + 1).min(found(typed).len().saturating_sub(1));
                Vec::new()
            }
            KeyCode::Up => {
                *at = at.saturating_sub(1);
                Vec::new()
            }
            KeyCode::Backspace => {
                typed.pop();
                *at = 0;
                Vec::new()
            }
            KeyCode::Char(letter) if !key.modifiers.contains(KeyModifiers::CONTROL) => {
                typed.push(letter);
                *at = 0;
                Vec::new()
            }
            _ => Vec::new(),
        },
        Layer::Reject => {
            let chosen = match key.code {
                KeyCode::Char(digit @ '1'..='9') => REASONS.get(usize::from(digit as u8 - b'1')).copied(),
                _ => None,
            };
            if let Some((code, directive, _)) = chosen {
                state.layers.pop();
                ask(state, Asked::RejectNote { code, directive }, "");
            } else if is_escape {
                state.layers.pop();
            }
            Vec::new()
        }
        Layer::Personas { at } => {
            let last = state.overview.personas.len();
            match key.code {
                KeyCode::Down | KeyCode::Char('j') => *at = (*at + 1).min(last),
                KeyCode::Up | KeyCode::Char('k') => *at = at.saturating_sub(1),
                KeyCode::Enter => {
                    let chosen = at.checked_sub(1).and_then(|at| state.overview.personas.get(at)).map(|persona| persona.id.clone());
                    state.persona = chosen;
                    state.layers.pop();
                    return tabs::persona_changed(state);
                }
                _ => drop(state.layers.pop()),
            }
            Vec::new()
        }
        Layer::Saved { .. } => super::saved::key(state, key),
        Layer::Columns { .. } => super::queue::columns::key(state, key),
        Layer::Audit(_) => super::audit::key(state, key),
        Layer::Beliefs(_) => super::beliefs::pick::key(state, key),
        Layer::Search(_) => super::search::layer::key(state, key),
        Layer::Question { confirm } => {
            let confirm = confirm.clone();
            state.layers.pop();
            if !matches!(key.code, KeyCode::Char('y')) {
                return Vec::new();
            }
            match confirm {
                Confirm::Resume => vec![Request::Pause { stop: false }],
                Confirm::Care(ask) => super::health::care::begin(state, *ask),
                Confirm::Discard => {
                    state.layers.pop();
                    Vec::new()
                }
                Confirm::Many { decision, .. } => super::queue::decide::marked(state, &decision),
            }
        }
        Layer::Line { text, .. } => match key.code {
            KeyCode::Esc => {
                state.layers.pop();
                Vec::new()
            }
            KeyCode::Enter => entered(state),
            _ => {
                text.input(key);
                after_text(state)
            }
        },
        Layer::Editor { text, case, .. } => {
            let is_changed = text.lines().join("\n") != case.item.content;
            let saves = (key.code == KeyCode::Char('s') && key.modifiers.contains(KeyModifiers::CONTROL)) || key.code == KeyCode::F(2);
            if saves {
                return save(state);
            }
            if is_escape {
                if is_changed {
                    state.layers.push(Layer::Question { confirm: Confirm::Discard });
                } else {
                    state.layers.pop();
                }
                return Vec::new();
            }
            text.input(key);
            after_text(state)
        }
    }
}

/// The wheel over the topmost layer; clicks are not taken, so that none hits what is half hidden.
pub(super) fn mouse(state: &mut State, mouse: MouseEvent) -> Vec<Request> {
    let code = match mouse.kind {
        MouseEventKind::ScrollDown => KeyCode::Down,
        MouseEventKind::ScrollUp => KeyCode::Up,
        _ => return Vec::new(),
    };
    match state.layers.last() {
        Some(Layer::Question { .. } | Layer::Reject | Layer::Line { .. }) | None => Vec::new(),
        Some(_) => key(state, KeyEvent::new(code, KeyModifiers::NONE)),
    }
}

/// What was typed into the editor becomes the item's text.
fn save(state: &mut State) -> Vec<Request> {
    let Some(Layer::Editor { text, case, .. }) = state.layers.last() else { return Vec::new() };
    let text = text.lines().join("\n").trim_end().to_owned();
    if text == case.item.content {
        state.layers.pop();
        state.say("not changed", false);
        return Vec::new();
    }
    // The claim made the version rise: the one of the case as it is now counts.
    let Some(seen) = state.queue.seen().filter(|seen| seen.id == case.item.id) else { return Vec::new() };
    let case = case.clone();
    state.layers.pop();
    vec![Request::Decide { seen, decision: Decision::Edit { case, text } }]
}

/// What the palette finds for what was typed, best first.
pub(super) fn found(typed: &str) -> Vec<Action> {
    if typed.is_empty() {
        return Action::ALL.to_vec();
    }
    let names: Vec<String> = Action::ALL.iter().map(|action| format!("{} {} {}", action.title(), action.id(), action.help())).collect();
    let matches = frizbee::Matcher::new(typed, &frizbee::Config::default()).match_list(&names);
    matches.iter().filter_map(|found| Action::ALL.get(found.index as usize).copied()).collect()
}

/// Something was pasted; whether a text took it.
pub(super) fn paste(state: &mut State, pasted: &str) -> bool {
    match state.layers.last_mut() {
        Some(Layer::Line { text, .. }) => text.insert_str(pasted.replace(['\r', '\n'], " ")),
        Some(Layer::Editor { text, .. }) => text.insert_str(pasted.replace("\r\n", "\n").replace('\r', "\n")),
        Some(Layer::Beliefs(pick)) => {
            pick.paste(pasted);
            true
        }
        Some(Layer::Palette { typed, .. }) => {
            typed.push_str(pasted.trim());
            true
        }
        _ => false,
    }
}

/// What follows from a changed text: the filter is applied, the draft is screened.
pub(super) fn after_text(state: &mut State) -> Vec<Request> {
    match state.layers.last_mut() {
        Some(Layer::Line { asked: Asked::Beliefs(asked), text }) if **asked == super::beliefs::Asked::Filter => {
            let typed = text.lines().join(" ");
            super::beliefs::act::filtered(state, typed)
        }
        Some(Layer::Line { asked: Asked::Health(super::health::Asked::Filter), text }) => {
            let typed = text.lines().join(" ");
            super::health::act::filtered(state, &typed);
            Vec::new()
        }
        Some(Layer::Line { asked: Asked::Filter, text }) => {
            state.queue.filter = text.lines().join(" ");
            act::list(state)
        }
        Some(Layer::Editor { text, case, generation, .. }) => {
            *generation += 1;
            let typed = text.lines().join("\n");
            vec![Request::Screen { item: Box::new(case.item.clone()), text: typed, generation: *generation }]
        }
        _ => Vec::new(),
    }
}

/// The line of text was finished.
fn entered(state: &mut State) -> Vec<Request> {
    let Some(Layer::Line { asked, text }) = state.layers.pop() else { return Vec::new() };
    let typed = text.lines().join(" ").trim().to_owned();
    match asked {
        Asked::Beliefs(asked) => super::beliefs::asked::entered(state, *asked, &typed),
        Asked::Filter => {
            state.queue.filter = typed;
            act::list(state)
        }
        Asked::Audit => super::audit::entered(state, &typed),
        Asked::FilterName => super::saved::named(state, &typed),
        Asked::Gauges(asked) => super::gauges::act::entered(state, asked, &typed),
        Asked::Health(asked) => super::health::act::entered(state, asked, &typed),
        Asked::Search(asked) => super::search::layer::entered(state, asked, &typed),
        Asked::Return if typed.is_empty() => again(state, Asked::Return, &typed, "the agent needs a note to write it again"),
        Asked::Return => act::decide(state, Decision::Return { note: typed }),
        Asked::RejectNote { code, directive } => {
            let note = (!typed.is_empty()).then_some(typed);
            if code == RejectCode::Other && note.is_none() {
                return again(state, Asked::RejectNote { code, directive }, "", "another reason needs a few words");
            }
            act::decide(state, Decision::Reject { code, directive, note })
        }
        Asked::Hold => {
            let (length, reason) = typed.split_once(' ').unwrap_or((typed.as_str(), ""));
            match crate::base::duration::parse(length) {
                Ok(length) if !reason.trim().is_empty() => act::decide(state, Decision::Hold { length, reason: reason.trim().to_owned() }),
                _ => again(state, Asked::Hold, &typed, "say for how long and why: `2h waits for the agency's answer`"),
            }
        }
        Asked::Escalate => match typed.split_once(' ') {
            Some((to, reason)) if !reason.trim().is_empty() => {
                act::decide(state, Decision::Escalate { to: to.to_owned(), reason: reason.trim().to_owned() })
            }
            _ => again(state, Asked::Escalate, &typed, "say to whom and why: `bea knows the agency`"),
        },
    }
}

/// What was typed is not lost: it is asked for again, with what is missing.
fn again(state: &mut State, asked: Asked, typed: &str, why: &str) -> Vec<Request> {
    ask(state, asked, typed);
    state.say(why, true);
    Vec::new()
}

/// The item that an outside editor changed, with what was typed.
pub(super) fn edited_outside(state: &mut State, seen: &Seen, before: &str, after: Option<String>) -> Vec<Request> {
    match after.map(|text| text.trim_end().to_owned()) {
        Some(text) if text != before => {
            let Some(case) = state.queue.open_case().filter(|case| case.item.id == seen.id).cloned().map(Box::new) else {
                return Vec::new();
            };
            let seen = state.queue.seen().unwrap_or_else(|| seen.clone());
            vec![Request::Decide { seen, decision: Decision::Edit { case, text } }]
        }
        Some(_) => {
            state.say("not changed", false);
            Vec::new()
        }
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_palette_has_every_action_and_finds_each_by_its_title() {
        assert_eq!(found(""), Action::ALL);
        for action in Action::ALL {
            assert!(found(action.title()).contains(action), "{}", action.id());
        }
    }
}
