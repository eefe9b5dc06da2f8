//! `quarterdeck persona`: who acts, how they speak, and where.

use super::output::{Table, age};
use super::{Context, Failure, Outcome};
use crate::deck::Deck;
use crate::memory::beliefs::BeliefFilter;
use crate::memory::settings::AUTO_POSTING;
use crate::memory::{self, Author, Persona, PersonaConfig};
use crate::moderation::{self, Right, roles};
use crate::store::Conn;
use serde_json::{Value, json};

/// Arguments of `quarterdeck persona`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the personas.
    List,
    /// Add a persona: `quarterdeck persona add QuietOwl --subreddit test`.
    Add {
        /// The name of its Reddit account, without `u/`.
        username: String,
        /// The name that people see.
        #[arg(long)]
        display_name: Option<String>,
        /// A subreddit to read; may be repeated.
        #[arg(long = "subreddit", value_name = "NAME")]
        subreddits: Vec<String>,
    },
    /// Show a persona: its configuration, its settings, its beliefs.
    Show {
        /// Name or id.
        persona: String,
    },
    /// Change a key: `quarterdeck persona set QuietOwl persona_style.humor 0.3`, or a setting such as `auto_posting_enabled`.
    Set {
        /// Name or id.
        persona: String,
        /// A key of the configuration (`tone`, `target_subreddits`, `persona_style.humor`), or of the settings.
        key: String,
        /// JSON, or plain text.
        value: String,
        /// Needed to let the persona post without a person.
        #[arg(long)]
        yes: bool,
    },
}

/// Run the command. JSON: `{personas: […]}` or one persona with `config`, `settings` and `beliefs`.
///
/// # Errors
/// As the persona's rules and the database say.
pub fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    let deck = Deck::open(context.settings()?, context.clock.clone())?;
    match &args.command {
        Command::List => list(context, &deck)?,
        Command::Add { username, display_name, subreddits } => {
            let (actor, now) = (context.actor()?, context.clock.now());
            let config = PersonaConfig::from_value(&json!({ "target_subreddits": subreddits }))?;
            let (username, display_name) = (username.clone(), display_name.clone());
            let author_name = actor.clone();
            let added = deck.db.write_blocking(move |c: &mut dyn Conn| -> moderation::Result<Persona> {
                roles::require(c, &author_name, Right::Personas)?;
                Ok(memory::personas::add(c, &username, display_name.as_deref(), &config, &Author::new(&author_name, now))?)
            })?;
            context.out.either(&json!({ "persona": added }), || {
                context.out.say(format!("added {}; set its voice with `quarterdeck persona set {0} tone …`", added.reddit_username))
            })?;
        }
        Command::Show { persona } => show(context, &deck, persona)?,
        Command::Set { persona, key, value, yes } => set(context, &deck, persona, key, value, *yes)?,
    }
    Ok(Outcome::Done)
}

fn find(deck: &Deck, key: &str) -> Result<Persona, Failure> {
    let key = key.to_owned();
    Ok(deck.db.read_blocking(move |c| memory::personas::find(c, &key))?)
}

fn list(context: &Context, deck: &Deck) -> Result<(), Failure> {
    let personas = deck.db.read_blocking(memory::personas::list)?;
    context.out.either(&json!({ "personas": personas }), || {
        let now = context.clock.now();
        let mut table = Table::new(&["persona", "name", "subreddits", "changed"]);
        for persona in &personas {
            table.row([
                persona.reddit_username.clone(),
                persona.display_name.clone().unwrap_or_default(),
                persona.config.target_subreddits.join(", "),
                age(persona.updated_at, now),
            ]);
        }
        context.out.table(&table, "no persona yet; add one with `quarterdeck persona add NAME`, or try `quarterdeck seed`")
    })
}

fn show(context: &Context, deck: &Deck, key: &str) -> Result<(), Failure> {
    let persona = find(deck, key)?;
    let id = persona.id.clone();
    let (settings, graph) = deck.db.read_blocking(move |c: &mut dyn Conn| -> memory::Result<_> {
        Ok((memory::settings::effective(c, &id)?, memory::beliefs::query(c, &id, &BeliefFilter::default())?))
    })?;
    let value = json!({ "persona": persona, "settings": settings, "beliefs": graph.nodes, "edges": graph.edges });
    context.out.either(&value, || {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut pairs = vec![("account", format!("u/{}", persona.reddit_username)), ("id", persona.id.to_string())];
        pairs.extend(settings.iter().map(|(key, value)| (key.as_str(), text(value))));
        context.out.pairs(&pairs)?;
        context.out.say("")?;
        let mut table = Table::new(&["confidence", "belief", "tags"]).right(0);
        for belief in &graph.nodes {
            let confidence = belief.confidence.map_or_else(|| "unknown".to_owned(), |confidence| format!("{confidence:.3}"));
            table.row([confidence, belief.title.clone(), belief.tags.join(", ")]);
        }
        context.out.table(&table, "no beliefs yet")
    })
}

fn set(context: &Context, deck: &Deck, persona: &str, key: &str, value: &str, yes: bool) -> Result<(), Failure> {
    let persona = find(deck, persona)?;
    let (actor, now) = (context.actor()?, context.clock.now());
    let parsed = memory::settings::value_of(value);
    if key == AUTO_POSTING && parsed == Value::Bool(true) && !yes {
        return Err(Failure::usage(format!("{} would post without a person whenever screening finds nothing", persona.reddit_username))
            .hint("add --yes if that is what you want; `quarterdeck pause` stops it at any time"));
    }
    let known: Value = persona.config.to_value();
    let is_config = known.get(key.split('.').next().unwrap_or_default()).is_some();
    let (id, name, key, text) = (persona.id.clone(), persona.reddit_username.clone(), key.to_owned(), value.to_owned());
    // Ending it is no privilege: whoever may stop all sending may stop this.
    let right = match (key.as_str(), &parsed) {
        (AUTO_POSTING, Value::Bool(false)) => Right::Pause,
        (AUTO_POSTING, _) => Right::AutoPosting,
        _ => Right::Personas,
    };
    let stored = deck.db.write_blocking(move |c: &mut dyn Conn| -> moderation::Result<Value> {
        roles::require(c, &actor, right)?;
        let author = Author::new(&actor, now);
        if is_config {
            memory::personas::set_config_key(c, &id, &key, parsed.clone(), &author)?;
            return Ok(json!({ "key": key, "value": parsed }));
        }
        let value = memory::settings::set_text(c, &id, &key, &text, &author)?;
        Ok(json!({ "key": key, "value": value }))
    })?;
    context
        .out
        .either(&stored, || context.out.say(format!("{name}: {} is {}", stored["key"].as_str().unwrap_or_default(), stored["value"])))
}
