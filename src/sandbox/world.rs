//! The world: subreddits, posts, comments, messages and accounts, in memory, behind one lock.
//!
//! A thing exists for readers once the clock has reached its `created`. Arrivals, delayed replies and late commits are therefore plain
//! records with a time in the future: nothing has to wake up to make them appear.

mod handle;
mod stage;

pub use handle::{NewPost, Stored, World};

use super::script::{mix, reply};
use crate::base::Millis;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Which kind of thing a fullname names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `t1_`.
    Comment,
    /// `t3_`.
    Post,
    /// `t4_`.
    Message,
}

impl Kind {
    /// `t1`, `t3` or `t4`.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Comment => "t1",
            Self::Post => "t3",
            Self::Message => "t4",
        }
    }
}

/// Who may do what in a subreddit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody may read and post.
    Open,
    /// Everybody may read, nobody new may post.
    Restricted,
    /// Nobody may read.
    Private,
    /// Opt-in needed.
    Quarantined,
    /// No self posts.
    LinksOnly,
    /// No links, and requirements for titles and texts.
    Strict,
}

/// The subreddits: name, title, access. Every description says that it is the sandbox's.
pub const SUBREDDITS: &[(&str, &str, Access)] = &[
    ("test", "Testing ground", Access::Open),
    ("bottest", "Testing ground for bots", Access::Open),
    ("sandbox_science", "Evidence and experiments", Access::Open),
    ("sandbox_ai_safety", "Safe and aligned tools", Access::Open),
    ("sandbox_opensource", "Open source, people and code", Access::Open),
    ("sandbox_climate", "Climate, measured locally", Access::Open),
    ("sandbox_civics", "How we talk to each other", Access::Open),
    ("sandbox_statistics", "Statistics and forecasts", Access::Open),
    ("sandbox_privacy", "Privacy in practice", Access::Open),
    ("sandbox_skeptics", "Checking claims", Access::Open),
    ("sandbox_civictech", "Civic technology", Access::Open),
    ("sandbox_restricted", "Approved authors only", Access::Restricted),
    ("sandbox_private", "Members only", Access::Private),
    ("sandbox_quarantined", "Quarantined", Access::Quarantined),
    ("sandbox_links", "Links only", Access::LinksOnly),
    ("sandbox_strict", "Texts that meet requirements", Access::Strict),
];

/// The index of a subreddit by its name, whatever its case.
#[must_use]
pub fn subreddit(name: &str) -> Option<usize> {
    SUBREDDITS.iter().position(|(known, _, _)| known.eq_ignore_ascii_case(name))
}

/// A post.
#[derive(Debug, Clone)]
pub struct Post {
    pub(super) number: i64,
    pub(super) subreddit: usize,
    pub(super) author: String,
    pub(super) title: String,
    pub(super) text: String,
    pub(super) url: Option<String>,
    pub(super) flair: Option<String>,
    pub(super) created: Millis,
    pub(super) edited: Option<Millis>,
    pub(super) score: i64,
    pub(super) marks: Marks,
    /// Indices of all its comments.
    pub(super) comments: Vec<usize>,
}

/// A comment.
#[derive(Debug, Clone)]
pub struct Comment {
    pub(super) number: i64,
    pub(super) post: usize,
    pub(super) parent: Option<usize>,
    pub(super) author: String,
    pub(super) text: String,
    pub(super) created: Millis,
    pub(super) edited: Option<Millis>,
    pub(super) score: i64,
    pub(super) marks: Marks,
    pub(super) children: Vec<usize>,
}

/// What moderators, authors and time did to a thing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Marks {
    /// No new replies.
    pub locked: bool,
    /// Too old for replies.
    pub archived: bool,
    /// Taken away by moderators; its author still sees it.
    pub removed: bool,
    /// Deleted by its author.
    pub deleted: bool,
    /// Not safe for work.
    pub nsfw: bool,
    /// Hides a plot.
    pub spoiler: bool,
}

/// A private message.
#[derive(Debug, Clone)]
pub struct Message {
    pub(super) number: i64,
    pub(super) author: String,
    pub(super) to: String,
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) created: Millis,
}

/// Why something lies in an inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Somebody answered a comment.
    CommentReply,
    /// Somebody answered a post.
    PostReply,
    /// Somebody wrote `u/name`.
    Mention,
    /// A private message.
    Private,
}

