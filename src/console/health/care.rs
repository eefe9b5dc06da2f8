//! What can be done for the deck at hand: how dangerous it is, what is asked before, how far it is, how it went. Pure.

use super::request::Request as Own;
use super::{Asked, act};
use crate::base::{Millis, SafeText, clock};
use crate::console::action::Action;
use crate::console::draw::clip;
use crate::console::layers;
use crate::console::request::Request;
use crate::console::state::{self, Confirm, Layer, State};
use crate::console::text::{Piece, Pieces};
use crate::console::theme::Role;
use crate::upkeep::progress::{Progress, Unit};
use crate::watch::board::{Kind, Maintenance};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Pieces of work that are remembered.
const MOST_JOBS: usize = 50;

/// How long the end of a piece of work stands in the last line of the tab, where the remedy has less room meanwhile.
const SHOWN: Millis = 30_000;

/// Something that can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::console) enum Care {
    /// Probe now.
    Check(String),
    CheckDatabase,
    VerifyAudit,
    VerifyIndex,
    RebuildIndex,
    BackUp,
    Drill,
    Checkpoint,
    PauseProbe(String),
    ResumeProbe(String),
    PauseSending,
    ResumeSending,
}

/// How dangerous it is; what is asked before follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) enum Grade {
    /// It only looks: at once.
    Reads,
    /// It writes: y.
    Writes,
    /// Others feel it: what they feel, and y.
    Service,
    /// Something goes and has to be made anew: its name, typed.
    Destroys(&'static str),
}

impl Care {
    pub fn grade(&self) -> Grade {
        match self {
            Self::Check(_) | Self::CheckDatabase | Self::VerifyAudit | Self::VerifyIndex => Grade::Reads,
            Self::BackUp | Self::Drill | Self::Checkpoint | Self::ResumeProbe(_) => Grade::Writes,
            Self::PauseProbe(_) | Self::PauseSending | Self::ResumeSending => Grade::Service,
            Self::RebuildIndex => Grade::Destroys("index"),
        }
    }

    /// What is being done.
    fn words(&self) -> String {
        match self {
            Self::Check(name) => format!("check {name}"),
            Self::CheckDatabase => "check of the database".to_owned(),
            Self::VerifyAudit => "verification of the audit log".to_owned(),
            Self::VerifyIndex => "verification of the index".to_owned(),
            Self::RebuildIndex => "rebuild of the index".to_owned(),
            Self::BackUp => "backup".to_owned(),
            Self::Drill => "restore drill".to_owned(),
            Self::Checkpoint => "checkpoint".to_owned(),
            Self::PauseProbe(name) => format!("pause of {name}"),
            Self::ResumeProbe(name) => format!("resumption of {name}"),
            Self::PauseSending => "stop of all sending".to_owned(),
            Self::ResumeSending => "resumption of sending".to_owned(),
        }
    }

    /// Whether it can be ended before it is done.
    fn can_stop(&self) -> bool {
        !matches!(self, Self::Check(_) | Self::PauseProbe(_) | Self::ResumeProbe(_) | Self::PauseSending | Self::ResumeSending)
    }
}

/// What is about to be done, with what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::console) struct Ask {
    pub care: Care,
    /// The line that was at hand: the result is kept there.
    pub line: Option<String>,
    /// What it does, and who feels it.
    pub means: String,
}

impl Ask {
    /// The sentence over the line in which a name is typed.
    pub fn asks_for_name(&self) -> String {
        let name = match self.care.grade() {
            Grade::Destroys(name) => name,
            _ => "",
        };
        format!("Type {name} to do it. {}", self.means)
    }
}

/// How something ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::console) struct Told {
    /// Whether something was found.
    pub is_problem: bool,
    pub text: String,
}

/// A piece of work.
#[derive(Debug, Clone)]
pub(in crate::console) struct Job {
    pub number: u64,
    pub care: Care,
    pub line: Option<String>,
    pub began: Millis,
    /// Where it is, and when that stage began.
    pub progress: Option<(Progress, Millis)>,
    pub stop: Arc<AtomicBool>,
    pub ended: Option<(Millis, Result<Told, String>)>,
}

