//! Who has the database open, who writes, who reads, and since when: where "the database is locked" leads to.
//!
//! | file | what it is for |
//! |---|---|
//! | `seat` | the processes of this program, by what they write down themselves |
//! | `locks` | every program that locks the files, as the system tells |
//! | `server` | the sessions of a PostgreSQL server |

mod locks;
mod seat;
mod server;

use super::{Address, Result};
use crate::base::{Millis, clock};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

pub use seat::{Marks, Seat};
pub(super) use server::writer as server_writer;

/// What somebody does with the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Has it open, and does nothing.
    Idle,
    /// Reads; the log cannot be emptied past what it began with.
    Reads,
    /// Takes the log into the file.
    Checkpoints,
    /// Waits for a lock that another one has.
    Waits,
    /// Writes; nobody else can.
    Writes,
    /// Reads the log again after a crash; nobody else gets in.
    Recovers,
}

impl Role {
    /// For people, as in "it reads".
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Idle => "has it open",
            Self::Reads => "reads",
            Self::Checkpoints => "checkpoints",
            Self::Waits => "waits",
            Self::Writes => "writes",
            Self::Recovers => "recovers the log",
        }
    }

    fn letter(self) -> u8 {
        match self {
            Self::Idle => b'-',
            Self::Reads => b'r',
            Self::Checkpoints => b'c',
            Self::Waits => b'q',
            Self::Writes => b'w',
            Self::Recovers => b'x',
        }
    }

    fn of_letter(letter: u8) -> Option<Self> {
        [Self::Reads, Self::Checkpoints, Self::Waits, Self::Writes, Self::Recovers].into_iter().find(|role| role.letter() == letter)
    }
}

/// Somebody who has the database open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// The process; on a server its backend.
    pub pid: u32,
    /// The program.
    pub program: String,
    /// What it was asked to do, where that is known: a subcommand of ours, or the beginning of a session's statement.
    pub command: String,
    /// Whether it is this program.
    pub is_ours: bool,
    /// Whether it is this very process.
    pub is_self: bool,
    /// The most that it does.
    pub role: Role,
    /// Since when the transaction runs, where that is known.
    pub since: Option<Millis>,
    /// Since when it has the database open, where that is known.
    pub opened: Option<Millis>,
    /// Who keeps it waiting.
    pub blocked_by: Vec<u32>,
}

impl Holder {
    /// In a few words: `sqlite3 (process 4711)`.
    #[must_use]
    pub fn name(&self) -> String {
        let command = if self.is_ours && !self.command.is_empty() { format!(" {}", self.command) } else { String::new() };
        format!("{}{command} (process {})", self.program, self.pid)
    }

    /// How to get rid of it.
    #[must_use]
    pub fn remedy(&self, address: &Address) -> String {
        match (address, self.is_ours) {
            (Address::Postgres(_), _) => format!("wait for it, or end it with `SELECT pg_terminate_backend({})`", self.pid),
            (_, true) => format!("wait for it, or stop it: `kill {}` lets it finish what is in flight", self.pid),
            (_, false) => format!("wait for it, close it, or end it with `kill {}`", self.pid),
        }
    }
}

/// Everybody who has the database open, who does most first. On Linux with programs that are not ours.
///
/// # Errors
/// On a server when it refuses.
pub fn holders(address: &Address) -> Result<Vec<Holder>> {
    match address {
        Address::Sqlite(path) => {
            let mut found = of_file(path, true);
            found.sort_by_key(|holder| (std::cmp::Reverse(holder.role), holder.since.unwrap_or(Millis::MAX), holder.pid));
            Ok(found)
        }
        Address::Postgres(_) => server::sessions(address),
    }
}

/// Those of a file; `all` looks also for those who have it open without a lock, which takes a look at every process.
fn of_file(path: &Path, all: bool) -> Vec<Holder> {
    let Ok(path) = path.canonicalize() else { return Vec::new() };
    let own = std::process::id();
    let mut found: BTreeMap<u32, Holder> = BTreeMap::new();
    let blank = |pid: u32| Holder {
        pid,
        program: locks::program(pid),
        command: String::new(),
        is_ours: false,
        is_self: pid == own,
        role: Role::Idle,
        since: None,
        opened: None,
        blocked_by: Vec::new(),
    };
    for seated in seat::seated(&path) {
        let holder = found.entry(seated.owner.pid).or_insert_with(|| blank(seated.owner.pid));
        holder.program = "quarterdeck".to_owned();
        holder.is_ours = true;
        holder.command = seated.owner.command.clone();
        holder.opened = Some(holder.opened.map_or(seated.owner.since, |opened| opened.min(seated.owner.since)));
        for (role, since) in seated.open {
            if role > holder.role || (role == holder.role && holder.since.is_none_or(|before| since < before)) {
                (holder.role, holder.since) = (role, Some(since));
            }
        }
    }
    for (pid, roles) in locks::locked(&path) {
        let holder = found.entry(pid).or_insert_with(|| blank(pid));
        let most = roles.into_iter().max().unwrap_or(Role::Idle);
        // What a process of ours says of itself has the moment with it. A lock that it does not speak of is one it has for an instant.
        if most > holder.role {
            (holder.role, holder.since) = (most, None);
        }
    }
    if all {
        for pid in locks::open(&path) {
            found.entry(pid).or_insert_with(|| blank(pid));
        }
    }
    found.into_values().collect()
}

/// Who keeps others from writing into an SQLite file at this moment, in a sentence with what to do.
pub(crate) fn writer_of(path: &Path) -> String {
    let holders = of_file(path, false);
    let Some(holder) =
        holders.iter().filter(|holder| holder.role >= Role::Writes || holder.role == Role::Checkpoints).max_by_key(|holder| holder.role)
    else {
        return "whoever held it has let go by now; try again, and see `quarterdeck db holders` when it comes back".to_owned();
    };
    sentence(holder, &Address::Sqlite(path.to_path_buf()))
}

/// Who it is, since when, and what to do.
fn sentence(holder: &Holder, address: &Address) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_millis() as Millis);
    let since = holder.since.map_or_else(
        || "the system does not tell since when".to_owned(),
        |since| format!("since {} ({})", clock::local(since), clock::duration((now - since).max(0))),
    );
    let who = if holder.is_self { "this process itself".to_owned() } else { holder.name() };
    format!("{who} {}, {since}; {}; `quarterdeck db holders` shows everybody who has it open", holder.role.words(), holder.remedy(address))
}
