//! Subcommands, one file each: call a service, print a table or JSON.
//!
//! A subcommand is a struct of arguments and a function `run(&Context, …) -> Result<Outcome, Failure>`. This room decides nothing: rules
//! stand in the services, and whatever a subcommand can do the other faces can do too. It may not hold SQL, and it prints through
//! [`output`] only.
//!
//! A new subcommand: a file, a variant of `Command`, a line in `run`, and where its service has an error of its own a `From` in
//! `failure.rs`.

mod agent;
mod audit;
mod backup;
mod belief;
mod budget;
mod completions;
mod config;
mod console;
mod context;
mod db;
mod demo;
mod erase;
mod events;
mod failure;
mod health;
mod heartbeat;
mod import;
mod index;
mod keys;
pub mod log;
mod long;
mod man;
mod mark;
mod models;
pub mod output;
mod pause;
mod persona;
mod prices;
mod probe;
mod queue;
mod report;
mod retention;
mod rules;
mod sandbox;
mod search;
mod secrets;
mod seed;
mod serve;
mod signals;
mod started;
mod team;
mod themes;

pub use context::{Context, Global};
pub use failure::{Exit, Failure, Outcome};

use crate::base::duration;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use output::{ColorChoice, Output};
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs AI agents that act in public, and lets people review, approve and stop them from the terminal.
#[derive(Debug, Parser)]
#[command(name = "quarterdeck", version, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a check found problems, something was left out, or nothing was left, 4 your role does not allow it."
)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    /// Open the console in plain lines: no colours, no moved cursor, one command a line; for screen readers and pipes.
    #[arg(long)]
    plain: bool,
    /// Open the console so that no key changes anything of the deck, in any tab; it does not probe either.
    #[arg(long)]
    read_only: bool,
    /// Without one the console opens.
    #[command(subcommand)]
    command: Option<Command>,
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
enum Command {
    /// Watch the whole walk on a sandbox of this machine: read, draft, screen, review, send.
    Demo(demo::Args),
    /// Run the agents, look at them, stop them.
    Agent(agent::Args),
    /// Review what waits: list, show, approve, edit, reject, return, hold, undo.
    Queue(Box<queue::Args>),
    /// Look for words and meaning over everything that was said, believed and decided.
    Search(Box<search::Args>),
    /// Who reviews, and what each of them may do.
    Team(team::Args),
    /// Who acts, how they speak, and where.
    Persona(persona::Args),
    /// What a persona believes, why, since when, and what it said about it.
    Belief(Box<belief::Args>),
    /// Make a persona with beliefs to begin with.
    Seed,
    /// Stop all sending, or show what is stopped.
    Pause(pause::Args),
    /// Send again.
    Resume(pause::ResumeArgs),
    /// What every draft is looked at with: list, check, explain, backtest, enable, disable.
    Rules(rules::Args),
    /// What each key of the console does, and what is wrong with a keymap of your own.
    Keys(keys::Args),
    /// What models cost.
    Prices(prices::Args),
    /// The model service: its view of the key, calls that broke off, why a call was made as it was.
    Models(models::Args),
    /// Bring in what other programs logged: calls of models, from their logs.
    Import(import::Args),
    /// The index behind search by meaning: its state, whether it is right, make it anew, copy it.
    Index(index::Args),
    /// What may be spent, by whom, and what happens on the way.
    Budget(budget::Args),
    /// What the calls cost, how fast they were, how it grows; the reports of a week and of a month.
    Report(Box<report::Args>),
    /// Who did what, and whether the log was tampered with.
    Audit(audit::Args),
    /// The keys and passwords of the environment file: list, set, replace, check.
    Secrets(secrets::Args),
    /// Copies of the whole deck: make, list, verify, restore, try out, thin out.
    Backup(backup::Args),
    /// The schema and the state of the database.
    Db(db::Args),
    /// What is probed outside: list, check, history, pause, resume, presets, validate.
    Probe(probe::Args),
    /// Take out all data of one Reddit user, on request.
    Erase(erase::Args),
    /// What is kept for how long: show, run, legal holds.
    Retention(retention::Args),
    /// Jobs that say when they run: list, show, report, run a command and report.
    Heartbeat(heartbeat::Args),
    /// Serve a scripted Reddit and a scripted model on this machine, with faults on demand.
    Sandbox(sandbox::Args),
    /// Serve metrics and health over HTTP, for Prometheus and for those who restart and page.
    Serve(serve::Args),
    /// Look at the settings: what is in force, where it came from, what is missing.
    Config(config::Args),
    /// How the console can look: list the themes, check one.
    Themes(themes::Args),
    /// What is broken, since when, what to try first; exit code 3 when something is.
    Health(health::Args),
    /// Say what happened: a deployment, a restart, changed settings, a note; show what happened.
    Mark(mark::Args),
    /// Print a completion script for a shell.
    Completions(completions::Args),
    /// Print the manual page, or write all of them.
    Man(man::Args),
}

