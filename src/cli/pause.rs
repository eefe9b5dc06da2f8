//! `quarterdeck pause` and `resume`: the kill switch. While a pause stands, nothing is sent.

use super::duration;
use super::output::{Table, age};
use super::{Context, Failure, Outcome};
use crate::deck::Deck;
use crate::moderation::pauses::{self, Scope};
use serde_json::json;

/// Arguments of `quarterdeck pause`. Without a reason it shows which pauses stand.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Why; the words are shown wherever something is held back.
    #[arg(long)]
    reason: Option<String>,
    /// Lift it by itself after this time: 30m, 2h, 1d.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse, requires = "reason")]
    length: Option<i64>,
}

/// Arguments of `quarterdeck resume`.
#[derive(Debug, clap::Args)]
pub struct ResumeArgs {
    /// Resume an account that was paused because of trouble with it.
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
}

fn scope(context: &Context, deck: &Deck) -> Result<(Scope, String), Failure> {
    let Some(key) = context.global.persona.clone() else { return Ok((Scope::All, "any persona".to_owned())) };
    let persona = deck.db.read_blocking(move |c| crate::memory::personas::find(c, &key))?;
    Ok((Scope::Persona(persona.id), persona.reddit_username))
}

/// Run `pause`. JSON: `{pauses: […]}`, those that stand afterwards.
///
/// # Errors
/// As the database says.
pub fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    let deck = Deck::open(context.settings()?, context.clock.clone())?;
    let now = context.clock.now();
    if let Some(reason) = args.reason.clone() {
        if reason.trim().is_empty() {
            return Err(Failure::usage("the reason is empty").hint("say in a few words why nothing may be sent"));
        }
        let (scope, name) = scope(context, &deck)?;
        let (actor, until) = (context.actor()?, args.length.map(|length| now + length));
        deck.db.write_blocking(move |c| pauses::pause(c, &scope, &reason, until, &actor, now))?;
        if !context.out.is_json() {
            context.out.say(format!("paused: nothing is sent for {name}; drafting and reviewing go on. `quarterdeck resume` lifts it"))?;
        }
    }
    let standing = deck.db.read_blocking(move |c| pauses::list(c, now))?;
    context.out.either(&json!({ "pauses": standing }), || {
        let mut table = Table::new(&["scope", "since", "ends", "by", "reason"]);
        for pause in &standing {
            let scope = if pause.scope == "*" { "all".to_owned() } else { pause.scope.clone() };
            let ends = pause.until.map_or_else(|| "when resumed".to_owned(), |until| age(until, now));
            table.row([scope, age(pause.paused_at, now), ends, pause.paused_by.clone(), pause.reason.clone()]);
        }
        context.out.table(&table, "nothing is paused")
    })?;
    Ok(Outcome::Done)
}

/// Run `resume`. JSON: `{resumed: bool}`.
///
/// # Errors
/// As the database says.
pub fn resume(context: &Context, args: &ResumeArgs) -> Result<Outcome, Failure> {
    let deck = Deck::open(context.settings()?, context.clock.clone())?;
    let (scope, name) = match &args.account {
        Some(account) => (Scope::Account(account.clone()), format!("the account u/{account}")),
        None => scope(context, &deck)?,
    };
    let (actor, now) = (context.actor()?, context.clock.now());
    let lifted = deck.db.write_blocking(move |c| pauses::resume(c, &scope, &actor, now))?;
    context.out.either(&json!({ "resumed": lifted }), || {
        if lifted {
            context.out.say(format!("resumed: what was approved is sent again ({name})"))
        } else {
            context.out.say("there was no such pause; `quarterdeck pause` shows which stand".to_owned())
        }
    })?;
    Ok(Outcome::Done)
}