impl Job {
    pub fn is_under_way(&self) -> bool {
        self.ended.is_none()
    }

    /// The work is here now.
    pub fn told(&mut self, progress: Progress, now: Millis) {
        let since = match self.progress {
            Some((before, since)) if before.stage == progress.stage => since,
            _ => now,
        };
        self.progress = Some((progress, since));
    }

    /// Whether it ended with something to look at.
    pub fn is_bad(&self) -> bool {
        self.ended.as_ref().is_some_and(|(_, result)| !matches!(result, Ok(told) if !told.is_problem))
    }

    /// Where it is or how it went.
    pub fn sentence(&self, state: &State) -> String {
        let what = self.care.words();
        match &self.ended {
            Some((_, Ok(told))) => format!("{what}: {}", told.text),
            Some((_, Err(why))) => format!("{what} was not done: {why}"),
            None => {
                let is_stopping = self.stop.load(Ordering::Relaxed);
                let far = self.progress.map_or_else(|| "it begins".to_owned(), |(progress, since)| far(progress, state.now - since));
                let stops = if is_stopping { "it is stopping; " } else { "" };
                format!("{what}: {stops}{far}")
            }
        }
    }

    /// The role and the sentence with its sign.
    pub fn words(&self, state: &State) -> (Role, String) {
        let sentence = self.sentence(state);
        match (self.is_under_way(), self.is_bad()) {
            (true, _) => (Role::Pending, sentence),
            (false, true) => (Role::Bad, format!("{} {sentence}", state.glyphs.block)),
            (false, false) => (Role::Good, format!("{} {sentence}", state.glyphs.check)),
        }
    }
}

/// How far a piece of work is: its stage, how much, how fast, how long the rest takes.
fn far(progress: Progress, elapsed: Millis) -> String {
    let elapsed = Duration::from_millis(u64::try_from(elapsed).unwrap_or(0));
    let amount = |count: u64| match progress.unit {
        Unit::Bytes => bytes(count as f64),
        Unit::Rows => format!("{} rows", crate::report::format::count(i64::try_from(count).unwrap_or(i64::MAX))),
        Unit::Steps => count.to_string(),
    };
    let mut text = progress.stage.to_owned();
    match progress.total {
        Some(total) if total > 0 => {
            let percent = (progress.done as f64 / total as f64 * 100.0).min(100.0);
            text.push_str(&format!(" {percent:.0} %, {} of {}", amount(progress.done), amount(total)));
        }
        _ if progress.done > 0 => text.push_str(&format!(" {}", amount(progress.done))),
        _ => {}
    }
    if progress.unit != Unit::Steps
        && let Some(rate) = progress.rate(elapsed).filter(|rate| *rate >= 1.0)
    {
        let rate = if progress.unit == Unit::Bytes { bytes(rate) } else { format!("{rate:.0} rows") };
        text.push_str(&format!(", {rate}/s"));
    }
    if let Some(left) = progress.left(elapsed).filter(|left| *left >= Duration::from_millis(500)) {
        text.push_str(&format!(", {} left", clock::duration(i64::try_from(left.as_millis()).unwrap_or(i64::MAX))));
    }
    text
}

fn bytes(count: f64) -> String {
    match count {
        count if count < 1_024.0 => format!("{count:.0} B"),
        count if count < 1_048_576.0 => format!("{:.1} KiB", count / 1_024.0),
        count if count < 1_073_741_824.0 => format!("{:.1} MiB", count / 1_048_576.0),
        count => format!("{:.1} GiB", count / 1_073_741_824.0),
    }
}

/// In how many milliseconds the last line of the tab no longer shows what ended.
pub(super) fn fades(state: &State, now: Millis) -> Option<Millis> {
    let left = |job: &Job| job.ended.as_ref().map(|(at, _)| at + SHOWN - now);
    state.health.jobs.iter().filter_map(left).filter(|left| *left > 0).min()
}

