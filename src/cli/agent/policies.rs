//! `quarterdeck agent policies`: what the subreddits ask of those who write there, as it was read last.
//!
//! JSON: `{policies: [{subreddit, policy, tried_at, failure}…]}`.

use crate::base::SafeText;
use crate::cli::output::{Table, age};
use crate::cli::{Context, Failure, Outcome};
use crate::deck::Deck;
use crate::moderation::policies::{self, Known, SubredditPolicy};
use serde_json::json;

/// Print what is stored; of one subreddit with its rules.
pub(super) async fn show(context: &Context, deck: &Deck, subreddit: Option<&str>) -> Result<Outcome, Failure> {
    let mut all = deck.db.read(policies::list).await?;
    if let Some(name) = subreddit {
        let name = name.trim_start_matches("r/").to_lowercase();
        all.retain(|known| known.subreddit == name);
        if all.is_empty() {
            return Err(Failure::failed(format!("no policy of r/{} is stored", SafeText::line(&name)))
                .hint("an agent reads it before it drafts there for the first time"));
        }
    }
    context.out.either(&json!({ "policies": all }), || {
        table(context, &all)?;
        match (subreddit, all.first().and_then(|known| known.policy.as_ref())) {
            (Some(_), Some(policy)) => rules(context, policy),
            _ => Ok(()),
        }
    })?;
    Ok(Outcome::Done)
}

fn table(context: &Context, all: &[Known]) -> Result<(), Failure> {
    let now = context.clock.now();
    let mut table = Table::new(&["subreddit", "rules", "requirements", "read", "last failure"]).right(1);
    for known in all {
        let policy = known.policy.as_ref();
        let requirements = policy.map_or("", |policy| if policy.requirements.is_some() { "known" } else { "unknown" });
        table.row([
            format!("r/{}", SafeText::line(&known.subreddit)),
            policy.map(|policy| policy.rules.len().to_string()).unwrap_or_default(),
            requirements.to_owned(),
            policy.map_or_else(|| "never".to_owned(), |policy| age(policy.fetched_at, now)),
            known.failure.as_deref().map(|failure| SafeText::clipped(failure, 60).as_str().to_owned()).unwrap_or_default(),
        ]);
    }
    context.out.table(&table, "no policy is stored yet; an agent reads a subreddit's before it drafts there")
}

fn rules(context: &Context, policy: &SubredditPolicy) -> Result<(), Failure> {
    for rule in &policy.rules {
        let about = match rule.kind.as_str() {
            "link" => "posts",
            "comment" => "comments",
            _ => "everything",
        };
        context.out.say(format!("\n{} ({about})", SafeText::line(&rule.short_name)))?;
        if !rule.description.trim().is_empty() {
            context.out.text(SafeText::new(&rule.description).as_str())?;
        }
    }
    if let Some(words) = policy.requirements.as_ref().and_then(|requirements| requirements.guidelines.as_deref()) {
        context.out.say("\nGuidelines for posts")?;
        context.out.text(SafeText::new(words).as_str())?;
    }
    Ok(())
}
