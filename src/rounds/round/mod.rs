//! The rounds of a day, a week and a month: what the runbooks ask for at that rhythm, as steps over what there is, and the report.
//!
//! | file | what it is for |
//! |---|---|
//! | `steps` | the table: each step with its rhythms and the runbooks that it is from |
//! | `looks` | steps that look: board, queue, log |
//! | `money` | steps over the ledger: spend, errors, speed, trends, the month's report |
//! | `work` | steps that work: backups, checks, verification |
//! | [`document`] | the report as Markdown; pure |
//!
//! A step that cannot be done is unknown and says why; the round goes on. A round repairs nothing and takes nothing away.

pub mod document;
mod looks;
mod money;
mod steps;
mod work;

pub use steps::{STEPS, Step};

use super::bounded::NoResult;
use super::found::{Found, Verdict};
use super::patient::{Opened, Patient};
use super::stop::Stop;
use crate::base::Millis;
use crate::store::audit::Actor;
use crate::upkeep::Site;
use crate::upkeep::progress::Watcher;
use crate::upkeep::runs::{self, Done, Kind, Outcome};
use serde::Serialize;
use serde_json::{Value, json};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// How often a round is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rhythm {
    /// Every day.
    Daily,
    /// Every week.
    Weekly,
    /// Every month.
    Monthly,
}

impl Rhythm {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
        }
    }
}

/// What a step is given.
pub struct Round {
    /// What is looked at.
    pub patient: Arc<Patient>,
    /// How often this round is gone.
    pub rhythm: Rhythm,
    /// Who goes it.
    pub actor: Actor,
    /// Who is told how far long work is, and asks for its end.
    pub watcher: Arc<dyn Watcher>,
    appendices: Mutex<Vec<String>>,
}

impl Round {
    /// Of this patient.
    #[must_use]
    pub fn new(patient: Arc<Patient>, rhythm: Rhythm, actor: Actor, watcher: Arc<dyn Watcher>) -> Arc<Self> {
        Arc::new(Self { patient, rhythm, actor, watcher, appendices: Mutex::default() })
    }

    /// The installation as upkeep sees it.
    fn site(&self) -> Result<Site, Found> {
        self.patient.site(&self.actor)
    }

    /// Put a document at the end of the report.
    fn append(&self, markdown: String) {
        self.appendices.lock().unwrap_or_else(PoisonError::into_inner).push(markdown);
    }
}

/// The result of one step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stepped {
    /// Its name.
    pub name: &'static str,
    /// What it does, in half a sentence.
    pub title: &'static str,
    /// The runbooks that it is from.
    pub source: &'static str,
    /// What was found.
    #[serde(flatten)]
    pub found: Found,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// A round that was gone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gone {
    /// How often it is gone.
    pub rhythm: Rhythm,
    /// When it began.
    pub at: Millis,
    /// When it ended.
    pub ended_at: Millis,
    /// Each step.
    pub steps: Vec<Stepped>,
    /// Whether it was asked to end before it had ended.
    pub was_stopped: bool,
    /// Documents that belong to it, as Markdown.
    #[serde(skip)]
    pub appendices: Vec<String>,
}

impl Gone {
    /// How many steps ended so.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.steps.iter().filter(|step| step.found.verdict == verdict).count()
    }

    /// Whether somebody has to look: something failed or warned, or it was not gone to its end.
    #[must_use]
    pub fn has_findings(&self) -> bool {
        self.was_stopped || self.count(Verdict::Fail) + self.count(Verdict::Warn) > 0
    }

    /// In a sentence.
    #[must_use]
    pub fn summary(&self) -> String {
        let parts = [(Verdict::Fail, "failed"), (Verdict::Warn, "warned"), (Verdict::Unknown, "unknown"), (Verdict::Pass, "passed")];
        let told: Vec<String> = parts
            .iter()
            .filter(|(verdict, _)| self.count(*verdict) > 0)
            .map(|(verdict, word)| format!("{} {word}", self.count(*verdict)))
            .collect();
        let stopped = if self.was_stopped { "; it was stopped before its end" } else { "" };
        format!("{} round, {} steps: {}{stopped}", self.rhythm.as_str(), self.steps.len(), told.join(", "))
    }
}

