//! The open database: one writer thread with group commit, a few readers, and a hint when anything changed.

use super::backend::Backend;
use super::holders::{Marks, Role, Seat, server_writer};
use super::slow;
use super::{Address, Conn, Error, Result, migrate};
use crate::base::Clock;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};

/// Requests that share one commit at the most.
const GROUP: usize = 256;
/// The pause between two commits in a row, in which another process can take the lock. What is asked for meanwhile shares the next commit.
const BREATH: Duration = Duration::from_micros(300);
/// Reader threads.
const READERS: usize = 2;

/// What a request says after its work, and the answer it gives once the commit is known.
struct Finish {
    keep: bool,
    answer: Box<dyn FnOnce(Result<()>) + Send>,
}

/// A request: runs on an open transaction, or learns why there is none.
type Work = Box<dyn FnOnce(Result<&mut dyn Conn>) -> Finish + Send>;

/// A handle to the open database. Clones share its threads.
#[derive(Clone)]
pub struct Database(Arc<Shared>);

struct Shared {
    address: Address,
    writer: mpsc::Sender<Work>,
    readers: mpsc::Sender<Work>,
    changes: OnceLock<watch::Receiver<u64>>,
    /// Writes that wait for the writer.
    waiting: Arc<AtomicUsize>,
    pulse: super::pulse::Pulse,
    /// Tells other processes that this one has the database open; given up with the last handle.
    _seat: Option<Seat>,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Database").field(&self.0.address).finish()
    }
}

impl Database {
    /// Open the database, creating its schema when it is empty.
    ///
    /// # Errors
    /// [`Error::Open`], [`Error::Corrupt`], [`Error::Locked`] as the engine says; [`Error::OlderSchema`] and [`Error::NewerSchema`] when
    /// the schema does not fit this program.
    pub fn open(address: &Address, clock: &Arc<dyn Clock>) -> Result<Self> {
        Self::open_or(address, clock, true)
    }

    /// Open the database where there is one: for who only looks, and must not make one in a place that was mistyped.
    ///
    /// # Errors
    /// As [`Database::open`]; [`Error::Open`] when there is none.
    pub fn open_existing(address: &Address, clock: &Arc<dyn Clock>) -> Result<Self> {
        if let Address::Sqlite(path) = address
            && std::fs::metadata(path).map_or(true, |found| found.len() == 0)
            && !super::restoring(path).exists()
        {
            return Err(super::status::nothing_there(address));
        }
        Self::open_or(address, clock, false)
    }

    fn open_or(address: &Address, clock: &Arc<dyn Clock>, makes_one: bool) -> Result<Self> {
        let address_for_thread = address.clone();
        let now = clock.now();
        // On a thread of its own: the server's client must not be driven from inside an async runtime.
        let writer = std::thread::spawn(move || {
            let mut backend = Backend::open(&address_for_thread, false)?;
            match migrate::version(&mut backend)? {
                0 if !makes_one => return Err(super::status::nothing_there(&address_for_thread)),
                0 => drop(migrate::migrate_to(&mut backend, migrate::newest(), now)?),
                found if found < migrate::newest() => return Err(Error::OlderSchema { found, known: migrate::newest() }),
                _ => {}
            }
            Ok(backend)
        })
        .join()
        .map_err(|_| Error::Closed)??;
        let (write_sender, write_receiver) = mpsc::channel();
        let (read_sender, read_receiver) = mpsc::channel();
        let seat = Seat::take(address, 1 + READERS as u64);
        let waiting = Arc::new(AtomicUsize::new(0));
        spawn("store-writer", {
            let (address, marks, waiting) = (address.clone(), seat.as_ref().map(Seat::marks), Arc::clone(&waiting));
            move || serve_writes(&address, writer, &write_receiver, marks.as_ref(), &waiting)
        })?;
        let read_receiver = Arc::new(Mutex::new(read_receiver));
        for number in 0..READERS {
            let (address, receiver) = (address.clone(), Arc::clone(&read_receiver));
            let (marks, writer) = (seat.as_ref().map(Seat::marks), write_sender.clone());
            spawn(&format!("store-reader-{number}"), move || serve_reads(&address, &receiver, marks.as_ref(), number as u64 + 1, &writer))?;
        }
        Ok(Self(Arc::new(Shared {
            address: address.clone(),
            writer: write_sender,
            readers: read_sender,
            changes: OnceLock::new(),
            waiting,
            pulse: super::pulse::Pulse::default(),
            _seat: seat,
        })))
    }