/// Something in an account's inbox.
#[derive(Debug, Clone)]
pub struct Letter {
    /// The account in lower case.
    pub(super) owner: String,
    pub(super) reason: Reason,
    /// Index of the comment or the message.
    pub(super) index: usize,
    pub(super) created: Millis,
    pub(super) unread: bool,
}

/// An account that can log in.
#[derive(Debug, Clone)]
pub struct Account {
    pub(super) name: String,
    pub(super) password: String,
    pub(super) suspended: bool,
    /// Users in lower case that the account cannot talk to.
    pub(super) blocked: HashSet<String>,
}

/// Everything behind the lock.
#[derive(Debug)]
pub struct State {
    pub(super) seed: u64,
    pub(super) start: Millis,
    /// Time after which somebody answers an account, in milliseconds; `None`: nobody answers by himself.
    pub(super) answers_after: Option<Millis>,
    pub(super) posts: Vec<Post>,
    pub(super) comments: Vec<Comment>,
    pub(super) messages: Vec<Message>,
    pub(super) letters: Vec<Letter>,
    pub(super) accounts: Vec<Account>,
    pub(super) numbers: HashMap<(Kind, i64), usize>,
    /// Posts and comments by (created, number): reading backwards gives the newest first.
    pub(super) post_order: BTreeSet<(Millis, i64, usize)>,
    pub(super) comment_order: BTreeSet<(Millis, i64, usize)>,
    /// Requests seen, by `service:path`.
    pub(super) requests: BTreeMap<String, u64>,
}

impl State {
    /// A number for a thing made at `created` that nothing else of its kind has. It grows with time, as the real ones do.
    fn number(&self, kind: Kind, created: Millis) -> i64 {
        // The three starting points make ids of the length of today's: 1sc4xhc, o2d01q8, 2mfqwe1.
        let first = match kind {
            Kind::Post => 3_913_000_000,
            Kind::Comment => 53_200_000_000,
            Kind::Message => 5_700_000_000,
        };
        let mut number = first + (created - self.start).clamp(-30_000_000_000, 30_000_000_000_000) / 100;
        while self.numbers.contains_key(&(kind, number)) {
            number += 1;
        }
        number
    }

