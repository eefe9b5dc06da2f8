//! `quarterdeck secrets rotate`: the steps of a replacement, each of which can be the last before a power failure.

use super::{covers, file, refuse_argument, set_since, typed, written};
use crate::base::SafeText;
use crate::cli::output::Tone;
use crate::cli::{Context, Failure, Outcome};
use crate::config::{Setting, Source};
use crate::deck::Deck;
use crate::upkeep::runs::{self, Done, Kind};
use crate::upkeep::secrets::file::EnvFile;
use crate::upkeep::secrets::names;
use crate::upkeep::secrets::rotation::{self, State};
use crate::upkeep::secrets::service::{self, Answer};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use std::ffi::OsString;

/// Arguments of `quarterdeck secrets rotate`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// As `OPENROUTER_API_KEY`.
    name: String,
    /// Refused: everybody on the machine sees arguments.
    #[arg(hide = true)]
    value: Option<OsString>,
    /// Only say where the replacement stands, and what comes next.
    #[arg(long, conflicts_with_all = ["abort", "unverified"])]
    status: bool,
    /// Go back to the old value.
    #[arg(long, conflicts_with = "unverified")]
    abort: bool,
    /// Go on though the service cannot be asked, or still takes the old value.
    #[arg(long)]
    unverified: bool,
    /// Do one step only.
    #[arg(long)]
    step: bool,
}

struct Rotation<'a> {
    context: &'a Context,
    setting: &'static Setting,
    file: EnvFile,
    unverified: bool,
    one: bool,
    did: Vec<&'static str>,
    service: Option<String>,
    /// Lines that set the name too and do not count.
    covered: Vec<usize>,
}

/// Run the command.
pub(super) fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    let setting = names::find(&args.name).map_err(|error| {
        if context.loaded().probe_names().contains(&args.name) {
            Failure::usage(format!("{} is used by probes.toml alone: there is no service that could be asked about a new value", args.name))
                .hint(format!("`quarterdeck secrets set {}`, then `quarterdeck probe check`", args.name))
        } else {
            error.into()
        }
    })?;
    refuse_argument(setting.env, args.value.is_some())?;
    if setting.key == "audit.key" {
        return Err(Failure::usage("the audit key signs what is kept for years: it is not replaced, it is added to")
            .hint("put the new key on a new last line of audit.key; the lines before it go on verifying (docs/audit.md)"));
    }
    let file = file(context);
    let mut rotation = Rotation {
        context,
        setting,
        file,
        unverified: args.unverified,
        one: args.step,
        did: Vec::new(),
        service: None,
        covered: Vec::new(),
    };
    if args.status {
        return rotation.told(Outcome::Done);
    }
    if args.abort {
        return rotation.abort();
    }
    rotation.go_on()
}