    /// Where the database is.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.0.address
    }

    /// Measure how quickly a write gets through, by one that changes nothing. It goes on by itself; [`Database::pulse`] tells how it went.
    /// Returns what ends with it; where one is under way already, no second one is begun.
    ///
    /// # Panics
    /// Outside of an async runtime.
    pub fn beat(&self) -> tokio::task::JoinHandle<()> {
        let (db, began) = (self.clone(), self.0.pulse.begin());
        tokio::spawn(async move {
            let Some(began) = began else { return };
            let mut write = std::pin::pin!(db.write(super::pulse::beat));
            let done = match tokio::time::timeout(super::pulse::SLOW, &mut write).await {
                Ok(done) => done,
                Err(_) => {
                    // Afterwards nobody could tell any more who was in the way. A server tells by itself.
                    if let Address::Sqlite(_) = db.address() {
                        let all = super::holders::holders(db.address()).unwrap_or_default();
                        if let Some(holder) = all.iter().find(|holder| holder.role == super::holders::Role::Writes && !holder.is_self) {
                            db.0.pulse.held(holder.name(), holder.remedy(db.address()));
                        }
                    }
                    write.await
                }
            };
            db.0.pulse.end(began, &done);
        })
    }

    /// How quickly writes got through in the last minute.
    #[must_use]
    pub fn pulse(&self) -> super::pulse::Reading {
        self.0.pulse.reading()
    }

    /// The same of the beats after the one with this number, and the number of the last one: for who writes each of them down once.
    #[must_use]
    pub fn pulse_after(&self, number: u64) -> (super::pulse::Reading, u64) {
        self.0.pulse.after(number)
    }

    /// Run `work` in one write transaction. It is committed, durably, when `work` succeeds, and rolled back when it fails.
    ///
    /// Writes that wait at the same time share one commit, each behind its own savepoint.
    ///
    /// # Errors
    /// What `work` returns; [`Error::Locked`] before it ran; [`Error::CommitUnknown`] after it.
    pub async fn write<T, E>(&self, work: impl FnOnce(&mut dyn Conn) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.0.waiting.fetch_add(1, Ordering::Relaxed);
        let receiver = submit(&self.0.writer, work);
        receiver.await.unwrap_or_else(|_| Err(Error::Closed.into()))
    }

    /// [`Database::write`] for a thread that belongs to no async runtime.
    ///
    /// # Errors
    /// As [`Database::write`].
    pub fn write_blocking<T, E>(&self, work: impl FnOnce(&mut dyn Conn) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.0.waiting.fetch_add(1, Ordering::Relaxed);
        submit(&self.0.writer, work).blocking_recv().unwrap_or_else(|_| Err(Error::Closed.into()))
    }

    /// Run `work` on one state of the database. Writes are refused.
    ///
    /// # Errors
    /// What `work` returns, and the engine's refusals.
    pub async fn read<T, E>(&self, work: impl FnOnce(&mut dyn Conn) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let receiver = submit(&self.0.readers, work);
        receiver.await.unwrap_or_else(|_| Err(Error::Closed.into()))
    }

    /// [`Database::read`] for a thread that belongs to no async runtime.
    ///
    /// # Errors
    /// As [`Database::read`].
    pub fn read_blocking<T, E>(&self, work: impl FnOnce(&mut dyn Conn) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        submit(&self.0.readers, work).blocking_recv().unwrap_or_else(|_| Err(Error::Closed.into()))
    }

    /// Writes of this process that wait for its writer at this moment: whoever writes much makes room when there are some.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.waiting.load(Ordering::Relaxed)
    }

    /// A counter that moves after any process committed a row of the change feed. It is a hint: the truth is the feed's sequence numbers.
    /// What has no such row, as a lease that is kept, moves it not.
    ///
    /// # Errors
    /// When the watching connection cannot be opened.
    pub fn changes(&self) -> Result<watch::Receiver<u64>> {
        if let Some(receiver) = self.0.changes.get() {
            return Ok(receiver.clone());
        }
        let receiver = super::changes::watch(&self.0.address)?;
        Ok(self.0.changes.get_or_init(|| receiver).clone())
    }
}

fn submit<T, E>(
    queue: &mpsc::Sender<Work>,
    work: impl FnOnce(&mut dyn Conn) -> Result<T, E> + Send + 'static,
) -> oneshot::Receiver<Result<T, E>>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    let (sender, receiver) = oneshot::channel();
    let request: Work = Box::new(move |conn| {
        let result = match conn {
            Ok(conn) => work(conn),
            Err(error) => Err(error.into()),
        };
        Finish {
            keep: result.is_ok(),
            answer: Box::new(move |committed| {
                // Whoever asked may have gone away; the work is done all the same.
                let _ = sender.send(result.and_then(|value| committed.map(|()| value).map_err(E::from)));
            }),
        }
    });
    // A closed queue drops the request, and with it the sender: the receiver then reports the closing.
    let _ = queue.send(request);
    receiver
}

pub(super) fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(body).map(drop).map_err(|_| Error::Closed)
}

