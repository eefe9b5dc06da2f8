//! Reading a case: the item with everything that a decision about it rests on.

use crate::base::{Millis, PersonaId};
use crate::llm::calls::{self, Call};
use crate::memory::stances::{self, Stance};
use crate::moderation::screening::ConsistencyResult;
use crate::moderation::{self, Item, item, policies};
use crate::store::Conn;
use crate::store::audit::{self, Record};
use std::collections::BTreeMap;

/// Bytes of one entry of the thread that are shown: more than Reddit lets anybody write.
const MOST_OF_AN_ENTRY: usize = 40_000;
/// Entries of the thread that are shown, the newest.
const MOST_ENTRIES: usize = 50;
/// Rows of the history that are shown, the newest.
const MOST_HISTORY: usize = 100;

/// An item with everything around it.
#[derive(Debug, Clone)]
pub(in crate::console) struct Case {
    pub account: String,
    pub item: Item,
    pub revisions: Vec<item::Revision>,
    pub history: Vec<Record>,
    pub rules: Vec<String>,
    pub resembles: Option<(String, Millis)>,
    /// The calls of models that made it, oldest first.
    pub calls: Vec<Call>,
    /// The stances in force of the beliefs that it touches, by the belief's id.
    pub stances: BTreeMap<String, Stance>,
}

/// Read it.
pub(super) fn read(c: &mut dyn Conn, persona: &PersonaId, id: &str) -> moderation::Result<Case> {
    let mut item = item::load(c, persona, id)?;
    let earlier = item.evaluation.hits.iter().find(|hit| hit.rule_id == "near_duplicate").and_then(|hit| hit.evidence.as_deref());
    let resembles = earlier.map_or(Ok(None), |evidence| moderation::rules::resembled(c, persona, evidence))?;
    let policy = policies::get(c, &item.target_subreddit)?;
    let mut history = audit::history(c, "pending_post", id)?;
    history.drain(..history.len().saturating_sub(MOST_HISTORY));
    let mut stances = BTreeMap::new();
    for belief in beliefs(&item) {
        if let Some(stance) = stances::in_force(c, persona, &belief)? {
            stances.insert(belief, stance);
        }
    }
    let mut calls = calls::correlated(c, &item.correlation_id)?;
    calls.retain(|call| call.persona_id.as_deref().is_none_or(|whose| whose == persona.as_str()));
    shorten(&mut item);
    Ok(Case {
        account: crate::memory::personas::get(c, persona)?.reddit_username,
        revisions: item::revisions(c, persona, id)?,
        history,
        rules: policy.map(|policy| policy.names_for(item.post_type).map(str::to_owned).collect()).unwrap_or_default(),
        resembles,
        calls,
        stances,
        item,
    })
}

/// The beliefs that an item leans on, contradicts or would change.
fn beliefs(item: &Item) -> Vec<String> {
    let metadata = &item.draft_metadata;
    let mut ids: Vec<String> = metadata.beliefs.iter().map(|belief| belief.belief_id.clone()).collect();
    ids.extend(metadata.belief_proposals.updates.iter().map(|update| update.belief_id.clone()));
    if let Some(ConsistencyResult::Inconsistent { conflicts, .. }) = &metadata.consistency {
        ids.extend(conflicts.iter().map(|conflict| conflict.belief_id.clone()));
    }
    ids.sort_unstable();
    ids.dedup();
    ids.truncate(100);
    ids
}

/// Other people's texts may be of any length; the screen has to answer all the same. The draft itself is never cut.
fn shorten(item: &mut Item) {
    let thread = &mut item.draft_metadata.thread;
    let left_out = thread.len().saturating_sub(MOST_ENTRIES);
    if left_out > 0 {
        // The post at the top stays.
        thread.drain(1..=left_out);
    }
    for entry in thread {
        if entry.body.len() > MOST_OF_AN_ENTRY {
            let all = entry.body.len();
            entry.body.truncate(entry.body.floor_char_boundary(MOST_OF_AN_ENTRY));
            let cut = all - entry.body.len();
            entry.body.push_str(&format!("\n({cut} more bytes are not shown)"));
        }
        if let Some(title) = &mut entry.title {
            title.truncate(title.floor_char_boundary(1_000));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_and_the_newest_of_a_long_thread_stay() {
        let mut thread: Vec<moderation::ThreadEntry> =
            (0..120).map(|number| moderation::ThreadEntry { body: number.to_string(), ..Default::default() }).collect();
        thread[119].body = "ä".repeat(1 << 20);
        let mut item: Item = crate::console::queue::testing::item("text");
        item.draft_metadata.thread = thread;
        shorten(&mut item);
        let kept = &item.draft_metadata.thread;
        assert_eq!((kept.len(), kept[0].body.as_str(), kept[1].body.as_str()), (MOST_ENTRIES, "0", "71"));
        assert!(kept[49].body.len() < 41_000 && kept[49].body.contains("more bytes are not shown"));
    }
}
