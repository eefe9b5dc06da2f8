//! `quarterdeck probe`: what is probed outside, how it stands, and what to do with it.

mod check;
mod history;

use super::duration;
use super::output::{Table, Tone, age};
use super::{Context, Failure, Outcome};
use crate::base::{SafeText, clock};
use crate::deck::Deck;
use crate::store::audit::Actor;
use crate::watch::board::{Kind, Line};
use crate::watch::probe::check::told;
use crate::watch::probe::file::Source;
use crate::watch::probe::model::Target;
use crate::watch::probe::{pauses, presets};
use crate::watch::{Status, boards};
use serde_json::{Value, json};

/// Arguments of `quarterdeck probe`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show what is probed, and how it stands.
    List {
        /// Only what is not healthy.
        #[arg(long)]
        unwell: bool,
    },
    /// Run probes now, whoever probes. Exit code 3 when one is not healthy.
    Check {
        /// Which; all of them without one.
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
    /// Show the changes, sums and last results of a probe, or of an own part as `own/database`.
    History {
        /// Which.
        #[arg(value_name = "NAME")]
        name: String,
        /// How far back: by hours up to 14 days, by days beyond.
        #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "1d")]
        last: i64,
    },
    /// Stop a probe or heartbeat: it is not run, and does not count.
    Pause {
        /// Which.
        #[arg(value_name = "NAME")]
        name: String,
        /// Go on by itself after this time: 30m, 2h, 1d.
        #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse)]
        length: Option<i64>,
        /// Why; it stands on the board.
        #[arg(long)]
        reason: String,
    },
    /// Go on with a probe or heartbeat.
    Resume {
        /// Which.
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Show the probes of known systems that ship, or one of them with its variables and its text.
    Presets {
        /// Which.
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
    /// Read probes.toml, and list everything that is wrong in it. Exit code 3 when something is.
    Validate,
}

/// Run the command.
///
/// # Errors
/// When there is no such probe, the file is broken where its probes are needed, and as the database says.
pub fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    match &args.command {
        Command::List { unwell } => list(context, *unwell),
        Command::Check { names } => check::run(context, names),
        Command::History { name, last } => history::run(context, name, *last),
        Command::Pause { name, length, reason } => pause(context, name, *length, reason),
        Command::Resume { name } => resume(context, name),
        Command::Presets { name } => show_presets(context, name.as_deref()),
        Command::Validate => validate(context),
    }
}

/// The file of this installation.
fn source(context: &Context) -> Result<Source, Failure> {
    let settings = context.settings()?;
    Ok(Source::open(&settings.config_dir, &settings.environment_file))
}

/// The file where its probes are needed: a broken one is told, and nothing is done with half of it.
fn sound(context: &Context) -> Result<Source, Failure> {
    let source = source(context)?;
    match source.current().broken {
        None => Ok(source),
        Some(broken) => Err(Failure::failed(broken.to_string()).hint("correct it: `quarterdeck probe validate` lists every fault")),
    }
}

/// The name of a probe or heartbeat that is defined.
fn known(source: &Source, name: &str) -> Result<(), Failure> {
    let definitions = source.current().definitions;
    if definitions.probe(name).is_some() || definitions.heartbeat(name).is_some() {
        return Ok(());
    }
    let names = || definitions.probes.iter().map(|probe| &probe.name).chain(definitions.heartbeats.iter().map(|beat| &beat.name));
    let near = crate::config::nearest(name, names().map(String::as_str));
    let near = near.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
    let failure = Failure::usage(format!("there is no probe or heartbeat called {:?}{near}", SafeText::clipped(name, 60).as_str()));
    Err(failure.hint("`quarterdeck probe list` shows them"))
}

/// What is asked of whom, without secrets.
fn target(target: &Target) -> String {
    let bare = |url: &str| match url::Url::parse(url) {
        Ok(url) => {
            format!("{}{}{}", url.host_str().unwrap_or_default(), url.port().map(|port| format!(":{port}")).unwrap_or_default(), url.path())
        }
        Err(_) => String::new(),
    };
    let rest = match target {
        Target::Http { url, .. } | Target::Qdrant { url, .. } => bare(url),
        Target::Prometheus { url, query } => format!("{} {query}", bare(url)),
        Target::Tcp { host, port } | Target::Redis { host, port, .. } => format!("{host}:{port}"),
        Target::Postgres { .. } => String::new(),
        Target::Command { argv, .. } => argv.first().cloned().unwrap_or_default(),
        Target::LogFile { path, .. } => path.display().to_string(),
    };
    format!("{} {rest}", target.kind()).trim_end().to_owned()
}

/// How a status looks.
fn tone(status: Status) -> Tone {
    match status {
        Status::Healthy => Tone::Good,
        Status::Unknown => Tone::Faint,
        Status::Degraded => Tone::Warning,
        Status::Unhealthy => Tone::Bad,
    }
}

fn list(context: &Context, unwell: bool) -> Result<Outcome, Failure> {
    let source = source(context)?;
    let deck = Deck::open(context.settings()?, context.clock.clone())?;
    let site = deck.site(Actor::system("probe list"));
    let current = source.current();
    let board = context.block_on(boards::load(&deck.db, &current.definitions, &site, context.clock.as_ref()))?;
    let lines: Vec<&Line> = board
        .systems
        .iter()
        .flat_map(|system| &system.lines)
        .filter(|line| line.kind != Kind::Own && (!unwell || line.status != Status::Healthy))
        .collect();
    let of = |line: &Line| current.definitions.probe(&line.name).map(|probe| told(probe, target(&probe.target)));
    let value = |line: &Line| {
        let mut value = serde_json::to_value(line).unwrap_or_default();
        if let (Value::Object(fields), Some(target)) = (&mut value, of(line)) {
            fields.insert("target".to_owned(), target.into());
        }
        value
    };
    let fault = current.broken.as_ref().map(ToString::to_string);
    let whole = json!({
        "file": source.path(), "fault": fault, "watcher": board.watcher, "network": board.network,
        "probes": lines.iter().map(|line| value(line)).collect::<Vec<_>>(),
    });
    context.out.either(&whole, || {
        let mut table = Table::new(&["name", "system", "status", "since", "last", "next", "target", "why"]);
        for line in &lines {
            let shown = if line.paused.is_some() {
                "paused".to_owned()
            } else if line.maintenance_until.is_some() {
                format!("{} (maintenance)", line.status)
            } else {
                line.status.to_string()
            };
            let when = |at: Option<i64>| at.map(|at| age(at, board.at)).unwrap_or_default();
            let target = of(line).unwrap_or_else(|| "heartbeat".to_owned());
            table.row([
                line.name.clone(),
                line.system.clone(),
                shown,
                when(line.since),
                when(line.last_at),
                when(line.next_at),
                target,
                line.reason.clone(),
            ]);
            table.tone(2, if line.counts() { tone(line.status) } else { Tone::Faint });
        }
        let empty = if unwell {
            "all that is probed is healthy".to_owned()
        } else {
            format!(
                "nothing is probed: write {}, or switch on a preset there; `quarterdeck probe presets` lists them",
                source.path().display()
            )
        };
        context.out.table(&table, &empty)?;
        if let Some(fault) = &fault {
            context.out.say(format!("{} {}", context.out.paint("!", Tone::Bad), SafeText::line(fault)))?;
        }
        if let Some(network) = &board.network {
            context.out.say(format!("{} {network}", context.out.paint("!", Tone::Warning)))?;
        }
        match &board.watcher {
            Some(watcher) => context.out.say(format!("{watcher} probes")),
            None if lines.is_empty() => Ok(()),
            None => context.out.say("nobody probes: let the agent, the console or `quarterdeck serve` run"),
        }
    })?;
    Ok(Outcome::Done)
}

fn pause(context: &Context, name: &str, length: Option<i64>, reason: &str) -> Result<Outcome, Failure> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > 300 {
        return Err(Failure::usage("the reason has 1 to 300 characters").hint("say in a few words why it is not to be looked at"));
    }
    known(&sound(context)?, name)?;
    let deck = Deck::open(context.settings()?, context.clock.clone())?;
    let (actor, now) = (context.actor()?, context.clock.now());
    let until = length.map(|length| now + length);
    let (owned, why) = (name.to_owned(), reason.to_owned());
    deck.db.write_blocking(move |c| pauses::pause(c, &owned, until, &why, &actor, now))?;
    let value = json!({ "paused": name, "until": until.map(clock::rfc3339), "reason": reason });
    context.out.either(&value, || {
        let end = until.map_or_else(|| "until `quarterdeck probe resume`".to_owned(), |until| format!("until {}", clock::local(until)));
        context.out.say(format!("{name} is paused {end}"))
    })?;
    Ok(Outcome::Done)
}

