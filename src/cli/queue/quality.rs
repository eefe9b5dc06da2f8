//! The quality of review: second opinions on samples, labels on what was sent, golden cases.

use super::Desk;
use super::decide::{decide, read, told};
use crate::base::SafeText;
use crate::cli::Failure;
use crate::cli::events::short;
use crate::cli::output::{Table, age};
use crate::moderation::State;
use crate::moderation::quality::golden::{self as cases, Expected, GoldenCase};
use crate::moderation::quality::labels::{self, Label};
use crate::moderation::quality::opinions::{self, Opinion};
use crate::moderation::quality::sampling;
use crate::moderation::roles::{self, Right};
use crate::store::Conn;
use serde_json::json;
use std::path::PathBuf;

/// What is done with golden cases.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Golden {
    /// Put a case in store: `quarterdeck queue golden add case.toml --expect reject --why "advice on medicine"`.
    #[command(group = clap::ArgGroup::new("source").required(true))]
    Add {
        /// A TOML file with subreddit, title, post, author, draft; and comment, comment_author where a comment is answered.
        #[arg(group = "source")]
        file: Option<PathBuf>,
        /// A past item.
        #[arg(long, value_name = "ID", group = "source")]
        from: Option<String>,
        /// What is right: approve, edit, reject, return, escalate; several with commas.
        #[arg(long, value_name = "DECISION,…", value_delimiter = ',', required = true)]
        expect: Vec<Expected>,
        /// Why that is right.
        #[arg(long)]
        why: String,
    },
    /// List the cases in store. Whoever is to be measured should not look.
    List,
    /// Take a case out of store.
    Remove {
        /// The case.
        id: String,
    },
}

pub(super) fn sample(desk: &Desk<'_>, limit: u32) -> Result<(), Failure> {
    let persona = desk.persona()?;
    let waiting = desk.deck.db.read_blocking(move |c| sampling::waiting(c, persona.as_ref(), limit as usize))?;
    let out = &desk.context.out;
    out.either(&json!({ "items": waiting }), || {
        let now = desk.context.clock.now();
        let mut table = Table::new(&["id", "picked", "state", "to", "text"]);
        for item in &waiting {
            let preview = SafeText::clipped(&item.preview, 60).as_str().to_owned();
            table.row([
                short(&item.id).to_owned(),
                age(item.picked_at, now),
                item.state.clone(),
                format!("r/{}", item.target_subreddit),
                preview,
            ]);
        }
        out.table(&table, "no automatic approval waits for a second opinion")?;
        if let Some(first) = waiting.first() {
            out.say(format!("\nquarterdeck queue judge {} --verdict agree, or overturn", short(&first.id)))?;
        }
        Ok(())
    })
}

pub(super) fn judge(desk: &Desk<'_>, id: &str, opinion: Opinion, label: Option<Label>, note: Option<String>) -> Result<(), Failure> {
    let (persona, item) = desk.find(id)?;
    let judged =
        decide(desk, persona, &item, None, move |c, on, _, settings| opinions::judge(c, on, opinion, label, note.as_deref(), settings))?;
    let id = short(&judged.id);
    let words = match (opinion, judged.state) {
        (Opinion::Agree, _) => "recorded: you agree".to_owned(),
        (Opinion::Overturn, State::Scheduled) => {
            format!("recorded: you overturn it. It has not left: `quarterdeck queue undo {id}` takes it back")
        }
        (Opinion::Overturn, state) if state.may_be_public() => {
            format!("recorded: you overturn it. It is in public still: `quarterdeck queue retract {id}` deletes it there")
        }
        (Opinion::Overturn, _) => "recorded: you overturn it".to_owned(),
    };
    told(desk, &judged, &words)
}

pub(super) fn label(desk: &Desk<'_>, id: &str, label: Label, note: Option<String>) -> Result<(), Failure> {
    let (persona, item) = desk.find(id)?;
    let is_read = label != Label::Good && note.as_ref().is_some_and(|note| !note.trim().is_empty());
    let labelled = decide(desk, persona, &item, None, move |c, on, _, settings| labels::put(c, on, label, note.as_deref(), settings))?;
    let then = if is_read { "; the agent reads your note before its next drafts" } else { "" };
    told(desk, &labelled, &format!("labelled {}{then}", label.as_str()))
}

pub(super) fn golden(desk: &Desk<'_>, command: Golden) -> Result<(), Failure> {
    let (actor, at) = (desk.context.actor()?, desk.context.clock.now());
    let out = &desk.context.out;
    match command {
        Golden::Add { file, from, expect, why } => {
            let (persona, case) = match (&file, &from) {
                (Some(file), _) => {
                    let persona = desk.persona()?.ok_or_else(|| {
                        Failure::usage("a case belongs to a persona").hint("name it: quarterdeck --persona NAME queue golden add …")
                    })?;
                    (persona, GoldenCase::from_toml(&read(file)?)?)
                }
                (None, id) => {
                    let (persona, item) = desk.find(id.as_deref().unwrap_or_default())?;
                    (persona.id, GoldenCase::from_item(&item)?)
                }
            };
            let added = desk.deck.db.write_blocking(move |c| cases::add(c, &persona, &case, &expect, &why, &actor, at))?;
            out.either(&json!({ "id": added }), || {
                out.say(format!("{} in store", short(&added)))?;
                if desk.deck.moderation().golden_per_hundred == 0 {
                    out.say("none is put into the queue: moderation.golden_per_hundred is 0")?;
                }
                Ok(())
            })
        }
        Golden::List => {
            let persona = desk.persona()?;
            // Whoever reviews must not know the answers.
            let found = desk.deck.db.read_blocking(move |c: &mut dyn Conn| {
                roles::require(c, &actor, Right::Golden)?;
                cases::templates(c, persona.as_ref())
            })?;
            out.either(&json!({ "cases": found }), || {
                let mut table = Table::new(&["id", "to", "right is", "used", "why", "draft"]).right(3);
                for case in &found {
                    let preview = SafeText::clipped(&case.preview, 40).as_str().to_owned();
                    let (id, to) = (short(&case.id).to_owned(), format!("r/{}", case.target_subreddit));
                    table.row([id, to, case.expected.clone(), case.used.to_string(), case.why.clone(), preview]);
                }
                out.table(&table, "no golden cases; `queue golden add` puts one in store")
            })
        }
        Golden::Remove { id } => {
            let persona = desk.persona()?;
            let removed = desk.deck.db.write_blocking(move |c: &mut dyn Conn| {
                let found = cases::templates(c, persona.as_ref())?;
                let mut named = found.into_iter().filter(|case| id.len() >= 4 && case.id.ends_with(&id));
                let (Some(case), None) = (named.next(), named.next()) else { return Err(cases::no_case(&id)) };
                cases::remove(c, &case.persona_id, &case.id, &actor, at)?;
                Ok(case.id)
            })?;
            out.either(&json!({ "id": removed }), || out.say(format!("{} taken out of store", short(&removed))))
        }
    }
}
