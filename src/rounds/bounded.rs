//! Work that is given up when it takes too long, so that one thing that hangs does not keep the others from being told.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

/// Why there is no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoResult {
    /// It took longer than it may. It goes on by itself until the process ends.
    TooSlow,
    /// It broke off by a fault of the program, or no thread could be had.
    Broke,
}

/// Do `work` on a thread of its own, and wait no longer than `limit`.
///
/// # Errors
/// [`NoResult`] when it did not end in time, or broke off.
pub fn bounded<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> Result<T, NoResult> {
    let (sender, receiver) = sync_channel(1);
    let thread = std::thread::Builder::new().name("look".to_owned()).spawn(move || {
        // Who waited may have given up.
        let _ = sender.send(work());
    });
    if thread.is_err() {
        return Err(NoResult::Broke);
    }
    receiver.recv_timeout(limit).map_err(|error| match error {
        RecvTimeoutError::Timeout => NoResult::TooSlow,
        RecvTimeoutError::Disconnected => NoResult::Broke,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hangs_is_given_up_and_what_breaks_is_told() {
        let (never, waits) = sync_channel::<()>(0);
        assert_eq!(bounded(Duration::from_millis(20), move || waits.recv().is_ok()), Err(NoResult::TooSlow));
        drop(never);
        assert_eq!(bounded(Duration::from_secs(60), || 7), Ok(7));
        #[allow(clippy::panic, reason = "a fault of a check is what is tried here")]
        let broke = bounded(Duration::from_secs(60), || {
            if std::hint::black_box(true) {
                panic!("a fault")
            }
        });
        assert_eq!(broke, Err(NoResult::Broke));
    }
}
