//! `quarterdeck` without a subcommand: the console.

use super::{Context, Failure, Outcome};
use crate::console;
use crate::deck::Deck;
use crate::memory::Persona;
use std::io::{self, IsTerminal as _};

/// Open the console on the deck of the settings.
///
/// # Errors
/// When there is no terminal, or as the settings and the database say.
pub fn run(context: &Context, read_only: bool) -> Result<Outcome, Failure> {
    if context.out.is_json() || !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(Failure::usage("the console needs a terminal")
            .hint("`quarterdeck --plain` does without one, and so do the subcommands that `quarterdeck --help` lists"));
    }
    let (deck, persona) = open(context, read_only)?;
    let actor = context.actor()?;
    let left = context.block_on(async {
        // Nothing waits for it: the first frame is there before it is written.
        let noted = async {
            if !deck.settings.console.read_only {
                super::started::note(context, &deck, "console", false).await;
            }
        };
        tokio::join!(console::run(deck.clone(), actor, persona, false, None), noted).0
    })?;
    match left.map_err(|error| Failure::failed(format!("the terminal cannot be used: {error}")))? {
        Some(why) => Err(Failure::failed(why).hint("what you decided is in the database; only how you looked at it is not remembered")),
        None => Ok(Outcome::Done),
    }
}

/// Review in plain lines. Typed by a person, a command that was refused is theirs to correct; read from a pipe, it makes the whole a problem.
///
/// # Errors
/// As the settings, the database and the streams say.
pub fn plain(context: &Context, read_only: bool) -> Result<Outcome, Failure> {
    if context.out.is_json() {
        return Err(Failure::usage("--plain prints sentences, not JSON").hint("`quarterdeck queue --json` is for programs"));
    }
    let (deck, persona) = open(context, read_only)?;
    let actor = context.actor()?;
    let print = |line: &str| {
        context.out.text(line).map_err(|failure| io::Error::other(failure.message))?;
        // Nobody hears any more what would be decided.
        if context.out.is_closed() { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
    };
    match context.block_on(console::plain::run(deck, actor, persona, &print))? {
        Ok(refused) if refused > 0 && !io::stdin().is_terminal() => Ok(Outcome::Problems),
        Ok(_) => Ok(Outcome::Done),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Outcome::Done),
        Err(error) => Err(Failure::failed(error.to_string())),
    }
}

/// `--plain` in front of a subcommand.
pub fn plain_alone() -> Failure {
    Failure::usage("--plain is for the console, and goes without a subcommand").hint("leave one of them out")
}

/// `--read-only` in front of a subcommand.
pub fn read_only_alone() -> Failure {
    Failure::usage("--read-only is for the console, and goes without a subcommand").hint("leave one of them out")
}

fn open(context: &Context, read_only: bool) -> Result<(Deck, Option<Persona>), Failure> {
    let mut settings = context.settings()?;
    settings.console.read_only |= read_only;
    let deck = Deck::open(settings, context.clock.clone())?;
    let persona = match context.global.persona.clone() {
        Some(key) => Some(deck.db.read_blocking(move |c| crate::memory::personas::find(c, &key))?),
        None => None,
    };
    Ok((deck, persona))
}
