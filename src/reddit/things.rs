//! Posts, comments, and whatever else a listing holds.

use super::names::is_fullname;
use super::outcome::ExpiredBecause;
use super::people::Message;
use super::wire::Fields;
use crate::base::Millis;
use serde::Serialize;
use serde_json::Value;

/// A post (`t3`). Its texts are raw: what is shown goes through [`crate::base::SafeText`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Post {
    /// Id in base 36.
    pub id: String,
    /// `t3_` and the id.
    pub fullname: String,
    /// Title.
    pub title: String,
    /// Text of a self post; empty for a link.
    pub selftext: String,
    /// Author's name, or `[deleted]`.
    pub author: String,
    /// Points.
    pub score: i64,
    /// Where it links to; itself for a self post.
    pub url: String,
    /// Subreddit's name, without `r/`.
    pub subreddit: String,
    /// When it was made, UTC milliseconds.
    pub created_utc: Millis,
    /// Comments under it.
    pub num_comments: i64,
    /// Whether it is text.
    pub is_self: bool,
    /// Its path on the site.
    pub permalink: String,
    /// Flair, if it has one.
    pub link_flair_text: Option<String>,
    /// Whether it is marked for adults.
    pub over_18: bool,
    /// Whether nobody may comment.
    pub locked: bool,
    /// Whether it is too old to comment.
    pub archived: bool,
    /// Who removed it: `deleted`, `moderator`, `automod_filtered`, `reddit`, …
    pub removed_by_category: Option<String>,
    /// When it was last edited, UTC milliseconds.
    pub edited: Option<Millis>,
    /// Whether its author's account is suspended, where the answer says so.
    pub author_suspended: bool,
}

/// A comment (`t1`) with the replies that came with it. Its texts are raw.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Comment {
    /// Id in base 36.
    pub id: String,
    /// `t1_` and the id.
    pub fullname: String,
    /// What it answers: `t1_…` or `t3_…`.
    pub parent_id: String,
    /// The post it stands under: `t3_…`.
    pub link_id: String,
    /// Subreddit's name.
    pub subreddit: String,
    /// Text.
    pub body: String,
    /// Author's name, or `[deleted]`.
    pub author: String,
    /// Points.
    pub score: i64,
    /// Its path on the site; older answers have none.
    pub permalink: Option<String>,
    /// When it was made, UTC milliseconds.
    pub created_utc: Millis,
    /// When it was last edited, UTC milliseconds.
    pub edited: Option<Millis>,
    /// Whether nobody may answer.
    pub locked: bool,
    /// Whether it is too old to answer.
    pub archived: bool,
    /// Whether the site folds it.
    pub collapsed: bool,
    /// Who removed it, where the answer says so.
    pub removed_by_category: Option<String>,
    /// Whether its author's account is suspended, where the answer says so.
    pub author_suspended: bool,
    /// Replies that came with it.
    pub replies: Vec<Comment>,
    /// Whether there are replies that did not come with it.
    pub has_more_replies: bool,
    /// Whether it is unread, in an inbox.
    pub new: bool,
}

/// Whether a name stands for an author who is not there any more.
#[must_use]
pub fn is_gone_author(author: &str) -> bool {
    matches!(author, "" | "[deleted]" | "[removed]" | "[suspended]")
}

fn fullname(fields: Fields<'_>, kind: &str) -> Option<(String, String)> {
    let name = fields.filled("name").filter(|name| is_fullname(name, kind));
    let fullname = name.or_else(|| fields.filled("id").map(|id| format!("{kind}_{id}")).filter(|name| is_fullname(name, kind)))?;
    Some((fullname[kind.len() + 1..].to_owned(), fullname))
}

impl Post {
    /// A post from the `data` of a `t3`; `None` without an id.
    #[must_use]
    pub fn from_data(data: &Value) -> Option<Self> {
        let fields = Fields(data);
        let (id, fullname) = fullname(fields, "t3")?;
        Some(Self {
            id,
            fullname,
            title: fields.text("title"),
            selftext: fields.text("selftext"),
            author: fields.text("author"),
            score: fields.int("score"),
            url: fields.text("url"),
            subreddit: fields.text("subreddit"),
            created_utc: fields.time_opt("created_utc").unwrap_or_default(),
            num_comments: fields.int("num_comments"),
            is_self: fields.flag("is_self"),
            permalink: fields.text("permalink"),
            link_flair_text: fields.filled("link_flair_text"),
            over_18: fields.flag("over_18"),
            locked: fields.flag("locked"),
            archived: fields.flag("archived"),
            removed_by_category: fields.filled("removed_by_category"),
            edited: fields.time_opt("edited"),
            author_suspended: fields.flag("author_is_suspended") || fields.flag("is_suspended"),
        })
    }

    /// Whether it was deleted or removed, or its author is gone or suspended: nothing to answer.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        is_gone_author(&self.author)
            || self.author_suspended
            || self.removed_by_category.is_some()
            || matches!(self.selftext.as_str(), "[deleted]" | "[removed]")
    }

    /// Why nothing can be said under it, if so.
    #[must_use]
    pub fn closed(&self) -> Option<ExpiredBecause> {
        closed(self.is_gone(), self.locked, self.archived)
    }
}