    pub(super) fn account(&self, name: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.name.eq_ignore_ascii_case(name))
    }

    /// The index of the thing with this fullname, if it exists by `now`.
    pub(super) fn find(&self, fullname: &str, now: Millis) -> Option<(Kind, usize)> {
        let (prefix, id) = fullname.trim().split_once('_')?;
        let kind = [Kind::Comment, Kind::Post, Kind::Message].into_iter().find(|kind| kind.prefix() == prefix)?;
        let index = *self.numbers.get(&(kind, from_base36(id)?))?;
        let created = match kind {
            Kind::Comment => self.comments[index].created,
            Kind::Post => self.posts[index].created,
            Kind::Message => self.messages[index].created,
        };
        (created <= now).then_some((kind, index))
    }

    pub(super) fn name(&self, kind: Kind, index: usize) -> String {
        let number = match kind {
            Kind::Comment => self.comments[index].number,
            Kind::Post => self.posts[index].number,
            Kind::Message => self.messages[index].number,
        };
        format!("{}_{}", kind.prefix(), base36(number))
    }

    /// Store a post. Its number and order come from `created`.
    pub(super) fn add_post(&mut self, mut post: Post) -> usize {
        let index = self.posts.len();
        post.number = self.number(Kind::Post, post.created);
        self.numbers.insert((Kind::Post, post.number), index);
        self.post_order.insert((post.created, post.number, index));
        self.posts.push(post);
        index
    }

    /// Store a comment under `parent` (a comment) or else directly under `post`, and put it into the inboxes where it belongs.
    pub(super) fn add_comment(&mut self, post: usize, parent: Option<usize>, author: &str, text: &str, created: Millis) -> usize {
        let index = self.comments.len();
        let number = self.number(Kind::Comment, created);
        self.numbers.insert((Kind::Comment, number), index);
        self.comment_order.insert((created, number, index));
        self.posts[post].comments.push(index);
        if let Some(parent) = parent {
            self.comments[parent].children.push(index);
        }
        let (author, text) = (author.to_owned(), text.to_owned());
        self.comments.push(Comment {
            number,
            post,
            parent,
            author,
            text,
            created,
            edited: None,
            score: 1,
            marks: Marks::default(),
            children: Vec::new(),
        });
        self.deliver(index);
        index
    }

    fn deliver(&mut self, index: usize) {
        let comment = &self.comments[index];
        let (addressee, reason) = match comment.parent {
            Some(parent) => (&self.comments[parent].author, Reason::CommentReply),
            None => (&self.posts[comment.post].author, Reason::PostReply),
        };
        let text = comment.text.to_lowercase();
        let mut letters = Vec::new();
        for account in self.accounts.iter().filter(|account| !account.name.eq_ignore_ascii_case(&comment.author)) {
            let owner = account.name.to_lowercase();
            let reason = if account.name.eq_ignore_ascii_case(addressee) {
                reason
            } else if mentions(&text, &owner) {
                Reason::Mention
            } else {
                continue;
            };
            letters.push(Letter { owner, reason, index, created: comment.created, unread: true });
        }
        self.letters.extend(letters);
    }

    /// Put a private message into `to`'s inbox.
    pub(super) fn add_message(&mut self, author: &str, to: &str, subject: &str, text: &str, created: Millis) -> usize {
        let index = self.messages.len();
        let number = self.number(Kind::Message, created);
        self.numbers.insert((Kind::Message, number), index);
        let [author, to, subject, text] = [author, to, subject, text].map(str::to_owned);
        self.letters.push(Letter { owner: to.to_lowercase(), reason: Reason::Private, index, created, unread: true });
        self.messages.push(Message { number, author, to, subject, text, created });
        index
    }

    /// Somebody of the script answers what an account wrote: two times out of three, and only where answers are switched on.
    pub(super) fn provoke(&mut self, post: usize, comment: Option<usize>, account: &str, created: Millis) {
        let Some(after) = self.answers_after else { return };
        let name = comment.map_or_else(|| self.name(Kind::Post, post), |index| self.name(Kind::Comment, index));
        let chance = mix(self.seed, &["provoked", &name]);
        if !chance.is_multiple_of(3) {
            let (author, text) = reply(self.seed, &name, account);
            let patience = i64::try_from(chance / 3 % 3 + 1).unwrap_or(1);
            self.add_comment(post, comment, author, &text, created + after * patience);
        }
    }

    /// How many comments of a post a reader sees by `now`.
    pub(super) fn comment_count(&self, post: usize, now: Millis) -> usize {
        let counts = |index: &&usize| self.comments.get(**index).is_some_and(|comment| comment.created <= now && !comment.marks.deleted);
        self.posts[post].comments.iter().filter(counts).count()
    }
}

/// Whether `text` (lower case) names `u/account` as a whole word.
fn mentions(text: &str, account: &str) -> bool {
    text.match_indices("u/").any(|(at, _)| {
        let before = text[..at].chars().next_back().is_none_or(|character| !character.is_alphanumeric());
        let after = text[at + 2..].strip_prefix(account);
        before
            && after.is_some_and(|rest| {
                !rest.starts_with(|character: char| character.is_alphanumeric() || character == '_' || character == '-')
            })
    })
}

/// A number in base 36, lower case.
#[must_use]
pub fn base36(number: i64) -> String {
    let mut digits = Vec::new();
    let mut rest = number.unsigned_abs();
    loop {
        digits.push(char::from_digit((rest % 36) as u32, 36).unwrap_or('0'));
        rest /= 36;
        if rest == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

/// A base-36 number; `None` when it is none or too large.
#[must_use]
pub fn from_base36(text: &str) -> Option<i64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then(|| i64::from_str_radix(text, 36).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_the_round_trip() {
        for number in [0, 35, 36, 3_913_000_000, 53_200_000_000] {
            assert_eq!(from_base36(&base36(number)), Some(number));
        }
        assert_eq!(base36(3_913_000_000).len(), 7);
        assert_eq!(base36(53_200_000_000).len(), 7);
        assert_eq!(from_base36("-1"), None);
        assert_eq!(from_base36(""), None);
        assert_eq!(from_base36("zzzzzzzzzzzzzzzzzzz"), None);
    }

    #[test]
    fn a_mention_is_a_whole_name() {
        assert!(mentions("hello /u/demo!", "demo"));
        assert!(!mentions("hello u/demonstration", "demo"));
        assert!(!mentions("menu/demo", "demo"));
    }
}
