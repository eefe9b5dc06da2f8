//! What each subreddit asks of those who write there: its rules, and what it requires of posts, as its own pages said it last.
//!
//! The words are its moderators': text from outside, shown and given to models as data. A policy is one subreddit's, not one persona's.

use super::error::Result;
use super::state::PostType;
use crate::base::{Millis, PersonaId};
use crate::reddit::requirements::{PostRequirements, Violation};
use crate::reddit::{Submission, SubredditRule};
use crate::store::audit::{self, Actor};
use crate::store::{Conn, Error as StoreError, Row, feed};
use crate::vals;
use serde::Serialize;
use serde_json::{Value, json};

/// How long a policy counts as current, in milliseconds.
pub const FRESH: Millis = 24 * 3_600_000;
/// How long after a failure it is not tried again, in milliseconds.
pub const RETRY: Millis = 3_600_000;
/// More rules than Reddit allows a subreddit.
const MOST_RULES: usize = 100;

/// A subreddit's policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubredditPolicy {
    /// Its name in lower case, without `r/`.
    pub subreddit: String,
    /// Its rules, in their order.
    pub rules: Vec<SubredditRule>,
    /// What it requires of posts; `None` when that is unknown.
    pub requirements: Option<PostRequirements>,
    /// When it was read, in milliseconds since 1970.
    pub fetched_at: Millis,
}

impl SubredditPolicy {
    /// The names of the rules that apply to what is written, in their order.
    pub fn names_for(&self, post_type: PostType) -> impl Iterator<Item = &str> {
        // `all`, our own kind, and kinds that nobody knows yet: they may mean us.
        let other = if post_type == PostType::Post { "comment" } else { "link" };
        self.rules.iter().filter(move |rule| rule.kind != other).map(|rule| rule.short_name.as_str()).filter(|name| !name.trim().is_empty())
    }
}

/// What is known of a subreddit, also when its policy could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Known {
    /// Its name in lower case, without `r/`.
    pub subreddit: String,
    /// Its policy; `None` when it never could be read.
    pub policy: Option<SubredditPolicy>,
    /// When it was tried last, in milliseconds since 1970.
    pub tried_at: Millis,
    /// Why the last try failed; `None` when it did not.
    pub failure: Option<String>,
}

impl Known {
    /// Whether it is time to read it again.
    #[must_use]
    pub fn is_due(&self, now: Millis) -> bool {
        let holds = if self.failure.is_some() { RETRY } else { FRESH };
        now.saturating_sub(self.tried_at) >= holds
    }
}

/// Keep what was read. `persona` is the one whose account read it.
///
/// # Errors
/// When the engine refuses.
pub fn store(
    c: &mut dyn Conn,
    persona: &PersonaId,
    subreddit: &str,
    rules: &[SubredditRule],
    requirements: Option<&PostRequirements>,
    at: Millis,
) -> Result<()> {
    let name = subreddit.to_lowercase();
    let rules = &rules[..rules.len().min(MOST_RULES)];
    let before = get(c, &name)?;
    let after = json!({ "rules": rules.len(), "requirements": requirements.is_some() });
    let changed = before.as_ref().is_none_or(|before| before.rules != rules || before.requirements.as_ref() != requirements);
    c.exec(
        "INSERT INTO subreddit_policies (subreddit, rules, requirements, fetched_at, tried_at, failure) VALUES ($1, $2, $3, $4, $4, NULL)
         ON CONFLICT (subreddit) DO UPDATE SET rules = excluded.rules, requirements = excluded.requirements,
           fetched_at = excluded.fetched_at, tried_at = excluded.tried_at, failure = NULL",
        vals![&name, json!(rules).to_string(), requirements.map(|requirements| json!(requirements).to_string()), at],
    )?;
    let before = before.map_or(Value::Null, |before| json!({ "rules": before.rules.len(), "requirements": before.requirements.is_some() }));
    let reason = changed.then_some("it is new, or differs from what was known");
    record(c, (persona, &name, at), "policy.fetch", reason, &before, &after)
}

/// Keep that it could not be read. What was known stays.
///
/// # Errors
/// When the engine refuses.
pub fn failed(c: &mut dyn Conn, persona: &PersonaId, subreddit: &str, reason: &str, at: Millis) -> Result<()> {
    let name = subreddit.to_lowercase();
    c.exec(
        "INSERT INTO subreddit_policies (subreddit, tried_at, failure) VALUES ($1, $2, $3)
         ON CONFLICT (subreddit) DO UPDATE SET tried_at = excluded.tried_at, failure = excluded.failure",
        vals![&name, at, reason],
    )?;
    record(c, (persona, &name, at), "policy.fetch_failed", Some(reason), &Value::Null, &Value::Null)
}

fn record(
    c: &mut dyn Conn,
    (persona, name, at): (&PersonaId, &str, Millis),
    action: &str,
    reason: Option<&str>,
    before: &Value,
    after: &Value,
) -> Result<()> {
    let actor = Actor::agent("policies");
    let entry = audit::Entry {
        at,
        persona: Some(persona),
        actor: &actor,
        action,
        subject_kind: "subreddit",
        subject_id: name,
        reason,
        before,
        after,
    };
    audit::append(c, &entry)?;
    feed::append(c, at, "policies", Some(persona), action, name)?;
    Ok(())
}