fn resume(context: &Context, name: &str) -> Result<Outcome, Failure> {
    // A pause of what is no longer defined can be lifted too.
    let deck = Deck::open(context.settings()?, context.clock.clone())?;
    let (actor, now, owned) = (context.actor()?, context.clock.now(), name.to_owned());
    let lifted = deck.db.write_blocking(move |c| pauses::resume(c, &owned, &actor, now))?;
    if !lifted {
        known(&source(context)?, name)?;
    }
    context.out.either(&json!({ "resumed": lifted, "name": name }), || {
        context.out.say(if lifted { format!("{name} is looked at again") } else { format!("{name} was not paused") })
    })?;
    Ok(Outcome::Done)
}

fn show_presets(context: &Context, name: Option<&str>) -> Result<Outcome, Failure> {
    let Some(name) = name else {
        let all: Vec<_> = presets::ALL.iter().filter_map(|(name, _)| presets::named(name)).collect();
        context.out.either(&json!({ "presets": all }), || {
            let mut table = Table::new(&["preset", "about", "variables"]);
            for preset in &all {
                let names: Vec<&str> = preset.variables.iter().map(|variable| variable.name.as_str()).collect();
                table.row([preset.name.to_owned(), preset.about.clone(), names.join(", ")]);
            }
            context.out.table(&table, "there are none")?;
            context.out.say("switch one on in probes.toml: presets = [\"NAME\"], and its variables under [preset.NAME]")
        })?;
        return Ok(Outcome::Done);
    };
    let Some(preset) = presets::named(name) else {
        let near = crate::config::nearest(name, presets::ALL.iter().map(|(known, _)| *known));
        let near = near.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
        return Err(Failure::usage(format!("there is no preset called {:?}{near}", SafeText::clipped(name, 60).as_str())));
    };
    context.out.either(&json!({ "preset": preset, "text": preset.text }), || {
        context.out.pairs(&[("about", preset.about.clone()), ("source", preset.source.clone())])?;
        let mut table = Table::new(&["variable", "default", "about"]);
        for variable in &preset.variables {
            table.row([variable.name.clone(), variable.default.clone().unwrap_or_else(|| "-".to_owned()), variable.about.clone()]);
        }
        context.out.table(&table, "it has no variables")?;
        context.out.text(preset.text)
    })?;
    Ok(Outcome::Done)
}