impl Rotation<'_> {
    fn state(&self) -> Result<State, Failure> {
        Ok(rotation::read(&self.file, self.setting.env)?.state())
    }

    fn go_on(&mut self) -> Result<Outcome, Failure> {
        let begun = self.state()?;
        match begun {
            State::None => {
                self.add()?;
                if self.one { self.told(Outcome::Done) } else { self.switch() }
            }
            State::Added => {
                self.is_not_another_one(|values| values.next)?;
                self.switch()
            }
            State::Switched => {
                self.is_not_another_one(|values| values.current)?;
                self.retire()
            }
        }
    }

    /// A value that is passed in while a replacement is under way begins a new one in the eyes of whoever passes it: it is not dropped.
    fn is_not_another_one(&self, expected: impl Fn(rotation::Values) -> Option<SecretString>) -> Result<(), Failure> {
        let name = self.setting.env;
        let Some(given) = typed::unasked(self.context)? else { return Ok(()) };
        let expected = expected(rotation::read(&self.file, name)?);
        if expected.is_some_and(|value| value.expose_secret() == given.expose_secret()) {
            return Ok(());
        }
        Err(Failure::failed(format!(
            "{name} is being replaced already, by another value than the one that was passed in: nothing was done"
        ))
        .hint(format!("end that with `quarterdeck secrets rotate {name} < /dev/null`, or go back with --abort; then begin again")))
    }

    /// The value in force has to be the file's: what stands elsewhere would go on being in force.
    fn stands_in_the_file(&self) -> Result<(), Failure> {
        let name = self.setting.env;
        match self.context.loaded().source(self.setting.key) {
            Source::EnvironmentFile { .. } => Ok(()),
            Source::Default => Err(Failure::failed(format!("{name} is not set, so there is nothing to replace"))
                .hint(format!("`quarterdeck secrets set {name}` sets it"))),
            other => Err(Failure::failed(format!("{name} comes from the {other}, where it is not replaced by this command"))
                .hint(format!("set it with `quarterdeck secrets set {name}` and remove it there, or replace it there"))),
        }
    }

    fn add(&mut self) -> Result<(), Failure> {
        self.stands_in_the_file()?;
        let (make, _) = names::places(self.setting);
        if !self.context.out.is_json() {
            self.context.out.note(format!("the new value: {make}"));
        }
        let value = typed::value(self.context, self.setting.env)?;
        rotation::add(&self.file, self.setting.env, &value)?;
        written(self.context, self.setting.env, "secrets.add", &json!({ "state": State::Added }));
        self.did.push("added");
        Ok(())
    }

    fn switch(&mut self) -> Result<Outcome, Failure> {
        let name = self.setting.env;
        let values = rotation::read(&self.file, name)?;
        let Some(next) = values.next else { return self.told(Outcome::Done) };
        match self.ask(&next)? {
            Answer::Taken(words) => self.service = Some(words),
            Answer::Unknown(words) if self.unverified => self.service = Some(words),
            Answer::Unknown(words) => {
                return Err(Failure::failed(format!("{words}; the old value of {name} stays in force, and the new one is kept beside it"))
                    .hint(format!(
                        "run `quarterdeck secrets rotate {name}` again, add --unverified to go on without asking, or go back with --abort"
                    )));
            }
            Answer::Refused(words) => {
                self.record(runs::Outcome::Failed, &format!("the new value of {name} was refused"));
                return Err(Failure::failed(format!("{words}; the old value of {name} stays in force"))
                    .hint(format!("`quarterdeck secrets rotate {name} --abort`, and begin again with the right value")));
            }
        }
        self.covered = rotation::switch(&self.file, name)?;
        set_since(self.context, &self.file, name, next.expose_secret());
        self.did.push("switched");
        self.record(runs::Outcome::Passed, &format!("a new value of {name} is in force"));
        self.told(Outcome::Done)
    }

    fn retire(&mut self) -> Result<Outcome, Failure> {
        let name = self.setting.env;
        let values = rotation::read(&self.file, name)?;
        let (Some(current), Some(previous)) = (values.current, values.previous) else { return self.told(Outcome::Done) };
        // The old one goes only when the new one works, and when nobody else can use the old one any more.
        match self.ask(&current)? {
            Answer::Refused(words) => {
                return Err(Failure::failed(format!("{words}: the value of {name} that is in force does not work"))
                    .hint(format!("`quarterdeck secrets rotate {name} --abort` goes back to the old one")));
            }
            Answer::Unknown(words) if !self.unverified && has_service(self.setting) => {
                return Err(Failure::failed(format!("{words}; the old value of {name} is kept"))
                    .hint("run it again later, or add --unverified to retire it all the same"));
            }
            answer => self.service = Some(answer.words().to_owned()),
        }
        if let (Answer::Taken(_), false) = (self.ask(&previous)?, self.unverified) {
            let (_, revoke) = names::places(self.setting);
            return Err(Failure {
                exit: crate::cli::Exit::Problems,
                ..Failure::failed(format!("the old value of {name} still works, for whoever else has it: it is kept until it is revoked"))
                    .hint(format!("{revoke}, then run this again; --unverified retires it here all the same"))
            });
        }
        self.covered = rotation::retire(&self.file, name)?;
        self.did.push("retired");
        self.record(runs::Outcome::Passed, &format!("the old value of {name} is retired"));
        self.told(Outcome::Done)
    }

    fn abort(&mut self) -> Result<Outcome, Failure> {
        let name = self.setting.env;
        let stood = rotation::abort(&self.file, name)?;
        self.did.push("aborted");
        if let (State::Switched, Some(value)) = (stood, rotation::read(&self.file, name)?.current) {
            // Its own age is not known any more: it counts from now, which `list` shows.
            set_since(self.context, &self.file, name, value.expose_secret());
        }
        self.record(runs::Outcome::Passed, &format!("the replacement of {name} was taken back"));
        self.told(Outcome::Done)
    }

    fn ask(&self, value: &SecretString) -> Result<Answer, Failure> {
        let settings = self.context.settings()?;
        self.context.block_on(service::ask(&settings, self.setting, value))
    }

    /// In the log of what was done; where the database is away, that is said and changes nothing.
    fn record(&self, outcome: runs::Outcome, summary: &str) {
        let done = || -> Result<(), Failure> {
            let deck = Deck::open(self.context.settings()?, self.context.clock.clone())?;
            let (actor, at, summary) = (self.context.actor()?, self.context.clock.now(), summary.to_owned());
            let detail = json!({ "name": self.setting.env });
            deck.db.write_blocking(move |c| {
                let done =
                    Done { kind: Kind::Rotation, started_at: at, ended_at: at, outcome, summary: &summary, detail: &detail, actor: &actor };
                runs::record(c, &done)
            })?;
            Ok(())
        };
        if let Err(failure) = done() {
            self.context.out.note(format!("what was done does not stand in the audit log: {}", failure.message));
        }
    }

    fn told(&self, outcome: Outcome) -> Result<Outcome, Failure> {
        let (state, name) = (self.state()?, self.setting.env);
        let (_, revoke) = names::places(self.setting);
        let next = match state {
            State::None if self.did.is_empty() => format!("`quarterdeck secrets rotate {name}` begins"),
            State::None => "nothing".to_owned(),
            State::Added => format!("`quarterdeck secrets rotate {name}` tries the new value at the service and puts it in force"),
            State::Switched => format!(
                "restart what runs (agents, serve, consoles); revoke the old value: {revoke}; then `quarterdeck secrets rotate {name}` retires it here"
            ),
        };
        let value =
            json!({ "name": name, "state": state, "did": self.did, "service": self.service, "next": next, "covered": self.covered });
        self.context.out.either(&value, || {
            let did = match self.did.as_slice() {
                [] => String::new(),
                did => format!("{}; ", did.join(", then ")),
            };
            let words = match state {
                State::None => "no replacement is under way",
                State::Added => "the new value stands beside the old one, which is in force",
                State::Switched => "the new value is in force, the old one is kept",
            };
            self.context.out.say(format!("{name}: {did}{words}"))?;
            if let Some(service) = &self.service {
                self.context.out.say(format!("service: {}", SafeText::line(service)))?;
            }
            covers(self.context, name, &self.covered)?;
            self.context.out.say(format!("{} {next}", self.context.out.paint("next:", Tone::Faint)))
        })?;
        Ok(outcome)
    }
}

/// Whether there is a service to be asked about it at all.
fn has_service(setting: &Setting) -> bool {
    !matches!(setting.key, "reddit.accounts" | "search.embedder.api_key")
}
