//! `quarterdeck demo`: the whole walk on a sandbox of this machine. An agent reads, drafts and is screened; a reviewer decides; what was
//! approved is sent, once. Headless, the reviewer is a scripted one; at a terminal the console opens on it.

mod reviewer;
mod summary;

use super::events::Printer;
use super::output::Tone;
use super::{Context, Failure, Outcome};
use crate::agent::runner::{self, Until};
use crate::agent::{Event, Observer};
use crate::config::{self, Request};
use crate::deck::Deck;
use crate::memory;
use crate::moderation::outbox;
use crate::sandbox::{self, Options, Sandbox};
use crate::store::audit::Actor;
use reviewer::Verdicts;
use std::io::{IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// Arguments of `quarterdeck demo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Let a scripted reviewer decide, print each step, and end with a summary.
    #[arg(long)]
    headless: bool,
    /// How many times the agent looks for something to answer.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    cycles: u32,
    /// Posts in the sandbox's world.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    posts: u32,
    /// Decides every text and every choice.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Run the command.
///
/// # Errors
/// When the data directory, the sandbox or the database cannot be used, or a cycle fails.
pub fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    // Without a directory of one's own the demo leaves nothing behind.
    let temporary = match &context.global.data_dir {
        Some(_) => None,
        None => Some(tempfile::tempdir().map_err(|error| Failure::failed(format!("a directory for the demo cannot be made: {error}")))?),
    };
    let directory: PathBuf = match (&temporary, &context.global.data_dir) {
        (Some(temporary), _) => temporary.path().to_path_buf(),
        (None, Some(directory)) => std::path::absolute(directory).unwrap_or_else(|_| directory.clone()),
        (None, None) => return Err(Failure::failed("the demo has no directory")),
    };
    let asks = !args.headless && !context.out.is_json() && std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    context.block_on(walk(context, args, &directory, asks))?
}

async fn walk(context: &Context, args: &Args, directory: &Path, asks: bool) -> Result<Outcome, Failure> {
    let started = Instant::now();
    // The console waits for signals by itself. Else they are waited for before anything is made that would be left behind.
    let stopped = if asks { None } else { Some(super::signals::Stopped::new()?) };
    let options =
        Options { seed: args.seed, posts: args.posts as usize, request_limit: 100_000, clock: context.clock.clone(), ..Options::default() };
    let sandbox = sandbox::start(options).await?;
    let deck = Deck::open(settings(&sandbox, directory, asks)?, context.clock.clone())?;
    let (actor, now) = (Actor::system("demo"), context.clock.now());
    let seed = args.seed;
    let seeded = deck.db.write(move |c| memory::demo_world::apply(c, now, seed, &actor)).await?;
    introduce(context, directory, &sandbox, &seeded.reddit_username)?;

    let persona = deck.persona(&seeded.reddit_username).await?;
    let mut services = deck.agent(persona, deck.parameters()).await?;
    if asks {
        services.seed = Some(args.seed);
        at_the_console(context, &deck, services).await?;
        summary::print(context, &deck, &sandbox, now, None, started.elapsed()).await?;
        sandbox.shutdown().await;
        return Ok(Outcome::Done);
    }
    let (stopper, stop) = watch::channel(false);
    let asking = tokio::spawn(async move {
        if let Some(stopped) = stopped {
            stopped.wait().await;
            stopper.send_replace(true);
        }
    });
    let mut first_draft = None;
    let mut verdicts = Verdicts::default();
    let mut printer = Printer::default();
    for cycle in 0..args.cycles {
        services.seed = Some(args.seed.wrapping_add(u64::from(cycle)));
        let (sender, mut events) = mpsc::unbounded_channel();
        let looping = tokio::spawn(runner::run(services.clone(), Observer::new(sender), stop.clone(), Until::Cycles(1)));
        while let Some(event) = events.recv().await {
            if matches!(event, Event::Queued { .. }) {
                first_draft.get_or_insert_with(|| started.elapsed());
            }
            printer.print(&context.out, &event)?;
        }
        looping.await.map_err(|error| Failure::failed(format!("the agent's loop ended by a defect: {error}")))??;
        if *stop.borrow() {
            break;
        }
        let goes_on = reviewer::decide(context, &deck, &services, &mut verdicts).await?;
        deliver(context, &services, &mut printer, &stop).await?;
        if !goes_on || *stop.borrow() {
            break;
        }
    }
    let was_stopped = *stop.borrow();
    asking.abort();
    summary::print(context, &deck, &sandbox, now, first_draft, started.elapsed()).await?;
    sandbox.shutdown().await;
    if was_stopped { Err(Failure::failed("the demo was stopped before its end")) } else { Ok(Outcome::Done) }
}

