//! Waiting to be told to end: Ctrl-C, or SIGTERM where there is one.

use super::Failure;
use std::io::Write as _;
use std::time::Duration;

/// How long blocking work may go on after it was asked to end. Below the thirty seconds within which a process has to be gone.
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
            let failed = |error: std::io::Error| Failure::failed(format!("signals cannot be waited for: {error}"));
            Ok(Self {
                terminate: signal(SignalKind::terminate()).map_err(failed)?,
                interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Until one comes.
    #[cfg(unix)]
    pub(super) async fn wait(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Until one comes.
    #[cfg(not(unix))]
    pub(super) async fn wait(self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// From now on SIGTERM and Ctrl-C do not end the process: the first of them calls `asked`, for work that blocks.
///
/// # Errors
/// When the system does not let us.
pub(super) fn on_stop(asked: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::failed(format!("signals cannot be waited for: {error}")))?;
    let stopped = {
        let _inside = runtime.enter();
        Stopped::new()?
    };
    let thread = std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(stopped.wait());
        asked();
        // What does not end by itself, as a read from a pipe that nobody writes to, ends here: what was committed stands.
        std::thread::sleep(LONGEST);
        let _ = writeln!(std::io::stderr().lock(), "error: stopped before the end of what was under way");
        std::process::exit(i32::from(super::Exit::Failed.number()));
    });
    thread.map(drop).map_err(|error| Failure::failed(format!("signals cannot be waited for: {error}")))
}