/// Go the round. `told` hears each result as it comes. When `stop` is asked for, the step under way ends or is given up, and the rest is not done.
pub fn go(round: &Arc<Round>, stop: &Stop, told: &mut dyn FnMut(&Stepped)) -> Gone {
    let at = round.patient.now();
    let mut gone = Gone { rhythm: round.rhythm, at, ended_at: at, steps: Vec::new(), was_stopped: false, appendices: Vec::new() };
    for step in STEPS.iter().filter(|step| step.rhythms.contains(&round.rhythm)) {
        let started = Instant::now();
        let found = if stop.is_asked() {
            Found::unknown("not done: the round was stopped")
        } else {
            let own = Arc::clone(round);
            match stop.bounded(step.limit, move || (step.run)(&own)) {
                Ok(Ok(found) | Err(found)) => found,
                Err(NoResult::TooSlow) if stop.is_asked() => Found::unknown("given up: the round was stopped"),
                Err(NoResult::TooSlow) => Found::unknown(format!("it did not end within {} min", step.limit.as_secs().div_ceil(60)))
                    .remedy("do it by itself and see why", step.command),
                Err(NoResult::Broke) => Found::unknown("it broke off by a fault of this program; the log says where"),
            }
        };
        let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let stepped = Stepped { name: step.name, title: step.title, source: step.source, found, took_ms };
        told(&stepped);
        gone.steps.push(stepped);
    }
    gone.was_stopped = stop.is_asked();
    gone.ended_at = round.patient.now();
    gone.appendices = std::mem::take(&mut *round.appendices.lock().unwrap_or_else(PoisonError::into_inner));
    gone
}

/// Where reports of rounds are kept.
#[must_use]
pub fn directory(state_dir: &Path) -> PathBuf {
    state_dir.join("rounds")
}

/// Write the report: to `to`, else under its time into the directory of reports. Only its owner can read it; one that is there is replaced whole.
///
/// # Errors
/// When it cannot be written; then nothing half is left.
pub fn write(gone: &Gone, state_dir: &Path, to: Option<&Path>) -> std::io::Result<PathBuf> {
    let path = match to {
        Some(path) => path.to_path_buf(),
        None => {
            let directory = directory(state_dir);
            crate::config::prepare(&directory).map_err(|error| std::io::Error::other(error.to_string()))?;
            let time = chrono::DateTime::from_timestamp_millis(gone.at).unwrap_or_default();
            directory.join(format!("{}-{}.md", gone.rhythm.as_str(), time.format("%Y-%m-%dT%H%M%S%3fZ")))
        }
    };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A temporary file is made with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(parent)?;
    file.write_all(document::markdown(gone).as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    std::fs::OpenOptions::new().read(true).mode(0o600).open(parent)?.sync_all()?;
    Ok(path)
}

/// Write down that the round was gone. `Ok(None)` when no database is open to write it into.
///
/// # Errors
/// When the database refuses.
pub fn record(patient: &Patient, gone: &Gone, report: Option<&Path>, actor: &Actor) -> Result<Option<String>, Found> {
    let Opened::Open(db) = patient.opened() else { return Ok(None) };
    let found: Vec<Value> = gone
        .steps
        .iter()
        .filter(|step| step.found.verdict != Verdict::Pass)
        .map(|step| json!({ "name": step.name, "verdict": step.found.verdict, "why": step.found.why }))
        .collect();
    let detail = json!({ "rhythm": gone.rhythm, "steps": gone.steps.len(), "found": found, "report": report, "stopped": gone.was_stopped });
    let outcome = match () {
        () if gone.was_stopped => Outcome::Failed,
        () if gone.has_findings() => Outcome::Problems,
        () => Outcome::Passed,
    };
    let (summary, actor, started_at, ended_at) = (gone.summary(), actor.clone(), gone.at, gone.ended_at);
    let id = db.write_blocking(move |c| {
        runs::record(c, &Done { kind: Kind::Round, started_at, ended_at, outcome, summary: &summary, detail: &detail, actor: &actor })
    })?;
    Ok(Some(id))
}
