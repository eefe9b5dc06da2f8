//! The handle that tests and the control endpoint hold: look into the world and change it.

use super::super::Error;
use super::{Kind, Marks, Post, SUBREDDITS, State, base36, subreddit};
use crate::base::{Clock, Millis};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The world, shared between the server and whoever watches it. Clones are the same world.
#[derive(Debug, Clone)]
pub struct World {
    state: Arc<Mutex<State>>,
    clock: Arc<dyn Clock>,
}

/// A post to be put into the world.
#[derive(Debug, Clone, Default)]
pub struct NewPost {
    /// The subreddit's name.
    pub subreddit: String,
    /// Who wrote it; a scripted person when empty.
    pub author: String,
    /// The title.
    pub title: String,
    /// The text of a self post.
    pub text: String,
    /// The target of a link post.
    pub url: Option<String>,
    /// How much later than now it appears, in milliseconds.
    pub delay: Millis,
}

/// A comment or post as it is stored, whether or not it is visible yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its fullname.
    pub id: String,
    /// The fullname of what it answers; empty for a post.
    pub parent: String,
    /// The fullname of the post that it belongs to or is.
    pub link: String,
    /// The subreddit's name.
    pub subreddit: String,
    /// The author as stored, also after deletion.
    pub author: String,
    /// The title; empty for a comment.
    pub title: String,
    /// The text as stored, also after deletion; the target of a link post.
    pub text: String,
    /// When it becomes or became visible.
    pub created: Millis,
    /// What was done to it.
    pub marks: Marks,
}

impl World {
    pub(in super::super) fn new(state: State, clock: Arc<dyn Clock>) -> Self {
        Self { state: Arc::new(Mutex::new(state)), clock }
    }

