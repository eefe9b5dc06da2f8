//! Editing in the person's own editor: the item stays theirs while it is open, and what they typed is never lost.
//!
//! The text lies in a file of the data directory from before the editor opens until the edit is in the database. Whatever goes wrong in
//! between, a refusal, a fault, a closed terminal, the file stays.

use super::Desk;
use super::decide::{decide, read};
use crate::cli::{Failure, events::short};
use crate::memory::Persona;
use crate::moderation::{self, Item, On, State, queue};
use crate::store::Conn;
use crate::store::audit::Actor;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

/// An edit under way: the file, and the claim that was held while the editor was open.
pub(super) struct Session {
    persona: Persona,
    item: Item,
    file: PathBuf,
    /// The item's version after the last renewal.
    version: i64,
    /// Whether the claim was made for the editor, and is given back when nothing changed.
    claimed_here: bool,
}

impl Session {
    /// The version to decide on: that of the last renewal, so that a change by anybody else shows.
    pub(super) fn version(&self) -> Option<i64> {
        Some(self.version)
    }

    /// The edit is in the database.
    pub(super) fn taken_over(self) {
        self.remove_file();
    }

    /// There is nothing to take over: the claim that was made for the editor ends.
    pub(super) fn nothing_changed(self, desk: &Desk<'_>) {
        self.remove_file();
        self.give_back(desk);
    }

    /// The edit was refused: the text stays where it is, and the failure says where.
    pub(super) fn refused(self, failure: Failure) -> Failure {
        let hint = format!(
            "what you typed is kept in {0}: `quarterdeck queue edit {1} --file {0}` takes it up",
            self.file.display(),
            short(&self.item.id)
        );
        let hint = failure.hint.as_ref().map_or_else(|| hint.clone(), |before| format!("{before}; {hint}"));
        failure.hint(hint)
    }

    fn remove_file(&self) {
        if let Err(error) = std::fs::remove_file(&self.file) {
            tracing::warn!(%error, file = %self.file.display(), "the file of an edit could not be removed");
        }
    }

    fn give_back(self, desk: &Desk<'_>) {
        if !self.claimed_here {
            return;
        }
        // Where this is refused, somebody else has decided meanwhile or the lease is over: there is nothing to give back.
        let version = Some(self.version);
        if let Err(failure) = decide(desk, self.persona, &self.item, version, |c, on, _, _| queue::release(c, on)) {
            tracing::warn!(message = failure.message, "the claim of an edit could not be given back");
        }
    }
}

/// Claim the item, open the editor on its text, renew the claim until it closes, and read what was typed.
///
/// A blocked draft cannot be claimed: there the version alone tells whether somebody was quicker.
///
/// # Errors
/// The refusals of a claim, before anything is opened; when the editor cannot be started or ends with a failure.
pub(super) fn open(
    desk: &Desk<'_>,
    persona: &Persona,
    item: &Item,
    seen: Option<i64>,
    program: Option<&str>,
) -> Result<(String, Session), Failure> {
    let actor = desk.context.actor()?;
    let is_blocked = item.state == State::Blocked;
    let was_ours = item.live_lease(desk.context.clock.now()).is_some_and(|(holder, _)| holder == actor.name);
    let version = if is_blocked {
        seen.unwrap_or(item.version)
    } else {
        decide(desk, persona.clone(), item, seen, |c, on, _, settings| queue::claim(c, on, settings))?.version
    };
    let mut session =
        Session { persona: persona.clone(), item: item.clone(), file: PathBuf::new(), version, claimed_here: !is_blocked && !was_ours };
    match file_for(desk, item) {
        Ok(file) => session.file = file,
        Err(failure) => {
            session.give_back(desk);
            return Err(failure);
        }
    }
    ignore_interrupts(desk)?;
    let (ended, version) = if is_blocked {
        (start(program, &session.file), version)
    } else {
        let claim = Claim {
            desk_database: desk.deck.db.clone(),
            settings: desk.deck.moderation(),
            persona: persona.clone(),
            id: item.id.clone(),
            actor,
        };
        let clock = desk.context.clock.clone();
        while_renewed(&claim, version, &|| clock.now(), || start(program, &session.file))?
    };
    session.version = version;
    let typed = ended.and_then(|()| read(&session.file));
    match typed {
        Ok(text) => Ok((text, session)),
        Err(failure) if std::fs::read(&session.file).is_ok_and(|bytes| bytes == item.content.as_bytes()) => {
            session.nothing_changed(desk);
            Err(failure)
        }
        Err(failure) => Err(session.refused(failure)),
    }
}