/// The newest piece of work as a line: what is under way, else what was done last, for a while. Its line's own page keeps it.
pub(super) fn line(state: &State, width: usize) -> Option<Pieces> {
    let jobs = &state.health.jobs;
    let is_fresh = |job: &&Job| job.ended.as_ref().is_some_and(|(at, _)| state.now - at < SHOWN);
    let job = jobs.iter().rev().find(|job| job.is_under_way()).or_else(|| jobs.iter().rev().find(is_fresh))?;
    let (role, text) = job.words(state);
    Some(vec![Piece::new(role, &clip(SafeText::line(&text).as_str(), width))])
}

/// What a piece of care means, in this state of the deck.
fn means(state: &State, care: &Care) -> String {
    let number = |line: &str, name: &str| {
        let board = state.health.board.as_deref()?;
        board.line(line)?.detail.get(name)?.as_i64()
    };
    let is_job = act::line(state).is_some_and(|line| line.kind == Kind::Heartbeat);
    match care {
        Care::BackUp => "Make a backup of database, index and configuration? It is made while everything goes on; secrets are left out.".into(),
        Care::Drill => {
            "Restore the newest backup into a scratch place and try it? Nothing that runs is touched; it needs as much free disk as the backup.".into()
        }
        Care::Checkpoint => "Take the write-ahead log into the database's file? Writers may wait for an instant.".into(),
        Care::PauseProbe(name) if is_job => {
            format!("Pause the heartbeat {name}? Nobody is told when its job does not run, in any console, until somebody resumes it.")
        }
        Care::ResumeProbe(name) if is_job => format!("Expect {name} again? What it missed meanwhile does not count."),
        Care::PauseProbe(name) => {
            format!("Pause the probe {name}? Nobody is told when its target breaks, in any console, until somebody resumes it.")
        }
        Care::ResumeProbe(name) => format!("Probe {name} again? Its state is unknown until it has answered."),
        Care::PauseSending => {
            let held = number("own/outbox", "scheduled").map_or_else(String::new, |count| format!(" {count} approved items are held back."));
            let (personas, agents) = (state.overview.personas.len(), state.overview.agents);
            format!("Stop all sending? Nothing leaves for any of {personas} personas, of {agents} agents that run, until it is resumed.{held} Drafting and reviewing go on.")
        }
        Care::ResumeSending => "Send again? Everything that was approved and is due leaves at once.".into(),
        Care::RebuildIndex => "Search by meaning finds less until it is made anew.".into(),
        Care::Check(_) | Care::CheckDatabase | Care::VerifyAudit | Care::VerifyIndex => String::new(),
    }
}

/// Somebody wants something done: at once, or after they were asked.
pub(super) fn wanted(state: &mut State, care: Care) -> Vec<Request> {
    let line = act::line(state).map(|line| line.id.clone());
    if state.health.jobs.iter().any(|job| job.is_under_way() && job.care == care) {
        state.say(format!("the {} is under way already", care.words()), false);
        return Vec::new();
    }
    let ask = Ask { means: means(state, &care), line, care };
    match ask.care.grade() {
        Grade::Reads => begin(state, ask),
        Grade::Writes | Grade::Service => {
            state.layers.push(Layer::Question { confirm: Confirm::Care(Box::new(ask)) });
            Vec::new()
        }
        Grade::Destroys(_) => {
            layers::ask(state, state::Asked::Health(Asked::Name(Box::new(ask))), "");
            Vec::new()
        }
    }
}

/// A name was typed.
pub(super) fn named(state: &mut State, ask: Ask, typed: &str) -> Vec<Request> {
    match ask.care.grade() {
        Grade::Destroys(name) if typed == name => begin(state, ask),
        _ => {
            state.say(format!("{typed:?} is not its name: nothing was done"), true);
            Vec::new()
        }
    }
}

