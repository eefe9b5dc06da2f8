//! Everything that is written: submissions, comments, edits, deletions, read marks; refusals in the order of the real service.

use super::super::exchange::{Answer, Request};
use super::super::world::{Access, Kind, Marks, Post, SUBREDDITS, State, subreddit};
use super::limits::sentence;
use super::things::Reader;
use super::{Call, Reddit};
use crate::base::Millis;
use axum::http::StatusCode;
use serde_json::{Value, json};

/// A refusal inside a 200 answer: code, text, field.
type Refusal = (&'static str, String, Option<&'static str>);

/// Why a write did not happen.
enum No {
    /// Entries of `json.errors`.
    Errors(Vec<Refusal>),
    /// `RATELIMIT`, with the seconds to wait.
    TooFast(f64),
    /// A plain HTTP refusal.
    Status(StatusCode),
    /// A requirement of the subreddit, sent as HTTP 400 when `validate_on_submit` was asked for.
    Requirement(Refusal),
}

impl From<Refusal> for No {
    fn from(refusal: Refusal) -> Self {
        Self::Errors(vec![refusal])
    }
}

fn no(code: &'static str, text: &str, field: &'static str) -> No {
    No::Errors(vec![(code, text.to_owned(), Some(field))])
}

impl Reddit {
    /// Answer a POST.
    pub(super) fn write(&self, call: &Call<'_>) -> Answer {
        let request = call.request;
        if request.path == "/api/morechildren" {
            return self.read(call);
        }
        let Some(account) = call.grant.account.as_deref() else {
            return outcome(request, Err(("USER_REQUIRED", "Please log in to do that.".to_owned(), None).into()));
        };
        let suspended = self.world.lock().account(account).is_none_or(|account| account.suspended);
        if suspended {
            return Answer::refused(403);
        }
        match request.path.as_str() {
            "/api/submit" => outcome(request, self.submit(call, account)),
            "/api/comment" => outcome(request, self.comment(call, account)),
            "/api/editusertext" => outcome(request, self.edit(call, account)),
            "/api/del" => {
                self.delete(call, account);
                Answer::json(json!({}))
            }
            "/api/read_message" => self.mark(call, account, false),
            "/api/unread_message" => self.mark(call, account, true),
            "/api/read_all_messages" => {
                self.world
                    .lock()
                    .letters
                    .iter_mut()
                    .filter(|letter| letter.owner.eq_ignore_ascii_case(account))
                    .for_each(|letter| letter.unread = false);
                Answer::status(202, json!({}))
            }
            _ => Answer::refused(404),
        }
    }

    /// Whether the account must wait before a write of this kind.
    fn pace(&self, account: &str, kind: &'static str, now: Millis) -> Result<(), No> {
        self.desk().limits.wait(account, kind, now).map_or(Ok(()), |seconds| Err(No::TooFast(seconds)))
    }

