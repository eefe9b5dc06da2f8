//! What we send, and Reddit's limits on it, checked before it is sent.

use super::names;
use super::outcome::WriteOutcome;
use super::refusals::{Reason, refusal};

/// A new post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// Subreddit, without `r/`.
    pub subreddit: String,
    /// Title, 1 to 300 characters.
    pub title: String,
    /// Text or link.
    pub body: SubmissionBody,
    /// Id of the flair template.
    pub flair_id: Option<String>,
    /// Text of the flair, where the template lets it be written.
    pub flair_text: Option<String>,
    /// Whether it is marked for adults.
    pub nsfw: bool,
    /// Whether it gives something away.
    pub spoiler: bool,
    /// Whether replies come to the inbox.
    pub send_replies: bool,
}

/// What a post holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubmissionBody {
    /// Text, at most 40,000 characters; may be empty.
    SelfText(String),
    /// A link.
    Link(String),
}

impl Submission {
    /// A post of text.
    #[must_use]
    pub fn text(subreddit: impl Into<String>, title: impl Into<String>, text: impl Into<String>) -> Self {
        Self::with(subreddit.into(), title.into(), SubmissionBody::SelfText(text.into()))
    }

    /// A post of a link.
    #[must_use]
    pub fn link(subreddit: impl Into<String>, title: impl Into<String>, url: impl Into<String>) -> Self {
        Self::with(subreddit.into(), title.into(), SubmissionBody::Link(url.into()))
    }

    fn with(subreddit: String, title: String, body: SubmissionBody) -> Self {
        Self { subreddit, title, body, flair_id: None, flair_text: None, nsfw: false, spoiler: false, send_replies: true }
    }

    /// What Reddit's own limits say against it, in the form in which Reddit would refuse it; `None` when nothing does.
    #[must_use]
    pub fn refused_here(&self) -> Option<WriteOutcome> {
        let mut reasons = Vec::new();
        if names::subreddit("submit", &self.subreddit).is_err() {
            reasons.push(Reason::new("SUBREDDIT_NOEXIST", "that is not the name of a subreddit", Some("sr")));
        }
        // The server counts the title as it keeps it.
        match names::kept_title(&self.title).chars().count() {
            0 => reasons.push(Reason::new("NO_TEXT", "a post needs a title", Some("title"))),
            count if count > *names::TITLE.end() => reasons.push(too_long("title", count, *names::TITLE.end())),
            _ => {}
        }
        match &self.body {
            SubmissionBody::SelfText(text) => match text.chars().count() {
                count if count > names::BODY_MOST => reasons.push(too_long("text", count, names::BODY_MOST)),
                _ => {}
            },
            SubmissionBody::Link(url) if url.trim().is_empty() => {
                reasons.push(Reason::new("NO_URL", "a link post needs a link", Some("url")))
            }
            SubmissionBody::Link(url) => {
                let is_web = reqwest::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
                if !is_web {
                    reasons.push(Reason::new("BAD_URL", "the link is not a full http or https address", Some("url")));
                }
            }
        }
        refusal(&reasons, None)
    }

    /// The fields of the form, sorted.
    #[must_use]
    pub fn form(&self) -> Vec<(&'static str, String)> {
        let mut form = vec![
            ("api_type", "json".to_owned()),
            ("nsfw", self.nsfw.to_string()),
            ("sendreplies", self.send_replies.to_string()),
            ("spoiler", self.spoiler.to_string()),
            ("sr", self.subreddit.clone()),
            ("title", self.title.clone()),
            ("validate_on_submit", "true".to_owned()),
        ];
        match &self.body {
            SubmissionBody::SelfText(text) => form.extend([("kind", "self".to_owned()), ("text", text.clone())]),
            SubmissionBody::Link(url) => {
                // Reddit's only guard against doubles: a link that is there already is refused with ALREADY_SUB.
                form.extend([("kind", "link".to_owned()), ("resubmit", "false".to_owned()), ("url", url.clone())]);
            }
        }
        form.extend(self.flair_id.clone().map(|id| ("flair_id", id)));
        form.extend(self.flair_text.clone().map(|text| ("flair_text", text)));
        form.sort_unstable();
        form
    }
}

