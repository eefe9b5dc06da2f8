//! The loop: events in, requests out, answers in, frames out. It sleeps until something happens.

use super::action::Action;
use super::ends::{self, Ends};
use super::looks::{Looks, Watch};
use super::queue::{Focus, Tab};
use super::request::{self, Desk, Reply, Request, Seen};
use super::state::{Layer, PATIENCE, Said, State, TICK, TOAST, Waits, Wish};
use super::terminal::{self, Screen};
use super::{draw, health, layers, memory, search, tabs, update};
use crate::base::Millis;
use crate::deck::Deck;
use crate::memory::Persona;
use crate::moderation::Mode;
use crate::store::audit::Actor;
use crate::watch::probe::Engine;
use crossterm::event::EventStream;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// How long after the start the probes begin.
const PROBES_AFTER: Duration = Duration::from_millis(500);

/// At most so often is a frame drawn.
const FRAME: Duration = Duration::from_millis(16);
/// The same over SSH, where bytes are dear.
const FRAME_REMOTE: Duration = Duration::from_millis(33);

/// How long changes of the database are gathered before the list is read again.
const REFRESH: Duration = Duration::from_millis(150);

/// Open the console on a deck, until the person leaves it. `models` is the client of an agent in this process, to show what it has under way. Returns why what it remembers could not be written, when it could not.
///
/// # Errors
/// When there is no terminal, or it cannot be taken over.
pub async fn run(
    deck: Deck,
    actor: Actor,
    persona: Option<Persona>,
    is_demo: bool,
    models: Option<crate::llm::Client>,
) -> io::Result<Option<String>> {
    // A checkpoint is written; whoever only reads leaves it to others.
    let _keeper = (!deck.settings.console.read_only).then(|| crate::upkeep::audit::keeper::start(deck.audit()));
    let desk = request::desk(deck, actor, models);
    let mut state = state(&desk, persona, is_demo);
    remember(&desk, &mut state).await;
    let mut screen = Screen::enter(state.mouse)?;
    (state.width, state.height) = screen.size();
    let probing = probing(&desk);
    let guard = ends::guard()?;
    let result = turn(&desk, &mut state, &mut screen).await;
    drop(screen);
    // Another process may take over at once.
    match probing {
        Some(begun) if begun.is_finished() => {
            if let Ok(Some(engine)) = begun.await {
                engine.stop().await;
            }
        }
        Some(waiting) => waiting.abort(),
        None => {}
    }
    let kept = memory::keep(&state);
    guard.abort();
    result?;
    Ok(kept.err())
}

/// Probe, or stand by while another process does; beside the first frame. A console that only reads does neither.
fn probing(desk: &Arc<Desk>) -> Option<tokio::task::JoinHandle<Option<Engine>>> {
    if desk.deck.settings.console.read_only {
        return None;
    }
    let deck = desk.deck.clone();
    Some(tokio::spawn(async move {
        // Whoever opens the console wants to see it first.
        tokio::time::sleep(PROBES_AFTER).await;
        deck.probe().inspect_err(|error| tracing::error!(%error, "nothing is probed from here")).ok()
    }))
}

/// Take up what the person left the console with.
async fn remember(desk: &Desk, state: &mut State) {
    let known = match desk.deck.db.read(crate::memory::personas::list).await {
        Ok(personas) => personas.into_iter().map(|persona| persona.id).collect(),
        Err(error) => {
            state.say(format!("the personas cannot be read: {error}"), true);
            Vec::new()
        }
    };
    memory::recall(state, &known);
}

pub(super) fn state(desk: &Desk, persona: Option<Persona>, is_demo: bool) -> State {
    let looks = Looks::read(&desk.deck.settings);
    let now = desk.deck.clock.now();
    let said: Vec<Said> = looks.problems.into_iter().map(|text| Said { at: now, text, is_error: true }).collect();
    State {
        now,
        waits: Waits::default(),
        width: 80,
        height: 24,
        me: desk.actor.name.clone(),
        mode: desk.deck.mode,
        is_demo,
        read_only: desk.deck.settings.console.read_only,
        keymap: looks.keymap,
        theme: looks.theme,
        glyphs: looks.glyphs,
        queue: Tab { loading: true, masked: desk.deck.settings.console.mask_incoming, ..Tab::default() },
        tab: tabs::Name::default(),
        beliefs: super::beliefs::Tab::default(),
        gauges: super::gauges::Tab::default(),
        health: health::Tab::default(),
        search: search::Tab::default(),
        overview: request::Overview::default(),
        persona: persona.map(|persona| persona.id),
        layers: Vec::new(),
        pending: Vec::new(),
        count: None,
        memory: memory::Memory {
            store: memory::Store::of(&desk.deck.settings, is_demo || desk.deck.mode == Mode::Sandbox),
            ..memory::Memory::default()
        },
        unread: said.len(),
        said,
        approved: Vec::new(),
        mouse: true,
        is_dirty: true,
        quits: false,
        wishes: Vec::new(),
    }
}

