//! `quarterdeck heartbeat run NAME -- COMMAND`: a command between its start and its success or failure.
//!
//! The command is what matters: that a report cannot be written down is told, and keeps it neither from running nor from ending as it does.

use super::super::{Context, Exit, Failure, Outcome, log};
use super::{Job, Reporter, What};
use crate::base::new_id;
use crate::rounds::bounded::{NoResult, bounded};
use crate::watch::heartbeat::Pinged;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::signal::unix::{self, SignalKind};

/// How long the database may take for a report. Longer than it waits for another process's lock, which it then names.
const REPORTING: Duration = Duration::from_secs(6);
/// How long the command may take to end after SIGTERM was passed on to it. With the last report that is below thirty seconds.
const ENDING: Duration = Duration::from_secs(20);

/// What is reported of one run of the command.
struct Reports<'a> {
    context: &'a Context,
    job: Option<Job>,
    open: Option<Arc<Reporter>>,
    run: String,
}

impl<'a> Reports<'a> {
    fn of(context: &'a Context, name: &str) -> Result<Self, Failure> {
        let job = match Job::find(context, name) {
            Ok(job) => Some(job),
            // A name that does not exist is a mistake that shows at the first try.
            Err(failure) if failure.exit == Exit::Usage => return Err(failure),
            Err(failure) => {
                lost(context, name, &failure);
                None
            }
        };
        Ok(Self { context, job, open: None, run: new_id() })
    }

    /// Report, unless the database cannot be opened or does not answer: that is told.
    fn report(&mut self, what: What, status: Option<i32>, message: Option<String>) -> Option<Pinged> {
        let job = self.job.clone()?;
        let (name, open, run) = (job.heartbeat.name.clone(), self.open.clone(), self.run.clone());
        // A server that takes the connection and says nothing must not keep the command from running.
        let done = bounded(REPORTING, move || {
            let reporter = match open {
                Some(reporter) => reporter,
                None => Arc::new(job.open()?),
            };
            let pinged = reporter.report(what, Some(run), status, message);
            Ok::<_, Failure>((reporter, pinged))
        });
        let pinged = match done {
            Ok(Ok((reporter, pinged))) => {
                self.open = Some(reporter);
                pinged
            }
            Ok(Err(failure)) => Err(failure),
            Err(NoResult::TooSlow) => Err(Failure::failed(format!("the database does not answer within {} s", REPORTING.as_secs()))),
            Err(NoResult::Broke) => Err(Failure::failed("the report broke off by a fault of this program; the log says where")),
        };
        pinged.map_err(|failure| lost(self.context, &name, &failure)).ok()
    }
}

fn lost(context: &Context, name: &str, failure: &Failure) {
    context.out.note(format!("the heartbeat {name} is not reported: {}", failure.message));
}

/// Run it. JSON: `{name, run, exit_status, duration_ms, reported}`; what the command prints goes to standard error then.
pub(super) fn run(context: &Context, name: &str, words: &[OsString]) -> Result<Outcome, Failure> {
    let Some((program, arguments)) = words.split_first() else { return Err(Failure::usage("there is no command behind --")) };
    let mut reports = Reports::of(context, name)?;
    reports.report(What::Start, None, None);
    let mut command = Command::new(program);
    command.args(arguments);
    if context.out.is_json() {
        command.stdout(Stdio::from(std::io::stderr()));
    }
    let ended = context.block_on(async { ended(&mut command).await })?;
    let (status, message) = match ended {
        Ok(Ended { status, was_killed: true }) => {
            (code(status), Some(format!("did not end within {} s of SIGTERM, and was killed", ENDING.as_secs())))
        }
        Ok(Ended { status, was_killed: false }) => (code(status), status.signal().map(|signal| format!("ended by signal {signal}"))),
        // As a shell says it: there is no such program, or it may not be run.
        Err(error) => {
            let status = if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 };
            let text = format!("{} cannot be run: {error}", program.to_string_lossy());
            context.out.note(&text);
            (status, Some(text))
        }
    };
    let what = if status == 0 { What::Success } else { What::Failure };
    let pinged = reports.report(what, (status != 0).then_some(status.into()), message);
    if context.out.is_json() {
        let duration = pinged.as_ref().and_then(|pinged| pinged.duration_ms);
        let value =
            json!({ "name": name, "run": reports.run, "exit_status": status, "duration_ms": duration, "reported": pinged.is_some() });
        context.out.emit(&value)?;
    }
    Ok(Outcome::Ended(status))
}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    u8::try_from(code & 0xff).unwrap_or(u8::MAX)
}

/// How a command ended.
struct Ended {
    status: ExitStatus,
    /// Whether it had to be made to.
    was_killed: bool,
}

/// A signal that is passed on; none where whoever started us had it ignored, as `nohup` does: then it is ignored by the command too.
struct Heard(Option<unix::Signal>);

impl Heard {
    fn unless_ignored(kind: SignalKind, ignored: u64) -> std::io::Result<Self> {
        let is_ignored = u32::try_from(kind.as_raw_value() - 1).is_ok_and(|bit| ignored.checked_shr(bit).unwrap_or_default() & 1 == 1);
        Ok(Self(if is_ignored { None } else { Some(unix::signal(kind)?) }))
    }

    async fn next(&mut self) {
        match &mut self.0 {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    }
}

/// The signals that this process ignores, one bit each: waiting for one ends that. Where the system does not tell, none.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

/// Start a command and wait for its end. What we are told to end by is passed on, and its end is waited for: after SIGTERM for [`ENDING`].
async fn ended(command: &mut Command) -> std::io::Result<Ended> {
    let ignored = ignored();
    let mut terminate = Heard::unless_ignored(SignalKind::terminate(), ignored)?;
    let mut hang_up = Heard::unless_ignored(SignalKind::hangup(), ignored)?;
    let mut interrupt = Heard::unless_ignored(SignalKind::interrupt(), ignored)?;
    let mut child = log::with_core_as_found(|| command.spawn())?;
    // Ctrl-C reaches all that belong to a terminal by itself.
    let is_at_terminal = std::io::stdin().is_terminal();
    let mut at_the_latest = None;
    let mut was_killed = false;
    loop {
        let latest = at_the_latest;
        let late = async move {
            match latest {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            status = child.wait() => return Ok(Ended { status: status?, was_killed }),
            () = terminate.next() => {
                pass_on(&child, Signal::TERM);
                at_the_latest.get_or_insert_with(|| tokio::time::Instant::now() + ENDING);
            }
            () = hang_up.next() => pass_on(&child, Signal::HUP),
            () = interrupt.next() => if !is_at_terminal { pass_on(&child, Signal::INT) },
            () = late => {
                pass_on(&child, Signal::KILL);
                (at_the_latest, was_killed) = (None, true);
            }
        }
    }
}

fn pass_on(child: &Child, signal: Signal) {
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // It may have ended meanwhile.
        let _ = kill_process(pid, signal);
    }
}