/// The console on the sandbox, with the agent at work behind it. What is on its way when the person leaves is finished.
async fn at_the_console(context: &Context, deck: &Deck, services: crate::agent::Services) -> Result<(), Failure> {
    let (stopper, stop) = watch::channel(false);
    let (sender, mut events) = mpsc::unbounded_channel();
    let models = services.llm.clone();
    super::started::note(context, deck, "demo", true).await;
    let looping = tokio::spawn(runner::run(services, Observer::new(sender), stop, Until::Stopped));
    // As `agent run` does: what the agents say is to be found at once.
    let search = deck.search().clone();
    let keeping = tokio::spawn(async move { search.keep_up().await });
    // What the loop tells stands in the database as well; here nobody would see it.
    let listening = tokio::spawn(async move { while events.recv().await.is_some() {} });
    let actor = context.actor().unwrap_or_else(|_| Actor::human("operator"));
    let left = crate::console::run(deck.clone(), actor, None, true, Some(models)).await;
    let _ = stopper.send(true);
    let ended = looping.await.map_err(|error| Failure::failed(format!("the agent's loop ended by a defect: {error}")))?;
    listening.abort();
    keeping.abort();
    left.map_err(|error| Failure::failed(format!("the terminal cannot be used: {error}")))?;
    Ok(ended?)
}

fn introduce(context: &Context, directory: &Path, sandbox: &Sandbox, persona: &str) -> Result<(), Failure> {
    if context.out.is_json() {
        return Ok(());
    }
    let out = &context.out;
    out.say(out.paint("SANDBOX: everything below is scripted and stays on this machine", Tone::Warning))?;
    out.say(format!("Reddit and a model are played at {}; the persona is {persona}.", sandbox.reddit_url()))?;
    out.say(format!("Look at it from another terminal: quarterdeck --config {} queue list", directory.join("demo.toml").display()))?;
    out.say("")
}

/// The settings of the demo, written beside its data so that other commands can be pointed at them. Nothing of the user's own counts.
fn settings(sandbox: &Sandbox, directory: &Path, asks: bool) -> Result<config::Settings, Failure> {
    config::prepare(directory)?;
    let file = directory.join("demo.toml");
    let undo = if asks { 10 } else { 1 };
    let text = format!(
        "# Written by `quarterdeck demo`: it points at a sandbox on this machine.\n\
         mode = \"sandbox\"\ndata_dir = \".\"\n\n\
         [reddit]\nclient_id = \"{}\"\nclient_secret = \"{}\"\nusername = \"{}\"\npassword = \"{}\"\nbase_url = \"{url}\"\noauth_url = \"{url}\"\n\n\
         [llm]\napi_key = \"{}\"\nbase_url = \"{}\"\n\n\
         [moderation]\nundo_seconds_reply = {undo}\nundo_seconds_post = {undo}\n\n\
         [agent]\ninterval_seconds = 60\nmin_probability = 0.3\nmax_post_age_hours = 168\n",
        sandbox::CLIENT_ID,
        sandbox::CLIENT_SECRET,
        sandbox::ACCOUNT,
        sandbox::PASSWORD,
        sandbox::MODEL_KEY,
        sandbox.model_url(),
        url = sandbox.reddit_url(),
    );
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&file)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        Failure::failed(format!("{} cannot be written: {error}", file.display())).hint("name another place with --data-dir")
    })?;
    let request = Request { config: Some(file), data_dir: Some(directory.to_path_buf()), ..Request::default() };
    Ok(config::load(&request).settings()?)
}

/// Deliver until nothing is on its way any more, at most half a minute.
async fn deliver(
    context: &Context,
    services: &crate::agent::Services,
    printer: &mut Printer,
    ends: &watch::Receiver<bool>,
) -> Result<(), Failure> {
    let deliverer = runner::deliverer(services);
    let mut stop = ends.clone();
    let give_up = Instant::now() + Duration::from_secs(30);
    loop {
        let round = deliverer.round(ends).await?;
        for event in round.events() {
            printer.print(&context.out, &event)?;
        }
        let (persona, now) = (services.persona.id.clone(), services.clock.now());
        let due = services.db.read(move |c| outbox::due(c, &persona, now)).await?;
        let soon = due.next_at.filter(|at| at - now <= 10_000);
        let pause = match soon {
            _ if Instant::now() > give_up || *ends.borrow() => return Ok(()),
            None if due.send.is_empty() => return Ok(()),
            None => Duration::from_millis(200),
            Some(at) => Duration::from_millis(u64::try_from(at - now).unwrap_or(0)),
        };
        // Whoever asks for the end does not wait for the undo window.
        let _ = tokio::time::timeout(pause, stop.wait_for(|asked| *asked)).await;
    }
}
