//! How a console ends that nobody leaves by a key: signals, and a terminal that is gone.

use crossterm::event::{Event, EventStream};
use futures_util::StreamExt as _;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io;
use std::task::Poll;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

/// How long a console may take to leave after its window was closed.
const GRACE: Duration = Duration::from_secs(5);
/// What a process ends with that a hang-up ended.
const HUNG_UP: i32 = 129;

/// The signals that end the console.
pub(super) struct Ends([Signal; 4]);

impl Ends {
    /// From now on they do not end the process.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn new() -> io::Result<Self> {
        let kinds = [SignalKind::terminate(), SignalKind::hangup(), SignalKind::quit(), SignalKind::interrupt()];
        let [terminate, hangup, quit, interrupt] = kinds.map(signal);
        Ok(Self([terminate?, hangup?, quit?, interrupt?]))
    }

    /// Until one comes.
    pub async fn wait(&mut self) {
        let [terminate, hangup, quit, interrupt] = &mut self.0;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
            _ = quit.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}

/// The next key, click or change of size; `None` when the terminal is gone. That is looked at before each read: a read of a terminal that
/// hung up says at once that nothing is there, and whoever reads until something is there reads for ever.
pub(super) async fn next(events: &mut EventStream) -> Option<io::Result<Event>> {
    std::future::poll_fn(|cx| if is_gone() { Poll::Ready(None) } else { events.poll_next_unpin(cx) }).await
}

/// Whether nobody holds the other end of the terminal any more.
fn is_gone() -> bool {
    let stdin = io::stdin();
    let mut asked = [PollFd::new(&stdin, PollFlags::empty())];
    // A question that cannot be asked says nothing.
    let answered = poll(&mut asked, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok();
    answered && asked.iter().any(|found| found.revents().intersects(PollFlags::HUP | PollFlags::ERR))
}

/// Ends the process some time after a hang-up, whatever the console is at: without a window nobody could end it, and nobody would see it.
/// What was decided is in the database; the lease of the probes ends by itself.
///
/// # Errors
/// When the system does not let us wait for the signal.
pub(super) fn guard() -> io::Result<JoinHandle<()>> {
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(tokio::spawn(async move {
        if hangup.recv().await.is_some() {
            tokio::time::sleep(GRACE).await;
            tracing::warn!("the terminal is gone, and the console did not leave by itself");
            std::process::exit(HUNG_UP);
        }
    }))
}
