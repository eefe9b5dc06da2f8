//! Everything that is read.

use super::client::Client;
use super::error::{Error, Result};
use super::listing::{Page, Thread};
use super::names;
use super::people::{Me, Message, SubredditRule};
use super::requirements::PostRequirements;
use super::things::{Comment, Post, Thing};
use serde_json::Value;

/// In which order a search answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SearchSort {
    /// Best fit first.
    Relevance,
    /// What is talked about now.
    Hot,
    /// Most points first.
    Top,
    /// Newest first.
    #[default]
    New,
    /// Most comments first.
    Comments,
}

impl SearchSort {
    fn as_str(self) -> &'static str {
        match self {
            Self::Relevance => "relevance",
            Self::Hot => "hot",
            Self::Top => "top",
            Self::New => "new",
            Self::Comments => "comments",
        }
    }
}

/// How far back a search looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeFilter {
    /// The last hour.
    Hour,
    /// The last day.
    Day,
    /// The last week.
    Week,
    /// The last month.
    Month,
    /// The last year.
    Year,
    /// Everything.
    #[default]
    All,
}

impl TimeFilter {
    fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
            Self::All => "all",
        }
    }
}

impl std::str::FromStr for TimeFilter {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        [Self::Hour, Self::Day, Self::Week, Self::Month, Self::Year, Self::All]
            .into_iter()
            .find(|filter| filter.as_str() == text)
            .ok_or_else(|| Error::invalid("time filter", "expected hour, day, week, month, year or all"))
    }
}

impl Client {
    /// Who we are, and whether the account is suspended.
    ///
    /// # Errors
    /// What keeps Reddit from answering; see [`Error`], for this and every other request.
    pub async fn me(&self) -> Result<Me> {
        const PATH: &str = "/api/v1/me";
        let value = self.get(PATH, &[]).await?;
        Me::from_value(&value).ok_or_else(|| Error::malformed("GET /api/v1/me", "no name in it: the token is not an account's"))
    }

    /// New posts of several subreddits in one request, newest first, without those whose author is gone.
    ///
    /// `before` is a fullname: only what is newer comes. When that post was deleted, the page stays empty for ever: after an empty page ask
    /// once without it. The next anchor is [`Page::newest`].
    ///
    /// # Errors
    /// See [`Client::me`]; [`Error::Invalid`] for a name, limit or anchor that cannot be.
    pub async fn new_posts(&self, subreddits: &[&str], limit: u32, before: Option<&str>) -> Result<Page<Post>> {
        const WHAT: &str = "new posts";
        if subreddits.is_empty() {
            return Err(Error::invalid(WHAT, "no subreddit given"));
        }
        for name in subreddits {
            names::subreddit(WHAT, name)?;
        }
        let mut query = vec![("limit", names::limit(WHAT, limit)?.to_string())];
        if let Some(before) = before {
            query.push(("before", names::fullname(WHAT, before, &["t3"])?.to_owned()));
        }
        self.posts(&format!("/r/{}/new", subreddits.join("+")), &query).await
    }

    /// Posts of a subreddit that fit a query, without those whose author is gone.
    ///
    /// # Errors
    /// See [`Client::new_posts`].
    pub async fn search(&self, subreddit: &str, query: &str, sort: SearchSort, time: TimeFilter, limit: u32) -> Result<Page<Post>> {
        const WHAT: &str = "search";
        if query.trim().is_empty() {
            return Err(Error::invalid(WHAT, "nothing to search for"));
        }
        let path = format!("/r/{}/search/", names::subreddit(WHAT, subreddit)?);
        let query = [
            ("limit", names::limit(WHAT, limit)?.to_string()),
            ("q", query.to_owned()),
            ("restrict_sr", "true".to_owned()),
            ("sort", sort.as_str().to_owned()),
            ("t", time.as_str().to_owned()),
        ];
        self.posts(&path, &query).await
    }

    async fn posts(&self, path: &str, query: &[(&str, String)]) -> Result<Page<Post>> {
        let page = self.page(path, query).await?;
        Ok(page.filter_map(|value| match Thing::from_value(&value) {
            Thing::Post(post) if !post.is_gone() => Some(*post),
            _ => None,
        }))
    }

    async fn page(&self, path: &str, query: &[(&str, String)]) -> Result<Page<Value>> {
        let value = self.get(path, query).await?;
        Page::from_value(&value).ok_or_else(|| Error::malformed(&format!("GET {path}"), "not a listing"))
    }

