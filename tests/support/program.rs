//! The real program in a directory of its own: a database file, a user, no terminal and nothing of this machine's settings.

use quarterdeck::base::{Clock, PersonaId, SystemClock};
use quarterdeck::moderation::{NewItem, Settings, queue};
use quarterdeck::store::audit::Actor;
use quarterdeck::store::{Address, Database};
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

/// Where the program runs.
pub struct Home {
    pub directory: tempfile::TempDir,
}

/// What a command did.
pub struct Did {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Did {
    pub fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Self { code: output.status.code().expect("an exit code"), out: text(output.stdout), err: text(output.stderr) }
    }

    #[track_caller]
    pub fn done(self) -> Self {
        self.ended(0)
    }

    #[track_caller]
    pub fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub fn refused(self, code: i32, words: &str) -> Self {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        assert!(self.err.contains(words), "expected {words:?} in: {}", self.err);
        self
    }

    /// Whether these stand in the output, in this order.
    #[track_caller]
    pub fn says(&self, code: i32, sentences: &[&str]) -> &Self {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        let mut rest = self.out.as_str();
        for sentence in sentences {
            let Some(at) = rest.find(sentence) else { panic!("expected {sentence:?} in what follows of: {}", self.out) };
            rest = &rest[at + sentence.len()..];
        }
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}

impl Home {
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// With the demo persona.
    pub fn seeded() -> Self {
        let home = Self::new();
        home.run(&["seed"]).done();
        home
    }

    pub fn database(&self) -> PathBuf {
        self.directory.path().join("deck.db")
    }

    /// A path in the directory.
    pub fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
        command.env_clear().env("HOME", self.directory.path()).env("USER", "ana").env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
        command.arg("--data-dir").arg(self.directory.path()).arg("--database").arg(format!("sqlite:{}", self.database().display()));
        command.args(words);
        command
    }

    pub fn run(&self, words: &[&str]) -> Did {
        Did::of(self.command(words).output().unwrap())
    }

    pub fn open(&self) -> Database {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Database::open(&Address::Sqlite(self.database()), &clock).unwrap()
    }

    pub fn persona(&self) -> PersonaId {
        self.open().read_blocking(|c| quarterdeck::memory::personas::find(c, "DemoAgentBot")).unwrap().id
    }

    /// Queue a draft for the seeded persona, through the library.
    pub fn add(&self, new: NewItem) -> String {
        let persona = self.persona();
        let now = SystemClock.now();
        self.open().write_blocking(move |c| queue::enqueue(c, &persona, &new, &Settings::default(), &Actor::agent("loop"), now)).unwrap()
    }
}