    fn submit(&self, call: &Call<'_>, account: &str) -> Result<Value, No> {
        let request = call.request;
        // The server collapses white space in titles; whoever looks for a lost post has to know.
        let title = request.field("title").split_whitespace().collect::<Vec<_>>().join(" ");
        let (text, url, kind) = (request.field("text"), request.field("url").trim(), request.field("kind"));
        let mut errors: Vec<Refusal> = Vec::new();
        let mut add = |code, text: &str, field| errors.push((code, text.to_owned(), Some(field)));
        if title.is_empty() {
            add("NO_TEXT", "we need something here", "title");
        }
        if title.chars().count() > 300 {
            add("TOO_LONG", "this is too long (max: 300)", "title");
        }
        match kind {
            "self" if text.chars().count() > 40_000 => add("TOO_LONG", "this is too long (max: 40000)", "text"),
            "link" if url.is_empty() => add("NO_URL", "a url is required", "url"),
            "link" if !is_link(url) => add("BAD_URL", "you should check that url", "url"),
            "self" | "link" => {}
            _ => add("INVALID_OPTION", "that option is not valid", "kind"),
        }
        let place = subreddit(request.field("sr"));
        match place.map(|index| SUBREDDITS[index].2) {
            None if request.field("sr").is_empty() => add("SUBREDDIT_REQUIRED", "you must specify a subreddit", "sr"),
            None => add("SUBREDDIT_NOEXIST", "that subreddit doesn't exist", "sr"),
            Some(Access::Restricted | Access::Private | Access::Quarantined) => {
                add("SUBREDDIT_NOTALLOWED", "you aren't allowed to post there.", "sr");
            }
            Some(Access::LinksOnly) if kind == "self" => add("NO_SELFS", "that subreddit doesn't allow text posts", "sr"),
            Some(Access::Strict) if kind == "link" && url.contains("//blocked.example") => {
                add("DOMAIN_BANNED", "blocked.example is not allowed here", "url");
            }
            Some(Access::Strict) if kind == "link" => add("NO_LINKS", "that subreddit only allows text posts", "sr"),
            _ => {}
        }
        let place = match place {
            Some(place) if errors.is_empty() => place,
            _ => return Err(No::Errors(errors)),
        };
        requirements(place, &title, text)?;
        let mut state = self.world.lock();
        if kind == "link" && !request.switch("resubmit") && state.has_link(place, url, call.now) {
            return Err(no("ALREADY_SUB", "that link has already been submitted", "url"));
        }
        self.pace(account, "submit", call.now)?;
        self.desk().limits.wrote(account, "submit", call.now);
        let created = call.now.saturating_add(request.delay);
        let index = state.add_post(Post {
            number: 0,
            subreddit: place,
            author: account.to_owned(),
            title,
            text: if kind == "self" { text.to_owned() } else { String::new() },
            url: (kind == "link").then(|| url.to_owned()),
            flair: Some(request.field("flair_text").to_owned()).filter(|flair| !flair.is_empty()),
            created,
            edited: None,
            score: 1,
            marks: Marks { nsfw: request.switch("nsfw"), spoiler: request.switch("spoiler"), ..Marks::default() },
            comments: Vec::new(),
        });
        state.provoke(index, None, account, created);
        let reader = reader(&state, call);
        let (name, permalink) = (state.name(Kind::Post, index), reader.permalink(index));
        Ok(json!({"url": format!("{}{permalink}", request.base), "drafts_count": 0, "id": name.trim_start_matches("t3_"), "name": name}))
    }

    fn comment(&self, call: &Call<'_>, account: &str) -> Result<Value, No> {
        let request = call.request;
        let text = request.field("text");
        let mut state = self.world.lock();
        let (post, parent) = match state.find(request.field("thing_id"), call.now) {
            Some((Kind::Post, post)) => (post, None),
            Some((Kind::Comment, comment)) => (state.comments[comment].post, Some(comment)),
            Some((Kind::Message, message)) => return self.answer_message(call, &mut state, account, message),
            None => return Err(No::Status(StatusCode::FORBIDDEN)),
        };
        let above = parent.map_or_else(|| state.posts[post].author.to_lowercase(), |parent| state.comments[parent].author.to_lowercase());
        if state.account(account).is_some_and(|account| account.blocked.contains(&above)) {
            return Err(no("USER_BLOCKED", "you can't send to a user that you have blocked", "parent"));
        }
        let top = state.posts[post].marks;
        let direct = parent.map(|parent| state.comments[parent].marks);
        match direct {
            Some(marks) if marks.deleted || marks.removed => return Err(no("DELETED_COMMENT", "that comment has been deleted", "parent")),
            None if top.deleted || top.removed => {
                return Err(no("DELETED_LINK", "the link you are commenting on has been deleted", "parent"));
            }
            _ => {}
        }
        if top.archived || direct.is_some_and(|marks| marks.archived) {
            return Err(no("TOO_OLD", "that's a piece of history now; it's too late to reply to it", "parent"));
        }
        if top.locked || direct.is_some_and(|marks| marks.locked) {
            return Err(no("THREAD_LOCKED", "Comments are locked.", "parent"));
        }
        check_text(text, 10_000)?;
        if matches!(SUBREDDITS[state.posts[post].subreddit].2, Access::Private) {
            return Err(No::Status(StatusCode::FORBIDDEN));
        }
        self.pace(account, "comment", call.now)?;
        self.desk().limits.wrote(account, "comment", call.now);
        let created = call.now.saturating_add(request.delay);
        let index = state.add_comment(post, parent, account, text, created);
        state.provoke(post, Some(index), account, created);
        Ok(json!({"things": [reader(&state, call).comment(index, json!(""), None)]}))
    }

