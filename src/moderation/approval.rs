//! What an approval binds to: exact bytes, target, account and rules. Pure.

use super::item::Item;
use super::screening::ENGINE_VERSION;
use super::state::PostType;
use crate::base::digest::sha256_parts;
use serde::Serialize;

/// How much of the world a deck may touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Read and draft, send nothing. The default.
    #[default]
    DryRun,
    /// Send to the sandbox on this machine, and nowhere else.
    Sandbox,
    /// Send to the real service.
    Live,
}

impl Mode {
    /// The word in settings and on the screen.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DryRun => "dry-run",
            Self::Sandbox => "sandbox",
            Self::Live => "live",
        }
    }
}

/// The rules that are in force: an approval given under others does not count.
///
/// The mode is part of them, so that what was approved in a dry run is not sent by switching to live.
#[must_use]
pub fn policy(mode: Mode) -> String {
    format!("{ENGINE_VERSION}/{}", mode.as_str())
}

/// The digest of what would be sent.
#[must_use]
pub fn digest(item: &Item, account: &str, policy: &str) -> String {
    sha256_parts(&[
        item.post_type.as_str().as_bytes(),
        item.target_subreddit.as_bytes(),
        item.parent_id.as_deref().unwrap_or_default().as_bytes(),
        item.title.as_deref().unwrap_or_default().as_bytes(),
        item.content.as_bytes(),
        &item.revision.to_be_bytes(),
        account.as_bytes(),
        policy.as_bytes(),
    ])
}

/// What sending would lack: found before approval, never after.
#[must_use]
pub fn missing(post_type: PostType, subreddit: &str, parent: Option<&str>, title: Option<&str>, content: &str) -> Option<String> {
    if content.trim().is_empty() {
        return Some("its text is empty".to_owned());
    }
    let (limit, unit) = if post_type == PostType::Post { (40_000, "post") } else { (10_000, "comment") };
    let length = content.chars().count();
    if length > limit {
        return Some(format!("its text has {length} characters, a {unit} may have {limit}"));
    }
    if post_type == PostType::Post {
        let title_length = title.map_or(0, |title| title.trim().chars().count());
        if title_length == 0 {
            return Some("it has no title".to_owned());
        }
        if title_length > 300 {
            return Some(format!("its title has {title_length} characters, 300 are allowed"));
        }
        return subreddit.trim().is_empty().then(|| "it names no subreddit".to_owned());
    }
    match parent {
        None | Some("") => Some("it has no parent to answer".to_owned()),
        Some(parent) if parent.starts_with("t1_") || parent.starts_with("t3_") => None,
        Some(parent) => Some(format!("its parent {parent:?} is neither a comment (t1_…) nor a post (t3_…)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let comment = |parent, content| missing(PostType::Comment, "test", parent, None, content);
        assert_eq!(comment(Some("t3_a"), "long enough"), None);
        assert_eq!(comment(None, "long enough").as_deref(), Some("it has no parent to answer"));
        assert!(comment(Some("x"), "long enough").is_some());
        assert_eq!(comment(Some("t1_a"), "  ").as_deref(), Some("its text is empty"));
        assert!(comment(Some("t1_a"), &"ä".repeat(10_001)).is_some_and(|text| text.contains("10001")));
        assert_eq!(missing(PostType::Post, "test", None, None, "text").as_deref(), Some("it has no title"));
        assert_eq!(missing(PostType::Post, "test", None, Some("Title"), &"ä".repeat(10_001)), None);
    }
}
