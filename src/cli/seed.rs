//! `quarterdeck seed`: a persona with beliefs to begin with.

use super::{Context, Failure, Outcome, signals};
use crate::deck::Deck;
use crate::memory::{self, Author};

/// Run the command. JSON: `{persona, reddit_username, persona_created, beliefs_created, edges_created, skipped}`.
///
/// # Errors
/// As the database says.
pub fn run(context: &Context) -> Result<Outcome, Failure> {
    signals::finish_on_stop(context)?;
    let deck = Deck::open(context.settings()?, context.clock.clone())?;
    let (actor, now) = (context.actor()?, context.clock.now());
    let seeded = deck.db.write_blocking(move |c| memory::seed::apply(c, &Author::new(&actor, now)))?;
    context.out.either(&seeded, || match &seeded.skipped {
        Some(reason) => context.out.say(format!("{} is there already: {reason}", seeded.reddit_username)),
        None => context.out.say(format!(
            "made {} with {} beliefs and {} relations; see `quarterdeck persona show {0}`",
            seeded.reddit_username, seeded.beliefs_created, seeded.edges_created
        )),
    })?;
    Ok(Outcome::Done)
}
