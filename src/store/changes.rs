//! Noticing that another process, or this one, committed something.
//!
//! SQLite: `PRAGMA data_version` ten times a second on a connection nobody writes through (2 µs each, 0.002 % of a core).
//! PostgreSQL: LISTEN. Either is only a hint to look at the feed's sequence numbers.

use super::backend::Backend;
use super::database::spawn;
use super::{Address, Conn as _, Result};
use std::time::Duration;
use tokio::sync::watch;

/// The channel that PostgreSQL announces commits on.
pub(super) const CHANNEL: &str = "quarterdeck_change";
const SQLITE_PERIOD: Duration = Duration::from_millis(100);
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
    while !sender.is_closed() {
        if backend.is_none() {
            // Versions of two connections cannot be compared.
            (backend, last) = (Backend::open(address, true).ok(), None);
        }
        if let Some(open) = backend.as_mut() {
            match open.first("PRAGMA data_version", &[]).and_then(|row| row.map_or(Ok(None), |row| row.int("data_version").map(Some))) {
                // Also at the first look: whatever was committed while nobody looked is found by looking once.
                Ok(version) if version != last => {
                    last = version;
                    sender.send_modify(|count| *count += 1);
                }
                Ok(_) => {}
                Err(_) => backend = None,
            }
        }
        std::thread::sleep(SQLITE_PERIOD);
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
