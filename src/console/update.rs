//! From an event to the next state, and what has to be asked for. Nothing here waits, reads or draws.
//!
//! The shell's part: keys to actions, what every tab shares. What a tab does with an action stands in the folder of the tab.

use super::action::{Action, Scope};
use super::keymap::{Chord, Step};
use super::queue::answer;
use super::request::{Reply, Request};
use super::state::{Confirm, Layer, State, Wish};
use super::{count, draw, layers, tabs};
use crossterm::event::{Event, KeyEvent, MouseButton, MouseEvent, MouseEventKind};

/// An event of the terminal.
pub(super) fn event(state: &mut State, event: &Event) -> Vec<Request> {
    match event {
        Event::Key(key) => pressed(state, *key),
        Event::Paste(_) if draw::is_too_small(state) => Vec::new(),
        Event::Paste(text) => {
            state.is_dirty = true;
            if state.layers.is_empty()
                && let Some(requests) = tabs::pasted(state, text)
            {
                return requests;
            }
            if !layers::paste(state, text) {
                state.say("what was pasted was not taken for keys; paste into a text", false);
            }
            layers::after_text(state)
        }
        Event::Mouse(mouse) => moused(state, *mouse),
        Event::Resize(width, height) => {
            (state.width, state.height) = (*width, *height);
            if draw::is_too_small(state) {
                // What was begun is not seen any more.
                state.pending.clear();
                state.count = None;
            }
            tabs::lay_out(state);
            // A terminal that became small and large again in between lost what stood on it, though its size is the same.
            state.wishes.push(Wish::Redraw);
            Vec::new()
        }
        Event::FocusGained | Event::FocusLost => Vec::new(),
    }
}

fn pressed(state: &mut State, key: KeyEvent) -> Vec<Request> {
    let Some(chord) = Chord::of(&key) else { return Vec::new() };
    state.is_dirty = true;
    if draw::is_too_small(state) {
        return unseen(state, chord);
    }
    if !state.layers.is_empty() {
        return layers::key(state, key);
    }
    let scopes = tabs::scopes(state);
    if let Some(requests) = tabs::typed(state, key) {
        return requests;
    }
    if count::takes(state, chord, scopes) {
        return Vec::new();
    }
    state.pending.push(chord);
    // What the innermost pane does not know, the one around it does.
    let step = scopes.iter().map(|scope| state.keymap.step(*scope, &state.pending)).find(|step| *step != Step::None).unwrap_or(Step::None);
    match step {
        Step::Action(action) => {
            state.pending.clear();
            act(state, action)
        }
        Step::Prefix(_) => Vec::new(),
        Step::None => {
            let was_sequence = state.pending.len() > 1;
            state.count = None;
            state.pending.clear();
            if was_sequence {
                state.say(format!("no such keys; {} shows what there is", state.key(Action::Help)), false);
            }
            Vec::new()
        }
    }
}

/// A key while the screen has no room for the deck: what nobody sees is not decided. Leaving and the stop of all sending go on, and a text that
/// was being typed is not lost to either.
fn unseen(state: &mut State, chord: Chord) -> Vec<Request> {
    let types = matches!(state.layers.last(), Some(Layer::Line { .. } | Layer::Editor { .. }));
    let is_stopped = state.is_stopped();
    let may = |action: Action| match action {
        Action::Quit => !types,
        // To send again is asked, and the question would not be seen.
        Action::KillSwitch => !is_stopped,
        _ => false,
    };
    state.count = None;
    let mut pending = std::mem::take(&mut state.pending);
    pending.push(chord);
    match state.keymap.step(Scope::Global, &pending) {
        Step::Action(action) if may(action) => act(state, action),
        Step::Prefix(next) if next.iter().any(|(_, action)| may(*action)) => {
            state.pending = pending;
            Vec::new()
        }
        _ => Vec::new(),
    }
}

fn moused(state: &mut State, mouse: MouseEvent) -> Vec<Request> {
    let is_click = matches!(mouse.kind, MouseEventKind::Down(MouseButton::Left));
    let is_wheel = matches!(mouse.kind, MouseEventKind::ScrollDown | MouseEventKind::ScrollUp);
    if (!is_click && !is_wheel) || draw::is_too_small(state) {
        return Vec::new();
    }
    state.is_dirty = true;
    if !state.layers.is_empty() {
        return layers::mouse(state, mouse);
    }
    if is_click && mouse.row == 0 {
        return tabs::clicked(state, mouse.column);
    }
    if is_click && mouse.row + 1 == state.height {
        return draw::key_at(state, mouse.column).map(|action| act(state, action)).unwrap_or_default();
    }
    tabs::mouse(state, mouse)
}

