//! Everything that is read, and how it is paged: subreddits, things by id, inboxes, histories.

use super::super::exchange::{Answer, Request};
use super::super::world::{Kind, Letter, Reason, SUBREDDITS, subreddit};
use super::places::{gate, requirements, rules, with_subreddit};
use super::search::span;
use super::things::{Reader, listing, subreddit_name};
use super::{Call, Reddit};
use crate::base::Millis;
use serde_json::{Value, json};

/// No listing reaches further.
const LISTING_END: usize = 1000;

/// One line of a listing before it is rendered.
#[derive(Debug, Clone, Copy)]
pub(super) enum Line {
    Post(usize),
    Comment(usize),
    Letter(usize),
}

impl Reddit {
    /// Answer a GET.
    pub(super) fn read(&self, call: &Call<'_>) -> Answer {
        let state = self.world.lock();
        let reader = Reader { state: &state, now: call.now, viewer: call.grant.account.as_deref(), base: &call.request.base };
        reader.read(call.request)
    }
}

impl Reader<'_> {
    fn read(&self, request: &Request) -> Answer {
        match request.segments().as_slice() {
            ["api", "v1", "me"] => self.viewer.and_then(|name| self.me(name)).map_or_else(|| Answer::refused(403), Answer::json),
            ["api", "v1", name, "post_requirements"] => with_subreddit(name, |index| Answer::json(requirements(index))),
            ["api", "info"] => self.info(request),
            ["api", "morechildren"] => self.more_children(request),
            ["r", names, sort @ ("new" | "hot" | "top" | "rising")] => self.subreddit_posts(request, names, sort),
            ["r", names] => self.subreddit_posts(request, names, "hot"),
            ["new" | "hot" | "top"] => self.subreddit_posts(request, "all", "new"),
            ["r", names, "comments"] => self.subreddit_comments(request, names),
            ["r", names, "search"] => self.search(request, Some(names)),
            ["search"] => self.search(request, None),
            ["r", _, "comments", id, rest @ ..] | ["comments", id, rest @ ..] => self.thread(request, id, rest),
            ["r", name, "about"] => with_subreddit(name, |index| Answer::json(self.subreddit(index))),
            ["r", name, "about", "rules"] => with_subreddit(name, |index| Answer::json(rules(index))),
            ["message", folder] => self.inbox(request, folder),
            ["user" | "u", name, "about"] => self.user(name).map_or_else(|| Answer::refused(404), Answer::json),
            ["user" | "u", name, rest @ ..] => self.history(request, name, rest.first().copied().unwrap_or("overview")),
            _ => Answer::refused(404),
        }
    }

    fn render(&self, line: Line) -> Value {
        match line {
            Line::Post(index) => self.post(index),
            Line::Comment(index) => self.comment_alone(index),
            Line::Letter(index) => self.letter(&self.state.letters[index]),
        }
    }

    fn line_name(&self, line: Line) -> String {
        match line {
            Line::Post(index) => self.state.name(Kind::Post, index),
            Line::Comment(index) => self.state.name(Kind::Comment, index),
            Line::Letter(index) => {
                let letter = &self.state.letters[index];
                self.state.name(if letter.reason == Reason::Private { Kind::Message } else { Kind::Comment }, letter.index)
            }
        }
    }

    fn line_created(&self, line: Line) -> Millis {
        match line {
            Line::Post(index) => self.state.posts[index].created,
            Line::Comment(index) => self.state.comments[index].created,
            Line::Letter(index) => self.state.letters[index].created,
        }
    }

    /// One page of `lines`. An anchor that does not stand in the listing any more gives an empty page for `before`, for ever, as recorded;
    /// for `after` the page goes on with what is older than the anchor.
    pub(super) fn page(&self, request: &Request, lines: &[Line]) -> Answer {
        let limit = request.param("limit").parse().map_or(25, |limit: usize| limit.clamp(1, 100));
        let lines = &lines[..lines.len().min(LISTING_END)];
        let position = |name: &str| lines.iter().position(|line| self.line_name(*line) == name);
        let (before, after) = (request.param("before"), request.param("after"));
        let (first, last) = if !after.is_empty() {
            let first = position(after).map(|at| at + 1).or_else(|| {
                let (kind, index) = self.state.find(after, self.now)?;
                let line = if kind == Kind::Post { Line::Post(index) } else { Line::Comment(index) };
                let created = (kind != Kind::Message).then(|| self.line_created(line))?;
                lines.iter().position(|line| self.line_created(*line) < created)
            });
            let first = first.unwrap_or(lines.len());
            (first, (first + limit).min(lines.len()))
        } else if !before.is_empty() {
            let last = position(before).unwrap_or(0);
            (last.saturating_sub(limit), last)
        } else {
            (0, limit.min(lines.len()))
        };
        let children = lines[first..last].iter().map(|line| self.render(*line)).collect();
        let next = (last < lines.len() && last > first && before.is_empty()).then(|| self.line_name(lines[last - 1]));
        let previous = (first > 0 && last > first).then(|| self.line_name(lines[first]));
        Answer::json(listing(children, next, previous))
    }

    /// The posts that everybody can see, newest first, out of the subreddits in `wanted` (`None`: all).
    pub(super) fn visible_posts(&self, wanted: Option<&[usize]>) -> Vec<usize> {
        let state = self.state;
        let seen = |index: &usize| {
            let post = &state.posts[*index];
            let own = self.viewer.is_some_and(|viewer| viewer.eq_ignore_ascii_case(&post.author));
            !post.marks.deleted && (!post.marks.removed || own) && wanted.is_none_or(|wanted| wanted.contains(&post.subreddit))
        };
        state.post_order.range(..=(self.now, i64::MAX, usize::MAX)).rev().map(|(_, _, index)| *index).filter(seen).collect()
    }

    /// The subreddits of `a+b+c`; `None` means all of them. Unknown names among several are passed over.
    pub(super) fn several(names: &str) -> Result<Option<Vec<usize>>, Answer> {
        if matches!(names, "all" | "popular" | "mod") {
            return Ok(None);
        }
        let found: Vec<usize> = names.split('+').filter_map(subreddit).collect();
        match found.as_slice() {
            [] => Err(Answer::refused(404)),
            [only] => gate(*only).map_or(Ok(Some(found.clone())), Err),
            _ => Ok(Some(found.into_iter().filter(|index| gate(*index).is_none()).collect())),
        }
    }

    fn subreddit_posts(&self, request: &Request, names: &str, sort: &str) -> Answer {
        let wanted = match Self::several(names) {
            Ok(wanted) => wanted,
            Err(answer) => return answer,
        };
        let mut posts = self.visible_posts(wanted.as_deref());
        if sort == "hot" || sort == "rising" {
            // Twelve and a half hours are worth a factor of ten in score, as in the published formula.
            let heat = |index: &usize| {
                let post = &self.state.posts[*index];
                (post.score.max(1) as f64).log10() + post.created as f64 / 45_000_000.0
            };
            posts.sort_by(|left, right| heat(right).total_cmp(&heat(left)));
        } else if sort == "top" {
            let oldest = self.now.saturating_sub(span(request.param("t"), "day"));
            posts.retain(|index| self.state.posts[*index].created >= oldest);
            posts.sort_by_key(|index| std::cmp::Reverse(self.state.posts[*index].score));
        }
        self.page(request, &posts.into_iter().map(Line::Post).collect::<Vec<_>>())
    }

    fn subreddit_comments(&self, request: &Request, names: &str) -> Answer {
        let wanted = match Self::several(names) {
            Ok(wanted) => wanted,
            Err(answer) => return answer,
        };
        let inside = |index: &usize| {
            let comment = &self.state.comments[*index];
            let at = self.state.posts[comment.post].subreddit;
            !comment.marks.deleted && !comment.marks.removed && wanted.as_ref().is_none_or(|wanted| wanted.contains(&at))
        };
        let lines: Vec<Line> = self.comments_newest_first().filter(inside).map(Line::Comment).collect();
        self.page(request, &lines)
    }

    pub(super) fn comments_newest_first(&self) -> impl Iterator<Item = usize> {
        self.state.comment_order.range(..=(self.now, i64::MAX, usize::MAX)).rev().map(|(_, _, index)| *index)
    }

    fn info(&self, request: &Request) -> Answer {
        let children: Vec<Value> = if !request.param("id").is_empty() {
            let names: Vec<&str> = request.param("id").split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
            if names.len() > 100 {
                return Answer::refused(413);
            }
            names.into_iter().filter_map(|name| self.thing(name)).collect()
        } else if !request.param("url").is_empty() {
            let url = request.param("url");
            let same = |index: &usize| self.state.posts[*index].url.as_deref() == Some(url);
            self.visible_posts(None).into_iter().filter(same).map(|index| self.post(index)).collect()
        } else {
            request.param("sr_name").split(',').filter_map(subreddit).map(|index| self.subreddit(index)).collect()
        };
        Answer::json(listing(children, None, None))
    }

    fn thing(&self, name: &str) -> Option<Value> {
        if name.starts_with("t5_") {
            return (0..SUBREDDITS.len()).find(|index| subreddit_name(*index) == name).map(|index| self.subreddit(index));
        }
        match self.state.find(name, self.now)? {
            (Kind::Post, index) => Some(self.post(index)),
            (Kind::Comment, index) => Some(self.comment(index, json!(""), None)),
            (Kind::Message, _) => None,
        }
    }

    fn inbox(&self, request: &Request, folder: &str) -> Answer {
        let Some(viewer) = self.viewer.map(str::to_lowercase) else { return Answer::refused(403) };
        let state = self.state;
        if folder == "sent" {
            let sent = (0..state.messages.len()).rev().filter(|index| state.messages[*index].author.eq_ignore_ascii_case(&viewer));
            return Answer::json(listing(sent.map(|index| self.message(index, false)).collect(), None, None));
        }
        let wanted = |letter: &Letter| match folder {
            "inbox" => true,
            "unread" => letter.unread,
            "mentions" => letter.reason == Reason::Mention,
            "comments" => letter.reason == Reason::CommentReply,
            "selfreply" => letter.reason == Reason::PostReply,
            "messages" => letter.reason == Reason::Private,
            _ => false,
        };
        if !matches!(folder, "inbox" | "unread" | "mentions" | "comments" | "selfreply" | "messages") {
            return Answer::refused(404);
        }
        let mut lines: Vec<usize> = (0..state.letters.len())
            .filter(|index| {
                let letter = &state.letters[*index];
                letter.owner == viewer && letter.created <= self.now && wanted(letter)
            })
            .collect();
        lines.sort_by_key(|index| std::cmp::Reverse((state.letters[*index].created, *index)));
        self.page(request, &lines.into_iter().map(Line::Letter).collect::<Vec<_>>())
    }

    fn history(&self, request: &Request, name: &str, what: &str) -> Answer {
        if !matches!(what, "overview" | "comments" | "submitted") || self.user(name).is_none() {
            return Answer::refused(404);
        }
        let own = self.viewer.is_some_and(|viewer| viewer.eq_ignore_ascii_case(name));
        if !own && self.state.account(name).is_some_and(|account| account.suspended) {
            return Answer::refused(403);
        }
        let mut lines: Vec<Line> = Vec::new();
        if what != "comments" {
            lines.extend(
                self.visible_posts(None)
                    .into_iter()
                    .filter(|index| self.state.posts[*index].author.eq_ignore_ascii_case(name))
                    .map(Line::Post),
            );
        }
        if what != "submitted" {
            let seen = |index: &usize| {
                let comment = &self.state.comments[*index];
                comment.author.eq_ignore_ascii_case(name) && !comment.marks.deleted && (own || !comment.marks.removed)
            };
            lines.extend(self.comments_newest_first().filter(seen).map(Line::Comment));
        }
        lines.sort_by_key(|line| std::cmp::Reverse(self.line_created(*line)));
        self.page(request, &lines)
    }
}