async fn turn(desk: &Arc<Desk>, state: &mut State, screen: &mut Screen) -> io::Result<()> {
    let (answers, mut replies) = mpsc::unbounded_channel::<Reply>();
    let mut changes = desk.deck.db.changes().ok();
    let mut events = EventStream::new();
    let mut ends = Ends::new()?;
    let mut files = Watch::over(&desk.deck.settings.config_dir);
    let frame = if std::env::var_os("SSH_CONNECTION").is_some() { FRAME_REMOTE } else { FRAME };
    let mut drawn = Instant::now() - frame;
    if state.is_demo {
        let (approve, reject, help) = (state.key(Action::Approve), state.key(Action::Reject), state.key(Action::Help));
        state.say(
            format!(
                "this is a sandbox, nothing leaves the machine: {approve} approves a draft, {reject} rejects it, {help} shows all keys"
            ),
            false,
        );
    }
    let first = tabs::persona_changed(state);
    ask(desk, state, &answers, first);
    if desk.has_own_rules() {
        ask(desk, state, &answers, vec![Request::Rules]);
    }
    let mut renew_at: Option<(Instant, Seen)> = None;
    let mut refresh_at: Option<Instant> = None;
    while !state.quits {
        let may_draw = drawn + frame;
        if state.is_dirty && Instant::now() >= may_draw {
            state.now = desk.deck.clock.now();
            screen.draw(|frame| draw::draw(state, frame))?;
            state.is_dirty = false;
            drawn = Instant::now();
            fail_when_asked();
        }
        let wake = wake(state, desk.deck.clock.now()).map(|wait| Instant::now() + wait);
        let deadline = if state.is_dirty { Some(may_draw) } else { wake };
        renew_at = renewal(state, desk, renew_at);
        let requests = tokio::select! {
            biased;
            event = ends::next(&mut events) => match event {
                Some(Ok(event)) => {
                    state.now = desk.deck.clock.now();
                    update::event(state, &event)
                }
                // The terminal is gone.
                Some(Err(_)) | None => return Ok(()),
            },
            Some(reply) = replies.recv() => {
                state.now = desk.deck.clock.now();
                if reply.is_awaited() {
                    state.waits.end(state.now);
                }
                update::reply(state, reply)
            }
            alive = changed(&mut changes) => {
                if !alive {
                    changes = None;
                }
                // A busy agent changes something every few milliseconds: the list is read once for all of it.
                refresh_at.get_or_insert_with(|| Instant::now() + REFRESH);
                Vec::new()
            }
            () = until(refresh_at) => {
                refresh_at = None;
                state.now = desk.deck.clock.now();
                tabs::refreshed(state)
            }
            () = until(renew_at.as_ref().map(|(at, _)| *at)) => match renew_at.take() {
                Some((_, seen)) => vec![Request::Decide { seen, decision: request::Decision::Claim }],
                None => Vec::new(),
            },
            () = until(deadline) => {
                state.now = desk.deck.clock.now();
                state.is_dirty = true;
                Vec::new()
            }
            Some(()) = files.changes.recv() => {
                // An editor writes a file in several steps: what came together is read once.
                while files.changes.try_recv().is_ok() {}
                looked_anew(desk, state)
            }
            () = ends.wait() => return Ok(()),
        };
        ask(desk, state, &answers, requests);
        let put_off = tabs::caught_up(state);
        ask(desk, state, &answers, put_off);
        let wishes = std::mem::take(&mut state.wishes);
        for wish in wishes {
            let needs_terminal = matches!(wish, Wish::Suspend | Wish::Editor { .. });
            if needs_terminal {
                // Two readers of one terminal would share its keys.
                drop(std::mem::replace(&mut events, EventStream::new()));
            }
            let requests = grant(desk, state, screen, wish)?;
            if needs_terminal {
                events = EventStream::new();
            }
            ask(desk, state, &answers, requests);
        }
    }
    Ok(())
}

/// Tests of the way out ask for a failure; a release does not hear them.
#[allow(clippy::panic, reason = "this is what it is for")]
fn fail_when_asked() {
    if cfg!(debug_assertions) && std::env::var_os("QUARTERDECK_TEST_PANIC").is_some() {
        panic!("a failure that was asked for");
    }
}

/// A file of keys or colours changed. What is broken is said; what was in force of it stays.
fn looked_anew(desk: &Desk, state: &mut State) -> Vec<Request> {
    let looks = Looks::read(&desk.deck.settings);
    state.now = desk.deck.clock.now();
    if looks.problems.is_empty() {
        let is_new = state.keymap != looks.keymap || state.theme != looks.theme;
        (state.keymap, state.theme) = (looks.keymap, looks.theme);
        if is_new {
            state.say("keys and colours are read again", false);
        }
        return Vec::new();
    }
    for problem in looks.problems {
        state.say(problem, true);
    }
    Vec::new()
}

