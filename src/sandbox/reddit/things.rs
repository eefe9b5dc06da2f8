//! Things as JSON: the fields that clients read, in the shapes of the recorded answers.

use super::super::script::slug;
use super::super::world::{Access, Kind, Letter, Reason, SUBREDDITS, State, base36};
use crate::base::Millis;
use serde_json::{Value, json};

/// Somebody who looks at the world: what he sees depends on the time and on who he is.
pub struct Reader<'a> {
    /// The world.
    pub state: &'a State,
    /// The present.
    pub now: Millis,
    /// The account; `None` for app-only tokens.
    pub viewer: Option<&'a str>,
    /// `http://127.0.0.1:PORT`.
    pub base: &'a str,
}

/// Seconds with the `.0` that the service writes.
fn seconds(at: Millis) -> f64 {
    (at / 1000) as f64
}

/// Markdown as the service renders the simplest of it: escaped paragraphs.
fn html(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let paragraphs = escaped.split("\n\n").filter(|part| !part.trim().is_empty()).map(|part| format!("<p>{}</p>", part.trim()));
    format!("<div class=\"md\">{}\n</div>", paragraphs.collect::<Vec<_>>().join("\n\n"))
}

/// `t5_…` of a subreddit.
#[must_use]
pub fn subreddit_name(index: usize) -> String {
    format!("t5_{}", base36(7_300_000 + index as i64))
}

/// `t2_…` of a user.
#[must_use]
pub fn user_name(name: &str) -> String {
    let number = super::super::script::mix(0, &["user", &name.to_lowercase()]) % 60_000_000_000;
    format!("t2_{}", base36(i64::try_from(number).unwrap_or(1)))
}

/// An empty or filled listing.
#[must_use]
pub fn listing(children: Vec<Value>, after: Option<String>, before: Option<String>) -> Value {
    let dist = children.len();
    json!({"kind": "Listing", "data": {"after": after, "dist": dist, "modhash": null, "geo_filter": "", "children": children, "before": before}})
}