    fn answer_message(&self, call: &Call<'_>, state: &mut State, account: &str, message: usize) -> Result<Value, No> {
        check_text(call.request.field("text"), 10_000)?;
        let (to, subject) = (state.messages[message].author.clone(), format!("re: {}", state.messages[message].subject));
        self.pace(account, "comment", call.now)?;
        let index = state.add_message(account, &to, &subject, call.request.field("text"), call.now.saturating_add(call.request.delay));
        Ok(json!({"things": [reader(state, call).message(index, false)]}))
    }

    fn edit(&self, call: &Call<'_>, account: &str) -> Result<Value, No> {
        let text = call.request.field("text");
        let mut state = self.world.lock();
        let edited = Some(call.now);
        match state.find(call.request.field("thing_id"), call.now) {
            Some((Kind::Post, index)) => {
                let post = &mut state.posts[index];
                if !post.author.eq_ignore_ascii_case(account) || post.marks.deleted {
                    return Err(no("NOT_AUTHOR", "you can't do that", "thing_id"));
                }
                if post.url.is_some() {
                    return Err(No::Status(StatusCode::FORBIDDEN));
                }
                check_text(text, 40_000)?;
                (post.text, post.edited) = (text.to_owned(), edited);
                Ok(json!({"things": [reader(&state, call).post(index)]}))
            }
            Some((Kind::Comment, index)) => {
                let comment = &mut state.comments[index];
                if !comment.author.eq_ignore_ascii_case(account) || comment.marks.deleted {
                    return Err(no("NOT_AUTHOR", "you can't do that", "thing_id"));
                }
                check_text(text, 10_000)?;
                (comment.text, comment.edited) = (text.to_owned(), edited);
                Ok(json!({"things": [reader(&state, call).comment(index, json!(""), None)]}))
            }
            _ => Err(No::Status(StatusCode::FORBIDDEN)),
        }
    }

    /// Delete a thing of one's own. The answer is the same when nothing was deleted.
    fn delete(&self, call: &Call<'_>, account: &str) {
        let mut state = self.world.lock();
        match state.find(call.request.field("id"), call.now) {
            Some((Kind::Post, index)) if state.posts[index].author.eq_ignore_ascii_case(account) => state.posts[index].marks.deleted = true,
            Some((Kind::Comment, index)) if state.comments[index].author.eq_ignore_ascii_case(account) => {
                state.comments[index].marks.deleted = true
            }
            _ => {}
        }
    }

    fn mark(&self, call: &Call<'_>, account: &str, unread: bool) -> Answer {
        let ids: Vec<&str> = call.request.field("id").split(',').map(str::trim).filter(|id| !id.is_empty()).collect();
        if ids.is_empty() || ids.len() > 25 {
            return Answer::refused(400);
        }
        let mut guard = self.world.lock();
        let state = &mut *guard;
        let found: Vec<(Kind, usize)> = ids.iter().filter_map(|id| state.find(id, call.now)).collect();
        for letter in state.letters.iter_mut().filter(|letter| letter.owner.eq_ignore_ascii_case(account)) {
            let kind = if letter.reason == super::super::world::Reason::Private { Kind::Message } else { Kind::Comment };
            if found.contains(&(kind, letter.index)) {
                letter.unread = unread;
            }
        }
        Answer::json(json!({}))
    }
}

impl State {
    /// Whether a link already stands in a subreddit, visible to its readers.
    fn has_link(&self, subreddit: usize, url: &str, now: Millis) -> bool {
        let same = |post: &Post| post.subreddit == subreddit && post.url.as_deref() == Some(url);
        self.posts.iter().any(|post| same(post) && post.created <= now && !post.marks.deleted)
    }
}

fn reader<'a>(state: &'a State, call: &'a Call<'_>) -> Reader<'a> {
    // A thing that commits late is rendered for its author as it will be.
    Reader { state, now: call.now.saturating_add(call.request.delay), viewer: call.grant.account.as_deref(), base: &call.request.base }
}

fn check_text(text: &str, longest: usize) -> Result<(), No> {
    if text.trim().is_empty() {
        return Err(no("NO_TEXT", "we need something here", "text"));
    }
    if text.chars().count() > longest {
        return Err(no("TOO_LONG", &format!("this is too long (max: {longest})"), "text"));
    }
    Ok(())
}

