//! `quarterdeck agent`: run the loops of personas, look at them, stop them.

mod policies;

use super::events::Printer;
use super::output::{Table, Tone, age};
use super::{Context, Failure, Outcome, serve};
use crate::agent::runner::{self, Until};
use crate::agent::runs::{self, Run};
use crate::agent::{Observer, Services};
use crate::deck::Deck;
use crate::memory::Persona;
use crate::moderation::acknowledgements::{self, API_TERMS};
use serde_json::json;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// Arguments of `quarterdeck agent`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Run the loop of --persona, or of every persona, until Ctrl-C, SIGTERM or `agent stop`.
    Run {
        /// Serve metrics and health as well, here or at ADDRESS:PORT.
        #[arg(long, value_name = "ADDRESS:PORT", num_args = 0..=1, default_missing_value = "127.0.0.1:9464")]
        serve: Option<SocketAddr>,
        /// File with the bearer token that the endpoint asks for; only its owner may read it.
        #[arg(long, value_name = "PATH", requires = "serve")]
        token_file: Option<PathBuf>,
    },
    /// Run one cycle, deliver what is due, and end.
    Once,
    /// Show which loops run, since when, and how they fare.
    Status,
    /// Ask the loop of --persona, or every loop, to stop. What is in flight is finished.
    Stop,
    /// Show what the subreddits ask of those who write there: rules and requirements, and when they were read.
    Policies {
        /// Only this one, with its rules.
        #[arg(long, value_name = "NAME")]
        subreddit: Option<String>,
    },
    /// Record that you have read Reddit's API terms and the subreddits' rules: live mode asks for it once.
    Acknowledge {
        /// You have read them, and your use was approved.
        #[arg(long, required = true)]
        yes: bool,
    },
}

/// Run the command.
///
/// # Errors
/// As the loops, the settings and the database say.
pub fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    let deck = Deck::open(context.settings()?, context.clock.clone())?;
    context.block_on(async {
        match &args.command {
            Command::Run { serve: None, .. } => drive(context, &deck, Until::Stopped).await,
            Command::Run { serve: Some(listen), token_file } => {
                // A port that is taken is told before any loop begins.
                let server = serve::start(context, &deck, &serve::Args::new(*listen, token_file.clone()), true).await?;
                let outcome = drive(context, &deck, Until::Stopped).await;
                server.close().await;
                outcome
            }
            Command::Once => drive(context, &deck, Until::Cycles(1)).await,
            Command::Status => status(context, &deck).await,
            Command::Stop => stop(context, &deck).await,
            Command::Policies { subreddit } => policies::show(context, &deck, subreddit.as_deref()).await,
            Command::Acknowledge { .. } => acknowledge(context, &deck).await,
        }
    })?
}

async fn personas(context: &Context, deck: &Deck) -> Result<Vec<Persona>, Failure> {
    let personas = match &context.global.persona {
        Some(key) => vec![deck.persona(key).await?],
        None => deck.personas().await?,
    };
    if personas.is_empty() {
        return Err(
            Failure::failed("there is no persona yet").hint("add one with `quarterdeck persona add NAME`, or try `quarterdeck seed`")
        );
    }
    Ok(personas)
}

async fn drive(context: &Context, deck: &Deck, until: Until) -> Result<Outcome, Failure> {
    let mut services = Vec::new();
    for persona in personas(context, deck).await? {
        services.push(deck.agent(persona, deck.parameters()).await?);
    }
    let (sender, mut events) = mpsc::unbounded_channel();
    let (stopper, stop) = watch::channel(false);
    // What the agents say is to be found at once, and they themselves look for what they said before.
    let search = deck.search().clone();
    let keeping = tokio::spawn(async move { search.keep_up().await });
    // A single cycle is over before a probe could tell anything.
    let probes = if until == Until::Stopped { Some(deck.probe()?) } else { None };
    let mut loops = spawn(services, &Observer::new(sender), &stop, until);
    let mut terminate =
        signal(SignalKind::terminate()).map_err(|error| Failure::failed(format!("signals cannot be waited for: {error}")))?;
    let mut failures = Vec::new();
    let mut printer = Printer::default();
    loop {
        tokio::select! {
            Some(event) = events.recv() => {
                printer.print(&context.out, &event)?;
            }
            ended = loops.join_next() => match ended {
                None => break,
                Some(Ok(Ok(()))) => {}
                // The loops of other personas go on; this one's end is told at once, and is the result in the end.
                Some(Ok(Err(error))) if loops.is_empty() => failures.push(error.into()),
                Some(Ok(Err(error))) => fail(context, &mut failures, error.into()),
                Some(Err(error)) => fail(context, &mut failures, Failure::failed(format!("a loop ended by a defect: {error}"))),
            },
            _ = tokio::signal::ctrl_c() => ask_to_stop(context, &stopper),
            _ = terminate.recv() => ask_to_stop(context, &stopper),
        }
    }
    keeping.abort();
    if let Some(probes) = probes {
        probes.stop().await;
    }
    // What was told last is still in the channel.
    while let Ok(event) = events.try_recv() {
        printer.print(&context.out, &event)?;
    }
    failures.into_iter().next().map_or(Ok(Outcome::Done), Err)
}