    pub(in super::super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The world's present moment.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    /// How many requests reached an endpoint, faulted ones included: `reddit:/api/comment`, `model:/api/v1/chat/completions`.
    #[must_use]
    pub fn requests(&self, endpoint: &str) -> u64 {
        self.lock().requests.get(endpoint).copied().unwrap_or(0)
    }

    /// All comments of an author in the order in which they were stored, late ones included.
    #[must_use]
    pub fn comments_by(&self, author: &str) -> Vec<Stored> {
        let state = self.lock();
        (0..state.comments.len())
            .filter(|index| state.comments[*index].author.eq_ignore_ascii_case(author))
            .map(|index| stored_comment(&state, index))
            .collect()
    }

    /// All posts of an author in the order in which they were stored, late ones included.
    #[must_use]
    pub fn posts_by(&self, author: &str) -> Vec<Stored> {
        let state = self.lock();
        (0..state.posts.len())
            .filter(|index| state.posts[*index].author.eq_ignore_ascii_case(author))
            .map(|index| stored_post(&state, index))
            .collect()
    }

    /// Every direct answer to a post or comment, late ones included.
    #[must_use]
    pub fn replies_to(&self, fullname: &str) -> Vec<Stored> {
        let state = self.lock();
        let replies = match state.find(fullname, Millis::MAX) {
            Some((Kind::Post, post)) => {
                state.posts[post].comments.iter().copied().filter(|index| state.comments[*index].parent.is_none()).collect()
            }
            Some((Kind::Comment, comment)) => state.comments[comment].children.clone(),
            _ => Vec::new(),
        };
        replies.into_iter().map(|index| stored_comment(&state, index)).collect()
    }

    /// The thing with this fullname, visible or not.
    #[must_use]
    pub fn get(&self, fullname: &str) -> Option<Stored> {
        let state = self.lock();
        match state.find(fullname, Millis::MAX)? {
            (Kind::Post, index) => Some(stored_post(&state, index)),
            (Kind::Comment, index) => Some(stored_comment(&state, index)),
            (Kind::Message, _) => None,
        }
    }

    /// The fullnames of the posts that can be seen and answered in a subreddit, the newest first.
    #[must_use]
    pub fn open_posts(&self, name: &str) -> Vec<String> {
        let (state, now) = (self.lock(), self.now());
        let wanted = subreddit(name);
        let open = |post: &&Post| Some(post.subreddit) == wanted && post.created <= now && post.marks == Marks::default();
        let found = state.post_order.iter().rev().map(|(_, _, index)| &state.posts[*index]).filter(open);
        found.map(|post| format!("t3_{}", base36(post.number))).collect()
    }

    /// Add a post; its fullname.
    pub fn add_post(&self, new: NewPost) -> Result<String, Error> {
        let index = subreddit(&new.subreddit)
            .ok_or_else(|| Error::World(format!("there is no subreddit \"{}\"; known: {}", new.subreddit, names())))?;
        if new.title.trim().is_empty() {
            return Err(Error::World("a post needs a title".into()));
        }
        let created = self.now().saturating_add(new.delay.max(0));
        let mut state = self.lock();
        let author = if new.author.is_empty() { "sbx_marlowe".to_owned() } else { new.author };
        let post = state.add_post(Post {
            number: 0,
            subreddit: index,
            author,
            title: new.title,
            text: new.text,
            url: new.url,
            flair: None,
            created,
            edited: None,
            score: 1,
            marks: Marks::default(),
            comments: Vec::new(),
        });
        Ok(state.name(Kind::Post, post))
    }

    /// `author` answers the post or comment `parent`; the reply's fullname.
    pub fn add_reply(&self, parent: &str, author: &str, text: &str) -> Result<String, Error> {
        self.add_late_reply(parent, author, text, 0)
    }

    /// The same, visible only after `delay` milliseconds: what a late commit looks like.
    pub fn add_late_reply(&self, parent: &str, author: &str, text: &str, delay: Millis) -> Result<String, Error> {
        let created = self.now().saturating_add(delay.max(0));
        let mut state = self.lock();
        let (post, comment) = match state.find(parent, Millis::MAX) {
            Some((Kind::Post, post)) => (post, None),
            Some((Kind::Comment, comment)) => (state.comments[comment].post, Some(comment)),
            _ => return Err(unknown(parent)),
        };
        let index = state.add_comment(post, comment, author, text, created);
        Ok(state.name(Kind::Comment, index))
    }

    /// Send a private message to an account; its fullname.
    pub fn add_message(&self, author: &str, to: &str, subject: &str, text: &str) -> String {
        let now = self.now();
        let mut state = self.lock();
        let index = state.add_message(author, to, subject, text, now);
        state.name(Kind::Message, index)
    }

    /// Lock a post or comment against replies.
    pub fn lock_thread(&self, fullname: &str) -> Result<(), Error> {
        self.mark(fullname, |marks| marks.locked = true)
    }

    /// Moderators remove a post or comment: its author still sees it, others do not.
    pub fn remove(&self, fullname: &str) -> Result<(), Error> {
        self.mark(fullname, |marks| marks.removed = true)
    }

    /// The author deletes a post or comment.
    pub fn delete(&self, fullname: &str) -> Result<(), Error> {
        self.mark(fullname, |marks| marks.deleted = true)
    }

    /// A post or comment becomes too old for replies.
    pub fn archive(&self, fullname: &str) -> Result<(), Error> {
        self.mark(fullname, |marks| marks.archived = true)
    }

    /// Take locks, removal and archiving back.
    pub fn restore(&self, fullname: &str) -> Result<(), Error> {
        self.mark(fullname, |marks| *marks = Marks { deleted: marks.deleted, ..Marks::default() })
    }

    /// Change the text of a post or comment as its author would.
    pub fn edit(&self, fullname: &str, text: &str) -> Result<(), Error> {
        let now = self.now();
        let mut state = self.lock();
        let (target, edited) = match state.find(fullname, Millis::MAX) {
            Some((Kind::Post, index)) => {
                let post = &mut state.posts[index];
                (&mut post.text, &mut post.edited)
            }
            Some((Kind::Comment, index)) => {
                let comment = &mut state.comments[index];
                (&mut comment.text, &mut comment.edited)
            }
            _ => return Err(unknown(fullname)),
        };
        text.clone_into(target);
        *edited = Some(now);
        Ok(())
    }

    /// Suspend an account or lift the suspension.
    pub fn suspend(&self, account: &str, suspended: bool) -> Result<(), Error> {
        let mut state = self.lock();
        let found = state.accounts.iter_mut().find(|known| known.name.eq_ignore_ascii_case(account));
        found.map(|found| found.suspended = suspended).ok_or_else(|| Error::World(format!("there is no account \"{account}\"")))
    }

    /// `user` and `account` cannot talk to each other any more.
    pub fn block(&self, account: &str, user: &str) -> Result<(), Error> {
        let mut state = self.lock();
        let found = state.accounts.iter_mut().find(|known| known.name.eq_ignore_ascii_case(account));
        let found = found.ok_or_else(|| Error::World(format!("there is no account \"{account}\"")))?;
        found.blocked.insert(user.to_lowercase());
        Ok(())
    }

    fn mark(&self, fullname: &str, change: impl FnOnce(&mut Marks)) -> Result<(), Error> {
        let mut state = self.lock();
        match state.find(fullname, Millis::MAX) {
            Some((Kind::Post, index)) => change(&mut state.posts[index].marks),
            Some((Kind::Comment, index)) => change(&mut state.comments[index].marks),
            _ => return Err(unknown(fullname)),
        }
        Ok(())
    }
}

fn unknown(fullname: &str) -> Error {
    Error::World(format!("there is no post or comment \"{fullname}\"; a fullname is t3_… or t1_…"))
}

fn names() -> String {
    SUBREDDITS.iter().map(|(name, _, _)| *name).collect::<Vec<_>>().join(", ")
}

fn stored_comment(state: &State, index: usize) -> Stored {
    let comment = &state.comments[index];
    let link = state.name(Kind::Post, comment.post);
    Stored {
        id: state.name(Kind::Comment, index),
        parent: comment.parent.map_or_else(|| link.clone(), |parent| state.name(Kind::Comment, parent)),
        link,
        subreddit: SUBREDDITS[state.posts[comment.post].subreddit].0.to_owned(),
        author: comment.author.clone(),
        title: String::new(),
        text: comment.text.clone(),
        created: comment.created,
        marks: comment.marks,
    }
}

fn stored_post(state: &State, index: usize) -> Stored {
    let post = &state.posts[index];
    let id = state.name(Kind::Post, index);
    Stored {
        link: id.clone(),
        id,
        parent: String::new(),
        subreddit: SUBREDDITS[post.subreddit].0.to_owned(),
        author: post.author.clone(),
        title: post.title.clone(),
        text: post.url.clone().unwrap_or_else(|| post.text.clone()),
        created: post.created,
        marks: post.marks,
    }
}
