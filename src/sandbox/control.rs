//! The control endpoint: look at the state, order faults, change the world while it runs.

use super::exchange::{Answer, Request};
use super::faults::Fault;
use super::serve::App;
use super::world::{NewPost, SUBREDDITS};
use super::{Error, world::Stored};
use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

/// A change of the world, as it is sent to `POST /sandbox/world`.
#[derive(Debug, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
enum Change {
    /// A new post.
    AddPost {
        subreddit: String,
        title: String,
        #[serde(default)]
        text: String,
        url: Option<String>,
        #[serde(default)]
        author: String,
        #[serde(default)]
        delay_ms: i64,
    },
    /// Somebody answers a post or comment.
    Reply {
        to: String,
        text: String,
        #[serde(default = "somebody")]
        author: String,
        #[serde(default)]
        delay_ms: i64,
    },
    /// A private message to an account.
    Message {
        to: String,
        subject: String,
        text: String,
        #[serde(default = "somebody")]
        author: String,
    },
    /// Lock against replies.
    Lock { id: String },
    /// Removed by moderators.
    Remove { id: String },
    /// Deleted by the author.
    Delete { id: String },
    /// Too old for replies.
    Archive { id: String },
    /// Take lock, removal and archiving back.
    Restore { id: String },
    /// A new text.
    Edit { id: String, text: String },
    /// Suspend an account, or lift it.
    Suspend {
        account: String,
        #[serde(default = "yes")]
        suspended: bool,
    },
    /// Two users cannot talk to each other.
    Block { account: String, user: String },
    /// The next writes of an account get `RATELIMIT`.
    LimitAccount { account: String, seconds: f64 },
    /// All access tokens end.
    ExpireTokens,
    /// A refresh token for an account.
    IssueRefreshToken { account: String },
}

/// A fault, as it is sent to `POST /sandbox/faults`: the text form, or its parts.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Order {
    Text { fault: String },
    Parts { target: String, kind: String, times: Option<u32>, probability: Option<f64> },
}

fn somebody() -> String {
    "sbx_marlowe".to_owned()
}

fn yes() -> bool {
    true
}

/// Answer a control request.
pub(super) fn answer(app: &App, request: &Request) -> Answer {
    let result = match (&request.method, request.path.as_str()) {
        (&Method::GET, "/sandbox" | "/sandbox/state") => Ok(state(app, &request.base)),
        (&Method::GET, "/sandbox/faults") => Ok(faults(app)),
        (&Method::POST, "/sandbox/faults") => order(app, &request.body),
        (&Method::DELETE, "/sandbox/faults") => Ok(json!({"cleared": app.faults.clear()})),
        (&Method::POST, "/sandbox/world") => change(app, &request.body),
        _ => return Answer::refused(404),
    };
    match result {
        Ok(value) => Answer::json(value),
        Err(error) => Answer::status(400, json!({"error": error.to_string()})),
    }
}

fn faults(app: &App) -> Value {
    let list = app.faults.list();
    let list = list.iter().map(|fault| {
        json!({"fault": fault.to_string(), "target": fault.target, "kind": fault.kind.to_string(), "times": fault.times, "probability": fault.probability})
    });
    json!({"faults": list.collect::<Vec<_>>()})
}

fn order(app: &App, body: &[u8]) -> Result<Value, Error> {
    let order: Order = parsed(body)?;
    let fault = match order {
        Order::Text { fault } => fault.parse()?,
        Order::Parts { target, kind, times, probability } => {
            let probability = probability.unwrap_or(1.0);
            if !(0.0..=1.0).contains(&probability) || times == Some(0) {
                return Err(Error::World("probability is a number from 0 to 1, times at least 1".into()));
            }
            // The text form checks the target.
            let checked: Fault = format!("{target}={kind}").parse()?;
            Fault { times, probability, ..checked }
        }
    };
    app.faults.add(fault);
    Ok(faults(app))
}

fn state(app: &App, base: &str) -> Value {
    let now = app.world.now();
    let state = app.world.lock();
    let there = state.posts.iter().filter(|post| post.created <= now).count();
    let accounts: Vec<Value> = state
        .accounts
        .iter()
        .map(|account| {
            let by = |author: &str| author.eq_ignore_ascii_case(&account.name);
            let unread = state
                .letters
                .iter()
                .filter(|letter| letter.owner == account.name.to_lowercase() && letter.unread && letter.created <= now)
                .count();
            json!({
                "name": account.name, "suspended": account.suspended, "unread": unread,
                "posts": state.posts.iter().filter(|post| by(&post.author)).count(),
                "comments": state.comments.iter().filter(|comment| by(&comment.author)).count(),
            })
        })
        .collect();
    json!({
        "sandbox": true, "seed": state.seed, "reddit_url": base, "model_url": format!("{base}/api/v1"), "now": crate::base::clock::rfc3339(now),
        "posts": {"visible": there, "still_to_arrive": state.posts.len() - there}, "comments": state.comments.len(), "accounts": accounts,
        "subreddits": SUBREDDITS.iter().map(|(name, _, _)| *name).collect::<Vec<_>>(), "requests": state.requests, "faults": faults(app)["faults"],
    })
}

fn change(app: &App, body: &[u8]) -> Result<Value, Error> {
    let world = &app.world;
    match parsed(body)? {
        Change::AddPost { subreddit, title, text, url, author, delay_ms } => {
            let id = world.add_post(NewPost { subreddit, author, title, text, url, delay: delay_ms })?;
            return Ok(json!({"id": id}));
        }
        Change::Reply { to, text, author, delay_ms } => return Ok(json!({"id": world.add_late_reply(&to, &author, &text, delay_ms)?})),
        Change::Message { to, subject, text, author } => return Ok(json!({"id": world.add_message(&author, &to, &subject, &text)})),
        Change::Lock { id } => world.lock_thread(&id)?,
        Change::Remove { id } => world.remove(&id)?,
        Change::Delete { id } => world.delete(&id)?,
        Change::Archive { id } => world.archive(&id)?,
        Change::Restore { id } => world.restore(&id)?,
        Change::Edit { id, text } => world.edit(&id, &text)?,
        Change::Suspend { account, suspended } => world.suspend(&account, suspended)?,
        Change::Block { account, user } => world.block(&account, &user)?,
        Change::LimitAccount { account, seconds } => app.reddit.limit_account(&account, seconds),
        Change::ExpireTokens => app.reddit.expire_tokens(),
        Change::IssueRefreshToken { account } => return Ok(json!({"refresh_token": app.reddit.issue_refresh_token(&account)})),
    }
    Ok(json!({"done": true}))
}

fn parsed<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|problem| Error::World(format!("the body was not understood: {problem}")))
}

impl Stored {
    /// As JSON, for scripts.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({"id": self.id, "parent": self.parent, "link": self.link, "subreddit": self.subreddit, "author": self.author, "title": self.title,
            "text": self.text, "created": self.created, "locked": self.marks.locked, "removed": self.marks.removed, "deleted": self.marks.deleted})
    }
}
