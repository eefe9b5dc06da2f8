//! `quarterdeck secrets`: the keys and passwords of the environment file.
//!
//! JSON, never with a value: `list` gives `{secrets: [{name, setting, is_set, place, since, at_least, rotation}], file, problem}`; `set` gives
//! `{name, file, covered}`; `rotate` gives `{name, state, did, service, next, covered}`; `check` gives `{ok, findings: [{is_problem, about, what, next}]}`.

mod rotate;
mod typed;

use super::output::{Table, Tone};
use super::{Context, Failure, Outcome};
use crate::base::{SafeText, clock};
use crate::deck::Deck;
use crate::store::{audit, feed};
use crate::upkeep::secrets::file::EnvFile;
use crate::upkeep::secrets::{age, check, names, rotation};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use std::ffi::OsString;

/// Arguments of `quarterdeck secrets`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the names: whether they are set, where, how old. Values are never shown.
    List,
    /// Set a value: typed without being shown, or the first line of standard input.
    Set {
        /// As `OPENROUTER_API_KEY`, or a name that `probes.toml` uses.
        name: String,
        /// Refused: everybody on the machine sees arguments.
        #[arg(hide = true)]
        value: Option<OsString>,
    },
    /// Replace a value in steps that can be taken back: add the new one, try it at the service, put it in force, retire the old one.
    Rotate(rotate::Args),
    /// Name what is wrong: files that others can read, placeholders, values twice, old ones, unknown names. Exit code 3 when there is something.
    Check,
}

/// Run the command.
///
/// # Errors
/// As the settings, the environment file and the services say.
pub fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    match &args.command {
        Command::List => list(context),
        Command::Set { name, value } => set(context, name, value.is_some()),
        Command::Rotate(args) => rotate::run(context, args),
        Command::Check => checked(context),
    }
}

fn file(context: &Context) -> EnvFile {
    EnvFile::new(context.loaded().directories().environment_file.clone())
}

fn list(context: &Context) -> Result<Outcome, Failure> {
    let all = check::list(context.loaded(), context.clock.now());
    let file = file(context);
    let problem = file.read().err().map(|error| error.to_string());
    context.out.either(&json!({ "secrets": all, "file": file.path().display().to_string(), "problem": problem }), || {
        let mut table = Table::new(&["NAME", "SET", "WHERE", "AGE", "REPLACEMENT"]);
        for one in &all {
            let age = match (one.since, one.at_least) {
                (Some(_), Some(age)) => clock::duration(age),
                (None, Some(age)) => format!("at least {}", clock::duration(age)),
                _ if one.is_set == Some(true) => "not known".to_owned(),
                _ => String::new(),
            };
            let rotation = if one.rotation == rotation::State::None { String::new() } else { one.rotation.as_str().to_owned() };
            let is_set = match one.is_set {
                Some(true) => "yes",
                Some(false) => "no",
                None => "?",
            };
            table.row([one.name.as_str(), is_set, &one.place, &age, &rotation]);
            if one.is_set == Some(false) {
                table.tone(1, Tone::Faint);
            }
        }
        // Not fitted to the terminal: a path that is broken over lines cannot be copied.
        context.out.say(table.render(context.out.has_color(), None))
    })?;
    // A list is worth seeing even when a file is wrong; `check` ends with 3.
    if let Some(problem) = problem.filter(|_| !context.out.is_json()) {
        context.out.note(problem);
    }
    Ok(Outcome::Done)
}

/// The name of a setting's secret, or one that `probes.toml` takes from the environment file.
fn settable(context: &Context, name: &str) -> Result<String, Failure> {
    match names::find(name) {
        Ok(setting) => Ok(setting.env.to_owned()),
        Err(_) if context.loaded().probe_names().contains(name) => Ok(name.to_owned()),
        Err(error) => Err(error.into()),
    }
}