fn fail(context: &Context, failures: &mut Vec<Failure>, failure: Failure) {
    // With several loops it would else be told only when the last of them has ended.
    context.out.note(format!("a loop ended: {}", failure.message));
    failures.push(failure);
}

fn ask_to_stop(context: &Context, stopper: &watch::Sender<bool>) {
    if !stopper.send_replace(true) {
        context.out.note(format!("stopping; what is in flight is finished within {} s", crate::deck::STOP_WITHIN.as_secs()));
    }
}

fn spawn(services: Vec<Services>, observer: &Observer, stop: &watch::Receiver<bool>, until: Until) -> JoinSet<crate::agent::Result<()>> {
    let mut loops = JoinSet::new();
    for services in services {
        loops.spawn(runner::run(services, observer.clone(), stop.clone(), until));
    }
    loops
}

async fn status(context: &Context, deck: &Deck) -> Result<Outcome, Failure> {
    let names: BTreeMap<_, _> = deck.personas().await?.into_iter().map(|persona| (persona.id, persona.reddit_username)).collect();
    let runs = deck.db.read(runs::list).await?;
    let now = context.clock.now();
    let known = |run: &Run| names.get(&run.persona_id).cloned().unwrap_or_default();
    let value = json!({
        "agents": names.iter().map(|(id, name)| {
            let run = runs.iter().find(|run| run.persona_id == *id);
            json!({ "persona": name, "persona_id": id, "state": run.map_or("not_running", |run| run.state(now)), "run": run })
        }).collect::<Vec<_>>()
    });
    context.out.either(&value, || {
        let mut table = Table::new(&["persona", "state", "cycles", "failures", "last activity", "next cycle", "process"]).right(2).right(3);
        for run in &runs {
            let state = run.state(now);
            table.row([
                known(run),
                state.to_owned(),
                run.cycle_count.to_string(),
                run.failures_in_a_row.to_string(),
                run.last_activity_at.map(|at| age(at, now)).unwrap_or_default(),
                run.next_cycle_at.filter(|_| state == "running").map(|at| age(at, now)).unwrap_or_default(),
                run.process.clone(),
            ]);
            table.tone(
                1,
                match state {
                    "running" => Tone::Good,
                    "stopped" => Tone::Faint,
                    "stopping" => Tone::Warning,
                    _ => Tone::Bad,
                },
            );
        }
        context.out.table(&table, "no agent has run yet; `quarterdeck agent run` starts one")?;
        for run in runs.iter().filter(|run| run.error_message.is_some()) {
            context.out.pairs(&[(&format!("{}:", known(run)), run.error_message.clone().unwrap_or_default())])?;
        }
        Ok(())
    })?;
    Ok(Outcome::Done)
}

async fn stop(context: &Context, deck: &Deck) -> Result<Outcome, Failure> {
    let (actor, now) = (context.actor()?, context.clock.now());
    let mut asked = Vec::new();
    for persona in personas(context, deck).await? {
        let (id, actor) = (persona.id.clone(), actor.clone());
        if deck.db.write(move |c| runs::request_stop(c, &id, &actor, now)).await? {
            asked.push(persona.reddit_username);
        }
    }
    context.out.either(&json!({ "stopping": asked }), || {
        if asked.is_empty() {
            context.out.say("no agent is running")
        } else {
            context.out.say(format!("asked to stop: {}; `quarterdeck agent status` shows when they have", asked.join(", ")))
        }
    })?;
    Ok(Outcome::Done)
}

async fn acknowledge(context: &Context, deck: &Deck) -> Result<Outcome, Failure> {
    let (actor, now) = (context.actor()?, context.clock.now());
    let detail = "Reddit's API terms and the rules of the target subreddits were read, and the use was approved";
    deck.db.write(move |c| acknowledgements::acknowledge(c, API_TERMS, detail, &actor, now)).await?;
    context.out.either(&json!({ "acknowledged": API_TERMS }), || context.out.say("recorded; live mode may be used now"))?;
    Ok(Outcome::Done)
}

impl From<crate::agent::Error> for Failure {
    fn from(error: crate::agent::Error) -> Self {
        Self::failed(error.to_string())
    }
}
