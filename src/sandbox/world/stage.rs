//! Setting the stage: the world as it is when the curtain rises, and what is going to arrive.

use super::super::script::{PostState, post};
use super::{Account, Marks, Post, State};
use crate::base::Millis;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

const MINUTE: Millis = 60_000;
const DAY: Millis = 24 * 60 * MINUTE;
/// How far back the posts of the start reach: less than the day after which agents drop posts as too old.
const SPAN: Millis = 20 * 60 * MINUTE;

impl State {
    /// A world with `posts` posts: all there at the start, or one third of them and then one `every` so often.
    pub(in super::super) fn stage(seed: u64, posts: usize, every: Option<Duration>, accounts: &[(String, String)], start: Millis) -> Self {
        let every = every.map(|every| i64::try_from(every.as_millis()).unwrap_or(DAY).clamp(1, DAY));
        let accounts = accounts
            .iter()
            .map(|(name, password)| Account { name: name.clone(), password: password.clone(), suspended: false, blocked: HashSet::new() })
            .collect::<Vec<_>>();
        let mut state = Self {
            seed,
            start,
            answers_after: every,
            posts: Vec::with_capacity(posts),
            comments: Vec::new(),
            messages: Vec::new(),
            letters: Vec::new(),
            accounts,
            numbers: HashMap::new(),
            post_order: BTreeSet::new(),
            comment_order: BTreeSet::new(),
            requests: BTreeMap::new(),
        };
        let at_start = if every.is_some() { posts.div_ceil(3) } else { posts };
        for number in 0..posts {
            let (index, count) = (number as Millis, at_start as Millis);
            let created = match every {
                Some(every) if number >= at_start => start + (index - count + 1) * every,
                _ => start - MINUTE / 2 - (count - 1 - index) * (SPAN / count.max(1)).min(20 * MINUTE),
            };
            state.play(number, created, every);
        }
        for index in 0..state.accounts.len() {
            let to = state.accounts[index].name.clone();
            let text = "This account lives in the sandbox: nothing you write here reaches the real service.";
            state.add_message("sandbox", &to, "Welcome to the sandbox", text, start - MINUTE);
        }
        state
    }

    fn play(&mut self, number: usize, created: Millis, every: Option<Millis>) {
        let scripted = post(self.seed, number);
        let created = if scripted.state == PostState::Archived { created.min(self.start) - 200 * DAY } else { created };
        let is = |state| scripted.state == state;
        let index = self.add_post(Post {
            number: 0,
            subreddit: super::subreddit(scripted.subreddit).unwrap_or(0),
            author: scripted.author.to_owned(),
            title: scripted.title,
            text: scripted.text,
            url: scripted.url,
            flair: scripted.flair.map(str::to_owned),
            created,
            edited: None,
            score: scripted.score,
            marks: Marks {
                locked: is(PostState::Locked),
                archived: is(PostState::Archived),
                removed: is(PostState::Removed),
                deleted: is(PostState::Deleted),
                nsfw: is(PostState::Nsfw),
                spoiler: false,
            },
            comments: Vec::new(),
        });
        // The comments of a post that is there at the start were made before it; those of an arriving post follow at its pace.
        let pace = match every {
            Some(every) if created > self.start => every / 2 + 1,
            _ => ((self.start - created) / 8).clamp(1, 7 * MINUTE),
        };
        let mut made: Vec<usize> = Vec::new();
        for (order, comment) in scripted.comments.iter().enumerate() {
            let at = created + pace * (order as Millis + 1);
            let parent = comment.parent.and_then(|parent| made.get(parent).copied());
            let stored = self.add_comment(index, parent, comment.author, &comment.text, at);
            self.comments[stored].score = comment.score;
            made.push(stored);
        }
    }
}