/// Begin.
pub(in crate::console) fn begin(state: &mut State, ask: Ask) -> Vec<Request> {
    let tab = &mut state.health;
    // Whoever does something for a line wants to see how it goes.
    tab.is_chosen = true;
    tab.begun += 1;
    let stop = Arc::new(AtomicBool::new(false));
    let job = Job {
        number: tab.begun,
        care: ask.care.clone(),
        line: ask.line,
        began: state.now,
        progress: None,
        stop: Arc::clone(&stop),
        ended: None,
    };
    let number = job.number;
    tab.jobs.push(job);
    if tab.jobs.len() > MOST_JOBS
        && let Some(oldest) = tab.jobs.iter().position(|job| !job.is_under_way())
    {
        tab.jobs.remove(oldest);
    }
    state.is_dirty = true;
    vec![Request::Health(Own::Care { number, care: ask.care, stop })]
}

/// Stop what is under way.
pub(super) fn stop(state: &mut State) {
    let job = state.health.jobs.iter().rev().find(|job| job.is_under_way()).cloned();
    match job {
        None => state.say("nothing is under way", false),
        Some(job) if !job.care.can_stop() => state.say(format!("the {} is over in a moment", job.care.words()), false),
        Some(job) => {
            job.stop.store(true, Ordering::Relaxed);
            state.say(format!("the {} ends where it can end cleanly", job.care.words()), false);
        }
    }
}

/// What is at hand to be checked or paused, and whether it is paused. A heartbeat can be paused; nothing can be asked for it.
fn probe(state: &State, action: Action) -> Result<(String, bool), &'static str> {
    let Some(line) = act::line(state) else { return Err("no line is at hand") };
    match line.kind {
        Kind::Own => Err("this is a part of the deck: it is looked at always"),
        Kind::Heartbeat if action == Action::HealthCheck => Err("a heartbeat comes from its job: it is not probed"),
        Kind::Probe | Kind::Heartbeat => Ok((line.name.clone(), line.paused.is_some())),
    }
}

/// Check what is at hand, pause it, resume it.
pub(super) fn of_probe(state: &mut State, action: Action) -> Vec<Request> {
    match (probe(state, action), action) {
        (Ok((name, _)), Action::HealthCheck) => wanted(state, Care::Check(name)),
        (Ok((name, true)), _) => wanted(state, Care::ResumeProbe(name)),
        (Ok((name, false)), _) => wanted(state, Care::PauseProbe(name)),
        // Own parts are read again, which is their check.
        (Err(_), Action::HealthCheck) if act::line(state).is_some_and(|line| line.kind == Kind::Own) => super::refresh::read(state),
        (Err(why), _) => {
            state.say(why, false);
            Vec::new()
        }
    }
}

/// Do what the remedy of the line at hand asks for.
pub(super) fn remedy(state: &mut State) -> Vec<Request> {
    let Some(line) = act::line(state) else {
        state.say("no line is at hand", false);
        return Vec::new();
    };
    let Some(remedy) = &line.remedy else {
        state.say("nothing has to be done for it", false);
        return Vec::new();
    };
    let care = match remedy.maintenance {
        Some(Maintenance::Check) => return of_probe(state, Action::HealthCheck),
        Some(Maintenance::CheckDatabase) => Care::CheckDatabase,
        Some(Maintenance::VerifyAudit) => Care::VerifyAudit,
        Some(Maintenance::VerifyIndex) => Care::VerifyIndex,
        Some(Maintenance::RebuildIndex) => Care::RebuildIndex,
        Some(Maintenance::BackUp) => Care::BackUp,
        Some(Maintenance::Drill) => Care::Drill,
        Some(Maintenance::Checkpoint) => Care::Checkpoint,
        Some(Maintenance::PauseSending) => Care::PauseSending,
        None => {
            let key = state.key(Action::HealthCopy);
            let why = match remedy.command {
                Some(_) => format!("it is done outside of the console: {key} copies the command"),
                None => "it is done outside of the console, by hand".to_owned(),
            };
            state.say(why, false);
            return Vec::new();
        }
    };
    wanted(state, care)
}

/// What was done for a line, the newest first, for its detail.
pub(super) fn done_for<'a>(state: &'a State, id: &'a str) -> impl Iterator<Item = &'a Job> {
    state.health.jobs.iter().rev().filter(move |job| job.line.as_deref() == Some(id))
}