fn set(context: &Context, name: &str, on_command_line: bool) -> Result<Outcome, Failure> {
    let name = settable(context, name)?;
    let name = name.as_str();
    refuse_argument(name, on_command_line)?;
    let file = file(context);
    let before = rotation::read(&file, name)?;
    if before.state() != rotation::State::None {
        return Err(Failure::failed(format!("{} is being replaced", name))
            .hint(format!("go on with `quarterdeck secrets rotate {}`, or end it with --abort", name)));
    }
    let value = typed::value(context, name)?;
    let covered = file.set(name, value.expose_secret())?;
    set_since(context, &file, name, value.expose_secret());
    written(context, name, "secrets.set", &json!({ "was_set": before.current.is_some() }));
    let path = file.path().display().to_string();
    context.out.either(&json!({ "name": name, "file": path, "covered": covered }), || {
        context.out.say(format!("{} is set in {path}", name))?;
        covers(context, name, &covered)
    })?;
    if context.request().environment.contains_key(std::ffi::OsStr::new(name)) {
        context.out.note(format!("{} is set in the environment of this process too, and that goes before the file", name));
    }
    Ok(Outcome::Done)
}

fn refuse_argument(name: &str, on_command_line: bool) -> Result<(), Failure> {
    if !on_command_line {
        return Ok(());
    }
    // What was typed is not repeated.
    Err(Failure::usage(
        "a value on the command line is seen by everybody on the machine, and stays in the shell's history: nothing was done",
    )
    .hint(format!("make a new value, since this one was shown, and type it when `quarterdeck secrets set {name}` asks")))
}

fn covers(context: &Context, name: &str, covered: &[usize]) -> Result<(), Failure> {
    for line in covered {
        context.out.say(format!("line {line} sets {name} too and does not count; remove it, it may hold an old value"))?;
    }
    Ok(())
}

fn set_since(context: &Context, file: &EnvFile, name: &str, value: &str) {
    if let Err(error) = age::keep(file.path(), name, value, context.clock.now()) {
        context.out.note(format!("since when {name} is in force cannot be kept: {error}"));
    }
}

/// Write down that a secret was changed. The file counts: a database that is away does not keep a key from being replaced.
fn written(context: &Context, name: &str, action: &str, after: &Value) {
    let done = || -> Result<(), Failure> {
        let deck = Deck::open(context.settings()?, context.clock.clone())?;
        let (actor, at) = (context.actor()?, context.clock.now());
        let (name, action, after) = (name.to_owned(), action.to_owned(), after.clone());
        deck.db.write_blocking(move |c| {
            let entry = audit::Entry {
                at,
                persona: None,
                actor: &actor,
                action: &action,
                subject_kind: "secret",
                subject_id: &name,
                reason: None,
                before: &Value::Null,
                after: &after,
            };
            audit::append(c, &entry)?;
            feed::append(c, at, crate::upkeep::runs::TOPIC, None, "secret_changed", &name).map(drop)
        })?;
        Ok(())
    };
    if let Err(failure) = done() {
        context.out.note(format!("the change is done and does not stand in the audit log: {}", super::log::discreet(&failure.message)));
    }
}

fn checked(context: &Context) -> Result<Outcome, Failure> {
    let days = context.loaded().shown().into_iter().find(|shown| shown.setting.key == "secrets.max_age_days");
    let days = days.and_then(|shown| shown.value).and_then(|value| value.parse().ok()).unwrap_or(90);
    let found = check::check(context.loaded(), days, context.clock.now());
    let problems = found.iter().filter(|finding| finding.is_problem).count();
    context.out.either(&json!({ "ok": problems == 0, "findings": found }), || {
        for finding in &found {
            let (word, tone) = if finding.is_problem { ("problem", Tone::Bad) } else { ("note", Tone::Faint) };
            let text = format!("{} {}", finding.about, finding.what);
            context.out.say(format!("{} {}", context.out.paint(&format!("{word:8}"), tone), SafeText::line(&text)))?;
            if !finding.next.is_empty() {
                context.out.say(format!("         next: {}", SafeText::line(&finding.next)))?;
            }
        }
        context.out.say(match problems {
            0 => "no problems".to_owned(),
            1 => "1 problem".to_owned(),
            _ => format!("{problems} problems"),
        })
    })?;
    Ok(if problems == 0 { Outcome::Done } else { Outcome::Problems })
}