impl Comment {
    /// A comment from the `data` of a `t1`; `None` without an id.
    #[must_use]
    pub fn from_data(data: &Value) -> Option<Self> {
        let fields = Fields(data);
        let (id, fullname) = fullname(fields, "t1")?;
        let (replies, has_more_replies) = comments(data.get("replies").unwrap_or(&Value::Null));
        Some(Self {
            id,
            fullname,
            parent_id: fields.text("parent_id"),
            link_id: fields.text("link_id"),
            subreddit: fields.text("subreddit"),
            body: fields.text("body"),
            author: fields.text("author"),
            score: fields.int("score"),
            permalink: fields.filled("permalink"),
            created_utc: fields.time_opt("created_utc").unwrap_or_default(),
            edited: fields.time_opt("edited"),
            locked: fields.flag("locked"),
            archived: fields.flag("archived"),
            collapsed: fields.flag("collapsed"),
            removed_by_category: fields.filled("removed_by_category"),
            author_suspended: fields.flag("author_is_suspended") || fields.flag("is_suspended"),
            replies,
            has_more_replies,
            new: fields.flag("new"),
        })
    }

    /// Whether it was deleted or removed, or its author is gone or suspended: nothing to answer.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        is_gone_author(&self.author)
            || self.author_suspended
            || self.removed_by_category.is_some()
            || matches!(self.body.as_str(), "[deleted]" | "[removed]")
    }

    /// Why it cannot be answered, if so.
    #[must_use]
    pub fn closed(&self) -> Option<ExpiredBecause> {
        closed(self.is_gone(), self.locked, self.archived)
    }
}

fn closed(gone: bool, locked: bool, archived: bool) -> Option<ExpiredBecause> {
    // The server checks in this order.
    [(gone, ExpiredBecause::ParentGone), (archived, ExpiredBecause::Archived), (locked, ExpiredBecause::Locked)]
        .into_iter()
        .find_map(|(is_so, because)| is_so.then_some(because))
}

/// The comments of a listing, and whether it says that there are more.
pub(super) fn comments(listing: &Value) -> (Vec<Comment>, bool) {
    let mut found = Vec::new();
    let mut more = false;
    for child in listing.pointer("/data/children").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default() {
        match child.get("kind").and_then(Value::as_str) {
            Some("t1") => found.extend(child.get("data").and_then(Comment::from_data)),
            Some("more") => more = true,
            _ => {}
        }
    }
    (found, more)
}

/// Anything that a listing holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thing {
    /// `t3`.
    Post(Box<Post>),
    /// `t1`.
    Comment(Box<Comment>),
    /// `t4`.
    Message(Box<Message>),
    /// Something else, or something without an id.
    Other {
        /// Its kind, such as `t5` or `more`.
        kind: String,
    },
}

impl Thing {
    /// A thing from `{"kind", "data"}`.
    #[must_use]
    pub fn from_value(value: &Value) -> Self {
        let kind = Fields(value).text("kind");
        let data = value.get("data").unwrap_or(&Value::Null);
        let thing = match kind.as_str() {
            "t3" => Post::from_data(data).map(|post| Self::Post(Box::new(post))),
            "t1" => Comment::from_data(data).map(|comment| Self::Comment(Box::new(comment))),
            "t4" => Message::from_data(&kind, data).map(|message| Self::Message(Box::new(message))),
            _ => None,
        };
        thing.unwrap_or(Self::Other { kind })
    }

    /// Its fullname, if it is one that we know.
    #[must_use]
    pub fn fullname(&self) -> Option<&str> {
        match self {
            Self::Post(post) => Some(&post.fullname),
            Self::Comment(comment) => Some(&comment.fullname),
            Self::Message(message) => Some(&message.fullname),
            Self::Other { .. } => None,
        }
    }

    /// When it was made, UTC milliseconds.
    #[must_use]
    pub fn created_utc(&self) -> Option<Millis> {
        match self {
            Self::Post(post) => Some(post.created_utc),
            Self::Comment(comment) => Some(comment.created_utc),
            Self::Message(message) => Some(message.created_utc),
            Self::Other { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn fields_of_other_types_are_left_out_and_an_id_is_needed() {
        let odd = json!({"id": "x1", "title": 7, "score": "many", "edited": false, "created_utc": null, "locked": "yes"});
        let post = Post::from_data(&odd).unwrap();
        assert_eq!((post.fullname.as_str(), post.title.as_str(), post.edited, post.locked), ("t3_x1", "", None, false));
        assert_eq!(Post::from_data(&json!({"id": "a", "created_utc": 1e300})).unwrap().created_utc, 253_402_300_799_000);
        assert_eq!(Post::from_data(&json!({"title": "no id"})), None);
        assert_eq!(Thing::from_value(&json!({"kind": "t3"})), Thing::Other { kind: "t3".to_owned() });
    }

    #[test]
    fn a_suspended_or_removed_author_is_gone() {
        let gone = |data: Value| Post::from_data(&data).unwrap().is_gone();
        assert!(gone(json!({"id": "a", "author": "[deleted]"})));
        assert!(gone(json!({"id": "a", "author": "x", "removed_by_category": "moderator"})));
        assert!(gone(json!({"id": "a", "author": "x", "author_is_suspended": true})));
        assert!(!gone(json!({"id": "a", "author": "x", "removed_by_category": null})));
    }

    proptest! {
        #[test]
        fn no_value_breaks_the_reading(text in "[\\[\\]{}\",:a-z0-9_ ]{0,80}") {
            let value: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
            let _ = Thing::from_value(&value);
        }
    }
}