fn run(context: &Context, command: Command) -> Result<Outcome, Failure> {
    match command {
        Command::Config(args) => config::run(context, &args),
        Command::Demo(args) => demo::run(context, &args),
        Command::Queue(args) => queue::run(context, *args),
        Command::Search(args) => search::run(context, &args),
        Command::Team(args) => team::run(context, args),
        Command::Persona(args) => persona::run(context, &args),
        Command::Belief(args) => belief::run(context, *args),
        Command::Seed => seed::run(context),
        Command::Pause(args) => pause::run(context, &args),
        Command::Resume(args) => pause::resume(context, &args),
        Command::Rules(args) => rules::run(context, args),
        Command::Keys(args) => keys::run(context, args),
        Command::Prices(args) => prices::run(context, &args),
        Command::Models(args) => models::run(context, &args),
        Command::Budget(args) => budget::run(context, &args),
        Command::Report(args) => report::run(context, &args),
        Command::Audit(args) => audit::run(context, &args),
        Command::Secrets(args) => secrets::run(context, &args),
        Command::Import(args) => import::run(context, &args),
        Command::Index(args) => index::run(context, &args),
        Command::Backup(args) => backup::run(context, &args),
        Command::Db(args) => db::run(context, &args),
        Command::Erase(args) => erase::run(context, args),
        Command::Retention(args) => retention::run(context, args),
        Command::Agent(args) => agent::run(context, &args),
        Command::Serve(args) => serve::run(context, &args),
        Command::Probe(args) => probe::run(context, &args),
        Command::Sandbox(args) => sandbox::run(context, &args),
        Command::Health(args) => health::run(context, &args),
        Command::Mark(args) => mark::run(context, &args),
        Command::Heartbeat(args) => heartbeat::run(context, args),
        Command::Themes(args) => themes::run(context, &args),
        Command::Completions(args) => completions::run(context, &args),
        Command::Man(args) => man::run(context, &args),
    }
}

/// Parse the command line, run it, and say how it went.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let early = Early::scan(&arguments);
    let parsed = command(early.color).try_get_matches_from(arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed {
        Ok(cli) => Exit::from_result(cli).into(),
        Err(error) => wrong_usage(&error, early).into(),
    }
}

impl Exit {
    fn from_result(cli: Cli) -> Self {
        log::no_core_dump();
        let context = Context::new(cli.global);
        let asked = context.request().config_file();
        if let Some(directories) = crate::config::Directories::locate(asked.as_ref().map(|(path, _)| path.as_path())) {
            log::catch_panics(directories.state_dir.clone());
            if let Err(failure) = log::start(&directories.state_dir, context.global.verbose) {
                context.out.failure(&failure);
                return failure.exit;
            }
        }
        // The panic hook has said what there is to say; a fault is a failure, whatever thread it was in.
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| match cli.command {
            Some(_) if cli.plain => Err(console::plain_alone()),
            Some(_) if cli.read_only => Err(console::read_only_alone()),
            Some(command) => run(&context, command),
            None if cli.plain => console::plain(&context, cli.read_only),
            None => console::run(&context, cli.read_only),
        }));
        match result {
            Ok(Ok(outcome)) => outcome.into(),
            Ok(Err(failure)) => {
                tracing::error!(message = failure.message, exit = failure.exit.number());
                context.out.failure(&failure);
                failure.exit
            }
            Err(_) => Self::Failed,
        }
    }
}

/// The whole command, for parsing, completions and manual pages.
fn command(color: ColorChoice) -> clap::Command {
    Cli::command().color(match color {
        ColorChoice::Auto => clap::ColorChoice::Auto,
        ColorChoice::Always => clap::ColorChoice::Always,
        ColorChoice::Never => clap::ColorChoice::Never,
    })
}

/// The two options that say how a wrong command line is to be reported: read before it can be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Early {
    json: bool,
    color: ColorChoice,
}

impl Early {
    fn scan(arguments: &[OsString]) -> Self {
        let words = || arguments.iter().skip(1).map(|word| word.to_string_lossy()).take_while(|word| word != "--");
        let color = words().zip(words().skip(1)).find_map(|(option, value)| (option == "--color").then(|| value.into_owned()));
        let color = color.or_else(|| words().find_map(|word| word.strip_prefix("--color=").map(str::to_owned)));
        let color = match color.as_deref() {
            Some("always") => ColorChoice::Always,
            Some("never") => ColorChoice::Never,
            _ => ColorChoice::Auto,
        };
        Self { json: words().any(|word| word == "--json"), color }
    }
}

/// Report a command line that does not parse, or print the help or version that was asked for.
fn wrong_usage(error: &clap::Error, early: Early) -> Exit {
    if error.exit_code() == 0 {
        let _ = error.print();
        return Exit::Done;
    }
    if early.json {
        let text = error.render().to_string();
        let message = text.split("\n\n").next().unwrap_or_default().trim().trim_start_matches("error: ").replace('\n', " ");
        Output::new(true, early.color).failure(&Failure::usage(message).hint("see `quarterdeck --help`"));
    } else {
        let _ = error.print();
    }
    Exit::Usage
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command(ColorChoice::Auto).debug_assert();
    }

    #[test]
    fn how_to_report_is_known_before_the_line_is_parsed() {
        let scan = |words: &[&str]| Early::scan(&words.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(scan(&["q", "x", "--json", "--color", "never"]), Early { json: true, color: ColorChoice::Never });
        assert_eq!(scan(&["q", "--color=always", "--", "--json"]), Early { json: false, color: ColorChoice::Always });
    }
}
