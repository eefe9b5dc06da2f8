//! Pages of listings, and a post with the comments under it.

use super::things::{Comment, Post, comments};
use super::wire::Fields;
use serde_json::Value;

/// One page of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What it holds, in the listing's order.
    pub items: Vec<T>,
    /// Anchor of the next page; `None` when the listing ends here.
    pub after: Option<String>,
    /// Anchor of the page before.
    pub before: Option<String>,
    /// Fullname of the first thing, also when it was left out of `items`: the anchor for polling.
    pub newest: Option<String>,
}

impl<T> Page<T> {
    /// Whether the listing ends with this page: only then absence from it means anything.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.after.is_none()
    }

    /// The same page with only what `keep` turns into something.
    pub fn filter_map<U>(self, keep: impl FnMut(T) -> Option<U>) -> Page<U> {
        Page { items: self.items.into_iter().filter_map(keep).collect(), after: self.after, before: self.before, newest: self.newest }
    }
}

impl Page<Value> {
    /// A page from `{"kind": "Listing", "data": {…}}`; `None` when it is not one.
    #[must_use]
    pub fn from_value(value: &Value) -> Option<Self> {
        let data = value.get("data")?;
        let fields = Fields(data);
        let items = data.get("children")?.as_array()?.clone();
        let newest = items.first().and_then(|item| item.pointer("/data/name")).and_then(Value::as_str).map(str::to_owned);
        Some(Self { items, after: fields.filled("after"), before: fields.filled("before"), newest })
    }
}

/// A post with the comments under it, or under one of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Thread {
    /// The post.
    pub post: Option<Post>,
    /// The comments, with their replies.
    pub comments: Vec<Comment>,
    /// Whether there are comments at the top that did not come along.
    pub has_more: bool,
}

impl Thread {
    /// A thread from the list of two listings; `None` when it is not one.
    #[must_use]
    pub fn from_value(value: &Value) -> Option<Self> {
        let [post, rest] = value.as_array()?.as_slice() else { return None };
        let post = Page::from_value(post)?.items.first().and_then(|post| Post::from_data(post.get("data")?));
        Page::from_value(rest)?;
        let (comments, has_more) = comments(rest);
        Some(Self { post, comments, has_more })
    }

    /// The comment with this fullname, wherever it stands.
    #[must_use]
    pub fn find(&self, fullname: &str) -> Option<&Comment> {
        let mut waiting: Vec<&Comment> = self.comments.iter().collect();
        while let Some(comment) = waiting.pop() {
            if comment.fullname == fullname {
                return Some(comment);
            }
            waiting.extend(&comment.replies);
        }
        None
    }

    /// The direct replies to `parent` (a comment or the post), and whether that is all of them.
    #[must_use]
    pub fn replies_to(&self, parent: &str) -> Option<(&[Comment], bool)> {
        if self.post.as_ref().is_some_and(|post| post.fullname == parent) {
            return Some((&self.comments, !self.has_more));
        }
        self.find(parent).map(|comment| (comment.replies.as_slice(), !comment.has_more_replies))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn comment(id: &str, replies: Value) -> Value {
        json!({"kind": "t1", "data": {"id": id, "body": "x", "author": "someone", "replies": replies, "created_utc": 5.5}})
    }

    fn listing(children: Vec<Value>) -> Value {
        json!({"kind": "Listing", "data": {"children": children, "after": null}})
    }

    #[test]
    fn a_thread_tells_whether_all_replies_to_a_parent_came() {
        let more = json!({"kind": "more", "data": {"count": 4}});
        let inner = comment("b", listing(vec![comment("c", json!("")), more]));
        let post = json!({"kind": "t3", "data": {"id": "p", "author": "a"}});
        let thread = Thread::from_value(&json!([listing(vec![post]), listing(vec![inner])])).unwrap();
        let (replies, all) = thread.replies_to("t1_b").unwrap();
        assert_eq!((replies.len(), replies[0].fullname.as_str(), all), (1, "t1_c", false));
        assert!(thread.replies_to("t3_p").unwrap().1);
        assert_eq!(thread.find("t1_c").map(|comment| comment.created_utc), Some(5_500));
        assert!(thread.replies_to("t1_zzz").is_none());
    }

    proptest! {
        #[test]
        fn no_value_breaks_the_reading(text in "[\\[\\]{}\",:a-z0-9_ ]{0,80}") {
            let value: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
            let _ = (Page::from_value(&value), Thread::from_value(&value));
        }
    }
}
