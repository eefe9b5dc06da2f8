//! The real program on a pseudo-terminal: keys go in, a terminal emulator reads what comes out, and tests wait for what they want to see.
//!
//! Nothing sleeps: a thread reads the terminal and wakes whoever waits. The screen is looked at between frames only, never within one.

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use quarterdeck::base::{Clock, Millis, PersonaId, SystemClock};
use quarterdeck::memory::{self, Author};
use quarterdeck::moderation::item::Revision;
use quarterdeck::moderation::pauses::{self, Pause};
use quarterdeck::moderation::{self, Item, NewItem, On, Settings, item, queue};
use quarterdeck::store::audit::Actor;
use quarterdeck::store::{Address, Conn, Database};
use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub use crate::support::comment;
pub use quarterdeck::base::short;

/// How long is waited for something to appear.
const PATIENCE: Duration = Duration::from_secs(10);

/// A home directory with a database in which the demonstration persona stands.
pub struct Home {
    directory: tempfile::TempDir,
    pub database: Database,
    pub persona: PersonaId,
    began: Millis,
    added: AtomicI64,
}

impl Home {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let database = Database::open(&Address::Sqlite(directory.path().join("deck.db")), &clock).unwrap();
        let now = SystemClock.now();
        let seeded = database.write_blocking(move |c| memory::seed::apply(c, &Author::new(&Actor::system("test"), now))).unwrap();
        Self { directory, database, persona: seeded.persona, began: now - 600_000, added: AtomicI64::new(0) }
    }

    /// A home with drafts that hold these texts, oldest first, and their ids.
    pub fn with(texts: &[&str]) -> (Self, Vec<String>) {
        let home = Self::new();
        let ids = texts.iter().map(|text| home.add(text)).collect();
        (home, ids)
    }

    /// Queue a draft with this text.
    pub fn add(&self, text: &str) -> String {
        let number = self.added.load(Ordering::SeqCst);
        self.queue(comment(&format!("t3_parent{number}"), text))
    }

    /// Queue a draft, as an agent elsewhere does. Each is a second younger than the one before.
    pub fn queue(&self, new: NewItem) -> String {
        let (persona, at) = (self.persona.clone(), self.began + 1_000 * self.added.fetch_add(1, Ordering::SeqCst));
        self.database.write_blocking(move |c| queue::enqueue(c, &persona, &new, &Settings::default(), &Actor::agent("loop"), at)).unwrap()
    }

    /// The item as the database has it.
    pub fn item(&self, id: &str) -> Item {
        let (persona, id) = (self.persona.clone(), id.to_owned());
        self.database.read_blocking(move |c| item::load(c, &persona, &id)).unwrap()
    }

    pub fn state(&self, id: &str) -> String {
        self.item(id).state.to_string()
    }

    pub fn revisions(&self, id: &str) -> Vec<Revision> {
        let (persona, id) = (self.persona.clone(), id.to_owned());
        self.database.read_blocking(move |c| item::revisions(c, &persona, &id)).unwrap()
    }

    pub fn pauses(&self) -> Vec<Pause> {
        self.database.read_blocking(|c| pauses::list(c, SystemClock.now())).unwrap()
    }

    /// A step of somebody elsewhere, about the item as it is now.
    pub fn decide(
        &self,
        reviewer: &str,
        id: &str,
        work: impl FnOnce(&mut dyn Conn, &On<'_>) -> moderation::Result<Item> + Send + 'static,
    ) -> Item {
        let (persona, id, actor) = (self.persona.clone(), id.to_owned(), Actor::human(reviewer));
        let step = move |c: &mut dyn Conn| {
            let at = SystemClock.now();
            work(c, &On { persona: &persona, id: &id, version: None, actor: &actor, at })
        };
        self.database.write_blocking(step).unwrap()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The program, as ana calls it.
    pub fn program(&self) -> CommandBuilder {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_quarterdeck"));
        command.env_clear();
        for (name, value) in self.environment() {
            command.env(name, value);
        }
        command.cwd(self.directory.path());
        command
    }

    /// What a subcommand prints.
    pub fn prints(&self, words: &[&str]) -> String {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
        let output = command.env_clear().envs(self.environment()).args(words).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("HOME", self.directory.path().display().to_string()),
            ("PATH", "/usr/bin:/bin".to_owned()),
            ("TERM", "xterm-256color".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            ("USER", "ana".to_owned()),
            ("DATABASE_URL", format!("sqlite:{}", self.path("deck.db").display())),
        ]
    }

    /// A shell with job control that knows the program as `$DECK`.
    pub fn program_in_a_shell(&self) -> Console {
        let mut command = CommandBuilder::new("/bin/bash");
        command.args(["--norc", "--noprofile", "--noediting", "-i"]);
        command.env_clear();
        for (name, value) in self.environment() {
            command.env(name, value);
        }
        command.env("PS1", "$ ");
        command.env("DECK", env!("CARGO_BIN_EXE_quarterdeck"));
        command.cwd(self.directory.path());
        Console::start(command, 80, 24)
    }

    /// The console on a terminal of 80 by 24.
    pub fn console(&self) -> Console {
        self.console_of(80, 24)
    }

    /// The console on a terminal of so many columns and rows.
    pub fn console_of(&self, columns: u16, rows: u16) -> Console {
        Console::start(self.program(), columns, rows)
    }

    /// The console of another reviewer on the same database.
    pub fn console_as(&self, reviewer: &str) -> Console {
        let mut program = self.program();
        program.args(["--as", reviewer]);
        Console::start(program, 80, 24)
    }

    /// The console with variables of the environment set.
    pub fn console_with(&self, variables: &[(&str, &str)]) -> Console {
        let mut program = self.program();
        for (name, value) in variables {
            program.env(name, value);
        }
        Console::start(program, 80, 24)
    }
}

/// What the reader of the terminal knows.
struct Seen {
    parser: vt100::Parser,
    size: (u16, u16),
    raw: Vec<u8>,
    /// Why the emulator gave up, if it did; it starts anew then.
    broken: usize,
    /// The terminal has no program any more.
    is_over: bool,
    /// The reader has to let go of the terminal.
    lets_go: bool,
}

impl Seen {
    /// Whether the last frame that began also ended.
    fn is_whole(&self) -> bool {
        let last = |sign: &[u8]| self.raw.windows(sign.len()).rposition(|window| window == sign);
        last(b"\x1b[?2026l") >= last(b"\x1b[?2026h")
    }
}

/// The console on its terminal.
pub struct Console {
    child: Box<dyn Child + Send + Sync>,
    master: Option<Box<dyn MasterPty + Send>>,
    writer: Option<Box<dyn std::io::Write + Send>>,
    shared: Arc<(Mutex<Seen>, Condvar)>,
    reader: Option<JoinHandle<()>>,
    /// The modes of the terminal before the program ran.
    modes: String,
}

fn parser(columns: u16, rows: u16) -> vt100::Parser {
    vt100::Parser::new(NonZeroU16::new(rows).unwrap(), NonZeroU16::new(columns).unwrap(), 0)
}

impl Console {
    /// Start a program on a terminal of its own.
    pub fn start(program: CommandBuilder, columns: u16, rows: u16) -> Self {
        let pair = native_pty_system().openpty(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).unwrap();
        let modes = format!("{:?}", pair.master.get_termios().unwrap());
        let child = pair.slave.spawn_command(program).unwrap();
        drop(pair.slave);
        let mut source = pair.master.try_clone_reader().unwrap();
        let seen =
            Seen { parser: parser(columns, rows), size: (columns, rows), raw: Vec::new(), broken: 0, is_over: false, lets_go: false };
        let shared = Arc::new((Mutex::new(seen), Condvar::new()));
        let theirs = Arc::clone(&shared);
        let reader = std::thread::spawn(move || {
            let mut chunk = [0; 16_384];
            loop {
                let got = source.read(&mut chunk).unwrap_or(0);
                let mut seen = theirs.0.lock().unwrap();
                if got == 0 || seen.lets_go {
                    seen.is_over = true;
                    theirs.1.notify_all();
                    return;
                }
                seen.raw.extend_from_slice(&chunk[..got]);
                let emulator = &mut seen.parser;
                if catch_unwind(AssertUnwindSafe(|| emulator.process(&chunk[..got]))).is_err() {
                    let (columns, rows) = seen.size;
                    seen.parser = parser(columns, rows);
                    seen.broken += 1;
                }
                theirs.1.notify_all();
            }
        });
        let writer = pair.master.take_writer().unwrap();
        Self { child, master: Some(pair.master), writer: Some(writer), shared, reader: Some(reader), modes }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.shared.0.lock().unwrap()
    }

    /// Type keys, as a terminal sends them.
    pub fn keys(&mut self, keys: &str) -> &mut Self {
        let writer = self.writer.as_mut().unwrap();
        writer.write_all(keys.as_bytes()).unwrap();
        writer.flush().unwrap();
        self
    }

    /// Paste a text, as a terminal does that marks it.
    pub fn paste(&mut self, text: &str) -> &mut Self {
        self.keys(&format!("\x1b[200~{text}\x1b[201~"))
    }

    /// Wait until the screen is as wanted.
    #[track_caller]
    pub fn wait_for(&mut self, wanted: impl Fn(&vt100::Screen) -> bool, what: &str) -> &mut Self {
        self.wait_within(PATIENCE, wanted, what)
    }

    #[track_caller]
    pub fn wait_within(&mut self, limit: Duration, wanted: impl Fn(&vt100::Screen) -> bool, what: &str) -> &mut Self {
        let until = Instant::now() + limit;
        let mut seen = self.shared.0.lock().unwrap();
        loop {
            if seen.is_whole() && wanted(seen.parser.screen()) {
                break;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || seen.is_over {
                let (screen, over) = (picture(seen.parser.screen()), seen.is_over);
                let broken = seen.broken;
                drop(seen);
                panic!("waited for {what}; program ended: {over}, emulator broken: {broken}; the screen:\n{screen}");
            }
            seen = self.shared.1.wait_timeout(seen, left).unwrap().0;
        }
        drop(seen);
        self
    }

    /// Wait until a text stands anywhere on the screen.
    #[track_caller]
    pub fn shows(&mut self, text: &str) -> &mut Self {
        self.wait_for(|screen| screen.contents().contains(text), &format!("{text:?}"))
    }

    /// Wait until a text stands nowhere on the screen.
    #[track_caller]
    pub fn hides(&mut self, text: &str) -> &mut Self {
        self.wait_for(|screen| !screen.contents().contains(text), &format!("no {text:?}"))
    }

    /// Wait until the chosen line of the list holds a text.
    #[track_caller]
    pub fn chooses(&mut self, text: &str) -> &mut Self {
        self.wait_for(|screen| chosen(screen).is_some_and(|line| line.contains(text)), &format!("{text:?} as the chosen line"))
    }

    /// Wait until a text stands in the line of messages.
    #[track_caller]
    pub fn says(&mut self, text: &str) -> &mut Self {
        self.wait_for(|screen| message(screen).contains(text), &format!("the message {text:?}"))
    }

    /// What stands on the screen now.
    pub fn screen(&self) -> String {
        self.seen().parser.screen().contents()
    }

    /// Every byte that came so far.
    pub fn raw(&self) -> Vec<u8> {
        self.seen().raw.clone()
    }

    /// How often the emulator gave up on what it was sent.
    pub fn broken(&self) -> usize {
        self.seen().broken
    }

    /// Give the terminal another size.
    pub fn resize(&mut self, columns: u16, rows: u16) -> &mut Self {
        {
            let mut seen = self.seen();
            seen.size = (columns, rows);
            // A terminal need not keep what stood on it.
            seen.parser = parser(columns, rows);
        }
        self.master.as_ref().unwrap().resize(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).unwrap();
        self
    }

    pub fn signal(&mut self, signal: rustix::process::Signal) -> &mut Self {
        let process = rustix::process::Pid::from_raw(i32::try_from(self.child.process_id().unwrap()).unwrap()).unwrap();
        rustix::process::kill_process(process, signal).unwrap();
        self
    }

    /// Wait until the program ended by itself, and return its exit code.
    #[track_caller]
    pub fn ended(&mut self, limit: Duration) -> u32 {
        let until = Instant::now() + limit;
        let mut seen = self.shared.0.lock().unwrap();
        while !seen.is_over {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let screen = picture(seen.parser.screen());
                drop(seen);
                panic!("the program goes on after {limit:?}; the screen:\n{screen}");
            }
            seen = self.shared.1.wait_timeout(seen, left).unwrap().0;
        }
        drop(seen);
        self.child.wait().unwrap().exit_code()
    }

    /// The modes of the terminal before the program ran, and now.
    pub fn modes(&self) -> (String, String) {
        (self.modes.clone(), format!("{:?}", self.master.as_ref().unwrap().get_termios().unwrap()))
    }

    /// Close the window: nobody holds the other end of the terminal any more. Returns whether the program ended within the limit.
    pub fn closed(&mut self, limit: Duration) -> bool {
        self.seen().lets_go = true;
        // Something has to be drawn for the reader to notice.
        self.resize_quietly(70, 20);
        self.reader.take().unwrap().join().unwrap();
        drop(self.writer.take());
        drop(self.master.take());
        let id = self.child.process_id().unwrap().to_string();
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let child = &mut self.child;
            scope.spawn(move || sender.send(child.wait().is_ok()));
            let ended = receiver.recv_timeout(limit).unwrap_or(false);
            if !ended {
                // The terminal's own way to kill is the signal that was just not heard.
                let _ = std::process::Command::new("kill").args(["-KILL", &id]).status();
            }
            ended
        })
    }

    fn resize_quietly(&self, columns: u16, rows: u16) {
        self.master.as_ref().unwrap().resize(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).unwrap();
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        drop(self.writer.take());
        drop(self.master.take());
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

/// The screen with a border, for messages of failed tests.
fn picture(screen: &vt100::Screen) -> String {
    let columns = screen.size().1.get();
    screen.rows(0, columns).map(|row| format!("|{row}\n")).collect()
}

/// The line of the list with the cursor: the one that begins with the sign of the selection, as the terminal can show it.
pub fn chosen(screen: &vt100::Screen) -> Option<String> {
    let (rows, columns) = screen.size();
    let row = (1..rows.get()).find(|row| screen.cell(*row, 0).is_some_and(|cell| ["▌", ">"].contains(&cell.contents())))?;
    screen.rows(0, columns.get()).nth(usize::from(row))
}

/// The line above the footer.
pub fn message(screen: &vt100::Screen) -> String {
    let (rows, columns) = screen.size();
    screen.rows(0, columns.get()).nth(usize::from(rows.get()) - 2).unwrap_or_default()
}

/// Whether the line of messages tells of a failure: it begins with the sign of what is blocked.
pub fn refused(screen: &vt100::Screen) -> bool {
    ["✗ ", "x "].iter().any(|sign| message(screen).starts_with(sign))
}

/// The last line.
pub fn footer(screen: &vt100::Screen) -> String {
    let (rows, columns) = screen.size();
    screen.rows(0, columns.get()).nth(usize::from(rows.get()) - 1).unwrap_or_default()
}
