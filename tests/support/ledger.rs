//! A ledger with calls in it, and the real program over it.
#![allow(dead_code, reason = "each test file uses its part")]

use quarterdeck::base::{Millis, PersonaId};
use quarterdeck::llm::ledger::{self, Category, Outcome, Settled, Started};
use quarterdeck::llm::price::Book;
use quarterdeck::llm::reported::Reported;
use quarterdeck::store::{Address, Conn, Database, Error, testing};
use serde_json::Value;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// A database of its own and a home, thrown away at the end.
pub struct Home {
    /// Where settings and state lie.
    pub directory: tempfile::TempDir,
    /// The database that the program is given.
    pub db: Database,
}

/// What the program did.
#[derive(Debug)]
pub struct Did {
    /// Its exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Did {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    #[track_caller]
    pub fn done(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    #[track_caller]
    pub fn refused(self, code: i32, words: &str) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.err.contains(words), "expected {words:?} in {self:?}");
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Home {
    pub fn new() -> Self {
        let (db, directory) = testing::database();
        Self { directory, db }
    }

    /// The program with this home and this database.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
        let address = match self.db.address() {
            Address::Sqlite(path) => format!("sqlite:{}", path.display()),
            Address::Postgres(url) => url.clone(),
        };
        command.env_clear().env("HOME", self.directory.path()).env("USER", "ana").env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
        command.arg("--data-dir").arg(self.directory.path()).args(["--database", &address]).args(words);
        command
    }

    pub fn run(&self, words: &[&str]) -> Did {
        Did::of(self.command(words).output().unwrap())
    }

    /// Write calls into the ledger, as the client does.
    pub fn calls(&self, calls: Vec<Call>) {
        self.db
            .write_blocking(move |c: &mut dyn Conn| {
                let book = Book::embedded().unwrap();
                calls.iter().try_for_each(|call| call.write(c, &book))
            })
            .unwrap();
    }
}

/// A call to be written down.
#[derive(Debug, Clone)]
pub struct Call {
    pub at: Millis,
    pub model: &'static str,
    pub module: &'static str,
    pub persona: Option<String>,
    pub category: Category,
    pub outcome: Option<Outcome>,
    /// The usage as the service reports it.
    pub usage: String,
    pub latency_ms: u64,
    pub first_token_ms: Option<u64>,
}

impl Call {
    /// A call that went well, with 1,000 tokens in and 100 out, at a reported cost in USD.
    pub fn of(at: Millis, model: &'static str, module: &'static str, cost: &str, latency_ms: u64) -> Self {
        Self {
            at,
            model,
            module,
            persona: None,
            category: Category::Interactive,
            outcome: Some(Outcome::Ok),
            usage: format!(
                r#"{{"prompt_tokens":1000,"completion_tokens":100,"prompt_tokens_details":{{"cached_tokens":250}},"cost":{cost}}}"#
            ),
            latency_ms,
            first_token_ms: Some(latency_ms / 4),
        }
    }

    /// The same, gone wrong: nothing is reported.
    pub fn failed(self, outcome: Outcome) -> Self {
        Self { outcome: Some(outcome), usage: "{}".into(), ..self }
    }

    /// The same, still under way.
    pub fn under_way(self) -> Self {
        Self { outcome: None, ..self }
    }

    fn write(&self, c: &mut dyn Conn, book: &Book) -> Result<(), Error> {
        let id = quarterdeck::base::new_id();
        let started = Started {
            id: id.clone(),
            request_id: id,
            attempt: 1,
            persona: self.persona.as_deref().map(PersonaId::from_stored),
            module: self.module.into(),
            correlation_id: "test".into(),
            model_asked: self.model.into(),
            streamed: true,
            started_at: self.at,
            category: self.category,
            queued: Duration::from_millis(2),
            reserved: None,
        };
        ledger::start(c, &started)?;
        let Some(outcome) = self.outcome else { return Ok(()) };
        let is_ok = outcome == Outcome::Ok;
        let settled = Settled {
            finished_at: self.at + 1,
            outcome,
            model_answered: None,
            provider: None,
            generation_id: None,
            service_tier: None,
            latency: Duration::from_millis(self.latency_ms),
            first_token: self.first_token_ms.map(Duration::from_millis),
            reported: Reported::read(&self.usage),
            http_status: None,
            error_type: (!is_ok).then(|| "timeout".into()),
            error_message: None,
            finish_reason: None,
        };
        ledger::settle(c, book, &started, &settled)?;
        Ok(())
    }
}
