//! The case of a golden item: from a file or from a past item, and made ready for the queue under names that exist nowhere. No I/O.

use super::draw;
use crate::moderation::draft::{DraftMetadata, ThreadEntry};
use crate::moderation::error::{Error, Result};
use crate::moderation::evaluation::{Evaluation, Verdict};
use crate::moderation::item::Item;
use crate::moderation::screening::{self, ConsistencyResult, Outgoing, Surroundings};
use crate::moderation::state::PostType;
use serde::Deserialize;

/// Everything of an item that its nature does not depend on.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Comment or reply. A post of our own has nothing that it answers, and so nothing that could be gone.
    pub post_type: PostType,
    /// Where it would go, without `r/`.
    pub target_subreddit: String,
    /// What it answers.
    pub parent_id: String,
    /// Who wrote that.
    pub parent_author: Option<String>,
    /// The draft.
    pub content: String,
    /// What screening said of it.
    pub evaluation: Evaluation,
    /// The thread and whatever else comes with a draft.
    pub metadata: DraftMetadata,
}

/// A case as people write it down, in TOML.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    subreddit: String,
    title: String,
    #[serde(default)]
    post: String,
    author: String,
    #[serde(default)]
    comment: Option<String>,
    #[serde(default)]
    comment_author: Option<String>,
    #[serde(default)]
    reply: bool,
    #[serde(default)]
    tainted: bool,
    draft: String,
}

fn invalid(found: String, expected: &str) -> Error {
    Error::Invalid { what: "the golden case", found, expected: expected.to_owned() }
}

impl Case {
    /// A case from a file: `subreddit`, `title`, `post` and `author` of the post; `comment` and `comment_author` where a comment is answered;
    /// `reply = true` where that one answers us; `tainted = true` where the text tries to instruct its reader; and `draft`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is no such file, and for a draft that is blocked.
    pub fn from_toml(text: &str) -> Result<Self> {
        let expected = "a file with subreddit, title, post, author, draft, and comment with comment_author where a comment is answered";
        let written: Written = toml::from_str(text).map_err(|error| invalid(error.message().to_owned(), expected))?;
        if written.draft.trim().is_empty()
            || written.subreddit.trim().is_empty()
            || written.comment.is_some() != written.comment_author.is_some()
        {
            return Err(invalid("incomplete".to_owned(), expected));
        }
        // Names of the right form; each use of the case has its own.
        let mut thread = vec![ThreadEntry {
            fullname: "t3_aaaaaaa".to_owned(),
            author: written.author.clone(),
            title: Some(written.title),
            body: written.post,
            permalink: None,
        }];
        let (mut parent_author, mut depth) = (written.author, 0);
        if let Some((body, author)) = written.comment.zip(written.comment_author) {
            thread.push(ThreadEntry { fullname: "t1_aaaaaaa".to_owned(), author: author.clone(), title: None, body, permalink: None });
            (parent_author, depth) = (author, 1);
        }
        let evaluation = screening::evaluate(
            Outgoing { title: None, content: &written.draft },
            Surroundings { consistency: Some(&ConsistencyResult::NotNeeded), tainted: written.tainted },
        );
        let parent = thread.last().cloned().unwrap_or_default();
        Self {
            post_type: if written.reply { PostType::Reply } else { PostType::Comment },
            target_subreddit: written.subreddit.trim().trim_start_matches("r/").to_owned(),
            parent_id: parent.fullname.clone(),
            parent_author: Some(parent_author),
            content: written.draft,
            evaluation,
            metadata: DraftMetadata {
                parent_digest: Some(ThreadEntry::digest(parent.title.as_deref(), &parent.body)),
                thread,
                conversation_depth: depth,
                tainted: written.tainted,
                ..DraftMetadata::default()
            },
        }
        .checked()
    }

    /// The case of a past item, as it stands.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a post of our own and for a blocked draft.
    pub fn from_item(item: &Item) -> Result<Self> {
        let parent_id = item.parent_id.clone().filter(|_| item.post_type != PostType::Post);
        let parent_id = parent_id.ok_or_else(|| invalid("a post of our own".to_owned(), "a comment or a reply"))?;
        let metadata = DraftMetadata { auto_posted: false, belief_changes_applied: None, ..item.draft_metadata.clone() };
        Self {
            post_type: item.post_type,
            target_subreddit: item.target_subreddit.clone(),
            parent_id,
            parent_author: item.parent_author.clone(),
            content: item.content.clone(),
            evaluation: item.evaluation.clone(),
            metadata,
        }
        .checked()
    }