/// What only the loop can do.
fn grant(desk: &Arc<Desk>, state: &mut State, screen: &mut Screen, wish: Wish) -> io::Result<Vec<Request>> {
    state.is_dirty = true;
    match wish {
        Wish::Suspend => {
            screen.lend(terminal::stop)?;
            (state.width, state.height) = screen.size();
            tabs::lay_out(state);
        }
        Wish::Redraw => screen.forget()?,
        Wish::Mouse(mouse) => screen.set_mouse(mouse)?,
        Wish::Copy(text) => {
            let mut bytes = Vec::new();
            crossterm::queue!(bytes, crossterm::clipboard::CopyToClipboard::to_clipboard_from(text))?;
            screen.write(&bytes)?;
        }
        Wish::Editor { seen, text } => {
            let typed = screen.lend(|| in_editor(&text))?;
            state.now = desk.deck.clock.now();
            return Ok(match typed {
                Ok(typed) => layers::edited_outside(state, &seen, &text, Some(typed)),
                Err(why) => {
                    state.say(why, true);
                    Vec::new()
                }
            });
        }
    }
    Ok(Vec::new())
}

/// Run the person's own editor on a text.
fn in_editor(text: &str) -> Result<String, String> {
    let file = tempfile::Builder::new()
        .prefix("quarterdeck-")
        .suffix(".md")
        .tempfile()
        .map_err(|error| format!("no file for the editor: {error}"))?;
    std::fs::write(file.path(), text).map_err(|error| format!("{}: {error}", file.path().display()))?;
    let named = std::env::var("VISUAL").or_else(|_| std::env::var("EDITOR")).unwrap_or_else(|_| "vi".to_owned());
    let mut words = named.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let status = std::process::Command::new(program).args(words).arg(file.path()).status();
    let status = status.map_err(|error| format!("the editor {program} cannot be started: {error}; set $EDITOR"))?;
    if !status.success() {
        return Err(format!("the editor {program} ended with {status}; nothing was changed"));
    }
    std::fs::read_to_string(file.path()).map_err(|error| format!("{}: {error}", file.path().display()))
}

fn ask(desk: &Arc<Desk>, state: &mut State, answers: &mpsc::UnboundedSender<Reply>, requests: Vec<Request>) {
    let awaited = requests.iter().filter(|request| request.is_awaited()).count();
    state.waits.begin(awaited, desk.deck.clock.now());
    for request in requests {
        let (desk, answers) = (Arc::clone(desk), answers.clone());
        tokio::spawn(async move {
            // Nobody listens any more once the console is left.
            if let Some(refused) = desk.refused(&request) {
                let _ = answers.send(refused);
                return;
            }
            let reply = match request {
                Request::Search(search::request::Request::Follow) => {
                    let tell = |reply| drop(answers.send(Reply::Search(reply)));
                    Reply::Search(search::request::follow(&desk, tell).await)
                }
                Request::Health(request) => {
                    let tells = answers.clone();
                    let tell = move |reply| drop(tells.send(Reply::Health(reply)));
                    Reply::Health(health::request::answer(&desk, request, tell).await)
                }
                Request::Audit(request) => {
                    let on_the_way = answers.clone();
                    let tell = move |reply| drop(on_the_way.send(Reply::Audit(Box::new(reply))));
                    Reply::Audit(Box::new(super::audit::request::answer(&desk, request, tell).await))
                }
                request => desk.answer(request).await,
            };
            let _ = answers.send(reply);
        });
    }
}

/// When the screen changes by itself: the end of a toast, a countdown, the next minute of the clock.
fn wake(state: &State, now: Millis) -> Option<Duration> {
    let mut next = 60_000 - now.rem_euclid(60_000);
    if let Some(said) = state.toast() {
        next = next.min((said.at + TOAST - now).max(1));
    }
    if let Some(waited) = state.waits.length(now) {
        next = next.min(if waited < PATIENCE { PATIENCE - waited } else { TICK });
    }
    if let Some(wait) = super::tabs::wakes(state, now) {
        next = next.min(wait);
    }
    if state.counts_down(now) {
        next = next.min(1_000);
    }
    u64::try_from(next).ok().map(Duration::from_millis)
}

/// When the claim on the open item is renewed: a third of its length before it would end.
fn renewal(state: &State, desk: &Desk, planned: Option<(Instant, Seen)>) -> Option<(Instant, Seen)> {
    let case = state.queue.open_case()?;
    let (holder, until) = case.item.live_lease(state.now)?;
    let is_open = state.queue.focus == Focus::Case || state.layers.iter().any(|layer| matches!(layer, Layer::Editor { .. }));
    if holder != state.me || !is_open || state.read_only {
        return None;
    }
    let seen = state.queue.seen()?;
    if let Some((at, planned)) = planned
        && planned == seen
    {
        return Some((at, planned));
    }
    let wait = (until - state.now - desk.deck.moderation().lease / 3).max(1_000);
    Some((Instant::now() + Duration::from_millis(u64::try_from(wait).unwrap_or(1_000)), seen))
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

async fn changed(channel: &mut Option<tokio::sync::watch::Receiver<u64>>) -> bool {
    match channel {
        Some(channel) => channel.changed().await.is_ok(),
        None => std::future::pending().await,
    }
}
