//! A program on a pseudo-terminal of 120 by 40: when bytes come, how many, and what the program costs meanwhile.

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read as _, Write};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The end of a frame of ours: the end of the terminal's synchronized update.
pub const FRAME_END: &[u8] = b"\x1b[?2026l";

/// What terminals answer to the questions that programs ask at their start.
const ANSWERS: [(&[u8], &[u8]); 7] = [
    (b"\x1b[c", b"\x1b[?62;22c"),
    (b"\x1b[>c", b"\x1b[>1;10;0c"),
    (b"\x1b[6n", b"\x1b[1;1R"),
    (b"\x1b]10;?", b"\x1b]10;rgb:dddd/dddd/dddd\x1b\\"),
    (b"\x1b]11;?", b"\x1b]11;rgb:1111/1111/1111\x1b\\"),
    (b"\x1b[>q", b"\x1bP>|bench\x1b\\"),
    (b"\x1b[?u", b"\x1b[?0u"),
];

type Writer = Arc<Mutex<Box<dyn Write + Send>>>;

pub struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    bytes: Receiver<(Instant, Vec<u8>)>,
    writer: Writer,
    _master: Box<dyn MasterPty + Send>,
    pub started: Instant,
    /// Everything that came, to be looked at as a screen.
    pub screen: vt100::Parser,
}

/// What a process used up to now.
#[derive(Clone, Copy)]
pub struct Used {
    pub wakes: u64,
    pub nanoseconds: u64,
}

impl Terminal {
    /// Start a program. A terminal that does not `answer` leaves every question open.
    pub fn start(command: CommandBuilder, answers: bool) -> Self {
        let pair = native_pty_system().openpty(PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 }).unwrap();
        let writer: Writer = Arc::new(Mutex::new(pair.master.take_writer().unwrap()));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, bytes) = channel();
        let answering = Arc::clone(&writer);
        std::thread::spawn(move || {
            let mut buffer = [0; 1 << 16];
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                let chunk = buffer[..length].to_vec();
                for (question, answer) in ANSWERS.iter().filter(|(question, _)| answers && find(&chunk, question)) {
                    let _ = question;
                    let _ = answering.lock().unwrap().write_all(answer);
                }
                if sender.send((Instant::now(), chunk)).is_err() {
                    break;
                }
            }
        });
        let started = Instant::now();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let screen = vt100::Parser::new(std::num::NonZeroU16::new(40).unwrap(), std::num::NonZeroU16::new(120).unwrap(), 0);
        Self { child, bytes, writer, _master: pair.master, started, screen }
    }

    fn next(&mut self, patience: Duration) -> Option<(Instant, Vec<u8>)> {
        let (at, bytes) = self.bytes.recv_timeout(patience).ok()?;
        self.screen.process(&bytes);
        Some((at, bytes))
    }

    /// Read until what came holds `wanted` and a frame ended; returns when, and how much came.
    pub fn frame_with(&mut self, wanted: &str) -> (Instant, usize) {
        let mut seen: Vec<u8> = Vec::new();
        loop {
            let Some((at, bytes)) = self.next(Duration::from_secs(20)) else {
                panic!("no frame with {wanted:?}; the screen:\n{}", self.screen.screen().contents());
            };
            seen.extend(bytes);
            if find(&seen, wanted.as_bytes()) && seen.ends_with(FRAME_END) {
                return (at, seen.len());
            }
        }
    }

    /// Read until forty letters or more stand on the screen, whatever the program.
    pub fn first_letters(&mut self) -> Instant {
        loop {
            let (at, _) = self.next(Duration::from_secs(20)).expect("the program draws nothing");
            if self.screen.screen().contents().chars().filter(|letter| !letter.is_whitespace()).count() >= 40 {
                return at;
            }
        }
    }

    pub fn write(&mut self, keys: &str) -> Instant {
        let mut writer = self.writer.lock().unwrap();
        let at = Instant::now();
        writer.write_all(keys.as_bytes()).unwrap();
        writer.flush().unwrap();
        at
    }

    /// A key, to the end of the frame in which the cursor's sign is drawn anew.
    pub fn move_cursor(&mut self, key: &str) -> (Duration, usize) {
        while self.bytes.try_recv().is_ok_and(|(_, bytes)| {
            self.screen.process(&bytes);
            true
        }) {}
        let pressed = self.write(key);
        let (at, length) = self.frame_with("▌");
        (at - pressed, length)
    }

    /// A key, to the first byte that comes back.
    pub fn first_byte(&mut self, key: &str) -> Option<Duration> {
        let pressed = self.write(key);
        self.next(Duration::from_millis(500)).map(|(at, _)| at - pressed)
    }

    /// A key, to the last byte before nothing came for so long.
    pub fn until_quiet(&mut self, key: &str, quiet: Duration) -> Duration {
        let pressed = self.write(key);
        let mut last = pressed;
        while let Some((at, _)) = self.next(quiet) {
            last = at;
        }
        last - pressed
    }

    /// Read until nothing came for so long; returns how much came.
    pub fn settle(&mut self, quiet: Duration) -> usize {
        let mut length = 0;
        while let Some((_, bytes)) = self.next(quiet) {
            length += bytes.len();
        }
        length
    }

    /// Read for so long, whatever comes; returns how much.
    pub fn listen(&mut self, time: Duration) -> usize {
        let until = Instant::now() + time;
        let mut length = 0;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return length;
            }
            length += self.next(left).map_or(0, |(_, bytes)| bytes.len());
        }
    }

    fn status(&self, name: &str) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.process_id()?)).ok()?;
        number(&status, name)
    }

    pub fn used(&self) -> Used {
        let pid = self.child.process_id().unwrap();
        let mut used = Used { wakes: 0, nanoseconds: 0 };
        for task in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten() {
            let read = |name: &str| std::fs::read_to_string(task.path().join(name)).unwrap_or_default();
            let name = read("comm");
            let wakes = number(&read("status"), "voluntary_ctxt_switches").unwrap_or(0);
            if std::env::var_os("BENCH_THREADS").is_some() {
                println!("  {wakes:>8} {}", name.trim());
            }
            used.wakes += wakes;
            used.nanoseconds += read("schedstat").split_whitespace().next().and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
        }
        used
    }

    /// Resident memory in megabytes of 1,048,576 bytes: all of it, and what is the program's own and not a page of its file.
    pub fn resident(&self) -> (f64, f64) {
        let of = |name| self.status(name).unwrap_or(0) as f64 / 1024.0;
        (of("VmRSS"), of("RssAnon"))
    }

    pub fn end(mut self, key: &str) {
        self.write(key);
        let until = Instant::now() + Duration::from_secs(3);
        while self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            if Instant::now() > until {
                let _ = self.child.kill();
            }
            self.next(Duration::from_millis(20));
        }
    }
}

fn number(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(':')))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

pub fn find(bytes: &[u8], wanted: &[u8]) -> bool {
    wanted.is_empty() || bytes.windows(wanted.len()).any(|window| window == wanted)
}