/// Do an action.
pub(super) fn act(state: &mut State, action: Action) -> Vec<Request> {
    let count = state.count.take();
    if state.read_only && action.changes() {
        state.say(format!("{}: {}", action.title(), super::request::READ_ONLY), true);
        return Vec::new();
    }
    match action {
        Action::Help => push(state, Layer::Help { top: 0 }),
        Action::Palette => push(state, Layer::Palette { typed: String::new(), at: 0 }),
        Action::Quit => state.quits = true,
        Action::Back => return tabs::back(state),
        Action::BeliefsTab => return tabs::open(state, tabs::Name::Beliefs),
        Action::GaugesTab => return tabs::open(state, tabs::Name::Gauges),
        Action::HealthTab => return tabs::open(state, tabs::Name::Health),
        Action::QueueTab => return tabs::open(state, tabs::Name::Queue),
        Action::NextTab => return tabs::turn(state, 1),
        Action::PreviousTab => return tabs::turn(state, -1),
        Action::Persona => push(state, Layer::Personas { at: 0 }),
        Action::Audit => return super::audit::open(state),
        Action::Messages => {
            state.unread = 0;
            push(state, Layer::Messages { top: 0 });
        }
        Action::Search => return tabs::open(state, tabs::Name::Search),
        Action::KillSwitch if state.is_stopped() => push(state, Layer::Question { confirm: Confirm::Resume }),
        Action::KillSwitch => return vec![Request::Pause { stop: true }],
        Action::Mouse => {
            state.mouse = !state.mouse;
            state.wishes.push(Wish::Mouse(state.mouse));
            state.say(if state.mouse { "the mouse is the console's" } else { "the mouse is the terminal's" }, false);
        }
        Action::Suspend => state.wishes.push(Wish::Suspend),
        Action::Redraw => state.wishes.push(Wish::Redraw),
        // Everything else is the tab's.
        other => return tabs::act(state, other, count),
    }
    Vec::new()
}

fn push(state: &mut State, layer: Layer) {
    state.layers.push(layer);
}

/// An answer came.
pub(super) fn reply(state: &mut State, reply: Reply) -> Vec<Request> {
    state.is_dirty = true;
    match reply {
        reply @ (Reply::List { .. } | Reply::Case(_) | Reply::Gone { .. } | Reply::Decided { .. }) => answer::answer(state, reply),
        Reply::Beliefs(reply) => super::beliefs::answer::answer(state, *reply),
        Reply::Gauges(reply) => super::gauges::answer::answer(state, reply),
        Reply::Health(reply) => super::health::answer::answer(state, reply),
        Reply::Screened { evaluation, generation } => {
            if let Some(Layer::Editor { evaluation: shown, generation: wanted, .. }) = state.layers.last_mut()
                && *wanted == generation
            {
                *shown = Some(evaluation);
            }
            Vec::new()
        }
        Reply::Overview(overview) => {
            super::queue::list::overviewed(state, *overview);
            Vec::new()
        }
        Reply::Audit(reply) => super::audit::answered(state, *reply),
        Reply::Search(reply) => super::search::answer::answer(state, reply),
        Reply::Stats(found) => {
            if let Some(Layer::Metrics { metrics, .. }) = state.layers.last_mut() {
                *metrics = Some(found);
            }
            Vec::new()
        }
        Reply::Paused(Ok(stopped)) => {
            let key = state.key(Action::KillSwitch);
            state.say(if stopped { format!("all sending is stopped; {key} lets it go on") } else { "sending goes on".to_owned() }, stopped);
            vec![Request::Overview { persona: state.persona.clone() }]
        }
        Reply::Rules(why) => {
            if let Some(why) = why {
                state.say(why, true);
            }
            Vec::new()
        }
        Reply::Paused(Err(why)) => {
            state.say(why, true);
            Vec::new()
        }
        Reply::Kept { change, result } => {
            match result {
                Ok(Some(saved)) => state.memory.filters.settled(&change, saved),
                Ok(None) => {}
                Err(why) => state.say(why, true),
            }
            Vec::new()
        }
        Reply::Failed { what, why } => {
            state.queue.loading = false;
            state.say(format!("{what} cannot be read: {why}"), true);
            Vec::new()
        }
    }
}