fn validate(context: &Context) -> Result<Outcome, Failure> {
    let source = source(context)?;
    let current = source.current();
    let definitions = &current.definitions;
    let faults: Vec<Value> = current
        .broken
        .iter()
        .flat_map(|broken| &broken.faults)
        .map(|fault| json!({ "place": fault.place, "reason": fault.reason }))
        .collect();
    let exists = source.path().exists();
    let value = json!({
        "file": source.path(), "exists": exists, "valid": faults.is_empty(), "faults": faults, "probes": definitions.probes.len(),
        "heartbeats": definitions.heartbeats.len(), "maintenance": definitions.maintenance.len(), "presets": definitions.presets,
    });
    context.out.either(&value, || {
        if let Some(broken) = &current.broken {
            for fault in &broken.faults {
                context.out.say(format!("{} {}", context.out.paint("!", Tone::Bad), SafeText::line(&fault.to_string())))?;
            }
            return context.out.say(format!("{} faults", broken.faults.len()));
        }
        if !exists {
            return context.out.say(format!("there is no {}: nothing is probed", source.path().display()));
        }
        let (probes, beats, windows) = (definitions.probes.len(), definitions.heartbeats.len(), definitions.maintenance.len());
        context.out.say(format!("{} is right: {probes} probes, {beats} heartbeats, {windows} maintenance windows", source.path().display()))
    })?;
    Ok(if current.broken.is_some() { Outcome::Problems } else { Outcome::Done })
}

impl From<crate::watch::probe::engine::Error> for Failure {
    fn from(error: crate::watch::probe::engine::Error) -> Self {
        match error {
            crate::watch::probe::engine::Error::NoProbe { .. } => Self::usage(error.to_string()),
            other => Self::failed(other.to_string()),
        }
    }
}