fn is_link(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| rest.len() > 3 && rest.contains('.') && !rest.contains(char::is_whitespace))
}

/// The requirements that `/api/v1/x/post_requirements` lists.
fn requirements(place: usize, title: &str, text: &str) -> Result<(), No> {
    if SUBREDDITS[place].2 != Access::Strict {
        return Ok(());
    }
    let refuse = |code, text: String, field| Err(No::Requirement((code, text, Some(field))));
    let length = title.chars().count();
    if length < 10 {
        return refuse("SUBMIT_VALIDATION_MIN_LENGTH", "The title must be at least 10 characters.".into(), "title");
    }
    if length > 120 {
        return refuse("SUBMIT_VALIDATION_MAX_LENGTH", "The title must be at most 120 characters.".into(), "title");
    }
    if title.to_lowercase().contains("urgent") {
        return refuse("SUBMIT_VALIDATION_TITLE_BLACKLISTED_STRING", "You may not have \"urgent\" in your title.".into(), "title");
    }
    if text.trim().is_empty() {
        return refuse("SUBMIT_VALIDATION_BODY_REQUIRED", "Body text is required.".into(), "body");
    }
    if text.chars().count() < 20 {
        return refuse("SUBMIT_VALIDATION_MIN_LENGTH", "The body must be at least 20 characters.".into(), "body");
    }
    if text.to_lowercase().contains("urgent") {
        return refuse("SUBMIT_VALIDATION_BODY_BLACKLISTED_STRING", "You may not have \"urgent\" in your post.".into(), "body");
    }
    Ok(())
}

/// The answer for what came out, in the form that the client asked for.
fn outcome(request: &Request, result: Result<Value, No>) -> Answer {
    let (errors, seconds) = match result {
        Ok(data) if request.field("api_type") == "json" => return Answer::json(json!({"json": {"errors": [], "data": data}})),
        Ok(data) => return Answer::json(jquery(&[], data["url"].as_str())),
        Err(No::Status(status)) => return Answer::refused(status.as_u16()),
        Err(No::Requirement((code, text, field))) if request.switch("validate_on_submit") => {
            let fields: Vec<&str> = field.into_iter().collect();
            return Answer::status(
                400,
                json!({"fields": fields, "explanation": text, "error_type": "SUBMIT_VALIDATION_ERROR", "message": "Bad Request", "reason": code}),
            );
        }
        Err(No::Requirement(refusal)) => (vec![refusal], None),
        Err(No::Errors(errors)) => (errors, None),
        Err(No::TooFast(seconds)) => (vec![("RATELIMIT", sentence(seconds), Some("ratelimit"))], Some(seconds)),
    };
    if request.field("api_type") != "json" {
        return Answer::json(jquery(&errors, None));
    }
    let triples: Vec<Value> = errors.iter().map(|(code, text, field)| json!([code, text, field])).collect();
    let mut body = json!({"json": {"errors": triples}});
    if let Some(seconds) = seconds {
        body["json"]["ratelimit"] = seconds.into();
    }
    Answer::json(body)
}

/// A `RATELIMIT` refusal as a fault orders it.
#[must_use]
pub fn rate_limited(seconds: u32) -> Answer {
    let seconds = f64::from(seconds);
    Answer::json(json!({"json": {"ratelimit": seconds, "errors": [["RATELIMIT", sentence(seconds), "ratelimit"]]}}))
}

/// The list of page operations that answers a write without `api_type=json`.
fn jquery(errors: &[Refusal], redirect: Option<&str>) -> Value {
    let mut operations = vec![json!([0, 1, "call", ["body"]]), json!([1, 2, "attr", "find"])];
    for (code, text, field) in errors {
        let at = operations.len() as i64;
        let selector = format!(".error.{code}.field-{}", field.unwrap_or("none"));
        operations.push(json!([1, at + 1, "call", [selector]]));
        operations.push(json!([at + 1, at + 2, "attr", "text"]));
        operations.push(json!([at + 2, at + 3, "call", [text]]));
    }
    if let Some(url) = redirect {
        let at = operations.len() as i64;
        operations.push(json!([1, at + 1, "attr", "redirect"]));
        operations.push(json!([at + 1, at + 2, "call", [url]]));
    }
    json!({"jquery": operations, "success": errors.is_empty()})
}
