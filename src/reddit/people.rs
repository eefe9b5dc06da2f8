//! The account itself, its inbox, and the rules of a subreddit.

use super::wire::Fields;
use crate::base::Millis;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who we are, from `/api/v1/me`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Me {
    /// Name, without `u/`.
    pub name: String,
    /// Id in base 36.
    pub id: String,
    /// Whether the account is suspended: nothing may be sent.
    pub is_suspended: bool,
    /// When a suspension ends, UTC milliseconds; none for a lasting one.
    pub suspension_expires: Option<Millis>,
    /// Whether the account has a verified address.
    pub has_verified_email: bool,
    /// Points for posts.
    pub link_karma: i64,
    /// Points for comments.
    pub comment_karma: i64,
    /// Unread messages.
    pub inbox_count: i64,
    /// When the account was made, UTC milliseconds.
    pub created_utc: Millis,
}

impl Me {
    /// From the answer's object; `None` without a name, as an application's own token gets it.
    #[must_use]
    pub fn from_value(value: &Value) -> Option<Self> {
        let fields = Fields(value);
        Some(Self {
            name: fields.filled("name")?,
            id: fields.text("id"),
            is_suspended: fields.flag("is_suspended"),
            suspension_expires: fields.time_opt("suspension_expiration_utc"),
            has_verified_email: fields.flag("has_verified_email"),
            link_karma: fields.int("link_karma"),
            comment_karma: fields.int("comment_karma"),
            inbox_count: fields.int("inbox_count"),
            created_utc: fields.time_opt("created_utc").unwrap_or_default(),
        })
    }
}

/// What a message in the inbox is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// An answer to a comment of ours.
    CommentReply,
    /// An answer to a post of ours.
    PostReply,
    /// Somebody named us.
    Mention,
    /// A private message.
    Private,
    /// Something else.
    #[default]
    Other,
}

/// A message in the inbox: a comment (`t1`) or a private message (`t4`). Its texts are raw.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Message {
    /// `t1_…` or `t4_…`.
    pub fullname: String,
    /// What it is.
    pub kind: MessageKind,
    /// Author; none when the account is gone or the site wrote it.
    pub author: Option<String>,
    /// Subject line.
    pub subject: String,
    /// Text.
    pub body: String,
    /// Subreddit, for comments.
    pub subreddit: Option<String>,
    /// What it answers.
    pub parent_id: Option<String>,
    /// Title of the post that it stands under.
    pub link_title: Option<String>,
    /// Its path on the site with some context.
    pub context: Option<String>,
    /// When it was written, UTC milliseconds.
    pub created_utc: Millis,
    /// Whether it is unread.
    pub new: bool,
    /// Whether it is a comment.
    pub was_comment: bool,
}

impl Message {
    /// From a listing's child; `None` without a fullname.
    #[must_use]
    pub fn from_value(value: &Value) -> Option<Self> {
        Self::from_data(&Fields(value).text("kind"), value.get("data")?)
    }

    pub(super) fn from_data(kind: &str, data: &Value) -> Option<Self> {
        let fields = Fields(data);
        let fullname = fields.filled("name").or_else(|| fields.filled("id").map(|id| format!("{kind}_{id}")))?;
        let was_comment = fields.flag("was_comment") || kind == "t1";
        let subject = fields.text("subject");
        let kind = match (fields.text("type").as_str(), subject.as_str()) {
            ("comment_reply", _) | ("" | "unknown", "comment reply") if was_comment => MessageKind::CommentReply,
            ("post_reply", _) | ("" | "unknown", "post reply") if was_comment => MessageKind::PostReply,
            ("username_mention", _) | ("" | "unknown", "username mention") if was_comment => MessageKind::Mention,
            _ if was_comment => MessageKind::Other,
            _ => MessageKind::Private,
        };
        Some(Self {
            fullname,
            kind,
            author: fields.filled("author").filter(|author| !super::things::is_gone_author(author)),
            subject,
            body: fields.text("body"),
            subreddit: fields.filled("subreddit"),
            parent_id: fields.filled("parent_id"),
            link_title: fields.filled("link_title"),
            context: fields.filled("context"),
            created_utc: fields.time_opt("created_utc").unwrap_or_default(),
            new: fields.flag("new"),
            was_comment,
        })
    }
}

/// One rule of a subreddit, in its moderators' words.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SubredditRule {
    /// What it is about: `all`, `link` or `comment`.
    pub kind: String,
    /// Its name.
    pub short_name: String,
    /// Its text.
    pub description: String,
    /// What a report under it says.
    pub violation_reason: String,
    /// Its place, 0 first.
    pub priority: i64,
}

impl SubredditRule {
    /// The rules in an answer, in their order; `None` when it is not such an answer.
    #[must_use]
    pub fn list(value: &Value) -> Option<Vec<Self>> {
        let mut rules: Vec<Self> = value
            .get("rules")?
            .as_array()?
            .iter()
            .map(|rule| {
                let fields = Fields(rule);
                Self {
                    kind: fields.text("kind"),
                    short_name: fields.text("short_name"),
                    description: fields.text("description"),
                    violation_reason: fields.text("violation_reason"),
                    priority: fields.int("priority"),
                }
            })
            .collect();
        rules.sort_by_key(|rule| rule.priority);
        Some(rules)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn messages_are_told_apart_by_type_and_before_that_by_subject() {
        let kind = |kind: &str, data: Value| Message::from_value(&json!({"kind": kind, "data": data})).unwrap().kind;
        assert_eq!(kind("t1", json!({"name": "t1_a", "type": "username_mention", "was_comment": true})), MessageKind::Mention);
        assert_eq!(kind("t1", json!({"name": "t1_a", "subject": "post reply", "was_comment": true})), MessageKind::PostReply);
        // The sender of a private message chooses its subject.
        assert_eq!(kind("t4", json!({"name": "t4_a", "subject": "comment reply"})), MessageKind::Private);
        assert_eq!(Message::from_value(&json!({"kind": "t4", "data": {}})), None);
    }
}