/// What Reddit's limits say against a reply; `None` when nothing does.
#[must_use]
pub fn reply_refused_here(parent: &str, text: &str) -> Option<WriteOutcome> {
    let mut reasons = Vec::new();
    if !names::is_fullname(parent, "t1") && !names::is_fullname(parent, "t3") {
        reasons.push(Reason::new("BAD_PARENT", "the parent is not a fullname t1_… or t3_…", Some("parent")));
    }
    reasons.extend(text_reason(text, *names::REPLY.end()));
    refusal(&reasons, None)
}

/// What Reddit's limits say against a new text for something of ours; `None` when nothing does.
#[must_use]
pub fn edit_refused_here(fullname: &str, text: &str) -> Option<WriteOutcome> {
    let most = if fullname.starts_with("t3_") { names::BODY_MOST } else { *names::REPLY.end() };
    let mut reasons = Vec::from_iter(bad_target(fullname));
    reasons.extend(text_reason(text, most));
    refusal(&reasons, None)
}

/// What speaks against deleting this; `None` when nothing does.
#[must_use]
pub fn delete_refused_here(fullname: &str) -> Option<WriteOutcome> {
    refusal(&Vec::from_iter(bad_target(fullname)), None)
}

fn bad_target(fullname: &str) -> Option<Reason> {
    let fits = names::is_fullname(fullname, "t1") || names::is_fullname(fullname, "t3");
    (!fits).then(|| Reason::new("BAD_TARGET", "what is changed is not a fullname t1_… or t3_…", Some("thing_id")))
}

fn text_reason(text: &str, most: usize) -> Option<Reason> {
    match text.chars().count() {
        _ if text.trim().is_empty() => Some(Reason::new("NO_TEXT", "there is no text", Some("text"))),
        count if count > most => Some(too_long("text", count, most)),
        _ => None,
    }
}

fn too_long(field: &str, count: usize, most: usize) -> Reason {
    Reason::new("TOO_LONG", &format!("{field} has {count} characters, {most} are allowed"), Some(field))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reddit::outcome::{Field, RefusalClass};

    fn class(outcome: Option<WriteOutcome>) -> Option<RefusalClass> {
        outcome.map(|outcome| match outcome {
            WriteOutcome::Refused { class, .. } => class,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn limits_count_characters_and_name_the_field() {
        let title = |title: String| class(Submission::text("test", title, "").refused_here());
        assert_eq!(title("é".repeat(300)), None);
        assert_eq!(title("é".repeat(301)), Some(RefusalClass::BackToPending(Field::Title)));
        assert_eq!(title(" \n ".to_owned()), Some(RefusalClass::BackToPending(Field::Title)));
        let body = |length| class(Submission::text("test", "t", "x".repeat(length)).refused_here());
        assert_eq!((body(40_000), body(40_001)), (None, Some(RefusalClass::BackToPending(Field::Body))));
        let reply = |length| class(reply_refused_here("t1_a", &"x".repeat(length)));
        assert_eq!((reply(10_000), reply(10_001), reply(0)), (None, Some(RefusalClass::BackToPending(Field::Body)), reply(10_001)));
        assert_eq!(class(reply_refused_here("t5_a", "hello")), Some(RefusalClass::Refused));
        assert_eq!(
            class(Submission::link("test", "t", "javascript:alert(1)").refused_here()),
            Some(RefusalClass::BackToPending(Field::Url))
        );
        assert_eq!(class(delete_refused_here("t4_a")), Some(RefusalClass::Refused));
    }

    #[test]
    fn a_link_is_never_submitted_again() {
        let form = Submission::link("test", "t", "https://example.org/").form();
        assert!(form.contains(&("resubmit", "false".to_owned())));
        assert!(form.is_sorted());
    }
}