    fn checked(self) -> Result<Self> {
        if self.evaluation.verdict == Verdict::Block {
            let expected = "a draft that a person may decide about: this one is blocked by a rule, so it shows nothing about a reviewer";
            return Err(invalid(self.evaluation.summary(), expected));
        }
        Ok(self)
    }

    /// The same case under names of things that do not exist, drawn for this one use. So it stands in the way of nothing real, a mute of its
    /// thread would reach nobody, and a request for it would find nothing.
    #[must_use]
    pub fn under_other_names(mut self, salt: &str, one_use: &str) -> Self {
        let parent = self.parent_id.clone();
        let known: Vec<String> = self.metadata.thread.iter().map(|entry| entry.fullname.clone()).chain([parent]).collect();
        for name in known {
            let Some((kind, id)) = name.split_once('_') else { continue };
            let other = format!("{kind}_{}", other_id(salt, one_use, id));
            for entry in &mut self.metadata.thread {
                if let Some(link) = &mut entry.permalink {
                    *link = link.replace(id, &other[kind.len() + 1..]);
                }
                if entry.fullname == name {
                    entry.fullname.clone_from(&other);
                }
            }
            if self.parent_id == name {
                self.parent_id = other;
            }
        }
        self
    }

    /// The post that the thread hangs on.
    #[must_use]
    pub fn thread_id(&self) -> Option<String> {
        let top = self.metadata.thread.first().map(|entry| entry.fullname.as_str()).filter(|name| name.starts_with("t3_"));
        top.or(Some(self.parent_id.as_str()).filter(|name| name.starts_with("t3_"))).map(str::to_owned)
    }
}

/// An id of the same length and alphabet.
fn other_id(salt: &str, one_use: &str, id: &str) -> String {
    const DIGITS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut left = draw(salt, one_use, id, u64::MAX);
    let drawn = |left: &mut u64| {
        let digit = DIGITS.get((*left % 36) as usize).copied().unwrap_or(b'x');
        *left /= 36;
        char::from(digit)
    };
    // The first character tells how young it is: that stays.
    id.char_indices().map(|(at, character)| if at == 0 { character } else { drawn(&mut left) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "subreddit = 'r/rivers'\ntitle = 'Why?'\npost = 'Because.'\nauthor = 'ann'\ncomment = 'Really?'\ncomment_author = 'ben'\n\
                        draft = 'A harmless remark about rivers.'";

    #[test]
    fn a_file_becomes_a_case_and_a_wrong_one_says_what_is_missing() {
        let case = Case::from_toml(FILE).unwrap();
        assert_eq!((case.target_subreddit.as_str(), case.parent_author.as_deref()), ("rivers", Some("ben")));
        assert_eq!((case.metadata.thread.len(), case.thread_id().as_deref()), (2, Some("t3_aaaaaaa")));
        for wrong in ["", "draft = 3", "subreddit = 'a'\ntitle = 'b'\nauthor = 'c'\ndraft = 'd'\nextra = 1"] {
            assert!(Case::from_toml(wrong).unwrap_err().to_string().contains("subreddit"), "{wrong}");
        }
        let blocked = FILE.replace("A harmless remark about rivers.", "win the lottery");
        assert!(Case::from_toml(&blocked).unwrap_err().to_string().contains("blocked"));
    }

    #[test]
    fn no_real_name_is_left_and_each_use_has_its_own() {
        let mut case = Case::from_toml(FILE).unwrap();
        case.metadata.thread[0].permalink = Some("/r/rivers/comments/aaaaaaa/why/".into());
        let [one, two] = ["1", "2"].map(|one_use| case.clone().under_other_names("salt", one_use));
        assert_ne!(one.parent_id, two.parent_id);
        assert_eq!(one.parent_id, one.metadata.thread[1].fullname);
        assert_eq!(one.parent_id.len(), case.parent_id.len());
        assert!(one.parent_id.starts_with("t1_a"));
        let names: Vec<&str> = one.metadata.thread.iter().map(|entry| entry.fullname.as_str()).collect();
        assert!(!names.contains(&"t3_aaaaaaa") && !names.contains(&"t1_aaaaaaa"), "{names:?}");
        assert!(!one.metadata.thread[0].permalink.as_deref().unwrap().contains("aaaaaaa"));
        assert_eq!(one, case.clone().under_other_names("salt", "1"));
    }
}
