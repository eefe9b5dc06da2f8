//! Waiting to be told to end: Ctrl-C, or SIGTERM where there is one.
//!
//! Whatever a command does when it is told to end, the process is gone within thirty seconds, and says that it did not come to its end.

use super::{Context, Failure};
use std::time::Duration;

/// How long work may go on after it was asked to end. Below the thirty seconds within which a process has to be gone.
const LONGEST: Duration = Duration::from_secs(25);

/// Waits for a signal that came after it was made.
pub(super) struct Stopped {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Stopped {
    /// From now on a signal does not end the process.
    ///
    /// # Errors
    /// When the system does not let us.
    pub(super) fn new() -> Result<Self, Failure> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self {
                terminate: signal(SignalKind::terminate()).map_err(no_signals)?,
                interrupt: signal(SignalKind::interrupt()).map_err(no_signals)?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Until one comes.
    pub(super) async fn wait(mut self) {
        self.next().await;
    }

    /// Until one comes, or another one.
    #[cfg(unix)]
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Until one comes, or another one.
    #[cfg(not(unix))]
    pub(super) async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }

    /// For who was asked to end once: until that is [`LONGEST`] ago, or it is asked again. What has not ended by then does not end by itself.
    pub(super) async fn patience(&mut self) {
        let _ = tokio::time::timeout(LONGEST, self.next()).await;
    }
}

fn no_signals(error: std::io::Error) -> Failure {
    Failure::failed(format!("signals cannot be waited for: {error}"))
}

/// What a command says that was told to end before it had ended by itself.
pub(super) fn stopped_early() -> Failure {
    Failure::failed("stopped before the end of what was under way").hint("what was committed stands; run it again")
}

/// End the process: what is under way did not end although it was asked to, as a read from a server that does not answer.
pub(super) fn give_up(out: &super::output::Output) -> ! {
    let failure = stopped_early();
    tracing::error!(message = failure.message, exit = failure.exit.number());
    out.failure(&failure);
    std::process::exit(i32::from(failure.exit.number()));
}

/// From now on SIGTERM and Ctrl-C do not end the process: the first of them calls `asked`, for work that blocks. What has not ended by itself
/// [`LONGEST`] later, or when another one comes, is given up.
///
/// # Errors
/// When the system does not let us.
pub(super) fn on_stop(context: &Context, asked: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(no_signals)?;
    let mut stopped = {
        let _inside = runtime.enter();
        Stopped::new()?
    };
    let (json, color) = (context.global.json, context.global.color);
    let thread = std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            stopped.next().await;
            asked();
            stopped.patience().await;
        });
        give_up(&super::output::Output::new(json, color));
    });
    thread.map(drop).map_err(no_signals)
}

/// For work that writes: SIGTERM and Ctrl-C let it come to its end, for [`LONGEST`].
///
/// # Errors
/// As [`on_stop`].
pub(super) fn finish_on_stop(context: &Context) -> Result<(), Failure> {
    on_stop(context, || ())
}

/// For work that reads, or commits as it goes: SIGTERM and Ctrl-C end it at once, and it says so.
///
/// # Errors
/// As [`on_stop`].
pub(super) fn end_on_stop(context: &Context) -> Result<(), Failure> {
    let (json, color) = (context.global.json, context.global.color);
    on_stop(context, move || give_up(&super::output::Output::new(json, color)))
}

/// Run asynchronous work to its end, or until the process is told to end: then it is dropped, and lets go of what it holds.
///
/// # Errors
/// [`stopped_early`], and when signals cannot be waited for.
pub(super) fn unless_stopped<F: Future>(context: &Context, work: F) -> Result<F::Output, Failure> {
    context.block_on(or_stopped(work))?
}

/// [`unless_stopped`] for what runs already.
///
/// # Errors
/// As there.
pub(super) async fn or_stopped<F: Future>(work: F) -> Result<F::Output, Failure> {
    let mut stopped = Stopped::new()?;
    tokio::select! {
        done = work => Ok(done),
        () = stopped.next() => Err(stopped_early()),
    }
}
