//! Noticing that another process, or this one, committed something.
//!
//! SQLite: `PRAGMA data_version` on a connection nobody writes through (2 µs each). The thread sleeps until the system tells that the file or
//! its log was written to, and looks a few times then; where the system cannot tell, ten times a second always. What was committed counts when
//! the feed went on: a lease that was kept, or a sample, wakes nobody. PostgreSQL: LISTEN, to what a row of the feed announces. Either is only
//! a hint to look at the feed's sequence numbers.

use super::backend::Backend;
use super::database::spawn;
use super::{Address, Conn, Result};
use notify::Watcher as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// The channel that PostgreSQL announces commits on.
pub(super) const CHANNEL: &str = "quarterdeck_change";
/// The shortest time between two looks, and the time between all of them where the system tells nothing.
const SQLITE_PERIOD: Duration = Duration::from_millis(100);
/// How long after something was written is looked first: a commit counts only after its bytes were flushed, which is after they were written.
const FLUSHED: Duration = Duration::from_millis(20);
/// How long is waited after that look and between those that follow it, in milliseconds: a slow disk takes longer to flush.
const WAITS: [u64; 5] = [100, 200, 400, 800, 1_600];
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

/// How long is waited for the next hint: shortly after one, longer and longer after that.
#[derive(Debug, Default)]
struct Pace(usize);

impl Pace {
    /// Something was written.
    fn hinted(&mut self) {
        self.0 = 0;
    }

    /// It was looked, and something new was there or not. How long to wait for a hint before the next look.
    fn looked(&mut self, is_new: bool) -> Duration {
        if is_new && self.0 > WAITS.len() {
            // No hint told of it: they cannot be relied upon, for now.
            self.0 = 0;
        }
        let wait = WAITS.get(self.0).map_or(UNHINTED_PERIOD, |millis| Duration::from_millis(*millis));
        self.0 = (self.0 + 1).min(WAITS.len() + 1);
        wait
    }
}

/// What was seen last by a connection.
#[derive(Debug, Default)]
struct Seen {
    version: Option<i64>,
    feed: Option<i64>,
}

impl Seen {
    /// Look. Returns whether something was committed, and whether the feed went on: so also at the first look of a connection, as whatever
    /// was committed while nobody looked is found by looking once.
    fn look(&mut self, c: &mut dyn Conn) -> Result<(bool, bool)> {
        let version = c.first("PRAGMA data_version", &[])?.map(|row| row.int("data_version")).transpose()?;
        if version == self.version {
            return Ok((false, false));
        }
        // Numbers within a topic only grow, so that their sum moves with every row.
        let row = c.first("SELECT CAST(COALESCE(sum(seq), 0) AS BIGINT) AS feed FROM topic", &[])?;
        let feed = row.map(|row| row.int("feed")).transpose()?;
        let went_on = feed != self.feed;
        *self = Self { version, feed };
        Ok((true, went_on))
    }
}

fn poll_data_version(address: &Address, sender: &watch::Sender<u64>) {
    let mut backend = None;
    let mut seen = Seen::default();
    let mut pace = Pace::default();
    let hints = match address {
        Address::Sqlite(path) => Hints::over(path),
        Address::Postgres(_) => None,
    };
    while !sender.is_closed() {
        if backend.is_none() {
            // Versions of two connections cannot be compared.
            (backend, seen) = (Backend::open(address, true).ok(), Seen::default());
        }
        let mut is_new = true;
        if let Some(open) = backend.as_mut() {
            match seen.look(open.conn()) {
                Ok((committed, went_on)) => {
                    is_new = committed;
                    if went_on {
                        sender.send_modify(|count| *count += 1);
                    }
                }
                Err(_) => backend = None,
            }
        }
        let Some(hints) = &hints else {
            std::thread::sleep(SQLITE_PERIOD);
            continue;
        };
        let (looked, wait) = (Instant::now(), pace.looked(is_new));
        // A database that cannot be opened is tried again soon.
        if hints.wait(if backend.is_some() { wait } else { SQLITE_PERIOD }) {
            std::thread::sleep(FLUSHED.max(SQLITE_PERIOD.saturating_sub(looked.elapsed())));
            // One commit writes several times: all of it is looked for together.
            hints.take();
            pace.hinted();
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

    /// Wait until a file of the database was written to, at most for so long. Returns whether one was.
    fn wait(&self, longest: Duration) -> bool {
        match self.written.recv_timeout(longest) {
            Ok(()) => true,
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => {
                std::thread::sleep(SQLITE_PERIOD);
                false
            }
        }
    }

    /// Take the hints that came since.
    fn take(&self) {
        while self.written.try_recv().is_ok() {}
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::database;
    use crate::store::{Error, feed};

    #[test]
    fn after_a_write_it_is_looked_a_few_times_and_then_not_until_the_next_one() {
        let mut pace = Pace::default();
        // The first look finds the commit, the others nothing.
        let looks = |pace: &mut Pace, found: usize| -> Vec<Duration> { (0..7).map(|look| pace.looked(look == found)).collect() };
        pace.hinted();
        let waits = looks(&mut pace, 0);
        assert_eq!(waits[..5].iter().sum::<Duration>(), Duration::from_millis(3_100));
        assert_eq!(waits[5..], [UNHINTED_PERIOD; 2], "six looks for one commit");
        pace.hinted();
        assert_eq!(looks(&mut pace, 3)[4], Duration::from_millis(1_600), "what came late is no reason to begin anew");
        pace.hinted();
        assert_eq!(looks(&mut pace, 6)[6], Duration::from_millis(100), "what no hint told of is one");
    }

    #[test]
    fn only_what_the_feed_tells_of_wakes_others() {
        let (db, _guard) = database();
        let address = db.address().clone();
        if matches!(address, Address::Postgres(_)) {
            return;
        }
        let mut backend = Backend::open(&address, true).unwrap();
        let mut seen = Seen::default();
        let mut look = || seen.look(backend.conn()).unwrap();
        assert_eq!((look(), look()), ((true, true), (false, false)), "the first look tells");
        db.write_blocking(|c| c.exec("INSERT INTO probe_watcher (id, process, taken_at, beat_at) VALUES (1, 'here:1', 1, 1)", &[]))
            .unwrap();
        assert_eq!((look(), look()), ((true, false), (false, false)), "a lease wakes nobody");
        db.write_blocking(|c| {
            feed::append(c, 1, "queue", None, "pending_post_added", "x")?;
            Ok::<_, Error>(())
        })
        .unwrap();
        assert_eq!((look(), look()), ((true, true), (false, false)));
    }
}
