//! Reading a subreddit's policy before something is drafted there: once a day, and never in the way of the draft.

use super::error::Result;
use super::services::Services;
use crate::base::SafeText;
use crate::moderation;
use crate::moderation::policies::{self, SubredditPolicy};
use crate::store::Conn;

/// The longest reason of a failure that is kept, in columns.
const REASON_WIDTH: usize = 300;

/// The policy of a subreddit: the stored one while it is fresh, otherwise a new one, otherwise the old one. `None` when there is none to be had.
///
/// # Errors
/// When the database refuses. What Reddit refuses is kept with the policy, and is no error.
pub(super) async fn current(services: &Services, subreddit: &str) -> Result<Option<SubredditPolicy>> {
    let name = subreddit.to_owned();
    let known = services.db.read(move |c| policies::known(c, &name)).await?;
    let now = services.clock.now();
    if let Some(known) = known.as_ref().filter(|known| !known.is_due(now)) {
        return Ok(known.policy.clone());
    }
    let rules = services.reddit.subreddit_rules(subreddit).await;
    // Where the rules cannot be read, the requirements cannot either: that request is saved.
    let requirements = match &rules {
        Ok(_) => services.reddit.post_requirements(subreddit).await.inspect_err(|error| {
            tracing::warn!(%error, subreddit, "what the subreddit requires of posts could not be read");
        }),
        Err(error) => Err(error.clone()),
    };
    // What a passing failure keeps from us is still as it was.
    let requirements = requirements.ok().or_else(|| known.and_then(|known| known.policy?.requirements));
    let (persona, name, at) = (services.persona.id.clone(), subreddit.to_owned(), services.clock.now());
    let stored = services
        .db
        .write(move |c: &mut dyn Conn| -> moderation::Result<_> {
            match &rules {
                Ok(rules) => policies::store(c, &persona, &name, rules, requirements.as_ref(), at)?,
                Err(error) => policies::failed(c, &persona, &name, SafeText::clipped(&error.to_string(), REASON_WIDTH).as_str(), at)?,
            }
            policies::get(c, &name)
        })
        .await?;
    Ok(stored)
}