impl Reader<'_> {
    fn is_viewer(&self, name: &str) -> bool {
        self.viewer.is_some_and(|viewer| viewer.eq_ignore_ascii_case(name))
    }

    /// `/r/x/comments/id/slug/`.
    pub fn permalink(&self, post: usize) -> String {
        let stored = &self.state.posts[post];
        format!("/r/{}/comments/{}/{}/", SUBREDDITS[stored.subreddit].0, base36(stored.number), slug(&stored.title))
    }

    /// A post.
    pub fn post(&self, index: usize) -> Value {
        let post = &self.state.posts[index];
        let marks = post.marks;
        let own = self.is_viewer(&post.author);
        let hidden = marks.deleted || (marks.removed && !own);
        let permalink = self.permalink(index);
        let url = post.url.clone().unwrap_or_else(|| format!("{}{permalink}", self.base));
        let text = match (marks.deleted, hidden) {
            (true, _) if post.url.is_none() => "[deleted]",
            (false, true) if post.url.is_none() => "[removed]",
            _ if post.url.is_none() => post.text.as_str(),
            _ => "",
        };
        let domain = post.url.as_deref().map_or_else(|| format!("self.{}", SUBREDDITS[post.subreddit].0), domain_of);
        let removed_by = if marks.deleted { Some("deleted") } else { marks.removed.then_some("moderator") };
        let mut data = json!({
            "id": base36(post.number), "name": self.state.name(Kind::Post, index),
            "subreddit": SUBREDDITS[post.subreddit].0, "subreddit_id": subreddit_name(post.subreddit),
            "subreddit_name_prefixed": format!("r/{}", SUBREDDITS[post.subreddit].0), "subreddit_type": "public", "subreddit_subscribers": 1200,
            "author": if hidden { "[deleted]" } else { post.author.as_str() },
            "author_fullname": (!hidden).then(|| user_name(&post.author)), "author_flair_text": null, "author_is_blocked": false,
            "title": post.title, "selftext": text, "selftext_html": (!text.is_empty()).then(|| html(text)),
            "url": url, "domain": domain, "is_self": post.url.is_none(), "permalink": permalink,
            "created": seconds(post.created), "created_utc": seconds(post.created),
            "edited": post.edited.map_or(Value::Bool(false), |at| json!(seconds(at))),
            "score": post.score, "ups": post.score, "downs": 0, "upvote_ratio": 0.9, "likes": own.then_some(true),
            "num_comments": self.state.comment_count(index, self.now), "num_crossposts": 0, "num_reports": null,
        });
        let rest = json!({
            "link_flair_text": post.flair, "link_flair_css_class": null, "link_flair_template_id": null, "link_flair_richtext": [],
            "over_18": marks.nsfw, "spoiler": marks.spoiler, "locked": marks.locked, "archived": marks.archived, "stickied": false, "pinned": false,
            "hidden": false, "saved": false, "clicked": false, "quarantine": false, "contest_mode": false, "is_video": false, "is_meta": false,
            "is_original_content": false, "is_robot_indexable": !hidden, "hide_score": false, "distinguished": null, "suggested_sort": null,
            "removed_by_category": removed_by, "removed_by": null, "banned_by": null, "approved_by": null, "removal_reason": null,
            "mod_reports": [], "user_reports": [], "media": null, "secure_media": null, "media_embed": {}, "gilded": 0, "all_awardings": [],
            "thumbnail": if post.url.is_some() { "default" } else { "self" }, "view_count": null, "can_mod_post": false, "send_replies": own,
        });
        merge(&mut data, rest);
        json!({"kind": "t3", "data": data})
    }

    /// A comment with its `replies`: `""` or a listing.
    pub fn comment(&self, index: usize, replies: Value, depth: Option<usize>) -> Value {
        let comment = &self.state.comments[index];
        let post = &self.state.posts[comment.post];
        let own = self.is_viewer(&comment.author);
        let hidden = comment.marks.deleted || (comment.marks.removed && !own);
        let body = match (comment.marks.deleted, hidden) {
            (true, _) => "[deleted]",
            (false, true) => "[removed]",
            _ => comment.text.as_str(),
        };
        let link = self.state.name(Kind::Post, comment.post);
        let parent = comment.parent.map_or_else(|| link.clone(), |parent| self.state.name(Kind::Comment, parent));
        let mut data = json!({
            "id": base36(comment.number), "name": self.state.name(Kind::Comment, index), "link_id": link, "parent_id": parent,
            "subreddit": SUBREDDITS[post.subreddit].0, "subreddit_id": subreddit_name(post.subreddit),
            "subreddit_name_prefixed": format!("r/{}", SUBREDDITS[post.subreddit].0), "subreddit_type": "public",
            "author": if hidden { "[deleted]" } else { comment.author.as_str() },
            "author_fullname": (!hidden).then(|| user_name(&comment.author)), "author_flair_text": null,
            "body": body, "body_html": html(body), "permalink": format!("{}{}/", self.permalink(comment.post), base36(comment.number)),
            "created": seconds(comment.created), "created_utc": seconds(comment.created),
            "edited": comment.edited.map_or(Value::Bool(false), |at| json!(seconds(at))),
            "score": comment.score, "ups": comment.score, "downs": 0, "likes": own.then_some(true), "score_hidden": false, "controversiality": 0,
        });
        let rest = json!({
            "depth": depth, "replies": replies, "is_submitter": comment.author.eq_ignore_ascii_case(&post.author),
            "locked": comment.marks.locked, "archived": comment.marks.archived || post.marks.archived, "stickied": false, "saved": false, "collapsed": false,
            "collapsed_reason": null, "distinguished": null, "removal_reason": null, "banned_by": null, "approved_by": null, "num_reports": null,
            "mod_reports": [], "user_reports": [], "gilded": 0, "all_awardings": [], "no_follow": true, "send_replies": own, "can_mod_post": false,
        });
        merge(&mut data, rest);
        json!({"kind": "t1", "data": data})
    }

    /// A comment as it stands in listings outside its thread: with facts about the post.
    pub fn comment_alone(&self, index: usize) -> Value {
        let mut value = self.comment(index, json!(""), None);
        let comment = &self.state.comments[index];
        let post = &self.state.posts[comment.post];
        value["data"]["link_title"] = post.title.as_str().into();
        value["data"]["link_author"] = post.author.as_str().into();
        value["data"]["link_permalink"] = format!("{}{}", self.base, self.permalink(comment.post)).into();
        value["data"]["link_url"] = post.url.clone().unwrap_or_else(|| format!("{}{}", self.base, self.permalink(comment.post))).into();
        value["data"]["num_comments"] = self.state.comment_count(comment.post, self.now).into();
        value["data"]["over_18"] = post.marks.nsfw.into();
        value
    }

    /// Something in an inbox.
    pub fn letter(&self, letter: &Letter) -> Value {
        if letter.reason == Reason::Private {
            return self.message(letter.index, letter.unread);
        }
        let mut value = self.comment_alone(letter.index);
        let (subject, kind) = match letter.reason {
            Reason::CommentReply => ("comment reply", "comment_reply"),
            Reason::PostReply => ("post reply", "post_reply"),
            Reason::Mention | Reason::Private => ("username mention", "username_mention"),
        };
        let context = format!("{}?context=3", value["data"]["permalink"].as_str().unwrap_or_default());
        let fields = json!({
            "was_comment": true, "new": letter.unread, "subject": subject, "type": kind, "context": context,
            "dest": self.viewer, "first_message": null, "first_message_name": null,
        });
        merge(&mut value["data"], fields);
        value
    }

    /// A private message.
    pub fn message(&self, index: usize, unread: bool) -> Value {
        let message = &self.state.messages[index];
        json!({"kind": "t4", "data": {
            "id": base36(message.number), "name": self.state.name(Kind::Message, index), "author": message.author, "author_fullname": user_name(&message.author),
            "dest": message.to, "subject": message.subject, "body": message.text, "body_html": html(&message.text),
            "created": seconds(message.created), "created_utc": seconds(message.created), "new": unread, "was_comment": false, "type": "unknown",
            "context": "", "first_message": null, "first_message_name": null, "parent_id": null, "replies": "", "subreddit": null,
            "subreddit_name_prefixed": null, "distinguished": null, "likes": null, "score": 0, "num_comments": null, "associated_awarding_id": null,
        }})
    }

    /// A user, known or scripted; `None` for names nobody bears.
    pub fn user(&self, name: &str) -> Option<Value> {
        let account = self.state.account(name);
        let written = self.state.posts.iter().map(|post| &post.author).chain(self.state.comments.iter().map(|comment| &comment.author));
        let known =
            account.map(|account| &account.name).or_else(|| written.into_iter().find(|author| author.eq_ignore_ascii_case(name)))?;
        if account.is_some_and(|account| account.suspended) && !self.is_viewer(known) {
            return Some(json!({"kind": "t2", "data": {"name": known, "is_suspended": true, "awardee_karma": 0}}));
        }
        let id = user_name(known);
        let created = seconds(self.state.start - 400 * 24 * 3_600_000);
        Some(json!({"kind": "t2", "data": {
            "name": known, "id": id.trim_start_matches("t2_"), "created": created, "created_utc": created, "link_karma": 120, "comment_karma": 340,
            "total_karma": 460, "has_verified_email": true, "is_employee": false, "is_mod": false, "is_gold": false, "verified": true, "is_blocked": false,
            "hide_from_robots": false, "icon_img": "", "subreddit": {
                "display_name": format!("u_{known}"), "display_name_prefixed": format!("u/{known}"), "name": "t5_sbxu", "title": known,
                "public_description": "A user of the Quarterdeck sandbox.", "subreddit_type": "user", "url": format!("/user/{known}/"), "over_18": false,
            },
        }}))
    }

    /// The account of the token: `/api/v1/me`.
    pub fn me(&self, name: &str) -> Option<Value> {
        let mut value = self.user(name)?["data"].take();
        let account = self.state.account(name)?;
        let inbox = self
            .state
            .letters
            .iter()
            .filter(|letter| letter.owner.eq_ignore_ascii_case(name) && letter.unread && letter.created <= self.now)
            .count();
        let fields = json!({
            "is_suspended": account.suspended, "suspension_expiration_utc": null, "inbox_count": inbox, "has_mail": inbox > 0, "has_mod_mail": false,
            "over_18": false, "num_friends": 0, "features": {}, "in_beta": false, "oauth_client_id": "sandbox", "sandbox": true,
        });
        merge(&mut value, fields);
        Some(value)
    }

    /// `/r/x/about`.
    pub fn subreddit(&self, index: usize) -> Value {
        let (name, title, access) = SUBREDDITS[index];
        let description = format!("{title}. A subreddit of the Quarterdeck sandbox: everything in it is made up.");
        let kind = if access == Access::Restricted { "restricted" } else { "public" };
        let submission = match access {
            Access::LinksOnly => "link",
            Access::Strict => "self",
            _ => "any",
        };
        let created = seconds(self.state.start - 900 * 24 * 3_600_000);
        json!({"kind": "t5", "data": {
            "id": subreddit_name(index).trim_start_matches("t5_"), "name": subreddit_name(index), "display_name": name, "display_name_prefixed": format!("r/{name}"),
            "title": title, "public_description": description, "description": description, "description_html": html(&description), "url": format!("/r/{name}/"),
            "subscribers": 1200, "accounts_active": 12, "created": created, "created_utc": created, "over18": false, "lang": "en", "subreddit_type": kind,
            "submission_type": submission, "quarantine": access == Access::Quarantined, "restrict_posting": access == Access::Restricted,
            "restrict_commenting": false, "link_flair_enabled": true, "allow_images": false, "allow_videos": false, "spoilers_enabled": true,
            "user_is_banned": false, "user_is_muted": false, "user_is_moderator": false, "user_is_contributor": false, "user_is_subscriber": true,
            "comment_score_hide_mins": 0, "wiki_enabled": false, "submit_text": "", "header_title": null, "icon_img": "",
        }})
    }
}

/// Put the fields of one object into another.
fn merge(target: &mut Value, fields: Value) {
    if let (Value::Object(target), Value::Object(fields)) = (target, fields) {
        target.extend(fields);
    }
}

fn domain_of(url: &str) -> String {
    url.split_once("://").map_or(url, |(_, rest)| rest).split(['/', '?', '#']).next().unwrap_or_default().to_owned()
}