fn serve_writes(address: &Address, mut backend: Backend, queue: &mpsc::Receiver<Work>, marks: Option<&Marks>, waiting: &AtomicUsize) {
    let mut committed_at: Option<Instant> = None;
    while let Ok(first) = queue.recv() {
        taken(waiting);
        // SQLite hands its lock to whoever asks first, so a process that writes without a pause would starve the others.
        if committed_at.is_some_and(|at| at.elapsed() < BREATH) && matches!(backend, Backend::Sqlite(_)) {
            std::thread::sleep(BREATH);
        }
        if let Err(error) = begin(address, &mut backend, false, Backend::begin_write) {
            ((first)(Err(error.clone())).answer)(Err(error));
            continue;
        }
        if let Some(marks) = marks {
            marks.begins(0, Role::Writes);
        }
        let mut finished = Vec::new();
        let mut next = Some(first);
        while let Some(work) = next {
            if let Some(finish) = run_in_savepoint(&mut backend, work) {
                finished.push(finish);
            }
            next = if finished.len() < GROUP { queue.try_recv().ok() } else { None };
            if next.is_some() {
                taken(waiting);
            }
        }
        let committed = backend.commit();
        committed_at = Some(Instant::now());
        if let Some(marks) = marks {
            marks.ends(0);
        }
        for finish in finished {
            (finish.answer)(if finish.keep { committed.clone() } else { Ok(()) });
        }
        if slow::is_news() {
            write_down_slow(&mut backend);
        }
    }
    if let Backend::Sqlite(_) = backend {
        // Keeps the planner's statistics current at next to no cost; a failure changes nothing.
        let _ = backend.batch("PRAGMA optimize");
    }
}

/// A request left the queue. Those that readers send are not counted, and must not be counted below nothing.
fn taken(waiting: &AtomicUsize) {
    let _ = waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| count.checked_sub(1));
}

/// A transaction of its own, after everybody was answered. What cannot be written down is in the log all the same.
fn write_down_slow(backend: &mut Backend) {
    let written = backend.begin_write().and_then(|()| slow::write(backend.conn())).and_then(|()| backend.commit());
    if let Err(error) = written {
        backend.rollback();
        tracing::debug!(%error, "slow statements");
    }
}

/// `None` when the work panicked: its sender is gone and the caller sees a closed answer, the others are not touched.
fn run_in_savepoint(backend: &mut Backend, work: Work) -> Option<Finish> {
    if let Err(error) = backend.batch("SAVEPOINT request") {
        return Some(work(Err(error)));
    }
    let finish = catch_unwind(AssertUnwindSafe(|| work(Ok(backend.conn())))).ok();
    let end = if finish.as_ref().is_some_and(|finish| finish.keep) {
        "RELEASE SAVEPOINT request"
    } else {
        "ROLLBACK TO SAVEPOINT request; RELEASE SAVEPOINT request"
    };
    match (backend.batch(end), finish) {
        (Ok(()), finish) => finish,
        (Err(error), Some(finish)) if finish.keep => Some(Finish { keep: false, answer: Box::new(move |_| (finish.answer)(Err(error))) }),
        (Err(_), finish) => finish,
    }
}

fn serve_reads(address: &Address, queue: &Mutex<mpsc::Receiver<Work>>, marks: Option<&Marks>, slot: u64, writer: &mpsc::Sender<Work>) {
    let mut backend: Option<Backend> = None;
    loop {
        let work = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(work) = work else { return };
        let opened = match backend.take().filter(Backend::is_alive) {
            Some(open) => Ok(open),
            None => Backend::open(address, true),
        };
        let finish = match opened {
            Ok(mut open) => {
                let finish = match begin(address, &mut open, true, Backend::begin_read) {
                    Ok(()) => {
                        if let Some(marks) = marks {
                            marks.begins(slot, Role::Reads);
                        }
                        let finish = catch_unwind(AssertUnwindSafe(|| work(Ok(open.conn())))).ok();
                        open.rollback();
                        if let Some(marks) = marks {
                            marks.ends(slot);
                        }
                        finish
                    }
                    Err(error) => Some(work(Err(error))),
                };
                backend = Some(open);
                finish
            }
            Err(error) => Some(work(Err(error))),
        };
        if let Some(finish) = finish {
            (finish.answer)(Ok(()));
        }
        if slow::is_news() {
            // The writer writes it down when it is done with this; where it has ended there is nobody to tell.
            let _ = writer.send(Box::new(|_| Finish { keep: true, answer: Box::new(|_| ()) }));
        }
    }
}

/// Begin a transaction, on a new connection when the server has dropped the old one.
fn begin(address: &Address, backend: &mut Backend, read_only: bool, how: fn(&mut Backend) -> Result<()>) -> Result<()> {
    if !backend.is_alive() {
        *backend = Backend::open(address, read_only)?;
    }
    match how(backend) {
        Err(_) if !backend.is_alive() => {
            *backend = Backend::open(address, read_only)?;
            how(backend)
        }
        Err(error) => {
            backend.rollback();
            Err(match error {
                Error::Locked { place, holder } if matches!(backend, Backend::Postgres(_)) => {
                    Error::Locked { place, holder: server_writer(backend.conn(), address).unwrap_or(holder) }
                }
                other => other,
            })
        }
        Ok(()) => Ok(()),
    }
}
