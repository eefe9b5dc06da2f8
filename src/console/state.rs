//! Everything that the console knows. One value; [`super::update`] changes it, [`super::draw`] shows it.

use super::action::Action;
use super::keymap::{Chord, Keymap};
use super::queue::Tab;
use super::request::{Case, Overview};
use super::theme::{Glyphs, Theme};
use crate::base::{Millis, PersonaId};
use crate::moderation::stats::Metric;
use crate::moderation::{Directive, Evaluation, Mode, RejectCode};
use ratatui_textarea::TextArea;

/// How long a toast stays.
pub(super) const TOAST: Millis = 6_000;
/// Messages that are kept.
const MOST_MESSAGES: usize = 500;

/// Something that the console said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub at: Millis,
    pub text: String,
    pub is_error: bool,
}

/// What a line of text is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Asked {
    Beliefs(Box<super::beliefs::Asked>),
    Gauges(super::gauges::Asked),
    Health(super::health::Asked),
    /// What the audit log is filtered by.
    Audit,
    Filter,
    FilterName,
    Return,
    Hold,
    Escalate,
    RejectNote {
        code: RejectCode,
        directive: Directive,
    },
    Search(super::search::layer::Asked),
}

/// What asks before it is done.
#[derive(Debug, Clone)]
pub(super) enum Confirm {
    /// Send again after the kill switch.
    Resume,
    /// Care of the deck.
    Care(Box<super::health::Ask>),
    /// Leave with a text that was typed.
    Discard,
    /// Decide about everything that is marked.
    Many { decision: Box<super::request::Decision>, count: usize },
}

/// What lies over the tab, the topmost last.
pub(super) enum Layer {
    /// The audit log.
    Audit(Box<super::audit::View>),
    /// A choice of several, in the beliefs' tab.
    Beliefs(Box<super::beliefs::Pick>),
    /// The keys of the screen.
    Help { top: usize },
    /// Any action by its name.
    Palette { typed: String, at: usize },
    /// Why a draft is rejected.
    Reject,
    /// A line of text.
    Line { asked: Asked, text: Box<TextArea<'static>> },
    /// The draft itself.
    Editor { case: Box<Case>, text: Box<TextArea<'static>>, evaluation: Option<Box<Evaluation>>, generation: u64 },
    /// A question.
    Question { confirm: Confirm },
    /// What was said.
    Messages { top: usize },
    /// The numbers of the queue.
    Metrics { metrics: Option<Vec<Metric>>, top: usize },
    /// Whose items are shown.
    Personas { at: usize },
    /// The filters that were saved.
    Saved { at: usize },
    /// The columns of the list.
    Columns { at: usize },
    /// Something of the search tab.
    Search(super::search::layer::Layer),
}

/// How long an answer may take before the screen says that it waits.
pub(super) const PATIENCE: Millis = 300;
/// How often the sign of waiting moves.
pub(super) const TICK: Millis = 250;

/// Requests that were not answered yet.
#[derive(Debug, Default)]
pub(super) struct Waits {
    open: usize,
    /// When there were none the last time.
    since: Millis,
}

impl Waits {
    /// So many were asked.
    pub fn begin(&mut self, count: usize, now: Millis) {
        if self.open == 0 {
            self.since = now;
        }
        self.open += count;
    }

    /// One was answered.
    pub fn end(&mut self, now: Millis) {
        self.open = self.open.saturating_sub(1);
        // Each answer shows that the database is there: the time counts from the last one.
        self.since = now;
    }

    /// For how long nothing was answered, where something is waited for.
    pub fn length(&self, now: Millis) -> Option<Millis> {
        (self.open > 0).then_some((now - self.since).max(0))
    }
}

/// Everything.
pub(super) struct State {
    pub now: Millis,
    pub waits: Waits,
    pub width: u16,
    pub height: u16,
    pub me: String,
    pub mode: Mode,
    pub is_demo: bool,
    /// No key changes anything.
    pub read_only: bool,
    pub keymap: Keymap,
    pub theme: Theme,
    pub glyphs: Glyphs,
    pub tab: super::tabs::Name,
    pub beliefs: super::beliefs::Tab,
    pub gauges: super::gauges::Tab,
    pub health: super::health::Tab,
    pub queue: Tab,
    pub search: super::search::Tab,
    pub overview: Overview,
    pub persona: Option<PersonaId>,
    pub layers: Vec<Layer>,
    pub pending: Vec<Chord>,
    /// Digits that were typed before a movement.
    pub count: Option<usize>,
    /// What is remembered between two starts.
    pub memory: super::memory::Memory,
    pub said: Vec<Said>,
    /// Errors that were said since the messages were last looked at.
    pub unread: usize,
    pub approved: Vec<super::request::Seen>,
    pub mouse: bool,
    /// Something changed since the last frame.
    pub is_dirty: bool,
    pub quits: bool,
    /// What the loop has to do with the terminal itself.
    pub wishes: Vec<Wish>,
}

/// What only the loop can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wish {
    Suspend,
    Redraw,
    Mouse(bool),
    Copy(String),
    Editor { seen: super::request::Seen, text: String },
}

impl State {
    /// Say something: it stands in the last line for a while, and in the messages.
    pub fn say(&mut self, text: impl Into<String>, is_error: bool) {
        self.said.push(Said { at: self.now, text: text.into(), is_error });
        self.unread += usize::from(is_error);
        if self.said.len() > MOST_MESSAGES {
            self.said.remove(0);
        }
        self.is_dirty = true;
    }

    /// What stands in the last line now.
    pub fn toast(&self) -> Option<&Said> {
        self.said.last().filter(|said| self.now - said.at < TOAST)
    }

    /// Whether something on the screen counts down.
    pub fn counts_down(&self, now: Millis) -> bool {
        self.queue.counts_down(now) || self.overview.leaving.iter().any(|line| line.not_before.is_some_and(|at| at > now))
    }

    /// Whether all sending is stopped.
    pub fn is_stopped(&self) -> bool {
        self.overview.pauses.iter().any(|pause| pause.scope == "*")
    }

    /// The shortest key of an action, as it is shown.
    pub fn key(&self, action: Action) -> String {
        self.keymap.keys(action).into_iter().next().unwrap_or_default()
    }

    /// The columns of the case's pane.
    pub fn case_width(&self) -> usize {
        usize::from(super::draw::layout(self.width, self.height).case.width).saturating_sub(2)
    }
}
