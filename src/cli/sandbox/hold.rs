//! `quarterdeck sandbox hold-database`: make the database slow, to see that the board says so. Never where something real may be sent.
//!
//! JSON: `{held, bursts, refused}`, when it has ended.

use super::super::{Context, Failure, Outcome, duration};
use crate::config::Mode;
use crate::deck::Deck;
use serde_json::json;
use std::time::{Duration, Instant};

/// How long the database is held.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// How long in all.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse, default_value = "30s")]
    length: i64,
    /// Milliseconds of one burst, in which nobody else can write.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 3_000, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    burst: u64,
    /// Milliseconds between two bursts.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    pause: u64,
}

/// Hold the write lock of the configured database in bursts.
///
/// # Errors
/// In live mode, and as the database says.
pub fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    let settings = context.settings()?;
    if settings.mode == Mode::Live {
        let failure = Failure::usage("the database of a live installation is not held on purpose");
        return Err(failure.hint("faults are made in the modes `sandbox` and `dry-run`"));
    }
    let deck = Deck::open(settings, context.clock.clone())?;
    let (length, burst) = (Duration::from_millis(args.length.unsigned_abs()), Duration::from_millis(args.burst));
    let began = Instant::now();
    let (mut bursts, mut refused) = (0_u64, 0_u64);
    while let Some(left) = length.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) {
        let held = deck.db.write_blocking(move |c| {
            // The transaction has the lock from its beginning on; a row is read so that a server's connection stays alive.
            c.query("SELECT 1 AS one", &[])?;
            std::thread::sleep(burst.min(left));
            Ok::<_, crate::store::Error>(())
        });
        match held {
            Ok(()) => bursts += 1,
            // Somebody else was quicker: that is as slow for everybody.
            Err(crate::store::Error::Locked { .. }) => refused += 1,
            Err(error) => return Err(error.into()),
        }
        std::thread::sleep(Duration::from_millis(args.pause).min(length.saturating_sub(began.elapsed())));
    }
    let value = json!({ "held_ms": began.elapsed().as_millis(), "bursts": bursts, "refused": refused });
    context.out.either(&value, || context.out.say(format!("the database was held {bursts} times")))?;
    Ok(Outcome::Done)
}
