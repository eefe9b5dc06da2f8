//! `quarterdeck heartbeat run NAME -- COMMAND`: a command between its start and its success or failure.
//!
//! The command is what matters: that a report cannot be written down is told, and keeps it neither from running nor from ending as it does.

use super::super::{Context, Exit, Failure, Outcome};
use super::{Reporter, What};
use crate::base::new_id;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

/// Run it. JSON: `{name, run, exit_status, duration_ms, reported}`; what the command prints goes to standard error then.
pub(super) fn run(context: &Context, name: &str, words: &[OsString]) -> Result<Outcome, Failure> {
    let Some((program, arguments)) = words.split_first() else { return Err(Failure::usage("there is no command behind --")) };
    let lost = |failure: &Failure| context.out.note(format!("the heartbeat {name} is not reported: {}", failure.message));
    let reporter = match Reporter::open(context, name) {
        Ok(reporter) => Some(reporter),
        // A name that does not exist is a mistake that shows at the first try.
        Err(failure) if failure.exit == Exit::Usage => return Err(failure),
        Err(failure) => {
            lost(&failure);
            None
        }
    };
    let id = new_id();
    let report = |what: What, status: Option<i32>, message: Option<String>| {
        let reporter = reporter.as_ref()?;
        reporter.report(what, Some(id.clone()), status, message).map_err(|failure| lost(&failure)).ok()
    };
    report(What::Start, None, None);
    let mut command = Command::new(program);
    command.args(arguments);
    if context.out.is_json() {
        command.stdout(Stdio::from(std::io::stderr()));
    }
    let ended = context.block_on(async { ended(&mut command).await })?;
    let (status, message) = match ended {
        Ok(status) => (code(status), status.signal().map(|signal| format!("ended by signal {signal}"))),
        // As a shell says it: there is no such program, or it may not be run.
        Err(error) => {
            let status = if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 };
            let text = format!("{} cannot be run: {error}", program.to_string_lossy());
            context.out.note(&text);
            (status, Some(text))
        }
    };
    let what = if status == 0 { What::Success } else { What::Failure };
    let pinged = report(what, (status != 0).then_some(status.into()), message);
    if context.out.is_json() {
        let duration = pinged.as_ref().and_then(|pinged| pinged.duration_ms);
        context
            .out
            .emit(&json!({ "name": name, "run": id, "exit_status": status, "duration_ms": duration, "reported": pinged.is_some() }))?;
    }
    Ok(Outcome::Ended(status))
}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    u8::try_from(code & 0xff).unwrap_or(u8::MAX)
}

/// Start a command and wait for its end. What we are told to end by is passed on, and its end is waited for.
async fn ended(command: &mut Command) -> std::io::Result<ExitStatus> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut child = command.spawn()?;
    // Ctrl-C reaches all that belong to a terminal by itself.
    let is_at_terminal = std::io::stdin().is_terminal();
    loop {
        tokio::select! {
            ended = child.wait() => return ended,
            _ = terminate.recv() => pass_on(&child, Signal::TERM),
            _ = hang_up.recv() => pass_on(&child, Signal::HUP),
            _ = interrupt.recv() => if !is_at_terminal { pass_on(&child, Signal::INT) },
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
