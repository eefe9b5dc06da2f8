//! Threads: a post with the tree of its comments, and the comments that did not fit.

use super::super::exchange::{Answer, Request};
use super::super::world::{Kind, from_base36};
use super::places::gate;
use super::things::{Reader, listing};
use serde_json::{Value, json};

/// What is left to render of a thread.
struct Budget {
    left: usize,
    depth: usize,
    newest_first: bool,
}

impl Reader<'_> {
    /// A post with its comments: a list of two listings. `rest` is what follows the id: a slug and perhaps a comment.
    pub(super) fn thread(&self, request: &Request, id: &str, rest: &[&str]) -> Answer {
        let found = from_base36(id).and_then(|_| self.state.find(&format!("t3_{id}"), self.now));
        let Some((Kind::Post, post)) = found else { return Answer::refused(404) };
        if let Some(answer) = gate(self.state.posts[post].subreddit) {
            return answer;
        }
        let focus = rest.get(1).copied().or_else(|| Some(request.param("comment")).filter(|comment| !comment.is_empty()));
        let limit = request.param("limit").parse().map_or(200, |limit: usize| limit.clamp(1, 500));
        let depth = request.param("depth").parse().map_or(10, |depth: usize| depth.clamp(1, 10));
        let mut budget = Budget { left: limit, depth, newest_first: request.param("sort") == "new" };
        let roots = match focus {
            None => self.state.posts[post].comments.iter().copied().filter(|index| self.state.comments[*index].parent.is_none()).collect(),
            Some(focus) => match self.state.find(&format!("t1_{focus}"), self.now) {
                Some((Kind::Comment, index)) if self.state.comments[index].post == post => {
                    let context = request.param("context").parse().map_or(0, |context: usize| context.min(8));
                    let parents = std::iter::successors(Some(index), |index| self.state.comments[*index].parent);
                    vec![parents.take(context + 1).last().unwrap_or(index)]
                }
                _ => Vec::new(),
            },
        };
        let comments = self.branch(roots, 0, &mut budget, &self.state.name(Kind::Post, post));
        Answer::json(json!([listing(vec![self.post(post)], None, None), listing(comments, None, None)]))
    }

    /// Render comments with what hangs below them, as far as the budget goes; what does not fit becomes one `more`.
    fn branch(&self, mut roots: Vec<usize>, depth: usize, budget: &mut Budget, parent: &str) -> Vec<Value> {
        let order = |index: &usize| (self.state.comments[*index].created, self.state.comments[*index].number);
        roots.retain(|index| self.shows(*index));
        roots.sort_by_key(order);
        if budget.newest_first {
            roots.reverse();
        }
        let mut rendered = Vec::with_capacity(roots.len());
        for (position, index) in roots.iter().enumerate() {
            if budget.left == 0 || depth >= budget.depth {
                rendered.push(self.more(&roots[position..], depth, parent));
                break;
            }
            budget.left -= 1;
            let name = self.state.name(Kind::Comment, *index);
            let below = self.branch(self.state.comments[*index].children.clone(), depth + 1, budget, &name);
            let replies = if below.is_empty() { json!("") } else { listing(below, None, None) };
            rendered.push(self.comment(*index, replies, Some(depth)));
        }
        rendered
    }

    /// Whether a comment has its place in the thread: a deleted one only while something visible hangs below it.
    fn shows(&self, index: usize) -> bool {
        let comment = &self.state.comments[index];
        comment.created <= self.now && (!comment.marks.deleted || comment.children.iter().any(|child| self.shows(*child)))
    }

    fn more(&self, hidden: &[usize], depth: usize, parent: &str) -> Value {
        let ids: Vec<String> =
            hidden.iter().map(|index| self.state.name(Kind::Comment, *index).trim_start_matches("t1_").to_owned()).collect();
        let first = ids.first().cloned().unwrap_or_default();
        json!({"kind": "more", "data": {"count": ids.len(), "name": format!("t1_{first}"), "id": first, "parent_id": parent, "depth": depth, "children": ids}})
    }

    /// The comments behind a `more`, flat, as `/api/morechildren` gives them.
    pub(super) fn more_children(&self, request: &Request) -> Answer {
        let wanted = request.param("children").split(',').filter_map(|id| self.state.find(&format!("t1_{}", id.trim()), self.now));
        let mut things = Vec::new();
        for (_, index) in wanted.take(100) {
            if self.state.find(request.param("link_id"), self.now) == Some((Kind::Post, self.state.comments[index].post))
                && self.shows(index)
            {
                self.flatten(index, &mut things);
            }
        }
        Answer::json(json!({"json": {"errors": [], "data": {"things": things}}}))
    }

    fn flatten(&self, index: usize, things: &mut Vec<Value>) {
        let depth = std::iter::successors(self.state.comments[index].parent, |parent| self.state.comments[*parent].parent).count();
        things.push(self.comment(index, json!(""), Some(depth)));
        for child in self.state.comments[index].children.iter().filter(|child| self.shows(**child)) {
            self.flatten(*child, things);
        }
    }
}