/// A subreddit's policy; `None` when it was never read.
///
/// # Errors
/// When the engine refuses.
pub fn get(c: &mut dyn Conn, subreddit: &str) -> Result<Option<SubredditPolicy>> {
    Ok(known(c, subreddit)?.and_then(|known| known.policy))
}

/// What is known of a subreddit; `None` when it was never tried.
///
/// # Errors
/// When the engine refuses.
pub fn known(c: &mut dyn Conn, subreddit: &str) -> Result<Option<Known>> {
    let row = c.first(
        "SELECT subreddit, rules, requirements, fetched_at, tried_at, failure FROM subreddit_policies WHERE subreddit = $1",
        vals![subreddit.to_lowercase()],
    )?;
    row.as_ref().map(read).transpose()
}

/// Everything that is known, by name.
///
/// # Errors
/// When the engine refuses.
pub fn list(c: &mut dyn Conn) -> Result<Vec<Known>> {
    let rows = c.query(
        "SELECT subreddit, rules, requirements, fetched_at, tried_at, failure FROM subreddit_policies ORDER BY subreddit LIMIT 10000",
        &[],
    )?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Known> {
    let subreddit = row.text("subreddit")?;
    let policy = match row.int_opt("fetched_at")? {
        None => None,
        Some(fetched_at) => {
            let requirements = row.text_opt("requirements")?.map(|_| row.json("requirements")).transpose()?;
            Some(SubredditPolicy { subreddit: subreddit.clone(), rules: row.json("rules")?, requirements, fetched_at })
        }
    };
    Ok::<_, StoreError>(Known { subreddit, policy, tried_at: row.int("tried_at")?, failure: row.text_opt("failure")? }).map_err(Into::into)
}

/// What a text does not give that the subreddit requires; what could not be checked here says so. Empty when everything holds that can be checked here, and also
/// when the requirements are unknown: whoever needs to know looks at [`SubredditPolicy::requirements`].
#[must_use]
pub fn check(policy: &SubredditPolicy, post_type: PostType, title: Option<&str>, content: &str) -> Vec<Violation> {
    let Some(requirements) = &policy.requirements else { return Vec::new() };
    match post_type {
        PostType::Post => requirements.check(&Submission::text(policy.subreddit.as_str(), title.unwrap_or_default(), content)),
        PostType::Comment | PostType::Reply => requirements.check_comment(content),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moderation::Error;
    use crate::store::testing;

    const NOW: Millis = 1_795_219_200_000;

    fn rule(kind: &str, name: &str) -> SubredditRule {
        SubredditRule { kind: kind.into(), short_name: name.into(), ..SubredditRule::default() }
    }

    fn strict() -> PostRequirements {
        let asked = json!({"title_text_min_length": 10, "body_blacklisted_strings": ["urgent"], "link_restriction_policy": "blacklist", "domain_blacklist": ["bad.example"]});
        PostRequirements::from_value(&asked).unwrap()
    }

    #[test]
    fn what_was_read_is_kept_and_a_failure_does_not_lose_it() {
        let (database, _directory) = testing::database();
        database
            .write_blocking(|c| {
                let persona = PersonaId::from_stored("p1");
                assert_eq!(get(c, "Test")?, None);
                failed(c, &persona, "Test", "503", NOW)?;
                let known_of = |c: &mut dyn Conn| Ok::<_, Error>(known(c, "test")?.unwrap());
                assert!(known_of(c)?.policy.is_none() && !known_of(c)?.is_due(NOW + RETRY - 1) && known_of(c)?.is_due(NOW + RETRY));
                store(c, &persona, "Test", &[rule("all", "Be civil")], Some(&strict()), NOW + 5)?;
                let policy = get(c, "TEST")?.unwrap();
                assert_eq!((policy.rules[0].short_name.as_str(), policy.fetched_at), ("Be civil", NOW + 5));
                assert_eq!(policy.requirements, Some(strict()));
                assert!(!known_of(c)?.is_due(NOW + FRESH) && known_of(c)?.is_due(NOW + 5 + FRESH));
                failed(c, &persona, "test", "gone", NOW + 9)?;
                assert_eq!(get(c, "test")?, Some(policy));
                store(c, &persona, "test", &[], None, NOW + 10)?;
                let policy = get(c, "test")?.unwrap();
                assert_eq!((policy.rules.len(), policy.requirements, known_of(c)?.failure), (0, None, None));
                assert_eq!(list(c)?.len(), 1);
                Ok::<_, Error>(())
            })
            .unwrap();
    }

    #[test]
    fn rules_apply_by_their_kind_and_requirements_by_what_is_written() {
        let rules = vec![rule("all", "Civil"), rule("link", "Source"), rule("comment", "Short"), rule("new", "Odd"), rule("all", " ")];
        let policy = SubredditPolicy { subreddit: "test".into(), rules, requirements: Some(strict()), fetched_at: NOW };
        assert_eq!(policy.names_for(PostType::Reply).collect::<Vec<_>>(), ["Civil", "Short", "Odd"]);
        assert_eq!(policy.names_for(PostType::Post).collect::<Vec<_>>(), ["Civil", "Source", "Odd"]);
        assert_eq!(check(&policy, PostType::Post, Some("short"), "urgent").len(), 2);
        assert_eq!(check(&policy, PostType::Comment, None, "see https://bad.example/x").len(), 1);
        assert!(check(&policy, PostType::Comment, None, "fine").is_empty());
        let unknown = SubredditPolicy { requirements: None, ..policy };
        assert!(check(&unknown, PostType::Post, None, "urgent").is_empty());
    }
}
