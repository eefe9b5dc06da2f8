//! `quarterdeck heartbeat`: jobs that say when they run.

mod run;
mod show;

use super::{Context, Failure, Outcome};
use crate::base::Clock;
use crate::config::Settings;
use crate::deck::Deck;
use crate::store::audit::Actor;
use crate::store::{self, Conn};
use crate::watch::heartbeat::{self, Ping, Pinged, defined, ping};
use crate::watch::probe::file::Source;
use crate::watch::probe::model::{Definitions, Heartbeat};
use std::sync::Arc;

/// Arguments of `quarterdeck heartbeat`. Without a subcommand it lists.
#[derive(Debug, clap::Args)]
#[command(after_help = "Heartbeats stand in probes.toml beside the configuration file:

  [[heartbeat]]
  name = \"nightly-import\"
  cron = \"0 3 * * *\"          # or: every = \"1d\"
  zone = \"Europe/Berlin\"
  grace = \"1h\"
  max_duration = \"2h\"

In a crontab: 0 3 * * * quarterdeck heartbeat run nightly-import -- /usr/local/bin/import")]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List them: state, schedule, when each is expected next.
    List,
    /// Show one: the next three times, runs under way, the last runs.
    Show {
        /// Its name.
        name: String,
    },
    /// Report that a run begins.
    Start(Report),
    /// Report that a run has ended well.
    Success(Report),
    /// Report that a run has failed.
    Fail(Failed),
    /// Run a command between a start and its success or failure, and end as it does.
    Run {
        /// The heartbeat.
        name: String,
        /// The command and its arguments, behind `--`.
        #[arg(required = true, last = true, value_name = "COMMAND")]
        command: Vec<std::ffi::OsString>,
    },
}

#[derive(Debug, clap::Args)]
struct Report {
    /// The heartbeat.
    name: String,
    /// An id, where several runs may be under way at once.
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// What there is to say.
    #[arg(long)]
    message: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Failed {
    #[command(flatten)]
    report: Report,
    /// What the command ended with.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    exit_status: Option<u8>,
}

/// What is reported.
#[derive(Debug, Clone, Copy)]
enum What {
    Start,
    Success,
    Failure,
}

/// Run the command. JSON: of `list` `{heartbeats: […]}`, of `show` `{heartbeat, runs}`, of a report `{name, run, duration_ms, view}`.
///
/// # Errors
/// When there is no such heartbeat, its definition is broken, and as the database says.
pub fn run(context: &Context, args: Args) -> Result<Outcome, Failure> {
    match args.command.unwrap_or(Command::List) {
        Command::List => show::list(context),
        Command::Show { name } => show::one(context, &name),
        Command::Start(report) => reported(context, What::Start, report, None),
        Command::Success(report) => reported(context, What::Success, report, None),
        Command::Fail(Failed { report, exit_status }) => reported(context, What::Failure, report, exit_status.map(i32::from)),
        Command::Run { name, command } => run::run(context, &name, &command),
    }
}

/// The job behind a heartbeat: who reports of it, and where to.
#[derive(Clone)]
struct Job {
    settings: Settings,
    clock: Arc<dyn Clock>,
    heartbeat: Heartbeat,
    actor: Actor,
}

impl Job {
    fn find(context: &Context, name: &str) -> Result<Self, Failure> {
        let settings = context.settings()?;
        let heartbeat = defined::find(&definitions(&settings)?, name)?;
        // Whoever it is: a job must not be missed because nobody is logged in.
        let actor = Actor::system("heartbeat").logged_in_as(context.operator().ok());
        Ok(Self { settings, clock: context.clock.clone(), heartbeat, actor })
    }

    fn open(self) -> Result<Reporter, Failure> {
        let deck = Deck::open(self.settings, self.clock)?;
        Ok(Reporter { deck, heartbeat: self.heartbeat, actor: self.actor })
    }
}

/// What is needed to report of one heartbeat.
struct Reporter {
    deck: Deck,
    heartbeat: Heartbeat,
    actor: Actor,
}

impl Reporter {
    fn report(&self, what: What, run: Option<String>, exit_status: Option<i32>, message: Option<String>) -> Result<Pinged, Failure> {
        let (heartbeat, actor, at) = (self.heartbeat.clone(), self.actor.clone(), self.deck.clock.now());
        let work = move |c: &mut dyn Conn| {
            let ping = Ping { run: run.as_deref(), exit_status, message: message.as_deref(), actor: &actor, at };
            match what {
                What::Start => heartbeat::start(c, &heartbeat, &ping),
                What::Success => heartbeat::success(c, &heartbeat, &ping),
                What::Failure => heartbeat::fail(c, &heartbeat, &ping),
            }
        };
        let done = self.deck.db.write_blocking(move |c| match work(c) {
            Err(ping::Error::Store(error)) => Err(error),
            other => Ok::<_, store::Error>(other),
        })?;
        Ok(done?)
    }
}

fn source(settings: &Settings) -> Source {
    Source::open(&settings.config_dir, &settings.environment_file)
}

fn definitions(settings: &Settings) -> Result<Definitions, Failure> {
    Ok(defined::definitions(&source(settings))?)
}

fn reported(context: &Context, what: What, report: Report, exit_status: Option<i32>) -> Result<Outcome, Failure> {
    let reporter = Job::find(context, &report.name)?.open()?;
    let pinged = reporter.report(what, report.run, exit_status, report.message)?;
    context.out.either(&pinged, || context.out.say(format!("{}: {}, {}", pinged.name, pinged.view.state.as_str(), pinged.view.reason)))?;
    Ok(Outcome::Done)
}

impl From<defined::Error> for Failure {
    fn from(error: defined::Error) -> Self {
        match error {
            defined::Error::Unknown { .. } => Self::usage(error.to_string()),
            defined::Error::Broken(_) => {
                Self::failed(error.to_string()).hint("`quarterdeck probe validate` lists everything that is wrong")
            }
        }
    }
}

impl From<ping::Error> for Failure {
    fn from(error: ping::Error) -> Self {
        match error {
            ping::Error::Run => Self::usage(error.to_string()),
            other => Self::failed(other.to_string()),
        }
    }
}