    /// Things by their fullnames, 100 a call. Ids that Reddit does not know are missing from the answer, whose order is Reddit's.
    ///
    /// # Errors
    /// See [`Client::new_posts`].
    pub async fn info(&self, fullnames: &[&str]) -> Result<Vec<Thing>> {
        for name in fullnames {
            names::fullname("info", name, &["t1", "t3", "t5"])?;
        }
        let mut things = Vec::with_capacity(fullnames.len());
        for part in fullnames.chunks(names::IDS_PER_CALL) {
            let page = self.page("/api/info", &[("id", part.join(","))]).await?;
            things.extend(page.items.iter().map(Thing::from_value));
        }
        Ok(things)
    }

    /// A post with its comments; with `comment` only that one and what stands under it.
    ///
    /// # Errors
    /// See [`Client::new_posts`].
    pub async fn comments(&self, post: &str, comment: Option<&str>, limit: u32) -> Result<Thread> {
        const WHAT: &str = "comments";
        let mut path = format!("/comments/{}/", names::id36(WHAT, post)?);
        if let Some(comment) = comment {
            path.push_str(&format!("_/{}", names::id36(WHAT, comment)?));
        }
        let query = [("limit", names::limit(WHAT, limit)?.to_string()), ("sort", "new".to_owned())];
        let value = self.get(&path, &query).await?;
        Thread::from_value(&value).ok_or_else(|| Error::malformed(&format!("GET {path}"), "not a list of two listings"))
    }

    /// Everything in the inbox, newest first.
    ///
    /// # Errors
    /// See [`Client::new_posts`].
    pub async fn inbox(&self, limit: u32) -> Result<Page<Message>> {
        self.messages("/message/inbox", limit).await
    }

    /// What is unread in the inbox; it stays unread.
    ///
    /// # Errors
    /// See [`Client::new_posts`].
    pub async fn unread(&self, limit: u32) -> Result<Page<Message>> {
        self.messages("/message/unread", limit).await
    }

    /// Comments that name us.
    ///
    /// # Errors
    /// See [`Client::new_posts`].
    pub async fn mentions(&self, limit: u32) -> Result<Page<Message>> {
        self.messages("/message/mentions", limit).await
    }

    async fn messages(&self, path: &str, limit: u32) -> Result<Page<Message>> {
        let query = [("limit", names::limit("inbox", limit)?.to_string()), ("mark", "false".to_owned())];
        Ok(self.page(path, &query).await?.filter_map(|value| Message::from_value(&value)))
    }

    /// What we posted and wrote, newest first. [`Page::is_last`] tells whether the listing ended.
    ///
    /// # Errors
    /// See [`Client::new_posts`].
    pub async fn own_overview(&self, limit: u32, after: Option<&str>) -> Result<Page<Thing>> {
        Ok(self.own("overview", limit, after).await?.filter_map(|value| Some(Thing::from_value(&value))))
    }

    /// Our comments, newest first.
    ///
    /// # Errors
    /// See [`Client::new_posts`].
    pub async fn own_comments(&self, limit: u32, after: Option<&str>) -> Result<Page<Comment>> {
        Ok(self.own("comments", limit, after).await?.filter_map(|value| Comment::from_data(value.get("data")?)))
    }

    /// Our posts, newest first, also those that were removed.
    ///
    /// # Errors
    /// See [`Client::new_posts`].
    pub async fn own_submitted(&self, limit: u32, after: Option<&str>) -> Result<Page<Post>> {
        Ok(self.own("submitted", limit, after).await?.filter_map(|value| Post::from_data(value.get("data")?)))
    }

    async fn own(&self, listing: &str, limit: u32, after: Option<&str>) -> Result<Page<Value>> {
        const WHAT: &str = "own history";
        let mut query = vec![("limit", names::limit(WHAT, limit)?.to_string()), ("sort", "new".to_owned())];
        if let Some(after) = after {
            query.push(("after", names::fullname(WHAT, after, &["t1", "t3"])?.to_owned()));
        }
        self.page(&format!("/user/{}/{listing}", self.username()), &query).await
    }

    /// The rules of a subreddit, in their order.
    ///
    /// # Errors
    /// See [`Client::new_posts`].
    pub async fn subreddit_rules(&self, subreddit: &str) -> Result<Vec<SubredditRule>> {
        let path = format!("/r/{}/about/rules", names::subreddit("rules", subreddit)?);
        let value = self.get(&path, &[]).await?;
        SubredditRule::list(&value).ok_or_else(|| Error::malformed(&format!("GET {path}"), "no list of rules"))
    }

    /// What a subreddit asks of a post; check it with [`PostRequirements::check`].
    ///
    /// # Errors
    /// See [`Client::new_posts`].
    pub async fn post_requirements(&self, subreddit: &str) -> Result<PostRequirements> {
        let path = format!("/api/v1/{}/post_requirements", names::subreddit("post requirements", subreddit)?);
        let value = self.get(&path, &[]).await?;
        PostRequirements::from_value(&value).ok_or_else(|| Error::malformed(&format!("GET {path}"), "no requirements"))
    }
}
