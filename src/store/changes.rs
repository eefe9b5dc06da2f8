//! Noticing that another process, or this one, committed something.
//!
//! SQLite: `PRAGMA data_version` on a connection nobody writes through (2 µs each), ten times a second while somebody commits; else the
//! thread sleeps until the system tells that the file or its log was written to. Where the system cannot tell, ten times a second always.
//! PostgreSQL: LISTEN. Either is only a hint to look at the feed's sequence numbers.

use super::backend::Backend;
use super::database::spawn;
use super::{Address, Conn as _, Result};
use notify::Watcher as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::watch;

/// The channel that PostgreSQL announces commits on.
pub(super) const CHANNEL: &str = "quarterdeck_change";
const SQLITE_PERIOD: Duration = Duration::from_millis(100);
/// How often is looked after something was written, before sleeping.
const LOOKS: u32 = 20;
/// How long is slept where nothing was written, in case that a hint got lost.
const UNHINTED_PERIOD: Duration = Duration::from_secs(if cfg!(target_os = "linux") { 30 } else { 1 });
const SERVER_PERIOD: Duration = Duration::from_secs(2);

pub(super) fn watch(address: &Address) -> Result<watch::Receiver<u64>> {
    let (sender, receiver) = watch::channel(0);
    let address = address.clone();
    spawn("store-changes", move || match &address {
        Address::Sqlite(_) => poll_data_version(&address, &sender),
        Address::Postgres(_) => listen(&address, &sender),
    })?;
    Ok(receiver)
}

fn poll_data_version(address: &Address, sender: &watch::Sender<u64>) {
    let mut backend = None;
    let mut last = None;
    let mut looks = 0;
    let hints = match address {
        Address::Sqlite(path) => Hints::over(path),
        Address::Postgres(_) => None,
    };
    while !sender.is_closed() {
        if backend.is_none() {
            // Versions of two connections cannot be compared.
            (backend, last) = (Backend::open(address, true).ok(), None);
        }
        let mut is_new = true;
        if let Some(open) = backend.as_mut() {
            match open.first("PRAGMA data_version", &[]).and_then(|row| row.map_or(Ok(None), |row| row.int("data_version").map(Some))) {
                // Also at the first look: whatever was committed while nobody looked is found by looking once.
                Ok(version) if version != last => {
                    last = version;
                    sender.send_modify(|count| *count += 1);
                }
                Ok(_) => is_new = false,
                Err(_) => backend = None,
            }
        }
        looks = if is_new { 0 } else { looks + 1 };
        match &hints {
            // Nothing was committed for a while: sleep until the file is written to. A commit counts only after its bytes were flushed, which
            // is after they were written: one look at the hint would come too early.
            Some(hints) if looks >= LOOKS => {
                hints.wait();
                looks = 0;
            }
            _ => std::thread::sleep(SQLITE_PERIOD),
        }
    }
}

/// Tells that somebody writes to a file of the database: whoever waits for it need not look ten times a second.
struct Hints {
    written: std::sync::mpsc::Receiver<()>,
    /// Ends the watching when it is dropped.
    _watcher: notify::RecommendedWatcher,
}

impl Hints {
    /// Hints about the database at `path`; none where the system cannot watch its directory.
    fn over(path: &Path) -> Option<Self> {
        let path = path.canonicalize().ok()?;
        let directory = path.parent()?.to_path_buf();
        let name = path.file_name()?.to_str()?.to_owned();
        let (sender, written) = std::sync::mpsc::sync_channel(1);
        // The index of the log beside them changes with every reader, and tells nothing.
        let names = [name.clone(), format!("{name}-wal")];
        let told = move |event: notify::Result<notify::Event>| {
            let is_ours =
                |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).is_some_and(|name| names.iter().any(|own| own == name));
            if event.is_ok_and(|event| !event.kind.is_access() && event.paths.iter().any(is_ours)) {
                // One hint that was not taken yet is as good as two.
                let _ = sender.try_send(());
            }
        };
        let mut watcher = notify::recommended_watcher(told).ok()?;
        watcher.watch(&directory, notify::RecursiveMode::NonRecursive).ok()?;
        Some(Self { written, _watcher: watcher })
    }

    /// Wait until a file of the database was written to, or for so long that a hint that got lost does no harm.
    fn wait(&self) {
        if self.written.recv_timeout(UNHINTED_PERIOD).is_err_and(|error| error == std::sync::mpsc::RecvTimeoutError::Disconnected) {
            std::thread::sleep(SQLITE_PERIOD);
        }
    }
}

fn listen(address: &Address, sender: &watch::Sender<u64>) {
    use postgres::fallible_iterator::FallibleIterator as _;
    while !sender.is_closed() {
        let Ok(Backend::Postgres(mut conn)) = Backend::open(address, true) else {
            std::thread::sleep(SERVER_PERIOD);
            continue;
        };
        if conn.client.batch_execute(&format!("LISTEN {CHANNEL}")).is_err() {
            continue;
        }
        // Whatever was announced while nobody listened is found by looking once.
        sender.send_modify(|count| *count += 1);
        while !sender.is_closed() && !conn.client.is_closed() {
            let mut notifications = conn.client.notifications();
            let mut waiting = notifications.timeout_iter(SERVER_PERIOD);
            match waiting.next() {
                Ok(Some(_)) => sender.send_modify(|count| *count += 1),
                Ok(None) => {}
                Err(_) => break,
            }
        }
    }
}