/// Open the editor on the text of an item that cannot be claimed, because it has left: its version alone tells whether it changed.
///
/// # Errors
/// When there is no terminal, or the editor cannot be started or ends with a failure.
pub(super) fn unclaimed(desk: &Desk<'_>, persona: &Persona, item: &Item) -> Result<(String, Session), Failure> {
    if !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
        return Err(Failure::usage("there is no terminal for an editor").hint("give the text with --text or --file"));
    }
    let file = file_for(desk, item)?;
    let session = Session { persona: persona.clone(), item: item.clone(), file, version: item.version, claimed_here: false };
    ignore_interrupts(desk)?;
    match start(None, &session.file).and_then(|()| read(&session.file)) {
        Ok(text) => Ok((text, session)),
        Err(failure) => Err(session.refused(failure)),
    }
}

/// What is renewed.
struct Claim {
    desk_database: crate::store::Database,
    settings: moderation::Settings,
    persona: Persona,
    id: String,
    actor: Actor,
}

impl Claim {
    fn renew(&self, version: i64, at: i64) -> moderation::Result<i64> {
        let (persona, id, actor, settings) = (self.persona.id.clone(), self.id.clone(), self.actor.clone(), self.settings.clone());
        self.desk_database.write_blocking(move |c: &mut dyn Conn| {
            let on = On { persona: &persona, id: &id, version: Some(version), actor: &actor, at };
            Ok(queue::claim(c, &on, &settings)?.version)
        })
    }
}

/// Do something that takes a person's time, and renew the claim every third of its length meanwhile. Returns the version after the last
/// renewal: where one was refused the renewing ends, and the decision that follows tells why.
fn while_renewed<T>(claim: &Claim, version: i64, now: &(dyn Fn() -> i64 + Sync), work: impl FnOnce() -> T) -> Result<(T, i64), Failure> {
    let pause = Duration::from_millis(u64::try_from(claim.settings.lease / 3).unwrap_or(1).max(1));
    let (closed, is_closed) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let renewing = std::thread::Builder::new().name("lease".to_owned()).spawn_scoped(scope, move || {
            let mut version = version;
            while is_closed.recv_timeout(pause) == Err(mpsc::RecvTimeoutError::Timeout) {
                match claim.renew(version, now()) {
                    Ok(renewed) => version = renewed,
                    // The database may answer again in time.
                    Err(moderation::Error::Store(error)) => tracing::warn!(%error, "a claim could not be renewed"),
                    Err(error) => {
                        tracing::warn!(%error, "a claim is lost");
                        break;
                    }
                }
            }
            version
        });
        let renewing = renewing.map_err(|error| Failure::failed(format!("the claim cannot be renewed while you type: {error}")))?;
        let done = work();
        drop(closed);
        let version = renewing.join().map_err(|_| Failure::failed("renewing the claim failed; this is a defect of quarterdeck"))?;
        Ok((done, version))
    })
}

/// A file of its own with the present text, that only its owner may read.
fn file_for(desk: &Desk<'_>, item: &Item) -> Result<PathBuf, Failure> {
    let directory = desk.deck.settings.data_dir.join("edits");
    crate::config::prepare(&directory).map_err(|error| Failure::failed(error.to_string()))?;
    let failed = |error: std::io::Error| {
        Failure::failed(format!("no file for the editor in {}: {error}", directory.display())).hint("give the text with --text or --file")
    };
    let mut file =
        tempfile::Builder::new().prefix(&format!("{}-", short(&item.id))).suffix(".md").tempfile_in(&directory).map_err(failed)?;
    file.write_all(item.content.as_bytes()).and_then(|()| file.flush()).map_err(failed)?;
    file.keep().map(|(_, path)| path).map_err(|error| failed(error.error))
}

/// Ctrl-C in an editor is meant for the editor, and reaches this process as well: it must not end and leave the editor behind. The
/// handler stays for the rest of the command, which is short; a program that is started gets the usual one.
fn ignore_interrupts(desk: &Desk<'_>) -> Result<(), Failure> {
    #[cfg(unix)]
    desk.context
        .block_on(async { tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt()).map(drop) })?
        .map_err(|error| Failure::failed(format!("Ctrl-C cannot be left to the editor: {error}")))?;
    Ok(())
}

fn start(program: Option<&str>, file: &Path) -> Result<(), Failure> {
    let named = program.map(str::to_owned).or_else(|| std::env::var("VISUAL").ok()).or_else(|| std::env::var("EDITOR").ok());
    let command = named.filter(|command| !command.trim().is_empty()).unwrap_or_else(|| "vi".to_owned());
    let mut words = command.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let status = std::process::Command::new(program).args(words).arg(file).status().map_err(|error| {
        Failure::failed(format!("the editor {program} cannot be started: {error}")).hint("set $EDITOR, or give the text with --text")
    })?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::failed(format!("the editor {program} ended with {status}; nothing was changed")))
}
