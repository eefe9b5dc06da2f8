//! `quarterdeck` without a subcommand: the console.

use super::{Context, Failure, Outcome};
use crate::console;
use crate::deck::Deck;
use std::io::IsTerminal as _;

/// Open the console on the deck of the settings.
///
/// # Errors
/// When there is no terminal, or as the settings and the database say.
pub fn run(context: &Context) -> Result<Outcome, Failure> {
    if context.out.is_json() || !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(Failure::usage("the console needs a terminal").hint("`quarterdeck --help` lists the subcommands, which do without"));
    }
    let deck = Deck::open(context.settings()?, context.clock.clone())?;
    let persona = match context.global.persona.clone() {
        Some(key) => Some(deck.db.read_blocking(move |c| crate::memory::personas::find(c, &key))?),
        None => None,
    };
    let actor = context.actor()?;
    let left = context.block_on(console::run(deck, actor, persona, false))?;
    match left.map_err(|error| Failure::failed(format!("the terminal cannot be used: {error}")))? {
        Some(why) => Err(Failure::failed(why).hint("what you decided is in the database; only how you looked at it is not remembered")),
        None => Ok(Outcome::Done),
    }
}
