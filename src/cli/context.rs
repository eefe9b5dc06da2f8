//! What every subcommand is given: the global options, the settings when it asks for them, and the place to print.

use super::failure::Failure;
use super::output::{ColorChoice, Output};
use crate::base::{Clock, SystemClock};
use crate::config::{Loaded, Request, Settings};
use crate::store::audit::Actor;
use std::cell::OnceCell;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long what still runs beside the work may take to end.
const LEAVING: Duration = Duration::from_secs(1);

/// Options that every subcommand takes.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Global {
    /// Configuration file in place of the usual one.
    #[arg(long, global = true, value_name = "PATH", help_heading = "Everywhere")]
    pub config: Option<PathBuf>,
    /// Directory for the database and other kept data.
    #[arg(long, global = true, value_name = "DIR", help_heading = "Everywhere")]
    pub data_dir: Option<PathBuf>,
    /// Database: `sqlite:PATH` or `postgres://USER@HOST/NAME`.
    #[arg(long, global = true, value_name = "ADDRESS", help_heading = "Everywhere")]
    pub database: Option<String>,
    /// Persona to work with, by name or id.
    #[arg(long, global = true, value_name = "NAME|ID", help_heading = "Everywhere")]
    pub persona: Option<String>,
    /// Your name in the audit log; by default the name you are logged in with.
    #[arg(long = "as", global = true, value_name = "NAME", help_heading = "Everywhere")]
    pub operator: Option<String>,
    /// Print one JSON object, and errors as JSON too.
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub json: bool,
    /// Colours.
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t, hide_default_value = true, help_heading = "Everywhere")]
    pub color: ColorChoice,
    /// Write a log file; twice or thrice for more.
    #[arg(short, long = "verbose", global = true, action = clap::ArgAction::Count, help_heading = "Everywhere")]
    pub verbose: u8,
}

/// What a subcommand works with.
pub struct Context {
    /// Options that every subcommand takes.
    pub global: Global,
    /// Where to print.
    pub out: Output,
    /// The present.
    pub clock: Arc<dyn Clock>,
    loaded: OnceCell<Loaded>,
}

impl Context {
    /// A context for these options.
    #[must_use]
    pub fn new(global: Global) -> Self {
        let out = Output::new(global.json, global.color);
        Self { global, out, clock: Arc::new(SystemClock), loaded: OnceCell::new() }
    }

    /// What to read the settings from.
    #[must_use]
    pub fn request(&self) -> Request {
        let global = self.global.clone();
        Request { config: global.config, data_dir: global.data_dir, database: global.database, ..Request::from_process() }
    }

    /// The layers of settings, read once, with everything that was found wrong.
    pub fn loaded(&self) -> &Loaded {
        self.loaded.get_or_init(|| {
            let loaded = crate::config::load(&self.request());
            super::log::keep_out(crate::upkeep::secrets::check::known(&loaded));
            loaded
        })
    }

    /// The settings.
    ///
    /// # Errors
    /// When a file or a value is wrong.
    pub fn settings(&self) -> Result<Settings, Failure> {
        Ok(self.loaded().settings()?)
    }

    /// The person who acts, for the audit log: `--as`, else the name logged in with.
    ///
    /// # Errors
    /// When there is none, or it is not a name.
    pub fn operator(&self) -> Result<String, Failure> {
        let logged_in = || ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
        let name = self.global.operator.clone().or_else(logged_in).or_else(account_name);
        let name = name.ok_or_else(|| Failure::usage("it is not known who you are").hint("say it with --as NAME"))?;
        if name.trim() != name || name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
            return Err(
                Failure::usage("a name has 1 to 64 characters, on one line, without blanks around it").hint("say it with --as NAME")
            );
        }
        Ok(name)
    }

    /// The person who acts, with the login they act from where it has another name.
    ///
    /// # Errors
    /// As [`Context::operator`].
    pub fn actor(&self) -> Result<Actor, Failure> {
        Ok(Actor::human(self.operator()?).logged_in_as(account_name()))
    }

    /// Run asynchronous work to its end.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn block_on<F: Future>(&self, work: F) -> Result<F::Output, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::failed(format!("the program's threads cannot be started: {error}")))?;
        let done = runtime.block_on(work);
        // A name that is looked up meanwhile is looked up by a thread that cannot be ended: the process does not wait for it.
        runtime.shutdown_timeout(LEAVING);
        Ok(done)
    }
}

/// The name of the account that this process runs under: what is left where no variable tells, as in a container or under cron.
fn account_name() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let uid = status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().next()?.to_owned();
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    let mut names = accounts.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    });
    names.next()
}
