//! What several test files need; none needs all of it.
#![allow(dead_code)]

pub mod program;

use quarterdeck::moderation::screening::{ConsistencyResult, Outgoing, Surroundings, evaluate};
use quarterdeck::moderation::{DraftMetadata, Evaluation, NewItem, PostType};

/// Screening of a text that every check found consistent.
pub fn screened(content: &str) -> Evaluation {
    evaluate(Outgoing { title: None, content }, Surroundings { consistency: Some(&ConsistencyResult::NotNeeded), tainted: false })
}

/// A draft of a comment under `parent`, a post.
pub fn comment(parent: &str, content: &str) -> NewItem {
    NewItem {
        post_type: PostType::Comment,
        target_subreddit: "test".into(),
        parent_id: Some(parent.into()),
        thread_id: Some(parent.into()),
        parent_author: Some("reader".into()),
        title: None,
        content: content.into(),
        evaluation: screened(content),
        draft_metadata: DraftMetadata::default(),
        correlation_id: "test".into(),
    }
}
